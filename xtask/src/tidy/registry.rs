//! Rule: every crate comes from crates.io, as cargo finds it by itself.

use super::Violation;
use super::manifest::entries;
use super::workspace::{File, Workspace};

/// How `Cargo.lock` names crates.io.
const CRATES_IO: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

/// Checks the sources in `Cargo.lock`, and that cargo's configuration adds none.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let lock = workspace.file("Cargo.lock").map(check_lock);
    let configuration = workspace.file(".cargo/config.toml").map(check_configuration);
    lock.into_iter().chain(configuration).flatten().collect()
}

fn check_lock(lock: &File) -> Vec<Violation> {
    let sources = entries(&lock.text).into_iter().filter(|entry| entry.key == "source");
    let other = sources.filter(|entry| entry.value != CRATES_IO);
    other
        .map(|entry| {
            let what = format!("a crate from somewhere else than crates.io: {}", entry.value);
            Violation::new(&lock.path, entry.line, what)
        })
        .collect()
}

fn check_configuration(configuration: &File) -> Vec<Violation> {
    let entries = entries(&configuration.text).into_iter();
    let of_registries = entries.filter(|entry| {
        let place = [entry.table.as_str(), entry.key.as_str()].join(".");
        let section = place.trim_start_matches('.').split('.').next();
        matches!(section, Some("source" | "registry" | "registries"))
    });
    of_registries
        .map(|entry| {
            let what = "registries are for each user's own configuration";
            Violation::new(&configuration.path, entry.line, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_crates_io() {
        let text = format!(
            "[[package]]\nname = \"a\"\nsource = {CRATES_IO}\n\n[[package]]\nname = \"b\"\n\
             source = \"sparse+https://mirror.example.org/index/\"\n"
        );
        let violations = check_lock(&File::new("Cargo.lock", &text));
        assert_eq!(violations.iter().map(|v| v.line).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn the_configuration_names_no_registry() {
        let cases: &[(&str, &[usize])] = &[
            ("[alias]\nxtask = \"run --package xtask --\"", &[]),
            ("[source.crates-io]\nreplace-with = \"near\"", &[2]),
            ("[registries.near]\nindex = \"sparse+https://mirror.example.org/\"", &[2]),
            ("registry.default = \"near\"", &[1]),
        ];
        for (text, lines) in cases {
            let violations = check_configuration(&File::new("config.toml", text));
            assert_eq!(violations.iter().map(|v| v.line).collect::<Vec<_>>(), *lines, "{text}");
        }
    }
}
