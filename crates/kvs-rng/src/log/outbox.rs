//! Messages on their way to other nodes.
//!
//! Messages for one node that wait at the same time share a request, whatever buckets they are of.
//! An answer goes back with the request that it answers, or with any other that is being served for
//! that node; if there is none, in a request of its own. Messages may overtake each other and get
//! lost: the protocol lives with that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kvs_core::env::spawn;
use kvs_core::{DbaError, StoredRow};
use serde::{Deserialize, Serialize};

use super::bucket::{BucketLog, Role};
use super::core::{Event, Message};
use super::driver::Driver;
use super::format;
use super::writes::Writes;
use super::{REQUEST, rows};
use crate::hash::Bucket;
use crate::identity::NodeId;

/// A request takes in what waits until it has this many bytes; one message may pass them.
const FRAME_BYTES: usize = 4 << 20;
/// Most requests to one node at once.
const CALLS_MAX: usize = 4;
/// Most bytes that wait for one node; what comes on top is lost.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// How long a node may take to answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Most messages of one request.
const ITEMS_MAX: usize = 65_536;
/// What a message takes beside its entries and rows, roughly.
const OVERHEAD: usize = 192;

const WHAT: &str = "messages of logs";

/// A message of a bucket. Version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) bucket: u32,
    pub(super) message: Message<Writes>,
    /// Beside a page of a snapshot: its rows, by their own stored keys.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Item {
    pub(super) fn new(bucket: Bucket, message: Message<Writes>, rows: Vec<StoredRow>) -> Self {
        let rows = rows.into_iter().map(|row| (row.key, row.value)).collect();
        Self { bucket: bucket.0, message, rows }
    }

    fn size(&self) -> usize {
        let entries = match &self.message {
            Message::Append { entries, .. } | Message::Entries { entries, .. } => {
                entries.as_slice()
            }
            _ => &[],
        };
        let entry = |entry: &super::entry::Entry<Writes>| {
            OVERHEAD + entry.payload.as_ref().map_or(0, |it| it.as_bytes().len())
        };
        let rows = self.rows.iter().map(|(key, value)| key.len() + value.len() + 8);
        OVERHEAD + entries.iter().map(entry).sum::<usize>() + rows.sum::<usize>()
    }
}

/// What waits, by the node that it is for.
#[derive(Default)]
pub(super) struct Outbox {
    peers: Mutex<BTreeMap<NodeId, Waiting>>,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    /// Requests that are on their way.
    calls: usize,
    /// Answers that wait for one of the requests that are being served.
    answers: VecDeque<Item>,
    /// Requests of that node that are being served.
    serving: usize,
}

impl Waiting {
    fn start(&mut self, driver: &Arc<Driver>, to: NodeId) {
        if self.calls < CALLS_MAX {
            self.calls += 1;
            let driver = driver.clone();
            spawn(async move { driver.send_on(to).await });
        }
    }
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, Waiting>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message soon.
    pub(super) fn push(&self, driver: &Arc<Driver>, to: NodeId, item: Item) {
        if driver.is_closed() {
            return;
        }
        let mut peers = self.lock();
        let peer = peers.entry(to).or_default();
        if !item.message.is_request() && peer.serving > 0 {
            peer.answers.push_back(item);
            return;
        }
        let size = item.size();
        if !peer.items.is_empty() && peer.bytes + size > WAITING_BYTES_MAX {
            tracing::warn!(node = %driver.id, %to, "too much waits for a node; a message is lost");
            return;
        }
        peer.bytes += size;
        peer.items.push_back(item);
        if !driver.together.is_under_way() {
            peer.start(driver, to);
        }
    }

    /// Sends what waits.
    pub(super) fn start(&self, driver: &Arc<Driver>) {
        for (to, peer) in &mut *self.lock() {
            if !peer.items.is_empty() {
                peer.start(driver, *to);
            }
        }
    }

    /// What goes into one request; `None` if nothing waits, and then that caller calls no more.
    fn take(&self, to: NodeId) -> Option<Vec<Item>> {
        let mut peers = self.lock();
        let peer = peers.get_mut(&to)?;
        let items = take(&mut peer.items);
        if items.is_empty() {
            peer.calls -= 1;
            return None;
        }
        peer.bytes = peer.bytes.saturating_sub(items.iter().map(Item::size).sum());
        Some(items)
    }
}

/// As many items as one request holds.
fn take(waiting: &mut VecDeque<Item>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut bytes = 0;
    while items.len() < ITEMS_MAX
        && let Some(item) =
            waiting.pop_front_if(|item| items.is_empty() || bytes + item.size() <= FRAME_BYTES)
    {
        bytes += item.size();
        items.push(item);
    }
    items
}

impl Driver {
    /// Sends what waits for `to`, and hands over what is answered.
    async fn send_on(self: Arc<Self>, to: NodeId) {
        while let Some(items) = self.outbox.take(to) {
            let asked = items.iter().filter(|item| item.message.is_request());
            let asked: Vec<Bucket> = asked.map(|item| Bucket(item.bucket)).collect();
            let answers = match format::encode(WHAT, &items) {
                Ok(_) if self.is_closed() => None,
                Ok(body) => {
                    drop(items);
                    self.counters.called();
                    self.peers.call(to, REQUEST, body, CALL_TIMEOUT).await.ok()
                }
                Err(error) => {
                    tracing::error!(node = %self.id, %error, "messages of logs can't be encoded");
                    None
                }
            };
            let Some(answers) = answers else {
                self.reach.failed(to);
                for bucket in asked {
                    if let Some(bucket) = self.opened(bucket) {
                        self.step(&bucket, Event::Unanswered { to });
                    }
                }
                continue;
            };
            self.reach.answered(to);
            match format::decode::<Vec<Item>>(WHAT, &answers) {
                Ok(items) => drop(self.receive(to, items).await),
                Err(error) => {
                    tracing::warn!(node = %self.id, %to, %error, "an answer makes no sense");
                }
            }
        }
    }

