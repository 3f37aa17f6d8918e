//! Files, seen from outside, and what they leave in the store.

mod basics;
mod crash;
mod model;
mod overtaken;
mod probe;
mod steps;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::dba::Iterate;
use crate::entity::LocalEntities;
use crate::env::{ManualClock, SystemRandom};
use crate::{RowKind, Store, stream};
use probe::Probe;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// A directory with chunks of 1 KiB, and what is underneath.
struct Fixture {
    store: Store,
    chunks: Arc<Probe>,
    entities: Arc<LocalEntities>,
    clock: Arc<ManualClock>,
    files: Files,
}

impl Fixture {
    fn new() -> Self {
        Self::over(Store::memory(), probe::Power::unlimited())
    }

    /// The files in `store`, as long as there is power.
    fn over(store: Store, power: probe::Power) -> Self {
        let clock = Arc::new(ManualClock::new(1_000_000_000));
        let env = Env { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let probe = |kind| Arc::new(Probe::new(store.rows(kind), power.clone()));
        let (rows, chunks) = (probe(RowKind::Entity), probe(RowKind::Chunk));
        let entities = Arc::new(LocalEntities::new(rows));
        let files =
            Files::new(entities.clone(), chunks.clone(), "dir", env).chunk_bytes(1_024).unwrap();
        Self { store, chunks, entities, clock, files }
    }

    /// How many chunks are stored.
    async fn chunk_rows(&self) -> usize {
        all(self.store.rows(RowKind::Chunk).keys(b"")).await.unwrap().len()
    }

    /// How many rows the directory has.
    async fn directory_rows(&self) -> usize {
        all(self.store.rows(RowKind::Entity).keys(b"")).await.unwrap().len()
    }
}

/// All items of a stream.
async fn all<T, E>(mut stream: BoxStream<'_, T, E>) -> Result<Vec<T>, E> {
    let mut items = Vec::new();
    while let Some(item) = stream::next(&mut stream).await {
        items.push(item?);
    }
    Ok(items)
}

/// The bytes of a file.
async fn content(files: &Files, name: &str) -> Result<Vec<u8>> {
    Ok(all(files.read(name).await?).await?.concat())
}

/// Bytes that differ from one seed to another, and from one chunk to the next.
fn data(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8 ^ seed).collect()
}

/// A source that gives these pieces.
fn pieces(pieces: Vec<Result<Vec<u8>, std::io::Error>>) -> Source<'static> {
    stream::pages(pieces.into_iter(), |mut pieces| {
        Box::pin(std::future::ready(match pieces.next() {
            Some(piece) => piece.map(|piece| (vec![piece], Some(pieces))),
            None => Ok((Vec::new(), None)),
        }))
    })
}
