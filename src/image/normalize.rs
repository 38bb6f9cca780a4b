//! 8-bit pixels to normalised planes.

use super::Pixels;

/// Mean of ImageNet's training images per channel, as torchvision's weights expect it.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's training images per channel, as torchvision's weights expect it.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// `(level / 255 - mean) / std`, tabulated: a level has only 256 values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Normalize {
    mean: [f32; 3],
    std: [f32; 3],
    tables: [[f32; 256]; 3],
}

impl Normalize {
    pub(crate) fn new(mean: [f32; 3], std: [f32; 3]) -> Self {
        let tables = std::array::from_fn(|c| std::array::from_fn(|level| (level as f32 / 255.0 - mean[c]) / std[c]));
        Self { mean, std, tables }
    }

    pub(crate) fn params(&self) -> Vec<(&'static str, String)> {
        vec![("mean", format!("{:?}", self.mean)), ("std", format!("{:?}", self.std))]
    }

    /// Writes interleaved pixels as three planes: `out` is `[3, height, width]`.
    pub(crate) fn write(&self, pixels: &Pixels, out: &mut [f32]) {
        let plane = out.len() / 3;
        let (red, rest) = out.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        let planes = red.iter_mut().zip(green).zip(blue);
        for (pixel, ((r, g), b)) in pixels.rgb.chunks_exact(3).zip(planes) {
            *r = self.tables[0][usize::from(pixel[0])];
            *g = self.tables[1][usize::from(pixel[1])];
            *b = self.tables[2][usize::from(pixel[2])];
        }
    }
}
