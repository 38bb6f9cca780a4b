//! Columns whose rows differ in length.

use super::data::{room, shared};
use super::dense::{axes, check_dims, made};
use super::dtype::{Kind, with_number};
use super::padding::Padding;
use crate::columns::{Number, Numbers, index_of, permutation_of, shape_of, uniform_shape_of};
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, RecordBatch, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow_schema::extension::{ExtensionType, VariableShapeTensor};
use burn::tensor::{Bool, Tensor, TensorCreationOptions, TensorData};
use std::sync::Arc;

/// A column of lists, or of tensors whose first dimension differs from row to row, as one tensor of `D` dimensions,
/// `[rows, longest, ..inner]`, and a mask `[rows, longest]` that is true where there is a value and false where there is padding.
/// (Burn's attention takes the opposite, `mask.bool_not()`, as its `mask_pad`.)
///
/// An empty row is all padding. Where all rows of a batch are empty, `longest` is 0.
///
#[cfg_attr(feature = "train", doc = "```")]
#[cfg_attr(not(feature = "train"), doc = "```ignore (needs a backend)")]
/// use arrow::array::{ArrayRef, ListArray, RecordBatch};
/// use arrow::datatypes::Int32Type;
/// use burn::tensor::{Device, Int, TensorData};
/// use millstream::sink::tensor::{self, Padding};
/// # use std::sync::Arc;
///
/// let tokens = ListArray::from_iter_primitive::<Int32Type, _, _>([
///     Some(vec![Some(5), Some(6), Some(7)]),
///     Some(vec![Some(8)]),
/// ]);
/// let rows = RecordBatch::try_from_iter([("tokens", Arc::new(tokens) as ArrayRef)]).unwrap();
/// let device = Device::flex();
/// let (values, mask) = tensor::padded::<2, Int>(&rows, "tokens", 0, &device)?;
/// values.into_data().assert_eq(&TensorData::from([[5, 6, 7], [8, 0, 0]]), false);
/// mask.into_data().assert_eq(&TensorData::from([[true, true, true], [true, false, false]]), false);
///
/// let cut = Padding::new(0).length(2).truncate(2);
/// let (values, _) = tensor::padded::<2, Int>(&rows, "tokens", cut, &device)?;
/// values.into_data().assert_eq(&TensorData::from([[5, 6], [8, 0]]), false);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// As [`floats`](super::floats), [`ints_nd`](super::ints_nd) and [`bools`](super::bools). `Schema` for a column of something else,
/// and for tensors whose dimensions are stored in another order. `Data` with the row and its length for one that is longer than the
/// fixed length, and for one that differs in another dimension than the first (see [`ragged`]). `Config` where the padding is no
/// value of the tensor's type, and where the tensor does not fit into memory.
pub fn padded<const D: usize, K: Kind>(
    rows: &RecordBatch,
    column: &str,
    padding: impl Into<Padding>,
    options: impl Into<TensorCreationOptions>,
) -> Result<(Tensor<D, K>, Tensor<2, Bool>)> {
    let (padding, options) = (padding.into(), options.into());
    let dtype = K::asked(&options)?;
    let lists = Ragged::of(rows, column)?;
    if lists.permutation.is_some() {
        return Err(Error::schema(format!(
            "column \"{column}\" has its dimensions stored in another order, so its rows cannot be padded: `ragged` gives them one by one"
        )));
    }
    let inner = lists.inner()?;
    let width = lists.width(&padding)?;
    let shape: Vec<usize> = [lists.len(), width].into_iter().chain(inner).collect();
    check_dims(column, &shape, D)?;
    let data = with_number!(dtype, T => lists.padded::<T>(&padding, shape))?;
    let mask = TensorData::new(lists.mask(&padding, width), [lists.len(), width]);
    let device = &options.device;
    Ok((made(data, &options, dtype), Tensor::from_data(mask, device)))
}

/// A column of lists, or of tensors that differ in shape, as one tensor of `D` dimensions for each row: the boxes of a picture,
/// `[boxes, 4]`. An empty row is a tensor without values, `[0, 4]`.
///
/// # Errors
///
/// As [`floats`](super::floats), [`ints_nd`](super::ints_nd) and [`bools`](super::bools); `Schema` for a column of something else.
pub fn ragged<const D: usize, K: Kind>(
    rows: &RecordBatch,
    column: &str,
    options: impl Into<TensorCreationOptions>,
) -> Result<Vec<Tensor<D, K>>> {
    let options = options.into();
    let dtype = K::asked(&options)?;
    let lists = Ragged::of(rows, column)?;
    if lists.len() > 0 {
        check_dims(column, lists.shape(0), D)?;
    }
    let data = with_number!(dtype, T => lists.rows::<T>())?;
    let tensors = data.into_iter().map(|data| made(data, &options, dtype));
    match &lists.permutation {
        None => Ok(tensors.collect()),
        Some(order) => {
            let axes = axes::<D>(column, order, 0)?;
            Ok(tensors.map(|tensor: Tensor<D, K>| tensor.permute(axes)).collect())
        }
    }
}

