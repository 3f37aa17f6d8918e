//! What went over the wire, peer by peer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::identity::NodeId;

/// Most peers that are counted; traffic with further ones is not.
const PEERS_MAX: usize = 4096;

/// Traffic with one peer since this node started, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounters {
    /// Frames received.
    pub frames_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Bytes of frames received, before decryption adds or takes any.
    pub bytes_in: u64,
    /// Bytes of frames sent.
    pub bytes_out: u64,
    /// Connections that broke or could not be made.
    pub errors: u64,
}

/// The counters of one peer.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    errors: AtomicU64,
}

impl Traffic {
    pub(super) fn received(&self, bytes: usize) {
        add(&self.frames_in, 1);
        add(&self.bytes_in, bytes);
    }

    pub(super) fn sent(&self, frames: usize, bytes: usize) {
        add(&self.frames_out, frames);
        add(&self.bytes_out, bytes);
    }

    pub(super) fn failed(&self) {
        add(&self.errors, 1);
    }

    fn snapshot(&self) -> PeerCounters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PeerCounters {
            frames_in: get(&self.frames_in),
            frames_out: get(&self.frames_out),
            bytes_in: get(&self.bytes_in),
            bytes_out: get(&self.bytes_out),
            errors: get(&self.errors),
        }
    }
}

fn add(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

/// The counters of all peers.
#[derive(Debug, Default)]
pub(super) struct Counters {
    peers: Mutex<BTreeMap<NodeId, Arc<Traffic>>>,
}

impl Counters {
    /// Those of `node`.
    pub(super) fn of(&self, node: NodeId) -> Arc<Traffic> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        match peers.get(&node) {
            Some(traffic) => traffic.clone(),
            None if peers.len() < PEERS_MAX => peers.entry(node).or_default().clone(),
            None => Arc::default(),
        }
    }

    pub(super) fn snapshot(&self) -> Vec<(NodeId, PeerCounters)> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.iter().map(|(node, traffic)| (*node, traffic.snapshot())).collect()
    }
}
