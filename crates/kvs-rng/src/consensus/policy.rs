//! Who votes on the layout.
//!
//! One voter for fewer than three members, three for up to four, five from five on: an even number
//! would survive no more losses than the odd one below it. All other members learn. Voters are spread
//! over zones; a voter that is up keeps its vote unless there are too many, and the vote of one that
//! has been silent for long goes to a member that is up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::identity::NodeId;
use crate::layout::Layout;

/// How many of `members` vote.
pub(crate) fn voters_wanted(members: usize) -> usize {
    match members {
        0..3 => 1,
        3..5 => 3,
        _ => 5,
    }
}

/// The consensus as it is, as its leader sees it.
pub(crate) struct View<'a> {
    /// The leader.
    pub(crate) leader: NodeId,
    /// All nodes that get the log, and where they are.
    pub(crate) nodes: BTreeMap<NodeId, SocketAddr>,
    /// Those that vote: two sets while the one is being replaced by the other.
    pub(crate) voters: Vec<BTreeSet<NodeId>>,
    /// Whether a node has the log, or nearly.
    pub(crate) caught_up: &'a dyn Fn(NodeId) -> bool,
    /// Whether a node has been silent for long.
    pub(crate) silent: &'a dyn Fn(NodeId) -> bool,
}

/// One step towards the consensus as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A new node gets the log, or a known one at a new address.
    Reach(NodeId, SocketAddr),
    /// Others vote. Those that voted learn.
    Vote(BTreeSet<NodeId>),
    /// A node gets the log no more.
    Dismiss(NodeId),
}

/// The next step, if there is anything to do.
pub(crate) fn next_step(layout: &Layout, view: &View<'_>) -> Option<Step> {
    if let [_, .., goal] = view.voters.as_slice() {
        return Some(Step::Vote(goal.clone()));
    }
    let lost = layout.members().values().find(|m| view.nodes.get(&m.id) != Some(&m.address));
    if let Some(member) = lost {
        return Some(Step::Reach(member.id, member.address));
    }
    let voters = view.voters.first().cloned().unwrap_or_default();
    let chosen = choose(layout, view, &voters);
    if chosen != voters && !chosen.is_empty() {
        return Some(Step::Vote(chosen));
    }
    // The last it should hear is that it left; one that was replaced hears nothing any more.
    let replaced = |address| layout.members().values().any(|member| member.address == address);
    let mut gone = view.nodes.iter().filter(|(id, _)| layout.member(**id).is_none());
    gone.find(|(id, address)| {
        let hears_no_more = (view.caught_up)(**id) || (view.silent)(**id) || replaced(**address);
        !voters.contains(id) && hears_no_more
    })
    .map(|(id, _)| Step::Dismiss(*id))
}

fn choose(layout: &Layout, view: &View<'_>, voters: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let members = layout.members();
    let wanted = voters_wanted(members.len());
    let mut chosen: BTreeSet<NodeId> =
        voters.iter().copied().filter(|id| members.contains_key(id)).collect();
    let mut fit: BTreeSet<NodeId> = members.keys().copied().collect();
    fit.retain(|id| !chosen.contains(id) && (view.caught_up)(*id) && !(view.silent)(*id));

    while chosen.len() > wanted {
        let worst = |id: &NodeId| {
            ((view.silent)(*id), *id != view.leader, crowd(layout, &chosen, *id), *id)
        };
        let Some(worst) = chosen.iter().copied().max_by_key(worst) else { break };
        chosen.remove(&worst);
    }
    // A silent voter is replaced, one at a time.
    let silent = chosen.iter().copied().find(|id| (view.silent)(*id));
    if let Some(silent) = silent.filter(|_| !fit.is_empty()) {
        chosen.remove(&silent);
    }
    // Up to an odd number only, unless it is one that there already was.
    let reachable = wanted.min(chosen.len() + fit.len());
    let goal =
        if reachable % 2 == 1 { reachable } else { (reachable.max(1) - 1).max(chosen.len()) };
    while chosen.len() < goal {
        let best = |id: &NodeId| (crowd(layout, &chosen, *id), *id);
        let Some(best) = fit.iter().copied().min_by_key(best) else { break };
        fit.remove(&best);
        chosen.insert(best);
    }
    chosen
}

/// How many of `chosen` are in the zone of `node`.
fn crowd(layout: &Layout, chosen: &BTreeSet<NodeId>, node: NodeId) -> usize {
    let zone = |id: NodeId| layout.member(id).map(|member| member.zone.as_str());
    chosen.iter().filter(|id| zone(**id) == zone(node)).count()
}
