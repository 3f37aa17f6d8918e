//! The bytes that earlier releases wrote, kept in `tests/fixtures`: still read, and still written.
//!
//! A format has a folder, each of its versions a folder inside, each value there a file: bytes in
//! hexadecimal, with `#` before a remark. A test is a table of the values of one version. To add a
//! value, add its row: the test fails and shows the bytes to put into the file. A file is never
//! changed afterwards: what changes is the format, and that is a new version beside the old one.

#![cfg(test)]

mod codec;
mod entity;
mod fixture;
mod fs;
mod marker;
mod ordered;
mod stored;
mod tokens;
