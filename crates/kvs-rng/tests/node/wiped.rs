//! Nodes that come back without their disk.

use std::net::SocketAddr;
use std::time::Duration;

use kvs_core::Store;
use kvs_rng::identity::NodeId;
use kvs_rng::node::{NodeConfig, NodeError};
use kvs_rng::replica::Condition;
use tokio::time::timeout;

use crate::entities::add;
use crate::support::{Machine, all_up, cluster, config, started, until};

fn key(n: usize) -> String {
    format!("key {n}")
}

async fn write_all(machines: &[Machine], value: &str) {
    for n in 0..40 {
        machines[n % machines.len()].put(&key(n), value).await;
    }
}

async fn all_read(machines: &[Machine], value: &str) {
    for machine in machines {
        for n in 0..40 {
            let found = machine.get(&key(n)).await.unwrap();
            assert_eq!(found.as_deref(), Some(value.as_bytes()), "{}", key(n));
        }
    }
}

/// Takes the disk of a node away, and gives it other nodes to join.
async fn wipe(machines: &mut [Machine], at: usize) -> NodeId {
    let old = machines[at].node().id();
    machines[at].kill().await;
    machines[at].store = Store::memory();
    let others = machines.iter().enumerate().filter(|(other, _)| *other != at);
    let seeds = others.map(|(_, machine)| machine.config.listen.to_string()).collect();
    machines[at].config.join = seeds;
    old
}

