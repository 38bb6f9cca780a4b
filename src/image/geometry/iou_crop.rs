//! A random part of a picture that has enough of a box.

use super::region::Region;
use crate::rng::Rng;
use crate::rows::BoxFormat;
use serde::{Deserialize, Serialize};

/// Rounds after which a picture without a fitting part is taken whole: torchvision goes on for ever, in which each round ends with a chance
/// of one in seven by the standard overlaps.
const ROUNDS: usize = 100;
/// The most parts for an overlap: a picture without a fitting part takes this times [`ROUNDS`].
const TRIALS: u32 = 1000;

/// A random part of a picture that overlaps enough with one of its boxes: torchvision's `RandomIoUCrop`, of SSD (Liu et al. 2016).
///
/// An overlap is drawn from `sampler_options`; one of 1 or more takes the whole picture. Then up to `trials` parts are drawn, of which the
/// first counts whose sides' ratio is allowed, that has the centre of a box, and whose intersection over union with such a box is at least the
/// overlap. Where none does, another overlap is drawn. A row without boxes is taken whole, where torchvision has no answer.
///
/// Boxes whose centre is not in the part are left out, as in torchvision, unless an operation behind the crop brings it into the picture: a rotation or
/// a smaller scale shows the photo beside the part, as behind every crop, and an object that is seen again has its box again. Beyond the photo is black, or what
/// the operation says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IouCrop {
    /// The least width and height of the part as shares of the picture's, between which and `max_scale` each is drawn evenly. Above 0. Defaults
    /// to 0.3.
    pub min_scale: f32,
    /// The greatest of these shares, up to 1. Defaults to 1.
    pub max_scale: f32,
    /// The least width of the part over its height. Above 0. Defaults to 0.5.
    pub min_aspect_ratio: f32,
    /// The greatest width of the part over its height. Defaults to 2.
    pub max_aspect_ratio: f32,
    /// Overlaps of which one is drawn, 0 or more each. Defaults to 0, 0.1, 0.3, 0.5, 0.7, 0.9 and 1.
    #[serde(alias = "overlaps")]
    pub sampler_options: Vec<f32>,
    /// Parts that are drawn for an overlap, in `1..=1000`. Defaults to 40.
    pub trials: u32,
}

impl Default for IouCrop {
    fn default() -> Self {
        Self {
            min_scale: 0.3,
            max_scale: 1.0,
            min_aspect_ratio: 0.5,
            max_aspect_ratio: 2.0,
            sampler_options: vec![0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0],
            trials: 40,
        }
    }
}

impl IouCrop {
    /// What is wrong with it.
    pub(in crate::image) fn check(&self) -> Result<(), String> {
        let (low, high) = (self.min_scale, self.max_scale);
        if !(low > 0.0 && low <= high && high <= 1.0) {
            return Err(format!(
                "min_scale is {low} and max_scale {high}, but they have to be the ends of a range above 0 and up to 1"
            ));
        }
        let (low, high) = (self.min_aspect_ratio, self.max_aspect_ratio);
        if !(low > 0.0 && low <= high) {
            return Err(format!(
                "min_aspect_ratio is {low} and max_aspect_ratio {high}, but they have to be the ends of a range above 0"
            ));
        }
        match self
            .sampler_options
            .iter()
            .find(|overlap| !(**overlap >= 0.0 && overlap.is_finite()))
        {
            Some(overlap) => Err(format!(
                "sampler_options has {overlap}, but an overlap has to be a finite number of 0 or more"
            )),
            None if self.sampler_options.is_empty() => {
                Err("sampler_options is empty, and an overlap is drawn of them".to_owned())
            }
            None if !(1..=TRIALS).contains(&self.trials) => {
                Err(format!("trials is {}, but has to lie in 1..={TRIALS}", self.trials))
            }
            None => Ok(()),
        }
    }

    /// The part of a picture with these boxes; none where it is taken whole.
    fn region(&self, (width, height): (u32, u32), boxes: &[[f32; 4]], rng: &mut Rng) -> Option<Region> {
        if boxes.is_empty() {
            return None;
        }
        let (across, down) = (f64::from(width), f64::from(height));
        let side = |length: f64, rng: &mut Rng| {
            let share = between(self.min_scale, self.max_scale, rng);
            (length * share).floor()
        };
        for _ in 0..ROUNDS {
            let overlap = f64::from(self.sampler_options[rng.below(self.sampler_options.len() as u64) as usize]);
            if overlap >= 1.0 {
                return None;
            }
            for _ in 0..self.trials {
                let (w, h) = (side(across, rng), side(down, rng));
                if w == 0.0
                    || h == 0.0
                    || !(f64::from(self.min_aspect_ratio)..=f64::from(self.max_aspect_ratio)).contains(&(w / h))
                {
                    continue;
                }
                let left = ((across - w) * f64::from(rng.unit())).floor();
                let top = ((down - h) * f64::from(rng.unit())).floor();
                let region = Region {
                    left,
                    top,
                    width: w,
                    height: h,
                };
                if region.has_enough(boxes, overlap) {
                    return Some(region);
                }
            }
        }
        None
    }
}

fn between(low: f32, high: f32, rng: &mut Rng) -> f64 {
    f64::from(low) + f64::from(high - low) * f64::from(rng.unit())
}

impl Region {
    /// Whether it overlaps enough with one of the boxes whose centre it has.
    fn has_enough(&self, boxes: &[[f32; 4]], overlap: f64) -> bool {
        let mut within = boxes.iter().filter(|corners| self.has_centre(**corners));
        within.any(|corners| self.overlap(*corners) >= overlap)
    }

    /// Whether it has the centre of a box.
    fn has_centre(&self, [left, top, right, bottom]: [f32; 4]) -> bool {
        self.shows([f64::from(left + right) / 2.0, f64::from(top + bottom) / 2.0])
    }

