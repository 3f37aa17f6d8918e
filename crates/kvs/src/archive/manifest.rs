//! What an archive says of itself.

use serde::{Deserialize, Serialize};

pub(super) const NAME: &str = "manifest.json";
/// The largest manifest that is read, in bytes: some half a million parts.
pub(super) const BYTES_MAX: u64 = 64 << 20;
pub(super) const FORMAT: &str = "kvs archive";
pub(super) const VERSION: u32 = 1;

/// `manifest.json`, version 1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) rows: u64,
    pub(super) parts: Vec<Part>,
}

/// One part of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) blake3: String,
}

/// The two fields that every version has, read first.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

impl Manifest {
    pub(super) fn new(rows: u64, parts: Vec<Part>) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, rows, parts }
    }

    /// Reads a manifest; an unknown format or version is an error that names it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let wrong = |error: serde_json::Error| format!("its manifest can't be read: {error}");
        let heading: Heading = serde_json::from_slice(json).map_err(wrong)?;
        if heading.format != FORMAT {
            return Err(format!("its format is {:?}, not {FORMAT:?}", heading.format));
        }
        if heading.version != VERSION {
            return Err(format!(
                "it has version {}, this release knows {VERSION}",
                heading.version
            ));
        }
        serde_json::from_slice(json).map_err(wrong)
    }
}
