//! Scans over replicas that hold different things, against a model.

use std::ops::Bound;

use kvs_core::{Order, Range, Scan};
use proptest::prelude::*;

use super::*;

/// A write through a node, while another one is away.
#[derive(Clone, Debug)]
struct Step {
    row: u8,
    value: Option<u8>,
    through: usize,
    away: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..24_u8, any::<Option<u8>>(), 0..3_usize, 1..3_usize);
    let step = step.prop_map(|(row, value, through, away)| Step {
        row,
        value,
        through,
        away: (through + away) % 3,
    });
    prop::collection::vec(step, 0..60)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        (0..24_u8).prop_map(|row| Bound::Included(vec![row])),
        (0..24_u8).prop_map(|row| Bound::Excluded(vec![row])),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Ascending), Just(Order::Descending)]
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

async fn pages(ring: &Ring, scan: &Scan) -> Rows {
    let (mut rows, mut next) = (Rows::new(), scan.clone());
    loop {
        let page = ring.scan(b"p", &next).await.unwrap();
        assert!(page.len() <= scan.page_rows());
        rows.extend(page.rows().map(|row| (row.clustering.to_vec(), row.value.to_vec())));
        match page.resume {
            Some(token) => next = scan.clone().resume(token),
            None => return rows,
        }
    }
}

async fn check(
    steps: &[Step],
    range: &Range,
    order: Order,
    limit: usize,
    through: usize,
    away: usize,
) {
    let cluster = Cluster::new(3, "3,2,2").await;
    let mut model = BTreeMap::new();
    for Step { row, value, through, away } in steps {
        cluster.heal();
        cluster.isolate(*away, Link::Cut);
        let key = Key::new("p", [*row]);
        match value {
            Some(value) => {
                cluster.rings[*through].put(&key, vec![*value]).await.unwrap();
                model.insert(vec![*row], vec![*value]);
            }
            None => {
                cluster.rings[*through].delete(&key).await.unwrap();
                model.remove([*row].as_slice());
            }
        }
    }
    cluster.heal();
    cluster.isolate(away, Link::Cut);
    let mut expected = Rows::new();
    if !kvs_core::scan::is_empty(range) && !is_one_point(range) {
        let rows = model.range::<Vec<u8>, _>(range.clone());
        expected.extend(rows.map(|(row, value)| (row.clone(), value.clone())));
    }
    if order == Order::Descending {
        expected.reverse();
    }
    let scan = Scan::range(range.clone()).order(order).limit(limit);
    assert_eq!(pages(&cluster.rings[through], &scan).await, expected);
}

/// The one empty range that an ordered map takes for a mistake although it isn't reversed.
fn is_one_point(range: &Range) -> bool {
    matches!(range, (Bound::Excluded(start), Bound::Excluded(end)) if start == end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_are_those_of_an_ordered_map(
        steps in steps(),
        range in (bound(), bound()),
        order in order(),
        limit in 1..30_usize,
        through in 0..3_usize,
        away in 1..3_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let away = (through + away) % 3;
        runtime.block_on(check(&steps, &range, order, limit, through, away));
    }
}

#[tokio::test(start_paused = true)]
async fn many_deleted_rows_are_passed_over() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let name = |n: u32| n.to_be_bytes();
    for chunk in 0..3_u32 {
        let rows = chunk * 3_000..(chunk + 1) * 3_000;
        let puts = |batch: kvs_core::Batch, n| batch.put(name(n), "x");
        let batch = rows.clone().fold(kvs_core::Batch::new(), puts);
        cluster.rings[0].write(b"p", batch).await.unwrap();
        let deletes = |batch: kvs_core::Batch, n| batch.delete(name(n));
        let batch = rows.fold(kvs_core::Batch::new(), deletes);
        cluster.rings[1].write(b"p", batch).await.unwrap();
    }
    cluster.rings[2].put(&Key::new("p", name(9_000)), b"last".into()).await.unwrap();
    let found = pages(&cluster.rings[0], &Scan::all().limit(1)).await;
    assert_eq!(found, [(name(9_000).to_vec(), b"last".to_vec())]);
    let found = pages(&cluster.rings[0], &Scan::all().limit(1).descending()).await;
    assert_eq!(found, [(name(9_000).to_vec(), b"last".to_vec())]);
}
