//! The bytes of sets that were written once must be read for ever.

use std::sync::Arc;

use kvs_core::env::SeededRandom;
use kvs_core::{Dba, Scan};
use kvs_sort::{Leaderboard, SortedSet};

use crate::{all, block_on, rows};

async fn stored(dba: &dyn Dba) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let rows = all(dba.stream(b"name", Scan::all())).await;
    rows.iter().map(|row| format!("{} = {}", hex(&row.clustering), hex(&row.value))).collect()
}

#[test]
fn a_sorted_set() {
    block_on(async {
        let rows = rows();
        let set = SortedSet::<u16>::new(rows.clone(), "name");
        for element in [9, 7, 258] {
            set.insert(&element).await.unwrap();
        }
        set.remove(&9).await.unwrap();
        let header = " = 0106736f72746564010100011002";
        assert_eq!(stored(&*rows).await, [header, "10000007 = ", "10000102 = "]);
        set.clear().await.unwrap();
        set.insert(&1).await.unwrap();
        let header = " = 0106736f72746564010101011001";
        let cleared = ["10000007 = ", "10000102 = "];
        assert_eq!(stored(&*rows).await, [header, cleared[0], cleared[1], "1001010001 = "]);
    });
}

#[test]
fn a_leaderboard() {
    block_on(async {
        let rows = rows();
        let random = Arc::new(SeededRandom::new(1));
        let board = Leaderboard::<u8>::new(rows.clone(), "name").with_random(random);
        for (member, score) in [(1, 1.5), (2, -1.0), (3, 0.0)] {
            board.set(&member, score).await.unwrap();
        }
        let expected = [
            " = 010b6c6561646572626f6172640101000110c1b989c8c8bd8b859101040003",
            "10000001 = 0101000000000000f83f",
            "10000002 = 0101000000000000f0bf",
            "10000003 = 01010000000000000000",
            // Widths 0, 1, 1, 1; three keys of 9 bytes: the score negated, the member.
            "10000100 = 01010400010101030909091b\
             4007ffffffffffff01\
             800000000000000003\
             bff000000000000002",
        ];
        assert_eq!(stored(&*rows).await, expected);
    });
}
