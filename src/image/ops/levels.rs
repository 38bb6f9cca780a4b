//! What knows 256 levels alone, of pictures that have more.

use crate::image::Pixels;
use crate::image::level::Level;

/// Changes colours as `change` does those of 8 bits: they are rounded to 256 levels before, and alpha stays as it is.
pub(in crate::image) fn change_levels(pixels: &mut Pixels<f32>, change: impl FnOnce(&mut Pixels)) {
    pixels.change_colors(|pixels| {
        let mut levels = Pixels::from(&*pixels);
        change(&mut levels);
        pixels.convert(&levels, f32::of);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_keeps_more_than_256_levels() {
        let mut pixel = Pixels {
            width: 1,
            height: 1,
            levels: vec![0.1, 0.5, 2.0, 0.123_456],
        };
        change_levels(&mut pixel, |levels| {
            assert_eq!(levels.levels, [26, 128, 255]);
            levels.levels[0] = 51;
        });
        assert_eq!(pixel.levels, [0.2, 128.0 / 255.0, 1.0, 0.123_456]);
    }
}
