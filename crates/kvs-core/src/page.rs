//! Pages of rows.

use std::fmt;

use crate::scan::ResumeToken;

/// Some rows of a scan, and where to go on.
///
/// All rows lie in one buffer, so a page costs a few allocations, however many rows it has.
///
/// ```
/// use kvs_core::Page;
///
/// let mut page = Page::default();
/// page.push(b"arsenal", b"75");
/// page.push(b"chelsea", b"93");
/// assert_eq!(page.last().map(|row| row.value), Some(b"93".as_slice()));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Page {
    bytes: Vec<u8>,
    ends: Vec<Ends>,
    /// Where to go on; `None` if there are no more rows.
    pub resume: Option<ResumeToken>,
}

/// Where the parts of a row end; the first part begins where the row before ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    clustering: usize,
    value: usize,
}

/// A row within a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// Where in the partition.
    pub clustering: &'a [u8],
    /// What is there.
    pub value: &'a [u8],
}

/// A row on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where in the partition.
    pub clustering: Vec<u8>,
    /// What is there.
    pub value: Vec<u8>,
}

impl RowRef<'_> {
    /// A copy of the row.
    pub fn to_row(self) -> Row {
        Row { clustering: self.clustering.to_vec(), value: self.value.to_vec() }
    }
}

impl Row {
    /// The row, borrowed.
    pub fn as_ref(&self) -> RowRef<'_> {
        RowRef { clustering: &self.clustering, value: &self.value }
    }
}

impl Page {
    /// An empty page with room for `rows` rows of `bytes` bytes together.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows), resume: None }
    }

    /// Adds a row at the end.
    pub fn push(&mut self, clustering: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(clustering);
        let clustering = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push(Ends { clustering, value: self.bytes.len() });
    }

    /// The rows, in the scan's order.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = RowRef<'_>> + ExactSizeIterator {
        (0..self.ends.len()).map(|index| self.row(index))
    }

    /// What `read` makes of each row, one at a time, by an iterator that owns the page.
    pub fn read<T>(self, mut read: impl FnMut(RowRef<'_>) -> T) -> impl Iterator<Item = T> {
        (0..self.len()).map(move |index| read(self.row(index)))
    }

    /// The first row.
    pub fn first(&self) -> Option<RowRef<'_>> {
        self.rows().next()
    }

    /// The last row.
    pub fn last(&self) -> Option<RowRef<'_>> {
        self.rows().next_back()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all rows together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Keeps the first `len` rows.
    pub fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.bytes.truncate(self.ends.last().map_or(0, |ends| ends.value));
    }

    #[expect(clippy::indexing_slicing, reason = "the ends were measured in this very buffer")]
    fn row(&self, index: usize) -> RowRef<'_> {
        let start = if index == 0 { 0 } else { self.ends[index - 1].value };
        let Ends { clustering, value } = self.ends[index];
        RowRef { clustering: &self.bytes[start..clustering], value: &self.bytes[clustering..value] }
    }
}

impl<C: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(C, V)> for Page {
    fn from_iter<I: IntoIterator<Item = (C, V)>>(rows: I) -> Self {
        let mut page = Self::default();
        for (clustering, value) in rows {
            page.push(clustering.as_ref(), value.as_ref());
        }
        page
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.rows().collect();
        f.debug_struct("Page").field("rows", &rows).field("resume", &self.resume).finish()
    }
}
