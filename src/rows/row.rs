//! One row in the hands of a stage: what it reads, draws and writes.

use super::column::{Column, Values};
use super::ports::Read;
use crate::error::{Error, Result};
use crate::rng::Rng;

/// The columns of one row that a stage [reads](super::Bound::reads), by number.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Those of the dataset below, and of [others](super::Bound::other).
    pub(super) datasets: &'a [Columns<'a>],
    /// The row itself.
    pub(super) own: RowOf,
    /// Where its partners are.
    pub(super) partners: &'a [RowOf],
}

/// The columns of one dataset that a stage reads.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) reads: &'a [Read],
    pub(super) columns: Vec<Column>,
    /// Rows of the datasets before it.
    pub(super) first: usize,
}

/// A row of one of the datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowOf {
    pub(super) dataset: usize,
    pub(super) row: usize,
}

impl<'a> Row<'a> {
    /// The bytes in column `column`.
    ///
    /// # Errors
    ///
    /// `Data` for a null; `Config` for a column that is not read as bytes.
    pub fn bytes(&self, column: usize) -> Result<&'a [u8]> {
        match self.column(column) {
            Column::Bytes(array) => crate::columns::bytes_of(array, self.own.row).ok_or_else(|| self.null(column)),
            other => Err(self.another_type(column, other, "bytes")),
        }
    }

    /// The string in column `column`.
    ///
    /// # Errors
    ///
    /// `Data` for a null; `Config` for a column that is not read as strings.
    pub fn str(&self, column: usize) -> Result<&'a str> {
        match self.column(column) {
            Column::Str(array) if arrow::array::Array::is_null(array, self.own.row) => Err(self.null_value(column)),
            Column::Str(array) => Ok(array.value(self.own.row)),
            other => Err(self.another_type(column, other, "str")),
        }
    }

    /// The numbers in column `column`: one, those of a tensor, or those of a list. What is read as [`DType::Bool`](super::DType) is a
    /// u8 of 0 or 1.
    ///
    /// # Errors
    ///
    /// `Data` for a null, also among the numbers; `Config` for a column that is not read as numbers of this type.
    pub fn values<T: Element>(&self, column: usize) -> Result<&'a [T]> {
        let read = self.column(column);
        let values = T::of(read);
        let values = values.ok_or_else(|| self.another_type(column, read, &format!("values::<{}>", name::<T>())))?;
        values.row(self.own.row).ok_or_else(|| self.null_value(column))
    }

    /// Whether column `column` is null.
    pub fn is_null(&self, column: usize) -> bool {
        self.column(column).is_null(self.own.row)
    }

    /// The row's class, where something below knows classes and the stage reads [`Read::Class`](super::Read::Class).
    pub fn class(&self) -> Option<u32> {
        let columns = &self.datasets[self.own.dataset].columns;
        let classes = columns.iter().find_map(|column| match column {
            Column::Class(classes) => Some(classes),
            _ => None,
        });
        classes.and_then(|classes| classes[self.own.row])
    }

    fn column(&self, column: usize) -> &'a Column {
        &self.datasets[self.own.dataset].columns[column]
    }

    fn null(&self, column: usize) -> Error {
        self.blame_column(column, Error::data("the value is null"))
    }

    fn null_value(&self, column: usize) -> Error {
        let text = "the value is null; `is_null` says so before it is read, and `fill_null` puts another in its place";
        self.blame_column(column, Error::data(text))
    }

    /// A mistake in the stage: it calls `called` for a column that it reads as something else.
    fn another_type(&self, column: usize, read: &Column, called: &str) -> Error {
        let name = self.datasets[self.own.dataset].reads[column].column();
        let name = name.map_or_else(String::new, |name| format!(" ({name:?})"));
        Error::config(format!(
            "column {column}{name} is read as {}: take it by `{}({column})`, not by `{called}({column})`",
            read.kind(),
            read.call()
        ))
    }

    /// As [`blame`](Self::blame), and the value in column `column` is the bad one.
    pub(super) fn blame_column(&self, column: usize, error: Error) -> Error {
        let error = self.blame(error);
        match self.datasets[self.own.dataset].reads[column].column() {
            Some(name) => error.in_column(name),
            None => error,
        }
    }

    /// `error`, which this row is to blame for: a partner's fault is not that of the row which it is the partner of.
    #[must_use]
    pub fn blame(&self, error: Error) -> Error {
        error.at(self.datasets[self.own.dataset].first + self.own.row)
    }

    /// How many partners it has.
    pub fn partners(&self) -> usize {
        self.partners.len()
    }

    /// Partner number `partner`, as its dataset gives it: of [another](super::Bound::other) than the one below, the columns are
    /// numbered as they were listed there.
    ///
    /// # Panics
    ///
    /// For a partner that there is not.
    pub fn partner(&self, partner: usize) -> Row<'a> {
        Row {
            own: self.partners[partner],
            partners: &[],
            ..*self
        }
    }
}

