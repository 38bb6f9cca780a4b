//! Generators that are fitted once and kept: VAE, GAN, copula.
//!
//! ```text
//! a spec  --fit(training rows)-->  a model  --save, load-->  a folder
//!                                    |
//!                                  sample(class, index)  -->  a file of rows, which is mixed in as any other source
//! ```
//!
//! What a network computes is not promised to be the same on another machine, so a model never runs inside `take`: its rows are
//! written once ([`write_rows`]), and the file is what training reads.
//!
//! A kind has a [`LearnedSpec`], its parameters, and a [`Learned`], what is fitted. [`LearnedModel`] is what people hold: a fitted
//! generator that says which rows it was fitted on.

mod about;
mod catalog;
mod learned_model;
mod model_folder;
mod progress;
mod rows_file;

pub use about::About;
pub use catalog::learned_generators;
pub use learned_model::LearnedModel;
pub use model_folder::{MODEL_FILE, Parts};
pub use progress::{FitProgress, FitRun};
pub use rows_file::{RowsFile, spread};

use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use crate::rng::Rng;
use crate::rows::Labels;
use crate::spec::Describe;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::fmt;
use std::sync::Arc;

/// What a generator is fitted on: training rows alone, in an order that does not change, and the class of each.
#[derive(Clone, Debug)]
pub struct Training {
    /// Threads and memory, and the seed of all draws of the fit.
    pub cx: Context,
    /// The rows, the label column among them.
    pub rows: Arc<dyn Stable>,
    /// Their classes.
    pub labels: Arc<Labels>,
}

/// A [`Spec`](crate::spec::Spec) whose generator is fitted and kept.
pub trait LearnedSpec: Describe + fmt::Debug + Send + Sync + 'static {
    /// Fits it. This blocks, and must not be called inside an async task.
    ///
    /// The same rows, spec and seed give the same generator, also where a run was killed and goes on from a checkpoint.
    ///
    /// # Errors
    ///
    /// `Schema` for rows that it cannot make, `Data` for values that it cannot learn, `Config` for parameters out of range; whatever
    /// `run` ends it with.
    fn fit(&self, training: &Training, run: &mut FitRun<'_>) -> Result<Box<dyn Learned>>;

    /// Takes back the `parts` of a generator that was fitted with this spec.
    ///
    /// # Errors
    ///
    /// `Data` for parts that are not those of such a generator.
    fn load(&self, about: &About, parts: &Parts) -> Result<Box<dyn Learned>>;

    /// The same fitted in a minute or two, for a look: with fewer steps, say.
    fn quick(&self) -> Box<dyn LearnedSpec>;
}

/// A fitted generator.
///
/// # Law
///
/// A row depends on seed, class and index alone. [`LearnedModel`] sees to that by asking for whole blocks: a network may round otherwise
/// where a batch has another size, and a block always has the same.
pub trait Learned: fmt::Debug + Send + Sync + 'static {
    /// The columns of its rows. The label is `Int64`, a class number, and says its class names in its metadata.
    fn schema(&self) -> SchemaRef;

    /// [`BLOCK`] rows of `class`, of which nothing is drawn but from `rng`.
    ///
    /// # Errors
    ///
    /// `Stage` where numbers that are not finite come out.
    fn block(&self, class: u32, rng: Rng) -> Result<RecordBatch>;

    /// What [`LearnedSpec::load`] needs: files by name.
    ///
    /// # Errors
    ///
    /// `Stage` where something cannot be written down.
    fn parts(&self) -> Result<Parts>;
}

/// Rows that are made together.
pub const BLOCK: u64 = 32;
