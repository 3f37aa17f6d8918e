//! Bringing buckets up to date that this node may have lost something of.
//!
//! A doubt ends by itself with the next use of a bucket: its owner sends what is missing. But a bucket
//! may idle for long, and meanwhile other disks may be lost, one after another. So a node with doubts
//! goes through its buckets. It asks the other replicas what they hold: if none of them, and this one,
//! has anything, then there was nothing. Else it has one of them own the bucket, and confirm that: an
//! owner sends to each replica what it lacks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kvs_core::env::Background;
use kvs_core::{DbaError, Order, Result};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use super::bucket::Role;
use super::core::Event;
use super::driver::Driver;
use super::format::{self, Head};
use super::{HOLDS, Logs, SETTLE, ticker};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::layout::Layout;

const WHAT: &str = "buckets to be mended";
/// Most buckets that are asked about at a time, and that are to be owned at a time.
const HOLDS_MAX: usize = 1_024;
const SETTLE_MAX: usize = 64;
/// How long the answers may take.
const HOLDS_TIMEOUT: Duration = Duration::from_secs(2);
const SETTLE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long it is tried to own a bucket and confirm that.
const SETTLE_TIME: Duration = Duration::from_secs(3);
/// How often that is tried.
const SETTLE_TRIES: usize = 3;
/// How often it is looked whether there are doubts.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Pauses between rounds: doubled up to the longest, and the shortest again once there was progress.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What a node holds of a bucket's log. Version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Held {
    /// It has no part of the bucket, as far as it knows.
    Unknown,
    Nothing,
    Something,
    /// The same, and it owns the bucket.
    Owned,
}

/// What others said of a bucket.
#[derive(Default)]
struct Said {
    answers: BTreeMap<NodeId, Held>,
}

impl Said {
    fn is_held(&self) -> bool {
        self.answers.values().any(|held| *held > Held::Nothing)
    }
}

impl Logs {
    /// Mends whatever is in doubt at this node, until the handle is dropped: a few buckets at a time,
    /// and again after a pause what can't be mended now. Costs nothing while nothing is in doubt.
    pub fn mending(&self) -> Background {
        let driver = self.driver.clone();
        Background::run(async move { driver.mend_on().await })
    }

    /// How many of this node's buckets may have lost something that this node, or the one whose place
    /// it took, had acknowledged. They count for a take-over only if all replicas take part.
    pub fn buckets_in_doubt(&self) -> usize {
        self.driver.in_doubt().map_or(0, |buckets| buckets.len())
    }
}

