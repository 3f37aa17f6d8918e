//! Getting back from the other replicas what this node may have lost.
//!
//! After an unclean start or with a new disk, as [`replica`](crate::replica) tells it, each bucket is
//! read here from other replicas before it counts for a read again. An acknowledged write is on W of the N replicas. If
//! this one has lost it, it is still on W - 1 of the N - 1 others, so that any N - W + 1 of them have
//! it among them, as long as none of these has lost anything itself. Others that recover too count
//! for nothing, unless all N - 1 have been read: what the union of all lacks is nowhere.
//!
//! ```text
//! N = 3, W = 2, this node lost power:   both others are read, and have each acknowledged write
//! all three did:                        each reads the two others; the union of three is served
//! ```
//!
//! A node that syncs each write before it acknowledges it has lost nothing of what it acknowledged. But
//! it sends what it mints before its own sync is done, so that others may have acknowledged a write of
//! its own that it lacks; minting again, it would seem to have seen and replaced that write. Such a
//! write is on W of the N - 1 others. So it *catches up*: N - W of the others are read before it mints,
//! while it serves everything else; one more as well if it is up.
//!
//! A bucket whose digests are the same at another replica counts as read from it. Who is read may hold
//! writes that nobody acknowledged: they are taken over, as any repair would.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use kvs_core::env::Background;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::message::Held;
use super::{Coordinator, PeerError};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::replica::{Condition, ReplicaError};

/// How many buckets are repaired at once.
const BUCKETS_AT_ONCE: usize = 4;
/// Rows of a page.
const PAGE_ROWS: usize = 1_000;
/// Bytes after which a page ends; one row may pass them.
const PAGE_BYTES: usize = 1 << 20;
/// How often it is looked whether there is anything to repair.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Pauses after a round in which some buckets could not be repaired: doubled up to the longest, and
/// the shortest again once there was progress.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often the progress is logged.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// A bucket was not repaired. What was taken over stays; to be tried again.
#[derive(Debug, Error)]
enum RecoverError {
    /// Too few replicas could be read to the end.
    #[error(
        "{needed} other replicas without loss have to be read, or all {others}; \
         {whole} and {partial} with possible loss were; {}", failed.join(", ")
    )]
    TooFew { needed: usize, others: usize, whole: usize, partial: usize, failed: Vec<String> },
    /// What was read could not be stored here.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

/// Another replica could not be read to the end.
#[derive(Debug, Error)]
enum ReadError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    #[error("it gave rows that it was not asked for")]
    Strange,
}

impl Coordinator {
    /// Repairs this node's replica whenever it is recovering, until the handle is dropped. A few
    /// buckets at a time, each a page of about 1 MiB at a time; what can't be repaired now is tried
    /// again after a pause.
    pub fn recovering(&self) -> Background {
        let this = self.clone();
        Background::run(async move {
            loop {
                // A layout of before it was a member says nothing of what it has to hold.
                let is_member = this.layout().is_some_and(|it| it.member(this.id()).is_some());
                if is_member && this.is_to_recover() {
                    this.recover().await;
                }
                sleep(LOOK_INTERVAL).await;
            }
        })
    }

    /// The buckets that this node holds and may lack something of; none of a layout that it isn't in.
    pub fn buckets_to_recover(&self) -> Vec<Bucket> {
        let Some(layout) = self.layout() else { return Vec::new() };
        let buckets = (0..layout.hashing().buckets()).map(Bucket);
        buckets
            .filter(|bucket| layout.replicas(*bucket).contains(&self.id()))
            .filter(|bucket| !self.replica().may_mint(*bucket))
            .collect()
    }

    fn is_to_recover(&self) -> bool {
        matches!(self.replica().condition(), Condition::Recovering | Condition::CatchingUp)
    }

