//! The gate of the synthetic rows that a head is trained on: what the generator has to reach as a whole, and what was refused on the way to the rows of a run.

use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::prepare::Prepared;
use super::strategy::Strategy;
use super::targets::Targets;
use super::training_order::TrainingOrder;
use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use crate::mix::Picked;
use crate::report::{GateRows, Named};
use crate::rows::Labels;
use crate::synthetic::{Gate, GateFit, Gated, Generator, Judged};
use arrow::array::RecordBatch;
use std::sync::Arc;

/// Positions whose rows are worked out at a time.
const CHUNK: u64 = 1 << 12;

impl Finetune {
    /// `generator` behind the gate of `strategy`, if it has one, which is fitted on `rows`. `callback` is told how far that is: of many rows it takes minutes.
    ///
    /// # Errors
    ///
    /// `Data` where the generator lies beyond the limits of the gate, with the class, the figure and the limit.
    pub(super) fn gated(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        (rows, generator): (&Arc<dyn Stable>, &Arc<dyn Generator>),
        callback: Callback<'_>,
    ) -> Result<Option<Arc<Gated>>> {
        let Some(spec) = &strategy.gate else { return Ok(None) };
        let cells = cells(&prepared.datasets, strategy)?;
        callback(Event::Begin {
            what: "rows that the gate is fitted on",
            total: cells.len(),
        });
        let mut fitted = |at: GateFit| {
            if let GateFit::Compared(rows) = at {
                callback(Event::Done(rows));
            }
        };
        let gate = cx.block_on(Gate::fit_told(cx, rows, cells, spec.clone(), None, &mut fitted));
        callback(Event::End);
        let gate = gate?;
        if let Some(limits) = &spec.limits {
            let holdout = holdout(prepared, strategy)?;
            let holdout = holdout.as_ref().map(|(rows, classes)| (rows, classes.as_slice()));
            let cx = &cx.with_seed(self.spec.seed);
            let mut begun = false;
            let mut measured = |done: u64, total: u64| {
                if !std::mem::replace(&mut begun, true) {
                    callback(Event::Begin {
                        what: "rows for the limits of the gate",
                        total,
                    });
                }
                callback(Event::Done(done));
            };
            let checked = cx.block_on(gate.check_told(cx, &**generator, holdout, limits, &mut measured));
            if begun {
                callback(Event::End);
            }
            checked.map_err(|error| error.context("gate"))?;
        }
        Ok(Some(Arc::new(Gated::new(Arc::clone(generator), gate))))
    }

    /// What the gate made of the candidates for the synthetic ones among the first `rows` rows of `order`, which are those that were trained on; none without a gate.
    ///
    /// Positions are trained on one after the other, from the first on, and what comes at one follows from the order alone: the count does not depend on
    /// how many rows were made ahead, or how often a run was resumed. The candidates are made once more for it.
    pub(super) fn judged(
        &self,
        cx: &Context,
        order: &TrainingOrder,
        gated: Option<&Gated>,
        rows: u64,
        callback: Callback<'_>,
    ) -> Result<Option<Judged>> {
        let Some(gated) = gated else { return Ok(None) };
        callback(Event::Begin {
            what: "counting what the gate refused",
            total: rows,
        });
        let judged = self.judged_rows(cx, (order, gated), rows, callback);
        callback(Event::End);
        judged.map(Some)
    }

    fn judged_rows(
        &self,
        cx: &Context,
        (order, gated): (&TrainingOrder, &Gated),
        rows: u64,
        callback: Callback<'_>,
    ) -> Result<Judged> {
        let (cx, mut judged) = (&cx.with_seed(self.spec.seed), Judged::default());
        for start in (0..rows).step_by(CHUNK as usize) {
            let positions: Vec<u64> = (start..rows.min(start + CHUNK)).collect();
            let picked = order.picked(cx, &positions).into_iter();
            let made = picked.filter_map(|picked| match picked {
                Picked::Synthetic(sample) => Some(sample),
                Picked::Stored(_) => None,
            });
            let made: Vec<_> = made.collect();
            judged.add(cx.block_on(gated.judged_of(cx, &made))?);
            callback(Event::Done(rows.min(start + CHUNK)));
        }
        Ok(judged)
    }
}

/// `judged` as reports have it.
pub(super) fn gate_rows(datasets: &Datasets, strategy: &Strategy, judged: &Judged) -> Result<GateRows> {
    let mut refused: Named<Named<u64>> = Named::default();
    let names = cells(datasets, strategy)?.names();
    for (&(class, why), &rows) in &judged.refused {
        let name = &names[class as usize];
        let mut of_class = refused.get(name).cloned().unwrap_or_default();
        of_class.insert(why.name(), rows);
        refused.insert(name, of_class);
    }
    Ok(GateRows {
        candidates: judged.candidates,
        refused,
    })
}

/// The classes of a gate: those of the training rows, or the cells that the strategy is by.
fn cells<'a>(datasets: &'a Datasets, strategy: &Strategy) -> Result<&'a Arc<Labels>> {
    match &strategy.by {
        None => datasets.labels("a gate"),
        Some(key) => datasets.cells_of(key),
    }
}

/// Rows that no generator was fitted on, with their classes: those that are held out of the training files for choices. None where there are none, and where classes are
/// cells, which these rows have none of.
fn holdout(prepared: &Prepared, strategy: &Strategy) -> Result<Option<(RecordBatch, Vec<u32>)>> {
    let Some(features) = prepared.features.as_ref().filter(|_| strategy.by.is_none()) else {
        return Ok(None);
    };
    let targets = prepared.datasets.selection_targets().and_then(Targets::one_class);
    let Some((held, classes)) = features.selection.as_ref().zip(targets) else {
        return Ok(None);
    };
    Ok(Some((features.train.like(held.rows())?, classes.iter().collect())))
}
