use super::spec::GateSpec;
use crate::columns::{index_of, tensor_values};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::quoted;
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::quality::{Matrix, closest, nearest_others, scan, squared_radii};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde::Serialize;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Which rows pass, as training rows say: neither copies nor far from all of their class.
///
/// Values of columns of numbers are compared in units of their standard deviation; those of a tensor column as they are.
#[derive(Clone, Debug)]
pub struct Gate {
    spec: GateSpec,
    scale: Option<(Vec<f64>, Vec<f64>)>,
    pub(super) training: Matrix,
    /// For each class its rows, and the squared radii of their balls.
    pub(super) classes: Vec<(Matrix, Vec<f64>)>,
    /// The distance that is too near.
    too_near: f64,
    /// The least and the largest value of each column that pass.
    range: Option<Vec<[f32; 2]>>,
    /// A hash of the training rows and their classes.
    pub(super) content: String,
}

/// Why a row does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is a copy of a training row, or nearly.
    TooNear,
    /// It lies in the ball of no training row of its class.
    OutsideManifold,
    /// A value lies outside of the range of the training rows.
    OutOfRange,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TooNear, Self::OutsideManifold, Self::OutOfRange];

    /// The reason in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::TooNear => "too near to a training row",
            Self::OutsideManifold => "far from all training rows of the class",
            Self::OutOfRange => "out of the range of training rows",
        }
    }
}

impl Gate {
    /// The gate of `rows`, which are training rows alone, and their `labels`. Reads the columns that rows are compared by, which stay in memory.
    ///
    /// # Errors
    ///
    /// `Schema` for a column that is missing or holds something else; `Data` for a null or a number that is not finite; `Config` for
    /// parameters out of range.
    pub async fn fit(cx: &Context, rows: &impl Stable, labels: &Labels, spec: GateSpec) -> Result<Self> {
        Spec::check(&spec).map_err(|error| error.context(GateSpec::NAME))?;
        let mut columns = Vec::new();
        for name in &spec.columns {
            index_of(&rows.schema(), name)?;
            columns.push(rows.column(cx, name).await?);
        }
        let raw = matrix(&spec.columns, &columns)?;
        let (of, classes) = (labels.iter().collect::<Vec<u32>>(), labels.names().len());
        cx.compute(move || Ok(Self::of(raw, &of, classes, spec))).await
    }

    fn of(raw: Matrix, of: &[u32], classes: usize, spec: GateSpec) -> Self {
        let scale = (raw.width() == spec.columns.len()).then(|| (raw.means(), raw.deviations()));
        let training = match &scale {
            Some((means, deviations)) => raw.standardised(means, deviations),
            None => raw,
        };
        let class = |class: usize| {
            let own: Vec<usize> = (0..of.len()).filter(|&row| of[row] as usize == class).collect();
            let rows = training.select(&own);
            let radii = squared_radii(&rows, spec.manifold);
            (rows, radii)
        };
        let mut apart: Vec<f64> = match spec.least_distance > 0.0 {
            true => nearest_others(&training, 1)
                .iter()
                .filter_map(|near| Some(near.first()?.distance))
                .collect(),
            false => Vec::new(),
        };
        apart.retain(|&distance| distance > 0.0);
        apart.sort_by(f64::total_cmp);
        let range = spec.range.map(|share| ranges(&training, share));
        let mut content = Xxh3::new();
        content.update(bytemuck::cast_slice(training.values()));
        content.update(bytemuck::cast_slice(of));
        Self {
            content: format!("{:032x}", content.digest128()),
            classes: (0..classes).map(class).collect(),
            too_near: spec.least_distance * apart.get(apart.len() / 2).copied().unwrap_or(0.0),
            scale,
            training,
            range,
            spec,
        }
    }

    /// Its parameters.
    pub fn spec(&self) -> &GateSpec {
        &self.spec
    }

