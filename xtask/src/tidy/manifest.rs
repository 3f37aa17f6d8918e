//! Reading manifests line by line: enough TOML for the rules, and line numbers, which
//! cargo does not give. Strings over several lines are not understood.

/// `key = value` in a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    /// The table it stands in, as written between the brackets.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// The entries of a manifest, in order.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut table = String::new();
    let mut open = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let (code, depth) = scan(line);
        if open > 0 {
            if let Some(entry) = entries.last_mut() {
                entry.value += code;
            }
            open += depth;
        } else if let Some((key, value)) = code.split_once('=') {
            entries.push(Entry {
                line: number,
                table: table.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            });
            open = depth;
        } else if code.starts_with('[') {
            table = code.trim_matches(['[', ']', ' ']).to_owned();
        }
    }
    entries
}

/// A line without its comment, and how many brackets it leaves open.
fn scan(line: &str) -> (&str, i32) {
    let mut quote = None;
    let mut depth = 0;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, '#') => return (line.get(..at).unwrap_or_default().trim(), depth),
            (None, _) => {}
        }
    }
    (line.trim(), depth)
}

impl Entry {
    /// The dependency the entry is about, if any: `serde` in each of `serde = "1"`,
    /// `serde.workspace = true`, and any line under `[dependencies.serde]`.
    pub(super) fn dependency(&self) -> Option<&str> {
        let (_, table) = self.table.rsplit_once("dependencies")?;
        match table.strip_prefix('.') {
            Some(name) => Some(name),
            None if table.is_empty() => self.key.split('.').next(),
            None => None,
        }
    }

    /// Does it take the dependency from the workspace?
    pub(super) fn is_inherited(&self) -> bool {
        let value: String = self.value.split_whitespace().collect();
        match self.key.rsplit('.').next() {
            Some("workspace") => value == "true",
            _ => value.starts_with('{') && value.contains("workspace=true"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_know_their_table_and_line() {
        let text = r##"
[package] # a comment
name = "a#b" # another
[features]
all = [
    "one",
    "two",
]
[target.'cfg(unix)'.dependencies]
rustix = { workspace = true }
"##;
        let entry = |line, table: &str, key: &str, value: &str| Entry {
            line,
            table: table.into(),
            key: key.into(),
            value: value.into(),
        };
        let expected = [
            entry(3, "package", "name", "\"a#b\""),
            entry(5, "features", "all", r#"["one","two",]"#),
            entry(10, "target.'cfg(unix)'.dependencies", "rustix", "{ workspace = true }"),
        ];
        assert_eq!(entries(text), expected);
    }

    #[test]
    fn a_dependency_is_recognized_in_each_form() {
        let cases = [
            ("[dependencies]\nserde.workspace = true", Some("serde"), true),
            ("[dependencies]\nserde = { workspace = true }", Some("serde"), true),
            (
                "[dependencies]\nserde = { features = [\n\"a\"\n], workspace=true }",
                Some("serde"),
                true,
            ),
            ("[dev-dependencies.serde]\nworkspace = true", Some("serde"), true),
            ("[target.x.dependencies]\nserde = \"1\"", Some("serde"), false),
            ("[dependencies]\nserde = { version = \"1\" }", Some("serde"), false),
            ("[dependencies.serde]\nversion = \"1\"", Some("serde"), false),
            ("[package]\nname = \"a\"", None, false),
        ];
        for (text, name, inherited) in cases {
            let entries = entries(text);
            let entry = entries.first().unwrap();
            assert_eq!((entry.dependency(), entry.is_inherited()), (name, inherited), "{text}");
        }
    }
}
