//! The columns in which new rows are made: one tensor, or several columns of numbers.

use super::between::{between, column_moved, columns_between};
use super::neighbourhood::Neighbourhood;
use crate::columns::{index_of, into_list, tensor_values};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::synthetic::nearest::{Points, Search};
use crate::synthetic::parents::{Parents, ROWS_AT_A_TIME};
use crate::synthetic::table_columns::{is_category, is_number, to_numbers};
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};

/// Numbers beyond this have squares that f64 does not hold.
const LARGEST: f64 = 1e150;

/// Where new rows are made.
#[derive(Debug)]
pub(super) enum Space {
    /// A tensor of f32.
    Tensor { name: String, at: usize },
    /// Columns of numbers, by name and place.
    Columns(Vec<(String, usize)>),
}

/// What has been read for a [`Space`], once for all classes.
#[derive(Debug)]
pub(super) enum Loaded {
    /// Tensors are read class by class.
    Tensor,
    /// Each column, of all rows.
    Columns(Vec<Vec<f64>>),
}

impl Space {
    /// `columns`, or the tensor `column` where there are none.
    pub(super) fn new(schema: &Schema, label: &str, column: &str, columns: &[String]) -> Result<Self> {
        if columns.is_empty() {
            let at = index_of(schema, column).map_err(|error| without_tensor(schema, label, &error))?;
            let kind = schema.field(at).data_type();
            if kind.is_numeric() {
                return Err(Error::schema(format!(
                    "column \"{column}\" holds {kind}, and `column` names a tensor of f32: name columns of numbers in `columns`"
                )));
            }
            return Ok(Self::Tensor {
                name: column.to_owned(),
                at,
            });
        }
        if let Some(twice) = (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
            return Err(Error::config(format!("columns: \"{}\" is named twice", columns[twice])));
        }
        if columns.iter().any(|name| name == label) {
            return Err(Error::config(format!(
                "columns: \"{label}\" is the column of classes, which new rows have from their class"
            )));
        }
        let place = |name: &String| Ok((name.clone(), index_of(schema, name)?));
        Ok(Self::Columns(columns.iter().map(place).collect::<Result<_>>()?))
    }

    /// The most bytes that neighbours in this space take while they are looked up: of `queries` rows among `rows`, `k` of each.
    pub(super) fn search_bytes(&self, schema: &Schema, rows: u64, queries: u64, k: usize) -> u64 {
        match self {
            Self::Tensor { at, .. } => {
                let width = crate::columns::shape_of(schema.field(*at)).iter().product();
                let search = crate::synthetic::nearest::bytes(rows, width, size_of::<f32>(), queries, k);
                search + self.reading_bytes(schema, rows)
            }
            Self::Columns(columns) => {
                crate::synthetic::nearest::bytes(rows, columns.len(), size_of::<f64>(), queries, k)
            }
        }
    }

    /// The bytes of what is read at a time: some rows of a tensor, or a column as it is stored and as its numbers are cast.
    pub(super) fn reading_bytes(&self, schema: &Schema, rows: u64) -> u64 {
        match self {
            Self::Tensor { at, .. } => {
                let width: usize = crate::columns::shape_of(schema.field(*at)).iter().product();
                rows.min(ROWS_AT_A_TIME as u64) * (width * size_of::<f32>()) as u64
            }
            Self::Columns(_) => rows * 16,
        }
    }

    /// The bytes of what is [loaded](Self::load).
    pub(super) fn loaded_bytes(&self, rows: u64) -> u64 {
        match self {
            Self::Tensor { .. } => 0,
            Self::Columns(columns) => rows * (columns.len() * size_of::<f64>()) as u64,
        }
    }

    /// The bytes of what the deviations of a class of `rows` rows are measured of; none where that is [loaded](Self::load).
    pub(super) fn deviations_bytes(&self, schema: &Schema, rows: u64) -> Option<u64> {
        match self {
            Self::Tensor { at, .. } => {
                let width: usize = crate::columns::shape_of(schema.field(*at)).iter().product();
                Some(rows * (width * size_of::<f32>()) as u64)
            }
            Self::Columns(_) => None,
        }
    }

