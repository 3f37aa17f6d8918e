//! What can be asked of a register.

use std::sync::Arc;

use kvs_core::codec::{Bytes, Raw};
use kvs_core::{Dba, Result, Value};
use serde::{Deserialize, Serialize};

use super::cell::{Cell, Changed};
use super::{Condition, Integers, RegisterError};

/// A command or query of a register. Values are bytes, whatever they mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RegisterCommand {
    /// Asks for the value: optional [`Bytes`].
    Get,
    /// Asks whether there is a value.
    Exists,
    /// Sets the value; answered with [`RegisterChange`].
    Set {
        /// The new value.
        value: Bytes,
        /// When it is set.
        condition: Condition,
        /// Whether the value before is wanted.
        returning: bool,
    },
    /// Removes the value; answered with [`RegisterChange`].
    Delete {
        /// Whether the value before is wanted.
        returning: bool,
    },
    /// Puts one value in place of another; answered with whether it was that one.
    CompareAndSet {
        /// What has to be there; `None` for nothing.
        expected: Option<Bytes>,
        /// What takes its place; `None` to remove it.
        new: Option<Bytes>,
    },
    /// Adds to an integer, 0 if there is none; answered with the sum (`i64`).
    Increment {
        /// What is added.
        by: i64,
        /// How the integer is written.
        integers: Integers,
    },
}

/// What a change of a register did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterChange {
    /// Whether the register was changed.
    pub applied: bool,
    /// The value before, if there was one and it was asked for.
    pub before: Option<Bytes>,
}

impl RegisterCommand {
    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        match self {
            Self::Get | Self::Exists => true,
            Self::Set { .. }
            | Self::Delete { .. }
            | Self::CompareAndSet { .. }
            | Self::Increment { .. } => false,
        }
    }

    pub(crate) async fn apply(
        self,
        scope: Arc<dyn Dba>,
        name: &[u8],
    ) -> Result<Vec<u8>, RegisterError> {
        let cell = Cell::new(scope, name);
        let answer = match self {
            Self::Get => cell.get().await?.map(Bytes).to_bytes(),
            Self::Exists => cell.get().await?.is_some().to_bytes(),
            Self::Set { value, condition, returning } => {
                change(cell.set(Raw(value.0), condition).await?, returning).to_bytes()
            }
            Self::Delete { returning } => change(cell.delete().await?, returning).to_bytes(),
            Self::CompareAndSet { expected, new } => {
                let expected = expected.as_ref().map(|expected| expected.0.as_slice());
                cell.compare_and_set(expected, new.map(|new| Raw(new.0))).await?.to_bytes()
            }
            Self::Increment { by, integers } => cell.increment(by, integers).await?.to_bytes(),
        };
        Ok(answer?)
    }
}

/// The change as it is answered.
pub(super) fn change(Changed { applied, before }: Changed, returning: bool) -> RegisterChange {
    RegisterChange { applied, before: before.filter(|_| returning).map(Bytes) }
}
