//! Predictions of a saved model.

use super::bad_rows::{OnBadRow, alone, marked};
use super::run_folder::RunFolder;
use crate::dataset::Dataset;
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::exec::files;
use crate::ext::DatasetExt;
use crate::image::{Image, Reading};
use crate::loader::is_replaceable;
use crate::sink::tensor;
use crate::source::Parquet;
use crate::transfer::{Classifier, EfficientNetLite0, Frozen, Normalisation};
use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Images that are asked for at a time.
const BATCH: u64 = 32;

/// Predicts every row of the Parquet files `paths` with the model in the folder `model`.
///
/// The columns: `file`, `row_group`, `row` (inside the row group), `class` (a number), `name`, `probability` (of that
/// class, 0 to 1), `probabilities` (of all classes, in the order of the model's class names). With [`OnBadRow::Skip`] there is one
/// more, `error`: of a row whose picture cannot be made it says why, and the four before it are null; it is null for all other
/// rows. Pictures are read as in training, those of more than `max_pixels` pixels are errors. `progress` is told the rows done and
/// the rows in all.
///
/// # Errors
///
/// Whatever loading the model and reading the images give; `Schema` where no image column is found; `Config` for
/// [`OnBadRow::Replace`], since no row can be predicted in place of another.
pub fn predict(
    cx: &Context,
    model: impl AsRef<Path>,
    paths: &[String],
    image: Option<&str>,
    max_pixels: u64,
    on_bad_row: OnBadRow,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<RecordBatch> {
    if let OnBadRow::Replace { .. } = on_bad_row {
        return Err(Error::config(
            "no row can be predicted in place of another: skip bad rows, or fail",
        ));
    }
    let device = Device::flex();
    let (model, meta) = Classifier::load(model, &device)?;
    let backbone = Frozen::new(&model.backbone)?;
    let rows = cx.block_on(Parquet::open_all(cx, paths))?;
    let image = rows.find_image(image)?;
    let Normalisation { mean, std } = meta.normalisation;
    let reading = Reading {
        max_pixels,
        ..meta.reading
    };
    let stage = Image::new(meta.image_size as u32).reading(reading).normalize(mean, std);
    let rows = Arc::new(rows.columns(&[&image])?.image(&image, stage)?);
    let shares = |batch: &RecordBatch| -> Result<Vec<f32>> {
        let images = tensor::floats::<4>(batch, &image, &device)?;
        let features = TensorData::new(
            backbone.features(images)?,
            [batch.num_rows(), EfficientNetLite0::FEATURES],
        );
        let shares = softmax(model.forward_head(Tensor::from_data(features, &device)), 1).into_data();
        let shares: Vec<f32> = shares.try_to_vec().map_err(|error| Error::stage(error.to_string()))?;
        match shares.iter().all(|share| share.is_finite()) {
            true => Ok(shares),
            false => Err(Error::config(
                "the model gives probabilities that are no numbers: it is damaged",
            )),
        }
    };
    let classes = meta.classes.len();
    let row = |position: u64, found: Found| (rows.provenance(cx, position).places.into_iter().next(), found);
    let total = rows.len().finite().unwrap_or(0);
    let (mut done, mut bad, mut out) = (0, 0, Vec::new());
    for batch in Arc::clone(&rows).loader(cx).batch_size(BATCH).epochs(1).blocking()? {
        let part = done..(done + BATCH).min(total);
        done = part.end;
        let mut found = Vec::new();
        match batch {
            Ok(batch) => {
                let shares = shares(batch.rows())?;
                let shares = shares.chunks_exact(classes).map(<[f32]>::to_vec);
                found.extend(part.zip(shares).map(|(position, shares)| row(position, Ok(shares))));
            }
            Err(error) if is_replaceable(&error) && !on_bad_row.is_fail() => {
                for position in part {
                    let one = match alone(cx, &*rows, position) {
                        Ok(batch) => Ok(shares(&batch)?),
                        Err(error) if is_replaceable(&error) => Err(error.to_string()),
                        Err(error) => return Err(error),
                    };
                    bad += u64::from(one.is_err());
                    let (place, one) = row(position, one);
                    if let (Err(reason), true) = (&one, bad > on_bad_row.at_most()) {
                        let place = place.map_or_else(|| format!("row {position}"), |place| place.to_string());
                        let most = on_bad_row.at_most();
                        let message = format!("{reason}; with it {bad} rows are bad, and at most {most} may be");
                        return Err(Error::data(message).context(place));
                    }
                    found.push((place, one));
                }
            }
            Err(error) => return Err(marked(error, "such a row can be skipped")),
        }
        out.push(table(&found, &meta.classes, !on_bad_row.is_fail())?);
        progress(done, total);
    }
    let schema = out
        .first()
        .ok_or_else(|| Error::data("there are no rows to predict"))?
        .schema();
    Ok(concat_batches(&schema, &out)?)
}

/// The probabilities of all classes; or why there are none.
type Found = Result<Vec<f32>, String>;

/// The Parquet file that predictions go to.
#[derive(Clone, Debug)]
pub struct Output {
    path: PathBuf,
    overwrite: bool,
}

impl Output {
    /// The file at `path`; one that is there already is replaced if `overwrite` says so.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self {
            path: path.into(),
            overwrite,
        }
    }

    /// Checks, before predictions of the files, folders or patterns `paths` by the model in the folder `model` are computed,
    /// that they can be written. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where the file is one of those that are read or belongs to the model, by whatever path or link, and where
    /// there is a folder or a device; `Exists` where there is a file that may not be replaced; `Io` where nothing can be
    /// written.
    pub fn check(&self, cx: &Context, model: impl AsRef<Path>, paths: &[String]) -> Result<()> {
        let failed = |message: &str| Error::config(message).context(self.path.display().to_string());
        let rows = cx.block_on(Parquet::open_all(cx, paths))?;
        let of_model: Vec<PathBuf> = RunFolder::new(model.as_ref()).outputs().collect();
        let of_data = rows.files().iter().map(|file| Path::new(&*file.path));
        files::refuse_input(&self.path, of_data.chain(of_model.iter().map(PathBuf::as_path)))?;
        if let Ok(found) = std::fs::metadata(&self.path) {
            if found.is_dir() {
                return Err(failed("this is a folder, and has to be a file"));
            }
            if !found.is_file() {
                return Err(failed("this is no file on disk: a device, or a pipe"));
            }
        }
        if !self.overwrite && std::fs::symlink_metadata(&self.path).is_ok() {
            return Err(files::there(&self.path));
        }
        files::check_folder(files::folder_of(&self.path))
    }

    /// Writes `rows`: whole, or not at all. Missing folders are made; where the path is a link, what it leads to is replaced.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be written; `Exists` where there is one by now that may not be replaced.
    pub fn write(&self, rows: &RecordBatch) -> Result<()> {
        let path = self.path.as_path();
        let write = |out: &mut BufWriter<&File>| {
            let failed = |error| Error::io(path, error);
            let mut writer = ArrowWriter::try_new(out, rows.schema(), None).map_err(failed)?;
            writer.write(rows).map_err(failed)?;
            writer.finish().map(drop).map_err(failed)
        };
        match self.overwrite {
            true => files::write_whole(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), write),
            false => files::write_new(path, write),
        }
    }
}

