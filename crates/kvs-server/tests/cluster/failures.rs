//! Nodes die, stand still, stop and start while clients write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cluster::Cluster;
use crate::load::Load;

/// Writes that have to be acknowledged between two events.
const SOME: u64 = 60;

#[test]
fn nodes_that_die_or_stand_still_cost_no_acknowledged_write() {
    let mut cluster = Cluster::start(5, &[]);
    let load = Load::start(2, &cluster.doors());
    load.goes_on(SOME);

    // Dead, and back before or after the others have noticed.
    cluster[1].kill();
    load.goes_on(SOME);
    cluster[1].start();
    load.goes_on(SOME);
    cluster[0].kill();
    cluster.wait_for(&[1, 2, 3, 4]);
    load.goes_on(SOME);
    cluster[0].start();
    cluster.wait_for_all();

    // Frozen until all others take it for dead, which is what it wakes up to.
    for frozen in [3, 0] {
        cluster[frozen].freeze();
        let others: Vec<usize> = (0..5).filter(|n| *n != frozen).collect();
        cluster.wait_for(&others);
        load.goes_on(SOME);
        cluster[frozen].thaw();
        cluster.wait_for_all();
        load.goes_on(SOME);
    }

    let written = load.stop();
    written.is_read_through(&cluster.doors());
    cluster.is_unharmed();
}

#[test]
fn all_nodes_may_die_at_once() {
    let mut cluster = Cluster::start(5, &[]);
    let load = Load::start(2, &cluster.doors());
    load.goes_on(5 * SOME);
    let written = load.stop();
    for node in cluster.nodes_mut() {
        node.kill();
    }
    for node in cluster.nodes_mut() {
        node.spawn();
    }
    for node in cluster.nodes_mut() {
        node.served();
    }
    written.is_read_through(&cluster.doors());
    cluster.is_unharmed();
    written.is_read_through(&cluster.doors());
}

#[test]
fn nodes_that_are_told_to_stop_finish_what_they_do() {
    let mut cluster = Cluster::start(3, &[]);
    let load = Load::start(2, &cluster.doors());
    for n in [1, 0, 2] {
        load.goes_on(SOME);
        assert_eq!(cluster[n].terminate(), Some(0), "{}", cluster[n].log());
        load.goes_on(SOME);
        cluster[n].start();
        cluster.wait_for_all();
    }
    let written = load.stop();
    written.is_read_through(&cluster.doors());
    for node in cluster.nodes() {
        let log = node.log();
        for trouble in ["panicked", "cut off", "could not be recorded", "unclean"] {
            assert!(!log.contains(trouble), "{trouble}:\n{log}");
        }
    }
    cluster.is_unharmed();
}

/// The requests in flight when a node dies may wait for it; those that begin later may not. As the
/// machine may be busy with other things for a second, one of three rounds may be slow.
#[test]
fn no_request_waits_for_a_dead_node() {
    let mut cluster = Cluster::start(5, &[]);
    let mut slowest: Vec<Duration> = [1, 3, 4]
        .into_iter()
        .map(|victim| {
            let slowest = slowest_beside(&mut cluster, victim);
            cluster[victim].start();
            cluster.wait_for_all();
            slowest
        })
        .collect();
    slowest.sort_unstable();
    assert!(slowest[1] < Duration::from_secs(1), "{slowest:?}");
}

/// Kills a node, and gives the longest time that a request through another one takes until all know
/// that it is dead, and for a while after.
fn slowest_beside(cluster: &mut Cluster, victim: usize) -> Duration {
    let others: Vec<usize> = (0..5).filter(|n| *n != victim).collect();
    let stop = AtomicBool::default();
    thread::scope(|scope| {
        let clients: Vec<_> = others
            .iter()
            .map(|n| {
                let (door, stop) = (cluster[*n].addresses().resp, &stop);
                scope.spawn(move || times(*n, Client::new(door), stop))
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        cluster[victim].kill();
        let killed = Instant::now();
        cluster.wait_for(&others);
        thread::sleep(Duration::from_secs(1));
        stop.store(true, Ordering::Relaxed);
        let times = clients.into_iter().flat_map(|client| client.join().unwrap());
        let after: Vec<_> = times.filter(|(begun, _)| *begun >= killed).collect();
        assert!(after.len() > 100, "{} requests", after.len());
        after.into_iter().map(|(_, took)| took).max().unwrap()
    })
}

/// When requests began, and how long each of them took.
fn times(name: usize, mut client: Client, stop: &AtomicBool) -> Vec<(Instant, Duration)> {
    let mut times = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("{name}-{}", n % 500);
        let begun = Instant::now();
        // A write that was on its way to the dead node is reported as unknown, but soon.
        let _ = if n % 2 == 0 { client.put(&key, "value") } else { client.get(&key).map(drop) };
        times.push((begun, begun.elapsed()));
    }
    times
}
