//! Rows of all classes, and a search among them: what says how near a row lies to other classes.

use super::neighbourhood::{Neighbourhood, check_room, is_served};
use super::pairs::Ends;
use super::space::Space;
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::rows::Labels;
use crate::synthetic::parents::Parents;
use std::sync::Arc;

/// Rows of all classes, and a search among them.
pub(super) struct AllClasses {
    pub(super) ends: Ends,
    pub(super) search: Arc<Neighbourhood>,
    labels: Arc<Labels>,
    largest: u64,
}

impl AllClasses {
    /// Reads `rows` in `column`, or in `columns` where there are any. Classes of one row and of more than `largest` are not served; of the others up to `k`
    /// neighbours are looked up.
    pub(super) async fn new(
        cx: &Context,
        rows: Arc<dyn Stable>,
        labels: &Arc<Labels>,
        (column, columns): (&str, &[String]),
        k: usize,
        largest: Option<u64>,
    ) -> Result<Self> {
        let space = Space::new(&rows.schema(), labels.column(), column, columns)?;
        let parents = Parents::new(rows, labels)?;
        let (all, largest) = (labels.len(), largest.unwrap_or(u64::MAX));
        let served = || {
            parents
                .pools
                .iter()
                .filter(|pool| is_served(pool, largest))
                .map(Vec::len)
        };
        let most = served().max().unwrap_or(0) as u64;
        // What is kept of the rows of classes that are served, and the numbers of all rows.
        let kept = parents.bytes() + served().sum::<usize>() as u64 * (4 * k as u64 + 8) + 8 * all;
        // Beside the search among all rows is one among those of a class.
        let schema = parents.base.schema();
        let both = space.search_bytes(&schema, all, most, k) + space.search_bytes(&schema, most, most, k);
        let bytes = kept + both + space.loaded_bytes(all);
        check_room(cx, bytes, all, "all classes")?;
        let rows: Vec<u64> = (0..all).collect();
        let loaded = space.load(cx, &parents).await?;
        let search = Arc::new(space.search(cx, &parents, &loaded, &rows).await?);
        Ok(Self {
            ends: Ends { rows: parents, space },
            search,
            labels: Arc::clone(labels),
            largest,
        })
    }

    /// As many neighbours as a row has at most, of `k`.
    pub(super) fn at_most(&self, k: usize) -> usize {
        k.min(self.labels.len() as usize - 1)
    }

    /// Each class with its rows, of which there are none where it is not served.
    pub(super) fn served(&self) -> impl Iterator<Item = (u32, Option<&[u64]>)> {
        let pools = self.ends.rows.pools.iter();
        (0..).zip(pools.map(|pool| is_served(pool, self.largest).then_some(pool.as_slice())))
    }

    /// For each of `rows`, which are of `class`, how many of the `k` nearest rows are of other classes.
    pub(super) async fn others(&self, cx: &Context, class: u32, rows: Vec<u32>, k: usize) -> Result<Vec<u32>> {
        let of = Arc::clone(&self.labels);
        let count = move |nearest: &[u32], out: &mut [u32]| {
            out[0] = nearest.iter().filter(|&&row| of.class(row.into()) != class).count() as u32;
        };
        self.search.each(cx, rows, k, 1, count).await
    }
}
