//! How pixels become a network's inputs.

use crate::error::{Error, Result};
use crate::sink::tensor;
use arrow::array::RecordBatch;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Inputs are `(pixel - mean) / std` for each of red, green and blue, with pixels in `0..=1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Mean of red, green and blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
}

impl Normalisation {
    /// ImageNet's mean and deviation, as used throughout PyTorch's model zoo.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };

    /// Refuses numbers that leave no pixel as it was: a mean beyond 1000 in size, a deviation outside 1e-4 to 1e4.
    pub(crate) fn check(&self) -> Result<()> {
        let (mean, std) = (self.mean, self.std);
        if !mean.iter().all(|mean| mean.abs() <= 1e3) {
            return Err(Error::config(format!("mean is {mean:?}, but pixels lie in 0 to 1")));
        }
        match std.iter().all(|std| (1e-4..=1e4).contains(std)) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "std is {std:?}, but has to lie in 1e-4 to 1e4, where pixels lie in 0 to 1"
            ))),
        }
    }

    /// The pictures in `column` of `rows` as a network's inputs: `[n, 3, height, width]`.
    ///
    /// Levels, which are u8 ([`Image::as_u8`](crate::image::Image::as_u8)), are [uploaded as bytes](tensor::floats_from_u8) and
    /// normalised on the device. Up to the rounding of the device's division they are the inputs that the image stage makes of the
    /// same picture, whose pixels are levels until it normalises them. Floats are inputs already, and are taken as they are.
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing, holds no numbers, has another number of dimensions or, of levels, another number of
    /// channels than three; `Data` for a null.
    pub fn inputs(&self, rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<4>> {
        if !tensor::is_u8(rows, column)? {
            return tensor::floats(rows, column, device);
        }
        let levels = tensor::floats_from_u8::<4>(rows, column, device)?;
        let [_, channels, ..] = levels.dims();
        if channels != 3 {
            return Err(Error::schema(format!(
                "column \"{column}\" holds pictures of {channels} channels, and three are normalised"
            )));
        }
        let by_channel = |values: [f32; 3]| Tensor::<1>::from_floats(values, device).reshape([1, 3, 1, 1]);
        Ok((levels.div_scalar(255.0) - by_channel(self.mean)) / by_channel(self.std))
    }
}

impl fmt::Display for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mean {:?} and deviation {:?}", self.mean, self.std)
    }
}
