//! Semantic segmentation: a class for each pixel.

mod bilinear;
mod masks;

pub(super) use masks::{has_masks, predicted_masks, true_masks};

use super::definition::{Evaluation, Input, Split, Task, Truth};
use super::detect::frame::Frame;
use super::finite::finite;
use super::row_masks::BEYOND;
use super::targets::{TargetKind, Targets};
use crate::columns::is_binary;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::model::head::{HeadConfig, Outputs};
use crate::plan::Plan;
use crate::quote::quoted;
use crate::report::{Measured, SegmentationFigures};
use crate::rows::{Bound, Stage};
use crate::sink::tensor;
use crate::spec::Spec;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use bilinear::Enlarged;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use masks::Predicted;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A class for each pixel: a light head on maps of several depths, whose logits are enlarged to the size of the picture.
///
/// The target column holds masks: PNG files of grey or palette values, the class of each pixel: 0 to 254. Pixels of
/// [`ignore_index`](Self::ignore_index) are neither learnt nor measured, and neither is what lies beyond the picture: pictures keep their aspect ratio, they are
/// [letterboxed](crate::image::Image::letterbox). The loss is the cross-entropy of all other pixels of a batch, at the size of the input, of
/// logits that are enlarged bilinearly, as in torchvision; it is 0 where there are none.
///
/// Predictions have the column `mask`, a struct of `bytes` and `path` as Hugging Face stores pictures: a PNG file of grey values, as large as the picture, of which
/// each is the most probable class. Figures are those of [`SegmentationFigures`]; `mean_iou` chooses. They are measured on
/// masks as they are stored, of the size of their pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Segment {
    /// The names of the classes 0, 1, ... Where it is empty, those of the metadata of the training rows' masks, or the numbers up to the
    /// largest that is in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The numbers of the classes that no training row has: they are not predicted. Filled in by [`bind`](Task::bind).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<usize>,
    /// The value of pixels that are neither learnt nor measured, torch's name for it. A number below 0, such as torch's own default of -100,
    /// is none. Defaults to 255, as in torchvision's references and Pascal VOC.
    pub ignore_index: i64,
    /// Channels of the head, a multiple of 8. Defaults to 64.
    pub width: usize,
    /// Depthwise separable convolutions of 3 x 3 in the head. Defaults to 2.
    pub depth: usize,
}

impl Default for Segment {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            absent: Vec::new(),
            ignore_index: 255,
            width: 64,
            depth: 2,
        }
    }
}

impl Segment {
    /// The colour around pictures of another aspect ratio than the input: YOLOv5's grey.
    const RIM: [u8; 3] = [114; 3];

    /// The value of pixels of no class, if there is one.
    fn ignored(&self) -> Option<u8> {
        u8::try_from(self.ignore_index).ok()
    }

    /// Whether pixels of this value are neither learnt nor measured.
    fn ignores(&self, value: u8) -> bool {
        value == BEYOND || Some(value) == self.ignored()
    }
}

impl Spec for Segment {
    const NAME: &'static str = "segment";

    fn check(&self) -> Result<()> {
        if self.classes.len() > usize::from(BEYOND) {
            let many = self.classes.len();
            return Err(Error::config(format!(
                "{many} classes, but a mask's values tell {BEYOND} apart"
            )));
        }
        if self.ignore_index > 255 {
            return Err(Error::config(format!(
                "ignore_index is {}, and pixels are 0 to 255; a number below 0 is none",
                self.ignore_index
            )));
        }
        match self.width > 0 && self.width.is_multiple_of(8) && self.width <= 1024 && self.depth <= 16 {
            true => Ok(()),
            false => Err(Error::config(format!(
                "a head of {} channels and {} layers: the channels have to be a multiple of 8 up to 1024, and the layers up to 16",
                self.width, self.depth
            ))),
        }
    }
}

