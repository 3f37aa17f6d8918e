//! Some seeds, each a cluster under faults; and that the simulation would notice.

use kvs_rng::layout::Quorum;
use kvs_rng::replica::Condition;
use kvs_sim::scenario::Fault;
use kvs_sim::{Run, Scenario, run};

fn report(run: &Run) -> String {
    let violations: Vec<_> = run.violations.iter().map(ToString::to_string).collect();
    let seed = run.scenario.seed;
    format!("{}\n  to replay: cargo xtask sim --seed {seed} --verbose", violations.join("\n"))
}

#[test]
fn clusters_keep_their_promises_under_faults() {
    for seed in 1..=5 {
        let run = run(Scenario::new(seed, None));
        assert!(run.violations.is_empty(), "seed {seed}: {}", report(&run));
        assert!(run.counts.done >= 100, "seed {seed}: nothing was done: {:?}", run.counts);
    }
}

/// With entities most do, but not all: who waits for the progress of a log is woken in an order that is not
/// drawn from the seed.
#[test]
fn a_seed_replays_exactly() {
    for seed in [2, 7] {
        let scenario = |seed, nodes| Scenario::new(seed, Some(nodes)).without_entities();
        let first = run(scenario(seed, 4));
        // Another run between them changes nothing.
        run(scenario(seed + 1, 3));
        let second = run(scenario(seed, 4));
        assert_eq!(first.hash, second.hash, "seed {seed}");
        assert_eq!(first.world.history.operations(), second.world.history.operations());
    }
}

#[test]
fn a_lost_disk_costs_nothing_and_its_node_is_replaced() {
    let wiped = |fault: &(u64, Fault)| matches!(fault.1, Fault::Wipe(_));
    let scenarios = (1..).map(|seed| Scenario::new(seed, Some(4)));
    for scenario in scenarios.filter(|it| it.faults.iter().any(wiped)).take(3) {
        let run = run(scenario);
        let seed = run.scenario.seed;
        assert!(run.violations.is_empty(), "seed {seed}: {}", report(&run));
        let reports = run.world.reports();
        for node in reports.values() {
            assert_eq!(node.condition, Condition::Clean, "seed {seed}");
            // One version for each that joined, and one for the new disk.
            assert!(node.layout.version() > 4, "seed {seed}: version {}", node.layout.version());
            assert_eq!(node.layout.members().len(), 4, "seed {seed}");
            assert!(node.layout.member(node.id).is_some(), "seed {seed}");
        }
    }
}

/// With a quorum in which reads may miss writes, some must.
#[test]
fn a_weak_quorum_is_found_out() {
    let found = (1..=20).any(|seed| {
        let quorum = Quorum { n: 3, w: 1, r: 1 };
        let run = run(Scenario { quorum, ..Scenario::new(seed, Some(5)) });
        run.violations.iter().any(|violation| violation.check == "acknowledged writes are read")
    });
    assert!(found, "twenty seeds with a weak quorum, and no read missed a write");
}
