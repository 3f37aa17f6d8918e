//! Requests to single nodes.

use kvs_core::{Key, Range};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::error::Failure;
use super::message::{
    self, Answer, BucketRequest, Held, ItemMessage, ItemsAnswer, MESSAGE_BYTES, MessageError,
    PageRequest, ReadRequest, ScanRequest, StoreRequest, StoredAnswer, read_items,
};
use super::{Coordinator, LAYOUT_TRIES, PeerError, later};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::replica::{Item, Leaves};
use crate::version::Versions;

/// Room that an item takes in a message beside its key and versions.
const ITEM_OVERHEAD: usize = 32;

impl Coordinator {
    /// Runs a request and reads its answer.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        to: NodeId,
        method: u16,
        body: Vec<u8>,
        until: Instant,
    ) -> Result<T, Failure> {
        let deadline = until.saturating_duration_since(Instant::now());
        if deadline.is_zero() {
            return Err(Failure::NotSent("no time was left".to_owned()));
        }
        let call = self.inner.peers.call(to, method, body, deadline);
        // The peers keep the deadline themselves; this makes sure of it.
        let Ok(answer) = timeout_at(until, call).await else {
            return Err(Failure::Lost("no answer in time".to_owned()));
        };
        match message::decode(&answer?)? {
            Answer::Done(done) => Ok(done),
            Answer::Layout { mine } => Err(Failure::Layout { mine }),
            Answer::Refused(refusal) => {
                let reason = message::shortened(&refusal.reason);
                Err(Failure::Refused(message::Refusal { reason, ..refusal }))
            }
            Answer::Short(short) => Err(Failure::Short(short)),
        }
    }

    /// All that `node` holds of `key`.
    pub(super) async fn read_at(
        &self,
        node: NodeId,
        layout: &Layout,
        key: &Key,
        until: Instant,
    ) -> Result<Versions, Failure> {
        if node == self.id() {
            return Ok(self.replica().get(layout.bucket_of(key.partition()), key).await?);
        }
        let body = message::encode(&ReadRequest { layout: layout.version(), key: key.into() })?;
        let bytes: message::Bytes = self.call(node, message::READ, body, until).await?;
        Ok(Versions::decode(&bytes.0).map_err(MessageError::new)?)
    }

    /// Rows of a partition at `node`, and whether it has more.
    pub(super) async fn scan_at(
        &self,
        node: NodeId,
        layout: &Layout,
        request: &ScanRequest,
        until: Instant,
    ) -> Result<(Vec<Item>, bool), Failure> {
        let (rows, bytes) = (request.rows as usize, request.bytes as usize);
        if node == self.id() {
            let partition = &request.partition.0;
            let bucket = layout.bucket_of(partition);
            let (range, order): (&Range, _) = (&request.range, request.order());
            return Ok(self.replica().scan(bucket, partition, range, order, rows, bytes).await?);
        }
        let body = message::encode(request)?;
        let answer: ItemsAnswer = self.call(node, message::SCAN, body, until).await?;
        Ok((read_items(answer.items)?, answer.more))
    }

    /// Items of a bucket at `node` in key order, those behind `after`, at most `rows` of at most
    /// `bytes` bytes or a single larger one; and whether there are more.
    pub async fn page_at(
        &self,
        node: NodeId,
        bucket: Bucket,
        after: Option<&Key>,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<Item>, bool), PeerError> {
        Ok(self.held_page_at(node, bucket, after, rows, bytes).await?.held)
    }

    /// The same, with whether the node has all that it ever acknowledged.
    pub(super) async fn held_page_at(
        &self,
        node: NodeId,
        bucket: Bucket,
        after: Option<&Key>,
        rows: usize,
        bytes: usize,
    ) -> Result<Held<(Vec<Item>, bool)>, PeerError> {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let body = message::encode(&PageRequest {
            layout: self.layout_version(),
            bucket: bucket.0,
            after: after.map(Into::into),
            rows: number(rows),
            bytes: number(bytes),
        });
        let page = async {
            let until = later(self.inner.gather_timeout);
            let answer: Held<ItemsAnswer> = self.call(node, message::PAGE, body?, until).await?;
            let Held { held: ItemsAnswer { items, more }, is_whole } = answer;
            Ok(Held { held: (read_items(items)?, more), is_whole })
        };
        page.await.map_err(peer_error)
    }

    /// The digests of a bucket at `node`.
    pub async fn digests_at(&self, node: NodeId, bucket: Bucket) -> Result<Leaves, PeerError> {
        Ok(self.held_digests_at(node, bucket).await?.held)
    }

    /// The same, with whether the node has all that it ever acknowledged.
    pub(super) async fn held_digests_at(
        &self,
        node: NodeId,
        bucket: Bucket,
    ) -> Result<Held<Leaves>, PeerError> {
        let request = BucketRequest { layout: self.layout_version(), bucket: bucket.0 };
        let digests = async {
            let until = later(self.inner.gather_timeout);
            let body = message::encode(&request)?;
            self.call(node, message::DIGESTS, body, until).await
        };
        digests.await.map_err(peer_error)
    }

    /// Brings `items` of one bucket to `node`, in messages of at most 16 MiB; one key that has more
    /// goes alone. After an error some may be stored there.
    pub async fn send(
        &self,
        node: NodeId,
        bucket: Bucket,
        items: &[Item],
    ) -> Result<(), PeerError> {
        let until = later(self.inner.gather_timeout);
        let stored = self.store_at(node, bucket, items, MESSAGE_BYTES, until).await;
        stored.map(drop).map_err(peer_error)
    }

    /// Has `node` store `items`, in messages of at most `bytes_max` bytes, and gives what it held more
    /// of their keys.
    pub(super) async fn store_at(
        &self,
        node: NodeId,
        bucket: Bucket,
        items: &[Item],
        bytes_max: usize,
        until: Instant,
    ) -> Result<Vec<Item>, Failure> {
        if node == self.id() {
            return Ok(self.replica().store_and_tell(bucket, items.to_vec()).await?.more);
        }
        let mut more = Vec::new();
        for chunk in chunks(items, bytes_max) {
            more.extend(self.store_chunk(node, bucket, chunk, until).await?);
        }
        Ok(more)
    }

    /// One message. A replica with a newer layout gets it again under that one: what was minted is to
    /// be stored wherever its bucket is now.
    async fn store_chunk(
        &self,
        node: NodeId,
        bucket: Bucket,
        chunk: &[Item],
        until: Instant,
    ) -> Result<Vec<Item>, Failure> {
        let mut tries = 0;
        loop {
            let layout = self.layout_version();
            let items = chunk.iter().map(ItemMessage::from).collect();
            let body = message::encode(&StoreRequest { layout, bucket: bucket.0, items })?;
            let stored: Result<StoredAnswer, Failure> =
                self.call(node, message::STORE, body, until).await;
            match stored {
                Err(Failure::Layout { mine }) if mine > layout && tries < LAYOUT_TRIES => {
                    tries += 1;
                    self.fetch_layout(node).await;
                }
                done => return Ok(read_items(done?.more)?),
            }
        }
    }

    /// The version of the layout here; 0 if there is none.
    fn layout_version(&self) -> u64 {
        self.layout().map_or(0, |layout| layout.version())
    }
}

/// `items` in slices of at most `bytes_max` bytes; a larger item goes alone.
fn chunks(items: &[Item], bytes_max: usize) -> impl Iterator<Item = &[Item]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|item| {
            let is_first = bytes == 0;
            bytes += item_len(item);
            is_first || bytes <= bytes_max
        });
        let (chunk, left) = rest.split_at(fits.count());
        rest = left;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Bytes of an item in a message.
pub(super) fn item_len(item: &Item) -> usize {
    let key = item.key.partition().len() + item.key.clustering().len();
    key + item.versions.encoded_len() + ITEM_OVERHEAD
}

fn peer_error(failure: Failure) -> PeerError {
    let sent = match &failure {
        Failure::NotSent(_) | Failure::Layout { .. } => false,
        Failure::Refused(refusal) => refusal.is_unknown,
        _ => true,
    };
    PeerError { sent, reason: failure.to_string() }
}