    /// Repairs everything, however long that takes.
    async fn recover(&self) {
        let node = self.id();
        let mut left = self.buckets_to_recover();
        tracing::info!(
            %node,
            buckets = left.len(),
            "this node may have lost writes, in a loss of power or with its disk: repairing it from \
             the others"
        );
        let may_have_lost_acknowledged = self.replica().condition() == Condition::Recovering;
        if may_have_lost_acknowledged && self.layout().is_some_and(|it| it.quorum().w == 1) {
            tracing::warn!(
                %node,
                "at W = 1 a write may have been acknowledged by this node alone: what it took in the \
                 last second before a loss of power, or held on a lost disk, may be lost for good"
            );
        }
        let mut pause = PAUSE_MIN;
        let mut progress = Instant::now();
        while !left.is_empty() {
            let mut failure = None;
            let mut repairs = stream::iter(left.iter().copied())
                .map(|bucket| async move { (bucket, self.recover_bucket(bucket).await) })
                .buffer_unordered(BUCKETS_AT_ONCE);
            while let Some((bucket, repaired)) = repairs.next().await {
                match repaired {
                    Ok(()) => self.replica().recovered(bucket),
                    Err(error) => failure = Some((bucket, error)),
                }
                if progress.elapsed() >= PROGRESS_INTERVAL {
                    progress = Instant::now();
                    let left = self.buckets_to_recover().len();
                    tracing::info!(%node, left, "repairing buckets");
                }
            }
            drop(repairs);
            let before = std::mem::replace(&mut left, self.buckets_to_recover()).len();
            if !self.is_to_recover() {
                return;
            }
            let Some((bucket, error)) = failure else { continue };
            if left.len() < before {
                pause = PAUSE_MIN;
            }
            tracing::warn!(
                %node, left = left.len(), %bucket, %error, "some buckets can't be repaired yet"
            );
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        match self.replica().recovered_all().await {
            Ok(()) => tracing::info!(%node, "this node is repaired"),
            Err(error) => {
                tracing::warn!(%node, %error, "that all is repaired could not be recorded")
            }
        }
    }

    /// Takes over what enough other replicas hold of a bucket.
    async fn recover_bucket(&self, bucket: Bucket) -> Result<(), RecoverError> {
        let Some(layout) = self.layout() else { return Ok(()) };
        let others: Vec<_> =
            layout.replicas(bucket).iter().copied().filter(|node| *node != self.id()).collect();
        let wanted = others_needed(&layout, others.len());
        let needed = match self.replica().condition() {
            Condition::CatchingUp => wanted.saturating_sub(1),
            _ => wanted,
        };
        let (mut whole, mut partial, mut failed) = (0, 0, Vec::new());
        for node in self.preferred(&others) {
            if whole >= wanted || (whole >= needed && !self.is_up(node)) {
                break;
            }
            match self.take_over(bucket, &layout, node).await {
                Ok(true) => whole += 1,
                Ok(false) => partial += 1,
                Err(ReadError::Replica(error)) => return Err(error.into()),
                Err(error) => failed.push(format!("{node} ({error})")),
            }
        }
        let others = others.len();
        if whole >= needed || whole + partial == others {
            return Ok(());
        }
        Err(RecoverError::TooFew { needed, others, whole, partial, failed })
    }

    /// Stores all that `from` holds of a bucket; says whether that is all that it ever acknowledged.
    async fn take_over(
        &self,
        bucket: Bucket,
        layout: &Layout,
        from: NodeId,
    ) -> Result<bool, ReadError> {
        let theirs = self.held_digests_at(from, bucket).await?;
        if theirs.held == self.replica().digests(bucket).await? {
            return Ok(theirs.is_whole);
        }
        let mut is_all_whole = theirs.is_whole;
        let mut after = None;
        loop {
            let page = self.held_page_at(from, bucket, after.as_ref(), PAGE_ROWS, PAGE_BYTES);
            let Held { held: (items, more), is_whole } = page.await?;
            is_all_whole &= is_whole;
            let is_asked_for =
                items.iter().all(|item| layout.bucket_of(item.key.partition()) == bucket);
            let last = items.last().map(|item| item.key.clone());
            if !is_asked_for || (more && (last.is_none() || last == after)) {
                return Err(ReadError::Strange);
            }
            if !items.is_empty() {
                self.replica().store(bucket, items).await?;
            }
            if !more {
                return Ok(is_all_whole);
            }
            after = last;
        }
    }
}

/// Of how many other replicas without loss each acknowledged write is on at least one; more than there
/// are, if this replica may have acknowledged alone.
fn others_needed(layout: &Layout, others: usize) -> usize {
    (others + 2).saturating_sub(usize::from(layout.quorum().w))
}
