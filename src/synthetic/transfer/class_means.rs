//! The means of all classes in a tensor column, and which classes are large.

use crate::columns::index_of;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::Labels;
use crate::synthetic::interpolate::{check_finite, floats};
use crate::synthetic::parents::{Parents, ROWS_AT_A_TIME};
use std::sync::Arc;

/// Training rows by class, with the mean of each class.
#[derive(Debug)]
pub(super) struct ClassMeans {
    pub(super) parents: Parents,
    pub(super) column: String,
    pub(super) at: usize,
    /// The power to which each number is raised first (Tukey's ladder); 1 leaves it as it is.
    pub(super) power: f64,
    /// The mean of each class of those powers; nothing for one without rows.
    means: Vec<Vec<f64>>,
    /// Rows from which on a class is large.
    large: u64,
}

impl ClassMeans {
    /// Measures the means. Numbers are raised to `power`, or, where there is none, to `power_if_positive` if none of them is below 0. Classes of `large` rows and more are
    /// large; where there is no `large`, those of the mean number of rows of a class.
    pub(super) async fn measure(
        cx: &Context,
        rows: Arc<dyn Stable>,
        labels: &Arc<Labels>,
        column: &str,
        (power, power_if_positive): (Option<f64>, f64),
        large: Option<u64>,
    ) -> Result<Self> {
        let at = index_of(&rows.schema(), column)?;
        let parents = Parents::new(rows, labels)?;
        let with_rows = parents.pools.iter().filter(|pool| !pool.is_empty()).count().max(1) as u64;
        let mut is_positive = true;
        let mut sums = vec![[Vec::new(), Vec::new()]; parents.pools.len()];
        let raised = power.unwrap_or(power_if_positive);
        let all: Vec<u64> = (0..labels.len()).collect();
        for rows in all.chunks(ROWS_AT_A_TIME) {
            let batch = parents.base.take(cx, rows).await?;
            let (values, of_row) = floats(&batch, at)?;
            check_finite(cx, &parents, column, values, of_row, |row| rows[row]).map_err(Error::unplaced)?;
            if is_positive && let Some(negative) = values.iter().position(|value| *value < 0.0) {
                if power.is_some_and(|power| power != 1.0) {
                    let error = Error::data(format!(
                        "column \"{column}\" holds {}, and numbers below 0 have no power: leave `tukey` out, or set it to 1",
                        values[negative]
                    ));
                    return Err(parents.placed(cx, rows[negative / of_row.max(1)], error));
                }
                is_positive = false;
            }
            for (values, &row) in values.chunks(of_row.max(1)).zip(rows) {
                let [plain, powers] = &mut sums[labels.class(row) as usize];
                plain.resize(of_row, 0.0);
                powers.resize(of_row, 0.0);
                for ((plain, powers), &value) in plain.iter_mut().zip(powers).zip(values) {
                    *plain += f64::from(value);
                    *powers += to_power(value.into(), raised);
                }
            }
        }
        let power = if is_positive { raised } else { 1.0 };
        let mean = |([plain, powers], pool): ([Vec<f64>; 2], &Vec<u64>)| {
            let sums = if power == 1.0 { plain } else { powers };
            sums.into_iter().map(|sum| sum / pool.len() as f64).collect()
        };
        let means = sums.into_iter().zip(&parents.pools).map(mean).collect();
        Ok(Self {
            large: large.unwrap_or_else(|| labels.len().div_ceil(with_rows)),
            parents,
            column: column.to_owned(),
            at,
            power,
            means,
        })
    }

    /// Bytes of what is kept: the means, and the rows of each class.
    pub(super) fn bytes(&self) -> u64 {
        let means = self.means.iter().map(|mean| size_of_val(&**mean)).sum::<usize>();
        means as u64 + self.parents.bytes()
    }

    /// The mean of `class`.
    pub(super) fn mean(&self, class: u32) -> &[f64] {
        &self.means[class as usize]
    }

    /// Whether `class` has rows, and too few to be large.
    pub(super) fn is_small(&self, class: u32) -> bool {
        (1..self.large).contains(&(self.parents.of(class).len() as u64))
    }

    /// The `k` large classes whose means are nearest to `place`, the nearest first.
    pub(super) fn nearest_large(&self, place: &[f64], k: usize) -> Vec<u32> {
        let is_large = |class: &u32| self.parents.of(*class).len() as u64 >= self.large.max(1);
        let classes = (0..self.parents.pools.len() as u32).filter(is_large);
        let distance = |class: u32| {
            place
                .iter()
                .zip(self.mean(class))
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
        };
        let mut by_distance: Vec<(f64, u32)> = classes.map(|class| (distance(class), class)).collect();
        by_distance.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        by_distance.into_iter().take(k).map(|(_, class)| class).collect()
    }

    /// A number as it is measured.
    pub(super) fn raised(&self, value: f32) -> f64 {
        to_power(value.into(), self.power)
    }

    /// The reverse of [`raised`](Self::raised): what has no root is 0.
    pub(super) fn lowered(&self, value: f64) -> f32 {
        let most = f64::from(f32::MAX);
        match self.power {
            1.0 => value.clamp(-most, most) as f32,
            0.5 => (value.max(0.0) * value.max(0.0)).min(most) as f32,
            power => libm::pow(value.max(0.0), 1.0 / power).min(most) as f32,
        }
    }
}

/// `value` to the power `power`. Of one below 0, which is not used, any number.
fn to_power(value: f64, power: f64) -> f64 {
    match power {
        1.0 => value,
        0.5 => value.max(0.0).sqrt(),
        power => libm::pow(value.max(0.0), power),
    }
}
