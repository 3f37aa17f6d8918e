//! What holds for both forms.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use kvs_core::env::{Env, spawn};
use kvs_core::{CallOptions, CommandId, DbaError, Outcome};
use kvs_sharding::{Call, Cause, StartError, stateless};
use tokio::time::{sleep, timeout};

use crate::World;
use crate::handlers::{Counting, Do, Done, KEEP, Obeying};

/// The suite as tests of the `world` that is in scope.
macro_rules! suite {
    () => {
        $crate::suite::suite! {
            an_entity_has_one_state_wherever_its_messages_come_in
            one_message_at_a_time_for_an_entity_and_many_for_many
            a_reply_that_follows_lets_the_next_message_begin
            a_panic_fails_its_caller_only
            a_handler_that_never_returns_costs_its_caller_the_deadline
            a_thousand_callers_of_a_hanging_entity_get_clear_errors
            a_message_that_waits_too_long_is_not_applied
            what_has_begun_ends_without_its_caller
            what_has_not_begun_goes_with_its_caller
            idle_entities_are_passivated
            what_passes_a_limit_is_refused
            calls_bring_command_and_deadline_along
            a_function_is_a_handler
            failures_of_handlers_are_told
            a_name_is_taken_once
        }
    };
    ($($name:ident)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                $crate::suite::$name(&world($crate::small())).await;
            }
        )*
    };
}
pub(crate) use suite;

pub(crate) async fn an_entity_has_one_state_wherever_its_messages_come_in(world: &impl World) {
    let regions = world.start("counters", Counting::default()).unwrap();
    for entity in [b"a", b"b"] {
        let sends = (0..100).map(|n| regions[n % regions.len()].send(entity, 1));
        let sums: BTreeSet<u64> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(sums, (1..=100).collect());
    }
    let in_memory: usize = regions.iter().map(|region| region.entities()).sum();
    assert_eq!(in_memory, 2);
}

pub(crate) async fn one_message_at_a_time_for_an_entity_and_many_for_many(world: &impl World) {
    let handler = Obeying::default();
    let regions = world.start("r", handler.clone()).unwrap();
    let send = |n: usize, entity: &'static [u8]| {
        let region = regions[n % regions.len()].clone();
        spawn(async move { region.send(entity, Do::AwaitPermit).await })
    };
    let same: Vec<_> = (0..20).map(|n| send(n, b"same")).collect();
    handler.permits.add_permits(20);
    for task in same {
        assert_eq!(task.await.unwrap().unwrap(), Done::Nothing);
    }
    assert_eq!(handler.most(), 1);

    let other: Vec<_> = [b"a", b"b", b"c"].iter().map(|entity| send(0, *entity)).collect();
    handler.until_begun(23).await;
    handler.permits.add_permits(3);
    for task in other {
        task.await.unwrap().unwrap();
    }
    assert_eq!(handler.most(), 3);
}

pub(crate) async fn a_reply_that_follows_lets_the_next_message_begin(world: &impl World) {
    let regions = world.start("r", Obeying::default()).unwrap();
    // None of the three can end before all have begun.
    let sends = (0..3).map(|n| regions[n % regions.len()].send(b"e", Do::LaterAtBarrier));
    for reply in join_all(sends).await {
        assert_eq!(reply.unwrap(), Done::Nothing);
    }
}

pub(crate) async fn a_panic_fails_its_caller_only(world: &impl World) {
    let regions = world.start("r", Obeying::default()).unwrap();
    for region in &regions {
        region.send(b"e", Do::Count).await.unwrap();
        let (panicked, other) =
            tokio::join!(region.send(b"e", Do::Panic), region.send(b"f", Do::Count));
        other.unwrap();
        let error = panicked.unwrap_err();
        assert_eq!(error.cause, Cause::Panicked { message: "it was told to".to_owned() });
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::Unknown, false));
        // Its state is a new one.
        assert_eq!(region.send(b"e", Do::Count).await.unwrap(), Done::Count(1));

        let error = region.send(b"e", Do::LaterPanic).await.unwrap_err();
        assert_eq!(error.cause, Cause::Panicked { message: "later".to_owned() });
        // Here the handler had returned, so that the state is whole.
        assert_eq!(region.send(b"e", Do::Count).await.unwrap(), Done::Count(3));
        region.send(b"e", Do::Panic).await.unwrap_err();

        let error = region.send(b"never", Do::Count).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Panicked { .. }), "{error}");
    }
}

