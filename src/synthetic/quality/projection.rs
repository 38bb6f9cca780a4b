//! Rows in two dimensions, to be drawn.

use super::linear_algebra::dot;
use super::matrix::Matrix;
use crate::rng::Rng;

/// The two directions in which some rows vary most (their first principal components).
#[derive(Clone, Debug)]
pub struct Projection {
    means: Vec<f64>,
    axes: [Vec<f64>; 2],
}

impl Projection {
    const ROUNDS: usize = 60;

    /// The directions of `rows`, by powers of their covariance. Rows of one column have a second direction without extent.
    pub fn fit(rows: &Matrix) -> Self {
        let (means, width) = (rows.means(), rows.width());
        let mut axes = [0, 1].map(|axis| {
            let mut rng = Rng::new(0, "projection", axis);
            (0..width).map(|_| f64::from(rng.normal())).collect::<Vec<f64>>()
        });
        for _ in 0..Self::ROUNDS {
            let mut next = [vec![0.0; width], vec![0.0; width]];
            for row in rows.iter() {
                let centred: Vec<f64> = row
                    .iter()
                    .zip(&means)
                    .map(|(&value, mean)| f64::from(value) - mean)
                    .collect();
                for (axis, next) in axes.iter().zip(&mut next) {
                    let along = dot(axis, &centred);
                    next.iter_mut()
                        .zip(&centred)
                        .for_each(|(sum, value)| *sum += along * value);
                }
            }
            unit(&mut next[0]);
            let [first, second] = &mut next;
            let shared = dot(first, second);
            second
                .iter_mut()
                .zip(first.iter())
                .for_each(|(value, first)| *value -= shared * first);
            unit(second);
            axes = next;
        }
        Self { means, axes }
    }

    /// Where each of `rows` lies along both directions.
    pub fn of(&self, rows: &Matrix) -> Vec<[f64; 2]> {
        let place = |row: &[f32]| {
            let centred: Vec<f64> = row
                .iter()
                .zip(&self.means)
                .map(|(&value, mean)| f64::from(value) - mean)
                .collect();
            [dot(&self.axes[0], &centred), dot(&self.axes[1], &centred)]
        };
        rows.iter().map(place).collect()
    }
}

fn unit(axis: &mut [f64]) {
    let length = dot(axis, axis).sqrt();
    let scale = if length > 1e-9 { 1.0 / length } else { 0.0 };
    axis.iter_mut().for_each(|value| *value *= scale);
}
