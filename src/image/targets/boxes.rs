//! A column of boxes that are moved with the picture.

use super::fields::Lists;
use super::moved::{Left, around, around_oriented, around_resampled};
use crate::columns::index_of;
use crate::error::{Error, Result};
use crate::image::Motion;
use crate::image::geometry::resampled_motions::ResampledMotions;
use crate::rows::{BoxFormat, DType};
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};

/// Slack of areas and sides, as albumentations has it.
const EPSILON: f64 = 1e-7;

/// A column of boxes that are moved with the picture, and the rules by which they stay: albumentations' `BboxParams`.
///
/// A box becomes the box around the polygon to which all motions of the row together take the box that was stored. It is clipped to the
/// output once, at the end, and left out where less is left of it than the limits ask for. One operation alone gives what
/// albumentations gives. A chain does not: albumentations puts a box around a box after each operation, which grows with each rotation,
/// and clips it after each, so that what leaves the picture is lost even if a later operation would bring it back. Here it is lost where the picture
/// itself loses it: at a change of values between two motions, which parts them into two resamples.
///
/// The column holds lists of four numbers; afterwards it is lists of `f32` with an inner shape of `[4]`, as the
/// [sink](crate::sink::tensor::ragged) reads them. Boxes that come in without an area, or with a number that is not finite, are left out.
///
/// ```
/// use millstream::image::{Boxes, Image};
/// use millstream::rows::BoxFormat;
///
/// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy)
///     .label_fields(&["objects.category", "objects.area"])
///     .min_visibility(0.3);
/// let train = Image::new(320).random_resized_crop(0.5..=1.0, 0.75..=1.3333).horizontal_flip(0.5).boxes(boxes);
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Boxes {
    pub(super) column: String,
    pub(super) format: BoxFormat,
    pub(super) output: BoxFormat,
    pub(super) oriented: bool,
    pub(super) label_fields: Vec<String>,
    pub(super) min_area: f32,
    pub(super) min_visibility: f32,
    pub(super) min_width: f32,
    pub(super) min_height: f32,
    pub(super) at_most: usize,
}

impl Default for Boxes {
    fn default() -> Self {
        Self {
            column: "boxes".to_owned(),
            format: BoxFormat::Xyxy,
            output: BoxFormat::Xyxy,
            oriented: false,
            label_fields: Vec::new(),
            min_area: 0.0,
            min_visibility: 0.0,
            min_width: 0.0,
            min_height: 0.0,
            at_most: Self::MOST,
        }
    }
}

impl Boxes {
    /// The most boxes that a row may have by default.
    pub(crate) const MOST: usize = 16_384;

    /// The boxes in `column`, whose numbers mean `format`, of the picture as it is stored (upright, where the stage turns it so).
    ///
    /// Columns that [`objects`](crate::DatasetExt::objects) has made hold corners, whatever was stored: [`BoxFormat::Xyxy`], or
    /// [`BoxFormat::XyxyNormalized`] of shares. They say so in their [metadata](crate::rows::BOX_FORMAT), and the stage refuses another
    /// format.
    pub fn new(column: &str, format: BoxFormat) -> Self {
        Self {
            column: column.to_owned(),
            format,
            ..Self::default()
        }
    }

