//! Rule: the layers in `docs/ARCHITECTURE.md` are those of the table of layers.
//!
//! They stand between two comments, and what is between them is generated.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::Violation;
use super::layers::{LAYERS, Layer};
use super::workspace::Workspace;
use crate::sh::{Error, Result};

const PATH: &str = "docs/ARCHITECTURE.md";
const START: &str = "<!-- layers -->\n";
const END: &str = "<!-- /layers -->";

/// Compares what is in the document with what would be generated.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let document = workspace.file(PATH).map(|file| file.text.as_str());
    objection(document).into_iter().collect()
}

fn objection(document: Option<&str>) -> Option<Violation> {
    let Some(text) = document else {
        return Some(Violation::new(PATH, 1, "there is no such file"));
    };
    let Some(block) = block(text) else {
        return Some(Violation::new(PATH, 1, no_block()));
    };
    let line = text.get(..block.start).unwrap_or_default().lines().count();
    let what = "not the table of layers: `cargo xtask tidy --write` rewrites it";
    (text.get(block) != Some(&table())).then(|| Violation::new(PATH, line, what))
}

/// Generates the part of the document anew.
pub(super) fn write(root: &Path) -> Result {
    let path = root.join(PATH);
    let complain = |why: &dyn std::fmt::Display| Error::Message(format!("{PATH}: {why}"));
    let mut text = fs::read_to_string(&path).map_err(|e| complain(&e))?;
    let block = block(&text).ok_or_else(|| complain(&no_block()))?;
    text.replace_range(block, &table());
    fs::write(&path, text).map_err(|e| complain(&e))
}

/// Where the generated part is: between the comments, without them.
fn block(text: &str) -> Option<Range<usize>> {
    let start = text.find(START)? + START.len();
    let end = start + text.get(start..)?.find(END)?;
    Some(start..end)
}

fn no_block() -> String {
    format!("no place for the table of layers: `{}` and `{END}`, each on a line", START.trim_end())
}

/// The table of layers in Markdown.
fn table() -> String {
    let mut table = String::from("| crate | holds | may use |\n|---|---|---|\n");
    for (above, layer) in LAYERS.iter().enumerate() {
        let uses = uses(layer, above);
        let _ = writeln!(table, "| `{}` | {} | {uses} |", layer.name, layer.holds);
    }
    table
}

fn uses(layer: &Layer, above: usize) -> String {
    if above > 1 && layer.may_use.len() == above {
        return "all above".to_owned();
    }
    let plain = layer.may_use.iter().map(|name| format!("`{name}`"));
    let behind = layer
        .behind
        .iter()
        .map(|(name, feature)| format!("`{name}` behind the feature `{feature}`"));
    let uses: Vec<_> = plain.chain(behind).collect();
    if uses.is_empty() { "–".to_owned() } else { uses.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_crate_and_what_it_may_use() {
        let table = table();
        let cell = |name: &str| {
            let row =
                table.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
            row.trim_end_matches(" |").rsplit(" | ").next().unwrap()
        };
        assert_eq!(cell("kvs-core"), "–");
        assert_eq!(cell("kvs-feed"), "`kvs-core`");
        assert_eq!(cell("kvs-sharding"), "`kvs-core`, `kvs-rng` behind the feature `cluster`");
        assert_eq!(cell("kvs"), "all above");
        assert_eq!(cell("kvs-server"), "`kvs`");
        assert_eq!(table.lines().count(), LAYERS.len() + 2);
    }

    #[test]
    fn a_document_without_the_table_is_found() {
        let current = format!("# Title\n\n{START}{}{END}\n", table());
        let changed = current.replace("kvs-feed", "kvs-food");
        let cases = [
            (Some(current.as_str()), None),
            (Some(&changed), Some(3)),
            (Some("# Title\n"), Some(1)),
            (None, Some(1)),
        ];
        for (document, line) in cases {
            assert_eq!(objection(document).map(|violation| violation.line), line, "{document:?}");
        }
    }
}
