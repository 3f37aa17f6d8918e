//! What clients did to one entity.

use serde::{Deserialize, Serialize};

/// One call of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<C, A> {
    /// Who called. A client waits for one answer before it calls again; the checks of linearizability
    /// don't need that, those of [sessions](crate::session) do.
    pub client: u64,
    /// When: in any unit, by a clock that all clients share.
    pub invoked: u64,
    /// When the answer came. Not looked at unless the outcome is [`Ok`](Outcome::Ok); `None` then
    /// means that nobody knows, and puts nothing after this call.
    pub returned: Option<u64>,
    /// What was asked for.
    pub command: C,
    /// How it ended.
    pub outcome: Outcome<A>,
}

impl<C, A> Operation<C, A> {
    /// The answer, if there was one.
    pub fn answer(&self) -> Option<&A> {
        match &self.outcome {
            Outcome::Ok(answer) => Some(answer),
            Outcome::NotApplied | Outcome::Unknown => None,
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<A> {
    /// It was answered.
    Ok(A),
    /// It surely had no effect, and never will.
    NotApplied,
    /// Nobody knows. It may take effect at any time after it was invoked, or never.
    Unknown,
}
