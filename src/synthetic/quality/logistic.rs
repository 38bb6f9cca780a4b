//! Logistic regression, by L-BFGS.

use super::linear_algebra::dot;
use super::matrix::Matrix;
use rayon::prelude::*;
use std::collections::VecDeque;

/// Steps and gradients that the curvature is estimated from.
const MEMORY: usize = 10;
const STEPS: usize = 200;
/// The largest entry of the gradient (of the mean loss) at which it stops.
const ENOUGH: f64 = 1e-5;
/// Rows whose losses are added by one thread, in a fixed order.
const CHUNK: usize = 256;

/// A fitted logistic regression, of two classes or more.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// For each score its weights, then its intercept. Two classes have one score, that of class 1.
    weights: Vec<f64>,
    width: usize,
    scores: usize,
}

impl Logistic {
    /// Fits `classes` classes, of which each row of `rows` has the one that `of` says, with an L2 penalty of `1 / (2 c)` on the weights and
    /// none on the intercepts: scikit-learn's `LogisticRegression(C=c)`. Classes that no row has are never predicted.
    pub fn fit(rows: &Matrix, of: &[u32], classes: usize, c: f64) -> Self {
        Self::weighted(rows, of, vec![1.0; classes], c)
    }

    /// As [`fit`](Self::fit), with classes that count alike however many rows they have, as where it is judged by balanced accuracy: of `n` rows of `k` classes, one of a class of
    /// `m` weighs `n / (k m)`. scikit-learn's `LogisticRegression(C=c, class_weight="balanced")`.
    pub fn balanced(rows: &Matrix, of: &[u32], classes: usize, c: f64) -> Self {
        let mut counts = vec![0_usize; classes];
        of.iter().for_each(|&class| counts[class as usize] += 1);
        let there = counts.iter().filter(|&&count| count > 0).count();
        let weight = |count: usize| of.len() as f64 / (there * count).max(1) as f64;
        Self::weighted(rows, of, counts.into_iter().map(weight).collect(), c)
    }

    /// As [`fit`](Self::fit), where a row of class `i` weighs `class_weights[i]`.
    fn weighted(rows: &Matrix, of: &[u32], class_weights: Vec<f64>, c: f64) -> Self {
        let classes = class_weights.len();
        let (width, scores) = (rows.width(), if classes <= 2 { 1 } else { classes });
        let loss = Loss {
            rows,
            of,
            class_weights,
            scores,
            penalty: 1.0 / (c * rows.rows().max(1) as f64),
        };
        Self {
            weights: minimised(vec![0.0; scores * (width + 1)], |at, gradient| loss.at(at, gradient)),
            width,
            scores,
        }
    }

    /// The probability of each class for one row: of two classes, or of as many as there are.
    pub fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let mut scores = self.scores_of(row);
        match self.scores {
            1 => {
                let one = sigmoid(scores[0]);
                vec![1.0 - one, one]
            }
            _ => {
                softmax(&mut scores);
                scores
            }
        }
    }

    /// The most probable class of each row.
    pub fn predict(&self, rows: &Matrix) -> Vec<u32> {
        let of = |row: &[f32]| {
            let scores = self.scores_of(row);
            match self.scores {
                1 => u32::from(scores[0] > 0.0),
                _ => (0..scores.len())
                    .max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)))
                    .unwrap_or(0) as u32,
            }
        };
        rows.iter().map(of).collect()
    }

    /// Of two classes the score of class 1: the logarithm of the odds.
    pub(crate) fn log_odds(&self, row: &[f32]) -> f64 {
        self.scores_of(row)[0]
    }

    fn scores_of(&self, row: &[f32]) -> Vec<f64> {
        self.weights
            .chunks_exact(self.width + 1)
            .map(|weights| score(weights, row))
            .collect()
    }
}

fn score(weights: &[f64], row: &[f32]) -> f64 {
    const LANES: usize = 8;
    let (own, intercept) = weights.split_at(row.len());
    let mut sums = [0.0_f64; LANES];
    let ((a, rest_a), (b, rest_b)) = (own.as_chunks::<LANES>(), row.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * f64::from(b[lane]);
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, &b)| a * f64::from(b)).sum();
    sums.iter().sum::<f64>() + rest + intercept[0]
}

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

/// Scores to probabilities; the logarithm of their sum.
fn softmax(scores: &mut [f64]) -> f64 {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|score| *score = (*score - most).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    most + sum.ln()
}

/// The mean loss of rows, with the penalty.
struct Loss<'a> {
    rows: &'a Matrix,
    of: &'a [u32],
    class_weights: Vec<f64>,
    scores: usize,
    penalty: f64,
}

