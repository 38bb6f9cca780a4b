//! The figures of a detector.

use super::curves::{PrecisionRecall, ThresholdCurve};
use super::matching::{FoundBox, Matched, SIZES, THRESHOLDS, TrueBox, threshold};
use super::precision::{ClassMatches, RECALLS};
use crate::error::{Error, Result};
use crate::report::{Figure, Measured, Resamples};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// COCO's figures of a detector, equal to pycocotools' to six digits, picture by picture.
///
/// | figure | what it is |
/// |---|---|
/// | `map`, which chooses | average precision at 101 recalls, averaged over the classes that have objects and over the thresholds 0.5, 0.55, .., 0.95 of the intersection over union |
/// | `map50`, `map75` | the same at a threshold of 0.5 and of 0.75 |
/// | `map_small`, `map_medium`, `map_large` | of objects of up to 32 x 32 pixels, of up to 96 x 96, and of larger ones |
/// | `mar1`, `mar10`, `mar100` | recall of the best 1, 10 and 100 boxes of each class and picture, averaged likewise |
/// | `mar_small`, `mar_medium`, `mar_large` | the same of the best 100, by size |
/// | of each class: `average_precision`, `ap50`, `average_recall` | what `map`, `map50` and `mar100` are the means of |
///
/// A figure of objects that there are none of is not defined (`None`; -1 in pycocotools). Standard errors are those of 200 bootstrap
/// samples of pictures, drawn with a fixed seed. `tested` is the number of pictures in which a class has objects.
///
/// ```
/// use millstream::report::{DetectionFigures, FoundBox, TrueBox};
///
/// let mut figures = DetectionFigures::new(1);
/// let truth = TrueBox { corners: [0.0, 0.0, 40.0, 40.0], class: 0, area: None, crowd: false, difficult: false };
/// // Half as wide: right at a threshold of 0.5 alone.
/// let found = FoundBox { corners: [0.0, 0.0, 20.0, 40.0], class: 0, score: 0.9 };
/// figures.add(&[truth], &[found])?;
/// let measured = figures.measured();
/// assert_eq!((measured.value("map50"), measured.value("map75")), (Some(1.0), Some(0.0)));
/// assert!((measured.value("map").unwrap() - 0.1).abs() < 1e-9);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DetectionFigures {
    classes: Vec<ClassMatches>,
    pictures: u32,
    /// Objects of each class, crowds and difficult ones left out.
    objects: Vec<u64>,
    at_most: [usize; 3],
}

/// The sizes of objects, after all of them.
const SIZE_NAMES: [&str; 3] = ["small", "medium", "large"];

impl DetectionFigures {
    /// Figures of a detector of so many `classes`, of no picture yet.
    pub fn new(classes: usize) -> Self {
        Self {
            classes: vec![ClassMatches::default(); classes],
            pictures: 0,
            objects: vec![0; classes],
            at_most: [1, 10, 100],
        }
    }

    /// Counts up to so many of the best boxes of each class and picture: for the recalls `mar1` and `mar10`, which are named by them,
    /// and for all other figures. Defaults to 1, 10 and 100, as in COCO.
    ///
    /// # Errors
    ///
    /// `Config` where they do not ascend from at least 1, and once pictures were added.
    pub fn with_at_most(mut self, at_most: [usize; 3]) -> Result<Self> {
        if at_most[0] == 0 || at_most[0] >= at_most[1] || at_most[1] >= at_most[2] {
            return Err(Error::config(format!(
                "{at_most:?} boxes at most: they have to ascend from at least 1"
            )));
        }
        if self.pictures > 0 {
            return Err(Error::config("how many boxes count is set before pictures are added"));
        }
        self.at_most = at_most;
        Ok(self)
    }

