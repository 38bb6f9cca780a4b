//! A column of keypoints that are moved with the picture.

use super::fields::wrong_pairs;
use crate::error::{Error, Result};
use crate::image::Motion;
use crate::image::error::ImageError;
use crate::image::geometry::resampled_motions::ResampledMotions;
use crate::rows::KeypointNames;
use serde::{Deserialize, Serialize};

/// A column of keypoints that are moved with the picture.
///
/// The column holds lists of points, or of objects with a fixed number of points each, `[points, 2]` or `[points, 3]`. A point is x and y in
/// pixels from the top left corner of the picture, and may have a third number, which is its visibility as COCO has it: 0 where it is
/// not labelled, 1 where it is hidden, 2 where it is visible. Points that are not labelled stay as they are.
///
/// What leaves the picture is left out of lists of points, or stays with [`keep_outside`](Self::keep_outside). In objects all points
/// stay. Points outside that stay and have a visibility become 0, 0, 0, as COCO writes points that are not labelled.
///
/// ```
/// use millstream::image::{Image, Keypoints};
///
/// // Seventeen points an object, of which 1 and 2 are the left and the right eye.
/// let points = Keypoints::new("keypoints").mirror_pairs(&[[1, 2]]);
/// let train = Image::new(256).horizontal_flip(0.5).keypoints(points);
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keypoints {
    pub(super) column: String,
    normalized: bool,
    pub(super) label_fields: Vec<String>,
    /// Those that the column says where they are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    mirror_pairs: Option<Vec<[usize; 2]>>,
    keep_outside: bool,
    pub(super) at_most: usize,
}

impl Default for Keypoints {
    fn default() -> Self {
        Self {
            column: "keypoints".to_owned(),
            normalized: false,
            label_fields: Vec::new(),
            mirror_pairs: None,
            keep_outside: false,
            at_most: 16_384,
        }
    }
}

impl Keypoints {
    /// The points in `column`.
    pub fn new(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            ..Self::default()
        }
    }

    /// Coordinates are shares of the picture's width and height, and become shares of the output's.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.normalized = true;
        self
    }

    /// Columns of lists that have an item for each point (or object): what belongs to a point that is left out is left out, too.
    /// Lists beside the points are to be named, as those beside [boxes](super::Boxes::label_fields).
    #[must_use]
    pub fn label_fields(mut self, columns: &[&str]) -> Self {
        self.label_fields
            .extend(columns.iter().map(|&column| column.to_owned()));
        self
    }

    /// Pairs of points of an object that change places where left and right do: the left and the right eye. Each point stands in one pair at most.
    /// Defaults to those that the column [says](KeypointNames), as imported files do; with `&[]` none change places. For lists of points, see
    /// [`Image::mirror_labels`](crate::image::Image::mirror_labels).
    #[must_use]
    pub fn mirror_pairs(mut self, pairs: &[[usize; 2]]) -> Self {
        self.mirror_pairs.get_or_insert_with(Vec::new).extend(pairs);
        self
    }

    /// Points that leave the picture stay in their list.
    #[must_use]
    pub fn keep_outside(mut self) -> Self {
        self.keep_outside = true;
        self
    }

    /// The most points (or objects) that a row may have, an error beyond it. At least 1. Defaults to 16384.
    #[must_use]
    pub fn at_most(mut self, items: usize) -> Self {
        self.at_most = items;
        self
    }

    /// Whether it leaves out points that leave the picture, where they are no objects of several.
    pub(super) fn leaves_out(&self) -> bool {
        !self.keep_outside
    }

    /// With the pairs that the column says, where none are named.
    pub(super) fn of_column(mut self, said: Option<&KeypointNames>) -> Self {
        let said = said.map(|said| said.mirror_pairs.clone());
        self.mirror_pairs = self.mirror_pairs.or(said);
        self
    }

    fn pairs(&self) -> &[[usize; 2]] {
        self.mirror_pairs.as_deref().unwrap_or_default()
    }

    /// What is wrong with the pairs.
    pub(in crate::image) fn check_pairs(&self) -> Result<(), ImageError> {
        match wrong_pairs(self.pairs()) {
            Some(why) => Err(ImageError::Config(format!(
                "keypoints \"{}\": mirror_pairs: {why}",
                self.column
            ))),
            None => Ok(()),
        }
    }

    /// What is wrong for items of `shape`: those of the column.
    pub(super) fn check(&self, shape: &[usize]) -> Result<()> {
        let refused = |why: String| Err(Error::config(format!("keypoints \"{}\": {why}", self.column)));
        if self.at_most == 0 {
            return refused("at_most is 0, but has to be at least 1".to_owned());
        }
        match *shape {
            [2 | 3] if !self.pairs().is_empty() => refused(
                "mirror_pairs are for objects of several points each; for lists of points, name the pairs of their labels with \
                 `Image::mirror_labels`"
                    .to_owned(),
            ),
            [2 | 3] => Ok(()),
            [points, 2 | 3] => match self.pairs().iter().flatten().find(|&&point| point >= points) {
                Some(point) => refused(format!(
                    "mirror_pairs name point {point}, and an object has {points}, counted from 0"
                )),
                None => Ok(()),
            },
            _ => Err(Error::schema(format!(
                "keypoints \"{}\" are lists of items of shape {shape:?}, not [2], [3], [points, 2] or [points, 3]",
                self.column
            ))),
        }
    }

    /// Where `motions` take the points of an item, each of `width` numbers; false where it is left out.
    pub(super) fn moved(&self, item: &[f32], width: usize, motions: &ResampledMotions, out: &mut Vec<f32>) -> bool {
        let motion = motions.whole();
        let (first, is_object) = (out.len(), item.len() > width);
        for point in item.chunks_exact(width) {
            let moved = self.point(point, motion);
            let [x, y] = moved.unwrap_or_else(|| [point[0], point[1]]);
            let [to_x, to_y] = motion.to().map(|side| side as f32);
            let [across, down] = if self.normalized { [1.0, 1.0] } else { [to_x, to_y] };
            let inside = moved.is_none()
                || (0.0..across).contains(&x) && (0.0..down).contains(&y) && motions.keeps(self.stored(point, motion));
            if !inside && !is_object && !self.keep_outside {
                return false;
            }
            match width {
                2 => out.extend([x, y]),
                _ if inside => out.extend([x, y, point[2]]),
                _ => out.extend([0.0; 3]),
            }
        }
        if motion.mirrors() {
            for &[left, right] in self.pairs() {
                for at in 0..width {
                    out.swap(first + left * width + at, first + right * width + at);
                }
            }
        }
        true
    }

    /// Where a point goes; none for one that is not labelled.
    fn point(&self, point: &[f32], motion: &Motion) -> Option<[f32; 2]> {
        if point.get(2) == Some(&0.0) {
            return None;
        }
        let [x, y] = motion.point(self.stored(point, motion));
        let to = self.scale(motion.to());
        Some([(x / to[0]) as f32, (y / to[1]) as f32])
    }

    /// The place of a point in the stored picture, in pixels.
    fn stored(&self, point: &[f32], motion: &Motion) -> [f64; 2] {
        let from = self.scale(motion.from());
        [0, 1].map(|axis| f64::from(point[axis]) * from[axis])
    }

    /// What a number of a point is multiplied by to be in pixels of a picture of `size`.
    fn scale(&self, size: [u32; 2]) -> [f64; 2] {
        match self.normalized {
            true => size.map(f64::from),
            false => [1.0; 2],
        }
    }
}
