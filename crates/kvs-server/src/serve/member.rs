//! What the ports tell of this node and its ring.

use futures_util::future::{BoxFuture, FutureExt};
use kvs::Kvs;
use kvs::cluster::{self, Condition, State, Status};
use serde_json::{Value, json};

use crate::http::Node;
use crate::ring_status::{
    EntityStatus, MemberRole, MemberState, MemberStatus, QuorumStatus, RingState, RingStatus,
};

/// A member of a ring.
pub(super) struct Member(pub(super) Kvs);

impl Node for Member {
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        async { self.0.ready().await.map_err(|error| error.to_string()) }.boxed()
    }

    fn ring(&self) -> BoxFuture<'_, Value> {
        async {
            let Some(node) = self.0.node() else { return Value::Null };
            let Some(status) = node.status().await else { return Value::Null };
            let entities = Some(EntityStatus::from(node.logs()));
            json!(RingStatus { entities, ..ring(&status) })
        }
        .boxed()
    }
}

fn ring(status: &Status) -> RingStatus {
    let copies: u32 = status.members.iter().map(|member| member.share.replicas).sum();
    RingStatus {
        cluster_name: Some(status.cluster_name.clone()),
        cluster_id: Some(status.cluster.to_string()),
        layout_version: Some(status.layout_version),
        quorum: QuorumStatus {
            n: status.quorum.n.into(),
            w: status.quorum.w.into(),
            r: status.quorum.r.into(),
        },
        state: match status.state {
            cluster::RingState::Unsatisfied => RingState::Unsatisfied,
            cluster::RingState::ReadOnly => RingState::Readonly,
            cluster::RingState::Effective => RingState::Effective,
        },
        buckets: Some(status.buckets),
        members: status.members.iter().map(|it| member(status, it, copies)).collect(),
        entities: None,
    }
}

fn member(status: &Status, member: &cluster::MemberStatus, copies: u32) -> MemberStatus {
    let is_whole = status.condition == Condition::Clean && status.logs_in_doubt == 0;
    let is_recovering = member.id == status.node && !is_whole;
    let state = match member.state {
        _ if is_recovering => MemberState::Recovering,
        Some(State::Up) => MemberState::Up,
        Some(State::Suspect) => MemberState::Suspect,
        None => MemberState::Down,
    };
    let role = match (status.leader == Some(member.id), member.votes) {
        (true, _) => MemberRole::Leader,
        (false, true) => MemberRole::Voter,
        (false, false) => MemberRole::Learner,
    };
    MemberStatus {
        name: member.name.clone(),
        id: Some(member.id.to_string()),
        address: Some(member.address.to_string()),
        zone: member.zone.clone(),
        weight: Some(member.weight),
        state: Some(state),
        role: Some(role),
        buckets: Some(member.share.replicas),
        share: Some(f64::from(member.share.replicas) / f64::from(copies.max(1))),
        hints: Some(member.hints),
    }
}
