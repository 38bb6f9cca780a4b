//! Which of the boxes that were found are objects: COCO's greedy matching, picture by picture and class by class.

use crate::boxes::{area, crowd_overlap, iou};
use std::ops::RangeInclusive;

/// An object of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueBox {
    /// `[x1, y1, x2, y2]` in pixels.
    pub corners: [f64; 4],
    /// Its class.
    pub class: u32,
    /// Its area in square pixels, by which it is small, medium or large: COCO's `area`, that of its mask. `None` for that of the box.
    pub area: Option<f64>,
    /// Whether the box stands for many objects, which may be found or not: COCO's `iscrowd`.
    pub crowd: bool,
    /// Whether it need not be found: Pascal VOC's `difficult`. It does not count, and neither does what finds it, however often.
    pub difficult: bool,
}

/// A box that was found in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundBox {
    /// `[x1, y1, x2, y2]` in pixels.
    pub corners: [f64; 4],
    /// Its class.
    pub class: u32,
    /// How sure the model is of it. Only the order counts.
    pub score: f64,
}

/// Thresholds of the intersection over union: 0.5, 0.55, .., 0.95.
pub(super) const THRESHOLDS: usize = 10;

/// The threshold at `at`, rounded as NumPy's `linspace(0.5, 0.95, 10)` rounds it.
pub(super) fn threshold(at: usize) -> f64 {
    if at + 1 == THRESHOLDS {
        return 0.95;
    }
    at as f64 * ((0.95 - 0.5) / 9.0) + 0.5
}

/// COCO's ranges of areas: all objects, small, medium and large ones. An area on a border is in both.
pub(super) const SIZES: [RangeInclusive<f64>; 4] = [0.0..=1e10, 0.0..=1024.0, 1024.0..=9216.0, 9216.0..=1e10];

/// What a found box is, at each threshold a bit: the first threshold is the lowest bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// It is an object.
    pub(super) right: u16,
    /// It does not count: it is a crowd, or of another size.
    pub(super) ignored: u16,
}

/// The boxes of one class in one picture.
#[derive(Clone, Debug, Default)]
pub(super) struct Matched {
    /// The scores of the boxes that were found, the highest first.
    pub(super) scores: Vec<f64>,
    /// What each is among the objects of each size.
    pub(super) verdicts: Vec<[Verdict; 4]>,
    /// Objects of each size.
    pub(super) truth: [u32; 4],
}

impl Matched {
    /// Matches the `at_most` best of the boxes `found` with the objects `truth`. All are of one class.
    pub(super) fn new(truth: &[TrueBox], found: &[FoundBox], at_most: usize) -> Self {
        // Stable: of equal scores the earlier box comes first.
        let mut best: Vec<&FoundBox> = found.iter().collect();
        best.sort_by(|a, b| b.score.total_cmp(&a.score));
        best.truncate(at_most);
        let overlap = |found: &FoundBox, truth: &TrueBox| match truth.crowd {
            true => crowd_overlap(found.corners, truth.corners),
            false => iou(truth.corners, found.corners),
        };
        let overlaps: Vec<Vec<f64>> = best
            .iter()
            .map(|found| truth.iter().map(|truth| overlap(found, truth)).collect())
            .collect();
        let mut matched = Self {
            scores: best.iter().map(|found| found.score).collect(),
            verdicts: vec![Default::default(); best.len()],
            truth: [0; 4],
        };
        for (size, range) in SIZES.iter().enumerate() {
            let is_ignored = |truth: &TrueBox| {
                truth.crowd || truth.difficult || !range.contains(&truth.area.unwrap_or_else(|| area(truth.corners)))
            };
            // Those that count come first.
            let mut order: Vec<usize> = (0..truth.len()).collect();
            order.sort_by_key(|&at| is_ignored(&truth[at]));
            let counted = order.iter().filter(|&&at| !is_ignored(&truth[at])).count();
            matched.truth[size] = counted as u32;
            for at in 0..THRESHOLDS {
                let mut taken = vec![false; truth.len()];
                for (found, overlaps) in overlaps.iter().enumerate() {
                    let verdict = &mut matched.verdicts[found][size];
                    match partner(&order, counted, truth, &taken, overlaps, threshold(at)) {
                        Some(place) => {
                            taken[order[place]] = true;
                            match place < counted {
                                true => verdict.right |= 1 << at,
                                false => verdict.ignored |= 1 << at,
                            }
                        }
                        None if !range.contains(&area(best[found].corners)) => verdict.ignored |= 1 << at,
                        None => {}
                    }
                }
            }
        }
        matched
    }
}

