//! What moves pixels, and all that belongs to a picture with them.

use super::mirror::mirror;
use super::turn::turn;
use crate::image::mask::Mask;
use crate::image::pixels::Pixels;
use std::fmt;

/// A motion of a picture that keeps its size.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Motion {
    /// Left becomes right.
    HorizontalFlip,
    /// A turn about the centre, counter-clockwise, in degrees. Outside it is black, and 0 in a mask.
    Rotation(f32),
}

impl Motion {
    /// Moves the picture: bilinear where pixels do not fall on pixels.
    pub fn apply(&self, pixels: &mut Pixels) {
        match *self {
            Self::HorizontalFlip => pixels.redraw(mirror),
            Self::Rotation(degrees) => pixels.redraw(|old, new| turn(old, new, f64::from(degrees))),
        }
    }

    /// Moves a mask in the same way: each place has the value of the nearest one.
    pub(in crate::image) fn apply_to_mask(&self, mask: &mut Mask) {
        match *self {
            Self::HorizontalFlip => mask
                .values
                .chunks_exact_mut(mask.width as usize)
                .for_each(<[u8]>::reverse),
            Self::Rotation(degrees) => mask.turn(f64::from(degrees)),
        }
    }
}

impl fmt::Display for Motion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HorizontalFlip => f.write_str("mirrored"),
            Self::Rotation(degrees) => write!(f, "{degrees:.2} degrees"),
        }
    }
}
