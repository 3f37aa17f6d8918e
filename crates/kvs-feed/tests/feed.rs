//! Feeds, side by side with the plainest model of one.

#![cfg(test)]

use std::sync::Arc;

use futures_util::TryStreamExt;
use kvs_core::entity::header;
use kvs_core::{Batch, Dba, DbaError, RowKind, Store};
use kvs_feed::{Eid, Entry, Feed};
use proptest::prelude::*;

fn feed<T: kvs_core::Value>() -> Feed<T> {
    Feed::new(Arc::new(Store::memory().rows(RowKind::Entity)), "f")
}

async fn all<T: kvs_core::Value>(feed: &Feed<T>, from: Option<Eid>) -> Vec<Entry<T>> {
    feed.all(from).try_collect().await.unwrap()
}

#[derive(Clone, Debug)]
enum Action {
    Add(u16),
    Remove(u64),
    RemoveAfter(u64),
    Clear,
    Cleanup,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        10 => any::<u16>().prop_map(Action::Add),
        5 => (0..30_u64).prop_map(Action::Remove),
        1 => (0..30_u64).prop_map(Action::RemoveAfter),
        1 => Just(Action::Clear),
        2 => Just(Action::Cleanup),
    ]
}

/// What a feed is: entries oldest first, and the last number given.
#[derive(Default)]
struct Model {
    entries: Vec<Entry<u16>>,
    last: u64,
}

impl Model {
    /// Keeps the entries that `keep` says, and gives how many it dropped.
    fn retain(&mut self, keep: impl Fn(Eid) -> bool) -> u64 {
        let before = self.entries.len();
        self.entries.retain(|entry| keep(entry.eid));
        (before - self.entries.len()) as u64
    }
}

async fn step(feed: &Feed<u16>, model: &mut Model, action: Action) {
    match action {
        Action::Add(value) => {
            model.last += 1;
            let eid = Eid(model.last);
            model.entries.push(Entry { eid, value });
            assert_eq!(feed.add(&value).await.unwrap(), eid);
        }
        Action::Remove(eid) => {
            let removed = model.retain(|kept| kept != Eid(eid));
            assert_eq!(feed.remove(Eid(eid)).await.unwrap(), removed == 1);
        }
        Action::RemoveAfter(eid) => {
            let removed = model.retain(|kept| kept >= Eid(eid));
            assert_eq!(feed.remove_after(Eid(eid)).await.unwrap(), removed);
        }
        Action::Clear => {
            let removed = model.retain(|_| false);
            assert_eq!(feed.clear().await.unwrap(), removed);
        }
        Action::Cleanup => {
            feed.cleanup().await.unwrap();
        }
    }
}

async fn check(feed: &Feed<u16>, model: &Model) {
    let newest_first: Vec<_> = model.entries.iter().rev().cloned().collect();
    assert_eq!(all(feed, None).await, newest_first);
    assert_eq!(feed.head().await.unwrap(), newest_first.first().cloned());
    assert_eq!(feed.len().await.unwrap(), newest_first.len() as u64);
    for eid in (0..=model.last + 1).map(Eid) {
        let entry = |found: Option<&Entry<u16>>| found.cloned();
        let older = newest_first.iter().find(|entry| entry.eid < eid);
        let newer = model.entries.iter().find(|entry| entry.eid > eid);
        let here = model.entries.iter().find(|entry| entry.eid == eid);
        assert_eq!(feed.get(eid).await.unwrap(), entry(here), "get {eid}");
        assert_eq!(feed.next(eid).await.unwrap(), entry(older), "next {eid}");
        assert_eq!(feed.prev(eid).await.unwrap(), entry(newer), "prev {eid}");
        let from: Vec<_> = newest_first.iter().filter(|entry| entry.eid <= eid).cloned().collect();
        assert_eq!(all(feed, Some(eid)).await, from, "all from {eid}");
    }
}

proptest! {
    #[test]
    fn a_feed_does_what_a_list_does(actions in prop::collection::vec(action(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (feed, mut model) = (feed(), Model::default());
            for action in actions {
                step(&feed, &mut model, action).await;
            }
            check(&feed, &model).await;
        });
    }
}

/// Longer than a page of a scan and than a step of the cleanup.
const LONG: u64 = 2_500;

#[tokio::test]
async fn a_long_feed_reads_whole_after_removals_and_is_cleaned_in_steps() {
    let rows: Arc<dyn Dba> = Arc::new(Store::memory().rows(RowKind::Entity));
    let feed = Feed::<u64>::new(rows.clone(), "f");
    for n in 1..=LONG {
        feed.add(&n).await.unwrap();
    }
    for n in (2..=LONG).step_by(2) {
        assert!(feed.remove(Eid(n)).await.unwrap());
        assert!(!feed.remove(Eid(n)).await.unwrap());
    }
    let odd: Vec<u64> = (1..=LONG).rev().filter(|n| n % 2 == 1).collect();
    let read = |entries: Vec<Entry<u64>>| entries.into_iter().map(|e| e.value).collect::<Vec<_>>();
    assert_eq!(read(all(&feed, None).await), odd);
    assert_eq!(feed.cleanup().await.unwrap(), LONG / 2);
    assert_eq!(feed.cleanup().await.unwrap(), 0);
    assert_eq!(read(all(&feed, None).await), odd);
    assert_eq!(feed.clear().await.unwrap(), LONG / 2);
    assert_eq!(feed.cleanup().await.unwrap(), LONG / 2);

    let left: Vec<_> = rows.stream(b"f", kvs_core::Scan::all()).try_collect().await.unwrap();
    assert_eq!(left.len(), 1, "only the header is left: {left:?}");
    assert_eq!(feed.add(&7).await.unwrap(), Eid(LONG + 1));
}

#[tokio::test]
async fn another_types_name_is_refused_and_left_as_it_is() {
    let rows: Arc<dyn Dba> = Arc::new(Store::memory().rows(RowKind::Entity));
    let header = header::encode("sorted", &3_u64).unwrap();
    rows.write(b"f", Batch::new().put(header::CLUSTERING, header.clone())).await.unwrap();
    let feed = Feed::<u64>::new(rows.clone(), "f");
    let errors = [
        feed.add(&1).await.map(drop).unwrap_err(),
        feed.get(Eid(1)).await.map(drop).unwrap_err(),
        feed.len().await.map(drop).unwrap_err(),
        feed.head().await.map(drop).unwrap_err(),
        feed.remove(Eid(1)).await.map(drop).unwrap_err(),
        feed.clear().await.map(drop).unwrap_err(),
        feed.cleanup().await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, DbaError::WrongType { expected: "feed", .. }), "{error}");
    }
    let left: Vec<_> = rows.stream(b"f", kvs_core::Scan::all()).try_collect().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].value, header);
}
