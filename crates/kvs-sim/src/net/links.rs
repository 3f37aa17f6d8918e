//! The links between nodes, and which of them are cut.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// All links. Each has two directions, which may be cut one by one. Clones are handles of the same.
#[derive(Clone, Debug, Default)]
pub struct Links(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// From where to where nothing comes through.
    cut: BTreeSet<(IpAddr, IpAddr)>,
    /// Nodes whose process has ended.
    down: BTreeSet<IpAddr>,
    /// How often the streams between two nodes have been broken.
    breaks: BTreeMap<(IpAddr, IpAddr), u64>,
    /// Who waits for a change, in the order of their tickets.
    wakers: BTreeMap<u64, Waker>,
    tickets: u64,
}

impl Links {
    /// Lets nothing through any more in one direction.
    pub fn cut(&self, from: IpAddr, to: IpAddr) {
        self.change(|state| {
            state.cut.insert((from, to));
        });
    }

    /// Mends one direction.
    pub fn mend(&self, from: IpAddr, to: IpAddr) {
        self.change(|state| {
            state.cut.remove(&(from, to));
        });
    }

    /// Breaks all streams between two nodes.
    pub fn break_streams(&self, a: IpAddr, b: IpAddr) {
        self.change(|state| *state.breaks.entry(pair(a, b)).or_default() += 1);
    }

    /// Says whether a node's process runs: if not, streams to it are refused.
    pub fn set_down(&self, node: IpAddr, is_down: bool) {
        self.change(|state| {
            if is_down {
                state.down.insert(node);
            } else {
                state.down.remove(&node);
            }
        });
    }

    /// Whether nothing comes through.
    pub fn is_cut(&self, from: IpAddr, to: IpAddr) -> bool {
        self.lock().cut.contains(&(from, to))
    }

    /// Whether nobody listens at a node.
    pub(super) fn is_down(&self, node: IpAddr) -> bool {
        self.lock().down.contains(&node)
    }

    /// How often streams between two nodes have been broken.
    pub(super) fn breaks(&self, a: IpAddr, b: IpAddr) -> u64 {
        self.lock().breaks.get(&pair(a, b)).copied().unwrap_or(0)
    }

    /// Waits until both directions are whole.
    pub(super) async fn both_ways(&self, a: IpAddr, b: IpAddr) {
        let ticket = Ticket::new(self.clone());
        poll_fn(|cx| {
            if self.is_cut(a, b) || self.is_cut(b, a) {
                ticket.wait(cx.waker());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let wakers = {
            let mut state = self.lock();
            change(&mut state);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pair(a: IpAddr, b: IpAddr) -> (IpAddr, IpAddr) {
    (a.min(b), a.max(b))
}

/// A place among those that are woken when a link changes.
#[derive(Debug)]
pub(super) struct Ticket {
    links: Links,
    number: u64,
}

impl Ticket {
    pub(super) fn new(links: Links) -> Self {
        let number = {
            let mut state = links.lock();
            state.tickets += 1;
            state.tickets
        };
        Self { links, number }
    }

    /// Wakes `waker` at the next change.
    pub(super) fn wait(&self, waker: &Waker) {
        self.links.lock().wakers.insert(self.number, waker.clone());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waker = self.links.lock().wakers.remove(&self.number);
        drop(waker);
    }
}
