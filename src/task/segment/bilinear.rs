//! Logits of a map at the pixels of an input or a picture: bilinear, as PyTorch's `interpolate` with `align_corners=False` has it.

use crate::image::Mask;
use crate::task::detect::frame::{Frame, stride};
use burn::tensor::{Device, Tensor, TensorData};

/// The two places of a map beside a pixel, and the weight of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Between {
    low: usize,
    high: usize,
    weight: f32,
}

impl Between {
    /// Beside the point `at` of an input with so many `pixels` in a line, of a map with so many `places`. Beyond the outermost places their values go on.
    fn new(at: f32, pixels: f32, places: usize) -> Self {
        let exact = (at / stride(pixels, places) - 0.5).clamp(0.0, places as f32 - 1.0);
        let low = exact as usize;
        Self {
            low,
            high: (low + 1).min(places - 1),
            weight: exact - low as f32,
        }
    }

    fn of(self, values: &[f32]) -> f32 {
        values[self.low] + (values[self.high] - values[self.low]) * self.weight
    }
}

/// `map` at `height` x `width` pixels.
pub(super) fn enlarged(map: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [count, classes, rows, columns] = map.dims();
    let device = map.device();
    // Two products of matrices: along the lines, then across them.
    let across = weights(width, columns, &device).transpose();
    let lines = map.reshape([count * classes * rows, columns]).matmul(across);
    let down = weights(height, rows, &device).unsqueeze::<3>();
    let all = down.matmul(lines.reshape([count * classes, rows, width]));
    all.reshape([count, classes, height, width])
}

/// How much of each place is in each pixel: `[pixels, places]`.
fn weights(pixels: usize, places: usize, device: &Device) -> Tensor<2> {
    let mut weights = vec![0.0; pixels * places];
    for (pixel, weights) in weights.chunks_exact_mut(places).enumerate() {
        let Between { low, high, weight } = Between::new(pixel as f32 + 0.5, pixels as f32, places);
        weights[low] += 1.0 - weight;
        weights[high] += weight;
    }
    Tensor::from_data(TensorData::new(weights, [pixels, places]), device)
}

/// The logits `[classes, rows, columns]` of a picture.
pub(super) struct Enlarged<'a> {
    logits: &'a [f32],
    shape: [usize; 3],
}

impl<'a> Enlarged<'a> {
    pub(super) fn new(logits: &'a [f32], shape: [usize; 3]) -> Self {
        Self { logits, shape }
    }

    /// The class with the largest logit at each pixel of the picture, the first of equal ones.
    pub(super) fn classes(&self, frame: &Frame) -> Mask {
        let [classes, rows, columns] = self.shape;
        let ((width, height), (across, down)) = (frame.picture_size(), frame.input_size());
        let column = |x: u32| Between::new(frame.to_input([x as f32 + 0.5, 0.0])[0], across as f32, columns);
        let beside: Vec<Between> = (0..width).map(column).collect();
        let mut values = Vec::with_capacity(width as usize * height as usize);
        let mut line = vec![0.0; classes * columns];
        for y in 0..height {
            let row = Between::new(frame.to_input([0.0, y as f32 + 0.5])[1], down as f32, rows);
            for (at, value) in line.iter_mut().enumerate() {
                let first = at / columns * rows * columns + at % columns;
                let of = |row: usize| self.logits[first + row * columns];
                *value = of(row.low) + (of(row.high) - of(row.low)) * row.weight;
            }
            values.extend(beside.iter().map(|column| largest(&line, columns, *column)));
        }
        Mask { width, height, values }
    }
}

/// The class whose line of values has the largest one between two places.
fn largest(line: &[f32], columns: usize, at: Between) -> u8 {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, values) in line.chunks_exact(columns).enumerate() {
        let value = at.of(values);
        if value > best.1 {
            best = (class, value);
        }
    }
    best.0 as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_enlarged_as_by_pytorch() {
        // torch.nn.functional.interpolate(torch.tensor([[[[0., 4.], [8., 2.]]]]), size=(4, 6), mode="bilinear")
        let expected = [
            [0.0, 0.0, 4.0 / 3.0, 8.0 / 3.0, 4.0, 4.0],
            [2.0, 2.0, 2.5, 3.0, 3.5, 3.5],
            [6.0, 6.0, 29.0 / 6.0, 11.0 / 3.0, 2.5, 2.5],
            [8.0, 8.0, 6.0, 4.0, 2.0, 2.0],
        ];
        let device = Device::flex();
        let map = Tensor::<4>::from_data(TensorData::new(vec![0.0_f32, 4.0, 8.0, 2.0], [1, 1, 2, 2]), &device);
        let found: Vec<f32> = enlarged(map, [4, 6]).into_data().iter::<f32>().collect();
        for (found, expected) in found.iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_map_that_reaches_out_of_its_input_keeps_its_stride() {
        // 20 pixels and 3 places of 8: the middles of the places lie at 4, 12 and 20.
        assert_eq!(
            Between::new(12.0, 20.0, 3),
            Between {
                low: 1,
                high: 2,
                weight: 0.0
            }
        );
        assert_eq!(Between::new(14.0, 20.0, 3).weight, 0.25);
        assert_eq!(
            Between::new(1.0, 20.0, 3),
            Between {
                low: 0,
                high: 1,
                weight: 0.0
            }
        );
    }
}
