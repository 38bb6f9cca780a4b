//! What columns are read as, in training and in previews.

use super::classes::Labels;
use crate::dataset::Dataset;
use crate::rows::{ObjectLayout, find_instances, find_objects};
use crate::source::Files;
use serde::Serialize;

/// What is recognised in the columns by their names and types, whatever their values are: the rules are those of training and of previews.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// Boxes with classes; none where the labels are something else.
    pub boxes: Option<RecognisedBoxes>,
    /// Keypoints of the objects that have the boxes. They move with their pictures, and no task learns them.
    pub keypoints: Option<RecognisedKeypoints>,
    /// The column of masks with a class for each pixel, where these are the labels.
    pub masks: Option<String>,
    /// The column of masks in which each of the objects that have the boxes has a number of its own.
    pub instances: Option<String>,
}

/// Where boxes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecognisedBoxes {
    /// The column of objects.
    pub column: String,
    /// The field of boxes in it.
    pub boxes: String,
    /// The field of their classes.
    pub classes: String,
    /// Fields that are not read: polygons, texts.
    pub ignored: Vec<String>,
}

/// Where keypoints are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecognisedKeypoints {
    /// The column of objects.
    pub column: String,
    /// The field of keypoints in it.
    pub field: String,
    /// How many points an object has.
    pub points: usize,
    /// What the points are called, in their order; empty where the files do not say it.
    pub names: Vec<String>,
}

impl Recognised {
    /// What `rows` have, where the label column is `named` or the one that was found for `labels`.
    pub(super) fn of(rows: Option<&Files>, named: Option<&str>, labels: &Labels) -> Self {
        let masks = labels.column.clone().filter(|_| labels.masks);
        let layout = rows.and_then(|rows| {
            let column = find_objects(rows, named).ok()??;
            let own = rows.clone().columns(&[&column]).ok()?;
            Some((rows, ObjectLayout::of(&own.schema(), &column).ok()?))
        });
        let Some((rows, layout)) = layout else {
            return Self {
                masks,
                ..Self::default()
            };
        };
        let keypoints = layout.keypoints().zip(layout.keypoint_count());
        Self {
            keypoints: keypoints.map(|(field, points)| RecognisedKeypoints {
                column: layout.column().to_owned(),
                field: field.to_owned(),
                points,
                names: layout.keypoint_names().map_or_else(Vec::new, |said| said.names.clone()),
            }),
            boxes: Some(RecognisedBoxes {
                column: layout.column().to_owned(),
                boxes: layout.boxes().to_owned(),
                classes: layout.category().to_owned(),
                ignored: layout.ignored().to_vec(),
            }),
            masks,
            instances: find_instances(&rows.schema()).map(str::to_owned),
        }
    }
}
