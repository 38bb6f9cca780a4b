//! A fitted generator, and what it was fitted on.

use super::about::About;
use super::definition::{BLOCK, Learned, LearnedSpec};
use super::model_folder::{self, Parts};
use super::progress::FitRun;
use super::row_maker::RowMaker;
use super::training::Training;
use crate::columns::gather;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::counted;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Catalog;
use crate::synthetic::SampleId;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A fitted generator that says what it was fitted on.
///
/// # Law
///
/// A row of a [sample](Self::sample) depends on seed, class and index alone, whichever others are asked for with it.
#[derive(Clone, Debug)]
pub struct LearnedModel {
    about: Arc<About>,
    learned: Arc<dyn Learned>,
    parts: Arc<Parts>,
    hash: String,
}

impl LearnedModel {
    /// Fits what `spec` says. This blocks, and must not be called inside an async task.
    ///
    /// # Errors
    ///
    /// As [`LearnedSpec::fit`]; `Data` where no class has two rows.
    pub fn fit(spec: &dyn LearnedSpec, training: &Training, run: &mut FitRun<'_>) -> Result<Self> {
        spec.check()?;
        let mut about = About::of(&spec.description(), training)?;
        let rows = training.rows.len().finite().unwrap_or(0) / training.rows.views();
        if rows != training.labels.len() {
            let (rows, labels) = (counted(rows, "row"), counted(training.labels.len(), "label"));
            return Err(Error::config(format!(
                "{rows} and {labels} to fit on: give the labels of these rows"
            )));
        }
        if about.counts.iter().all(|&rows| rows < 2) {
            return Err(Error::data(format!(
                "column \"{}\": no class has two rows, so there is nothing to learn of any",
                about.label
            )));
        }
        let learned = spec.fit(training, run)?;
        about.fitted_on.mark();
        let model = Self::new(about, learned.into())?;
        model.check_rows(&training.cx)?;
        Ok(model)
    }

    fn new(about: About, learned: Arc<dyn Learned>) -> Result<Self> {
        let parts = learned.parts()?;
        Ok(Self {
            hash: model_folder::hash(&about, &parts)?,
            about: Arc::new(about),
            learned,
            parts: Arc::new(parts),
        })
    }

    /// Refuses a model that makes no rows: one of its training whose numbers are none.
    fn check_rows(&self, cx: &Context) -> Result<()> {
        let mut classes = (0..self.about.classes.len() as u32).filter(|&class| self.supports(class));
        let first = classes.next().map(|class| SampleId { class, index: 0 });
        self.sample(cx, first.as_slice())
            .map(drop)
            .map_err(|error| error.context("the generator was fitted, and makes no rows, so it is not kept"))
    }

