//! Work that may wait for the disk, and work that must not be torn off.

use std::task::Poll;

/// Runs `work` where waiting harms nobody: on the runtime's pool for blocking work, or right here
/// if there is no runtime.
///
/// If the future is dropped the work still runs to its end. A panic of `work` goes on in the caller.
pub async fn blocking<T, F>(work: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    joined(runtime.spawn_blocking(work)).await
}

/// Begins `work` where waiting harms nobody, and doesn't wait for it; without a runtime it is done when
/// this returns. A runtime that ends may drop it before it has begun.
pub fn in_background(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

/// Awaits `future`, which runs to its end even if the caller goes away.
///
/// Costs a task only if the future can't finish at once.
pub fn uncancelled<T, F>(future: F) -> impl Future<Output = T> + Send
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    // Boxed before the first poll, so that what the caller moves about is small.
    let mut future = Box::pin(future);
    async move {
        let first = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = first {
            return done;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return future.await };
        joined(runtime.spawn(future)).await
    }
}

async fn joined<T>(task: tokio::task::JoinHandle<T>) -> T {
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being torn down under its own tasks; nobody will look at the result.
            Err(_) => std::future::pending().await,
        },
    }
}
