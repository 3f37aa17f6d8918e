//! Values with their schema versions.

use std::collections::BTreeMap;

use kvs_core::codec::Initial;
use kvs_core::{Schema, Value, Versioned};
use serde::{Deserialize, Serialize};

use crate::fixture::Fixtures;

/// Something of everything that `serde` knows.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    yes: bool,
    unsigned: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    floats: (f32, f64),
    text: String,
    letter: char,
    none: Option<u8>,
    some: Option<u8>,
    list: Vec<u16>,
    map: BTreeMap<String, u8>,
    shapes: Vec<Shape>,
    unit: (),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(u32),
    Box { width: u32, height: u32 },
}

#[test]
fn every_kind_of_value() {
    let everything = Everything {
        yes: true,
        unsigned: (1, 300, 70_000, u64::MAX, 1 << 100),
        signed: (-1, -300, 70_000, i64::MIN, -(1 << 100)),
        floats: (1.5, -0.1),
        text: "Zażółć".to_owned(),
        letter: 'é',
        none: None,
        some: Some(7),
        list: vec![1, 2, 1_000],
        map: [("a".to_owned(), 1), ("b".to_owned(), 2)].into(),
        shapes: vec![Shape::Point, Shape::Circle(5), Shape::Box { width: 1, height: 2 }],
        unit: (),
    };
    Fixtures::of("codec/v1").check(
        [("everything", everything)],
        |value| value.to_bytes().unwrap(),
        Everything::from_bytes,
    );
}

/// A type as it was at first: without a history, so its version is 1.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct PostV1 {
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct PostV2 {
    author: String,
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Post {
    author: String,
    text: String,
    likes: u32,
}

impl Schema for PostV1 {
    const VERSION: u32 = 1;
    type Previous = Initial;
    fn migrate(previous: Initial) -> Self {
        match previous {}
    }
}

impl Schema for PostV2 {
    const VERSION: u32 = 2;
    type Previous = PostV1;
    fn migrate(previous: PostV1) -> Self {
        Self { author: "unknown".to_owned(), text: previous.text }
    }
}

impl Schema for Post {
    const VERSION: u32 = 3;
    type Previous = PostV2;
    fn migrate(previous: PostV2) -> Self {
        Self { author: previous.author, text: previous.text, likes: 0 }
    }
}

fn post(author: &str, likes: u32) -> Versioned<Post> {
    Versioned(Post { author: author.to_owned(), text: "hello".to_owned(), likes })
}

#[test]
fn every_version_of_a_type() {
    let folder = |version| Fixtures::of(&format!("versioned/v{version}"));
    folder(1).check_old([("post", post("unknown", 0))], Value::from_bytes);
    folder(2).check_old([("post", post("ada", 0))], Value::from_bytes);
    folder(3).check([("post", post("ada", 7))], |p| p.to_bytes().unwrap(), Value::from_bytes);
}
