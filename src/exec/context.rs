//! The only place that has threads: tokio for bytes, one rayon pool for decode and augmentation, and the byte budget.

use super::block_cache::Blocks;
use super::budget::{self, Budget};
use super::machine;
use super::task::{StopOnDrop, Task, catch};
use crate::error::{Error, Remedy, Result};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::oneshot;

/// Threads, the byte budget, the cache of decoded blocks and the run's seed, handed to every call. Clones share all but the
/// seed.
#[derive(Clone, Debug)]
pub struct Context {
    shared: Arc<Shared>,
    seed: u64,
    stop: Option<Arc<AtomicBool>>,
    index: Option<Arc<Path>>,
    origins_alone: bool,
}

#[derive(Debug)]
struct Shared {
    runtime: Option<Runtime>,
    pool: rayon::ThreadPool,
    threads: usize,
    budget: Budget,
    blocks: Blocks,
    /// Why so many threads and so much memory.
    why: [String; 2],
}

impl Shared {
    /// Bytes that are copied in some tens of microseconds.
    const LITTLE: u64 = 256 << 10;
}

impl Context {
    /// As many pool threads as the machine has cores, and a budget of a quarter of the memory that is available, at most
    /// 8 GiB. Where several runs share a machine, give each [its own](Self::with).
    ///
    /// # Errors
    ///
    /// `Io` where the system gives no threads.
    pub fn new() -> Result<Self> {
        Self::sized(None, None)
    }

    /// The most threads of a pool.
    pub const MAX_THREADS: usize = 1024;

    /// `threads` pool threads, 1 to [`MAX_THREADS`](Self::MAX_THREADS), and `memory` bytes for caches, rows held in memory and
    /// batches in flight, from 1 to what a process can address.
    ///
    /// Neither changes a row, only how fast it comes.
    ///
    /// # Errors
    ///
    /// `Config` for numbers out of range; `Io` where the system gives no threads.
    pub fn with(threads: usize, memory: u64) -> Result<Self> {
        Self::sized(Some(threads), Some(memory))
    }

