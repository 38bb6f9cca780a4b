//! Box blur.

use super::odd;
use super::reflect::padded;
use super::summed::Summed;
use crate::error::Result;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Makes each pixel the mean of a square around it whose side, an odd number of pixels of the resized image, is drawn from `size`:
/// albumentations' `Blur`. Edges are reflected, as in OpenCV; means are rounded to the nearest level, but those of pictures of `f32`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoxBlur {
    #[serde(with = "crate::spec::range")]
    size: RangeInclusive<u32>,
}

impl BoxBlur {
    /// `size` in pixels, two odd numbers within `1..=15`, of which 1 changes nothing; albumentations' default is `3..=7`, as its `blur_limit`.
    pub fn new(size: RangeInclusive<u32>) -> Self {
        Self { size }
    }
}

impl Default for BoxBlur {
    fn default() -> Self {
        Self::new(3..=7)
    }
}

impl Spec for BoxBlur {
    const NAME: &'static str = "box_blur";

    fn check(&self) -> Result<()> {
        odd::check(&self.size, 1..=15)
    }
}

impl Operation for BoxBlur {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let size = odd::draw(&self.size, rng) as usize;
        Drawn::of_depth(
            subject.depth,
            move |pixels| blur(pixels, size),
            move |pixels| blur(pixels, size),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        self.size.start() < self.size.end()
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        let size = odd::draw(&self.size, rng);
        Some(format!("{size} x {size} pixels"))
    }
}

fn blur<L: Summed>(pixels: &mut Pixels<L>, size: usize) {
    let (all, stride) = padded(pixels, size / 2);
    let channels = pixels.channels();
    pixels.redraw(|old, new| {
        wide(Means {
            all: &all,
            stride,
            size,
            channels,
            wanted: old.stride(),
            new,
        });
    });
}

/// Sums of rows across, and of those down: of 8 bits both of 16 bits, which hold 15 x 15 levels.
struct Means<'a, L> {
    all: &'a [L],
    stride: usize,
    size: usize,
    channels: usize,
    /// Levels of a row of the result.
    wanted: usize,
    new: &'a mut [L],
}

impl<L: Summed> NullaryFnOnce for Means<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            all,
            stride,
            size,
            channels,
            wanted,
            new,
        } = self;
        let mut rows = vec![vec![L::Sum::default(); wanted]; size];
        let mut sums = vec![L::Sum::default(); wanted];
        let share = L::share(size * size);
        for (y, row) in all.chunks_exact(stride).enumerate() {
            let across = &mut rows[y % size];
            for (sum, &gone) in sums.iter_mut().zip(&*across) {
                *sum -= gone;
            }
            for (to, &level) in across.iter_mut().zip(row) {
                *to = level.into();
            }
            for tap in 1..size {
                for (to, &level) in across.iter_mut().zip(&row[tap * channels..]) {
                    *to += level.into();
                }
            }
            for (sum, &new) in sums.iter_mut().zip(&*across) {
                *sum += new;
            }
            if let Some(y) = (y + 1).checked_sub(size) {
                for (to, &sum) in new[y * wanted..][..wanted].iter_mut().zip(&sums) {
                    *to = L::mean(sum, share);
                }
            }
        }
    }
}
