//! The protocol of a bucket's log, without disk, network or time.

mod durable;
mod event;
mod message;
mod rules;
mod voters;

pub use durable::{Changes, Durable, Install};
pub use event::{Action, Event};
pub use message::Message;
pub use rules::Rules;
pub use voters::Voters;

use std::marker::PhantomData;

use crate::identity::{Incarnation, NodeId};
use crate::log::entry::{Entry, Epoch, Payload, Position};

/// One bucket at one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core<P> {
    payload: PhantomData<P>,
}

impl<P: Payload> Core<P> {
    /// The core of a node that has just started, with what is on its disk.
    pub fn new(
        _me: NodeId,
        _incarnation: Incarnation,
        _durable: Durable<P>,
        _voters: Voters,
    ) -> Self {
        Self { payload: PhantomData }
    }

    /// Takes an event; what is to be done about it goes to the end of `actions`.
    pub fn handle(&mut self, _event: Event<P>, _actions: &mut Vec<Action<P>>) {}

    /// The epoch that this node serves under, if it owns the bucket and may take commands.
    pub fn serving(&self) -> Option<Epoch> {
        None
    }

    /// Whether a tick would do something: a replica lags behind, or was not told what is committed.
    /// While it is false, the bucket costs nothing.
    pub fn wants_tick(&self) -> bool {
        false
    }

    /// The layout under which this node, as the owner, has committed an entry: the stage of a change
    /// that is over.
    pub fn settled(&self) -> Option<u64> {
        None
    }

    /// What is on disk, and what will be once all that was to be persisted is.
    pub fn log(&self) -> &Durable<P> {
        unimplemented!("the machine")
    }

    /// The entry `seq`, if it is in the log.
    pub fn entry(&self, seq: u64) -> Option<&Entry<P>> {
        self.log().entries.get(&seq)
    }

    /// Up to where `node`'s log is known to be this owner's: for a learner, how far it is.
    pub fn matched(&self, _node: NodeId) -> Option<Position> {
        None
    }
}
