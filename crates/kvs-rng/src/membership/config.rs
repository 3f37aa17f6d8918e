//! What membership has to know.

use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

use thiserror::Error;

use super::datagram::GossipKey;
use super::limits::{CLUSTER_NAME_MAX, KEYS_MAX, SEEDS_MAX};
use super::message::PACKET_MAX;
use crate::identity::{Incarnation, NodeId};

/// Who this node is, where, and in which cluster.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// Its incarnation: persisted, and higher at every start.
    pub incarnation: Incarnation,
    /// The cluster's name, at most 255 bytes. Nodes of other clusters are not heard.
    pub cluster: String,
    /// The keys in use, at most 8: the first seals, any opens. None at all: datagrams are plain and
    /// can be forged.
    pub keys: Vec<GossipKey>,
    /// Where to receive; port 0 means any free one.
    pub bind: SocketAddr,
    /// Where others send to, if that is not where this node receives; port 0 means the same port.
    /// Needed if `bind` is an unspecified address such as 0.0.0.0. Scopes of IPv6 addresses are not
    /// carried.
    pub advertise: Option<SocketAddr>,
    /// Addresses at which other members might be, at most 64. A node's own address does no harm here.
    pub seeds: Vec<SocketAddr>,
    /// How fast everything goes.
    pub timing: Timing,
}

impl Config {
    /// A node in a cluster without a key and without seeds.
    pub fn new(node: NodeId, incarnation: Incarnation, cluster: &str, bind: SocketAddr) -> Self {
        Self {
            node,
            incarnation,
            cluster: cluster.to_owned(),
            keys: Vec::new(),
            bind,
            advertise: None,
            seeds: Vec::new(),
            timing: Timing::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), MembershipError> {
        let refuse = |problem: String| Err(MembershipError::Config { problem });
        if self.cluster.len() > CLUSTER_NAME_MAX {
            let length = self.cluster.len();
            return refuse(format!(
                "the cluster's name has {length} bytes, at most {CLUSTER_NAME_MAX} are allowed"
            ));
        }
        if self.keys.len() > KEYS_MAX {
            return refuse(format!(
                "{} keys are given, at most {KEYS_MAX} are allowed",
                self.keys.len()
            ));
        }
        if self.seeds.len() > SEEDS_MAX {
            return refuse(format!(
                "{} seeds are given, at most {SEEDS_MAX} are allowed",
                self.seeds.len()
            ));
        }
        let advertised = self.advertise.unwrap_or(self.bind);
        if advertised.ip().is_unspecified() {
            return refuse(format!("others can't send to {}: give an address", advertised.ip()));
        }
        self.timing.check()
    }
}

/// The pace of the failure detector.
///
/// The defaults suit 3 to 100 nodes in one data centre: a killed node is seen down within about three
/// seconds in a small cluster, within five in one of a hundred, and every node sends and receives a few
/// datagrams a second, however many there are. All durations are over zero and at most an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// How often a member is probed. Default 500 ms.
    pub probe_period: Duration,
    /// How long to wait for its answer before others are asked to probe it; below half the probe
    /// period, above the slowest usual round trip. Default 200 ms.
    pub probe_timeout: Duration,
    /// How long a suspect has in order to object, in clusters of up to ten; longer in larger ones,
    /// with the logarithm of their size. Shorter than a pause of the process that should go unnoticed
    /// is too short. Default 1.5 s.
    pub suspicion: Duration,
    /// How often news is passed on to three members, if there is any. Default 200 ms.
    pub gossip_period: Duration,
    /// How often a member is asked for all that it sees. Default 10 s.
    pub announce_period: Duration,
    /// How often two of the members that are down are tried. Default 3 s.
    pub retry_period: Duration,
    /// How often the seeds are tried while no member is up; ten times that while seeds are missing
    /// among the members. Default 1 s.
    pub seed_period: Duration,
    /// How often a node repeats what it advertised, in case it was lost. Default 10 s.
    pub advert_period: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_period: Duration::from_millis(500),
            probe_timeout: Duration::from_millis(200),
            suspicion: Duration::from_millis(1500),
            gossip_period: Duration::from_millis(200),
            announce_period: Duration::from_secs(10),
            retry_period: Duration::from_secs(3),
            seed_period: Duration::from_secs(1),
            advert_period: Duration::from_secs(10),
        }
    }
}

