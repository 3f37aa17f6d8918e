//! Nodes that start badly, on loopback.

#![cfg(test)]

mod old_folder;
mod recovering;
mod refused;
mod support;
mod wiped;
