//! Object detection: boxes with a class each.

pub(super) mod frame;
pub(super) mod objects;
mod predicted;
pub(super) mod stored;

pub(super) use predicted::{CUT, PredictedBox};

use super::definition::{Evaluation, Input, Split, Task, Truth};
use super::finite::finite;
use super::targets::{TargetKind, Targets};
use crate::boxes::{Nms, Suppression};
use crate::dataset::Dataset;
use crate::error::{Error, Remedy, Result};
use crate::image::{CopyPaste, Crop, Image, Mosaic};
use crate::model::head::{HeadConfig, Outputs};
use crate::quote::counted;
use crate::report::{DetectionFigures, FoundBox, Measured};
use crate::rows::{BoxFormat, Stage};
use crate::spec::Spec;
use crate::train::loss::detection::PlaceTargets;
use arrow::array::RecordBatch;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use frame::{Frame, PasteObjects, PutTogether, WithBoxes};
use objects::Objects;
use predicted::{Candidates, Predicted};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use stored::StoredObjects;

/// Boxes with a class each: an anchor-free head on maps of several depths, FCOS (Tian et al. 2019) on the finest of them.
///
/// The target column holds the [objects](crate::rows::ObjectLayout) of a row. Each place of the finest map gives a probability of each
/// class, a box and its centreness; a place learns the smallest box in whose middle it lies (within [`radius`](Self::radius) strides).
/// The loss is [that of FCOS](PlaceTargets::loss). Pictures keep their aspect ratio: they are
/// [letterboxed](crate::image::Image::letterbox). A box in which no place lies, because it is smaller than a stride, is not learnt.
/// Crowds (`iscrowd`) are not learnt either, and count nowhere but in the figures, as COCO has it; objects that are `difficult` are learnt, and
/// the figures leave them out, as those of Pascal VOC do. The format of boxes is checked against the sizes of the pictures.
///
/// Predictions have the column `objects`, a struct of lists as Hugging Face's detection datasets have it: `bbox` (in the format of
/// [`boxes`](Self::boxes)), `category` (a class number), `name` and `score` (the root of class probability times centreness), the
/// best first; and the column `cut`, whether more boxes were found than `at_most` of [`nms`](Self::nms) keeps. Figures are those of
/// [`DetectionFigures`]; `map` chooses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detect {
    /// The names of the classes. Those of the training rows where it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The numbers of the classes of which no training row has a box: they are not predicted. Filled in by [`bind`](Task::bind).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<usize>,
    /// What the four numbers of a stored box mean. Defaults to COCO's `xywh`.
    pub boxes: BoxFormat,
    /// Channels of the head, a multiple of 8. Defaults to 64.
    pub width: usize,
    /// Convolutions of 3 x 3 in the head. Defaults to 2.
    pub depth: usize,
    /// How far from the middle of a box a place may lie that learns it, in strides of the map, above 0. Defaults to 1.
    pub radius: f32,
    /// What becomes of boxes that overlap, the least score of a box that is predicted, and how many there are at most. Defaults to hard
    /// suppression above an intersection over union of 0.6, a score of 0.02 and 100 boxes.
    pub nms: Nms,
}

impl Default for Detect {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            absent: Vec::new(),
            boxes: BoxFormat::default(),
            width: 64,
            depth: 2,
            radius: 1.0,
            nms: Nms {
                suppression: Suppression::Hard { iou: 0.6 },
                min_score: 0.02,
                at_most: 100,
                across_classes: false,
            },
        }
    }
}

impl Detect {
    /// The least share of a box that augmentation has to leave of it.
    const LEAST_VISIBLE: f32 = 0.25;
    /// The colour around pictures of another aspect ratio than the input: YOLOv5's grey.
    const RIM: [u8; 3] = [114; 3];
}

impl Spec for Detect {
    const NAME: &'static str = "detect";

    fn check(&self) -> Result<()> {
        if !(self.radius > 0.0 && self.radius.is_finite()) {
            let radius = self.radius;
            return Err(Error::config(format!("radius is {radius}, and has to be above 0")));
        }
        if self.width == 0 || !self.width.is_multiple_of(8) || self.width > 1024 || self.depth > 16 {
            return Err(Error::config(format!(
                "a head of {} channels and {} layers: the channels have to be a multiple of 8 up to 1024, and the layers up to 16",
                self.width, self.depth
            )));
        }
        self.nms.check().map_err(|error| error.context("nms"))
    }
}

