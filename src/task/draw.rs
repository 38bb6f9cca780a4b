//! Pictures with the boxes or masks that were predicted.

use super::detect::{Detect, PredictedBox};
use super::drawn_masks::objects_of;
use super::predict::Predict;
use super::segment::{Segment, predicted_masks};
use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::{Context, outputs};
use crate::image::{Mask, Pixels};
use crate::model::headed::Model;
use crate::report::picture::{DrawnObject, draw_objects, write_png};
use crate::rows::BoxFormat;
use crate::source::Files;
use crate::spec::Spec;
use arrow::array::RecordBatch;
use image::RgbImage;
use std::path::{Path, PathBuf};

impl Predict {
    /// Draws `predictions`, those of all rows in order, into their pictures, and writes them to `folder`, which is made if need be: `00000.png` for the
    /// first row, and so on. Of a detector that is boxes of a score of at least `least`, of a segmentation masks. Rows without a
    /// prediction are left out. How many were written.
    ///
    /// # Errors
    ///
    /// `Config` for a model of another task than [`Detect`] and [`Segment`], as [`check_folder`](Self::check_folder), and for a folder in
    /// which one of these files is already; whatever reading the pictures gives; `Io` where nothing can be written.
    pub fn draw(&self, cx: &Context, predictions: &RecordBatch, folder: &Path, least: f32) -> Result<u64> {
        let config = Model::config_with(&self.model, &self.tasks)?;
        let found = Drawable::of(&config.task, predictions)?;
        let names = config.task.classes().to_vec();
        let stored = self.open(cx)?;
        let image = self.image_column(&stored)?;
        let rows = stored.clone().columns(&[&image])?;
        let reading = self.plain(&config).reading_options();
        self.check_folder(folder, &stored)?;
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let missing = predictions.column_by_name("error");
        let mut written = 0;
        for position in 0..predictions.num_rows() {
            if missing.is_some_and(|errors| errors.is_valid(position)) {
                continue;
            }
            let path = folder.join(format!("{position:05}.png"));
            if path.exists() {
                let message = "it is there already, and would be overwritten: use another folder";
                return Err(Error::config(message).context(path.display().to_string()));
            }
            let row = cx.block_on(rows.take(cx, &[position as u64]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), &image)?), 0).unwrap_or_default();
            let picture = Pixels::decode_with(bytes, &reading)?;
            write_png(path, &found.drawn(position, &picture, &names, least)?)?;
            written += 1;
        }
        Ok(written)
    }

    /// Checks, before predictions of `rows` are computed, that pictures can be [drawn](Self::draw) into `folder`. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where it is no folder, or lies in one that is read; `Io` where nothing can be written.
    pub fn check_folder(&self, folder: &Path, rows: &Files) -> Result<()> {
        outputs::refuse_inputs([folder.to_owned()], rows.inputs().iter().map(PathBuf::as_path))?;
        outputs::check_folder(folder)
    }
}

/// Predictions that can be drawn, by row.
enum Drawable {
    Boxes(BoxFormat, Vec<Vec<PredictedBox>>),
    Masks(Vec<Mask>),
}

impl Drawable {
    fn of(task: &super::NamedTask, predictions: &RecordBatch) -> Result<Self> {
        let written = serde_json::to_value(task).map_err(|error| Error::config(error.to_string()))?;
        if let Some(detect) = written.get(Detect::NAME) {
            let format = serde_json::from_value(detect["boxes"].clone())
                .map_err(|error| Error::config(format!("the format of the boxes: {error}")))?;
            return Ok(Self::Boxes(format, PredictedBox::all(predictions)?));
        }
        match task.name() {
            Segment::NAME => Ok(Self::Masks(predicted_masks(predictions)?)),
            name => Err(Error::config(format!(
                "the model is of the task {name}, which predicts no boxes or masks to draw"
            ))),
        }
    }

    /// The `picture` of `row` with its boxes of a score of at least `least`, or its mask.
    fn drawn(&self, row: usize, picture: &Pixels, names: &[String], least: f32) -> Result<RgbImage> {
        let (format, found) = match self {
            Self::Masks(masks) => {
                let parts = objects_of(&masks[row], names);
                let objects = parts.iter().map(|part| part.drawn(true));
                return draw_objects(picture, &objects.collect::<Vec<_>>());
            }
            Self::Boxes(format, found) => (format, &found[row]),
        };
        let size = (picture.width, picture.height);
        let drawn = found
            .iter()
            .filter(|found| found.score >= least)
            .map(|found| DrawnObject {
                class: found.class,
                label: format!(
                    "{} {:.2}",
                    names.get(found.class as usize).map_or("", String::as_str),
                    found.score
                ),
                corners: Some(format.to_xyxy(found.numbers, size).map(f64::from)),
                ..DrawnObject::default()
            });
        draw_objects(picture, &drawn.collect::<Vec<_>>())
    }
}
