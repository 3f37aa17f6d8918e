//! What the commands need of a store, and how its errors are told.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use kvs::{Dba, DbaError, Key, Outcome};

/// Records: bytes by key.
///
/// A write is whole or not at all, and its error says which, or that it isn't known. A future that
/// is dropped leaves it unknown.
pub(crate) trait Records: Send + Sync + 'static {
    /// The record `key`; `None` if there is none.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, DbaError>>;

    /// Sets the record `key`.
    fn put<'a>(&'a self, key: &'a [u8], value: Vec<u8>) -> BoxFuture<'a, Result<(), DbaError>>;

    /// Removes the record `key`, if it is there.
    fn delete<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<(), DbaError>>;

    /// Whether there is a record `key`. Costs what reading it costs unless the store knows better.
    fn exists<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, DbaError>> {
        async move { Ok(self.get(key).await?.is_some()) }.boxed()
    }
}

impl Records for Arc<dyn Dba> {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, DbaError>> {
        async move { (**self).get(&row(key)).await }.boxed()
    }

    fn put<'a>(&'a self, key: &'a [u8], value: Vec<u8>) -> BoxFuture<'a, Result<(), DbaError>> {
        async move { (**self).put(&row(key), value).await }.boxed()
    }

    fn delete<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<(), DbaError>> {
        async move { (**self).delete(&row(key)).await }.boxed()
    }
}

/// A Redis key is a partition of its own.
fn row(key: &[u8]) -> Key {
    Key::new(key, [])
}

/// An error of the store as an error reply; see the table in [`super`].
pub(crate) fn error_reply(error: &DbaError) -> String {
    if let DbaError::WrongType { .. } = error {
        return format!("WRONGTYPE {error}");
    }
    match (error.outcome(), error.is_retryable()) {
        (Outcome::NotApplied, false) => format!("ERR {error}"),
        (Outcome::NotApplied, true) => format!("UNAVAILABLE not applied: {error}"),
        (Outcome::Unknown, _) => format!("UNKNOWN it may have been applied: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_replies_tell_whether_anything_changed() {
        let full = DbaError::DiskFull { path: "data".into(), free: 1, reserve: 2 };
        let failed = |outcome| DbaError::Engine {
            operation: "put",
            engine: "fjall",
            outcome,
            source: "no luck".into(),
        };
        let cases = [
            (full, "UNAVAILABLE not applied: the disk of data is full"),
            (DbaError::Deadline { operation: "put" }, "UNAVAILABLE not applied: put: the deadline"),
            (failed(Outcome::Unknown), "UNKNOWN it may have been applied: put failed"),
            (failed(Outcome::NotApplied), "ERR put failed in the fjall engine: no luck"),
        ];
        for (error, expected) in cases {
            let reply = error_reply(&error);
            assert!(reply.starts_with(expected), "{reply}");
        }
    }
}
