use super::fitted::Gate;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::synthetic::quality::{Interval, Manifold, nearer_to_training};
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;

/// What a generator's rows have to reach as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct GateLimits {
    /// Rows of each class that are made to measure it. Defaults to 200.
    pub rows: u64,
    /// The least [precision](Manifold::precision) of a class. Defaults to 0.5.
    pub precision: f64,
    /// The least [coverage](Manifold::coverage) of a class. Defaults to 0.3.
    pub coverage: f64,
    /// The largest share of rows that lie [nearer to training rows](nearer_to_training) than to those of a holdout, where there is one. Defaults to 0.6.
    pub nearer_to_training: f64,
    /// The largest share of rows that the gate refuses. Defaults to 0.5.
    pub refused: f64,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self {
            rows: 200,
            precision: 0.5,
            coverage: 0.3,
            nearer_to_training: 0.6,
            refused: 0.5,
        }
    }
}

/// What was measured of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassCheck {
    /// The class.
    pub class: u32,
    /// The share of its rows that look real.
    pub precision: Interval,
    /// The share of real rows that are covered.
    pub coverage: Interval,
    /// The share of its rows that lie nearer to training rows than to those of the holdout; none without one.
    pub nearer_to_training: Option<Interval>,
    /// The share of its rows that the gate refuses.
    pub refused: Interval,
}

impl ClassCheck {
    /// The first figure that lies beyond `limits`, with the whole of its interval, in words.
    fn fault(&self, limits: &GateLimits) -> Option<String> {
        let below = |what: &str, figure: Interval, least: f64| {
            (figure.high < least).then(|| format!("{what} is {figure:.2}, and has to be {least} or more"))
        };
        let above = |what: &str, figure: Interval, most: f64| {
            (figure.low > most).then(|| format!("{what} is {figure:.2}, and may be {most} at most"))
        };
        let nearer = self.nearer_to_training;
        below("precision", self.precision, limits.precision)
            .or_else(|| below("coverage", self.coverage, limits.coverage))
            .or_else(|| {
                above(
                    "the share nearer to training rows than to the holdout",
                    nearer?,
                    limits.nearer_to_training,
                )
            })
            .or_else(|| above("the share of rows that are refused", self.refused, limits.refused))
    }
}

impl Gate {
    /// Refuses `generator` where its rows as a whole lie beyond `limits`: some of each of `classes` that it supports are made and measured against the
    /// training rows of the class, and against `holdout` rows of it where there are some. Classes of fewer than 3 training rows are not measured.
    ///
    /// # Errors
    ///
    /// `Data` that names the generator, the class and the figure; whatever making rows gives.
    pub async fn check(
        &self,
        cx: &Context,
        generator: &dyn Generator,
        holdout: Option<(&RecordBatch, &[u32])>,
        limits: &GateLimits,
    ) -> Result<Vec<ClassCheck>> {
        let mut found = Vec::new();
        let unseen = match holdout {
            Some((rows, _)) => Some(self.values(cx, rows).await?),
            None => None,
        };
        for class in (0..self.classes()).filter(|&class| generator.supports(class)) {
            let training = self.of_class(class).clone();
            if training.rows() < 3 || limits.rows < 3 {
                continue;
            }
            let wanted: Vec<SampleId> = (0..limits.rows).map(|index| SampleId { class, index }).collect();
            let made = generator.generate(cx, &wanted).await?;
            let unseen = holdout.zip(unseen.as_ref()).map(|((_, of), values)| {
                let own = (0..of.len().min(values.rows())).filter(|&row| of[row] == class);
                values.select(&own.collect::<Vec<usize>>())
            });
            let unseen = unseen.filter(|rows| rows.rows() > 0);
            let values = self.values(cx, &made).await?;
            let judged = self.judged(cx, values.clone(), &vec![class; made.num_rows()]).await?;
            let refused = judged.iter().flatten().count();
            let measure = move || {
                let k = Manifold::NEIGHBOURS.min(training.rows() - 1).min(values.rows() - 1);
                let figures = Manifold::of(&training, &values, k)?;
                let rows = values.rows() as f64;
                Ok(ClassCheck {
                    class,
                    precision: figures.precision,
                    coverage: figures.coverage,
                    nearer_to_training: unseen
                        .map(|unseen| nearer_to_training(&values, &training, &unseen))
                        .transpose()?,
                    refused: Interval::share(refused as f64 / rows, rows),
                })
            };
            let own = cx.compute(measure).await?;
            if let Some(fault) = own.fault(limits) {
                let name = generator.describe().name().to_owned();
                return Err(Error::data(format!(
                    "generator {name}, class {class}: {fault}; its rows are not used"
                )));
            }
            found.push(own);
        }
        Ok(found)
    }
}
