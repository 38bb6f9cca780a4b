//! What is written beside an object on a picture.

use image::Rgb;

use super::canvas::{Canvas, SMALL, WHITE};
use super::drawn_object::{DrawnObject, class_colour};

/// Pixels of a label on each side of its text.
const PAD: i64 = 3;

/// Writes the label of `object` above its left upper corner, or where there is no room, inside of the picture, which is drawn so many `times` as large.
pub(super) fn label(canvas: &mut Canvas, object: &DrawnObject<'_>, times: f64) {
    let (width, height) = canvas.dimensions();
    let Some([x, y]) = anchor(object).filter(|_| !object.label.is_empty()) else {
        return;
    };
    let room = i64::from(width) - 2 * PAD;
    let text = SMALL.fit(&object.label, room.max(0) as u32);
    let across = i64::from(SMALL.width(&text)) + 2 * PAD;
    let down = i64::from(SMALL.height()) + 1;
    let left = ((x * times) as i64).min(i64::from(width) - across).max(0);
    let above = ((y * times) as i64).saturating_sub(down);
    let top = if above >= 0 { above } else { (y * times) as i64 }
        .min(i64::from(height) - down)
        .max(0);
    let colour = class_colour(object.class);
    canvas.fill((left as u32, top as u32), (across as u32, down as u32), colour);
    canvas.text(((left + PAD) as u32, top as u32), &text, SMALL, ink_on(colour));
}

/// Whether the box or the outline of an object is as wide as its label; so is what has neither.
#[cfg(feature = "train")]
pub(super) fn has_room(object: &DrawnObject<'_>) -> bool {
    let corners = object.corners.iter().flat_map(|&[x1, _, x2, _]| [x1, x2]);
    let sides = || corners.clone().chain(object.outline.iter().map(|&[x, _]| x));
    let least = sides().reduce(f64::min);
    let width = least.zip(sides().reduce(f64::max)).map(|(least, most)| most - least);
    width.is_none_or(|width| width >= (i64::from(SMALL.width(&object.label)) + 2 * PAD) as f64)
}

/// The left upper corner of what is drawn of an object; that of the picture where there is nothing but a mask.
fn anchor(object: &DrawnObject<'_>) -> Option<[f64; 2]> {
    let corners = object.corners.iter().flat_map(|&[x1, y1, x2, y2]| [[x1, y1], [x2, y2]]);
    let points = corners
        .chain(object.outline.iter().copied())
        .chain(object.keypoints.iter().flatten().copied());
    let of_points = points.reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1])]);
    let found = of_points.or_else(|| object.mask.map(|_| [0.0, 0.0]));
    found.filter(|point| point.iter().all(|side| side.is_finite()))
}

/// Black or white, whichever is read better on `colour`.
fn ink_on(Rgb([r, g, b]): Rgb<u8>) -> Rgb<u8> {
    let light = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    if light > 140_000 { Rgb([0; 3]) } else { WHITE }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "train")]
    use crate::image::Pixels;
    #[cfg(feature = "train")]
    use crate::report::picture::draw_objects_on_tile;

    #[test]
    fn labels_are_black_or_white() {
        assert_eq!(
            (ink_on(Rgb([255, 255, 0])), ink_on(Rgb([0, 0, 120]))),
            (Rgb([0; 3]), WHITE)
        );
    }

    #[cfg(feature = "train")]
    #[test]
    fn a_label_that_is_wider_than_its_box_is_left_out_of_a_tile() {
        let label_is_there = |right: f64| {
            let [x, y] = [50.0, 60.0];
            let object = DrawnObject {
                corners: Some([x, y, right, 160.0]),
                label: "Platelets".to_owned(),
                ..DrawnObject::default()
            };
            let drawn = draw_objects_on_tile(&Pixels::new(400, 300), &[object]).unwrap();
            // The box is there in any case.
            assert_eq!(drawn.get_pixel(50, 100), &class_colour(0));
            drawn.get_pixel(51, 58) == &class_colour(0)
        };
        // 72 pixels of text, 3 on each side.
        assert_eq!([127.0, 128.0, 300.0].map(label_is_there), [false, true, true]);
        let outline = DrawnObject {
            label: "Platelets".to_owned(),
            outline: vec![[50.0, 60.0], [90.0, 60.0], [70.0, 160.0]],
            ..DrawnObject::default()
        };
        assert!(!has_room(&outline));
        // A person of points alone.
        let points = DrawnObject {
            keypoints: vec![Some([300.0, 50.0])],
            outline: Vec::new(),
            ..outline
        };
        assert!(has_room(&points));
    }
}
