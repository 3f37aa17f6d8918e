//! Nodes that must not join: each is told why, and the cluster goes on.

use tempfile::TempDir;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::load::Written;
use crate::node::Node;
use crate::secured::write;
use crate::until;

const KEY: &str = "--cluster-key-file";

/// Starts a node, which has to end by itself, and say this.
#[track_caller]
fn ends(node: &mut Node, expected: &[&str]) {
    node.spawn();
    let code = node.ended().code();
    let log = node.log();
    assert!(matches!(code, Some(1 | 2)), "{code:?}:\n{log}");
    // What a person sees last.
    let told = log.lines().last().unwrap_or_default();
    for expected in expected {
        assert!(told.contains(expected), "{told:?} does not say {expected:?}\n{log}");
    }
}

/// Starts a node, which has to say this, and may try again.
#[track_caller]
fn is_told(node: &mut Node, expected: &str) {
    node.spawn();
    until(
        || format!("{} does not say {expected:?}:\n{}", node.name, node.log()),
        || node.log().contains(expected).then_some(()),
    );
    if node.runs() {
        node.kill();
    } else {
        assert_eq!(node.ended().code(), Some(1));
    }
}

fn secured(folder: TempDir, count: usize) -> (Cluster, String) {
    let key = write(folder.path(), "key", "the key of this cluster\n");
    let flags = vec![KEY.to_owned(), key.clone(), "--cluster-name".to_owned(), "league".to_owned()];
    (Cluster::start_with(folder, count, |_, _| flags.clone()), key)
}

#[test]
fn strangers_do_not_join() {
    let (mut cluster, key) = secured(TempDir::new().unwrap(), 3);
    let other = write(cluster.folder(), "other", "the key of another cluster\n");
    let league = ["--cluster-name", "league"];

    let mut keyless = cluster.newcomer("keyless", &league);
    is_told(&mut keyless, "handshake");
    let mut wrong_key = cluster.newcomer("wrong-key", &[&league[..], &[KEY, &other]].concat());
    is_told(&mut wrong_key, "key");
    let mut wrong_name = cluster.newcomer("wrong-name", &[KEY, &key, "--cluster-name", "cup"]);
    is_told(&mut wrong_name, "league");
    // Both sides say it.
    let told = cluster[0].log();
    assert!(told.contains("cup") && told.contains("key"), "{told}");
    cluster.is_unharmed();

    // A member with another name, as after a mistake in a script.
    cluster[1].terminate();
    let flags = cluster[1].flags.clone();
    let named = |name: &str| flags.iter().map(|flag| flag.replace("league", name)).collect();
    cluster[1].flags = named("cup");
    ends(&mut cluster[1], &["league", "cup", "data folder"]);
    cluster[1].flags = named("league");
    cluster[1].start();
    cluster.is_unharmed();
}

#[test]
fn settings_that_are_not_the_clusters_are_refused() {
    let mut cluster = Cluster::start(3, &[]);
    for (flags, expected) in [
        (["--quorum", "3,3,1"], ["quorum", "3,2,2", "3,3,1"]),
        (["--buckets", "512"], ["buckets", "1024", "512"]),
        (["--virtual-nodes", "64"], ["virtual nodes", "128", "64"]),
        (["--hash-length", "16"], ["hash length", "32", "16"]),
        // Rules that no cluster changes.
        (["--quorum", "3,1,1"], ["--quorum", "3,1,1", "--allow-weak-quorum"]),
        (["--rpc-addr", "0.0.0.0:0"], ["--rpc-addr", "0.0.0.0:0", KEY]),
        (["--resp-addr", "0.0.0.0:0"], ["--resp-addr", "0.0.0.0:0", "--password-file"]),
    ] {
        let mut node =
            cluster.newcomer(flags.concat().replace([':', ','], "-").trim_start_matches('-'), &[]);
        match flags[0] {
            "--rpc-addr" => node.rpc_addr(flags[1].parse().unwrap()),
            "--resp-addr" => node.resp_addr(flags[1].parse().unwrap()),
            _ => node.flags.extend(flags.map(str::to_owned)),
        }
        ends(&mut node, &expected);
        cluster.is_unharmed();
    }
}

#[test]
fn an_address_has_one_node() {
    let mut cluster = Cluster::start(3, &[]);
    let taken = cluster[1].addresses().rpc;

    let mut second = cluster.newcomer("second", &[]);
    second.rpc_addr(taken);
    ends(&mut second, &[&taken.to_string()]);

    let mut impostor = cluster.newcomer("impostor", &["--advertise-addr", &taken.to_string()]);
    ends(&mut impostor, &[&taken.to_string(), "is the address of"]);
    cluster.is_unharmed();

    let written = Written::fill(&mut Client::new(cluster.doors()[0]), "k", 20, 100);
    written.is_read_through(&cluster.doors());

    // One data folder has one process, too.
    let mut twin = cluster.newcomer("twin", &[]);
    twin.data.clone_from(&cluster[1].data);
    ends(&mut twin, &["data folder"]);
    cluster.is_unharmed();
}
