use super::class_means::ClassMeans;
use super::residuals::check_neighbours;
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
use crate::synthetic::parents::{Parents, ROWS_AT_A_TIME};
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Distribution calibration (Yang, Liu and Xu 2021, "Free Lunch for Few-Shot Learning"): rows of small classes are drawn from Gaussians whose mean and covariance
/// are borrowed from large classes.
///
/// A row of the small class is drawn. With `k` large classes, those whose means are nearest to it, the Gaussian has the mean of these `k` means and the row, and the mean
/// of the `k` covariances, with [`alpha`](CalibratedSpec::alpha) added on the diagonal (the authors' code adds it to every entry). Where no number of the column is below 0, all
/// of this happens to their square roots (Tukey's ladder), and what is drawn is squared again, what is below 0 becoming 0 first: the rows that come out are features like
/// the stored ones.
///
/// No covariance is computed: of 1,280 columns it would have 1.6 million entries for each class. Each draw is the sum of [`rank`](CalibratedSpec::rank) residuals (a row less the
/// mean of its class) that are drawn from the large classes, with Gaussian weights. Its covariance is the borrowed one exactly, over all draws; a single draw lies in the space of its residuals,
/// up to the noise of `alpha`. It costs `rank + 1` rows that are read, `rank` multiplications for each number, and a normal one for `alpha`. Provenance names the row and those of
/// the residuals.
///
/// Large classes themselves are not served: they lack nothing. All other columns are those of the row of the small class.
///
/// # Memory
///
/// The mean of each class, 8 bytes a number, `4 k` bytes for each row of a small class, and 8 bytes for each row, charged to the budget and in the plan.
#[derive(Debug)]
pub struct Calibrated {
    means: ClassMeans,
    spec: CalibratedSpec,
    /// For each class, for each of its rows, the nearest large classes; none for a large one.
    from: Vec<Vec<u32>>,
    kept: Kept,
}

/// The parameters of [`Calibrated`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalibratedSpec {
    /// The tensor column. Defaults to "features".
    pub column: String,
    /// Large classes whose mean and covariance a row borrows, the nearest by their means. Defaults to 2, as Yang et al.
    pub neighbours: usize,
    /// What is added to the variance of each number, 0 or more. Defaults to 0.21, as Yang et al.
    pub alpha: f64,
    /// The power to which numbers are raised, above 0 and at most 1; 1 leaves them as they are. Defaults to 0.5 where none is below 0, and else to 1.
    pub tukey: Option<f64>,
    /// Residuals of which a draw is made. Defaults to 16.
    pub rank: usize,
    /// Rows from which on a class is large. Defaults to the mean number of rows of a class.
    pub large: Option<u64>,
}

impl Default for CalibratedSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            neighbours: 2,
            alpha: 0.21,
            tukey: None,
            rank: 16,
            large: None,
        }
    }
}

impl Spec for CalibratedSpec {
    const NAME: &'static str = "calibrated";

    fn check(&self) -> Result<()> {
        if !(self.alpha >= 0.0 && self.alpha.is_finite()) {
            return Err(Error::config(format!(
                "alpha is {}, but has to be 0 or more",
                self.alpha
            )));
        }
        if let Some(tukey) = self.tukey.filter(|tukey| !(*tukey > 0.0 && *tukey <= 1.0)) {
            return Err(Error::config(format!(
                "tukey is {tukey}, but has to lie above 0 and at most at 1"
            )));
        }
        if !(1..=Calibrated::MAX_RANK).contains(&self.rank) {
            return Err(Error::config(format!(
                "rank is {}, but has to lie in 1..={}",
                self.rank,
                Calibrated::MAX_RANK
            )));
        }
        check_neighbours(self.neighbours)
    }
}

/// What a row is made of.
struct Draw {
    /// The position of the row of the small class.
    row: u64,
    /// The large classes whose mean and covariance it borrows.
    from: Vec<u32>,
    /// The positions of the residuals' rows, their classes and weights.
    residuals: Vec<(u64, u32, f64)>,
    rng: Rng,
}

impl Calibrated {
    /// Residuals of which a draw is made at most.
    pub const MAX_RANK: usize = 4096;
    const NAME: &str = CalibratedSpec::NAME;
    /// Default power, of numbers that have one.
    const TUKEY: f64 = 0.5;

