//! A history, sorted for the search.

use std::collections::HashMap;

use crate::history::{Operation, Outcome};
use crate::model::Model;

/// The operations that count: those that surely had no effect are left out.
pub(crate) struct Calls<M: Model> {
    /// Those with an answer, by invocation.
    pub(crate) answered: Vec<Answered<M>>,
    /// Those of unknown outcome: what they ask for, and who asked.
    pub(crate) kinds: Vec<Kind<M>>,
}

/// An operation with an answer.
pub(crate) struct Answered<M: Model> {
    /// In the history.
    pub(crate) index: usize,
    pub(crate) invoked: u64,
    pub(crate) returned: u64,
    pub(crate) command: M::Command,
    pub(crate) answer: M::Answer,
    pub(crate) is_read: bool,
}

/// Operations of unknown outcome that do the same.
pub(crate) struct Kind<M: Model> {
    pub(crate) command: M::Command,
    /// When each was invoked, and its index in the history; the first first.
    pub(crate) calls: Vec<(u64, usize)>,
}

impl<M: Model> Calls<M> {
    pub(crate) fn new(model: &M, history: &[Operation<M::Command, M::Answer>]) -> Self {
        let mut answered = Vec::new();
        let mut kinds: Vec<Kind<M>> = Vec::new();
        let mut places = HashMap::new();
        for (index, operation) in history.iter().enumerate() {
            let Operation { invoked, returned, .. } = *operation;
            let command = model.canonical(&operation.command);
            match &operation.outcome {
                Outcome::NotApplied => {}
                Outcome::Ok(answer) => answered.push(Answered {
                    index,
                    invoked,
                    returned: returned.unwrap_or(u64::MAX),
                    is_read: model.is_read(&command, answer),
                    command,
                    answer: answer.clone(),
                }),
                Outcome::Unknown => {
                    let place = *places.entry(command.clone()).or_insert(kinds.len());
                    match kinds.get_mut(place) {
                        Some(kind) => kind.calls.push((invoked, index)),
                        None => kinds.push(Kind { command, calls: vec![(invoked, index)] }),
                    }
                }
            }
        }
        answered.sort_by_key(|call| (call.invoked, call.returned, call.index));
        kinds.iter_mut().for_each(|kind| kind.calls.sort_unstable());
        Self { answered, kinds }
    }
}
