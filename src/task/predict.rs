//! Predictions of a saved model.

use super::bad_rows::marked;
use super::catalog::tasks;
use super::definition::{Input, Split, Task};
use super::finetune::for_device;
use super::manifest::RunManifest;
use super::on_bad_row::OnBadRow;
use super::saved_model::ModelConfig;
use super::spec::DataSource;
use super::training_files::of_source;
use crate::boxes::Nms;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::{Image, Reading};
use crate::loader::is_replaceable;
use crate::model::FrozenBackbone;
use crate::model::head::{Features, Outputs};
use crate::model::headed::Model;
use crate::quote::counted_with;
use crate::rows::Transformed;
use crate::source::{Files, Split as SourceSplit};
use crate::spec::Catalog;
use crate::train::failed_rows::take_row;
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array, new_null_array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema};
use burn::tensor::{Device, Tensor, TensorData};
use std::path::PathBuf;
use std::sync::Arc;

/// Images that are asked for at a time.
const BATCH: u64 = 32;

/// Predictions of a saved model for the rows of [files](crate::source::Files).
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
/// assert_eq!(rows.schema().field(0).name(), "file");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predict {
    /// The folder that the model was saved in.
    pub model: PathBuf,
    /// Files, folders or patterns: Parquet, pictures by the endings of their names (a folder stands for all below it), or
    /// [lists](crate::source::listing) of pictures; or a source.
    pub files: DataSource,
    /// Of folders with several [splits](crate::source::Splits) the one that is read; every path has to have it. Defaults to none: such a
    /// folder is refused, and [`Evaluate`](super::Evaluate) takes its test split, or else its validation split.
    pub split: Option<SourceSplit>,
    /// The rows, where they are [open](Self::open) already: nothing is looked for again then. Defaults to none.
    pub rows: Option<Files>,
    /// The image column, if it is neither that of the run which made the model nor found by its type.
    pub image: Option<String>,
    /// A column of the Parquet files that is kept beside the predictions.
    pub id: Option<String>,
    /// Pixels that a picture may have; one of more is a row that cannot be made. All else is read as in training.
    pub max_pixels: u64,
    /// What to do with a row whose picture cannot be made. `Replace` is refused: no row can be predicted in place of another.
    pub on_bad_row: OnBadRow,
    /// What becomes of boxes that overlap, for a model that predicts boxes. Defaults to none: what the model was trained with.
    pub nms: Option<Nms>,
    /// Where tensors are computed. Defaults to the CPU.
    pub device: Device,
    /// The tasks that the model may be of. Defaults to [those of this crate](tasks).
    pub tasks: Catalog<dyn Task>,
}

