//! A share of the budget, and reservations of parts of it, which give themselves back when they are dropped.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// What one kind of work may have at a time, in bytes (or takes, which are counted).
///
/// Who does not find room waits in line, by turn: the loader's order, whatever the order in which threads come here. Only the
/// first in line is served, so that nothing that is ahead starves what is waited for. What is larger than the whole share is
/// had alone.
#[derive(Debug)]
pub(crate) struct Share {
    size: u64,
    state: Mutex<State>,
}

/// A place in line: turn, and number among those of that turn.
type Key = (u64, u64);

#[derive(Debug, Default)]
struct State {
    /// Reserved for takes and reads, which come to an end by themselves.
    passing: u64,
    /// Reserved for as long as a dataset lives. Nobody waits for these.
    lasting: u64,
    waiting: BTreeMap<Key, Waker>,
    /// Counts those who had to wait, so that those of one turn are served in that order.
    came: u64,
}

impl Share {
    pub(super) fn new(size: u64) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { size, state })
    }

    /// What is not reserved for as long as a dataset lives.
    pub(crate) fn left(&self) -> u64 {
        self.size.saturating_sub(self.lock().lasting)
    }

    /// Waits until `bytes` are free beside what others have reserved.
    pub(crate) async fn reserve(self: &Arc<Self>, turn: u64, bytes: u64) -> Reservation {
        self.waiter(turn).reserve(bytes).await
    }

    /// A place in line, for those who know how many bytes they need only when it is their turn.
    pub(super) fn waiter(self: &Arc<Self>, turn: u64) -> Waiter<'_> {
        Waiter {
            share: self,
            turn,
            waits: None,
        }
    }

    /// Reserves, without waiting, as many bytes as `of` says of those that are [left](Self::left), for a dataset that lives on.
    pub(crate) fn reserve_lasting(self: &Arc<Self>, of: impl FnOnce(u64) -> u64) -> Reservation {
        let mut state = self.lock();
        let left = self.size.saturating_sub(state.lasting);
        let bytes = of(left).min(left);
        state.lasting += bytes;
        Reservation {
            share: Arc::clone(self),
            bytes,
            lasting: true,
        }
    }

    fn give_back(&self, bytes: u64, lasting: bool) {
        let mut state = self.lock();
        match lasting {
            true => state.lasting -= bytes,
            false => state.passing -= bytes,
        }
        wake_first(state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the first in line, who looks whether there is room now. Wakers run outside of the lock.
fn wake_first(state: MutexGuard<'_, State>) {
    let first = state.waiting.first_key_value().map(|(_, waker)| waker.clone());
    drop(state);
    if let Some(waker) = first {
        waker.wake();
    }
}

/// A place in the line for a share. Dropping it leaves the line.
#[derive(Debug)]
pub(super) struct Waiter<'a> {
    share: &'a Arc<Share>,
    turn: u64,
    /// None before it has to wait.
    waits: Option<Key>,
}

impl Waiter<'_> {
    /// Waits until no request stands before this place and there is room for `bytes`.
    pub(super) async fn reserve(&mut self, bytes: u64) -> Reservation {
        poll_fn(|cx| {
            let mut state = self.share.lock();
            let key = self.waits.unwrap_or((self.turn, state.came));
            let first = state.waiting.keys().next().is_none_or(|first| *first >= key);
            let sum = state.passing.saturating_add(state.lasting).saturating_add(bytes);
            if !first || !(sum <= self.share.size || state.passing == 0 || bytes == 0) {
                state.came += u64::from(self.waits.is_none());
                state.waiting.insert(key, cx.waker().clone());
                self.waits = Some(key);
                return Poll::Pending;
            }
            state.passing += bytes;
            Poll::Ready(())
        })
        .await;
        Reservation {
            share: Arc::clone(self.share),
            bytes,
            lasting: false,
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.waits {
            let mut state = self.share.lock();
            state.waiting.remove(&key);
            wake_first(state);
        }
    }
}

/// Bytes of a share, held once.
#[derive(Debug)]
pub(crate) struct Reservation {
    share: Arc<Share>,
    bytes: u64,
    lasting: bool,
}

impl Reservation {
    /// How many bytes are reserved.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back what goes beyond `bytes`.
    pub(crate) fn shrink(&mut self, bytes: u64) {
        drop(self.split(self.bytes.saturating_sub(bytes)));
    }

    /// `bytes` of these, or all where they are fewer, as a reservation of their own.
    pub(super) fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self {
            share: Arc::clone(&self.share),
            bytes,
            lasting: self.lasting,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.share.give_back(self.bytes, self.lasting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::future::BoxFuture;

    fn reserve(share: &Arc<Share>, turn: u64, bytes: u64) -> BoxFuture<'static, Reservation> {
        let share = Arc::clone(share);
        async move { share.reserve(turn, bytes).await }.boxed()
    }

    /// Reserved for takes, for datasets, and who waits.
    fn state(share: &Share) -> (u64, u64, usize) {
        let state = share.lock();
        (state.passing, state.lasting, state.waiting.len())
    }

    #[test]
    fn a_reservation_gives_itself_back() {
        let share = Share::new(100);
        let first = reserve(&share, 0, 60).now_or_never().unwrap();
        let mut second = reserve(&share, 1, 40).now_or_never().unwrap();
        assert_eq!((first.bytes(), state(&share)), (60, (100, 0, 0)));
        let part = second.split(30);
        assert_eq!((second.bytes(), part.bytes(), state(&share)), (10, 30, (100, 0, 0)));
        drop(first);
        assert_eq!(state(&share), (40, 0, 0));
        drop(part);
        assert_eq!(state(&share), (10, 0, 0));
        second.shrink(4);
        assert_eq!(state(&share), (4, 0, 0));
        drop(second);
        assert_eq!(state(&share), (0, 0, 0));
    }

    #[test]
    fn the_earliest_turn_is_served_first() {
        let share = Share::new(100);
        let all = reserve(&share, 0, 100).now_or_never().unwrap();
        let (mut third, mut first, mut second) =
            (reserve(&share, 3, 10), reserve(&share, 1, 80), reserve(&share, 2, 30));
        for waits in [&mut third, &mut first, &mut second] {
            assert!(waits.now_or_never().is_none());
        }
        assert_eq!(state(&share), (100, 0, 3));
        drop(all);
        // There is room for the third, but it is not its turn, in whatever order they look.
        assert!((&mut third).now_or_never().is_none());
        let first = first.now_or_never().unwrap();
        assert!((&mut third).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none(), "80 and 30 of 100");
        assert_eq!(state(&share), (80, 0, 2));
        drop(first);
        let second = second.now_or_never().unwrap();
        let third = third.now_or_never().unwrap();
        assert_eq!((second.bytes(), third.bytes(), state(&share)), (30, 10, (40, 0, 0)));
    }

    #[test]
    fn who_leaves_the_line_lets_the_next_pass() {
        let share = Share::new(100);
        let some = reserve(&share, 0, 50).now_or_never().unwrap();
        let (mut large, mut small) = (reserve(&share, 1, 60), reserve(&share, 2, 50));
        assert!((&mut large).now_or_never().is_none());
        assert!((&mut small).now_or_never().is_none());
        drop(large);
        assert_eq!(small.now_or_never().unwrap().bytes(), 50);
        assert_eq!(state(&share), (50, 0, 0));
        drop(some);
        assert_eq!(state(&share), (0, 0, 0));
    }

    #[test]
    fn what_is_larger_than_the_share_is_had_alone() {
        let share = Share::new(100);
        let small = reserve(&share, 0, 1).now_or_never().unwrap();
        let (mut large, mut next) = (reserve(&share, 1, 1000), reserve(&share, 2, 1));
        assert!((&mut large).now_or_never().is_none());
        drop(small);
        let large = large.now_or_never().unwrap();
        assert_eq!(large.bytes(), 1000);
        assert!((&mut next).now_or_never().is_none());
        // Who needs nothing more waits for nobody.
        assert_eq!(reserve(&share, 0, 0).now_or_never().unwrap().bytes(), 0);
        drop(large);
        assert!(next.now_or_never().is_some());
    }

    #[test]
    fn what_lasts_makes_the_share_smaller_while_it_lives() {
        let share = Share::new(100);
        let passing = reserve(&share, 0, 80).now_or_never().unwrap();
        let half = share.reserve_lasting(|left| left / 2);
        let rest = share.reserve_lasting(|left| left + 7);
        assert_eq!((half.bytes(), rest.bytes(), share.left()), (50, 50, 0));
        drop(rest);
        assert_eq!((share.left(), state(&share)), (50, (80, 50, 0)));
        let mut next = reserve(&share, 1, 30);
        assert!((&mut next).now_or_never().is_none());
        drop(passing);
        let next = next.now_or_never().unwrap();
        let mut more = reserve(&share, 2, 30);
        assert!((&mut more).now_or_never().is_none(), "50 and 30 and 30 of 100");
        drop(half);
        assert!(more.now_or_never().is_some());
        drop(next);
        assert_eq!((share.left(), state(&share)), (100, (0, 0, 0)));
    }
}
