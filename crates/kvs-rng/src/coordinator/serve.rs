//! What this node does for other coordinators.

use std::sync::Arc;
use std::time::Duration;

use kvs_core::env::uncancelled;
use kvs_core::limits::PAGE_ROWS_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::calls::item_len;
use super::error::RingError;
use super::message::{
    self, Answer, BucketRequest, Bytes, Held, ItemMessage, ItemsAnswer, MESSAGE_BYTES,
    MessageError, PageRequest, ReadRequest, Refusal, ScanRequest, StoreRequest, StoredAnswer,
    WriteRequest, read_items,
};
use super::write::check;
use super::{Coordinator, later};
use crate::hash::Bucket;
use crate::identity::NodeId;
use crate::layout::Layout;
use crate::replica::{Item, PAGE_BYTES_MAX, Write};

/// A request could not be understood, or its answer not be sent. Final.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// There is no such method. Nothing was done.
    #[error("the ring has no method {method:#06x}; nothing was done")]
    Method {
        /// What was asked for.
        method: u16,
    },
    /// The body is no request. Nothing was done.
    #[error("{0}; nothing was done")]
    Message(#[from] MessageError),
}

/// A request that says under which layout it was made.
trait UnderLayout: DeserializeOwned {
    fn layout(&self) -> u64;
}

macro_rules! under_layout {
    ($($request:ty),*) => { $(
        impl UnderLayout for $request {
            fn layout(&self) -> u64 {
                self.layout
            }
        }
    )* };
}

under_layout!(WriteRequest, StoreRequest, ReadRequest, ScanRequest, PageRequest, BucketRequest);

impl Coordinator {
    /// Runs a request of another node's coordinator and gives the answer. Any bytes may come.
    ///
    /// A write or store that has begun runs to its end, also if the future is dropped.
    pub async fn handle(
        &self,
        from: NodeId,
        method: u16,
        body: &[u8],
    ) -> Result<Vec<u8>, HandleError> {
        match method {
            message::WRITE => self.handle_write(from, message::decode(body)?).await,
            message::STORE => self.handle_store(from, message::decode(body)?).await,
            message::READ => self.handle_read(from, message::decode(body)?).await,
            message::SCAN => self.handle_scan(from, message::decode(body)?).await,
            message::PAGE => self.handle_page(from, message::decode(body)?).await,
            message::DIGESTS => self.handle_digests(from, message::decode(body)?).await,
            message::PROBE => {
                let request: BucketRequest = message::decode(body)?;
                match self.agree(from, &request).await {
                    Ok(_) => answer(&Answer::Done(())),
                    Err(mine) => answer(&Answer::<()>::Layout { mine }),
                }
            }
            method => Err(HandleError::Method { method }),
        }
    }

    /// The layout, if it is the one of the request; fetches it if that one is newer. Otherwise the
    /// version of the layout here.
    async fn agree(&self, from: NodeId, request: &impl UnderLayout) -> Result<Arc<Layout>, u64> {
        let version = |layout: &Option<Arc<Layout>>| layout.as_ref().map_or(0, |it| it.version());
        let mut mine = self.layout();
        if version(&mine) < request.layout() {
            self.fetch_layout(from).await;
            mine = self.layout();
        }
        match mine {
            Some(layout) if layout.version() == request.layout() => Ok(layout),
            other => Err(version(&other)),
        }
    }

    /// Whether this node holds `bucket`.
    fn holds(&self, layout: &Layout, bucket: Bucket) -> bool {
        layout.replicas(bucket).contains(&self.id())
    }

    async fn handle_write(
        &self,
        from: NodeId,
        request: WriteRequest,
    ) -> Result<Vec<u8>, HandleError> {
        let layout = match self.agree(from, &request).await {
            Ok(layout) => layout,
            Err(mine) => return answer(&Answer::<()>::Layout { mine }),
        };
        let WriteRequest { partition: Bytes(partition), rows, deadline_ms, .. } = request;
        let writes: Vec<Write> = rows.into_iter().map(Write::from).collect();
        let bytes = check(&partition, &writes).map_err(MessageError::new)?;
        let bucket = layout.bucket_of(&partition);
        if !self.holds(&layout, bucket) {
            return answer(&elsewhere::<()>("it doesn't hold the bucket"));
        }
        let Some(permit) = self.inner.in_flight.forwarded(bytes) else {
            return answer(&RingError::Busy { operation: "write" }.to_answer::<()>());
        };
        let until = later(Duration::from_millis(deadline_ms).min(self.inner.gather_timeout * 10));
        let this = self.clone();
        let written = uncancelled(async move {
            let _permit = permit;
            this.look_for_quorum(&layout, bucket, until).await?;
            this.mint(&layout, &partition, writes, until).await
        });
        match written.await {
            Ok(()) => answer(&Answer::Done(())),
            Err(RingError::LayoutChanged { .. }) => {
                answer(&elsewhere::<()>("its layout is about to change"))
            }
            Err(error) => answer(&error.to_answer::<()>()),
        }
    }