/// The place in `order`, whose first `counted` count, of the object that a box belongs to whose overlap with each object is given:
/// of those that are left the one with the largest overlap of at least `threshold`, of equal ones the last; one that does not count only
/// where there is no other. Crowds and difficult objects are always left.
fn partner(
    order: &[usize],
    counted: usize,
    truth: &[TrueBox],
    taken: &[bool],
    overlaps: &[f64],
    threshold: f64,
) -> Option<usize> {
    let (mut least, mut best) = (threshold.min(1.0 - 1e-10), None);
    for (place, &at) in order.iter().enumerate() {
        if taken[at] && !truth[at].crowd && !truth[at].difficult {
            continue;
        }
        if place >= counted && best.is_some_and(|best| best < counted) {
            break;
        }
        if overlaps[at] >= least {
            (least, best) = (overlaps[at], Some(place));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(corners: [f64; 4]) -> TrueBox {
        TrueBox {
            corners,
            class: 0,
            area: None,
            crowd: false,
            difficult: false,
        }
    }

    fn found(corners: [f64; 4], score: f64) -> FoundBox {
        FoundBox {
            corners,
            class: 0,
            score,
        }
    }

    #[test]
    fn thresholds_are_numpys() {
        assert_eq!((threshold(0), threshold(5), threshold(9)), (0.5, 0.75, 0.95));
        // What `linspace` gives, and not 0.9.
        assert_eq!((threshold(3), threshold(8)), (0.65, 0.899_999_999_999_999_9));
    }

    #[test]
    fn an_object_is_found_once_by_the_best_box() {
        let object = truth([0.0, 0.0, 10.0, 10.0]);
        let boxes = [found([0.0, 0.0, 10.0, 10.0], 0.3), found([0.0, 0.0, 10.0, 6.0], 0.9)];
        let matched = Matched::new(&[object], &boxes, 100);
        assert_eq!((matched.scores, matched.truth), (vec![0.9, 0.3], [1, 1, 0, 0]));
        // The first is right where 0.6 is enough, the second where it is not.
        let right: Vec<u16> = matched.verdicts.iter().map(|of| of[0].right).collect();
        assert_eq!(right, [0b111, 0b11_1111_1000]);
    }

    #[test]
    fn a_difficult_object_is_found_any_number_of_times_as_a_whole() {
        let difficult = TrueBox {
            difficult: true,
            ..truth([0.0, 0.0, 100.0, 100.0])
        };
        let boxes = [
            found([0.0, 0.0, 100.0, 100.0], 0.9),
            found([0.0, 0.0, 100.0, 98.0], 0.8),
            // A part of it is not it, which it would be of a crowd.
            found([0.0, 0.0, 20.0, 20.0], 0.7),
        ];
        let matched = Matched::new(&[difficult], &boxes, 100);
        assert_eq!(matched.truth, [0; 4]);
        let ignored: Vec<u16> = matched.verdicts.iter().map(|of| of[0].ignored).collect();
        assert_eq!(ignored, [0x3ff, 0x3ff, 0]);
        assert!(matched.verdicts.iter().all(|of| of[0].right == 0));
    }

    #[test]
    fn a_crowd_is_found_any_number_of_times_and_does_not_count() {
        let crowd = TrueBox {
            crowd: true,
            ..truth([0.0, 0.0, 100.0, 100.0])
        };
        let boxes = [found([0.0, 0.0, 10.0, 10.0], 0.9), found([5.0, 5.0, 20.0, 20.0], 0.8)];
        let matched = Matched::new(&[crowd], &boxes, 100);
        assert_eq!(matched.truth, [0; 4]);
        assert!(matched.verdicts.iter().all(|of| of[0]
            == Verdict {
                right: 0,
                ignored: 0x3ff
            }));
    }
}
