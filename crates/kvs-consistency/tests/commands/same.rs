//! Whether a handle is local or remote, it answers the same and leaves the same rows.

use std::ops::Bound;
use std::sync::Arc;

use futures_util::TryStreamExt;
use kvs_consistency::{Condition, Executor};
use kvs_core::RowKind;
use kvs_core::codec::Raw;
use kvs_feed::Eid;
use proptest::prelude::*;

use crate::{Place, block_on};

#[derive(Clone, Debug)]
enum Op {
    Add(String),
    RemoveEntry(u64),
    RemoveAfter(u64),
    ClearFeed,
    CleanFeed,
    Insert(i16, String),
    RemoveElement(i16, String),
    ClearSet,
    CleanSet,
    Score(u8, f64),
    AddScore(u8, f64),
    RemoveMember(u8),
    ClearBoard,
    CleanBoard,
    Set(String, u8),
    Take,
    Swap(Option<String>, Option<String>),
    Count(i64),
    CountDecimal(i64),
    Create(u8),
    Append(u8, Vec<u8>),
    Put(u8, Vec<u8>),
    Copy(u8, u8),
    DeleteFile(u8),
    CleanFiles,
}

fn op() -> impl Strategy<Value = Op> {
    let text = || "[ab\0]{0,3}";
    let eid = || 0..12_u64;
    let (member, file) = (|| 0..6_u8, || 0..3_u8);
    let bytes = || prop::collection::vec(any::<u8>(), 0..1_500);
    let score = || prop_oneof![(-3..3_i8).prop_map(f64::from), Just(f64::NAN), Just(f64::MAX)];
    let count = || prop_oneof![-5..5_i64, Just(i64::MAX)];
    prop_oneof![
        text().prop_map(Op::Add),
        text().prop_map(Op::Add),
        eid().prop_map(Op::RemoveEntry),
        eid().prop_map(Op::RemoveAfter),
        Just(Op::ClearFeed),
        Just(Op::CleanFeed),
        (any::<i16>(), text()).prop_map(|(n, text)| Op::Insert(n % 3, text)),
        (any::<i16>(), text()).prop_map(|(n, text)| Op::RemoveElement(n % 3, text)),
        Just(Op::ClearSet),
        Just(Op::CleanSet),
        (member(), score()).prop_map(|(member, score)| Op::Score(member, score)),
        (member(), score()).prop_map(|(member, score)| Op::AddScore(member, score)),
        member().prop_map(Op::RemoveMember),
        Just(Op::ClearBoard),
        Just(Op::CleanBoard),
        (text(), 0..3_u8).prop_map(|(text, condition)| Op::Set(text, condition)),
        Just(Op::Take),
        (prop::option::of(text()), prop::option::of(text())).prop_map(|(a, b)| Op::Swap(a, b)),
        count().prop_map(Op::Count),
        count().prop_map(Op::CountDecimal),
        file().prop_map(Op::Create),
        (file(), bytes()).prop_map(|(file, bytes)| Op::Append(file, bytes)),
        (file(), bytes()).prop_map(|(file, bytes)| Op::Put(file, bytes)),
        (file(), file()).prop_map(|(from, to)| Op::Copy(from, to)),
        file().prop_map(Op::DeleteFile),
        Just(Op::CleanFiles),
    ]
}

/// What a call gave, to be compared.
fn show<T: std::fmt::Debug, E: std::fmt::Display>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {error}"),
    }
}

