//! The cache under thousands of schedules: what threads do between any two locks of it, tried in random orders and in
//! those of PCT (Burckhardt and others 2010). Shuttle also finds a deadlock and a waker that nobody wakes.

use super::{Cache, Found, Ticket};
use crate::error::{Error, Result};
use crate::exec::block_cache::source_key::SourceKey;
use futures::future::{AbortHandle, Abortable};
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::thread;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, ready};

/// Random schedules of each test, and as many of PCT.
const SCHEDULES: usize = 1000;

fn every_schedule(test: fn()) {
    shuttle::check_random_with_seed(test, 42, SCHEDULES);
    shuttle::check_pct(test, SCHEDULES, 3);
}

/// A spawned load that is stopped when it is dropped, as [`crate::exec::Task`] is: what it holds is dropped by the
/// thread that ran it, some time later.
struct Load(JoinHandle<Result<Arc<usize>>>, AbortHandle);

impl Load {
    /// Counts among `tasks` until `future` is dropped.
    fn new(tasks: &Arc<AtomicUsize>, future: impl Future<Output = Result<Arc<usize>>> + Send + 'static) -> Self {
        let (stop, registration) = AbortHandle::new_pair();
        let future = Abortable::new(future, registration);
        tasks.fetch_add(1, SeqCst);
        let tasks = Arc::clone(tasks);
        let task = async move {
            let result = future.await;
            tasks.fetch_sub(1, SeqCst);
            result.unwrap_or_else(|_| Err(Error::stage("the task was stopped")))
        };
        Self(spawn(task), stop)
    }
}

impl Future for Load {
    type Output = Result<Arc<usize>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(joined.unwrap_or_else(|_| Err(Error::stage("the task was stopped"))))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.1.abort();
    }
}

const BLOCKS: usize = 4;

/// A cache of blocks of three bytes each, which holds two of them, and what was read.
struct Bench {
    cache: Arc<Cache<usize, Load>>,
    source: Arc<SourceKey>,
    /// Loads that did not come to their end.
    tasks: Arc<AtomicUsize>,
    /// Reads under way, and reads begun, of each block.
    reading: [AtomicUsize; BLOCKS],
    begun: [AtomicUsize; BLOCKS],
    /// So many reads fail, and so many are stopped from outside, before one succeeds.
    failing: AtomicUsize,
    stopping: AtomicUsize,
    /// Whether reads are cancelled: one that was may not have come to its end when the next of its block begins.
    cancels: bool,
}

impl Bench {
    const BYTES: u64 = 3;

    fn new(failing: usize, stopping: usize) -> Arc<Self> {
        Self::with(failing, stopping, false)
    }

    /// Where reads are cancelled.
    fn cancelling() -> Arc<Self> {
        Self::with(0, 0, true)
    }

    fn with(failing: usize, stopping: usize, cancels: bool) -> Arc<Self> {
        Arc::new(Self {
            cache: Arc::new(Cache::new()),
            source: Arc::new(SourceKey::new()),
            tasks: Arc::default(),
            reading: Default::default(),
            begun: Default::default(),
            failing: AtomicUsize::new(failing),
            stopping: AtomicUsize::new(stopping),
            cancels,
        })
    }

    fn load(self: &Arc<Self>, index: usize, limit: u64) -> impl FnOnce(Ticket<usize, Load>) -> Load + use<> {
        let bench = Arc::clone(self);
        move |ticket| {
            let stopped = less(&bench.stopping);
            let tasks = Arc::clone(&bench.tasks);
            let load = Load::new(&tasks, async move {
                let reading = Reading::new(&bench, index);
                yield_now().await;
                if less(&bench.failing) {
                    return Err(Error::data("damaged"));
                }
                yield_now().await;
                let block = Arc::new(index);
                drop(reading);
                ticket.keep(&block, Self::BYTES, limit);
                Ok(block)
            });
            if stopped {
                load.1.abort();
            }
            load
        }
    }

    fn get(self: &Arc<Self>, index: usize, limit: u64) -> Found<usize, Load> {
        self.cache.get(&self.source, index, self.load(index, limit))
    }

    /// Takes block `index` as a source does.
    fn take(self: &Arc<Self>, index: usize, limit: u64) -> Result<Arc<usize>> {
        let found = self.get(index, limit);
        let block = block_on(found.wait());
        self.check(limit);
        if let Ok(block) = &block {
            assert_eq!(**block, index);
        }
        block
    }

