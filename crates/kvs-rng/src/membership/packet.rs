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
