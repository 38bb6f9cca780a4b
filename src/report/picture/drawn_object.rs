//! What is drawn of an object, and in which colour.

use image::Rgb;

use super::bars::COLOURS;

/// An object in a picture. What is given of it is drawn; all points are in pixels from the left upper corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DrawnObject<'a> {
    /// Its class, which decides the colour.
    pub class: u32,
    /// What is written beside it: `cat 0.93`. Nothing where it is empty.
    pub label: String,
    /// The corners `[x1, y1, x2, y2]` of its box.
    pub corners: Option<[f64; 4]>,
    /// The corners of an outline, which is closed: an oriented box or a polygon.
    pub outline: Vec<[f64; 2]>,
    /// A byte for each pixel of the picture, line by line; the object is where it is not 0.
    pub mask: Option<&'a [u8]>,
    /// Points; `None` where one is not seen.
    pub keypoints: Vec<Option<[f64; 2]>>,
    /// Pairs of keypoints with a line between them.
    pub skeleton: &'a [(usize, usize)],
}

/// The colour of `class`: six that stay apart for colour-blind readers, then others, each as far from the one before as can be.
pub fn class_colour(class: u32) -> Rgb<u8> {
    if let Some(colour) = COLOURS[1..].get(class as usize) {
        return *colour;
    }
    // The golden angle, and three degrees of lightness.
    let hue = f64::from(class) * 137.507_764_05 % 360.0 / 60.0;
    let high = [230.0, 180.0, 140.0][class as usize % 3];
    let low = high * 0.25;
    let part = |shift: f64| {
        let from = (hue + shift).rem_euclid(6.0);
        let share = (from - 3.0).abs() - 1.0;
        (low + (high - low) * share.clamp(0.0, 1.0)).round() as u8
    };
    Rgb([part(0.0), part(4.0), part(2.0)])
}