    /// Writes it to `folder`: [`MODEL_FILE`](super::MODEL_FILE), which comes last, and the parts that it names. What is there of these names
    /// is replaced.
    ///
    /// # Errors
    ///
    /// `Io` where a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        model_folder::write(folder.as_ref(), &self.about, &self.parts)
    }

    /// Reads what [`save`](Self::save) wrote; `known` has the kinds that may be read.
    ///
    /// # Errors
    ///
    /// `Io` where there is no model; `Data` where a file is damaged; `Config` for one of an unknown kind, or of another version.
    pub fn load(folder: impl AsRef<Path>, known: &Catalog<dyn LearnedSpec>) -> Result<Self> {
        let folder = folder.as_ref();
        let (about, parts) = model_folder::read(folder)?;
        let place = |error: Error| error.context(folder.display().to_string());
        let spec = known.read_json(&about.generator.to_string()).map_err(place)?;
        Self::of_parts(about, parts, &*spec).map_err(place)
    }

    /// Reads what [`save`](Self::save) wrote of a generator that was fitted with `spec`.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    #[cfg(feature = "train")]
    pub(crate) fn load_fitted(folder: &Path, spec: &dyn LearnedSpec) -> Result<Self> {
        let (about, parts) = model_folder::read(folder)?;
        Self::of_parts(about, parts, spec).map_err(|error| error.context(folder.display().to_string()))
    }

    fn of_parts(about: About, parts: Parts, spec: &dyn LearnedSpec) -> Result<Self> {
        let version = spec.description().version;
        if version != about.version {
            return Err(Error::config(format!(
                "version {} of \"{}\" was fitted, and this program has version {version}: fit it again",
                about.version,
                about.name()
            )));
        }
        let learned = spec.load(&about, &parts)?;
        Ok(Self {
            hash: model_folder::hash(&about, &parts)?,
            about: Arc::new(about),
            learned: learned.into(),
            parts: Arc::new(parts),
        })
    }

    /// How it was fitted, and on what.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// A hash of all that is saved of it: 32 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What makes rows of `seed` is called in their provenance: kind, model and seed.
    pub fn generator(&self, seed: u64) -> String {
        format!("{} {}, seed {seed}", self.about.name(), &self.hash[..16])
    }

    /// The columns of its rows; the label is `Int64`, a class number. In a [file](super::RowsFile) it is as the rows have it that the model was fitted on.
    pub fn schema(&self) -> SchemaRef {
        self.learned.schema()
    }

    /// Whether it can make rows of `class`: one that had two rows or more.
    pub fn supports(&self, class: u32) -> bool {
        self.about.supports(class)
    }

    /// Refuses rows with other columns or classes than those that it was fitted on.
    ///
    /// # Errors
    ///
    /// `Schema` with the first column or class that differs.
    pub fn check(&self, schema: &Schema, labels: &Labels) -> Result<()> {
        self.about.check(schema, labels)
    }

    /// Refuses other rows than those that it was fitted on: other files, other labels, or others of them held out. A copy of the files is the same.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and `Config` for rows that differ.
    pub fn check_training(&self, training: &Training) -> Result<()> {
        self.about.check_training(training)
    }

    /// The rows for `samples`, in that order, of the seed of `cx`.
    ///
    /// Rows of a class are made in blocks of [`BLOCK`], always whole: ask for many of a block at once.
    ///
    /// # Errors
    ///
    /// `Config` for a class that was not learnt; `Stage` where numbers that are not finite come out.
    pub fn sample(&self, cx: &Context, samples: &[SampleId]) -> Result<RecordBatch> {
        let mut blocks: BTreeMap<(u32, u64), usize> = BTreeMap::new();
        for sample in samples {
            self.about.check_class(sample.class)?;
            blocks.insert((sample.class, sample.index / BLOCK), 0);
        }
        blocks.values_mut().enumerate().for_each(|(at, place)| *place = at);
        let wanted: Vec<(u32, u64)> = blocks.keys().copied().collect();
        let make = |&(class, block): &(u32, u64)| {
            let rng = Rng::new(cx.seed(), self.about.name(), stream(&[class.into(), block]));
            self.learned.block(class, rng)
        };
        let made = wanted.par_iter().map(make).collect::<Vec<_>>();
        let made = made.into_iter().collect::<Result<Vec<_>>>()?;
        let rows = samples.iter().map(|sample| {
            let block = blocks[&(sample.class, sample.index / BLOCK)];
            (block, (sample.index % BLOCK) as usize)
        });
        let rows: Vec<(usize, usize)> = rows.collect();
        gather(&self.schema(), &made.iter().collect::<Vec<_>>(), &rows)
    }
}

impl RowMaker for LearnedModel {
    fn about(&self) -> &About {
        &self.about
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn schema(&self) -> SchemaRef {
        self.learned.schema()
    }

    fn check_class(&self, class: u32) -> Result<()> {
        self.about.check_class(class)
    }

    fn make(&self, cx: &Context, samples: &[SampleId]) -> Result<RecordBatch> {
        let (model, of_model, wanted) = (self.clone(), cx.clone(), samples.to_vec());
        cx.block_on(cx.compute(move || model.sample(&of_model, &wanted)))
    }
}
