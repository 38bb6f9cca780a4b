//! Pictures with the boxes or masks that were predicted.

use super::detect::PredictedBox;
use super::drawn_masks::objects_of;
use super::predict::Predict;
use super::run_folder::RunFolder;
use super::segment::{has_masks, predicted_masks};
use super::targets::TargetKind;
use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::lock::Lock;
use crate::exec::{Context, files, outputs};
use crate::image::{Mask, Pixels};
use crate::model::headed::Model;
use crate::report::picture::{DrawnObject, draw_objects, png};
use crate::rows::BoxFormat;
use crate::source::Files;
use arrow::array::RecordBatch;
use image::RgbImage;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_128;

impl Predict {
    /// Draws `predictions`, those of all rows in order, into their pictures, and writes them to a folder, which is made if need be: `00000.png` for the
    /// first row, and so on. Of a detector that is boxes of a score of at least `least` (0 to 1), the best on top, of a segmentation masks. Rows
    /// without a prediction are left out. What was written is counted.
    ///
    /// Beside them `drawn.jsonl` lists the files and their hashes. Where these may be overwritten, those that it lists are removed first as far as they
    /// are still what was drawn, and no others.
    ///
    /// # Errors
    ///
    /// `Config` for predictions without boxes and masks as [`Detect`](super::Detect) and [`Segment`](super::Segment) make them, whichever task
    /// has made them, and for a `least` outside 0 to 1; as
    /// [`check_folder`](Self::check_folder); whatever reading the pictures gives; `Io` where nothing can be written.
    pub fn draw(
        &self,
        cx: &Context,
        predictions: &RecordBatch,
        folder: &Path,
        least: f32,
        overwrite: bool,
    ) -> Result<DrawnPictures> {
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
        let _lock = Lock::take(folder)?;
        let missing = predictions.column_by_name("error");
        let drawn = |position: &usize| missing.is_none_or(|errors| !errors.is_valid(*position));
        let own = DrawnFiles::read(folder)?;
        if own.is_some() {
            // What a killed run left.
            files::remove_temporary(folder)?;
        }
        own.unwrap_or_else(|| DrawnFiles(Vec::new())).remove(folder)?;
        let mut written = found.counted(least);
        for position in (0..predictions.num_rows()).filter(drawn) {
            let row = cx.block_on(rows.take(cx, &[position as u64]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), &image)?), 0).unwrap_or_default();
            let picture = Pixels::decode_with(bytes, &reading)?;
            let drawn = png(&found.drawn(position, &picture, &names, least)?)?;
            write_listed(folder, file_name(position as u64), &drawn)?;
            written.pictures += 1;
        }
        Ok(written)
    }

    /// Checks, before predictions of `rows` are computed, that pictures of all of them can be [drawn](Self::draw) into `folder`. Nothing is
    /// written.
    ///
    /// # Errors
    ///
    /// `Config` where it is no folder or that of a run, or lies in one that is read, and where it has a file of one of the names that was not drawn there
    /// before or was changed since; `Exists` where it was drawn there and may not be overwritten; `Io` where nothing can be written.
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
        RunFolder::refuse(folder)?;
        let own = DrawnFiles::read(folder)?;
        let unchanged = own.as_ref().map(|own| own.unchanged(folder)).transpose()?;
        let listed = |name: &str| own.iter().flat_map(|own| &own.0).any(|file| file.name == name);
        for name in names() {
            let path = folder.join(&name);
            if path.symlink_metadata().is_err() {
                continue;
            }
            let is_own = unchanged
                .as_ref()
                .is_some_and(|unchanged| name == LIST || unchanged.contains(name.as_str()));
            let (kind, why) = match (is_own, overwrite) {
                (true, true) => continue,
                (true, false) => (
                    ErrorKind::Exists,
                    "it is there already, and would be overwritten: use another folder, or let what was drawn here be overwritten",
                ),
                (false, _) if listed(&name) => (
                    ErrorKind::Config,
                    "this file was changed since it was drawn here, and is not overwritten: use another folder",
                ),
                (false, _) => (
                    ErrorKind::Config,
                    "this file was not drawn here, and is not overwritten: use another folder",
                ),
            };
            return Err(Error::new(kind, why).context(path.display().to_string()));
        }
        Ok(())
    }
}

/// What [`Predict::draw`] has drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DrawnPictures {
    /// Pictures that were written.
    pub pictures: u64,
    /// Boxes in all of them; none where masks are drawn.
    pub boxes: Option<u64>,
    /// The highest score of a box that was predicted, whether it was drawn or not; none where there is none.
    pub highest: Option<f32>,
}

/// The list of the pictures that were drawn into a folder, beside them.
const LIST: &str = "drawn.jsonl";

/// The name of the picture of a row.
fn file_name(row: u64) -> String {
    format!("{row:05}.png")
}

