//! Whose acknowledgements count.

use std::collections::BTreeSet;

use crate::identity::NodeId;

/// The replicas of a bucket, by the layout.
///
/// A replica set changes in stages; each is another value of this type, with a higher `layout`:
///
/// | stage | `old` | `new` | `learners` |
/// |---|---|---|---|
/// | settled | A B C | – | – |
/// | copying | A B C | – | D |
/// | joint | A B C | A B D | – |
/// | settled | A B D | – | – |
///
/// The layout may go on to the next stage once [`Core::settled`](super::Core::settled) of an owner says
/// that an entry was committed under the present one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Voters {
    /// The version of the layout that made these the voters; versions that leave them alone need not
    /// be told.
    pub layout: u64,
    /// A majority of these is needed.
    pub old: Vec<NodeId>,
    /// And a majority of these, while the set changes.
    pub new: Option<Vec<NodeId>>,
    /// Get all that is committed and count for nothing.
    pub learners: Vec<NodeId>,
}

impl Voters {
    /// The settled set `nodes`.
    pub fn new(layout: u64, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self { layout, old: nodes.into_iter().collect(), new: None, learners: Vec::new() }
    }

    /// The stage in which majorities of both sets are needed.
    pub fn joint(
        layout: u64,
        old: impl IntoIterator<Item = NodeId>,
        new: impl IntoIterator<Item = NodeId>,
    ) -> Self {
        let new = Some(new.into_iter().collect());
        Self { layout, old: old.into_iter().collect(), new, learners: Vec::new() }
    }

    /// Whether `node`'s acknowledgement counts.
    pub fn votes(&self, node: NodeId) -> bool {
        self.old.contains(&node) || self.new.as_ref().is_some_and(|new| new.contains(&node))
    }

    /// All who vote, each once, in order.
    pub fn all(&self) -> BTreeSet<NodeId> {
        self.old.iter().chain(self.new.iter().flatten()).copied().collect()
    }

    /// All who get entries: voters and learners.
    pub fn replicas(&self) -> BTreeSet<NodeId> {
        let mut replicas = self.all();
        replicas.extend(&self.learners);
        replicas
    }

    /// Whether those for whom `has` is true are a majority of each set.
    pub fn majority(&self, has: impl Fn(NodeId) -> bool) -> bool {
        let of = |set: &[NodeId]| {
            let count = set.iter().filter(|node| has(**node)).count();
            count * 2 > set.len()
        };
        of(&self.old) && self.new.as_deref().is_none_or(of)
    }

    /// Whether both have the same replicas in the same roles.
    pub fn same_sets(&self, other: &Self) -> bool {
        self.old == other.old && self.new == other.new && self.learners == other.learners
    }
}