    /// Takes the messages of another node, and gives what there is to answer once what they ask to be
    /// written is on disk.
    ///
    /// # Errors
    /// Bytes that are no messages; nothing was done.
    pub(super) async fn handle(
        self: &Arc<Self>,
        from: NodeId,
        body: &[u8],
    ) -> Result<Vec<u8>, DbaError> {
        let items: Vec<Item> = format::decode(WHAT, body)?;
        let serving = Serving::begin(self, from);
        for (bucket, number) in self.receive(from, items).await {
            let mut progress = bucket.progress.subscribe();
            let done = progress.wait_for(|it| it.persisted >= number || it.role == Role::Dead);
            // Late answers find another way.
            if tokio::time::timeout(CALL_TIMEOUT, done).await.is_err() {
                break;
            }
        }
        format::encode(WHAT, &serving.answers())
    }

    /// Hands messages to their buckets; gives what has to be on disk before they are answered.
    async fn receive(
        self: &Arc<Self>,
        from: NodeId,
        items: Vec<Item>,
    ) -> Vec<(Arc<BucketLog>, u64)> {
        let mut of_buckets = Vec::with_capacity(items.len());
        for item in items {
            match self.bucket(Bucket(item.bucket)).await {
                Ok(bucket) => of_buckets.push((bucket, item)),
                Err(error) => {
                    let bucket = item.bucket;
                    tracing::debug!(node = %self.id, bucket, %from, %error, "a message of no use");
                }
            }
        }
        let mut written = Vec::new();
        self.together(|| {
            for (bucket, item) in of_buckets {
                written.extend(self.receive_one(from, bucket, item));
            }
        });
        written
    }

    fn receive_one(
        self: &Arc<Self>,
        from: NodeId,
        bucket: Arc<BucketLog>,
        item: Item,
    ) -> Option<(Arc<BucketLog>, u64)> {
        let Item { message, rows: page, .. } = item;
        let layout = self.layouts.current()?;
        let is_of = |row: &(Vec<u8>, _)| rows::is_of(bucket.id, &row.0, layout.hashing());
        if !page.iter().all(is_of) {
            tracing::warn!(node = %self.id, bucket = %bucket.id, %from,
                "a page has rows of another bucket");
            return None;
        }
        let page = page.into_iter().map(|(key, value)| StoredRow { key, value }).collect();
        let mut state = bucket.lock();
        self.step_locked(&bucket, &mut state, Event::Message { from, message }, page);
        let issued = state.issued;
        drop(state);
        (bucket.now().persisted < issued).then_some((bucket, issued))
    }
}

/// A request of a node is being served.
struct Serving<'a> {
    driver: &'a Arc<Driver>,
    from: NodeId,
}

impl<'a> Serving<'a> {
    fn begin(driver: &'a Arc<Driver>, from: NodeId) -> Self {
        driver.outbox.lock().entry(from).or_default().serving += 1;
        Self { driver, from }
    }

    /// What there is to answer.
    fn answers(&self) -> Vec<Item> {
        let mut peers = self.driver.outbox.lock();
        peers.get_mut(&self.from).map(|peer| take(&mut peer.answers)).unwrap_or_default()
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut left = VecDeque::new();
        if let Some(peer) = self.driver.outbox.lock().get_mut(&self.from) {
            peer.serving = peer.serving.saturating_sub(1);
            if peer.serving == 0 {
                left = std::mem::take(&mut peer.answers);
            }
        }
        for item in left {
            self.driver.outbox.push(self.driver, self.from, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use kvs_core::Batch;

    use super::*;
    use crate::identity::Incarnation;
    use crate::log::entry::{Entry, Epoch, Position};

    #[test]
    fn the_format_is_held_still_and_read_exactly() {
        let node = NodeId::from_bytes([7; 16]);
        let epoch = Epoch { counter: 3, node, incarnation: Incarnation(2) };
        let prev = Position::new(epoch, 4);
        let writes = Writes::new(b"e", &Batch::new().delete("a")).unwrap();
        let position = Position::new(epoch, 5);
        let entries = vec![Entry { layout: 9, position, prev, payload: Some(writes) }];
        let append =
            Message::Append { epoch, layout: 9, round: 1, prev, entries, commit: 4, floor: 2 };
        let page = Message::Install { epoch, layout: 9, position, page: 1, last: true };
        let row = StoredRow { key: b"k".to_vec(), value: b"v".to_vec() };
        let items =
            vec![Item::new(Bucket(300), append, Vec::new()), Item::new(Bucket(1), page, vec![row])];

        let e = [&[3, 16][..], &[7; 16], &[2]].concat();
        let writes = [1, 1, b'e', 1, 1, b'a', 0];
        let expected = [
            &[1, 2, 0xAC, 2, 3],
            &e[..],
            &[9, 1],
            &e,
            &[4, 1, 9],
            &e,
            &[5],
            &e,
            &[4, 1, 7],
            &writes,
            &[4, 2, 0, 1, 9],
            &e,
            &[9],
            &e,
            &[5, 1, 1, 1, 1, b'k', 1, b'v'],
        ]
        .concat();
        assert_eq!(format::encode(WHAT, &items).unwrap(), expected);
        assert_eq!(format::decode::<Vec<Item>>(WHAT, &expected).unwrap(), items);
        for cut in 0..expected.len() {
            assert!(format::decode::<Vec<Item>>(WHAT, &expected[..cut]).is_err(), "{cut}");
        }
        assert!(format::decode::<Vec<Item>>(WHAT, &[&expected[..], &[0]].concat()).is_err());
    }
}
