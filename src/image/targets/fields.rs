//! Columns of lists that have an item for each box or point.

use crate::columns::{index_of, is_bool8, list_item, shape_of};
use crate::error::{Error, Result};
use crate::rows::{BOX_FORMAT, BoxFormat, CLASS_NAMES, DType, Element, KeypointNames, LIES_IN, Out, Output, Read, Row};
use arrow::datatypes::{DataType, Field, Schema};
use std::fmt::Debug;

/// A column of lists, and what its items are.
#[derive(Clone, Debug)]
pub(in crate::image) struct Lists {
    pub(in crate::image) column: String,
    pub(in crate::image) dtype: DType,
    /// Shape of an item.
    pub(in crate::image) inner: Vec<usize>,
    names: Option<String>,
    /// What its boxes mean when they are written, where it holds boxes; of a label field, what the column says.
    pub(in crate::image) boxes: Option<BoxFormat>,
    /// What is said of its keypoints, where it holds objects of several.
    pub(in crate::image) points: Option<KeypointNames>,
    /// The picture in which they lie, where a stage below has said it.
    lies_in: Option<String>,
}

impl Lists {
    /// The column `column` of `below`, in the type of its numbers.
    pub(in crate::image) fn of(below: &Schema, column: &str) -> Result<Self> {
        let field = below.field(index_of(below, column)?);
        let refused = || {
            let kind = field.data_type();
            Error::schema(format!(
                "column \"{column}\" holds {kind}, not a list of numbers with an item for each box or point"
            ))
        };
        let item = list_item(field.data_type()).ok_or_else(refused)?;
        let mut inner = shape_of(item);
        let mut leaf: &Field = item;
        if inner.is_empty() {
            // A fixed-size list that is no tensor.
            while let DataType::FixedSizeList(next, width) = leaf.data_type() {
                inner.push(*width as usize);
                leaf = next;
            }
        }
        while let DataType::FixedSizeList(next, _) = leaf.data_type() {
            leaf = next;
        }
        let dtype = match leaf.data_type() {
            DataType::Boolean => DType::Bool,
            _ if is_bool8(leaf) => DType::Bool,
            DataType::UInt8 => DType::U8,
            kind if kind.is_integer() => DType::I64,
            kind if kind.is_floating() => DType::F32,
            _ => return Err(refused()),
        };
        let points = match inner[..] {
            [many, _] => KeypointNames::of_field(field, many)?,
            _ => None,
        };
        Ok(Self {
            column: column.to_owned(),
            dtype,
            inner,
            names: field.metadata().get(CLASS_NAMES).cloned(),
            boxes: BoxFormat::of_field(field),
            points,
            lies_in: field.metadata().get(LIES_IN).cloned(),
        })
    }

    /// The names of its classes; none where it has none.
    pub(in crate::image) fn class_names(&self) -> Vec<String> {
        let names = self.names.as_deref().map(serde_json::from_str);
        names.and_then(Result::ok).unwrap_or_default()
    }

    /// Numbers of an item.
    pub(in crate::image) fn width(&self) -> usize {
        self.inner.iter().product()
    }

    pub(in crate::image) fn read(&self) -> Read {
        Read::values(&self.column, self.dtype)
    }

    pub(in crate::image) fn output(&self, at_most: usize) -> Output {
        let output = Output::ragged(&self.column, self.dtype, self.inner.clone(), at_most);
        let output = match &self.names {
            Some(names) => output.metadata(CLASS_NAMES, names),
            None => output,
        };
        let output = match &self.points {
            Some(points) => {
                let (key, said) = points.metadata();
                output.metadata(&key, &said)
            }
            None => output,
        };
        let output = match self.boxes {
            Some(format) => output.metadata(BOX_FORMAT, &format.to_string()),
            None => output,
        };
        match &self.lies_in {
            Some(picture) => output.metadata(LIES_IN, picture),
            None => output,
        }
    }

    /// Writes the items `kept` of `items` into output `write`; `read` is the number of the column. `swaps` are pairs of values that change
    /// places.
    pub(in crate::image) fn keep(
        &self,
        row: &Row<'_>,
        out: &mut Out<'_>,
        (read, write): (usize, usize),
        (kept, items): (&[usize], usize),
        swaps: &[[i64; 2]],
    ) -> Result<()> {
        match self.dtype {
            DType::U8 | DType::Bool => {
                let swap = |value: u8| swapped(swaps, value.into()).map_or(value, |value| value as u8);
                out.ragged::<u8>(write)
                    .extend(self.kept(row, read, kept, items)?.map(swap));
            }
            DType::I64 => {
                let swap = |value: i64| swapped(swaps, value).unwrap_or(value);
                out.ragged::<i64>(write)
                    .extend(self.kept(row, read, kept, items)?.map(swap));
            }
            DType::F32 => out
                .ragged::<f32>(write)
                .extend(self.kept::<f32>(row, read, kept, items)?),
        }
        Ok(())
    }

    fn kept<'a, T: Element>(
        &self,
        row: &Row<'a>,
        read: usize,
        kept: &'a [usize],
        items: usize,
    ) -> Result<impl Iterator<Item = T> + 'a> {
        let (values, width) = (row.values::<T>(read)?, self.width());
        self.check(values.len(), items)?;
        let item = move |&at: &usize| values[at * width..(at + 1) * width].iter().copied();
        Ok(kept.iter().flat_map(item))
    }

    /// Refuses a row in which the column has another number of items than there are boxes or points.
    pub(in crate::image) fn check(&self, numbers: usize, items: usize) -> Result<()> {
        let have = numbers / self.width().max(1);
        match numbers == items * self.width() {
            true => Ok(()),
            false => Err(Error::data(format!(
                "column \"{}\" has {have} items in this row, and there are {items} boxes or points",
                self.column
            ))),
        }
    }
}

/// What is wrong with `pairs` that change places in a mirror: each number stands in one pair, and once.
pub(in crate::image) fn wrong_pairs<T: Copy + PartialEq + Debug>(pairs: &[[T; 2]]) -> Option<String> {
    let numbers = pairs.as_flattened();
    let twice = numbers
        .iter()
        .enumerate()
        .find(|(at, number)| numbers[..*at].contains(number));
    twice.map(|(_, number)| format!("the pairs {pairs:?} name {number:?} twice, and a place has one mirror image"))
}

/// What takes the place of `value` where left and right are exchanged; none where it stays.
pub(in crate::image) fn swapped(swaps: &[[i64; 2]], value: i64) -> Option<i64> {
    swaps.iter().find_map(|&[left, right]| match value {
        value if value == left => Some(right),
        value if value == right => Some(left),
        _ => None,
    })
}