impl Loss<'_> {
    /// The loss at `weights`; `gradient` is filled.
    fn at(&self, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let width = self.rows.width();
        let chunk = |start: usize| {
            let (mut sum, mut gradient) = (0.0, vec![0.0; weights.len()]);
            for row in start..(start + CHUNK).min(self.rows.rows()) {
                let (values, class) = (self.rows.row(row), self.of[row] as usize);
                let weight = self.class_weights[class];
                let mut scores: Vec<f64> = weights
                    .chunks_exact(width + 1)
                    .map(|weights| score(weights, values))
                    .collect();
                if self.scores == 1 {
                    let (odds, is_one) = (scores[0], class == 1);
                    let signed = if is_one { -odds } else { odds };
                    sum += weight * (signed.max(0.0) + (-signed.abs()).exp().ln_1p());
                    scores[0] = sigmoid(odds) - f64::from(u8::from(is_one));
                } else {
                    let own = scores[class];
                    sum += weight * (softmax(&mut scores) - own);
                    scores[class] -= 1.0;
                }
                scores.iter_mut().for_each(|slope| *slope *= weight);
                for (slope, gradient) in scores.iter().zip(gradient.chunks_exact_mut(width + 1)) {
                    let (own, intercept) = gradient.split_at_mut(width);
                    own.iter_mut()
                        .zip(values)
                        .for_each(|(sum, &value)| *sum += slope * f64::from(value));
                    intercept[0] += slope;
                }
            }
            (sum, gradient)
        };
        let starts: Vec<usize> = (0..self.rows.rows()).step_by(CHUNK).collect();
        let parts: Vec<(f64, Vec<f64>)> = starts.into_par_iter().map(chunk).collect();
        let rows = self.rows.rows().max(1) as f64;
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (sum, part) in parts {
            loss += sum / rows;
            gradient
                .iter_mut()
                .zip(part)
                .for_each(|(sum, part)| *sum += part / rows);
        }
        for (weights, gradient) in weights
            .chunks_exact(width + 1)
            .zip(gradient.chunks_exact_mut(width + 1))
        {
            for (weight, slope) in weights[..width].iter().zip(gradient) {
                loss += self.penalty / 2.0 * weight * weight;
                *slope += self.penalty * weight;
            }
        }
        loss
    }
}

/// Where `function`, which is convex, is least: L-BFGS (Liu and Nocedal 1989) with steps that are halved until they bring enough.
fn minimised(mut at: Vec<f64>, function: impl Fn(&[f64], &mut [f64]) -> f64) -> Vec<f64> {
    let mut gradient = vec![0.0; at.len()];
    let mut value = function(&at, &mut gradient);
    let mut known: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for step in 0..STEPS {
        if gradient.iter().all(|slope| slope.abs() <= ENOUGH) {
            break;
        }
        let direction = direction(&gradient, &known);
        let slope = dot(&direction, &gradient);
        let mut length = if step == 0 {
            1.0_f64.min(1.0 / dot(&gradient, &gradient).sqrt())
        } else {
            1.0
        };
        let mut next_gradient = vec![0.0; at.len()];
        let found = (0..40).find_map(|_| {
            let next: Vec<f64> = at
                .iter()
                .zip(&direction)
                .map(|(at, along)| at + length * along)
                .collect();
            let reached = function(&next, &mut next_gradient);
            let enough = reached <= value + 1e-4 * length * slope;
            length /= 2.0;
            enough.then_some((next, reached))
        });
        // No step brings anything: as near as numbers can tell.
        let Some((next, reached)) = found else { break };
        let moved: Vec<f64> = next.iter().zip(&at).map(|(next, at)| next - at).collect();
        let turned: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(next, at)| next - at)
            .collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 * dot(&turned, &turned) {
            known.push_back((moved, turned, 1.0 / curvature));
            if known.len() > MEMORY {
                known.pop_front();
            }
        }
        (at, value, gradient) = (next, reached, next_gradient);
    }
    at
}

/// Down the gradient, turned by what is known of the curvature.
fn direction(gradient: &[f64], known: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut along: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(known.len());
    for (moved, turned, inverse) in known.iter().rev() {
        let share = inverse * dot(moved, &along);
        along
            .iter_mut()
            .zip(turned)
            .for_each(|(along, turned)| *along -= share * turned);
        shares.push(share);
    }
    if let Some((_, turned, inverse)) = known.back() {
        let scale = 1.0 / (inverse * dot(turned, turned));
        along.iter_mut().for_each(|along| *along *= scale);
    }
    for ((moved, turned, inverse), share) in known.iter().zip(shares.into_iter().rev()) {
        let other = inverse * dot(turned, &along);
        along
            .iter_mut()
            .zip(moved)
            .for_each(|(along, moved)| *along += (share - other) * moved);
    }
    along
}
