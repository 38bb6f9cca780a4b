use super::stage::Stage;
use super::step::{Failed, Rows, Step};
use super::views::Views;
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::{Image, ImageColumn};
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// Rows that stages have made of others; made by [`stage`](crate::DatasetExt::stage), [`image`](crate::DatasetExt::image) and
/// [`map`](crate::DatasetExt::map).
///
/// The outputs of a stage take the place of the columns of their names; all others stay.
#[derive(Debug)]
pub struct Transformed<D> {
    inner: D,
    steps: Arc<[Arc<Step>]>,
}

impl<D: Dataset> Transformed<D> {
    pub(crate) fn new(inner: D, stage: Arc<dyn Stage>) -> Result<Self> {
        let none = Self {
            inner,
            steps: Arc::new([]),
        };
        none.and(stage)
    }

    fn and(self, stage: Arc<dyn Stage>) -> Result<Self> {
        let step = Step::new(stage, &self.schema(), &self.describe())?;
        if step.bound.partners.is_some() {
            return Err(Error::config(format!(
                "{}: a stage that needs other rows besides its own joins with `mix_with`",
                step.name()
            )));
        }
        let steps = self.steps.iter().cloned().chain([Arc::new(step)]).collect();
        Ok(Self { steps, ..self })
    }

    /// One stage more, on the columns as they are now. [`views`](Self::views) then pins all of them together.
    ///
    /// # Errors
    ///
    /// As [`DatasetExt::stage`](crate::DatasetExt::stage).
    pub fn stage(self, stage: impl Stage) -> Result<Self> {
        self.and(Arc::new(stage))
    }

    /// One image column more: see [`DatasetExt::image`](crate::DatasetExt::image). Each draws for itself.
    ///
    /// # Errors
    ///
    /// As [`DatasetExt::image`](crate::DatasetExt::image).
    pub fn image(self, column: &str, image: Image) -> Result<Self> {
        self.and(Arc::new(ImageColumn::new(column, image)))
    }

    /// The rows at `positions`; those for which `plain` holds without random augmentation.
    pub(super) fn prepare_views(&self, cx: &Context, positions: &[u64], plain: impl Fn(u64) -> bool) -> Prepared {
        let keys: Vec<Option<u64>> = positions.iter().map(|&p| (!plain(p)).then_some(p)).collect();
        let classes = match self.steps.iter().any(|step| step.reads_class()) {
            true => positions.iter().map(|&p| self.inner.provenance(cx, p).class).collect(),
            false => Vec::new(),
        };
        let (steps, inner) = (Arc::clone(&self.steps), cx.clone());
        self.inner.prepare(cx, positions).and_then(|rows| async move {
            let cx = inner.clone();
            cx.compute(move || run(&steps, &inner, rows, &keys, &classes)).await
        })
    }

    pub(super) fn origin(&self, origin: Origin, plain: bool) -> Origin {
        let random = self.steps.iter().any(|step| step.is_random());
        match origin {
            Origin::Real if random && !plain => Origin::Augmented,
            origin => origin,
        }
    }

    /// Whether a stage writes `column`.
    pub(super) fn writes(&self, column: &str) -> bool {
        let mut all = self.steps.iter().flat_map(|step| &step.bound.writes);
        all.any(|output| output.name == column)
    }

    pub(super) fn inner(&self) -> &D {
        &self.inner
    }
}

impl<D: Stable> Transformed<D> {
    /// Pins the augmentation: a dataset of `views` times as many rows, of which view 0 is each row without random
    /// augmentation and every further view one draw of it.
    ///
    /// What a frozen backbone makes of a view can then be computed once and kept. Validation data has one view. Over rows that
    /// have views already, each of these has so many.
    pub fn views(self, views: u64) -> Views<D> {
        Views::new(self, views)
    }
}

fn run(
    steps: &[Arc<Step>],
    cx: &Context,
    rows: RecordBatch,
    keys: &[Option<u64>],
    classes: &[Option<u32>],
) -> Result<RecordBatch> {
    let own: Vec<usize> = (0..keys.len()).collect();
    steps.iter().try_fold(rows, |batch, step| {
        let rows = Rows {
            batch: &batch,
            classes,
            keys,
            own: &own,
            partners: &[],
        };
        // Each row comes out where it went in.
        let made = step
            .run(cx, &rows)
            .map_err(|(Failed::Row(error) | Failed::Below(error))| error)?;
        step.with(&batch, made, |rest| Ok(rest.clone()))
    })
}

impl<D: Dataset> Dataset for Transformed<D> {
    fn schema(&self) -> SchemaRef {
        match self.steps.last() {
            Some(last) => Arc::clone(&last.schema),
            None => self.inner.schema(),
        }
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn describe(&self) -> Plan {
        self.steps
            .iter()
            .fold(self.inner.describe(), |plan, step| step.describe(plan))
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.prepare_views(cx, positions, |_| false)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let below = self.inner.provenance(cx, position);
        Provenance {
            origin: self.origin(below.origin, false),
            ..below
        }
    }
}