    /// Reads what is not read class by class.
    pub(super) async fn load(&self, cx: &Context, parents: &Parents) -> Result<Loaded> {
        let Self::Columns(names) = self else {
            return Ok(Loaded::Tensor);
        };
        let (schema, mut columns) = (parents.base.schema(), Vec::new());
        for (name, at) in names {
            let column = parents.base.column(cx, name).await?;
            let placed = |error: Error| match error.index() {
                Some(row) => parents.placed(cx, row as u64, error).unplaced(),
                None => error,
            };
            let numbers = to_numbers(schema.field(*at), &column).map_err(placed)?;
            if let Some(row) = numbers.iter().position(|number| number.abs() > LARGEST) {
                let error = Error::data(format!(
                    "column \"{name}\" holds {:e}, whose square is beyond f64: scale the column",
                    numbers[row]
                ));
                return Err(parents.placed(cx, row as u64, error));
            }
            columns.push(numbers);
        }
        Ok(Loaded::Columns(columns))
    }

    /// A search for neighbours among `rows`, whose numbers in it are their places in `rows`.
    pub(super) async fn search(
        &self,
        cx: &Context,
        parents: &Parents,
        loaded: &Loaded,
        rows: &[u64],
    ) -> Result<Neighbourhood> {
        match (self, loaded) {
            (Self::Columns(_), Loaded::Columns(columns)) => {
                let points = Points::new(gathered(columns, rows), columns.len());
                cx.compute(move || Ok(Neighbourhood::F64(Search::new(points)))).await
            }
            (Self::Tensor { name, at }, _) => {
                let (values, width) = tensors(cx, parents, name, *at, rows).await?;
                let points = Points::new(values, width);
                cx.compute(move || Ok(Neighbourhood::F32(Search::new(points)))).await
            }
            (Self::Columns(_), Loaded::Tensor) => Err(Error::config("columns were not loaded")),
        }
    }

    /// The population deviation of each number among `rows`.
    pub(super) async fn deviations(
        &self,
        cx: &Context,
        parents: &Parents,
        loaded: &Loaded,
        rows: &[u64],
    ) -> Result<Vec<f64>> {
        match (self, loaded) {
            (Self::Tensor { name, at }, _) => {
                let (values, width) = tensors(cx, parents, name, *at, rows).await?;
                let of =
                    |column: usize| deviation(values.iter().skip(column).step_by(width).map(|&value| value.into()));
                Ok((0..width).map(of).collect())
            }
            (Self::Columns(_), Loaded::Columns(columns)) => Ok(columns
                .iter()
                .map(|column| deviation(rows.iter().map(|&row| column[row as usize])))
                .collect()),
            (Self::Columns(_), Loaded::Tensor) => Err(Error::config("columns were not loaded")),
        }
    }

    /// `first` with numbers on the way to those of `second`, as far `along` (0 to 1) as each row says; they were taken at `pairs`.
    pub(super) fn between(
        &self,
        cx: &Context,
        parents: &Parents,
        [first, second]: &[RecordBatch; 2],
        pairs: &[[u64; 2]],
        along: &[f32],
    ) -> Result<RecordBatch> {
        match self {
            Self::Tensor { name, at } => {
                let (a, width) = floats(first, *at)?;
                let (b, _) = floats(second, *at)?;
                for (parent, values) in [a, b].into_iter().enumerate() {
                    check_finite(cx, parents, name, values, width, |row| pairs[row][parent])?;
                }
                let row = |(row, &t): (usize, &f32)| {
                    let at = row * width..(row + 1) * width;
                    let numbers = a[at.clone()].iter().zip(&b[at]);
                    numbers.map(move |(&a, &b)| between(a, b, t)).collect::<Vec<f32>>()
                };
                let values: Vec<f32> = along.iter().enumerate().flat_map(row).collect();
                let column = into_list(first.schema().field(*at), values)?;
                Parents::with_column(first, *at, column)
            }
            Self::Columns(columns) => self.replaced(first, columns, |_, field, at| {
                for (parent, rows) in [first, second].into_iter().enumerate() {
                    // Of the second parent the row is that of the draft, too, and its place another one.
                    to_numbers(field, rows.column(at)).map_err(|error| match error.index() {
                        Some(row) => parents.placed(cx, pairs[row][parent], error),
                        None => error,
                    })?;
                }
                columns_between(field, first.column(at), second.column(at), along)
            }),
        }
    }

