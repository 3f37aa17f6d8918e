//! A store beside an ordered map that is given the same operations.
//!
//! The map is the reference of a state machine test: it makes up histories in which each operation
//! suits the state before it, and says what each should answer. A history that shows a difference is
//! shrunk to a short one. (The technique is Claessen and Hughes, *Testing monadic code with
//! QuickCheck*, 2002; the histories are made and shrunk by `proptest-state-machine`.)

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

use crate::batch::{Batch, Op};
use crate::dba::Dba;
use crate::error::Result;
use crate::key::Key;
use crate::scan::{Order, Range, ResumeToken, Scan};

/// The most operations of a history.
const OPERATIONS_MAX: usize = 40;
/// The most attempts to shorten a history.
const SHRINKS_MAX: usize = 2_000;
/// How many partitions a history uses.
const PARTITIONS: u8 = 2;

/// What is done to a store and to its model. The first number is the partition.
#[derive(Clone, Debug)]
enum Operation {
    Put(u8, Vec<u8>, Vec<u8>),
    Delete(u8, Vec<u8>),
    Write(u8, Vec<Op>),
    Get(u8, Vec<u8>),
    /// Reads the first page.
    Scan(u8, Range, Order, usize),
    /// Reads the page after the one that was read last.
    Resume(usize),
}

/// What an operation reads.
#[derive(Clone, Debug, Default, PartialEq)]
enum Answer {
    #[default]
    Nothing,
    Value(Option<Vec<u8>>),
    /// The rows of a page, and whether there is another page.
    Page(Vec<(Vec<u8>, Vec<u8>)>, bool),
}

/// See [`super::model`].
pub(super) async fn check(store: Arc<dyn Dba>, histories: u32, seed: u64) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_be_bytes(); 4].concat());
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = Model::sequential_strategy(1..=OPERATIONS_MAX);
    let mut replays = 0..;
    for _ in 0..histories {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let mut found = None;
        for replay in replays.by_ref().take(SHRINKS_MAX) {
            let (mut model, history, seen) = tree.current();
            let mut subject = Subject::new(store.clone(), replay);
            let mut difference = None;
            for operation in history.iter().chain(&Model::last_look()) {
                if let Some(seen) = &seen {
                    seen.fetch_add(1, SeqCst);
                }
                model = Model::apply(model, operation);
                let answer = subject.apply(operation).await;
                if !answer.as_ref().is_ok_and(|answer| *answer == model.answer) {
                    let expected = &model.answer;
                    difference = Some(format!("{operation:?} gives {answer:?}, not {expected:?}"));
                    break;
                }
            }
            let has_more = match difference {
                Some(difference) => {
                    found = Some((history, difference));
                    tree.simplify()
                }
                None if found.is_none() => false,
                None => tree.complicate(),
            };
            if !has_more {
                break;
            }
        }
        if let Some((history, difference)) = found {
            panic!("conformance case `model` (seed {seed}): {difference}, after {history:#?}");
        }
    }
}

/// The store under test, and the page it read last.
struct Subject {
    store: Arc<dyn Dba>,
    replay: u64,
    open: Option<(u8, Scan, ResumeToken)>,
}

impl Subject {
    /// The partitions are those of one replay.
    fn new(store: Arc<dyn Dba>, replay: u64) -> Self {
        Self { store, replay, open: None }
    }

    fn partition(&self, partition: u8) -> Vec<u8> {
        format!("model/{}/{partition}", self.replay).into_bytes()
    }

    async fn apply(&mut self, operation: &Operation) -> Result<Answer> {
        let key = |partition, clustering: &[u8]| Key::new(self.partition(partition), clustering);
        match operation.clone() {
            Operation::Put(partition, clustering, value) => {
                self.store.put(&key(partition, &clustering), value).await?;
            }
            Operation::Delete(partition, clustering) => {
                self.store.delete(&key(partition, &clustering)).await?;
            }
            Operation::Write(partition, ops) => {
                let mut batch = Batch::new();
                batch.extend(ops);
                self.store.write(&self.partition(partition), batch).await?;
            }
            Operation::Get(partition, clustering) => {
                return self.store.get(&key(partition, &clustering)).await.map(Answer::Value);
            }
            Operation::Scan(partition, range, order, limit) => {
                return self.page(partition, Scan::range(range).order(order).limit(limit)).await;
            }
            Operation::Resume(limit) => {
                let (partition, scan, token) = self.open.take().unwrap();
                return self.page(partition, scan.limit(limit).resume(token)).await;
            }
        }
        Ok(Answer::Nothing)
    }

