//! The admin port: HTTP for whoever looks after a node.
//!
//! | | |
//! |---|---|
//! | `GET /healthz` | 200 as long as the process runs |
//! | `GET /readyz` | 200 when reads and writes are served, otherwise 503 and why |
//! | `GET /v1/ring` | the ring as this node sees it, as JSON |
//!
//! With a password, `/v1` wants it as `Authorization: Bearer <password>`, or as basic authentication
//! with any user name. Errors are JSON: `{"error": "…"}`.
//!
//! - [`routes`]: what is answered. [`auth`]: to whom. [`listener`]: bounded connections.

mod auth;
mod listener;
mod routes;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kvs::env;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::serve::{Secret, stopped};
use listener::Bounded;

/// How long answers may take to finish when the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What the admin port tells about.
pub(crate) trait Node: Send + Sync + 'static {
    /// `Ok` when reads and writes are served, otherwise why they are not.
    fn ready(&self) -> BoxFuture<'_, Result<(), String>>;

    /// The ring as this node sees it.
    fn ring(&self) -> BoxFuture<'_, serde_json::Value>;
}

/// A port that answers. It is closed when this is dropped.
pub(crate) struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Answers for `node` at `address`; port 0 means any free one.
///
/// # Errors
/// The address can't be listened at.
pub(crate) async fn listen(
    address: SocketAddr,
    node: Arc<dyn Node>,
    password: Option<Secret>,
) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (stop, mut stopping) = watch::channel(false);
    let server = axum::serve(Bounded::new(listener), routes::router(node, password))
        .with_graceful_shutdown(async move { stopped(&mut stopping).await });
    let task = env::spawn(async move {
        // It never fails: connections do, each for itself.
        let _ = server.await;
    });
    Ok(Listening { address, stop, task })
}

impl Listening {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes in nobody else and finishes what is being answered, for five seconds at most.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        // Whoever isn't done by then is cut off when the task is.
        let _ = timeout(DRAIN_MAX, &mut self.task).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}
