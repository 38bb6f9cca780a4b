use crate::dataset::{Origin, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::source::{ColumnKind, Simulator, TableSpec};
use crate::spec::Spec;
use crate::synthetic::matched_columns::MatchedColumns;
use crate::synthetic::table_columns::is_number;
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use futures::future::BoxFuture;
use rayon::prelude::*;
use std::sync::Arc;

/// Rows of a table by rule, `{ table = { columns = { .. } } }`: columns that are drawn from distributions or follow from other columns.
///
/// The columns are those of the rows that they are mixed with, but for the label; parameters may differ from class to class. Numbers become the type
/// that the column has there, whole ones integers, and 0 and 1 of `bernoulli` booleans too.
#[derive(Debug)]
pub struct SimulatedRows {
    spec: TableSpec,
    simulator: Arc<Simulator>,
    columns: MatchedColumns,
    /// The simulator's columns, in its order and in the types that they have to have.
    schema: SchemaRef,
    classes: Vec<String>,
}

impl SimulatedRows {
    const NAME: &str = TableSpec::NAME;

    /// Rows by `spec` that are mixed with `rows`, which have these `labels`.
    ///
    /// # Errors
    ///
    /// `Config` for columns that make no sense, and for what a source has alone: `rows`, `classes`, `label`, `seed`; `Schema` for columns that are
    /// missing, too many, or of another kind.
    pub fn new(rows: &Arc<dyn Stable>, labels: &Arc<Labels>, spec: TableSpec) -> Result<Self> {
        spec.check()?;
        let of_source = TableSpec {
            columns: spec.columns.clone(),
            ..TableSpec::default()
        };
        if spec != of_source {
            return Err(Error::config(
                "table: rows, classes, label and seed are of a source: a generator makes rows for those that it is mixed with, under the seed of the run",
            ));
        }
        let simulator = Simulator::new(&spec.columns, labels.names())?;
        let columns = MatchedColumns::of(rows, labels)?;
        let field = |(name, kind, missing): (&str, ColumnKind, bool)| {
            let Some(field) = columns.fields().find(|field| field.name() == name) else {
                // Refused below, with all others that are too many.
                return Ok(Field::new(name, DataType::Null, missing));
            };
            if missing && !field.is_nullable() {
                return Err(Error::schema(format!(
                    "column \"{name}\": values are missing, which they are nowhere in the rows that it is mixed with"
                )));
            }
            match fits(kind, field.data_type()) {
                Ok(()) => Ok(Field::clone(field)),
                Err(what) => Err(Error::schema(format!(
                    "column \"{name}\" is {} in the rows that it is mixed with: {what}",
                    field.data_type()
                ))),
            }
        };
        let schema = Arc::new(Schema::new(simulator.columns().map(field).collect::<Result<Vec<_>>>()?));
        columns.check(&schema, &[])?;
        Ok(Self {
            spec,
            simulator: Arc::new(simulator),
            columns,
            schema,
            classes: labels.names().to_vec(),
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &TableSpec {
        &self.spec
    }
}

/// Whether a number is infinite.
fn overflows(array: &ArrayRef) -> bool {
    let numbers = match array.data_type().is_floating() {
        true => cast_with_options(array, &DataType::Float64, &CastOptions::default()).ok(),
        false => None,
    };
    numbers.is_some_and(|numbers| {
        let numbers = numbers.as_primitive::<Float64Type>();
        numbers.iter().flatten().any(f64::is_infinite)
    })
}

/// The number that is furthest from 0, if these are numbers.
fn largest(array: &ArrayRef) -> Option<f64> {
    let numbers = cast_with_options(array, &DataType::Float64, &CastOptions::default()).ok()?;
    let numbers = numbers.as_primitive_opt::<Float64Type>()?;
    let all = numbers.iter().flatten();
    all.max_by(|a, b| a.abs().total_cmp(&b.abs()))
}

/// Whether values of `kind` can be of type `to`; if not, what to do.
fn fits(kind: ColumnKind, to: &DataType) -> Result<(), &'static str> {
    let is_text = matches!(to, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        || matches!(to, DataType::Dictionary(_, of) if matches!(**of, DataType::Utf8 | DataType::LargeUtf8));
    match kind {
        ColumnKind::Text if is_text => Ok(()),
        ColumnKind::Text => Err("its values are no texts"),
        ColumnKind::Flag if *to == DataType::Boolean => Ok(()),
        ColumnKind::Number if to.is_integer() => Err("round its values with `whole = true`"),
        ColumnKind::Number | ColumnKind::Whole | ColumnKind::Flag if is_number(to) => Ok(()),
        _ => Err("its values are no numbers"),
    }
}

impl Generator for SimulatedRows {
    fn describe(&self) -> Plan {
        Plan::of(&self.spec)
            .random()
            .cost(costs::TABLE)
            // It reads no rows.
            .decoded(0)
            .param("of classes", format_args!("{:?}", self.classes))
    }

    fn supports(&self, class: u32) -> bool {
        (class as usize) < self.classes.len()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (simulator, columns, schema) = (
                Arc::clone(&self.simulator),
                self.columns.clone(),
                Arc::clone(&self.schema),
            );
            let (samples, seed) = (samples.to_vec(), cx.seed());
            cx.compute(move || {
                let row = |(at, sample): (usize, &SampleId)| {
                    let rng = |column| {
                        Rng::new(
                            seed,
                            Self::NAME,
                            stream(&[u64::from(sample.class), sample.index, column]),
                        )
                    };
                    let row = simulator.row(sample.class as usize, rng);
                    row.map_err(|error| error.context(Self::NAME).at(at))
                };
                let rows: Vec<Result<Vec<f64>>> = samples.par_iter().enumerate().map(row).collect();
                let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
                let strict = CastOptions {
                    safe: false,
                    ..CastOptions::default()
                };
                let cast = |(array, field): (ArrayRef, &Arc<Field>)| {
                    let cast = cast_with_options(&array, field.data_type(), &strict).ok();
                    // A number that is too large for a shorter one becomes infinite.
                    let cast = cast.filter(|cast| !overflows(cast));
                    cast.ok_or_else(|| {
                        let largest = largest(&array).map_or_else(String::new, |most| format!(" {most}"));
                        Error::data(format!(
                            "a value{largest} does not fit in {}: bound the column with `min` and `max`",
                            field.data_type()
                        ))
                        .context(format!("{}: column \"{}\"", Self::NAME, field.name()))
                    })
                };
                let arrays = simulator.arrays(&rows).into_iter().zip(schema.fields());
                let made = RecordBatch::try_new(Arc::clone(&schema), arrays.map(cast).collect::<Result<_>>()?)?;
                columns.rows(&made, &samples)
            })
            .await
        })
    }

    fn provenance(&self, _: &Context, sample: SampleId) -> Provenance {
        Provenance {
            class: Some(sample.class),
            origin: Origin::Synthetic,
            generator: Some(Self::NAME.into()),
            ..Provenance::default()
        }
    }
}
