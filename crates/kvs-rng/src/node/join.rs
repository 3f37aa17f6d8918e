//! How a node finds out that it may take part, before it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::error::NodeError;
use crate::consensus::{Consensus, ProposeError};
use crate::identity::NodeId;
use crate::layout::{Change, Layout, Member};
use crate::log::Logs;
use crate::replica::Replica;
use crate::transport::handshake::{Cause, HandshakeError};
use crate::transport::secure::SecureError;
use crate::transport::{CallError, Channel, ConnectError, Reason, Transport};

/// How long one round of asking the members to join takes, before it is said in the log.
const JOIN_ROUND: Duration = Duration::from_secs(10);
/// How long a node has to show who it is.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before a node that broke a handshake off is tried again.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// So many handshakes in a row that were broken off without a reason are a refusal.
const BROKEN_OFF_MAX: u32 = 5;

/// What is at an address.
enum Found {
    /// A node that will talk to this one.
    Willing,
    /// This node itself.
    Itself,
    /// Nobody, for now.
    Nobody,
    /// Somebody who ends the handshake and doesn't say why; may be tried again after the pause.
    BrokenOff(HandshakeError, Duration),
    /// A node that will never talk to this one as the two are set up.
    Unwilling(HandshakeError),
}

/// Asks until the cluster answers; it may have to be started first. Ends when all who are there won't
/// have this node, or `check` finds that its settings are not the cluster's: it must not become a
/// member before that is known.
///
/// At the address of a member that is not this node, it takes the place of that one. Everybody counts
/// on it then for what it does not have yet; so it notes that before it asks.
pub(super) async fn join(
    transport: &Transport,
    consensus: &Consensus,
    replica: &Replica,
    logs: &Logs,
    me: &Member,
    seeds: &[SocketAddr],
    check: &(dyn Fn(&Layout) -> Result<(), NodeError> + Sync),
) -> Result<Arc<Layout>, NodeError> {
    let mut broken_off = 0;
    loop {
        let mut pause = None;
        match look_for_willing(transport, seeds).await? {
            None => broken_off = 0,
            Some((address, reason, _)) if broken_off + 1 >= BROKEN_OFF_MAX => {
                return Err(NodeError::Refused { address, reason });
            }
            Some((_, _, wait)) => {
                broken_off += 1;
                pause = Some(wait.max(LOOK_PAUSE));
            }
        }
        if let Some(pause) = pause {
            sleep(pause).await;
            continue;
        }
        let Some(layout) = fetched(consensus, me.id, seeds).await else {
            sleep(LOOK_PAUSE).await;
            continue;
        };
        check(&layout)?;
        match get_in(consensus, replica, logs, me, seeds, layout).await? {
            Ok(layout) => return Ok(layout),
            Err(error @ (ProposeError::Refused { .. } | ProposeError::Stopped(_))) => {
                return Err(NodeError::Join(error));
            }
            Err(error) => tracing::warn!(node = %me.id, %error, "not part of the cluster yet"),
        }
    }
}

/// Asks to be taken in, by the way that fits `layout`, or a newer one that comes as the answer.
async fn get_in(
    consensus: &Consensus,
    replica: &Replica,
    logs: &Logs,
    me: &Member,
    seeds: &[SocketAddr],
    mut layout: Arc<Layout>,
) -> Result<Result<Arc<Layout>, ProposeError>, NodeError> {
    loop {
        let change = way_in(&layout, me);
        if let Change::Replace { old, .. } = &change {
            tracing::warn!(
                node = %me.id, %old, address = %me.address,
                "the address of this node is that of a member which has lost its disk: this node \
                 takes its place, and repairs what that one held from the others"
            );
            logs.begin_with_nothing().await?;
            replica.begin_with_nothing().await?;
        }
        match consensus.enter(&change, seeds, JOIN_ROUND).await {
            Err(ProposeError::Refused { layout: Some(newer), .. })
                if newer.version() > layout.version() && way_in(&newer, me) != change =>
            {
                layout = newer;
            }
            entered => return Ok(entered),
        }
    }
}

