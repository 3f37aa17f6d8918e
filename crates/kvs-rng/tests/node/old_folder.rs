//! Data folders that were put back from a copy.

use kvs_core::{Dba, Key};
use kvs_rng::replica::{Condition, ReplicaError};

use crate::support::{Machine, all_up, cluster, copy, until};

async fn write_all(machine: &Machine, value: &str) {
    for n in 0..20 {
        machine.put(&format!("key {n}"), value).await;
    }
}

async fn reads_all(machine: &Machine, value: &str) {
    for n in 0..20 {
        let found = machine.get(&format!("key {n}")).await.unwrap();
        assert_eq!(found.as_deref(), Some(value.as_bytes()), "key {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_an_earlier_run_is_refused() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    write_all(&machines[2], "old").await;
    machines[2].node().shutdown().await;
    machines[2].kill().await;
    let before = copy(&machines[2].store).await;
    machines[2].restart().await;
    all_up(&machines).await;
    write_all(&machines[2], "new").await;
    machines[2].node().shutdown().await;
    machines[2].kill().await;
    machines[2].store = before;
    machines[2].restart().await;

    machines[2].is(Condition::OldFolder).await;
    let refused = machines[2].get_here("key 1").await;
    assert!(matches!(refused, Err(ReplicaError::OldFolder { .. })), "{refused:?}");
    all_up(&machines).await;
    // The others have everything, and it coordinates as any node does.
    for machine in &machines {
        reads_all(machine, "new").await;
    }
    write_all(&machines[2], "newer").await;
    for machine in &machines {
        reads_all(machine, "newer").await;
    }
    // It stays so.
    machines[2].node().shutdown().await;
    machines[2].kill().await;
    machines[2].restart().await;
    assert_eq!(machines[2].condition().await, Condition::OldFolder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_the_same_run_is_repaired() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    write_all(&machines[2], "old").await;
    let before = copy(&machines[2].store).await;
    write_all(&machines[2], "new").await;
    machines[2].kill().await;
    machines[2].store = before;
    machines[2].restart().await;
    machines[2].is(Condition::Clean).await;
    until("it has everything", async || {
        machines[2].get_here("key 19").await.ok().flatten().as_deref() == Some(b"new")
    })
    .await;
    for n in 0..20 {
        let found = machines[2].get_here(&format!("key {n}")).await.unwrap();
        assert_eq!(found.as_deref(), Some(&b"new"[..]), "key {n}");
    }
    reads_all(&machines[0], "new").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_nobody_remembers_shows_with_the_first_repair() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    write_all(&machines[2], "old").await;
    let before = copy(&machines[2].store).await;
    write_all(&machines[2], "new").await;
    for machine in &mut machines {
        machine.kill().await;
    }
    machines[2].store = before;
    for machine in &mut machines {
        machine.restart().await;
    }
    all_up(&machines).await;
    // Nobody knows which one was the last write any more. A read at R = 2 of the key repairs it.
    until("all was repaired", async || {
        let _ = machines[2].node().ring().get(&Key::from("key 0")).await;
        machines[2].get_here("key 19").await.ok().flatten().as_deref() == Some(b"new")
    })
    .await;
    machines[2].is(Condition::Clean).await;
    for n in 0..20 {
        let found = machines[2].get_here(&format!("key {n}")).await.unwrap();
        assert_eq!(found.as_deref(), Some(&b"new"[..]), "key {n}");
    }
}

/// Nobody remembers the last write of the copied node any more, but how often it was started.
async fn is_found_out_by_nodes_that_were_started_again(starts_missed: usize) {
    let mut machines = cluster(3, (3, 2, 2)).await;
    write_all(&machines[2], "old").await;
    machines[2].node().shutdown().await;
    machines[2].kill().await;
    let before = copy(&machines[2].store).await;
    for _ in 0..starts_missed {
        machines[2].restart().await;
        all_up(&machines).await;
        write_all(&machines[2], "new").await;
        machines[2].node().shutdown().await;
        machines[2].kill().await;
    }
    machines[2].store = before;
    for machine in &mut machines[..2] {
        machine.node().shutdown().await;
        machine.kill().await;
    }
    for machine in &mut machines {
        machine.restart().await;
    }
    machines[2].is(Condition::OldFolder).await;
    let refused = machines[2].get_here("key 1").await;
    assert!(matches!(refused, Err(ReplicaError::OldFolder { .. })), "{refused:?}");
    write_all(&machines[0], "newer").await;
    reads_all(&machines[1], "newer").await;
    // However often it is tried.
    for _ in 0..2 * starts_missed {
        machines[2].kill().await;
        machines[2].restart().await;
        assert_eq!(machines[2].condition().await, Condition::OldFolder);
    }
    reads_all(&machines[0], "newer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_missed_one_start_is_found_out_by_nodes_that_were_started_again() {
    is_found_out_by_nodes_that_were_started_again(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_missed_more_starts_is_not_let_in() {
    is_found_out_by_nodes_that_were_started_again(3).await;
}
