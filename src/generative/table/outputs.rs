//! What the last layer of a network for tables gives, part by part.

use super::encoding::Part;
use crate::rng::Rng;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// The temperature of Gumbel's softmax.
const TEMPERATURE: f64 = 0.2;

/// Calls `each` with every part of rows `[n, width]`, and puts together what it gives.
fn by_part(parts: &[Part], rows: &Tensor<2>, mut each: impl FnMut(Part, Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    let (mut at, mut all) = (0, Vec::with_capacity(parts.len()));
    for &part in parts {
        all.push(each(part, rows.clone().narrow(1, at, part.width())));
        at += part.width();
    }
    Tensor::cat(all, 1)
}

/// Numbers in `-1..=1`, and the shares of categories.
pub(super) fn shares(parts: &[Part], rows: &Tensor<2>) -> Tensor<2> {
    by_part(parts, rows, |part, values| match part {
        Part::Number => activation::tanh(values),
        Part::OneOf(_) => activation::softmax(values, 1),
    })
}

/// As [`shares`], but nearly one category, drawn by its share, through which gradients go (Jang et al. 2017).
pub(super) fn drawn(parts: &[Part], rows: &Tensor<2>, rng: &mut Rng, device: &Device) -> Tensor<2> {
    by_part(parts, rows, |part, values| match part {
        Part::Number => activation::tanh(values),
        Part::OneOf(count) => {
            let n = values.dims()[0];
            // `unit` is below 1, and may be 0.
            let gumbel = |rng: &mut Rng| -libm::logf(-libm::logf(rng.unit().max(1e-7)));
            let noise: Vec<f32> = (0..n * count).map(|_| gumbel(rng)).collect();
            let noise = Tensor::from_data(TensorData::new(noise, [n, count]), device);
            activation::softmax((values + noise).div_scalar(TEMPERATURE), 1)
        }
    })
}

/// The negative log likelihood of encoded rows in nats a row: numbers are normal around what is given with the deviations
/// `exp(log_deviations)` `[1, numbers]`, categories have their shares.
pub(super) fn loss(parts: &[Part], given: &Tensor<2>, rows: &Tensor<2>, log_deviations: &Tensor<2>) -> Tensor<1> {
    let n = rows.dims()[0];
    let (mut at, mut number, mut all) = (0, 0, Vec::with_capacity(parts.len()));
    for &part in parts {
        let of = |all: &Tensor<2>| all.clone().narrow(1, at, part.width());
        let (given, rows) = (of(given), of(rows));
        all.push(match part {
            Part::Number => {
                let log = log_deviations.clone().narrow(1, number, 1);
                number += 1;
                let error = (activation::tanh(given) - rows) * log.clone().neg().exp();
                (error.square().mul_scalar(0.5) + log).mean()
            }
            Part::OneOf(_) => (rows * activation::log_softmax(given, 1))
                .sum()
                .div_scalar(n as f64)
                .neg(),
        });
        at += part.width();
    }
    Tensor::cat(all, 0).sum()
}

/// How many of the parts are numbers.
pub(super) fn numbers(parts: &[Part]) -> usize {
    parts.iter().filter(|part| **part == Part::Number).count()
}