    async fn page(&mut self, partition: u8, scan: Scan) -> Result<Answer> {
        let page = self.store.scan(&self.partition(partition), &scan).await?;
        let rows = page.rows().map(|row| (row.clustering.to_vec(), row.value.to_vec())).collect();
        self.open = page.resume.map(|token| (partition, scan, token));
        Ok(Answer::Page(rows, self.open.is_some()))
    }
}

/// An ordered map, and where the last scan stands.
#[derive(Clone, Debug, Default)]
struct Model {
    rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    /// The scan whose last page was not the end, and the last row of that page.
    open: Option<(u8, Range, Order, Vec<u8>)>,
    /// What the last operation reads.
    answer: Answer,
}

impl Model {
    /// What is done at the end of each history: all partitions are read.
    fn last_look() -> Vec<Operation> {
        let everything = (Bound::Unbounded, Bound::Unbounded);
        let scan = |n| Operation::Scan(n, everything.clone(), Order::Ascending, 1_000);
        (0..PARTITIONS).map(scan).collect()
    }

    fn set(&mut self, partition: u8, clustering: &[u8], value: Option<&[u8]>) {
        let key = (partition, clustering.to_vec());
        match value {
            Some(value) => drop(self.rows.insert(key, value.to_vec())),
            None => drop(self.rows.remove(&key)),
        }
    }

    /// Reads a page of what lies in `range` and, in `order`, beyond `after`.
    fn page(&mut self, n: u8, range: &Range, order: Order, after: Option<Vec<u8>>, limit: usize) {
        let is_beyond = |key: &[u8]| match (&after, order) {
            (None, _) => true,
            (Some(after), Order::Ascending) => key > after.as_slice(),
            (Some(after), Order::Descending) => key < after.as_slice(),
        };
        let rows = self.rows.iter().filter(|((partition, key), _)| {
            *partition == n && range.contains(key) && is_beyond(key)
        });
        let mut rows: Vec<_> = rows.map(|((_, key), value)| (key.clone(), value.clone())).collect();
        if order == Order::Descending {
            rows.reverse();
        }
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        self.open = last.map(|(key, _)| (n, range.clone(), order, key.clone()));
        self.answer = Answer::Page(rows, has_more);
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Operation> {
        let partition = || 0..PARTITIONS;
        let limit = || 1..6_usize;
        let op =
            (clustering(), prop::option::of(value())).prop_map(|(clustering, value)| match value {
                Some(value) => Op::Put { clustering, value },
                None => Op::Delete { clustering },
            });
        let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
        let resume = if model.open.is_some() { 4 } else { 0 };
        prop_oneof![
            3 => (partition(), clustering(), value()).prop_map(|(p, c, v)| Operation::Put(p, c, v)),
            2 => (partition(), clustering()).prop_map(|(p, c)| Operation::Delete(p, c)),
            3 => (partition(), vec(op, 0..8)).prop_map(|(p, ops)| Operation::Write(p, ops)),
            2 => (partition(), clustering()).prop_map(|(p, c)| Operation::Get(p, c)),
            3 => (partition(), (bound(), bound()), order, limit())
                .prop_map(|(p, range, order, limit)| Operation::Scan(p, range, order, limit)),
            resume => limit().prop_map(Operation::Resume),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, operation: &Operation) -> bool {
        model.open.is_some() || !matches!(operation, Operation::Resume(_))
    }

    fn apply(mut model: Self, operation: &Operation) -> Self {
        model.answer = Answer::Nothing;
        match operation {
            Operation::Put(n, clustering, value) => model.set(*n, clustering, Some(value)),
            Operation::Delete(n, clustering) => model.set(*n, clustering, None),
            Operation::Write(n, ops) => {
                ops.iter().for_each(|op| model.set(*n, op.clustering(), op.value()));
            }
            Operation::Get(n, clustering) => {
                let value = model.rows.get(&(*n, clustering.clone()));
                model.answer = Answer::Value(value.cloned());
            }
            Operation::Scan(n, range, order, limit) => model.page(*n, range, *order, None, *limit),
            Operation::Resume(limit) => {
                let (n, range, order, last) = model.open.take().unwrap();
                model.page(n, &range, order, Some(last), *limit);
            }
        }
        model
    }
}

/// Few different keys, so that operations meet.
fn clustering() -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(prop_oneof![Just(0), Just(1), Just(b'a'), Just(0xFF)], 0..3)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..4)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        clustering().prop_map(Bound::Included),
        clustering().prop_map(Bound::Excluded),
    ]
}
