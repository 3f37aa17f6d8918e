//! Sorted sets and leaderboards.
//!
//! Games and sports keep asking the same questions. Who leads? Where do I stand? Who is just ahead
//! of me? Which matches are on this week? Each is about an order that changes all the time and is
//! too long to sort again for every answer. Two types keep such an order in any store of
//! [`kvs-core`](kvs_core):
//!
//! - [`SortedSet`]: elements in the natural order of their type. Ranges, first, last.
//! - [`Leaderboard`]: members by score. Ranks, the top, the neighbourhood of a member.
//!
//! ```
//! use std::sync::Arc;
//! use futures_util::TryStreamExt;
//! use kvs_core::{RowKind, Store};
//! use kvs_sort::{Leaderboard, SortedSet};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let rows = Arc::new(Store::memory().rows(RowKind::Entity));
//!
//! // Matches by day: a tuple sorts by its first field, then by its second.
//! let matches = SortedSet::<(u32, String)>::new(rows.clone(), "matches");
//! matches.insert(&(20260822, "Leeds - Everton".to_owned())).await?;
//! matches.insert(&(20260815, "Arsenal - Chelsea".to_owned())).await?;
//! matches.insert(&(20260829, "Chelsea - Leeds".to_owned())).await?;
//! let until = (20260823, String::new());
//! let soon: Vec<_> = matches.range(..until).map_ok(|(_, teams)| teams).try_collect().await?;
//! assert_eq!(soon, ["Arsenal - Chelsea", "Leeds - Everton"]);
//!
//! // Players by points.
//! let players = Leaderboard::<String>::new(rows, "players");
//! for (player, points) in [("ann", 310.0), ("bob", 270.0), ("cid", 300.0), ("dan", 120.0)] {
//!     players.set(&player.to_owned(), points).await?;
//! }
//! players.add(&"bob".to_owned(), 35.0).await?;
//! assert_eq!(players.rank(&"bob".to_owned()).await?, Some(2));
//! let near_cid = players.around(&"cid".to_owned(), 1).await?;
//! let near_cid: Vec<_> = near_cid.iter().map(|line| (line.rank, line.member.as_str())).collect();
//! assert_eq!(near_cid, [(2, "bob"), (3, "cid"), (4, "dan")]);
//! # Ok::<(), kvs_sort::LeaderboardError>(()) }).unwrap();
//! ```
//!
//! # An ordered set from an ordered store
//! The rows of a partition are ordered by the bytes of their keys. So a set is sorted if its elements
//! are written in bytes that [sort as the elements do](kvs_core::codec::ordered): an element is a
//! row, a range of elements is a scan, and nothing is ever moved. Inserting in ascending order costs
//! what inserting in random order does, which a search tree that isn't balanced can't say.
//!
//! A leaderboard is two such sets: a row for each member holds its score, and the pairs of score
//! and member, highest score first, are the lines of the table. A new score takes one line out and
//! puts another one in.
//!
//! # Ranks
//! Order alone doesn't tell how many rows lie above one: they would have to be counted. So the
//! table is an *indexable skip list* (Pugh, 1990), in *nodes* of some 16 lines (Golovin, 2010), each
//! node a row. Above the nodes there is a level that holds the first line of each with the number of
//! lines that follow up to the next, in nodes of some 16 again; and so on. To find the rank of a line
//! is to go down from the top and to add up the numbers left of the way: with a million members, six
//! small reads.
//!
//! With which lines the nodes begin is decided by a hash of the line under a secret seed. So neither
//! the order of changes nor anybody's choice of names makes the table slow.
//!
//! # Costs
//! With *n* members; a *walk* is a small read for each level, 1 + log₁₆ *n* of them.
//!
//! | operation | reads | writes |
//! |---|---|---|
//! | [`SortedSet::insert`], [`remove`](SortedSet::remove) | 2 rows | 2 rows |
//! | [`contains`](SortedSet::contains) | 2 rows | – |
//! | [`first`](SortedSet::first), [`last`](SortedSet::last) | 2 rows | – |
//! | [`range`](SortedSet::range), [`flatten`](SortedSet::flatten) | what is taken, in pages of 256 | – |
//! | [`Leaderboard::set`], [`add`](Leaderboard::add) | 2 rows, 2 walks | 2 rows, the nodes that changed |
//! | [`Leaderboard::remove`] | 2 rows, 1 walk | 2 rows, a node for each level |
//! | [`score`](Leaderboard::score) | 2 rows | – |
//! | [`rank`](Leaderboard::rank) | 2 rows, 1 walk | – |
//! | [`at`](Leaderboard::at) | 1 row, 1 walk | – |
//! | [`top`](Leaderboard::top), [`standings`](Leaderboard::standings) | 1 row, the nodes of what is taken | – |
//! | [`around`](Leaderboard::around) | 2 rows, 1 walk, 2 scans of neighbouring nodes | – |
//! | `len`, `is_empty` | 1 row | – |
//! | `clear` | 1 row | 1 row |
//! | `cleanup` of *k* rows | *k* + 1 rows | *k* + 1 rows |
//!
//! All that a change writes is one atomic batch.
//!
//! # One writer at a time
//! A set is an [entity](kvs_core::entity): the rows of one partition, under the set's name. A change
//! reads before it writes, so two at once would undo each other's counting. On a bare
//! [`Dba`](kvs_core::Dba) the caller lets them wait for each other, by a lock or by having one task
//! that writes. Reads need not wait.
//!
//! ```
//! use std::sync::Arc;
//! use kvs_core::{RowKind, Store};
//! use kvs_sort::SortedSet;
//! use tokio::sync::Mutex;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let rows = Arc::new(Store::memory().rows(RowKind::Entity));
//! let reader = SortedSet::<u32>::new(rows, "numbers");
//! let writer = Arc::new(Mutex::new(reader.clone()));
//!
//! let (one, other) = (writer.clone(), writer);
//! let (a, b) = tokio::join!(
//!     async move { one.lock().await.insert(&7).await },
//!     async move { other.lock().await.insert(&7).await },
//! );
//! assert_ne!(a?, b?); // one of them was the first
//! assert_eq!(reader.len().await?, 1);
//! # Ok::<(), kvs_core::DbaError>(()) }).unwrap();
//! ```
//!
//! Inside [`entity::run`](kvs_core::entity::run) it is the store that lets one wait for the other. A
//! command may make several changes, which are applied together; one with an id is applied once,
//! however often it is sent.
//!
//! ```
//! use std::sync::Arc;
//! use kvs_core::entity::{self, LocalEntities};
//! use kvs_core::env::Env;
//! use kvs_core::{CallOptions, CommandId, EntityStore, RowKind, Store};
//! use kvs_sort::Leaderboard;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = LocalEntities::new(Arc::new(Store::memory().rows(RowKind::Entity)));
//! let (winner, loser) = ("ann".to_owned(), "bob".to_owned());
//!
//! let once = CallOptions::default().command(CommandId::new(&Env::system()));
//! for _retry in 0..3 {
//!     let points = entity::run(&store, *b"players", &once, |scope| async {
//!         let players = Leaderboard::new(scope, "players");
//!         players.add(&loser, -8.0).await?;
//!         players.add(&winner, 8.0).await
//!     });
//!     assert_eq!(points.await?, 8.0);
//! }
//! let players = Leaderboard::<String>::new(store.rows(), "players");
//! assert_eq!(players.score(&loser).await?, Some(-8.0));
//! # Ok::<(), kvs_sort::LeaderboardError>(()) }).unwrap();
//! ```
//!
//! # How it is stored
//! | clustering key | value |
//! |---|---|
//! | empty | header: type `sorted` or `leaderboard`, generation, length; seed and levels of the table |
//! | `0x10`, generation, element | empty |
//! | `0x10`, generation, `00`, member | its score |
//! | `0x10`, generation, `01`, level, line | node of the table that begins with this line |
//!
//! To clear is to begin the next *generation*: one small write, however many rows there are. What it
//! leaves behind is deleted by `cleanup`, a bounded number of rows at a time.

mod generation;
mod leaderboard;
mod rows;
mod skip_list;
mod sorted_set;

pub use generation::{CLEANUP_ROWS_MAX, Cleaned};
pub use leaderboard::{Leaderboard, LeaderboardError, MEMBER_BYTES_MAX, Standing};
pub use sorted_set::{ELEMENT_BYTES_MAX, SortedSet};
