use tokio::io::{duplex, split};

use super::*;
use crate::identity::{ClusterId, Incarnation, NodeId};

fn hello(node: u8) -> Hello {
    Hello {
        protocol_min: 1,
        protocol_max: 2,
        features: 5,
        cluster_name: "test".to_owned(),
        cluster: Some(ClusterId::from_bytes([9; 16])),
        node: NodeId::from_bytes([node; 16]),
        incarnation: Incarnation(3),
        address: "10.0.0.1:4343".parse().unwrap(),
        channel: Channel::Bulk,
    }
}

async fn meet(
    us: Hello,
    them: Hello,
) -> (Result<Peer, HandshakeError>, Result<Peer, HandshakeError>) {
    let (one, other) = duplex(1 << 10);
    let (one, other) = (split(one), split(other));
    let (mut reader, mut far_reader) = (FrameReader::new(one.0), FrameReader::new(other.0));
    let (mut writer, mut far_writer) = (one.1, other.1);
    tokio::join!(
        connecting(&mut reader, &mut writer, &us, None),
        listening(&mut far_reader, &mut far_writer, them, None),
    )
}

#[tokio::test]
async fn both_sides_learn_who_the_other_is() {
    let there = Hello { protocol_max: 7, channel: Channel::Control, ..hello(2) };
    let (one, other) = meet(hello(1), there).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.node, one.protocol, one.channel), (hello(2).node, 2, Channel::Bulk));
    assert_eq!((other.node, other.protocol, other.channel), (hello(1).node, 2, Channel::Bulk));
}

#[tokio::test]
async fn both_sides_have_the_reason_of_a_refusal() {
    let others = [
        (Cause::ClusterName, Hello { cluster_name: "prod".to_owned(), ..hello(2) }),
        (Cause::Cluster, Hello { cluster: Some(ClusterId::from_bytes([8; 16])), ..hello(2) }),
        (Cause::Protocol, Hello { protocol_min: 3, protocol_max: 4, ..hello(2) }),
        (Cause::Itself, hello(1)),
        (Cause::Copy, Hello { incarnation: Incarnation(4), ..hello(1) }),
    ];
    for (cause, them) in others {
        let HandshakeError::RefusedByPeer(told) = meet(hello(1), them.clone()).await.0.unwrap_err()
        else {
            panic!("{cause:?}")
        };
        let HandshakeError::Refused(said) = meet(hello(1), them).await.1.unwrap_err() else {
            panic!("{cause:?}")
        };
        assert_eq!(told, said);
        assert_eq!(told.cause, cause);
    }
}

#[tokio::test]
async fn a_connecting_side_that_refuses_says_why() {
    // A listening side that is content with everybody.
    let (one, other) = duplex(1 << 10);
    let (one, mut other) = (split(one), split(other));
    let (mut reader, mut writer) = (FrameReader::new(one.0), one.1);
    let them = Hello { cluster_name: "prod".to_owned(), ..hello(2) };
    let mut far_reader = FrameReader::new(other.0);
    let us = hello(1);
    let far = async {
        expect(&mut far_reader, Kind::Hello).await.unwrap();
        send(&mut other.1, &them.frame().unwrap()).await.unwrap();
        expect(&mut far_reader, Kind::Accept).await.unwrap_err()
    };
    let (near, far) = tokio::join!(connecting(&mut reader, &mut writer, &us, None), far);
    let (HandshakeError::Refused(said), HandshakeError::RefusedByPeer(told)) =
        (near.unwrap_err(), far)
    else {
        panic!()
    };
    assert_eq!(said, told);
}

#[test]
fn hellos_are_read_exactly() {
    let body = hello(1).frame().unwrap().body;
    assert_eq!(Hello::decode(&body).unwrap(), hello(1));
    for length in 0..body.len() {
        assert!(Hello::decode(&body[..length]).is_err(), "{length}");
    }
    assert!(Hello::decode(&[&body[..], &[0]].concat()).is_err());
    let long = Hello { cluster_name: "n".repeat(CLUSTER_NAME_MAX + 1), ..hello(1) };
    assert!(Hello::decode(&long.frame().unwrap().body).is_err());
}

#[test]
fn the_layout_of_a_hello_is_fixed() {
    let mut bytes = b"kvsR\x01".to_vec();
    bytes.extend([1, 2, 5, 4]);
    bytes.extend(b"test");
    bytes.extend([1, 16]);
    bytes.extend([9; 16]);
    bytes.push(16);
    bytes.extend([1; 16]);
    bytes.push(3);
    // IPv4, 10.0.0.1, port 4343, bulk.
    bytes.extend([0, 10, 0, 0, 1, 0xF7, 0x21, 1]);
    assert_eq!(hello(1).frame().unwrap().body, bytes);
}

#[test]
fn fuzz_any_bytes_are_a_hello_or_an_error() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut body = b"kvsR\x01".to_vec();
        body.extend_from_slice(input);
        for body in [input, &body] {
            if let Ok(hello) = Hello::decode(body) {
                let again = hello.frame().unwrap().body;
                assert_eq!(Hello::decode(&again).unwrap(), hello);
            }
        }
    });
}

#[test]
fn text_from_outside_is_one_short_line() {
    assert_eq!(text(b"a\nb\x1b[31m", 100), "a b [31m");
    assert_eq!(text("\u{e9}\u{e9}".as_bytes(), 3), "\u{e9}\u{fffd}");
}
