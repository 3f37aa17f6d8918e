//! What may happen, and how often.

use std::time::Duration;

use kvs_rng::log::core::world::{Bounds, Setting, node};
use kvs_rng::log::core::{Rules, Voters};

/// Something that may happen, in all the ways that it may.
pub struct Scenario {
    /// As on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its setting.
    pub setting: fn() -> Setting,
}

/// A rule, and where the checker sees what it is for.
pub struct Rule {
    /// The name of its switch.
    pub name: &'static str,
    /// Switches it off.
    pub off: fn(&mut Rules),
    /// The scenario in which a violation is found without it.
    pub scenario: &'static str,
}

const NONE: Bounds = Bounds {
    take_overs: 0,
    submits: 0,
    confirms: 0,
    crashes: 0,
    ticks: 0,
    step_downs: 0,
    power_losses: 0,
    wipes: 0,
    trims: 0,
    passes: 0,
};

/// Three nodes; `owners` take over one after another, and only those of `links` reach each other. Messages
/// come once or never, refusals never.
fn narrow(bounds: Bounds, owners: &[u8], links: &[(u8, u8)]) -> Setting {
    let mut setting = Setting::new(3);
    setting.bounds = bounds;
    setting.bounds.take_overs = u8::try_from(owners.len()).unwrap_or(u8::MAX);
    setting.owners = owners.iter().copied().map(node).collect();
    setting.links = links.iter().map(|(one, other)| (node(*one), node(*other))).collect();
    setting.repeats = false;
    setting.refusals = false;
    setting
}

/// Nodes 1 and 3 own the bucket one after the other, with node 2; leases take two passes of time.
fn leased(bounds: Bounds) -> Setting {
    let mut setting = narrow(bounds, &[1, 3], &[(1, 2), (2, 3)]);
    setting.limits.lease = Duration::from_secs(2);
    setting
}

/// Node 4 takes the place of node 3.
fn change(mut setting: Setting) -> Setting {
    setting.nodes = [1, 2, 3, 4].map(node).to_vec();
    let (old, new) = ([1, 2, 3].map(node), [1, 2, 4].map(node));
    setting.stages = vec![Voters::new(1, old), Voters::joint(2, old, new), Voters::new(3, new)];
    setting
}

/// `faulty` crashes, at any point of its writes.
fn crash(mut setting: Setting, faulty: u8) -> Setting {
    setting.bounds.crashes = 1;
    setting.writes_at_once = false;
    setting.faulty = Some(node(faulty));
    setting
}

