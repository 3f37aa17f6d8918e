//! A counter, from 0.

use serde::{Deserialize, Serialize};

use super::Model;

/// The model of a counter.
#[derive(Clone, Debug, Default)]
pub struct Counter(());

/// What a counter can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Its value.
    Get,
    /// Adds to it; answered with the sum.
    Add {
        /// May be negative.
        by: i64,
    },
}

/// The value, after the command.
pub type Answer = i64;

impl Model for Counter {
    type State = i64;
    type Command = Command;
    type Answer = Answer;

    fn initial(&self) -> i64 {
        0
    }

    /// A sum that doesn't fit is no step: the entity has to refuse it.
    fn step(&self, state: &i64, command: &Command, answer: Option<&i64>) -> Option<i64> {
        let after = match command {
            Command::Get => *state,
            Command::Add { by } => state.checked_add(*by)?,
        };
        answer.is_none_or(|answer| *answer == after).then_some(after)
    }

    fn is_read(&self, command: &Command, _: &i64) -> bool {
        matches!(command, Command::Get | Command::Add { by: 0 })
    }
}
