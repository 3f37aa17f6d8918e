//! Entities over real sockets.

use std::time::Duration;

use kvs_core::env::Env;
use kvs_core::{CallOptions, CommandId, Dba, DbaError, Key, Store, entity};
use kvs_rng::identity::NodeId;
use kvs_rng::log::Owner;
use kvs_rng::node::{Node, NodeError};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Machine, all_up, cluster, config, started};

const PATIENCE: Duration = Duration::from_secs(120);

async fn add_at(node: &Node, name: &str, options: &CallOptions) -> Result<u64, DbaError> {
    let key = Key::new(name, [0x10]);
    let entities = node.entities();
    entity::run(&*entities, name.as_bytes(), options, |scope| async move {
        let bytes = scope.get(&key).await?;
        let before = bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
        scope.put(&key, (before + 1).to_be_bytes().to_vec()).await?;
        Ok::<u64, DbaError>(before)
    })
    .await
}

/// Adds one to a counter, at whichever node owns it; gives what it was before.
pub(crate) async fn add(machines: &[Machine], name: &str) -> u64 {
    let options = CallOptions::default().command(CommandId::new(&Env::system()));
    let until = Instant::now() + PATIENCE;
    let running: Vec<&Node> = machines.iter().filter_map(|it| it.node.as_ref()).collect();
    let at = |id: NodeId| running.iter().position(|node| node.id() == id);
    let mut place = 0;
    loop {
        assert!(Instant::now() < until, "{name} can't be added to");
        if let Owner::At(owner) = running[place].owners().owner(name.as_bytes()) {
            place = at(owner).unwrap_or((place + 1) % running.len());
        }
        match add_at(running[place], name, &options).await {
            Ok(before) => return before,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                if let DbaError::NotOwner { owner: Some(owner), .. } = error {
                    place = at(owner.parse().unwrap()).unwrap_or((place + 1) % running.len());
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_outlives_its_owners() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    all_up(&machines).await;
    let mut expected = 0;
    for round in 0..3 {
        for _ in 0..10 {
            assert_eq!(add(&machines, "counter").await, expected);
            expected += 1;
        }
        let owns = |machine: &Machine| machine.node().owners().owner(b"counter") == Owner::Here;
        let owner = machines.iter().position(owns).unwrap();
        machines[owner].kill().await;
        let start = Instant::now();
        assert_eq!(add(&machines, "counter").await, expected, "{round}");
        expected += 1;
        tracing::info!(after = ?start.elapsed(), "an owner was followed");
        machines[owner].restart().await;
        all_up(&machines).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_records_and_entities_of_one_name_are_strangers() {
    let machines = cluster(3, (3, 2, 2)).await;
    all_up(&machines).await;
    assert_eq!(add(&machines, "counter").await, 0);
    let key = Key::new("counter", [0x10]);
    let ring = machines[1].node().ring();
    assert_eq!(ring.get(&key).await.unwrap(), None);
    ring.put(&key, b"plain".to_vec()).await.unwrap();
    assert_eq!(add(&machines, "counter").await, 1);
    ring.delete(&key).await.unwrap();
    assert_eq!(add(&machines, "counter").await, 2);
    // What repair compares of two replicas knows nothing of entities either.
    let coordinator = machines[0].node().ring().coordinator();
    let bucket = coordinator.layout().unwrap().bucket_of(b"other");
    let before = coordinator.replica().digests(bucket).await.unwrap();
    assert_eq!(add(&machines, "other").await, 0);
    assert_eq!(coordinator.replica().digests(bucket).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_joins_a_ring_that_holds_entities() {
    let machines = cluster(2, (3, 2, 2)).await;
    all_up(&machines).await;
    assert_eq!(add(&machines, "counter").await, 0);
    let seeds: Vec<_> = machines.iter().map(|machine| machine.config.listen).collect();
    let store = Store::memory();
    match timeout(PATIENCE, started(&store, &config("further", &seeds))).await.unwrap() {
        Err(error @ NodeError::Join(_)) => {
            assert!(error.to_string().contains("holds data"), "{error}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken in"),
    }
    // Nothing is held back because of that.
    assert_eq!(add(&machines, "counter").await, 1);
    assert_eq!(add(&machines, "other").await, 0);
}
