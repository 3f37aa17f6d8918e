//! What members tell about themselves.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foca::{BroadcastHandler, Invalidates};
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::limits::MEMBERS_MAX;
use crate::identity::{Incarnation, NodeId};

/// Which layout a node has. It tells others that theirs is old, and carries no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Advert {
    /// The version of the layout.
    pub layout_version: u64,
    /// A digest of it: two layouts of one version that differ are a fault worth an alarm.
    pub layout_digest: u64,
}

/// The first byte of an advert on the wire.
const VERSION: u8 = 1;

/// An advert on its way. The newest of a node is the one with the highest incarnation, then sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) node: NodeId,
    pub(super) incarnation: Incarnation,
    /// Counts the adverts of one process.
    pub(super) sequence: u64,
    pub(super) advert: Advert,
}

impl Item {
    pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(self, vec![VERSION])
    }

    /// None for what is not exactly an advert of this version.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, item) = bytes.split_first()? else { return None };
        let (item, rest) = postcard::take_from_bytes(item).ok()?;
        rest.is_empty().then_some(item)
    }

    fn newer_than(&self, other: &Self) -> bool {
        (self.incarnation, self.sequence) > (other.incarnation, other.sequence)
    }
}

/// The newest advert of every node, at most [`MEMBERS_MAX`]. Clones share them: one is with foca,
/// which spreads what is news here.
#[derive(Clone, Default)]
pub(super) struct Adverts(Arc<Mutex<BTreeMap<NodeId, Item>>>);

impl Adverts {
    /// What the node said in this life.
    pub(super) fn of(&self, life: &Identity) -> Option<Advert> {
        let items = self.items();
        let item = items.get(&life.node)?;
        (item.incarnation == life.incarnation).then_some(item.advert)
    }

    /// Forgets what the node said.
    pub(super) fn forget(&self, node: &NodeId) {
        self.items().remove(node);
    }

    fn items(&self) -> MutexGuard<'_, BTreeMap<NodeId, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BroadcastHandler<Identity> for Adverts {
    type Key = Item;
    type Error = Infallible;

    /// An advert that is not understood is passed over and not passed on: it may come from a later
    /// release, and what came with it is still good.
    fn receive_item(
        &mut self,
        data: &[u8],
        _sender: Option<&Identity>,
    ) -> Result<Option<Item>, Infallible> {
        let Some(item) = Item::decode(data) else { return Ok(None) };
        let mut items = self.items();
        let news = match items.get(&item.node) {
            Some(known) => item.newer_than(known),
            None => items.len() < MEMBERS_MAX,
        };
        if news {
            items.insert(item.node, item);
        }
        Ok(news.then_some(item))
    }
}

impl Invalidates for Item {
    fn invalidates(&self, other: &Self) -> bool {
        self.node == other.node && !other.newer_than(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(incarnation: u64, sequence: u64) -> Item {
        Item {
            node: NodeId::from_bytes([7; 16]),
            incarnation: Incarnation(incarnation),
            sequence,
            advert: Advert { layout_version: sequence, layout_digest: u64::MAX },
        }
    }

    fn is_news(adverts: &mut Adverts, item: Item) -> bool {
        adverts.receive_item(&item.encode().unwrap(), None).unwrap().is_some()
    }

    #[test]
    fn only_what_is_newer_is_news() {
        let mut adverts = Adverts::default();
        assert!(is_news(&mut adverts, item(1, 5)));
        assert!(!is_news(&mut adverts, item(1, 5)));
        assert!(!is_news(&mut adverts, item(1, 4)));
        assert!(is_news(&mut adverts, item(1, 6)));
        assert!(is_news(&mut adverts, item(2, 1)));
        assert!(!is_news(&mut adverts, item(1, 7)));
    }

    #[test]
    fn what_is_not_exactly_an_advert_is_no_news() {
        let mut adverts = Adverts::default();
        let good = item(1, 1).encode().unwrap();
        let longer = [good.as_slice(), &[0]].concat();
        let shorter = &good[..good.len() - 1];
        let later_version = [&[VERSION + 1], &good[1..]].concat();
        for bad in [&[], longer.as_slice(), shorter, &later_version] {
            assert!(adverts.receive_item(bad, None).unwrap().is_none(), "{bad:?}");
        }
        assert!(adverts.receive_item(&good, None).unwrap().is_some());
    }

    #[test]
    fn the_format_stays() {
        let hex: String =
            item(300, 2).encode().unwrap().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "011007070707070707070707070707070707ac020202ffffffffffffffffff01");
    }

    #[test]
    fn the_number_of_nodes_is_limited() {
        let mut adverts = Adverts::default();
        for n in 0..MEMBERS_MAX as u128 {
            let node = NodeId::from_bytes(n.to_be_bytes());
            assert!(is_news(&mut adverts, Item { node, ..item(1, 1) }));
        }
        assert!(!is_news(&mut adverts, Item { node: NodeId::from_bytes([255; 16]), ..item(1, 1) }));
        let known = NodeId::from_bytes([0; 16]);
        assert!(is_news(&mut adverts, Item { node: known, ..item(1, 2) }));
        adverts.forget(&known);
        assert!(is_news(&mut adverts, Item { node: NodeId::from_bytes([255; 16]), ..item(1, 1) }));
    }
}
