//! Some seeds, each a cluster under faults; and that the simulation would notice.

use kvs_rng::layout::Quorum;
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

#[test]
fn a_seed_replays_exactly() {
    for seed in [2, 7] {
        let first = run(Scenario::new(seed, Some(4)));
        // Another run between them changes nothing.
        run(Scenario::new(seed + 1, Some(3)));
        let second = run(Scenario::new(seed, Some(4)));
        assert_eq!(first.hash, second.hash, "seed {seed}");
        assert_eq!(first.world.history.operations(), second.world.history.operations());
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
