//! Colours of pictures of `f32`, as torchvision changes them: what it cuts to `0..=1` is cut.

use crate::image::Pixels;
use crate::image::level::luma;

/// Multiplied by `factor`.
pub(super) fn brighten(pixels: &mut Pixels<f32>, factor: f32) {
    each(pixels, |level| (level * factor).clamp(0.0, 1.0));
}

/// Away from the mean grey, or towards it.
pub(super) fn stretch(pixels: &mut Pixels<f32>, factor: f32) {
    pixels.change_colors(|pixels| {
        let places = (pixels.width as usize * pixels.height as usize).max(1);
        let sum: f64 = match pixels.channels() {
            1 => pixels.levels.iter().map(|&level| f64::from(level)).sum(),
            _ => pixels
                .levels
                .as_chunks()
                .0
                .iter()
                .map(|&pixel| f64::from(luma(pixel)))
                .sum(),
        };
        let mean = (sum / places as f64) as f32;
        each(pixels, |level| (mean + factor * (level - mean)).clamp(0.0, 1.0));
    });
}

/// Each pixel away from its own grey, or towards it.
pub(super) fn saturate(pixels: &mut Pixels<f32>, factor: f32) {
    each_color(pixels, |color| {
        let grey = luma(color);
        color.map(|level| (grey + factor * (level - grey)).clamp(0.0, 1.0))
    });
}

/// To the power of `gamma`.
pub(super) fn raise(pixels: &mut Pixels<f32>, gamma: f32) {
    each(pixels, |level| libm::powf(level.max(0.0), gamma).min(1.0));
}

/// Each channel over the full range; one of a single value stays.
pub(super) fn stretch_levels(pixels: &mut Pixels<f32>) {
    pixels.change_colors(|pixels| {
        let channels = pixels.channels();
        for channel in 0..channels {
            let levels = pixels.levels.iter().skip(channel).step_by(channels);
            let (least, greatest) = levels.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), &level| {
                (least.min(level), greatest.max(level))
            });
            let (from, range) = match greatest > least {
                true => (least, greatest - least),
                false => (0.0, 1.0),
            };
            let levels = pixels.levels.iter_mut().skip(channel).step_by(channels);
            levels.for_each(|level| *level = ((*level - from) / range).clamp(0.0, 1.0));
        }
    });
}

/// Down to the multiples of a share of two to the power of `bits`, 8 at most, that lie below 1.
pub(super) fn posterize(pixels: &mut Pixels<f32>, bits: u8) {
    let levels = f32::from(1_u16 << bits.min(8));
    each(pixels, |level| {
        (level * levels).floor().clamp(0.0, levels - 1.0) / levels
    });
}

/// Each pixel its own grey.
pub(super) fn desaturate(pixels: &mut Pixels<f32>) {
    each_color(pixels, |color| [luma(color); 3]);
}

fn each(pixels: &mut Pixels<f32>, change: impl Fn(f32) -> f32) {
    pixels.change_colors(|pixels| pixels.levels.iter_mut().for_each(|level| *level = change(*level)));
}

/// Of pictures that have colours.
fn each_color(pixels: &mut Pixels<f32>, change: impl Fn([f32; 3]) -> [f32; 3]) {
    if pixels.channels() > 1 {
        pixels.change_colors(|pixels| {
            let colors = pixels.levels.as_chunks_mut().0;
            colors.iter_mut().for_each(|color| *color = change(*color));
        });
    }
}
