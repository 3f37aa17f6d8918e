//! Nodes that can't work together, and peers that are no nodes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::identity::ClusterId;
use crate::transport::handshake::{Cause, HandshakeError};
use kvs_core::env::net::{BoxByteStream, Network};

/// Calls from one to the other, and gives the refusal that the calling side saw.
async fn refusal(from: Config, to: Config) -> handshake::Refusal {
    let (a, b) = (Node::with(from).await, Node::with(to).await);
    let error = a.ask(&b, ECHO, b"").await.unwrap_err();
    assert!(!error.was_sent());
    assert_eq!(b.desk.begun.load(Ordering::SeqCst), 0);
    match handshake_error(error) {
        HandshakeError::RefusedByPeer(refusal) | HandshakeError::Refused(refusal) => refusal,
        error => panic!("{error}"),
    }
}

pub(super) fn handshake_error(error: CallError) -> HandshakeError {
    match error {
        CallError::NotSent {
            reason: Reason::Unreachable { error: ConnectError::Handshake(error), .. },
            ..
        } => error,
        error => panic!("{error}"),
    }
}

fn changed(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = config();
    change(&mut config);
    config
}

#[tokio::test]
async fn another_cluster_name_is_refused() {
    let refusal = refusal(config(), changed(|c| c.cluster_name = "prod".to_owned())).await;
    assert_eq!(refusal.cause, Cause::ClusterName);
    assert!(refusal.reason.contains("\"test\"") && refusal.reason.contains("\"prod\""));
}

#[tokio::test]
async fn another_cluster_is_refused_unless_one_side_is_in_none() {
    let [x, y] = [1, 2].map(|byte| Some(ClusterId::from_bytes([byte; 16])));
    let refusal = refusal(changed(|c| c.cluster = x), changed(|c| c.cluster = y)).await;
    assert_eq!(refusal.cause, Cause::Cluster);
    for (a, b) in [(x, None), (None, x), (x, x), (None, None)] {
        let a = Node::with(changed(|c| c.cluster = a)).await;
        let b = Node::with(changed(|c| c.cluster = b)).await;
        a.ask(&b, ECHO, b"").await.unwrap();
    }
}

#[tokio::test]
async fn a_cluster_that_is_known_later_is_told() {
    let (a, b) = (Node::start().await, Node::start().await);
    let cluster = ClusterId::from_bytes([7; 16]);
    a.transport.set_cluster(cluster);
    let call = a.ask(&b, WHO, b"").await.unwrap();
    assert!(String::from_utf8(call).unwrap().contains(&cluster.to_string()));
}

