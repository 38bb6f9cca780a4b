//! A copula fitted to training rows.

use super::super::correlation::{Symmetric, products_of, scores, squares};
use super::super::marginal::Marginal;
use super::columns::{Kind, ModelColumn};
use super::model::{ClassModel, CopulaModel};
use super::spec::CopulaSpec;
use crate::columns::tensor_values;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::matched_columns::quoted;
use crate::synthetic::parents::Parents;
use arrow::datatypes::Field;
use rayon::prelude::*;
use std::sync::Arc;

/// Variables of a row, at most: the correlations of one class then take 16 MiB.
const WIDEST: usize = 2048;

/// Bytes that correlations may have however little memory there is.
const FREE: u64 = 64 << 20;

/// The marginals of a class, and the sums of products of its scores.
type Sums = (Vec<Marginal>, Symmetric);

/// The columns that are read, and the rows of each class.
struct Fit<'a> {
    cx: &'a Context,
    parents: Parents,
    /// Rows of each class that are looked at.
    looked_at: Vec<Vec<u64>>,
    names: &'a [String],
}

impl CopulaModel {
    /// Fits a copula to each class of `rows`, training rows alone, whose classes are `labels`.
    ///
    /// A value has the normal score `quantile((rank - 0.5) / n)` of its rank in the class, equal ones their mean rank; categories stand in the order of
    /// how often they are in all classes. The correlations of a class are those of its scores and of [`prior_rows`](CopulaSpec::prior_rows)
    /// rows more with the correlations of all classes. Where a column has nulls, there is a further variable that says so, and a null has
    /// the score 0. Equal values and nulls weaken correlations; they are divided by the deviations that are left, as far as the result is possible.
    /// What goes with a category but not with its place in that order is learnt in part alone.
    ///
    /// # Errors
    ///
    /// `Schema` for columns that are neither numbers, categories nor tensors of f32, and where there is none but the label; `Data` for NaN and infinities; `Config` for rows of more than
    /// 2,048 values, and for categories that are no column; `Budget` where the correlations of all classes have no room in a quarter of the memory
    /// and take more than 64 MiB.
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: CopulaSpec) -> Result<Self> {
        spec.check()?;
        let parents = Parents::new(rows, labels)?;
        let looked_at = parents.pools.iter().map(|pool| some_of(pool, spec.most_rows)).collect();
        let fit = Fit {
            cx,
            parents,
            looked_at,
            names: labels.names(),
        };
        fit.model(labels.column(), &spec).await
    }
}

/// At most `most` of `pool`, evenly spread.
fn some_of(pool: &[u64], most: u64) -> Vec<u64> {
    let (count, kept) = (pool.len() as u128, (pool.len() as u64).min(most));
    (0..kept)
        .map(|at| pool[(u128::from(at) * count / u128::from(kept)) as usize])
        .collect()
}

