//! All rows of a store, out and in.

use std::ops::ControlFlow;

use async_trait::async_trait;
use futures_core::Stream;
use tokio::sync::mpsc;

use super::{Store, engine_error};
use crate::dba::{BoxStream, Snapshot, StoredRow};
use crate::engine::WriteSet;
use crate::error::Result;
use crate::format::envelope::Envelope;
use crate::format::stored_key::{self, RowKind};
use crate::options::CallOptions;
use crate::scan::EVERYTHING;
use crate::stream::next;

/// A page is sent once it holds this many bytes.
const PAGE_BYTES: usize = 1 << 20;
/// Pages that may wait for the reader.
const PAGES_AHEAD: usize = 2;

#[async_trait]
impl Snapshot for Store {
    fn save(&self) -> BoxStream<'static, Vec<StoredRow>> {
        let (pages, received) = mpsc::channel(PAGES_AHEAD);
        let engine = self.engine.clone();
        // A thread of its own: it lives as long as the reader takes, which is too long for a pool.
        std::thread::spawn(move || {
            let mut page = Vec::new();
            let mut bytes = 0;
            let scanned = engine.scan_all(&mut |key, value| {
                bytes += key.len() + value.len();
                page.push(StoredRow { key: key.to_vec(), value: value.to_vec() });
                if bytes < PAGE_BYTES {
                    return ControlFlow::Continue(());
                }
                bytes = 0;
                match pages.blocking_send(Ok(std::mem::take(&mut page))) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
            // A reader that has gone needs neither the rest nor the error.
            let _ = match scanned {
                Ok(()) if page.is_empty() => Ok(()),
                Ok(()) => pages.blocking_send(Ok(page)),
                Err(error) => pages.blocking_send(Err(engine_error("save", engine.name(), error))),
            };
        });
        Box::pin(Received(received))
    }

    async fn load(&self, mut pages: BoxStream<'static, Vec<StoredRow>>) -> Result<u64> {
        let mut loaded = 0;
        let mut replacing = None;
        while let Some(page) = next(&mut pages).await {
            let page = page?;
            let mut writes = WriteSet::default();
            for row in &page {
                Envelope::decode(&row.value)?;
                let (kind, key) = stored_key::decode(&row.key)?;
                if kind == RowKind::Entity && replacing.as_deref() != Some(key.partition()) {
                    self.write("load", std::mem::take(&mut writes), &CallOptions::default())
                        .await?;
                    let entity = stored_key::partition_range(kind, key.partition(), &EVERYTHING);
                    self.delete_range("load", entity).await?;
                    replacing = Some(key.partition().to_vec());
                }
                writes.stored(&row.key, Some(&row.value));
            }
            self.write("load", writes, &CallOptions::default()).await?;
            loaded += page.len() as u64;
        }
        Ok(loaded)
    }
}

struct Received<T>(mpsc::Receiver<T>);

impl<T> Stream for Received<T> {
    type Item = T;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}
