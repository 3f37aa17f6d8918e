//! A look into the failure detector's packets before it gets them.

use foca::{Header, Member};

use super::identity::Identity;
use crate::identity::NodeId;

/// A packet: a header, a count of members (two bytes, big-endian) and the members, then adverts. Only
/// the header is decoded at first.
pub(super) struct Packet<'a> {
    pub(super) header: Header<Identity>,
    rest: &'a [u8],
}

impl<'a> Packet<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, postcard::Error> {
        let (header, rest) = postcard::take_from_bytes(bytes)?;
        Ok(Self { header, rest })
    }

    /// The nodes that the detector would learn of: the sender and the members, as far as they can be
    /// decoded. It refuses a packet with members that can't.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let (count, mut rest) = match self.rest.split_first_chunk() {
            Some((count, rest)) if self.header.message != foca::Message::Broadcast => {
                (u16::from_be_bytes(*count), rest)
            }
            _ => (0, self.rest),
        };
        let members = (0..count).map_while(move |_| {
            let (member, after) = postcard::take_from_bytes::<Member<Identity>>(rest).ok()?;
            rest = after;
            Some(member.id().node)
        });
        std::iter::once(self.header.src.node).chain(members)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use foca::{Message, State};

    use super::*;
    use crate::identity::Incarnation;

    fn life(n: u8) -> Identity {
        Identity {
            node: NodeId::from_bytes([n; 16]),
            incarnation: Incarnation(300),
            address: SocketAddr::from(([10, 0, 0, n], 4343)),
            renewals: 1,
        }
    }

    fn packet(message: Message<Identity>) -> Vec<u8> {
        let header = Header { src: life(1), src_incarnation: 2, dst: life(2), message };
        let mut bytes = postcard::to_stdvec(&header).unwrap();
        bytes.extend(2_u16.to_be_bytes());
        for n in [3, 4] {
            bytes.extend(postcard::to_stdvec(&Member::new(life(n), 5, State::Suspect)).unwrap());
        }
        bytes.extend(b"adverts");
        bytes
    }

    fn nodes(bytes: &[u8]) -> Vec<u8> {
        let packet = Packet::decode(bytes).unwrap();
        packet.nodes().map(|node| node.as_bytes()[0]).collect()
    }

    #[test]
    fn all_nodes_of_a_packet_are_seen() {
        let bytes = packet(Message::Gossip);
        assert_eq!(nodes(&bytes), [1, 3, 4]);
        assert_eq!(nodes(&packet(Message::Broadcast)), [1], "it carries adverts alone");
        assert_eq!(nodes(&bytes[..bytes.len() - 10]), [1, 3], "as far as they can be decoded");
        assert!(Packet::decode(&bytes[..20]).is_err());
    }

    #[test]
    fn the_format_stays() {
        // The detector's own format, with our identities: a new version of it must not change this.
        let hex: String = packet(Message::Ping(6)).iter().map(|b| format!("{b:02x}")).collect();
        let expected = [
            "1001010101010101010101010101010101ac02000a000001f72101", // sender
            "02",                                                     // its refutations
            "1002020202020202020202020202020202ac02000a000002f72101", // receiver
            "0006",                                                   // ping 6
            "0002",                                                   // two members
            "1003030303030303030303030303030303ac02000a000003f721010501", // the first, suspect
            "1004040404040404040404040404040404ac02000a000004f721010501", // the second
            "61647665727473",                                         // adverts
        ];
        assert_eq!(hex, expected.concat());
    }
}
