//! Work in the background: futures that stop when they are dropped, and panics that become errors.

use crate::error::{Error, Result};
use futures::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Runs `work`, which may wait for a disk, on one of the runtime's threads that are there to wait.
pub(crate) async fn waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let Ok(runtime) = Handle::try_current() else {
        return Ok(work());
    };
    runtime
        .spawn_blocking(work)
        .await
        .map_err(|join| match join.try_into_panic() {
            Ok(panic) => panicked(panic.as_ref()),
            Err(_) => Error::stage("the task was stopped"),
        })
}

/// Sets its flag when it is dropped.
#[derive(Debug)]
pub(crate) struct StopOnDrop(pub(super) Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A spawned future: await it for its result, drop it to stop it. A panic inside becomes an error.
#[derive(Debug)]
pub struct Task<T>(pub(super) JoinHandle<Result<T>>);

impl<T> Task<T> {
    /// Whether the result is there.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(result) => result,
            Err(join) if join.is_panic() => Err(panicked(join.into_panic().as_ref())),
            Err(_) => Err(Error::stage("the task was stopped")),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `work`; a panic becomes a `Stage` error that carries its message.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// As [`catch`], for a future.
pub(crate) async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::stage(format!("panicked: {message}"))
}
