use super::known_class::lacks_class;
use super::stage::Stage;
use super::step::{Failed, Rows, Step, Taken};
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance};
use crate::error::{Error, Result};
use crate::exec::Context;
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
        if let Some(why) = step.bound.without_class.as_deref().filter(|_| lacks_class(&self.inner)) {
            return Err(Error::config(why).context(step.name()));
        }
        let steps = self.steps.iter().cloned().chain([Arc::new(step)]).collect();
        Ok(Self { steps, ..self })
    }

    /// One stage more, on the columns as they are now. [`views`](Transformed::views) then pins all of them together.
    ///
    /// # Errors
    ///
    /// As [`DatasetExt::stage`](crate::DatasetExt::stage).
    pub fn stage(self, stage: impl Stage) -> Result<Self> {
        self.and(Arc::new(stage))
    }

    /// The rows at `positions`; those for which `plain` holds without random augmentation.
    pub(super) fn prepare_views(&self, cx: &Context, positions: &[u64], plain: impl Fn(u64) -> bool) -> Prepared {
        let keys: Vec<Option<u64>> = positions.iter().map(|&p| (!plain(p)).then_some(p)).collect();
        let classes = match self.steps.iter().any(|step| step.reads_class(0)) {
            true => {
                let cx = cx.for_origins();
                positions.iter().map(|&p| self.inner.provenance(&cx, p).class).collect()
            }
            false => Arc::default(),
        };
        let (steps, inner) = (Arc::clone(&self.steps), cx.clone());
        self.inner.prepare(cx, positions).and_then(|rows| async move {
            let cx = inner.clone();
            cx.compute(move || run(&steps, &inner, rows, &keys, &classes)).await
        })
    }

    pub(crate) fn origin(&self, origin: Origin, plain: bool) -> Origin {
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

    pub(crate) fn inner(&self) -> &D {
        &self.inner
    }
}

fn run(
    steps: &[Arc<Step>],
    cx: &Context,
    rows: RecordBatch,
    keys: &[Option<u64>],
    classes: &Arc<[Option<u32>]>,
) -> Result<RecordBatch> {
    let own: Vec<usize> = (0..keys.len()).collect();
    steps.iter().try_fold(rows, |batch, step| {
        let classes = Arc::clone(classes);
        let below = Taken { batch, classes };
        let rows = Rows {
            below: &below,
            others: &[],
            keys,
            own: &own,
            partners: &[],
        };
        // Each row comes out where it went in.
        let made = step
            .run(cx, &rows)
            .map_err(|(Failed::Row(error) | Failed::Below(error))| error)?;
        step.with(&below.batch, &made, |rest| Ok(rest.clone()))
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
