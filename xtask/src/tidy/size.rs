//! Rule: a file holds one idea, and so stays short.

use super::Violation;
use super::workspace::{File, Workspace};

/// The most lines a file of Rust may have.
const LINES_MAX: usize = 700;

/// Files that may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

/// Counts the lines of every Rust file.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    workspace.files.iter().filter(|file| file.is_rust()).filter_map(check_file).collect()
}

fn check_file(file: &File) -> Option<Violation> {
    let count = file.lines().count();
    let may_be_longer = LONGER.iter().any(|(path, _reason)| *path == file.path);
    (count > LINES_MAX && !may_be_longer).then(|| {
        let what = format!("{count} lines; more than {LINES_MAX} hold more than one idea");
        Violation::new(&file.path, LINES_MAX + 1, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        for (lines, expected) in [(0, false), (LINES_MAX, false), (LINES_MAX + 1, true)] {
            let file = File::new("a.rs", &"\n".repeat(lines));
            assert_eq!(check_file(&file).is_some(), expected, "{lines} lines");
        }
    }
}
