//! The only place that has threads: tokio for bytes, one rayon pool for decode and augmentation, and the byte budget.

use super::buffers::BufferPool;
use super::machine;
use crate::error::{Error, Remedy, Result};
use crate::plan::MemoryNeeds;
use futures::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};
use tokio::task::JoinHandle;

/// Threads, the byte budget and the run's seed, handed to every call. Clones share the threads.
#[derive(Clone, Debug)]
pub struct Context {
    shared: Arc<Shared>,
    seed: u64,
    stop: Option<Arc<AtomicBool>>,
    /// Bytes of the share for decoded row groups that are used for something else.
    lent: u64,
    index: Option<Arc<Path>>,
}

#[derive(Debug)]
struct Shared {
    runtime: Option<Runtime>,
    pool: rayon::ThreadPool,
    threads: usize,
    memory: u64,
    /// Why so many threads and so much memory.
    why: [String; 2],
    /// Takes that work on row groups: two more than there are threads, so that these have work while some takes wait.
    takes: Semaphore,
    /// Parts of [`cache_share`](Context::cache_share) that takes hold on to.
    held: Arc<Semaphore>,
    /// Pages of [`read_share`](Context::read_share).
    reads: Semaphore,
    /// Buffers of bytes that were read or picked out of what was, for others.
    spare: Arc<BufferPool<u8>>,
}

impl Shared {
    /// Bytes as the semaphore counts them.
    const PAGE: u64 = 4096;

    /// Bytes that are copied in some tens of microseconds.
    const LITTLE: u64 = 256 << 10;

    /// Parts into which the share for decoded row groups is cut, however large it is.
    const PARTS: u32 = 1 << 20;

    /// Buffers that wait for their next use at most.
    const SPARE: usize = 8;

