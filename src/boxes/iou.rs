//! Intersection over union.

/// The area of a box; 0 where its right lower corner is not right of and below the left upper one.
pub fn area([x1, y1, x2, y2]: [f64; 4]) -> f64 {
    (x2 - x1).max(0.0) * (y2 - y1).max(0.0)
}

/// The area that two boxes share.
pub fn intersection(a: [f64; 4], b: [f64; 4]) -> f64 {
    area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])])
}

/// Intersection over union of two boxes, 0 to 1; 0 for two boxes without an area.
///
/// ```
/// use millstream::boxes::iou;
///
/// assert_eq!(iou([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]), 2.0 / 6.0);
/// ```
pub fn iou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let shared = intersection(a, b);
    ratio(shared, area(a) + area(b) - shared)
}

/// The share of `found` that lies in the box of a crowd, 0 to 1: COCO's overlap with a box that stands for many objects, any part of
/// which may be found.
pub fn crowd_overlap(found: [f64; 4], crowd: [f64; 4]) -> f64 {
    ratio(intersection(found, crowd), area(found))
}

fn ratio(part: f64, whole: f64) -> f64 {
    if part > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_shares_of_areas() {
        let (a, b) = ([0.0, 0.0, 4.0, 2.0], [2.0, 1.0, 6.0, 3.0]);
        assert_eq!((area(a), intersection(a, b)), (8.0, 2.0));
        assert_eq!((iou(a, b), iou(b, a), iou(a, a)), (2.0 / 14.0, 2.0 / 14.0, 1.0));
        assert_eq!(
            (crowd_overlap(a, b), crowd_overlap([3.0, 1.0, 4.0, 2.0], b)),
            (0.25, 1.0)
        );
    }

    #[test]
    fn boxes_that_touch_or_have_no_area_do_not_overlap() {
        let a = [0.0, 0.0, 2.0, 2.0];
        for b in [
            [2.0, 0.0, 4.0, 2.0],
            [1.0, 1.0, 1.0, 2.0],
            [2.0, 2.0, 0.0, 0.0],
            [5.0, 5.0, 6.0, 6.0],
        ] {
            assert_eq!((iou(a, b), crowd_overlap(b, a)), (0.0, 0.0), "{b:?}");
        }
        assert_eq!(iou([1.0; 4], [1.0; 4]), 0.0);
    }
}