    /// Measures the means of the classes of `rows` (training rows only), and which large classes are nearest to each row of a small one. All rows are read
    /// once, in order, and those of small classes twice.
    ///
    /// # Errors
    ///
    /// As [`Residuals::fit`](crate::synthetic::Residuals::fit), and `Data` for a number below 0 where `tukey` is given and not 1.
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: CalibratedSpec) -> Result<Self> {
        Spec::check(&spec)?;
        let power = (spec.tukey, Self::TUKEY);
        let means = ClassMeans::measure(cx, rows, labels, &spec.column, power, spec.large).await?;
        let mut from = Vec::new();
        for (class, pool) in (0..).zip(&means.parents.pools) {
            let pool: &[u64] = if means.is_small(class) { pool } else { &[] };
            let mut nearest = Vec::with_capacity(pool.len() * spec.neighbours.min(labels.names().len()));
            for rows in pool.chunks(ROWS_AT_A_TIME) {
                let batch = means.parents.base.take(cx, rows).await?;
                let (values, width) = floats(&batch, means.at)?;
                for values in values.chunks(width.max(1)) {
                    let place: Vec<f64> = values.iter().map(|&value| means.raised(value)).collect();
                    nearest.extend(means.nearest_large(&place, spec.neighbours));
                }
            }
            from.push(nearest);
        }
        let kept = from.iter().map(|from: &Vec<u32>| size_of_val(&**from)).sum::<usize>() as u64;
        Ok(Self {
            kept: Kept::new(cx, kept + means.bytes()),
            means,
            spec,
            from,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &CalibratedSpec {
        &self.spec
    }

    /// The power to which numbers are raised: [`tukey`](CalibratedSpec::tukey), or what follows from the numbers.
    pub fn power(&self) -> f64 {
        self.means.power
    }

    fn draw(&self, cx: &Context, sample: SampleId) -> Draw {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let parents = &self.means.parents;
        let (pool, all) = (parents.of(sample.class), &self.from[sample.class as usize]);
        let k = all.len() / pool.len();
        let first = rng.below(pool.len() as u64) as usize;
        let from = all[first * k..(first + 1) * k].to_vec();
        let row = parents.any_view(&mut rng, pool[first]);
        // The sum of so many products has the covariance of one.
        let share = 1.0 / (self.spec.rank as f64).sqrt();
        let residuals = (0..self.spec.rank).map(|_| {
            let large = from[rng.below(k as u64) as usize];
            let pool = parents.of(large);
            let residual = pool[rng.below(pool.len() as u64) as usize];
            let position = parents.any_view(&mut rng, residual);
            (position, large, share * f64::from(rng.normal()))
        });
        let residuals = residuals.collect();
        Draw {
            row,
            from,
            residuals,
            rng,
        }
    }

    /// The row of `draw`, whose own numbers are `row` and those of its residuals `others`.
    fn row(&self, draw: Draw, row: &[f32], others: &[f32]) -> Vec<f32> {
        let (means, k) = (&self.means, draw.from.len() as f64);
        let mut made: Vec<f64> = row.iter().map(|&value| means.raised(value)).collect();
        for &class in &draw.from {
            made.iter_mut()
                .zip(means.mean(class))
                .for_each(|(made, mean)| *made += mean);
        }
        made.iter_mut().for_each(|made| *made /= k + 1.0);
        for (&(_, class, weight), values) in draw.residuals.iter().zip(others.chunks(row.len().max(1))) {
            for ((made, &value), mean) in made.iter_mut().zip(values).zip(means.mean(class)) {
                *made += weight * (means.raised(value) - mean);
            }
        }
        let mut rng = draw.rng;
        let noise = self.spec.alpha.sqrt();
        if noise > 0.0 {
            made.iter_mut()
                .for_each(|made| *made += noise * f64::from(rng.normal()));
        }
        made.into_iter().map(|made| means.lowered(made)).collect()
    }
}

impl Generator for Calibrated {
    fn describe(&self) -> Plan {
        self.kept
            .told(Plan::of(&self.spec))
            .random()
            .cost(costs::calibrated(self.spec.rank))
            .note(format!("numbers to the power {}", self.means.power))
            .input(self.means.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.from.get(class as usize).is_some_and(|from| !from.is_empty())
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let ClassMeans {
                parents, column, at, ..
            } = &self.means;
            let draws: Vec<Draw> = samples.iter().map(|&sample| self.draw(cx, sample)).collect();
            let rows: Vec<u64> = draws.iter().map(|draw| draw.row).collect();
            let each = draws
                .iter()
                .flat_map(|draw| draw.residuals.iter().map(|residual| residual.0));
            let others: Vec<u64> = each.collect();
            let rank = self.spec.rank;
            let first = parents.base.take(cx, &rows).await?;
            let moved = |error: Error| error.moved(|index| Some(index / rank));
            let second = parents.base.take(cx, &others).await.map_err(moved)?;
            let ((a, width), (b, _)) = (floats(&first, *at)?, floats(&second, *at)?);
            check_finite(cx, parents, column, a, width, |row| rows[row])?;
            check_finite(cx, parents, column, b, width, |row| others[row]).map_err(moved)?;
            let (a, b) = (a.chunks(width.max(1)), b.chunks((width * rank).max(1)));
            let made = draws
                .into_iter()
                .zip(a.zip(b))
                .flat_map(|(draw, (row, others))| self.row(draw, row, others));
            let made = into_list(first.schema().field(*at), made.collect::<Vec<f32>>())?;
            Parents::with_column(&first, *at, made)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        let draw = self.draw(cx, sample);
        std::iter::once(draw.row)
            .chain(draw.residuals.iter().map(|residual| residual.0))
            .collect()
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let parents = self.parents(cx, sample);
        self.means.parents.provenance(cx, sample, &parents, Self::NAME)
    }
}
