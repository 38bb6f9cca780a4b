//! Pictures that differ in brightness, which a tiny network learns.
#![allow(dead_code, reason = "each test file uses some of it")]

use arrow::array::{ArrayRef, BinaryArray};
use std::sync::Arc;

/// A picture of 16 x 16 pixels whose brightness (0 to 1) is as given.
pub(crate) fn png(bright: f64) -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(16, 16, |x, y| {
        let texture = ((x * 7 + y * 13) % 16) as f64;
        image::Rgb([(bright * 220.0 + texture) as u8; 3])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A [`png`] for each brightness.
pub(crate) fn pictures(brightness: &[f64]) -> ArrayRef {
    Arc::new(
        brightness
            .iter()
            .map(|bright| Some(png(*bright)))
            .collect::<BinaryArray>(),
    )
}

/// `n` brightnesses from 0 to 1.
pub(crate) fn ramp(n: usize) -> Vec<f64> {
    (0..n).map(|row| ((row * 37) % n) as f64 / (n - 1) as f64).collect()
}
