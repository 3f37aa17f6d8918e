//! Which buckets this node may have lost something of.
//!
//! What is on disk says so, however often the node is started: a number of losses, and the number that
//! it was when a bucket's head was last written. A bucket without a head has acknowledged nothing, and
//! so lost nothing, unless this node took the place of one whose disk is lost: what that one held, the
//! others count on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{DbaError, Result};
use serde::{Deserialize, Serialize};

use super::Logs;
use super::driver::Driver;
use super::format::{self, Head};
use crate::hash::Bucket;

const WHAT: &str = "losses of a node";
const VERSION: u8 = 2;

/// What became of what a node had acknowledged. Version 2; version 1 was the count alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Losses {
    /// How often it may have lost something.
    pub(super) count: u64,
    /// It took the place of a node whose disk is lost: a bucket without a head may miss something, too.
    pub(super) replaced: bool,
}

impl Losses {
    /// What is on disk.
    pub(super) async fn read(raw: &Raw) -> Result<Self> {
        let found = raw.get(format::losses_key()).await?;
        Ok(found.map(|bytes| Self::decode(&bytes)).transpose()?.unwrap_or_default())
    }

    /// Puts them on disk; `synced` syncs what it writes.
    pub(super) async fn write(&self, synced: &Raw) -> Result<()> {
        let mut writes = WriteSet::default();
        writes.stored(&format::losses_key(), Some(&self.encode()?));
        synced.write(writes).await
    }

    fn encode(&self) -> Result<Vec<u8>> {
        format::encode_as(VERSION, WHAT, self)
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        match bytes {
            [1, ..] => Ok(Self { count: format::decode_as(1, WHAT, bytes)?, replaced: false }),
            _ => format::decode_as(VERSION, WHAT, bytes),
        }
    }
}

/// What this node knows of its doubts.
pub(super) struct Doubts {
    known: Mutex<Known>,
    /// One at a time writes the losses.
    writing: tokio::sync::Mutex<()>,
}

struct Known {
    losses: Losses,
    /// Whether a bucket is in doubt, of those that have a head, are open, or were looked into.
    buckets: BTreeMap<Bucket, bool>,
}

impl Known {
    fn is_in_doubt(&self, bucket: Bucket) -> bool {
        self.buckets.get(&bucket).copied().unwrap_or(self.losses.replaced)
    }
}

