//! Who seems to be up.
//!
//! Every node probes a random other one again and again; if that does not answer, it asks three others
//! to try; if they get no answer either, the node is *suspected*, and declared down if it does not
//! object in time. News travel on the probes themselves. So each node does the same small work however
//! many there are, and all agree within seconds, with high probability (Das, Gupta, Motivala, *SWIM:
//! Scalable Weakly-consistent Infection-style Process Group Membership Protocol*, DSN 2002). The
//! protocol is the crate `foca`'s; here are its identities, its clocks, its network and the ways back
//! in.
//!
//! **It never decides which nodes hold what.** A failure detector is wrong at times: a slow node, a
//! lost cable and a dead node look alike. Replica sets come from the agreed [`layout`](crate::layout)
//! alone; what is seen here only makes requests go first to those who seem to answer, and shows people
//! what is going on. Nothing is ever moved or deleted since a node seemed down.
//!
//! # A worked example
//! Node C of A, B and C is killed. Within half a second, or one or two probes later, A probes it,
//! hears nothing in 200 ms, and asks B to probe it. Half a second after its probe A calls C suspect
//! and tells B. Nobody objects for 1.5 s: A declares C down; 200 ms later at most B knows. Started
//! again, C has a higher incarnation; it knocks at its seeds, and all take it in at once. Had C only
//! been paused, it would hear on waking that it is down. That verdict is final for an identity, so it
//! takes its next one (a *renewal*) and is up again, too.
//!
//! # After a partition
//! Each side takes the other for down. Both go on trying nodes that are down, and seeds at which no
//! member lives, so the sides find each other within seconds once they can. A node that sees nobody
//! tries its seeds every second. Down nodes are remembered for a day: after longer partitions the
//! seeds are the only way back, hence [`Membership::add_seeds`].
//!
//! # What else it carries
//! Each node's [`Advert`], the version and digest of its layout, so that a node with an old one learns
//! that soon. No data.
//!
//! # What it does not handle
//! - Without a cluster key anybody who can send to the port can say anything.
//! - Someone who can record and resend datagrams may make a dead node seem up for a while.
//! - A node that can send and not receive is declared down, comes back, is declared down again. It
//!   does so at a limited pace; between two returns it hears nobody, and what it sees stands still.
//!
//! # The parts
//! `identity`: who a member is, and which of its lives wins. `datagram`: bytes on the wire. `message`:
//! what they say. `detector`: foca's part. `gossip`: the protocol as a state machine. `service`: that
//! machine on a network.

mod advert;
mod complaints;
mod config;
mod datagram;
mod detector;
mod dropped;
mod gossip;
mod identity;
mod limits;
mod message;
mod pace;
mod packet;
mod service;
#[cfg(test)]
mod tests;
mod timers;
mod view;

pub use advert::Advert;
pub use config::{Config, MembershipError, Timing};
pub use datagram::GossipKey;
pub use service::Membership;
pub use view::{Counters, Members, Seen, State};
