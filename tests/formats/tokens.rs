//! Resume tokens: callers may keep them.

use std::ops::Bound;

use kvs_core::{Order, Range, ResumeToken, Scan};

use crate::fixture::Fixtures;

#[test]
fn resume_tokens() {
    let values = [
        ("ascending", (Order::Ascending, b"row".to_vec())),
        ("descending", (Order::Descending, b"row".to_vec())),
        ("empty_row", (Order::Ascending, vec![])),
    ];
    Fixtures::of("resume_token/v1").check(
        values,
        |(order, row)| ResumeToken::new(*order, row).as_bytes().to_vec(),
        |bytes| {
            let [ascending, descending] = [Order::Ascending, Order::Descending].map(|order| {
                let token = ResumeToken::from_bytes(bytes);
                Ok((order, behind(Scan::all().order(order).resume(token).remaining()?)))
            });
            ascending.or(descending)
        },
    );
}

/// The row that a scan goes on behind.
fn behind((start, end): Range) -> Vec<u8> {
    match (start, end) {
        (Bound::Excluded(row), _) | (_, Bound::Excluded(row)) => row,
        range => panic!("a token leaves {range:?}"),
    }
}
