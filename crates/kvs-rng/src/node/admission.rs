//! Who may join.
//!
//! Data does not move yet when the layout changes, so nodes join an empty ring only: no records, and no
//! entities. The leader asks every member whether it is empty; one that is promises to take no writes
//! and no commands for [`HOLD`], so that none slips in before the new layout is agreed.
//!
//! A node that has lost its disk comes back as a new one at the same address. It takes the place of the
//! old one, whatever the ring holds: the leader connects to the address, and if the new node answers
//! there, the old one can't be there any more. No data moves; what the old one held the new one repairs
//! from the other replicas.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::methods::{self, faults};
use super::service::{Inbox, part};
use crate::consensus::{Admission, Denial};
use crate::identity::NodeId;
use crate::layout::{Change, Layout, Member};
use crate::log::Logs;
use crate::replica::Replica;
use crate::transport::handshake::{Cause, HandshakeError};
use crate::transport::{Channel, ConnectError, Fault, Target, Transport};

/// How long an empty node takes no writes after it was asked, unless a new layout comes: longer than
/// asking all and agreeing on a join may take.
const HOLD: Duration = Duration::from_secs(10);
/// How long a member has to answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a node has to show who it is, and how often it is tried: all in all less than a change of
/// the layout is given.
const LOOK_TIMEOUT: Duration = Duration::from_millis(1500);
const LOOKS: usize = 2;

const EMPTY: u8 = 0;
const HAS_DATA: u8 = 1;

/// Answers whether this node is empty, and holds writes and commands back if it is.
pub(super) async fn hold(inbox: &Inbox) -> Result<Vec<u8>, Fault> {
    let (replica, logs) = (part(&inbox.replica)?, part(&inbox.logs)?);
    let held = hold_both(replica, logs).await;
    if !matches!(held, Ok(true)) {
        replica.release();
        logs.release();
    }
    let empty = held.map_err(|error| Fault::new(faults::NOT_READY, error))?;
    Ok(vec![if empty { EMPTY } else { HAS_DATA }])
}

async fn hold_both(replica: &Replica, logs: &Logs) -> Result<bool, String> {
    let records = replica.hold_if_empty(HOLD).await.map_err(|error| error.to_string())?;
    Ok(records && logs.hold_if_empty(HOLD).await.map_err(|error| error.to_string())?)
}

/// Lets nodes join an empty ring, or come back with a new disk, and nothing leave.
pub(super) struct EmptyRing {
    pub(super) transport: Transport,
    /// It holds the consensus, which holds this.
    pub(super) inbox: Weak<Inbox>,
    pub(super) node: NodeId,
}

#[async_trait]
impl Admission for EmptyRing {
    async fn admit(&self, layout: &Layout, change: &Change) -> Result<(), Denial> {
        match change {
            Change::Join(_) => self.check_empty(layout).await,
            Change::Update(member) => match layout.member(member.id) {
                Some(held) if (&held.zone, held.weight) == (&member.zone, member.weight) => Ok(()),
                _ => self.check_empty(layout).await,
            },
            Change::Leave(_) | Change::SetQuorum(_) => self.check_empty(layout).await,
            Change::Replace { old, member } => self.check_gone(*old, member).await,
        }
    }
}

impl EmptyRing {
    async fn ask(&self, member: &Member) -> Result<Vec<u8>, String> {
        if member.id == self.node {
            let inbox = self.inbox.upgrade().ok_or("the node ends")?;
            return hold(&inbox).await.map_err(|fault| fault.to_string());
        }
        let target = Target { id: Some(member.id), address: member.address };
        let call =
            self.transport.call(target, Channel::Control, methods::HOLD, vec![], ASK_TIMEOUT);
        call.await.map_err(|error| error.to_string())
    }

    /// Looks whether `member` is where `old` was.
    async fn check_gone(&self, old: NodeId, member: &Member) -> Result<(), Denial> {
        let (id, address) = (member.id, member.address);
        let mut last = String::new();
        for _ in 0..LOOKS {
            let found = match timeout(LOOK_TIMEOUT, self.transport.look(address)).await {
                Ok(Ok(peer)) => peer.node,
                Ok(Err(ConnectError::Handshake(
                    HandshakeError::Refused(refusal) | HandshakeError::RefusedByPeer(refusal),
                ))) if refusal.cause == Cause::Itself => self.node,
                Ok(Err(error)) => {
                    last = error.to_string();
                    continue;
                }
                Err(_) => {
                    last = format!("no answer within {LOOK_TIMEOUT:?}");
                    continue;
                }
            };
            if found == id {
                tracing::warn!(%old, new = %id, %address, name = member.name,
                    "a new node answers at the address of a member: it takes its place");
                return Ok(());
            }
            return Err(Denial::Refused(format!(
                "{address} is the address of node {old}, and node {found} answers there: two nodes \
                 can't have one address"
            )));
        }
        Err(Denial::NotNow(format!(
            "{address} is the address of node {old}, and it can't be found out whether node {id} \
             has taken its place there: {last}"
        )))
    }

    async fn check_empty(&self, layout: &Layout) -> Result<(), Denial> {
        let asked = layout.members().values().map(|member| self.ask(member));
        let answers = join_all(asked).await;
        let mut silent = None;
        for (Member { name, .. }, answer) in layout.members().values().zip(answers) {
            match answer.as_deref() {
                Ok([EMPTY]) => {}
                Ok(_) => {
                    return Err(Denial::Refused(format!(
                        "{name} holds data, and data can't be moved yet: all nodes have to join \
                         before the first write"
                    )));
                }
                Err(error) => {
                    silent = Some(format!("{name} can't be asked whether it is empty: {error}"));
                }
            }
        }
        silent.map_or(Ok(()), |silent| Err(Denial::NotNow(silent)))
    }
}

/// The leader's admission, once there is a transport.
pub(super) fn admission(
    transport: &Transport,
    inbox: &Arc<Inbox>,
    node: NodeId,
) -> Arc<dyn Admission> {
    Arc::new(EmptyRing { transport: transport.clone(), inbox: Arc::downgrade(inbox), node })
}
