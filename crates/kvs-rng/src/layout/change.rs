//! One layout made of another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::plan;
use super::{Layout, LayoutError, MEMBERS_MAX, Member, Quorum};
use crate::identity::NodeId;

/// One step from a layout to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A new node.
    Join(Member),
    /// What is new about a member: its name, address, zone or weight.
    Update(Member),
    /// A member goes.
    Leave(NodeId),
    /// Another quorum. Whether a weak one is wanted is for the one to ask who proposes it
    /// ([`Quorum::check`]); here its numbers only have to make sense.
    SetQuorum(Quorum),
    /// A new node takes the place of a member that has lost its disk, and so is gone for good: it holds
    /// what that one held, at its address, in its zone and with its weight. No other copy moves.
    Replace {
        /// Who is gone.
        old: NodeId,
        /// Who comes.
        member: Member,
    },
}

impl Layout {
    /// The next version of the layout, with `change` made. Its table keeps every copy where it is but
    /// those that must move; see the [module](super).
    ///
    /// Deterministic: the same layout and change give the same bytes. Refused if the change makes no
    /// sense on this layout. Computes for milliseconds with 100 nodes and 1024 buckets, and for seconds
    /// when a cluster near its limits changes as a whole.
    pub fn apply(&self, change: &Change) -> Result<Self, LayoutError> {
        let mut next = self.clone();
        next.version += 1;
        match change {
            Change::Join(member) => {
                if let Some(known) = self.members.get(&member.id) {
                    let (id, address) = (known.id, known.address);
                    return Err(LayoutError::AlreadyMember { id, address });
                }
                if self.members.len() >= MEMBERS_MAX {
                    return Err(LayoutError::TooManyMembers);
                }
                check_member(&self.members, member)?;
                next.members.insert(member.id, member.clone());
            }
            Change::Update(member) => {
                let known = next.members.get_mut(&member.id);
                let known = known.ok_or(LayoutError::UnknownNode { id: member.id })?;
                check_member(&self.members, member)?;
                known.clone_from(member);
            }
            Change::Leave(id) => {
                next.members.remove(id).ok_or(LayoutError::UnknownNode { id: *id })?;
                if next.members.is_empty() {
                    return Err(LayoutError::LastNode { id: *id });
                }
            }
            Change::SetQuorum(quorum) => {
                quorum.check(true)?;
                next.quorum = *quorum;
            }
            Change::Replace { old, member } => {
                let place =
                    next.members.remove(old).ok_or(LayoutError::UnknownNode { id: *old })?;
                check_place(&place, member)?;
                if let Some(known) = next.members.get(&member.id) {
                    let (id, address) = (known.id, known.address);
                    return Err(LayoutError::AlreadyMember { id, address });
                }
                check_member(&next.members, member)?;
                next.members.insert(member.id, member.clone());
                next.table = self.table.replaced(*old, member.id);
                return Ok(next);
            }
        }
        if next.members == self.members && next.quorum == self.quorum {
            return Err(LayoutError::Unchanged);
        }
        if next.shape() != self.shape() {
            next.table = plan(&next.members, next.copies(), next.virtual_nodes, &self.table);
        }
        Ok(next)
    }

    /// All that the table depends on: a new name or address must not move data.
    fn shape(&self) -> (usize, Vec<(NodeId, &str, u32)>) {
        let members = self.members.values();
        (self.copies(), members.map(|m| (m.id, m.zone.as_str(), m.weight)).collect())
    }
}

/// Whether `member` can be one of `members`.
pub(super) fn check_member(
    members: &BTreeMap<NodeId, Member>,
    member: &Member,
) -> Result<(), LayoutError> {
    member.check()?;
    let (id, address) = (member.id, member.address);
    match members.values().find(|other| other.address == address && other.id != id) {
        Some(other) => Err(LayoutError::AddressTaken { id, address, holder: other.id }),
        None => Ok(()),
    }
}

/// Whether `member` can take the place of `old`: what decides where data is must be the same.
fn check_place(old: &Member, member: &Member) -> Result<(), LayoutError> {
    let differs = |what, expected: &dyn ToString, given: &dyn ToString| {
        let (expected, given) = (expected.to_string(), given.to_string());
        if expected == given {
            return Ok(());
        }
        Err(LayoutError::OtherPlace { id: member.id, old: old.id, what, expected, given })
    };
    differs("address", &old.address, &member.address)?;
    differs("zone", &format!("{:?}", old.zone), &format!("{:?}", member.zone))?;
    differs("weight", &old.weight, &member.weight)
}
