//! One version of a key.

use super::dot::Dot;
use super::timestamp::Timestamp;

/// One write of a key that nothing has replaced yet.
///
/// Siblings are ordered by dot. The further fields of the order matter only if two different writes
/// were given one dot, which must not happen; a join then keeps the greater one, so that replicas
/// converge all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sibling {
    /// The write's name.
    pub dot: Dot,
    /// When it was minted.
    pub timestamp: Timestamp,
    /// From when on it reads as absent, in milliseconds since 1970 UTC.
    pub expires_at_ms: Option<u64>,
    /// The value; `None` is a tombstone, the trace of a delete.
    pub value: Option<Vec<u8>>,
}

impl Sibling {
    /// A value that doesn't expire.
    pub fn new(dot: Dot, timestamp: Timestamp, value: impl Into<Vec<u8>>) -> Self {
        Self { dot, timestamp, expires_at_ms: None, value: Some(value.into()) }
    }

    /// A delete.
    pub fn tombstone(dot: Dot, timestamp: Timestamp) -> Self {
        Self { dot, timestamp, expires_at_ms: None, value: None }
    }

    /// Whether it is a delete.
    pub fn is_tombstone(&self) -> bool {
        self.value.is_none()
    }

    /// The value as it reads at `now_ms`: none if it is a tombstone or has expired.
    pub fn live_value(&self, now_ms: u64) -> Option<&[u8]> {
        let is_expired = self.expires_at_ms.is_some_and(|at| at <= now_ms);
        self.value.as_deref().filter(|_| !is_expired)
    }

    /// Bytes of the value; 0 for a tombstone.
    pub fn value_len(&self) -> usize {
        self.value.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::dot;
    use super::*;

    #[test]
    fn what_has_expired_reads_as_absent() {
        let stamp = Timestamp::from_ms(1);
        let lasting = Sibling::new(dot(1, 1), stamp, "a");
        let fleeting = Sibling { expires_at_ms: Some(10), ..lasting.clone() };
        assert_eq!(lasting.live_value(u64::MAX), Some(&b"a"[..]));
        assert_eq!((fleeting.live_value(9), fleeting.live_value(10)), (Some(&b"a"[..]), None));
        assert_eq!(Sibling::tombstone(dot(1, 2), stamp).live_value(0), None);
    }
}