impl Doubts {
    /// What the heads on disk say.
    pub(super) fn new(losses: Losses, heads: Vec<(Bucket, Head)>) -> Self {
        let in_doubt = |head: &Head| head.doubt.is_some() || head.losses < losses.count;
        let buckets = heads.iter().map(|(bucket, head)| (*bucket, in_doubt(head))).collect();
        Self {
            known: Mutex::new(Known { losses, buckets }),
            writing: tokio::sync::Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bucket is opened, with the head that is on disk. Says how many losses it is to be written
    /// with, and whether it may have lost something that its head doesn't know of.
    pub(super) fn opens(&self, bucket: Bucket, head: Option<&Head>) -> (u64, bool) {
        let mut known = self.known();
        let is_new = match head {
            Some(head) => head.losses < known.losses.count,
            None => known.is_in_doubt(bucket),
        };
        let is_in_doubt = is_new || head.is_some_and(|head| head.doubt.is_some());
        known.buckets.insert(bucket, is_in_doubt);
        (known.losses.count, is_new)
    }

    /// What the head of an open bucket says by now, on disk.
    pub(super) fn note(&self, bucket: Bucket, is_in_doubt: bool) {
        self.known().buckets.insert(bucket, is_in_doubt);
    }

    /// Takes note that there was nothing to lose of a bucket, if it has no head and is not open; says
    /// whether that is so. Lasts until the node ends.
    pub(super) fn ends_without_head(&self, bucket: Bucket) -> bool {
        let mut known = self.known();
        let is_without = !known.buckets.contains_key(&bucket);
        if is_without {
            known.buckets.insert(bucket, false);
        }
        is_without
    }

    /// Whether a bucket may have lost something.
    pub(super) fn is_in_doubt(&self, bucket: Bucket) -> bool {
        self.known().is_in_doubt(bucket)
    }

    /// Whether no bucket has.
    pub(super) fn are_none(&self) -> bool {
        let known = self.known();
        !known.losses.replaced && !known.buckets.values().any(|is_in_doubt| *is_in_doubt)
    }
}

impl Logs {
    /// Says that this node takes the place of one whose disk is lost, and has nothing of what that one
    /// acknowledged and promised: each bucket is in doubt from then on, until it is
    /// [mended](Self::mending), whenever it is first used. Written and synced; to be said before anybody
    /// counts on this node. Said again, it changes nothing.
    pub async fn begin_with_nothing(&self) -> Result<(), DbaError> {
        self.driver.begin_with_nothing().await
    }
}

impl Driver {
    async fn begin_with_nothing(&self) -> Result<()> {
        let _one = self.doubts.writing.lock().await;
        let before = self.doubts.known().losses;
        if before.replaced {
            return Ok(());
        }
        let losses = Losses { count: before.count.saturating_add(1), replaced: true };
        losses.write(&self.synced).await?;
        {
            let mut known = self.doubts.known();
            known.losses = losses;
            known.buckets.values_mut().for_each(|is_in_doubt| *is_in_doubt = true);
        }
        for bucket in self.all_opened() {
            self.give_up(&bucket);
        }
        Ok(())
    }

    /// No bucket that this node holds is in doubt any more, also of those without a head.
    pub(super) async fn has_all(&self) -> Result<()> {
        let _one = self.doubts.writing.lock().await;
        let before = self.doubts.known().losses;
        if before.replaced {
            let losses = Losses { replaced: false, ..before };
            losses.write(&self.synced).await?;
            self.doubts.known().losses = losses;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_held_still_and_read_exactly() {
        let losses = Losses { count: 300, replaced: true };
        let bytes = [2, 0xAC, 2, 1];
        assert_eq!(losses.encode().unwrap(), bytes);
        assert_eq!(Losses::decode(&bytes).unwrap(), losses);
        // The first version of the bytes.
        let losses = Losses { count: 300, replaced: false };
        assert_eq!(Losses::decode(&[1, 0xAC, 2]).unwrap(), losses);
        for wrong in [&[][..], &[1], &[1, 0xAC, 2, 0], &[2, 0xAC, 2], &[2, 1, 2], &[2, 1, 0, 0]] {
            assert!(Losses::decode(wrong).is_err(), "{wrong:?}");
        }
        assert!(Losses::decode(&[3, 1, 0]).unwrap_err().to_string().contains("version 3"));
    }

    #[test]
    fn a_bucket_without_a_head_is_in_doubt_only_where_another_disk_was_lost() {
        let head = |losses, doubt: bool| Head {
            losses,
            doubt: doubt.then(super::super::Epoch::none),
            ..Head::default()
        };
        let heads = vec![
            (Bucket(0), head(2, false)),
            (Bucket(1), head(1, false)),
            (Bucket(2), head(2, true)),
        ];
        for replaced in [false, true] {
            let doubts = Doubts::new(Losses { count: 2, replaced }, heads.clone());
            let in_doubt = [0, 1, 2, 3].map(|bucket| doubts.is_in_doubt(Bucket(bucket)));
            assert_eq!(in_doubt, [false, true, true, replaced]);
            assert!(!doubts.are_none());
            assert_eq!(doubts.opens(Bucket(3), None), (2, replaced));
            assert_eq!(doubts.opens(Bucket(1), Some(&heads[1].1)), (2, true));
            assert_eq!(doubts.opens(Bucket(2), Some(&heads[2].1)), (2, false));
            assert!(!doubts.ends_without_head(Bucket(3)), "it is open");
            assert!(doubts.ends_without_head(Bucket(4)));
            assert!(!doubts.is_in_doubt(Bucket(4)));
            for bucket in 1..=3 {
                doubts.note(Bucket(bucket), false);
            }
            assert_eq!(doubts.are_none(), !replaced);
        }
    }
}
