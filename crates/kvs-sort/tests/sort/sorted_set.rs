//! A sorted set answers as a `BTreeSet` does.

use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds};

use kvs_sort::SortedSet;
use proptest::prelude::*;

use crate::{all, block_on, rows};

type Element = (i8, String);

#[derive(Clone, Debug)]
enum Change {
    Insert(Element),
    Remove(Element),
    Clear,
    Cleanup(usize),
}

fn element() -> impl Strategy<Value = Element> {
    (-3..3_i8, "[ab\\x00\u{ff}]{0,3}")
}

fn bound() -> impl Strategy<Value = Bound<Element>> {
    prop_oneof![
        element().prop_map(Bound::Included),
        element().prop_map(Bound::Excluded),
        Just(Bound::Unbounded),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        60 => element().prop_map(Change::Insert),
        30 => element().prop_map(Change::Remove),
        1 => Just(Change::Clear),
        4 => (1..20_usize).prop_map(Change::Cleanup),
    ];
    prop::collection::vec(change, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_sorted_set_answers_as_a_set_does(
        changes in changes(),
        bounds in prop::collection::vec((bound(), bound()), 0..10),
        probes in prop::collection::vec(element(), 0..10),
    ) {
        block_on(async {
            let set = SortedSet::<Element>::new(rows(), "set");
            let mut model = BTreeSet::new();
            for change in changes {
                match change {
                    Change::Insert(element) => {
                        assert_eq!(set.insert(&element).await.unwrap(), model.insert(element));
                    }
                    Change::Remove(element) => {
                        assert_eq!(set.remove(&element).await.unwrap(), model.remove(&element));
                    }
                    Change::Clear => {
                        assert_eq!(set.clear().await.unwrap(), model.len() as u64);
                        model.clear();
                    }
                    Change::Cleanup(limit) => {
                        assert!(set.cleanup(limit).await.unwrap().removed <= limit as u64);
                    }
                }
                assert_eq!(set.len().await.unwrap(), model.len() as u64);
            }

            assert_eq!(set.is_empty().await.unwrap(), model.is_empty());
            assert_eq!(set.first().await.unwrap().as_ref(), model.first());
            assert_eq!(set.last().await.unwrap().as_ref(), model.last());
            assert_eq!(all(set.flatten()).await, model.iter().cloned().collect::<Vec<_>>());
            assert_eq!(all(set.descending()).await, model.iter().rev().cloned().collect::<Vec<_>>());
            for bounds in bounds {
                let inside = model.iter().filter(|element| bounds.contains(*element)).cloned();
                let mut inside: Vec<_> = inside.collect();
                assert_eq!(all(set.range(bounds.clone())).await, inside);
                inside.reverse();
                assert_eq!(all(set.range_descending(bounds)).await, inside);
            }
            for probe in probes {
                assert_eq!(set.contains(&probe).await.unwrap(), model.contains(&probe));
            }
        });
    }
}
