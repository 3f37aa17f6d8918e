//! Streams that wait and break.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

use super::links::{Links, Ticket};

/// A stream between two nodes. While the direction to this end is cut, nothing arrives; once the
/// streams of the link are broken, it fails.
pub(super) struct Stream {
    inner: TcpStream,
    links: Links,
    here: IpAddr,
    there: IpAddr,
    /// How often the link's streams had been broken when it was opened.
    breaks: u64,
    reader: Ticket,
    writer: Ticket,
}

impl Stream {
    pub(super) fn new(inner: TcpStream, links: Links, here: IpAddr, there: IpAddr) -> Self {
        Self {
            inner,
            breaks: links.breaks(here, there),
            reader: Ticket::new(links.clone()),
            writer: Ticket::new(links.clone()),
            links,
            here,
            there,
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.links.breaks(self.here, self.there) == self.breaks {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the simulation broke the stream"))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        self.reader.wait(cx.waker());
        if self.links.is_cut(self.there, self.here) {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        self.writer.wait(cx.waker());
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
