//! What may happen, and how often.

use kvs_rng::log::core::world::{Bounds, Setting, node};
use kvs_rng::log::core::{Rules, Voters};

/// A name, what the scenario is about, and its setting under all rules.
pub struct Scenario {
    /// As on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its setting.
    pub setting: Setting,
}

/// A rule, how to switch it off, and where the checker sees that.
pub struct Rule {
    /// The name of its switch.
    pub name: &'static str,
    /// Switches it off.
    pub off: fn(&mut Rules),
    /// The name of the scenario in which a violation is found without it.
    pub scenario: &'static str,
}

/// All scenarios.
pub fn scenarios() -> Vec<Scenario> {
    let with = |bounds: Bounds, more: fn(&mut Setting)| {
        let mut setting = Setting::new(3);
        setting.bounds = bounds;
        more(&mut setting);
        setting
    };
    let none = Bounds::default();
    vec![
        Scenario {
            name: "rivals",
            about: "two take-overs, a command, a request that is sent again",
            setting: with(Bounds { take_overs: 2, submits: 1, ticks: 1, ..none }, |_| {}),
        },
        Scenario {
            name: "histories",
            about: "three take-overs, two commands, an owner that gives up",
            setting: with(Bounds { take_overs: 3, submits: 1, step_downs: 1, ..none }, |_| {}),
        },
        Scenario {
            name: "reads",
            about: "a read at an owner that was deposed",
            setting: with(Bounds { take_overs: 2, submits: 1, confirms: 1, ..none }, |_| {}),
        },
        Scenario {
            name: "crashes",
            about: "a process dies with writes that are not on its disk",
            setting: with(Bounds { take_overs: 2, submits: 1, crashes: 1, ..none }, |setting| {
                setting.writes_at_once = false;
            }),
        },
        Scenario {
            name: "power",
            about: "a node loses power, and with it what it had acknowledged",
            setting: with(Bounds { take_overs: 2, submits: 1, power_losses: 1, ..none }, |_| {}),
        },
        Scenario {
            name: "wipe",
            about: "a node loses its disk",
            setting: with(Bounds { take_overs: 2, submits: 1, wipes: 1, ..none }, |_| {}),
        },
        Scenario {
            name: "change",
            about: "a replica is replaced by another",
            setting: with(Bounds { take_overs: 2, submits: 1, ..none }, |setting| {
                setting.nodes = [1, 2, 3, 4].map(node).to_vec();
                let (old, new) = ([1, 2, 3].map(node), [1, 2, 4].map(node));
                setting.stages =
                    vec![Voters::new(1, old), Voters::joint(2, old, new), Voters::new(3, new)];
            }),
        },
        Scenario {
            name: "snapshot",
            about: "a replica lags behind what was trimmed",
            setting: with(Bounds { take_overs: 2, submits: 1, trims: 1, ticks: 1, ..none }, |_| {}),
        },
    ]
}

/// All rules.
pub const RULES: [Rule; 16] = [
    Rule { name: "promises", off: |it| it.promises = false, scenario: "rivals" },
    Rule { name: "persisted_answers", off: |it| it.persisted_answers = false, scenario: "crashes" },
    Rule { name: "persisted_self", off: |it| it.persisted_self = false, scenario: "crashes" },
    Rule { name: "highest_tail", off: |it| it.highest_tail = false, scenario: "rivals" },
    Rule { name: "epoch_before_length", off: |it| it.epoch_before_length = false, scenario: "histories" },
    Rule { name: "own_entry_first", off: |it| it.own_entry_first = false, scenario: "histories" },
    Rule { name: "matching_prev", off: |it| it.matching_prev = false, scenario: "histories" },
    Rule { name: "told_commit", off: |it| it.told_commit = false, scenario: "histories" },
    Rule { name: "read_rounds", off: |it| it.read_rounds = false, scenario: "reads" },
    Rule { name: "unknown_outcomes", off: |it| it.unknown_outcomes = false, scenario: "histories" },
    Rule { name: "joint_majorities", off: |it| it.joint_majorities = false, scenario: "change" },
    Rule { name: "newest_layout", off: |it| it.newest_layout = false, scenario: "change" },
    Rule { name: "stages_committed", off: |it| it.stages_committed = false, scenario: "change" },
    Rule { name: "joiner_data", off: |it| it.joiner_data = false, scenario: "change" },
    Rule { name: "doubts", off: |it| it.doubts = false, scenario: "power" },
    Rule { name: "new_identity", off: |it| it.new_identity = false, scenario: "wipe" },
];

/// The scenario `name`.
pub fn scenario(name: &str) -> Option<Scenario> {
    scenarios().into_iter().find(|scenario| scenario.name == name)
}