    /// The values that rows are compared by.
    pub(super) fn values(&self, rows: &RecordBatch) -> Result<Matrix> {
        let columns = self
            .spec
            .columns
            .iter()
            .map(|name| Ok(Arc::clone(rows.column(index_of(&rows.schema(), name)?))));
        let raw = matrix(&self.spec.columns, &columns.collect::<Result<Vec<_>>>()?)?;
        if raw.width() != self.training.width() {
            let (own, other) = (self.training.width(), raw.width());
            return Err(Error::schema(format!(
                "the gate was fitted on rows of {own} values, and these have {other}"
            )));
        }
        Ok(match &self.scale {
            Some((means, deviations)) => raw.standardised(means, deviations),
            None => raw,
        })
    }

    /// Whether each of `rows`, of the classes `classes`, passes, and if not, why; of several reasons the first.
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or holds something else; `Data` for a null or a number that is not finite.
    pub fn judge(&self, rows: &RecordBatch, classes: &[u32]) -> Result<Vec<Option<Refusal>>> {
        let values = self.values(rows)?;
        let mut found = vec![None; values.rows()];
        if let Some(range) = &self.range {
            let outside = |row: &[f32]| {
                row.iter()
                    .zip(range)
                    .any(|(value, [low, high])| value < low || value > high)
            };
            let out = values.iter().map(outside);
            found
                .iter_mut()
                .zip(out)
                .filter(|(_, out)| *out)
                .for_each(|(found, _)| *found = Some(Refusal::OutOfRange));
        }
        if self.spec.manifold > 0 {
            for (class, (own, radii)) in self.classes.iter().enumerate() {
                let of: Vec<usize> = (0..found.len())
                    .filter(|&row| classes.get(row) == Some(&(class as u32)))
                    .collect();
                if of.is_empty() || own.rows() == 0 {
                    continue;
                }
                let inside = scan(
                    &values.select(&of),
                    own,
                    |_| false,
                    |inside, _, row, square| *inside |= square <= radii[row],
                );
                let out = of.into_iter().zip(inside).filter(|(_, inside)| !inside);
                out.for_each(|(row, _)| found[row] = Some(Refusal::OutsideManifold));
            }
        }
        if self.too_near > 0.0 {
            let near = closest(&values, &self.training)?
                .into_iter()
                .map(|distance| distance < self.too_near);
            found
                .iter_mut()
                .zip(near)
                .filter(|(_, near)| *near)
                .for_each(|(found, _)| *found = Some(Refusal::TooNear));
        }
        Ok(found)
    }
}

/// The least and the largest value of each column, wider by `share` of what lies between, and by as much as `f32` can tell.
fn ranges(rows: &Matrix, share: f64) -> Vec<[f32; 2]> {
    let mut ends = vec![[f32::INFINITY, f32::NEG_INFINITY]; rows.width()];
    for row in rows.iter() {
        for ([low, high], &value) in ends.iter_mut().zip(row) {
            (*low, *high) = (low.min(value), high.max(value));
        }
    }
    let wider = |[low, high]: [f32; 2]| {
        let room = ((f64::from(high) - f64::from(low)) * (share + 1e-6)) as f32;
        [low - room, high + room]
    };
    ends.into_iter().map(wider).collect()
}

/// One tensor column, or columns of numbers, as rows.
fn matrix(names: &[String], columns: &[ArrayRef]) -> Result<Matrix> {
    if let [column] = columns
        && let Some((list, values, width)) = tensor_values(column)
    {
        let first = list.value_offset(0) as usize;
        return Matrix::new(values.values()[first..first + list.len() * width].to_vec(), width);
    }
    let rows = columns.first().map_or(0, |column| column.len());
    let mut values = vec![0.0; rows * columns.len()];
    for (at, (name, column)) in names.iter().zip(columns).enumerate() {
        let is_number = column.data_type().is_numeric();
        let numbers = cast(column, &DataType::Float64)
            .ok()
            .filter(|_| is_number)
            .ok_or_else(|| {
                Error::schema(format!(
                    "column {} holds {}: a gate compares rows by one tensor column of f32, or by columns of numbers",
                    quoted(name),
                    column.data_type()
                ))
            })?;
        for (row, number) in numbers.as_primitive::<Float64Type>().iter().enumerate() {
            let number = number.ok_or_else(|| {
                Error::data(format!("column {} is null, which cannot be compared", quoted(name))).at(row)
            })?;
            values[row * columns.len() + at] = number as f32;
        }
    }
    Matrix::new(values, columns.len())
}
