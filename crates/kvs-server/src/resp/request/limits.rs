//! How much one request may ask the server to hold.

use kvs::limits::VALUE_BYTES_MAX;

/// Longest line of an inline request, in bytes.
pub(crate) const INLINE_BYTES_MAX: usize = 64 << 10;
/// Longest line that announces a count or a length, in bytes.
pub(crate) const HEADER_BYTES_MAX: usize = 64;
/// What an argument is counted for beside its bytes: about what it costs in memory.
pub(crate) const ARGUMENT_OVERHEAD_BYTES: usize = 32;

/// The limits of one request. A client that passes one is told so and disconnected, as what follows
/// can't be told apart any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Most arguments, the command's name among them.
    pub(crate) arguments: usize,
    /// Longest argument, in bytes.
    pub(crate) argument_bytes: usize,
    /// Largest request: its arguments, each with [`ARGUMENT_OVERHEAD_BYTES`].
    pub(crate) request_bytes: usize,
    /// Whether these are the limits of somebody who hasn't given the password.
    pub(crate) before_auth: bool,
}

impl Limits {
    /// For whoever may use the store. A value that is a little too large still gets through, to be
    /// refused by the store with its own words.
    pub(crate) const FULL: Self = Self {
        arguments: 1 << 20,
        argument_bytes: VALUE_BYTES_MAX + (64 << 10),
        request_bytes: 32 << 20,
        before_auth: false,
    };

    /// Before the password is given: enough for `HELLO 3 AUTH user password SETNAME name`.
    pub(crate) const BEFORE_AUTH: Self = Self {
        arguments: 10,
        argument_bytes: 16 << 10,
        request_bytes: 256 << 10,
        before_auth: true,
    };
}
