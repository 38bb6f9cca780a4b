use super::stage::Stage;
use super::step::{Failed, Rows, Step};
use crate::columns::gather_one;
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows that are mixed with others of the same dataset; made by [`mix_with`](crate::DatasetExt::mix_with),
/// [`mixup`](crate::DatasetExt::mixup) and [`cutmix`](crate::DatasetExt::cutmix).
#[derive(Debug)]
pub struct Mixed<D> {
    inner: D,
    step: Arc<Step>,
}

/// The rows that some positions need from below, each once.
#[derive(Debug, Default)]
struct Needed {
    positions: Vec<u64>,
    /// For each position its own row, and those of its partners, as indices of `positions`.
    own: Vec<usize>,
    partners: Vec<Vec<usize>>,
}

impl<D: Dataset> Mixed<D> {
    pub(crate) fn new(inner: D, stage: Arc<dyn Stage>) -> Result<Self> {
        let step = Step::new(stage, &inner.schema(), &inner.describe())?;
        if step.bound.partners.is_none() {
            return Err(Error::config(format!(
                "{}: a stage that needs no other rows joins with `stage`",
                step.name()
            )));
        }
        Ok(Self {
            inner,
            step: Arc::new(step),
        })
    }

    fn needed(&self, seed: u64, positions: &[u64]) -> Needed {
        let partners = match &self.step.bound.partners {
            Some(partners) => partners.of(seed, self.inner.len(), positions),
            None => Vec::new(),
        };
        let (mut all, mut known) = (Vec::new(), HashMap::new());
        let mut index = |position: u64| {
            *known.entry(position).or_insert_with(|| {
                all.push(position);
                all.len() - 1
            })
        };
        let own = positions.iter().map(|&position| index(position)).collect();
        let of_row = partners
            .iter()
            .map(|of_row| of_row.iter().map(|partner| index(partner.position)).collect());
        let partners = of_row.collect();
        Needed {
            positions: all,
            own,
            partners,
        }
    }
}

impl Needed {
    /// A failure among the rows from below is one among the positions: of the row itself, or else of one whose partner it is.
    fn moved(&self, error: Error) -> Error {
        let Some(bad) = error.index() else { return error };
        if let Some(at) = self.own.iter().position(|own| *own == bad) {
            return error.at(at);
        }
        match self.partners.iter().position(|partners| partners.contains(&bad)) {
            Some(at) => error
                .context(format!("its partner at position {}", self.positions[bad]))
                .at(at),
            None => error.unplaced(),
        }
    }

    fn mix(
        &self,
        cx: &Context,
        step: &Step,
        batch: &RecordBatch,
        keys: &[Option<u64>],
        classes: &[Option<u32>],
    ) -> Result<RecordBatch> {
        let rows = Rows {
            batch,
            classes,
            keys,
            own: &self.own,
            partners: &self.partners,
        };
        let made = step.run(cx, &rows).map_err(|failed| match failed {
            Failed::Row(error) => error,
            Failed::Below(error) => self.moved(error),
        })?;
        let own: Vec<u64> = self.own.iter().map(|own| *own as u64).collect();
        step.with(batch, &made, |rest| gather_one(rest, &own))
    }
}

impl<D: Dataset> Dataset for Mixed<D> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.step.schema)
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn describe(&self) -> Plan {
        self.step.describe(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let needed = Arc::new(self.needed(cx.seed(), positions));
        let classes: Vec<Option<u32>> = match self.step.reads_class() {
            true => needed
                .positions
                .iter()
                .map(|&p| self.inner.provenance(cx, p).class)
                .collect(),
            false => Vec::new(),
        };
        let keys: Vec<Option<u64>> = positions.iter().copied().map(Some).collect();
        let (step, of, inner) = (Arc::clone(&self.step), Arc::clone(&needed), cx.clone());
        let below = self.inner.prepare(cx, &needed.positions);
        let below = below.map_err(move |error| of.moved(error));
        below.and_then(move |rows| async move {
            let cx = inner.clone();
            inner
                .compute(move || needed.mix(&cx, &step, &rows, &keys, &classes))
                .await
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let own = self.inner.provenance(cx, position);
        let partners = self.step.bound.partners.as_ref();
        let partners = partners.and_then(|partners| partners.of(cx.seed(), self.inner.len(), &[position]).pop());
        let partners = partners.unwrap_or_default();
        if partners.is_empty() {
            return own;
        }
        let others: Vec<Provenance> = partners
            .iter()
            .map(|other| self.inner.provenance(cx, other.position))
            .collect();
        let leading = partners.iter().position(|partner| partner.share > 0.5);
        let given: f32 = partners.iter().map(|partner| partner.share).sum();
        let shares = [1.0 - given]
            .into_iter()
            .chain(partners.iter().map(|partner| partner.share));
        let label = [&own].into_iter().chain(&others).zip(shares);
        Provenance {
            label_shares: label.flat_map(|(row, share)| row.label_shares(share)).collect(),
            class: leading.map_or(own.class, |at| others[at].class),
            places: others
                .into_iter()
                .fold(own.places, |places, other| [places, other.places].concat()),
            origin: Origin::Synthetic,
            generator: Some(self.step.name().into()),
            occurrence: 0,
        }
    }
}
