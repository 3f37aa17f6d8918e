//! Many tasks at once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;

use super::disk::Disk;
use super::*;

const TASKS: u64 = 32;
const WRITES: u64 = 50;

/// Half of the writes fall on one row, the others have their own; two buckets share a lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_write_is_lost_and_no_dot_given_twice() {
    for is_slow in [false, true] {
        let disk = Disk::default();
        disk.gauge.is_slow.store(is_slow, Ordering::SeqCst);
        let replica = open(&disk.store(), 1).await;
        // The first block ends in the middle of it.
        drop(replica.inner().dots.take(DOTS_RESERVED as usize - 700).await.unwrap());
        let buckets = [Bucket(1), Bucket(2), Bucket(258)];
        let tasks = (0..TASKS).map(|task| {
            let replica = replica.clone();
            kvs_core::env::spawn(async move {
                let mut minted = Vec::new();
                for n in 0..WRITES {
                    let bucket = buckets[((task + n) % 3) as usize];
                    let own = [task.to_be_bytes(), n.to_be_bytes()].concat();
                    let nothing = Some(Default::default());
                    let shared = Write { seen: nothing, ..Write::put("shared", own.clone()) };
                    let write = if n % 25 == 0 { shared } else { Write::put(own.clone(), own) };
                    let items = replica.mint(bucket, b"p", vec![write]).await.unwrap();
                    minted.push((bucket, items[0].clone()));
                }
                minted
            })
        });
        let minted: Vec<_> = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
        let mut dots = BTreeSet::new();
        let mut held = 0;
        for bucket in buckets {
            for item in all(&replica, bucket).await {
                held += item.versions.siblings().len();
                dots.extend(item.versions.siblings().iter().map(|sibling| sibling.dot));
            }
            assert_no_drift(&replica, bucket).await;
        }
        assert_eq!(held as u64, TASKS * WRITES);
        assert_eq!(dots.len(), held);
        // What was answered is part of what is held.
        for (bucket, item) in minted {
            assert!(replica.get(bucket, &item.key).await.unwrap() >= item.versions);
        }
    }
}
