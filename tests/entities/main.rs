//! Entities within one process: order, exclusion, repeated commands, commands that are cut short.

#![cfg(test)]

mod commands;
mod counter;
mod dropped;
mod order;
mod types;
