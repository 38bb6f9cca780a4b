//! Object detection: boxes with a class each.

use super::definition::{Evaluation, Input, Split, Task, Truth};
use super::finite::finite;
use super::targets::{TargetKind, Targets};
use crate::boxes::{Nms, Suppression};
use crate::columns::{index_of, list_item, list_items, tensor_values};
use crate::error::{Error, Result};
use crate::image::{Boxes, Image};
use crate::model::head::{HeadConfig, Outputs};
use crate::plan::Plan;
use crate::report::{DetectionFigures, FoundBox, Measured, TrueBox};
use crate::rows::{Bound, BoxFormat, Stage};
use crate::spec::Spec;
use crate::train::loss::detection::{PlaceTargets, Places};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema};
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Boxes with a class each: an anchor-free head on maps of several depths, FCOS (Tian et al. 2019) on the finest of them.
///
/// The target column holds the [objects](crate::rows::ObjectLayout) of a row. Each place of the finest map gives a probability of each class, a box
/// and its centreness; a place learns the smallest box in whose middle it lies (within [`radius`](Self::radius) strides). The loss is
/// [that of FCOS](PlaceTargets::loss). Pictures keep their aspect ratio: they are [letterboxed](Image::letterbox). A box in which no place lies, because it is smaller than a stride, is not learnt.
///
/// Predictions have the column `objects`, a struct of lists as Hugging Face's detection datasets have it: `bbox` (in the format of
/// [`boxes`](Self::boxes)), `category` (a class number), `name` and `score` (the root of class probability times centreness), the
/// best first. Figures are those of [`DetectionFigures`]; `map` chooses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detect {
    /// The names of the classes. Those of the training rows where it is empty.
    pub classes: Vec<String>,
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
            return Err(Error::data("no row has a box, so there is nothing to learn"));
        }
        Ok(Arc::new(Self {
            classes: targets.names().to_vec(),
            ..self.clone()
        }))
    }

    fn stage(&self, input: &Input, split: Split) -> Result<Arc<dyn Stage>> {
        let (image, min_visibility) = match split {
            Split::Train => (&input.augmented, Self::LEAST_VISIBLE),
            Split::Evaluation => (&input.plain, 0.0),
        };
        Ok(Arc::new(WithBoxes {
            image: image.clone().keeping_aspect(Self::RIM),
            column: input.column.clone(),
            format: match self.boxes.is_normalized() {
                true => BoxFormat::XyxyNormalized,
                false => BoxFormat::Xyxy,
            },
            min_visibility,
        }))
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
                for class in 0..classes {
                    let score = (shares[at * classes + class] * centreness[at]).sqrt();
                    if score >= self.nms.min_score {
                        candidates.push(corners(), score, class);
                    }
                }
            }
            let kept = self
                .nms
                .run(&candidates.boxes, &candidates.scores, &candidates.classes)?;
            for kept in kept {
                let corners = candidates.boxes[kept.index];
                let numbers = self.boxes.from_xyxy(corners, frame.picture_size());
                found.push(numbers, candidates.classes[kept.index], kept.score);
            }
            found.end_row()?;
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

/// The boxes of a picture that may be predicted.
#[derive(Default)]
struct Candidates {
    boxes: Vec<[f32; 4]>,
    scores: Vec<f32>,
    classes: Vec<u32>,
}

impl Candidates {
    fn push(&mut self, corners: [f32; 4], score: f32, class: usize) {
        let [left, top, right, bottom] = corners;
        if right > left && bottom > top {
            self.boxes.push(corners);
            self.scores.push(score);
            self.classes.push(class as u32);
        }
    }
}

/// The column of predictions.
const PREDICTED: &str = "objects";

/// Boxes of rows that were predicted.
#[derive(Default)]
struct Predicted {
    numbers: Vec<f32>,
    classes: Vec<i64>,
    scores: Vec<f32>,
    lengths: Vec<usize>,
    before: usize,
}

