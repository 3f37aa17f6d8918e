//! What was deleted stays deleted, until it is written anew.

use super::acknowledged::lost;
use super::{Order, Violation};
use crate::history::Operation;

pub(super) fn check(operations: &[Operation], order: &Order) -> Vec<Violation> {
    lost("deleted keys stay deleted", operations, order, |id| id.is_none())
}
