//! The form for one process.

use std::time::Duration;

use kvs_core::{DbaError, Outcome};
use kvs_sharding::{Config, Failure, Handler, LocalSharding, StartError, stateless};
use tokio::time::sleep;

use crate::handlers::Counting;
use crate::{Started, World};

impl World for LocalSharding {
    fn start<H: Handler + Clone>(&self, name: &str, handler: H) -> Started<H> {
        Self::start(self, name, handler).map(|region| vec![region])
    }
}

fn world(config: Config) -> LocalSharding {
    LocalSharding::new(config)
}

crate::suite::suite!();

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for (callers_max, mailbox_max) in [(0, 10), (10, 10), (usize::MAX, 10)] {
        let mut config = Config::default();
        (config.callers_max, config.mailbox_max) = (callers_max, mailbox_max);
        let region = world(config).start("r", stateless(|_, (): ()| async {}));
        assert!(matches!(region, Err(StartError::Config { .. })));
    }
}

#[test]
fn errors_of_stores_are_failures_if_another_try_may_help() {
    let ring = |outcome, is_retryable| {
        let reason = "r".to_owned();
        Failure::of_store(&DbaError::Ring { operation: "o", reason, outcome, is_retryable })
    };
    let quorum = |outcome| {
        let (answered, failed) = (Vec::new(), Vec::new());
        Failure::of_store(&DbaError::Quorum {
            operation: "o",
            needed: 2,
            answered,
            failed,
            outcome,
        })
    };
    let moved = Failure::of_store(&DbaError::NotOwner { name: "e".to_owned(), owner: None });
    assert!(matches!(moved, Some(Failure::NotApplied { .. })));
    let (not_applied, unknown) = (Outcome::NotApplied, Outcome::Unknown);
    assert!(matches!(ring(not_applied, true), Some(Failure::NotApplied { .. })));
    assert_eq!(ring(not_applied, false), None);
    assert!(matches!(ring(unknown, true), Some(Failure::Unknown { .. })));
    assert!(matches!(quorum(not_applied), Some(Failure::NoMajority { .. })));
    assert!(matches!(quorum(unknown), Some(Failure::Unknown { .. })));
    assert_eq!(Failure::of_store(&DbaError::decode("d", "e")), None);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_idle_entities_the_oldest_goes() {
    let mut config = Config::default();
    config.idle_max = 2;
    let counting = Counting::default();
    let region = world(config).start("r", counting.clone()).unwrap();
    for entity in [b"a", b"b", b"a", b"c"] {
        region.send(entity, 1).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    // `b` was idle longest.
    assert_eq!(region.entities(), 2);
    assert_eq!(counting.dropped(), 1);
    assert_eq!(region.send(b"a", 1).await.unwrap(), 3);
    assert_eq!(region.send(b"c", 1).await.unwrap(), 2);
    assert_eq!(region.send(b"b", 1).await.unwrap(), 1);
}
