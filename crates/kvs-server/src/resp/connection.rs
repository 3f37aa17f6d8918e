//! One connection: reads, executes in order, answers.
//!
//! Requests that arrived together are executed before their replies are sent in one write. What a
//! client can make the server hold is bounded: one buffer of input, one request
//! ([`Limits`](super::request::Limits)), and replies up to [`REPLIES_BYTES_MAX`] plus one. A client
//! that doesn't read its replies isn't read from, and nobody else waits for it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::client::Client;
use super::commands;
use super::request::Parser;
use crate::serve::stopped;

/// How much is read at once.
const INPUT_BYTES: usize = 16 << 10;
/// Replies are sent once they pass this, even if more requests wait.
pub(crate) const REPLIES_BYTES_MAX: usize = 64 << 10;
/// A buffer for replies that has grown beyond this is given back, as clients may be many.
const REUSED_BYTES_MAX: usize = REPLIES_BYTES_MAX;
/// How long a client may take for its next bytes within a request, for taking bytes of its replies,
/// and before it gives the password. Between requests it may take as long as it likes.
pub(crate) const STALL: Duration = Duration::from_secs(60);

/// Serves a client until it leaves, breaks the protocol or stalls, or until `stop` says so, which
/// takes effect when what has arrived is answered.
///
/// # Errors
/// The connection broke or stalled. Whatever was executed is done.
pub(crate) async fn serve<S>(
    mut stream: S,
    mut client: Client,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut parser = Parser::default();
    let mut buffer = vec![0; INPUT_BYTES];
    while !client.leaving {
        let patient = client.authenticated && !parser.is_midway();
        let length = tokio::select! {
            biased;
            length = read(&mut stream, &mut buffer, patient) => length?,
            () = stopped(&mut stop) => 0,
        };
        let Some(input) = buffer.get(..length).filter(|input| !input.is_empty()) else {
            break;
        };
        answer(&mut stream, &mut client, &mut parser, input).await?;
    }
    stream.shutdown().await
}

async fn read<S>(stream: &mut S, buffer: &mut [u8], patient: bool) -> io::Result<usize>
where
    S: AsyncRead + Unpin,
{
    if patient { stream.read(buffer).await } else { timeout(STALL, stream.read(buffer)).await? }
}

/// Executes the requests that end in `input`, and sends their replies.
async fn answer<S>(
    stream: &mut S,
    client: &mut Client,
    parser: &mut Parser,
    mut input: &[u8],
) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    while !client.leaving {
        match parser.next(&mut input, client.limits()) {
            Ok(Some(request)) => commands::execute(client, request).await,
            Ok(None) => break,
            Err(error) => {
                client.replies.error(&format!("ERR {error}"));
                client.leaving = true;
            }
        }
        if client.replies.len() > REPLIES_BYTES_MAX {
            send(stream, client).await?;
        }
    }
    send(stream, client).await
}

/// Sends the replies that wait.
async fn send<S>(stream: &mut S, client: &mut Client) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let replies = client.replies.take();
    let mut rest = replies.as_slice();
    while !rest.is_empty() {
        let sent = timeout(STALL, stream.write(rest)).await??;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest = rest.get(sent..).unwrap_or_default();
    }
    if replies.capacity() <= REUSED_BYTES_MAX {
        client.replies.reuse(replies);
    }
    stream.flush().await
}
