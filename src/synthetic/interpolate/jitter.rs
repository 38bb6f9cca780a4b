use super::neighbourhood::check_numbers;
use super::space::Space;
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::kept::Kept;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Repeats of rows with Gaussian noise on their numbers: a smoothed bootstrap.
///
/// The noise of a number has `noise` times the deviation of its column in the class, so it is 0 in a column that is the same in all rows of the class. imbalanced-learn's
/// `RandomOverSampler(shrinkage=s)` has `s (4 / ((d + 2) n))^(1 / (d + 4))` of it for `n` rows of `d` columns. Integers are rounded to the nearest. All other
/// columns are those of the row. A class of one row has no deviation and gets no synthetic rows.
///
/// # Memory
///
/// While deviations are measured, one class at a time is in memory (4 bytes a number of a tensor), or all rows of the columns of numbers (8 bytes a number).
/// That has to fit into half of the memory, or 32 MiB, whatever is more: else [`fit`](Self::fit) ends with `Budget`, which says how much it takes and what may be taken, before a
/// row is read. What is kept is 8 bytes for each number of a row, for each class, and 8 bytes for each row, charged to the budget and in the plan.
#[derive(Debug)]
pub struct Jitter {
    parents: Parents,
    spec: JitterSpec,
    space: Space,
    /// For each class the deviations of its numbers; nothing for one of fewer than two rows.
    deviations: Vec<Vec<f64>>,
    kept: Kept,
}

/// The parameters of [`Jitter`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JitterSpec {
    /// The tensor column that gets noise, where no [`columns`](Self::columns) are named. Defaults to "features".
    pub column: String,
    /// Columns of numbers that get noise, as those of [`SmoteSpec`](crate::synthetic::SmoteSpec). Defaults to none.
    pub columns: Vec<String>,
    /// Deviation of the noise as a share of that of each column in the class, above 0. Defaults to 0.1.
    pub noise: f64,
}

impl Default for JitterSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            columns: Vec::new(),
            noise: 0.1,
        }
    }
}

impl Spec for JitterSpec {
    const NAME: &'static str = "jitter";

    fn check(&self) -> Result<()> {
        match self.noise > 0.0 && self.noise.is_finite() {
            true => Ok(()),
            false => Err(Error::config(format!(
                "noise is {}, but has to be a number above 0",
                self.noise
            ))),
        }
    }
}

impl Jitter {
    const NAME: &str = JitterSpec::NAME;

    /// Measures the deviations of `rows` (training rows only), class by class.
    ///
    /// # Errors
    ///
    /// `Config` for parameters out of range; `Schema`, `Data` and `Budget` as [`Smote::fit`](crate::synthetic::Smote::fit).
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: JitterSpec) -> Result<Self> {
        Spec::check(&spec)?;
        let space = Space::new(&rows.schema(), labels.column(), &spec.column, &spec.columns)?;
        let parents = Parents::new(rows, labels)?;
        let most = parents
            .pools
            .iter()
            .map(Vec::len)
            .filter(|&rows| rows > 1)
            .max()
            .unwrap_or(0) as u64;
        let schema = parents.base.schema();
        let (numbers, of) = match space.deviations_bytes(&schema, most) {
            Some(bytes) => (bytes, most),
            None => (space.loaded_bytes(labels.len()), labels.len()),
        };
        check_numbers(cx, parents.bytes() + numbers + space.reading_bytes(&schema, of), of)?;
        let loaded = space.load(cx, &parents).await?;
        let mut deviations = Vec::new();
        for pool in &parents.pools {
            deviations.push(match pool.len() {
                0 | 1 => Vec::new(),
                _ => space.deviations(cx, &parents, &loaded, pool).await?,
            });
        }
        let kept = deviations.iter().map(|of: &Vec<f64>| size_of_val(&**of)).sum::<usize>() as u64;
        Ok(Self {
            kept: Kept::new(cx, kept + parents.bytes()),
            parents,
            spec,
            space,
            deviations,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &JitterSpec {
        &self.spec
    }

    /// The position of the row that is repeated, and the stream that continues with the noise.
    fn draw(&self, cx: &Context, sample: SampleId) -> (u64, Rng) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let pool = self.parents.of(sample.class);
        let row = pool[rng.below(pool.len() as u64) as usize];
        (self.parents.any_view(&mut rng, row), rng)
    }

    fn noise(&self, class: u32, mut rng: Rng) -> Vec<f64> {
        let deviations = self.deviations[class as usize].iter();
        deviations
            .map(|deviation| self.spec.noise * deviation * f64::from(rng.normal()))
            .collect()
    }
}

impl Generator for Jitter {
    fn describe(&self) -> Plan {
        self.kept
            .told(Plan::of(&self.spec))
            .random()
            .cost(costs::jittered(&self.spec.columns))
            .input(self.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.deviations.get(class as usize).is_some_and(|of| !of.is_empty())
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let drawn = samples.iter().map(|&sample| (self.draw(cx, sample), sample.class));
            let (positions, noise): (Vec<_>, Vec<_>) = drawn
                .map(|((position, rng), class)| (position, self.noise(class, rng)))
                .unzip();
            let rows = self.parents.base.take(cx, &positions).await?;
            self.space.moved(cx, &self.parents, &rows, &positions, &noise)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        vec![self.draw(cx, sample).0]
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        self.parents
            .provenance(cx, sample, &[self.draw(cx, sample).0], Self::NAME)
    }
}
