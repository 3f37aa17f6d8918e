//! Resume tokens: a scan goes on where its page ended, whenever that is.

use super::case::Case;
use super::scans::ORDERS;
use crate::error::{DbaError, Outcome};
use crate::key::Key;
use crate::page::Page;
use crate::scan::{Order, ResumeToken, Scan};

const ROWS: [&str; 6] = ["b", "d", "f", "h", "j", "l"];

/// A partition with the rows, and the first page of two of them in `order`, with its token.
async fn first_page(case: &Case, order: Order) -> (Vec<u8>, Scan, ResumeToken) {
    let partition = case.partition(format!("{order:?}"));
    case.fill(&partition, ROWS.map(|key| (key, key))).await;
    let scan = Scan::all().order(order).limit(2);
    let page = case.store.scan(&partition, &scan).await.unwrap();
    assert_eq!(text(&page), if order == Order::Ascending { "bd" } else { "lj" });
    (partition, scan, page.resume.expect("there is another page"))
}

/// The clustering keys of a page, one after another.
fn text(page: &Page) -> String {
    page.rows().map(|row| String::from_utf8_lossy(row.clustering)).collect()
}

/// All that is left of a scan.
async fn rest(case: &Case, partition: &[u8], scan: &Scan, token: ResumeToken) -> String {
    let mut found = String::new();
    let mut next = Some(token);
    while let Some(token) = next {
        let page = case.store.scan(partition, &scan.clone().resume(token)).await.unwrap();
        found += &text(&page);
        next = page.resume;
    }
    found
}

pub(super) async fn can_be_kept(case: &Case) {
    for (order, expected) in ORDERS.into_iter().zip(["fhjl", "hfdb"]) {
        let (partition, scan, token) = first_page(case, order).await;
        let kept = token.as_bytes().to_vec();
        assert_eq!(rest(case, &partition, &scan, token).await, expected);
        // A token is used as often as one likes, and with another page size.
        for limit in [1, 3, 100] {
            let token = ResumeToken::from_bytes(kept.clone());
            let scan = scan.clone().limit(limit);
            assert_eq!(rest(case, &partition, &scan, token).await, expected, "limit {limit}");
        }
    }
}

pub(super) async fn outlive_their_row(case: &Case) {
    for (order, expected) in ORDERS.into_iter().zip(["hjl", "fdb"]) {
        let (partition, scan, token) = first_page(case, order).await;
        // The row that the token names and the one after it.
        let gone = if order == Order::Ascending { ["d", "f"] } else { ["j", "h"] };
        for key in gone {
            case.store.delete(&Key::new(partition.clone(), key)).await.unwrap();
        }
        assert_eq!(rest(case, &partition, &scan, token).await, expected);
    }
}

pub(super) async fn see_what_was_written_since(case: &Case) {
    for (order, expected) in ORDERS.into_iter().zip(["efhjlm", "ihfdba"]) {
        let (partition, scan, token) = first_page(case, order).await;
        // Behind the token and ahead of it.
        let new = if order == Order::Ascending { ["c", "e", "m"] } else { ["k", "i", "a"] };
        case.fill(&partition, new.map(|key| (key, key))).await;
        assert_eq!(rest(case, &partition, &scan, token).await, expected);
    }
}

pub(super) async fn of_another_scan_are_refused(case: &Case) {
    let (partition, scan, token) = first_page(case, Order::Ascending).await;
    let garbage = |bytes: &[u8]| ResumeToken::from_bytes(bytes);
    let cut = |len: usize| garbage(&token.as_bytes()[..len]);
    let cases = [
        ("of the other order", scan.clone().descending().resume(token.clone())),
        ("of another range", Scan::prefix("x").resume(token.clone())),
        ("empty", scan.clone().resume(garbage(b""))),
        ("cut off", scan.clone().resume(cut(1))),
        ("garbage", scan.clone().resume(garbage(b"\xFF\xFE\xFD"))),
        ("text", scan.resume(garbage(b"next"))),
    ];
    for (name, scan) in cases {
        match case.store.scan(&partition, &scan).await {
            Err(error @ DbaError::ResumeToken { .. }) => {
                assert_eq!(error.outcome(), Outcome::NotApplied);
                assert!(!error.is_retryable());
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
