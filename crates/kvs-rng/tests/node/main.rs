//! Nodes that start badly, on loopback.

#![cfg(test)]

mod recovering;
mod support;
