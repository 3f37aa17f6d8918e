//! Readers: what they hold, and what becomes of them when their file goes.

use std::sync::atomic::Ordering;

use super::steps::kind;
use super::*;

#[tokio::test]
async fn a_reader_fetches_a_chunk_when_it_is_asked_for_one() {
    let fixture = Fixture::new();
    fixture.files.put_bytes("f", &data(1, 300 * 1_024)).await.unwrap();
    let mut stream = fixture.files.read_range("f", 500..).await.unwrap();
    for piece in 0..300 {
        assert_eq!(fixture.chunks.gets.load(Ordering::SeqCst), piece);
        assert!(stream::next(&mut stream).await.unwrap().unwrap().len() <= 1_024);
    }
    assert!(stream::next(&mut stream).await.is_none());
}

/// Reads the first chunk of a file of many, has `meanwhile` happen, and reads on.
async fn read_on<F: Future<Output = ()>>(
    fixture: &Fixture,
    meanwhile: impl FnOnce() -> F,
) -> Result<Vec<u8>> {
    fixture.files.put_bytes("f", &data(1, 70_000)).await?;
    fixture.files.append_bytes("f", &data(2, 70_000)).await?;
    let mut stream = fixture.files.read("f").await?;
    let first = stream::next(&mut stream).await.transpose()?.unwrap();
    meanwhile().await;
    Ok([first, all(stream).await?.concat()].concat())
}

#[tokio::test]
async fn a_reader_goes_on_until_the_cleanup() {
    let whole = [data(1, 70_000), data(2, 70_000)].concat();
    let fixture = &Fixture::new();
    let replaced = async || {
        fixture.files.put_bytes("f", &data(3, 140_000)).await.unwrap();
    };
    assert!(read_on(fixture, replaced).await.unwrap() == whole);
    let deleted = async || {
        fixture.files.delete("f").await.unwrap();
    };
    assert!(read_on(fixture, deleted).await.unwrap() == whole);
}

#[tokio::test]
async fn a_reader_of_what_was_cleaned_up_gets_a_clear_error() {
    let fixture = &Fixture::new();
    let cleanup = async || {
        fixture.files.cleanup().await.unwrap();
    };
    let replaced = async || {
        fixture.files.put_bytes("f", &data(3, 140_000)).await.unwrap();
        cleanup().await;
    };
    let deleted = async || {
        fixture.files.delete("f").await.unwrap();
        cleanup().await;
    };
    for error in [
        read_on(fixture, replaced).await.unwrap_err(),
        read_on(fixture, deleted).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "\"f\" was deleted or replaced while it was read");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_lost_or_short_chunk_is_a_damaged_file() {
    let fixture = Fixture::new();
    fixture.files.put_bytes("f", &data(1, 3_000)).await.unwrap();
    let chunks = fixture.store.rows(RowKind::Chunk);
    let keys = all(chunks.keys(b"")).await.unwrap();
    for replacement in [Some(data(1, 1_023)), Some(data(1, 1_025)), None] {
        match replacement {
            Some(bytes) => chunks.put(&keys[1], bytes).await.unwrap(),
            None => chunks.delete(&keys[1]).await.unwrap(),
        }
        let error = content(&fixture.files, "f").await.unwrap_err();
        assert_eq!((kind(&error).as_str(), error.is_retryable()), ("Damaged", false));
        assert!(error.to_string().contains("byte 1024 "), "{error}");
        let end = all(fixture.files.read_range("f", 2_048..).await.unwrap()).await.unwrap();
        assert_eq!(end.concat(), data(1, 3_000)[2_048..]);
    }
}
