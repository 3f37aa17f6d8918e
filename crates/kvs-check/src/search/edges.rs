//! The ways on from a node: chains of unknown operations, each ending in an answered one.

use super::calls::Calls;
use super::node::{Node, Unknown};
use super::{GaveUp, Search};
use crate::model::Model;

/// The edges of a node, the shortest first, found as they are asked for.
pub(crate) struct Edges<M: Model> {
    /// Found and not asked for yet; the last is next.
    found: Vec<Edge<M::State>>,
    /// The chains whose ends were looked for last. All have the same length.
    chains: Option<Vec<Chain<M::State>>>,
    /// Which unknown operations may be in one. Looked up when they are needed: at most nodes never.
    unknown: Option<Vec<Unknown>>,
}

/// A way to another node.
pub(crate) struct Edge<S> {
    pub(crate) node: Node<S>,
    /// The operations on it, as indexes into the history.
    pub(crate) by: Vec<usize>,
}

/// Unknown operations in a row.
struct Chain<S> {
    /// Their kinds.
    kinds: Vec<usize>,
    /// Before the last of them.
    before: Option<S>,
    /// After the last of them.
    state: S,
}

impl<S> Chain<S> {
    fn count(&self, kind: usize) -> usize {
        self.kinds.iter().filter(|other| **other == kind).count()
    }
}

impl<M: Model> Edges<M> {
    pub(crate) fn new() -> Self {
        Self { found: Vec::new(), chains: None, unknown: None }
    }

    /// The next edge of `node`; `None` if there are no more.
    pub(crate) fn next(
        &mut self,
        node: &Node<M::State>,
        search: &mut Search<'_, M>,
    ) -> Result<Option<Edge<M::State>>, GaveUp> {
        loop {
            if let Some(edge) = self.found.pop() {
                return Ok(Some(edge));
            }
            let chains = match &self.chains {
                None => {
                    let state = node.state.clone();
                    vec![Chain { kinds: Vec::new(), before: None, state }]
                }
                Some(chains) => {
                    let unknown = self.unknown.get_or_insert_with(|| useful(node, search));
                    longer(chains, unknown, search)?
                }
            };
            if chains.is_empty() {
                return Ok(None);
            }
            let mut placed_read = false;
            for chain in &chains {
                placed_read = placed_read || ends(chain, node, search, &mut self.found)?;
            }
            // Once a read is placed, nothing else need be tried from here.
            self.chains = Some(if placed_read { Vec::new() } else { chains });
            self.found.reverse();
        }
    }
}

/// The unknown operations that may serve what may come next, or serve those that do, and so on.
fn useful<M: Model>(node: &Node<M::State>, search: &Search<'_, M>) -> Vec<Unknown> {
    let Search { model, calls, .. } = *search;
    let command = |unknown: &Unknown| calls.kinds.get(unknown.kind).map(|kind| &kind.command);
    let (mut useful, mut others): (Vec<_>, Vec<_>) =
        node.unknown(calls).into_iter().partition(|unknown| {
            command(unknown).is_some_and(|first| {
                let mut candidates = node.candidates(calls);
                candidates
                    .any(|(_, next)| model.may_serve(first, &next.command, Some(&next.answer)))
            })
        });
    let mut looked = 0;
    while let Some(next) = useful.get(looked).and_then(command) {
        looked += 1;
        let serves = |other: &Unknown| {
            command(other).is_some_and(|first| model.may_serve(first, next, None))
        };
        let (more, rest) = others.into_iter().partition::<Vec<_>, _>(serves);
        useful.extend(more);
        others = rest;
    }
    useful.sort_by_key(|unknown| unknown.kind);
    useful
}

/// The chains that are longer by one.
fn longer<M: Model>(
    chains: &[Chain<M::State>],
    unknown: &[Unknown],
    search: &mut Search<'_, M>,
) -> Result<Vec<Chain<M::State>>, GaveUp> {
    let calls = search.calls;
    let mut longer = Vec::new();
    for chain in chains {
        for &Unknown { kind, left } in unknown {
            let Some(call) = calls.kinds.get(kind).filter(|_| chain.count(kind) < left) else {
                continue;
            };
            let Some(state) = search.step(&chain.state, &call.command, None)? else { continue };
            // What changes nothing is left out. Of two that can change places, the lower kind is first.
            let last = chain.kinds.last().copied();
            let may_swap = last.is_some_and(|last| last > kind);
            if state == chain.state
                || is_needless(chain, &state, may_swap, search, |search, state| {
                    search.step(state, &call.command, None)
                })?
            {
                continue;
            }
            if longer.len() >= search.limits.nodes_max {
                return Err(GaveUp);
            }
            let kinds = chain.kinds.iter().copied().chain([kind]).collect();
            longer.push(Chain { kinds, before: Some(chain.state.clone()), state });
        }
    }
    Ok(longer)
}

/// Finds the answered operations that can end a chain. Gives `true` if one of them is a read that
/// fits as things are: then it is the only one.
fn ends<M: Model>(
    chain: &Chain<M::State>,
    node: &Node<M::State>,
    search: &mut Search<'_, M>,
    found: &mut Vec<Edge<M::State>>,
) -> Result<bool, GaveUp> {
    let calls = search.calls;
    for (place, call) in node.candidates(calls) {
        let answer = Some(&call.answer);
        let Some(state) = search.step(&chain.state, &call.command, answer)? else { continue };
        if is_needless(chain, &state, true, search, |search, state| {
            search.step(state, &call.command, answer)
        })? {
            continue;
        }
        let edge = Edge {
            node: node.after(&chain.kinds, place, state),
            by: indexes(chain, node, calls).chain([call.index]).collect(),
        };
        if call.is_read && chain.kinds.is_empty() {
            found.clear();
            found.push(edge);
            return Ok(true);
        }
        found.push(edge);
    }
    Ok(false)
}

/// Whether the last operation of the chain need not come before the one that `step` does and that
/// leads to `state`: without it the next one leads there too, or, if they `may_swap`, it can come
/// after it.
fn is_needless<M: Model>(
    chain: &Chain<M::State>,
    state: &M::State,
    may_swap: bool,
    search: &mut Search<'_, M>,
    step: impl FnOnce(&mut Search<'_, M>, &M::State) -> Result<Option<M::State>, GaveUp>,
) -> Result<bool, GaveUp> {
    let calls = search.calls;
    let (Some(before), Some(last)) = (&chain.before, chain.kinds.last()) else {
        return Ok(false);
    };
    let Some(direct) = step(search, before)? else { return Ok(false) };
    if direct == *state {
        return Ok(true);
    }
    let Some(last) = calls.kinds.get(*last).filter(|_| may_swap) else { return Ok(false) };
    Ok(search.step(&direct, &last.command, None)?.as_ref() == Some(state))
}

/// The operations of a chain, as indexes into the history.
fn indexes<'a, M: Model>(
    chain: &'a Chain<M::State>,
    node: &'a Node<M::State>,
    calls: &'a Calls<M>,
) -> impl Iterator<Item = usize> + 'a {
    chain.kinds.iter().enumerate().filter_map(move |(at, kind)| {
        let earlier = chain.kinds.iter().take(at).filter(|other| *other == kind).count();
        let call = calls.kinds.get(*kind)?.calls.get(node.used(*kind) + earlier)?;
        Some(call.1)
    })
}
