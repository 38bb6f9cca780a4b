//! Non-maximum suppression: of boxes that overlap, the one with the highest score stays.

use super::suppression::Suppression;
use crate::error::{Error, Result};
use crate::quote::counted;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Non-maximum suppression by class. Boxes of equal scores come in the order in which they are given, so that the result is always
/// the same.
///
/// Takes `n log n + kept * n` steps for `n` boxes.
///
/// ```
/// use millstream::boxes::Nms;
///
/// let boxes = [[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0], [20.0, 0.0, 30.0, 10.0]];
/// let kept = Nms::hard(0.5).run(&boxes, &[0.7, 0.9, 0.8], &[0, 0, 0])?;
/// assert_eq!(kept.iter().map(|kept| kept.index).collect::<Vec<_>>(), [1, 2]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nms {
    /// What becomes of boxes that overlap. Defaults to hard suppression above an intersection over union of 0.6.
    pub suppression: Suppression,
    /// The least score of a box that is kept, also after its score was lowered: 0 to 1. Defaults to 0.
    pub min_score: f32,
    /// How many boxes are kept at most, the best ones of all classes. Defaults to 100, as many as COCO's figures count of a class.
    pub at_most: usize,
    /// Whether boxes of other classes suppress one another, too. Defaults to false.
    pub across_classes: bool,
}

impl Default for Nms {
    fn default() -> Self {
        Self {
            suppression: Suppression::default(),
            min_score: 0.0,
            at_most: 100,
            across_classes: false,
        }
    }
}

/// `hard suppression above an intersection over union of 0.6, class by class; scores of at least 0.02; at most 100 boxes a picture`.
impl fmt::Display for Nms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.suppression {
            Suppression::Hard { iou } => write!(f, "hard suppression above an intersection over union of {iou}")?,
            Suppression::Linear { iou } => write!(f, "linear Soft-NMS above an intersection over union of {iou}")?,
            Suppression::Gaussian { sigma } => write!(f, "Gaussian Soft-NMS with sigma {sigma}")?,
        }
        let classes = if self.across_classes {
            "across classes"
        } else {
            "class by class"
        };
        write!(
            f,
            ", {classes}; scores of at least {}; at most {} a picture",
            self.min_score,
            counted(self.at_most, "box")
        )
    }
}

/// A box that was kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// Its place among the boxes that were given.
    pub index: usize,
    /// Its score, which soft suppression has lowered where it overlaps better ones.
    pub score: f32,
}

impl Nms {
    /// [`Suppression::Hard`] by class; all else as by default.
    pub fn hard(iou: f64) -> Self {
        Self {
            suppression: Suppression::Hard { iou },
            ..Self::default()
        }
    }

    /// [`Suppression::Linear`] by class; all else as by default.
    pub fn linear(iou: f64) -> Self {
        Self {
            suppression: Suppression::Linear { iou },
            ..Self::default()
        }
    }

    /// [`Suppression::Gaussian`] by class; all else as by default.
    pub fn gaussian(sigma: f64) -> Self {
        Self {
            suppression: Suppression::Gaussian { sigma },
            ..Self::default()
        }
    }

    /// Refuses what means nothing.
    ///
    /// # Errors
    ///
    /// `Config` for an `iou` outside 0 to 1, a `sigma` that is not above 0, a least score outside 0 to 1, and for 0 boxes.
    pub fn check(&self) -> Result<()> {
        match self.suppression {
            Suppression::Hard { iou } | Suppression::Linear { iou } if !(0.0..=1.0).contains(&iou) => {
                return Err(Error::config(format!("iou is {iou}, not in 0 to 1")));
            }
            Suppression::Gaussian { sigma } if !(sigma > 0.0 && sigma.is_finite()) => {
                return Err(Error::config(format!("sigma is {sigma}, but has to be above 0")));
            }
            _ => {}
        }
        match ((0.0..=1.0).contains(&self.min_score), self.at_most) {
            (false, _) => Err(Error::config(format!(
                "min_score is {}, and scores are 0 to 1",
                self.min_score
            ))),
            (_, 0) => Err(Error::config(
                "at_most is 0, so that no box would be kept; the least is 1",
            )),
            _ => Ok(()),
        }
    }

    /// The boxes that are kept, by falling score. `boxes` are `[x1, y1, x2, y2]`, each with a score and a class.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); `Config` where there are not as many scores and classes as boxes, `Data` for a corner or a score that is
    /// no finite number.
    pub fn run(&self, boxes: &[[f32; 4]], scores: &[f32], classes: &[u32]) -> Result<Vec<Kept>> {
        Ok(self.run_limited(boxes, scores, classes)?.0)
    }

