//! A thread for work that is always to be done by the same one.

use super::task::catch;
use crate::error::{Error, Result};
use std::sync::mpsc::{Sender, channel};
use std::thread;
#[cfg(feature = "train")]
use tokio::sync::oneshot;

/// What is to be done.
type Work = Box<dyn FnOnce() + Send>;

/// A thread that does one piece of work after the other, in the order in which it is asked for them. It ends when this is dropped and
/// what it is asked for is done.
#[derive(Clone, Debug)]
pub(crate) struct OwnThread(Sender<Work>);

impl OwnThread {
    /// Starts the thread named `name`.
    ///
    /// # Errors
    ///
    /// `Io` where the system has no thread left.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let (sender, work) = channel::<Work>();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work.into_iter().for_each(|work| work()))
            .map_err(|error| Error::io(name, error))?;
        Ok(Self(sender))
    }

    /// Runs `work` on the thread. Where the future is dropped before its turn comes, it does not run.
    ///
    /// # Errors
    ///
    /// What `work` returns; `Stage` where it panics, with the panic's message.
    #[cfg(feature = "train")]
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (done, result) = oneshot::channel();
        let work = move || {
            if !done.is_closed() {
                let _ = done.send(catch(work));
            }
        };
        let ended = || Error::stage("the thread ended before its work was done");
        self.0.send(Box::new(work)).map_err(|_| ended())?;
        result.await.unwrap_or_else(|_| Err(ended()))
    }

    /// As [`run`](Self::run); the caller's thread waits. What the work needs of other threads must not be held up by that.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub(crate) fn wait<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (done, result) = channel();
        let work = move || drop(done.send(catch(work)));
        let ended = || Error::stage("the thread ended before its work was done");
        self.0.send(Box::new(work)).map_err(|_| ended())?;
        result.recv().unwrap_or_else(|_| Err(ended()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Context;

    #[test]
    fn all_work_is_done_by_one_thread_and_a_panic_ends_none_of_it() -> Result<()> {
        let cx = Context::with(2, 1 << 24)?;
        let own = OwnThread::start("own")?;
        let id = || cx.block_on(own.run(|| Ok(thread::current().id())));
        let first = id()?;
        assert_ne!(first, thread::current().id());
        let failed = cx.block_on(own.run(|| -> Result<()> { panic!("no device") }));
        assert_eq!(failed.unwrap_err().to_string(), "panicked: no device");
        assert_eq!(id()?, first);
        Ok(())
    }
}
