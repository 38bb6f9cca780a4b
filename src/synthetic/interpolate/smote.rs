use crate::columns::{index_of, into_list, tensor_values};
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId};
use arrow::array::{Array, RecordBatch};
use futures::future::BoxFuture;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Interpolation between a row and one of its nearest neighbours of the same class, in the space of a tensor column:
/// a frozen backbone's features, or plain numbers (SMOTE, Chawla et al. 2002).
///
/// `k = min(neighbours, n - 1)` for a class of `n` rows, by Euclidean distance between rows without augmentation; a
/// class of one row has no neighbour and gets no synthetic rows. Both parents are drawn in any of their views, and the
/// new row lies uniformly on the line between them. All other columns are those of the first parent.
#[derive(Debug)]
pub struct Smote {
    parents: Parents,
    spec: SmoteSpec,
    at: usize,
    /// For each class, for each of its rows, the `k` nearest as indices into the class's pool.
    nearest: Vec<Vec<u32>>,
}

/// The parameters of [`Smote`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmoteSpec {
    /// The tensor column in which rows are interpolated. Defaults to "features".
    pub column: String,
    /// Neighbours among which the second parent is drawn. Defaults to 5 (Chawla et al. 2002).
    pub k: usize,
    /// Rows of the largest class that is served. Defaults to no limit.
    pub largest: Option<u64>,
}

impl Default for SmoteSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            k: Smote::NEIGHBOURS,
            largest: None,
        }
    }
}

impl Spec for SmoteSpec {
    const NAME: &'static str = "smote";

    fn check(&self) -> Result<()> {
        match self.k {
            0 => Err(Error::config("k is 0, but a row needs at least 1 neighbour")),
            _ => Ok(()),
        }
    }
}

impl Smote {
    /// Neighbours, where nothing else is said (Chawla et al. 2002).
    pub const NEIGHBOURS: usize = 5;
    const NAME: &str = SmoteSpec::NAME;

    /// Finds the neighbours among `rows` (training rows only), for the classes of at most `largest` rows: larger ones
    /// lack nothing, and the search takes time in proportion to the square of a class.
    ///
    /// # Errors
    ///
    /// `Schema` where `column` is no tensor of f32; `Data` where it holds a NaN or an infinity. Of other views than the
    /// first, which are not read here, that is an error of the row that would be made from it.
    pub async fn fit(
        cx: &Context,
        rows: Arc<dyn Stable>,
        labels: &Arc<Labels>,
        column: &str,
        k: usize,
        largest: u64,
    ) -> Result<Self> {
        let at = index_of(&rows.schema(), column)?;
        let parents = Parents::new(rows, labels)?;
        let mut nearest = Vec::new();
        for pool in &parents.pools {
            let alone = pool.len() < 2 || pool.len() as u64 > largest;
            nearest.push(if alone {
                Vec::new()
            } else {
                neighbours(cx, &parents, pool, at, k).await?
            });
        }
        Ok(Self {
            parents,
            spec: SmoteSpec {
                column: column.to_owned(),
                k,
                largest: (largest < u64::MAX).then_some(largest),
            },
            at,
            nearest,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &SmoteSpec {
        &self.spec
    }

    fn k_of(&self, class: u32) -> usize {
        self.spec.k.min(self.parents.of(class).len().saturating_sub(1))
    }

    /// Positions of the two parents, and how far along the line from the first the row lies.
    pub(crate) fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let pool = self.parents.of(sample.class);
        let k = self.k_of(sample.class);
        let first = rng.below(pool.len() as u64) as usize;
        let second = self.nearest[sample.class as usize][first * k + rng.below(k as u64) as usize] as usize;
        let rows = self.parents.base.labels().len();
        let mut view = || rng.below(self.parents.base.views()) * rows;
        let pair = [view() + pool[first], view() + pool[second]];
        (pair, rng.unit())
    }
}

impl Generator for Smote {
    fn describe(&self) -> Plan {
        Plan::of(&self.spec).random().input(self.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.nearest
            .get(class as usize)
            .is_some_and(|nearest| !nearest.is_empty())
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (pairs, along): (Vec<_>, Vec<_>) = samples.iter().map(|&sample| self.draw(cx, sample)).unzip();
            let [first, second] = self.parents.take(cx, &pairs).await?;
            let (a, width) = floats(&first, self.at)?;
            let (b, _) = floats(&second, self.at)?;
            for (parent, values) in [a, b].into_iter().enumerate() {
                check_finite(cx, &self.parents, &self.spec.column, values, |value| {
                    let row = value / width.max(1);
                    (row, pairs[row][parent])
                })?;
            }
            let blend = |(row, t): (usize, &f32)| {
                let at = row * width..(row + 1) * width;
                a[at.clone()]
                    .iter()
                    .zip(&b[at])
                    .map(|(&a, &b)| between(a, b, *t))
                    .collect::<Vec<f32>>()
            };
            let values: Vec<f32> = along.iter().enumerate().flat_map(blend).collect();
            let column = into_list(first.schema().field(self.at), values)?;
            Parents::with_column(&first, self.at, column)
        })
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        self.parents
            .provenance(cx, sample, &self.draw(cx, sample).0, Self::NAME)
    }
}

/// The number at `t` (0 to 1) on the way from `a` to `b`.
fn between(a: f32, b: f32, t: f32) -> f32 {
    let whole = b - a;
    // Two numbers near both ends of f32 are further apart than it reaches.
    if whole.is_finite() {
        a + whole * t
    } else {
        a * (1.0 - t) + b * t
    }
}

/// The square of the distance between two rows, which may be beyond f32.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b);
    let near = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    if near.is_finite() {
        return near.into();
    }
    pairs().map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
}

