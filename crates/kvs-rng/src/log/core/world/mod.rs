//! A few cores, their disks and a network, to be explored step by step.
//!
//! The model and the random schedules go through the same world. A [`World`] is all that there is at one
//! moment; a [`Step`] is anything that may happen next; and a [`History`] remembers what no node knows,
//! to judge what the nodes do.
//!
//! The network may lose, repeat, delay and reorder: what was sent once may come any number of times, at
//! any time, or never.

mod history;
mod node;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::identity::NodeId;
use crate::log::core::{Limits, Message, Rules, Voters};
use crate::log::entry::{Payload, Position};

pub use history::{History, PROPERTIES};
pub use node::Node;
pub use step::{Bounds, Step};

/// A payload that is nothing but the number of its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u8);

impl Payload for Value {
    fn size(&self) -> usize {
        1
    }
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Envelope {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// What it says.
    pub message: Message<Value>,
}

/// What stays the same while a world goes on.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The rules that hold.
    pub rules: Rules,
    /// The limits of each core.
    pub limits: Limits,
    /// The replica sets, one after another; the first is known to all.
    pub stages: Vec<Voters>,
    /// All nodes, those that join later too.
    pub nodes: Vec<NodeId>,
    /// How often things may happen.
    pub bounds: Bounds,
    /// Take-overs before all else, each by the first node with the promise of the second; whatever else
    /// they sent is lost.
    pub prelude: Vec<(NodeId, NodeId)>,
    /// Who takes over, one after another; whoever likes, if there are none.
    pub owners: Vec<NodeId>,
    /// Who can reach whom, both ways; everybody everybody, if there are none.
    pub links: Vec<(NodeId, NodeId)>,
    /// The only nodes that hear of new stages; all, if there are none.
    pub informed: Vec<NodeId>,
    /// The only node that crashes, or loses its power or its disk; any of them, if there is none.
    pub faulty: Option<NodeId>,
    /// Writes are on disk at once; else whenever [`Step::Write`] comes.
    pub writes_at_once: bool,
    /// What is delivered may come again.
    pub repeats: bool,
    /// Refusals arrive; else they get lost.
    pub refusals: bool,
    /// Into how many pages a snapshot is cut.
    pub pages: u64,
}

impl Setting {
    /// `nodes` nodes that are all voters, under all rules, with nothing allowed to happen yet.
    pub fn new(nodes: u8) -> Self {
        let nodes: Vec<_> = (1..=nodes).map(node).collect();
        Self {
            rules: Rules::ALL,
            limits: Limits { trim_entries: u64::MAX, trim_bytes: usize::MAX, ..Limits::DEFAULT },
            stages: vec![Voters::new(1, nodes.clone())],
            nodes,
            bounds: Bounds::default(),
            prelude: Vec::new(),
            owners: Vec::new(),
            links: Vec::new(),
            informed: Vec::new(),
            faulty: None,
            writes_at_once: true,
            repeats: true,
            refusals: true,
            pages: 1,
        }
    }

    fn reaches(&self, one: NodeId, other: NodeId) -> bool {
        self.links.is_empty()
            || self.links.contains(&(one, other))
            || self.links.contains(&(other, one))
    }
}

/// The node that is called `number`.
pub fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

/// All that there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// By id.
    pub nodes: BTreeMap<NodeId, Node>,
    /// What was sent.
    pub network: BTreeSet<Envelope>,
    /// What the snapshots hold that were made: the entries that led to their rows.
    snapshots: BTreeMap<Position, Vec<Position>>,
    /// Which of the setting's stages is the newest, and which is known to be over.
    stage: usize,
    settled: u64,
    /// The time, by all clocks.
    time: Duration,
    /// How often things may still happen.
    left: Bounds,
    /// What no node knows.
    pub history: History,
}
