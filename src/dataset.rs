//! The one trait, and its law.

use crate::error::{Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
pub use crate::stored_rows::StoredRows;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

/// Rows that are addressed by position.
///
/// # Law
///
/// A row depends on its own position only: `take(p ++ q) == take(p) ++ take(q)`, whatever was taken before, by
/// whichever threads. Equality is of values, not of dictionary encodings or buffer layouts. Everything that the loader
/// promises (the same rows for any number of threads, resume from one integer, sharding by arithmetic, caches that
/// cannot be seen) follows from it.
///
/// Positions go on for ever: position `p` is row `p % len` of epoch `p / len`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no dataset",
    label = "a dataset is expected here",
    note = "a pipeline begins with a source, such as `source::Parquet::open(..)` or `source::Memory::new(..)`; where it is made by an `async` or fallible function, `.await` or `?` is missing"
)]
#[allow(
    clippy::len_without_is_empty,
    reason = "a dataset has at least one row: `Len` cannot say zero"
)]
pub trait Dataset: fmt::Debug + Send + Sync + 'static {
    /// The columns of a row.
    fn schema(&self) -> SchemaRef;

    /// Rows in one epoch.
    fn len(&self) -> Len;

    /// Ranges of rows that are cheap to take together (row groups), in order and without gaps over `0..len`.
    ///
    /// They decide the order of a shuffle and of a balance, whose plans hash where each block ends.
    fn blocks(&self) -> Blocks;

    /// What this is and what it stands on.
    fn describe(&self) -> Plan;

    /// The rows at `positions`, in that order, worked out but not read.
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared;

    /// Where the row at `position` comes from: like the row itself a function of its position, so it costs nothing
    /// until it is asked for.
    fn provenance(&self, cx: &Context, position: u64) -> Provenance;

    /// The rows at `positions`, in that order: [`prepare`](Self::prepare), then read. Not to be implemented.
    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        self.prepare(cx, positions).rows()
    }
}

/// A dataset in which `p` and `p + len` are the same row in every epoch: sources and what keeps their order.
///
/// Only such a dataset can be selected from, balanced or cached, which the compiler checks:
///
/// ```compile_fail,E0277
/// # use millstream::{DatasetExt, Stable};
/// # fn wrong(rows: impl Stable, other: impl Stable) {
/// rows.shuffle().concat(other); // concatenate first, then shuffle
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the rows of `{Self}` are not the same in every epoch",
    label = "a dataset with a fixed order is needed here",
    note = "`select`, `limit`, `split`, `filter`, `concat`, `zip`, `classes`, `objects`, `fill_null`, `balance` and `balance_rarest` stand below `shuffle`, `stage`, `image`, `map` and mixes: move the call up in the code, towards the source, or pin what a stage draws with `.views(1)`",
    note = "`balance` and `balance_rarest` bring their rows in random order by themselves: leave `shuffle` out before them",
    note = "an `Arc<dyn Dataset>` has lost its order: keep it as an `Arc<dyn Stable>`"
)]
pub trait Stable: Dataset {
    /// How many views each row has. With `rows = len / views`, position `v * rows + r` is view `v` of row `r`; view 0
    /// is the row without random augmentation.
    fn views(&self) -> u64;

    /// One column of all rows (of view 0), without touching the others: how labels are scanned.
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>>;
}

/// How many rows an epoch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Len {
    /// So many rows.
    Finite(NonZeroU64),
    /// No end: a generator.
    Endless,
}

impl Len {
    /// The number of rows, if it is finite.
    pub fn finite(self) -> Option<u64> {
        match self {
            Self::Finite(rows) => Some(rows.get()),
            Self::Endless => None,
        }
    }

    /// Epoch of `position` and row inside it.
    pub fn split(self, position: u64) -> (u64, u64) {
        match self {
            Self::Finite(rows) => (position / rows, position % rows),
            Self::Endless => (0, position),
        }
    }
}

/// Rows that are cheap to take together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The rows.
    pub rows: Range<u64>,
    /// Bytes in memory once it has been read and decoded; 0 where the rows are in memory anyway.
    pub bytes: u64,
}

/// All blocks of an epoch.
pub type Blocks = Arc<[Block]>;

/// What made a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A stored row without random augmentation.
    #[default]
    Real,
    /// A stored row with random augmentation.
    Augmented,
    /// A row that a generator made, or that a stage made of several (MixUp, CutMix, pasting), whatever their shares of its label are. It is known
    /// before the row is made: objects may have been pasted into it, and none was where the partner has none to give or no place is found. Of stored rows
    /// it is those of a file that says so of itself, as one that `generate sample` wrote; where a column alone says it of a row, a fine-tuning run counts
    /// the row as synthetic, and a loader of the library as real.
    Synthetic,
}

impl Origin {
    /// The name used in reports: `real`, `augmented`, `synthetic`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Augmented => "augmented",
            Self::Synthetic => "synthetic",
        }
    }
}

/// Where a row comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The stored rows that it was made of: one, or a generator's parents.
    pub places: Vec<StoredRow>,
    /// Its class, where something below knows classes.
    pub class: Option<u32>,
    /// The classes of its label and their shares, where it was mixed with other rows (MixUp, CutMix). A class may come several times.
    /// Empty for a row that is of its `class` alone, also where others without a share of the label were pasted into it.
    pub label_shares: Vec<(Option<u32>, f32)>,
    /// What made it.
    pub origin: Origin,
    /// The name of the generator or of the stage, for a synthetic row.
    pub generator: Option<Arc<str>>,
    /// How often the row was drawn before: 0 for the first time.
    pub occurrence: u64,
}

impl Provenance {
    /// The classes of its label, whose shares are given as parts of `of`.
    pub(crate) fn label_shares(&self, of: f32) -> Vec<(Option<u32>, f32)> {
        match self.label_shares.as_slice() {
            [] => vec![(self.class, of)],
            shares => shares.iter().map(|&(class, share)| (class, share * of)).collect(),
        }
    }
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    fn schema(&self) -> SchemaRef {
        (**self).schema()
    }
    fn len(&self) -> Len {
        (**self).len()
    }
    fn blocks(&self) -> Blocks {
        (**self).blocks()
    }
    fn describe(&self) -> Plan {
        (**self).describe()
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        (**self).prepare(cx, positions)
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        (**self).provenance(cx, position)
    }
}

impl<D: Stable + ?Sized> Stable for Arc<D> {
    fn views(&self) -> u64 {
        (**self).views()
    }
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        (**self).column(cx, name)
    }
}
