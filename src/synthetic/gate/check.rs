use super::fitted::Gate;
use super::limits::GateLimits;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::quoted;
use crate::synthetic::quality::{Interval, Manifold, Matrix, nearer_to_training};
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;

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
        self.check_told(cx, generator, holdout, limits, &mut |_, _| ()).await
    }

    /// As [`check`](Self::check). `told` is told of how many rows the values are known, and of how many they are wanted.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn check_told<F: FnMut(u64, u64)>(
        &self,
        cx: &Context,
        generator: &dyn Generator,
        holdout: Option<(&RecordBatch, &[u32])>,
        limits: &GateLimits,
        told: &mut F,
    ) -> Result<Vec<ClassCheck>> {
        let mut found = Vec::new();
        let unseen = match holdout {
            Some((rows, _)) => Some(self.values(cx, rows).await?),
            None => None,
        };
        let classes = (0..self.classes()).filter(|&class| generator.supports(class));
        let measured = self.measured(classes, limits);
        let all: u64 = measured.iter().map(|(_, wanted)| wanted.len() as u64).sum();
        let mut done = 0_u64;
        for (class, wanted) in measured {
            let made = generator.generate(cx, &wanted).await?;
            let unseen = holdout.zip(unseen.as_ref()).map(|((_, of), values)| {
                let own = (0..of.len().min(values.rows())).filter(|&row| of[row] == class);
                values.select(&own.collect::<Vec<usize>>())
            });
            let unseen = unseen.filter(|rows| rows.rows() > 0);
            let plan = generator.describe();
            let mut of_class = |rows: u64| told(done + rows, all);
            let checked = self.check_class(cx, (plan.name(), class), &made, (unseen, limits), &mut of_class);
            found.push(checked.await?);
            done += wanted.len() as u64;
        }
        Ok(found)
    }

    /// Those of `classes` that are measured, each with the rows that are made of it; not one that has too few rows, and none where too few are wanted.
    pub(in crate::synthetic) fn measured(
        &self,
        classes: impl IntoIterator<Item = u32>,
        limits: &GateLimits,
    ) -> Vec<(u32, Vec<SampleId>)> {
        let is_measured =
            |class: &u32| *class < self.classes() && self.of_class(*class).count() >= 3 && limits.rows >= 3;
        let rows = |class: u32| (0..limits.rows).map(|index| SampleId { class, index }).collect();
        let measured = classes.into_iter().filter(is_measured);
        measured.map(|class| (class, rows(class))).collect()
    }

    /// As [`check`](Self::check), of the rows that `name` has made of `class`, beside those of a holdout that are `unseen`. `told` is told of how many of them the values are
    /// known.
    pub(in crate::synthetic) async fn check_class<F: FnMut(u64)>(
        &self,
        cx: &Context,
        (name, class): (&str, u32),
        made: &RecordBatch,
        (unseen, limits): (Option<Matrix>, &GateLimits),
        told: &mut F,
    ) -> Result<ClassCheck> {
        let training = Matrix::from(self.of_class(class));
        let values = self.values_told(cx, made, told).await?;
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
        match own.fault(limits) {
            None => Ok(own),
            Some(fault) => Err(Error::data(format!(
                "generator {name}, class {}: {fault}; its rows are not used",
                quoted(self.name_of(class))
            ))),
        }
    }
}
