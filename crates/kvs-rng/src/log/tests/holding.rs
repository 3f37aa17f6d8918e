use super::*;

const HOLD: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn an_empty_node_holds_commands_back_for_a_while() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let owner = cluster.logs(cluster.replicas("a")[0]).unwrap();
    assert!(owner.hold_if_empty(HOLD).await.unwrap());
    let error = add_at(&owner, "a", &CallOptions::default()).await.unwrap_err();
    assert!(error.is_retryable() && error.outcome() == Outcome::NotApplied, "{error}");
    assert!(error.to_string().contains("change"), "{error}");
    // Once more, while it is held.
    assert!(owner.hold_if_empty(HOLD).await.unwrap());
    sleep(HOLD).await;
    add_at(&owner, "a", &CallOptions::default()).await.unwrap();
    cluster.settled("a", 1).await;
    for n in 0..3 {
        assert!(!cluster.logs(n).unwrap().hold_if_empty(HOLD).await.unwrap());
    }
    assert_eq!(cluster.add(0, "a").await, 1);
    // What is only on disk counts, too.
    cluster.kill(0, true);
    cluster.start(0, false).await;
    assert!(!cluster.logs(0).unwrap().hold_if_empty(HOLD).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_command_that_began_before_is_seen_or_comes_to_nothing() {
    for delay in 0..12 {
        let cluster = Cluster::new(3, "3,2,2").await;
        let owner = cluster.logs(cluster.replicas("a")[0]).unwrap();
        let running = {
            let owner = owner.clone();
            kvs_core::env::spawn(async move {
                add_at(&owner, "a", &CallOptions::default()).await.is_ok()
            })
        };
        sleep(Duration::from_millis(delay)).await;
        let is_held = owner.hold_if_empty(HOLD).await.unwrap();
        let is_done = running.await.unwrap();
        assert_ne!(is_held, is_done, "after {delay} ms");
        if is_held {
            owner.release();
            assert_eq!(cluster.add(0, "a").await, 0);
        }
    }
}
