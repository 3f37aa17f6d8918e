use kvs_core::Batch;

use super::*;

const ROW_BYTES: usize = 1 << 20;

async fn fill(logs: &Logs, name: &str, row: u8) {
    let options = CallOptions::default().deadline(Duration::from_secs(60));
    let entities = logs.entities();
    let filled = entity::run(&*entities, name.as_bytes(), &options, |scope| async move {
        scope.write(name.as_bytes(), Batch::new().put([0x20, row], vec![row; ROW_BYTES])).await
    });
    filled.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_has_missed_what_was_trimmed_gets_a_snapshot() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    let owner = cluster.logs(replicas[0]).unwrap();
    add_at(&owner, "a", &CallOptions::default()).await.unwrap();
    cluster.settled("a", 1).await;
    cluster.kill(replicas[2], true);
    for row in 0..80 {
        fill(&owner, "a", row).await;
    }
    add_at(&owner, "a", &CallOptions::default()).await.unwrap();
    let held = owner.driver.opened(cluster.layout.bucket_of(b"a")).unwrap();
    assert!(held.lock().core.log().floor.seq > 1, "the log is bounded");

    cluster.start(replicas[2], false).await;
    for n in 0..3 {
        cluster.logs(n).unwrap().seen_up(cluster.ids[replicas[2]]);
    }
    // Goes on while the snapshot is sent.
    for row in 0..5 {
        add_at(&owner, "a", &CallOptions::default()).await.unwrap();
        fill(&owner, "a", 255 - row).await;
    }
    cluster.settled("a", 7).await;
    let session = Session::new();
    look(&owner, "a", &CallOptions::default().session(session.clone())).await.unwrap();
    let view = cluster.view(replicas[2], "a", &session).await;
    for row in (0..80).chain(251..=255) {
        let found = view.rows().get(&Key::new("a", [0x20, row])).await.unwrap();
        assert_eq!(found, Some(vec![row; ROW_BYTES]), "{row}");
    }
    assert!(view.end());
    // It can own the bucket, and survives a restart.
    cluster.kill(replicas[2], true);
    cluster.start(replicas[2], false).await;
    cluster.kill(replicas[0], true);
    assert_eq!(cluster.add(replicas[2], "a").await, 7);
    cluster.start(replicas[0], false).await;
    cluster.add(replicas[2], "a").await;
    cluster.settled("a", 9).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_too_far_behind_to_own_a_bucket_lets_another_one_do_it() {
    let cluster = Cluster::new(3, "3,2,2").await;
    let replicas = cluster.replicas("a");
    let owner = cluster.logs(replicas[0]).unwrap();
    add_at(&owner, "a", &CallOptions::default()).await.unwrap();
    cluster.kill(replicas[2], true);
    for row in 0..80 {
        fill(&owner, "a", row).await;
    }
    cluster.kill(replicas[0], true);
    cluster.start(replicas[2], false).await;
    // It is asked first, and can't.
    assert_eq!(cluster.add(replicas[2], "a").await, 1);
    let (last, other) = (cluster.logs(replicas[2]).unwrap(), cluster.ids[replicas[1]]);
    assert_eq!(last.owners().owner(b"a"), Owner::At(other));
    cluster.start(replicas[0], false).await;
    cluster.settled("a", 2).await;
}