    /// Adds a picture with the objects `truth`, in which `found` was found.
    ///
    /// # Errors
    ///
    /// `Data` for a class that there is not, and for a corner, an area or a score that is no finite number; `Config` for more than 2^32
    /// pictures.
    pub fn add(&mut self, truth: &[TrueBox], found: &[FoundBox]) -> Result<()> {
        self.check(truth, found)?;
        let next = self.pictures.checked_add(1);
        let next = next.ok_or_else(|| Error::config("figures are of up to 2^32 pictures"))?;
        let there = truth
            .iter()
            .map(|object| object.class)
            .chain(found.iter().map(|found| found.class));
        for class in there.collect::<BTreeSet<u32>>() {
            let truth: Vec<TrueBox> = truth.iter().filter(|object| object.class == class).copied().collect();
            let found: Vec<FoundBox> = found.iter().filter(|found| found.class == class).copied().collect();
            self.objects[class as usize] +=
                truth.iter().filter(|object| !object.crowd && !object.difficult).count() as u64;
            let matched = Matched::new(&truth, &found, self.at_most[2]);
            self.classes[class as usize].push(self.pictures, &matched);
        }
        self.pictures = next;
        Ok(())
    }

    fn check(&self, truth: &[TrueBox], found: &[FoundBox]) -> Result<()> {
        let of_truth = truth
            .iter()
            .map(|object| (object.class, object.corners, object.area.unwrap_or(0.0)));
        let of_found = found.iter().map(|found| (found.class, found.corners, found.score));
        for (class, corners, number) in of_truth.chain(of_found) {
            if class as usize >= self.classes.len() {
                return Err(Error::data(format!(
                    "a box is of class {class}, and there are {} classes",
                    self.classes.len()
                )));
            }
            if !number.is_finite() || corners.iter().any(|side| !side.is_finite()) {
                return Err(Error::data(format!(
                    "the box {corners:?} with the area or score {number}: not all are finite numbers"
                )));
            }
        }
        Ok(())
    }

    /// Pictures that were added.
    pub fn pictures(&self) -> u64 {
        self.pictures.into()
    }

    /// The figures with their standard errors, and the curves of precision over recall. `details` has the mean average precision by
    /// threshold (`map_by_iou`) and the objects of each class (`objects`), crowds and difficult ones left out.
    pub fn measured(&self) -> Measured {
        let classes = self.sorted();
        let scores = |weights: &[u32]| scores(&classes, self.at_most, weights);
        let (values, errors) = Resamples::of(self.pictures as usize).errors(&scores);
        let figures: Vec<Figure> = values
            .iter()
            .zip(&errors)
            .map(|(&value, &error)| Figure::new(value, error))
            .collect();
        let mut measured = Measured::new(self.pictures(), "map");
        let (all, of_classes) = figures.split_at(figures.len() - 3 * classes.len());
        let (all, by_threshold) = all.split_at(all.len() - THRESHOLDS);
        for (name, &figure) in self.names().iter().zip(all) {
            measured = measured.with(name, figure);
        }
        for (at, name) in ["average_precision", "ap50", "average_recall"].into_iter().enumerate() {
            measured = measured.with_classes(name, of_classes.iter().skip(at).step_by(3).copied().collect());
        }
        let by_iou = (0..).zip(by_threshold).map(|(at, figure)| {
            let value = figure.value.map_or(Value::Null, Value::from);
            (format!("{:.2}", threshold(at)), value)
        });
        Measured {
            tested: classes.iter().map(ClassMatches::pictures).collect(),
            precision_recall: Some(curves(&classes, self.pictures)),
            ..measured
                .detail("map_by_iou", by_iou.collect::<Map<_, _>>())
                .detail("objects", self.objects.clone())
        }
    }

    /// Precision at 101 recalls of `class` at each of the ten thresholds, of objects of all sizes: in pycocotools
    /// `eval["precision"][:, :, class, 0, 2]`. `None` for a class that there is not or that has no objects.
    pub fn precisions(&self, class: usize) -> Option<Vec<Vec<f64>>> {
        let mut matches = self.classes.get(class)?.clone();
        matches.sort();
        let precisions = matches.precisions(0, &vec![1; self.pictures as usize])?;
        Some(precisions.iter().map(|of| of.to_vec()).collect())
    }