impl Task for Segment {
    fn target(&self) -> TargetKind {
        TargetKind::Mask {
            ignore_index: self.ignored(),
        }
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        let there: Vec<usize> = (0..)
            .zip(targets.counts())
            .filter(|(_, rows)| *rows > 0)
            .map(|(class, _)| class)
            .collect();
        let ignored = match targets {
            Targets::Masks(masks) => masks.ignored().0,
            _ => 0,
        };
        match there[..] {
            [] => {
                return Err(Error::data(format!(
                    "every pixel of every mask is {}, the task's ignore_index, so there is nothing to learn",
                    self.ignore_index
                )));
            }
            [only] => {
                let name = quoted(targets.names().get(only).map_or("", String::as_str));
                let message = match ignored {
                    0 => format!(
                        "every pixel of every mask is of one class, {only} ({name}), so there is nothing to tell apart"
                    ),
                    _ => format!(
                        "every pixel of every mask is of one class, {only} ({name}), or {}, the task's ignore_index, so there is nothing to tell \
                         apart: where {} stands for a class, store another value, such as 1",
                        self.ignore_index, self.ignore_index
                    ),
                };
                return Err(Error::data(message));
            }
            _ => {}
        }
        Ok(Arc::new(Self {
            classes: targets.names().to_vec(),
            absent: targets.absent(),
            ..self.clone()
        }))
    }

    fn stage(&self, input: &Input, split: Split) -> Result<Arc<dyn Stage>> {
        Ok(Arc::new(WithMask {
            image: self.image(input, split),
            column: input.column.clone(),
        }))
    }

    fn image(&self, input: &Input, split: Split) -> Image {
        let image = match split {
            Split::Train => &input.augmented,
            Split::Evaluation => &input.plain,
        };
        image.clone().keeping_aspect(Self::RIM).fill_mask(BEYOND)
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::Segmentation {
            classes: self.classes.len(),
            width: self.width,
            depth: self.depth,
        }
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let masks: Tensor<3, Int> = tensor::ints_nd(truth.rows, truth.column, truth.device)?;
        let [_, height, width] = masks.dims();
        let logits = bilinear::enlarged(outputs.map()?, [height, width]);
        Ok(cross_entropy(logits, masks, self.ignored()))
    }

    fn predictions(&self, outputs: Outputs, rows: &RecordBatch) -> Result<RecordBatch> {
        let map = outputs.map()?;
        let [_, classes, height, width] = map.dims();
        let mut logits = finite(map, "logits")?;
        let area = height * width;
        for row in logits.chunks_exact_mut(classes * area) {
            let absent = self.absent.iter().filter(|class| **class < classes);
            // Between places of infinity there would be no numbers.
            absent.for_each(|class| row[class * area..][..area].fill(f32::MIN / 4.0));
        }
        let mut predicted = Predicted::default();
        for (frame, logits) in Frame::all(rows)?
            .iter()
            .zip(logits.chunks_exact(classes * height * width))
        {
            predicted.push(&Enlarged::new(logits, [classes, height, width]).classes(frame))?;
        }
        predicted.finish()
    }

