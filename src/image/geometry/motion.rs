//! What moves pixels, and all that belongs to a picture with them.

use super::field::Field;
use super::homography::{Homography, mapped};
use super::padding::Padding;
use std::fmt;
use std::sync::Arc;

/// A map of the plane, from a picture of one size to a picture of another one.
///
/// It is a list of homographies, of which neighbours are multiplied, and of displacement fields. Places are in pixels from the top left
/// **corner** of the picture, x to the right and y downwards: the centre of the first pixel is `[0.5, 0.5]`.
///
/// Motions are put together with [`then`](Self::then), so that a picture is resampled once, however many there are.
///
/// ```
/// use millstream::image::Motion;
///
/// let size = [40, 30]; // width, height
/// let both = Motion::horizontal_flip(size).then(Motion::transpose(size));
/// assert_eq!(both.point([1.0, 2.0]), [2.0, 39.0]);
/// assert_eq!(both.origin([2.0, 39.0]), [1.0, 2.0]);
/// assert_eq!((both.from(), both.to()), ([40, 30], [30, 40]));
/// assert!(!both.mirrors()); // mirrored twice
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    from: [u32; 2],
    to: [u32; 2],
    /// In the order in which a point goes through them.
    parts: Vec<Part>,
    padding: Option<Padding>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Homography(Homography),
    Field(Arc<Field>),
}

impl Motion {
    /// Nothing moves in a picture of `[width, height]`.
    pub fn identity(size: [u32; 2]) -> Self {
        Self {
            from: size,
            to: size,
            parts: Vec::new(),
            padding: None,
        }
    }

    /// Left becomes right.
    pub fn horizontal_flip(size: [u32; 2]) -> Self {
        Self::stretch(size, size, [-1.0, 1.0], [f64::from(size[0]), 0.0])
    }

    /// The top becomes the bottom.
    pub fn vertical_flip(size: [u32; 2]) -> Self {
        Self::stretch(size, size, [1.0, -1.0], [0.0, f64::from(size[1])])
    }

    /// Rows become columns: what was at `[x, y]` is at `[y, x]`, in a picture of `[height, width]`.
    pub fn transpose(size: [u32; 2]) -> Self {
        let exchange = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let homography = Homography {
            forward: exchange,
            backward: exchange,
        };
        Self::of(size, [size[1], size[0]], homography)
    }

    /// A turn about the centre, counter-clockwise, in degrees; the size stays.
    pub fn rotation(size: [u32; 2], degrees: f64) -> Self {
        let (sin, cos) = sin_cos(degrees);
        Self::about_centre(size, [cos, sin, -sin, cos], [0.0; 2])
    }

    /// The linear map `[a, b, c, d]` (`x' = a x + b y`, `y' = c x + d y`) about the centre and then a shift in pixels; the size stays. A map
    /// without an inverse moves nothing.
    pub(in crate::image) fn about_centre(size: [u32; 2], [a, b, c, d]: [f64; 4], shift: [f64; 2]) -> Self {
        let [x, y] = size.map(|side| f64::from(side) / 2.0);
        let matrix = [a, b, x - a * x - b * y + shift[0], c, d, y - c * x - d * y + shift[1]];
        Self::affine(size, size, matrix).unwrap_or_else(|| Self::identity(size))
    }

    /// `x' = a x + b y + c` and `y' = d x + e y + f` for `[a, b, c, d, e, f]`, from a picture of `[width, height]` to another. None where
    /// that has no inverse.
    pub fn affine(from: [u32; 2], to: [u32; 2], [a, b, c, d, e, f]: [f64; 6]) -> Option<Self> {
        Self::homography(from, to, [a, b, c, d, e, f, 0.0, 0.0, 1.0])
    }

    /// A homography by its matrix, row by row, for `[x, y, 1]`, from a picture of `[width, height]` to another. None where that has no
    /// inverse, or where the middle of the picture goes to its horizon.
    pub fn homography(from: [u32; 2], to: [u32; 2], matrix: [f64; 9]) -> Option<Self> {
        let centre = from.map(|side| f64::from(side) / 2.0);
        Some(Self::of(from, to, Homography::new(matrix, centre)?))
    }

    /// The homography that takes four points of the input to four of the output. None where three of either lie on a line.
    pub fn of_points(from: [u32; 2], to: [u32; 2], points: [[f64; 2]; 4], ends: [[f64; 2]; 4]) -> Option<Self> {
        Some(Self::of(from, to, Homography::of_points(points, ends)?))
    }

    /// Displacements from place to place; the size stays.
    pub fn field(size: [u32; 2], field: Field) -> Self {
        Self {
            parts: vec![Part::Field(Arc::new(field))],
            ..Self::identity(size)
        }
    }

    /// The part of a picture from `left` and `top` on, of `to` pixels, of which some or all may lie beyond the picture.
    pub fn crop(from: [u32; 2], to: [u32; 2], [left, top]: [i32; 2]) -> Self {
        Self::stretch(from, to, [1.0; 2], [-f64::from(left), -f64::from(top)])
    }

    /// The whole picture at another size, squashed where the sides' ratio is another one.
    pub fn resize(from: [u32; 2], to: [u32; 2]) -> Self {
        let scale = [0, 1].map(|axis| f64::from(to[axis].max(1)) / f64::from(from[axis].max(1)));
        Self::stretch(from, to, scale, [0.0; 2])
    }

    /// `x' = a x + b`, `y' = c y + d` for `[a, c]` and `[b, d]`.
    pub(super) fn stretch(from: [u32; 2], to: [u32; 2], scale: [f64; 2], shift: [f64; 2]) -> Self {
        Self::of(from, to, Homography::stretch(scale, shift))
    }

