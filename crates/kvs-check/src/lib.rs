//! Checks of recorded histories.
//!
//! Clients call an entity (a register, a counter, a feed) and note for each call when it was invoked,
//! when it was answered, and how. Such a [`history`] is **linearizable** if every call can be
//! given one moment between its invocation and its answer, such that the calls, done one at a time in
//! the order of these moments, give just these answers (Herlihy and Wing, *Linearizability: A
//! Correctness Condition for Concurrent Objects*, TOPLAS 1990). Linearizability is local: a history is
//! linearizable if that of each entity is. So entities are checked one by one.
//!
//! - [`history`]: operations, and how each ended.
//! - [`model`]: what an entity answers when called by one client at a time.
//! - [`search`]: looks for an order. [`verdict`]: what it found.
//! - [`record`]: histories of many entities as lines of JSON, and [`check`] of them.
//! - [`session`]: the weaker promise of reads at any replica: a client never goes back, and all see
//!   one order.
//!
//! ```
//! use kvs_check::history::{Operation, Outcome};
//! use kvs_check::model::counter::{Command, Counter};
//! use kvs_check::{Limits, linearizable};
//!
//! let call = |client, invoked, returned, command, answer| Operation {
//!     client,
//!     invoked,
//!     returned: Some(returned),
//!     command,
//!     outcome: Outcome::Ok(answer),
//! };
//! let add = Command::Add { by: 1 };
//! // Two calls at once may be answered in either order.
//! let history = [call(1, 0, 10, add, 2), call(2, 5, 15, add, 1)];
//! assert!(linearizable(Counter::default(), &history, Limits::default()).holds());
//! // But not the same answer twice: one of the two was lost.
//! let history = [call(1, 0, 10, add, 1), call(2, 5, 15, add, 1)];
//! assert!(linearizable(Counter::default(), &history, Limits::default()).is_violated());
//! ```

pub mod history;
pub mod model;
pub mod record;
pub mod search;
pub mod session;
mod text;
pub mod verdict;

pub use record::check;
pub use search::{Limits, linearizable};
pub use text::Text;
pub use verdict::{Report, Verdict};
