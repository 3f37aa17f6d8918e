//! Tasks.

use tokio::task::JoinHandle;

/// Runs `future` on the runtime that the caller runs on, and goes on at once.
///
/// # Panics
/// Outside of a runtime: there is nobody to run it.
#[expect(clippy::disallowed_methods, reason = "this is the seam")]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future)
}

/// A task that ends with its handle.
#[derive(Debug)]
pub struct Background(JoinHandle<()>);

impl Background {
    /// Runs `future` until it is done or the handle is dropped.
    pub fn run(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(spawn(future))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
