//! A scenario, as `stateright` wants it.

use kvs_rng::log::core::world::{Setting, Step, World};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// A scenario to be explored.
#[derive(Clone, Debug)]
pub struct Explored(pub Setting);

impl Model for Explored {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.0)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        // One violation is enough: what comes after it says nothing.
        if world.history.violation.is_none() {
            world.steps(&self.0, steps);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.take(&self.0, step);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(SAFE, |_, world: &World| world.history.violation.is_none()),
            Property::sometimes(COMMITS, |_, world: &World| !world.history.committed.is_empty()),
        ]
    }
}

const SAFE: &str = "nothing goes wrong";
const COMMITS: &str = "something is committed";

/// What an exploration found.
#[derive(Clone, Debug)]
pub struct Report {
    /// States that differ.
    pub states: usize,
    /// Whether every state within the scenario's bounds was seen.
    pub is_complete: bool,
    /// The property that did not hold, and the steps that led there.
    pub violation: Option<(&'static str, Vec<String>)>,
    /// Whether anything was ever committed: else the scenario shows nothing.
    pub does_something: bool,
}

/// Explores `setting`, breadth first, until all states or a violation or `states_max` states are seen.
pub fn explore(setting: Setting, threads: usize, states_max: usize) -> Report {
    let checker = Explored(setting)
        .checker()
        .threads(threads)
        .target_state_count(states_max)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let violation = checker.discovery(SAFE).and_then(|path| {
        let property = path.last_state().history.violation?;
        let steps = path.into_actions().iter().map(|step| format!("{step:?}")).collect();
        Some((property, steps))
    });
    Report {
        states: checker.unique_state_count(),
        is_complete: checker.is_done() && checker.state_count() < states_max,
        violation,
        does_something: checker.discovery(COMMITS).is_some(),
    }
}
