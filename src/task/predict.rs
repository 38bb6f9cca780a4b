//! Predictions of a saved model.

use super::bad_rows::{OnBadRow, marked};
use crate::dataset::Dataset;
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::{Image, Reading};
use crate::loader::is_replaceable;
use crate::model::{Classifier, FrozenBackbone, Normalisation};
use crate::sink::tensor;
use crate::source::Parquet;
use crate::train::failed_rows::take_row;
use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use std::path::PathBuf;
use std::sync::Arc;

/// Images that are asked for at a time.
const BATCH: u64 = 32;

/// Predictions of a saved model for the rows of Parquet files.
///
/// ```no_run
/// use millstream::Context;
/// use millstream::task::{OnBadRow, Predict};
///
/// let cx = Context::new()?;
/// let predict = Predict {
///     on_bad_row: OnBadRow::Skip { at_most: 10 },
///     ..Predict::new("runs/mine", ["photos/*.parquet"])
/// };
/// let rows = predict.run(&cx, &mut |done, total| println!("{done} of {total}"))?;
/// assert_eq!(rows.schema().field(4).name(), "name");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predict {
    /// The folder that the model was saved in.
    pub model: PathBuf,
    /// Files, folders or patterns.
    pub files: Vec<String>,
    /// The image column, if not found by its type.
    pub image: Option<String>,
    /// Pixels that a picture may have; one of more is a row that cannot be made. All else is read as in training.
    pub max_pixels: u64,
    /// What to do with a row whose picture cannot be made. `Replace` is refused: no row can be predicted in place of another.
    pub on_bad_row: OnBadRow,
}

impl Predict {
    /// Predictions for `files` by the model in the folder `model`; the image column is found by its type, pictures may have
    /// [as many pixels as by default](Reading), and a bad row is an error.
    pub fn new(model: impl Into<PathBuf>, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            model: model.into(),
            files: files.into_iter().map(Into::into).collect(),
            image: None,
            max_pixels: Reading::default().max_pixels,
            on_bad_row: OnBadRow::Fail,
        }
    }

    /// Predicts every row.
    ///
    /// The columns: `file`, `row_group`, `row` (inside the row group), `class` (a number), `name`, `probability` (of that
    /// class, 0 to 1), `probabilities` (of all classes, in the order of the model's class names). With [`OnBadRow::Skip`] there
    /// is one more, `error`: of a row whose picture cannot be made it says why, and the four before it are null; it is null for
    /// all other rows. `progress` is told the rows done and the rows in all.
    ///
    /// # Errors
    ///
    /// Whatever loading the model and reading the images give; `Schema` where no image column is found; `Config` for
    /// [`OnBadRow::Replace`]; `Data` where a probability is not a finite number, because the weights are not.
    pub fn run(&self, cx: &Context, progress: &mut dyn FnMut(u64, u64)) -> Result<RecordBatch> {
        if let OnBadRow::Replace { .. } = self.on_bad_row {
            return Err(Error::config(
                "no row can be predicted in place of another: skip bad rows, or fail",
            ));
        }
        let (model, config) = Classifier::load(&self.model, &Device::flex())?;
        let backbone = FrozenBackbone::new(&model.backbone, config.backbone.name(), "")?;
        let rows = cx.block_on(Parquet::open_all(cx, &self.files))?;
        let image = rows.find_image(self.image.as_deref())?;
        let Normalisation { mean, std } = config.normalisation;
        let reading = Reading {
            max_pixels: self.max_pixels,
            ..config.reading
        };
        let stage = Image::new(config.image_size as u32)
            .reading(reading)
            .normalize(mean, std);
        let rows = Arc::new(rows.columns(&[&image])?.image(&image, stage)?);
        let probabilities = |batch: &RecordBatch| {
            let made = probabilities(&model, &backbone, batch, &image);
            made.map_err(|error| error.context(self.model.display().to_string()))
        };
        let place = |position: u64| rows.provenance(cx, position).places.into_iter().next();
        let total = rows.len().finite().unwrap_or(0);
        let (mut done, mut bad, mut out) = (0, 0, Vec::new());
        for batch in Arc::clone(&rows).loader(cx).batch_size(BATCH).epochs(1).blocking()? {
            let positions = done..(done + BATCH).min(total);
            done = positions.end;
            let mut found = Vec::new();
            match batch {
                Ok(batch) => {
                    let all = probabilities(batch.rows())?;
                    let all = all.chunks_exact(config.classes.len()).map(<[f32]>::to_vec);
                    found.extend(positions.zip(all).map(|(position, all)| (place(position), Ok(all))));
                }
                Err(error) if is_replaceable(&error) && !self.on_bad_row.is_fail() => {
                    for position in positions {
                        let one = match take_row(cx, &*rows, position) {
                            Ok(batch) => Ok(probabilities(&batch)?),
                            Err(error) if is_replaceable(&error) => Err(error.to_string()),
                            Err(error) => return Err(error),
                        };
                        let place = place(position);
                        if let Err(reason) = &one {
                            bad += 1;
                            self.check_bad(bad, reason, place.as_ref(), position)?;
                        }
                        found.push((place, one));
                    }
                }
                Err(error) => return Err(marked(error, "such a row can be skipped")),
            }
            out.push(table(&found, &config.classes, !self.on_bad_row.is_fail())?);
            progress(done, total);
        }
        let schema = out
            .first()
            .ok_or_else(|| Error::data("there are no rows to predict"))?
            .schema();
        Ok(concat_batches(&schema, &out)?)
    }

    /// Refuses the row at `position`, which is the `bad`th that cannot be made, where these are too many.
    fn check_bad(&self, bad: u64, reason: &str, place: Option<&StoredRow>, position: u64) -> Result<()> {
        let most = self.on_bad_row.at_most();
        if bad <= most {
            return Ok(());
        }
        let place = place.map_or_else(|| format!("row {position}"), ToString::to_string);
        let message = format!("{reason}; with it {bad} rows are bad, and at most {most} may be");
        Err(Error::data(message).context(place))
    }
}

/// The probabilities of all classes for the images in the column `image` of `rows`, row by row.
fn probabilities(model: &Classifier, backbone: &FrozenBackbone, rows: &RecordBatch, image: &str) -> Result<Vec<f32>> {
    let device = Device::flex();
    let images = tensor::floats::<4>(rows, image, &device)?;
    let features = TensorData::new(
        backbone.features_of(images)?,
        [rows.num_rows(), model.backbone.features()],
    );
    let all = softmax(model.forward_head(Tensor::from_data(features, &device)), 1).into_data();
    let all: Vec<f32> = all.try_to_vec().map_err(|error| Error::stage(error.to_string()))?;
    match all.iter().all(|probability| probability.is_finite()) {
        true => Ok(all),
        false => Err(Error::data(
            "the model gives probabilities that are no numbers: its weights are damaged",
        )),
    }
}

/// The probabilities of all classes; or why there are none.
type Found = Result<Vec<f32>, String>;

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
