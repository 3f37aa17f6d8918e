use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{OrderedBytes, from_bytes, to_bytes};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Shape {
    Point,
    Named(String),
    Sized { width: i16, tags: Vec<u8> },
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Point),
        text().prop_map(Shape::Named),
        (any::<i16>(), prop::collection::vec(0..3_u8, 0..3))
            .prop_map(|(width, tags)| Shape::Sized { width, tags }),
    ]
}

/// Reads a value of the type of `_like`.
fn read_like<T: serde::de::DeserializeOwned>(_like: &T, bytes: &[u8]) -> T {
    from_bytes(bytes).unwrap()
}

/// Text of few characters, so that prefixes and zeros are common.
fn text() -> impl Strategy<Value = String> {
    "[\\x00\\x01a\u{ff}é]{0,4}"
}

macro_rules! ordered {
    ($($name:ident: $strategy:expr;)*) => {
        proptest! {$(
            #[test]
            fn $name(a in $strategy, b in $strategy) {
                let (x, y) = (to_bytes(&a).unwrap(), to_bytes(&b).unwrap());
                prop_assert_eq!(a.partial_cmp(&b).unwrap(), x.cmp(&y));
                prop_assert!(a == b || !y.starts_with(&x), "{:?} is a prefix of {:?}", x, y);
                prop_assert_eq!(read_like(&a, &x), a);
            }
        )*}
    };
}

ordered! {
    booleans: any::<bool>();
    unsigned: any::<(u8, u16, u32, u64, u128)>();
    signed: any::<(i8, i16, i32, i64, i128)>();
    doubles: any::<f64>();
    singles: any::<f32>();
    chars: any::<char>();
    texts: text();
    options: prop::option::of(prop::option::of(0..3_u8));
    sequences: prop::collection::vec(prop::collection::vec(0..2_u8, 0..3), 0..3);
    maps: prop::collection::btree_map(text(), 0..3_u8, 0..3);
    pairs: (text(), any::<i8>());
    enums: shape();
}

proptest! {
    /// Bytes in order already stand for their value, in other encodings too.
    #[test]
    fn ordered_bytes_stand_for_their_value(value in (text(), any::<i8>()), score: i64) {
        let bytes = OrderedBytes::new(&value).unwrap();
        prop_assert_eq!(to_bytes(&(score, &bytes)).unwrap(), to_bytes(&(score, &value)).unwrap());
        let key = to_bytes(&(score, &value)).unwrap();
        prop_assert_eq!(from_bytes::<(i64, OrderedBytes)>(&key).unwrap(), (score, bytes.clone()));
        prop_assert_eq!(bytes.decode::<(String, i8)>().unwrap(), value);
        let sent = crate::Value::to_bytes(&bytes).unwrap();
        prop_assert_eq!(<OrderedBytes as crate::Value>::from_bytes(&sent).unwrap(), bytes);
    }
}

#[test]
fn zeros_are_one_value() {
    assert_eq!(to_bytes(&-0.0_f64).unwrap(), to_bytes(&0.0_f64).unwrap());
}

#[test]
fn wrong_bytes_are_refused() {
    let error = |error: crate::DbaError| error.to_string();
    let cases = [
        (from_bytes::<u32>(&[0, 0]).map(drop).map_err(error), "too early"),
        (from_bytes::<u8>(&[0, 0]).map(drop).map_err(error), "left over"),
        (from_bytes::<bool>(&[2]).map(drop).map_err(error), "neither"),
        (from_bytes::<String>(&[0, 2]).map(drop).map_err(error), "after an escape"),
        (from_bytes::<String>(&[0xFF, 0, 1]).map(drop).map_err(error), "utf-8"),
        (from_bytes::<char>(&[0, 0, 0xD8, 0]).map(drop).map_err(error), "no character"),
        (from_bytes::<Shape>(&[0, 0, 0, 9]).map(drop).map_err(error), "variant"),
    ];
    for (found, expected) in cases {
        let found = found.unwrap_err();
        assert!(found.contains(expected), "{found}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = from_bytes::<Shape>(&bytes);
        let _ = from_bytes::<BTreeMap<String, Option<Vec<i64>>>>(&bytes);
    }
}
