//! The protocol on a network.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs_core::env::net::{Datagrams, Network};
use kvs_core::env::{Background, Env};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::advert::Advert;
use super::complaints::Complaints;
use super::config::{Config, MembershipError};
use super::datagram::Envelope;
use super::gossip::Gossip;
use super::identity::Identity;
use super::limits::{DATAGRAM_MAX, RECEIVE_BURST};
use super::view::{Counters, Members};
use crate::identity::NodeId;

/// How long a datagram may wait for room in the network's buffers; then it is lost.
const SEND_TIMEOUT: Duration = Duration::from_millis(100);

/// How long to wait after the network failed to receive.
const RECEIVE_PAUSE: Duration = Duration::from_millis(50);

/// Who seems to be up, kept up to date in the background until it is dropped.
///
/// Dropping it says no good-bye: to others the node seems to be down once they have missed it.
/// [`leave`](Self::leave) tells them.
pub struct Membership {
    shared: Arc<Shared>,
    _driver: Background,
}

/// What the handle and the task behind it share.
struct Shared {
    gossip: Mutex<Gossip>,
    socket: Arc<dyn Datagrams>,
    members: watch::Sender<Arc<Members>>,
    /// Something may be due sooner than the driver thinks.
    changed: Notify,
    start: Instant,
    node: NodeId,
    bound: SocketAddr,
    advertised: SocketAddr,
}

impl Membership {
    /// Takes part, from now on. Nobody has to be there yet: seeds are tried for as long as it takes.
    ///
    /// To be called on a runtime; the work is a task there. No failure of the network ends it.
    ///
    /// # Errors
    /// [`MembershipError`]: the configuration is no good, or the address is taken.
    pub async fn start(
        config: Config,
        network: &dyn Network,
        env: &Env,
    ) -> Result<Self, MembershipError> {
        config.check()?;
        let failed = |source| MembershipError::Bind { address: config.bind, source };
        let socket = network.datagrams(config.bind).await.map_err(failed)?;
        let bound = socket.address().map_err(failed)?;
        let advertised = advertised(config.advertise, bound);
        let identity = Identity {
            node: config.node,
            incarnation: config.incarnation,
            address: advertised,
            renewals: 0,
        };
        let envelope = Envelope::new(&config.cluster, &config.keys);
        let mut gossip = Gossip::new(identity, config.timing, envelope, env.random.clone());
        gossip.add_seeds(Duration::ZERO, config.seeds);
        let shared = Arc::new(Shared {
            members: watch::Sender::new(gossip.members().clone()),
            gossip: Mutex::new(gossip),
            socket,
            changed: Notify::new(),
            start: Instant::now(),
            node: config.node,
            bound,
            advertised,
        });
        let driver = Background::run(drive(shared.clone()));
        Ok(Self { shared, _driver: driver })
    }

    /// The nodes that seem to be up, this one among them.
    pub fn members(&self) -> Arc<Members> {
        self.shared.members.borrow().clone()
    }

    /// Follows [`members`](Self::members): the receiver holds the present ones and wakes up when they
    /// change. Changes in quick succession may be seen as one.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Members>> {
        self.shared.members.subscribe()
    }

    /// Whether the node seems to be up. This node always does.
    pub fn is_up(&self, node: &NodeId) -> bool {
        self.shared.members.borrow().contains_key(node)
    }

    /// Tells the members, now and whenever one joins, until something else is advertised. In a small
    /// cluster all know within a second.
    pub fn advertise(&self, advert: Advert) {
        self.shared.command(|gossip, now| gossip.advertise(now, advert));
    }

    /// Looks for members at these addresses too, from now on, and whenever none of the members lives
    /// at one of them. Worth doing with the addresses of all nodes of the layout: that is how the
    /// sides of a long partition find each other. At most 64 are kept; those beyond are left out.
    pub fn add_seeds(&self, seeds: Vec<SocketAddr>) {
        self.shared.command(|gossip, now| gossip.add_seeds(now, seeds));
    }

    /// Says good-bye, so that the others see this node down at once, and takes part no more. What
    /// [`members`](Self::members) says stays as it is. A later start on the same disk is welcome.
    pub async fn leave(&self) {
        self.shared.command(Gossip::leave);
        self.shared.flush().await;
    }

    /// Where others send to; with requests, too.
    pub fn address(&self) -> SocketAddr {
        self.shared.advertised
    }

    /// Where this node receives datagrams.
    pub fn bound_address(&self) -> SocketAddr {
        self.shared.bound
    }

    /// What has happened since the start.
    pub fn counters(&self) -> Counters {
        self.shared.gossip().counters()
    }
}

