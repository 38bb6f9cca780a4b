//! Which transforms a policy chooses between, and how strong they are.

use super::transform::{Chosen, Transform};
use crate::error::Result;
use crate::image::parameters::check_number;
use crate::rng::Rng;

/// The strengths of a transform, from the weakest bin to the strongest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Magnitudes {
    /// It has one strength.
    One,
    /// Evenly from 0 to this number, to either side.
    To(f32),
    /// Evenly from 0 to this share of the side along which it moves, in pixels, to either side.
    ToShare(f64),
    /// Bits, from the first number down by the second.
    Bits(f32, f32),
    /// A threshold, evenly from 1 to 0.
    Threshold,
}

/// A transform with its strengths.
pub(super) type Entry = (Transform, Magnitudes);

impl Magnitudes {
    /// Whether a coin decides to which side it goes.
    pub(super) fn is_signed(self) -> bool {
        matches!(self, Self::To(_) | Self::ToShare(_))
    }

    /// That of bin `bin` of `bins`, in a picture whose side is `side` pixels long. The arithmetic is that of `torch.linspace`.
    pub(super) fn of(self, bin: u32, bins: u32, side: u32) -> f32 {
        match self {
            Self::One => 0.0,
            Self::To(end) => between(0.0, end, bin, bins),
            Self::ToShare(share) => between(0.0, (share * f64::from(side)) as f32, bin, bins),
            Self::Bits(from, less) => {
                let step = (f64::from(bins - 1) / f64::from(less)) as f32;
                libm::rintf(from - bin as f32 / step)
            }
            Self::Threshold => between(1.0, 0.0, bin, bins),
        }
    }
}

/// One of `space`, in bin `bin` of `bins` where it has several strengths, to a side that a coin decides.
pub(super) fn choose(
    space: &[Entry],
    bin: impl FnOnce(&mut Rng) -> u32,
    bins: u32,
    size: [u32; 2],
    rng: &mut Rng,
) -> Chosen {
    let (transform, magnitudes) = space[rng.below(space.len() as u64) as usize];
    let (bin, is_negative) = (bin(rng), rng.chance(0.5));
    chosen((transform, magnitudes), bin, bins, is_negative, size)
}

/// An entry in bin `bin` of `bins`.
pub(super) fn chosen((transform, magnitudes): Entry, bin: u32, bins: u32, is_negative: bool, size: [u32; 2]) -> Chosen {
    let magnitude = magnitudes.of(bin, bins, transform.side(size));
    let magnitude = if magnitudes.is_signed() && is_negative {
        -magnitude
    } else {
        magnitude
    };
    Chosen { transform, magnitude }
}

/// Refuses a number of bins that are no scale.
pub(super) fn check_bins(bins: u32) -> Result<()> {
    check_number("num_magnitude_bins", bins, 2..=1000)
}

/// Evenly from `start` to `end`. As torch does, the second half is counted from the end, and each is rounded once: 32 in 31 bins has
/// 15.999999 in the middle, which is cut to 15 pixels.
fn between(start: f32, end: f32, bin: u32, bins: u32) -> f32 {
    let step = f64::from((end - start) / (bins - 1) as f32);
    match bin < bins / 2 {
        true => (f64::from(start) + step * f64::from(bin)) as f32,
        false => (f64::from(end) - step * f64::from(bins - bin - 1)) as f32,
    }
}

/// That of RandAugment; AutoAugment has it with [`Transform::Invert`] and without [`Transform::Identity`].
pub(super) const RAND_AUGMENT: [Entry; 14] = [
    (Transform::Identity, Magnitudes::One),
    (Transform::ShearX, Magnitudes::To(0.3)),
    (Transform::ShearY, Magnitudes::To(0.3)),
    (Transform::TranslateX, Magnitudes::ToShare(150.0 / 331.0)),
    (Transform::TranslateY, Magnitudes::ToShare(150.0 / 331.0)),
    (Transform::Rotate, Magnitudes::To(30.0)),
    (Transform::Brightness, Magnitudes::To(0.9)),
    (Transform::Color, Magnitudes::To(0.9)),
    (Transform::Contrast, Magnitudes::To(0.9)),
    (Transform::Sharpness, Magnitudes::To(0.9)),
    (Transform::Posterize, Magnitudes::Bits(8.0, 4.0)),
    (Transform::Solarize, Magnitudes::Threshold),
    (Transform::AutoContrast, Magnitudes::One),
    (Transform::Equalize, Magnitudes::One),
];

pub(super) const TRIVIAL_AUGMENT_WIDE: [Entry; 14] = [
    (Transform::Identity, Magnitudes::One),
    (Transform::ShearX, Magnitudes::To(0.99)),
    (Transform::ShearY, Magnitudes::To(0.99)),
    (Transform::TranslateX, Magnitudes::To(32.0)),
    (Transform::TranslateY, Magnitudes::To(32.0)),
    (Transform::Rotate, Magnitudes::To(135.0)),
    (Transform::Brightness, Magnitudes::To(0.99)),
    (Transform::Color, Magnitudes::To(0.99)),
    (Transform::Contrast, Magnitudes::To(0.99)),
    (Transform::Sharpness, Magnitudes::To(0.99)),
    (Transform::Posterize, Magnitudes::Bits(8.0, 6.0)),
    (Transform::Solarize, Magnitudes::Threshold),
    (Transform::AutoContrast, Magnitudes::One),
    (Transform::Equalize, Magnitudes::One),
];

/// That of AugMix, the four that `all_ops` adds last: they are like the corruptions on which the paper tests.
pub(super) const AUG_MIX: [Entry; 13] = [
    (Transform::ShearX, Magnitudes::To(0.3)),
    (Transform::ShearY, Magnitudes::To(0.3)),
    (Transform::TranslateX, Magnitudes::ToShare(1.0 / 3.0)),
    (Transform::TranslateY, Magnitudes::ToShare(1.0 / 3.0)),
    (Transform::Rotate, Magnitudes::To(30.0)),
    (Transform::Posterize, Magnitudes::Bits(4.0, 4.0)),
    (Transform::Solarize, Magnitudes::Threshold),
    (Transform::AutoContrast, Magnitudes::One),
    (Transform::Equalize, Magnitudes::One),
    (Transform::Brightness, Magnitudes::To(0.9)),
    (Transform::Color, Magnitudes::To(0.9)),
    (Transform::Contrast, Magnitudes::To(0.9)),
    (Transform::Sharpness, Magnitudes::To(0.9)),
];

/// The strengths of `transform` in AutoAugment.
pub(super) fn of_auto_augment(transform: Transform) -> Magnitudes {
    let entry = RAND_AUGMENT.iter().find(|entry| entry.0 == transform);
    entry.map_or(Magnitudes::One, |entry| entry.1)
}
