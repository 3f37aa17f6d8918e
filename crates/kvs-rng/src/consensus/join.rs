//! A new node's way into a cluster.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::wire::{Answer, Body, ProposeMessage};
use super::{Consensus, ProposeError, outcome};
use crate::layout::{Change, Layout, Member};

/// Longest time to join in.
const JOIN_MAX: Duration = Duration::from_secs(24 * 3600);
/// Longest wait for one seed while joining.
const SEED_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after all seeds have been asked in vain.
const SEEDS_PAUSE: Duration = Duration::from_millis(500);

impl Consensus {
    /// Joins the cluster that the nodes at `seeds` are of, as `member`, which is this node: see
    /// [`enter`](Self::enter).
    pub async fn join(
        &self,
        member: &Member,
        seeds: &[SocketAddr],
        deadline: Duration,
    ) -> Result<Arc<Layout>, ProposeError> {
        self.enter(&Change::Join(member.clone()), seeds, deadline).await
    }

    /// Gets into the cluster that the nodes at `seeds` are of, by `change`: this node
    /// [joins](Change::Join), or [takes the place](Change::Replace) of another.
    ///
    /// Asks one seed after the other, again and again until `deadline` (at most a day), and waits until the layout that
    /// has this node in it is on this node's disk. Joining again is harmless: done at once if the node
    /// is a member.
    pub async fn enter(
        &self,
        change: &Change,
        seeds: &[SocketAddr],
        deadline: Duration,
    ) -> Result<Arc<Layout>, ProposeError> {
        let until = Instant::now() + deadline.min(JOIN_MAX);
        let mut last = ProposeError::Unreachable("there is no seed".to_owned());
        let mut unknown = None;
        loop {
            for seed in seeds {
                if let Some(layout) = self.own_layout() {
                    return Ok(layout);
                }
                let left = until.saturating_duration_since(Instant::now());
                match self.ask_to_join(change, *seed, left.min(SEED_TIMEOUT)).await {
                    Ok(()) => return self.arrival(until).await,
                    Err(error @ ProposeError::Refused { .. }) => return Err(error),
                    Err(error @ ProposeError::Unknown(_)) => unknown = Some(error),
                    Err(error) => last = error,
                }
            }
            if Instant::now() + SEEDS_PAUSE >= until {
                return Err(unknown.unwrap_or(last));
            }
            sleep(SEEDS_PAUSE).await;
        }
    }

    async fn ask_to_join(
        &self,
        change: &Change,
        seed: SocketAddr,
        deadline: Duration,
    ) -> Result<(), ProposeError> {
        let message = ProposeMessage::new(change, deadline, true);
        let answer = self.caller.call(None, seed, Body::Propose(message), deadline).await;
        match answer {
            Ok(Answer::Propose(proposed)) => match outcome(proposed) {
                Ok(_) => Ok(()),
                // An earlier attempt of ours.
                Err(ProposeError::Refused { layout: Some(layout), .. })
                    if layout.member(self.id).is_some() =>
                {
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Ok(_) => Err(ProposeError::Unknown(format!("{seed} gave a strange answer"))),
            Err(error) if error.not_served() => {
                Err(ProposeError::Unreachable(format!("{seed}: {error}")))
            }
            Err(error) => Err(ProposeError::Unknown(format!("{seed}: {error}"))),
        }
    }

    /// The layout, if this node is in it.
    fn own_layout(&self) -> Option<Arc<Layout>> {
        self.published.layout().filter(|layout| layout.member(self.id).is_some())
    }

    async fn arrival(&self, until: Instant) -> Result<Arc<Layout>, ProposeError> {
        let mut layouts = self.published.watch();
        let here =
            layouts.wait_for(|layout| layout.as_ref().is_some_and(|l| l.member(self.id).is_some()));
        match tokio::time::timeout_at(until, here).await {
            Ok(Ok(layout)) => layout.clone().ok_or_else(|| self.gone()),
            Ok(Err(_)) => Err(self.gone()),
            Err(_) => Err(ProposeError::Unknown(
                "this node is a member, but the layout has not come here yet".to_owned(),
            )),
        }
    }

    fn gone(&self) -> ProposeError {
        ProposeError::Stopped(self.status().stopped.unwrap_or_default())
    }
}
