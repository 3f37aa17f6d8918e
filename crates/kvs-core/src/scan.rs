//! What to scan, and the pages that come back.

use std::ops::Bound;

use crate::error::{DbaError, Result};
use crate::limits::{self, LimitError, PAGE_ROWS_MAX};

/// The direction of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// From the lowest clustering key up.
    #[default]
    Ascending,
    /// From the highest clustering key down.
    Descending,
}

/// A range of clustering keys.
pub type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The range without bounds.
pub(crate) const EVERYTHING: Range = (Bound::Unbounded, Bound::Unbounded);

/// Which rows of a partition to read, in which order, and how many at a time.
///
/// ```
/// use kvs_core::Scan;
///
/// let newest = Scan::prefix("2026-").descending().limit(20);
/// ```
#[derive(Clone, Debug)]
pub struct Scan {
    range: Range,
    order: Order,
    limit: usize,
    resume: Option<ResumeToken>,
}

impl Scan {
    /// Rows of a page unless [`limit`](Self::limit) says otherwise.
    pub const LIMIT_DEFAULT: usize = 256;

    /// All rows of the partition.
    pub fn all() -> Self {
        Self::range(EVERYTHING)
    }

    /// The rows in `range`.
    pub fn range(range: Range) -> Self {
        Self { range, order: Order::Ascending, limit: Self::LIMIT_DEFAULT, resume: None }
    }

    /// The rows whose clustering key begins with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let prefix = prefix.into();
        let end = match prefix_end(&prefix) {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        };
        Self::range((Bound::Included(prefix), end))
    }

    /// From the highest clustering key down.
    #[must_use]
    pub fn descending(self) -> Self {
        self.order(Order::Descending)
    }

    /// In this order.
    #[must_use]
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// At most this many rows a page: 1 to 10,000.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// With a short page, for the beginning of a stream of which perhaps only the first item is
    /// wanted.
    #[must_use]
    pub fn short(self) -> Self {
        self.limit(16)
    }

    /// With pages four times as long, up to 1,024 rows: a stream that is read on pays for fewer.
    #[must_use]
    pub fn longer(self) -> Self {
        let limit = self.limit.max(self.limit.saturating_mul(4).min(1_024));
        self.limit(limit)
    }

    /// Goes on where the page that carried `token` ended.
    #[must_use]
    pub fn resume(self, token: ResumeToken) -> Self {
        Self { resume: Some(token), ..self }
    }

    /// The order of the rows.
    pub fn ordering(&self) -> Order {
        self.order
    }

    /// The most rows of a page.
    pub fn page_rows(&self) -> usize {
        self.limit
    }

    /// Checks the limit and the token, and gives the range that is left to read.
    pub fn remaining(&self) -> Result<Range> {
        if self.limit == 0 {
            return Err(LimitError { what: "rows in a page", found: 0, limit: 1 }.into());
        }
        limits::at_most("rows in a page", self.limit, PAGE_ROWS_MAX)?;
        let (start, end) = self.range.clone();
        let Some(token) = &self.resume else { return Ok((start, end)) };
        let last = token.last(self.order)?.to_vec();
        if !(start, end).contains_key(&last) {
            return Err(DbaError::ResumeToken { detail: "its row is outside the range" });
        }
        let (start, end) = self.range.clone();
        Ok(match self.order {
            Order::Ascending => (Bound::Excluded(last), end),
            Order::Descending => (start, Bound::Excluded(last)),
        })
    }
}

/// Whether a range holds a key.
pub(crate) trait ContainsKey {
    /// Whether `key` lies between the bounds.
    fn contains_key(&self, key: &[u8]) -> bool;
}

impl ContainsKey for Range {
    fn contains_key(&self, key: &[u8]) -> bool {
        let after_start = match &self.0 {
            Bound::Included(start) => start.as_slice() <= key,
            Bound::Excluded(start) => start.as_slice() < key,
            Bound::Unbounded => true,
        };
        let before_end = match &self.1 {
            Bound::Included(end) => key <= end.as_slice(),
            Bound::Excluded(end) => key < end.as_slice(),
            Bound::Unbounded => true,
        };
        after_start && before_end
    }
}

/// Whether no key can lie in the range. An engine asks before it hands the range to a library that
/// takes a reversed one for a mistake.
pub fn is_empty(range: &Range) -> bool {
    match range {
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start >= end,
        _ => false,
    }
}

/// The range as engines take it: from the first key on, up to but without the second.
pub fn half_open(range: &Range) -> (Vec<u8>, Option<Vec<u8>>) {
    // A zero byte appended makes the very next key.
    let next = |key: &[u8]| [key, &[0]].concat();
    let start = match &range.0 {
        Bound::Included(start) => start.clone(),
        Bound::Excluded(start) => next(start),
        Bound::Unbounded => Vec::new(),
    };
    let end = match &range.1 {
        Bound::Included(end) => Some(next(end)),
        Bound::Excluded(end) => Some(end.clone()),
        Bound::Unbounded => None,
    };
    (start, end)
}

/// The lowest key above every key that begins with `prefix`; `None` if there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// Where a page ended, to be given to the next scan of the same range and order.
///
/// Its bytes may be kept or sent elsewhere: a version, the order, and the last row's clustering key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeToken(Vec<u8>);

impl ResumeToken {
    const VERSION: u8 = 1;

    /// The token for a page in `order` that ended with the row `last`.
    pub fn new(order: Order, last: &[u8]) -> Self {
        let mut bytes = vec![Self::VERSION, order as u8];
        bytes.extend_from_slice(last);
        Self(bytes)
    }

    /// The token's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A token from its bytes, checked when it is used.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    fn last(&self, order: Order) -> Result<&[u8]> {
        match self.0.as_slice() {
            [Self::VERSION, tag, last @ ..] if *tag == order as u8 => Ok(last),
            [Self::VERSION, ..] => Err(DbaError::ResumeToken { detail: "it is of another order" }),
            _ => Err(DbaError::ResumeToken { detail: "its version is unknown" }),
        }
    }
}
