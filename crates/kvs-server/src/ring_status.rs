//! What a node tells about its ring: `RING.STATUS` on the Redis port and `/v1/ring` on the admin port,
//! as JSON.
//!
//! It is the ring as one node sees it: the newest layout that it knows, and its own opinion of who is
//! up. Two nodes may differ while news travels. A node that serves by itself leaves out what only a
//! cluster has. Fields may be added; readers skip those that they don't know.

use kvs::cluster::Logs;
use serde::{Deserialize, Serialize};

/// The ring as a node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RingStatus {
    /// The cluster's name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_name: Option<String>,
    /// The cluster's id, a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_id: Option<String>,
    /// The version of the layout, which grows with each change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) layout_version: Option<u64>,
    /// How many replicas there are of each key, and how many of them have to answer.
    pub(crate) quorum: QuorumStatus,
    /// What the ring can do now.
    pub(crate) state: RingState,
    /// How many buckets the keys are spread over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) buckets: Option<u32>,
    /// The members of the layout.
    pub(crate) members: Vec<MemberStatus>,
    /// What the node itself has done for entities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entities: Option<EntityStatus>,
}

/// What a node has done for entities since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntityStatus {
    /// Commands that it committed as the owner of their entities …
    pub(crate) commands: u64,
    /// … and round trips to a majority that this took: many commands share one.
    pub(crate) rounds: u64,
    /// Reads that it answered as the owner.
    pub(crate) reads_confirmed: u64,
    /// Reads of sessions that it answered as a replica.
    pub(crate) reads_here: u64,
    /// Requests to other nodes.
    pub(crate) calls: u64,
    /// Writes to disk.
    pub(crate) writes: u64,
    /// Buckets in memory.
    pub(crate) buckets_open: u64,
}

impl EntityStatus {
    /// The counters by their names in the JSON.
    pub(crate) fn counters(self) -> [(&'static str, u64); 7] {
        [
            ("commands", self.commands),
            ("rounds", self.rounds),
            ("reads_confirmed", self.reads_confirmed),
            ("reads_here", self.reads_here),
            ("calls", self.calls),
            ("writes", self.writes),
            ("buckets_open", self.buckets_open),
        ]
    }
}

impl From<&Logs> for EntityStatus {
    fn from(logs: &Logs) -> Self {
        let counters = logs.counters();
        Self {
            commands: counters.commands,
            rounds: counters.rounds,
            reads_confirmed: counters.reads_confirmed,
            reads_here: counters.reads_here,
            calls: counters.calls,
            writes: counters.writes,
            buckets_open: logs.buckets_open() as u64,
        }
    }
}

/// N, W and R.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuorumStatus {
    /// Replicas of each key.
    pub(crate) n: u32,
    /// Replicas that a write needs.
    pub(crate) w: u32,
    /// Replicas that a read needs.
    pub(crate) r: u32,
}

/// What a ring can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RingState {
    /// Too few members are up to read all keys.
    Unsatisfied,
    /// All keys can be read, but not all can be written.
    Readonly,
    /// All keys can be read and written.
    Effective,
}

impl RingState {
    /// Its name, as in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unsatisfied => "unsatisfied",
            Self::Readonly => "readonly",
            Self::Effective => "effective",
        }
    }
}

/// A member of a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberStatus {
    /// Its name, for people.
    pub(crate) name: String,
    /// Its id, a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// What other members connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    /// What it shares a fate with, such as a rack; empty if nothing was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) zone: String,
    /// How much it holds compared with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<u32>,
    /// How it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<MemberState>,
    /// Its part in agreeing on layouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<MemberRole>,
    /// How many buckets have a replica on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) buckets: Option<u32>,
    /// Which part of all replicas that is, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<f64>,
    /// How many writes the node that answers keeps for it until it is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hints: Option<u64>,
}

/// How a member does, in the opinion of the node that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MemberState {
    /// It answers.
    Up,
    /// It missed a probe and may yet refute that.
    Suspect,
    /// It is held to be gone.
    Down,
    /// It is back from an unclean end and catches up.
    Recovering,
}

impl MemberState {
    /// Its name, as in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::Recovering => "recovering",
        }
    }
}

/// A member's part in agreeing on layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MemberRole {
    /// The voter that leads.
    Leader,
    /// It votes.
    Voter,
    /// It takes note of what is agreed.
    Learner,
}

impl MemberRole {
    /// Its name, as in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Voter => "voter",
            Self::Learner => "learner",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_those_of_the_json() {
        for state in [RingState::Unsatisfied, RingState::Readonly, RingState::Effective] {
            assert_eq!(json!(state), state.name());
        }
        let states =
            [MemberState::Up, MemberState::Suspect, MemberState::Down, MemberState::Recovering];
        for state in states {
            assert_eq!(json!(state), state.name());
        }
        for role in [MemberRole::Leader, MemberRole::Voter, MemberRole::Learner] {
            assert_eq!(json!(role), role.name());
        }
    }

    #[test]
    fn counters_have_the_same_names_everywhere() {
        let status = EntityStatus {
            commands: 1,
            rounds: 2,
            reads_confirmed: 3,
            reads_here: 4,
            calls: 5,
            writes: 6,
            buckets_open: 7,
        };
        let named: serde_json::Map<_, _> =
            status.counters().into_iter().map(|(name, n)| (name.to_owned(), json!(n))).collect();
        assert_eq!(json!(status), json!(named));
    }

    #[test]
    fn what_only_a_cluster_has_may_be_left_out() {
        let lonely = json!({
            "state": "effective",
            "quorum": { "n": 1, "w": 1, "r": 1 },
            "members": [{ "name": "n1" }],
        });
        let status: RingStatus = serde_json::from_value(lonely.clone()).unwrap();
        assert_eq!(json!(status), lonely);
    }
}
