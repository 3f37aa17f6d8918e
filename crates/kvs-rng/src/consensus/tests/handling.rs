//! Bytes from outside.

use openraft::raft::{AppendEntriesRequest, VoteRequest};
use proptest::prelude::*;

use super::super::config::{SnapshotMeta, Types, Vote};
use super::super::wire::{Refusal, Request, SnapshotMessage};
use super::*;

async fn answer(node: &Consensus, from: u8, request: &[u8]) -> Answer {
    format::decode("answer", &node.handle(id(from), request).await).unwrap()
}

fn request(cluster: u8, body: Body) -> Vec<u8> {
    let cluster = Some(ClusterId::from_bytes([cluster; 16]));
    format::encode("request", &Request { cluster, body }).unwrap()
}

fn vote(n: u8) -> Vote {
    Vote::new(1 << 20, RaftId(id(n)))
}

fn append(n: u8) -> Body {
    let (vote, entries) = (vote(n), Vec::new());
    Body::Append(AppendEntriesRequest::<Types> {
        vote,
        prev_log_id: None,
        entries,
        leader_commit: None,
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_refused() {
    let cluster = Cluster::of(2).await;
    let node = cluster.node(1);
    let good = request(1, Body::Layout);
    assert!(matches!(answer(&node, 2, &good).await, Answer::Layout(Some(_))));
    let long = [good.as_slice(), &[0]].concat();
    let other_version = [&[9], &good[1..]].concat();
    for bad in [&[][..], &good[..good.len() - 1], &long, &other_version, &[1; 100], &[255; 100]] {
        let refused = answer(&node, 2, bad).await;
        assert!(matches!(refused, Answer::Refused(Refusal::Malformed(_))), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_speaks_for_another() {
    let cluster = Cluster::of(2).await;
    let (node, term) = (cluster.node(1), cluster.status(1).term);
    let snapshot = SnapshotMessage { vote: vote(2), meta: SnapshotMeta::default(), data: vec![1] };
    let bodies = [
        append(2),
        Body::Vote(VoteRequest::new(vote(2), None)),
        Body::Snapshot(Box::new(snapshot)),
    ];
    for body in bodies {
        let refused = answer(&node, 3, &request(1, body)).await;
        let Answer::Refused(refusal) = refused else { panic!("{refused:?}") };
        assert!(refusal.to_string().contains("speaks for"), "{refusal}");
    }
    assert_eq!(cluster.status(1).term, term);
}

#[tokio::test(start_paused = true)]
async fn a_node_of_another_cluster_does_not_lead() {
    let cluster = Cluster::of(2).await;
    let (node, term) = (cluster.node(1), cluster.status(1).term);
    let stranger = format::encode("request", &Request { cluster: None, body: append(9) }).unwrap();
    for bytes in [request(7, append(9)), stranger] {
        let refused = answer(&node, 9, &bytes).await;
        assert!(matches!(refused, Answer::Refused(Refusal::Cluster { .. })), "{refused:?}");
    }
    assert_eq!(cluster.status(1).term, term);
}

#[tokio::test(start_paused = true)]
async fn a_broken_snapshot_harms_nobody() {
    let cluster = Cluster::of(2).await;
    let node = cluster.node(2);
    for data in [vec![], vec![1, 2, 3], vec![255; 1000]] {
        let snapshot = SnapshotMessage { vote: vote(1), meta: SnapshotMeta::default(), data };
        let refused = answer(&node, 1, &request(1, Body::Snapshot(Box::new(snapshot)))).await;
        assert!(matches!(refused, Answer::Refused(Refusal::Malformed(_))), "{refused:?}");
    }
    let change = Change::SetQuorum(Quorum { n: 2, w: 2, r: 1 });
    node.propose(&change, LONG).await.unwrap();
}

#[test]
fn garbage_is_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    let cluster = runtime.block_on(Cluster::of(1));
    let node = cluster.node(1);
    let propose = ProposeMessage {
        change: Box::new(Change::Update(member(1))),
        deadline_ms: 1000,
        pass_on: true,
    };
    let good = [append(2), Body::Propose(propose), Body::Vote(VoteRequest::new(vote(2), None))];
    let good = good.map(|body| request(1, body));
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (prop::sample::select(good.to_vec()), any::<prop::sample::Index>(), any::<u8>()).prop_map(
            |(mut bytes, at, byte)| {
                let at = at.index(bytes.len());
                bytes[at] = byte;
                bytes
            }
        ),
    ];
    proptest!(|(bytes in bytes)| {
        // From a stranger, whose own votes don't get in.
        runtime.block_on(answer(&node, 9, &bytes));
    });
    let change = Change::SetQuorum(Quorum { n: 3, w: 2, r: 2 });
    runtime.block_on(node.propose(&change, LONG)).unwrap();
}