/// Whether [`Predict::draw`] writes files of this name.
pub(super) fn is_drawn(name: &OsStr) -> bool {
    name == LIST || name.to_str().is_some_and(is_picture)
}

/// Whether pictures here are called so.
fn is_picture(name: &str) -> bool {
    let row = name.strip_suffix(".png");
    row.is_some_and(|row| !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A picture that was drawn: a line of the list.
#[derive(Serialize, Deserialize)]
struct DrawnFile {
    name: String,
    /// Its hash, which tells it from a file that was put in its place.
    hash: String,
}

impl DrawnFile {
    fn new(name: String, png: &[u8]) -> Self {
        let hash = hash(png);
        Self { name, hash }
    }

    /// Whether the file of this name in `folder` is still what was drawn.
    fn is_there(&self, folder: &Path) -> Result<bool> {
        let path = folder.join(&self.name);
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(path, error)),
            Ok(found) if !found.is_file() => Ok(false),
            Ok(_) => {
                let bytes = files::read_whole(&path).map_err(|error| Error::io(&path, error))?;
                Ok(hash(&bytes) == self.hash)
            }
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

/// The pictures that were drawn into a folder.
struct DrawnFiles(Vec<DrawnFile>);

impl DrawnFiles {
    /// Those of `folder`; none where nothing was drawn there, and where the list is not ours.
    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(LIST);
        let text = match files::read_small(&path) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, error)),
        };
        // Of a list that was changed by hand only what is called as a picture here is.
        let is_ours = |file: &DrawnFile| is_picture(&file.name);
        // Who was killed may have left half of the last line.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let listed = whole.lines().map(|line| serde_json::from_str::<DrawnFile>(line).ok());
        let listed: Option<Vec<DrawnFile>> = listed.map(|file| file.filter(is_ours)).collect();
        Ok(listed.map(Self))
    }

    /// Those that are there as they were drawn.
    fn unchanged(&self, folder: &Path) -> Result<HashSet<&str>> {
        let mut names = HashSet::new();
        for file in &self.0 {
            if file.is_there(folder)? {
                names.insert(file.name.as_str());
            }
        }
        Ok(names)
    }

    /// Removes those from `folder` that are there as they were drawn, and begins the list anew.
    fn remove(&self, folder: &Path) -> Result<()> {
        for name in self.unchanged(folder)? {
            let path = folder.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path, error)),
                _ => {}
            }
        }
        files::write_bytes(&folder.join(LIST), b"")
    }
}

/// Writes `png` under `name` into `folder`, whose list knows it before it is there.
fn write_listed(folder: &Path, name: String, png: &[u8]) -> Result<()> {
    let (list, path) = (folder.join(LIST), folder.join(&name));
    let failed = |error: std::io::Error| Error::io(&list, error);
    let file = DrawnFile::new(name, png);
    let mut line = serde_json::to_vec(&file).map_err(|error| Error::data(error.to_string()))?;
    line.push(b'\n');
    let mut list = OpenOptions::new().append(true).open(&list).map_err(failed)?;
    list.write_all(&line).map_err(failed)?;
    files::write_bytes(&path, png)
}

/// Predictions that can be drawn, by row.
enum Drawable {
    Boxes(BoxFormat, Vec<Vec<PredictedBox>>),
    Masks(Vec<Mask>),
}

impl Drawable {
    fn of(task: &super::NamedTask, predictions: &RecordBatch) -> Result<Self> {
        match task.target() {
            TargetKind::Objects(format) if PredictedBox::are_in(predictions) => {
                Ok(Self::Boxes(format, PredictedBox::all(predictions)?))
            }
            _ if has_masks(predictions) => Ok(Self::Masks(predicted_masks(predictions)?)),
            _ => Err(Error::config(format!(
                "the model is of the task {}, which predicts no boxes or masks to draw",
                task.name()
            ))),
        }
    }

    /// How many boxes of a score of at least `least` there are, and the highest score; so far no pictures.
    fn counted(&self, least: f32) -> DrawnPictures {
        let Self::Boxes(_, rows) = self else {
            return DrawnPictures::default();
        };
        let scores = || rows.iter().flatten().map(|found| found.score);
        DrawnPictures {
            pictures: 0,
            boxes: Some(scores().filter(|score| *score >= least).count() as u64),
            highest: scores().reduce(f32::max),
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
        let counted = DrawnPictures {
            pictures: 0,
            boxes: Some(2),
            highest: Some(0.9),
        };
        assert_eq!(all.counted(0.5), counted);
        let names = ["a", "b", "c"].map(str::to_owned);
        let drawn = all.drawn(0, &Pixels::new(64, 64), &names, 0.1).expect("it is drawn");
        // A small picture is enlarged.
        let times = drawn.width() / 64;
        assert_eq!(*drawn.get_pixel(25 * times, 40 * times), class_colour(2));
    }
}
