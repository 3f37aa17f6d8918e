//! Running other programs: each is announced before it runs and named when it fails.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Why a chore ended early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// What went wrong, for the person at the terminal.
    Message(String),
    /// What went wrong has been said already: only the exit code is left to pass on.
    Exit(u8),
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

/// Announces and runs a command; its failure is ours.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = announce_and_run(command)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Message(format!("`{}` failed: {status}", shown(command))))
}

/// Announces and runs a program that explains itself; its exit code is ours.
pub(crate) fn hand_over_to(command: &mut Command) -> Result {
    let status = announce_and_run(command)?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Error::Exit(u8::try_from(code).unwrap_or(1))),
        None => Err(Error::Message(format!("`{}` was ended: {status}", shown(command)))),
    }
}

/// Runs a command silently: what it printed, if it succeeded.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}

/// Runs a command silently for what it prints; its failure is ours, in its own words.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| unable(command, &e))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Message(format!("`{}` failed: {}", shown(command), why.trim_end())));
    }
    String::from_utf8(output.stdout)
        .map_err(|e| Error::Message(format!("`{}` printed no UTF-8: {e}", shown(command))))
}

fn announce_and_run(command: &mut Command) -> Result<ExitStatus> {
    eprintln!("$ {}", shown(command));
    command.status().map_err(|e| unable(command, &e))
}

fn unable(command: &Command, error: &std::io::Error) -> Error {
    Error::Message(format!("cannot run `{}`: {error}", shown(command)))
}

/// The command as one would type it: variables it sets, program, arguments.
fn shown(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            let _ = write!(line, "{}={} ", name.display(), quoted(&value.to_string_lossy()));
        }
    }
    let program = Path::new(command.get_program());
    line += &program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy();
    for arg in command.get_args() {
        line.push(' ');
        line += &quoted(&arg.to_string_lossy());
    }
    line
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "\"'$*".contains(c)) {
        format!("{word:?}")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("bin/cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").env_remove("GONE").args(["doc", "", "a b"]);
        assert_eq!(shown(&command), r#"RUSTDOCFLAGS="-D warnings" cargo doc "" "a b""#);
    }

    #[test]
    fn the_name_of_what_failed_is_in_the_error() {
        let failed = run(Command::new("false").arg("--now"));
        assert!(matches!(failed, Err(Error::Message(m)) if m.starts_with("`false --now` failed")));

        let absent = run(&mut Command::new("no-such-program"));
        assert!(matches!(absent, Err(Error::Message(m)) if m.contains("`no-such-program`")));
    }

    #[test]
    fn an_exit_code_is_passed_on() {
        let run = |script| hand_over_to(Command::new("sh").args(["-c", script]));
        assert_eq!(run("exit 0"), Ok(()));
        assert_eq!(run("exit 3"), Err(Error::Exit(3)));
        assert!(matches!(run("kill -9 $$"), Err(Error::Message(_))));
    }
}