    fn sorted(&self) -> Vec<ClassMatches> {
        let mut classes = self.classes.clone();
        classes.iter_mut().for_each(ClassMatches::sort);
        classes
    }

    /// The names of the figures of all classes together, in the order of [`scores`].
    fn names(&self) -> Vec<String> {
        let precisions = ["map", "map50", "map75"].map(str::to_owned);
        let recalls = self.at_most.map(|most| format!("mar{most}"));
        let by_size = |what: &str| SIZE_NAMES.map(|size| format!("{what}_{size}"));
        let all = [precisions, by_size("map"), recalls, by_size("mar")];
        all.concat()
    }
}

/// The figures of all classes together, `map` at each threshold, and three figures of each class.
fn scores(classes: &[ClassMatches], at_most: [usize; 3], weights: &[u32]) -> Vec<Option<f64>> {
    let mut by_class = Vec::new();
    // Sums over the classes that have such objects, and how many these are.
    let mut precision = [[0.0; THRESHOLDS]; SIZES.len()];
    let (mut of_size, mut recall, mut recall_by_size) = ([0.0; SIZES.len()], [0.0; 3], [0.0; SIZES.len()]);
    for class in classes {
        let mut own = [None; 3];
        for size in 0..SIZES.len() {
            let Some(precisions) = class.average_precisions(size, weights) else {
                continue;
            };
            of_size[size] += 1.0;
            precision[size]
                .iter_mut()
                .zip(precisions)
                .for_each(|(sum, value)| *sum += value);
            let recalls = at_most.map(|most| class.average_recall(size, most, weights).unwrap_or_default());
            recall_by_size[size] += recalls[2];
            if size == 0 {
                recall.iter_mut().zip(recalls).for_each(|(sum, value)| *sum += value);
                let mean = precisions.iter().sum::<f64>() / THRESHOLDS as f64;
                own = [Some(mean), Some(precisions[0]), Some(recalls[2])];
            }
        }
        by_class.extend(own);
    }
    let mean = |sum: f64, size: usize| (of_size[size] > 0.0).then(|| sum / of_size[size]);
    let over_thresholds = |size: usize| mean(precision[size].iter().sum::<f64>() / THRESHOLDS as f64, size);
    let mut scores = vec![over_thresholds(0), mean(precision[0][0], 0), mean(precision[0][5], 0)];
    scores.extend((1..SIZES.len()).map(over_thresholds));
    scores.extend(recall.map(|sum| mean(sum, 0)));
    scores.extend((1..SIZES.len()).map(|size| mean(recall_by_size[size], size)));
    scores.extend(precision[0].map(|sum| mean(sum, 0)));
    scores.extend(by_class);
    scores
}

fn curves(classes: &[ClassMatches], pictures: u32) -> PrecisionRecall {
    let every = vec![1; pictures as usize];
    let precisions: Vec<_> = classes.iter().map(|class| class.precisions(0, &every)).collect();
    let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
    let there: Vec<_> = precisions.iter().flatten().collect();
    let at_threshold = |at: usize| {
        let mut mean = [0.0; RECALLS];
        for precisions in &there {
            let share = |(sum, value): (&mut f64, &f64)| *sum += value / there.len() as f64;
            mean.iter_mut().zip(&precisions[at]).for_each(share);
        }
        ThresholdCurve {
            iou: (threshold(at) * 100.0).round() / 100.0,
            precision: single(&mean),
        }
    };
    PrecisionRecall {
        classes: precisions
            .iter()
            .map(|of| of.as_ref().map(|of| single(&of[0])))
            .collect(),
        thresholds: if there.is_empty() {
            Vec::new()
        } else {
            (0..THRESHOLDS).map(at_threshold).collect()
        },
    }
}
