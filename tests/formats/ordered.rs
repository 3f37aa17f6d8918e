//! Keys whose bytes sort as their values do.

use kvs_core::codec::ordered;
use serde::{Deserialize, Serialize};

use crate::fixture::Fixtures;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Part {
    Unit,
    Flag(bool),
    Unsigned(u8, u16, u32, u64, u128),
    Signed(i8, i16, i32, i64, i128),
    Floats(f32, f64, f64),
    Letter(char),
    Text(String),
    Optional(Option<u8>, Option<u8>),
    List(Vec<u16>),
    Named { score: f64, member: String },
}

#[test]
fn every_kind_of_value() {
    let values = [
        ("unit", Part::Unit),
        ("flag", Part::Flag(true)),
        ("unsigned", Part::Unsigned(1, 2, 3, u64::MAX, 1 << 100)),
        ("signed", Part::Signed(-1, 2, -3, i64::MIN, -(1 << 100))),
        ("floats", Part::Floats(1.5, -1.5, 0.0)),
        ("letter", Part::Letter('é')),
        ("text", Part::Text("a\0é".to_owned())),
        ("optional", Part::Optional(None, Some(7))),
        ("list", Part::List(vec![1, 2])),
        ("named", Part::Named { score: -7.25, member: "ada".to_owned() }),
    ];
    Fixtures::of("ordered/v1").check(
        values,
        |part| ordered::to_bytes(part).unwrap(),
        ordered::from_bytes,
    );
}
