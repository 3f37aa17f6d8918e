//! One owner for each entity: routing, mailboxes, hand-over.
//!
//! **This crate is empty so far.** What belongs here: a message for an entity is accepted by any
//! node and executed by the entity's owner, from a bounded mailbox, one at a time. Within one process
//! [`kvs_core::entity::LocalEntities`] gives entities their order today.
