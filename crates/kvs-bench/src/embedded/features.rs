//! Feeds, sorted sets and leaderboards.

use std::ops::Range;

use futures_util::TryStreamExt;
use kvs::{Backend, Kvs, Value};
use kvs_core::RowKind;
use kvs_core::codec::ordered;
use kvs_core::format::envelope::{Envelope, OVERHEAD};
use kvs_core::format::stored_key;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::open;
use super::rows::shuffled;
use crate::Result;
use crate::measure::{Speed, in_turns, time};
use crate::raw::{self, Engine, Raw};
use crate::report::Report;

/// Elements of the sorted sets.
const ELEMENTS: u64 = 100_000;
/// Members of the small leaderboard; the large one has as many as there are keys.
const FEW_MEMBERS: u64 = 1_000;
/// Updates and ranks that are timed.
const QUESTIONS: u64 = 20_000;

/// Measures feeds of `n` entries, sorted sets, and leaderboards of up to `n` members.
pub(super) fn measure(runtime: &Runtime, backend: Backend, n: u64, report: &mut Report) -> Result {
    let (raw_folder, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let raw = raw::open(Engine::under(backend), raw_folder.path())?;
    let kvs = open(runtime, backend, folder.path())?;
    feeds(runtime, &*raw, &kvs, n, report)?;
    sorted_sets(runtime, &*raw, &kvs, report)?;
    leaderboards(runtime, &kvs, n, report)
}

/// An entry of some 100 bytes.
#[derive(Serialize, Deserialize)]
struct Post {
    player: u64,
    text: String,
}

impl Post {
    fn new(i: u64) -> Self {
        Self { player: i, text: format!("{i:090}") }
    }
}

fn feeds(runtime: &Runtime, raw: &dyn Raw, kvs: &Kvs, n: u64, report: &mut Report) -> Result {
    let feed = kvs.feed::<Post>("feed");
    let stored = |clustering: &[u8]| stored_key::encode(RowKind::Entity, b"feed", clustering);
    // The same two rows that the feed writes: its header and the entry.
    let header = Envelope::new(&[0x07; 20]).encode();
    let entry_key = |i: u64| stored(&[&[0x10], (u64::MAX - i).to_be_bytes().as_slice()].concat());
    let add_raw = |entries: Range<u64>| {
        entries.into_iter().try_for_each(|i| {
            let entry = Envelope::new(&Post::new(i).to_bytes()?).encode();
            raw.batch(&[(stored(&[]), header.clone()), (entry_key(i), entry)])
        })
    };
    let add = |entries: Range<u64>| {
        runtime.block_on(async {
            for i in entries {
                feed.add(&Post::new(i)).await?;
            }
            Ok(())
        })
    };
    let (theirs, ours) = in_turns(n, add_raw, add)?;
    report.compare("feed add", ("raw batch", theirs), ours, Some(0.7));

    let all_raw = |passes: Range<u64>| {
        for _ in passes {
            let mut players = 0;
            raw.each(&stored(&[0x10]), &mut |_, value| {
                let value = value.get(OVERHEAD..).unwrap_or_default();
                players += Post::from_bytes(value)?.player;
                Ok(())
            })?;
            check(players, n)?;
        }
        Ok(())
    };
    let all = |passes: Range<u64>| {
        runtime.block_on(async {
            for _ in passes {
                let mut players = 0;
                let mut entries = feed.all(None);
                while let Some(entry) = entries.try_next().await? {
                    players += entry.value.player;
                }
                check(players, n)?;
            }
            Ok(())
        })
    };
    let (theirs, ours) = in_turns(READINGS, all_raw, all)?;
    let name = format!("feed all, {n} entries");
    report.compare(&name, ("raw iterator", theirs), ours, Some(0.7));
    Ok(())
}

/// How often whole feeds and sets are read.
const READINGS: u64 = 20;

/// The sum of `0..n` shows that every row was read.
fn check(sum: u64, n: u64) -> Result {
    if sum == n * (n - 1) / 2 { Ok(()) } else { Err(format!("read a sum of {sum}").into()) }
}

fn sorted_sets(runtime: &Runtime, raw: &dyn Raw, kvs: &Kvs, report: &mut Report) -> Result {
    let insert = |set: &'static str, element: fn(u64) -> u64| {
        let set = kvs.sorted::<u64>(set);
        move |elements: Range<u64>| {
            runtime.block_on(async {
                for i in elements {
                    set.insert(&element(i)).await?;
                }
                Ok(())
            })
        }
    };
    let random = insert("random", spread);
    let (theirs, ours) = in_turns(ELEMENTS, random, insert("ascending", |i| i))?;
    report.compare("sorted insert, ascending", ("random order", theirs), ours, Some(1.0));

    // The same rows that the two sets have written, so that both sides read from as many tables.
    let header = Envelope::new(&[0x07; 20]).encode();
    let insert_raw = |set: &[u8], element: u64| -> Result {
        let row = [&[0x10, 0x00], ordered::to_bytes(&element)?.as_slice()].concat();
        let stored = |clustering: &[u8]| stored_key::encode(RowKind::Entity, set, clustering);
        raw.batch(&[(stored(&row), Envelope::new(&[]).encode()), (stored(&[]), header.clone())])
    };
    for i in 0..ELEMENTS {
        insert_raw(b"ascending", i)?;
        insert_raw(b"random", spread(i))?;
    }
    let prefix = stored_key::encode(RowKind::Entity, b"ascending", &[0x10, 0x00]);
    let flatten_raw = |passes: Range<u64>| {
        for _ in passes {
            let mut sum = 0;
            raw.each(&prefix, &mut |key, _| {
                let element = key.get(prefix.len()..).unwrap_or_default();
                sum += ordered::from_bytes::<u64>(element)?;
                Ok(())
            })?;
            check(sum, ELEMENTS)?;
        }
        Ok(())
    };
    let set = kvs.sorted::<u64>("ascending");
    let flatten = |passes: Range<u64>| {
        runtime.block_on(async {
            for _ in passes {
                let mut sum = 0;
                let mut elements = set.flatten();
                while let Some(element) = elements.try_next().await? {
                    sum += element;
                }
                check(sum, ELEMENTS)?;
            }
            Ok(())
        })
    };
    let (theirs, ours) = in_turns(READINGS, flatten_raw, flatten)?;
    let name = format!("sorted flatten, {ELEMENTS} elements");
    report.compare(&name, ("raw iterator", theirs), ours, Some(0.7));
    Ok(())
}