impl Predicted {
    fn push(&mut self, numbers: [f32; 4], class: u32, score: f32) {
        self.numbers.extend(numbers);
        self.classes.push(class.into());
        self.scores.push(score);
    }

    fn end_row(&mut self) -> Result<()> {
        self.lengths.push(self.classes.len() - self.before);
        self.before = self.classes.len();
        let many = || Error::data("the predictions have more than 2^31 boxes: take fewer rows");
        i32::try_from(self.before).map(|_| ()).map_err(|_| many())
    }

    fn finish(self, names: &[String]) -> Result<RecordBatch> {
        let offsets = OffsetBuffer::from_lengths(self.lengths.iter().copied());
        let list = |values: ArrayRef| {
            let item = Arc::new(Field::new_list_field(values.data_type().clone(), false));
            ListArray::try_new(item, offsets.clone(), values, None).map(|list| Arc::new(list) as ArrayRef)
        };
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let boxes = FixedSizeListArray::try_new(item, 4, Arc::new(Float32Array::from(self.numbers)), None)?;
        let name = |class: &i64| names.get(*class as usize).map_or("", String::as_str);
        let names = StringArray::from_iter_values(self.classes.iter().map(name));
        let columns = [
            ("bbox", list(Arc::new(boxes))?),
            ("category", list(Arc::new(Int64Array::from(self.classes)))?),
            ("name", list(Arc::new(names))?),
            ("score", list(Arc::new(Float32Array::from(self.scores)))?),
        ];
        let columns = columns.map(|(name, column)| {
            let field = Field::new(name, column.data_type().clone(), false);
            (Arc::new(field), column)
        });
        let objects: ArrayRef = Arc::new(StructArray::from(columns.to_vec()));
        Ok(RecordBatch::try_from_iter([(PREDICTED, objects)])?)
    }
}

/// A box that was predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PredictedBox {
    /// In the format of the task.
    pub(super) numbers: [f32; 4],
    pub(super) class: u32,
    pub(super) score: f32,
}

impl PredictedBox {
    /// Those of each row of `predictions`; none of a row without a prediction.
    pub(super) fn all(predictions: &RecordBatch) -> Result<Vec<Vec<Self>>> {
        let wrong = || Error::schema(format!("column {PREDICTED:?} holds no predicted boxes"));
        let objects = predictions.column(index_of(&predictions.schema(), PREDICTED)?);
        let objects = objects.as_struct_opt().ok_or_else(wrong)?;
        let list = |name: &str| -> Result<(ArrayRef, Vec<Option<usize>>)> {
            list_items(objects.column_by_name(name).ok_or_else(wrong)?, objects.nulls())
        };
        let ((boxes, lengths), (classes, _), (scores, _)) = (list("bbox")?, list("category")?, list("score")?);
        let (list, numbers, _) = tensor_values(&boxes)
            .filter(|(.., width)| *width == 4)
            .ok_or_else(wrong)?;
        let numbers = numbers.values()[list.value_offset(0) as usize..].as_chunks::<4>().0;
        let classes = classes.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let scores = scores.as_primitive_opt::<Float32Type>().ok_or_else(wrong)?;
        let mut at = 0;
        let row = |length: Option<usize>| {
            let own = at..at + length.unwrap_or(0);
            at = own.end;
            let one = |at: usize| Self {
                numbers: numbers[at],
                class: classes.value(at) as u32,
                score: scores.value(at),
            };
            own.map(one).collect()
        };
        Ok(lengths.into_iter().map(row).collect())
    }
}

/// Compares boxes that were found with those that are there.
#[derive(Debug)]
struct Found {
    figures: DetectionFigures,
    format: BoxFormat,
}

