//! What goes between two nodes.
//!
//! ```text
//! request   ┌──────┬───────────────────────────────────────┬─────────────────────┐
//!           │ 0x01 │ entity, command id, time left in ms   │ the message's bytes │
//!           └──────┴───────────────────────────────────────┴─────────────────────┘
//! answer    ┌──────┬──────┬───────────────────┐
//!           │ 0x01 │ 0x00 │ the reply's bytes │
//!           └──────┴──────┴───────────────────┘
//!           ┌──────┬──────┬──────────────────────────────┐
//!           │ 0x01 │ 0x01 │ cause, owner if it knows one │
//!           └──────┴──────┴──────────────────────────────┘
//! ```
//! The first byte is the version. What has no other description is in postcard. Messages and replies
//! bring their own version ([`Value`](kvs_core::Value)).

use std::time::Duration;

use kvs_rng::identity::NodeId;
use serde::{Deserialize, Serialize};

use crate::error::Cause;

const VERSION: u8 = 1;
const REPLY: u8 = 0;
const REFUSED: u8 = 1;

/// A message on its way to the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) head: Head,
    pub(super) message: &'a [u8],
}

/// What comes before the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) entity: Vec<u8>,
    pub(super) command: Option<[u8; 16]>,
    pub(super) remaining_ms: u64,
}

impl Head {
    pub(super) fn remaining(&self) -> Duration {
        Duration::from_millis(self.remaining_ms)
    }
}

/// What the owner, or who was taken for it, says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The reply's bytes.
    Reply(Vec<u8>),
    /// There is no reply.
    Refused(Refused),
}

/// Why there is no reply, and who may have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) cause: Cause,
    pub(super) owner: Option<NodeId>,
}

impl<'a> Request<'a> {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(64 + self.head.entity.len() + self.message.len());
        bytes.push(VERSION);
        postcard::to_io(&self.head, &mut bytes).map_err(|error| error.to_string())?;
        bytes.extend_from_slice(self.message);
        Ok(bytes)
    }

    pub(super) fn from_bytes(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = versioned(bytes)?;
        let (head, message) =
            postcard::take_from_bytes(rest).map_err(|error| format!("request: {error}"))?;
        Ok(Self { head, message })
    }
}

impl Answer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        match self {
            Self::Reply(reply) => {
                bytes.push(REPLY);
                bytes.extend_from_slice(reply);
            }
            Self::Refused(refused) => {
                bytes.push(REFUSED);
                // If it failed, the answer would be cut off, and read as that.
                let _ = postcard::to_io(refused, &mut bytes);
            }
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        match versioned(bytes)? {
            [REPLY, reply @ ..] => Ok(Self::Reply(reply.to_vec())),
            [REFUSED, rest @ ..] => match postcard::take_from_bytes(rest) {
                Ok((refused, [])) => Ok(Self::Refused(refused)),
                Ok((_, rest)) => Err(format!("answer: {} bytes are left over", rest.len())),
                Err(error) => Err(format!("answer: {error}")),
            },
            [tag, ..] => Err(format!("answer: unknown tag {tag:#04x}")),
            [] => Err("answer: it is cut off".to_owned()),
        }
    }
}

fn versioned(bytes: &[u8]) -> Result<&[u8], String> {
    match bytes {
        [VERSION, rest @ ..] => Ok(rest),
        [version, ..] => Err(format!("version {version}, this node knows {VERSION}")),
        [] => Err("it is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn requests_come_back(
            entity: Vec<u8>, command: Option<[u8; 16]>, remaining_ms: u64, message: Vec<u8>,
        ) {
            let head = Head { entity, command, remaining_ms };
            let request = Request { head, message: &message };
            let bytes = request.to_bytes().unwrap();
            prop_assert_eq!(Request::from_bytes(&bytes).unwrap(), request);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = Request::from_bytes(&bytes);
            if let Ok(answer) = Answer::from_bytes(&bytes) {
                prop_assert_eq!(Answer::from_bytes(&answer.to_bytes()).unwrap(), answer);
            }
        }
    }

    #[test]
    fn the_bytes_are_these() {
        let head = Head { entity: b"e".to_vec(), command: Some([7; 16]), remaining_ms: 300 };
        let request = Request { head, message: b"m" }.to_bytes().unwrap();
        let mut expected = vec![1, 1, b'e', 1];
        expected.extend([7; 16]);
        expected.extend([0xAC, 0x02, b'm']);
        assert_eq!(request, expected);

        assert_eq!(Answer::Reply(b"r".to_vec()).to_bytes(), [1, 0, b'r']);
        let refused = |cause| Answer::Refused(Refused { cause, owner: None }).to_bytes();
        let text = || "x".to_owned();
        let causes = [
            (Cause::NotApplied { reason: text() }, vec![0, 1, b'x']),
            (Cause::Busy { reason: text() }, vec![1, 1, b'x']),
            (Cause::NoMajority { reason: text() }, vec![2, 1, b'x']),
            (Cause::Unknown { reason: text() }, vec![3, 1, b'x']),
            (Cause::Deadline, vec![4]),
            (Cause::Panicked { message: text() }, vec![5, 1, b'x']),
            (Cause::UnknownMessage { detail: text() }, vec![6, 1, b'x']),
            (Cause::UnknownRegion { at: text() }, vec![7, 1, b'x']),
            (Cause::Limit { what: text(), found: 2, limit: 1 }, vec![8, 1, b'x', 2, 1]),
            (Cause::Encode { detail: text() }, vec![9, 1, b'x']),
            (Cause::ReplyTooLarge { found: 2, limit: 1 }, vec![10, 2, 1]),
            (Cause::Reply { detail: text() }, vec![11, 1, b'x']),
        ];
        for (cause, bytes) in causes {
            let expected: Vec<u8> = [1, 1].into_iter().chain(bytes).chain([0]).collect();
            assert_eq!(refused(cause), expected);
        }
    }

    #[test]
    fn what_is_not_exactly_known_is_refused() {
        let answer = |bytes: &[u8]| Answer::from_bytes(bytes).unwrap_err();
        assert!(answer(&[]).contains("empty"));
        assert!(answer(&[2, 0]).contains("version 2"));
        assert!(answer(&[1]).contains("cut off"));
        assert!(answer(&[1, 9]).contains("unknown tag"));
        assert!(answer(&[1, 1, 4, 0, 0]).contains("left over"));
        assert!(Request::from_bytes(&[2]).unwrap_err().contains("version 2"));
    }
}
