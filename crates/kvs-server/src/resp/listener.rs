//! Taking clients in, and letting them go.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kvs::env;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection;
use super::server::Server;
use crate::serve::stopped;

/// How long requests may take to finish when the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long to wait after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port that takes in clients. They are cut off when this is dropped without
/// [`stop`](Self::stop).
pub(crate) struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Takes in clients of `server` at `address`; port 0 means any free one.
///
/// # Errors
/// The address can't be listened at.
pub(crate) async fn listen(address: SocketAddr, server: Arc<Server>) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let task = env::spawn(accept(listener, address, server, stopped));
    Ok(Listening { address, stop, task })
}

impl Listening {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes in nobody else, answers the requests that have arrived, and disconnects everybody.
    /// Whoever isn't done after ten seconds is cut off; a write of theirs may be done or not.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        // It ends by itself, or was cut off: nothing is left to do either way.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    server: Arc<Server>,
    mut stop: watch::Receiver<bool>,
) {
    let mut clients = JoinSet::new();
    let connections_stop = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,

            Some(ended) = clients.join_next(), if !clients.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a client's task failed");
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let client = welcome(stream, from, address, server.clone(), connections_stop.clone());
                    clients.spawn(client);
                }
                Err(error) => {
                    tracing::warn!(%error, "a client can't be taken in");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let drained = timeout(DRAIN_MAX, async { while clients.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(clients = clients.len(), "clients are cut off");
    }
}

async fn welcome(
    mut stream: TcpStream,
    from: SocketAddr,
    address: SocketAddr,
    server: Arc<Server>,
    stop: watch::Receiver<bool>,
) {
    let Some((client, _registration)) = server.welcome(from, address) else {
        // Whether it hears of it is its own affair.
        let _ = stream.write_all(b"-ERR max number of clients reached\r\n").await;
        return;
    };
    // Without this a reply may wait for the acknowledgement of the one before it.
    let nodelay = stream.set_nodelay(true);
    let served = match nodelay {
        Ok(()) => connection::serve(stream, client, stop).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::debug!(%from, %error, "a connection ended");
    }
}
