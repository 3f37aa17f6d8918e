//! Who a member is to the failure detector.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::identity::{Incarnation, NodeId};

/// One life of a node, as the failure detector sees it.
///
/// # The node's id names a member, not its address
/// A node may come back at another address; it is the same member all the same, and the newer life
/// takes the older one's place at once. And an address may change hands: when a disk was wiped, a new
/// node answers where an old one was. Were members named by their addresses, the two nodes would pass
/// for two lives of one, and which of them won would mean nothing.
///
/// The price: an address alone is not enough to join, since nobody knows yet which node lives there.
/// [`Message::Knock`](super::message::Message::Knock) asks.
///
/// # Which life wins
/// The fields are declared in the order in which they decide. The incarnation counts the starts on
/// the node's disk, so the process started last wins. Two processes with one incarnation only exist
/// when a data folder was copied; the higher address wins, for no better reason than that everybody
/// then picks the same, whatever the loser does. Renewals come last: they tell the lives of one
/// process apart, and can't be used to outbid another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The node.
    pub(crate) node: NodeId,
    /// The start of its process.
    pub(crate) incarnation: Incarnation,
    /// Where it receives.
    pub(crate) address: SocketAddr,
    /// How often this process came back after it had been declared down: that verdict is final for
    /// an identity, so a node that was wrongly declared down returns under the next one.
    pub(crate) renewals: u32,
}

impl Identity {
    /// The identity after this one, in the same process. None after four thousand million.
    pub(crate) fn renewed(self) -> Option<Self> {
        Some(Self { renewals: self.renewals.checked_add(1)?, ..self })
    }
}

impl foca::Identity for Identity {
    type Addr = NodeId;

    /// Never by itself: two processes that claim one node would declare each other down as fast as
    /// the network carries it. [`Gossip`](super::gossip::Gossip) renews, at a limited pace.
    fn renew(&self) -> Option<Self> {
        None
    }

    fn addr(&self) -> NodeId {
        self.node
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self > adversary
    }
}

#[cfg(test)]
mod tests {
    use foca::Identity as _;
    use proptest::prelude::*;

    use super::*;

    fn identity() -> impl Strategy<Value = Identity> {
        (0..3_u64, 1..3_u16, 0..3_u32).prop_map(|(incarnation, port, renewals)| Identity {
            node: NodeId::from_bytes([7; 16]),
            incarnation: Incarnation(incarnation),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            renewals,
        })
    }

    proptest! {
        #[test]
        fn of_two_lives_exactly_one_wins(a in identity(), b in identity()) {
            prop_assume!(a != b);
            prop_assert_ne!(a.win_addr_conflict(&b), b.win_addr_conflict(&a));
            if a.incarnation > b.incarnation {
                prop_assert!(a.win_addr_conflict(&b));
            }
        }

        #[test]
        fn a_renewed_identity_wins_over_its_former_self_only(a in identity(), b in identity()) {
            let renewed = a.renewed().unwrap();
            prop_assert!(renewed.win_addr_conflict(&a));
            if (a.incarnation, a.address) != (b.incarnation, b.address) {
                prop_assert_eq!(renewed.win_addr_conflict(&b), a.win_addr_conflict(&b));
            }
        }
    }
}
