//! Pictures with the boxes or masks that were predicted.

use super::detect::{Detect, PredictedBox};
use super::drawn_masks::objects_of;
use super::predict::Predict;
use super::segment::{Segment, predicted_masks};
use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::{Context, files, outputs};
use crate::image::{Mask, Pixels};
use crate::model::headed::Model;
use crate::report::picture::{DrawnObject, draw_objects, write_png};
use crate::rows::BoxFormat;
use crate::source::Files;
use crate::spec::Spec;
use arrow::array::RecordBatch;
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

impl Predict {
    /// Draws `predictions`, those of all rows in order, into their pictures, and writes them to a folder, which is made if need be: `00000.png` for the
    /// first row, and so on. Of a detector that is boxes of a score of at least `least` (0 to 1), the best on top, of a segmentation masks. Rows
    /// without a prediction are left out. How many were written.
    ///
    /// Beside them `drawn.json` lists the files. Where these may be overwritten, those that it lists are removed first, and no others.
    ///
    /// # Errors
    ///
    /// `Config` for a model of another task than [`Detect`] and [`Segment`] and for a `least` outside 0 to 1; as
    /// [`check_folder`](Self::check_folder); whatever reading the pictures gives; `Io` where nothing can be written.
    pub fn draw(
        &self,
        cx: &Context,
        predictions: &RecordBatch,
        folder: &Path,
        least: f32,
        overwrite: bool,
    ) -> Result<u64> {
        if !(0.0..=1.0).contains(&least) {
            return Err(Error::config(format!(
                "the least score that is drawn is {least}, and scores are 0 to 1"
            )));
        }
        let config = Model::config_with(&self.model, &self.tasks)?;
        let found = Drawable::of(&config.task, predictions)?;
        let names = config.task.classes().to_vec();
        let stored = self.open(cx)?;
        let image = self.image_column(&stored)?;
        let rows = stored.clone().columns(&[&image])?;
        let reading = self.plain(&config).reading_options();
        self.check_folder(folder, &stored, overwrite)?;
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let missing = predictions.column_by_name("error");
        let drawn = |position: &usize| missing.is_none_or(|errors| !errors.is_valid(*position));
        let names_of = (0..predictions.num_rows())
            .filter(drawn)
            .map(|position| file_name(position as u64));
        DrawnFiles(names_of.collect()).replace(folder)?;
        let mut written = 0;
        for position in (0..predictions.num_rows()).filter(drawn) {
            let path = folder.join(file_name(position as u64));
            let row = cx.block_on(rows.take(cx, &[position as u64]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), &image)?), 0).unwrap_or_default();
            let picture = Pixels::decode_with(bytes, &reading)?;
            write_png(path, &found.drawn(position, &picture, &names, least)?)?;
            written += 1;
        }
        Ok(written)
    }

    /// Checks, before predictions of `rows` are computed, that pictures of all of them can be [drawn](Self::draw) into `folder`. Nothing is
    /// written.
    ///
    /// # Errors
    ///
    /// `Config` where it is no folder, or lies in one that is read, and where it has a file of one of the names that was not drawn there
    /// before, or may not be overwritten; `Io` where nothing can be written.
    pub fn check_folder(&self, folder: &Path, rows: &Files, overwrite: bool) -> Result<()> {
        let names = || {
            (0..rows.len().finite().unwrap_or(0))
                .map(file_name)
                .chain([LIST.to_owned()])
        };
        let outputs = [folder.to_owned()]
            .into_iter()
            .chain(names().map(|name| folder.join(name)));
        outputs::refuse_inputs(outputs, rows.inputs().iter().map(PathBuf::as_path))?;
        outputs::check_folder(folder)?;
        let own = DrawnFiles::read(folder)?;
        for name in names() {
            let path = folder.join(&name);
            if path.symlink_metadata().is_err() {
                continue;
            }
            let is_own = own.as_ref().is_some_and(|own| name == LIST || own.0.contains(&name));
            let why = match (is_own, overwrite) {
                (true, true) => continue,
                (true, false) => {
                    "it is there already, and would be overwritten: use another folder, or let what was drawn here be overwritten"
                }
                (false, _) => "this file was not drawn here, and is not overwritten: use another folder",
            };
            return Err(Error::config(why).context(path.display().to_string()));
        }
        Ok(())
    }
}

/// The list of the pictures that were drawn into a folder, beside them.
const LIST: &str = "drawn.json";

/// The name of the picture of a row.
fn file_name(row: u64) -> String {
    format!("{row:05}.png")
}

/// The names of the pictures that were drawn into a folder.
#[derive(Serialize, Deserialize)]
struct DrawnFiles(BTreeSet<String>);

impl DrawnFiles {
    /// Those of `folder`; none where nothing was drawn there.
    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(LIST);
        match files::read_small(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path, error)),
        }
    }

    /// Removes what was drawn into `folder`, and lists these. The list comes first: what is begun and not ended is known as drawn.
    fn replace(&self, folder: &Path) -> Result<()> {
        let old = Self::read(folder)?.map_or_else(BTreeSet::new, |old| old.0);
        // Of a list that somebody has changed only what is called as a picture here is.
        let is_picture = |name: &String| {
            name.strip_suffix(".png")
                .is_some_and(|row| row.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let both = Self(old.union(&self.0).filter(|name| is_picture(name)).cloned().collect());
        both.write(folder)?;
        for name in old.iter().filter(|name| is_picture(name)) {
            let path = folder.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path, error)),
                _ => {}
            }
        }
        self.write(folder)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(LIST);
        let text = serde_json::to_vec(self).map_err(|error| Error::data(error.to_string()))?;
        files::write_whole(&path, |file| {
            file.write_all(&text).map_err(|error| Error::io(&path, error))
        })
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
            // The best come first, and what is drawn last is on top.
            .rev()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::picture::class_colour;

    #[test]
    fn the_best_box_is_on_top() {
        let found = |class: u32, score: f32| PredictedBox {
            numbers: [10.0, 10.0, 30.0, 30.0],
            class,
            score,
        };
        // The best come first among predictions.
        let all = Drawable::Boxes(BoxFormat::Xywh, vec![vec![found(2, 0.9), found(0, 0.5), found(1, 0.2)]]);
        let names = ["a", "b", "c"].map(str::to_owned);
        let drawn = all.drawn(0, &Pixels::new(64, 64), &names, 0.1).expect("it is drawn");
        // A small picture is enlarged.
        let times = drawn.width() / 64;
        assert_eq!(*drawn.get_pixel(25 * times, 40 * times), class_colour(2));
    }
}
