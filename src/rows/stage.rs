//! What turns columns of a row into others: the trait, and what it says of itself.

use super::row::{Draws, Out, Row};
use crate::dataset::Len;
use crate::error::Result;
use crate::plan::Plan;
use arrow::datatypes::Schema;
use std::collections::HashMap;
use std::fmt;

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
    pub(super) run: Box<dyn Run>,
}

impl Bound {
    /// What runs for each row, so far without columns.
    pub fn new(run: impl Run) -> Self {
        Self {
            reads: Vec::new(),
            writes: Vec::new(),
            partners: None,
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

    /// Needs other rows besides its own: for [`DatasetExt::mix_with`](crate::DatasetExt::mix_with) alone.
    #[must_use]
    pub fn partners(mut self, partners: impl Partners) -> Self {
        self.partners = Some(Box::new(partners));
        self
    }
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
    /// Fills every output of the row. What is in a fixed output before is not specified, because batches use the buffers of
    /// earlier ones; a ragged one is empty.
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
    /// The partners of each of `positions` in the run of `seed`, positions of the same dataset of `len` rows. Like the rows
    /// themselves they depend on seed and position only.
    fn of(&self, seed: u64, len: Len, positions: &[u64]) -> Vec<Vec<Partner>>;
}

/// Another row that a row needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its position in the dataset below.
    pub position: u64,
    /// Whether the row becomes more like this one than like itself: then it is of this one's class.
    pub leads: bool,
}

/// Types of the numbers that stages read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    /// Whole numbers from 0 to 255.
    U8,
    /// Floating-point numbers of 32 bits.
    F32,
    /// Whole numbers of 64 bits.
    I64,
    /// 0 or 1, a byte each (`arrow.bool8`): Arrow's own booleans are bits, of which rows share bytes.
    Bool,
}

/// A column that a stage reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Binary values, with [`Row::bytes`].
    Bytes(String),
    /// Strings, with [`Row::str`].
    Str(String),
    /// Numbers, with [`Row::values`]: one a row, a tensor, or a list. They are cast where no value changes.
    Values(String, DType),
    /// The row's class, with [`Row::class`]: of `classes` below.
    Class,
}

impl Read {
    /// Binary values of `column`.
    pub fn bytes(column: &str) -> Self {
        Self::Bytes(column.to_owned())
    }

    /// Strings of `column`.
    pub fn str(column: &str) -> Self {
        Self::Str(column.to_owned())
    }

    /// Numbers of `column` as `dtype`.
    pub fn values(column: &str, dtype: DType) -> Self {
        Self::Values(column.to_owned(), dtype)
    }

    /// The column's name.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Bytes(column) | Self::Str(column) | Self::Values(column, _) => Some(column),
            Self::Class => None,
        }
    }
}

/// A column that a stage writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Shape,
    pub(super) metadata: HashMap<String, String>,
}

/// How many numbers of an output a row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The same in every row: a tensor (`arrow.fixed_shape_tensor`), or one number for `[]`.
    Fixed(Vec<usize>),
    /// Any number of items, each a tensor of shape `inner` (one number for `[]`): a list.
    Ragged {
        /// Shape of an item: `[4]` for boxes.
        inner: Vec<usize>,
        /// The most items that a row may have, an error beyond it: memory is bounded by it.
        at_most: usize,
    },
}

impl Output {
    /// The same shape in every row; `[]` for one number.
    pub fn fixed(name: &str, dtype: DType, shape: impl Into<Vec<usize>>) -> Self {
        Self::new(name, dtype, Shape::Fixed(shape.into()))
    }

    /// Up to `at_most` items of shape `inner`; `[]` for plain numbers.
    pub fn ragged(name: &str, dtype: DType, inner: impl Into<Vec<usize>>, at_most: usize) -> Self {
        let inner = inner.into();
        Self::new(name, dtype, Shape::Ragged { inner, at_most })
    }

    fn new(name: &str, dtype: DType, shape: Shape) -> Self {
        Self {
            name: name.to_owned(),
            dtype,
            shape,
            metadata: HashMap::new(),
        }
    }

    /// Adds to the metadata of the column's field: class names, say.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }
}
