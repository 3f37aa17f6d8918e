//! Rule: no file names a place that exists on one machine only.

use super::Violation;
use super::workspace::{File, Workspace};

/// Folders under the root of a file system whose content is one machine's own.
const OWN: [&str; 3] = ["root", "work", "workspace"];

/// Folders under the root of a file system that hold a folder for each person.
const HOMES: [&str; 2] = ["home", "Users"];

/// Looks through every text file but the one that cargo writes.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let written = workspace.files.iter().filter(|file| file.path != "Cargo.lock");
    written.flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Violation> {
    let found = file.lines().flat_map(|(number, line)| {
        line.match_indices(['/', '\\']).filter_map(move |(at, slash)| {
            let (before, path) = line.split_at_checked(at)?;
            let folder = own_folder(before, path, slash)?;
            Some(Violation::new(&file.path, number, format!("the path of one machine: `{folder}`")))
        })
    });
    found.collect()
}

/// The folder that `path` begins with, if it is absolute and a machine's own.
fn own_folder(before: &str, path: &str, slash: &str) -> Option<String> {
    let is_absolute = match slash {
        "/" => before.ends_with("://") || !before.ends_with(continues_path),
        _ => before.ends_with(':'),
    };
    let mut folders = path.split(slash).skip(1);
    let (top, inner) = (folders.next()?, folders.next()?);
    let is_own = OWN.contains(&top);
    let is_home = HOMES.contains(&top) && inner.starts_with(|c: char| c.is_alphanumeric());
    (is_absolute && (is_own || is_home)).then(|| {
        let shown = if is_home { [slash, top, slash, "…"] } else { [slash, top, slash, ""] };
        shown.concat()
    })
}

/// Can a slash after this character be in the middle of a path?
fn continues_path(c: char) -> bool {
    c.is_alphanumeric() || "/_-.~*?)}>".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machines_own_places_are_found() {
        // A `|` stands for a slash, so that this file keeps the rule itself.
        let cases = [
            ("cd |root|kvs", 1),
            ("\"|home|ann|kvs\" and '|Users|bob'", 2),
            ("file:||work|kvs", 0),
            ("file:|||work|kvs", 1),
            ("see (|workspace|x)", 1),
            ("C:\\Users\\bob", 1),
            ("|home| is where people's folders are", 0),
            ("|var|lib|kvs and |tmp|kvs", 0),
            ("src|root|mod.rs, .|work|x, ~|work|x, $HOME|work|x, {dir}|root|x", 0),
            ("https:||example.org|home|ann", 0),
            ("the |roots| of a tree", 0),
        ];
        for (text, count) in cases {
            let text = text.replace('|', "/");
            assert_eq!(check_file(&File::new("a", &text)).len(), count, "{text}");
        }
    }

    #[test]
    fn what_cargo_writes_is_left_alone() {
        let text = "cd |root|kvs".replace('|', "/");
        let files = [("Cargo.lock", &*text), ("a.sh", &*text)];
        let violations = check(&Workspace::new(serde_json::json!([]), &files));
        assert_eq!(violations.iter().map(|v| &*v.path).collect::<Vec<_>>(), ["a.sh"]);
    }
}
