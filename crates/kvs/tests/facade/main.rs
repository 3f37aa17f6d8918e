//! The facade, as an application uses it.

#![cfg(test)]

mod archives;
mod entities;
mod records;
