//! One answer out of several siblings.

use kvs_core::Key;

use super::sibling::Sibling;

/// Settles concurrent writes when a key is read.
///
/// It must depend on its arguments alone, so that every node that holds the same gives the same
/// answer. Nothing is written: the siblings stay until a write replaces them. A client that wants to
/// settle them itself needs no resolver; see [`Read`](super::Read).
pub trait Resolver: Send + Sync + 'static {
    /// What `key` reads as at `now_ms`. The siblings are sorted by dot; tombstones and expired ones
    /// are among them. There may be none, for a key that was never written.
    fn resolve<'a>(&self, key: &Key, siblings: &'a [Sibling], now_ms: u64) -> Resolved<'a>;
}

/// What a key reads as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved<'a> {
    /// There is no value.
    Absent,
    /// The value of one of the siblings, which is neither a tombstone nor expired.
    Sibling(&'a Sibling),
    /// A value made out of several.
    Merged(Vec<u8>),
}

impl<'a> Resolved<'a> {
    /// The sibling, if it has a value at `now_ms`.
    pub fn live(sibling: &'a Sibling, now_ms: u64) -> Self {
        match sibling.live_value(now_ms) {
            Some(_) => Self::Sibling(sibling),
            None => Self::Absent,
        }
    }

    /// The value.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Absent => None,
            Self::Sibling(sibling) => sibling.value.as_deref(),
            Self::Merged(value) => Some(value),
        }
    }

    /// The value, copied if it is a sibling's.
    pub fn into_value(self) -> Option<Vec<u8>> {
        match self {
            Self::Absent => None,
            Self::Sibling(sibling) => sibling.value.clone(),
            Self::Merged(value) => Some(value),
        }
    }
}

/// The sibling with the latest timestamp wins; of equal ones the one with the greatest dot.
///
/// Tombstones and expired values take part: if one is the latest, the key is absent, and no older
/// value shows through. Of two concurrent writes one is silently dropped, and if a node's clock is
/// wrong it may be the one that people would call the later; see [`HybridClock`](super::HybridClock).
#[derive(Clone, Copy, Debug, Default)]
pub struct LastWriteWins;

impl Resolver for LastWriteWins {
    fn resolve<'a>(&self, _: &Key, siblings: &'a [Sibling], now_ms: u64) -> Resolved<'a> {
        siblings
            .iter()
            .max_by_key(|sibling| (sibling.timestamp, sibling.dot))
            .map_or(Resolved::Absent, |latest| Resolved::live(latest, now_ms))
    }
}

/// A function of the user's merges the values.
///
/// It is called with two or more values, those that are neither deleted nor expired, in the same
/// order on every node. A value that was written while another client deleted the key stays.
#[derive(Clone, Copy, Debug)]
pub struct Merge<F>(F);

impl<F: Fn(&Key, &[&[u8]]) -> Vec<u8> + Send + Sync + 'static> Merge<F> {
    /// Merges with `merge`, which gets the key and the values. It must not panic, and should give
    /// the same whatever the order of the values.
    pub fn new(merge: F) -> Self {
        Self(merge)
    }
}

impl<F: Fn(&Key, &[&[u8]]) -> Vec<u8> + Send + Sync + 'static> Resolver for Merge<F> {
    fn resolve<'a>(&self, key: &Key, siblings: &'a [Sibling], now_ms: u64) -> Resolved<'a> {
        let live = || siblings.iter().filter(|sibling| sibling.live_value(now_ms).is_some());
        let mut first_two = live();
        match (first_two.next(), first_two.next()) {
            (None, _) => Resolved::Absent,
            (Some(only), None) => Resolved::Sibling(only),
            _ => {
                let values: Vec<_> = live().filter_map(|live| live.value.as_deref()).collect();
                Resolved::Merged((self.0)(key, &values))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::dot;
    use super::super::{Timestamp, VersionVector, Versions};
    use super::*;

    fn at(ms: u64, counter: u64, value: &str) -> Sibling {
        Sibling::new(dot(1, counter), Timestamp::from_ms(ms), value)
    }

    fn resolved(resolver: &dyn Resolver, siblings: &[Sibling]) -> Option<String> {
        let resolved = resolver.resolve(&Key::from("key"), siblings, 100);
        assert_eq!(resolved.value().map(<[u8]>::to_vec), resolved.clone().into_value());
        resolved.into_value().map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn the_last_write_wins() {
        let fleeting = Sibling { expires_at_ms: Some(100), ..at(3, 3, "c") };
        let tombstone = Sibling::tombstone(dot(1, 3), Timestamp::from_ms(3));
        let cases: [(&[Sibling], Option<&str>); 6] = [
            (&[], None),
            (&[at(2, 1, "a"), at(1, 2, "b")], Some("a")),
            (&[at(2, 1, "a"), at(2, 2, "b")], Some("b")),
            (&[at(2, 1, "a"), fleeting], None),
            (&[at(2, 1, "a"), tombstone.clone()], None),
            (&[at(4, 1, "a"), tombstone], Some("a")),
        ];
        for (siblings, expected) in cases {
            assert_eq!(resolved(&LastWriteWins, siblings).as_deref(), expected, "{siblings:?}");
        }
    }

    #[test]
    fn causality_comes_before_clocks() {
        let mut versions = Versions::default();
        versions.write(at(u64::MAX, 1, "from the future"), None).unwrap();
        let concurrent = Sibling { dot: dot(2, 1), ..at(1, 1, "concurrent") };
        versions.write(concurrent, Some(&VersionVector::default())).unwrap();
        let read = resolved(&LastWriteWins, versions.siblings());
        assert_eq!(read.as_deref(), Some("from the future"));

        versions.write(at(2, 2, "in sight of both"), None).unwrap();
        let read = resolved(&LastWriteWins, versions.siblings());
        assert_eq!(read.as_deref(), Some("in sight of both"));
    }

    #[test]
    fn a_function_merges_live_values() {
        let merge = Merge::new(|key: &Key, values: &[&[u8]]| {
            [key.partition(), b"=", &values.join(&b'+')].concat()
        });
        let fleeting = Sibling { expires_at_ms: Some(100), ..at(3, 3, "c") };
        let tombstone = Sibling::tombstone(dot(1, 4), Timestamp::from_ms(4));
        let gone = [fleeting, tombstone];
        assert_eq!(resolved(&merge, &[]), None);
        assert_eq!(resolved(&merge, &gone), None);
        let one = [&[at(1, 1, "a")][..], &gone].concat();
        assert_eq!(resolved(&merge, &one).as_deref(), Some("a"));
        let two = [&[at(1, 1, "a"), at(1, 2, "b")][..], &gone].concat();
        assert_eq!(resolved(&merge, &two).as_deref(), Some("key=a+b"));
    }
}