/// How this node becomes a member.
fn way_in(layout: &Layout, me: &Member) -> Change {
    let holder = layout.members().values().find(|member| member.address == me.address);
    match holder {
        Some(old) if old.id != me.id && layout.member(me.id).is_none() => {
            Change::Replace { old: old.id, member: me.clone() }
        }
        _ => Change::Join(me.clone()),
    }
}

/// The layout of the cluster that is to be joined, from whoever has it first.
async fn fetched(consensus: &Consensus, node: NodeId, seeds: &[SocketAddr]) -> Option<Arc<Layout>> {
    for seed in seeds {
        match consensus.fetch(None, *seed, LOOK_TIMEOUT).await {
            Ok(layout) => return Some(layout),
            Err(error) => {
                tracing::warn!(%node, %seed, %error, "it does not tell about its cluster yet");
            }
        }
    }
    None
}

/// Looks who is at `seeds`. An error if somebody refuses this node for good and nobody is willing;
/// the last one who broke off, if there is nobody else.
async fn look_for_willing(
    transport: &Transport,
    seeds: &[SocketAddr],
) -> Result<Option<(SocketAddr, HandshakeError, Duration)>, NodeError> {
    let (mut broken_off, mut unwilling) = (None, None);
    let (mut is_nobody, mut is_only_this) = (false, true);
    for address in seeds {
        let found = look(transport, *address).await;
        is_only_this &= matches!(found, Found::Itself);
        match found {
            Found::Willing => return Ok(None),
            Found::Itself => {}
            Found::Nobody => is_nobody = true,
            Found::BrokenOff(reason, pause) => broken_off = Some((*address, reason, pause)),
            Found::Unwilling(reason) => unwilling = Some((*address, reason)),
        }
    }
    if let Some((address, reason)) = unwilling {
        return Err(NodeError::Refused { address, reason });
    }
    if is_only_this {
        return Err(NodeError::JoinsItself);
    }
    Ok(broken_off.filter(|_| !is_nobody))
}

async fn look(transport: &Transport, address: SocketAddr) -> Found {
    let error = match transport.peer(address, Channel::Control, LOOK_TIMEOUT).await {
        Ok(_) => return Found::Willing,
        Err(CallError::NotSent {
            reason: Reason::Unreachable { error: ConnectError::Handshake(error), retry },
            ..
        }) => (error, retry),
        Err(_) => return Found::Nobody,
    };
    match error {
        (HandshakeError::Refused(refusal) | HandshakeError::RefusedByPeer(refusal), _)
            if refusal.cause == Cause::Itself =>
        {
            Found::Itself
        }
        (
            error @ (HandshakeError::Refused(_)
            | HandshakeError::RefusedByPeer(_)
            | HandshakeError::Secure(SecureError::KeyDiffers | SecureError::NoKey)),
            _,
        ) => Found::Unwilling(error),
        (HandshakeError::Timeout(_), _) => Found::Nobody,
        (error, retry) => Found::BrokenOff(error, retry),
    }
}

/// Refuses to move a node to `address` while it runs where the layout has it: then one of the two runs
/// on a copy of the other's data folder.
pub(super) async fn check_moved(
    transport: &Transport,
    layout: Option<&Layout>,
    node: NodeId,
    address: SocketAddr,
) -> Result<(), NodeError> {
    let held = layout.and_then(|layout| layout.member(node)).map(|member| member.address);
    let Some(elsewhere) = held.filter(|held| *held != address) else { return Ok(()) };
    match look(transport, elsewhere).await {
        Found::Unwilling(
            HandshakeError::Refused(refusal) | HandshakeError::RefusedByPeer(refusal),
        ) if refusal.cause == Cause::Copy => {
            Err(NodeError::RunsElsewhere { node, address: elsewhere })
        }
        _ => Ok(()),
    }
}