pub(crate) async fn a_handler_that_never_returns_costs_its_caller_the_deadline(world: &impl World) {
    let regions = world.start("r", Obeying::default()).unwrap();
    for region in &regions {
        for message in [Do::Hang, Do::LaterHang] {
            region.send(b"e", Do::Count).await.unwrap();
            let options = CallOptions::default().deadline(Duration::from_millis(100));
            let hung = region.send_with(b"e", message, &options);
            let error = timeout(Duration::from_millis(200), hung).await.unwrap().unwrap_err();
            assert_eq!(error.cause, Cause::Deadline);
            assert_eq!(error.outcome(), Outcome::Unknown);
        }
        region.send(b"e", Do::Hang).await.unwrap_err();
        assert_eq!(region.send(b"e", Do::Count).await.unwrap(), Done::Count(1));
        region.send(b"e", Do::Hang).await.unwrap_err();
    }
}

pub(crate) async fn a_thousand_callers_of_a_hanging_entity_get_clear_errors(world: &impl World) {
    let handler = Obeying::default();
    let regions = world.start("r", handler.clone()).unwrap();
    let sends = (0..1000).map(|n| regions[n % regions.len()].send(b"e", Do::Hang));
    let results = timeout(Duration::from_secs(6), join_all(sends)).await.unwrap();
    let mut unknown = 0;
    for error in results.into_iter().map(Result::unwrap_err) {
        match error.cause {
            // The second: the owner's answer came too late by the time it takes to come.
            Cause::Deadline | Cause::Unknown { .. } => unknown += 1,
            Cause::Busy { .. } => {
                assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
            }
            other => panic!("{other}"),
        }
    }
    // Whoever was told that nothing was applied was not handled.
    assert!(handler.begun() <= unknown && unknown < 500, "{unknown}");
    assert_eq!(regions[0].send(b"e", Do::Count).await.unwrap(), Done::Count(1));
}

pub(crate) async fn a_message_that_waits_too_long_is_not_applied(world: &impl World) {
    let handler = Obeying::default();
    let regions = world.start("r", handler.clone()).unwrap();
    let region = regions[0].clone();
    let first = spawn(async move { region.send(b"e", Do::AwaitPermit).await });
    handler.until_begun(1).await;
    for region in &regions {
        let options = CallOptions::default().deadline(Duration::from_millis(100));
        let error = region.send_with(b"e", Do::Count, &options).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Busy { .. }), "{error}");
        let error = DbaError::from(error);
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
    }
    let options = CallOptions::default().deadline(Duration::ZERO);
    assert!(regions[0].send_with(b"other", Do::Count, &options).await.is_err());
    handler.permits.add_permits(1);
    first.await.unwrap().unwrap();
    assert_eq!(handler.begun(), 1);
}

pub(crate) async fn what_has_begun_ends_without_its_caller(world: &impl World) {
    let handler = Obeying::default();
    let regions = world.start("r", handler.clone()).unwrap();
    for (n, region) in regions.iter().enumerate() {
        let caller = region.clone();
        let caller = spawn(async move { caller.send(b"e", Do::AwaitPermit).await });
        handler.until_begun(2 * n + 1).await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(handler.ended(), 2 * n);
        handler.permits.add_permits(1);
        assert_eq!(region.send(b"e", Do::Count).await.unwrap(), Done::Count(2 * n + 2));
        assert_eq!(handler.ended(), 2 * n + 2);
    }
}

pub(crate) async fn what_has_not_begun_goes_with_its_caller(world: &impl World) {
    let handler = Obeying::default();
    let regions = world.start("r", handler.clone()).unwrap();
    let first = regions[0].clone();
    let first = spawn(async move { first.send(b"e", Do::AwaitPermit).await });
    handler.until_begun(1).await;
    for region in &regions {
        let waiting = region.send(b"e", Do::Count);
        assert!(timeout(Duration::from_millis(50), waiting).await.is_err());
    }
    handler.permits.add_permits(1);
    first.await.unwrap().unwrap();
    assert_eq!(regions[0].send(b"e", Do::Count).await.unwrap(), Done::Count(2));
    assert_eq!(handler.begun(), 2);
}