    /// As [`run`](Self::run), and whether boxes were left out because of [`at_most`](Self::at_most) alone.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub(crate) fn run_limited(&self, boxes: &[[f32; 4]], scores: &[f32], classes: &[u32]) -> Result<(Vec<Kept>, bool)> {
        self.check()?;
        if boxes.len() != scores.len() || boxes.len() != classes.len() {
            return Err(Error::config(format!(
                "{} boxes have {} scores and {} classes",
                boxes.len(),
                scores.len(),
                classes.len()
            )));
        }
        let finite = |at: &usize| scores[*at].is_finite() && boxes[*at].iter().all(|side| side.is_finite());
        if let Some(at) = (0..boxes.len()).find(|at| !finite(at)) {
            return Err(Error::data(format!(
                "box {at} is {:?} with the score {}: not all are finite numbers",
                boxes[at], scores[at]
            )));
        }
        let class = |at: usize| if self.across_classes { 0 } else { classes[at] };
        let mut order: Vec<usize> = (0..boxes.len()).filter(|&at| scores[at] >= self.min_score).collect();
        // The sort is stable: of equal scores the earlier box comes first.
        order.sort_by(|&a, &b| class(a).cmp(&class(b)).then(scores[b].total_cmp(&scores[a])));
        let (mut kept, mut is_cut) = (Vec::new(), false);
        for of_class in order.chunk_by(|&a, &b| class(a) == class(b)) {
            let found = of_class.iter().map(|&at| Candidate::new(at, boxes[at], scores[at]));
            is_cut |= match self.suppression {
                Suppression::Hard { iou } => self.hard_of(found, iou, &mut kept),
                Suppression::Linear { iou } => self.soft_of(found.collect(), &mut kept, |overlap| {
                    if overlap > iou { 1.0 - overlap } else { 1.0 }
                }),
                Suppression::Gaussian { sigma } => {
                    self.soft_of(found.collect(), &mut kept, |overlap| (-overlap * overlap / sigma).exp())
                }
            };
        }
        kept.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        is_cut |= kept.len() > self.at_most;
        kept.truncate(self.at_most);
        Ok((kept, is_cut))
    }

    /// Keeps of `found`, by falling score, what overlaps nothing that is kept. Whether there is more of it than may be kept.
    fn hard_of(&self, found: impl Iterator<Item = Candidate>, iou: f64, kept: &mut Vec<Kept>) -> bool {
        let mut best: Vec<Candidate> = Vec::new();
        for candidate in found {
            if best.iter().all(|better| candidate.overlap(better) <= iou) {
                if best.len() == self.at_most {
                    return true;
                }
                kept.push(candidate.kept());
                best.push(candidate);
            }
        }
        false
    }

    /// Takes the best of `found`, and lowers the scores of the others by what `weight` gives their overlap with it; and so on.
    /// Whether more is left than may be kept.
    fn soft_of(&self, mut found: Vec<Candidate>, kept: &mut Vec<Kept>, weight: impl Fn(f64) -> f64) -> bool {
        for _ in 0..self.at_most {
            // Of equal ones the first; `found` keeps its order.
            let better = |best: usize, at: usize| if found[at].score > found[best].score { at } else { best };
            let Some(best) = (0..found.len()).reduce(better) else {
                return false;
            };
            let best = found.remove(best);
            kept.push(best.kept());
            found.retain_mut(|other| {
                other.score = (f64::from(other.score) * weight(other.overlap(&best))) as f32;
                other.score >= self.min_score
            });
        }
        !found.is_empty()
    }
}

/// A box that may be kept.
#[derive(Clone, Copy)]
struct Candidate {
    index: usize,
    corners: [f32; 4],
    area: f32,
    score: f32,
}

impl Candidate {
    fn new(index: usize, corners @ [x1, y1, x2, y2]: [f32; 4], score: f32) -> Self {
        Self {
            index,
            corners,
            area: (x2 - x1).max(0.0) * (y2 - y1).max(0.0),
            score,
        }
    }

    fn kept(&self) -> Kept {
        Kept {
            index: self.index,
            score: self.score,
        }
    }

