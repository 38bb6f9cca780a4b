use super::class_means::ClassMeans;
use crate::columns::into_list;
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::interpolate::{check_finite, floats};
use crate::synthetic::kept::Kept;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows of small classes, each moved by the residual of a row of a large class: by what that row differs from the mean of its class, times
/// [`strength`](ResidualsSpec::strength). So the rows of a small class vary as those of the large classes around it do.
///
/// The large class is drawn among the [`neighbours`](ResidualsSpec::neighbours) whose means are nearest to that of the small class; the row in it is drawn evenly. A
/// class of one row is served, too. Large classes themselves are not: they lack nothing. All other columns are those of the row of the small class. Provenance
/// names both rows.
///
/// # Memory
///
/// The mean of each class, 8 bytes a number, and 8 bytes for each row, charged to the budget and in the plan.
#[derive(Debug)]
pub struct Residuals {
    means: ClassMeans,
    spec: ResidualsSpec,
    /// For each class the large classes that it takes residuals of; none for a large one.
    from: Vec<Vec<u32>>,
    kept: Kept,
}

/// The parameters of [`Residuals`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualsSpec {
    /// The tensor column. Defaults to "features".
    pub column: String,
    /// What residuals are multiplied with, above 0. Defaults to 0.5.
    pub strength: f64,
    /// Large classes whose residuals a class takes, the nearest by their means. Defaults to 2.
    pub neighbours: usize,
    /// Rows from which on a class is large. Defaults to the mean number of rows of a class.
    pub large: Option<u64>,
}

impl Default for ResidualsSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            strength: 0.5,
            neighbours: 2,
            large: None,
        }
    }
}

impl Spec for ResidualsSpec {
    const NAME: &'static str = "residuals";

    fn check(&self) -> Result<()> {
        if !(self.strength > 0.0 && self.strength.is_finite()) {
            return Err(Error::config(format!(
                "strength is {}, but has to be a number above 0",
                self.strength
            )));
        }
        check_neighbours(self.neighbours)
    }
}

/// Refuses no large classes.
pub(super) fn check_neighbours(neighbours: usize) -> Result<()> {
    match neighbours {
        0 => Err(Error::config(
            "neighbours is 0, but a class needs at least 1 large class",
        )),
        _ => Ok(()),
    }
}

impl Residuals {
    const NAME: &str = ResidualsSpec::NAME;

    /// Measures the means of the classes of `rows` (training rows only), which are read once, in order.
    ///
    /// # Errors
    ///
    /// `Config` for parameters out of range; `Schema` where the column is no tensor of f32; `Data` where it holds a NaN or an infinity. Of other
    /// views than the first, which are not read here, that is an error of the row that would be made from it.
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: ResidualsSpec) -> Result<Self> {
        Spec::check(&spec)?;
        let means = ClassMeans::measure(cx, rows, labels, &spec.column, (Some(1.0), 1.0), spec.large).await?;
        let from = (0..labels.names().len() as u32).map(|class| match means.is_small(class) {
            true => means.nearest_large(means.mean(class), spec.neighbours),
            false => Vec::new(),
        });
        Ok(Self {
            from: from.collect(),
            kept: Kept::new(cx, means.bytes()),
            means,
            spec,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &ResidualsSpec {
        &self.spec
    }

    /// The large classes whose residuals `class` takes, the nearest first; none for a class that is large itself.
    pub fn large_classes(&self, class: u32) -> &[u32] {
        self.from.get(class as usize).map_or(&[], Vec::as_slice)
    }

    /// Positions of the row and of the one whose residual it takes, and the class of that.
    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], u32) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let parents = &self.means.parents;
        let mut any = |pool: &[u64]| pool[rng.below(pool.len() as u64) as usize];
        let first = any(parents.of(sample.class));
        let from = &self.from[sample.class as usize];
        let places: Vec<u64> = (0..from.len() as u64).collect();
        let large = from[any(&places) as usize];
        let second = any(parents.of(large));
        ([first, second].map(|row| parents.any_view(&mut rng, row)), large)
    }
}

impl Generator for Residuals {
    fn describe(&self) -> Plan {
        self.kept
            .told(Plan::of(&self.spec))
            .random()
            .cost(costs::FEATURES)
            .input(self.means.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        !self.large_classes(class).is_empty()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let ClassMeans {
                parents, column, at, ..
            } = &self.means;
            let (pairs, large): (Vec<_>, Vec<_>) = samples.iter().map(|&sample| self.draw(cx, sample)).unzip();
            let [first, second] = parents.take(cx, &pairs).await?;
            let ((a, width), (b, _)) = (floats(&first, *at)?, floats(&second, *at)?);
            for (parent, values) in [a, b].into_iter().enumerate() {
                check_finite(cx, parents, column, values, width, |row| pairs[row][parent])?;
            }
            let most = f64::from(f32::MAX);
            let mut made = Vec::with_capacity(a.len());
            for ((a, b), &large) in a.chunks(width.max(1)).zip(b.chunks(width.max(1))).zip(&large) {
                let numbers = a.iter().zip(b).zip(self.means.mean(large));
                made.extend(numbers.map(|((&a, &b), mean)| {
                    let residual = f64::from(b) - mean;
                    (f64::from(a) + self.spec.strength * residual).clamp(-most, most) as f32
                }));
            }
            let made = into_list(first.schema().field(*at), made)?;
            Parents::with_column(&first, *at, made)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        self.draw(cx, sample).0.to_vec()
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let parents = self.draw(cx, sample).0;
        self.means.parents.provenance(cx, sample, &parents, Self::NAME)
    }
}