async fn run(place: &Place, op: Op) -> String {
    let Executors { feed, set, board, register, counter, decimal, files } = handles(place);
    match op {
        Op::Add(text) => show(feed.add(&text).await),
        Op::RemoveEntry(eid) => show(feed.remove(Eid(eid)).await),
        Op::RemoveAfter(eid) => show(feed.remove_after(Eid(eid)).await),
        Op::ClearFeed => show(feed.clear().await),
        Op::CleanFeed => show(feed.cleanup().await),
        Op::Insert(n, text) => show(set.insert(&(n, text)).await),
        Op::RemoveElement(n, text) => show(set.remove(&(n, text)).await),
        Op::ClearSet => show(set.clear().await),
        Op::CleanSet => show(set.cleanup().await),
        Op::Score(member, score) => show(board.set(&member.to_string(), score).await),
        Op::AddScore(member, delta) => show(board.add(&member.to_string(), delta).await),
        Op::RemoveMember(member) => show(board.remove(&member.to_string()).await),
        Op::ClearBoard => show(board.clear().await),
        Op::CleanBoard => show(board.cleanup().await),
        Op::Set(text, condition) => {
            let conditions = [Condition::Always, Condition::IfAbsent, Condition::IfPresent];
            show(register.replace_if(&text, conditions[usize::from(condition)]).await)
        }
        Op::Take => show(register.take().await),
        Op::Swap(expected, new) => {
            show(register.compare_and_set(expected.as_ref(), new.as_ref()).await)
        }
        Op::Count(by) => show(counter.increment(by).await),
        Op::CountDecimal(by) => show(decimal.increment_decimal(by).await),
        Op::Create(file) => show(files.create(&file.to_string()).await),
        Op::Append(file, bytes) => show(files.append_bytes(&file.to_string(), &bytes).await),
        Op::Put(file, bytes) => show(files.put_bytes(&file.to_string(), &bytes).await),
        Op::Copy(from, to) => show(files.copy(&from.to_string(), &to.to_string()).await),
        Op::DeleteFile(file) => show(files.delete(&file.to_string()).await),
        Op::CleanFiles => show(files.cleanup().await),
    }
}

struct Executors {
    feed: kvs_consistency::Feed<String>,
    set: kvs_consistency::SortedSet<(i16, String)>,
    board: kvs_consistency::Leaderboard<String>,
    register: kvs_consistency::Register<String>,
    counter: kvs_consistency::Counter,
    decimal: kvs_consistency::Register<Raw>,
    files: kvs_core::file::Files,
}

fn handles(place: &Place) -> Executors {
    let entities: &Executor = &place.entities;
    let chunks = Arc::new(place.store.rows(RowKind::Chunk));
    let files = entities.files("files", chunks, place.env.clone()).chunk_bytes(1_024).unwrap();
    Executors {
        feed: entities.feed("feed"),
        set: entities.sorted("set"),
        board: entities.leaderboard("board"),
        register: entities.register("register"),
        counter: entities.register("counter"),
        decimal: entities.register("decimal"),
        files,
    }
}

