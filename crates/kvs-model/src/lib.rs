//! The protocol of the entities' logs, explored state by state.
//!
//! A simulation goes through some schedules; a model checker goes through all of them, as far as few
//! nodes, commands and faults lead. The model runs the very
//! [`Core`](kvs_rng::log::core::Core) that nodes run, in the
//! [`World`](kvs_rng::log::core::world::World) that random schedules go through too, and asks in each
//! state whether the properties of its history hold.
//!
//! - [`scenario`]: what may happen, and how often. Every rule of the protocol has a scenario in which the
//!   checker finds a violation once that rule alone is off.
//! - [`model`]: a scenario, as `stateright` wants it.

pub mod model;
pub mod scenario;
