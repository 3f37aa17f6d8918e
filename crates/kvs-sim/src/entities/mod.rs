//! Entities: what is asked of them, and by whom.
//!
//! Beside the records, every node runs the commands of entities, routed to their owners, as a real one
//! does ([`kvs_sharding`], [`kvs_consistency`]). Clients call few of them, so that they meet. A call
//! whose command has an id may be *tried* more than once, by any client of any node, while an earlier
//! try is still under way or was never answered: it must be applied once.

mod calls;
mod client;
mod reader;
mod run;

use kvs_consistency::{EntityHandler, Executor, REGION};
use kvs_core::env::Env;
use kvs_rng::node::Node;
use kvs_sharding::{Config, Sharding, StartError};
use std::sync::Arc;

pub use calls::{Answer, Call, Calls, Command, Try};
pub(crate) use client::EntityClient;

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A feed of texts.
    Feed,
    /// A number that is counted up.
    Counter,
    /// A text, or none.
    Register,
}

/// The entities that clients use.
pub const ENTITIES: [(&str, Kind); 5] = [
    ("feed/goals", Kind::Feed),
    ("feed/cards", Kind::Feed),
    ("counter/visitors", Kind::Counter),
    ("register/holder", Kind::Register),
    ("register/referee", Kind::Register),
];

/// Has `node` take its part in running entities, and gives the way to all of them.
pub(crate) fn start(node: &Node, env: &Env) -> Result<Executor, StartError> {
    let sharding = Sharding::new(node.owners(), env.clone(), Config::default());
    let region = sharding.start(REGION, EntityHandler::new(node.entities(), env.clone()))?;
    Ok(Executor::remote(Arc::new(region)))
}
