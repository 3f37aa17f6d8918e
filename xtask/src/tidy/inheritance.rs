//! Rule: every crate takes its lints and its dependencies from the workspace.

use std::collections::BTreeMap;

use super::Violation;
use super::manifest::entries;
use super::workspace::{File, Workspace};

/// Looks through the manifest of every crate.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    workspace.manifests().flat_map(|(_, manifest)| check_manifest(manifest)).collect()
}

fn check_manifest(manifest: &File) -> Vec<Violation> {
    let entries = entries(&manifest.text);
    let mut violations = Vec::new();

    let lints = entries.iter().any(|entry| {
        let place = [entry.table.as_str(), entry.key.as_str()].join(".");
        place.trim_start_matches('.') == "lints.workspace" && entry.value == "true"
    });
    if !lints {
        violations.push(Violation::new(&manifest.path, 1, "no `[lints] workspace = true`"));
    }

    // A dependency may take several lines; one of them has to inherit it.
    let mut dependencies = BTreeMap::new();
    for entry in &entries {
        if let Some(name) = entry.dependency() {
            let (_, inherited) =
                dependencies.entry((&entry.table, name)).or_insert((entry.line, false));
            *inherited |= entry.is_inherited();
        }
    }
    for ((_, name), (line, inherited)) in dependencies {
        if !inherited {
            let what = format!("`{name}` is not taken from the workspace (`workspace = true`)");
            violations.push(Violation::new(&manifest.path, line, what));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_and_dependencies_are_inherited() {
        let cases: &[(&str, &[usize])] = &[
            ("[lints]\nworkspace = true", &[]),
            ("lints.workspace = true", &[]),
            ("[package]\nname = \"a\"", &[1]),
            ("[lints]\nworkspace = true\n[dependencies]\na.workspace = true\nb = \"1\"", &[5]),
            (
                "[lints]\nworkspace = true\n[dependencies.a]\nfeatures = []\nworkspace = true\n\
                 [dev-dependencies]\na = { path = \"../a\" }",
                &[7],
            ),
        ];
        for (text, lines) in cases {
            let violations = check_manifest(&File::new("Cargo.toml", text));
            let found: Vec<_> = violations.iter().map(|violation| violation.line).collect();
            assert_eq!(found, *lines, "{text}");
        }
    }
}