impl Task for Detect {
    fn target(&self) -> TargetKind {
        TargetKind::Objects(self.boxes)
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        if targets.counts().iter().sum::<u64>() == 0 {
            let (crowds, left_out) = match targets {
                Targets::Objects(objects) => {
                    let survey = objects.reader().survey();
                    (survey.crowds, survey.degenerate)
                }
                _ => (0, 0),
            };
            let were = format!(
                "{} left out for having no area or a number that is not finite",
                match left_out {
                    1 => "1 box was".to_owned(),
                    _ => format!("{} were", counted(left_out, "box")),
                }
            );
            let mend = "so there is nothing to learn: mend the boxes, or name the format that they have";
            let error = Error::data(match (crowds, left_out) {
                (0, 0) => "no row has a box, so there is nothing to learn".to_owned(),
                (_, 0) => {
                    "every box stands for a crowd (iscrowd), and these are not learnt, so there is nothing to learn"
                        .to_owned()
                }
                (0, _) => format!("{were}, and there is no other, {mend}"),
                (_, _) => format!("{were}, and every other stands for a crowd (iscrowd) and is not learnt, {mend}"),
            });
            return Err(match left_out {
                0 => error,
                _ => error.with_remedy(Remedy::BoxFormat),
            });
        }
        Ok(Arc::new(Self {
            classes: targets.names().to_vec(),
            absent: targets.absent(),
            ..self.clone()
        }))
    }

    fn stage(&self, input: &Input, split: Split) -> Result<Arc<dyn Stage>> {
        let min_visibility = match split {
            Split::Train => Self::LEAST_VISIBLE,
            Split::Evaluation => 0.0,
        };
        Ok(Arc::new(WithBoxes {
            image: self.image(input, split),
            column: input.column.clone(),
            format: match self.boxes.is_normalized() {
                true => BoxFormat::XyxyNormalized,
                false => BoxFormat::Xyxy,
            },
            min_visibility,
        }))
    }

    fn image(&self, input: &Input, split: Split) -> Image {
        let image = match split {
            Split::Train => &input.augmented,
            Split::Evaluation => &input.plain,
        };
        image.clone().keeping_aspect(Self::RIM)
    }

    fn copy_paste(
        &self,
        input: &Input,
        copy_paste: &CopyPaste,
        from: Option<Arc<dyn Dataset>>,
    ) -> Result<Arc<dyn Stage>> {
        Ok(Arc::new(PasteObjects {
            column: input.column.clone(),
            copy_paste: copy_paste.clone(),
            from,
        }))
    }

    fn mosaic(&self, input: &Input, mosaic: &Mosaic) -> Result<Arc<dyn Stage>> {
        Ok(Arc::new(PutTogether {
            column: input.column.clone(),
            mosaic: mosaic.clone(),
            min_visibility: Self::LEAST_VISIBLE,
            is_letterboxed: matches!(self.image(input, Split::Train).framing(), Crop::Letterbox { .. }),
        }))
    }

    fn nms(&self) -> Option<&Nms> {
        Some(&self.nms)
    }

    fn with_nms(&self, nms: Nms) -> Option<Arc<dyn Task>> {
        Some(Arc::new(Self { nms, ..self.clone() }))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::Detection {
            classes: self.classes.len(),
            width: self.width,
            depth: self.depth,
        }
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let map = outputs.map()?;
        let [count, _, rows, columns] = map.dims();
        let classes = self.classes.len();
        let frames = Frame::all(truth.rows)?;
        let Some(frame) = frames.first() else {
            return Err(Error::config("there are no rows to learn from"));
        };
        let places = frame.places(columns, rows);
        let assigned: Vec<_> = Objects::all(truth.rows, truth.column)?
            .iter()
            .map(|objects| places.assign(&objects.boxes, &objects.classes, self.radius))
            .collect();
        let targets = PlaceTargets::new(&assigned, classes, truth.device);
        let all = count * rows * columns;
        let map = map.permute([0, 2, 3, 1]).reshape([all, classes + 5]);
        let distances = distances(map.clone().narrow(1, classes, 4)) * places.stride;
        let centreness = map.clone().narrow(1, classes + 4, 1).reshape([all]);
        Ok(targets.loss(map.narrow(1, 0, classes), distances, centreness))
    }