/// How long a member that is down is remembered. While it is, this very life of it can't come back,
/// and it is tried again and again.
const REMEMBERED: Duration = Duration::from_hours(24);

/// How many members are asked to probe another one, and are told of news at a time.
const FAN_OUT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// How many members that are down are tried at a time.
const RETRIED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// How often every node passes on a piece of news: 4 log n is the usual choice, here for a few
/// hundred nodes and with something to spare.
const TRANSMISSIONS: NonZeroU8 = NonZeroU8::MIN.saturating_add(9);

impl Timing {
    fn check(&self) -> Result<(), MembershipError> {
        let durations = [
            ("probe_period", self.probe_period),
            ("probe_timeout", self.probe_timeout),
            ("suspicion", self.suspicion),
            ("gossip_period", self.gossip_period),
            ("announce_period", self.announce_period),
            ("retry_period", self.retry_period),
            ("seed_period", self.seed_period),
            ("advert_period", self.advert_period),
        ];
        for (name, duration) in durations {
            if duration.is_zero() || duration > Duration::from_hours(1) {
                let problem =
                    format!("{name} is {duration:?}, it must be over zero and at most an hour");
                return Err(MembershipError::Config { problem });
            }
        }
        if self.probe_timeout * 2 > self.probe_period {
            let problem = format!(
                "probe_timeout is {:?}, it must be at most half of probe_period, {:?}",
                self.probe_timeout, self.probe_period
            );
            return Err(MembershipError::Config { problem });
        }
        Ok(())
    }

    /// The configuration of a failure detector that sees `members` others.
    pub(super) fn detector(&self, members: usize) -> foca::Config {
        let periodic =
            |frequency, num_members| Some(foca::PeriodicParams { frequency, num_members });
        // Members are at most a thousand or so: exact.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let scale = ((members + 1) as f64).log10().max(1.0);
        foca::Config {
            probe_period: self.probe_period,
            probe_rtt: self.probe_timeout,
            num_indirect_probes: FAN_OUT,
            max_transmissions: TRANSMISSIONS,
            suspect_to_down_after: self.suspicion.mul_f64(scale),
            remove_down_after: Some(REMEMBERED),
            max_packet_size: NonZeroUsize::MIN.saturating_add(PACKET_MAX - 1),
            notify_down_members: true,
            periodic_announce: periodic(self.announce_period, NonZeroUsize::MIN),
            periodic_announce_to_down_members: periodic(self.retry_period, RETRIED),
            periodic_gossip: periodic(self.gossip_period, FAN_OUT),
        }
    }
}

/// Why membership could not start. Nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// The configuration can't be used. Final.
    #[error("membership can't start: {problem}")]
    Config {
        /// What is wrong with it.
        problem: String,
    },
    /// The address can't be used: it is not of this machine, somebody else uses it, or the system has
    /// no sockets left. May be tried again.
    #[error("membership can't receive datagrams at {address}: {source}")]
    Bind {
        /// Where it should have received.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let bind = SocketAddr::from(([127, 0, 0, 1], 0));
        Config::new(NodeId::from_bytes([1; 16]), Incarnation(1), "cluster", bind)
    }

    fn problem(change: impl FnOnce(&mut Config)) -> String {
        let mut config = config();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn configurations_are_checked() {
        config().check().unwrap();
        let key = GossipKey::derive(b"key");
        assert!(problem(|c| c.cluster = "x".repeat(256)).contains("256 bytes"));
        assert!(problem(|c| c.keys = vec![key; 9]).contains("9 keys"));
        assert!(problem(|c| c.seeds = vec![c.bind; 65]).contains("65 seeds"));
        assert!(problem(|c| c.bind = ([0, 0, 0, 0], 1).into()).contains("0.0.0.0"));
        assert!(problem(|c| c.timing.suspicion = Duration::ZERO).contains("suspicion"));
        assert!(problem(|c| c.timing.probe_timeout = c.timing.probe_period).contains("half"));
    }

    #[test]
    fn keys_are_not_printed() {
        let key = GossipKey::derive(b"key");
        assert_eq!(format!("{key:?}"), "GossipKey(..)");
    }

    #[test]
    fn suspects_have_more_time_in_larger_clusters() {
        let timing = Timing::default();
        assert_eq!(timing.detector(2).suspect_to_down_after, timing.suspicion);
        assert_eq!(timing.detector(99).suspect_to_down_after, timing.suspicion * 2);
    }
}