impl Driver {
    async fn mend_on(self: Arc<Self>) {
        let (mut pause, mut round, mut is_mending) = (PAUSE_MIN, 0, false);
        loop {
            let left = if (self.is_sound)() { self.in_doubt() } else { None };
            let Some(left) = left.filter(|_| !self.is_closed()) else {
                sleep(LOOK_INTERVAL).await;
                continue;
            };
            if left.is_empty() {
                if let Err(error) = self.has_all().await {
                    tracing::warn!(node = %self.id, %error, "that all logs are mended could not be recorded");
                }
                if std::mem::take(&mut is_mending) {
                    tracing::info!(node = %self.id, "all logs are up to date");
                }
                sleep(LOOK_INTERVAL).await;
                continue;
            }
            if !std::mem::replace(&mut is_mending, true) {
                tracing::info!(
                    node = %self.id, buckets = left.len(),
                    "logs of entities may have lost something: bringing them up to date"
                );
            }
            self.mend(&left, round).await;
            round += 1;
            let after = self.in_doubt().map_or(left.len(), |buckets| buckets.len());
            if after < left.len() {
                (pause, round) = (PAUSE_MIN, 0);
            } else {
                tracing::debug!(node = %self.id, buckets = after, "no log was mended in this round");
            }
            sleep(ticker::about(&self.env, pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// The buckets of this node that are in doubt; `None` while it is no member of the ring it knows.
    fn in_doubt(&self) -> Option<Vec<Bucket>> {
        let layout = self.layouts.current()?;
        layout.member(self.id)?;
        if self.doubts.are_none() {
            return Some(Vec::new());
        }
        let buckets = (0..layout.hashing().buckets()).map(Bucket);
        let ours = buckets.filter(|bucket| layout.replicas(*bucket).contains(&self.id));
        Some(ours.filter(|bucket| self.doubts.is_in_doubt(*bucket)).collect())
    }

    /// One try. Who is to own a bucket is its owner if it has one, then the others in the order of
    /// preference, then this node; the next one each round.
    async fn mend(self: &Arc<Self>, buckets: &[Bucket], round: usize) {
        let Some(layout) = self.layouts.current() else { return };
        let said = self.ask_all(buckets, &layout).await;
        let mut settling: BTreeMap<NodeId, Vec<Bucket>> = BTreeMap::new();
        for id in buckets {
            let replicas = layout.replicas(*id);
            let Some(said) = said.get(id) else { continue };
            let is_complete = said.answers.len() + 1 >= replicas.len();
            // With fewer nobody can own it.
            let is_enough = is_complete || said.answers.len() * 2 > replicas.len();
            if !said.is_held() {
                let had_nothing = is_complete && self.had_nothing(*id).await;
                if had_nothing || !is_complete {
                    continue;
                }
            } else if !is_enough {
                continue;
            }
            let owners = said.answers.iter().filter(|(_, held)| **held == Held::Owned);
            let others = replicas.iter().filter(|node| said.answers.contains_key(node));
            let able: Vec<NodeId> =
                owners.map(|(node, _)| *node).chain(others.copied()).chain([self.id]).collect();
            if let Some(node) = able.get(round % able.len()) {
                settling.entry(*node).or_default().push(*id);
            }
        }
        join_all(settling.iter().map(|(node, buckets)| self.have_settled(*node, buckets))).await;
    }

    /// What all other replicas say that they hold.
    async fn ask_all(&self, buckets: &[Bucket], layout: &Layout) -> BTreeMap<Bucket, Said> {
        let mut asked: BTreeMap<NodeId, Vec<Bucket>> = BTreeMap::new();
        let mut said: BTreeMap<Bucket, Said> = BTreeMap::new();
        for id in buckets {
            said.entry(*id).or_default();
            for node in layout.replicas(*id).iter().filter(|node| **node != self.id) {
                asked.entry(*node).or_default().push(*id);
            }
        }
        let answers = asked.iter().map(|(node, buckets)| self.ask_one(*node, buckets));
        for (node, answers) in asked.keys().zip(join_all(answers).await) {
            for (id, held) in answers.into_iter().filter(|(_, held)| *held != Held::Unknown) {
                said.entry(id).or_default().answers.insert(*node, held);
            }
        }
        said
    }

    async fn ask_one(&self, node: NodeId, buckets: &[Bucket]) -> Vec<(Bucket, Held)> {
        let mut said = Vec::new();
        for buckets in buckets.chunks(HOLDS_MAX) {
            let Ok(body) = encode(buckets) else { break };
            let Ok(answer) = self.peers.call(node, HOLDS, body, HOLDS_TIMEOUT).await else { break };
            match format::decode::<Vec<Held>>(WHAT, &answer) {
                Ok(held) if held.len() == buckets.len() => {
                    said.extend(buckets.iter().copied().zip(held));
                }
                _ => tracing::warn!(node = %self.id, of = %node, "an answer makes no sense"),
            }
        }
        said
    }

    /// All other replicas hold nothing of a bucket's log. If this one neither does, its doubt ends.
    async fn had_nothing(self: &Arc<Self>, id: Bucket) -> bool {
        if self.doubts.ends_without_head(id) {
            return true;
        }
        let Ok(bucket) = self.bucket(id).await else { return true };
        let mut state = bucket.lock();
        let is_empty = state.core.log().is_empty();
        if is_empty {
            self.step_locked(&bucket, &mut state, Event::NothingLost, Vec::new());
        }
        is_empty
    }

    /// Has `node` own buckets and tell all their replicas so.
    async fn have_settled(self: &Arc<Self>, node: NodeId, buckets: &[Bucket]) {
        for buckets in buckets.chunks(SETTLE_MAX) {
            if node == self.id {
                self.settle(buckets).await;
                continue;
            }
            let Ok(body) = encode(buckets) else { return };
            if let Err(error) = self.peers.call(node, SETTLE, body, SETTLE_TIMEOUT).await {
                tracing::debug!(node = %self.id, of = %node, %error, "logs are not mended yet");
                return;
            }
        }
    }

    /// Answers what this node holds of buckets.
    pub(super) async fn handle_holds(&self, body: &[u8]) -> Result<Vec<u8>> {
        let buckets = decode(body, HOLDS_MAX)?;
        if self.is_closed() || self.hold.is_on() || !(self.is_sound)() {
            return Err(super::error::elsewhere("its logs are not to be relied on at present"));
        }
        let layout = self.layouts.current();
        let mut held = Vec::with_capacity(buckets.len());
        for id in buckets {
            let is_ours = layout.as_ref().is_some_and(|layout| {
                id.0 < layout.hashing().buckets() && layout.replicas(id).contains(&self.id)
            });
            held.push(if is_ours { self.held_of(id).await? } else { Held::Unknown });
        }
        format::encode(WHAT, &held)
    }

    async fn held_of(&self, id: Bucket) -> Result<Held> {
        // The disk first: what is put there meanwhile is seen in memory.
        let head = self.raw.get(format::head_key(id)).await?;
        let head = head.map(|bytes| format::decode::<Head>("head of a log", &bytes)).transpose()?;
        let is_empty = match head {
            None => true,
            Some(head) if !head.is_empty() => false,
            Some(_) => {
                let entries = format::entries_after(id, 0);
                self.raw.scan(entries, Order::Ascending, 1, 1).await?.is_empty()
            }
        };
        Ok(match &self.opened(id) {
            Some(it) if matches!(it.now().role, Role::Serving { .. }) => Held::Owned,
            Some(it) if !it.lock().core.log().is_empty() => Held::Something,
            _ if is_empty => Held::Nothing,
            _ => Held::Something,
        })
    }

    /// Owns buckets, and tells all their replicas so, at another node's wish.
    pub(super) async fn handle_settle(
        self: &Arc<Self>,
        from: NodeId,
        body: &[u8],
    ) -> Result<Vec<u8>> {
        let buckets = decode(body, SETTLE_MAX)?;
        // It is there: what waits for it need wait no longer.
        self.reach.answered(from);
        self.hurry.notify_waiters();
        self.settle(&buckets).await;
        format::encode(WHAT, &())
    }

    async fn settle(self: &Arc<Self>, buckets: &[Bucket]) {
        let until = Instant::now() + SETTLE_TIME;
        join_all(buckets.iter().map(|id| self.settle_one(*id, until))).await;
    }

    async fn settle_one(self: &Arc<Self>, id: Bucket, until: Instant) {
        let Ok(mut bucket) = self.bucket(id).await else { return };
        // The one in doubt may refuse an owner of before, and end its time by that.
        for _ in 0..SETTLE_TRIES {
            if self.own(&mut bucket, b"", until).await.is_err() {
                return;
            }
            let confirmed = timeout_at(until, self.confirm(&bucket)).await;
            if matches!(confirmed, Ok(Ok(Ok(_))) | Err(_)) {
                return;
            }
        }
    }
}

fn encode(buckets: &[Bucket]) -> Result<Vec<u8>> {
    format::encode(WHAT, &buckets.iter().map(|bucket| bucket.0).collect::<Vec<_>>())
}

fn decode(body: &[u8], most: usize) -> Result<Vec<Bucket>> {
    let buckets: Vec<u32> = format::decode(WHAT, body)?;
    if buckets.len() > most {
        let problem = format!("{} buckets at a time are too many", buckets.len());
        return Err(DbaError::decode(WHAT, problem));
    }
    Ok(buckets.into_iter().map(Bucket).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_are_held_still_and_read_exactly() {
        assert_eq!(encode(&[Bucket(7), Bucket(300)]).unwrap(), [1, 2, 7, 0xAC, 2]);
        assert_eq!(decode(&[1, 2, 7, 0xAC, 2], 2).unwrap(), [Bucket(7), Bucket(300)]);
        assert!(decode(&[1, 2, 7, 0xAC, 2], 1).is_err());
        assert!(decode(&[1, 2, 7], 2).is_err() && decode(&[1, 1, 7, 0], 2).is_err());
        let held = [Held::Unknown, Held::Nothing, Held::Something, Held::Owned].to_vec();
        assert_eq!(format::encode(WHAT, &held).unwrap(), [1, 4, 0, 1, 2, 3]);
    }
}