/// All scenarios: first narrow ones, which are explored to the end, and then wide ones.
pub const SCENARIOS: [Scenario; 22] = [
    Scenario {
        name: "deposed",
        about: "two owners in a row with one replica in common, and a command",
        setting: || narrow(Bounds { submits: 1, ..NONE }, &[1, 3], &[(1, 2), (2, 3)]),
    },
    Scenario {
        name: "successor",
        about: "the second owner has nothing itself",
        setting: || narrow(NONE, &[1, 3], &[(1, 2), (2, 3)]),
    },
    Scenario {
        name: "longer",
        about: "an owner comes back with a longer log, which is older",
        setting: || {
            let mut setting = narrow(NONE, &[1, 3], &[(1, 2), (2, 3)]);
            setting.prelude = vec![(node(3), node(1)); 2];
            setting
        },
    },
    Scenario {
        name: "older",
        about: "an entry of an earlier owner reaches a majority late",
        setting: || narrow(NONE, &[1, 3, 1, 3], &[(1, 2), (2, 3)]),
    },
    Scenario {
        name: "histories",
        about: "the second owner takes over twice, while the first has another entry there",
        setting: || narrow(Bounds { submits: 1, ..NONE }, &[1, 2, 2], &[(1, 2), (2, 3)]),
    },
    Scenario {
        name: "reads",
        about: "a read at an owner that was deposed",
        setting: || narrow(Bounds { submits: 1, confirms: 1, ..NONE }, &[1, 2], &[(1, 2), (2, 3)]),
    },
    Scenario {
        name: "leased",
        about: "reads under a lease, while another node wants to own the bucket",
        setting: || leased(Bounds { submits: 1, confirms: 2, passes: 2, ..NONE }),
    },
    Scenario {
        name: "granter-crashes",
        about: "the same, and who has granted the lease forgets it",
        setting: || {
            let mut setting =
                leased(Bounds { submits: 1, confirms: 2, passes: 1, crashes: 1, ..NONE });
            setting.faulty = Some(node(2));
            setting
        },
    },
    Scenario {
        name: "gives-up",
        about: "an owner gives up with a command under way",
        setting: || narrow(Bounds { submits: 1, step_downs: 1, ..NONE }, &[1, 1], &[(1, 2)]),
    },
    Scenario {
        name: "replica-crashes",
        about: "a replica crashes between its answers and its writes",
        setting: || crash(narrow(NONE, &[1, 2], &[(1, 2), (2, 3)]), 2),
    },
    Scenario {
        name: "owner-crashes",
        about: "an owner crashes between its messages and its writes",
        setting: || crash(narrow(NONE, &[1, 3], &[(1, 2), (1, 3)]), 1),
    },
    Scenario {
        name: "power",
        about: "a replica loses power, and with it what it had acknowledged",
        setting: || {
            let mut setting =
                narrow(Bounds { power_losses: 1, ..NONE }, &[1, 3], &[(1, 2), (2, 3)]);
            setting.faulty = Some(node(2));
            setting
        },
    },
    Scenario {
        name: "wipe",
        about: "a replica loses its disk",
        setting: || {
            let mut setting = narrow(Bounds { wipes: 1, ..NONE }, &[1, 3], &[(1, 2), (2, 3)]);
            setting.faulty = Some(node(2));
            setting
        },
    },
    Scenario {
        name: "snapshot",
        about: "a replica has missed what is trimmed",
        setting: || {
            narrow(Bounds { submits: 1, trims: 1, ticks: 2, ..NONE }, &[1], &[(1, 2), (1, 3)])
        },
    },
    Scenario {
        name: "joint",
        about: "a joiner and the majority that doesn't know it",
        setting: || change(narrow(NONE, &[2, 1], &[(2, 3), (1, 4)])),
    },
    Scenario {
        name: "old-layout",
        about: "a node that still knows the set before the last but one",
        setting: || {
            let mut setting = change(narrow(NONE, &[2, 4, 3], &[(2, 3), (2, 4), (4, 1)]));
            setting.informed = [2, 4].map(node).to_vec();
            setting
        },
    },
    Scenario {
        name: "stages",
        about: "the stages of a change, one after another",
        setting: || {
            let mut setting = change(narrow(NONE, &[2, 4], &[(2, 3), (2, 4), (4, 1)]));
            setting.informed = [2, 4].map(node).to_vec();
            setting
        },
    },
    Scenario {
        name: "joiner",
        about: "a joiner that has missed what came before it",
        setting: || change(narrow(Bounds { submits: 1, ..NONE }, &[2], &[(1, 2), (2, 4)])),
    },
    Scenario {
        name: "any-rivals",
        about: "any two take-overs and a command, everybody reaches everybody",
        setting: || wide(Bounds { take_overs: 2, submits: 1, ..NONE }),
    },
    Scenario {
        name: "repeats",
        about: "two take-overs and a command; messages come any number of times, refusals too",
        setting: || {
            let mut setting = narrow(Bounds { submits: 1, ..NONE }, &[1, 3], &[(1, 2), (2, 3)]);
            setting.repeats = true;
            setting.refusals = true;
            setting
        },
    },
    Scenario {
        name: "any-crash",
        about: "any two take-overs, a crash at any point of any node's writes",
        setting: || {
            let mut setting = wide(Bounds { take_overs: 2, crashes: 1, ..NONE });
            setting.writes_at_once = false;
            setting
        },
    },
    Scenario {
        name: "any-change",
        about: "any two take-overs, while a replica is replaced",
        setting: || change(wide(Bounds { take_overs: 2, ..NONE })),
    },
];

/// Three nodes that all reach each other; the first take-over is by the first node, which is as good as any,
/// the others by whoever likes. Messages come once or never, refusals never.
fn wide(bounds: Bounds) -> Setting {
    let take_overs = bounds.take_overs;
    let mut setting = narrow(bounds, &[1], &[]);
    setting.bounds.take_overs = take_overs;
    setting
}

/// All rules.
pub const RULES: [Rule; 18] = [
    Rule { name: "promises", off: |it| it.promises = false, scenario: "deposed" },
    Rule {
        name: "persisted_answers",
        off: |it| it.persisted_answers = false,
        scenario: "replica-crashes",
    },
    Rule { name: "persisted_self", off: |it| it.persisted_self = false, scenario: "owner-crashes" },
    Rule { name: "highest_tail", off: |it| it.highest_tail = false, scenario: "successor" },
    Rule {
        name: "epoch_before_length",
        off: |it| it.epoch_before_length = false,
        scenario: "longer",
    },
    Rule { name: "own_entry_first", off: |it| it.own_entry_first = false, scenario: "older" },
    Rule { name: "matching_prev", off: |it| it.matching_prev = false, scenario: "histories" },
    Rule { name: "told_commit", off: |it| it.told_commit = false, scenario: "owner-crashes" },
    Rule { name: "read_rounds", off: |it| it.read_rounds = false, scenario: "reads" },
    Rule { name: "unknown_outcomes", off: |it| it.unknown_outcomes = false, scenario: "gives-up" },
    Rule { name: "joint_majorities", off: |it| it.joint_majorities = false, scenario: "joint" },
    Rule { name: "newest_layout", off: |it| it.newest_layout = false, scenario: "old-layout" },
    Rule { name: "stages_committed", off: |it| it.stages_committed = false, scenario: "stages" },
    Rule { name: "joiner_data", off: |it| it.joiner_data = false, scenario: "joiner" },
    Rule { name: "doubts", off: |it| it.doubts = false, scenario: "power" },
    Rule { name: "leases", off: |it| it.leases = false, scenario: "leased" },
    Rule {
        name: "leases_outlast_starts",
        off: |it| it.leases_outlast_starts = false,
        scenario: "granter-crashes",
    },
    Rule { name: "new_identity", off: |it| it.new_identity = false, scenario: "wipe" },
];

/// The setting of the scenario `name`.
pub fn setting(name: &str) -> Option<Setting> {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name)?;
    Some((scenario.setting)())
}
