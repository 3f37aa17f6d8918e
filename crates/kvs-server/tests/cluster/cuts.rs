//! Nodes that can't reach each other, while clients reach all of them.

use crate::cluster::Cluster;
use crate::history::{History, all_are_read_through};
use crate::load::Load;

/// Writes that have to be acknowledged between two events.
const SOME: u64 = 60;
/// Answers there have to be while some entities have no majority that all clients reach. Calls that
/// come to nothing take their time.
const FEW: usize = 40;

#[test]
fn histories_are_linearizable_while_links_are_cut() {
    let (mut cluster, links) = Cluster::start_linked(5);
    let doors = cluster.doors();
    let history = History::of(&doors, |history| {
        history.goes_on();
        // One on its own, until all have noticed.
        for lonely in [0, 3] {
            let others = all_but(lonely);
            links.part(&[lonely], &others);
            cluster.wait_for(&others);
            let others: Vec<_> = others.iter().map(|n| doors[*n]).collect();
            all_are_read_through(&others);
            history.goes_on_for(FEW);
            links.heal();
            history.goes_on();
        }
        // Two sides: one has most of the replicas of some entities, the other those of others.
        for (some, others) in [([0, 1], [2, 3, 4]), ([2, 4], [0, 1, 3])] {
            links.part(&some, &others);
            history.goes_on_for(FEW);
            links.heal();
            history.goes_on();
        }
        // One that is heard and hears nothing, and one that hears and is not heard.
        for odd in [1, 2] {
            links.cut(&all_but(odd), &[odd]);
            history.goes_on_for(FEW);
            links.heal();
            links.cut(&[odd], &all_but(odd));
            history.goes_on_for(FEW);
            links.heal();
            history.goes_on();
        }
        // Some that can't reach each other, though all others reach both.
        links.part(&[0], &[1, 2]);
        history.goes_on_for(FEW);
        links.part(&[3], &[4]);
        history.goes_on_for(FEW);
        links.heal();
        // For moments that nobody notices as such.
        for n in 0..10 {
            links.part(&[n % 5], &all_but(n % 5));
            history.goes_on_for(10);
            links.heal();
            history.goes_on_for(20);
        }
        // And everything at once.
        links.part(&[0, 1], &[2, 3, 4]);
        cluster[2].kill();
        history.goes_on_for(10);
        links.heal();
        cluster[3].freeze();
        cluster[2].start();
        history.goes_on_for(FEW);
        cluster[3].thaw();
        history.goes_on();
    });
    cluster.wait_for_all();
    history.is_what_all_show(&doors);
    history.is_linearizable();
    cluster.is_unharmed();
}

#[test]
fn cuts_cost_no_acknowledged_write() {
    let (mut cluster, links) = Cluster::start_linked(5);
    let load = Load::start(2, &cluster.doors());
    load.goes_on(SOME);
    for lonely in [0, 3] {
        links.part(&[lonely], &all_but(lonely));
        cluster.wait_for(&all_but(lonely));
        load.goes_on(SOME);
        links.heal();
        load.goes_on(SOME);
    }
    links.part(&[0, 1], &[2, 3, 4]);
    load.goes_on(SOME);
    links.heal();
    for odd in [1, 2] {
        links.cut(&all_but(odd), &[odd]);
        load.goes_on(SOME);
        links.heal();
        links.cut(&[odd], &all_but(odd));
        load.goes_on(SOME);
        links.heal();
        load.goes_on(SOME);
    }
    cluster.wait_for_all();
    let written = load.stop();
    written.is_read_through(&cluster.doors());
    cluster.is_unharmed();
}

fn all_but(one: usize) -> Vec<usize> {
    (0..5).filter(|n| *n != one).collect()
}
