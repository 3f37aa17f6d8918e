//! One owner for each entity: routing, mailboxes, hand-over.
//!
//! Many things that programs keep are best changed by one at a time: an account, a match that is
//! being played, a game table, a feed. Call such a thing an *entity*. If any process may change it,
//! each change needs a lock or a transaction, and retries when two meet. *Sharding* turns this
//! round: at any time each entity has one **owner** among the nodes, all messages for it go there,
//! and the owner handles them one after another. Then no two handlers ever meet on one entity,
//! while different entities run at the same time, on all nodes.
//!
//! ```
//! use async_trait::async_trait;
//! use kvs_sharding::{Call, Handled, Handler, LocalSharding, stateless};
//! use serde::{Deserialize, Serialize};
//!
//! /// What can be said to a match.
//! #[derive(Serialize, Deserialize)]
//! enum Message { Goal { home: bool }, Score }
//!
//! struct Matches;
//!
//! #[async_trait]
//! impl Handler for Matches {
//!     type Message = Message;
//!     type Reply = (u32, u32);
//!     type State = (u32, u32);
//!
//!     async fn activate(&self, _id: &[u8]) -> (u32, u32) {
//!         (0, 0)
//!     }
//!
//!     // One message at a time for each match, so there is nothing to lock.
//!     async fn handle(&self, score: &mut (u32, u32), message: Message, _: &Call) -> Handled<(u32, u32)> {
//!         match message {
//!             Message::Goal { home: true } => score.0 += 1,
//!             Message::Goal { home: false } => score.1 += 1,
//!             Message::Score => {}
//!         }
//!         Handled::Now(*score)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let sharding = LocalSharding::default();
//! let matches = sharding.start("matches", Matches)?;
//! matches.send(b"Leeds - Everton", Message::Goal { home: true }).await?;
//! matches.send(b"Arsenal - Chelsea", Message::Goal { home: false }).await?;
//! assert_eq!(matches.send(b"Leeds - Everton", Message::Score).await?, (1, 0));
//!
//! // Without state a function will do.
//! let echo = sharding.start("echo", stateless(|_: Call, text: String| async move { text }))?;
//! assert_eq!(echo.send(b"any", "hello".to_owned()).await?, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! A [`Region`] is all entities of one kind, and the way to them: [`Region::send`] takes an id and a
//! message from any node. The [`Handler`] says what they do. [`LocalSharding`] has one process own
//! everything.
#![cfg_attr(
    feature = "cluster",
    doc = "[`Sharding`] spreads the entities over the nodes of a cluster, with the same API."
)]
#![cfg_attr(
    not(feature = "cluster"),
    doc = "`Sharding` (feature `cluster`) spreads the entities over nodes, with the same API."
)]
//!
//! The idea is known from Akka and Pekko *Cluster Sharding* (regions, shards, passivation, hand-over)
//! and from Orleans, whose *virtual actors* exist as soon as somebody sends to them (Bernstein et al.,
//! *Orleans: Distributed Virtual Actors for Programmability and Scalability*, 2014).
//!
//! # The life of a message
//! 1. **Accepted.** Each entity has a line of callers at each node. [`Config::callers_max`] messages
//!    are let through at a time; the others wait in their callers' own memory, in order. That is the
//!    back-pressure: who sends too fast, waits, and is told *busy* at the deadline.
//! 2. **Routed.** The shard is the bucket that the entity's data is in. If the bucket has its owner
//!    elsewhere, the encoded message goes there in one call, of which [`Config::calls_max`] are under
//!    way to a node.
//! 3. **In the mailbox.** At the owner the messages wait for their turn, at most
//!    [`Config::mailbox_max`] for each entity.
//! 4. **Handled.** The handler runs in the caller's task as long as it needn't wait, then in one of
//!    its own: what has begun is not torn off if the caller goes away. With [`Handled::Later`] it lets
//!    the next message begin, while its own reply waits for something, such as for replicas to have
//!    what was written.
//! 5. **Replied.** A reply, or a [`SendError`]: it says whether the message may have been handled.
//!
//! An entity's state in memory is made at its first message and dropped when no message came for a
//! while (*passivation*, [`Handler::keep`]), so that all of a million entities may be used, a few at a
//! time.
//!
//! # When owners change
//! When a bucket is lost, what is being handled comes to its end, and what waits is refused as *not
//! applied* with the new owner's name. `send` follows such refusals by itself, with pauses that
//! grow and a bound on tries; the caller only notices a delay. What nobody can own for lack of a
//! majority fails within a second or two.
//!
//! An answer that got lost is another matter: the message may have been handled. It is sent again
//! only if it has a [command id](kvs_core::CommandId), which is handed to the handler so that it
//! applies the command once, as [`entity::run`](kvs_core::entity::run) does. Without one the caller
//! gets the error *unknown*.
//!
//! # What it doesn't promise
//! **Routing is not a lock.** Nodes learn of a new owner at different times, and one that was cut off
//! may go on believing in itself: for a while two nodes may handle messages of one entity. Safety
//! comes from where the handler writes: the log of the entity's bucket takes no write of an owner
//! that was deposed. A handler that only keeps state in memory has no such net, and loses the state
//! whenever the entity moves.
//!
//! A handler that blocks its thread, instead of waiting, can't be stopped at the deadline.
//!
//! # Bad luck
//! | what | the caller gets | the entity |
//! |---|---|---|
//! | the handler panics | [`Cause::Panicked`] | goes on with fresh state |
//! | the handler isn't done by the deadline | [`Cause::Deadline`], unknown | goes on with fresh state |
//! | too many messages | [`Cause::Busy`], not applied | is not disturbed |
//! | the reply is too large | [`Cause::ReplyTooLarge`] | has handled the message |
//! | no handler knows the message | [`Cause::UnknownMessage`], not applied | is not disturbed |
//! | the owner hasn't started the region | [`Cause::UnknownRegion`], not applied | – |

#[cfg(feature = "cluster")]
mod cluster;
mod config;
mod entities;
mod error;
mod handler;
mod lines;
mod local;
mod region;
mod table;

#[cfg(feature = "cluster")]
pub use cluster::{PATIENCE, Sharding, TRIES_MAX};
pub use config::{Config, DEADLINE_MAX, REGION_NAME_BYTES_MAX, TEXT_BYTES_MAX};
pub use error::{Cause, SendError, StartError};
pub use handler::{Call, Failure, Handled, Handler, KEEP, Stateless, stateless};
pub use local::LocalSharding;
pub use region::Region;
