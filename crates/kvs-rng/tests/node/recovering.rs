//! After a loss of power.

use kvs_rng::replica::Condition;

use crate::support::{all_up, cluster, copy, until};

const OTHER_BOOT: &str = "second boot";

fn key(n: usize) -> String {
    format!("key {n}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_power_gets_back_what_it_lost() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    for n in 0..20 {
        machines[n % 3].put(&key(n), "old").await;
    }
    let before = copy(&machines[2].store).await;
    for n in 0..40 {
        machines[n % 3].put(&key(n), "new").await;
    }
    for machine in &mut machines {
        machine.kill().await;
    }
    machines[2].store = before;
    machines[2].config.boot_id = Some(OTHER_BOOT.to_owned());
    machines[2].restart().await;

    // Alone it does not say what it has: that may be too little.
    let status = machines[2].node().status().await.unwrap();
    assert_eq!(status.condition, Condition::Recovering);
    assert_eq!(status.buckets_to_recover, 1024);
    assert!(machines[2].get_here(&key(1)).await.is_err());

    // One other is not enough either.
    machines[0].restart().await;
    until("one other is seen", async || {
        let status = machines[2].node().status().await.unwrap();
        status.members.iter().filter(|member| member.state.is_some()).count() == 2
    })
    .await;
    assert_eq!(machines[2].condition().await, Condition::Recovering);
    assert_eq!(machines[2].node().status().await.unwrap().buckets_to_recover, 1024);

    machines[1].restart().await;
    machines[2].is(Condition::Clean).await;
    assert_eq!(machines[2].node().status().await.unwrap().buckets_to_recover, 0);
    for n in 0..40 {
        assert_eq!(machines[2].get_here(&key(n)).await.unwrap(), Some(b"new".to_vec()), "{n}");
    }
    // The next start knows that it is repaired.
    machines[2].kill().await;
    machines[2].restart().await;
    assert_eq!(machines[2].condition().await, Condition::Clean);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_all_lost_power_the_union_is_served() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    for n in 0..10 {
        machines[0].put(&key(n), "old").await;
    }
    let mut kept = Vec::new();
    for machine in &machines {
        kept.push(copy(&machine.store).await);
    }
    // The last writes are left on one node only.
    for n in 0..10 {
        machines[1].put(&key(n), "new").await;
    }
    machines[1].put("last", "kept").await;
    for (at, machine) in machines.iter_mut().enumerate() {
        machine.kill().await;
        if at != 1 {
            machine.store = kept[at].clone();
        }
        machine.config.boot_id = Some(OTHER_BOOT.to_owned());
    }
    for machine in &mut machines {
        machine.restart().await;
    }
    for machine in &machines {
        machine.is(Condition::Clean).await;
    }
    for machine in &machines {
        for n in 0..10 {
            assert_eq!(machine.get_here(&key(n)).await.unwrap(), Some(b"new".to_vec()), "{n}");
        }
        assert_eq!(machine.get_here("last").await.unwrap(), Some(b"kept".to_vec()));
    }
    // And it goes on.
    all_up(&machines).await;
    machines[0].put("next", "one").await;
    assert_eq!(machines[2].get("next").await.unwrap(), Some(b"one".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_and_a_clean_stop_need_no_recovery() {
    let mut machines = cluster(3, (3, 2, 2)).await;
    machines[0].put("greeting", "hello").await;
    for machine in &mut machines {
        machine.kill().await;
        machine.restart().await;
        // Also with another boot, if it was shut down.
        assert_eq!(machine.condition().await, Condition::Clean);
        machine.node().shutdown().await;
        machine.kill().await;
        machine.config.boot_id = Some(OTHER_BOOT.to_owned());
        machine.restart().await;
        assert_eq!(machine.condition().await, Condition::Clean);
    }
    all_up(&machines).await;
    assert_eq!(machines[1].get("greeting").await.unwrap(), Some(b"hello".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_node_is_there_again_at_once() {
    let mut machines = cluster(1, (1, 1, 1)).await;
    machines[0].put("greeting", "hello").await;
    machines[0].kill().await;
    machines[0].config.boot_id = Some(OTHER_BOOT.to_owned());
    machines[0].restart().await;
    machines[0].is(Condition::Clean).await;
    assert_eq!(machines[0].get("greeting").await.unwrap(), Some(b"hello".to_vec()));
}
