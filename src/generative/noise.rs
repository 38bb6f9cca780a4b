//! Random numbers of a training's steps and of samples, as tensors. They are drawn by our own generator: what else draws from a
//! device's changes nothing.

use crate::rng::Rng;
use burn::tensor::{Device, Tensor, TensorData};

/// `[rows, width]` draws from the standard normal distribution, row by row.
pub(super) fn normal(rng: &mut Rng, rows: usize, width: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * width).map(|_| rng.normal()).collect();
    Tensor::from_data(TensorData::new(values, [rows, width]), device)
}

/// `[rows, classes]`, 1 at each row's class and 0 elsewhere.
pub(super) fn one_hot(of: &[u32], classes: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0_f32; of.len() * classes];
    for (row, &class) in of.iter().enumerate() {
        values[row * classes + class as usize] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [of.len(), classes]), device)
}
