//! How many replicas there are, and how many of them must answer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most replicas a key may have.
pub const REPLICAS_MAX: u8 = 9;

/// Each key has N replicas; a write is acknowledged when W of them have it, a read asks R of them.
///
/// Written as `N,W,R`. Two rules make it a quorum in the proper sense: with **R + W > N** every read
/// meets every acknowledged write in at least one replica, and with **W > N/2** so do any two
/// writes. Suggestions: `1,1,1` for one node, `2,2,1` for two, `3,2,2` for three and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Replicas of each key, 1 to 9.
    pub n: u8,
    /// Replicas that must have a write before it is acknowledged, 1 to N.
    pub w: u8,
    /// Replicas that must answer a read, 1 to N.
    pub r: u8,
}

impl Quorum {
    /// Whether the numbers make sense and, unless `allow_weak`, keep both rules of a quorum.
    pub fn check(&self, allow_weak: bool) -> Result<(), QuorumError> {
        let Self { n, w, r } = *self;
        if !(1..=REPLICAS_MAX).contains(&n) {
            return Err(QuorumError::Replicas { quorum: *self });
        }
        if !(1..=n).contains(&w) {
            return Err(QuorumError::Writes { quorum: *self });
        }
        if !(1..=n).contains(&r) {
            return Err(QuorumError::Reads { quorum: *self });
        }
        if allow_weak {
            return Ok(());
        }
        if r + w <= n {
            return Err(QuorumError::ReadsMissWrites { quorum: *self });
        }
        if 2 * w <= n {
            return Err(QuorumError::WritesMissWrites { quorum: *self });
        }
        Ok(())
    }
}

impl Default for Quorum {
    /// `1,1,1`.
    fn default() -> Self {
        Self { n: 1, w: 1, r: 1 }
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.n, self.w, self.r)
    }
}

impl FromStr for Quorum {
    type Err = QuorumError;

    /// Reads `N,W,R`. Doesn't check the rules; [`check`](Quorum::check) does.
    fn from_str(text: &str) -> Result<Self, QuorumError> {
        let syntax = || QuorumError::Syntax { text: text.chars().take(40).collect() };
        let numbers: Option<Vec<u8>> =
            text.splitn(4, ',').map(|number| number.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[n, w, r]) => Ok(Self { n, w, r }),
            _ => Err(syntax()),
        }
    }
}

/// A quorum that can't be. Nothing changed; final.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuorumError {
    /// Not three numbers.
    #[error("{text:?} is no quorum: it takes three numbers N,W,R like 3,2,2")]
    Syntax {
        /// The beginning of what was given.
        text: String,
    },

    /// N out of range.
    #[error("quorum {quorum}: N must be 1 to {REPLICAS_MAX}")]
    Replicas {
        /// What was given.
        quorum: Quorum,
    },

    /// W out of range.
    #[error("quorum {quorum}: W must be 1 to N")]
    Writes {
        /// What was given.
        quorum: Quorum,
    },

    /// R out of range.
    #[error("quorum {quorum}: R must be 1 to N")]
    Reads {
        /// What was given.
        quorum: Quorum,
    },

    /// A read could miss an acknowledged write.
    #[error("quorum {quorum} is weak: without R + W > N a read may miss an acknowledged write")]
    ReadsMissWrites {
        /// What was given.
        quorum: Quorum,
    },

    /// Two writes could miss each other.
    #[error("quorum {quorum} is weak: without W > N/2 two writes may miss each other")]
    WritesMissWrites {
        /// What was given.
        quorum: Quorum,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_checked_by_name() {
        let cases = [
            ("1,1,1", ""),
            ("2,2,1", ""),
            (" 3, 2, 2 ", ""),
            ("9,9,9", ""),
            ("0,0,0", "N must be 1 to 9"),
            ("10,6,6", "N must be 1 to 9"),
            ("3,0,2", "W must be 1 to N"),
            ("3,4,2", "W must be 1 to N"),
            ("3,2,0", "R must be 1 to N"),
            ("3,2,4", "R must be 1 to N"),
            ("3,2,1", "R + W > N"),
            ("4,2,3", "W > N/2"),
        ];
        for (text, expected) in cases {
            let quorum: Quorum = text.parse().unwrap();
            let said = quorum.check(false).err().map(|error| error.to_string());
            let said = said.unwrap_or_default();
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{said:?}");
            assert_eq!(quorum.check(true).is_ok(), !expected.contains("must"), "{text}");
            assert_eq!(quorum.to_string().parse(), Ok(quorum));
        }
    }

    #[test]
    fn what_is_no_quorum_is_refused() {
        for text in ["", "3", "3,2", "3,2,2,2", "3,2,2,", "a,b,c", "-1,1,1", "256,1,1", "3;2;2"] {
            assert!(text.parse::<Quorum>().is_err(), "{text}");
        }
    }
}