/// Flow labels and scopes of IPv6 are left out: they are not carried, and an identity must come back
/// from the wire as it went.
fn advertised(wanted: Option<SocketAddr>, bound: SocketAddr) -> SocketAddr {
    let address = wanted.unwrap_or(bound);
    let port = if address.port() == 0 { bound.port() } else { address.port() };
    SocketAddr::new(address.ip(), port)
}

impl Shared {
    fn gossip(&self) -> MutexGuard<'_, Gossip> {
        self.gossip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command from outside of the driver.
    fn command(&self, command: impl FnOnce(&mut Gossip, Duration)) {
        self.act(command);
        self.changed.notify_one();
    }

    /// Lets `action` happen now, and publishes what came of it.
    fn act<R>(&self, action: impl FnOnce(&mut Gossip, Duration) -> R) -> R {
        let mut gossip = self.gossip();
        let result = action(&mut gossip, self.start.elapsed());
        // Still under the lock, so that an older view never replaces a newer one.
        self.publish(gossip.members());
        result
    }

    fn publish(&self, now: &Arc<Members>) {
        self.members.send_if_modified(|published| {
            let modified = !Arc::ptr_eq(published, now);
            if modified {
                self.log_changes(published, now);
                *published = now.clone();
            }
            modified
        });
    }

    fn log_changes(&self, before: &Members, now: &Members) {
        let nodes: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        for node in nodes {
            match (before.get(node), now.get(node)) {
                (Some(seen), None) => {
                    tracing::info!(us = %self.node, %node, address = %seen.address, "seems down");
                }
                (None, Some(seen)) => {
                    tracing::info!(us = %self.node, %node, address = %seen.address, "seems up");
                }
                (Some(before), Some(now)) if before.incarnation != now.incarnation => {
                    tracing::info!(us = %self.node, %node, address = %now.address, "was restarted");
                }
                _ => {}
            }
        }
    }

    /// Sends what waits to be sent. A datagram that the network refuses is lost: the protocol expects
    /// that of datagrams, and counts them.
    async fn flush(&self) {
        loop {
            let next = self.gossip().outgoing();
            let Some((to, datagram)) = next else { return };
            match timeout(SEND_TIMEOUT, self.socket.send(&datagram, to)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.gossip().unsent(),
                // No room: the rest may wait while the driver does other things.
                Err(_) => return self.gossip().unsent(),
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.gossip().deadline().and_then(|at| self.start.checked_add(at))
    }
}

/// Carries datagrams and time to the protocol, for ever.
async fn drive(shared: Arc<Shared>) {
    // One byte more than is allowed, to notice what is too long.
    let mut buffer = [0; DATAGRAM_MAX + 1];
    let mut complaints = Complaints::default();
    let mut burst = 0;
    loop {
        if burst == RECEIVE_BURST {
            burst = 0;
            shared.act(Gossip::elapse);
        }
        shared.flush().await;
        let deadline = shared.deadline();
        let due = async {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // First: after a pause of this process, answers that wait in the buffer must not count
            // as missing.
            received = shared.socket.receive(&mut buffer) => {
                burst += 1;
                match received {
                    Ok((length, from)) => {
                        let datagram = buffer.get(..length).unwrap_or_default();
                        let received = shared.act(|gossip, now| gossip.receive(now, datagram, from));
                        if let Err(dropped) = received {
                            complaints.about(shared.start.elapsed(), from, &dropped);
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, address = %shared.bound, "can't receive datagrams");
                        sleep(RECEIVE_PAUSE).await;
                    }
                }
            }
            () = shared.changed.notified() => {}
            () = due => shared.act(Gossip::elapse),
        }
    }
}
