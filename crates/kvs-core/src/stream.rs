//! Pages as lazy streams.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::dba::{BoxStream, Dba};
use crate::error::{DbaError, Result};
use crate::scan::{Row, Scan};

/// A fetched page: its items, and where the next one begins if there is one.
pub type Fetched<T, C, E = DbaError> = Result<(Vec<T>, Option<C>), E>;

/// The future of a page.
pub type Fetch<'a, T, C, E = DbaError> =
    Pin<Box<dyn Future<Output = Fetched<T, C, E>> + Send + 'a>>;

/// A stream of the items of pages: `fetch` gets the page at a cursor, beginning with `first`.
///
/// A page is fetched when the one before it is used up, so one page is held at a time. After an
/// error the stream ends.
pub fn pages<'a, T, C, E>(
    first: C,
    fetch: impl FnMut(C) -> Fetch<'a, T, C, E> + Send + 'a,
) -> BoxStream<'a, T, E>
where
    T: Send + 'a,
    C: Send + 'a,
    E: 'a,
{
    Box::pin(Pages { fetch, page: VecDeque::new(), state: State::Next(first) })
}

/// The rows of `scan` in `partition`, as a stream that owns its store.
pub fn rows(dba: Arc<dyn Dba>, partition: Vec<u8>, scan: Scan) -> BoxStream<'static, Row> {
    let partition: Arc<[u8]> = partition.into();
    pages(scan, move |scan| {
        let (dba, partition) = (dba.clone(), partition.clone());
        Box::pin(async move {
            let page = dba.scan(&partition, &scan).await?;
            Ok((page.rows, page.resume.map(|token| scan.resume(token))))
        })
    })
}

/// The next item of a stream; `None` at its end.
pub async fn next<T, E>(stream: &mut BoxStream<'_, T, E>) -> Option<Result<T, E>> {
    std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}

struct Pages<'a, T, C, E, F> {
    fetch: F,
    page: VecDeque<T>,
    state: State<'a, T, C, E>,
}

enum State<'a, T, C, E> {
    Next(C),
    Fetching(Fetch<'a, T, C, E>),
    Done,
}

// Nothing in it is pinned in place: the futures are boxed.
impl<T, C, E, F> Unpin for Pages<'_, T, C, E, F> {}

impl<'a, T, C, E, F: FnMut(C) -> Fetch<'a, T, C, E>> Stream for Pages<'a, T, C, E, F> {
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.page.pop_front() {
                return Poll::Ready(Some(Ok(item)));
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
                        this.page = items.into();
                        this.state = next.map_or(State::Done, State::Next);
                    }
                },
            }
        }
    }
}