    fn pages(bytes: u64) -> u32 {
        u32::try_from(bytes / Self::PAGE).unwrap_or(u32::MAX >> 3).max(1)
    }
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
            None => budget(machine::available_memory()),
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
                memory,
                why: [cores, share],
                takes: Semaphore::new(threads + 2),
                held: Arc::new(Semaphore::new(Shared::PARTS as usize)),
                reads: Semaphore::new(Shared::pages(read_share(memory)) as usize),
                spare: Arc::new(BufferPool::new(Shared::SPARE, (memory / 32) as usize)),
            }),
            seed: 0,
            stop: None,
            lent: 0,
            index: None,
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
        self.shared.memory
    }

    /// Why there are so many threads, and why the budget is what it is, in words.
    pub(crate) fn why(&self) -> &[String; 2] {
        &self.shared.why
    }

    /// Bytes for decoded row groups, those that takes are working on among them: half of the budget.
    pub(crate) fn cache_share(&self) -> u64 {
        self.shared.memory / 2 - self.lent
    }

    /// The same threads for work that leaves `bytes` of the share for decoded row groups, at most all of it, to another
    /// use.
    pub(crate) fn lending(&self, bytes: u64) -> Self {
        Self {
            lent: bytes.min(self.shared.memory / 2),
            ..self.clone()
        }
    }

    /// Bytes that one take may ask of decoded row groups at a time, so that two can work side by side.
    pub(crate) fn take_share(&self) -> u64 {
        self.cache_share() / 2
    }

    /// Waits until one take more may work on row groups. Held while no other take is waited for.
    pub(crate) async fn taking(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.takes.acquire().await.ok()
    }

    /// The parts of [`cache_share`](Self::cache_share) that `bytes` of decoded row groups take: at most all of them.
    pub(crate) fn parts(&self, bytes: u64) -> u32 {
        let share = self.cache_share().max(1);
        let parts = (u128::from(bytes) * u128::from(Shared::PARTS)).div_ceil(share.into());
        u32::try_from(parts).unwrap_or(Shared::PARTS).min(Shared::PARTS)
    }

    /// Waits until so many `parts` of the share for decoded row groups may be held on to beside what other takes hold; more than
    /// there are wait for all. Held while no other take is waited for.
    pub(crate) async fn holding(&self, parts: u64) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(parts).unwrap_or(Shared::PARTS).min(Shared::PARTS);
        Arc::clone(&self.shared.held).acquire_many_owned(wanted).await.ok()
    }

    /// The most bytes that rows, row groups and batches take in memory at a time for a plan of such `needs`, where a batch is
    /// `batch` bytes: the budget, and what of these does not fit into its share of it.
    pub(crate) fn bound(&self, needs: &MemoryNeeds, batch: u64) -> u64 {
        let over = |bytes: u64, share: u64| bytes.saturating_sub(share);
        let more = |share: u64, nodes: u64| share.saturating_mul(nodes.saturating_sub(1));
        self.memory()
            .saturating_add(over(needs.unit, self.read_share()))
            .saturating_add(over(needs.unit, self.cache_share()))
            .saturating_add(over(batch, self.flight_share()))
            .saturating_add(more(self.cache_share(), needs.caches))
            .saturating_add(more(self.held_share(), needs.holders))
    }

    /// Bytes for rare rows that are held in memory: a quarter of the budget.
    pub(crate) fn held_share(&self) -> u64 {
        self.shared.memory / 4
    }

    /// Bytes for batches that are ready or being made: an eighth of the budget.
    pub(crate) fn flight_share(&self) -> u64 {
        self.shared.memory / 8
    }

    /// Bytes for reads under way, stored and decoded.
    pub(crate) fn read_share(&self) -> u64 {
        read_share(self.shared.memory)
    }

    /// Large buffers for bytes, of which no more than a thirty-second of the budget waits for use.
    pub(crate) fn buffers(&self) -> &Arc<BufferPool<u8>> {
        &self.shared.spare
    }

    /// Waits until `bytes` may be read and decoded beside what others read; more than the whole share waits for all of it.
    ///
    /// Whoever holds this waits for nobody else, so that it cannot come to a deadlock.
    pub(crate) async fn reading(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let all = Shared::pages(self.read_share());
        let wanted = Shared::pages(bytes).min(all);
        // Closed by nobody.
        self.shared.reads.acquire_many(wanted).await.ok()
    }

    /// Whether the one who asked for this work has gone: long loops look at it once a row.
    pub fn stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Runs a future to its end on this thread, for programs without tokio. The threads of the context do the work.
    ///
    /// Must not be called from inside an async task, where it would block its thread (tokio panics then).
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }

    /// Runs `work` on the CPU pool. Rayon's parallel iterators inside it use the same pool.
    ///
    /// # Errors
    ///
    /// What `work` returns; `Stage` where it panics, with the panic's message.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (done, result) = oneshot::channel();
        self.shared.pool.spawn(move || {
            // The receiver is gone where the loader was dropped; then nobody wants the result.
            let _ = done.send(catch(work));
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

/// What of the budget `memory` is for reads under way: an eighth, less what waits in spare buffers.
fn read_share(memory: u64) -> u64 {
    memory / 32 * 3
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

/// The budget where `available` bytes are left on the machine, and why.
fn budget(available: Option<u64>) -> (u64, String) {
    const UNKNOWN: u64 = 1 << 30;
    const RANGE: std::ops::RangeInclusive<u64> = 64 << 20..=8 << 30;
    let Some(available) = available else {
        return (UNKNOWN, "the system does not tell what is available".to_owned());
    };
    let memory = (available / 4).clamp(*RANGE.start(), *RANGE.end());
    let why = format!(
        "a quarter of the {} MiB that are available, 64 MiB to 8 GiB",
        available >> 20
    );
    (memory, why)
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A plain drop would wait for blocking reads, and panics inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sets its flag when it is dropped.
#[derive(Debug)]
pub(crate) struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A spawned future: await it for its result, drop it to stop it. A panic inside becomes an error.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<Result<T>>);

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
            assert_eq!(budget(available).0, memory);
        }
        let cx = Context::sized(Some(1), Some(5)).unwrap();
        assert_eq!((cx.threads(), cx.memory()), (1, 5));
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
