//! What rows are compared by: a tensor, columns of numbers and categories, or what a network makes of them.

use super::memory::{check, columns_bytes, matrix_bytes};
use super::spec::GateSpec;
use crate::columns::{index_of, shape_of, tensor_values};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::quote::quoted;
use crate::synthetic::quality::{Column, Encoding, Matrix, Table};
use crate::synthetic::table_columns::{Categories, is_category, is_number};
use crate::synthetic::told_apart::refuse_beyond;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Training rows that are made features of at a time.
const ROWS: u64 = 256;
/// Made rows that are made features of at a time.
const MADE: usize = 64;

/// Features by which rows are compared that have no numbers of their own, such as encoded pictures.
///
/// A row's features depend on the row alone.
pub trait RowFeatures: fmt::Debug + Send + Sync + 'static {
    /// What makes them, with all that decides what comes out: it is part of the plan of whatever is behind a gate.
    fn describe(&self) -> Plan;

    /// The features of `rows`, row by row, all of one width.
    ///
    /// # Errors
    ///
    /// `Schema` where the rows lack the column that they are made of; `Data` for a row that cannot be read.
    fn features<'a>(&'a self, cx: &'a Context, rows: &'a RecordBatch) -> BoxFuture<'a, Result<Matrix>>;
}

/// How rows become what they are compared by.
#[derive(Clone, Debug)]
pub(super) enum Compared {
    /// The values of one tensor column, as they are.
    Tensor { name: String },
    /// Columns of numbers, in units of their standard deviation, and of categories, of which two are 1 apart.
    Table { columns: Vec<Named>, encoding: Encoding },
    /// What something else makes of them.
    Features(Arc<dyn RowFeatures>),
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct Named {
    name: String,
    /// The categories of the training rows, if it has such.
    categories: Option<Categories>,
    /// Whether training rows lack numbers.
    lacks: bool,
}

impl Compared {
    /// By the columns of `spec`, and what the training `rows` are in that.
    pub(super) async fn fit(cx: &Context, rows: &impl Stable, spec: &GateSpec) -> Result<(Self, Matrix)> {
        let (schema, all) = (rows.schema(), count(rows));
        let field = |name: &String| Ok(schema.field(index_of(&schema, name)?).clone());
        let fields: Vec<Field> = spec.columns.iter().map(field).collect::<Result<_>>()?;
        if let [field] = &*fields
            && matches!(field.data_type(), DataType::FixedSizeList(..))
        {
            let (name, width) = (field.name().clone(), shape_of(field).iter().product());
            check(cx, all, width, matrix_bytes(all, width))?;
            let column = rows.column(cx, &name).await?;
            let values = of_tensor(&column).unwrap_or_else(|| Err(not_compared(&name, column.data_type())))?;
            return Ok((Self::Tensor { name }, values));
        }
        // Each column is a value of a row or more.
        let read = columns_bytes(all, fields.len());
        check(cx, all, fields.len(), read)?;
        let (mut named, mut found) = (Vec::new(), Vec::new());
        for field in &fields {
            let name = field.name().clone();
            let column = &rows.column(cx, &name).await?;
            let (categories, values) = match is_category(column.data_type()) {
                true => {
                    let (categories, codes) = Categories::of(field, column)?;
                    (Some(categories), Column::Categories(codes))
                }
                false => (None, Column::Numbers(numbers(field, column)?)),
            };
            let lacks = categories.is_none() && column.null_count() > 0;
            named.push(Named {
                name: name.clone(),
                categories,
                lacks,
            });
            found.push((name, values));
        }
        let table = Table::new(found)?;
        // A category that no training row has is as far from all others as they are from each other.
        let unknown = named.iter().map(|column| {
            let values = match &column.categories {
                Some(known) => Column::Categories(vec![known.len() as u32]),
                None => Column::Numbers(vec![0.0]),
            };
            (column.name.clone(), values)
        });
        let encoding = Encoding::fit(&table, &[&Table::new(unknown)?])?;
        check(cx, all, encoding.width(), read)?;
        let values = encoding.rows(&table)?;
        Ok((
            Self::Table {
                columns: named,
                encoding,
            },
            values,
        ))
    }

    /// By what `features` makes of rows, and what the training `rows` are in that; `progress` is told the rows that are done.
    pub(super) async fn fit_features<F: FnMut(u64)>(
        cx: &Context,
        rows: &impl Stable,
        features: Arc<dyn RowFeatures>,
        progress: &mut F,
    ) -> Result<(Self, Matrix)> {
        let all = count(rows);
        let mut found: Option<Matrix> = None;
        for from in (0..all).step_by(ROWS as usize) {
            let positions: Vec<u64> = (from..all.min(from + ROWS)).collect();
            let taken = rows.take(cx, &positions).await?;
            let made = made(cx, &*features, &taken).await.map_err(|error| {
                let place = error.index().and_then(|row| positions.get(row));
                let place = place.and_then(|&row| rows.provenance(cx, row).places.into_iter().next());
                match place {
                    Some(place) => error.context(place.to_string()).unplaced(),
                    None => error,
                }
            })?;
            match &mut found {
                Some(before) => before.extend(&made)?,
                None => {
                    check(cx, all, made.width(), 0)?;
                    found = Some(made.with_room(all as usize));
                }
            }
            progress(positions.len() as u64 + from);
        }
        let found = found.ok_or_else(|| Error::data("there are no training rows to compare with"))?;
        Ok((Self::Features(features), found))
    }

