//! Trains what a line of the journal says, on any thread.

use super::arms::Way;
use super::figures::Figures;
use super::fitted::FittedGenerators;
use super::journal::Journal;
use super::line::{Cell, Line, RefusedCell};
use super::rows::{Input, Rows};
use crate::error::{ErrorKind, Result};
use crate::exec::Context;
use burn::tensor::Device;
use std::time::Instant;

/// What all cells have in common.
pub(super) struct Trainer<'a> {
    pub(super) cx: &'a Context,
    /// Parts of the cross-validation of an automatic choice.
    pub(super) folds: usize,
    pub(super) device: Device,
}

/// A cell that is to be done.
pub(super) struct Todo<'a> {
    pub(super) data: &'a str,
    pub(super) row: &'a str,
    pub(super) seed: u64,
    /// None: what an automatic choice takes.
    pub(super) way: Option<Way>,
}

impl Todo<'_> {
    /// Whether its line stands in `journal`.
    pub(super) fn is_done(&self, journal: &Journal, input: Input) -> bool {
        let &Self { data, row, seed, .. } = self;
        journal.cell(data, input, row, seed).is_some() || journal.refused(data, input, row, seed).is_some()
    }
}

impl Trainer<'_> {
    /// Trains and tests one network on `rows`.
    pub(super) fn line(&self, rows: &Rows, todo: &Todo<'_>, fitted: &FittedGenerators) -> Result<Line> {
        let &Todo { data, row, seed, .. } = todo;
        let (input, started) = (rows.input, Instant::now());
        let way = match &todo.way {
            Some(way) => way.clone(),
            None => rows.auto(self.cx, seed, self.folds, &self.device)?,
        };
        let confusion = match rows.trained(self.cx, &way, fitted, seed, &self.device) {
            // It is a result of this way, and no reason to go without all others.
            Err(error) if way.is_gated() && error.kind() == ErrorKind::Stage => {
                return Ok(Line::Refused(RefusedCell {
                    data: data.to_owned(),
                    input,
                    row: row.to_owned(),
                    seed,
                    why: error.to_string(),
                }));
            }
            trained => trained.map_err(|error| error.context(format!("{data}, {input}, {row}, seed {seed}")))?,
        };
        Ok(Line::Cell(Box::new(Cell {
            data: data.to_owned(),
            input,
            row: row.to_owned(),
            seed,
            way,
            figures: Figures::of(&confusion, &rows.labels.counts()),
            confusion,
            seconds: started.elapsed().as_secs_f64(),
        })))
    }
}
