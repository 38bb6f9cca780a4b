//! What a learnt generator is: a spec that is fitted, and what comes of it.

use super::about::About;
use super::model_folder::Parts;
use super::progress::FitRun;
use super::training::Training;
use crate::error::Result;
use crate::rng::Rng;
use crate::spec::Describe;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::fmt;

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

    /// Whether it makes pictures of the rows' image column; else it makes rows of a table. Defaults to a table.
    fn makes_pictures(&self) -> bool {
        false
    }

    /// The names of its [`parts`](Learned::parts), so that a fit does not begin where files of these names lie that no fit wrote. Defaults to none: what
    /// lies there is then found when the fit is done.
    fn part_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// The same fitted sooner, for a look: with fewer steps, say, and never with more.
    fn quick(&self) -> Box<dyn LearnedSpec>;
}

/// A fitted generator.
///
/// # Law
///
/// A row depends on seed, class and index alone. [`LearnedModel`](super::LearnedModel) sees to that by asking for whole blocks: a network may round otherwise
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