    /// As [`with`](Self::with), what is left out as [`new`](Self::new) chooses it.
    ///
    /// # Errors
    ///
    /// As [`with`](Self::with).
    pub fn sized(threads: Option<usize>, memory: Option<u64>) -> Result<Self> {
        check(threads, memory)?;
        let (threads, cores) = match threads {
            Some(threads) => (threads, "as asked".to_owned()),
            None => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                (
                    cores.min(Self::MAX_THREADS),
                    "one for each core that the process may use".to_owned(),
                )
            }
        };
        let (memory, share) = match memory {
            Some(memory) => (memory, "as asked".to_owned()),
            None => budget::chosen(machine::available_memory()),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.min(4))
            .thread_name("millstream-io")
            .enable_time()
            .build()
            .map_err(|source| Error::io("tokio runtime", source))?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("millstream-{i}"))
            .build()
            .map_err(|source| Error::io("thread pool", source))?;
        Ok(Self {
            shared: Arc::new(Shared {
                runtime: Some(runtime),
                pool,
                threads,
                budget: Budget::new(memory, threads),
                blocks: Blocks::new(),
                why: [cores, share],
            }),
            seed: 0,
            stop: None,
            index: None,
            origins_alone: false,
        })
    }

    /// The same threads under another seed.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }

    /// The same threads with a folder in which the results of scans are kept: label columns, the rare rows that a balance
    /// holds in memory (up to a quarter of the budget), and the footers of datasets of 64 Parquet files or more. A run that
    /// starts again there, after a resume, reads them instead of scanning the dataset.
    ///
    /// What was scanned is known by its fingerprint, and by the [state](crate::plan::Plan::state) of its files: size, times of
    /// modification and change, device and inode. What is damaged or of other files is made anew, and so is what was scanned
    /// within 2.5 seconds of the files' last change, which a second change could share. Several runs may share the folder.
    #[must_use]
    pub fn with_index(&self, folder: impl AsRef<Path>) -> Self {
        Self {
            index: Some(folder.as_ref().into()),
            ..self.clone()
        }
    }

    /// Where results of scans are kept.
    pub(crate) fn index(&self) -> Option<&Path> {
        self.index.as_deref()
    }

    /// The same for requests of classes and origins alone: which parents a synthetic row has may need others to be made.
    pub(crate) fn for_origins(&self) -> Self {
        let origins_alone = true;
        Self {
            origins_alone,
            ..self.clone()
        }
    }

    pub(crate) fn is_for_origins(&self) -> bool {
        self.origins_alone
    }

    /// The same threads for work that ends early once the returned flag is set.
    pub(crate) fn stoppable(&self) -> (Self, StopOnDrop) {
        let flag = Arc::new(AtomicBool::new(false));
        (
            Self {
                stop: Some(Arc::clone(&flag)),
                ..self.clone()
            },
            StopOnDrop(flag),
        )
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    pub(super) fn blocks(&self) -> &Blocks {
        &self.shared.blocks
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Threads of the CPU pool.
    pub fn threads(&self) -> usize {
        self.shared.threads
    }

    /// The byte budget.
    pub fn memory(&self) -> u64 {
        self.shared.budget.memory
    }

    /// Why there are so many threads, and why the budget is what it is, in words.
    pub(crate) fn why(&self) -> &[String; 2] {
        &self.shared.why
    }

    /// Whether the one who asked for this work has gone: long loops look at it once a row.
    pub fn stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Runs a future to its end on this thread, for programs without tokio. The threads of the context do the work.
    ///
    /// # Errors
    ///
    /// What the future ends with; `Config` inside an async task, and on a thread of the context's own pool (in a stage, say), which
    /// may be the very thread that the future waits for.
    pub fn block_on<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        if Handle::try_current().is_ok() {
            return Err(Error::config(
                "block_on was called inside an async task, whose thread it would block: await the future instead",
            ));
        }
        if self.shared.pool.current_thread_index().is_some() {
            return Err(Error::config(
                "block_on was called on a thread of the context's own pool, in a stage or a closure, which the future may wait for: \
                 take what it needs before, or give it a context of its own",
            ));
        }
        self.runtime().block_on(future)
    }

    /// As [`block_on`](Self::block_on), also inside an async task, whose thread then waits while another one takes its place.
    ///
    /// # Errors
    ///
    /// What the future ends with; `Config` on a thread of the context's own pool, which may be the very thread that the future waits for.
    pub(crate) fn wait<T: Send>(&self, future: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.shared.pool.current_thread_index().is_some() {
            return Err(Error::config("a thread of the context's own pool cannot wait for it"));
        }
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Err(_) => self.runtime().block_on(future),
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| self.runtime().block_on(future)),
            // The one thread of such a runtime has nobody to take its place.
            Ok(_) => std::thread::scope(|scope| {
                let waits = scope.spawn(|| self.runtime().block_on(future)).join();
                waits.unwrap_or_else(|_| Err(Error::stage("what was waited for ended in a panic")))
            }),
        }
    }

    /// Runs `work` on the CPU pool. Rayon's parallel iterators inside it use the same pool. Where the future is dropped before
    /// a thread is free, `work` does not run.
    ///
    /// # Errors
    ///
    /// What `work` returns; `Stage` where it panics, with the panic's message.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (done, result) = oneshot::channel();
        self.shared.pool.spawn(move || {
            // The receiver is gone where the read was cancelled or the loader dropped; then nobody wants the result.
            if !done.is_closed() {
                let _ = done.send(catch(work));
            }
        });
        result
            .await
            .unwrap_or_else(|_| Err(Error::stage("the thread pool ended before the work was done")))
    }

    /// As [`compute`](Self::compute), for work on about `bytes` bytes: little is done on the spot, in less time than it takes to
    /// wake another thread.
    pub(crate) async fn compute_sized<T: Send + 'static>(
        &self,
        bytes: u64,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match bytes <= Shared::LITTLE {
            true => catch(work),
            false => self.compute(work).await,
        }
    }

    /// Starts a future on the runtime; dropping the task stops it.
    pub fn spawn<T: Send + 'static>(&self, future: impl Future<Output = Result<T>> + Send + 'static) -> Task<T> {
        Task(self.runtime().spawn(future))
    }

    fn runtime(&self) -> &Runtime {
        // Taken only while the last owner is being dropped.
        self.shared
            .runtime
            .as_ref()
            .expect("the runtime lives as long as the context")
    }
}

