//! The search for an order.
//!
//! Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993): an operation may come next if no
//! other that isn't placed yet had returned before it was invoked. Take one, step the model, go on;
//! where none fits, go back and take another. Lowe's refinement (*Testing for linearizability*, 2017),
//! known from Porcupine and Knossos: remember each pair of placed operations and state, and never
//! search from the same one twice.
//!
//! What makes histories hard are operations of **unknown** outcome: each may take effect at any later
//! moment, or never, so every subset of them is a possibility at every moment. Most need not be tried,
//! for an order can be rearranged without changing any answer:
//!
//! - An operation that only reads, and fits, is placed at once: it can't be in the way of others.
//! - An unknown operation is placed only right before one that needs it. If the next one gives the
//!   same answer and state without it, leave it out; if the two can change places, it comes later.
//! - Of those, only the ones are tried that may serve what comes next ([`Model::may_serve`]).
//! - Among unknown operations that do the same, the one that was invoked first is taken.
//!
//! So a node of the search is the moment after an answered operation, and an edge a chain of unknown
//! ones that ends in an answered one. Chains are tried by length.
//!
//! The search is exact: it answers *holds* with an order, *violated* if there is none, and if it meets
//! one of its [`Limits`], *undecided*.

mod calls;
mod edges;
mod node;

use std::collections::HashSet;

use crate::history::Operation;
use crate::model::Model;
use crate::verdict::{Stuck, Verdict};
use calls::Calls;
use edges::{Edge, Edges};
use node::Node;

/// How much a search may do before it gives up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the model, which are the time.
    pub steps_max: u64,
    /// Nodes to remember and chains to hold at once, which are the memory: a few hundred bytes each.
    pub nodes_max: usize,
}

impl Default for Limits {
    /// Seconds, and some hundred MiB at worst.
    fn default() -> Self {
        Self { steps_max: 20_000_000, nodes_max: 500_000 }
    }
}

/// A limit was met.
pub(crate) struct GaveUp;

/// Whether the history of one entity is linearizable.
///
/// Thousands of operations of a few clients take milliseconds; the worst takes what `limits` allow.
pub fn linearizable<M: Model>(
    mut model: M,
    history: &[Operation<M::Command, M::Answer>],
    limits: Limits,
) -> Verdict {
    history.iter().for_each(|operation| model.learn(&operation.command, operation.answer()));
    let calls = Calls::new(&model, history);
    let mut search = Search { model: &model, calls: &calls, steps: 0, limits };
    search.run()
}

/// The model with the steps counted.
pub(crate) struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a Calls<M>,
    steps: u64,
    limits: Limits,
}

/// A node on the way, with the edges that lead on from it.
struct Place<M: Model> {
    node: Node<M::State>,
    /// The operations of the edge that led here.
    by: Vec<usize>,
    edges: Edges<M>,
}

impl<M: Model> Search<'_, M> {
    fn run(&mut self) -> Verdict {
        let first = Node::first(self.model.initial(), self.calls);
        let mut seen = HashSet::from([first.clone()]);
        let mut way = vec![Self::place(first, Vec::new())];
        let mut best = Best::default();
        loop {
            let Some(place) = way.last_mut() else {
                return Verdict::Violated(best.stuck);
            };
            if place.node.is_last(self.calls) {
                return Verdict::Holds { order: order(&way) };
            }
            match place.edges.next(&place.node, self) {
                Ok(Some(Edge { node, by })) => {
                    if seen.len() >= self.limits.nodes_max {
                        return self.undecided(best, &way);
                    }
                    if seen.insert(node.clone()) {
                        let place = Self::place(node, by);
                        way.push(place);
                    }
                }
                Ok(None) => {
                    best.look(&way, self.calls);
                    way.pop();
                }
                Err(GaveUp) => return self.undecided(best, &way),
            }
        }
    }

    fn place(node: Node<M::State>, by: Vec<usize>) -> Place<M> {
        Place { node, by, edges: Edges::new() }
    }

    fn undecided(&self, mut best: Best, way: &[Place<M>]) -> Verdict {
        best.look(way, self.calls);
        Verdict::Undecided { steps: self.steps, best: best.stuck }
    }

    /// A step of the model, counted.
    pub(crate) fn step(
        &mut self,
        state: &M::State,
        command: &M::Command,
        answer: Option<&M::Answer>,
    ) -> Result<Option<M::State>, GaveUp> {
        if self.steps >= self.limits.steps_max {
            return Err(GaveUp);
        }
        self.steps += 1;
        Ok(self.model.step(state, command, answer))
    }
}

/// The longest order so far.
#[derive(Default)]
struct Best {
    answered: Option<usize>,
    stuck: Stuck,
}

impl Best {
    /// Looks at a way that leads no further.
    fn look<M: Model>(&mut self, way: &[Place<M>], calls: &Calls<M>) {
        let Some(place) = way.last() else { return };
        let answered = place.node.answered();
        if self.answered.is_some_and(|best| best >= answered) {
            return;
        }
        self.answered = Some(answered);
        self.stuck = Stuck {
            placed: order(way),
            next: place.node.candidates(calls).map(|(_, call)| call.index).collect(),
            state: format!("{:?}", place.node.state),
        };
    }
}

fn order<M: Model>(way: &[Place<M>]) -> Vec<usize> {
    way.iter().flat_map(|place| place.by.iter().copied()).collect()
}
