//! Pictures with the boxes that were predicted.

use super::detect::{Detect, PredictedBox};
use super::predict::Predict;
use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::{Context, outputs};
use crate::image::Pixels;
use crate::model::headed::Model;
use crate::report::picture::{DrawnObject, draw_objects, write_png};
use crate::rows::BoxFormat;
use crate::source::Files;
use crate::spec::Spec;
use arrow::array::RecordBatch;
use std::path::{Path, PathBuf};

impl Predict {
    /// Draws the boxes of `predictions`, those of all rows in order, of a score of at least `least` into their pictures, and writes them
    /// to `folder`, which is made if need be: `00000.png` for the first row, and so on. Rows without a prediction are left out. How many
    /// were written.
    ///
    /// # Errors
    ///
    /// `Config` for a model of another task than [`Detect`], as [`check_folder`](Self::check_folder), and for a folder in which one of these files is already; whatever reading the
    /// pictures gives; `Io` where nothing can be written.
    pub fn draw(&self, cx: &Context, predictions: &RecordBatch, folder: &Path, least: f32) -> Result<u64> {
        let config = Model::config_with(&self.model, &self.tasks)?;
        let format = format_of(&config.task)?;
        let (names, all) = (config.task.classes().to_vec(), PredictedBox::all(predictions)?);
        let stored = self.open(cx)?;
        let image = self.image_column(&stored)?;
        let rows = stored.clone().columns(&[&image])?;
        let reading = self.plain(&config).reading_options();
        self.check_folder(folder, &stored)?;
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let missing = predictions.column_by_name("error");
        let mut written = 0;
        for (position, found) in (0_u64..).zip(&all) {
            if missing.is_some_and(|errors| errors.is_valid(position as usize)) {
                continue;
            }
            let path = folder.join(format!("{position:05}.png"));
            if path.exists() {
                let message = "it is there already, and would be overwritten: use another folder";
                return Err(Error::config(message).context(path.display().to_string()));
            }
            let row = cx.block_on(rows.take(cx, &[position]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), &image)?), 0).unwrap_or_default();
            let picture = Pixels::decode_with(bytes, &reading)?;
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
            write_png(path, &draw_objects(&picture, &drawn.collect::<Vec<_>>())?)?;
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

/// What the numbers of the boxes of a detector mean.
fn format_of(task: &super::NamedTask) -> Result<BoxFormat> {
    let written = serde_json::to_value(task).map_err(|error| Error::config(error.to_string()))?;
    match written.get(Detect::NAME) {
        Some(detect) => serde_json::from_value(detect["boxes"].clone())
            .map_err(|error| Error::config(format!("the format of the boxes: {error}"))),
        None => Err(Error::config(format!(
            "the model is of the task {}, which predicts no boxes to draw",
            task.name()
        ))),
    }
}
