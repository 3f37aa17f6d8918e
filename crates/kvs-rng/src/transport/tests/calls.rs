//! Requests and answers.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_a_connection() {
    let (a, b) = (Arc::new(Node::start().await), Arc::new(Node::start().await));
    let tasks: Vec<_> = (0..32u32)
        .map(|task| {
            let (a, b) = (a.clone(), b.clone());
            kvs_core::env::spawn(async move {
                for call in 0..50u32 {
                    let body = [task.to_be_bytes(), call.to_be_bytes()].concat();
                    assert_eq!(a.ask(&b, ECHO, &body).await.unwrap(), body);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(b.desk.begun.load(Ordering::SeqCst), 1600);
    let (peer, counters) = a.transport.counters()[0];
    assert_eq!(peer, b.id);
    assert!(counters.frames_out >= 1600 && counters.frames_in >= 1600, "{counters:?}");
    assert!(counters.bytes_out >= 1600 * 23, "{counters:?}");
    assert_eq!(counters.errors, 0);
}

#[tokio::test]
async fn large_bodies_pass_and_larger_ones_are_refused() {
    let (a, b) = (Node::start().await, Node::start().await);
    for size in [0, 1, 16 << 10, (16 << 10) + 1, 1 << 20, frame::FRAME_MAX] {
        let body: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        assert!(a.ask(&b, ECHO, &body).await.unwrap() == body, "{size}");
    }
    let error = a.ask(&b, ECHO, &vec![0; frame::FRAME_MAX + 1]).await.unwrap_err();
    assert!(!error.was_sent());
    assert!(matches!(error, CallError::NotSent { reason: Reason::TooLarge(_), .. }), "{error}");
    let error = a.ask(&b, HUGE, b"").await.unwrap_err();
    assert!(
        matches!(&error, CallError::Fault { fault, .. } if fault.code == Fault::ANSWER_TOO_LARGE)
    );
    assert_eq!(a.ask(&b, ECHO, b"still there").await.unwrap(), b"still there");
}

#[tokio::test]
async fn faults_and_panics_are_answers() {
    let (a, b) = (Node::start().await, Node::start().await);
    let error = a.ask(&b, FAIL, b"").await.unwrap_err();
    assert!(error.was_sent());
    let CallError::Fault { fault, to } = error else { panic!("{error}") };
    assert_eq!((fault, to), (Fault::new(7, "no such thing"), b.target().address));
    let error = a.ask(&b, PANIC, b"").await.unwrap_err();
    assert!(matches!(&error, CallError::Fault { fault, .. } if fault.code == Fault::PANICKED));
    assert_eq!(a.ask(&b, ECHO, b"still there").await.unwrap(), b"still there");
}

#[tokio::test]
async fn both_channels_and_directions_work() {
    let (a, b) = (Node::start().await, Node::start().await);
    for (from, to) in [(&a, &b), (&b, &a)] {
        for channel in [Channel::Control, Channel::Bulk] {
            let call = from.transport.call(to.target(), channel, WHO, vec![], LONG);
            let who = String::from_utf8(call.await.unwrap()).unwrap();
            assert!(who.contains(&from.id.to_string()), "{who}");
            assert!(who.contains(&from.transport.local_address().to_string()), "{who}");
            assert!(who.contains(&format!("{channel:?}")), "{who}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_lost_at_the_deadline() {
    let (a, b) = (Node::start().await, Node::start().await);
    a.ask(&b, ECHO, b"").await.unwrap();
    let deadline = Duration::from_millis(200);
    let call = a.transport.call(b.target(), Channel::Control, NEVER, vec![], deadline);
    let error = call.await.unwrap_err();
    assert!(error.was_sent());
    assert!(matches!(error, CallError::Lost { reason: Reason::Deadline(_), .. }), "{error}");
    assert_eq!(a.ask(&b, ECHO, b"still there").await.unwrap(), b"still there");
}

#[tokio::test]
async fn another_node_than_the_one_asked_for_is_told() {
    let (a, b) = (Node::start().await, Node::start().await);
    let target = Target { id: Some(a.id), ..b.target() };
    let call = a.transport.call(target, Channel::Control, ECHO, vec![], LONG);
    let error = call.await.unwrap_err();
    let CallError::NotSent { reason: Reason::WrongNode { expected, found }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((expected, found), (a.id, b.id));
    let target = Target { id: None, ..b.target() };
    a.transport.call(target, Channel::Control, ECHO, vec![], LONG).await.unwrap();
}
