//! Values of options that have a form of their own.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use kvs::cluster::{Quorum, READ_LEASE};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Where strings of the Redis protocol are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RedisStrings {
    /// As entities, whose commands have one order.
    #[default]
    Entity,
    /// As records of the ring.
    Ring,
}

/// Reads a quorum from a file of settings, as in `"3,2,2"`.
pub(super) fn quorum<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Quorum>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// A length of time, as in `3s` or `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Period(pub(crate) Duration);

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0.as_millis())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit);
        let ms_each: Option<u64> = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            _ => None,
        };
        let number = number.parse::<u64>().ok();
        let ms = number.zip(ms_each).and_then(|(number, each)| number.checked_mul(each));
        let ms = ms.filter(|ms| *ms > 0);
        ms.map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(|| format!("{text:?} isn't a time, as in 3s, 500ms or 1m"))
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// How long leases are: a length of time, or `0` for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Lease(pub(crate) Duration);

impl FromStr for Lease {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self::default());
        }
        let Period(lease) = text.parse()?;
        match READ_LEASE.contains(&lease) {
            true => Ok(Self(lease)),
            false => Err(format!("{text:?} isn't 0, nor 100ms to 1m")),
        }
    }
}

impl TryFrom<String> for Lease {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Lease> for String {
    fn from(lease: Lease) -> Self {
        if lease.0.is_zero() { "0".to_owned() } else { Period(lease.0).to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_neither_too_short_nor_too_long() {
        for (text, ms) in [("0", 0), ("100ms", 100), ("2s", 2_000), ("1m", 60_000)] {
            let lease: Lease = text.parse().unwrap();
            assert_eq!(lease, Lease(Duration::from_millis(ms)));
            assert_eq!(String::from(lease).parse(), Ok(lease));
        }
        for text in ["99ms", "61s", "0s", "1"] {
            assert!(text.parse::<Lease>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        for (text, ms) in [("3s", 3_000), ("500ms", 500), ("2m", 120_000)] {
            assert_eq!(text.parse(), Ok(Period(Duration::from_millis(ms))));
        }
        for text in ["", "3", "s", "3h", "-3s", "3.5s", "0s", "99999999999999999999s"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
