//! Commands with an id are applied once.

use std::time::Duration;

use kvs_core::entity::{self, LocalEntities, RESULTS_KEPT};
use kvs_core::env::Env;
use kvs_core::{CallOptions, CommandId, DbaError, EntityStore, Outcome};

use crate::counter::{self, in_threads};

/// Ids in the order of their numbers.
fn id(number: u64) -> CommandId {
    CommandId::from_bytes(u128::from(number).to_be_bytes())
}

fn with_id(number: u64) -> CallOptions {
    CallOptions::default().command(id(number))
}

#[tokio::test]
async fn a_repeated_command_gets_the_first_answer() {
    let entities = counter::in_memory();
    for (number, expected) in [(1, 0), (2, 1), (1, 0), (3, 2), (2, 1), (1, 0), (3, 2)] {
        let answer = counter::add(&entities, "one", number, &with_id(number)).await.unwrap();
        assert_eq!(answer, expected, "command {number}");
    }
    assert_eq!(counter::value(&*entities.rows(), "one").await.unwrap(), 3);

    // An id belongs to its entity; and it is kept with the rows.
    assert_eq!(counter::add(&entities, "two", 1, &with_id(1)).await.unwrap(), 0);
    let reopened = LocalEntities::new(entities.rows());
    assert_eq!(counter::add(&reopened, "one", 2, &with_id(2)).await.unwrap(), 1);
    assert_eq!(counter::value(&*entities.rows(), "one").await.unwrap(), 3);
}

#[test]
fn a_command_sent_by_many_at_once_is_applied_once() {
    let entities = counter::in_memory();
    in_threads(8, async |_| {
        for number in 0..50 {
            let answer = counter::add(&entities, "one", number, &with_id(number)).await;
            assert_eq!(answer.unwrap(), number, "command {number}");
        }
    });
    in_threads(1, async |_| {
        assert_eq!(counter::value(&*entities.rows(), "one").await.unwrap(), 50);
    });
}

#[tokio::test]
async fn a_command_that_failed_may_be_sent_again() {
    let entities = counter::in_memory();
    let options = with_id(1);
    let failed = entity::run(&entities, *b"one", &options, |_| async {
        Err::<u64, _>(DbaError::decode("command", "it fails"))
    });
    assert!(failed.await.is_err());
    assert_eq!(counter::add(&entities, "one", 1, &options).await.unwrap(), 0);
}

#[tokio::test]
async fn the_newest_results_are_kept_and_older_commands_are_not_run_again() {
    let entities = counter::in_memory();
    let kept = RESULTS_KEPT as u64;
    // The odd ids, so that there are some between that never came.
    for n in 0..kept + 2 {
        assert_eq!(counter::add(&entities, "one", n, &with_id(2 * n + 1)).await.unwrap(), n);
    }
    for forgotten in [0, 1, 2, 3] {
        let error = counter::add(&entities, "one", 0, &with_id(forgotten)).await.unwrap_err();
        let DbaError::CommandForgotten { id: named, name, kept } = &error else {
            panic!("{error}")
        };
        assert_eq!((named, &**name, *kept), (&id(forgotten).to_string(), "one", RESULTS_KEPT));
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::Unknown, false));
    }
    for n in 2..kept + 2 {
        assert_eq!(counter::add(&entities, "one", n, &with_id(2 * n + 1)).await.unwrap(), n);
    }
    assert_eq!(counter::value(&*entities.rows(), "one").await.unwrap(), kept + 2);

    // Not forgotten and never seen: it is a late one, and runs.
    assert_eq!(counter::add(&entities, "one", 0, &with_id(100)).await.unwrap(), kept + 2);
    assert_eq!(counter::add(&entities, "one", 0, &with_id(100)).await.unwrap(), kept + 2);
}

#[test]
fn ids_are_in_the_order_of_time() {
    let (env, clock) = Env::manual(1_000, 1);
    let mut last = CommandId::new(&env);
    for _ in 0..100 {
        clock.advance(Duration::from_millis(1));
        let next = CommandId::new(&env);
        assert!(next > last);
        assert_eq!(next.to_string().parse::<CommandId>().unwrap(), next);
        assert_eq!(next.made_ms(), env.clock.now_ms());
        last = next;
    }
    assert!("not an id".parse::<CommandId>().is_err());
}
