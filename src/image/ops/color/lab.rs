//! The lightness of CIE L\*a\*b\* (sRGB, D65), changed while a\* and b\* stay.

use crate::image::wide::wide;
use pulp::NullaryFnOnce;
use std::sync::OnceLock;

/// Pixels that are worked out side by side: enough of them for the compiler to make loops of vectors, not single instructions.
const BLOCK: usize = 256;
/// Steps of light for which there is a level: fine enough that each level comes back.
const STEPS: usize = 1 << 14;

/// X and Z of white are 1 here, as Y is.
const TO_XYZ: [[f32; 3]; 3] = [
    [0.412_453 / 0.950_456, 0.357_58 / 0.950_456, 0.180_423 / 0.950_456],
    [0.212_671, 0.715_16, 0.072_169],
    [0.019_334 / 1.088_754, 0.119_193 / 1.088_754, 0.950_227 / 1.088_754],
];
const FROM_XYZ: [[f32; 3]; 3] = [
    [3.240_479 * 0.950_456, -1.537_15, -0.498_535 * 1.088_754],
    [-0.969_256 * 0.950_456, 1.875_991, 0.041_556 * 1.088_754],
    [0.055_648 * 0.950_456, -0.204_043, 1.057_311 * 1.088_754],
];

/// sRGB's transfer function, both ways.
struct Transfer {
    light: [f32; 256],
    levels: [u8; STEPS],
}

fn transfer() -> &'static Transfer {
    static TRANSFER: OnceLock<Transfer> = OnceLock::new();
    TRANSFER.get_or_init(|| {
        let light = |level: f64| match level {
            ..=0.04045 => level / 12.92,
            _ => libm::pow((level + 0.055) / 1.055, 2.4),
        };
        let level = |light: f64| match light {
            ..=0.0031308 => light * 12.92,
            _ => 1.055 * libm::pow(light, 1.0 / 2.4) - 0.055,
        };
        let level_of = |step: usize| libm::round(level(step as f64 / (STEPS - 1) as f64) * 255.0) as u8;
        Transfer {
            light: std::array::from_fn(|level| light(level as f64 / 255.0) as f32),
            levels: std::array::from_fn(level_of),
        }
    })
}

/// Writes the lightness of each pixel: 0 to 255 for L\* of 0 to 100.
pub(super) fn lightness(levels: &[u8], lightness: &mut [u8]) {
    let (light, pixels) = (&transfer().light, levels.as_chunks().0);
    wide(Lightness {
        light,
        pixels,
        lightness,
    });
}

/// Moves the lightness of each pixel from that in `from` to that in `to`.
pub(super) fn change_lightness(levels: &mut [u8], from: &[u8], to: &[u8]) {
    let (transfer, pixels) = (transfer(), levels.as_chunks_mut().0);
    wide(Change {
        transfer,
        pixels,
        from,
        to,
    });
}

/// The light of each channel.
#[inline(always)]
fn gather(pixels: &[[u8; 3]], light: &[f32; 256], [red, green, blue]: &mut [[f32; BLOCK]; 3]) {
    for (((pixel, red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
        *red = light[usize::from(pixel[0])];
        *green = light[usize::from(pixel[1])];
        *blue = light[usize::from(pixel[2])];
    }
}

struct Lightness<'a> {
    light: &'a [f32; 256],
    pixels: &'a [[u8; 3]],
    lightness: &'a mut [u8],
}

impl NullaryFnOnce for Lightness<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            light,
            pixels,
            lightness,
        } = self;
        let (mut block, mut found) = ([[0.0; BLOCK]; 3], [0; BLOCK]);
        for (pixels, to) in pixels.chunks(BLOCK).zip(lightness.chunks_mut(BLOCK)) {
            gather(pixels, light, &mut block);
            let [red, green, blue] = &block;
            for at in 0..BLOCK {
                let y = sum(TO_XYZ[1], [red[at], green[at], blue[at]]);
                found[at] = whole((116.0 * root(y) - 16.0) * 2.55) as u8;
            }
            to.copy_from_slice(&found[..to.len()]);
        }
    }
}

struct Change<'a> {
    transfer: &'a Transfer,
    pixels: &'a mut [[u8; 3]],
    from: &'a [u8],
    to: &'a [u8],
}

