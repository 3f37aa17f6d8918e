//! Rule: every public item is documented, and every crate has a front page.
//!
//! The compiler does the work, through the lint `missing_docs`. What is left is to
//! see that the lint is on and stays on.

use super::Violation;
use super::manifest::entries;
use super::workspace::{File, Workspace};

const LINT: &str = "missing_docs";

/// The kinds of things cargo builds that begin with a front page.
const WITH_FRONT_PAGE: [&str; 3] = ["lib", "proc-macro", "bin"];

/// Checks the workspace's manifest, then every crate.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    let denied = workspace.file("Cargo.toml").is_some_and(denies_missing_docs);
    if !denied {
        let what = format!("`[workspace.lints.rust]` has no `{LINT} = \"deny\"`");
        violations.push(Violation::new("Cargo.toml", 1, what));
    }
    for (package, manifest) in workspace.manifests() {
        for target in &package.targets {
            let root = workspace.file(&workspace.metadata.relative(&target.src_path));
            let has_front_page = target.kind.iter().any(|kind| WITH_FRONT_PAGE.contains(&&**kind));
            let Some(root) = root.filter(|_| has_front_page) else { continue };
            if !root.text.starts_with("//!") {
                violations.push(Violation::new(&root.path, 1, "does not begin with a front page"));
            }
        }
        let is_library =
            package.targets.iter().any(|target| target.kind.iter().any(|k| k == "lib"));
        if is_library {
            let folder = manifest.path.trim_end_matches("Cargo.toml");
            let sources = workspace.files.iter().filter(|file| file.path.starts_with(folder));
            violations.extend(sources.filter(|file| file.is_rust()).flat_map(relaxations));
        }
    }
    violations
}

fn denies_missing_docs(manifest: &File) -> bool {
    entries(&manifest.text).iter().any(|entry| {
        (&*entry.table, &*entry.key, &*entry.value) == ("workspace.lints.rust", LINT, "\"deny\"")
    })
}

/// Attributes that allow an item without docs.
fn relaxations(file: &File) -> Vec<Violation> {
    let text = &file.text;
    text.match_indices(LINT)
        .filter(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default();
            let attribute = before.rsplit("#").next().unwrap_or_default();
            let weaker = ["allow(", "expect(", "warn("].iter().any(|word| attribute.contains(word));
            attribute.starts_with(['[', '!']) && !attribute.contains(']') && weaker
        })
        .map(|(at, _)| {
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            Violation::new(&file.path, line, format!("relaxes `{LINT}`: document the item"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROOT: (&str, &str) = ("Cargo.toml", "[workspace.lints.rust]\nmissing_docs = \"deny\"\n");

    fn found(files: &[(&str, &str)]) -> Vec<(String, usize)> {
        let package = json!([{
            "name": "a",
            "manifest_path": "/ws/a/Cargo.toml",
            "dependencies": [],
            "features": {},
            "targets": [
                { "kind": ["lib"], "src_path": "/ws/a/src/lib.rs" },
                { "kind": ["custom-build"], "src_path": "/ws/a/build.rs" },
            ],
        }]);
        let files = [files, &[("a/Cargo.toml", "")]].concat();
        let violations = check(&Workspace::new(package, &files));
        violations.into_iter().map(|violation| (violation.path, violation.line)).collect()
    }

    #[test]
    fn the_lint_is_denied() {
        assert_eq!(found(&[ROOT]), []);
        let warned = ("Cargo.toml", "[workspace.lints.rust]\nmissing_docs = \"warn\"\n");
        assert_eq!(found(&[warned]), [("Cargo.toml".to_owned(), 1)]);
    }

    #[test]
    fn a_crate_begins_with_a_front_page() {
        let build = ("a/build.rs", "fn main() {}");
        assert_eq!(found(&[ROOT, build, ("a/src/lib.rs", "//! The crate.\n")]), []);
        let bare = found(&[ROOT, build, ("a/src/lib.rs", "mod b;\n")]);
        assert_eq!(bare, [("a/src/lib.rs".to_owned(), 1)]);
    }

    #[test]
    fn no_attribute_relaxes_it() {
        let cases: &[(&str, &[usize])] = &[
            ("#![deny(missing_docs)]", &[]),
            ("// allow(missing_docs) is not an attribute", &[]),
            ("\n#[allow(missing_docs)]", &[2]),
            ("#![expect(unused,\n    missing_docs,\n)]", &[2]),
            ("#[cfg_attr(test, allow(missing_docs))]", &[1]),
            ("#[allow(unused)]\nconst A: &str = \"missing_docs\";", &[]),
        ];
        for (text, lines) in cases {
            let violations = relaxations(&File::new("a.rs", text));
            let found: Vec<_> = violations.iter().map(|violation| violation.line).collect();
            assert_eq!(found, *lines, "{text}");
        }
    }
}
