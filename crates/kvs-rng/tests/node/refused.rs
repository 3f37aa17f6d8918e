//! Nodes that can't start as they are set up. Others don't notice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kvs_core::env::Env;
use kvs_core::env::net::Sockets;
use kvs_core::{Dba, Key, Store};
use kvs_rng::identity::{Incarnation, NodeId};
use kvs_rng::node::{Node, NodeConfig, NodeError, is_node};
use kvs_rng::transport::handshake::{Cause, HandshakeError};
use kvs_rng::transport::secure::SecureError;
use kvs_rng::transport::{self, Fault, Peer, Service, Transport};
use tokio::time::timeout;

use crate::support::{Machine, all_up, cluster, config, copy};

const KEY: &[u8] = b"a key that is long enough, 32 bytes";
const OTHER_KEY: &[u8] = b"another key, also long enough, 32 b";

async fn refused(config: NodeConfig) -> NodeError {
    let store = Store::memory();
    let started = Node::start(&store, config);
    // Far longer than it takes: it must not try for ever.
    timeout(Duration::from_secs(120), started).await.unwrap().err().unwrap()
}

fn reason(error: NodeError, at: SocketAddr) -> HandshakeError {
    match error {
        NodeError::Refused { address, reason } => {
            assert_eq!(address, at);
            reason
        }
        error => panic!("{error}"),
    }
}

async fn founder(key: Option<&[u8]>) -> Machine {
    let mut config = config("founder", &[]);
    if let Some(key) = key {
        config.protect(key).unwrap();
    }
    Machine::start(config).await
}

async fn is_unharmed(machine: &Machine) {
    machine.put("greeting", "hello").await;
    assert_eq!(machine.get("greeting").await.unwrap(), Some(b"hello".to_vec()));
    assert_eq!(machine.node().layout().unwrap().members().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_name() {
    let founder = founder(None).await;
    let at = founder.config.listen;
    let mut config = config("stranger", &[at]);
    config.cluster_name = "prod".to_owned();
    let error = refused(config).await;
    let said = error.to_string();
    assert!(said.contains("\"prod\"") && said.contains("\"kvs\""), "{said}");
    let HandshakeError::RefusedByPeer(refusal) = reason(error, at) else { panic!("{said}") };
    assert_eq!(refusal.cause, Cause::ClusterName);
    is_unharmed(&founder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key() {
    let founder = founder(Some(KEY)).await;
    let at = founder.config.listen;
    let mut config = config("stranger", &[at]);
    config.protect(OTHER_KEY).unwrap();
    let reason = reason(refused(config).await, at);
    assert!(matches!(reason, HandshakeError::Secure(SecureError::KeyDiffers)), "{reason}");
    is_unharmed(&founder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_where_one_is_used_and_one_where_none_is() {
    let (keyed, plain) = tokio::join!(founder(Some(KEY)), founder(None));
    let without = config("without", &[keyed.config.listen]);
    let mut with = config("with", &[plain.config.listen]);
    with.protect(KEY).unwrap();
    let (without, with) = tokio::join!(refused(without), refused(with));
    reason(without, keyed.config.listen);
    reason(with, plain.config.listen);
    is_unharmed(&keyed).await;
    is_unharmed(&plain).await;
}

struct Silent;

#[async_trait]
impl Service for Silent {
    async fn call(&self, _: &Peer, _: u16, _: Vec<u8>) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol() {
    let env = Env::system();
    let any_port = "127.0.0.1:0".parse().unwrap();
    let mut later = transport::Config::new(NodeId::new(&env), Incarnation(1), "kvs", any_port);
    later.protocols = 900..=901;
    let later = Transport::start(later, Arc::new(Sockets), env, Arc::new(Silent)).await.unwrap();
    let at = later.local_address();
    let error = refused(config("stranger", &[at])).await;
    let said = error.to_string();
    assert!(said.contains("900 to 901"), "{said}");
    let HandshakeError::RefusedByPeer(refusal) = reason(error, at) else { panic!("{said}") };
    assert_eq!(refusal.cause, Cause::Protocol);
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_that_are_not_there_yet_are_waited_for() {
    let mut founder = founder(None).await;
    let at = founder.config.listen;
    founder.kill().await;
    let joiner = kvs_core::env::spawn(Machine::start(config("joiner", &[at])));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!joiner.is_finished());
    founder.restart().await;
    let joiner = timeout(Duration::from_secs(120), joiner).await.unwrap().unwrap();
    all_up(&[founder, joiner]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken() {
    let founder = founder(None).await;
    let mut config = config("second", &[]);
    config.listen = founder.config.listen;
    let error = refused(config).await;
    assert!(matches!(error, NodeError::Transport(_)), "{error}");
    assert!(error.to_string().contains(&founder.config.listen.to_string()), "{error}");
    is_unharmed(&founder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_address_as_the_only_one_to_join() {
    let listen = founder(None).await.config.listen;
    let mut config = config("lonely", &[listen]);
    config.listen = listen;
    let error = crate::support::started(&Store::memory(), &config).await.err().unwrap();
    assert!(matches!(error, NodeError::JoinsItself), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_folder_whose_node_runs() {
    let machines = cluster(3, (3, 2, 2)).await;
    machines[0].put("greeting", "hello").await;
    let id = machines[2].node().id();
    let mut config = config("copy", &[]);
    config.join = machines[2].config.join.clone();
    let error = Node::start(&copy(&machines[2].store).await, config).await.err().unwrap();
    let NodeError::RunsElsewhere { node, address } = error else { panic!("{error}") };
    assert_eq!((node, address), (id, machines[2].config.listen));

    all_up(&machines).await;
    let members = machines[0].node().layout().unwrap();
    assert_eq!(members.member(id).unwrap().address, address);
    for (at, machine) in machines.iter().enumerate() {
        machine.put("greeting", &format!("from {at}")).await;
        assert!(machine.get("greeting").await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_an_embedded_store() {
    let store = Store::memory();
    let rows = store.rows(kvs_core::RowKind::Plain);
    rows.put(&Key::from("greeting"), b"hello".to_vec()).await.unwrap();
    let error = Node::start(&store, config("node", &[])).await.err().unwrap();
    assert!(matches!(error, NodeError::Embedded), "{error}");
    assert!(!is_node(&store).await.unwrap());
    rows.delete(&Key::from("greeting")).await.unwrap();
    Node::start(&store, config("node", &[])).await.unwrap();
    assert!(is_node(&store).await.unwrap());
}
