//! Dates and seasons.
//!
//! A season begins in July and ends in June: the one of 2015/16 lasts from 2015-07-01 to
//! 2016-06-30.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A day of the Gregorian calendar, written as in 2016-05-02.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A season, by the year in which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Season(u16);

/// The first month of a season.
const FIRST_MONTH: u8 = 7;

impl Season {
    /// Before all others.
    pub(crate) const FIRST: Self = Self(0);
    /// After all others.
    pub(crate) const LAST: Self = Self(u16::MAX);
}

impl Date {
    /// The season that the day lies in.
    pub(crate) fn season(self) -> Season {
        Season(if self.month >= FIRST_MONTH { self.year } else { self.year.saturating_sub(1) })
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let is_century = year.is_multiple_of(100);
    let is_leap = year.is_multiple_of(if is_century { 400 } else { 4 });
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// A number of exactly so many digits.
fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let date = || {
            let (year, rest) = text.split_once('-')?;
            let (month, day) = rest.split_once('-')?;
            Some(Self { year: digits(year, 4)?, month: digits(month, 2)?, day: digits(day, 2)? })
        };
        date()
            .filter(|date| {
                date.year > 0 && (1..=days_in(date.year, date.month)).contains(&date.day)
            })
            .ok_or_else(|| format!("{text:?} is no date, as in 2016-05-02"))
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Season {
    type Err = String;

    /// Reads 2015/16, 2015-16, 2015/2016, 2015-2016 and 2015.
    fn from_str(text: &str) -> Result<Self, String> {
        let season = || {
            let Some((first, second)) = text.split_once(['/', '-']) else { return digits(text, 4) };
            let first: u16 = digits(first, 4)?;
            let next = first + 1;
            let fits = digits(second, 2) == Some(next % 100) || digits(second, 4) == Some(next);
            fits.then_some(first)
        };
        season().map(Self).ok_or_else(|| format!("{text:?} is no season, as in 2015/16"))
    }
}

impl fmt::Display for Season {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}/{:02}", self.0, (self.0 % 100 + 1) % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        for text in ["2013-07-20", "2016-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(text.parse::<Date>().map(|date| date.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "",
            "2013",
            "2013-07",
            "2013-7-20",
            "13-07-20",
            "2013-13-01",
            "2013-00-10",
            "2013-04-31",
            "2015-02-29",
            "1900-02-29",
            "2013-07-00",
            "2013-07-32",
            "0000-01-01",
            "2013/07/20",
            "20.07.2013",
            "2013-07-20T15:00",
            "+013-07-20",
            "2013-07-2a",
            "२०१३-०७-२०",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn dates_are_in_order_of_time() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        for (earlier, later) in [
            ("2015-12-31", "2016-01-01"),
            ("2015-09-30", "2015-10-01"),
            ("2015-10-09", "2015-10-10"),
        ] {
            assert!(date(earlier) < date(later));
        }
    }

    #[test]
    fn a_season_lasts_from_july_to_june() {
        for (date, season) in [
            ("2015-06-30", "2014/15"),
            ("2015-07-01", "2015/16"),
            ("2015-12-31", "2015/16"),
            ("2016-01-01", "2015/16"),
            ("2016-06-30", "2015/16"),
            ("2016-07-01", "2016/17"),
            ("2000-03-01", "1999/00"),
            ("2009-08-01", "2009/10"),
            ("0001-01-01", "0000/01"),
        ] {
            assert_eq!(date.parse::<Date>().unwrap().season().to_string(), season, "{date}");
        }
    }

    #[test]
    fn a_season_can_be_written_in_some_ways() {
        for text in ["2015/16", "2015-16", "2015", "2015/2016", "2015-2016"] {
            assert_eq!(text.parse(), Ok(Season(2015)), "{text:?}");
        }
        assert_eq!("1999/00".parse(), Ok(Season(1999)));
        for text in
            ["", "15", "15/16", "2015/17", "2015/15", "2015/6", "2015/016", "x", "2015/16/17"]
        {
            assert!(text.parse::<Season>().is_err(), "{text:?}");
        }
    }
}