#[tokio::test]
async fn who_connected_before_is_parted_with_if_it_is_of_another_cluster() {
    let [x, y] = [1, 2].map(|byte| ClusterId::from_bytes([byte; 16]));
    let of_x = Node::with(changed(|c| c.cluster = Some(x))).await;
    let none = Node::start().await;
    let b = Node::start().await;
    of_x.ask(&b, ECHO, b"").await.unwrap();
    none.ask(&b, ECHO, b"").await.unwrap();
    b.transport.set_cluster(y);
    // The connection ends, and the next one is refused.
    let refused = async {
        loop {
            if let Err(CallError::NotSent { reason: Reason::Unreachable { error, .. }, .. }) =
                of_x.ask(&b, ECHO, b"").await
                && let ConnectError::Handshake(
                    HandshakeError::RefusedByPeer(refusal) | HandshakeError::Refused(refusal),
                ) = error
            {
                return refusal.cause;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(tokio::time::timeout(LONG, refused).await.unwrap(), Cause::Cluster);
    none.ask(&b, ECHO, b"").await.unwrap();
}

#[tokio::test]
async fn a_node_does_not_talk_to_itself() {
    let a = Node::start().await;
    let error = a.ask(&a, ECHO, b"").await.unwrap_err();
    let HandshakeError::RefusedByPeer(refusal) = handshake_error(error) else { panic!() };
    assert_eq!(refusal.cause, Cause::Itself);
}

#[tokio::test]
async fn the_highest_common_protocol_and_common_features_are_used() {
    for (ours, theirs, agreed) in [(1..=1, 1..=2, 1), (1..=3, 2..=5, 3), (2..=2, 1..=2, 2)] {
        let a = Node::with(changed(|c| (c.protocols, c.features) = (ours, 0b0110))).await;
        let b = Node::with(changed(|c| (c.protocols, c.features) = (theirs, 0b0011))).await;
        let who = String::from_utf8(a.ask(&b, WHO, b"").await.unwrap()).unwrap();
        assert!(who.contains(&format!("protocol: {agreed}")), "{who}");
        assert!(who.contains("features: 2"), "{who}");
        let peer = a.transport.peer(b.target().address, Channel::Control, LONG).await.unwrap();
        assert_eq!((peer.protocol, peer.features, peer.node), (agreed, 2, b.id));
    }
}

#[tokio::test]
async fn no_common_protocol_is_refused() {
    for (ours, theirs) in [(2..=2, 1..=1), (1..=1, 2..=2)] {
        let from = changed(|c| c.protocols = ours);
        let refusal = refusal(from, changed(|c| c.protocols = theirs)).await;
        assert_eq!(refusal.cause, Cause::Protocol);
        assert!(refusal.reason.contains("speaks protocol versions 2 to 2"), "{refusal}");
        assert!(refusal.reason.contains("speaks protocol versions 1 to 1"), "{refusal}");
    }
}

async fn raw(to: &Node) -> BoxByteStream {
    Sockets.connect(to.transport.local_address()).await.unwrap()
}

/// Waits until the other side closes.
async fn closed(mut stream: BoxByteStream) {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await;
    // A reset is as good.
    read.expect("the connection was not closed").ok();
}

#[tokio::test]
async fn garbage_and_giant_lengths_close_their_connection_only() {
    let (a, b) = (Node::start().await, Node::start().await);
    a.ask(&b, ECHO, b"").await.unwrap();
    let (mut giant, mut wrong_kind) = (vec![0xFF; 4], vec![0, 0, 0, 11, 200]);
    giant.extend([1; 40]);
    wrong_kind.extend([0; 10]);
    let mut bad_hello = Vec::new();
    frame::Frame { body: b"kvsR\x02...".to_vec(), ..frame::Frame::bare(frame::Kind::Hello) }
        .encode(&mut bad_hello);
    let mut early = Vec::new();
    frame::Frame::bare(frame::Kind::Request).encode(&mut early);
    let http = b"GET / HTTP/1.1\r\nHost: kvs\r\n\r\n".to_vec();
    for garbage in [giant, wrong_kind, bad_hello, early, http] {
        let mut stream = raw(&b).await;
        stream.write_all(&garbage).await.unwrap();
        closed(stream).await;
        assert_eq!(a.ask(&b, ECHO, b"still there").await.unwrap(), b"still there");
    }
    assert_eq!(b.desk.begun.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn half_a_frame_and_silence_end_with_the_handshake_deadline() {
    let b = Node::with(changed(|c| c.handshake_timeout = Duration::from_millis(300))).await;
    for half in [&[][..], &[0, 0], &[0, 0, 0, 80, 1, 0, 0, 0]] {
        let mut stream = raw(&b).await;
        stream.write_all(half).await.unwrap();
        closed(stream).await;
    }
}

#[tokio::test]
async fn a_listener_that_says_nothing_ends_with_the_handshake_deadline() {
    let a = Node::with(changed(|c| c.handshake_timeout = Duration::from_millis(300))).await;
    let mut mute = Sockets.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let target = Target { id: None, address: mute.address().unwrap() };
    let call = a.transport.call(target, Channel::Control, ECHO, vec![], LONG);
    let (error, _held) = tokio::join!(call, mute.accept());
    let error = handshake_error(error.unwrap_err());
    assert!(matches!(error, HandshakeError::Timeout(_)), "{error}");
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed() {
    let b = Node::with(changed(|c| c.connections_max = 1)).await;
    let (a, c) = (Node::start().await, Node::start().await);
    a.ask(&b, ECHO, b"").await.unwrap();
    let error = c.ask(&b, ECHO, b"").await.unwrap_err();
    assert!(!error.was_sent(), "{error}");
    assert_eq!(a.ask(&b, ECHO, b"still there").await.unwrap(), b"still there");
}
