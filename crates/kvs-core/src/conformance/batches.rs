//! Batches: all of it, in order, or nothing.

use super::case::Case;
use crate::batch::Batch;
use crate::key::Key;
use crate::limits::{BATCH_BYTES_MAX, BATCH_OPS_MAX, CLUSTERING_BYTES_MAX, VALUE_BYTES_MAX};

/// Name, batch, and the rows that it leaves.
type Expected = (&'static str, Batch, &'static [(&'static str, &'static str)]);

pub(super) async fn apply_in_order(case: &Case) {
    let cases: [Expected; 6] = [
        ("puts", Batch::new().put("b", "2").put("a", "1"), &[("a", "1"), ("b", "2"), ("z", "0")]),
        ("last put wins", Batch::new().put("a", "1").put("a", "2"), &[("a", "2"), ("z", "0")]),
        ("put, delete", Batch::new().put("a", "1").delete("a"), &[("z", "0")]),
        ("delete, put", Batch::new().delete("z").put("z", "1"), &[("z", "1")]),
        (
            "put, delete, put",
            Batch::new().put("a", "1").delete("a").put("a", "2"),
            &[("a", "2"), ("z", "0")],
        ),
        ("deletes", Batch::new().delete("z").delete("not there").delete("z"), &[]),
    ];
    for (name, batch, expected) in cases {
        let partition = case.partition(name);
        case.fill(&partition, [("z", "0")]).await;
        case.store.write(&partition, batch).await.unwrap();
        let rows = case.rows(&partition).await;
        let expected: Vec<_> =
            expected.iter().map(|(key, value)| (Vec::from(*key), Vec::from(*value))).collect();
        assert_eq!(rows, expected, "{name}");
    }
}

pub(super) async fn empty_one_changes_nothing(case: &Case) {
    let partition = case.partition("");
    case.fill(&partition, [("a", "1")]).await;
    case.store.write(&partition, Batch::new()).await.unwrap();
    assert_eq!(case.rows(&partition).await, [(b"a".to_vec(), b"1".to_vec())]);
}

pub(super) async fn are_of_one_partition(case: &Case) {
    let (one, other) = (case.partition("one"), case.partition("one\0other"));
    case.fill(&other, [("a", "other")]).await;
    case.store.write(&one, Batch::new().put("a", "one").delete("b").put("", "x")).await.unwrap();
    assert_eq!(case.rows(&other).await, [(b"a".to_vec(), b"other".to_vec())]);
    let a = Key::new(one, "a");
    assert_eq!(case.store.get(&a).await.unwrap(), Some(b"one".to_vec()));
}

/// A batch fails as a whole, whichever of its operations is the one above a limit.
pub(super) async fn refused_one_changes_nothing(case: &Case) {
    let first = Batch::new().put("a", "new").delete("b");
    let long_key = vec![b'k'; CLUSTERING_BYTES_MAX + 1];
    let many = (0..BATCH_OPS_MAX).fold(first.clone(), |batch, n| batch.put(n.to_string(), "new"));
    let half = vec![0; BATCH_BYTES_MAX / 2];
    let cases = [
        ("a long clustering key", first.clone().put(long_key.clone(), "x")),
        ("a long clustering key to delete", first.clone().delete(long_key)),
        ("a large value", first.clone().put("c", vec![0; VALUE_BYTES_MAX + 1])),
        ("many bytes", first.put("c", half.clone()).put("d", half)),
        ("many operations", many),
    ];
    let partition = case.partition("");
    case.fill(&partition, [("a", "old"), ("b", "old")]).await;
    let before = case.rows(&partition).await;
    for (name, batch) in cases {
        let refused = case.store.write(&partition, batch).await;
        assert!(refused.is_err(), "{name}: accepted");
        assert_eq!(case.rows(&partition).await, before, "{name}");
    }
}
