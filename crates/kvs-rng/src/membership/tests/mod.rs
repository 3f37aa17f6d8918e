//! The protocol under faults, and on real sockets.

mod faults;
mod fuzz;
mod sockets;
mod world;