    fn check(&self, limit: u64) {
        let state = self.cache.lock();
        let bytes: u64 = state.ready.values().map(|ready| ready.bytes).sum();
        assert_eq!(state.bytes, bytes);
        assert!(bytes <= limit, "{bytes} of {limit} bytes");
    }

    /// Once every load has come to its end.
    fn check_settled(&self) {
        settle(&self.tasks);
        assert_eq!(self.cache.loading(), 0);
    }
}

/// Waits until the loads have come to their end, those that were cancelled among them.
fn settle(tasks: &AtomicUsize) {
    while tasks.load(SeqCst) > 0 {
        thread::yield_now();
    }
}

/// Takes one from `count`, if there is one.
fn less(count: &AtomicUsize) -> bool {
    count.fetch_update(SeqCst, SeqCst, |count| count.checked_sub(1)).is_ok()
}

struct Reading(Arc<Bench>, usize);

impl Reading {
    fn new(bench: &Arc<Bench>, index: usize) -> Self {
        bench.begun[index].fetch_add(1, SeqCst);
        let others = bench.reading[index].fetch_add(1, SeqCst);
        assert!(bench.cancels || others == 0, "block {index} is read twice at once");
        Self(Arc::clone(bench), index)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.reading[self.1].fetch_sub(1, SeqCst);
    }
}

fn together(threads: Vec<Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = threads.into_iter().map(thread::spawn).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn each(count: usize, work: impl Fn(usize) + Send + Sync + 'static) {
    let work = Arc::new(work);
    let thread = |i| {
        let work = Arc::clone(&work);
        Box::new(move || work(i)) as Box<dyn FnOnce() + Send>
    };
    together((0..count).map(thread).collect());
}

#[test]
fn a_block_that_several_want_is_read_once() {
    every_schedule(|| {
        let bench = Bench::new(0, 0);
        let shared = Arc::clone(&bench);
        // One asked ahead, and does not wait.
        let ahead = bench.get(0, 6).into_handle();
        each(4, move |thread| match thread {
            3 => drop(shared.get(0, 6)),
            _ => assert!(shared.take(0, 6).is_ok()),
        });
        drop(ahead);
        bench.check_settled();
        assert_eq!(bench.begun[0].load(SeqCst), 1);
        assert_eq!(bench.cache.in_memory(), (1, Bench::BYTES, 0));
    });
}

#[test]
fn the_oldest_blocks_make_room() {
    every_schedule(|| {
        let bench = Bench::new(0, 0);
        let shared = Arc::clone(&bench);
        each(3, move |thread| {
            for i in 0..BLOCKS {
                assert!(shared.take((i * (thread + 1) + thread) % BLOCKS, 7).is_ok());
            }
        });
        bench.check_settled();
        bench.check(7);
        assert_eq!(bench.cache.lock().ready.len(), 2);
    });
}

#[test]
fn a_block_larger_than_the_cache_still_comes() {
    every_schedule(|| {
        let bench = Bench::new(0, 0);
        let shared = Arc::clone(&bench);
        each(3, move |_| assert!(shared.take(1, 2).is_ok()));
        bench.check_settled();
        bench.check(0);
    });
}

#[test]
fn a_failed_load_is_started_anew() {
    every_schedule(|| {
        let bench = Bench::new(1, 0);
        let shared = Arc::clone(&bench);
        each(3, move |_| {
            let first = shared.take(0, 6);
            assert!(first.is_ok() || shared.take(0, 6).is_ok());
        });
        bench.check_settled();
        assert_eq!(bench.begun[0].load(SeqCst), 2);
    });
}

#[test]
fn a_stopped_load_is_started_anew() {
    every_schedule(|| {
        let bench = Bench::new(0, 1);
        let shared = Arc::clone(&bench);
        each(3, move |_| {
            let first = shared.take(0, 6);
            assert!(first.is_ok() || shared.take(0, 6).is_ok());
        });
        bench.check_settled();
        assert!(bench.take(0, 6).is_ok());
    });
}

#[test]
fn a_cache_that_goes_stops_what_it_loads() {
    every_schedule(|| {
        let cache = Arc::new(Cache::<usize, Load>::new());
        let (first, second) = (Arc::clone(&cache), cache);
        let source = Arc::new(SourceKey::new());
        let tasks = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&tasks);
        let ask = move |cache: Arc<Cache<usize, Load>>, source: Arc<SourceKey>, waits: bool| {
            let found = cache.get(&source, 0, |ticket| {
                Load::new(&counted, async move {
                    yield_now().await;
                    let block = Arc::new(0);
                    ticket.keep(&block, 3, 6);
                    Ok(block)
                })
            });
            drop(cache);
            if waits {
                // A taker outlives its source: it has its block.
                assert!(block_on(found.wait()).is_ok());
            }
        };
        together(vec![
            Box::new({
                let (ask, source) = (ask.clone(), Arc::clone(&source));
                move || ask(first, source, true)
            }),
            Box::new(move || ask(second, source, false)),
        ]);
        settle(&tasks);
    });
}

