//! A picture that is scaled and put somewhere.

use crate::image::Motion;

/// By which factor the picture is scaled, and to where its top left corner moves, in pixels.
pub(super) struct Placed {
    pub(super) factor: f64,
    pub(super) corner: [f64; 2],
}

impl Placed {
    /// The motion of a picture of `[width, height]` pixels, which keeps its size.
    pub(super) fn motion(&self, size: [u32; 2]) -> Option<Motion> {
        let [x, y] = self.corner;
        Motion::affine(size, size, [self.factor, 0.0, x, 0.0, self.factor, y])
    }

    pub(super) fn in_words(&self) -> String {
        let [x, y] = self.corner;
        format!("factor {:.3} from {x:.1}, {y:.1}", self.factor)
    }
}
