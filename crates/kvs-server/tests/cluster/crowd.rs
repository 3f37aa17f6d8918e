//! A thousand callers of one entity whose owner stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use redis::cmd;

use crate::client::Client;
use crate::cluster::Cluster;
use crate::{PATIENCE, until};

const CALLERS: usize = 1_000;
const FEED: &str = "cup/crowd";
/// How much more memory a node may take because of them.
#[cfg(target_os = "linux")]
const MEMORY_MIB_MAX: u64 = 256;

/// What a caller was told.
enum Told {
    /// The number of its entry.
    Added(u64),
    NotApplied,
    Unknown,
}

#[test]
fn a_crowd_before_an_owner_that_stands_still_is_answered() {
    let mut cluster = Cluster::start(3, &[]);
    let doors = cluster.doors();
    let mut told = BTreeMap::new();
    // One after the other, so that the owner is among them; then more than a majority can do without.
    for frozen in [&[0][..], &[1], &[2], &[0, 1]] {
        let awake: Vec<_> = (0..3).filter(|n| !frozen.contains(n)).collect();
        let doors: Vec<_> = awake.iter().map(|n| doors[*n]).collect();
        #[cfg(target_os = "linux")]
        let before: Vec<_> = awake.iter().map(|n| cluster[*n].memory_mib()).collect();
        frozen.iter().for_each(|n| cluster[*n].freeze());
        let callers = call(&doors, &format!("{frozen:?}"));
        for door in &doors {
            // Others are served meanwhile.
            let answer: String = redis::Client::open(format!("redis://{door}"))
                .and_then(|redis| redis.get_connection_with_timeout(PATIENCE))
                .and_then(|mut connection| cmd("PING").query(&mut connection))
                .unwrap();
            assert_eq!(answer, "PONG");
        }
        let answers = callers.into_iter().map(|(value, stream)| (value, answer(stream)));
        let answers: Vec<_> = answers.collect();
        #[cfg(target_os = "linux")]
        for (n, before) in awake.iter().zip(before) {
            let now = cluster[*n].memory_mib();
            assert!(now < before + MEMORY_MIB_MAX, "n{n}: {now} MiB, {before} MiB before");
        }
        if frozen.len() > 1 {
            let added = answers.iter().any(|(_, told)| matches!(told, Told::Added(_)));
            assert!(!added, "an entry without a majority");
        }
        told.extend(answers);
        frozen.iter().for_each(|n| cluster[*n].thaw());
        cluster.wait_for_all();
        // What was under way is done, or comes to nothing.
        let mut client = Client::new(doors[0]);
        until(
            || "the feed takes no entries".to_owned(),
            || {
                let value = format!("after {frozen:?}");
                let added = client.call(cmd("FEED.ADD").arg(FEED).arg(value));
                matches!(added, kvs_check::history::Outcome::Ok(0_u64..)).then_some(())
            },
        );
    }
    is_as_told(&entries(doors[0]), &told);
    cluster.is_unharmed();
}

/// Has all of them call at once.
fn call(doors: &[SocketAddr], round: &str) -> Vec<(String, TcpStream)> {
    let callers = (0..CALLERS).map(|n| {
        let mut stream = TcpStream::connect(doors[n % doors.len()]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let value = format!("{round}/{n}");
        let length = value.len();
        write!(stream, "*3\r\n$8\r\nFEED.ADD\r\n$9\r\n{FEED}\r\n${length}\r\n{value}\r\n").unwrap();
        (value, stream)
    });
    callers.collect()
}

fn answer(stream: TcpStream) -> Told {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    match line.trim_end().split_at(1) {
        (":", number) => Told::Added(number.parse().unwrap()),
        ("-", error) if error.starts_with("UNAVAILABLE not applied: ") => Told::NotApplied,
        ("-", error) if error.starts_with("UNKNOWN it may have been applied: ") => Told::Unknown,
        _ => panic!("no clear answer: {line:?}"),
    }
}

/// All entries, by their numbers.
fn entries(door: SocketAddr) -> BTreeMap<u64, String> {
    let mut client = Client::new(door);
    let entries = until(
        || "the feed can't be read".to_owned(),
        || match client.call::<Vec<(u64, String)>>(cmd("FEED.ALL").arg(FEED)) {
            kvs_check::history::Outcome::Ok(entries) => Some(entries),
            _ => None,
        },
    );
    entries.into_iter().collect()
}

fn is_as_told(entries: &BTreeMap<u64, String>, told: &BTreeMap<String, Told>) {
    assert!(entries.keys().copied().eq(1..=entries.len() as u64), "{entries:?}");
    let values: BTreeSet<_> = entries.values().collect();
    for (value, told) in told {
        match told {
            Told::Added(number) => assert_eq!(entries.get(number), Some(value)),
            Told::NotApplied => assert!(!values.contains(value), "{value} was not applied"),
            Told::Unknown => {}
        }
    }
    let added = told.values().filter(|told| matches!(told, Told::Added(_))).count();
    assert!(added > 0, "nothing was added at all");
}
