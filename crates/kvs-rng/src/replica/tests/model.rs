//! Two replicas beside what they should be.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use kvs_core::{Order, Range};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::version::VersionVector;

/// Two of them share a lock.
const PARTITIONS: [(&[u8], Bucket); 3] =
    [(b"p", Bucket(1)), (b"p\0q", Bucket(1)), (b"r", Bucket(257))];
const ROWS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Mints at a replica; each write with the state that its client had read, if any.
    Mint {
        at: usize,
        partition: usize,
        writes: Vec<(u8, Option<u8>, Option<Index>)>,
    },
    /// Sends items of a bucket, some of them twice.
    Send {
        from: usize,
        partition: usize,
        picks: Vec<Index>,
    },
    /// Starts a replica anew.
    Reopen {
        at: usize,
    },
    Scan {
        at: usize,
        partition: usize,
        range: Range,
        order: Order,
        rows: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (at, partition) = (0..2_usize, 0..PARTITIONS.len());
    let bound = || {
        let key = prop::collection::vec(0..ROWS + 1, 0..2);
        prop_oneof![
            Just(Bound::Unbounded),
            key.clone().prop_map(Bound::Included),
            key.prop_map(Bound::Excluded),
        ]
    };
    let write = (0..ROWS, any::<Option<u8>>(), any::<Option<Index>>());
    let writes = prop::collection::vec(write, 1..5);
    let picks = prop::collection::vec(any::<Index>(), 1..4);
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let step = prop_oneof![
        4 => (at.clone(), partition.clone(), writes)
            .prop_map(|(at, partition, writes)| Step::Mint { at, partition, writes }),
        3 => (at.clone(), partition.clone(), picks)
            .prop_map(|(from, partition, picks)| Step::Send { from, partition, picks }),
        1 => at.clone().prop_map(|at| Step::Reopen { at }),
        2 => (at, partition, (bound(), bound()), order, 1..4_usize).prop_map(
            |(at, partition, range, order, rows)| Step::Scan { at, partition, range, order, rows }
        ),
    ];
    prop::collection::vec(step, 0..30)
}

/// What a replica should be: its rows, and its counters.
#[derive(Default)]
struct Model {
    rows: BTreeMap<(Bucket, Key), Versions>,
    counter: u64,
    reserved: u64,
    latest: Timestamp,
}

impl Model {
    fn open(&mut self) {
        self.counter = self.reserved;
        self.reserved += DOTS_RESERVED;
    }

    fn bucket(&self, bucket: Bucket) -> Vec<Item> {
        let rows = self.rows.iter().filter(|((of, _), _)| *of == bucket);
        rows.map(|((_, key), versions)| Item { key: key.clone(), versions: versions.clone() })
            .collect()
    }

    fn partition(&self, bucket: Bucket, partition: &[u8]) -> Vec<Item> {
        let mut rows = self.bucket(bucket);
        rows.retain(|item| item.key.partition() == partition);
        rows
    }
}

struct Pair {
    stores: [Store; 2],
    replicas: [Replica; 2],
    models: [Model; 2],
    /// Contexts that clients have read, of any key.
    reads: Vec<VersionVector>,
}

