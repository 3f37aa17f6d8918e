//! Tables: reads that are checked.
//!
//! rusty-leveldb checks the checksum of each block and then goes on without the rows of a block
//! that is damaged, also when it compacts. So what it reads is checked here as well, where damage can
//! be remembered. Every read of a table is one of three (see LevelDB's `doc/table_format.md`):
//!
//! ```text
//! ┌────────┬───┬────────┬───────────┬───────┬────────┐
//! │ blocks │ … │ filter │ metaindex │ index │ footer │
//! └────────┴───┴────────┴───────────┴───────┴────────┘
//! ```
//!
//! - a block, with its type and checksum behind it;
//! - the filter, the block before the metaindex, which is read without them. It only saves reads
//!   that aren't done here;
//! - the footer: where metaindex and index are, and a magic number.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rusty_leveldb::env::RandomAccess;

use super::crc32c;
use super::disk::Disk;

pub(super) const FOOTER_BYTES: usize = 48;
const MAGIC: [u8; 8] = 0xDB47_7524_8B80_FB57_u64.to_le_bytes();
/// The type and the checksum of a block.
const TRAILER_BYTES: usize = 5;

/// A table that is open for reading.
pub(super) struct Table {
    disk: Rc<Disk>,
    path: PathBuf,
    file: File,
    footer: usize,
    metaindex: usize,
}

impl Table {
    pub(super) fn open(disk: Rc<Disk>, path: &Path) -> rusty_leveldb::Result<Self> {
        let opened = File::open(path).and_then(|file| {
            let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
            let footer = bytes.checked_sub(FOOTER_BYTES).ok_or_else(damaged)?;
            let mut read = [0; FOOTER_BYTES];
            file.read_exact_at(&mut read, footer as u64)?;
            let metaindex = metaindex(&read).ok_or_else(damaged)?;
            Ok((file, footer, metaindex))
        });
        let (file, footer, metaindex) = opened.map_err(|error| disk.fail(path, error))?;
        Ok(Self { disk, path: path.to_owned(), file, footer, metaindex })
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset as u64)?;
        let end = offset + bytes.len();
        let is_footer = offset == self.footer;
        let is_filter = end + TRAILER_BYTES == self.metaindex;
        if is_footer || is_filter || is_whole(bytes) { Ok(()) } else { Err(damaged()) }
    }
}

impl RandomAccess for Table {
    fn read_at(&self, offset: usize, bytes: &mut [u8]) -> rusty_leveldb::Result<usize> {
        self.disk.check()?;
        self.read(offset, bytes).map_err(|error| self.disk.fail(&self.path, error))?;
        Ok(bytes.len())
    }
}

/// Where a footer says that the metaindex is: its first number, in seven bits a byte.
fn metaindex(footer: &[u8; FOOTER_BYTES]) -> Option<usize> {
    if !footer.ends_with(&MAGIC) {
        return None;
    }
    let mut number = 0;
    for (n, byte) in footer.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * n);
        if byte & 0x80 == 0 {
            return usize::try_from(number).ok();
        }
    }
    None
}

/// Whether a block has the checksum that follows it.
fn is_whole(block: &[u8]) -> bool {
    let split = block.split_last_chunk::<4>();
    split.is_some_and(|(block, checksum)| crc32c::masked(&[block]).to_le_bytes() == *checksum)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is damaged")
}