    /// What `rows` are in that.
    pub(super) async fn values(&self, cx: &Context, rows: &RecordBatch) -> Result<Matrix> {
        let column = |name: &str| -> Result<ArrayRef> { Ok(Arc::clone(rows.column(index_of(&rows.schema(), name)?))) };
        match self {
            Self::Tensor { name } => {
                let column = column(name)?;
                of_tensor(&column).unwrap_or_else(|| Err(not_compared(name, column.data_type())))
            }
            Self::Table { columns, encoding } => {
                let mut found = Vec::new();
                for known in columns {
                    found.push((known.name.clone(), known.values(rows, &column(&known.name)?)?));
                }
                encoding.rows(&Table::new(found)?)
            }
            Self::Features(features) => made(cx, &**features, rows).await,
        }
    }

    /// As [`values`](Self::values), of some rows at a time where something makes features of them, which takes long; `told` is told of how many they are known.
    pub(super) async fn values_told<F: FnMut(u64)>(
        &self,
        cx: &Context,
        rows: &RecordBatch,
        told: &mut F,
    ) -> Result<Matrix> {
        let (all, mut found) = (rows.num_rows(), None::<Matrix>);
        let at_once = match self {
            Self::Features(_) => MADE,
            Self::Tensor { .. } | Self::Table { .. } => all,
        };
        let mut from = 0;
        // At least once, so that no rows have no values.
        while from < all || found.is_none() {
            let some = rows.slice(from, at_once.min(all - from));
            let values = self.values(cx, &some).await.map_err(|error| match error.index() {
                Some(row) => error.at(from + row),
                None => error,
            })?;
            found = Some(match found {
                Some(before) => before.concat(&values)?,
                None => values,
            });
            from += some.num_rows();
            told(from as u64);
        }
        found.ok_or_else(|| Error::stage("rows have no values to compare them by"))
    }

    /// What makes features, if something does.
    pub(super) fn features(&self) -> Option<Plan> {
        match self {
            Self::Features(features) => Some(features.describe()),
            Self::Tensor { .. } | Self::Table { .. } => None,
        }
    }
}

/// Rows without their views.
fn count(rows: &impl Stable) -> u64 {
    rows.len().finite().unwrap_or(0) / rows.views().max(1)
}

impl Named {
    fn values(&self, rows: &RecordBatch, column: &ArrayRef) -> Result<Column> {
        let schema = rows.schema();
        let field = schema.field(index_of(&schema, &self.name)?);
        if let Some(categories) = &self.categories {
            return Ok(Column::Categories(categories.codes(field, column)?));
        }
        if !self.lacks
            && let Some(row) = column.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid))
        {
            return Err(Error::data(format!(
                "column {} is null, which no training row is",
                quoted(&self.name)
            ))
            .at(row));
        }
        Ok(Column::Numbers(numbers(field, column)?))
    }
}

async fn made(cx: &Context, features: &dyn RowFeatures, rows: &RecordBatch) -> Result<Matrix> {
    let made = features.features(cx, rows).await?;
    match made.rows() == rows.num_rows() {
        true => Ok(made),
        false => Err(Error::stage(format!(
            "{} gave features of {} rows for {}: it has to give those of each row",
            features.describe().name(),
            made.rows(),
            rows.num_rows()
        ))),
    }
}

fn of_tensor(column: &ArrayRef) -> Option<Result<Matrix>> {
    let (list, values, width) = tensor_values(column)?;
    let first = list.value_offset(0) as usize;
    Some(Matrix::new(
        values.values()[first..first + list.len() * width].to_vec(),
        width,
    ))
}

/// The numbers of a column; NaN where it is null.
///
/// # Errors
///
/// `Schema` for another type, and `Data` at the row of the first one that is not finite, or a whole number beyond 2^53: such numbers that are near to each other
/// would be copies.
fn numbers(field: &Field, column: &ArrayRef) -> Result<Vec<f64>> {
    if !is_number(column.data_type()) {
        return Err(not_compared(field.name(), column.data_type()));
    }
    let numbers = cast(column, &DataType::Float64)?;
    let numbers = numbers.as_primitive::<Float64Type>();
    refuse_beyond(field.name(), column, numbers)?;
    let bad = numbers
        .iter()
        .position(|number| number.is_some_and(|number| !number.is_finite()));
    match bad {
        Some(row) => {
            let name = quoted(field.name());
            Err(Error::data(format!("column {name} holds {}", numbers.value(row))).at(row))
        }
        None => Ok(numbers.iter().map(|number| number.unwrap_or(f64::NAN)).collect()),
    }
}

fn not_compared(name: &str, holds: &DataType) -> Error {
    Error::schema(format!(
        "column {} holds {holds}: a gate compares rows by one tensor column of f32, by columns of numbers and categories, or by features that something makes of \
         them (`Gate::fit_features`)",
        quoted(name),
    ))
}
