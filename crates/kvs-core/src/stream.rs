//! Pages as lazy streams.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::dba::{BoxStream, Dba};
use crate::error::{DbaError, Result};
use crate::page::{Page, Row};
use crate::scan::Scan;

/// A fetched page: its items, and where the next page begins if there is one.
pub type Fetched<P, C, E = DbaError> = Result<(P, Option<C>), E>;

/// The future of a page.
pub type Fetch<'a, P, C, E = DbaError> =
    Pin<Box<dyn Future<Output = Fetched<P, C, E>> + Send + 'a>>;

/// A stream of the items of pages: `fetch` gets the page at a cursor, beginning with `first`.
///
/// A page is fetched when the one before it is used up, so one page is held at a time. After an
/// error the stream ends.
pub fn pages<'a, T, C, E>(
    first: C,
    mut fetch: impl FnMut(C) -> Fetch<'a, Vec<T>, C, E> + Send + 'a,
) -> BoxStream<'a, T, E>
where
    T: Send + 'a,
    C: Send + 'a,
    E: Send + 'a,
{
    lazy_pages(first, move |cursor| {
        let page = fetch(cursor);
        Box::pin(async move { page.await.map(|(items, next)| (items.into_iter().map(Ok), next)) })
    })
}

/// [`pages`] whose items are made as they are asked for: a page is an iterator over them.
pub fn lazy_pages<'a, T, I, C, E>(
    first: C,
    fetch: impl FnMut(C) -> Fetch<'a, I, C, E> + Send + 'a,
) -> BoxStream<'a, T, E>
where
    T: 'a,
    I: Iterator<Item = Result<T, E>> + Send + 'a,
    C: Send + 'a,
    E: 'a,
{
    Box::pin(Pages { fetch, page: None, state: State::Next(first) })
}

/// The rows of `scan` in `partition`, as a stream that owns its store.
pub fn rows(dba: Arc<dyn Dba>, partition: Vec<u8>, scan: Scan) -> BoxStream<'static, Row> {
    let partition: Arc<[u8]> = partition.into();
    lazy_pages(scan, move |scan| {
        let (dba, partition) = (dba.clone(), partition.clone());
        Box::pin(async move {
            let page = dba.scan(&partition, &scan).await?;
            Ok(rows_of(page, scan))
        })
    })
}

/// The rows of a page of `scan`, and the scan for those after them.
pub(crate) fn rows_of(
    mut page: Page,
    scan: Scan,
) -> (impl Iterator<Item = Result<Row>> + Send, Option<Scan>) {
    let next = page.resume.take().map(|token| scan.resume(token));
    (page.read(|row| Ok(row.to_row())), next)
}

/// A stream that ends with an error before it begins.
pub fn failed<T: Send + 'static>(error: DbaError) -> BoxStream<'static, T> {
    pages(Some(error), |error| {
        Box::pin(std::future::ready(match error {
            Some(error) => Err(error),
            None => Ok((Vec::new(), None)),
        }))
    })
}

/// The next item of a stream; `None` at its end.
pub async fn next<T, E>(stream: &mut BoxStream<'_, T, E>) -> Option<Result<T, E>> {
    std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}

struct Pages<'a, I, C, E, F> {
    fetch: F,
    page: Option<I>,
    state: State<'a, I, C, E>,
}

enum State<'a, I, C, E> {
    Next(C),
    Fetching(Fetch<'a, I, C, E>),
    Done,
}

// Nothing in it is pinned in place: the futures are boxed.
impl<I, C, E, F> Unpin for Pages<'_, I, C, E, F> {}

impl<'a, T, I, C, E, F> Stream for Pages<'a, I, C, E, F>
where
    I: Iterator<Item = Result<T, E>>,
    F: FnMut(C) -> Fetch<'a, I, C, E>,
{
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.page.as_mut().and_then(Iterator::next) {
                if item.is_err() {
                    (this.page, this.state) = (None, State::Done);
                }
                return Poll::Ready(Some(item));
            }
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Next(cursor) => this.state = State::Fetching((this.fetch)(cursor)),
                State::Fetching(mut fetch) => match fetch.as_mut().poll(cx) {
                    Poll::Pending => {
                        this.state = State::Fetching(fetch);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(Ok((items, next))) => {
                        this.page = Some(items);
                        this.state = next.map_or(State::Done, State::Next);
                    }
                },
            }
        }
    }
}
