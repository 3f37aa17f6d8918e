//! Each rule of the logs' protocol is there for a reason, which the checker finds.

use kvs_model::model::explore;
use kvs_model::scenario::{RULES, setting};

const STATES_MAX: usize = 4_000_000;

#[test]
fn without_any_one_rule_something_goes_wrong() {
    for rule in &RULES {
        let mut setting = setting(rule.scenario).expect("the scenario of a rule");
        (rule.off)(&mut setting.rules);
        let report = explore(setting, 1, STATES_MAX);
        assert!(report.violation.is_some(), "nothing goes wrong without {}", rule.name);
    }
}

#[test]
fn with_all_rules_nothing_goes_wrong() {
    for name in [
        "deposed",
        "leased",
        "granter-crashes",
        "successor",
        "older",
        "gives-up",
        "power",
        "wipe",
        "joint",
    ] {
        let report = explore(setting(name).expect("a scenario"), 1, STATES_MAX);
        assert_eq!(report.violation, None, "{name}");
        assert!(report.is_complete, "{name}: {} states", report.states);
        assert!(report.commits, "{name} shows nothing");
    }
}
