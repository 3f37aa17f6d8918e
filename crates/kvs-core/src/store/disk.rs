//! Room on the disk.
//!
//! An engine that meets a full disk in the middle of a write may be left unable to go on. So the
//! store stops earlier: a write that would cut into the reserve is refused before the engine sees
//! it, and deletes, flushes and compactions still have room.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{DbaError, Result};

/// The file system is asked again after this many bytes.
const CHECK_EVERY_BYTES: u64 = 256 << 10;

/// Refuses writes when the file system has less free than the reserve.
pub(super) struct DiskReserve {
    folder: Option<PathBuf>,
    /// Bytes written since the file system was last asked and had room.
    unchecked: AtomicU64,
}

impl DiskReserve {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let unchecked = AtomicU64::new(CHECK_EVERY_BYTES);
        Self { folder: folder.map(Path::to_owned), unchecked }
    }

    /// Checks that there is room for `bytes` more: in the log, and again when they are flushed.
    pub(super) fn check(&self, bytes: usize) -> Result<()> {
        let Some(path) = &self.folder else { return Ok(()) };
        let bytes = bytes as u64;
        if self.unchecked.fetch_add(bytes, Ordering::Relaxed) + bytes < CHECK_EVERY_BYTES {
            return Ok(());
        }
        let Some(space) = Space::of(path) else { return Ok(()) };
        let reserve = space.reserve();
        if space.free < reserve + 2 * bytes {
            // Ask again at the next write.
            self.unchecked.store(CHECK_EVERY_BYTES, Ordering::Relaxed);
            return Err(DbaError::DiskFull { path: path.clone(), free: space.free, reserve });
        }
        self.unchecked.store(0, Ordering::Relaxed);
        Ok(())
    }
}

/// The size of a file system, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Space {
    total: u64,
    free: u64,
}

impl Space {
    /// The file system that `path` is on; `None` if it doesn't tell.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let stat = rustix::fs::statvfs(path).ok()?;
        Some(Self { total: stat.f_blocks * stat.f_frsize, free: stat.f_bavail * stat.f_frsize })
    }

    /// Bytes free.
    pub(super) fn free(self) -> u64 {
        self.free
    }

    /// What one buffer of unflushed writes may hold: a 128th of the file system, at most 64 MiB.
    pub(super) fn write_buffer_bytes_max(self) -> u64 {
        (self.total / 128).clamp(256 << 10, 64 << 20)
    }

    /// What stays free: room for sixteen such buffers, an eighth of a small file system and 1 GiB of
    /// a large one. A compaction that merges one file of a level with the ten that it overlaps in
    /// the next needs twelve, and logs and flushes the rest.
    fn reserve(self) -> u64 {
        16 * self.write_buffer_bytes_max()
    }
}