pub(crate) async fn idle_entities_are_passivated(world: &impl World) {
    let counting = Counting::default();
    let regions = world.start("r", counting.clone()).unwrap();
    let in_memory = || regions.iter().map(|region| region.entities()).sum::<usize>();
    regions[0].send(b"e", 1).await.unwrap();
    sleep(KEEP / 2).await;
    assert_eq!(regions[0].send(b"e", 1).await.unwrap(), 2);
    sleep(KEEP * 3 / 4).await;
    assert_eq!((in_memory(), counting.dropped()), (1, 0));
    sleep(KEEP).await;
    assert_eq!((in_memory(), counting.dropped()), (0, 1));
    assert_eq!(regions[0].send(b"e", 1).await.unwrap(), 1);

    let regions = world.start("stateless", stateless(|_: Call, n: u64| async move { n })).unwrap();
    regions[0].send(b"e", 1).await.unwrap();
    assert_eq!(regions.iter().map(|region| region.entities()).sum::<usize>(), 0);
}

pub(crate) async fn what_passes_a_limit_is_refused(world: &impl World) {
    let handler = Obeying::default();
    let regions = world.start("r", handler.clone()).unwrap();
    let strings = world.start("s", stateless(|_: Call, text: String| async move { text.len() }));
    let strings = strings.unwrap();
    for n in 0..regions.len() {
        let error = strings[n].send(b"e", "x".repeat(1001)).await.unwrap_err();
        assert!(error.to_string().contains("message length in bytes is 1005"), "{error}");
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, false));
        assert_eq!(strings[n].send(b"e", "x".repeat(900)).await.unwrap(), 900);

        let error = regions[n].send(b"e", Do::Large(1000)).await.unwrap_err();
        assert_eq!(error.cause, Cause::ReplyTooLarge { found: 1005, limit: 1000 });
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::Unknown, false));
        assert_eq!(handler.begun(), n + 1);

        for id in [&[][..], &[0; 1025]] {
            let error = strings[n].send(id, String::new()).await.unwrap_err();
            assert!(matches!(error.cause, Cause::Limit { .. }), "{error}");
        }
        strings[n].send(&[0; 1024], String::new()).await.unwrap();
    }
}

pub(crate) async fn calls_bring_command_and_deadline_along(world: &impl World) {
    let regions = world.start("r", Obeying::default()).unwrap();
    let id = CommandId::new(&Env::manual(7, 7).0);
    for region in &regions {
        let command = region.send(b"e", Do::Command).await.unwrap();
        assert_eq!(command, Done::Command(None));
        let options = CallOptions::default().command(id).deadline(Duration::from_secs(2));
        let command = region.send_with(b"e", Do::Command, &options).await.unwrap();
        assert_eq!(command, Done::Command(Some(*id.as_bytes())));
        let Done::Ms(left) = region.send_with(b"e", Do::Remaining, &options).await.unwrap() else {
            panic!("not a time");
        };
        assert!((1900..=2000).contains(&left), "{left}");
        let options = CallOptions::default().deadline(Duration::MAX);
        region.send_with(b"e", Do::Count, &options).await.unwrap();
    }
}

pub(crate) async fn a_function_is_a_handler(world: &impl World) {
    let greet = |call: Call, name: String| async move {
        format!("{name}, said {}", call.entity().escape_ascii())
    };
    let region = world.start("greetings", stateless(greet)).unwrap().remove(0);
    let reply = region.send(b"the parrot", "hello".to_owned()).await.unwrap();
    assert_eq!(reply, "hello, said the parrot");
}

pub(crate) async fn failures_of_handlers_are_told(world: &impl World) {
    let regions = world.start("r", Obeying::default()).unwrap();
    let told = "so it was told";
    for region in &regions {
        let error = region.send(b"e", Do::NotApplied).await.unwrap_err();
        assert_eq!(error.cause, Cause::NotApplied { reason: told.to_owned() });
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
        let error = region.send(b"e", Do::NoMajority).await.unwrap_err();
        assert_eq!(error.cause, Cause::NoMajority { reason: told.to_owned() });
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
        let error = region.send(b"e", Do::Unknown).await.unwrap_err();
        assert_eq!(error.cause, Cause::Unknown { reason: told.to_owned() });
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::Unknown, true));
        assert!(error.to_string().contains("\"e\" of the region r: outcome unknown"), "{error}");
    }
}

pub(crate) async fn a_name_is_taken_once(world: &impl World) {
    world.start("r", Counting::default()).unwrap();
    let again = world.start("r", Counting::default());
    assert_eq!(again.unwrap_err(), StartError::Taken { name: "r".to_owned() });
    for name in [String::new(), "x".repeat(129)] {
        let region = world.start(&name, Counting::default());
        assert!(matches!(region, Err(StartError::Name { limit: 128, .. })));
    }
    world.start(&"x".repeat(128), Counting::default()).unwrap();
}
