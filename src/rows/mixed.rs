use super::row::RowOf;
use super::stage::{Partner, Stage};
use super::step::{Failed, Rows, Step, Taken};
use crate::columns::gather_one;
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::Rng;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows that are mixed with others, of the same dataset or of another one; made by
/// [`mix_with`](crate::DatasetExt::mix_with), [`mixup`](crate::DatasetExt::mixup) and [`cutmix`](crate::DatasetExt::cutmix).
#[derive(Debug)]
pub struct Mixed<D> {
    inner: D,
    step: Arc<Step>,
}

/// The rows that some positions need from below and from other datasets, each once.
#[derive(Debug, Default)]
struct Needed {
    /// Of each dataset, the one below first.
    positions: Vec<Vec<u64>>,
    /// For each position its own row below, and the rows of its partners.
    own: Vec<usize>,
    partners: Vec<Vec<RowOf>>,
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

    /// The rows at `positions`; those for which `plain` holds are mixed with none.
    pub(super) fn prepare_views(&self, cx: &Context, positions: &[u64], plain: impl Fn(u64) -> bool) -> Prepared {
        let needed = match self.needed(cx.seed(), positions, &plain) {
            Ok(needed) => Arc::new(needed),
            Err(error) => return Prepared::failed(error),
        };
        let (mut prepared, mut classes) = (Vec::new(), Vec::new());
        for (number, positions) in needed.positions.iter().enumerate() {
            let (Some(dataset), scope) = (self.dataset(number), self.scope(cx, number)) else {
                continue;
            };
            prepared.push(dataset.prepare(&scope, positions));
            let scope = scope.for_origins();
            let of = |&position: &u64| dataset.provenance(&scope, position).class;
            classes.push(match self.step.reads_class(number) {
                true => positions.iter().map(of).collect(),
                false => Arc::default(),
            });
        }
        let keys: Vec<Option<u64>> = positions.iter().map(|&p| (!plain(p)).then_some(p)).collect();
        let (step, inner) = (Arc::clone(&self.step), cx.clone());
        Prepared::join_all(prepared, move |taken| async move {
            let taken = needed.whole(taken)?.into_iter().zip(classes);
            let taken: Vec<Taken> = taken.map(|(batch, classes)| Taken { batch, classes }).collect();
            let cx = inner.clone();
            inner.compute(move || needed.mix(&cx, &step, &taken, &keys)).await
        })
    }

    /// Whether the stage writes `column`.
    #[cfg(feature = "train")]
    pub(super) fn writes(&self, column: &str) -> bool {
        self.step.bound.writes.iter().any(|output| output.name == column)
    }

    #[cfg(feature = "train")]
    pub(super) fn inner(&self) -> &D {
        &self.inner
    }

    /// The partners of each of `positions`.
    fn partners(&self, seed: u64, positions: &[u64]) -> Vec<Vec<Partner>> {
        match &self.step.bound.partners {
            Some(partners) => partners.of(seed, self.step.name(), self.inner.len(), positions),
            None => Vec::new(),
        }
    }

    fn needed(&self, seed: u64, positions: &[u64], plain: &impl Fn(u64) -> bool) -> Result<Needed> {
        let mut all = vec![Vec::new(); 1 + self.step.bound.others.len()];
        let mut known = HashMap::new();
        let mut find = |dataset: usize, position: u64| -> Option<RowOf> {
            let of = all.get_mut(dataset)?;
            let row = known.entry((dataset, position)).or_insert_with(|| {
                of.push(position);
                of.len() - 1
            });
            Some(RowOf { dataset, row: *row })
        };
        let own = positions.iter().filter_map(|&position| find(0, position));
        let own = own.map(|row| row.row).collect();
        let mut partners = Vec::with_capacity(positions.len());
        for (mut of_row, &position) in self.partners(seed, positions).into_iter().zip(positions) {
            if plain(position) {
                of_row.clear();
            }
            let rows = of_row.iter().map(|partner| {
                let unknown = || {
                    let others = self.step.bound.others.len();
                    let name = self.step.name();
                    Error::config(format!(
                        "{name}: a partner is of dataset {}, but there are {others} besides the one below",
                        partner.dataset
                    ))
                };
                find(partner.dataset, partner.position).ok_or_else(unknown)
            });
            partners.push(rows.collect::<Result<_>>()?);
        }
        Ok(Needed {
            positions: all,
            own,
            partners,
        })
    }

