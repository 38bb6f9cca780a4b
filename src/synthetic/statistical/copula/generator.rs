use super::model::CopulaModel;
use super::spec::CopulaSpec;
use crate::dataset::{Dataset, Origin, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::matched_columns::MatchedColumns;
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use futures::future::BoxFuture;
use rayon::prelude::*;
use std::sync::Arc;

/// New rows of a table, or of features, by a Gaussian copula for each class (as in SDV's `GaussianCopulaSynthesizer`, but by class).
///
/// A row is a draw of correlated normal numbers, each of which becomes the value of its column with the same rank. So a number lies between the
/// least and the largest one of the class, whole ones stay whole, none has more decimals than all of the column have (up to 12, of `f32` 6), nulls are as frequent as in the class, and a category is one that the class has.
/// Every row of a class is a parent of each, so [`Provenance::places`] names none. A class needs two rows.
///
/// A row of `d` values takes `d * d / 2` multiplications: 0.8 million for 1,280 features.
#[derive(Debug)]
pub struct Copula {
    model: Arc<CopulaModel>,
    /// The class of the model that each class is.
    classes: Vec<Option<usize>>,
    columns: MatchedColumns,
    plan: Plan,
}

impl Copula {
    const NAME: &str = CopulaSpec::NAME;

    /// Fits a model to `rows`, training rows alone, and makes rows of it.
    ///
    /// # Errors
    ///
    /// As [`CopulaModel::fit`].
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: CopulaSpec) -> Result<Self> {
        let model = CopulaModel::fit(cx, Arc::clone(&rows), labels, spec.clone()).await?;
        let below = rows.describe();
        let copula = Self::new(model, &rows, labels)?;
        Ok(Self {
            plan: Plan::of(&spec)
                .random()
                .cost(costs::TABLE)
                .param("model", copula.model.fingerprint())
                .resident(copula.plan_bytes())
                .input(below),
            ..copula
        })
    }

    /// Makes rows of `model` that are mixed with `rows`, which have these `labels`. Classes are matched by name, columns by name and type.
    ///
    /// # Errors
    ///
    /// `Schema` for columns that are not those of the model; `Data` for a model that is damaged.
    pub fn new(model: CopulaModel, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Self> {
        model.check()?;
        let columns = MatchedColumns::of(rows, labels)?;
        let field = |column: &super::columns::ModelColumn| {
            let of = columns.fields().find(|field| *field.name() == column.name);
            match of {
                Some(field) if field.data_type().to_string() == column.data_type => Ok(Field::clone(field)),
                Some(field) => Err(Error::schema(format!(
                    "column \"{}\" is {}, but was {} when the copula was fitted",
                    column.name,
                    field.data_type(),
                    column.data_type
                ))),
                None => Err(Error::schema(format!(
                    "there is no column \"{}\", which the copula was fitted to",
                    column.name
                ))),
            }
        };
        let fields = model.columns.iter().map(field).collect::<Result<Vec<_>>>()?;
        columns.check(&Schema::new(fields), &[])?;
        let of = |name: &String| {
            let class = model.classes.iter().position(|class| class.name == *name)?;
            (!model.classes[class].marginals.is_empty()).then_some(class)
        };
        let classes = labels.names().iter().map(of).collect();
        let plan = Plan::new(Self::NAME)
            .random()
            .cost(costs::TABLE)
            .param("model", model.fingerprint());
        let copula = Self {
            model: Arc::new(model),
            classes,
            columns,
            plan,
        };
        Ok(Self {
            plan: copula.plan.clone().resident(copula.plan_bytes()),
            ..copula
        })
    }

    /// What was learnt.
    pub fn model(&self) -> &CopulaModel {
        &self.model
    }

    /// Bytes of the model in memory.
    fn plan_bytes(&self) -> u64 {
        self.model.classes.iter().map(super::model::ClassModel::bytes).sum()
    }
}

impl Generator for Copula {
    fn describe(&self) -> Plan {
        self.plan.clone()
    }

    fn supports(&self, class: u32) -> bool {
        self.classes.get(class as usize).copied().flatten().is_some()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let of = |sample: &SampleId| Some((*sample, self.classes.get(sample.class as usize).copied().flatten()?));
            let drafts: Option<Vec<(SampleId, usize)>> = samples.iter().map(of).collect();
            let drafts = drafts.ok_or_else(|| Error::config("copula: a row of a class that it cannot make"))?;
            let (model, columns, seed) = (Arc::clone(&self.model), self.columns.clone(), cx.seed());
            let samples = samples.to_vec();
            cx.compute(move || {
                let draw = |&(sample, class): &(SampleId, usize)| {
                    let stream = stream(&[u64::from(sample.class), sample.index]);
                    model.classes[class].draw(&mut Rng::new(seed, Self::NAME, stream))
                };
                let rows: Vec<Vec<f64>> = drafts.par_iter().map(draw).collect();
                columns.rows(&batch(&model, &columns, &rows)?, &samples)
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

/// The columns of the model from the variables of each row.
pub(super) fn batch(model: &CopulaModel, columns: &MatchedColumns, rows: &[Vec<f64>]) -> Result<RecordBatch> {
    let (mut fields, mut arrays, mut at) = (Vec::new(), Vec::<ArrayRef>::new(), 0);
    for column in &model.columns {
        let field = columns.fields().find(|field| *field.name() == column.name);
        let field = field.ok_or_else(|| Error::schema(format!("there is no column \"{}\"", column.name)))?;
        let width = column.width();
        let values = rows.iter().flat_map(|row| &row[at..at + width]).copied().collect();
        let nulls = column
            .null()
            .map(|null| rows.iter().map(|row| row[null] > 0.5).collect());
        let array = column.column(field, values, nulls)?;
        fields.push(Field::new(field.name(), array.data_type().clone(), true));
        arrays.push(array);
        at += width;
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