/// Refuses numbers out of range.
fn check(threads: Option<usize>, memory: Option<u64>) -> Result<()> {
    let most = Context::MAX_THREADS;
    if let Some(threads) = threads.filter(|threads| !(1..=most).contains(threads)) {
        return Err(Error::config(format!("{threads} threads, not 1 to {most}")));
    }
    match memory {
        Some(0) => Err(Error::config("no memory: the budget is 0 bytes").with_remedy(Remedy::Memory)),
        Some(bytes) if isize::try_from(bytes).is_err() => Err(Error::config(format!(
            "a budget of {bytes} bytes is more than a process can address"
        ))),
        _ => Ok(()),
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A plain drop would wait for blocking reads, and panics inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_a_share_of_what_is_there() {
        for (available, memory) in [
            (Some(16 << 30), 4 << 30),
            (Some(1 << 20), 64 << 20),
            (Some(1 << 40), 8 << 30),
            (None, 1 << 30),
        ] {
            assert_eq!(budget::chosen(available).0, memory);
        }
        let cx = Context::sized(Some(1), Some(5)).unwrap();
        assert_eq!((cx.threads(), cx.memory()), (1, 5));
    }

    #[test]
    fn blocking_inside_a_runtime_is_an_error() {
        let cx = Context::with(1, 1 << 20).unwrap();
        let inside = cx.block_on(async { Ok(cx.block_on(async { Ok(1) })) }).unwrap();
        let error = inside.unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Config);
        assert!(error.to_string().contains("await the future instead"), "{error}");
        assert_eq!(cx.block_on(async { Ok(2) }).unwrap(), 2);
    }

    #[test]
    fn blocking_on_the_own_pool_is_an_error() {
        let cx = Context::with(1, 1 << 20).unwrap();
        let inner = cx.clone();
        let error = cx
            .block_on(cx.compute(move || inner.block_on(inner.compute(|| Ok(1)))))
            .unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Config);
        assert!(
            error.to_string().contains("a thread of the context's own pool"),
            "{error}"
        );
        let other = Context::with(1, 1 << 20).unwrap();
        assert_eq!(
            cx.block_on(cx.compute(move || other.block_on(other.compute(|| Ok(2)))))
                .unwrap(),
            2
        );
    }

    #[test]
    fn work_that_nobody_waits_for_does_not_begin() {
        use futures::FutureExt;
        let cx = Context::with(1, 1 << 20).unwrap();
        let (open, wait) = std::sync::mpsc::channel::<()>();
        let ran = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&ran);
        let wait = move || {
            let _ = wait.recv();
            Ok(())
        };
        let busy = cx.compute(wait).shared();
        assert!(busy.clone().now_or_never().is_none());
        let unwanted = move || {
            own.store(true, Ordering::SeqCst);
            Ok(())
        };
        let later = cx.compute(unwanted).now_or_never();
        assert!(later.is_none());
        drop(open);
        cx.block_on(busy).unwrap();
        cx.block_on(cx.compute(|| Ok(()))).unwrap();
        assert!(!ran.load(Ordering::SeqCst));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for (threads, memory, text) in [
            (0, 1, "0 threads, not 1 to 1024"),
            (100_000, 1, "100000 threads, not 1 to 1024"),
            (1, 0, "no memory: the budget is 0 bytes"),
            (
                1,
                u64::MAX,
                "a budget of 18446744073709551615 bytes is more than a process can address",
            ),
        ] {
            let error = Context::with(threads, memory).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    }
}
