//! Motion blur.

use super::odd;
use super::reflect::padded;
use super::summed::Summed;
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Makes each pixel the mean of a line through it, as a camera that moves: albumentations' `MotionBlur` with `direction_range=(0, 0)` and
/// `allow_shifted=False`. The line's length, an odd number of pixels of the resized image, is drawn from `size`, and its angle from
/// `angle`, in degrees from the horizontal, clockwise. Its pixels are those that are nearest to points one pixel apart on it. Edges are
/// reflected, as in OpenCV.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MotionBlur {
    #[serde(with = "crate::spec::range")]
    size: RangeInclusive<u32>,
    #[serde(with = "crate::spec::range")]
    angle: RangeInclusive<f32>,
}

impl MotionBlur {
    /// `size` in pixels, two odd numbers within `1..=63`, of which 1 changes nothing; albumentations' default is `3..=7`, as its
    /// `blur_limit`. The angle is any: its `angle_range`.
    pub fn new(size: RangeInclusive<u32>) -> Self {
        Self {
            size,
            angle: 0.0..=360.0,
        }
    }

    /// The range of angles, in degrees within `-360..=360`, clockwise from the horizontal. Defaults to `0.0..=360.0`.
    ///
    /// ```
    /// # use millstream::image::{Image, MotionBlur};
    /// let train = Image::new(224).with(MotionBlur::new(3..=15).angle(-10.0..=10.0)); // a camera that is moved sideways
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn angle(mut self, degrees: RangeInclusive<f32>) -> Self {
        self.angle = degrees;
        self
    }

    fn parameters(&self, rng: &mut Rng) -> (u32, f32) {
        let size = odd::draw(&self.size, rng);
        (size, rng.range(*self.angle.start(), *self.angle.end()))
    }
}

impl Default for MotionBlur {
    fn default() -> Self {
        Self::new(3..=7)
    }
}

impl Spec for MotionBlur {
    const NAME: &'static str = "motion_blur";

    fn check(&self) -> Result<()> {
        odd::check(&self.size, 1..=63)?;
        check_range("angle", &self.angle, -360.0..=360.0)
    }
}

impl Operation for MotionBlur {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (size, angle) = self.parameters(rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| blur(pixels, size, angle),
            move |pixels| blur(pixels, size, angle),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        let (size, angle) = self.parameters(rng);
        Some(format!("{size} pixels at {angle:.1} degrees"))
    }
}

fn blur<L: Summed>(pixels: &mut Pixels<L>, size: u32, angle: f32) {
    let (all, stride) = padded(pixels, size as usize / 2);
    let channels = pixels.channels();
    let line = line(size, f64::from(angle));
    let taps: Vec<usize> = line.into_iter().map(|(x, y)| y * stride + x * channels).collect();
    pixels.redraw(|old, new| {
        wide(Mean {
            all: &all,
            stride,
            taps: &taps,
            wanted: old.stride(),
            new,
        });
    });
}

/// The pixels of a line through the middle of a square of `size` pixels, without doubles.
fn line(size: u32, degrees: f64) -> Vec<(usize, usize)> {
    let (sin, cos) = libm::sincos(degrees.to_radians());
    let middle = f64::from(size / 2);
    let point = |nth: u32| {
        let along = f64::from(nth) - middle;
        let nearest = |at: f64| (middle + at * along).round_ties_even() as usize;
        (nearest(cos), nearest(sin))
    };
    let mut line: Vec<(usize, usize)> = (0..size).map(point).collect();
    line.sort_unstable_by_key(|&(x, y)| (y, x));
    line.dedup();
    line
}

/// Of 8 bits in sums of 16 bits, which hold 257 levels.
struct Mean<'a, L> {
    all: &'a [L],
    stride: usize,
    taps: &'a [usize],
    /// Levels of a row of the result.
    wanted: usize,
    new: &'a mut [L],
}

impl<L: Summed> NullaryFnOnce for Mean<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            all,
            stride,
            taps,
            wanted,
            new,
        } = self;
        let mut sums = vec![L::Sum::default(); wanted];
        let share = L::share(taps.len());
        for (y, row) in new.chunks_exact_mut(wanted).enumerate() {
            sums.fill(L::Sum::default());
            for tap in taps {
                for (sum, &level) in sums.iter_mut().zip(&all[y * stride + tap..][..wanted]) {
                    *sum += level.into();
                }
            }
            for (to, &sum) in row.iter_mut().zip(&sums) {
                *to = L::mean(sum, share);
            }
        }
    }
}
