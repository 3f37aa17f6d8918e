//! Texts and files from outside.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kvs::limits::VALUE_BYTES_MAX;

use crate::error::{Failure, Result};

const STDIN: &str = "standard input";

/// A value as the command line gives it: itself, or for `-` all of the standard input.
pub(crate) fn text(value: String) -> Result<String> {
    if value != "-" {
        return Ok(value);
    }
    let mut bytes = Vec::new();
    let read = io::stdin().take(VALUE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|source| Failure::input(STDIN, source))?;
    if bytes.len() > VALUE_BYTES_MAX {
        let limit = format!("{STDIN} has more than {VALUE_BYTES_MAX} bytes, the limit of a value");
        return Err(Failure::Refused(limit));
    }
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Failure::Refused(format!("{STDIN} is no text: byte {position} begins no UTF-8 character"))
    })
}

/// A file, or for `-` the standard input, for reading; and its length, where that is known.
pub(crate) fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let failed = |source| Failure::input(path.display().to_string(), source);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), length))
}