/// What was `found` for each row, and with `errors` why nothing was.
fn table(found: &[(Option<StoredRow>, Found)], classes: &[String], errors: bool) -> Result<RecordBatch> {
    let places = || found.iter().map(|(place, _)| place.as_ref());
    let shares = || found.iter().map(|(_, found)| found.as_ref().ok());
    let best: Vec<Option<usize>> = shares().map(|shares| Some(largest(shares?))).collect();
    let chosen = shares().zip(&best).map(|(shares, best)| Some(shares?[(*best)?]));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let none = vec![0.0; classes.len()];
    let all = Float32Array::from_iter_values(shares().flat_map(|shares| shares.unwrap_or(&none)).copied());
    let there = NullBuffer::from_iter(shares().map(|shares| shares.is_some()));
    let all = FixedSizeListArray::try_new(item, classes.len() as i32, Arc::new(all), Some(there))?;
    let file = places().map(|place| Some(&*place?.source)).collect::<StringArray>();
    let row_group = places().map(|place| place?.row_group).collect::<UInt64Array>();
    let row = places().map(|place| Some(place?.row)).collect::<UInt64Array>();
    let class = best.iter().map(|best| Some((*best)? as i64)).collect::<Int64Array>();
    let name = best
        .iter()
        .map(|best| Some(&classes[(*best)?]))
        .collect::<StringArray>();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("file", Arc::new(file)),
        ("row_group", Arc::new(row_group)),
        ("row", Arc::new(row)),
        ("class", Arc::new(class)),
        ("name", Arc::new(name)),
        ("probability", Arc::new(chosen.collect::<Float32Array>())),
        ("probabilities", Arc::new(all)),
    ];
    if errors {
        let reasons = found.iter().map(|(_, found)| found.as_ref().err());
        columns.push(("error", Arc::new(reasons.collect::<StringArray>())));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )?)
}

fn largest(shares: &[f32]) -> usize {
    (1..shares.len()).fold(0, |best, class| if shares[class] > shares[best] { class } else { best })
}
