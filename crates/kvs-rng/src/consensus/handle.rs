//! Serving other nodes' requests.

use std::io::Cursor;

use openraft::error::{Fatal, RaftError};

use super::Consensus;
use super::config::{RaftId, Snapshot, Vote};
use super::format;
use super::machine::State;
use super::wire::{Answer, Body, Refusal, Request, SnapshotMessage};
use crate::identity::NodeId;

impl Consensus {
    /// Serves the request that a [`Link`](super::Link) brought from the node `from`, whose name the
    /// transport vouches for, and gives the bytes to answer with.
    ///
    /// Bytes that make no sense, and requests of another cluster, are answered with a refusal. A
    /// proposal takes as long as its sender gave it, at most a minute; everything else as long as a
    /// write to the disk.
    pub async fn handle(&self, from: NodeId, request: &[u8]) -> Vec<u8> {
        let answer = match format::decode("request", request) {
            Ok(request) => self.answer(from, request).await.unwrap_or_else(Answer::Refused),
            Err(error) => Answer::Refused(Refusal::Malformed(error.to_string())),
        };
        // What can't be encoded is sent as nothing, which the other side takes for a broken answer.
        format::encode("answer", &answer).unwrap_or_default()
    }

    async fn answer(&self, from: NodeId, request: Request) -> Result<Answer, Refusal> {
        self.check_cluster(&request)?;
        self.caller.hear(from);
        Ok(match request.body {
            Body::Append(request) => {
                check_sender(from, &request.vote)?;
                Answer::Append(self.raft.append_entries(request).await.map_err(raft_stopped)?)
            }
            Body::Vote(request) => {
                check_sender(from, &request.vote)?;
                Answer::Vote(self.raft.vote(request).await.map_err(raft_stopped)?)
            }
            Body::Snapshot(message) => {
                check_sender(from, &message.vote)?;
                self.install(*message).await?
            }
            Body::Propose(message) => Answer::Propose(self.proposer.serve(message).await),
            Body::Layout => {
                Answer::Layout(self.published.layout().map(|layout| Box::new((*layout).clone())))
            }
        })
    }

    /// A node without a cluster may ask, but not lead.
    fn check_cluster(&self, request: &Request) -> Result<(), Refusal> {
        let Some(layout) = self.published.layout() else { return Ok(()) };
        let asks = matches!(request.body, Body::Propose(_) | Body::Layout);
        let (mine, yours) = (layout.cluster(), request.cluster);
        match yours {
            Some(yours) if yours == mine => Ok(()),
            None if asks => Ok(()),
            _ => Err(Refusal::Cluster { mine, yours }),
        }
    }

    async fn install(&self, message: SnapshotMessage) -> Result<Answer, Refusal> {
        let state = State::decode(&message.data);
        let state = state.map_err(|error| Refusal::Malformed(error.to_string()))?;
        let meta = message.meta;
        if state.applied != meta.last_log_id || state.membership != meta.last_membership {
            let problem = "the snapshot is not the one it is said to be".to_owned();
            return Err(Refusal::Malformed(problem));
        }
        let snapshot = Snapshot { meta, snapshot: Box::new(Cursor::new(message.data)) };
        let installed = self.raft.install_full_snapshot(message.vote, snapshot).await;
        Ok(Answer::Snapshot(installed.map_err(stopped)?.vote))
    }
}

/// Nobody leads or stands for election in another's name.
fn check_sender(from: NodeId, vote: &Vote) -> Result<(), Refusal> {
    let claimed = vote.leader_id().node_id;
    if claimed == RaftId(from) {
        return Ok(());
    }
    Err(Refusal::Malformed(format!("node {from} speaks for node {claimed}")))
}

fn stopped(error: Fatal<RaftId>) -> Refusal {
    Refusal::Stopped(error.to_string())
}

fn raft_stopped(error: RaftError<RaftId>) -> Refusal {
    Refusal::Stopped(error.to_string())
}