    fn row_losses(&self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<Option<Vec<f64>>> {
        let pairs = true_masks(truth)?.into_iter().zip(predicted_masks(predictions)?);
        let wrong = pairs.map(|(truth, found)| {
            let known = truth
                .values
                .iter()
                .zip(&found.values)
                .filter(|(is, _)| !self.ignores(**is));
            let (wrong, all) = known.fold((0, 0), |(wrong, all), (is, got)| {
                (wrong + u32::from(is != got), all + 1)
            });
            f64::from(wrong) / f64::from(all.max(1))
        });
        Ok(Some(wrong.collect()))
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Box::new(Pixels {
            task: self.clone(),
            figures: SegmentationFigures::new(self.classes.len(), Some(NO_CLASS)),
        })
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// The class of pixels that are not measured.
const NO_CLASS: i64 = -1;

/// The mean cross-entropy of logits `[n, classes, height, width]` over the pixels of `masks` that have a class; 0 where none has.
fn cross_entropy(logits: Tensor<4>, masks: Tensor<3, Int>, ignore_index: Option<u8>) -> Tensor<1> {
    let beyond = masks.clone().equal_elem(BEYOND);
    let ignored = match ignore_index {
        Some(value) if value != BEYOND => beyond.bool_or(masks.clone().equal_elem(value)),
        _ => beyond,
    };
    let classes = masks.mask_fill(ignored.clone(), 0).unsqueeze_dim::<4>(1);
    let chosen = log_softmax(logits, 1).gather(1, classes).squeeze_dim::<3>(1);
    let known = ignored.bool_not().float();
    (chosen * known.clone()).sum().neg() / known.sum().clamp_min(1.0)
}

/// Pictures with their masks, which move with them, and where they lie.
#[derive(Clone, Debug)]
struct WithMask {
    image: Image,
    column: String,
}

impl WithMask {
    /// The image stage for the column of masks among those `below`, if there is one: rows that are predicted may have none.
    fn stage(&self, below: &Schema) -> Arc<dyn Stage> {
        let image = self.image.clone().frame(Frame::COLUMN);
        let is_mask = |field: &&Arc<Field>| *field.name() != self.column && is_binary(field.data_type());
        match below.fields().iter().find(is_mask) {
            Some(mask) => image.mask(mask.name()).on(&self.column),
            None => image.on(&self.column),
        }
    }
}

impl Stage for WithMask {
    fn describe(&self) -> Plan {
        self.image.clone().on(&self.column).describe().param("moves", "mask")
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        self.stage(below).bind(below)
    }
}

/// Compares masks that were predicted with those that are there.
#[derive(Debug)]
struct Pixels {
    task: Segment,
    figures: SegmentationFigures,
}

impl Evaluation for Pixels {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        for (truth, found) in true_masks(truth)?.iter().zip(&predicted_masks(predictions)?) {
            let truth = truth.values.iter().map(|&value| match self.task.ignores(value) {
                true => NO_CLASS,
                false => value.into(),
            });
            let found = found.values.iter().map(|&value| i64::from(value));
            self.figures.add(truth.collect::<Vec<_>>(), found.collect::<Vec<_>>())?;
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
    use burn::tensor::{Device, TensorData};

    fn loss(logits: &[f32], masks: &[i64]) -> f32 {
        let device = Device::flex();
        let logits = Tensor::<4>::from_data(TensorData::new(logits.to_vec(), [1, 2, 1, 3]), &device);
        let masks = Tensor::<3, Int>::from_data(TensorData::new(masks.to_vec(), [1, 1, 3]), &device);
        cross_entropy(logits, masks, Some(255))
            .into_data()
            .iter::<f32>()
            .next()
            .unwrap()
    }

    #[test]
    fn another_value_may_be_the_one_that_does_not_count() {
        let device = Device::flex();
        let logits = Tensor::<4>::from_data(
            TensorData::new(vec![0.0_f32, 2.0, 7.0, 0.0, 0.0, -7.0], [1, 2, 1, 3]),
            &device,
        );
        let masks = Tensor::<3, Int>::from_data(TensorData::new(vec![0_i64, 1, 255], [1, 1, 3]), &device);
        let loss = |ignored| {
            let loss = cross_entropy(logits.clone(), masks.clone(), ignored);
            loss.into_data().iter::<f32>().next().unwrap()
        };
        let (half, sure) = (2.0_f32.ln(), (1.0 + 2.0_f32.exp()).ln());
        assert!((loss(Some(0)) - sure).abs() < 1e-6);
        assert!((loss(Some(1)) - half).abs() < 1e-6);
        assert!((loss(None) - (half + sure) / 2.0).abs() < 1e-6);
    }

    #[test]
    fn pixels_of_255_do_not_count() {
        // Logits of class 0, then of class 1, at three pixels.
        let logits = [0.0, 2.0, 7.0, 0.0, 0.0, -7.0];
        let (half, sure) = (2.0_f32.ln(), (1.0 + 2.0_f32.exp()).ln());
        assert!((loss(&logits, &[0, 1, 255]) - (half + sure) / 2.0).abs() < 1e-6);
        assert!((loss(&logits, &[1, 255, 255]) - half).abs() < 1e-6);
        assert_eq!(loss(&logits, &[255; 3]), 0.0);
    }
}