impl Evaluation for Found {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let all = PredictedBox::all(predictions)?;
        // Rows that a stage has brought to the size of the input are brought back to that of the picture.
        let frames = match truth.rows.schema().index_of(Frame::COLUMN) {
            Ok(_) => Some(Frame::all(truth.rows)?),
            Err(_) => None,
        };
        let objects = Objects::all(truth.rows, truth.column)?;
        for (row, (objects, found)) in objects.iter().zip(&all).enumerate() {
            let stored = |corners: [f32; 4]| match frames.as_ref().map(|frames| &frames[row]) {
                Some(frame) if self.format.is_normalized() => {
                    let format = BoxFormat::XyxyNormalized;
                    format.from_xyxy(frame.to_picture(corners), frame.picture_size())
                }
                Some(frame) => frame.to_picture(corners),
                None => corners,
            };
            let truth: Vec<TrueBox> = (0..objects.boxes.len())
                .map(|object| TrueBox {
                    corners: stored(objects.boxes[object]).map(f64::from),
                    class: objects.classes[object] as u32,
                    area: objects.areas.as_ref().map(|areas| areas[object]),
                    crowd: objects.crowd.as_ref().is_some_and(|crowd| crowd[object]),
                })
                .collect();
            let found: Vec<FoundBox> = found
                .iter()
                .map(|found| FoundBox {
                    corners: self.format.corners(found.numbers).map(f64::from),
                    class: found.class,
                    score: found.score.into(),
                })
                .collect();
            self.figures.add(&truth, &found)?;
        }
        Ok(())
    }

    fn figures(&self) -> Result<Measured> {
        Ok(self.figures.measured())
    }
}

/// The objects of a row.
#[derive(Debug, Default)]
struct Objects {
    /// Left, upper, right and lower side.
    boxes: Vec<[f32; 4]>,
    classes: Vec<usize>,
    /// Areas in square pixels of the picture.
    areas: Option<Vec<f64>>,
    crowd: Option<Vec<bool>>,
}

impl Objects {
    /// Those of all `rows`, in the columns `column.*`.
    fn all(rows: &RecordBatch, column: &str) -> Result<Vec<Self>> {
        let (schema, wrong) = (rows.schema(), || {
            Error::schema(format!("the columns \"{column}.*\" hold no boxes with classes"))
        });
        let (boxes, classes) = columns_of(&schema, column)?;
        let (boxes, lengths) = list_items(rows.column(boxes), None)?;
        let (classes, _) = list_items(rows.column(classes), None)?;
        let classes = classes.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let (_, numbers, _) = tensor_values(&boxes).ok_or_else(wrong)?;
        let first = boxes.as_fixed_size_list().value_offset(0) as usize;
        let numbers = numbers.values()[first..].as_chunks::<4>().0;
        let beside = |name: &str| -> Result<Option<Vec<f64>>> {
            let Ok(at) = schema.index_of(&format!("{column}.{name}")) else {
                return Ok(None);
            };
            let (items, _) = list_items(rows.column(at), None)?;
            let numbers = arrow::compute::cast(&items, &DataType::Float64)?;
            let numbers = numbers.as_primitive::<arrow::datatypes::Float64Type>();
            Ok((numbers.len() == classes.len()).then(|| numbers.values().to_vec()))
        };
        let (areas, crowd) = (beside("area")?, beside("iscrowd")?);
        let mut at = 0;
        let row = |length: Option<usize>| {
            let own = at..at + length.unwrap_or(0);
            at = own.end;
            Self {
                boxes: numbers[own.clone()].to_vec(),
                classes: classes.values()[own.clone()]
                    .iter()
                    .map(|&class| class as usize)
                    .collect(),
                areas: areas.as_ref().map(|areas| areas[own.clone()].to_vec()),
                crowd: crowd
                    .as_ref()
                    .map(|crowd| crowd[own.clone()].iter().map(|&crowd| crowd != 0.0).collect()),
            }
        };
        Ok(lengths.into_iter().map(row).collect())
    }
}

/// Which columns `column.*` hold boxes and classes, as [`objects`](crate::DatasetExt::objects) makes them.
fn columns_of(schema: &Schema, column: &str) -> Result<(usize, usize)> {
    let prefix = format!("{column}.");
    let boxes = schema
        .fields()
        .iter()
        .position(|field| field.name().starts_with(&prefix) && is_boxes(field));
    // The field of classes comes after that of boxes.
    let boxes = boxes.filter(|at| at + 1 < schema.fields().len());
    boxes
        .map(|at| (at, at + 1))
        .ok_or_else(|| Error::schema(format!("there are no columns \"{column}.*\" of boxes with classes")))
}