    async fn handle_store(
        &self,
        from: NodeId,
        request: StoreRequest,
    ) -> Result<Vec<u8>, HandleError> {
        let layout = match self.agree(from, &request).await {
            Ok(layout) => layout,
            Err(mine) => return answer(&Answer::<()>::Layout { mine }),
        };
        let bucket = Bucket(request.bucket);
        let items = read_items(request.items)?;
        if items.iter().any(|item| layout.bucket_of(item.key.partition()) != bucket) {
            return Err(MessageError::new("an item is not of the bucket").into());
        }
        if !self.holds(&layout, bucket) {
            return answer(&elsewhere::<()>("it doesn't hold the bucket"));
        }
        match self.replica().store_and_tell(bucket, items).await {
            Ok(stored) => answer(&stored_answer(&stored.more)),
            Err(error) => answer(&RingError::from(error).to_answer::<()>()),
        }
    }

    async fn handle_read(
        &self,
        from: NodeId,
        request: ReadRequest,
    ) -> Result<Vec<u8>, HandleError> {
        let layout = match self.agree(from, &request).await {
            Ok(layout) => layout,
            Err(mine) => return answer(&Answer::<()>::Layout { mine }),
        };
        let key = request.key.read()?;
        let bucket = layout.bucket_of(key.partition());
        if !self.holds(&layout, bucket) {
            return answer(&elsewhere::<()>("it doesn't hold the bucket"));
        }
        match self.replica().get(bucket, &key).await {
            Ok(versions) => answer(&Answer::Done(Bytes(versions.encode()))),
            Err(error) => answer(&RingError::from(error).to_answer::<()>()),
        }
    }

    async fn handle_scan(
        &self,
        from: NodeId,
        request: ScanRequest,
    ) -> Result<Vec<u8>, HandleError> {
        let layout = match self.agree(from, &request).await {
            Ok(layout) => layout,
            Err(mine) => return answer(&Answer::<()>::Layout { mine }),
        };
        let partition = &request.partition.0;
        let bucket = layout.bucket_of(partition);
        if !self.holds(&layout, bucket) {
            return answer(&elsewhere::<()>("it doesn't hold the bucket"));
        }
        let (rows, bytes) = bounded(request.rows, request.bytes);
        let order = request.order();
        let scanned =
            self.replica().scan(bucket, partition, &request.range, order, rows, bytes).await;
        match scanned {
            Ok(found) => answer(&Answer::Done(items_answer(&found))),
            Err(error) => answer(&RingError::from(error).to_answer::<()>()),
        }
    }

    async fn handle_page(
        &self,
        from: NodeId,
        request: PageRequest,
    ) -> Result<Vec<u8>, HandleError> {
        if let Err(mine) = self.agree(from, &request).await {
            return answer(&Answer::<()>::Layout { mine });
        }
        let after = request.after.map(message::KeyMessage::read).transpose()?;
        let (rows, bytes) = bounded(request.rows, request.bytes);
        let bucket = Bucket(request.bucket);
        // Before the rows are read: what is repaired meanwhile may have been missing.
        let is_whole = self.replica().is_whole(bucket);
        match self.replica().page(bucket, after.as_ref(), rows, bytes).await {
            Ok(found) => answer(&Answer::Done(Held { held: items_answer(&found), is_whole })),
            Err(error) => answer(&RingError::from(error).to_answer::<()>()),
        }
    }

    async fn handle_digests(
        &self,
        from: NodeId,
        request: BucketRequest,
    ) -> Result<Vec<u8>, HandleError> {
        let layout = match self.agree(from, &request).await {
            Ok(layout) => layout,
            Err(mine) => return answer(&Answer::<()>::Layout { mine }),
        };
        let bucket = Bucket(request.bucket);
        // Also against buckets that don't exist: each that is asked for takes room in memory.
        if bucket.0 >= layout.hashing().buckets() {
            return Err(MessageError::new("there is no such bucket").into());
        }
        let is_whole = self.replica().is_whole(bucket);
        match self.replica().digests(bucket).await {
            Ok(leaves) => answer(&Answer::Done(Held { held: leaves, is_whole })),
            Err(error) => answer(&RingError::from(error).to_answer::<()>()),
        }
    }
}

fn answer<T: Serialize>(answer: &Answer<T>) -> Result<Vec<u8>, HandleError> {
    Ok(message::encode(answer)?)
}

/// Not here, but another node may do it.
fn elsewhere<T>(reason: &str) -> Answer<T> {
    Answer::Refused(Refusal {
        is_unknown: false,
        is_retryable: true,
        elsewhere: true,
        reason: reason.to_owned(),
    })
}

fn items_answer((items, more): &(Vec<Item>, bool)) -> ItemsAnswer {
    let items = items.iter().map(ItemMessage::from).collect();
    ItemsAnswer { items, more: *more }
}

/// As many items as one answer has room for. What is left out will stand beside the write.
fn stored_answer(more: &[Item]) -> Answer<StoredAnswer> {
    let mut room = MESSAGE_BYTES;
    let fits = more.iter().take_while(|item| {
        let left = room.checked_sub(item_len(item));
        room = left.unwrap_or_default();
        left.is_some()
    });
    Answer::Done(StoredAnswer { more: fits.map(ItemMessage::from).collect() })
}

/// As much as one answer may hold.
fn bounded(rows: u32, bytes: u32) -> (usize, usize) {
    ((rows as usize).clamp(1, PAGE_ROWS_MAX), (bytes as usize).clamp(1, PAGE_BYTES_MAX))
}
