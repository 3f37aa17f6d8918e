use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kvs_core::{CallOptions, Dba, Key, Order, Page, RowKind, Scan, Store, Value};
use proptest::prelude::*;

use super::keys::Keys;
use super::*;

const NAME: &[u8] = b"list";
const PREFIX: &[u8] = &[0x10, 0x01];

type Stored = BTreeMap<Vec<u8>, Vec<u8>>;

fn rows() -> Rows {
    Rows::new(Arc::new(Store::memory().rows(RowKind::Entity)), NAME)
}

fn shape(seed: u64, fan_out_bits: u8) -> Shape {
    Shape { fan_out_bits, ..Shape::new(seed) }
}

fn list(rows: &Rows, shape: Shape) -> SkipList<'_> {
    SkipList::new(rows, PREFIX.to_vec(), shape)
}

fn key(number: u16) -> Vec<u8> {
    // Of different lengths, so that keys are prefixes of each other.
    match number.to_be_bytes() {
        [0, low] => vec![low],
        both => both.to_vec(),
    }
}

/// Makes the changes, so many of them in each batch.
async fn build(
    rows: &Rows,
    mut shape: Shape,
    changes: &[(bool, u16)],
    in_a_batch: usize,
) -> (Shape, BTreeSet<Vec<u8>>) {
    let mut model = BTreeSet::new();
    for changes in changes.chunks(in_a_batch) {
        let mut list = list(rows, shape);
        for (insert, number) in changes {
            let key = key(*number);
            if *insert {
                assert_eq!(list.insert(&key).await.unwrap(), model.insert(key));
            } else {
                assert_eq!(list.remove(&key).await.unwrap(), model.remove(&key));
            }
        }
        let batch;
        (batch, shape) = list.finish().unwrap();
        rows.write(batch).await.unwrap();
    }
    (shape, model)
}

async fn stored(rows: &Rows) -> Stored {
    let page = rows.scan(&Scan::all().limit(10_000)).await.unwrap();
    assert!(page.resume.is_none());
    page.rows().map(|row| (row.clustering.to_vec(), row.value.to_vec())).collect()
}

/// The rows that a list of these keys has to have, made by counting.
fn expected(shape: Shape, keys: &BTreeSet<Vec<u8>>) -> Stored {
    let mut rows = Stored::new();
    let Some(top) = keys.iter().map(|key| shape.height(key)).max() else { return rows };
    for level in 0..=top {
        let mut nodes = vec![(Vec::new(), vec![0_u64], Keys::default())];
        for key in keys {
            match shape.height(key).cmp(&level) {
                Ordering::Greater => nodes.push((key.clone(), vec![0], Keys::default())),
                Ordering::Equal => {
                    let (_, widths, keys) = nodes.last_mut().unwrap();
                    keys.insert(keys.len(), key);
                    widths.push(0);
                }
                Ordering::Less => {}
            }
            *nodes.last_mut().unwrap().1.last_mut().unwrap() += 1;
        }
        rows.extend(nodes.into_iter().map(|(key, widths, keys)| {
            ([PREFIX, &[level], &key].concat(), (widths, keys).to_bytes().unwrap())
        }));
    }
    rows
}

