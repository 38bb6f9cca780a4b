//! Networks that are trained side by side: a small one keeps a single core busy.

use crate::error::{ErrorKind, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Calls `work` with each of `items` on up to `threads` threads, and `done` on this one with each result, as it comes.
///
/// An item that finds no room in the budget beside others is done once more, alone. After an error no other item begins; those under way end, and `done` gets their
/// results, so that nothing that was computed is lost.
///
/// # Errors
///
/// Of all errors of `work` that of the first item, whichever came first in time; else what `done` returns.
pub(super) fn each<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    mut done: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    let (next, (sender, results)) = (AtomicUsize::new(0), mpsc::channel());
    let (mut alone, mut failed) = (Vec::new(), None);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    if sender.send((at, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (at, result) in results {
            match result {
                Err(error) if error.kind() == ErrorKind::Budget => alone.push(at),
                result => {
                    let Err(error) = result.and_then(&mut done) else {
                        continue;
                    };
                    next.store(items.len(), Ordering::Relaxed);
                    match &failed {
                        Some((first, _)) if *first < at => (),
                        _ => failed = Some((at, error)),
                    }
                }
            }
        }
    });
    if let Some((_, error)) = failed {
        return Err(error);
    }
    alone.sort_unstable();
    alone.into_iter().try_for_each(|at| done(work(&items[at])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::sync::Mutex;

    #[test]
    fn each_item_is_done_once() {
        for threads in [1, 3, 100] {
            let mut all = Vec::new();
            each(
                threads,
                &[1, 2, 3, 4, 5],
                |item| Ok(item * item),
                |square| {
                    all.push(square);
                    Ok(())
                },
            )
            .unwrap();
            all.sort_unstable();
            assert_eq!(all, [1, 4, 9, 16, 25]);
        }
        each(4, &[] as &[u32], |_| Ok(()), |()| panic!("nothing is done")).unwrap();
    }

    #[test]
    fn what_finds_no_room_beside_others_is_done_alone() {
        let tried = Mutex::new(Vec::new());
        let mut all = Vec::new();
        let work = |item: &u32| {
            let mut tried = tried.lock().unwrap();
            tried.push(*item);
            match *item != 3 && tried.iter().filter(|other| *other == item).count() == 1 {
                true => Err(Error::budget("no room")),
                false => Ok(*item),
            }
        };
        each(2, &[1, 2, 3], work, |item| {
            all.push(item);
            Ok(())
        })
        .unwrap();
        assert_eq!(all, [3, 1, 2]);
        assert_eq!(tried.into_inner().unwrap().len(), 5);
        let refused = each(2, &[1], |_| Err::<(), _>(Error::budget("never")), |()| Ok(()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Budget);
    }

    #[test]
    fn an_error_ends_it_and_nothing_computed_is_lost() {
        let began = Mutex::new(0);
        let mut all = Vec::new();
        let items: Vec<u32> = (0..100).collect();
        let work = |item: &u32| {
            *began.lock().unwrap() += 1;
            match item {
                1 => Err(Error::stage("the first")),
                item => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    Ok(*item)
                }
            }
        };
        let error = each(2, &items, work, |item| {
            all.push(item);
            Ok(())
        })
        .unwrap_err();
        assert!(error.to_string().contains("the first"), "{error}");
        let began = began.into_inner().unwrap();
        assert!(began < 50, "{began} began");
        assert_eq!(all.len() as u32, began - 1);
    }
}
