//! Types whose shape changes over time.

use std::ops::{Deref, DerefMut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Value;
use crate::error::{DbaError, Result};

/// A type with a history: each version knows the one before it.
///
/// Versions count from 1, and each is its predecessor's plus one (checked when compiling). The first
/// one names [`Initial`] as its predecessor. Bytes that were written before a type had a history
/// (as a plain `serde` type) have version 1.
///
/// ```
/// use kvs_core::codec::Initial;
/// use kvs_core::{Schema, Value, Versioned};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct PostV1 { text: String }
///
/// #[derive(Serialize, Deserialize)]
/// struct Post { text: String, likes: u32 }
///
/// impl Schema for PostV1 {
///     const VERSION: u32 = 1;
///     type Previous = Initial;
///     fn migrate(previous: Initial) -> Self { match previous {} }
/// }
///
/// impl Schema for Post {
///     const VERSION: u32 = 2;
///     type Previous = PostV1;
///     fn migrate(previous: PostV1) -> Self { Self { text: previous.text, likes: 0 } }
/// }
///
/// let old = PostV1 { text: "hello".into() }.to_bytes()?;
/// let post = Versioned::<Post>::from_bytes(&old)?;
/// assert_eq!((post.text.as_str(), post.likes), ("hello", 0));
/// # Ok::<(), kvs_core::DbaError>(())
/// ```
pub trait Schema: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// This version's number.
    const VERSION: u32;

    /// The version before this one.
    type Previous: Schema;

    /// Makes this version of the one before it.
    fn migrate(previous: Self::Previous) -> Self;
}

/// What comes before the first version: nothing.
#[derive(Debug, Serialize, Deserialize)]
pub enum Initial {}

impl Schema for Initial {
    const VERSION: u32 = 0;
    type Previous = Self;

    fn migrate(previous: Self) -> Self {
        previous
    }
}

/// A value that is stored with its schema version and migrated when it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Versioned<T>(pub T);

impl<T> Deref for Versioned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Versioned<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Versioned<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Schema> Value for Versioned<T> {
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<()> {
        super::encode(T::VERSION, &self.0, out)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (version, body) = super::split_version::<T>(bytes)?;
        if version > T::VERSION {
            return Err(super::newer::<T>(version, T::VERSION));
        }
        read::<T>(version, body).map(Self)
    }
}

/// Reads `version` of `T`'s history and migrates it up to `T`.
fn read<T: Schema>(version: u32, body: &[u8]) -> Result<T> {
    const {
        let is_initial = T::VERSION == 0;
        assert!(
            is_initial || T::VERSION == T::Previous::VERSION + 1,
            "a schema's version is its predecessor's plus one"
        );
    }
    if T::VERSION == 0 {
        let detail = format!("it has schema version {version}, which never was");
        return Err(DbaError::decode(std::any::type_name::<T>(), detail));
    }
    if version == T::VERSION {
        return super::body_from_bytes(body);
    }
    read::<T::Previous>(version, body).map(T::migrate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct V1(u8);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct V2(u8, u8);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct V3(u8, u8, u8);

    impl Schema for V1 {
        const VERSION: u32 = 1;
        type Previous = Initial;
        fn migrate(previous: Initial) -> Self {
            match previous {}
        }
    }
    impl Schema for V2 {
        const VERSION: u32 = 2;
        type Previous = V1;
        fn migrate(previous: V1) -> Self {
            Self(previous.0, 20)
        }
    }
    impl Schema for V3 {
        const VERSION: u32 = 3;
        type Previous = V2;
        fn migrate(previous: V2) -> Self {
            Self(previous.0, previous.1, 30)
        }
    }

    fn read<T: Schema>(bytes: &[u8]) -> Result<T> {
        Versioned::<T>::from_bytes(bytes).map(|versioned| versioned.0)
    }

    #[test]
    fn each_version_migrates_to_the_newest() {
        assert_eq!(read::<V3>(&[1, 1, 7]).unwrap(), V3(7, 20, 30));
        assert_eq!(read::<V3>(&[1, 2, 7, 8]).unwrap(), V3(7, 8, 30));
        assert_eq!(read::<V3>(&Versioned(V3(7, 8, 9)).to_bytes().unwrap()).unwrap(), V3(7, 8, 9));
    }

    #[test]
    fn what_is_not_exactly_known_is_refused() {
        let cases: [(&[u8], &str); 6] = [
            (&[], "empty"),
            (&[2, 1, 7], "unknown codec tag"),
            (&[1, 3, 7, 8, 9], "version 3, this program knows 2"),
            (&[1, 0, 7], "never was"),
            (&[1, 2, 7, 8, 9], "left over"),
            (&[1, 2, 7], "Hit the end"),
        ];
        for (bytes, expected) in cases {
            let error = read::<V2>(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn a_plain_type_is_version_one_of_its_history() {
        assert_eq!(read::<V2>(&V1(7).to_bytes().unwrap()).unwrap(), V2(7, 20));
    }
}
