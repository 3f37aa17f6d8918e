//! What went wrong, in one line, and the exit code that says so.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use kvs::{DbaError, FileError, LeaderboardError, Outcome};
use serde::Serialize;

use crate::client::ClientError;

/// What a command gives back.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Why a command ends before it is done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for isn't there. Nothing changed.
    NotFound(String),
    /// The command can't be done like this. Nothing changed.
    Refused(String),
    /// The command line asks for what doesn't go together. Nothing changed.
    Usage(String),
    /// Something outside the store can't be read or written. Nothing changed in the store.
    Input {
        /// What was tried, and on what.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The answer can't be written; what was to be done is done.
    Output(io::Error),
    /// The store refused or failed.
    Store(kvs::Error),
    /// A server refused, failed or can't be reached.
    Server(ClientError),
    /// Not all of many records are done. Doing all of it again is harmless.
    Incomplete {
        /// What is missing.
        what: String,
        /// What stopped it, unless it was done and is to be found wrong.
        source: Option<ClientError>,
    },
    /// What is stored is something else than text, as other programs may store it.
    NotText {
        /// Where it is.
        thing: String,
        /// How that was seen.
        source: kvs::Error,
    },
    /// A long piece of work was stopped. What is done is done; doing it again goes on from there.
    Halfway {
        /// What was to be done, and on what.
        work: String,
        /// What stopped it.
        source: kvs::Error,
    },
}

impl Failure {
    /// A [`Failure::NotFound`].
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    /// A [`Failure::Input`].
    pub(crate) fn input(what: impl Into<String>, source: io::Error) -> Self {
        Self::Input { what: what.into(), source }
    }

    /// The failure of reading text from a thing, as in `feed "goals"`, which may hold something
    /// else.
    pub(crate) fn reading<E: Into<kvs::Error>>(kind: &str, name: &str) -> impl FnOnce(E) -> Self {
        move |error| match error.into() {
            source @ kvs::Error::Dba(DbaError::Decode { .. }) => {
                Self::NotText { thing: format!("{kind} {name:?}"), source }
            }
            error => error.into(),
        }
    }

    fn store_error(&self) -> Option<&kvs::Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotText { source, .. } | Self::Halfway { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether anything may have changed.
    fn outcome(&self) -> Outcome {
        match self {
            Self::Halfway { .. } | Self::Incomplete { .. } | Self::Output(_) => Outcome::Unknown,
            Self::Server(error) => error.outcome(),
            _ => self.store_error().map_or(Outcome::NotApplied, kvs::Error::outcome),
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Server(error) | Self::Incomplete { source: Some(error), .. } => {
                error.is_retryable()
            }
            _ => self.store_error().is_some_and(kvs::Error::is_retryable),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Output(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::NotFound(_) => ExitCode::from(3),
            Self::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what)
            | Self::Refused(what)
            | Self::Usage(what)
            | Self::Incomplete { what, .. }
            | Self::Input { what, .. } => f.write_str(what),
            Self::Server(error) => error.fmt(f),
            Self::Output(_) => f.write_str("the answer can't be written"),
            Self::Store(error) => error.fmt(f),
            Self::NotText { thing, .. } => {
                write!(f, "{thing} holds something else than text")
            }
            Self::Halfway { work, .. } => write!(f, "{work} stopped halfway"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NotFound(_) | Self::Refused(_) | Self::Usage(_) => None,
            Self::Server(error) => error.source(),
            Self::Incomplete { source, .. } => {
                source.as_ref().map(|error| error as &(dyn StdError + 'static))
            }
            Self::Input { source, .. } | Self::Output(source) => Some(source),
            Self::Store(error) => error.source(),
            Self::NotText { source, .. } | Self::Halfway { source, .. } => Some(source),
        }
    }
}

impl From<kvs::Error> for Failure {
    fn from(error: kvs::Error) -> Self {
        match error {
            kvs::Error::File(error @ FileError::NotFound { .. }) => {
                Self::NotFound(error.to_string())
            }
            error => Self::Store(error),
        }
    }
}

impl From<DbaError> for Failure {
    fn from(error: DbaError) -> Self {
        Self::Store(error.into())
    }
}

impl From<LeaderboardError> for Failure {
    fn from(error: LeaderboardError) -> Self {
        kvs::Error::from(error).into()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Server(error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        kvs::Error::from(error).into()
    }
}

/// An error as `--json` shows it.
#[derive(Serialize)]
struct Report<'a> {
    error: &'a str,
    retryable: bool,
    applied: &'static str,
}

/// Tells the standard error what went wrong, and gives the exit code.
pub(crate) fn report(failure: &Failure, json: bool) -> ExitCode {
    let code = failure.exit_code();
    if code != ExitCode::SUCCESS {
        let error = one_line(failure);
        let applied = match failure.outcome() {
            Outcome::NotApplied => "no",
            Outcome::Unknown => "unknown",
        };
        if json {
            tell(&Report { error: &error, retryable: failure.is_retryable(), applied });
        } else {
            // There is nobody left to tell that the standard error can't be written.
            let _ = writeln!(io::stderr(), "kvs: {error}");
        }
    }
    code
}

/// The same for a wrong command line, or one that asks for help.
pub(crate) fn report_usage(usage: &clap::Error) -> ExitCode {
    // The command line can't be read as a whole, but this much can.
    let json = std::env::args_os().any(|arg| arg == "--json");
    if json && usage.use_stderr() {
        // The first paragraph says what is wrong.
        let text = usage.to_string();
        let problem = text.split("\n\n").next().unwrap_or_default();
        let error = unbroken(problem.trim_start_matches("error: "));
        tell(&Report { error: &error, retryable: false, applied: "no" });
    } else {
        let _ = usage.print();
    }
    u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn tell(report: &Report<'_>) {
    if let Ok(json) = serde_json::to_string(report) {
        let _ = writeln!(io::stderr(), "{json}");
    }
}

/// An error and its causes, as far as they say something new.
pub(crate) fn one_line(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    unbroken(&text)
}

/// A text in one line.
fn unbroken(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_and_in_one_line() {
        let full = || io::Error::other("no space\n left");
        let cases: [(Failure, &str); 4] = [
            (Failure::input("a.txt", full()), "a.txt: no space left"),
            (Failure::input("a.txt: no space\n left", full()), "a.txt: no space left"),
            (Failure::Output(full()), "the answer can't be written: no space left"),
            (Failure::not_found("no key"), "no key"),
        ];
        for (failure, expected) in cases {
            assert_eq!(one_line(&failure), expected);
        }
    }
}
