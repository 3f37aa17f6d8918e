//! Files of bytes, and the values they stand for.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use kvs_core::Result;

/// The fixtures of one version of a format.
pub(crate) struct Fixtures {
    folder: PathBuf,
    used: BTreeSet<String>,
}

impl Fixtures {
    /// Those in this folder, as in `envelope/v1`.
    pub(crate) fn of(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        Self { folder: root.join(folder), used: BTreeSet::new() }
    }

    /// The bytes in a file. If it is missing, `written` are what should be there.
    pub(crate) fn bytes(&mut self, name: &str, written: &[u8]) -> Vec<u8> {
        let file = format!("{name}.hex");
        let path = self.folder.join(&file);
        self.used.insert(file);
        let Ok(text) = fs::read_to_string(&path) else {
            panic!("{} is missing; its bytes:\n{}", path.display(), to_hex(written));
        };
        from_hex(&text).unwrap_or_else(|| panic!("{} is not hexadecimal", path.display()))
    }

    /// Each value is read from its file, and written as the bytes that are there.
    pub(crate) fn check<T: PartialEq + Debug>(
        mut self,
        values: impl IntoIterator<Item = (&'static str, T)>,
        write: impl Fn(&T) -> Vec<u8>,
        read: impl Fn(&[u8]) -> Result<T>,
    ) {
        for (name, value) in values {
            let written = write(&value);
            let bytes = self.bytes(name, &written);
            assert_eq!(read(&bytes).unwrap(), value, "{name} is read as something else");
            assert_eq!(to_hex(&written), to_hex(&bytes), "{name} is written otherwise now");
        }
        self.all_used();
    }

    /// Each file of a version that is no longer written is read as its value.
    pub(crate) fn check_old<T: PartialEq + Debug>(
        mut self,
        values: impl IntoIterator<Item = (&'static str, T)>,
        read: impl Fn(&[u8]) -> Result<T>,
    ) {
        for (name, value) in values {
            let bytes = self.bytes(name, &[]);
            assert_eq!(read(&bytes).unwrap(), value, "{name} is read as something else");
        }
        self.all_used();
    }

    /// No file was left unread.
    pub(crate) fn all_used(self) {
        let files = fs::read_dir(&self.folder).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert_eq!(files.collect::<BTreeSet<_>>(), self.used, "files and table differ");
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    bytes.chunks(32).map(|bytes| line(bytes).join(" ") + "\n").collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let without_remarks = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let bytes = without_remarks.flat_map(str::split_whitespace);
    bytes.map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() == 2)).collect()
}

#[test]
fn hexadecimal_reads_back() {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
    assert_eq!(from_hex("# a remark\n00 ff # and more\n\n 7f\n"), Some(vec![0, 0xFF, 0x7F]));
    for wrong in ["0", "000", "0g", "00,01", "+1"] {
        assert_eq!(from_hex(wrong).filter(|bytes| bytes.len() != 1), None, "{wrong}");
    }
}