/// Rows that differ in shape.
#[derive(Debug)]
pub(super) struct Ragged {
    column: String,
    pub(super) numbers: Numbers,
    /// The first value of each row, and the end of the last.
    pub(super) starts: Vec<usize>,
    /// The shapes of all rows, one after the other, `rank` dimensions each.
    shapes: Vec<usize>,
    rank: usize,
    /// The dimensions behind the first where there are no rows to have them.
    of_none: Vec<usize>,
    permutation: Option<Vec<usize>>,
}

impl Ragged {
    /// The column `column` of `rows`.
    pub(super) fn of(rows: &RecordBatch, column: &str) -> Result<Self> {
        let schema = rows.schema();
        let at = index_of(&schema, column)?;
        Self::of_array(column, schema.field(at), rows.column(at))
    }

    fn of_array(column: &str, field: &Field, array: &ArrayRef) -> Result<Self> {
        refuse_null_rows(column, array)?;
        match field.data_type() {
            DataType::List(item) => Self::of_lists(column, item, array.as_list::<i32>()),
            DataType::LargeList(item) => Self::of_lists(column, item, array.as_list::<i64>()),
            DataType::ListView(item) | DataType::LargeListView(item) => {
                let list = DataType::LargeList(Arc::clone(item));
                let array = cast(array, &list)?;
                Self::of_array(column, &Field::new(column, list, true), &array)
            }
            DataType::FixedSizeList(item, _) => {
                let list = array.as_fixed_size_list();
                let (shape, width, rows) = (shape_of(field), list.value_length() as usize, list.len());
                let values = list.values().slice(list.value_offset(0) as usize, rows * width);
                let starts: Vec<usize> = (0..=rows).map(|row| row * width).collect();
                let numbers = Numbers::in_rows(column, item, &values, Some(starts[1..].to_vec()))?;
                let inner: usize = shape_of(item).iter().product();
                Ok(Self {
                    column: column.to_owned(),
                    numbers,
                    starts: starts.into_iter().map(|start| start * inner).collect(),
                    rank: shape.len(),
                    of_none: shape.get(1..).unwrap_or_default().to_vec(),
                    shapes: shape.repeat(rows),
                    permutation: permutation_of(field),
                })
            }
            DataType::Struct(_) if field.extension_type_name() == Some(VariableShapeTensor::NAME) => {
                Self::of_tensors(column, field, array.as_struct())
            }
            other => Err(Error::schema(format!(
                "column \"{column}\" holds {other}, neither lists of numbers nor tensors"
            ))),
        }
    }

    fn of_lists<O: OffsetSizeTrait>(column: &str, item: &Field, list: &GenericListArray<O>) -> Result<Self> {
        let offsets: Vec<usize> = list.value_offsets().iter().map(|offset| offset.as_usize()).collect();
        let first = offsets[0];
        let starts: Vec<usize> = offsets.iter().map(|offset| offset - first).collect();
        let values = list.values().slice(first, starts[list.len()]);
        let numbers = Numbers::in_rows(column, item, &values, Some(starts[1..].to_vec()))?;
        let inner = shape_of(item);
        let of_row = |pair: &[usize]| {
            std::iter::once(pair[1] - pair[0])
                .chain(inner.iter().copied())
                .collect::<Vec<_>>()
        };
        let width: usize = inner.iter().product();
        Ok(Self {
            column: column.to_owned(),
            numbers,
            shapes: starts.windows(2).flat_map(of_row).collect(),
            starts: starts.iter().map(|start| start * width).collect(),
            rank: 1 + inner.len(),
            of_none: inner.clone(),
            permutation: None,
        })
    }

