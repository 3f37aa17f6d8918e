//! Limits.

/// The longest datagram, in bytes: what passes common networks in one piece, headers included (RFC
/// 8085, section 3.2).
pub(super) const DATAGRAM_MAX: usize = 1400;

/// How many nodes are remembered, the ones that are down included.
pub(super) const MEMBERS_MAX: usize = 1024;

/// How many seeds are knocked at.
pub(super) const SEEDS_MAX: usize = 64;

/// How many datagrams wait to be sent. More than that are lost, as datagrams may be.
pub(super) const OUTGOING_MAX: usize = 1024;

/// How many datagrams are received before the timers are looked at.
pub(super) const RECEIVE_BURST: u32 = 64;

/// The longest name of a cluster, in bytes.
pub(super) const CLUSTER_NAME_MAX: usize = 255;

/// The most keys that may be in use at a time.
pub(super) const KEYS_MAX: usize = 8;
