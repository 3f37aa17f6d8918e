//! Uploads: at the same time, failing, given up, slow.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::task::JoinSet;

use super::steps::kind;
use super::*;
use crate::{CallOptions, Outcome};

/// The length of the append that is marked with `tag`; each has another one.
fn tagged_len(tag: u8) -> usize {
    300 + usize::from(tag) * 61
}

/// The tags of the whole appends that a content is made of.
fn tags(mut content: &[u8]) -> Vec<u8> {
    let mut tags = Vec::new();
    while let [tag, ..] = content {
        let (append, rest) = content.split_at_checked(tagged_len(*tag)).expect("a whole append");
        assert!(append.iter().all(|byte| byte == tag), "append {tag} is whole");
        tags.push(*tag);
        content = rest;
    }
    tags
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_at_the_same_time_come_in_whole() {
    let fixture = Fixture::new();
    fixture.files.create("f").await.unwrap();
    let is_done = Arc::new(AtomicBool::new(false));
    let mut reader = JoinSet::new();
    let (files, done) = (fixture.files.clone(), is_done.clone());
    reader.spawn(async move {
        while !done.load(Ordering::SeqCst) {
            tags(&content(&files, "f").await.unwrap());
            tokio::task::yield_now().await;
        }
    });
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let files = fixture.files.clone();
        writers.spawn(async move {
            for n in 0..10 {
                let tag = writer * 10 + n;
                let range = files.append_bytes("f", &vec![tag; tagged_len(tag)]).await.unwrap();
                let there = all(files.read_range("f", range).await.unwrap()).await.unwrap();
                assert!(there.concat() == vec![tag; tagged_len(tag)], "append {tag}");
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    is_done.store(true, Ordering::SeqCst);
    reader.join_next().await.unwrap().unwrap();

    let mut tags = tags(&content(&fixture.files, "f").await.unwrap());
    for writer in 0..8 {
        let own: Vec<u8> = tags.iter().copied().filter(|tag| tag / 10 == writer).collect();
        assert!(own.is_sorted(), "{own:?}");
    }
    tags.sort_unstable();
    assert_eq!(tags, Vec::from_iter(0..80));
}

#[tokio::test]
async fn a_slow_upload_holds_nobody_up() {
    let fixture = Fixture::new();
    fixture.files.create("f").await.unwrap();
    // While its source is asked, another append comes and goes.
    let other = &fixture.files;
    let slow = stream::pages(0, move |n: u8| {
        Box::pin(async move {
            if n == 3 {
                other.append_bytes("f", b"second, but faster").await.unwrap();
            }
            Ok((vec![data(n, 1_500)], (n < 4).then_some(n + 1)))
        })
    });
    assert_eq!(fixture.files.append("f", slow).await.unwrap(), 18..18 + 5 * 1_500);
    let expected: Vec<u8> = (0..5).flat_map(|n| data(n, 1_500)).collect();
    let content = content(&fixture.files, "f").await.unwrap();
    assert!(content == [b"second, but faster", expected.as_slice()].concat());
}

#[tokio::test]
async fn an_upload_holds_less_than_a_chunk() {
    let fixture = Fixture::new();
    let chunks = &fixture.chunks;
    let source = stream::pages(0, move |n: u64| {
        let kept = n * 700 - chunks.puts.load(Ordering::SeqCst) * 1_024;
        assert!(kept < 1_024, "{kept} bytes are kept");
        Box::pin(std::future::ready(Ok((vec![data(1, 700)], (n < 200).then_some(n + 1)))))
    });
    assert_eq!(fixture.files.put("f", source).await.unwrap(), 201 * 700);
}

#[tokio::test]
async fn a_failing_source_changes_nothing() {
    let fixture = Fixture::new();
    let files = &fixture.files;
    files.put_bytes("f", b"before").await.unwrap();
    let failing = || pieces(vec![Ok(data(1, 100_000)), Err(std::io::Error::other("torn"))]);
    let errors = [
        files.append("f", failing()).await.unwrap_err(),
        files.put("f", failing()).await.unwrap_err(),
        files.put("g", failing()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "the source failed, nothing was changed: torn");
        assert_eq!(error.outcome(), Outcome::NotApplied);
    }
    assert_eq!(content(files, "f").await.unwrap(), b"before");
    assert_eq!(kind(&files.stat("g").await.unwrap_err()), "NotFound");

    // What came before the failure goes at once: nobody is going to commit it.
    assert_eq!(files.cleanup().await.unwrap(), Cleaned { runs: 3, chunks: 3 * 97 });
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (1, 3));
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_cleaned_up_after_the_grace_period() {
    let fixture = Fixture::new();
    fixture.files.create("f").await.unwrap();
    let source = stream::pages(0, |n| {
        Box::pin(async move {
            if n == 70 {
                std::future::pending::<()>().await;
            }
            Ok((vec![data(1, 1_024)], Some(n + 1)))
        })
    });
    let mut append = Box::pin(fixture.files.append("f", source));
    let polled = std::future::poll_fn(|cx| Poll::Ready(append.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
    drop(append);
    assert_eq!(fixture.chunk_rows().await, 70);

    fixture.clock.advance(HOUR);
    assert_eq!(fixture.files.cleanup().await.unwrap(), Cleaned::default());
    assert_eq!(fixture.chunk_rows().await, 70);
    fixture.clock.advance(MINUTE);
    assert_eq!(fixture.files.cleanup().await.unwrap(), Cleaned { runs: 1, chunks: 70 });
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (0, 2));
    assert_eq!(fixture.files.size("f").await.unwrap(), 0);
}

/// A source of ten chunks that lets time pass before each, and has the directory cleaned up.
fn paced<'a>(fixture: &'a Fixture, pause: Duration) -> Source<'a> {
    stream::pages(0, move |n: u8| {
        Box::pin(async move {
            fixture.clock.advance(pause);
            fixture.files.cleanup().await.unwrap();
            Ok((vec![data(n, 1_024)], (n < 9).then_some(n + 1)))
        })
    })
}

#[tokio::test]
async fn an_upload_may_last_longer_than_the_grace_period() {
    let fixture = Fixture::new();
    let size = fixture.files.put("f", paced(&fixture, 25 * MINUTE)).await.unwrap();
    assert_eq!(size, 10 * 1_024);
    let expected: Vec<u8> = (0..10).flat_map(|n| data(n, 1_024)).collect();
    assert!(content(&fixture.files, "f").await.unwrap() == expected);
}

#[tokio::test]
async fn an_upload_that_paused_for_too_long_is_refused() {
    let fixture = Fixture::new();
    fixture.files.put_bytes("f", b"before").await.unwrap();
    let error = fixture.files.put("f", paced(&fixture, HOUR + MINUTE)).await.unwrap_err();
    assert_eq!(kind(&error), "Expired");
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotApplied, true));
    assert_eq!(content(&fixture.files, "f").await.unwrap(), b"before");
    fixture.files.cleanup().await.unwrap();
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (1, 3));
}

