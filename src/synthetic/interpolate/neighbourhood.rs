//! Neighbours in the numbers of any space, and the memory that they may take.

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::quoted;
use crate::synthetic::kept;
use crate::synthetic::nearest::Search;
use std::sync::Arc;

/// A search in numbers of 32 or of 64 bits.
#[derive(Debug)]
pub(super) enum Neighbourhood {
    F32(Search<f32>),
    F64(Search<f64>),
}

impl Neighbourhood {
    /// As [`Search::all`].
    pub(super) async fn all(self, cx: &Context, k: usize) -> Result<Vec<u32>> {
        cx.compute(move || {
            Ok(match self {
                Self::F32(search) => search.all(k),
                Self::F64(search) => search.all(k),
            })
        })
        .await
    }

    /// As [`Search::each`].
    pub(super) async fn each<R: Copy + Default + Send + 'static>(
        self: &Arc<Self>,
        cx: &Context,
        queries: Vec<u32>,
        k: usize,
        stride: usize,
        write: impl Fn(&[u32], &mut [R]) + Send + Sync + 'static,
    ) -> Result<Vec<R>> {
        let search = Arc::clone(self);
        cx.compute(move || {
            Ok(match &*search {
                Self::F32(search) => search.each(&queries, k, stride, write),
                Self::F64(search) => search.each(&queries, k, stride, write),
            })
        })
        .await
    }

    /// A search among `rows` of these alone, whose numbers in it are their places in `rows`.
    pub(super) async fn among(self: &Arc<Self>, cx: &Context, rows: Vec<u32>) -> Result<Self> {
        let search = Arc::clone(self);
        cx.compute(move || {
            Ok(match &*search {
                Self::F32(search) => Self::F32(Search::new(search.points(&rows))),
                Self::F64(search) => Self::F64(Search::new(search.points(&rows))),
            })
        })
        .await
    }
}

/// Whether a class of these rows has a row to go to, and lacks some.
pub(super) fn is_served(pool: &[u64], largest: u64) -> bool {
    pool.len() > 1 && pool.len() as u64 <= largest
}

/// Room for a search of `bytes` among the rows of `whose`, which may take half of the memory, and 32 MiB in any case.
///
/// # Errors
///
/// `Budget` where it is more.
pub(super) fn check_room(cx: &Context, bytes: u64, rows: u64, whose: &str) -> Result<()> {
    let whose = quoted(whose);
    if rows > u32::MAX.into() {
        return Err(Error::config(format!(
            "{rows} rows of {whose} are more than the 2^32 among which neighbours are looked up: leave large classes to repeats by a smaller `largest`"
        )));
    }
    kept::check_room(
        cx,
        bytes,
        &format!("the search for neighbours among {rows} rows of {whose} takes"),
        "leave large classes to repeats by a smaller `largest`",
    )
}

/// Room for `bytes` of numbers of `rows` rows, while they are measured: half of the memory, and 32 MiB in any case.
///
/// # Errors
///
/// `Budget` where it is more.
pub(super) fn check_numbers(cx: &Context, bytes: u64, rows: u64) -> Result<()> {
    let what = format!("the numbers of {rows} rows, whose deviations are measured, take");
    kept::check_room(cx, bytes, &what, "name fewer columns")
}
