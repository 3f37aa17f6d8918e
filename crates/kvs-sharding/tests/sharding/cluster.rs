//! The form for many nodes: owners that move, links that break.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use kvs_core::env::{Env, spawn};
use kvs_core::{CallOptions, CommandId, Outcome};
use kvs_rng::log::Owner;
use kvs_sharding::{Call, Cause, Config, PATIENCE, StartError, TRIES_MAX, stateless};
use tokio::time::{Instant, sleep, timeout};

use crate::fabric::{Fabric, Link};
use crate::handlers::{Counting, Do, Done, Obeying};
use crate::{World, small};

const E: &[u8] = b"e";

fn world(config: Config) -> Fabric {
    Fabric::new(3, config)
}

crate::suite::suite!();

/// The owner of `E`, and the two others.
fn roles(fabric: &Fabric) -> (usize, usize, usize) {
    let owner = fabric.owner(E);
    (owner, (owner + 1) % 3, (owner + 2) % 3)
}

fn with_id() -> CallOptions {
    CallOptions::default().command(CommandId::new(&Env::manual(7, 7).0))
}

#[tokio::test(start_paused = true)]
async fn only_the_owner_executes() {
    let fabric = world(small());
    let handlers = [Obeying::default(), Obeying::default(), Obeying::default()];
    let regions: Vec<_> =
        (0..3).map(|node| fabric.start_at(node, "r", handlers[node].clone())).collect();
    let (owner, ..) = roles(&fabric);
    for region in &regions {
        region.send(E, Do::Count).await.unwrap();
    }
    for (node, handler) in handlers.iter().enumerate() {
        assert_eq!(handler.begun(), if node == owner { 3 } else { 0 });
    }
    // One call for each message from elsewhere, none for one from here.
    assert_eq!(fabric.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_ends_what_is_handled_and_sends_on_what_waits() {
    let fabric = world(small());
    let handlers = [Obeying::default(), Obeying::default(), Obeying::default()];
    let regions: Vec<_> =
        (0..3).map(|node| fabric.start_at(node, "r", handlers[node].clone())).collect();
    let (owner, next, _) = roles(&fabric);
    let first = regions[owner].clone();
    let first = spawn(async move { first.send(E, Do::AwaitPermit).await });
    handlers[owner].until_begun(1).await;
    let waiting: Vec<_> = (0..30)
        .map(|n| {
            let region = regions[n % 3].clone();
            spawn(async move { region.send(E, Do::Count).await })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;

    fabric.give(E, next);
    let mut counts = Vec::new();
    for task in waiting {
        counts.push(task.await.unwrap().unwrap());
    }
    // The new owner has done all of them while the old one was still busy with its last message.
    assert!(counts.contains(&Done::Count(30)));
    assert_eq!((handlers[owner].begun(), handlers[owner].ended()), (1, 0));
    handlers[owner].permits.add_permits(1);
    assert_eq!(first.await.unwrap().unwrap(), Done::Nothing);
    assert_eq!(regions[owner].entities(), 0);

    // It comes back, and begins anew.
    fabric.give(E, owner);
    assert_eq!(regions[next].send(E, Do::Count).await.unwrap(), Done::Count(1));
}

#[tokio::test(start_paused = true)]
async fn the_state_of_an_idle_entity_goes_with_its_bucket() {
    let fabric = world(small());
    let counting = Counting::default();
    let regions = fabric.start("r", counting.clone()).unwrap();
    let (owner, next, _) = roles(&fabric);
    let neighbour: &[u8] = b"f";
    for entity in [E, neighbour] {
        regions[owner].send(entity, 1).await.unwrap();
    }
    fabric.give(E, next);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(counting.dropped(), 1);
    assert_eq!(regions[owner].send(neighbour, 1).await.unwrap(), 2);
    assert_eq!(regions[owner].send(E, 1).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn news_of_losses_that_were_missed_are_found_out() {
    let fabric = world(small());
    let counting = Counting::default();
    let regions = fabric.start("r", counting.clone()).unwrap();
    let (owner, next, _) = roles(&fabric);
    for entity in [E, b"f"] {
        regions[0].send(entity, 1).await.unwrap();
    }
    fabric.give(E, next);
    // More news than are kept for a listener.
    for _ in 0..10 {
        fabric.tell(owner, b"none");
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(counting.dropped(), 1);
    assert_eq!(regions[0].send(b"f", 1).await.unwrap(), 2);
    assert_eq!(regions[0].send(E, 1).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_larger_than_a_call_are_no_configuration() {
    let mut config = Config::default();
    config.reply_bytes_max = 32 << 20;
    let region = world(config).start("r", Counting::default());
    assert!(matches!(region, Err(StartError::Config { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_comes_back_at_once_has_one_message_at_a_time() {
    let fabric = world(small());
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let (owner, next, _) = roles(&fabric);
    let first = regions[owner].clone();
    let first = spawn(async move { first.send(E, Do::AwaitPermit).await });
    handler.until_begun(1).await;
    fabric.give(E, next);
    fabric.give(E, owner);
    let second = regions[next].clone();
    let second = spawn(async move { second.send(E, Do::Count).await });
    sleep(Duration::from_millis(10)).await;
    assert_eq!(handler.begun(), 1);
    handler.permits.add_permits(1);
    first.await.unwrap().unwrap();
    // The state from before the hand-over is not kept.
    assert_eq!(second.await.unwrap().unwrap(), Done::Count(1));
    assert_eq!(handler.most(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_belief_is_a_detour() {
    let fabric = world(small());
    let regions = fabric.start("r", Counting::default()).unwrap();
    let (owner, wrong, asking) = roles(&fabric);
    fabric.believe(asking, E, Some(Owner::At(fabric.nodes[wrong].id)));
    assert_eq!(regions[asking].send(E, 1).await.unwrap(), 1);
    assert_eq!(fabric.calls(), 2);
    let learned = fabric.nodes[asking].learned.lock().unwrap().clone();
    assert_eq!(learned, [Some(fabric.nodes[owner].id)]);

    // Who believes to be the owner, and learns of the other one in time.
    fabric.believe(asking, E, Some(Owner::Here));
    fabric.believe(wrong, E, Some(Owner::At(fabric.nodes[asking].id)));
    fabric.believe(asking, E, Some(Owner::At(fabric.nodes[wrong].id)));
    let region = regions[asking].clone();
    let waiting = spawn(async move { region.send(E, 1).await });
    sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    fabric.believe(wrong, E, None);
    assert_eq!(waiting.await.unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_name_each_other_are_not_asked_for_ever() {
    let fabric = world(small());
    let regions = fabric.start("r", Counting::default()).unwrap();
    let (_, one, other) = roles(&fabric);
    fabric.believe(one, E, Some(Owner::At(fabric.nodes[other].id)));
    fabric.believe(other, E, Some(Owner::At(fabric.nodes[one].id)));
    let options = CallOptions::default().deadline(Duration::from_secs(600));
    let error = regions[one].send_with(E, 1, &options).await.unwrap_err();
    assert!(matches!(error.cause, Cause::NotApplied { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert!(fabric.calls() <= TRIES_MAX);
}

#[tokio::test(start_paused = true)]
async fn an_owner_out_of_reach_is_tried_until_the_deadline() {
    let fabric = world(small());
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let (owner, asking, _) = roles(&fabric);
    fabric.link(asking, owner, Link::Cut);
    let began = Instant::now();
    let error = regions[asking].send(E, Do::Count).await.unwrap_err();
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
    assert!(error.to_string().contains("out of reach: cut"), "{error}");
    assert!(began.elapsed() <= Duration::from_millis(5100));
    assert_eq!(handler.begun(), 0);

    let region = regions[asking].clone();
    let waiting = spawn(async move { region.send(E, Do::Count).await });
    sleep(Duration::from_secs(1)).await;
    fabric.link(asking, owner, Link::Up);
    assert_eq!(waiting.await.unwrap().unwrap(), Done::Count(1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_not_tried_again() {
    let fabric = world(small());
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let (owner, asking, _) = roles(&fabric);
    fabric.link(asking, owner, Link::Mute);
    let error = regions[asking].send(E, Do::Count).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Unknown { .. }), "{error}");
    assert_eq!((error.outcome(), handler.begun()), (Outcome::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_command_is_asked_for_again() {
    let fabric = world(small());
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let (owner, asking, _) = roles(&fabric);
    fabric.link(asking, owner, Link::Mute);
    let region = regions[asking].clone();
    let waiting = spawn(async move { region.send_with(E, Do::Command, &with_id()).await });
    handler.until_begun(2).await;
    fabric.link(asking, owner, Link::Up);
    let id = with_id().command.map(|id| *id.as_bytes());
    assert_eq!(waiting.await.unwrap().unwrap(), Done::Command(id));
}

#[tokio::test(start_paused = true)]
async fn no_later_refusal_makes_an_unknown_outcome_known() {
    let fabric = world(small());
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let (owner, asking, _) = roles(&fabric);
    fabric.link(asking, owner, Link::Mute);
    let region = regions[asking].clone();
    let waiting = spawn(async move { region.send_with(E, Do::Count, &with_id()).await });
    handler.until_begun(1).await;
    fabric.link(asking, owner, Link::Cut);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.to_string().contains("out of reach: cut"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_the_answer_comes_soon() {
    let fabric = world(small());
    let regions = fabric.start("r", Counting::default()).unwrap();
    let reason = || "2 of 3 are down".to_owned();
    fabric.believe(0, E, Some(Owner::Nobody { reason: reason() }));
    let began = Instant::now();
    let error = regions[0].send(E, 1).await.unwrap_err();
    assert_eq!(error.cause, Cause::NoMajority { reason: reason() });
    assert!(began.elapsed() < PATIENCE * 3 / 2);

    let region = regions[0].clone();
    let waiting = spawn(async move { region.send(E, 1).await });
    sleep(PATIENCE / 2).await;
    fabric.believe(0, E, None);
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_no_handler_knows_is_refused() {
    let fabric = world(small());
    let (owner, asking, third) = roles(&fabric);
    fabric.start_at(owner, "r", stateless(|_: Call, on: bool| async move { on }));
    let region = fabric.start_at(asking, "r", stateless(|_: Call, n: u64| async move { n }));
    let error = region.send(E, 7).await.unwrap_err();
    assert!(matches!(error.cause, Cause::UnknownMessage { .. }), "{error}");
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, false));

    // The owner has another idea of the reply.
    let region =
        fabric.start_at(third, "r", stateless(|_: Call, _: bool| async move { "text".to_owned() }));
    let error = region.send(E, true).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Reply { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_the_owner_does_not_know_is_refused_soon() {
    let fabric = world(small());
    let (owner, asking, _) = roles(&fabric);
    let region = fabric.start_at(asking, "r", Counting::default());
    let sent = timeout(PATIENCE * 2, region.send(E, 1)).await;
    let error = sent.unwrap().unwrap_err();
    assert_eq!(error.cause, Cause::UnknownRegion { at: fabric.nodes[owner].id.to_string() });
    assert_eq!(error.outcome(), Outcome::NotApplied);

    let sending = region.clone();
    let waiting = spawn(async move { sending.send(E, 1).await });
    sleep(PATIENCE / 2).await;
    fabric.start_at(owner, "r", Counting::default());
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_pushes_back() {
    let mut config = Config::default();
    (config.callers_max, config.mailbox_max) = (4, 5);
    let fabric = world(config);
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let waiting: Vec<_> = (0..60)
        .map(|n| {
            let region = regions[n % 3].clone();
            spawn(async move { region.send(E, Do::AwaitPermit).await })
        })
        .collect();
    sleep(Duration::from_millis(300)).await;
    // Four messages of each node are under way, which are more than the mailbox takes: some of the
    // others' eight were refused, and came again.
    assert!(fabric.calls() > 8, "{}", fabric.calls());
    handler.permits.add_permits(60);
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    assert_eq!(handler.begun(), 60);

    let hanging = (0..60).map(|n| regions[n % 3].send(E, Do::Hang));
    for error in join_all(hanging).await.into_iter().map(Result::unwrap_err) {
        assert!(matches!(error.cause, Cause::Busy { .. } | Cause::Deadline), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_leave_room_on_the_way_to_a_node() {
    let mut config = Config::default();
    config.calls_max = 3;
    let fabric = Fabric::new(2, config);
    let handler = Obeying::default();
    let regions = fabric.start("r", handler.clone()).unwrap();
    let others = || (0..=255_u8).filter(|entity| fabric.owner(&[*entity]) == 1).take(20);
    assert_eq!(others().count(), 20);
    let region = &regions[0];
    let hanging =
        join_all(others().map(|entity| async move {
            region.send(&[entity], Do::Hang).await.unwrap_err().cause
        }));
    for cause in hanging.await {
        assert!(matches!(cause, Cause::Busy { .. } | Cause::Deadline), "{cause}");
    }
    join_all(others().map(|entity| async move {
        region.send(&[entity], Do::Count).await.unwrap();
    }))
    .await;
    assert_eq!(fabric.nodes[0].most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn whatever_bytes_come_the_host_answers() {
    let fabric = world(small());
    let regions = fabric.start("r", Counting::default()).unwrap();
    let host = fabric.nodes[0].hosted("r").unwrap();
    for body in [&[][..], &[0], &[1], &[9, 9, 9], &[1, 1, b'e', 0, 200, 1], &[1, 0, 0, 1, 1, 1, 0]]
    {
        // Version 1, refused, a message that is not known or an entity that can't be.
        let answer = host.call(fabric.nodes[1].id, body.to_vec()).await;
        assert!(matches!(answer.as_slice(), [1, 1, 6 | 8, ..]), "{body:?}: {answer:?}");
    }
    assert_eq!(regions[0].send(E, 1).await.unwrap(), 1);
}