    /// Whether a place lies inside, not on an edge.
    pub(in crate::image) fn shows(&self, [x, y]: [f64; 2]) -> bool {
        self.left < x && x < self.left + self.width && self.top < y && y < self.top + self.height
    }

    /// Intersection over union with a box.
    fn overlap(&self, corners: [f32; 4]) -> f64 {
        let [left, top, right, bottom] = corners.map(f64::from);
        let across = (right.min(self.left + self.width) - left.max(self.left)).max(0.0);
        let down = (bottom.min(self.top + self.height) - top.max(self.top)).max(0.0);
        let (shared, own) = (across * down, self.width * self.height);
        shared / ((right - left) * (bottom - top) + own - shared)
    }
}

/// A crop of a row whose boxes are known before its picture.
#[derive(Clone, Debug)]
pub(crate) struct ChosenIou {
    crop: IouCrop,
    /// What the generator of a row is made of: it is drawn from each time that the part is asked for.
    key: u64,
    format: BoxFormat,
    boxes: Vec<[f32; 4]>,
}

impl ChosenIou {
    pub(crate) fn new(crop: &IouCrop, rng: &mut Rng) -> Self {
        Self {
            crop: crop.clone(),
            key: rng.next_u64(),
            format: BoxFormat::Xyxy,
            boxes: Vec::new(),
        }
    }

    pub(crate) fn of_boxes(&mut self, format: BoxFormat, boxes: &[[f32; 4]]) {
        self.format = format;
        let good = boxes.iter().filter(|values| !format.is_degenerate(**values));
        self.boxes = good.copied().collect();
    }

    /// The part of a picture of this size; none for all of it.
    pub(crate) fn region(&self, width: u32, height: u32) -> Option<Region> {
        let corners = |values: &[f32; 4]| self.format.to_xyxy(*values, (width, height));
        let boxes: Vec<_> = self.boxes.iter().map(corners).collect();
        self.crop
            .region((width, height), &boxes, &mut Rng::new(self.key, "random_iou_crop", 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that torchvision was asked about.
    #[derive(Deserialize)]
    struct Case {
        part: [f64; 4],
        boxes: Vec<[f32; 4]>,
        within: Vec<bool>,
        overlaps: Vec<f64>,
        overlap: f64,
        taken: bool,
    }

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }

    /// `tests/scripts/make_iou_crop.py` asked it.
    #[test]
    fn parts_that_are_taken_are_torchvisions() {
        let fixture = include_str!("../../../tests/fixtures/iou_crop.json");
        let fixture: Fixture = serde_json::from_str(fixture).unwrap();
        for case in fixture.cases {
            let [left, top, width, height] = case.part;
            let part = Region {
                left,
                top,
                width,
                height,
            };
            for (at, corners) in case.boxes.iter().enumerate() {
                let found = part.overlap(*corners);
                assert!((found - case.overlaps[at]).abs() < 2e-6, "{part} {corners:?}: {found}");
                assert_eq!(part.has_centre(*corners), case.within[at], "{part} {corners:?}");
            }
            let found = part.has_enough(&case.boxes, case.overlap);
            assert_eq!(found, case.taken, "{part} {:?}", case.boxes);
        }
    }

    #[test]
    fn a_part_has_enough_of_a_box() {
        let boxes = [[10.0, 10.0, 60.0, 50.0], [150.0, 20.0, 160.0, 30.0]];
        for overlap in [0.1, 0.3, 0.5] {
            let crop = IouCrop {
                sampler_options: vec![overlap],
                ..IouCrop::default()
            };
            let mut parts = 0;
            for row in 0..300 {
                let Some(part) = crop.region((200, 100), &boxes, &mut Rng::new(3, "crop", row)) else {
                    continue;
                };
                parts += 1;
                assert!(part.left >= 0.0 && part.left + part.width <= 200.0);
                assert!(part.top >= 0.0 && part.top + part.height <= 100.0);
                assert!((0.5..=2.0).contains(&(part.width / part.height)));
                assert!(part.width >= 60.0 && part.height >= 30.0);
                let best = boxes
                    .iter()
                    .filter(|corners| part.has_centre(**corners))
                    .map(|corners| part.overlap(*corners));
                assert!(best.fold(0.0, f64::max) >= f64::from(overlap) - 1e-6);
            }
            assert!(parts > 200, "{overlap}: {parts}");
        }
    }

    #[test]
    fn parts_that_are_drawn_are_not_without_end() {
        let checked = |trials| {
            IouCrop {
                trials,
                ..IouCrop::default()
            }
            .check()
        };
        assert!(checked(1).is_ok() && checked(1000).is_ok());
        for trials in [0, 1001, 4_000_000_000] {
            let said = format!("trials is {trials}, but has to lie in 1..=1000");
            assert_eq!(checked(trials), Err(said));
        }
    }

    #[test]
    fn an_overlap_of_one_and_a_row_without_boxes_are_taken_whole() {
        let whole = IouCrop {
            sampler_options: vec![1.0],
            ..IouCrop::default()
        };
        let boxes = [[10.0, 10.0, 60.0, 50.0]];
        assert_eq!(whole.region((200, 100), &boxes, &mut Rng::new(3, "crop", 0)), None);
        assert_eq!(
            IouCrop::default().region((200, 100), &[], &mut Rng::new(3, "crop", 0)),
            None
        );
        // One in seven by the standard overlaps, at the least.
        let drawn = (0..700).filter(|&row| {
            IouCrop::default()
                .region((200, 100), &boxes, &mut Rng::new(3, "crop", row))
                .is_none()
        });
        assert!((70..400).contains(&drawn.count()));
    }
}
