//! Settings: where they come from, and which are refused.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

/// The settings of a command line, with a file of this content.
fn settings(args: &[&str], file: Option<&str>) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kvs.toml");
    let mut all = vec!["kvs", "serve"];
    all.extend(args);
    if let Some(content) = file {
        std::fs::write(&path, content).unwrap();
        all.extend(["--config", path.to_str().unwrap()]);
    }
    let cli = Cli::try_parse_from(all).map_err(|error| error.to_string())?;
    let Command::Serve(options) = cli.command else { panic!("{cli:?}") };
    let complete = options.with_store(cli.store).complete().map_err(|error| error.to_string())?;
    Settings::new(complete).map_err(|error| error.to_string())
}

#[test]
fn without_anything_said_defaults_hold() {
    let settings = settings(&[], None).unwrap();
    assert_eq!(settings.rpc_addr.to_string(), "127.0.0.1:4343");
    assert_eq!(settings.resp_addr.to_string(), "127.0.0.1:6380");
    assert_eq!(settings.http_addr.to_string(), "127.0.0.1:8343");
    assert_eq!((settings.advertise_addr, settings.quorum), (None, None));
    assert_eq!(
        (settings.buckets, settings.virtual_nodes, settings.hash_length),
        (None, None, None)
    );
    assert_eq!(settings.gather_timeout.to_string(), "3000ms");
    assert!(!settings.node_name.is_empty());
}

#[test]
fn flags_come_before_the_file() {
    let file = r#"
        data-dir = "elsewhere"
        durability = "always"
        resp-addr = "127.0.0.1:7000"
        http-addr = "127.0.0.1:7001"
        join = ["a:1", "b:2"]
        quorum = "3,2,2"
        gather-timeout = "500ms"
        allow-weak-quorum = true
        log-format = "json"
        redis-strings = "ring"
    "#;
    let args = ["--resp-addr", "127.0.0.1:8000", "--data-dir", "here", "--join", "c:3,d:4"];
    let settings = settings(&args, Some(file)).unwrap();
    assert_eq!(settings.data_dir.to_str(), Some("here"));
    assert_eq!(settings.resp_addr.port(), 8000);
    assert_eq!(settings.http_addr.port(), 7001);
    assert_eq!(settings.join, ["c:3", "d:4"]);
    assert_eq!(settings.quorum.unwrap().to_string(), "3,2,2");
    assert_eq!(settings.gather_timeout.to_string(), "500ms");
    assert!(settings.allow_weak_quorum);
    let json: serde_json::Value = serde_json::from_str(&settings.as_json()).unwrap();
    assert_eq!(json["durability"], "always");
    assert_eq!(json["log_format"], "json");
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let cases: [(&[&str], Option<&str>, &str); 20] = [
        (&[], Some("resp-adr = \"127.0.0.1:1\""), "resp-adr"),
        (&[], Some("buckets = \"many\""), "buckets"),
        (&[], Some("quorum = \"3\""), "like 3,2,2"),
        (&[], Some("backend = \"tape\""), "tape"),
        (&["--config", "none.toml"], None, "none.toml can't be read"),
        (&["--quorum", "3,1,1"], None, "--allow-weak-quorum"),
        (&["--quorum", "2,3,1"], None, "W must be 1 to N"),
        (&["--buckets", "0"], None, "--buckets, --hash-length: "),
        (&["--hash-length", "65"], None, "--hash-length"),
        (&["--weight", "0"], None, "--weight"),
        (&["--redis-strings", "paper"], None, "paper"),
        (&["--cluster-name", ""], None, "--cluster-name"),
        (&["--join", "nowhere"], None, "--join: \"nowhere\" isn't host:port"),
        (&["--advertise-addr", ":1"], None, "--advertise-addr"),
        (&["--gather-timeout", "3"], None, "isn't a time"),
        (&["--read-lease", "5m"], None, "100ms to 1m"),
        (&["--tls-cert", "a.pem"], None, "go together"),
        (&["--resp-addr", "0.0.0.0:6380"], None, "--password-file"),
        (&["--http-addr", "[::]:8343"], None, "--password-file"),
        (&["--rpc-addr", "192.0.2.1:4343"], None, "--cluster-key-file"),
    ];
    for (args, file, expected) in cases {
        let problem = settings(args, file).unwrap_err();
        assert!(problem.contains(expected), "{args:?} {file:?}: {problem}");
    }
    let open = ["--resp-addr", "0.0.0.0:1", "--password-file", "p", "--rpc-addr", "0.0.0.0:2"];
    let open = settings(&[&open[..], &["--cluster-key-file", "k"]].concat(), None);
    assert!(open.is_ok(), "{open:?}");
    assert!(settings(&["--allow-weak-quorum", "--quorum", "3,1,1"], None).is_ok());
}
