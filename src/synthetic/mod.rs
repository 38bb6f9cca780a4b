//! Synthetic rows: generators, which fill what a class lacks, and rows that are mixed with others.

mod bank;
mod by_cell;
mod catalog;
mod costs;
mod gate;
mod generator_fn;
mod interpolate;
mod kept;
pub mod learned;
mod matched_columns;
mod nearest;
mod parents;
pub mod quality;
mod rules;
mod statistical;
pub(crate) mod table_columns;
pub(crate) mod told_apart;
mod transfer;

pub use crate::rows::{CutMix, MixUp, Mixed};
#[cfg(feature = "train")]
pub(crate) use bank::recorded_parents;
pub use bank::{Bank, BankSpec};
pub use by_cell::ByCell;
#[cfg(feature = "train")]
pub(crate) use by_cell::classes_of as classes_of_cells;
pub use catalog::{GeneratorSpec, generators};
use gate::refusals_in_words;
pub use gate::{
    ClassCheck, Gate, GateCounts, GateFit, GateLimits, GateSpec, Gated, GeneratorExt, Judged, Refusal, RowFeatures,
};
pub use generator_fn::{GeneratorFn, GeneratorFnSpec};
pub use interpolate::{
    Adasyn, AdasynSpec, Blend, BlendSpec, BorderlineKind, BorderlineSmote, BorderlineSmoteSpec, Elastic, Jitter,
    JitterSpec, Smote, SmoteNc, SmoteNcSpec, SmoteSpec,
};
pub use rules::{SceneBackground, SceneKeypoints, ScenePictures, SceneShape, Scenes, ScenesSpec, SimulatedRows};
#[cfg(feature = "train")]
pub(crate) use rules::{cut_box, part_of_box};
pub use statistical::{Copula, CopulaModel, CopulaSpec};
pub use transfer::{Calibrated, CalibratedSpec, Residuals, ResidualsSpec};

use crate::dataset::{Provenance, StoredRows};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rows::Labels;
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// One synthetic row that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleId {
    /// The class it shall have, or the [cell](Generator::cells).
    pub class: u32,
    /// Which of the class's synthetic rows it is, counted from 0 over all epochs.
    pub index: u64,
}

/// What makes rows of a given class.
///
/// # Law
///
/// As for a dataset: a row depends on (seed, class, index) only. It inherits the split of all its parents, so a
/// generator is fitted on training rows alone.
pub trait Generator: fmt::Debug + Send + Sync + 'static {
    /// What it is; its name keys the random numbers and is named in provenance.
    fn describe(&self) -> Plan;

    /// Whether it can make rows of `class` (interpolation needs two parents).
    fn supports(&self, class: u32) -> bool;

    /// The cells of the rows that it was fitted on, where the class of a [`SampleId`] is one of them: see [`ByCell`]. Defaults to none, where it is a class.
    fn cells(&self) -> Option<&Arc<Labels>> {
        None
    }

    /// The rows for `samples`, in that order, with the schema of the dataset that they are mixed into.
    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>>;

    /// Positions, in the rows that it was fitted on, of what a row is made of, the one that it is nearest to first. A preview shows these. Defaults to none.
    fn parents(&self, _cx: &Context, _sample: SampleId) -> Vec<u64> {
        Vec::new()
    }

    /// How far on the line from the first of its parents (0) to the second (1) the row lies, where it lies on one. Defaults to none.
    fn along(&self, _cx: &Context, _sample: SampleId) -> Option<f32> {
        None
    }

    /// Stored rows that its rows were made from and that are no rows that it was fitted on: as a file says of them, in files of which it has no training rows, and the given
    /// backgrounds of [`Scenes`]. The caller has to check that none of these is a held-out row. Defaults to none, as of what starts from the rows that it was
    /// fitted on.
    fn parents_elsewhere(&self) -> StoredRows {
        StoredRows::default()
    }

    /// Where the row comes from: its parents.
    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance;
}

/// A generator that is shared, or of a kind that is known at run time only, as a [spec](GeneratorSpec) gives it.
impl Generator for Arc<dyn Generator> {
    fn describe(&self) -> Plan {
        (**self).describe()
    }

    fn supports(&self, class: u32) -> bool {
        (**self).supports(class)
    }

    fn cells(&self) -> Option<&Arc<Labels>> {
        (**self).cells()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        (**self).generate(cx, samples)
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        (**self).parents(cx, sample)
    }

    fn along(&self, cx: &Context, sample: SampleId) -> Option<f32> {
        (**self).along(cx, sample)
    }

    fn parents_elsewhere(&self) -> StoredRows {
        (**self).parents_elsewhere()
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        (**self).provenance(cx, sample)
    }
}

/// What refuses a second generator beside `first`.
pub(crate) fn second_generator(first: &dyn Generator) -> Error {
    Error::config(format!(
        "fill: {} makes the synthetic rows already: leave one of the two out, mix two balances, each with its own generator (`Mix`), or write a generator that takes a row from either by its index",
        first.describe().name()
    ))
}