    /// Intersection over union in single precision, as torchvision has it, so that equal boxes are suppressed as there.
    fn overlap(&self, other: &Self) -> f64 {
        let (a, b) = (self.corners, other.corners);
        let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
        let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
        let shared = width * height;
        if shared > 0.0 {
            f64::from(shared / (self.area + other.area - shared))
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOXES: [[f32; 4]; 4] = [
        [0.0, 0.0, 10.0, 10.0],
        [0.0, 0.0, 10.0, 5.0],
        [0.0, 0.0, 10.0, 10.0],
        [50.0, 50.0, 60.0, 60.0],
    ];

    fn indices(nms: &Nms, scores: &[f32], classes: &[u32]) -> Vec<usize> {
        let kept = nms.run(&BOXES[..scores.len()], scores, classes).unwrap();
        kept.iter().map(|kept| kept.index).collect()
    }

    #[test]
    fn of_equal_scores_the_earlier_box_is_kept() {
        assert_eq!(indices(&Nms::hard(0.6), &[0.5; 4], &[0; 4]), [0, 1, 3]);
        assert_eq!(indices(&Nms::hard(0.4), &[0.5; 4], &[0; 4]), [0, 3]);
        // An overlap of just the threshold is none.
        assert_eq!(indices(&Nms::hard(0.5), &[0.5; 4], &[0; 4]), [0, 1, 3]);
        let soft = Nms::gaussian(0.5).run(&BOXES, &[0.5; 4], &[0; 4]).unwrap();
        assert_eq!(soft.iter().map(|kept| kept.index).collect::<Vec<_>>(), [0, 3, 1, 2]);
    }

    #[test]
    fn classes_do_not_suppress_each_other_but_when_asked_to() {
        let scores = [0.5, 0.9, 0.7, 0.8];
        assert_eq!(indices(&Nms::hard(0.4), &scores, &[0, 1, 2, 0]), [1, 3, 2, 0]);
        let across = Nms {
            across_classes: true,
            ..Nms::hard(0.4)
        };
        assert_eq!(indices(&across, &scores, &[0, 1, 2, 0]), [1, 3]);
    }

    #[test]
    fn soft_scores_are_those_of_the_formulas() {
        let scores = |nms: Nms| {
            let kept = nms.run(&BOXES[..2], &[0.8, 0.6], &[0, 0]).unwrap();
            kept.iter().map(|kept| kept.score).collect::<Vec<_>>()
        };
        assert_eq!(scores(Nms::linear(0.3)), [0.8, 0.3]);
        assert_eq!(scores(Nms::linear(0.5)), [0.8, 0.6]);
        let lowered = (f64::from(0.6_f32) * (-0.25_f64 / 0.5).exp()) as f32;
        assert_eq!(scores(Nms::gaussian(0.5)), [0.8, lowered]);
        let least = Nms {
            min_score: 0.31,
            ..Nms::linear(0.3)
        };
        assert_eq!(scores(least), [0.8]);
    }

    #[test]
    fn the_best_of_all_classes_stay() {
        for nms in [Nms::hard(0.5), Nms::linear(0.5)] {
            let two = Nms { at_most: 2, ..nms };
            assert_eq!(indices(&two, &[0.1, 0.9, 0.2, 0.3], &[0, 1, 1, 2]), [1, 3]);
        }
        assert_eq!(indices(&Nms::hard(0.5), &[], &[]), [0_usize; 0]);
    }

    #[test]
    fn what_the_limit_alone_leaves_out_is_told() {
        let is_cut = |nms: &Nms, at_most: usize, classes: &[u32]| {
            let nms = Nms { at_most, ..nms.clone() };
            nms.run_limited(&BOXES, &[0.9, 0.8, 0.7, 0.6], classes).unwrap().1
        };
        // Boxes 0 and 2 are the same, and box 1 is half of them: 0, 1 and 3 stay, in one class or in two.
        let hard = Nms::hard(0.5);
        for classes in [[0; 4], [0, 1, 0, 1]] {
            assert_eq!(
                [1, 2, 3, 4].map(|most| is_cut(&hard, most, &classes)),
                [true, true, false, false]
            );
        }
        // Softly suppressed ones stay, but for those of a score below the least.
        let soft = Nms::linear(0.5);
        assert_eq!([3, 4].map(|most| is_cut(&soft, most, &[0; 4])), [true, false]);
        let least = Nms {
            min_score: 0.01,
            ..soft
        };
        assert_eq!([2, 3].map(|most| is_cut(&least, most, &[0; 4])), [true, false]);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let refused = |nms: Nms| nms.run(&BOXES[..1], &[0.5], &[0]).unwrap_err().to_string();
        assert_eq!(refused(Nms::hard(1.5)), "iou is 1.5, not in 0 to 1");
        assert_eq!(refused(Nms::gaussian(0.0)), "sigma is 0, but has to be above 0");
        let none = Nms {
            at_most: 0,
            ..Nms::default()
        };
        assert!(refused(none).contains("no box would be kept"));
        for min_score in [-5.0, 1.1, f32::NAN] {
            let nms = Nms {
                min_score,
                ..Nms::default()
            };
            assert!(refused(nms).ends_with(", and scores are 0 to 1"));
        }
        assert!(Nms::hard(0.5).run(&BOXES, &[0.5], &[0; 4]).is_err());
        let bad = Nms::hard(0.5).run(&BOXES[..2], &[0.5, f32::NAN], &[0; 2]).unwrap_err();
        assert!(bad.to_string().starts_with("box 1 is"), "{bad}");
    }
}
