//! Who owns a bucket, and becoming its owner.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kvs_core::{Outcome, Result};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::bucket::{Answer, BucketLog, Role};
use super::core::Event;
use super::driver::Driver;
use super::entry::Epoch;
use super::{error, ticker};
use crate::hash::Bucket;
use crate::identity::NodeId;

/// The pause after a take-over that failed.
const PAUSE: Duration = Duration::from_millis(100);
/// How long it is remembered who was said to own a bucket.
const HEARSAY_MAX: Duration = Duration::from_secs(30);

/// Who was said to own buckets that this node has no part of.
#[derive(Default)]
pub(super) struct Hearsay(Mutex<BTreeMap<Bucket, (NodeId, Instant)>>);

impl Hearsay {
    pub(super) fn note(&self, bucket: Bucket, owner: Option<NodeId>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match owner {
            Some(owner) => heard.insert(bucket, (owner, Instant::now())),
            None => heard.remove(&bucket),
        };
    }

    pub(super) fn of(&self, bucket: Bucket) -> Option<NodeId> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (owner, at) = heard.get(&bucket)?;
        (at.elapsed() < HEARSAY_MAX).then_some(*owner)
    }
}

impl Driver {
    /// The log of the bucket that a name is in.
    pub(super) async fn bucket_of(self: &Arc<Self>, name: &[u8]) -> Result<Arc<BucketLog>> {
        let Some(layout) = self.layouts.current() else {
            return Err(error::elsewhere("it has no layout of a ring yet"));
        };
        let bucket = layout.bucket_of(name);
        if !layout.replicas(bucket).contains(&self.id) {
            return Err(error::not_owner(name, self.likely_owner(bucket)));
        }
        self.bucket(bucket).await
    }

    /// Who owns the bucket by what its log here says, if that is another node.
    pub(super) fn other_owner(&self, bucket: &BucketLog) -> Option<NodeId> {
        let state = bucket.lock();
        let promised = state.core.log().promised;
        let owner = match state.holder {
            Some(holder) => holder,
            None if promised == Epoch::none() => return None,
            None => promised.node,
        };
        (owner != self.id && state.voters.votes(owner)).then_some(owner)
    }

    /// Who most likely owns a bucket, and seems to be up; `None` if nobody who may own it is.
    pub(super) fn likely_owner(&self, bucket: Bucket) -> Option<NodeId> {
        let layout = self.layouts.current()?;
        let replicas = layout.replicas(bucket);
        let opened = self.opened(bucket);
        if let Some(opened) = &opened
            && matches!(opened.now().role, Role::Serving { .. })
        {
            return Some(self.id);
        }
        let heard = self.hearsay.of(bucket).filter(|owner| replicas.contains(owner));
        let known = heard.or_else(|| self.other_owner(&*opened?));
        let mut likely = known.into_iter().chain(replicas.iter().copied());
        likely.find(|node| self.seems_up(*node))
    }

    /// Owns the bucket: at once if it does, else once a majority has promised. Says under which epoch.
    ///
    /// # Errors
    /// `NotOwner` if another node that is there owns it; `Quorum` if no majority promises in time.
    /// Nothing has changed that anybody was told of.
    pub(super) async fn own(
        self: &Arc<Self>,
        bucket: &mut Arc<BucketLog>,
        name: &[u8],
        until: Instant,
    ) -> Result<Epoch> {
        let mut has_tried = false;
        loop {
            let mut progress = bucket.progress.subscribe();
            let now = *progress.borrow_and_update();
            match now.role {
                Role::Serving { epoch, ready } if now.persisted >= ready => return Ok(epoch),
                Role::Serving { .. } | Role::Trying => {}
                Role::Dead => {
                    *bucket = self.bucket(bucket.id).await?;
                    continue;
                }
                Role::Replica { .. } => {
                    if let Some(owner) = self.other_owner(bucket) {
                        let owns = timeout_at(until, self.owns(bucket, owner));
                        if owns.await.unwrap_or(false) {
                            return Err(error::not_owner(name, Some(owner)));
                        }
                    }
                    if std::mem::replace(&mut has_tried, true) {
                        sleep(ticker::about(&self.env, PAUSE)).await;
                    }
                    if Instant::now() < until {
                        self.take_over(bucket);
                    }
                }
            }
            if timeout_at(until, progress.changed()).await.is_err() {
                let voters = bucket.lock().voters.all().len();
                return Err(error::no_majority(voters, "take-over", Outcome::NotApplied));
            }
        }
    }

    /// Has a majority confirm that this node owns the bucket; all replicas hear of it.
    pub(super) fn confirm(
        self: &Arc<Self>,
        bucket: &Arc<BucketLog>,
    ) -> oneshot::Receiver<Result<Answer, Outcome>> {
        let mut state = bucket.lock();
        let (ticket, outcome) = state.wait(0);
        let event = Event::Confirm { ticket, upto: 0 };
        self.step_locked(bucket, &mut state, event, Vec::new());
        outcome
    }

    fn take_over(self: &Arc<Self>, bucket: &Arc<BucketLog>) {
        let mut state = bucket.lock();
        if !matches!(bucket.now().role, Role::Replica { .. }) {
            return;
        }
        bucket.set_role(Role::Trying);
        self.step_locked(bucket, &mut state, Event::TakeOver, Vec::new());
    }
}