/// All that can be read.
async fn read(place: &Place) -> Vec<String> {
    let Executors { feed, set, board, register, counter, decimal, files } = handles(place);
    let mut all = Vec::new();
    for name in ["feed", "set", "board", "register", "counter", "files", "none"] {
        all.push(show(place.entities.type_of(name).await));
    }
    all.push(show(feed.all(None).try_collect::<Vec<_>>().await));
    all.push(show(feed.head().await));
    all.push(show(feed.len().await));
    for eid in (0..14).map(Eid) {
        all.push(show(feed.get(eid).await));
        all.push(show(feed.next(eid).await));
        all.push(show(feed.prev(eid).await));
        all.push(show(feed.all(Some(eid)).try_collect::<Vec<_>>().await));
    }
    all.push(show(set.flatten().try_collect::<Vec<_>>().await));
    all.push(show(set.descending().try_collect::<Vec<_>>().await));
    for n in -2..3_i16 {
        let from = (n, "a".to_owned());
        let bounds = (Bound::Excluded(from.clone()), Bound::Included((n + 1, String::new())));
        all.push(show(set.range(bounds).try_collect::<Vec<_>>().await));
        all.push(show(set.range_descending(..from.clone()).try_collect::<Vec<_>>().await));
        all.push(show(set.contains(&from).await));
    }
    all.push(show(set.first().await));
    all.push(show(set.last().await));
    all.push(show(set.len().await));
    all.push(show(board.standings().try_collect::<Vec<_>>().await));
    all.push(show(board.len().await));
    for n in 0..8_u8 {
        let member = n.to_string();
        all.push(show(board.score(&member).await));
        all.push(show(board.rank(&member).await));
        all.push(show(board.around(&member, usize::from(n)).await));
        all.push(show(board.at(n.into()).await));
        all.push(show(board.top(n.into()).await));
        all.push(show(board.standings_from(n.into()).try_collect::<Vec<_>>().await));
    }
    all.push(show(register.get().await));
    all.push(show(register.exists().await));
    all.push(show(counter.get().await));
    all.push(show(decimal.get().await));
    match files.list("").await {
        Ok(list) => all.push(show(list.try_collect::<Vec<_>>().await)),
        Err(error) => all.push(error.to_string()),
    }
    for file in 0..4_u8 {
        let name = file.to_string();
        all.push(show(files.size(&name).await));
        match files.read(&name).await {
            Ok(bytes) => all.push(show(bytes.try_collect::<Vec<_>>().await)),
            Err(error) => all.push(error.to_string()),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn local_and_remote_are_the_same(ops in prop::collection::vec(op(), 1..40)) {
        block_on(async {
            let [local, remote, sharded] = Place::all();
            for op in ops {
                let expected = run(&local, op.clone()).await;
                assert_eq!(run(&remote, op.clone()).await, expected, "{op:?}");
                assert_eq!(run(&sharded, op.clone()).await, expected, "{op:?}");
            }
            let (answers, rows) = (read(&local).await, local.rows().await);
            for place in [remote, sharded] {
                assert_eq!(read(&place).await, answers);
                assert_eq!(place.rows().await, rows);
            }
        });
    }
}

/// Streams of many pages, and lists longer than a page.
#[test]
fn many_pages_are_read_to_their_end() {
    block_on(async {
        let remote = Place::new(true);
        let Executors { feed, set, board, .. } = handles(&remote);
        for n in 0..1_500_u32 {
            feed.add(&format!("{n}")).await.unwrap();
            set.insert(&((n % 100) as i16, n.to_string())).await.unwrap();
        }
        for n in 0..1_100_u32 {
            board.set(&n.to_string(), f64::from(n % 50)).await.unwrap();
        }
        let eids: Vec<u64> =
            feed.all(None).map_ok(|entry| entry.eid.0).try_collect().await.unwrap();
        assert_eq!(eids, (1..=1_500).rev().collect::<Vec<_>>());

        let elements: Vec<_> = set.flatten().try_collect().await.unwrap();
        assert_eq!(elements.len(), 1_500);
        assert!(elements.is_sorted());

        let lines: Vec<_> = board.standings().try_collect().await.unwrap();
        assert_eq!(board.top(1_099).await.unwrap(), lines[..1_099]);
        assert_eq!(board.top(5_000).await.unwrap(), lines);
        let ranks: Vec<u64> = lines.iter().map(|line| line.rank).collect();
        assert_eq!(ranks, (1..=1_100).collect::<Vec<_>>());
        let from: Vec<_> = board.standings_from(1_050).try_collect().await.unwrap();
        assert_eq!(from, lines[1_049..]);
    });
}

/// A page of large entries ends early, so that nobody has to hold many of them.
#[test]
fn pages_are_limited_in_bytes() {
    block_on(async {
        let remote = Place::new(true);
        let feed = remote.entities.feed::<kvs_core::codec::Bytes>("large");
        let large = kvs_core::codec::Bytes(vec![7; 3 << 20]);
        for _ in 0..5 {
            feed.add(&large).await.unwrap();
        }
        let all: Vec<_> = feed.all(None).try_collect().await.unwrap();
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|entry| entry.value == large));
    });
}