/// The values of a tensor column and the width of a row.
fn floats(rows: &RecordBatch, at: usize) -> Result<(&[f32], usize)> {
    let name = rows.schema().field(at).name().clone();
    let (list, values, width) = tensor_values(rows.column(at))
        .ok_or_else(|| Error::schema(format!("column \"{name}\" is no tensor of f32 without nulls")))?;
    let first = list.value_offset(0) as usize;
    Ok((&values.values()[first..first + list.len() * width], width))
}

/// Refuses NaN and infinities; `place` says of which row a value is, and at which position of the training rows it lies.
fn check_finite(
    cx: &Context,
    parents: &Parents,
    column: &str,
    values: &[f32],
    place: impl Fn(usize) -> (usize, u64),
) -> Result<()> {
    let Some(bad) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let (row, position) = place(bad);
    let stored = parents.base.provenance(cx, position).places.into_iter().next();
    let stored = stored.map_or_else(String::new, |stored| format!("{stored}: "));
    Err(Error::data(format!("{stored}column \"{column}\" holds {}", values[bad])).at(row))
}

async fn neighbours(cx: &Context, parents: &Parents, pool: &[u64], at: usize, k: usize) -> Result<Vec<u32>> {
    let rows = parents.base.take(cx, pool).await?;
    let name = rows.schema().field(at).name().clone();
    let (values, width) = floats(&rows, at)?;
    let place = |value| (value / width.max(1), pool[value / width.max(1)]);
    check_finite(cx, parents, &name, values, place).map_err(Error::unplaced)?;
    let (values, n) = (values.to_vec(), pool.len());
    cx.compute(move || {
        let row = |i: usize| &values[i * width..(i + 1) * width];
        let of = |i: usize| {
            let others = (0..n).filter(|&j| j != i);
            let mut others: Vec<_> = others.map(|j| (distance(row(i), row(j)), j as u32)).collect();
            others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            others.truncate(k.min(n - 1));
            others.into_iter().map(|(_, j)| j).collect::<Vec<_>>()
        };
        Ok((0..n).into_par_iter().map(of).collect::<Vec<_>>().concat())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_between_two_is_beyond_them() {
        for (a, b) in [
            (f32::MAX, f32::MIN),
            (f32::MIN, f32::MAX),
            (3e38, -1e38),
            (1.0, 2.0),
            (-5e-39, 5e-39),
        ] {
            for t in [0.0, 1e-9, 0.25, 0.5, 0.75, 0.999_999_94] {
                let found = between(a, b, t);
                assert!((a.min(b)..=a.max(b)).contains(&found), "{a} {b} {t}: {found}");
                let exact = f64::from(a) + (f64::from(b) - f64::from(a)) * f64::from(t);
                let unit = f64::from(a.abs().max(b.abs()));
                assert!((f64::from(found) - exact).abs() <= 1e-6 * unit, "{a} {b} {t}: {found}");
            }
        }
    }

    #[test]
    fn neighbours_beyond_the_squares_of_f32_are_told_apart() {
        let far = [0.0, 1e30, 3e30, f32::MAX].map(|value| distance(&[value, 0.0], &[0.0, 0.0]));
        assert!(far.windows(2).all(|pair| pair[0] < pair[1]), "{far:?}");
        assert!(far.iter().all(|far| far.is_finite()));
        assert_eq!(distance(&[3.0, 0.0], &[0.0, 4.0]), 25.0);
    }
}
