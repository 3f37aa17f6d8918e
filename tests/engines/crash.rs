//! Processes that are killed while they write: what was acknowledged is there, and nothing is half.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use kvs_core::env::{Random, SystemRandom};
use kvs_core::{Durability, RowKind};
use kvs_tests::{Engine, journal};
use tempfile::tempdir;

/// How often a process is killed, each time in the same folder.
const ROUNDS: usize = 6;

async fn loses_nothing_acknowledged(engine: Engine) {
    let folder = tempdir().unwrap();
    let mut last = 0;
    for round in 0..ROUNDS {
        let durability = [Durability::Interval, Durability::Os, Durability::Always][round % 3];
        let acknowledged = write_and_kill(engine, folder.path(), durability);
        let store = engine.open(folder.path()).unwrap();
        let found = journal::check(&store.rows(RowKind::Plain)).await.unwrap();
        assert!(
            found >= acknowledged && acknowledged > last,
            "round {round}, {durability:?}: {acknowledged} was acknowledged, {found} is there"
        );
        last = found;
    }
}

/// Kills a writer after some acknowledgements and gives the last of them.
fn write_and_kill(engine: Engine, folder: &Path, durability: Durability) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kvs-tests-child"))
        .args(["write", engine.name()])
        .arg(folder)
        .arg(format!("{durability:?}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        // A line that was cut off by the kill was not said.
        line.strip_suffix('\n').map(|number| number.parse::<u64>().unwrap())
    };
    let mut last = 0;
    for _ in 0..1 + SystemRandom.next_u64() % 300 {
        last = next().expect("the writer goes on until it is killed");
    }
    child.kill().unwrap();
    while let Some(number) = next() {
        last = number;
    }
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
    last
}

each_engine!(loses_nothing_acknowledged);