/// Types of numbers that columns have: u8, f32 and i64.
pub trait Element: Copy + Default + sealed::Element {}

impl Element for u8 {}
impl Element for f32 {}
impl Element for i64 {}

pub(super) mod sealed {
    use super::{Column, Slot, Values};

    /// Where numbers of this type are.
    #[allow(unreachable_pub, private_interfaces, reason = "nobody outside can name it")]
    pub trait Element: arrow::datatypes::ArrowNativeType {
        fn of(column: &Column) -> Option<&Values<Self>>;
        fn fixed<'a>(slot: &'a mut Slot<'_>) -> Option<&'a mut [Self]>;
        fn ragged<'a>(slot: &'a mut Slot<'_>) -> Option<&'a mut Vec<Self>>;
    }

    macro_rules! element {
        ($number:ty, $column:ident, $fixed:ident, $ragged:ident) => {
            #[allow(private_interfaces, reason = "nobody outside can name it")]
            impl Element for $number {
                fn of(column: &Column) -> Option<&Values<Self>> {
                    match column {
                        Column::$column(values) => Some(values),
                        _ => None,
                    }
                }
                fn fixed<'a>(slot: &'a mut Slot<'_>) -> Option<&'a mut [Self]> {
                    match slot {
                        Slot::$fixed(values) => Some(values),
                        _ => None,
                    }
                }
                fn ragged<'a>(slot: &'a mut Slot<'_>) -> Option<&'a mut Vec<Self>> {
                    match slot {
                        Slot::$ragged(values) => Some(values),
                        _ => None,
                    }
                }
            }
        };
    }
    element!(u8, U8, U8, RaggedU8);
    element!(f32, F32, F32, RaggedF32);
    element!(i64, I64, I64, RaggedI64);
}

/// The random numbers of one row.
///
/// They depend on the seed, the stage's name and the row's position, so a stage that draws changes no other's draws.
#[derive(Clone, Copy, Debug)]
pub struct Draws<'a> {
    pub(super) seed: u64,
    pub(super) name: &'a str,
    /// None for a row without random augmentation.
    pub(super) position: Option<u64>,
}

impl Draws<'_> {
    /// The row's own generator; none for a row that is wanted without random augmentation: view 0.
    pub fn rng(&self) -> Option<Rng> {
        self.position.map(|position| Rng::new(self.seed, self.name, position))
    }

    /// The number under which the parts of a stage have streams of their own: the first of [`rng`](Self::rng).
    pub fn key(&self) -> Option<u64> {
        self.rng().map(|mut rng| rng.next_u64())
    }

    /// The generator of the part `name`: adding, removing or re-tuning one part leaves the draws of the others as they were.
    pub fn stream(&self, name: &str) -> Option<Rng> {
        self.key().map(|key| Rng::new(key, name, 0))
    }
}

/// Where a row's outputs go, by number.
#[derive(Debug)]
pub struct Out<'a> {
    pub(super) slots: Vec<Slot<'a>>,
}

/// One output of a row.
#[derive(Debug)]
pub enum Slot<'a> {
    #[doc(hidden)]
    U8(&'a mut [u8]),
    #[doc(hidden)]
    F32(&'a mut [f32]),
    #[doc(hidden)]
    I64(&'a mut [i64]),
    #[doc(hidden)]
    RaggedU8(&'a mut Vec<u8>),
    #[doc(hidden)]
    RaggedF32(&'a mut Vec<f32>),
    #[doc(hidden)]
    RaggedI64(&'a mut Vec<i64>),
}

impl Out<'_> {
    /// Makes every fixed output 0: batches use the buffers of earlier ones.
    pub(super) fn clear(&mut self) {
        for slot in &mut self.slots {
            match slot {
                Slot::U8(values) => values.fill(0),
                Slot::F32(values) => values.fill(0.0),
                Slot::I64(values) => values.fill(0),
                Slot::RaggedU8(_) | Slot::RaggedF32(_) | Slot::RaggedI64(_) => (),
            }
        }
    }

    /// The numbers of fixed output `output`, in the order of its shape; a [bool](super::DType::Bool) is a u8 of 0 or 1, and any other
    /// value of it is an error. They are all 0 at first.
    ///
    /// # Panics
    ///
    /// For an output of another type or a ragged one: a mistake in the stage, which the caller makes an error of.
    pub fn fixed<T: Element>(&mut self, output: usize) -> &mut [T] {
        T::fixed(&mut self.slots[output]).unwrap_or_else(|| panic!("output {output} is none of fixed {}", name::<T>()))
    }

    /// The numbers of ragged output `output`, empty at first: whole items, one after the other.
    ///
    /// # Panics
    ///
    /// For an output of another type or a fixed one.
    pub fn ragged<T: Element>(&mut self, output: usize) -> &mut Vec<T> {
        T::ragged(&mut self.slots[output])
            .unwrap_or_else(|| panic!("output {output} is none of ragged {}", name::<T>()))
    }
}

fn name<T>() -> &'static str {
    std::any::type_name::<T>()
}
