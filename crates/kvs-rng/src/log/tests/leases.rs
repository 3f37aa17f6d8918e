use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const LEASE: Duration = Duration::from_secs(2);

fn soon() -> CallOptions {
    CallOptions::default().deadline(Duration::from_millis(100))
}

#[tokio::test(start_paused = true)]
async fn a_leased_owner_asks_nobody_and_an_idle_one_either() {
    let cluster = Cluster::with(3, "3,2,2", 1, LEASE).await;
    let owner = cluster.logs(cluster.replicas("a")[0]).unwrap();
    cluster.add(cluster.replicas("a")[0], "a").await;
    assert_eq!(look(&owner, "a", &soon()).await.unwrap(), 1);
    sleep(Duration::from_millis(500)).await;
    let calls = cluster.calls();
    for _ in 0..1_000 {
        assert_eq!(look(&owner, "a", &soon()).await.unwrap(), 1);
    }
    assert_eq!(cluster.calls(), calls);

    // It is renewed while there are reads, and only then.
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        look(&owner, "a", &soon()).await.unwrap();
    }
    assert!(cluster.calls() - calls < 300, "{} calls in a minute", cluster.calls() - calls);
    sleep(Duration::from_secs(30)).await;
    let calls = cluster.calls();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(cluster.calls(), calls);
}

/// Cuts a node off, and has the others take it for down.
fn cut_off(cluster: &Cluster, n: usize) {
    cluster.cut(n);
    cluster.world.down.lock().unwrap().insert(cluster.ids[n]);
}

/// Reads at an owner that is cut off until it admits that it may be none any more, while the others get a
/// new one. Gives how many of the reads were answered, and how long it took to get the new one.
async fn reads_at_one_that_is_cut_off(
    cluster: &Arc<Cluster>,
    name: &'static str,
) -> (u64, Duration) {
    let replicas = cluster.replicas(name);
    let owner = cluster.logs(replicas[0]).unwrap();
    let before = look(&owner, name, &soon()).await.unwrap();
    // The second read has the lease that the first one asked for.
    sleep(Duration::from_millis(20)).await;
    look(&owner, name, &soon()).await.unwrap();
    cut_off(cluster, replicas[0]);
    let began = Instant::now();
    let done = Arc::new(AtomicU64::new(before));
    let writer = {
        let (cluster, done) = (cluster.clone(), done.clone());
        let other = replicas[1];
        kvs_core::env::spawn(async move {
            let now = cluster.add(other, name).await + 1;
            done.store(now, Ordering::SeqCst);
            began.elapsed()
        })
    };
    let mut answered = 0;
    loop {
        let least = done.load(Ordering::SeqCst);
        match look(&owner, name, &soon()).await {
            Ok(seen) => {
                assert!(least <= seen, "{seen} at an owner that was deposed, {least} before");
                answered += 1;
            }
            Err(_) if writer.is_finished() => break,
            Err(_) => {}
        }
        sleep(Duration::from_millis(10)).await;
    }
    (answered, writer.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_cut_off_reads_on_until_its_lease_runs_out() {
    let cluster = Cluster::with(3, "3,2,2", 1, LEASE).await;
    cluster.add(cluster.replicas("a")[0], "a").await;
    let (answered, took) = reads_at_one_that_is_cut_off(&cluster, "a").await;
    assert!(answered > 50, "{answered}");
    assert!(took > LEASE * 8 / 10 && took < LEASE * 4, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_leases_it_reads_nothing() {
    let cluster = Cluster::new(3, "3,2,2").await;
    cluster.add(cluster.replicas("a")[0], "a").await;
    let (answered, took) = reads_at_one_that_is_cut_off(&cluster, "a").await;
    assert_eq!(answered, 0);
    assert!(took < LEASE * 2, "{took:?}");
}

/// A node is bound by what it has granted before it was started again, with whatever setting.
#[tokio::test(start_paused = true)]
async fn a_lease_outlasts_the_start_of_who_has_granted_it() {
    for again in [LEASE, Duration::ZERO] {
        let cluster = Cluster::with(3, "3,2,2", 1, LEASE).await;
        let replicas = cluster.replicas("a");
        let owner = cluster.logs(replicas[0]).unwrap();
        cluster.add(replicas[0], "a").await;
        // Only one of the others has granted the lease.
        cluster.kill(replicas[2], false);
        look(&owner, "a", &soon()).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        *cluster.read_lease.lock().unwrap() = again;
        cluster.kill(replicas[1], false);
        cluster.start(replicas[1], false).await;
        cluster.start(replicas[2], false).await;
        cut_off(&cluster, replicas[0]);
        let began = Instant::now();
        assert_eq!(cluster.add(replicas[2], "a").await, 1);
        assert!(began.elapsed() > LEASE * 8 / 10, "after {:?}", began.elapsed());
    }
}

/// Who grants nothing is counted on by nobody, and who grants for a shorter time is for that long.
#[tokio::test(start_paused = true)]
async fn nodes_with_other_settings_live_together() {
    for (granted, expected) in [(Duration::ZERO, 0..1), (LEASE / 4, 10..60)] {
        let cluster = Cluster::with(3, "3,2,2", 1, granted).await;
        let owner = cluster.replicas("a")[0];
        *cluster.read_lease.lock().unwrap() = LEASE;
        cluster.kill(owner, false);
        cluster.start(owner, false).await;
        sleep(LEASE).await;
        cluster.add(owner, "a").await;
        let (answered, _) = reads_at_one_that_is_cut_off(&cluster, "a").await;
        assert!(expected.contains(&answered), "{answered} with {granted:?}");
    }
}