impl Pair {
    async fn new() -> Self {
        let stores = [Store::memory(), Store::memory()];
        let replicas = [open(&stores[0], 0).await, open(&stores[1], 1).await];
        let mut models = [Model::default(), Model::default()];
        models.iter_mut().for_each(Model::open);
        Self { stores, replicas, models, reads: Vec::new() }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Mint { at, partition, writes } => self.mint(at, partition, writes).await,
            Step::Send { from, partition, picks } => self.send(from, partition, picks).await,
            Step::Reopen { at } => {
                self.replicas[at] = open(&self.stores[at], at as u8).await;
                self.models[at].open();
                self.models[at].latest = Timestamp::default();
            }
            Step::Scan { at, partition, range, order, rows } => {
                self.scan(at, partition, range, order, rows).await;
            }
        }
    }

    async fn mint(
        &mut self,
        at: usize,
        partition: usize,
        writes: Vec<(u8, Option<u8>, Option<Index>)>,
    ) {
        let (partition, bucket) = PARTITIONS[partition];
        let reads = &self.reads;
        let write = |(row, value, read): (u8, Option<u8>, Option<Index>)| Write {
            clustering: vec![row],
            value: value.map(|value| vec![value]),
            expires_at_ms: value.map(u64::from).filter(|at| *at > 99),
            seen: read.filter(|_| !reads.is_empty()).map(|read| read.get(reads).clone()),
        };
        let writes: Vec<_> = writes.into_iter().map(write).collect();
        let minted = self.replicas[at].mint(bucket, partition, writes.clone()).await.unwrap();

        let model = &mut self.models[at];
        let first = model.counter + 1;
        model.counter += writes.len() as u64;
        let last = Dot::new(id(at as u8), model.counter);
        let siblings = || minted.iter().flat_map(|item| item.versions.siblings());
        let timestamp = siblings().find(|sibling| sibling.dot == last).unwrap().timestamp;
        assert!(timestamp > model.latest);
        model.latest = timestamp;
        let mut keys: Vec<Key> = Vec::new();
        for (counter, write) in (first..).zip(writes) {
            let key = Key::new(partition, write.clustering);
            let dot = Dot::new(id(at as u8), counter);
            let Write { value, expires_at_ms, seen, .. } = write;
            let sibling = Sibling { dot, timestamp, expires_at_ms, value };
            let held = model.rows.entry((bucket, key.clone())).or_default();
            held.write(sibling, seen.as_ref()).unwrap();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let expected: Vec<_> = keys
            .into_iter()
            .map(|key| Item { versions: model.rows[&(bucket, key.clone())].clone(), key })
            .collect();
        assert_eq!(minted, expected);
        self.reads.extend(minted.into_iter().map(|item| item.versions.context().clone()));
    }

    async fn send(&mut self, from: usize, partition: usize, picks: Vec<Index>) {
        let (_, bucket) = PARTITIONS[partition];
        let held = self.models[from].bucket(bucket);
        if held.is_empty() {
            return;
        }
        let items: Vec<_> = picks.iter().map(|pick| pick.get(&held).clone()).collect();
        let model = &mut self.models[1 - from];
        let mut is_changed = false;
        for Item { key, versions } in &items {
            let held = model.rows.entry((bucket, key.clone())).or_default();
            is_changed |= held.join(versions.clone());
            let stamps = versions.siblings().iter().map(|sibling| sibling.timestamp);
            model.latest = stamps.fold(model.latest, Timestamp::max);
        }
        let stored = self.replicas[1 - from].store(bucket, items).await.unwrap();
        assert_eq!(stored, is_changed);
    }

    async fn scan(&self, at: usize, partition: usize, mut range: Range, order: Order, rows: usize) {
        let (partition, bucket) = PARTITIONS[partition];
        let mut expected = self.models[at].partition(bucket, partition);
        let (start, end) = range.clone();
        let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        expected.retain(|item| RangeBounds::<[u8]>::contains(&bounds, item.key.clustering()));
        if order == Order::Descending {
            expected.reverse();
        }
        let mut found: Vec<Item> = Vec::new();
        loop {
            let replica = &self.replicas[at];
            let page = replica.scan(bucket, partition, &range, order, rows, usize::MAX);
            let (items, is_more) = page.await.unwrap();
            found.extend(items);
            assert_eq!(is_more, found.len() < expected.len());
            if !is_more {
                break;
            }
            let last = Bound::Excluded(found.last().unwrap().key.clustering().to_vec());
            match order {
                Order::Ascending => range.0 = last,
                Order::Descending => range.1 = last,
            }
        }
        assert_eq!(found, expected);
    }

    async fn check(&self) {
        for (replica, model) in self.replicas.iter().zip(&self.models) {
            for (partition, bucket) in PARTITIONS {
                for row in 0..ROWS {
                    let key = Key::new(partition, [row]);
                    let held = replica.get(bucket, &key).await.unwrap();
                    let expected = model.rows.get(&(bucket, key));
                    assert_eq!(held, expected.cloned().unwrap_or_default());
                }
                assert_eq!(all(replica, bucket).await, model.bucket(bucket));
                assert_no_drift(replica, bucket).await;
            }
            assert_eq!(replica.is_empty().await.unwrap(), model.rows.is_empty());
        }
    }

    /// Each gets all that the other has, in another order.
    async fn exchange(&self) {
        let [one, other] = &self.replicas;
        for (_, bucket) in PARTITIONS {
            let to_one = all(other, bucket).await;
            let mut to_other = all(one, bucket).await;
            to_other.reverse();
            one.store(bucket, to_one).await.unwrap();
            for item in to_other {
                other.store(bucket, vec![item]).await.unwrap();
            }
            assert_eq!(all(one, bucket).await, all(other, bucket).await);
            assert_eq!(one.digests(bucket).await.unwrap(), other.digests(bucket).await.unwrap());
            assert_no_drift(one, bucket).await;
        }
    }
}

proptest! {
    #[test]
    fn replicas_are_what_they_should_be_and_converge(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for step in steps {
                pair.step(step).await;
            }
            pair.check().await;
            pair.exchange().await;
        });
    }
}
