//! What belongs to a picture, drawn on it: boxes, outlines, masks and keypoints with their names.

use image::{Rgb, RgbImage, imageops};

use super::canvas::{Canvas, WHITE};
use super::drawn_object::{DrawnObject, class_colour};
#[cfg(feature = "train")]
use super::labels::has_room;
use super::labels::label;
use crate::error::{Error, Result};
use crate::image::Pixels;

/// The least length of a picture's longer side on which labels can be read.
const READABLE: u32 = 320;
/// How much of its colour a mask lets through, of 256.
const MASK: u32 = 115;
/// No point is drawn farther away than this, in pixels.
const FAR: f64 = 1e7;

/// `picture` with `objects` on it, the later ones above the earlier ones, and all labels above them. What lies outside is cut; a label is
/// moved inside. A picture whose longer side is below 320 pixels is enlarged by a whole number, so that labels can be read.
///
/// ```
/// use millstream::image::Pixels;
/// use millstream::report::picture::{DrawnObject, draw_objects};
///
/// let cat = DrawnObject {
///     label: "cat 0.93".to_owned(),
///     corners: Some([40.0, 60.0, 200.0, 180.0]),
///     ..DrawnObject::default()
/// };
/// let drawn = draw_objects(&Pixels::new(640, 480), &[cat])?;
/// assert_eq!(drawn.dimensions(), (640, 480));
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Data` where a picture or a mask has not as many bytes as pixels.
pub fn draw_objects(picture: &Pixels, objects: &[DrawnObject<'_>]) -> Result<RgbImage> {
    let longer = picture.width.max(picture.height).max(1);
    drawn(picture, objects, READABLE.div_ceil(longer).max(1), |_| true)
}

/// As [`draw_objects`], without enlarging a small picture: labels are better left out then. So are those that are wider than the box or the outline that they
/// are of: they would hide it, and others beside it.
#[cfg(feature = "train")]
pub(crate) fn draw_objects_on_tile(picture: &Pixels, objects: &[DrawnObject<'_>]) -> Result<RgbImage> {
    drawn(picture, objects, 1, has_room)
}

/// `objects` on `picture`, which is enlarged so many `times`; those that `is_labelled` holds of have their labels.
fn drawn(
    picture: &Pixels,
    objects: &[DrawnObject<'_>],
    times: u32,
    is_labelled: fn(&DrawnObject<'_>) -> bool,
) -> Result<RgbImage> {
    let misfit = || Error::data("a picture to draw on has no pixels, or not three bytes for each");
    let (width, height) = (picture.width, picture.height);
    let image = RgbImage::from_raw(width, height, picture.levels.clone()).ok_or_else(misfit)?;
    let longer = width.max(height);
    if longer == 0 {
        return Err(misfit());
    }
    let image = match times {
        1 => image,
        times => imageops::resize(&image, width * times, height * times, imageops::FilterType::Nearest),
    };
    let mut drawing = Drawing {
        width: i64::from(image.width()),
        height: i64::from(image.height()),
        times: f64::from(times),
        line: i64::from((longer * times / 300).clamp(2, 8)),
        image,
    };
    objects.iter().try_for_each(|object| drawing.mask(object, times))?;
    objects.iter().for_each(|object| drawing.lines(object));
    let mut canvas = Canvas::over(drawing.image);
    for object in objects.iter().filter(|object| is_labelled(object)) {
        label(&mut canvas, object, f64::from(times));
    }
    Ok(canvas.into_image())
}

/// A picture on its way.
struct Drawing {
    image: RgbImage,
    width: i64,
    height: i64,
    /// Pixels of the drawing to a pixel of the picture.
    times: f64,
    /// How wide lines are.
    line: i64,
}

impl Drawing {
    fn mask(&mut self, object: &DrawnObject<'_>, times: u32) -> Result<()> {
        let Some(mask) = object.mask else { return Ok(()) };
        let Rgb(colour) = class_colour(object.class);
        let across = self.image.width() / times;
        if mask.len() as u64 != u64::from(across) * u64::from(self.image.height() / times) {
            return Err(Error::data(format!(
                "a mask has {} pixels, and its picture {across}x{}",
                mask.len(),
                self.image.height() / times
            )));
        }
        for (x, y, Rgb(pixel)) in self.image.enumerate_pixels_mut() {
            if mask[(y / times * across + x / times) as usize] != 0 {
                for (level, colour) in pixel.iter_mut().zip(colour) {
                    let mixed = u32::from(*level) * (256 - MASK) + u32::from(colour) * MASK;
                    *level = (mixed >> 8) as u8;
                }
            }
        }
        Ok(())
    }

    fn lines(&mut self, object: &DrawnObject<'_>) {
        let colour = class_colour(object.class);
        if let Some([x1, y1, x2, y2]) = object.corners {
            let corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
            self.closed(&corners, colour);
        }
        self.closed(&object.outline, colour);
        let seen = |at: usize| object.keypoints.get(at).copied().flatten();
        for &(from, to) in object.skeleton {
            if let (Some(from), Some(to)) = (seen(from), seen(to)) {
                self.stroke(from, to, colour);
            }
        }
        for point in object.keypoints.iter().flatten() {
            // Its colour inside of white, so that it is seen on any picture.
            self.dot(*point, 3 * self.line, WHITE);
            self.dot(*point, 3 * self.line - 2, colour);
        }
    }

    fn closed(&mut self, corners: &[[f64; 2]], colour: Rgb<u8>) {
        for (at, &from) in corners.iter().enumerate() {
            self.stroke(from, corners[(at + 1) % corners.len()], colour);
        }
    }

    /// A line between two points of the picture, as far as it lies inside.
    fn stroke(&mut self, from: [f64; 2], to: [f64; 2], colour: Rgb<u8>) {
        // Points that are far away would lose the digits of what is near.
        let scaled = |point: [f64; 2]| point.map(|side| (side * self.times).clamp(-FAR, FAR));
        let size = [self.width as f64, self.height as f64];
        let Some((from, to)) = clipped(scaled(from), scaled(to), size, self.line as f64) else {
            return;
        };
        let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).ceil().max(1.0);
        for step in 0..=steps as u32 {
            let share = f64::from(step) / steps;
            let at = |side: usize| from[side] + (to[side] - from[side]) * share;
            self.square([at(0), at(1)], self.line, colour);
        }
    }

    fn dot(&mut self, [x, y]: [f64; 2], side: i64, colour: Rgb<u8>) {
        self.square([x * self.times, y * self.times], side, colour);
    }

    /// A square of `side` pixels around a point of the drawing.
    fn square(&mut self, [x, y]: [f64; 2], side: i64, colour: Rgb<u8>) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        let first = |at: f64| (at - side as f64 / 2.0).round() as i64;
        let range = |at: i64, end: i64| at.clamp(0, end)..at.saturating_add(side).clamp(0, end);
        for y in range(first(y), self.height) {
            for x in range(first(x), self.width) {
                self.image.put_pixel(x as u32, y as u32, colour);
            }
        }
    }
}

/// The part of a line that lies in a picture of `size`, or up to `beyond` outside of it (Liang and Barsky 1984). None where nothing does.
fn clipped(from: [f64; 2], to: [f64; 2], size: [f64; 2], beyond: f64) -> Option<([f64; 2], [f64; 2])> {
    let (mut first, mut last) = (0.0_f64, 1.0_f64);
    for side in 0..2 {
        let (start, way) = (from[side], to[side] - from[side]);
        if !way.is_finite() {
            return None;
        }
        let (low, high) = (-beyond - start, size[side] + beyond - start);
        if way == 0.0 {
            if low > 0.0 || high < 0.0 {
                return None;
            }
            continue;
        }
        let (enters, leaves) = (low / way, high / way);
        first = first.max(enters.min(leaves));
        last = last.min(enters.max(leaves));
    }
    let at = |share: f64| std::array::from_fn(|side| from[side] + (to[side] - from[side]) * share);
    (first <= last).then(|| (at(first), at(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32) -> Pixels {
        let mut picture = Pixels::new(width, height);
        picture.levels.fill(100);
        picture
    }

    fn boxed(corners: [f64; 4], label: &str) -> DrawnObject<'static> {
        DrawnObject {
            corners: Some(corners),
            label: label.to_owned(),
            ..DrawnObject::default()
        }
    }

    #[test]
    fn a_box_has_its_lines_and_its_label_above() {
        let drawn = draw_objects(&grey(400, 300), &[boxed([50.0, 60.0, 200.0, 160.0], "cat")]).unwrap();
        let colour = class_colour(0);
        for (x, y) in [(50, 100), (199, 100), (120, 60), (120, 159)] {
            assert_eq!(drawn.get_pixel(x, y), &colour, "{x} {y}");
        }
        assert_eq!(drawn.get_pixel(120, 100), &Rgb([100; 3]));
        // The label ends where the box begins: 24 pixels of text, 3 on each side.
        assert_eq!(drawn.get_pixel(50 + 29, 60 - 2), &colour);
        assert_eq!(drawn.get_pixel(50 + 31, 60 - 8), &Rgb([100; 3]));
        assert_eq!(drawn.get_pixel(51, 60 - 15), &Rgb([100; 3]));
    }

    #[test]
    fn what_lies_outside_is_cut_and_a_label_moves_inside() {
        let far = [-1e300, -50.0, 1e12, 5000.0];
        let drawn = draw_objects(
            &grey(400, 300),
            &[boxed(far, "a label that is longer than the picture is wide, by far")],
        );
        let drawn = drawn.unwrap();
        assert_eq!(drawn.get_pixel(1, 1), &class_colour(0));
        assert_eq!(drawn.get_pixel(399, 1), &Rgb([100; 3]));
        let right = draw_objects(&grey(400, 300), &[boxed([390.0, 290.0, 500.0, 400.0], "right")]).unwrap();
        assert_eq!(right.get_pixel(399, 290 - 3), &class_colour(0));
        for bad in [[f64::NAN; 4], [f64::INFINITY; 4], [500.0, 500.0, 600.0, 600.0]] {
            let drawn = draw_objects(&grey(400, 300), &[boxed(bad, "")]).unwrap();
            assert!(drawn.pixels().all(|pixel| pixel.0 == [100; 3]), "{bad:?}");
        }
    }

    #[test]
    fn masks_let_the_picture_through_and_points_are_seen() {
        let mask: Vec<u8> = (0..400 * 300).map(|at| u8::from(at % 400 < 200)).collect();
        let person = DrawnObject {
            class: 3,
            mask: Some(&mask),
            keypoints: vec![Some([300.0, 50.0]), None, Some([300.0, 250.0])],
            skeleton: &[(0, 2), (0, 1), (0, 9)],
            outline: vec![[250.0, 20.0], [390.0, 20.0], [320.0, 280.0]],
            ..DrawnObject::default()
        };
        let drawn = draw_objects(&grey(400, 300), std::slice::from_ref(&person)).unwrap();
        let Rgb(colour) = class_colour(3);
        let mixed = colour.map(|level| ((100 * (256 - MASK) + u32::from(level) * MASK) >> 8) as u8);
        assert_eq!(drawn.get_pixel(100, 100), &Rgb(mixed));
        assert_eq!(drawn.get_pixel(220, 100), &Rgb([100; 3]));
        for (x, y) in [(300, 50), (300, 150), (300, 250), (320, 20)] {
            assert_eq!(drawn.get_pixel(x, y), &Rgb(colour), "{x} {y}");
        }
        let short = DrawnObject {
            mask: Some(&mask[1..]),
            ..person
        };
        assert!(draw_objects(&grey(400, 300), &[short]).is_err());
        assert!(draw_objects(&Pixels::new(0, 0), &[]).is_err());
    }

    #[test]
    fn small_pictures_are_enlarged() {
        let mut picture = grey(28, 20);
        picture.levels[..3].copy_from_slice(&[1, 2, 3]);
        let mask: Vec<u8> = (0..28 * 20).map(|at| u8::from(at == 29)).collect();
        let object = DrawnObject {
            mask: Some(&mask),
            ..DrawnObject::default()
        };
        let drawn = draw_objects(&picture, &[object]).unwrap();
        assert_eq!(drawn.dimensions(), (28 * 12, 20 * 12));
        assert_eq!(drawn.get_pixel(11, 11), &Rgb([1, 2, 3]));
        assert_ne!(drawn.get_pixel(12, 12), &Rgb([100; 3]));
        assert_eq!(drawn.get_pixel(24, 12), &Rgb([100; 3]));
    }

    #[test]
    fn classes_have_colours_of_their_own() {
        let mut colours: Vec<[u8; 3]> = (0..100).map(|class| class_colour(class).0).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 100);
    }
}
