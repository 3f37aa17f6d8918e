//! Answers as they travel and are kept.
//!
//! ```text
//! ┌────────┬────────────────────────────────┐
//! │ tag 01 │ the rest of a typed value      │   done; the type is that of the command's answer
//! ├────────┼────────────┬───────────────────┤
//! │ tag 02 │ version 01 │ Failed in postcard│   not done, and why
//! └────────┴────────────┴───────────────────┘
//! ```
//!
//! The answer to a command with an id is kept beside the entity's rows, with a digest of the command:
//!
//! ```text
//! ┌────────┬──────────────────────────────┬────────┐
//! │ tag 03 │ XXH3-64 of the command's bytes│ answer │
//! └────────┴──────────────────────────────┴────────┘
//! ```

use kvs_core::codec::Encoded;
use kvs_core::{DbaError, Result, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::failure::Failed;
pub(crate) use crate::failure::Failure;

const VALUE: u8 = 0x01;
const FAILED: u8 = 0x02;
const KEPT: u8 = 0x03;
const FAILED_VERSION: u8 = 1;

/// The answer to a command: a value, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// The answer with these bytes of a typed value.
    pub(crate) fn value(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The answer that the command failed.
    pub fn failed(failure: &Failure) -> Self {
        let bytes = postcard::to_io(&Failed::from(failure), vec![FAILED, FAILED_VERSION]);
        // Writing to memory doesn't fail; if it did, the reader would refuse what is left.
        Self(bytes.unwrap_or_else(|_| vec![FAILED]))
    }

    /// The answer in these bytes, as it came over the network. It is checked as it is read.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The answer's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What the command gave.
    ///
    /// # Errors
    /// Why it failed, or that these are not the bytes of an answer of this type.
    pub fn read<A: Value>(&self) -> Result<A, Failure> {
        match self.0.as_slice() {
            [VALUE, ..] => Ok(A::from_bytes(&self.0)?),
            bytes => Err(why_not(bytes)),
        }
    }

    /// Why there is no value, if there is none.
    pub fn failure(&self) -> Option<Failure> {
        match self.0.as_slice() {
            [VALUE, ..] => None,
            bytes => Some(why_not(bytes)),
        }
    }
}

/// What bytes say that are no value.
fn why_not(bytes: &[u8]) -> Failure {
    match bytes {
        [FAILED, FAILED_VERSION, body @ ..] => match postcard::take_from_bytes::<Failed>(body) {
            Ok((failed, [])) => failed.into_failure(),
            Ok((_, rest)) => wrong(format!("{} bytes are left over", rest.len())).into(),
            Err(error) => wrong(error).into(),
        },
        [FAILED, version, ..] => wrong(format!("it has version {version}")).into(),
        [tag, ..] => wrong(format!("unknown tag {tag:#04x}")).into(),
        [] => wrong("it is empty").into(),
    }
}

fn wrong(detail: impl ToString) -> DbaError {
    DbaError::decode("answer", detail)
}

/// An answer as it is kept: with the digest of its command.
pub(crate) struct Kept {
    digest: Option<u64>,
    pub(crate) answer: Answer,
}

impl Kept {
    pub(crate) fn new(digest: u64, answer: Answer) -> Self {
        Self { digest: Some(digest), answer }
    }

    /// Whether it may be the answer to the command with this digest. Of answers that were kept
    /// without one it isn't known.
    pub(crate) fn is_of(&self, digest: u64) -> bool {
        self.digest.is_none_or(|kept| kept == digest)
    }
}

/// The digest of a command's bytes.
pub(crate) fn digest(command: &[u8]) -> u64 {
    xxh3_64(command)
}

impl Value for Kept {
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<()> {
        if let Some(digest) = self.digest {
            out.push(KEPT);
            out.extend_from_slice(&digest.to_be_bytes());
        }
        out.extend_from_slice(&self.answer.0);
        Ok(())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let [KEPT, rest @ ..] = bytes else {
            // A command that was run without this crate keeps the value alone.
            let Encoded(value) = Encoded::from_bytes(bytes)?;
            return Ok(Self { digest: None, answer: Answer::value(value) });
        };
        let Some((digest, answer)) = rest.split_first_chunk() else {
            return Err(DbaError::decode("kept answer", "it is cut off"));
        };
        let digest = Some(u64::from_be_bytes(*digest));
        Ok(Self { digest, answer: Answer(answer.to_vec()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_refused() {
        for (bytes, expected) in [
            (vec![], "empty"),
            (vec![9], "unknown tag 0x09"),
            (vec![FAILED, 9, 0], "version 9"),
            (vec![FAILED, 1, 200], "can't be decoded"),
            (vec![VALUE, 1, 7, 7], "left over"),
        ] {
            let error = Answer(bytes).read::<u8>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let limit = DbaError::Deadline { operation: "add" }.into();
        let failed = Answer::failed(&limit);
        assert_eq!(failed.failure().map(|failure| failure.is_retryable()), Some(true));
        assert!(Answer(vec![VALUE, 1, 7]).failure().is_none());
    }

    #[test]
    fn a_kept_answer_knows_its_command() {
        let answer = Answer::value(7_u8.to_bytes().unwrap());
        let kept = Kept::new(8, answer.clone()).to_bytes().unwrap();
        assert_eq!(kept, [3, 0, 0, 0, 0, 0, 0, 0, 8, 1, 1, 7]);
        let kept = Kept::from_bytes(&kept).unwrap();
        assert!(kept.is_of(8) && !kept.is_of(9));
        assert_eq!(kept.answer, answer);

        let plain = Kept::from_bytes(&[1, 1, 7]).unwrap();
        assert!(plain.is_of(8) && plain.is_of(9));
        assert_eq!(plain.answer, answer);
        assert!(Kept::from_bytes(&[3, 0, 0]).is_err());
    }
}
