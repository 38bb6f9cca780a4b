//! What lies beyond a picture.

use crate::image::level::Level;
use crate::image::pixels::luma;
use serde::{Deserialize, Serialize};

/// What the plane shows beyond the edges of a picture: torchvision's `padding_mode` with its `fill`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// One colour (red, green, blue); masks are 0 there, or what [`fill_mask`](crate::image::Image::fill_mask) says.
    Constant([u8; 3]),
    /// The outermost pixels go on.
    Edge,
    /// The picture is mirrored about the middle of its outermost pixels, which are not repeated.
    Reflect,
    /// The picture is mirrored about its edges.
    Symmetric,
}

/// Black.
impl Default for Padding {
    fn default() -> Self {
        Self::Constant([0; 3])
    }
}

impl Padding {
    /// True where what is beyond is part of the picture again.
    pub(super) fn folds(self) -> bool {
        matches!(self, Self::Reflect | Self::Symmetric)
    }

    /// The place inside a picture of `length` pixels that is seen at `at`, a place on an endless axis. Only for what [folds](Self::folds).
    #[inline(always)]
    pub(super) fn folded(self, at: f64, length: f64) -> f64 {
        let edge = if self == Self::Reflect { 0.5 } else { 0.0 };
        let room = length - 2.0 * edge;
        if room <= 0.0 {
            return length / 2.0;
        }
        let period = 2.0 * room;
        let within = (at - edge) - ((at - edge) / period).floor() * period;
        edge + within.min(period - within)
    }

    /// The pixel of `length` that is seen at pixel `at` of an endless axis; none where it is of one colour.
    pub(super) fn pixel(self, at: i64, length: u32) -> Option<usize> {
        let last = i64::from(length) - 1;
        match self {
            _ if (0..=last).contains(&at) => Some(at as usize),
            Self::Constant(_) => None,
            Self::Edge => Some(at.clamp(0, last) as usize),
            _ => Some((self.folded(at as f64 + 0.5, f64::from(length)) as usize).min(last as usize)),
        }
    }

    /// The colour beyond in a picture of one channel (its luma), three or four, where it is transparent.
    pub(super) fn fill_of<const N: usize, L: Level>(self) -> [L; N] {
        let fill = match self {
            Self::Constant(fill) => fill,
            _ => [0; 3],
        };
        std::array::from_fn(|channel| match (N, channel) {
            (1, _) => L::of(luma(fill) as u8),
            (_, 3) => L::of(0),
            (_, channel) => L::of(fill[channel]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `numpy.pad` has them.
    #[test]
    fn pixels_beyond_are_numpys() {
        let of = |padding: Padding, length| (-4..6).map(|at| padding.pixel(at, length)).collect::<Option<Vec<_>>>();
        assert_eq!(of(Padding::Edge, 3), Some(vec![0, 0, 0, 0, 0, 1, 2, 2, 2, 2]));
        assert_eq!(of(Padding::Reflect, 3), Some(vec![0, 1, 2, 1, 0, 1, 2, 1, 0, 1]));
        assert_eq!(of(Padding::Symmetric, 3), Some(vec![2, 2, 1, 0, 0, 1, 2, 2, 1, 0]));
        assert_eq!(of(Padding::Reflect, 1), Some(vec![0; 10]));
        assert_eq!(of(Padding::default(), 3), None);
    }
}
