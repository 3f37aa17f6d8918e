//! Scans: every range, both orders, in pages.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use futures_util::TryStreamExt;

use super::case::Case;
use crate::limits::PAGE_BYTES_MAX;
use crate::page::Row;
use crate::scan::{Order, Range, Scan};
use crate::stream;

pub(super) const ORDERS: [Order; 2] = [Order::Ascending, Order::Descending];

/// Clustering keys, some of them prefixes of others, in order.
const KEYS: [&[u8]; 11] = [
    b"",
    b"\x00",
    b"\x00\x00",
    b"\x00\xFF",
    b"\x01",
    b"a",
    b"a\x00",
    b"ab",
    b"a\xFF\xFF",
    b"\xFF",
    b"\xFF\xFF",
];

/// Partitions with the same rows around the one that is scanned.
async fn fill(case: &Case) -> Vec<u8> {
    for suffix in ["p", "p\0", "p\u{1}", "p ", "o", "q"] {
        case.fill(&case.partition(suffix), KEYS.map(|key| (key, suffix))).await;
    }
    case.partition("p")
}

/// What a scan of the keys should give.
fn expected(range: &Range, order: Order) -> Vec<&'static [u8]> {
    let mut keys: Vec<_> = KEYS.into_iter().filter(|key| range.contains(&key.to_vec())).collect();
    if order == Order::Descending {
        keys.reverse();
    }
    keys
}

async fn check(case: &Case, partition: &[u8], scan: Scan, range: &Range) {
    let rows = case.all(partition, scan.clone()).await;
    let found: Vec<&[u8]> = rows.iter().map(|row| row.clustering.as_slice()).collect();
    assert_eq!(found, expected(range, scan.ordering()), "{scan:?}");
    assert!(rows.iter().all(|row| row.value == b"p"), "{scan:?} left the partition");
}

pub(super) async fn every_range(case: &Case) {
    let partition = fill(case).await;
    let probes: [&[u8]; 6] = [b"", b"\x00\x00", b"\x00\xFE", b"a", b"b", b"\xFF\xFF\xFF"];
    let bounds: Vec<Bound<Vec<u8>>> = probes
        .iter()
        .flat_map(|key| [Bound::Included(key.to_vec()), Bound::Excluded(key.to_vec())])
        .chain([Bound::Unbounded])
        .collect();
    for start in &bounds {
        for end in &bounds {
            // Also where the end is before the start: there is nothing then, and no error.
            let range = (start.clone(), end.clone());
            for order in ORDERS {
                let scan = Scan::range(range.clone()).order(order).limit(4);
                check(case, &partition, scan, &range).await;
            }
        }
    }
    let nowhere = case.partition("nowhere");
    for order in ORDERS {
        assert_eq!(case.all(&nowhere, Scan::all().order(order)).await, [], "an empty partition");
    }
}

pub(super) async fn prefixes(case: &Case) {
    let partition = fill(case).await;
    for prefix in KEYS.into_iter().chain([b"b".as_slice(), b"\xFF\xFF\xFF"]) {
        let starts: Vec<_> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
        for order in ORDERS {
            let rows = case.all(&partition, Scan::prefix(prefix).order(order).limit(3)).await;
            let mut found: Vec<_> = rows.iter().map(|row| row.clustering.as_slice()).collect();
            if order == Order::Descending {
                found.reverse();
            }
            assert_eq!(found, starts, "{:?} {order:?}", prefix.escape_ascii());
        }
    }
}

pub(super) async fn page_sizes(case: &Case) {
    let partition = fill(case).await;
    let range = (Bound::Excluded(vec![]), Bound::Excluded(vec![0xFF, 0xFF]));
    for limit in (1..=KEYS.len() + 1).chain([10_000]) {
        for order in ORDERS {
            let scan = Scan::range(range.clone()).order(order).limit(limit);
            check(case, &partition, scan, &range).await;
        }
    }
}

pub(super) async fn end_by_bytes(case: &Case) {
    let partition = case.partition("");
    let value = vec![7; PAGE_BYTES_MAX * 3 / 8];
    for key in 0..7_u8 {
        case.fill(&partition, [([key], value.clone())]).await;
    }
    case.fill(&partition, [([7], vec![7; 2 * PAGE_BYTES_MAX])]).await;
    for order in ORDERS {
        let rows = case.all(&partition, Scan::all().order(order)).await;
        let sizes: BTreeMap<u8, usize> =
            rows.iter().map(|row| (row.clustering[0], row.value.len())).collect();
        assert_eq!(rows.len(), 8);
        assert!(sizes.range(..7).all(|(_, size)| *size == value.len()), "{sizes:?}");
        assert_eq!(sizes[&7], 2 * PAGE_BYTES_MAX, "a row larger than a page");
    }
}

pub(super) async fn streams(case: &Case) {
    let partition = case.partition("");
    let row = |n: u32| Row { clustering: n.to_be_bytes().into(), value: n.to_string().into() };
    let rows: Vec<Row> = (0..700).map(row).collect();
    case.fill(&partition, rows.clone().into_iter().map(|row| (row.clustering, row.value))).await;
    for limit in [1, 7, 700, 701] {
        let scan = Scan::all().limit(limit);
        let found: Vec<Row> = case.store.stream(&partition, scan).try_collect().await.unwrap();
        assert_eq!(found, rows, "limit {limit}");
    }
    let owned = stream::rows(case.store.clone(), partition, Scan::all().descending());
    let found: Vec<Row> = owned.try_collect().await.unwrap();
    assert!(found.iter().eq(rows.iter().rev()), "the default limit, backwards");
}
