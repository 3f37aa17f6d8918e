//! Reading many rows.

use kvs_core::limits::{self, PAGE_ROWS_MAX};
use kvs_core::{Key, Order, Range};

use super::error::ReplicaError;
use super::handle::Replica;
use super::item::Item;
use super::rows;
use crate::hash::Bucket;

/// A page ends once it holds this many bytes, whatever is asked for; one row may pass it.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

impl Replica {
    /// Rows of a range of a partition in `order`, tombstones and expired values among them: at most
    /// `rows` (1 to 10,000; more or less is taken for these), and no more once they hold `bytes`
    /// bytes; one row may pass that.
    ///
    /// With `true` there may be more: go on behind the last row. With `false` there is none.
    pub async fn scan(
        &self,
        bucket: Bucket,
        partition: &[u8],
        range: &Range,
        order: Order,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<Item>, bool), ReplicaError> {
        limits::check_partition(partition)?;
        self.inner().start.check(bucket)?;
        self.read(rows::partition_range(bucket, partition, range), order, rows, bytes).await
    }

    /// Rows of a bucket behind the key `after`, or from the first on, by partition and clustering
    /// key; limits and the flag are those of [`scan`](Self::scan). For repair and transfer: answers
    /// also while the bucket is recovering.
    pub async fn page(
        &self,
        bucket: Bucket,
        after: Option<&Key>,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<Item>, bool), ReplicaError> {
        self.read(rows::bucket_range(bucket, after), Order::Ascending, rows, bytes).await
    }

    async fn read(
        &self,
        range: Range,
        order: Order,
        rows: usize,
        bytes: usize,
    ) -> Result<(Vec<Item>, bool), ReplicaError> {
        let rows = rows.clamp(1, PAGE_ROWS_MAX);
        let bytes = bytes.min(PAGE_BYTES_MAX);
        // One more, to know whether there is one.
        let mut found = self.inner().raw.scan(range, order, rows + 1, bytes).await?;
        let size: usize = found.iter().map(|row| row.key.len() + row.value.len()).sum();
        let is_more = found.len() > rows || (size >= bytes && !found.is_empty());
        found.truncate(rows);
        let items = found.iter().map(rows::read).collect::<Result<_, _>>()?;
        Ok((items, is_more))
    }
}