#[test]
fn a_load_that_nobody_wants_any_more_is_cancelled() {
    every_schedule(|| {
        let bench = Bench::cancelling();
        let shared = Arc::clone(&bench);
        // Two ask ahead, one of them twice, and let go of it; the others wait for what they asked for.
        each(4, move |thread| match thread {
            0 => drop(shared.get(0, 6).into_handle()),
            1 => {
                let first = shared.get(0, 6).into_handle();
                let second = shared.get(0, 6).into_handle();
                drop(first);
                thread::yield_now();
                drop(second);
            }
            _ => assert!(shared.take(0, 6).is_ok()),
        });
        bench.check_settled();
        // The waiting read has brought it into the cache, once.
        assert_eq!(bench.cache.in_memory(), (1, Bench::BYTES, 0));
    });
}

#[test]
fn a_cancelled_load_leaves_no_trace() {
    every_schedule(|| {
        let bench = Bench::cancelling();
        drop(bench.get(0, 6).into_handle());
        // Whether it was done or not.
        assert_eq!(bench.cache.loading(), 0);
        // The next one is another load, which the end of the first does not end.
        let again = bench.get(0, 6);
        assert!(block_on(again.wait()).is_ok());
        bench.check_settled();
        assert_eq!(bench.cache.in_memory(), (1, Bench::BYTES, 0));
    });
}

#[test]
fn the_blocks_of_a_source_leave_with_it() {
    every_schedule(|| {
        let (bench, other) = (Bench::cancelling(), Arc::new(SourceKey::new()));
        let shared = Arc::clone(&bench);
        let own = Arc::new(SourceKey::new());
        assert!(bench.take(1, 9).is_ok());
        let reads = |bench: &Arc<Bench>, source: Arc<SourceKey>| {
            let found = bench.cache.get(&source, 1, bench.load(1, 9));
            // A taker outlives its source.
            drop(source);
            block_on(found.wait()).unwrap()
        };
        // Dropped while it is read, before or after.
        let (own_too, third) = (Arc::clone(&own), Arc::clone(&bench));
        together(vec![
            Box::new(move || drop(own)),
            Box::new(move || assert_eq!(*reads(&shared, own_too), 1)),
            Box::new(move || assert_eq!(*reads(&third, other), 1)),
        ]);
        bench.check_settled();
        let state = bench.cache.lock();
        let sources: Vec<u64> = state.ready.keys().map(|key| key.0).collect();
        assert_eq!((sources, state.bytes), (vec![bench.source.id()], Bench::BYTES));
    });
}

#[test]
fn equal_indices_of_two_sources_are_two_blocks() {
    every_schedule(|| {
        let bench = Bench::cancelling();
        let other = Arc::new(SourceKey::new());
        let first = bench.take(2, 6).unwrap();
        let second = block_on(bench.cache.get(&other, 2, bench.load(2, 6)).wait()).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(bench.cache.in_memory(), (2, 2 * Bench::BYTES, 0));
        assert!(bench.cache.find(&other, 3).is_none());
        bench.cache.trim(Bench::BYTES);
        assert_eq!(bench.cache.in_memory(), (1, Bench::BYTES, 0));
        assert!(bench.cache.find(&bench.source, 2).is_none(), "the oldest goes first");
        drop(other);
        assert_eq!(bench.cache.in_memory(), (0, 0, 0));
    });
}
