//! Random schedules of a world of cores, under all that may go wrong.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::log::core::Voters;
use crate::log::core::world::{Bounds, Setting, Step, World, node};

const MANY: u8 = 200;
const LEASE: Duration = Duration::from_secs(3);

fn setting(nodes: u8, writes_at_once: bool) -> Setting {
    let mut setting = Setting::new(nodes);
    setting.limits.trim_entries = 3;
    setting.limits.message_bytes = 400;
    setting.pages = 2;
    setting.writes_at_once = writes_at_once;
    setting.bounds = Bounds {
        take_overs: MANY,
        submits: MANY,
        confirms: MANY,
        crashes: 10,
        ticks: MANY,
        step_downs: 10,
        power_losses: 1,
        wipes: 0,
        trims: 5,
        passes: 0,
    };
    setting
}

/// Goes through the world by `choices`: mostly what was sent last is delivered soon, so that much gets
/// done, but anything may come at any time, again or never.
fn run(mut setting: Setting, choices: &[(u8, u16)]) -> World {
    let mut world = World::new(&setting);
    for (kind, choice) in choices {
        let mut steps = Vec::new();
        world.steps(&setting, &mut steps);
        let wanted = |step: &&Step| match (step, kind % 32) {
            (Step::Deliver(_) | Step::Write(_), 0..=19) => true,
            (Step::Submit(_), 20..=23) => true,
            (Step::Confirm(_), 24 | 25) => true,
            (Step::Tick(..), 26 | 27) => true,
            (Step::TakeOver(_), 28) => true,
            (Step::Learn(_) | Step::Advance | Step::Pass, 29) => true,
            (Step::Deliver(_) | Step::Submit(_), 30..) => false,
            (_, 30..) => true,
            _ => false,
        };
        let of_kind: Vec<_> = steps.iter().filter(wanted).collect();
        let all: Vec<_> = steps.iter().collect();
        let from = if of_kind.is_empty() { all } else { of_kind };
        let Some(step) = from.get(usize::from(*choice) % from.len().max(1)) else { break };
        setting.repeats = kind / 32 == 0;
        world.take(&setting, (*step).clone());
        if kind / 32 == 1 {
            // Something is lost, too.
            let lost = world.network.iter().nth(usize::from(*choice) % 7).cloned();
            lost.map(|envelope| world.network.remove(&envelope));
        }
        assert_eq!(world.history.violation, None, "after {step:?}");
    }
    world
}

fn choices() -> impl Strategy<Value = Vec<(u8, u16)>> {
    prop::collection::vec(any::<(u8, u16)>(), 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn three_replicas(choices in choices(), writes_at_once in any::<bool>()) {
        run(setting(3, writes_at_once), &choices);
    }

    #[test]
    fn five_replicas(choices in choices(), writes_at_once in any::<bool>()) {
        run(setting(5, writes_at_once), &choices);
    }

    #[test]
    fn leases(choices in choices(), nodes in prop::sample::select(vec![3, 5])) {
        let mut setting = setting(nodes, true);
        setting.limits.lease = LEASE;
        setting.bounds.passes = MANY;
        run(setting, &choices);
    }

    #[test]
    fn replica_sets_that_change(choices in choices(), writes_at_once in any::<bool>()) {
        let mut setting = setting(5, writes_at_once);
        let (old, new) = ([1, 2, 3].map(node), [1, 4, 5].map(node));
        let mut copying = Voters::new(2, old);
        copying.learners = vec![node(4), node(5)];
        setting.stages = vec![
            Voters::new(1, old),
            copying,
            Voters::joint(3, old, new),
            Voters::new(4, new),
            Voters::joint(5, new, [2, 3, 4].map(node)),
            Voters::new(6, [2, 3, 4].map(node)),
        ];
        run(setting, &choices);
    }
}

#[test]
fn schedules_get_somewhere() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut committed, mut confirmed) = (0, false);
    for _ in 0..50 {
        let choices = choices().new_tree(&mut runner).unwrap().current();
        let world = run(setting(3, true), &choices);
        committed = committed.max(world.history.done);
        confirmed |= world.history.confirmed;
    }
    assert!(committed > 10, "only {committed}");
    assert!(confirmed);
}