/// Ascending numbers in random order.
fn spread(i: u64) -> u64 {
    i.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn leaderboards(runtime: &Runtime, kvs: &Kvs, n: u64, report: &mut Report) -> Result {
    let filled = |name: String, members: u64| -> Result<(Board<'_>, Speed)> {
        let board = Board { runtime, board: kvs.leaderboard(name), members };
        let speed = time(members, |members| board.set(members, |i| (i, shuffled(i, 1 << 40))))?;
        Ok((board, speed))
    };
    let (small, _) = filled("small".to_owned(), FEW_MEMBERS)?;
    let (large, loading) = filled("large".to_owned(), n)?;
    report.speed(&format!("leaderboard load, {n} members"), loading);

    let few = format!("{FEW_MEMBERS} members");
    let update = |members| move |i| (shuffled(i, members), shuffled(i + 1, 1 << 40));
    let (on_few, on_many) =
        in_turns(QUESTIONS, |i| small.set(i, update(FEW_MEMBERS)), |i| large.set(i, update(n)))?;
    report.compare(&format!("leaderboard update, {n} members"), (&few, on_few), on_many, None);

    let (on_few, on_many) = in_turns(QUESTIONS, |i| small.rank(i), |i| large.rank(i))?;
    let name = format!("leaderboard rank, {n} members");
    report.compare(&name, (&few, on_few), on_many, Some(1.0 / 3.0));
    Ok(())
}

struct Board<'a> {
    runtime: &'a Runtime,
    board: kvs::Leaderboard<u64>,
    members: u64,
}

impl Board<'_> {
    fn set(&self, questions: Range<u64>, change: impl Fn(u64) -> (u64, u64)) -> Result {
        self.runtime.block_on(async {
            for i in questions {
                let (member, score) = change(i);
                self.board.set(&member, score as f64).await?;
            }
            Ok(())
        })
    }

    fn rank(&self, questions: Range<u64>) -> Result {
        self.runtime.block_on(async {
            for i in questions {
                self.board.rank(&shuffled(i, self.members)).await?;
            }
            Ok(())
        })
    }
}
