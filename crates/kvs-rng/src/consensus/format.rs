//! Bytes on disk and on the wire: a version, then postcard, and nothing behind it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The one version there is so far.
const VERSION: u8 = 1;

/// Bytes that are not what they should be.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum FormatError {
    #[error("{what}: no bytes")]
    Empty { what: &'static str },
    #[error("{what}: version {found} is unknown, this release reads {VERSION}")]
    Version { what: &'static str, found: u8 },
    #[error("{what}: {problem}")]
    Malformed { what: &'static str, problem: String },
    #[error("{what}: {bytes} bytes too many")]
    Trailing { what: &'static str, bytes: usize },
}

/// `value` as bytes. `what` names it in errors.
pub(crate) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, FormatError> {
    let malformed =
        |error: postcard::Error| FormatError::Malformed { what, problem: error.to_string() };
    postcard::to_extend(value, vec![VERSION]).map_err(malformed)
}

/// The value that `bytes` hold, all of them.
pub(crate) fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, FormatError> {
    let (version, bytes) = bytes.split_first().ok_or(FormatError::Empty { what })?;
    if *version != VERSION {
        return Err(FormatError::Version { what, found: *version });
    }
    let malformed =
        |error: postcard::Error| FormatError::Malformed { what, problem: error.to_string() };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(FormatError::Trailing { what, bytes: rest.len() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back_and_anything_else_is_an_error() {
        let bytes = encode("pair", &(7_u64, "seven")).unwrap();
        assert_eq!(decode::<(u64, String)>("pair", &bytes).unwrap(), (7, "seven".to_owned()));

        assert_eq!(decode::<u64>("pair", &[]), Err(FormatError::Empty { what: "pair" }));
        assert_eq!(
            decode::<u64>("pair", &[9, 7]),
            Err(FormatError::Version { what: "pair", found: 9 })
        );
        assert_eq!(
            decode::<u64>("pair", &[1, 7, 7]),
            Err(FormatError::Trailing { what: "pair", bytes: 1 })
        );
        assert!(matches!(decode::<String>("pair", &[1, 200]), Err(FormatError::Malformed { .. })));
    }
}
