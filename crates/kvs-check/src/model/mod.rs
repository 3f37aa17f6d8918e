//! What an entity does when it is called by one client at a time.

pub mod counter;
pub mod feed;
pub mod register;

use std::fmt::Debug;
use std::hash::Hash;

/// An entity as a state machine.
///
/// Cheap states make a check cheap: the search keeps very many of them.
pub trait Model {
    /// All that later answers depend on.
    type State: Clone + Eq + Hash + Debug;
    /// What it can be asked for.
    type Command: Clone + Eq + Hash + Debug;
    /// What it answers.
    type Answer: Clone + Eq + Debug;

    /// The state before the first command.
    fn initial(&self) -> Self::State;

    /// The state after `command`; `None` if it could not have given `answer` in `state`. An answer
    /// that isn't known (`None`) fits always.
    ///
    /// May also be `None` if [`learn`](Self::learn) showed that the state after it fits no answer of
    /// this history.
    fn step(
        &self,
        state: &Self::State,
        command: &Self::Command,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;

    /// Whether a command that was answered like this changes nothing, in whatever state it ran.
    fn is_read(&self, command: &Self::Command, answer: &Self::Answer) -> bool;

    /// Whether `next` may need `first` right before it, when nobody knows how `first` ended. Where it says
    /// no, one of three has to be true in every state: `next` could not come after `first` with this
    /// answer; it would lead to the same state without it; or the two can change places.
    ///
    /// Always yes is right and slow.
    fn may_serve(
        &self,
        first: &Self::Command,
        next: &Self::Command,
        answer: Option<&Self::Answer>,
    ) -> bool {
        let _ = (first, next, answer);
        true
    }

    /// Shown every operation before the search, with its answer if there is one. What it learns may
    /// only rule out what would contradict these answers.
    fn learn(&mut self, command: &Self::Command, answer: Option<&Self::Answer>) {
        let _ = (command, answer);
    }

    /// A command that has the same effect as far as any answer of this history tells. Asked for after
    /// [`learn`](Self::learn).
    ///
    /// Calls that nobody knows the outcome of are what makes a search long. Those that come to the
    /// same are tried once.
    fn canonical(&self, command: &Self::Command) -> Self::Command {
        command.clone()
    }
}