impl Predict {
    /// Predictions for `files` by the model in the folder `model`; the image column is found by its type, pictures may have
    /// [as many pixels as by default](Reading), and a bad row is an error.
    pub fn new(model: impl Into<PathBuf>, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            model: model.into(),
            files: files.into_iter().collect(),
            split: None,
            rows: None,
            image: None,
            id: None,
            max_pixels: Reading::default().max_pixels,
            on_bad_row: OnBadRow::Fail,
            nms: None,
            device: Device::flex(),
            tasks: tasks(),
        }
    }

    /// Predicts every row.
    ///
    /// The columns: `file`, `row_group`, `row` (inside the row group), the [`id`](Self::id) column where one was named, then those of
    /// the model's task ([`Classify`](super::Classify), [`MultiLabel`](super::MultiLabel), [`Regress`](super::Regress) say which; of which pictures a
    /// [`Detect`](super::Detect) has left boxes out, [`cut_boxes`](Self::cut_boxes) tells). With
    /// [`OnBadRow::Skip`] there is one more, `error`: of a row whose picture cannot be made it says why, and the task's columns are
    /// null; it is null for all other rows. Of pictures in files of their own `file` is the path, `row_group` null and `row` 0. `progress` is told the rows done and the rows in all.
    ///
    /// # Errors
    ///
    /// Whatever loading the model and reading the images give; `Schema` where no image column is found; `Config` for
    /// [`OnBadRow::Replace`], for an [`nms`](Self::nms) that makes no sense and for one of a model that predicts no boxes; `Data` where an output is not a finite number, because the weights are not.
    pub fn run(&self, cx: &Context, progress: &mut dyn FnMut(u64, u64)) -> Result<RecordBatch> {
        if let OnBadRow::Replace { .. } = self.on_bad_row {
            return Err(Error::config(
                "no row can be predicted in place of another: skip bad rows, or fail",
            ));
        }
        let (model, config) = Model::load_with(&self.model, &self.tasks, &self.device)?;
        let task = &*self.task(&config)?;
        let network = match task.head().is_pooled() {
            true => Network::Pooled(Box::new(FrozenBackbone::new(
                &model.backbone,
                config.backbone.name(),
                "",
            )?)),
            false => Network::Whole,
        };
        let stored = self.open(cx)?;
        let image = self.image_column(&stored)?;
        let id = self.ids(cx, &stored)?;
        let plain = for_device(self.plain(&config), &self.device);
        let input = Input {
            column: image.clone(),
            augmented: plain.clone(),
            plain,
        };
        let rows: Arc<dyn Stable> = Arc::new(stored.columns(&[&image])?);
        let rows = Arc::new(Transformed::new(rows, task.stage(&input, Split::Evaluation)?)?);
        let predicted = |batch: &RecordBatch| {
            let images = config.normalisation.inputs(batch, &image, &self.device)?;
            let made = network
                .run(&model, images, &self.device)
                .and_then(|outputs| task.predictions(outputs, batch));
            made.map_err(|error| error.context(self.model.display().to_string()))
        };
        let place = |position: u64| rows.provenance(cx, position).places.into_iter().next();
        let total = rows.len().finite().unwrap_or(0);
        let (mut done, mut bad, mut out) = (0, 0, Vec::new());
        for batch in Arc::clone(&rows).loader(cx).batch_size(BATCH).epochs(1).blocking()? {
            let positions = done..(done + BATCH).min(total);
            done = positions.end;
            let (mut made, mut found) = (Vec::new(), Vec::new());
            match batch {
                Ok(batch) => {
                    found.extend(positions.map(|position| (place(position), Ok(()))));
                    made.push(predicted(batch.rows())?);
                }
                Err(error) if is_replaceable(&error) && !self.on_bad_row.is_fail() => {
                    for position in positions {
                        let one = match take_row(cx, &*rows, position) {
                            Ok(batch) => {
                                made.push(predicted(&batch)?);
                                Ok(())
                            }
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
            let made = match made.first().map(RecordBatch::schema) {
                Some(schema) => Some(concat_batches(&schema, &made)?),
                None => None,
            };
            out.push((found, made));
            progress(done, total);
        }
        let made = out.iter().find_map(|(_, made)| made.as_ref().map(RecordBatch::schema));
        let made = match (made, out.is_empty()) {
            (Some(made), _) => made,
            (None, true) => return Err(Error::data("there are no rows to predict")),
            (None, false) => return Err(Error::data("every row is bad, so there is nothing to predict")),
        };
        let tables = out
            .iter()
            .map(|(found, rows)| table(found, rows.as_ref(), &made, !self.on_bad_row.is_fail()));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        with_ids(concat_batches(&tables[0].schema(), &tables)?, id)
    }

    /// The rows, which are [`rows`](Self::rows) where these are given; their [`notes`](Files::notes) say what is not read.
    ///
    /// # Errors
    ///
    /// As [`Files::open`], and those of a source.
    pub fn open(&self, cx: &Context) -> Result<Files> {
        match (&self.rows, &self.files) {
            (Some(rows), _) => Ok(rows.clone()),
            (None, DataSource::Files(paths)) => cx.block_on(Files::open_pictures(cx, paths, self.split.clone())),
            (None, DataSource::Source(source)) => of_source(cx, source),
        }
    }

    /// As [`open`](Self::open), of folders with several splits the one that is evaluated on.
    pub(super) fn open_evaluation(&self, cx: &Context) -> Result<Files> {
        match (&self.rows, &self.files) {
            (None, DataSource::Files(paths)) => cx.block_on(Files::open_evaluation(cx, paths, self.split.clone())),
            _ => self.open(cx),
        }
    }

    /// What becomes of boxes that overlap, as the model was trained with it; none of a model that predicts no boxes.
    ///
    /// # Errors
    ///
    /// As [`Model::load_with`].
    pub fn model_nms(&self) -> Result<Option<Nms>> {
        let config = Model::config_with(&self.model, &self.tasks)?;
        Ok(config.task.nms().cloned())
    }

    /// The task of the model, with the [`nms`](Self::nms) that was given.
    fn task(&self, config: &ModelConfig) -> Result<Arc<dyn Task>> {
        let task = config.task.clone().into_inner();
        let Some(nms) = self.nms.clone() else {
            return Ok(task);
        };
        nms.check().map_err(|error| error.context("nms"))?;
        task.with_nms(nms).ok_or_else(|| {
            Error::config(format!(
                "nms is of boxes, and the task of the model, {}, predicts none: leave it out",
                task.name()
            ))
        })
    }

    /// How boxes are chosen, a sentence; none for a model that predicts no boxes.
    ///
    /// # Errors
    ///
    /// As [`model_nms`](Self::model_nms).
    pub fn nms_in_words(&self) -> Result<Option<String>> {
        let own = self.model_nms()?;
        Ok(own.map(|own| match &self.nms {
            Some(given) if *given != own => format!("boxes: {given} (the model was trained with: {own})"),
            _ => format!("boxes: {own}, as the model was trained with"),
        }))
    }

    /// The column of pictures: the one that was named, that of the run which made the model if it is there, or the one that is found
    /// by its type.
    pub(super) fn image_column(&self, rows: &Files) -> Result<String> {
        let trained = match self.image {
            Some(_) => None,
            None => RunManifest::read(&self.model)
                .ok()
                .flatten()
                .and_then(|manifest| manifest.data().image.clone()),
        };
        let trained = trained.filter(|image| rows.find_image(Some(image)).is_ok());
        rows.find_image(self.image.as_deref().or(trained.as_deref()))
    }

    /// How pictures become pixels, as in training.
    pub(super) fn plain(&self, config: &ModelConfig) -> Image {
        config.image().reading(Reading {
            max_pixels: self.max_pixels,
            ..config.reading
        })
    }

    /// The column of ids, of all rows.
    fn ids(&self, cx: &Context, rows: &Files) -> Result<Option<(Field, ArrayRef)>> {
        let Some(id) = &self.id else { return Ok(None) };
        let rows = rows.clone().columns(&[id])?;
        let field = rows.schema().field(0).clone();
        let ids = cx.block_on(rows.column(cx, id))?;
        Ok(Some((
            field.with_data_type(ids.data_type().clone()).with_nullable(true),
            ids,
        )))
    }

    /// Refuses the row at `position`, which is the `bad`th that cannot be made, where these are too many.
    fn check_bad(&self, bad: u64, reason: &str, place: Option<&StoredRow>, position: u64) -> Result<()> {
        let most = self.on_bad_row.at_most();
        if bad <= most {
            return Ok(());
        }
        let place = place.map_or_else(|| format!("row {position}"), ToString::to_string);
        let message = format!(
            "{reason}; with it {} bad, and at most {most} may be",
            counted_with(bad, "row", ["is", "are"])
        );
        Err(Error::data(message).context(place))
    }
}

/// What makes the outputs of images.
enum Network {
    /// The frozen backbone makes features, as in training; the head takes them.
    Pooled(Box<FrozenBackbone>),
    /// The whole model.
    Whole,
}

impl Network {
    fn run(&self, model: &Model, images: Tensor<4>, device: &Device) -> Result<Outputs> {
        let Self::Pooled(backbone) = self else {
            return model.forward(images);
        };
        let [rows, ..] = images.dims();
        let features = TensorData::new(backbone.features_of(images)?, [rows, model.backbone.features()]);
        model
            .head
            .forward(Features::Pooled(Tensor::from_data(features, device)))
    }
}

/// A row, and why there is no prediction for it where there is none.
type Found = (Option<StoredRow>, Result<(), String>);

/// The rows `found` with the predictions `made` of those that have one (columns as in `schema`), and with `errors` why others have
/// none.
fn table(found: &[Found], made: Option<&RecordBatch>, schema: &Schema, errors: bool) -> Result<RecordBatch> {
    let places = || found.iter().map(|(place, _)| place.as_ref());
    let file = places().map(|place| Some(&*place?.source)).collect::<StringArray>();
    let row_group = places().map(|place| place?.row_group).collect::<UInt64Array>();
    let row = places().map(|place| Some(place?.row)).collect::<UInt64Array>();
    let mut next = 0..;
    let of = found
        .iter()
        .map(|(_, found)| found.as_ref().ok().and_then(|()| next.next()));
    let of: UInt32Array = of.collect();
    let mut fields = vec![
        Field::new("file", type_of(&file), true),
        Field::new("row_group", type_of(&row_group), true),
        Field::new("row", type_of(&row), true),
    ];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(file), Arc::new(row_group), Arc::new(row)];
    for (at, field) in schema.fields().iter().enumerate() {
        columns.push(match made {
            Some(made) => take(made.column(at), &of, None)?,
            None => new_null_array(field.data_type(), found.len()),
        });
        fields.push(field.as_ref().clone().with_nullable(true));
    }
    if errors {
        let reasons = found.iter().map(|(_, found)| found.as_ref().err());
        let reasons = reasons.collect::<StringArray>();
        fields.push(Field::new("error", type_of(&reasons), true));
        columns.push(Arc::new(reasons));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// `rows` with the column of ids after those that say where a row is stored.
fn with_ids(rows: RecordBatch, id: Option<(Field, ArrayRef)>) -> Result<RecordBatch> {
    const AFTER: usize = 3;
    let Some((field, ids)) = id else { return Ok(rows) };
    let schema = rows.schema();
    if schema.column_with_name(field.name()).is_some() {
        let name = field.name();
        return Err(Error::config(format!(
            "the column {name:?} cannot be kept, since predictions have a column of that name: rename it"
        )));
    }
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let mut columns = rows.columns().to_vec();
    fields.insert(AFTER, Arc::new(field));
    columns.insert(AFTER, ids);
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn type_of(array: &dyn Array) -> DataType {
    array.data_type().clone()
}