    /// `rows`, taken at `positions`, with `by(row, number)` added to each number.
    pub(super) fn moved(
        &self,
        cx: &Context,
        parents: &Parents,
        rows: &RecordBatch,
        positions: &[u64],
        by: &[Vec<f64>],
    ) -> Result<RecordBatch> {
        match self {
            Self::Tensor { name, at } => {
                let (values, width) = floats(rows, *at)?;
                check_finite(cx, parents, name, values, width, |row| positions[row])?;
                let all = values.chunks(width.max(1)).zip(by);
                let most = f64::from(f32::MAX);
                let moved = all.flat_map(|(values, by)| {
                    let each = values.iter().zip(by);
                    each.map(|(&value, by)| (f64::from(value) + by).clamp(-most, most) as f32)
                });
                let column = into_list(rows.schema().field(*at), moved.collect::<Vec<f32>>())?;
                Parents::with_column(rows, *at, column)
            }
            Self::Columns(columns) => self.replaced(rows, columns, |number, field, at| {
                let by: Vec<f64> = by.iter().map(|by| by[number]).collect();
                column_moved(field, rows.column(at), &by).map_err(|error| match error.index() {
                    Some(row) => parents.placed(cx, positions[row], error),
                    None => error,
                })
            }),
        }
    }

    fn replaced(
        &self,
        rows: &RecordBatch,
        columns: &[(String, usize)],
        of: impl Fn(usize, &Field, usize) -> Result<ArrayRef>,
    ) -> Result<RecordBatch> {
        let (schema, mut all) = (rows.schema(), rows.columns().to_vec());
        for (number, &(_, at)) in columns.iter().enumerate() {
            all[at] = of(number, schema.field(at), at)?;
        }
        Ok(RecordBatch::try_new(schema, all)?)
    }
}

/// Says with `error`, that the tensor column is not there, what to name in its place.
fn without_tensor(schema: &Schema, label: &str, error: &Error) -> Error {
    let fields = schema.fields().iter();
    let others = || fields.clone().filter(|field| field.name() != label);
    let numbers = others().filter(|field| is_number(field.data_type()));
    let some: Vec<String> = numbers.take(2).map(|field| format!("{:?}", field.name())).collect();
    // Of numbers alone smote_nc has nothing to do.
    let or = match others().any(|field| is_category(field.data_type())) {
        true => ", or use smote_nc, which takes categories beside them",
        false => "",
    };
    let advice = match some.is_empty() {
        true => "name a tensor of f32 in `column`".to_owned(),
        false => format!(
            "name columns of numbers in `columns`, such as {}{or}",
            some.join(" and ")
        ),
    };
    Error::schema(format!("{error}: {advice}"))
}

/// The numbers of `rows`, one row after the other.
pub(super) fn gathered(columns: &[Vec<f64>], rows: &[u64]) -> Vec<f64> {
    let mut values = Vec::with_capacity(rows.len() * columns.len());
    for &row in rows {
        values.extend(columns.iter().map(|column| column[row as usize]));
    }
    values
}

/// The population deviation of `values`.
pub(super) fn deviation(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.clone().sum::<f64>() / n;
    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// The tensors of `rows`, one after the other, and the width of one.
pub(super) async fn tensors(
    cx: &Context,
    parents: &Parents,
    name: &str,
    at: usize,
    rows: &[u64],
) -> Result<(Vec<f32>, usize)> {
    let (mut all, mut width) = (Vec::new(), 0);
    for part in rows.chunks(ROWS_AT_A_TIME) {
        let batch = parents.base.take(cx, part).await?;
        let (values, of_row) = floats(&batch, at)?;
        check_finite(cx, parents, name, values, of_row, |row| part[row]).map_err(Error::unplaced)?;
        // All at once: what grows takes up to twice as much, and more while it moves.
        all.reserve_exact((rows.len() * of_row).saturating_sub(all.len()));
        all.extend_from_slice(values);
        width = of_row;
    }
    Ok((all, width))
}

/// The values of a tensor column and the width of a row.
pub(in crate::synthetic) fn floats(rows: &RecordBatch, at: usize) -> Result<(&[f32], usize)> {
    let name = rows.schema().field(at).name().clone();
    let (list, values, width) = tensor_values(rows.column(at))
        .ok_or_else(|| Error::schema(format!("column \"{name}\" is no tensor of f32 without nulls")))?;
    let first = list.value_offset(0) as usize;
    Ok((&values.values()[first..first + list.len() * width], width))
}

/// Refuses NaN and infinities; `position` says at which position of the training rows a row lies.
pub(in crate::synthetic) fn check_finite(
    cx: &Context,
    parents: &Parents,
    column: &str,
    values: &[f32],
    width: usize,
    position: impl Fn(usize) -> u64,
) -> Result<()> {
    let Some(bad) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let row = bad / width.max(1);
    let error = Error::data(format!("column \"{column}\" holds {}: leave the row out", values[bad])).at(row);
    Err(parents.placed(cx, position(row), error))
}