    /// The context of dataset number `dataset`: the same threads; of one that is not below, a seed of its own.
    fn scope(&self, cx: &Context, dataset: usize) -> Context {
        match dataset {
            0 => cx.clone(),
            other => cx.with_seed(Rng::new(cx.seed(), self.step.name(), other as u64).next_u64()),
        }
    }

    /// Dataset number `dataset`.
    fn dataset(&self, dataset: usize) -> Option<&dyn Dataset> {
        match dataset.checked_sub(1) {
            None => Some(&self.inner),
            Some(other) => self.step.bound.others.get(other).map(|other| &*other.dataset),
        }
    }
}

impl Needed {
    /// Which row of which dataset number `index` of all is.
    fn find(&self, mut index: usize) -> Option<RowOf> {
        for (dataset, positions) in self.positions.iter().enumerate() {
            match index.checked_sub(positions.len()) {
                None => return Some(RowOf { dataset, row: index }),
                Some(behind) => index = behind,
            }
        }
        None
    }

    /// A failure in row number [`index`](Error::index) of all is one among the positions: of the row itself, or else of one
    /// whose partner it is.
    fn moved(&self, error: Error) -> Error {
        let Some(bad) = error.index().and_then(|index| self.find(index)) else {
            return error.unplaced();
        };
        if bad.dataset == 0
            && let Some(at) = self.own.iter().position(|own| *own == bad.row)
        {
            return error.at(at);
        }
        let position = self.positions[bad.dataset][bad.row];
        match self.partners.iter().position(|partners| partners.contains(&bad)) {
            Some(at) if bad.dataset == 0 => error.context(format!("its partner at position {position}")).at(at),
            Some(at) => {
                let dataset = bad.dataset;
                let place = format!("its partner at position {position} of other dataset {dataset}");
                error.context(place).at(at)
            }
            None => error.unplaced(),
        }
    }

    /// The rows of all datasets as they were taken, or the first failure among them.
    fn whole(&self, taken: Vec<Result<RecordBatch>>) -> Result<Vec<RecordBatch>> {
        let mut first = 0;
        let rows = taken.into_iter().zip(&self.positions).map(|(rows, positions)| {
            let before = first;
            first += positions.len();
            rows.map_err(|error| match error.index() {
                Some(index) => self.moved(error.at(before + index)),
                None => error,
            })
        });
        rows.collect()
    }

    fn mix(&self, cx: &Context, step: &Step, taken: &[Taken], keys: &[Option<u64>]) -> Result<RecordBatch> {
        let Some((below, others)) = taken.split_first() else {
            return Err(Error::stage("no rows were taken"));
        };
        let rows = Rows {
            below,
            others,
            keys,
            own: &self.own,
            partners: &self.partners,
        };
        let made = step.run(cx, &rows).map_err(|failed| match failed {
            Failed::Row(error) => error,
            Failed::Below(error) if error.index().is_some() => self.moved(error),
            Failed::Below(error) => error,
        })?;
        let own: Vec<u64> = self.own.iter().map(|own| *own as u64).collect();
        step.with(&below.batch, &made, |rest| gather_one(rest, &own))
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
        let plan = self.step.describe(self.inner.describe());
        let others = self.step.bound.others.iter();
        let plan = others.fold(plan, |plan, other| plan.scope(other.dataset.describe()));
        let most = self.step.bound.partners.as_ref().map_or(0, |partners| partners.most());
        plan.reads(1 + most as u64)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.prepare_views(cx, positions, |_| false)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let own = self.inner.provenance(cx, position);
        let partners = self.partners(cx.seed(), &[position]).pop().unwrap_or_default();
        if partners.is_empty() {
            return own;
        }
        let given: f32 = partners.iter().map(|partner| partner.share).sum();
        let mut label_shares = match given > 0.0 {
            true => own.label_shares(1.0 - given),
            false => own.label_shares,
        };
        let (mut places, mut class) = (own.places, own.class);
        for partner in &partners {
            let Some(dataset) = self.dataset(partner.dataset) else {
                continue;
            };
            let other = dataset.provenance(&self.scope(cx, partner.dataset), partner.position);
            if partner.share > 0.0 {
                label_shares.extend(other.label_shares(partner.share));
            }
            if partner.share > 0.5 {
                class = other.class;
            }
            places.extend(other.places);
        }
        Provenance {
            class,
            label_shares,
            places,
            origin: Origin::Synthetic,
            generator: Some(self.step.name().into()),
            occurrence: 0,
        }
    }
}