impl NullaryFnOnce for Change<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            transfer,
            pixels,
            from,
            to,
        } = self;
        let (mut block, mut moved, mut steps) = ([[0.0; BLOCK]; 3], [0.0; BLOCK], [[0; BLOCK]; 3]);
        for ((pixels, from), to) in pixels.chunks_mut(BLOCK).zip(from.chunks(BLOCK)).zip(to.chunks(BLOCK)) {
            if from == to {
                continue;
            }
            gather(pixels, &transfer.light, &mut block);
            for ((by, &from), &to) in moved.iter_mut().zip(from).zip(to) {
                *by = (f32::from(to) - f32::from(from)) * (100.0 / 255.0 / 116.0);
            }
            change(&block, &moved, &mut steps);
            for (at, pixel) in pixels.iter_mut().enumerate() {
                for (level, steps) in pixel.iter_mut().zip(&steps) {
                    *level = transfer.levels[usize::from(steps[at]) % STEPS];
                }
            }
        }
    }
}

/// Steps of light, of the light of each channel, and of how much the root of Y moves.
#[inline(always)]
fn change([red, green, blue]: &[[f32; BLOCK]; 3], moved: &[f32; BLOCK], steps: &mut [[u16; BLOCK]; 3]) {
    for at in 0..BLOCK {
        let light = [red[at], green[at], blue[at]];
        // a* and b* are differences of roots, so all three move alike.
        let x = cube(root(sum(TO_XYZ[0], light)) + moved[at]);
        let y = cube(root(sum(TO_XYZ[1], light)) + moved[at]);
        let z = cube(root(sum(TO_XYZ[2], light)) + moved[at]);
        steps[0][at] = step(sum(FROM_XYZ[0], [x, y, z]));
        steps[1][at] = step(sum(FROM_XYZ[1], [x, y, z]));
        steps[2][at] = step(sum(FROM_XYZ[2], [x, y, z]));
    }
}

/// The step of a channel's light.
#[inline(always)]
fn step(light: f32) -> u16 {
    let light = if light > 0.0 { light } else { 0.0 };
    let light = if light < 1.0 { light } else { 1.0 };
    whole(light * (STEPS - 1) as f32) as u16
}

#[inline(always)]
fn sum(weights: [f32; 3], of: [f32; 3]) -> f32 {
    weights[0] * of[0] + weights[1] * of[1] + weights[2] * of[2]
}

/// CIE's function: a cube root with a straight part near 0.
#[inline(always)]
fn root(t: f32) -> f32 {
    let straight = 7.787 * t + 16.0 / 116.0;
    // A third of the exponent, and two of Newton's steps, which leave an error of a millionth.
    let t = if t > 0.001 { t } else { 0.001 };
    let near = f32::from_bits(t.to_bits() / 3 + 0x2a51_37a0);
    let near = (2.0 * near + t / (near * near)) * (1.0 / 3.0);
    let near = (2.0 * near + t / (near * near)) * (1.0 / 3.0);
    if t > 0.008_856 { near } else { straight }
}

/// The inverse of [`root`].
#[inline(always)]
fn cube(root: f32) -> f32 {
    let straight = (root - 16.0 / 116.0) * (1.0 / 7.787);
    if root > 0.206_893 { root * root * root } else { straight }
}

/// The nearest whole number of one from 0 to 65,535.
#[inline(always)]
fn whole(number: f32) -> u32 {
    (number + 8_388_608.0).to_bits() & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back() {
        for part in 0..1 << 15 {
            let pixel = [part & 31, part >> 5 & 31, part >> 10].map(|part: u32| (part * 255 / 31) as u8);
            let light = pixel.map(|level| transfer().light[usize::from(level)]);
            let xyz = TO_XYZ.map(|row| cube(root(sum(row, light))));
            let back = FROM_XYZ.map(|row| step(sum(row, xyz)));
            assert_eq!(back.map(|step| transfer().levels[usize::from(step)]), pixel);
        }
    }

    #[test]
    fn roots_are_those_of_f64() {
        for step in 9..1200 {
            let t = step as f32 / 1000.0;
            assert!((f64::from(root(t)) - libm::cbrt(t.into())).abs() < 4e-6, "{t}");
        }
    }
}