fn is_boxes(field: &Field) -> bool {
    let item = list_item(field.data_type());
    item.is_some_and(|item| matches!(item.data_type(), DataType::FixedSizeList(_, 4)))
}

/// Where the picture of a row lies in its input: `input = picture * scale + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    scale: [f32; 2],
    offset: [f32; 2],
    /// Width and height.
    picture: [f32; 2],
    input: [f32; 2],
}

impl Frame {
    /// The column that has them.
    const COLUMN: &str = "frame";
    const NUMBERS: usize = 8;

    fn all(rows: &RecordBatch) -> Result<Vec<Self>> {
        let name = Self::COLUMN;
        let column = rows.column(index_of(&rows.schema(), name)?);
        let Some((list, numbers, Self::NUMBERS)) = tensor_values(column) else {
            return Err(Error::schema(format!("column \"{name}\" holds no frames")));
        };
        let numbers = &numbers.values()[list.value_offset(0) as usize..];
        let all = numbers.as_chunks::<{ Self::NUMBERS }>().0.iter().take(list.len());
        let frame = |[a, b, c, d, e, f, g, h]: &[f32; 8]| Self {
            scale: [*a, *b],
            offset: [*c, *d],
            picture: [*e, *f],
            input: [*g, *h],
        };
        Ok(all.map(frame).collect())
    }

    /// The places of a map of the input.
    fn places(&self, columns: usize, rows: usize) -> Places {
        let (input, many) = (self.input[0], columns as f32);
        let stride = match input % many == 0.0 {
            true => input / many,
            // The last place reaches out of the input.
            false => (input / many).log2().ceil().exp2(),
        };
        Places { columns, rows, stride }
    }

    fn picture_size(&self) -> (u32, u32) {
        (self.picture[0] as u32, self.picture[1] as u32)
    }

    /// A box in the input as one in the picture, clipped to it.
    fn to_picture(self, corners: [f32; 4]) -> [f32; 4] {
        let side = |at: usize| {
            let axis = at % 2;
            ((corners[at] - self.offset[axis]) / self.scale[axis]).clamp(0.0, self.picture[axis])
        };
        [side(0), side(1), side(2), side(3)]
    }
}

/// Pictures with their boxes, which move with them, and where they lie.
#[derive(Clone, Debug)]
struct WithBoxes {
    image: Image,
    column: String,
    /// Of the boxes as the columns have them.
    format: BoxFormat,
    /// The least share of a box that has to be left.
    min_visibility: f32,
}

impl WithBoxes {
    /// The image stage for the boxes among the columns `below`, if there are any: rows that are predicted may have none.
    fn stage(&self, below: &Schema) -> Arc<dyn Stage> {
        let image = self.image.clone().frame(Frame::COLUMN);
        let Some(boxes) = below.fields().iter().find(|field| is_boxes(field)) else {
            return image.on(&self.column);
        };
        let prefix = boxes.name().rsplit_once('.').map_or("", |(prefix, _)| prefix);
        let beside = below.fields().iter().filter(|field| {
            let own = field.name().rsplit_once('.').is_some_and(|(of, _)| of == prefix);
            own && field != &boxes && list_item(field.data_type()).is_some()
        });
        let beside: Vec<&str> = beside.map(|field| field.name().as_str()).collect();
        let moved = Boxes::new(boxes.name(), self.format)
            .label_fields(&beside)
            .min_visibility(self.min_visibility);
        image.boxes(moved).on(&self.column)
    }
}

impl Stage for WithBoxes {
    fn describe(&self) -> Plan {
        let plan = self.image.clone().on(&self.column).describe();
        plan.param("boxes", self.format)
            .param("min_visibility", self.min_visibility)
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        self.stage(below).bind(below)
    }
}
