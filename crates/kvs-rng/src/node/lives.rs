//! The lives of the other nodes: how often each has been started.
//!
//! A node counts its starts, so one that comes with a lower count than before runs on an old copy of
//! its data folder. It would give names of writes a second time, and is refused. Two starts may have the
//! same count: the last one of the folder, and the first one of a copy that was made before it. So a
//! node that starts also tells the number of its *run*, drawn at random.
//!
//! What is known is on disk before a node is let in: all nodes may be started again before the copy is.
//!
//! ```text
//! Meta "node/lives"  → version 0x01, list of: node id, incarnation, run (0: not told)
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use kvs_core::engine::WriteSet;
use kvs_core::store::Raw;
use kvs_core::{DbaError, RowKind, Store};
use tokio::sync::Mutex;

use crate::identity::{Incarnation, NodeId};
use crate::layout::Layout;
use crate::replica::Replica;
use crate::transport::handshake::{Cause, Refusal};
use crate::transport::{Door, Peer};

const WHAT: &str = "lives of other nodes";
const NAME: &[u8] = b"node/lives";
const VERSION: u8 = 1;
/// Most nodes that are remembered, twice as many as a cluster may have; those beyond are not.
const NODES_MAX: usize = 2000;

/// What this node remembers of the others' lives.
pub(super) struct Lives {
    replica: Replica,
    /// Its writes are synced.
    raw: Raw,
    known: Mutex<BTreeMap<NodeId, Life>>,
}

#[derive(Clone, Copy)]
struct Life {
    incarnation: Incarnation,
    /// 0: it was not told.
    run: u64,
    /// Where it said that it was, if it was met since this node's start.
    address: Option<SocketAddr>,
}

impl Lives {
    /// What `store` remembers, for the node of `replica`.
    pub(super) async fn open(store: &Store, replica: &Replica) -> Result<Arc<Self>, DbaError> {
        let raw = store.synced().raw();
        let known = match raw.get(key()).await? {
            Some(bytes) => decode(&bytes)?,
            None => BTreeMap::new(),
        };
        Ok(Arc::new(Self { replica: replica.clone(), raw, known: Mutex::new(known) }))
    }

    /// A node tells the number of its run. An error with the reason if it can't be so.
    pub(super) async fn told(
        &self,
        node: NodeId,
        incarnation: Incarnation,
        run: u64,
    ) -> Result<(), String> {
        let mut known = self.known.lock().await;
        let life = known.get(&node).copied();
        check_not_older(node, incarnation, life)?;
        if let Some(life) = life.filter(|life| life.incarnation == incarnation && life.run != 0) {
            return if life.run == run {
                Ok(())
            } else {
                Err(old(node, &format!("its start number {} was another one", incarnation.0)))
            };
        }
        let address = life.and_then(|life| life.address);
        self.learn(&mut known, node, Life { incarnation, run, address }).await;
        Ok(())
    }

    /// Forgets who is no member, once there are many.
    pub(super) async fn forget_others(&self, layout: &Layout) {
        let mut known = self.known.lock().await;
        if known.len() > NODES_MAX / 2 {
            known.retain(|node, _| layout.member(*node).is_some());
        }
    }

    async fn learn(&self, known: &mut BTreeMap<NodeId, Life>, node: NodeId, life: Life) {
        if known.len() >= NODES_MAX && !known.contains_key(&node) {
            return;
        }
        let before = known.insert(node, life);
        let is_news =
            before.is_none_or(|it| (it.incarnation, it.run) != (life.incarnation, life.run));
        if !is_news {
            return;
        }
        let written = async {
            let mut writes = WriteSet::default();
            writes.stored(&key(), Some(&encode(known)?));
            self.raw.write(writes).await
        };
        // It is a safeguard; a full disk is no reason to talk to nobody.
        if let Err(error) = written.await {
            tracing::warn!(%node, %error, "the life of a node is remembered until the next start only");
        }
    }
}

#[async_trait]
impl Door for Lives {
    async fn let_in(&self, peer: &Peer) -> Result<(), Refusal> {
        let Peer { node, incarnation, address, .. } = *peer;
        let mut known = self.known.lock().await;
        let life = known.get(&node).copied();
        check_not_older(node, incarnation, life)
            .map_err(|reason| Refusal { cause: Cause::OldFolder, reason })?;
        let same = life.filter(|life| life.incarnation == incarnation);
        if let Some(there) = same.and_then(|life| life.address).filter(|there| *there != address) {
            let reason = format!(
                "node {node} came from {there}, and now from {address} without a start in between: \
                 one of the two has a copy of the other's data folder"
            );
            return Err(Refusal { cause: Cause::Copy, reason });
        }
        let run = same.map_or(0, |life| life.run);
        self.learn(&mut known, node, Life { incarnation, run, address: Some(address) }).await;
        Ok(())
    }

    async fn turned_away(&self, refusal: &Refusal) {
        if refusal.cause == Cause::OldFolder {
            self.found_old(&refusal.reason).await;
        }
    }
}

impl Lives {
    /// Another node says that this one's data folder is old.
    pub(super) async fn found_old(&self, reason: &str) {
        if let Err(error) = self.replica.found_old_folder(reason).await {
            tracing::error!(node = %self.replica.node(), %error, "an old data folder was not noted");
        }
    }
}