impl Fit<'_> {
    async fn model(&self, label: &str, spec: &CopulaSpec) -> Result<CopulaModel> {
        let schema = self.parents.base.schema();
        let fields: Vec<&Arc<Field>> = schema.fields().iter().filter(|field| field.name() != label).collect();
        if fields.is_empty() {
            return Err(Error::schema("the label is the only column: there is nothing to learn"));
        }
        let is_field = |name: &&String| fields.iter().any(|field| field.name() == *name);
        if let Some(other) = spec.categories.iter().find(|name| !is_field(name)) {
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            let names = quoted(&names);
            return Err(Error::config(format!(
                "categories: there is no column \"{other}\"; there are {names}"
            )));
        }
        let mut columns: Vec<ModelColumn> = Vec::new();
        // Of each class the variables of the columns so far; those of a tensor are read class by class.
        let mut values: Vec<Vec<Option<Vec<f64>>>> = vec![Vec::new(); self.names.len()];
        for field in &fields {
            let column = match ModelColumn::tensor_width(field) {
                Some(width) => {
                    values
                        .iter_mut()
                        .for_each(|of_class| of_class.extend(vec![None; width]));
                    ModelColumn::tensor(field, width)
                }
                None => self.scalars(field, spec, &mut values).await?,
            };
            columns.push(column);
        }
        let width = columns.iter().map(ModelColumn::width).sum();
        let nulls = self.number_nulls(&mut columns, &values, width);
        self.check_size(width + nulls.len())?;
        let mut sums = Vec::new();
        for (class, of_class) in values.into_iter().enumerate() {
            sums.push(self.class(class, &columns, of_class, &nulls).await?);
        }
        let prior = spec.prior_rows.unwrap_or((width + nulls.len()) as f64);
        Ok(CopulaModel {
            columns,
            classes: self.classes(sums, prior),
        })
    }

    /// A column of one value a row, whose values are added to those of each class.
    async fn scalars(
        &self,
        field: &Field,
        spec: &CopulaSpec,
        values: &mut [Vec<Option<Vec<f64>>>],
    ) -> Result<ModelColumn> {
        let column = self.parents.base.column(self.cx, field.name()).await?;
        let read = ModelColumn::read(field, &column, spec.categories.contains(field.name()));
        let (model, all) = read.map_err(|error| self.placed(error))?;
        for (of_class, rows) in values.iter_mut().zip(&self.looked_at) {
            of_class.push(Some(rows.iter().map(|&row| all[row as usize]).collect()));
        }
        Ok(model)
    }

    /// With the place of the stored row.
    fn placed(&self, error: Error) -> Error {
        let place = error
            .index()
            .map(|row| self.parents.base.provenance(self.cx, row as u64).places);
        match place.as_deref() {
            Some([place, ..]) => error.unplaced().context(place.to_string()),
            _ => error,
        }
    }

    /// Gives each column of numbers that has nulls a variable for them, and returns which variables these say the nulls of.
    fn number_nulls(&self, columns: &mut [ModelColumn], values: &[Vec<Option<Vec<f64>>>], width: usize) -> Vec<usize> {
        let (mut nulls, mut at) = (Vec::new(), 0);
        for column in columns {
            let has = |of_class: &Vec<Option<Vec<f64>>>| {
                of_class[at]
                    .as_ref()
                    .is_some_and(|values| values.iter().any(|value| value.is_nan()))
            };
            if let Kind::Number { null, .. } = &mut column.kind
                && values.iter().any(has)
            {
                *null = Some(width + nulls.len());
                nulls.push(at);
            }
            at += column.width();
        }
        nulls
    }

    fn check_size(&self, width: usize) -> Result<()> {
        if width > WIDEST {
            return Err(Error::config(format!(
                "a row has {width} values, and a copula takes up to {WIDEST}: use fewer columns or narrower features"
            )));
        }
        let bytes = (self.names.len() * width * (width + 1) / 2 * size_of::<f64>()) as u64;
        match bytes > (self.cx.memory() / 4).max(FREE) {
            true => Err(Error::budget(format!(
                "the correlations of {} classes and {width} values a row take {bytes} bytes, more than a quarter of the memory: give more, or use \
                 fewer columns",
                self.names.len()
            ))),
            false => Ok(()),
        }
    }

    /// The marginals of a class and the sums of products of its scores; none for a class without two rows.
    async fn class(
        &self,
        class: usize,
        columns: &[ModelColumn],
        values: Vec<Option<Vec<f64>>>,
        nulls: &[usize],
    ) -> Result<Option<Sums>> {
        let rows = &self.looked_at[class];
        if rows.len() < 2 {
            return Ok(None);
        }
        let mut values = values;
        let mut at = 0;
        for column in columns {
            if let Kind::Tensor { width } = column.kind {
                let features = self.tensor(&column.name, width, rows).await?;
                values[at..at + width]
                    .iter_mut()
                    .zip(features)
                    .for_each(|(place, of)| *place = Some(of));
            }
            at += column.width();
        }
        let mut values: Vec<Vec<f64>> = values.into_iter().flatten().collect();
        for &of in nulls {
            let is_null = values[of].iter().map(|value| f64::from(u8::from(value.is_nan())));
            values.push(is_null.collect());
        }
        let kinds: Vec<Option<usize>> = columns
            .iter()
            .flat_map(|column| std::iter::repeat_n(column.categories(), column.width()))
            .chain(nulls.iter().map(|_| Some(2)))
            .collect();
        self.cx
            .compute(move || {
                let marginal = |(values, count): (&Vec<f64>, &Option<usize>)| match count {
                    Some(count) => Marginal::of_categories(values.iter().map(|&code| code as usize), *count),
                    None => Marginal::of_numbers(values),
                };
                let marginals = values.par_iter().zip(&kinds).map(marginal).collect();
                let scores: Vec<Vec<f64>> = values.par_iter().map(|values| scores(values)).collect();
                drop(values);
                let products = (0..scores.len()).into_par_iter().map(|row| products_of(&scores, row));
                let lower = products.collect::<Vec<_>>().concat();
                let size = scores.len();
                Ok(Some((marginals, Symmetric { size, lower })))
            })
            .await
    }

    /// The features of `rows`, one variable after the other.
    async fn tensor(&self, name: &str, width: usize, rows: &[u64]) -> Result<Vec<Vec<f64>>> {
        let taken = self.parents.base.take(self.cx, rows).await?;
        let column = &taken[name];
        let (list, values, _) = tensor_values(column)
            .ok_or_else(|| Error::schema(format!("column \"{name}\" is no tensor of f32 without nulls")))?;
        let first = list.value_offset(0) as usize;
        let values = &values.values()[first..first + rows.len() * width];
        if let Some(bad) = values.iter().position(|value| !value.is_finite()) {
            let message = format!("column \"{name}\" holds {}", values[bad]);
            return Err(self.placed(Error::data(message).at(rows[bad / width] as usize)));
        }
        let of = |at: usize| {
            values
                .iter()
                .skip(at)
                .step_by(width)
                .map(|&value| value.into())
                .collect()
        };
        Ok((0..width).map(of).collect())
    }

    fn classes(&self, sums: Vec<Option<Sums>>, prior: f64) -> Vec<ClassModel> {
        let size = sums.iter().flatten().map(|(_, sums)| sums.size).max().unwrap_or(0);
        let (mut pooled, mut all, mut whole) = (Symmetric::zero(size), 0, 0.0);
        for (sums, rows) in sums.iter().zip(&self.looked_at) {
            if let Some((_, sums)) = sums {
                pooled.add(sums, 1.0);
                all += rows.len();
                whole += squares(rows.len());
            }
        }
        let class = |(sums, name, rows): (Option<Sums>, &String, &Vec<u64>)| match sums {
            Some((marginals, mut sums)) => {
                let factor = prior / all as f64;
                sums.add(&pooled, factor);
                let correlations = sums.correlations(squares(rows.len()) + factor * whole);
                ClassModel::new(name, rows.len() as u64, marginals, correlations)
            }
            None => ClassModel::none(name, rows.len() as u64),
        };
        sums.into_iter()
            .zip(self.names)
            .zip(&self.looked_at)
            .map(|((sums, name), rows)| class((sums, name, rows)))
            .collect()
    }
}
