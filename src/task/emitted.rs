//! What the rows that were trained on have of each class.

use super::detect::objects::Objects;
use super::finetune::Finetune;
use super::prepare::Prepared;
use super::strategy::{DEEP, Strategy};
use super::training_order::{AsOneBlock, TrainingOrder};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::mix::Picked;
use crate::report::{CellCounts, Named};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many of a class were emitted, by class and origin.
pub(super) type Emitted = BTreeMap<(Option<u32>, Origin), u64>;

/// Positions whose rows are worked out at a time, and those whose pictures are made.
const CHUNK: u64 = 1 << 16;
const PICTURES: u64 = 32;

impl Finetune {
    /// What the rows of the part `phase` of a run have of each class, of which `rows` were emitted: where a row has several classes it counts
    /// for all of them, and of boxes each does. Where each row has one class that is what the loader has counted.
    ///
    /// Positions are trained on one after the other, from the first on, so the order alone tells. Where objects are pasted, or pictures put together, the rows
    /// themselves do: they are made once more, unless they were computed once and kept, and what was pasted counts, and what a crop has left.
    pub(super) fn emitted(
        &self,
        cx: &Context,
        prepared: &Prepared,
        (phase, strategy): (&str, &Strategy),
        rows: Emitted,
    ) -> Result<Emitted> {
        let datasets = &prepared.datasets;
        if datasets.targets.several_classes()?.is_none() {
            return Ok(rows);
        }
        let (cx, all) = (&cx.with_seed(self.spec.seed), rows.values().sum::<u64>());
        let is_new = phase == DEEP && !self.spec.train.fixed_views;
        let pastes = self.spec.augment.row_join().is_some();
        let chunk = if pastes { PICTURES } else { CHUNK };
        let (order, images): (Arc<TrainingOrder>, Arc<dyn Dataset>) = match is_new {
            true => {
                let images = self.image_rows(cx, datasets, strategy)?;
                (images.order, images.rows)
            }
            // Whatever was made of the views of rows lies in one block.
            false => {
                let images = Arc::clone(&self.images(datasets)?[0]);
                let views: Arc<dyn Stable> = Arc::new(AsOneBlock(Arc::clone(&images)));
                let order = TrainingOrder::new(cx, views, datasets, &self.wanted(strategy, phase == DEEP)?)?;
                (Arc::new(order), Arc::new(images))
            }
        };
        let mut emitted = Emitted::new();
        for start in (0..all).step_by(chunk as usize) {
            let positions: Vec<u64> = (start..all.min(start + chunk)).collect();
            let picked = positions.iter().zip(order.picked(cx, &positions));
            // Rows of what makes the images, and the training rows that they are views of.
            let rows: Vec<(u64, u64)> = picked
                .filter_map(|(&position, picked)| match picked {
                    Picked::Stored(below) => Some((if is_new { position } else { below }, below)),
                    Picked::Synthetic(_) => None,
                })
                .collect();
            let classes = match pastes {
                false => Vec::from_iter(
                    rows.iter()
                        .map(|(_, below)| datasets.targets.classes_of(below % datasets.targets.len())),
                ),
                true => {
                    let at: Vec<u64> = rows.iter().map(|(at, _)| *at).collect();
                    // Positions go on from pass to pass, so that rows are taken and not picked out of a batch.
                    let made = match &prepared.maps {
                        Some(maps) if !is_new => cx.block_on(maps.train.take(cx, &at))?,
                        _ => cx.block_on(images.take(cx, &at))?,
                    };
                    let one = |class: &usize| (*class as u32, 1);
                    let objects = Objects::all(&made, &datasets.label)?;
                    objects
                        .iter()
                        .map(|row| row.classes.iter().map(one).collect())
                        .collect()
                }
            };
            for ((at, _), classes) in rows.iter().zip(classes) {
                let origin = images.provenance(cx, *at).origin;
                for (class, many) in classes {
                    *emitted.entry((Some(class), origin)).or_default() += many;
                }
            }
        }
        Ok(emitted)
    }

    /// What was emitted of each cell in the first `rows` rows of each part of a run that balances by another key than the class: the names of the cells, the rows
    /// that they have and those that came. Empty for all other runs.
    pub(super) fn emitted_cells(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        rows: &[u64],
    ) -> Result<Named<CellCounts>> {
        if strategy.by.is_none() {
            return Ok(Named::default());
        }
        let cx = &cx.with_seed(self.spec.seed);
        let mut counts: Vec<(String, CellCounts)> = Vec::new();
        for (part, &rows) in rows.iter().enumerate() {
            let order = self.order_of_cells(cx, prepared, strategy, part > 0)?;
            for (at, (cell, emitted)) in order.cells(cx, 0..rows)?.into_iter().flatten().enumerate() {
                match counts.get_mut(at) {
                    Some((_, counts)) => counts.emitted += emitted,
                    None => {
                        let before = cell.stored;
                        counts.push((cell.name, CellCounts { before, emitted }));
                    }
                }
            }
        }
        Ok(counts.into_iter().collect())
    }

    /// The order of the cells in a part of a run: of the deep phase, or of the head.
    fn order_of_cells(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        is_deep: bool,
    ) -> Result<Arc<TrainingOrder>> {
        let datasets = &prepared.datasets;
        if strategy.batch.is_none() || !strategy.is_synthetic() {
            // Which cell comes where depends on no picture, view or block, nor on which of the rows are synthetic.
            let train = Arc::clone(&datasets.train);
            return Ok(Arc::new(TrainingOrder::new(
                cx,
                train,
                datasets,
                &self.wanted(strategy, false)?,
            )?));
        }
        // In parts of every batch it depends on the cells that the generator can make rows of.
        match is_deep || prepared.features.is_none() {
            true => Ok(self.image_rows(cx, datasets, strategy)?.order),
            // What a gate lets through, it does not depend on.
            false => {
                let open = Strategy {
                    gate: None,
                    ..strategy.clone()
                };
                Ok(self.feature_rows(cx, prepared, &open, &mut |_| ())?.order)
            }
        }
    }
}
