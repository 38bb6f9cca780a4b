//! Losses of detectors that predict a box at each place of a map, and which place learns which box: FCOS (Tian et al. 2019).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use millstream::train::loss::detection::{Places, generalized_iou};
//!
//! // A map of 4 x 3 places of 8 x 8 pixels, and a box of 16 x 16 pixels in the middle of it.
//! let places = Places { columns: 4, rows: 3, stride: 8.0 };
//! let assigned = places.assign(&[[8.0, 4.0, 24.0, 20.0]], &[2], 1.5);
//! assert_eq!(assigned.classes, [None, None, None, None, None, Some(2), Some(2), None, None, None, None, None]);
//!
//! let boxes = |values| Tensor::<2>::from_floats([values], &Device::flex());
//! let apart = generalized_iou(&boxes([0.0, 0.0, 1.0, 1.0]), &boxes([1.0, 0.0, 2.0, 1.0]));
//! assert_eq!(apart.into_data().iter::<f32>().next(), Some(0.0));
//! ```

use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::{Tensor, TensorData};

/// The places of a map: the centre of place `(row, column)` lies at `((column + 0.5) stride, (row + 0.5) stride)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    /// Places in a row.
    pub columns: usize,
    /// Rows of places.
    pub rows: usize,
    /// Pixels from one to the next, above 0.
    pub stride: f32,
}

/// What each place of a map is to learn, row by row from the top left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assigned {
    /// The class of the box; none where there is none.
    pub classes: Vec<Option<usize>>,
    /// The pixels from the place to the left, upper, right and lower side of the box; 1 where there is none.
    pub distances: Vec<[f32; 4]>,
    /// How near the place is to the middle of the box, 0 to 1: 0 where there is none.
    pub centreness: Vec<f32>,
}

impl Places {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.columns * self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The centre of each place, row by row.
    pub fn centres(&self) -> impl Iterator<Item = [f32; 2]> + use<> {
        let Self { columns, rows, stride } = *self;
        let at = move |place: usize| (place as f32 + 0.5) * stride;
        (0..rows).flat_map(move |row| (0..columns).map(move |column| [at(column), at(row)]))
    }

    /// Assigns `boxes` (left, upper, right and lower side, in pixels) with their `classes` to places.
    ///
    /// A place learns a box in which it lies, not more than `radius` strides from the middle of it in either direction; of several the
    /// one of the smallest area, and of equal ones the first. A box in which no place lies is learnt by none.
    pub fn assign(&self, boxes: &[[f32; 4]], classes: &[usize], radius: f32) -> Assigned {
        let mut all = Assigned {
            classes: vec![None; self.len()],
            distances: vec![[1.0; 4]; self.len()],
            centreness: vec![0.0; self.len()],
        };
        let mut areas = vec![f32::INFINITY; self.len()];
        let reach = radius * self.stride;
        for (&[left, top, right, bottom], &class) in boxes.iter().zip(classes) {
            let area = (right - left) * (bottom - top);
            let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
            let columns = self.between(left.max(x - reach), right.min(x + reach), self.columns);
            for row in self.between(top.max(y - reach), bottom.min(y + reach), self.rows) {
                for column in columns.clone() {
                    let [x, y] = [column, row].map(|place| (place as f32 + 0.5) * self.stride);
                    let distances = [x - left, y - top, right - x, bottom - y];
                    let place = row * self.columns + column;
                    if area < areas[place] && distances.iter().all(|distance| *distance > 0.0) {
                        areas[place] = area;
                        all.classes[place] = Some(class);
                        all.distances[place] = distances;
                        all.centreness[place] = centreness(distances);
                    }
                }
            }
        }
        all
    }

    /// The places of so `many` in a line whose centres lie between two pixels.
    fn between(&self, from: f32, to: f32, many: usize) -> std::ops::RangeInclusive<usize> {
        let last = (to / self.stride - 0.5).floor();
        let first = (from / self.stride - 0.5).ceil().max(0.0);
        match last >= first && many > 0 {
            true => first as usize..=(last as usize).min(many - 1),
            #[expect(clippy::reversed_empty_ranges, reason = "none")]
            false => 1..=0,
        }
    }
}

/// `sqrt(min(l, r) / max(l, r) * min(t, b) / max(t, b))` of the distances to the sides of a box: 1 in its middle.
fn centreness([left, top, right, bottom]: [f32; 4]) -> f32 {
    (left.min(right) / left.max(right) * top.min(bottom) / top.max(bottom)).sqrt()
}

/// The focal loss of classes that exclude nothing, elementwise: `-alpha_t (1 - p_t)^gamma log p_t` of logits and targets of 0 and 1
/// (Lin et al. 2017), where `alpha_t` is `alpha` for a target of 1 and `1 - alpha` for one of 0. torchvision's `sigmoid_focal_loss`.
pub fn sigmoid_focal<const D: usize>(logits: Tensor<D>, targets: Tensor<D>, alpha: f32, gamma: f32) -> Tensor<D> {
    let negative = log_sigmoid(logits.clone().neg());
    let positive = log_sigmoid(logits.clone());
    let none = targets.clone().neg() + 1.0;
    let cross_entropy = (targets.clone() * positive + none.clone() * negative).neg();
    let share = sigmoid(logits);
    let wrong = targets.clone() * (share.clone().neg() + 1.0) + none.clone() * share;
    // The slope of a power below 1 has no end at 0.
    let wrong = wrong.clamp_min(1e-7).powf_scalar(gamma);
    (targets * alpha + none * (1.0 - alpha)) * wrong * cross_entropy
}

