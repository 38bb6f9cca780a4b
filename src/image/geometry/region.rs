//! A part of a picture.

use std::fmt;

/// A part of an image, in pixels from the top left corner; edges may lie between pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Region {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Region {
    /// All of an image of `width` x `height` pixels.
    pub(crate) fn whole(width: u32, height: u32) -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            width: f64::from(width),
            height: f64::from(height),
        }
    }
}

impl Region {
    /// Whether it is inside a picture of `of` pixels, but for errors of rounding.
    pub(crate) fn is_inside(&self, of: [u32; 2]) -> bool {
        let inside = |start: f64, length: f64, of: u32| start >= 0.0 && start + length <= f64::from(of) + 1e-6;
        inside(self.left, self.width, of[0]) && inside(self.top, self.height, of[1])
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            left,
            top,
            width,
            height,
        } = self;
        // 0, not -0.
        let [left, top] = [left, top].map(|side| side.round() + 0.0);
        write!(f, "{width:.0} x {height:.0} at {left}, {top}")
    }
}
