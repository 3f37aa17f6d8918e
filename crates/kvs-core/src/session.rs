//! Sessions: what a reader has seen so far.
//!
//! A read at the owner of an entity sees everything. A read at any replica is cheaper, but a replica
//! may lag: two reads at two replicas could show yesterday after today. So a reader carries along how
//! far it has seen, and a replica that isn't there yet waits, or says so (Terry et al., *Session
//! Guarantees for Weakly Consistent Replicated Data*, 1994: *monotonic reads* and *read your
//! writes*).
//!
//! How far is a position in the log of a bucket. To the session it is bytes that a store handed out,
//! of which the higher ones, byte by byte, are the later ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::codec::Bytes;
use crate::error::{DbaError, Result};
use crate::limits::at_most;

/// How many buckets a session remembers. In all others it reads at their owners.
pub const SESSION_BUCKETS_MAX: usize = 4_096;

/// Longest position, in bytes.
pub const POSITION_BYTES_MAX: usize = 64;

const VERSION: u8 = 1;

/// What a reader has seen so far, as a handle: clones share it, and a cluster advances it with each read
/// and write of an entity made with it (see [`CallOptions::session`](crate::CallOptions::session)). An
/// embedded store has no replicas, and leaves it as it is; so do reads and writes of plain records.
///
/// Its bytes may be kept or sent elsewhere, where the session goes on; at most 4,096 buckets of about
/// a dozen bytes each. They say something only on the cluster that they come from.
///
/// ```
/// use kvs_core::session::{Reached, Session};
///
/// let session = Session::new();
/// session.advance(7, b"later");
/// session.advance(7, b"earlier"); // changes nothing
/// assert_eq!(session.reached(7), Reached::Position(b"later".to_vec()));
///
/// let elsewhere = Session::from_bytes(&session.to_bytes()?)?;
/// assert_eq!(elsewhere.reached(7), session.reached(7));
/// assert_eq!(elsewhere.reached(8), Reached::Nothing);
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Session(Arc<Mutex<Seen>>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    positions: BTreeMap<u32, Bytes>,
    /// Whether buckets were left out because there were too many.
    is_partial: bool,
}

/// How far a session has seen the log of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing of it: any replica will do.
    Nothing,
    /// Up to this position: any replica that is there will do.
    Position(Vec<u8>),
    /// That was not remembered: only the owner will do.
    Forgotten,
}

impl Session {
    /// A session that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How far it has seen a bucket.
    pub fn reached(&self, bucket: u32) -> Reached {
        let seen = self.seen();
        match seen.positions.get(&bucket) {
            Some(position) => Reached::Position(position.0.clone()),
            None if seen.is_partial => Reached::Forgotten,
            None => Reached::Nothing,
        }
    }

    /// Notes that a bucket was seen up to `position`. A lower one than before changes nothing; one of
    /// more than [`POSITION_BYTES_MAX`] bytes is not remembered.
    pub fn advance(&self, bucket: u32, position: &[u8]) {
        let mut seen = self.seen();
        let has_room = seen.positions.len() < SESSION_BUCKETS_MAX;
        match seen.positions.get_mut(&bucket) {
            Some(before) if before.0.as_slice() >= position => {}
            _ if position.len() > POSITION_BYTES_MAX => {
                seen.positions.remove(&bucket);
                seen.is_partial = true;
            }
            Some(before) => *before = Bytes(position.to_vec()),
            None if has_room => {
                seen.positions.insert(bucket, Bytes(position.to_vec()));
            }
            None => seen.is_partial = true,
        }
    }

    /// Has seen, from here on, also all that `other` has. What either has forgotten stays forgotten.
    pub fn join(&self, other: &Self) {
        let Seen { positions, is_partial } = other.seen().clone();
        if is_partial {
            let mut seen = self.seen();
            seen.positions.retain(|bucket, _| positions.contains_key(bucket));
        }
        for (bucket, position) in positions {
            if self.reached(bucket) != Reached::Forgotten {
                self.advance(bucket, &position.0);
            }
        }
        self.seen().is_partial |= is_partial;
    }

    /// The session's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = postcard::to_io(&*self.seen(), vec![VERSION]);
        bytes.map_err(|error| DbaError::encode("session", error))
    }

    /// A session that goes on from these bytes. Another version, bytes left over, and more buckets or
    /// longer positions than a session has are errors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong = |detail: String| DbaError::decode("session", detail);
        let [VERSION, body @ ..] = bytes else {
            return Err(wrong("its version is unknown".to_owned()));
        };
        let (seen, rest): (Seen, _) =
            postcard::take_from_bytes(body).map_err(|error| wrong(error.to_string()))?;
        if !rest.is_empty() {
            return Err(wrong(format!("{} bytes are left over", rest.len())));
        }
        at_most("buckets of a session", seen.positions.len(), SESSION_BUCKETS_MAX)?;
        for position in seen.positions.values() {
            at_most("position length in bytes", position.0.len(), POSITION_BYTES_MAX)?;
        }
        Ok(Self(Arc::new(Mutex::new(seen))))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_read_at_the_owner() {
        let session = Session::new();
        let many = SESSION_BUCKETS_MAX as u32;
        for bucket in 0..many {
            session.advance(bucket, b"a");
        }
        assert_eq!(session.reached(many), Reached::Nothing);
        session.advance(many, b"a");
        assert_eq!(session.reached(many), Reached::Forgotten);
        session.advance(0, b"b");
        assert_eq!(session.reached(0), Reached::Position(b"b".to_vec()));
        session.advance(0, &[b'c'; POSITION_BYTES_MAX + 1]);
        assert_eq!(session.reached(0), Reached::Forgotten);
        let sent = session.to_bytes().unwrap();
        assert_eq!(Session::from_bytes(&sent).unwrap().reached(many), Reached::Forgotten);
    }

    #[test]
    fn clones_share_what_was_seen() {
        let session = Session::new();
        session.clone().advance(1, b"a");
        assert_eq!(session.reached(1), Reached::Position(b"a".to_vec()));
    }

    #[test]
    fn sessions_join() {
        let (one, other) = (Session::new(), Session::new());
        one.advance(1, b"b");
        other.advance(1, b"a");
        other.advance(2, b"c");
        one.join(&other);
        one.join(&one.clone());
        assert_eq!(one.reached(1), Reached::Position(b"b".to_vec()));
        assert_eq!(one.reached(2), Reached::Position(b"c".to_vec()));
        assert_eq!(one.reached(3), Reached::Nothing);

        other.advance(1, &[b'c'; POSITION_BYTES_MAX + 1]);
        one.join(&other);
        assert_eq!(one.reached(1), Reached::Forgotten);
        assert_eq!(one.reached(2), Reached::Position(b"c".to_vec()));
        let third = Session::new();
        third.advance(1, b"a");
        one.join(&third);
        assert_eq!(one.reached(1), Reached::Forgotten, "it had seen more");
    }

    #[test]
    fn what_is_no_session_is_refused() {
        for (bytes, expected) in [
            (&[][..], "version"),
            (&[9, 0, 0], "version"),
            (&[1, 0, 0, 0], "left over"),
            (&[1, 1, 7], "decoded"),
        ] {
            let error = Session::from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