    fn predictions(&self, outputs: Outputs, rows: &RecordBatch) -> Result<RecordBatch> {
        let map = outputs.map()?;
        let [_, outputs, height, columns] = map.dims();
        let classes = self.classes.len();
        let present: Vec<usize> = (0..classes).filter(|class| !self.absent.contains(class)).collect();
        let map = map.permute([0, 2, 3, 1]);
        let part = |from: usize, many: usize| map.clone().narrow(3, from, many);
        let shares = finite(sigmoid(part(0, classes)), "probabilities")?;
        let centreness = finite(sigmoid(part(outputs - 1, 1)), "probabilities")?;
        let sides = finite(distances(part(classes, 4)), "boxes")?;
        let mut found = Predicted::default();
        let frames = Frame::all(rows)?;
        let area = height * columns;
        for (row, frame) in frames.iter().enumerate() {
            let places = frame.places(columns, height);
            let mut candidates = Candidates::default();
            for (place, [x, y]) in places.centres().enumerate() {
                let at = row * area + place;
                let sides = &sides[at * 4..][..4];
                let corners = || {
                    let [left, top, right, bottom] = [0, 1, 2, 3].map(|side| sides[side] * places.stride);
                    frame.to_picture([x - left, y - top, x + right, y + bottom])
                };
                for &class in &present {
                    let score = (shares[at * classes + class] * centreness[at]).sqrt();
                    if score >= self.nms.min_score {
                        candidates.push(corners(), score, class);
                    }
                }
            }
            let (kept, is_cut) = self
                .nms
                .run_limited(&candidates.boxes, &candidates.scores, &candidates.classes)?;
            for kept in kept {
                let corners = candidates.boxes[kept.index];
                let numbers = self.boxes.from_xyxy(corners, frame.picture_size());
                found.push(numbers, candidates.classes[kept.index], kept.score);
            }
            found.end_row(is_cut)?;
        }
        found.finish(&self.classes)
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Box::new(Found {
            figures: DetectionFigures::new(self.classes.len()),
            format: self.boxes,
        })
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// Distances in strides, of what the head gives: at least a twentieth of one, and less than 150.
fn distances<const D: usize>(logits: Tensor<D>) -> Tensor<D> {
    logits.clamp(-3.0, 5.0).exp()
}

/// Compares boxes that were found with those that are there.
#[derive(Debug)]
struct Found {
    figures: DetectionFigures,
    format: BoxFormat,
}

impl Evaluation for Found {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        // What is there is measured as it is stored, in pixels of the picture, whatever a stage has made of it for the loss.
        let stored = StoredObjects::all(truth.rows)?;
        let (found, frames) = (PredictedBox::all(predictions)?, Frame::all(truth.rows)?);
        for ((stored, found), frame) in stored.iter().zip(&found).zip(&frames) {
            let found = found.iter().map(|found| FoundBox {
                corners: self.format.to_xyxy(found.numbers, frame.picture_size()).map(f64::from),
                class: found.class,
                score: found.score.into(),
            });
            self.figures.add(stored, &found.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn figures(&self) -> Result<Measured> {
        Ok(self.figures.measured())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::BoxFormat;
    use arrow::array::{Array, ArrayRef};
    use burn::tensor::Device;

    /// The mean average precisions of small, medium and large objects where the small and the large one of a picture of 320 x 240 pixels
    /// are found, with boxes in `format`.
    fn by_size(format: BoxFormat) -> [Option<f64>; 3] {
        let size = (320, 240);
        let objects = [20.0, 60.0, 120.0].map(|side| [100.0, 50.0, 100.0 + side, 50.0 + side]);
        let mut stored = StoredObjects::default();
        objects
            .iter()
            .for_each(|corners| stored.push(*corners, 0, None, [false; 2]));
        stored.end_row();
        let columns: [(&str, ArrayRef); 2] = [
            (stored::STORED, stored.finish().expect("a column")),
            (Frame::COLUMN, Frame::column_of(&[Some(size)]).expect("a column")),
        ];
        let rows = RecordBatch::try_from_iter(columns).expect("rows");
        let mut found = Predicted::default();
        for (corners, score) in [(objects[0], 0.9), (objects[2], 0.8)] {
            found.push(format.from_xyxy(corners, size), 0, score);
        }
        found.end_row(false).expect("few boxes");
        let task = Detect {
            classes: vec!["a".to_owned()],
            boxes: format,
            ..Detect::default()
        };
        let mut evaluation = task.evaluation();
        let truth = Truth {
            rows: &rows,
            column: "objects",
            device: &Device::flex(),
            priors: None,
        };
        let found = found.finish(&task.classes).expect("columns");
        assert_eq!(found.column(0).len(), 1);
        evaluation.add(&found, &truth).expect("they are compared");
        let measured = evaluation.figures().expect("figures");
        ["map_small", "map_medium", "map_large"].map(|name| measured.value(name))
    }

    #[test]
    fn sizes_of_objects_are_in_pixels_in_every_format() {
        for format in BoxFormat::ALL {
            let found = by_size(format).map(|figure| figure.map(|figure| (figure * 1e9).round() / 1e9));
            assert_eq!(found, [Some(1.0), Some(0.0), Some(1.0)], "{format}");
        }
    }
}