    /// Tensors with a shape each.
    fn of_tensors(column: &str, field: &Field, tensors: &StructArray) -> Result<Self> {
        let (Some(data), Some(shape)) = (tensors.column_by_name("data"), tensors.column_by_name("shape")) else {
            return Err(Error::schema(format!("column \"{column}\" has no data and shape")));
        };
        let (DataType::List(item), DataType::FixedSizeList(_, rank)) = (data.data_type(), shape.data_type()) else {
            return Err(Error::schema(format!(
                "column \"{column}\" has no lists as data and shape"
            )));
        };
        refuse_null_rows(column, data)?;
        let lists = Self::of_lists(column, item, data.as_list::<i32>())?;
        let extents = Numbers::of(&Field::new(column, shape.data_type().clone(), true), shape)?;
        let shapes = extents.values::<i32>()?;
        let (rank, count) = (*rank as usize, tensors.len());
        let (mut sizes, mut out) = (lists.starts.windows(2), Vec::with_capacity(shapes.len()));
        for row in 0..count {
            let shape = &shapes[row * rank..(row + 1) * rank];
            let have = sizes.next().map_or(0, |pair| pair[1] - pair[0]);
            let wanted = shape
                .iter()
                .try_fold(1_usize, |all, &size| all.checked_mul(size.try_into().ok()?));
            if wanted != Some(have) {
                let message =
                    format!("column \"{column}\": row {row} of the batch has {have} values and the shape {shape:?}");
                return Err(Error::data(message).at(row));
            }
            out.extend(shape.iter().map(|&size| size as usize));
        }
        Ok(Self {
            shapes: out,
            rank,
            of_none: uniform_shape_of(field, rank).get(1..).unwrap_or_default().to_vec(),
            permutation: permutation_of(field),
            ..lists
        })
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Dimensions of a row.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// The dimensions of row `row`.
    pub(super) fn shape(&self, row: usize) -> &[usize] {
        &self.shapes[row * self.rank..(row + 1) * self.rank]
    }

    fn length(&self, row: usize) -> usize {
        self.shape(row).first().copied().unwrap_or(1)
    }

    /// The dimensions that all rows have, behind the first.
    fn inner(&self) -> Result<Vec<usize>> {
        if self.len() == 0 {
            return Ok(self.of_none.clone());
        }
        let of = |row: usize| self.shape(row).get(1..).unwrap_or_default();
        match (1..self.len()).find(|&row| of(row) != of(0)) {
            None => Ok(of(0).to_vec()),
            Some(row) => Err(Error::data(format!(
                "column \"{}\": row {row} of the batch has the shape {:?}, row 0 {:?}; only the first dimension is padded, and `ragged` \
                 gives rows one by one",
                self.column,
                self.shape(row),
                self.shape(0)
            ))
            .at(row)),
        }
    }

    /// How long all rows become.
    fn width(&self, padding: &Padding) -> Result<usize> {
        let kept = |row: usize| padding.truncated(self.length(row));
        let Some(length) = padding.length else {
            let longest = (0..self.len()).map(kept).max().unwrap_or(0);
            return longest.checked_next_multiple_of(padding.multiple).ok_or_else(|| {
                let (column, multiple) = (&self.column, padding.multiple);
                Error::config(format!(
                    "column \"{column}\": a multiple of {multiple} does not fit into memory"
                ))
            });
        };
        match (0..self.len()).find(|&row| kept(row) > length) {
            None => Ok(length),
            Some(row) => Err(Error::data(format!(
                "column \"{}\": row {row} of the batch has {} values, and {length} is the fixed length: allow more, or cut it with \
                 `Padding::truncate`",
                self.column,
                self.length(row)
            ))
            .at(row)),
        }
    }

    /// All rows in a tensor of `shape`.
    fn padded<T: Number>(&self, padding: &Padding, shape: Vec<usize>) -> Result<TensorData> {
        let fill = T::real(padding.value).map_err(|why| {
            let (value, why) = (padding.value, why.text(T::NAME));
            Error::config(format!("column \"{}\": the padding {value} {why}", self.column))
        })?;
        let values = self.numbers.values::<T>()?;
        let inner: usize = shape[2..].iter().product();
        let width = shape[1] * inner;
        let mut out = vec![fill; room::<T>(&self.column, &shape)?];
        for row in 0..shape[0] {
            let kept = padding.truncated(self.length(row)) * inner;
            let first = row * width + if padding.left { width - kept } else { 0 };
            out[first..first + kept].copy_from_slice(&values[self.starts[row]..self.starts[row] + kept]);
        }
        Ok(TensorData::new(out, shape))
    }

    fn mask(&self, padding: &Padding, width: usize) -> Vec<bool> {
        let mut mask = vec![false; self.len() * width];
        for row in 0..self.len() {
            let kept = padding.truncated(self.length(row));
            let first = row * width + if padding.left { width - kept } else { 0 };
            mask[first..first + kept].fill(true);
        }
        mask
    }

    /// Each row by itself, over the same bytes where they are of this type already.
    fn rows<T: Number>(&self) -> Result<Vec<TensorData>> {
        let rows = (0..self.len()).map(|row| (self.starts[row]..self.starts[row + 1], self.shape(row).to_vec()));
        if let Some(bytes) = self.numbers.bytes::<T>() {
            return rows.map(|(range, shape)| shared::<T>(&bytes, range, shape)).collect();
        }
        let values = self.numbers.values::<T>()?;
        Ok(rows
            .map(|(range, shape)| TensorData::new(values[range].to_vec(), shape))
            .collect())
    }
}

pub(super) fn refuse_null_rows(column: &str, array: &ArrayRef) -> Result<()> {
    let Some(row) = array.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) else {
        return Ok(());
    };
    let (nulls, all) = (array.null_count(), array.len());
    let message = format!("column \"{column}\": row {row} of the batch is null, and {nulls} of {all} are");
    Err(Error::data(message).at(row))
}
