//! Histories of entities while nodes die and stand still, checked for linearizability.

use crate::cluster::Cluster;
use crate::history::{History, all_are_read_through};

#[test]
fn histories_are_linearizable_while_nodes_die_and_stand_still() {
    let mut cluster = Cluster::start(5, &[]);
    let doors = cluster.doors();
    let history = History::of(&doors, |history| {
        history.goes_on();
        for victim in 0..5 {
            cluster[victim].kill();
            history.goes_on();
            cluster[victim].start();
            history.goes_on();
        }
        for frozen in [1, 4, 0] {
            cluster[frozen].freeze();
            let others: Vec<usize> = (0..5).filter(|n| *n != frozen).collect();
            cluster.wait_for(&others);
            let others: Vec<_> = others.iter().map(|n| doors[*n]).collect();
            all_are_read_through(&others);
            history.goes_on();
            cluster[frozen].thaw();
            history.goes_on();
        }
        for node in [2, 3] {
            cluster[node].kill();
        }
        for node in [2, 3] {
            cluster[node].start();
        }
        history.goes_on();
    });
    cluster.wait_for_all();
    history.is_what_all_show(&doors);
    history.is_linearizable();
}
