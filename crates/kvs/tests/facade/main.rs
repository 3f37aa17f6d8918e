//! The facade, as an application uses it.

#![cfg(test)]

mod archives;
#[cfg(feature = "cluster")]
mod cluster;
mod entities;
mod records;
