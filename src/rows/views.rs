use super::transformed::Transformed;
use crate::columns::index_of;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::sync::Arc;

/// The parameters of [`Views`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ViewsSpec {
    /// Views of each row, the one without random augmentation among them, in `1..=65536`. Defaults to 1.
    pub views: u64,
}

impl Default for ViewsSpec {
    fn default() -> Self {
        Self { views: 1 }
    }
}

impl ViewsSpec {
    /// Most views of a row: the blocks of each are listed.
    const MOST: u64 = 65_536;
}

impl Spec for ViewsSpec {
    const NAME: &'static str = "views";

    fn check(&self) -> Result<()> {
        match self.views {
            1..=Self::MOST => Ok(()),
            views => Err(Error::config(format!(
                "views is {views}, but has to lie in 1..={}",
                Self::MOST
            ))),
        }
    }
}

/// Each row in a fixed number of augmented views; made by [`views`](Transformed::views).
#[derive(Debug)]
pub struct Views<D> {
    inner: Transformed<D>,
    /// Rows of the dataset below, each of its views counted.
    rows: NonZeroU64,
    views: NonZeroU64,
    /// Rows of all views.
    all: NonZeroU64,
}

impl<D: Stable> Transformed<D> {
    /// Pins the augmentation: a dataset of `views` times as many rows, of which view 0 is each row without random
    /// augmentation and every further view one draw of it.
    ///
    /// What a frozen backbone makes of a view can then be computed once and kept. Validation data has one view. Over rows that
    /// have views already, each of these has so many.
    ///
    /// # Errors
    ///
    /// `Config` for no views, more than 65,536, or more rows in all than positions.
    pub fn views(self, views: u64) -> Result<Views<D>> {
        Views::new(self, &ViewsSpec { views })
    }
}

impl<D: Stable> Views<D> {
    pub(super) fn new(inner: Transformed<D>, spec: &ViewsSpec) -> Result<Self> {
        let placed = |error: Error| error.context(ViewsSpec::NAME);
        spec.check().map_err(placed)?;
        let views = NonZeroU64::new(spec.views).unwrap_or(NonZeroU64::MIN);
        let all = |rows: NonZeroU64| Some((rows, rows.checked_mul(views)?));
        match inner.len() {
            Len::Finite(rows) => all(rows),
            Len::Endless => None,
        }
        .map(|(rows, all)| Self {
            inner,
            rows,
            views,
            all,
        })
        .ok_or_else(|| placed(Error::config(format!("{views} views of all rows are more than 2^64"))))
    }

    /// View `v` of row `r` is what epoch `v` makes of it.
    fn below(&self, position: u64) -> u64 {
        position % self.all
    }

    fn is_plain(&self, below: u64) -> bool {
        below < self.rows.get()
    }

    fn map(&self, positions: &[u64]) -> Vec<u64> {
        positions.iter().map(|&position| self.below(position)).collect()
    }
}

impl<D: Stable> Dataset for Views<D> {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.all)
    }

    fn blocks(&self) -> Blocks {
        let below = self.inner.blocks();
        let shifted = (0..self.views.get()).flat_map(|view| {
            let by = view * self.rows.get();
            below.iter().map(move |block| Block {
                rows: block.rows.start + by..block.rows.end + by,
                ..*block
            })
        });
        shifted.collect()
    }

    fn describe(&self) -> Plan {
        let spec = ViewsSpec {
            views: self.views.get(),
        };
        Plan::of(&spec).input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let below = self.map(positions);
        self.inner.prepare_views(cx, &below, |position| self.is_plain(position))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let below = self.below(position);
        let trace = self.inner.inner().provenance(cx, below);
        Provenance {
            origin: self.inner.origin(trace.origin, self.is_plain(below)),
            ..trace
        }
    }
}

impl<D: Stable> Stable for Views<D> {
    fn views(&self) -> u64 {
        self.views.get() * self.inner.inner().views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        if !self.inner.writes(name) {
            return self.inner.inner().column(cx, name);
        }
        Box::pin(async move {
            // Of view 0 of all that have views.
            let rows: Vec<u64> = (0..self.rows.get() / self.inner.inner().views()).collect();
            let rows = self.take(cx, &rows).await?;
            Ok(Arc::clone(rows.column(index_of(&rows.schema(), name)?)))
        })
    }
}
