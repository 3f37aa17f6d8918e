//! Quorum scans.

use std::sync::Arc;

use futures_util::FutureExt;
use kvs_core::limits::{self, PAGE_BYTES_MAX};
use kvs_core::scan::is_empty;
use kvs_core::{CallOptions, Order, Page, Range, ResumeToken, Scan};
use tokio::time::Instant;

use super::error::{Failure, RingError};
use super::gather::gather;
use super::merge::{self, Merged};
use super::message::{Bytes, ScanRequest};
use super::read::{Held, replicas_read};
use super::{Coordinator, LAYOUT_TRIES};
use crate::layout::Layout;
use crate::version::Resolver;

/// What replicas are asked for at a time: a page, and what versions take beside their values.
const SCAN_BYTES: u32 = (PAGE_BYTES_MAX + PAGE_BYTES_MAX / 4) as u32;
/// The fewest rows that are asked for at a time, so that deleted ones don't cost a round each.
const SCAN_ROWS_MIN: usize = 64;
/// How often replicas are asked for one page.
const ROUNDS_MAX: usize = 64;

impl Coordinator {
    /// One page of a partition's rows: those of R replicas, merged in order, each key resolved by
    /// `resolver`, without those that are deleted or expired.
    ///
    /// A page may be short, or even empty, and still name a next one, if there was very much between
    /// its rows that is deleted. Each round of questions shows one state of each replica; a page
    /// usually takes one round.
    pub async fn scan(
        &self,
        partition: &[u8],
        scan: &Scan,
        resolver: &dyn Resolver,
        options: &CallOptions,
    ) -> Result<Page, RingError> {
        limits::check_partition(partition)?;
        let mut range = scan.remaining().map_err(|error| match error {
            kvs_core::DbaError::Limit(error) => RingError::Limit(error),
            other => RingError::Request(other),
        })?;
        if is_empty(&range) {
            return Ok(Page::default());
        }
        let order = scan.ordering();
        let until = self.until("scan", options)?;
        let _permit = self.inner.in_flight.read("scan", until).await?;
        let mut page = PageBuilder { page: Page::default(), order, rows_max: scan.page_rows() };
        for _ in 0..ROUNDS_MAX {
            // Without a deadline each round has its own time: a page of many rounds makes progress.
            let until = if options.deadline.is_some() { until } else { self.until("scan", options)? };
            let rows = page.rows_max.saturating_sub(page.page.len());
            let request = Request { partition, range: &range, order, rows };
            let merged = self.round(request, options, until).await?;
            let now_ms = self.inner.env.clock.now_ms();
            for (key, versions) in in_order(&merged.rows, order) {
                let resolved = resolver.resolve(key, versions.siblings(), now_ms);
                let Some(value) = resolved.value() else { continue };
                if page.is_full() {
                    return Ok(page.to_be_continued());
                }
                page.page.push(key.clustering(), value);
            }
            let Some(frontier) = merged.frontier else { return Ok(page.page) };
            range = merge::behind(range, frontier.clustering(), order);
            if is_empty(&range) {
                return Ok(page.page);
            }
            page.page.resume = Some(ResumeToken::new(order, frontier.clustering()));
        }
        Ok(page.page)
    }

    /// What R replicas hold of a range, joined, as far as all of them have told.
    async fn round(
        &self,
        request: Request<'_>,
        options: &CallOptions,
        until: Instant,
    ) -> Result<Merged, RingError> {
        let mut tries = 0;
        loop {
            let layout = self.layout_for("scan")?;
            match self.round_under(layout, &request, options, until).await {
                Err(RingError::LayoutChanged { from, .. }) if tries < LAYOUT_TRIES => {
                    tries += 1;
                    self.fetch_layout(from).await;
                }
                done => return done,
            }
        }
    }

    async fn round_under(
        &self,
        layout: Arc<Layout>,
        request: &Request<'_>,
        options: &CallOptions,
        until: Instant,
    ) -> Result<Merged, RingError> {
        let bucket = layout.bucket_of(request.partition);
        let order = request.order;
        let nodes = self.preferred(layout.replicas(bucket));
        let needed = replicas_read(&layout, options.consistency);
        let message = Arc::new(ScanRequest {
            layout: layout.version(),
            partition: Bytes(request.partition.to_vec()),
            range: request.range.clone(),
            descending: order == Order::Descending,
            rows: u32::try_from(request.rows.max(SCAN_ROWS_MIN)).unwrap_or(u32::MAX),
            bytes: SCAN_BYTES,
        });
        let gathered = gather("scan", layout.version(), &nodes, needed, until, |node| {
            let (this, layout, message) = (self.clone(), layout.clone(), message.clone());
            async move {
                let (items, more) = this.scan_at(node, &layout, &message, until).await?;
                merge::check(&items, more, &message.partition.0, &message.range, order)?;
                Ok::<_, Failure>((items, more))
            }
            .boxed()
        });
        let mut merged = merge::merge(gathered.await?.answers, order);
        if merge::is_stale(&merged.rows, &merged.answers) {
            self.repair_keys(bucket, std::mem::take(&mut merged.answers));
        }
        Ok(merged)
    }
}

/// What a round asks for.
#[derive(Clone, Copy)]
struct Request<'a> {
    partition: &'a [u8],
    range: &'a Range,
    order: Order,
    rows: usize,
}

/// A page on its way.
struct PageBuilder {
    page: Page,
    order: Order,
    rows_max: usize,
}

impl PageBuilder {
    fn is_full(&self) -> bool {
        self.page.len() >= self.rows_max || self.page.bytes() >= PAGE_BYTES_MAX
    }

    /// The page, of which there is a next one.
    fn to_be_continued(mut self) -> Page {
        let last = self.page.last().map(|row| ResumeToken::new(self.order, row.clustering));
        self.page.resume = last.or(self.page.resume);
        self.page
    }
}

fn in_order<'a>(
    rows: &'a Held,
    order: Order,
) -> Box<dyn Iterator<Item = (&'a kvs_core::Key, &'a crate::version::Versions)> + Send + 'a> {
    match order {
        Order::Ascending => Box::new(rows.iter()),
        Order::Descending => Box::new(rows.iter().rev()),
    }
}