fn check_not_older(
    node: NodeId,
    incarnation: Incarnation,
    known: Option<Life>,
) -> Result<(), String> {
    match known {
        Some(life) if incarnation < life.incarnation => {
            let (was, is) = (life.incarnation.0, incarnation.0);
            Err(old(node, &format!("this is its start number {is}, and number {was} came before")))
        }
        _ => Ok(()),
    }
}

fn old(node: NodeId, evidence: &str) -> String {
    format!("old data folder of node {node}: {evidence}")
}

impl fmt::Debug for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lives").finish_non_exhaustive()
    }
}

fn encode(known: &BTreeMap<NodeId, Life>) -> Result<Vec<u8>, DbaError> {
    let rows: Vec<_> =
        known.iter().map(|(node, life)| (*node, life.incarnation, life.run)).collect();
    postcard::to_extend(&rows, vec![VERSION]).map_err(|error| DbaError::decode(WHAT, error))
}

fn decode(bytes: &[u8]) -> Result<BTreeMap<NodeId, Life>, DbaError> {
    let body = match bytes.split_first() {
        Some((&VERSION, body)) => body,
        Some((version, _)) => {
            let problem = format!("unknown version {version}, this release knows {VERSION}");
            return Err(DbaError::decode(WHAT, problem));
        }
        None => return Err(DbaError::decode(WHAT, "no bytes")),
    };
    let rows: Vec<(NodeId, Incarnation, u64)> = match postcard::take_from_bytes(body) {
        Ok((rows, [])) => rows,
        Ok(_) => return Err(DbaError::decode(WHAT, "bytes are left over")),
        Err(error) => return Err(DbaError::decode(WHAT, error)),
    };
    let life = |(node, incarnation, run)| (node, Life { incarnation, run, address: None });
    Ok(rows.into_iter().map(life).collect())
}

fn key() -> Vec<u8> {
    [&[RowKind::Meta as u8], NAME].concat()
}

#[cfg(test)]
mod tests {
    use kvs_core::env::Env;

    use super::*;
    use crate::transport::Channel;
    use crate::version::{AHEAD_MAX, HybridClock};

    async fn lives(store: &Store) -> Arc<Lives> {
        let clock = Arc::new(HybridClock::new(&Env::system(), AHEAD_MAX));
        let node = NodeId::from_bytes([1; 16]);
        let replica = Replica::open(store, node, clock, None, true).await.unwrap();
        Lives::open(store, &replica).await.unwrap()
    }

    fn peer(incarnation: u64, port: u16) -> Peer {
        Peer {
            node: NodeId::from_bytes([2; 16]),
            incarnation: Incarnation(incarnation),
            address: ([127, 0, 0, 1], port).into(),
            cluster: None,
            protocol: 1,
            features: 0,
            channel: Channel::Control,
        }
    }

    #[tokio::test]
    async fn an_earlier_life_is_refused_also_after_a_restart() {
        let store = Store::memory();
        let first = lives(&store).await;
        for incarnation in [3, 3, 4] {
            first.let_in(&peer(incarnation, 1)).await.unwrap();
        }
        for known in [first, lives(&store).await] {
            let refusal = known.let_in(&peer(3, 1)).await.unwrap_err();
            assert_eq!(refusal.cause, Cause::OldFolder);
            assert!(refusal.reason.contains("old data folder"), "{refusal}");
            known.let_in(&peer(4, 1)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn one_life_has_one_run_and_one_address() {
        let store = Store::memory();
        let known = lives(&store).await;
        let node = peer(0, 1).node;
        known.let_in(&peer(3, 1)).await.unwrap();
        let refusal = known.let_in(&peer(3, 2)).await.unwrap_err();
        assert_eq!(refusal.cause, Cause::Copy);
        for known in [known, lives(&store).await] {
            known.told(node, Incarnation(3), 7).await.unwrap();
            let reason = known.told(node, Incarnation(3), 8).await.unwrap_err();
            assert!(reason.contains("old data folder"), "{reason}");
            known.told(node, Incarnation(3), 7).await.unwrap();
            assert!(known.told(node, Incarnation(2), 7).await.is_err());
        }
        // A new life may be anywhere.
        let known = lives(&store).await;
        known.let_in(&peer(4, 2)).await.unwrap();
        known.told(node, Incarnation(4), 9).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_stored_is_read_exactly() {
        let life = Life { incarnation: Incarnation(5), run: 300, address: None };
        let bytes = encode(&BTreeMap::from([(NodeId::from_bytes([2; 16]), life)])).unwrap();
        // The first version of the bytes.
        let frozen = [&[1, 1, 16][..], &[2; 16], &[5, 0xAC, 0x02]].concat();
        assert_eq!(bytes, frozen);
        let read = decode(&bytes).unwrap();
        assert_eq!(read.values().map(|it| (it.incarnation.0, it.run)).next(), Some((5, 300)));
        assert!(decode(&[]).is_err() && decode(&[2, 0]).is_err() && decode(&[1, 0, 0]).is_err());
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
