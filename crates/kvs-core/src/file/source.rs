//! Where the bytes of an upload come from.
//!
//! A [`Source`] is a stream of pieces of any size. [`bytes`] and [`reader`] make the usual ones;
//! others, such as the body of a request, are streams already.

use std::io::{self, Read};

use crate::dba::BoxStream;
use crate::env::blocking;
use crate::stream;

/// A stream of pieces, of any size, empty ones included.
pub type Source<'a> = BoxStream<'a, Vec<u8>, io::Error>;

/// Bytes of a piece of [`bytes`] and [`reader`].
const PIECE_BYTES: usize = 256 << 10;

/// Bytes that are in memory.
pub fn bytes(bytes: &[u8]) -> Source<'_> {
    stream::pages(bytes, |bytes| {
        let (piece, rest) = bytes.split_at_checked(PIECE_BYTES).unwrap_or((bytes, &[]));
        let rest = (!rest.is_empty()).then_some(rest);
        Box::pin(std::future::ready(Ok((vec![piece.to_vec()], rest))))
    })
}

/// All that `reader` gives, up to its end: an open file, say, or the standard input.
///
/// It is read in pieces of 256 KiB where waiting harms nobody: see [`blocking`].
pub fn reader(reader: impl Read + Send + 'static) -> Source<'static> {
    stream::pages(reader, |mut reader| {
        Box::pin(blocking(move || {
            let mut piece = Vec::new();
            let read = reader.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            Ok((vec![piece], (read > 0).then_some(reader)))
        }))
    })
}