/// A source of one chunk, at whose end `last` happens.
fn one_chunk<'a, F: Future<Output = ()> + Send + 'a>(
    last: impl FnOnce() -> F + Send + 'a,
) -> Source<'a> {
    stream::pages((true, last), |(is_first, last)| {
        Box::pin(async move {
            if is_first {
                return Ok((vec![data(1, 1_024)], Some((false, last))));
            }
            last().await;
            Ok((Vec::new(), None))
        })
    })
}

#[tokio::test]
async fn what_was_cleaned_up_is_not_committed() {
    let fixture = &Fixture::new();
    let source = one_chunk(async || {
        fixture.clock.advance(2 * HOUR);
        assert_eq!(fixture.files.cleanup().await.unwrap(), Cleaned { runs: 1, chunks: 1 });
    });
    let error = fixture.files.put("f", source).await.unwrap_err();
    assert_eq!(kind(&error), "Expired");
    assert_eq!(kind(&fixture.files.stat("f").await.unwrap_err()), "NotFound");
}

#[tokio::test]
async fn what_is_committed_is_not_cleaned_up() {
    let fixture = &Fixture::new();
    // The cleanup sees the note of an upload that is overdue, but the commit's turn comes first.
    let turn = &Mutex::new(None);
    let source = one_chunk(async move || {
        fixture.clock.advance(2 * HOUR);
        let begun =
            fixture.entities.begin(Arc::from(*b"dir"), &CallOptions::default()).await.unwrap();
        *turn.lock().unwrap() = Some(begun);
    });
    let let_go = async { drop(turn.lock().unwrap().take().unwrap()) };
    let (put, cleaned, ()) =
        tokio::join!(fixture.files.put("f", source), fixture.files.cleanup(), let_go);
    assert_eq!((put.unwrap(), cleaned.unwrap()), (1_024, Cleaned::default()));
    assert_eq!(content(&fixture.files, "f").await.unwrap(), data(1, 1_024));
}

#[tokio::test]
async fn an_upload_meets_what_happened_to_the_name_meanwhile() {
    let fixture = Fixture::new();
    let files = &fixture.files;
    // A source of 2,000 bytes, and something that happens to the name before they are given.
    let after = |step: steps::Step| -> Source<'_> {
        stream::pages(step, move |step| {
            Box::pin(async move {
                step.take(files).await.unwrap();
                Ok((vec![data(1, 2_000)], None))
            })
        })
    };
    use steps::Step;
    files.create("f").await.unwrap();
    let error = files.append("f", after(Step::Delete("f".to_owned()))).await.unwrap_err();
    assert_eq!(kind(&error), "NotFound");

    files.create("f").await.unwrap();
    let range = files.append("f", after(Step::Put("f".to_owned(), 2, 10))).await.unwrap();
    assert_eq!(range, 10..2_010);
    assert_eq!(content(files, "f").await.unwrap(), [data(2, 10), data(1, 2_000)].concat());

    files.put("f", after(Step::Append("f".to_owned(), 3, 10))).await.unwrap();
    assert_eq!(content(files, "f").await.unwrap(), data(1, 2_000));

    files.cleanup().await.unwrap();
    assert_eq!((fixture.chunk_rows().await, fixture.directory_rows().await), (2, 3));
}