    /// Oriented boxes: lists of five numbers, torchvision's `CXCYWHR`: centre, width and height in pixels, and the angle in degrees,
    /// counter-clockwise. Each becomes the box around its moved polygon along the line to which its middle line across is moved, which for
    /// flips, rotations and even scales is the moved polygon itself. They are not clipped; limits are those of the part in the picture.
    pub fn oriented(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            oriented: true,
            ..Self::default()
        }
    }

    /// Writes boxes in `format`, shares being those of the output. Defaults to [`BoxFormat::Xyxy`]: pixels of the output.
    #[must_use]
    pub fn output(mut self, format: BoxFormat) -> Self {
        self.output = format;
        self
    }

    /// Columns of lists that have an item for each box: classes, areas, ids. What belongs to a box that is left out is left out, too. The values
    /// stay: areas are those in the stored picture, whatever size the box has in the output. Keypoints of objects are moved where
    /// [`Image::keypoints`](crate::image::Image::keypoints) names them, too; a [mosaic](crate::image::Mosaic) and [pasting](crate::image::CopyPaste) refuse them as label fields.
    ///
    /// Lists beside the boxes are to be named: those whose names begin as that of the boxes does, `objects.area` beside `objects.bbox`. A stage that may leave
    /// boxes out, or adds some, refuses any other; [`project`](crate::DatasetExt::project) takes away what is not needed.
    #[must_use]
    pub fn label_fields(mut self, columns: &[&str]) -> Self {
        self.label_fields
            .extend(columns.iter().map(|&column| column.to_owned()));
        self
    }

    /// Leaves out boxes of which less than `pixels` pixels are in the output. Defaults to 0: those of which nothing is.
    #[must_use]
    pub fn min_area(mut self, pixels: f32) -> Self {
        self.min_area = pixels;
        self
    }

    /// Leaves out boxes of whose moved area less than this share, in `0..=1`, is in the output. Defaults to 0.
    #[must_use]
    pub fn min_visibility(mut self, share: f32) -> Self {
        self.min_visibility = share;
        self
    }

    /// Leaves out boxes that are narrower than `pixels` in the output. Defaults to 0.
    #[must_use]
    pub fn min_width(mut self, pixels: f32) -> Self {
        self.min_width = pixels;
        self
    }

    /// Leaves out boxes that are lower than `pixels` in the output. Defaults to 0.
    #[must_use]
    pub fn min_height(mut self, pixels: f32) -> Self {
        self.min_height = pixels;
        self
    }

    /// Leaves out boxes with a side of less than `min_size` pixels or an area of less than `min_area` in the output: torchvision's
    /// `SanitizeBoundingBoxes`, where both default to 1.
    #[must_use]
    pub fn sanitize(self, min_size: f32, min_area: f32) -> Self {
        self.min_width(min_size).min_height(min_size).min_area(min_area)
    }

    /// The most boxes that a row may have, an error beyond it. At least 1. Defaults to 16384.
    #[must_use]
    pub fn at_most(mut self, boxes: usize) -> Self {
        self.at_most = boxes;
        self
    }

    pub(in crate::image) fn check(&self) -> Result<()> {
        let mistake = |name: &str, value: f32, ends: &str| {
            Err(Error::config(format!(
                "boxes: {name} is {value}, but has to lie in {ends}"
            )))
        };
        for (name, value) in [
            ("min_area", self.min_area),
            ("min_width", self.min_width),
            ("min_height", self.min_height),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return mistake(name, value, "0.., in pixels");
            }
        }
        if !(0.0..=1.0).contains(&self.min_visibility) {
            return mistake("min_visibility", self.min_visibility, "0..=1");
        }
        if self.at_most == 0 {
            return Err(Error::config("boxes: at_most is 0, but has to be at least 1"));
        }
        match self.label_fields.iter().find(|field| **field == self.column) {
            Some(twice) => Err(Error::config(format!(
                "boxes: \"{twice}\" is both the boxes and a label field"
            ))),
            None => Ok(()),
        }
    }

    /// The name of its column.
    pub(in crate::image) fn column(&self) -> &str {
        &self.column
    }

    /// Whether it leaves out boxes that are in the picture.
    pub(super) fn has_limits(&self) -> bool {
        [self.min_area, self.min_visibility, self.min_width, self.min_height]
            .iter()
            .any(|limit| *limit > 0.0)
    }

    /// Its label fields.
    pub(in crate::image) fn fields(&self) -> &[String] {
        &self.label_fields
    }

    /// The most boxes of a row.
    pub(in crate::image) fn most(&self) -> usize {
        self.at_most
    }

    /// The column of boxes among `below`, if it does not say that its boxes are of another format.
    pub(in crate::image) fn lists(&self, below: &Schema) -> Result<Lists> {
        let mut lists = Lists::of(below, &self.column)?;
        if lists.inner != [self.width()] {
            return Err(Error::schema(format!(
                "column \"{}\" has items of shape {:?}, and a box has {} numbers",
                self.column,
                lists.inner,
                self.width()
            )));
        }
        let said = BoxFormat::of_field(below.field(index_of(below, &self.column)?));
        if let Some(said) = said.filter(|said| *said != self.format) {
            let why = match said {
                BoxFormat::Xyxy | BoxFormat::XyxyNormalized => " (`objects` and the image stage write corners)",
                _ => "",
            };
            return Err(Error::config(format!(
                "boxes: column \"{}\" has boxes in the format {said}{why}, and the stage would read them as {}: name the format {said}",
                self.column, self.format
            )));
        }
        lists.dtype = DType::F32;
        lists.boxes = (!self.oriented).then_some(self.output);
        Ok(lists)
    }

    pub(in crate::image) fn is_oriented(&self) -> bool {
        self.oriented
    }

    /// Numbers of a box.
    pub(super) fn width(&self) -> usize {
        if self.oriented { 5 } else { 4 }
    }

    /// Where `motions` take the box of these numbers; none where it is left out. `inside` says whether the picture still shows a place
    /// of the picture as it was stored.
    pub(super) fn moved(
        &self,
        values: &[f32],
        motions: &ResampledMotions,
        inside: &impl Fn([f64; 2]) -> bool,
        out: &mut Vec<f32>,
    ) -> bool {
        if self.oriented {
            return self.moved_oriented(values, motions, inside, out);
        }
        let motion = motions.whole();
        let values: [f32; 4] = std::array::from_fn(|at| values[at]);
        let [left, top, right, bottom] = self.format.to_xyxy(values, (motion.from()[0], motion.from()[1]));
        if !inside([f64::from(left + right) / 2.0, f64::from(top + bottom) / 2.0]) {
            return false;
        }
        match self.corners_after(values, motions) {
            Some(corners) => {
                out.extend(self.written(corners, motion.to()));
                true
            }
            None => false,
        }
    }

    /// The corners of what is left of a box in the output of `motion`, in pixels; none where it is left out.
    pub(in crate::image) fn corners(&self, values: [f32; 4], motion: &Motion) -> Option<[f32; 4]> {
        self.left(values, motion, |corners| around(motion, corners).clipped(motion.to()))
    }

    /// As [`corners`](Self::corners), of a picture that may be resampled several times.
    fn corners_after(&self, values: [f32; 4], motions: &ResampledMotions) -> Option<[f32; 4]> {
        self.left(values, motions.whole(), |corners| around_resampled(motions, corners))
    }

    /// The corners of what `moved` leaves of a box, in pixels; none where it is left out.
    fn left(
        &self,
        values: [f32; 4],
        motion: &Motion,
        moved: impl FnOnce([f64; 4]) -> ([f64; 4], Left),
    ) -> Option<[f32; 4]> {
        if self.format.is_degenerate(values) {
            return None;
        }
        let [width, height] = motion.from();
        let (clipped, rest) = moved(self.format.to_xyxy(values, (width, height)).map(f64::from));
        self.stays(rest).then(|| clipped.map(|value| value as f32))
    }

    /// The numbers of a box with these corners in a picture of `size`.
    pub(in crate::image) fn written(&self, corners: [f32; 4], [width, height]: [u32; 2]) -> [f32; 4] {
        self.output.from_xyxy(corners, (width, height))
    }

    fn moved_oriented(
        &self,
        values: &[f32],
        motions: &ResampledMotions,
        inside: &impl Fn([f64; 2]) -> bool,
        out: &mut Vec<f32>,
    ) -> bool {
        let values: [f64; 5] = std::array::from_fn(|at| values[at].into());
        let [x, y, width, height, _] = values;
        let good = values.iter().all(|value| value.is_finite()) && width > 0.0 && height > 0.0;
        if !good || !inside([x, y]) {
            return false;
        }
        match around_oriented(motions, values) {
            Some((moved, rest)) if self.stays(rest) => {
                out.extend(moved.map(|value| value as f32));
                true
            }
            _ => false,
        }
    }

    fn stays(&self, left: Left) -> bool {
        let at_least = |value: f64, limit: f32| value >= f64::from(limit) - EPSILON;
        left.area >= EPSILON
            && at_least(left.area, self.min_area)
            && at_least(left.visible, self.min_visibility)
            && at_least(left.width, self.min_width)
            && at_least(left.height, self.min_height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Deserialize)]
    struct Expected {
        size: [u32; 2],
        boxes: Vec<[f32; 4]>,
        cases: Vec<Case>,
    }

    /// What albumentations leaves of the boxes by an operation that does `matrix` to the plane.
    #[derive(Deserialize)]
    struct Case {
        name: String,
        to: [u32; 2],
        matrix: [f64; 9],
        rule: BTreeMap<String, f32>,
        boxes: Vec<[f32; 4]>,
        ids: Vec<usize>,
    }

    #[test]
    fn one_operation_agrees_with_albumentations() {
        let text = include_str!("../../../tests/fixtures/moved_boxes.json");
        let expected: Expected = serde_json::from_str(text).expect("a fixture");
        assert_eq!(expected.cases.len(), 75);
        for case in &expected.cases {
            let limit = |name: &str| case.rule.get(name).copied().unwrap_or(0.0);
            let boxes = Boxes::default()
                .min_area(limit("min_area"))
                .min_visibility(limit("min_visibility"))
                .min_width(limit("min_width"))
                .min_height(limit("min_height"));
            let motion = Motion::homography(expected.size, case.to, case.matrix).expect("it has an inverse");
            let motion = ResampledMotions::once(motion);
            let (mut found, mut ids) = (Vec::new(), Vec::new());
            for (id, values) in expected.boxes.iter().enumerate() {
                if boxes.moved(values, &motion, &|_| true, &mut found) {
                    ids.push(id);
                }
            }
            assert_eq!(ids, case.ids, "{} {:?}", case.name, case.rule);
            let far = found.iter().zip(case.boxes.as_flattened()).map(|(a, b)| (a - b).abs());
            let far = far.fold(0.0, f32::max);
            assert!(far < 0.01, "{} {:?}: {far}", case.name, case.rule);
        }
    }
}
