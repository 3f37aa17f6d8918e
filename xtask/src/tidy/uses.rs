//! Rule: a crate uses only the crates that its layer allows.

use super::Violation;
use super::layers::{self, LAYERS, Layer};
use super::manifest;
use super::workspace::{File, Workspace};
use crate::cargo::{Dependency, Package};

/// Compares cargo's dependencies with the table of layers.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let crates = workspace.manifests().flat_map(|(package, manifest)| {
        check_crate(package, workspace)
            .into_iter()
            .map(|(about, what)| Violation::new(&manifest.path, line_of(manifest, about), what))
    });
    let without_crate =
        LAYERS.iter().filter(|layer| !workspace.has_crate(layer.name)).map(|layer| {
            let line = workspace.file(layers::PATH).map_or(1, |file| line_of(file, layer.name));
            Violation::new(layers::PATH, line, format!("no crate is called `{}`", layer.name))
        });
    crates.chain(without_crate).collect()
}

/// What is wrong, and which crate it is about.
fn check_crate<'a>(package: &'a Package, workspace: &Workspace) -> Vec<(&'a str, String)> {
    let name = &package.name;
    let Some(layer) = Layer::of(name) else {
        return vec![(name, format!("`{name}` is not in the table of layers ({})", layers::PATH))];
    };
    let ours =
        package.dependencies.iter().filter(|dependency| workspace.has_crate(&dependency.name));
    ours.filter_map(|used| Some((used.name.as_str(), objection(package, layer, used)?))).collect()
}

/// Why a crate may not use another one as it does.
fn objection(package: &Package, layer: &Layer, used: &Dependency) -> Option<String> {
    let (name, other) = (layer.name, used.name.as_str());
    if used.kind.as_deref() == Some("dev") {
        let above = Layer::of(other).is_some_and(|other| other.level() > layer.level());
        return above.then(|| format!("the tests of `{name}` reach up to `{other}`"));
    }
    if layer.may_use.contains(&other) {
        return None;
    }
    let Some((_, feature)) = layer.behind.iter().find(|(behind, _)| *behind == other) else {
        return Some(format!("`{name}` may not use `{other}`"));
    };
    if !used.optional {
        return Some(format!("`{name}` may use `{other}` only behind its feature `{feature}`"));
    }
    let switch = package.features.iter().find(|(switch, enables)| {
        switch.as_str() != *feature && enables.iter().any(|enabled| switches_on(enabled, other))
    });
    switch.map(|(switch, _)| format!("feature `{switch}` of `{name}` switches on `{other}`"))
}

/// Does an item of a feature's list switch on an optional dependency?
fn switches_on(enabled: &str, dependency: &str) -> bool {
    let enabled = enabled.strip_prefix("dep:").unwrap_or(enabled);
    enabled.split('/').next() == Some(dependency)
}

/// The line of a file that is about a crate.
fn line_of(file: &File, name: &str) -> usize {
    let quoted = format!("\"{name}\"");
    let mut entries = manifest::entries(&file.text).into_iter();
    let dependency = entries.find(|entry| entry.dependency() == Some(name)).map(|entry| entry.line);
    let mention = || file.lines().find(|(_, line)| line.contains(&quoted)).map(|(line, _)| line);
    dependency.or_else(mention).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace of every crate in the table, without dependencies but these.
    fn found(
        name: &str,
        dependencies: serde_json::Value,
        features: serde_json::Value,
    ) -> Vec<String> {
        let packages: Vec<_> = LAYERS
            .iter()
            .map(|layer| {
                let is_it = layer.name == name;
                json!({
                    "name": layer.name,
                    "manifest_path": format!("/ws/{}/Cargo.toml", layer.name),
                    "dependencies": if is_it { dependencies.clone() } else { json!([]) },
                    "features": if is_it { features.clone() } else { json!({}) },
                    "targets": [],
                })
            })
            .collect();
        let manifest = format!("{name}/Cargo.toml");
        let workspace = Workspace::new(json!(packages), &[(&manifest, "[dependencies]\n")]);
        check(&workspace).into_iter().map(|violation| violation.what).collect()
    }

    fn uses(name: &str, kind: &str, optional: bool) -> serde_json::Value {
        let kind = (!kind.is_empty()).then_some(kind);
        json!([
            { "name": name, "kind": kind, "optional": optional },
            { "name": "serde", "kind": null, "optional": false },
        ])
    }

    #[test]
    fn use_follows_the_layers() {
        let cases = [
            ("kvs-feed", uses("kvs-core", "", false), ""),
            ("kvs-feed", uses("kvs-sort", "", false), "`kvs-feed` may not use `kvs-sort`"),
            ("kvs-feed", uses("kvs-sort", "build", false), "`kvs-feed` may not use `kvs-sort`"),
            ("kvs-feed", uses("kvs-sort", "dev", false), ""),
            ("kvs-core", uses("kvs-core", "dev", false), ""),
            (
                "kvs-core",
                uses("kvs-feed", "dev", false),
                "the tests of `kvs-core` reach up to `kvs-feed`",
            ),
            ("kvs-server", uses("kvs", "", false), ""),
            ("kvs-server", uses("kvs-core", "", false), "`kvs-server` may not use `kvs-core`"),
            ("xtask", uses("kvs-core", "", false), "`xtask` may not use `kvs-core`"),
        ];
        for (name, dependencies, expected) in cases {
            assert_eq!(found(name, dependencies, json!({})).join(" and "), expected);
        }
    }

    #[test]
    fn an_optional_use_stays_behind_its_feature() {
        let cases = [
            (true, json!({ "cluster": ["dep:kvs-rng"] }), ""),
            (true, json!({ "cluster": ["dep:kvs-rng"], "x": ["kvs-rng?/y", "kvs-rngs/z"] }), ""),
            (
                false,
                json!({}),
                "`kvs-sharding` may use `kvs-rng` only behind its feature `cluster`",
            ),
            (
                true,
                json!({ "default": ["dep:kvs-rng"] }),
                "feature `default` of `kvs-sharding` switches on `kvs-rng`",
            ),
            (
                true,
                json!({ "net": ["kvs-rng/net"] }),
                "feature `net` of `kvs-sharding` switches on `kvs-rng`",
            ),
        ];
        for (optional, features, expected) in cases {
            let dependencies = uses("kvs-rng", "", optional);
            assert_eq!(found("kvs-sharding", dependencies, features).join(" and "), expected);
        }
    }

    #[test]
    fn crates_and_rows_go_together() {
        let package = json!({
            "name": "kvs-extra",
            "manifest_path": "/ws/extra/Cargo.toml",
            "dependencies": [],
            "features": {},
            "targets": [],
        });
        let manifest = ("extra/Cargo.toml", "[package]\nname = \"kvs-extra\"\n");
        let violations = check(&Workspace::new(json!([package]), &[manifest]));
        let what = "`kvs-extra` is not in the table of layers (xtask/src/tidy/layers.rs)";
        assert_eq!(violations.first(), Some(&Violation::new("extra/Cargo.toml", 2, what)));
        assert_eq!(violations.len(), 1 + LAYERS.len());
    }
}
