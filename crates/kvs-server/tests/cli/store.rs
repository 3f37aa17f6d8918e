//! Running the program on a folder of its own.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// An empty folder, with room for a store and for files beside it.
pub(crate) struct Store {
    folder: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// The lines of the output as JSON.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The same, if all went well.
    pub(crate) fn done(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        self
    }

    /// The same, if it ended with this code and an error of one line that says this.
    pub(crate) fn failed(self, code: i32, error: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(error), "{:?} does not say {error:?}", self.err);
        assert!(code == 2 || self.err.lines().count() == 1, "{:?}", self.err);
        self
    }
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A path beside the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file beside the store, and gives its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program, ready to run beside the store.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kvs"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("KVS_DATA_DIR")
            .env_remove("KVS_PASSWORD_FILE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ended {
        ended(self.command(args).spawn().unwrap())
    }

    /// Runs the program with this as its standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // The program need not read all of it.
            scope.spawn(move || stdin.write_all(input));
            ended(child)
        })
    }

    /// Plays a script.
    ///
    /// A line that begins with `> ` is a command; words are separated by spaces, and within single
    /// quotes spaces don't separate. Below it stands what it prints, and, if it doesn't end well,
    /// `! `, its exit code and its error. `$DIR` is the folder beside which it runs.
    pub(crate) fn play(&self, script: &str) {
        let script = script.trim_start_matches('\n');
        let dir = self.folder.path().to_str().unwrap();
        let mut played = String::new();
        for command in script.lines().filter_map(|line| line.strip_prefix("> ")) {
            let ended = self.run(words(&command.replace("$DIR", dir)));
            played += &format!("> {command}\n{}", ended.text().replace(dir, "$DIR"));
            match ended.code {
                0 => assert_eq!(ended.err, "", "{command}"),
                code => played += &format!("! {code} {}", ended.err.replace(dir, "$DIR")),
            }
        }
        assert!(played == script, "played:\n{played}\nexpected:\n{script}");
    }
}

/// Waits for the end of a run.
pub(crate) fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().expect("it ends by itself"),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The backends that the program is built with.
pub(crate) fn backends() -> Vec<&'static str> {
    let store = Store::new();
    let is_built_in = |backend: &&str| {
        let put = store.run(["put", "k", "v", "--backend", backend, "--data-dir", backend]);
        put.code == 0 || !put.err.contains("built without")
    };
    ["rocksdb", "fjall", "leveldb", "fs"].into_iter().filter(is_built_in).collect()
}

/// All files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What is being made and removed meanwhile doesn't count.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    files
}

fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
