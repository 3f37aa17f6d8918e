//! Order within sessions.

use kvs_check::model::{counter, feed};
use kvs_check::session::{self, Broken};

use super::*;

type Call = Operation<feed::Command, feed::Answer>;

fn add(client: u64, at: u64, value: &str, eid: u64) -> Call {
    let command = feed::Command::Add { value: value.into() };
    ok(client, at, at + 1, command, feed::Answer::Number(eid))
}

fn page<const N: usize>(client: u64, at: u64, entries: [(u64, &str); N]) -> Call {
    let command = feed::Command::All { from: None, limit: None };
    let entries = entries.into_iter().map(|(eid, value)| (eid, value.into())).collect();
    ok(client, at, at + 1, command, feed::Answer::Entries(entries))
}

fn remove(at: u64, eid: u64) -> Call {
    unknown(9, at, feed::Command::Remove { eid })
}

#[test]
fn another_client_may_be_behind_but_none_goes_back() {
    let adds = [add(1, 0, "a", 1), add(1, 2, "b", 2)];
    let behind = [page(2, 10, []), page(2, 12, [(1, "a")]), page(2, 14, [(2, "b"), (1, "a")])];
    assert_eq!(session::feed(&[&adds[..], &behind[..]].concat()), Ok(()));
    let back = [page(2, 10, [(1, "a")]), page(2, 12, [])];
    let broken = session::feed(&[&adds[..], &back[..]].concat());
    assert_eq!(broken, Err(Broken::Missing { operation: 3, client: 2, eid: 1 }));
    // Who added an entry has to see it.
    let broken = session::feed(&[&adds[..], &[page(1, 10, [(1, "a")])]].concat());
    assert_eq!(broken, Err(Broken::Missing { operation: 2, client: 1, eid: 2 }));
    let len = ok(1, 10, 11, feed::Command::Len, feed::Answer::Number(1));
    assert!(session::feed(&[&adds[..], &[len]].concat()).is_err());
    let get = ok(1, 10, 11, feed::Command::Get { eid: 2 }, feed::Answer::Value(None));
    assert!(session::feed(&[&adds[..], &[get]].concat()).is_err());
}

#[test]
fn all_see_one_order() {
    let adds = [add(1, 0, "a", 1), add(2, 0, "b", 2)];
    let broken = session::feed(&[&adds[..], &[page(3, 10, [(2, "a"), (1, "b")])]].concat());
    assert!(matches!(broken, Err(Broken::TwoOrders { operation: 2, eid: 2, .. })), "{broken:?}");
    let broken = session::feed(&[&adds[..], &[page(3, 10, [(1, "a"), (2, "b")])]].concat());
    assert_eq!(broken, Err(Broken::Missing { operation: 2, client: 3, eid: 2 }));
    let twice =
        session::feed(&[&adds[..], &[page(3, 10, [(2, "b"), (2, "b"), (1, "a")])]].concat());
    assert_eq!(twice, Err(Broken::Disordered { operation: 2 }));
    let broken = session::feed(&[&adds[..], &[add(3, 4, "c", 2)]].concat());
    assert!(broken.is_err(), "{broken:?}");
    let broken =
        session::feed(&[&adds[..], &[page(3, 4, [(3, "b"), (2, "b"), (1, "a")])]].concat());
    assert!(matches!(broken, Err(Broken::Doubled { found: 2, added: 1, .. })), "{broken:?}");
}

#[test]
fn removed_entries_may_be_missing_but_do_not_come_back() {
    let adds = [add(1, 0, "a", 1), add(1, 2, "b", 2), add(1, 4, "c", 3), remove(6, 2)];
    let with = |at| page(2, at, [(3, "c"), (2, "b"), (1, "a")]);
    let without = |at| page(2, at, [(3, "c"), (1, "a")]);
    assert_eq!(session::feed(&[&adds[..], &[with(10), without(12)]].concat()), Ok(()));
    let broken = session::feed(&[&adds[..], &[with(10), without(12), with(14)]].concat());
    assert_eq!(broken, Err(Broken::BackAgain { operation: 6, client: 2, eid: 2 }));
    let gap = session::feed(&[&adds[..], &[page(2, 10, [(3, "c"), (2, "b")])]].concat());
    assert_eq!(gap, Err(Broken::Missing { operation: 4, client: 2, eid: 1 }));
}

#[test]
fn a_counter_that_grows_does_not_fall_for_a_client() {
    let get = |client, at, answer| ok(client, at, at + 1, counter::Command::Get, answer);
    let add = ok(1, 0, 1, counter::Command::Add { by: 2 }, 2);
    assert_eq!(session::counter(&[add.clone(), get(2, 10, 0), get(2, 12, 2)]), Ok(()));
    let broken = session::counter(&[add.clone(), get(1, 10, 0)]);
    assert_eq!(broken, Err(Broken::WentBack { operation: 1, client: 1, before: 2, now: 0 }));
    let back = unknown(3, 0, counter::Command::Add { by: -1 });
    assert_eq!(session::counter(&[add, get(1, 10, 0), back]), Ok(()));
}
