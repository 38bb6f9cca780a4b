//! Training and validation images in Parquet, with the same classes.

use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::order::stratified;
use crate::quote::quoted;
use crate::rows::Labels;
use crate::source::{Parquet, Split};
use std::sync::Arc;

/// Encoded images with class numbers, for training and for validation.
#[derive(Clone, Debug)]
pub struct Datasets {
    /// Training rows: the image column and the label column.
    pub train: Arc<dyn Stable>,
    /// Rows that are only evaluated on.
    pub valid: Arc<dyn Stable>,
    /// The classes of the training rows.
    pub labels: Arc<Labels>,
    /// The image column.
    pub image: String,
    /// The label column.
    pub label: String,
    /// What there is to say of the choice of files, a sentence each: which split of a folder is trained on, which is for
    /// validation, and what is not read.
    pub notes: Vec<String>,
    /// The training files and, where there are any, the validation files, before rows are held out.
    pub(crate) stored: Vec<Stored>,
}

/// All rows of a set of files, and their classes.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) rows: Parquet,
    pub(crate) labels: Arc<Labels>,
}

impl Datasets {
    /// Share of each class that is held out where there are no validation files.
    pub const HELD_OUT: f64 = 0.1;

    /// Opens `train` and `valid` (files, folders or patterns). Columns that are not named are found by their types.
    ///
    /// Of a folder with [splits](crate::source::Splits) in `train` the training split alone is trained on. Without `valid` its
    /// validation split is validated on, never the test split; where there is none, a stratified tenth of the training rows is
    /// held out under `seed`, before anything is fitted. Of a folder in `valid` the validation split is read, or the only one.
    ///
    /// # Errors
    ///
    /// `Io` for files that are not there; `Config` for a folder without the split that is wanted; `Schema` for columns that
    /// are not there, not clear or of another type; `Data` for labels outside the class names.
    pub async fn open(
        cx: &Context,
        train: &[String],
        valid: &[String],
        image: Option<&str>,
        label: Option<&str>,
        seed: u64,
    ) -> Result<Self> {
        let rows = Parquet::open_split(cx, train, Split::Train).await?;
        let mut notes = rows.notes().to_vec();
        let image = rows.find_image(image)?;
        let label = rows.find_label(label)?;
        let columns = [image.as_str(), label.as_str()];
        let rows = rows.columns(&columns)?;
        let labels = Arc::new(Labels::scan(cx, &rows, &label).await?);
        let held = match valid {
            [] => Parquet::open_validation(cx, train).await?,
            valid => Some(Parquet::open_split_or_only(cx, valid, Split::Validation).await?),
        };
        let Some(held) = held else {
            return Self::held_out(rows, &labels, image, label, seed, notes);
        };
        notes.extend(held.notes().iter().cloned());
        let held = held.columns(&columns)?;
        let held_labels = Arc::new(Labels::scan_as(cx, &held, &label, &labels).await?);
        notes.extend(held_labels.remark().map(str::to_owned));
        let stored = |rows: &Parquet, labels: &Arc<Labels>| Stored {
            rows: rows.clone(),
            labels: Arc::clone(labels),
        };
        let stored = vec![stored(&rows, &labels), stored(&held, &held_labels)];
        let train = Arc::new(rows.with_labels(&labels)?);
        let valid = Arc::new(held.with_labels(&held_labels)?);
        Ok(Self {
            train,
            valid,
            labels,
            image,
            label,
            notes,
            stored,
        })
    }

    fn held_out(
        rows: Parquet,
        labels: &Arc<Labels>,
        image: String,
        label: String,
        seed: u64,
        notes: Vec<String>,
    ) -> Result<Self> {
        let split = stratified(labels.iter(), Self::HELD_OUT, seed);
        if split.held_out.is_empty() {
            let error = Error::config(format!(
                "column {}: no class has two rows, so none can be held out; name validation files",
                quoted(&label)
            ));
            return Err(error.with_remedy(Remedy::Validation).context(rows.name()));
        }
        let stored = Stored {
            rows: rows.clone(),
            labels: Arc::clone(labels),
        };
        let part = |rows: Parquet, at: Vec<u64>| {
            let labels = Arc::new(labels.select(&at));
            Ok::<_, Error>((Arc::new(rows.select(at)?.with_labels(&labels)?), labels))
        };
        let (train, labels) = part(rows.clone(), split.train)?;
        let (valid, _) = part(rows, split.held_out)?;
        Ok(Self {
            train,
            valid,
            labels,
            image,
            label,
            notes,
            stored: vec![stored],
        })
    }

    /// The data with these training rows and these validation rows alone.
    pub(crate) fn select(&self, [train, valid]: &[Vec<u64>; 2]) -> Result<Self> {
        Ok(Self {
            train: Arc::new(Arc::clone(&self.train).select(train.clone())?),
            valid: Arc::new(Arc::clone(&self.valid).select(valid.clone())?),
            labels: Arc::new(self.labels.select(train)),
            ..self.clone()
        })
    }

    /// In which state all files are; none where that cannot be known.
    pub(crate) fn state(&self) -> Option<String> {
        let states = self.stored.iter().map(|stored| stored.rows.describe().states());
        states.collect::<Option<Vec<_>>>().map(|states| states.join(" "))
    }

    /// How the data was understood, a sentence each: the columns and classes, then [`notes`](Self::notes).
    pub(crate) fn understood(&self) -> Vec<String> {
        let classes = match self.labels.names().len() {
            1 => "1 class".to_owned(),
            many => format!("{many} classes"),
        };
        let (image, label) = (quoted(&self.image), quoted(&self.label));
        let first = format!("images: column {image}; labels: column {label}, {classes}");
        [first].into_iter().chain(self.notes.iter().cloned()).collect()
    }

    /// Rows to evaluate on.
    pub fn valid_rows(&self) -> u64 {
        self.valid.len().finite().unwrap_or(0)
    }
}
