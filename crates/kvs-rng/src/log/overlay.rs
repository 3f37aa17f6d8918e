//! Writes that are on their way: appended, and not yet among the rows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kvs_core::Result;

use super::writes::{Writes, Written};

/// Over the committed rows of a bucket: what the owner has appended since, so that the next command of
/// an entity sees what the one before it wrote.
///
/// Writes come and go in the order of their entries. A write that is known to be among the rows is
/// [dropped](Self::drop_to); when the owner is deposed all of them are.
#[derive(Default)]
pub(super) struct Overlay {
    entities: BTreeMap<Arc<[u8]>, Rows>,
    order: VecDeque<Added>,
}

/// Which rows of which entity an entry wrote.
type Added = (u64, Arc<[u8]>, Vec<Vec<u8>>);

/// Rows with the last seq that wrote them.
type Rows = BTreeMap<Vec<u8>, (u64, Option<Vec<u8>>)>;

impl Overlay {
    /// Lays the writes of the entry `seq` over those before.
    pub(super) fn add(&mut self, seq: u64, writes: &Writes) -> Result<()> {
        let entity: Arc<[u8]> = writes.entity()?.into();
        let rows = self.entities.entry(entity.clone()).or_default();
        let mut keys = Vec::new();
        writes.for_each(|clustering, value| {
            rows.insert(clustering.to_vec(), (seq, value.map(<[u8]>::to_vec)));
            keys.push(clustering.to_vec());
        })?;
        self.order.push_back((seq, entity, keys));
        Ok(())
    }

    /// Drops the writes of all entries up to this one.
    pub(super) fn drop_to(&mut self, seq: u64) {
        while let Some((oldest, entity, keys)) = self.order.pop_front_if(|it| it.0 <= seq) {
            let Some(rows) = self.entities.get_mut(&entity) else { continue };
            for key in keys {
                if rows.get(&key).is_some_and(|(last, _)| *last == oldest) {
                    rows.remove(&key);
                }
            }
            if rows.is_empty() {
                self.entities.remove(&entity);
            }
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What lies over a row: `None` if nothing does, `Some(None)` if it was removed.
    pub(super) fn get(&self, entity: &[u8], clustering: &[u8]) -> Option<Option<Vec<u8>>> {
        Some(self.entities.get(entity)?.get(clustering)?.1.clone())
    }

    /// All that lies over an entity's rows.
    pub(super) fn of(&self, entity: &[u8]) -> Written {
        let rows = self.entities.get(entity).into_iter().flatten();
        rows.map(|(key, (_, value))| (key.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use kvs_core::Batch;

    use super::*;

    #[test]
    fn a_later_write_outlasts_an_earlier_one() {
        let mut overlay = Overlay::default();
        let writes = |batch| Writes::new(b"e", &batch).unwrap();
        overlay.add(1, &writes(Batch::new().put("a", "1").put("b", "1"))).unwrap();
        overlay.add(2, &writes(Batch::new().delete("b"))).unwrap();
        assert_eq!(overlay.get(b"e", b"a"), Some(Some(b"1".to_vec())));
        assert_eq!(overlay.get(b"e", b"b"), Some(None));
        assert_eq!(overlay.get(b"f", b"b"), None);
        overlay.drop_to(1);
        assert_eq!((overlay.get(b"e", b"a"), overlay.get(b"e", b"b")), (None, Some(None)));
        assert_eq!(overlay.of(b"e").len(), 1);
        overlay.drop_to(2);
        assert!(overlay.entities.is_empty());
    }
}
