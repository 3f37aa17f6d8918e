//! A register: one value, or none.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Model;
use crate::text::Text;

/// The model of a register, empty at first.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The values that some answer or condition depends on.
    named: HashSet<Text>,
    /// Stands for all other values; none of the named.
    other: String,
}

/// What a register can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Its value; answered with [`Answer::Value`].
    Get,
    /// Sets it; answered with [`Answer::Done`], or with the value before (`SET … GET`) as
    /// [`Answer::Value`].
    Set {
        /// The new value.
        value: Text,
        /// When.
        #[serde(default)]
        when: When,
    },
    /// Sets it if it holds just this; answered with [`Answer::Done`].
    CompareAndSet {
        /// What it has to hold; `None`: nothing.
        expected: Option<Text>,
        /// The new value.
        value: Text,
    },
    /// Empties it; answered with [`Answer::Done`]: whether there was a value.
    Delete,
}

/// The condition of a [`Command::Set`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// None.
    #[default]
    Always,
    /// Only if there is no value (`NX`).
    Absent,
    /// Only if there is one (`XX`).
    Present,
}

/// What a register answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The value, before the command.
    Value(Option<Text>),
    /// Whether the command did anything.
    Done(bool),
}

impl Register {
    fn name(&self, value: &Text) -> Text {
        self.named.get(value).cloned().unwrap_or_else(|| self.other.as_str().into())
    }
}

impl Model for Register {
    type State = Option<Text>;
    type Command = Command;
    type Answer = Answer;

    fn initial(&self) -> Self::State {
        None
    }

    fn step(
        &self,
        state: &Self::State,
        command: &Command,
        answer: Option<&Answer>,
    ) -> Option<Self::State> {
        let (done, after) = match command {
            Command::Get => (true, state.clone()),
            Command::Set { value, when } => {
                let done = match when {
                    When::Always => true,
                    When::Absent => state.is_none(),
                    When::Present => state.is_some(),
                };
                (done, if done { Some(value.clone()) } else { state.clone() })
            }
            Command::CompareAndSet { expected, value } => {
                let done = state == expected;
                (done, if done { Some(value.clone()) } else { state.clone() })
            }
            Command::Delete => (state.is_some(), None),
        };
        let fits = match answer {
            None => true,
            Some(Answer::Value(value)) => value == state,
            Some(Answer::Done(answered)) => *answered == done,
        };
        fits.then_some(after)
    }

    fn is_read(&self, command: &Command, answer: &Answer) -> bool {
        match answer {
            Answer::Done(done) => !done,
            Answer::Value(_) => *command == Command::Get,
        }
    }

    /// What sets the value serves what asks for that value.
    fn may_serve(&self, first: &Command, next: &Command, answer: Option<&Answer>) -> bool {
        let now = match first {
            Command::Get => return false,
            Command::Set { value, .. } | Command::CompareAndSet { value, .. } => Some(value),
            Command::Delete => None,
        };
        let done = match answer {
            Some(Answer::Value(value)) => return value.as_ref() == now,
            Some(Answer::Done(done)) => *done,
            None => true,
        };
        match next {
            Command::Get | Command::Set { when: When::Always, .. } => false,
            Command::Set { when: When::Absent, .. } => now.is_none() == done,
            Command::Set { when: When::Present, .. } => now.is_some() == done,
            Command::CompareAndSet { expected, .. } => (now == expected.as_ref()) == done,
            Command::Delete => answer.is_some() && now.is_some() == done,
        }
    }

    fn learn(&mut self, command: &Command, answer: Option<&Answer>) {
        if let Some(Answer::Value(Some(value))) = answer {
            self.named.insert(value.clone());
        }
        if let Command::CompareAndSet { expected: Some(expected), .. } = command {
            self.named.insert(expected.clone());
        }
        while self.named.contains(self.other.as_str()) {
            self.other.push('\0');
        }
    }

    fn canonical(&self, command: &Command) -> Command {
        match command {
            Command::Set { value, when } => Command::Set { value: self.name(value), when: *when },
            Command::CompareAndSet { expected, value } => {
                Command::CompareAndSet { expected: expected.clone(), value: self.name(value) }
            }
            Command::Get | Command::Delete => command.clone(),
        }
    }
}