/// All nodes agree that `old` is gone.
async fn is_forgotten(machines: &[Machine], old: NodeId) {
    until("nothing is left of the old node", async || {
        for machine in machines {
            let status = machine.node().status().await.unwrap();
            let hints = machine.node().ring().coordinator().hints().counts().await;
            let voters = status.members.iter().filter(|member| member.votes).count();
            let is_member = status.members.iter().any(|member| member.id == old);
            if is_member || hints.contains_key(&old) || voters != machines.len() {
                return false;
            }
        }
        true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_node_takes_its_old_place() {
    let mut machines = cluster(5, (3, 2, 2)).await;
    write_all(&machines, "old").await;
    // The founder, too: it led and was asked by the others.
    for at in [3, 0] {
        let before = machines[at].node().layout().unwrap();
        let old = wipe(&mut machines, at).await;
        // Some of it for the node that is gone.
        let others = [&machines[(at + 1) % 5], &machines[(at + 2) % 5]];
        for n in 0..40 {
            others[n % 2].put(&key(n), "new").await;
        }
        machines[at].restart().await;
        let new = machines[at].node().id();
        assert_ne!(new, old);
        let after = machines[at].node().layout().unwrap();
        assert_eq!((after.members().len(), after.member(old)), (5, None));
        for (before, after) in before.table().lists().zip(after.table().lists()) {
            let place = |id: &NodeId| if *id == old { new } else { *id };
            assert_eq!(after, before.iter().map(place).collect::<Vec<_>>());
        }
        all_read(&machines, "new").await;
        machines[at].is(Condition::Clean).await;
        all_up(&machines).await;
        is_forgotten(&machines, old).await;
        // What is acknowledged is there again as often as before.
        for n in 0..40 {
            let bucket = after.bucket_of(key(n).as_bytes());
            if after.replicas(bucket).contains(&new) {
                let here = machines[at].get_here(&key(n)).await.unwrap();
                assert_eq!(here.as_deref(), Some(&b"new"[..]), "{}", key(n));
            }
        }
        write_all(&machines, "old").await;
        all_read(&machines, "old").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_disk_counts_for_nothing_before_it_is_repaired() {
    let mut machines = cluster(5, (3, 2, 2)).await;
    write_all(&machines, "old").await;
    // Where the other one that is away has a copy too, there is only one left to repair from: too few.
    machines[1].kill().await;
    wipe(&mut machines, 4).await;
    machines[4].restart().await;
    let (id, layout) = (machines[4].node().id(), machines[4].node().layout().unwrap());
    let away = layout.members().values().find(|member| member.name == "node 1").unwrap().id;
    let is_short = |n: &usize| {
        let replicas = layout.replicas(layout.bucket_of(key(*n).as_bytes()));
        replicas.contains(&id) && replicas.contains(&away)
    };
    let short: Vec<_> = (0..40).filter(is_short).collect();
    assert!(!short.is_empty());
    for boot in ["first boot", "first boot", "second boot"] {
        for n in &short {
            assert!(machines[4].get_here(&key(*n)).await.is_err(), "{}", key(*n));
        }
        assert_eq!(machines[4].condition().await, Condition::Recovering);
        // A crash in the middle changes nothing.
        machines[4].kill().await;
        machines[4].config.boot_id = Some(boot.to_owned());
        machines[4].restart().await;
        assert_eq!(machines[4].node().id(), id);
    }
    machines[1].restart().await;
    machines[4].is(Condition::Clean).await;
    for n in short {
        let here = machines[4].get_here(&key(n)).await.unwrap();
        assert_eq!(here.as_deref(), Some(&b"old"[..]), "{}", key(n));
    }
    all_up(&machines).await;
    all_read(&machines, "old").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_outlive_all_disks_one_after_another() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    all_up(&machines).await;
    let names: Vec<String> = (0..8).map(|n| format!("counter {n}")).collect();
    for name in &names {
        assert_eq!(add(&machines, name).await, 0);
        assert_eq!(add(&machines, name).await, 1);
    }
    // Nobody uses them from here on.
    for at in [1, 0, 2] {
        let old = wipe(&mut machines, at).await;
        machines[at].restart().await;
        until("it has everything", async || {
            let status = machines[at].node().status().await.unwrap();
            status.condition == Condition::Clean && status.logs_in_doubt == 0
        })
        .await;
        all_up(&machines).await;
        is_forgotten(&machines, old).await;
    }
    for name in &names {
        assert_eq!(add(&machines, name).await, 2);
    }
}

async fn refused(config: NodeConfig) -> String {
    let store = Store::memory();
    match timeout(Duration::from_secs(120), started(&store, &config)).await.unwrap() {
        Err(error @ NodeError::Join(_)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken in"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_another_is_not_for_everybody() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    write_all(&machines, "old").await;
    let seeds: Vec<SocketAddr> = machines.iter().map(|machine| machine.config.listen).collect();
    let before = machines[0].node().layout().unwrap();

    // A further node; data can't be moved yet.
    let said = refused(config("further", &seeds)).await;
    assert!(said.contains("holds data"), "{said}");
    // One that says that it is where another one is.
    for at in [0, 1, 2] {
        let mut impostor = config("impostor", &seeds);
        impostor.advertise = Some(seeds[at]);
        let said = refused(impostor).await;
        assert!(said.contains("is the address of") && said.contains("answers there"), "{said}");
    }
    // One that says that it is where nobody is.
    machines[2].kill().await;
    let mut nobody = config("nobody", &seeds[..2]);
    nobody.advertise = Some(seeds[2]);
    // It may yet appear there, so it is asked to wait.
    let store = Store::memory();
    let started = timeout(Duration::from_secs(5), started(&store, &nobody)).await;
    assert!(started.is_err(), "{:?}", started.map(|it| it.map(|node| node.id())));
    // One that is there, in another zone.
    let mut elsewhere = config("elsewhere", &seeds[..2]);
    elsewhere.listen = seeds[2];
    elsewhere.zone = "east".to_owned();
    let said = refused(elsewhere).await;
    assert!(said.contains(r#"its zone is "east", not """#), "{said}");

    machines[2].restart().await;
    all_up(&machines).await;
    for machine in &machines {
        assert_eq!(machine.node().layout().unwrap().encode(), before.encode());
    }
    all_read(&machines, "old").await;
}
