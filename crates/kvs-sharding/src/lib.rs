//! One owner for each entity: routing, mailboxes, hand-over.

#[cfg(feature = "cluster")]
mod cluster;
mod config;
mod entities;
mod error;
mod handler;
mod lines;
mod local;
#[cfg(feature = "cluster")]
mod owners;
mod region;
mod table;

#[cfg(feature = "cluster")]
pub use cluster::{PATIENCE, Sharding, TRIES_MAX};
pub use config::{Config, DEADLINE_MAX, REGION_NAME_BYTES_MAX, TEXT_BYTES_MAX};
pub use error::{Cause, SendError, StartError};
pub use handler::{Call, Failure, Handled, Handler, KEEP, Stateless, stateless};
pub use local::LocalSharding;
#[cfg(feature = "cluster")]
pub use owners::{CallFailed, Owner, Owners, RegionHost};
pub use region::Region;
