//! What a check found.

use std::fmt;

/// Whether a history is linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is: there is an order.
    Holds {
        /// One such order, as indexes into the history. Operations of unknown outcome that are not in
        /// it need not have taken effect.
        order: Vec<usize>,
    },
    /// It isn't: every order was ruled out.
    Violated(Stuck),
    /// Nobody knows: the search gave up at one of its [limits](crate::Limits).
    Undecided {
        /// How many steps of the model were tried.
        steps: u64,
        /// How far the best order came.
        best: Stuck,
    },
}

/// How far the best order came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// The longest order found, as indexes into the history.
    pub placed: Vec<usize>,
    /// The operations one of which would have to come next, and none can.
    pub next: Vec<usize>,
    /// The entity's state after the placed ones, for people.
    pub state: String,
}

impl Verdict {
    /// Whether the history is surely linearizable.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self, Self::Holds { .. })
    }

    /// Whether the history surely isn't linearizable.
    #[must_use]
    pub fn is_violated(&self) -> bool {
        matches!(self, Self::Violated(_))
    }
}

/// The verdict on one entity of a recorded history, told for people by its `Display`.
#[derive(Clone, Debug)]
pub struct Report {
    /// The entity.
    pub entity: String,
    /// How many operations it had.
    pub operations: usize,
    /// The verdict.
    pub verdict: Verdict,
    /// The end of the best order, and what can't come next, each operation a line.
    pub(crate) lines: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entity, operations, verdict, lines } = self;
        match verdict {
            Verdict::Holds { .. } => {
                return write!(f, "{entity}: {operations} operations, linearizable");
            }
            Verdict::Violated(stuck) => {
                let placed = stuck.placed.len();
                write!(f, "{entity}: not linearizable. The best order ends after {placed} of ")?;
            }
            Verdict::Undecided { steps, best } => {
                let placed = best.placed.len();
                write!(
                    f,
                    "{entity}: undecided after {steps} steps. The best order has {placed} of "
                )?;
            }
        }
        write!(f, "{operations} operations:")?;
        lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