/// Binary cross-entropy of logits and targets from 0 to 1, elementwise.
pub fn binary_cross_entropy<const D: usize>(logits: Tensor<D>, targets: Tensor<D>) -> Tensor<D> {
    let (negative, positive) = (log_sigmoid(logits.clone().neg()), log_sigmoid(logits));
    ((targets.clone() * positive) + (targets.neg() + 1.0) * negative).neg()
}

/// The generalised intersection over union of each box of `a` and that of `b` in the same row (Rezatofighi et al. 2019): -1 to 1, and
/// below 0 for boxes that lie apart. Boxes are `[n, 4]`: left, upper, right and lower side. torchvision's
/// `generalized_box_iou_loss` is 1 minus this.
pub fn generalized_iou(a: &Tensor<2>, b: &Tensor<2>) -> Tensor<1> {
    let [rows, _] = a.dims();
    let sides = |of: &Tensor<2>, from: usize| of.clone().narrow(1, from, 2);
    let area = |least: Tensor<2>, most: Tensor<2>| {
        let sides = (most - least).clamp_min(0.0);
        let width: Tensor<1> = sides.clone().narrow(1, 0, 1).reshape([rows]);
        width * sides.narrow(1, 1, 1).reshape([rows])
    };
    let (a_least, a_most, b_least, b_most) = (sides(a, 0), sides(a, 2), sides(b, 0), sides(b, 2));
    let common = area(
        a_least.clone().max_pair(b_least.clone()),
        a_most.clone().min_pair(b_most.clone()),
    );
    let around = area(
        a_least.clone().min_pair(b_least.clone()),
        a_most.clone().max_pair(b_most.clone()),
    );
    let union = area(a_least, a_most) + area(b_least, b_most) - common.clone();
    // Boxes without an area have no share in anything.
    let (union, around) = (union.clamp_min(1e-7), around.clamp_min(1e-7));
    common / union.clone() - (around.clone() - union) / around
}

/// What the places of a batch are to learn, as tensors of `[n * places, ..]`.
#[derive(Clone, Debug)]
pub struct PlaceTargets {
    /// 0 and 1: `[n * places, classes]`.
    pub classes: Tensor<2>,
    /// `[n * places, 4]`.
    pub distances: Tensor<2>,
    /// `[n * places]`.
    pub centreness: Tensor<1>,
    /// 1 for each place that learns a box: `[n * places]`.
    pub is_box: Tensor<1>,
    /// How many do.
    pub boxes: usize,
    /// The sum of [`centreness`](Self::centreness).
    pub weight: f32,
}

impl PlaceTargets {
    /// Of the rows of a batch, with so many `classes`.
    pub fn new(rows: &[Assigned], classes: usize, device: &burn::tensor::Device) -> Self {
        let places: usize = rows.iter().map(|row| row.classes.len()).sum();
        let mut hot = vec![0.0_f32; places * classes];
        let mut is_box = vec![0.0_f32; places];
        let all = rows.iter().flat_map(|row| &row.classes).enumerate();
        for (place, class) in all {
            if let Some(class) = class {
                hot[place * classes + class] = 1.0;
                is_box[place] = 1.0;
            }
        }
        let distances: Vec<f32> = rows
            .iter()
            .flat_map(|row| row.distances.iter().flatten().copied())
            .collect();
        let centreness: Vec<f32> = rows.iter().flat_map(|row| row.centreness.iter().copied()).collect();
        Self {
            boxes: is_box.iter().filter(|is_box| **is_box > 0.0).count(),
            weight: centreness.iter().sum(),
            classes: Tensor::from_data(TensorData::new(hot, [places, classes]), device),
            distances: Tensor::from_data(TensorData::new(distances, [places, 4]), device),
            centreness: Tensor::from_data(TensorData::new(centreness, [places]), device),
            is_box: Tensor::from_data(TensorData::new(is_box, [places]), device),
        }
    }

    /// FCOS's loss of class logits `[n * places, classes]`, distances in pixels `[n * places, 4]` and logits of centreness
    /// `[n * places]`: focal loss (alpha 0.25, gamma 2) of classes and binary cross-entropy of centreness, both a place that learns a box,
    /// and 1 minus the generalised intersection over union of boxes, weighted by centreness.
    pub fn loss(&self, classes: Tensor<2>, distances: Tensor<2>, centreness: Tensor<1>) -> Tensor<1> {
        let boxes = self.boxes.max(1) as f32;
        let focal = sigmoid_focal(classes, self.classes.clone(), 0.25, 2.0).sum() / boxes;
        // Around their place, which is the origin.
        let around = |distances: Tensor<2>| {
            let least = distances.clone().narrow(1, 0, 2).neg();
            Tensor::cat(vec![least, distances.narrow(1, 2, 2)], 1)
        };
        let overlap = generalized_iou(&around(distances), &around(self.distances.clone()));
        let overlap = ((overlap.neg() + 1.0) * self.centreness.clone()).sum() / self.weight.max(1e-6);
        let centre = binary_cross_entropy(centreness, self.centreness.clone()) * self.is_box.clone();
        focal + overlap + centre.sum() / boxes
    }
}
