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

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use kvs_core::codec::Bytes;
    use kvs_core::codec::ordered::OrderedBytes;
    use kvs_feed::Eid;
    use kvs_sort::Standing;
    use proptest::prelude::*;

    use super::*;
    use crate::register::{Condition, Integers};

    /// A command of each kind, and its bytes, which stay as they are.
    fn fixture() -> Vec<(Command, Vec<u8>)> {
        let (eid, limit) = (Eid(300), 16);
        let entry = || Bytes(vec![1, 1, 7]);
        let key = || OrderedBytes(vec![0, 9]);
        let feed = Command::Feed;
        let sorted = Command::Sorted;
        let board = Command::Leaderboard;
        let register = Command::Register;
        let half = [0, 0, 0, 0, 0, 0, 0xE0, 0x3F];
        vec![
            (Command::TypeOf, vec![1, 0]),
            (feed(FeedCommand::Add { entry: entry() }), vec![1, 1, 0, 3, 1, 1, 7]),
            (feed(FeedCommand::Remove { eid }), vec![1, 1, 1, 0xAC, 2]),
            (feed(FeedCommand::RemoveAfter { eid }), vec![1, 1, 2, 0xAC, 2]),
            (feed(FeedCommand::Clear), vec![1, 1, 3]),
            (feed(FeedCommand::Cleanup), vec![1, 1, 4]),
            (feed(FeedCommand::Get { eid }), vec![1, 1, 5, 0xAC, 2]),
            (feed(FeedCommand::Page { from: Some(eid), limit }), vec![1, 1, 6, 1, 0xAC, 2, 16]),
            (feed(FeedCommand::Prev { eid }), vec![1, 1, 7, 0xAC, 2]),
            (feed(FeedCommand::Len), vec![1, 1, 8]),
            (sorted(SortedCommand::Insert { element: key() }), vec![1, 2, 0, 2, 0, 9]),
            (sorted(SortedCommand::Remove { element: key() }), vec![1, 2, 1, 2, 0, 9]),
            (sorted(SortedCommand::Clear), vec![1, 2, 2]),
            (sorted(SortedCommand::Cleanup), vec![1, 2, 3]),
            (sorted(SortedCommand::Contains { element: key() }), vec![1, 2, 4, 2, 0, 9]),
            (
                sorted(SortedCommand::Page {
                    start: Bound::Unbounded,
                    end: Bound::Excluded(key()),
                    descending: true,
                    limit,
                }),
                vec![1, 2, 5, 0, 2, 2, 0, 9, 1, 16],
            ),
            (sorted(SortedCommand::Len), vec![1, 2, 6]),
            (
                board(LeaderboardCommand::Set { member: key(), score: 0.5 }),
                [&[1, 3, 0, 2, 0, 9][..], &half].concat(),
            ),
            (
                board(LeaderboardCommand::Add { member: key(), delta: 0.5 }),
                [&[1, 3, 1, 2, 0, 9][..], &half].concat(),
            ),
            (board(LeaderboardCommand::Remove { member: key() }), vec![1, 3, 2, 2, 0, 9]),
            (board(LeaderboardCommand::Clear), vec![1, 3, 3]),
            (board(LeaderboardCommand::Cleanup), vec![1, 3, 4]),
            (board(LeaderboardCommand::Score { member: key() }), vec![1, 3, 5, 2, 0, 9]),
            (board(LeaderboardCommand::Rank { member: key() }), vec![1, 3, 6, 2, 0, 9]),
            (board(LeaderboardCommand::Around { member: key(), n: 5 }), vec![1, 3, 7, 2, 0, 9, 5]),
            (board(LeaderboardCommand::From { rank: 300, limit }), vec![1, 3, 8, 0xAC, 2, 16]),
            (
                board(LeaderboardCommand::Below {
                    line: Standing { rank: 1, member: key(), score: 0.5 },
                    limit,
                }),
                [&[1, 3, 9, 1, 2, 0, 9][..], &half, &[16]].concat(),
            ),
            (board(LeaderboardCommand::Len), vec![1, 3, 10]),
            (register(RegisterCommand::Get), vec![1, 4, 0]),
            (register(RegisterCommand::Exists), vec![1, 4, 1]),
            (
                register(RegisterCommand::Set {
                    value: entry(),
                    condition: Condition::IfAbsent,
                    returning: true,
                }),
                vec![1, 4, 2, 3, 1, 1, 7, 1, 1],
            ),
            (register(RegisterCommand::Delete { returning: false }), vec![1, 4, 3, 0]),
            (
                register(RegisterCommand::CompareAndSet { expected: None, new: Some(entry()) }),
                vec![1, 4, 4, 0, 1, 3, 1, 1, 7],
            ),
            (
                register(RegisterCommand::Increment { by: -2, integers: Integers::Decimal }),
                vec![1, 4, 5, 3, 1],
            ),
        ]
    }

    #[test]
    fn the_bytes_stay_as_they_are() {
        for (command, bytes) in fixture() {
            assert_eq!(command.to_bytes().unwrap(), bytes, "{command:?}");
            assert_eq!(Command::from_bytes(&bytes).unwrap(), command);
            for cut in 0..bytes.len() {
                assert!(Command::from_bytes(&bytes[..cut]).is_err(), "{command:?} cut to {cut}");
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(Command::from_bytes(&longer).is_err(), "{command:?} and more");
        }
    }

    proptest! {
        /// Whatever comes is a command or an error, and what is read is written again.
        #[test]
        fn any_bytes_are_read_or_refused(
            kind in 0..7_u8, bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = [&[VERSION, kind][..], &bytes].concat();
            if let Ok(command) = Command::from_bytes(&bytes) {
                let written = command.to_bytes().unwrap();
                let again = Command::from_bytes(&written).unwrap();
                // Not a number is not itself, but its bytes are.
                prop_assert_eq!(again.to_bytes().unwrap(), written);
            }
        }
    }
}