    fn of(from: [u32; 2], to: [u32; 2], homography: Homography) -> Self {
        Self {
            from,
            to,
            parts: vec![Part::Homography(homography)],
            padding: None,
        }
    }

    /// Shows `padding` beyond the picture. Without it, that is what a motion before it says, or else black.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = Some(padding);
        self
    }

    /// This motion and then `next`, which begins with a picture of the size with which this one ends. Beyond the picture is what the
    /// first of the two to say so wants.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        debug_assert_eq!(self.to, next.from, "the second motion is for a picture of another size");
        for part in next.parts {
            match (self.parts.last_mut(), part) {
                (Some(Part::Homography(last)), Part::Homography(homography)) => *last = last.then(&homography),
                (_, part) => self.parts.push(part),
            }
        }
        self.to = next.to;
        self.padding = self.padding.or(next.padding);
        self
    }

    /// Width and height of the picture that is moved.
    pub fn from(&self) -> [u32; 2] {
        self.from
    }

    /// Width and height of the picture that it becomes.
    pub fn to(&self) -> [u32; 2] {
        self.to
    }

    /// Where a point of the input goes. Infinite beyond a homography's horizon.
    pub fn point(&self, at: [f64; 2]) -> [f64; 2] {
        self.parts.iter().fold(at, |at, part| match part {
            Part::Homography(homography) => mapped(&homography.forward, at).unwrap_or([f64::INFINITY; 2]),
            Part::Field(field) => field.point(at),
        })
    }

    /// Where a point of the output comes from. Infinite beyond a homography's horizon.
    pub fn origin(&self, at: [f64; 2]) -> [f64; 2] {
        self.parts.iter().rev().fold(at, |at, part| match part {
            Part::Homography(homography) => mapped(&homography.backward, at).unwrap_or([f64::INFINITY; 2]),
            Part::Field(field) => field.origin(at),
        })
    }

    /// True where left and right are exchanged, once or any odd number of times: what turns clockwise turns the other way then.
    pub fn mirrors(&self) -> bool {
        let mirrors = |part: &Part| matches!(part, Part::Homography(homography) if homography.mirrors());
        self.parts.iter().filter(|part| mirrors(part)).count() % 2 == 1
    }

    /// Whether one resample can show both this motion and `next`: they do not disagree about what is beyond the picture.
    pub(in crate::image) fn joins(&self, next: &Self) -> bool {
        next.joins_beyond(self.beyond())
    }

    /// As [`joins`](Self::joins), behind motions that show `beyond`.
    pub(in crate::image) fn joins_beyond(&self, beyond: Option<Padding>) -> bool {
        self.beyond().is_none() || beyond.is_none() || beyond == self.beyond()
    }

    /// True where lines stay lines: no displacement field is among its parts.
    pub fn is_straight(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Homography(_)))
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What is beyond the picture, where it says so.
    pub(in crate::image) fn beyond(&self) -> Option<Padding> {
        self.padding
    }

    /// The matrix from the output to the input, where there is one for all of the plane.
    pub(super) fn backward(&self) -> Option<[f64; 9]> {
        match &self.parts[..] {
            [] => Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
            [Part::Homography(homography)] => Some(homography.backward),
            _ => None,
        }
    }
}

/// Sine and cosine of degrees, exact for quarter turns.
pub(in crate::image) fn sin_cos(degrees: f64) -> (f64, f64) {
    let quarters = degrees / 90.0;
    if quarters != libm::round(quarters) {
        return libm::sincos(degrees.to_radians());
    }
    match (quarters as i64).rem_euclid(4) {
        0 => (0.0, 1.0),
        1 => (1.0, 0.0),
        2 => (0.0, -1.0),
        _ => (-1.0, 0.0),
    }
}

/// What it does, in a few words: `mirrored`.
impl fmt::Display for Motion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parts.is_empty() {
            return f.write_str("unchanged");
        }
        if *self == Self::horizontal_flip(self.from) {
            return f.write_str("mirrored");
        }
        if *self == Self::vertical_flip(self.from) {
            return f.write_str("upside down");
        }
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        let at = |corner: [f64; 2]| {
            let [x, y] = self.point([0, 1].map(|axis| corner[axis] * f64::from(self.from[axis])));
            // 0.0, not -0.0.
            let [x, y] = [x, y].map(|place| (10.0 * place).round() / 10.0 + 0.0);
            format!("{x:.1}, {y:.1}")
        };
        write!(f, "corners to {}", corners.map(at).join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_at_minus_zero() {
        let moved = Motion::affine([20, 10], [20, 10], [1.0, 0.0, -0.01, 0.0, 1.0, -0.04]).expect("it has an inverse");
        assert_eq!(
            moved.to_string(),
            "corners to 0.0, 0.0; 20.0, 0.0; 20.0, 10.0; 0.0, 10.0"
        );
        let region = super::super::region::Region {
            left: -0.3,
            top: -1.6,
            width: 20.0,
            height: 9.7,
        };
        assert_eq!(region.to_string(), "20 x 10 at 0, -2");
    }

    #[test]
    fn a_turn_is_counter_clockwise() {
        let turn = Motion::rotation([2, 2], 90.0);
        assert_eq!(turn.point([1.5, 0.5]), [0.5, 0.5]);
        assert_eq!(turn.origin([0.5, 0.5]), [1.5, 0.5]);
        assert!(!turn.mirrors());
    }
}