async fn check(rows: &Rows, shape: Shape, model: &BTreeSet<Vec<u8>>, probes: &[u16]) {
    assert_eq!(stored(rows).await, expected(shape, model));
    assert_eq!(shape.len(), model.len() as u64);
    for (position, key) in model.iter().enumerate() {
        assert_eq!(list(rows, shape).rank(key).await.unwrap(), Some(position as u64));
        let selected = list(rows, shape).select(position as u64).await.unwrap();
        assert_eq!(selected.as_ref(), Some(key));
    }
    assert_eq!(list(rows, shape).select(shape.len()).await.unwrap(), None);
    for (n, probe) in probes.iter().map(|probe| key(*probe)).enumerate() {
        let before: Vec<_> = model.range(..probe.clone()).rev().cloned().collect();
        let after: Vec<_> = model.iter().filter(|key| **key > probe).cloned().collect();
        let mut list = list(rows, shape);
        assert_eq!(list.rank(&probe).await.unwrap(), Some(before.len() as u64));
        for n in [n * n, usize::MAX] {
            let below = list.beyond(&probe, Order::Descending, n).await.unwrap();
            assert_eq!(below.unwrap(), before[..n.min(before.len())]);
            let above = list.beyond(&probe, Order::Ascending, n).await.unwrap();
            assert_eq!(above.unwrap(), after[..n.min(after.len())]);
        }
    }
    let all = list(rows, shape).beyond(&[], Order::Ascending, usize::MAX).await.unwrap();
    assert_eq!(all.unwrap(), model.iter().cloned().collect::<Vec<_>>());
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn changes() -> impl Strategy<Value = Vec<(bool, u16)>> {
    prop::collection::vec((prop::bool::weighted(0.7), 1..600_u16), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Towers of many heights, up to the highest there are.
    #[test]
    fn a_list_answers_as_a_set_does(
        changes in changes(),
        in_a_batch in 1..10_usize,
        probes in prop::collection::vec(1..700_u16, 0..20),
        seed: u64,
        fan_out_bits in 1..=FAN_OUT_BITS,
    ) {
        block_on(async {
            let rows = rows();
            let shape = shape(seed, fan_out_bits);
            let (shape, model) = build(&rows, shape, &changes, in_a_batch).await;
            check(&rows, shape, &model, &probes).await;
        });
    }

    /// The same keys in another order, with others that came and went: the same rows.
    #[test]
    fn the_past_leaves_no_trace(
        changes in changes(),
        order in Just((1..600_u16).collect::<Vec<_>>()).prop_shuffle(),
        seed: u64,
    ) {
        block_on(async {
            let (one, other) = (rows(), rows());
            let (first, model) = build(&one, shape(seed, 2), &changes, 1).await;
            let again: Vec<_> = order
                .into_iter()
                .filter(|number| model.contains(&key(*number)))
                .map(|number| (true, number))
                .collect();
            let (second, _) = build(&other, shape(seed, 2), &again, 7).await;
            assert_eq!(first, second);
            assert_eq!(stored(&one).await, stored(&other).await);
        });
    }
}

fn all(insert: bool) -> Vec<(bool, u16)> {
    (1..200).map(|number| (insert, number)).collect()
}

#[test]
fn an_emptied_list_has_no_rows() {
    block_on(async {
        let rows = rows();
        let changes = [all(true), all(false)].concat();
        let (end, _) = build(&rows, shape(7, 1), &changes, 1).await;
        assert_eq!(end, shape(7, 1));
        assert_eq!(stored(&rows).await, Stored::new());
    });
}

/// A key that moves within a node changes nothing above it.
#[test]
fn what_has_not_changed_is_not_written() {
    block_on(async {
        let rows = rows();
        let (shape, model) = build(&rows, shape(3, 2), &all(true), 1).await;
        assert!(shape.top >= 2);
        let moving = model.iter().find(|key| shape.height(key) == 0).unwrap();
        let mut near = (0..=u8::MAX).map(|last| [moving.as_slice(), &[last]].concat());
        let near = near.find(|key| shape.height(key) == 0).unwrap();
        let mut list = list(&rows, shape);
        assert!(list.remove(moving).await.unwrap() && list.insert(&near).await.unwrap());
        assert_eq!(list.finish().unwrap().0.len(), 1);
    });
}

#[test]
fn one_key_in_sixteen_reaches_the_next_level() {
    let shape = Shape::new(1);
    let keys = 1 << 20;
    for level in 1..=3_u8 {
        let higher = (0..keys).filter(|n: &u32| shape.height(&n.to_be_bytes()) >= level);
        let (found, expected) = (higher.count() as f64, f64::from(keys >> (4 * level)));
        assert!((found / expected - 1.0).abs() < 0.2, "level {level}: {found} for {expected}");
    }
}

#[test]
fn towers_depend_on_the_seed() {
    let heights = |seed| (0..200).map(move |number| shape(seed, 1).height(&key(number)));
    assert!(heights(1).ne(heights(2)));
}

/// Whatever a writer does to a node below the top, a walk that comes from above notices.
#[test]
fn a_walk_notices_that_a_node_has_changed() {
    block_on(async {
        let rows = rows();
        let (shape, model) = build(&rows, shape(3, 2), &all(true), 1).await;
        assert!(shape.top >= 2);
        let last = model.last().unwrap();
        let mut walk = list(&rows, shape).walk_to(last).await.unwrap().unwrap();
        let leaf = walk.steps.pop().unwrap();
        let row = list(&rows, shape).row(0, &leaf.node);
        let node = rows.get(row.clone()).await.unwrap().unwrap();

        let mut smaller = Node::read(&node).unwrap();
        smaller.shrink(0).unwrap();
        for change in
            [Batch::new().delete(row.clone()), Batch::new().put(row, smaller.to_bytes().unwrap())]
        {
            rows.write(change).await.unwrap();
            let mut list = list(&rows, shape);
            assert_eq!(list.rank(last).await.unwrap(), None);
            assert_eq!(list.select(shape.len() - 1).await.unwrap(), None);
            assert_eq!(list.beyond(last, Order::Descending, 1).await.unwrap(), None);
            // A writer has nobody beside it: to a writer it is damage.
            list.insert(&key(200)).await.unwrap_err();
            list.remove(last).await.unwrap_err();
        }
    });
}

/// A node that was walked to is gone when it is to be read.
#[test]
fn a_scan_notices_that_its_node_is_gone() {
    block_on(async {
        let rows = rows();
        let (shape, model) = build(&rows, shape(3, 2), &all(true), 1).await;
        let boundary = model.iter().rfind(|key| shape.height(key) > 0).unwrap();
        let probe = [boundary.as_slice(), &[0]].concat();
        let mut reader = list(&rows, shape);
        assert!(reader.rank(&probe).await.unwrap().is_some());

        let mut writer = list(&rows, shape);
        assert!(writer.remove(boundary).await.unwrap());
        rows.write(writer.finish().unwrap().0).await.unwrap();
        for order in [Order::Ascending, Order::Descending] {
            assert_eq!(reader.beyond(&probe, order, 1).await.unwrap(), None);
        }
    });
}

/// Between two pages of a scan a writer splits the node that the first one ended with.
#[test]
fn a_scan_gives_each_key_once() {
    block_on(async {
        let memory: Arc<dyn Dba> = Arc::new(Store::memory().rows(RowKind::Entity));
        let rows = Rows::new(memory.clone(), NAME);
        let (shape, model) = build(&rows, shape(3, 2), &all(true), 1).await;
        let wanted = model.len() / 2;
        let nodes = wanted / FAN_OUT + 2;
        let first_page = Scan::prefix(list(&rows, shape).row(0, &[])).limit(nodes);
        let first_page = rows.scan(&first_page).await.unwrap();
        let last_node = &first_page.last().unwrap().clustering[PREFIX.len() + LEVEL_BYTES..];
        let mut between = (0..=u8::MAX).map(|last| [last_node, &[last]].concat());
        let between = between.find(|key| shape.height(key) > 0).unwrap();

        let mut writer = list(&rows, shape);
        assert!(writer.insert(&between).await.unwrap());
        let split = writer.finish().unwrap().0;
        let interrupted = Interrupted { dba: memory, after_scan: Mutex::new(Some(split)) };
        let rows = Rows::new(Arc::new(interrupted), NAME);
        let found = list(&rows, shape).beyond(&[], Order::Ascending, wanted).await.unwrap();
        assert_eq!(found.unwrap(), model.iter().take(wanted).cloned().collect::<Vec<_>>());
        assert!(rows.get(list(&rows, shape).row(0, &between)).await.unwrap().is_some());
    });
}

/// A store in which something is written after the first scan.
struct Interrupted {
    dba: Arc<dyn Dba>,
    after_scan: Mutex<Option<Batch>>,
}

#[async_trait]
impl Dba for Interrupted {
    async fn get_with(&self, key: &Key, options: &CallOptions) -> Result<Option<Vec<u8>>> {
        self.dba.get_with(key, options).await
    }

    async fn put_with(&self, key: &Key, value: Vec<u8>, options: &CallOptions) -> Result<()> {
        self.dba.put_with(key, value, options).await
    }

    async fn delete_with(&self, key: &Key, options: &CallOptions) -> Result<()> {
        self.dba.delete_with(key, options).await
    }

    async fn write_with(&self, name: &[u8], batch: Batch, options: &CallOptions) -> Result<()> {
        self.dba.write_with(name, batch, options).await
    }

    async fn scan_with(&self, name: &[u8], scan: &Scan, options: &CallOptions) -> Result<Page> {
        let page = self.dba.scan_with(name, scan, options).await?;
        let batch = self.after_scan.lock().unwrap().take();
        self.dba.write_with(name, batch.unwrap_or_default(), options).await?;
        Ok(page)
    }
}

#[test]
fn impossible_nodes_are_refused() {
    let mut keys = Keys::default();
    let none: (Vec<u64>, _) = (vec![], keys.clone());
    keys.insert(0, b"k");
    for node in [none, (vec![1], keys)] {
        Node::read(&node.to_bytes().unwrap()).unwrap_err();
    }
    Node::read(&[]).unwrap_err();

    let node = Node::new(1);
    assert_eq!(node.clone().cut(0, 2, b"k"), None);
    assert_eq!(node.clone().split(0, 2), None);
    assert_eq!(node.clone().join(0, b"k"), None);
    assert_eq!(node.clone().shrink(1), None);
    assert_eq!(Node::new(0).merge(Node::new(0)), None);
    assert_eq!(Node::new(u64::MAX).merge(node), None);
}
