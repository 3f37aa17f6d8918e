//! Commands as they travel.
//!
//! ```text
//! ┌────────────┬─────────────────────┐
//! │ version 01 │ Command in postcard │
//! └────────────┴─────────────────────┘
//! ```
//!
//! The first number in the postcard says which type of entity the command is for, the second one
//! which command of it. Numbers are given in the order of the variants and never change; new commands
//! come at the end. Whether old nodes know them is agreed when nodes connect, not found out by trying.

use kvs_core::file::DirectoryCommand;
use kvs_core::limits::{VALUE_BYTES_MAX, at_most};
use kvs_core::{DbaError, Result};
use serde::{Deserialize, Serialize};

use crate::feed::FeedCommand;
use crate::leaderboard::LeaderboardCommand;
use crate::register::RegisterCommand;
use crate::sorted::SortedCommand;

const VERSION: u8 = 1;

/// Largest command, in bytes: room for the largest value, and for what is said about it.
pub const COMMAND_BYTES_MAX: usize = VALUE_BYTES_MAX + (64 << 10);

/// Most items of a page that is asked for; a command that asks for more gets as many.
pub const PAGE_ITEMS_MAX: u32 = 1_024;

/// What can be asked of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// The entity's type: an optional string.
    TypeOf,
    /// Of a feed.
    Feed(FeedCommand),
    /// Of a sorted set.
    Sorted(SortedCommand),
    /// Of a leaderboard.
    Leaderboard(LeaderboardCommand),
    /// Of a register.
    Register(RegisterCommand),
    /// Of a directory of files.
    Directory(DirectoryCommand),
}

impl Command {
    /// The command's bytes.
    ///
    /// # Errors
    /// A command of more than [`COMMAND_BYTES_MAX`] bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = postcard::to_io(self, vec![VERSION]);
        let bytes = bytes.map_err(|error| DbaError::encode("command", error))?;
        at_most("command length in bytes", bytes.len(), COMMAND_BYTES_MAX)?;
        Ok(bytes)
    }

    /// Reads a command. Another version, an unknown command, missing or left-over bytes, and more
    /// than [`COMMAND_BYTES_MAX`] bytes are errors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        at_most("command length in bytes", bytes.len(), COMMAND_BYTES_MAX)?;
        let wrong = |detail: String| DbaError::decode("command", detail);
        let body = match bytes {
            [] => return Err(wrong("it is empty".to_owned())),
            [VERSION, body @ ..] => body,
            [version, ..] => {
                return Err(wrong(format!("it has version {version}, this node knows {VERSION}")));
            }
        };
        match postcard::take_from_bytes(body) {
            Ok((command, [])) => Ok(command),
            Ok((_, rest)) => Err(wrong(format!("{} bytes are left over", rest.len()))),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Whether it only reads: it needs no command id, and may be answered from committed rows.
    pub fn is_query(&self) -> bool {
        match self {
            Self::TypeOf => true,
            Self::Feed(command) => command.is_query(),
            Self::Sorted(command) => command.is_query(),
            Self::Leaderboard(command) => command.is_query(),
            Self::Register(command) => command.is_query(),
            Self::Directory(command) => command.is_query(),
        }
    }
}

/// As many items as a page may have of those that were asked for.
pub(crate) fn page_items(asked: u32) -> usize {
    asked.clamp(1, PAGE_ITEMS_MAX) as usize
}

/// The sizes of the pages of a stream: short at first, for perhaps only one item is wanted, then
/// longer, for who reads on.
#[derive(Clone, Copy)]
pub(crate) struct PageSize(u32);

impl PageSize {
    pub(crate) const FIRST: Self = Self(16);

    pub(crate) fn items(self) -> u32 {
        self.0
    }

    pub(crate) fn longer(self) -> Self {
        Self(self.0.saturating_mul(4).min(PAGE_ITEMS_MAX))
    }
}
