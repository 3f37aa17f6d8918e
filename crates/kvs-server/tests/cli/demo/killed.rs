//! Killed in the middle of loading.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Shown, record};
use crate::store::{Store, backends, ended, files_below};

const DIVISIONS: usize = 3;
const TEAMS: usize = 20;

/// Matches of three divisions over many seasons.
fn records(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            let round = n / (DIVISIONS * TEAMS / 2);
            let division = n % DIVISIONS;
            let [home, away] =
                [n, n + 1 + round % (TEAMS - 1)].map(|n| format!("Team {division}-{}", n % TEAMS));
            let (year, month, day) = (1900 + round / 336, 1 + round / 28 % 12, 1 + round % 28);
            let date = format!("{year}-{month:02}-{day:02}");
            let score = (n % 97 != 0).then_some([(n % 5) as u32, (n % 3) as u32]);
            record(&date, &format!("Division {division}"), [&home, &away], score)
        })
        .collect()
}

/// Bytes on disk below a folder. What is set aside for a file but not written doesn't count.
fn bytes_below(folder: &Path) -> u64 {
    let metadata = files_below(folder).into_iter().filter_map(|file| file.metadata().ok());
    metadata.map(|metadata| metadata.len().min(512 * metadata.blocks())).sum()
}

/// Starts to load, and kills that once the folder has grown by so many bytes.
fn load_and_kill(load: &mut Command, folder: &Path, growth: u64) {
    let until = bytes_below(folder) + growth;
    let mut child = load.spawn().unwrap();
    while bytes_below(folder) < until {
        assert_eq!(child.try_wait().unwrap(), None, "all was loaded in less than {until} bytes");
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "all was loaded before it could be killed");
}

#[test]
fn a_load_that_was_killed_goes_on_and_doubles_nothing() {
    let store = Store::new();
    for backend in backends() {
        // A file for each row is slow.
        let count = if backend == "fs" { 300 } else { 20_000 };
        let file = store.write("matches.json", serde_json::to_vec(&records(count)).unwrap());
        let count = count as u64;
        let demo = |folder, args: &[&str]| {
            let demo =
                ["--json", "--backend", backend, "--data-dir", folder, "demo", "--file", &file];
            store.command(demo.into_iter().chain(args.iter().copied()))
        };
        let (clean, killed) = (format!("{backend}-clean"), format!("{backend}-killed"));
        let shown = Shown::of(ended(demo(&clean, &[]).spawn().unwrap()));
        assert_eq!(shown.loaded(), [count, count, 3 * count], "{backend}");

        let bytes = bytes_below(&store.path(&clean));
        for _ in 0..3 {
            load_and_kill(&mut demo(&killed, &[]), &store.path(&killed), bytes / 8);
        }
        let [found, loaded, entries] =
            Shown::of(ended(demo(&killed, &[]).spawn().unwrap())).loaded();
        assert!(
            found == count && 0 < loaded && entries < 3 * count,
            "{backend}: {loaded} {entries}"
        );

        for team in ["Team 0-0", "Team 1-7", "Team 2-19"] {
            let [clean, killed] = [&clean, &killed].map(|folder| {
                let shown = Shown::of(ended(demo(folder, &["--team", team]).spawn().unwrap()));
                assert_eq!(shown.loaded(), [count, 0, 0], "{backend}");
                shown.0[1..].to_vec()
            });
            assert_eq!(clean, killed, "{backend} {team}");
        }
        for feed in ["division/Division 0", "division/Division 2", "team/Team 0-0", "team/Team 1-7"]
        {
            let [clean, killed] = [&clean, &killed]
                .map(|folder| store.run(["feed", "len", feed, "--data-dir", folder]).done().out);
            assert_eq!(clean, killed, "{backend} {feed}");
        }
    }
}
