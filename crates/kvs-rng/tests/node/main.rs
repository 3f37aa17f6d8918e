//! Nodes that start badly, on loopback.

#![cfg(test)]

mod entities;
mod old_folder;
mod recovering;
mod refused;
mod support;
mod wiped;
