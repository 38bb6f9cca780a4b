//! What turns columns of a row into others: the trait, and what it says of itself.

use super::ports::{Output, Read};
use super::row::{Draws, Out, Row};
use crate::dataset::{Dataset, Len};
use crate::error::Result;
use crate::plan::Plan;
use arrow::datatypes::Schema;
use std::fmt;
use std::sync::Arc;

/// What turns some columns of a row into others: decode, augment, tokenise, mix.
///
/// A stage is plain parameters; [`bind`](Self::bind) looks at the columns below once and gives back what runs. It draws once
/// for each row, so that all that belongs to a row (a picture and its mask) is moved in the same way.
///
/// ```
/// use arrow::array::{ArrayRef, Float32Array, RecordBatch};
/// use arrow::datatypes::Schema;
/// use millstream::plan::Plan;
/// use millstream::rows::{Bound, DType, Draws, Out, Output, Read, Row, Stage};
/// use millstream::source::Memory;
/// use millstream::{Context, Dataset, DatasetExt, Result};
/// use std::sync::Arc;
///
/// /// Adds noise to a column of numbers.
/// #[derive(Debug)]
/// struct Jitter;
///
/// impl Stage for Jitter {
///     fn describe(&self) -> Plan {
///         Plan::new("jitter").random()
///     }
///     fn bind(&self, _: &Schema) -> Result<Bound> {
///         let run = |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
///             let noise = draws.rng().map_or(0.0, |mut rng| rng.range(-0.1, 0.1));
///             out.fixed::<f32>(0)[0] = row.values::<f32>(0)?[0] + noise;
///             Ok(())
///         };
///         Ok(Bound::new(run).reads(Read::values("x", DType::F32)).writes(Output::fixed("x", DType::F32, [])))
///     }
/// }
///
/// let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0]));
/// let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", x)])?])?.stage(Jitter)?;
/// let cx = Context::with(1, 1 << 20)?;
/// assert_ne!(cx.block_on(rows.take(&cx, &[0]))?, cx.block_on(rows.take(&cx, &[3]))?); // two epochs, two draws
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Stage: fmt::Debug + Send + Sync + 'static {
    /// Its name and every parameter that decides values, and whether it [draws](Plan::random). The name is that of its stream of
    /// random numbers, and the first word of its errors.
    fn describe(&self) -> Plan;

    /// Looks at the columns below, once.
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or of another type; `Config` for parameters out of range.
    fn bind(&self, below: &Schema) -> Result<Bound>;
}

/// A stage that knows its columns.
pub struct Bound {
    pub(super) reads: Vec<Read>,
    pub(super) writes: Vec<Output>,
    pub(super) partners: Option<Box<dyn Partners>>,
    pub(super) others: Vec<OtherRows>,
    /// Lines for the reader of `explain()`.
    pub(super) notes: Vec<String>,
    /// What is said where it stands on rows whose class nothing below knows; none where it may.
    pub(super) without_class: Option<String>,
    /// Whether it fills every fixed output of every row.
    pub(super) fills: bool,
    pub(super) run: Box<dyn Run>,
}

impl Bound {
    /// What runs for each row, so far without columns.
    pub fn new(run: impl Run) -> Self {
        Self {
            reads: Vec::new(),
            writes: Vec::new(),
            partners: None,
            others: Vec::new(),
            notes: Vec::new(),
            without_class: None,
            fills: false,
            run: Box::new(run),
        }
    }

    /// Reads one column more: number 0 is the first.
    #[must_use]
    pub fn reads(mut self, read: Read) -> Self {
        self.reads.push(read);
        self
    }

    /// Writes one column more: number 0 is the first. One that has the name of a column below takes its place.
    #[must_use]
    pub fn writes(mut self, output: Output) -> Self {
        self.writes.push(output);
        self
    }

    /// Adds a line for the reader of `explain()`: what the columns below tell of the stage, which its own
    /// [plan](Stage::describe) cannot know.
    #[must_use]
    pub fn note(mut self, line: impl fmt::Display) -> Self {
        self.notes.push(line.to_string());
        self
    }

    /// Says that what runs fills every fixed output of every row, so that nothing clears them first.
    #[must_use]
    pub(crate) fn fills(mut self) -> Self {
        self.fills = true;
        self
    }

    /// Refuses to stand on rows whose class nothing below knows, with the reason `why`.
    #[must_use]
    pub(crate) fn needs_class(mut self, why: String) -> Self {
        self.without_class = Some(why);
        self
    }

    /// Needs other rows besides its own: for [`DatasetExt::mix_with`](crate::DatasetExt::mix_with) alone.
    #[must_use]
    pub fn partners(mut self, partners: impl Partners) -> Self {
        self.partners = Some(Box::new(partners));
        self
    }

    /// The names of the columns that it writes.
    #[cfg(feature = "train")]
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        self.writes.iter().map(|output| output.name.as_str())
    }

    /// Takes partners from `dataset` as well, of which it reads the columns `reads`: number 1 is the first such dataset, number
    /// 0 the stage's own. It is taken under a seed of its own, so what it draws is independent of the rows below.
    ///
    /// The plan of `dataset` is put below that of the stage, as a [scope](Plan::scope), by itself: a stage does not add it to its own
    /// plan.
    #[must_use]
    pub fn other(mut self, dataset: Arc<dyn Dataset>, reads: impl Into<Vec<Read>>) -> Self {
        let reads = reads.into();
        self.others.push(OtherRows { dataset, reads });
        self
    }
}

/// Another dataset that partners come from, and what is read of it.
#[derive(Debug)]
pub(super) struct OtherRows {
    pub(super) dataset: Arc<dyn Dataset>,
    pub(super) reads: Vec<Read>,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("reads", &self.reads)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

/// What a stage does to one row. Closures are.
pub trait Run: Send + Sync + 'static {
    /// Fills the outputs of the row. Before it a fixed output is all 0, and a ragged one is empty.
    ///
    /// # Errors
    ///
    /// What is wrong with the row; the caller adds where it comes from. A panic becomes an error.
    fn run(&self, row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>) -> Result<()>;
}

impl<F> Run for F
where
    F: Fn(&Row<'_>, Draws<'_>, &mut Out<'_>) -> Result<()> + Send + Sync + 'static,
{
    fn run(&self, row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>) -> Result<()> {
        self(row, draws, out)
    }
}

/// Which other rows a row needs: they are known before anything is read.
pub trait Partners: Send + Sync + 'static {
    /// The partners of each of `positions`, where the dataset below has `len` rows. Like the rows themselves they depend on seed
    /// and position only.
    ///
    /// `name` is the one under which the stage draws, in the run of `seed`: [`Rng::new(seed, name, position)`](crate::rng::Rng::new)
    /// is the generator that its [`Draws`] give for the same row. Of two stages with one name the second has a number.
    fn of(&self, seed: u64, name: &str, len: Len, positions: &[u64]) -> Vec<Vec<Partner>>;

    /// The most partners that a row has, for the reader of [`explain`](crate::Dataset::describe).
    fn most(&self) -> usize;
}

/// Another row that a row needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partner {
    /// The dataset that it comes from: 0 for the one below, 1 for the first of the [others](Bound::other).
    pub dataset: usize,
    /// Its position there.
    pub position: u64,
    /// What share of the row's label is this one's, in `0..=1`: 0 where the label stays as it is. With more than half of it, the row
    /// is of this one's class.
    pub share: f32,
}
