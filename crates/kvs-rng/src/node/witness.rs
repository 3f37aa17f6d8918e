//! Asking the others whether this node's data folder is what it was.
//!
//! A folder that was put back from a copy lacks what the node wrote after the copy was made, and would
//! give names of writes a second time. The others remember the last write of each node that they have
//! stored since their start; a node that starts compares it with what it has, before it takes writes.
//! Who can't be asked at once is asked until it answers. Asking, it tells which run of it that is, and
//! may hear that it can't be: see [`lives`](super::lives).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kvs_core::Key;
use kvs_core::env::Env;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::lives::Lives;
use super::methods::{self, faults};
use crate::hash::Bucket;
use crate::identity::Incarnation;
use crate::layout::{Layout, Member};
use crate::replica::{LastWrite, Replica};
use crate::transport::{CallError, Channel, Fault, Peer, Target, Transport};

/// How long another node has to answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause before those are asked again that did not answer.
const ASK_PAUSE: Duration = Duration::from_secs(1);

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Known {
    counter: u64,
    bucket: u32,
    partition: Vec<u8>,
    clustering: Vec<u8>,
}

/// What a node tells of itself when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) incarnation: Incarnation,
    /// Drawn at random at its start; not 0.
    pub(super) number: u64,
}

impl Run {
    /// This run of a node.
    pub(super) fn new(incarnation: Incarnation, env: &Env) -> Self {
        Self { incarnation, number: env.random.next_u64().max(1) }
    }

    fn encode(self) -> Result<Vec<u8>, String> {
        postcard::to_extend(&self, vec![VERSION]).map_err(|error| error.to_string())
    }

    /// An older release tells nothing.
    fn decode(bytes: &[u8]) -> Result<Option<Self>, String> {
        match bytes {
            [] => Ok(None),
            [VERSION, body @ ..] => match postcard::take_from_bytes(body) {
                Ok((run, [])) => Ok(Some(run)),
                Ok(_) => Err("the question has bytes left over".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            _ => Err("the question has another version".to_owned()),
        }
    }
}

/// Answers with the last write of the asking node that is known here, unless its folder is old.
pub(super) async fn answer(
    replica: &Replica,
    lives: &Lives,
    from: &Peer,
    question: &[u8],
) -> Result<Vec<u8>, Fault> {
    let node = from.node;
    let run = Run::decode(question).map_err(|problem| Fault::new(faults::REFUSED, problem))?;
    // One of a later life has said so in its handshake.
    if let Some(run) = run.filter(|run| run.incarnation == from.incarnation)
        && let Err(reason) = lives.told(node, run.incarnation, run.number).await
    {
        tracing::error!(%node, address = %from.address, reason, "a node was refused");
        return Err(Fault::new(faults::OLD_FOLDER, reason));
    }
    let known = replica.last_write_of(node).map(|last| Known {
        counter: last.counter,
        bucket: last.bucket.0,
        partition: last.key.partition().to_vec(),
        clustering: last.key.clustering().to_vec(),
    });
    postcard::to_extend(&known, vec![VERSION])
        .map_err(|error| Fault::new(faults::NOT_READY, error.to_string()))
}

fn read(bytes: &[u8]) -> Result<Option<LastWrite>, String> {
    let [VERSION, body @ ..] = bytes else {
        return Err("its answer has another version".to_owned());
    };
    let known: Option<Known> = match postcard::take_from_bytes(body) {
        Ok((known, [])) => known,
        Ok(_) => return Err("its answer has bytes left over".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let Some(Known { counter, bucket, partition, clustering }) = known else { return Ok(None) };
    let key = Key::new(partition, clustering);
    key.check().map_err(|error| error.to_string())?;
    Ok(Some(LastWrite { counter, bucket: Bucket(bucket), key }))
}

/// Those that are still to be asked.
pub(super) struct Witnesses {
    transport: Transport,
    replica: Replica,
    lives: Arc<Lives>,
    run: Run,
    silent: Vec<Member>,
}

impl Witnesses {
    /// The other members of `layout`.
    pub(super) fn new(
        transport: &Transport,
        replica: &Replica,
        lives: &Arc<Lives>,
        run: Run,
        layout: &Layout,
    ) -> Self {
        let others = layout.members().values().filter(|member| member.id != replica.node());
        Self {
            transport: transport.clone(),
            replica: replica.clone(),
            lives: lives.clone(),
            run,
            silent: others.cloned().collect(),
        }
    }

    /// Asks them all, once.
    pub(super) async fn ask(&mut self) {
        let asked = join_all(self.silent.iter().map(|member| self.ask_one(member))).await;
        let mut answered = asked.iter();
        self.silent.retain(|_| !answered.next().is_some_and(|answered| *answered));
    }

    /// Asks until each has answered.
    pub(super) async fn ask_on(mut self) {
        while !self.silent.is_empty() {
            sleep(ASK_PAUSE).await;
            self.ask().await;
        }
    }

    async fn ask_one(&self, member: &Member) -> bool {
        let target = Target { id: Some(member.id), address: member.address };
        let known = match self.answer_of(target).await {
            Ok(Some(known)) => known,
            Ok(None) => return true,
            Err(error) => {
                tracing::debug!(node = %member.id, %error, "not asked for this node's last write");
                return false;
            }
        };
        // What it finds it says in the log, and remembers.
        if let Err(error) = self.replica.check_last_write(&known).await {
            tracing::error!(node = %self.replica.node(), of = %member.id, %error, "the data folder");
        }
        true
    }

    async fn answer_of(&self, target: Target) -> Result<Option<LastWrite>, String> {
        let (question, method) = (self.run.encode()?, methods::LAST_WRITE);
        let call = self.transport.call(target, Channel::Control, method, question, ASK_TIMEOUT);
        match call.await {
            Ok(answer) => read(&answer),
            Err(CallError::Fault { fault, .. }) if fault.code == faults::OLD_FOLDER => {
                self.lives.found_old(&fault.message).await;
                Ok(None)
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
