//! What nodes ask of each other: the numbers of the transport's methods.

/// A message of the consensus on the layout, for [`Consensus::handle`](crate::consensus::Consensus::handle).
pub(super) const CONSENSUS: u16 = 1;
/// Whether the node holds no data, and the promise to take none for a moment.
pub(super) const HOLD: u16 = 2;
/// The last write of the asking node that is known. It says which run of it asks.
pub(super) const LAST_WRITE: u16 = 3;
/// From here on: the coordinator's own.
pub(super) const COORDINATOR: u16 = 0x100;

/// From here on: the logs' own.
pub(super) const LOGS: u16 = 0x300;

/// Faults, as the answers of [`Service`](super::service::Service) carry them.
pub(super) mod faults {
    /// The node is starting or ending. It may be asked again.
    pub(crate) const NOT_READY: u16 = 1;
    /// The request makes no sense to this release.
    pub(crate) const REFUSED: u16 = 3;
    /// There is no such method in this release.
    pub(crate) const NO_METHOD: u16 = 2;
    /// The asking node has an old data folder.
    pub(crate) const OLD_FOLDER: u16 = 4;
}
