//! A register as its row.
//!
//! The value is the state in the entity's header: one row, read by one get. A register that was
//! deleted leaves nothing behind, so its name is free for any type.

use std::sync::Arc;

use kvs_core::codec::Raw;
use kvs_core::entity::header;
use kvs_core::{CallOptions, Dba, Key, Result, Value};
use serde::{Deserialize, Serialize};

use super::RegisterError;

/// When a register is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// In any case.
    #[default]
    Always,
    /// If there is no value yet.
    IfAbsent,
    /// If there is a value.
    IfPresent,
}

/// How a register holds an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Integers {
    /// As an encoded `i64`, the way a [`Value`] is.
    Encoded,
    /// As decimal digits without leading zeros, the way Redis clients write them.
    Decimal,
}

impl Integers {
    fn read(self, bytes: &[u8]) -> Option<i64> {
        match self {
            Self::Encoded => i64::from_bytes(bytes).ok(),
            Self::Decimal => {
                let text = std::str::from_utf8(bytes).ok()?;
                text.parse().ok().filter(|number: &i64| number.to_string() == text)
            }
        }
    }

    fn write(self, number: i64) -> Result<Vec<u8>> {
        match self {
            Self::Encoded => number.to_bytes(),
            Self::Decimal => Ok(number.to_string().into_bytes()),
        }
    }
}

/// What a change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) applied: bool,
    /// The value that was there before.
    pub(crate) before: Option<Vec<u8>>,
}

/// One register, in bytes.
pub(crate) struct Cell {
    dba: Arc<dyn Dba>,
    name: Arc<[u8]>,
    options: CallOptions,
}

impl Cell {
    pub(crate) const TYPE: &'static str = "register";

    pub(crate) fn new(dba: Arc<dyn Dba>, name: &[u8]) -> Self {
        Self { dba, name: name.into(), options: CallOptions::default() }
    }

    pub(crate) fn with(self, options: CallOptions) -> Self {
        Self { options, ..self }
    }

    pub(crate) async fn get(&self) -> Result<Option<Vec<u8>>> {
        let state = header::load::<Raw>(&*self.dba, &self.name, Self::TYPE, &self.options).await?;
        Ok(state.map(|Raw(value)| value))
    }

    pub(crate) async fn set(&self, value: Raw, condition: Condition) -> Result<Changed> {
        let before = self.get().await?;
        let applied = match condition {
            Condition::Always => true,
            Condition::IfAbsent => before.is_none(),
            Condition::IfPresent => before.is_some(),
        };
        if applied {
            self.write(Some(value)).await?;
        }
        Ok(Changed { applied, before })
    }

    pub(crate) async fn delete(&self) -> Result<Changed> {
        let before = self.get().await?;
        if before.is_some() {
            self.write(None).await?;
        }
        Ok(Changed { applied: before.is_some(), before })
    }

    /// Puts `new` in place of `expected`, if that is what is there.
    pub(crate) async fn compare_and_set(
        &self,
        expected: Option<&[u8]>,
        new: Option<Raw>,
    ) -> Result<bool> {
        let found = self.get().await?;
        if found.as_deref() != expected {
            return Ok(false);
        }
        if found.is_some() || new.is_some() {
            self.write(new).await?;
        }
        Ok(true)
    }

    /// Adds `by` to the integer, 0 if there is none, and gives the sum.
    pub(crate) async fn increment(
        &self,
        by: i64,
        integers: Integers,
    ) -> Result<i64, RegisterError> {
        let name = || self.name.escape_ascii().to_string();
        let value = match self.get().await? {
            None => 0,
            Some(bytes) => {
                let number = integers.read(&bytes);
                number.ok_or_else(|| RegisterError::NotAnInteger { name: name() })?
            }
        };
        let sum = value.checked_add(by);
        let sum = sum.ok_or_else(|| RegisterError::Overflow { name: name(), value, by })?;
        self.write(Some(Raw(integers.write(sum)?))).await?;
        Ok(sum)
    }

    async fn write(&self, value: Option<Raw>) -> Result<()> {
        let key = Key::new(&*self.name, header::CLUSTERING);
        match value {
            Some(value) => {
                let header = header::encode(Self::TYPE, &value)?;
                self.dba.put_with(&key, header, &self.options).await
            }
            None => self.dba.delete_with(&key, &self.options).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_decimals_are_integers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("007", None),
            ("+7", None),
            ("-0", None),
            (" 7", None),
            ("7.0", None),
            ("", None),
        ] {
            assert_eq!(Integers::Decimal.read(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(Integers::Encoded.read(&7_i64.to_bytes().unwrap()), Some(7));
        assert_eq!(Integers::Encoded.read(b"7"), None);
    }
}
