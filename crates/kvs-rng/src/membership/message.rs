//! What a datagram says, once it is opened.

use super::datagram::MESSAGE_MAX;
use super::identity::Identity;

const GOSSIP: u8 = 1;
const KNOCK: u8 = 2;
const HERE: u8 = 3;

/// The longest packet of the failure detector.
pub(super) const PACKET_MAX: usize = MESSAGE_MAX - 1;

/// A message: one byte says which, the rest is its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// A packet of the failure detector.
    Gossip(&'a [u8]),
    /// Asks who lives at the address it is sent to.
    Knock,
    /// Answers that.
    Here(Identity),
}

impl<'a> Message<'a> {
    pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        match self {
            Self::Gossip(packet) => Ok([&[GOSSIP], *packet].concat()),
            Self::Knock => Ok(vec![KNOCK]),
            Self::Here(identity) => postcard::to_extend(identity, vec![HERE]),
        }
    }

    /// None for what is not exactly a message.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, content) = bytes.split_first()?;
        match kind {
            GOSSIP => Some(Self::Gossip(content)),
            KNOCK if content.is_empty() => Some(Self::Knock),
            HERE => {
                let (identity, rest) = postcard::take_from_bytes(content).ok()?;
                rest.is_empty().then_some(Self::Here(identity))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::identity::{Incarnation, NodeId};

    #[test]
    fn messages_come_back_as_they_went_and_nothing_longer_does() {
        let identity = Identity {
            node: NodeId::from_bytes([7; 16]),
            incarnation: Incarnation(300),
            address: SocketAddr::from(([127, 0, 0, 1], 4343)),
            renewals: 1,
        };
        for message in [Message::Gossip(b"packet"), Message::Knock, Message::Here(identity)] {
            let mut bytes = message.encode().unwrap();
            assert_eq!(Message::decode(&bytes), Some(message.clone()));
            bytes.push(0);
            assert_ne!(Message::decode(&bytes), Some(message));
        }
        assert_eq!(Message::decode(&[]), None);
        assert_eq!(Message::decode(&[KNOCK, 0]), None);
        assert_eq!(Message::decode(&[HERE, 1]), None);
        assert_eq!(Message::decode(&[9]), None);
    }
}
