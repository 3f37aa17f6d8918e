use super::*;
use crate::replica::tests::disk::{Disk, Writes};

/// A node with a full disk is up all the same: nothing but its refusals tell the others.
#[tokio::test(start_paused = true)]
async fn an_owner_that_can_not_write_leaves_its_buckets_to_others() {
    let mut cluster = Arc::into_inner(Cluster::new(3, "3,2,2").await).unwrap();
    let owner = cluster.replicas("a")[0];
    let disk = Disk::default();
    cluster.kill(owner, true);
    cluster.stores[owner] = disk.store();
    cluster.start(owner, false).await;
    let mut expected = 0;
    let mut add = async |adds: u64| {
        for n in 0..adds {
            assert_eq!(cluster.add(usize::try_from(n % 3).unwrap(), "a").await, expected);
            expected += 1;
            sleep(Duration::from_millis(20)).await;
        }
        expected
    };
    add(10).await;
    assert_eq!(cluster.logs(owner).unwrap().owners().owner(b"a"), Owner::Here);

    disk.writes(Writes::Refuse);
    let began = Instant::now();
    // Long enough for it to have tried again some times.
    add(300).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_ne!(cluster.logs(owner).unwrap().owners().owner(b"a"), Owner::Here);

    disk.writes(Writes::Work);
    sleep(Duration::from_secs(2)).await;
    let all = add(10).await;
    cluster.settled("a", all).await;
}
