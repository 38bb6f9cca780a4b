//! The made rows that go to a file: of each class the first, or the first that pass a gate.

use super::definition::BLOCK;
use super::progress::GateProgress;
use super::row_maker::RowMaker;
use crate::columns::gather_one;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::synthetic::{Gate, Judged, Refusal, SampleId, refusals_in_words};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use std::collections::VecDeque;

/// Refuses a maker whose rows of a class that is wanted lie beyond the limits of `gate`, if it has any. `progress` is told as rows are measured.
pub(super) fn check_limits(
    cx: &Context,
    maker: &dyn RowMaker,
    rows: &[u64],
    gate: &Gate,
    progress: &mut dyn FnMut(GateProgress) -> Result<()>,
) -> Result<GateProgress> {
    let mut told = GateProgress::default();
    let Some(limits) = &gate.spec().limits else {
        return Ok(told);
    };
    let wanted = (0..).zip(rows).filter(|(_, rows)| **rows > 0);
    let classes = gate.measured(wanted.map(|(class, _)| class), limits);
    told.to_measure = classes.iter().map(|(_, wanted)| wanted.len() as u64).sum();
    progress(told)?;
    for (class, wanted) in classes {
        let parts = wanted.chunks(maker.at_once().max(1));
        let made = parts.map(|some| maker.make(cx, some)).collect::<Result<Vec<_>>>()?;
        let made = concat_batches(&maker.schema(), &made)?;
        let mut refused = None;
        let mut reached = |rows: u64| {
            let at = GateProgress {
                measured: told.measured + rows,
                ..told
            };
            if refused.is_none() {
                refused = progress(at).err();
            }
        };
        let of_class = (maker.about().name(), class);
        cx.block_on(gate.check_class(cx, of_class, &made, (None, limits), &mut reached))?;
        if let Some(error) = refused {
            return Err(error);
        }
        told.measured += wanted.len() as u64;
        progress(told)?;
    }
    Ok(told)
}

/// Rows of a round, so that all threads have some.
const TOGETHER: u64 = 32 * BLOCK;
/// Candidates that are judged at a time: behind a network that takes longer than to make them, and is told of.
const JUDGED: usize = 4 * BLOCK as usize;

/// Made rows, some at a time.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    maker: &'a dyn RowMaker,
    gate: Option<&'a Gate>,
    classes: Vec<OfClass>,
    /// What is left of the round.
    round: VecDeque<SampleId>,
    pub(super) judged: Judged,
}

/// Where a class stands.
#[derive(Clone, Debug, Default)]
struct OfClass {
    wanted: u64,
    done: u64,
    /// The next candidate.
    next: u64,
    refused: Vec<Refusal>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(maker: &'a dyn RowMaker, rows: &[u64], gate: Option<&'a Gate>) -> Self {
        let of = |&wanted: &u64| OfClass {
            wanted,
            ..OfClass::default()
        };
        Self {
            maker,
            gate,
            classes: rows.iter().map(of).collect(),
            round: VecDeque::new(),
            judged: Judged::default(),
        }
    }

    /// The next rows, up to [`TOGETHER`] and a block of each class, and no more than the maker [makes at once](RowMaker::at_once); none where there are as many as are wanted.
    /// Classes take turns, by blocks. How many are made at a time moves no row. `judged` is told how many candidates a gate has judged.
    pub(super) fn next(
        &mut self,
        cx: &Context,
        judged: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Option<RecordBatch>> {
        let at_once = match self.gate {
            Some(_) => self.maker.at_once().min(JUDGED),
            None => self.maker.at_once(),
        };
        loop {
            if self.round.is_empty() {
                self.round = self.turn().into();
            }
            let some = self.round.len().min(at_once.max(1));
            let samples: Vec<SampleId> = self.round.drain(..some).collect();
            if samples.is_empty() {
                return Ok(None);
            }
            let made = self.maker.make(cx, &samples)?;
            let made = match self.gate {
                None => {
                    samples
                        .iter()
                        .for_each(|sample| self.classes[sample.class as usize].done += 1);
                    made
                }
                Some(gate) => {
                    let passed = self.accepted(cx, gate, &made, &samples)?;
                    judged(self.judged.candidates)?;
                    passed
                }
            };
            if made.num_rows() > 0 {
                return Ok(Some(made));
            }
        }
    }

    /// The next candidates: whole blocks, in turns, where there is a gate; else as many as are wanted.
    fn turn(&mut self) -> Vec<SampleId> {
        let mut samples = Vec::new();
        let mut lacking: Vec<u64> = self.classes.iter().map(|of| of.wanted - of.done).collect();
        while (samples.len() as u64) < TOGETHER && lacking.iter().any(|&lacking| lacking > 0) {
            for (class, (of, lacking)) in (0..).zip(self.classes.iter_mut().zip(&mut lacking)) {
                let wanted = (*lacking).min(BLOCK);
                let rows = match self.gate {
                    Some(_) if wanted > 0 => BLOCK,
                    _ => wanted,
                };
                samples.extend((of.next..of.next + rows).map(|index| SampleId { class, index }));
                of.next += rows;
                *lacking -= wanted;
            }
        }
        samples
    }

    /// Those of `made` that pass, no more of a class than it lacks.
    fn accepted(&mut self, cx: &Context, gate: &Gate, made: &RecordBatch, samples: &[SampleId]) -> Result<RecordBatch> {
        let classes: Vec<u32> = samples.iter().map(|sample| sample.class).collect();
        let judged = cx.block_on(gate.judge(cx, made, &classes))?;
        let mut passed = Vec::new();
        for (row, (sample, refusal)) in (0..).zip(samples.iter().zip(judged)) {
            let of = &mut self.classes[sample.class as usize];
            if of.done == of.wanted {
                continue;
            }
            self.judged.candidates += 1;
            match refusal {
                None => {
                    of.done += 1;
                    passed.push(row);
                }
                Some(why) => {
                    of.refused.push(why);
                    self.judged.refuse(sample.class, why);
                }
            }
        }
        let attempts = u64::from(gate.spec().attempts);
        let exhausted = |of: &OfClass| of.done < of.wanted && of.next >= attempts.saturating_mul(of.wanted.max(BLOCK));
        // Those that are left of the round may pass.
        let is_judged = self.round.is_empty();
        let mut classes = self.classes.iter().enumerate();
        if let Some((class, of)) = classes.find(|(_, of)| is_judged && exhausted(of)) {
            return Err(Error::stage(format!(
                "class {:?}: {} of {} rows pass the gate ({}), and {} are wanted: let it be wider, allow more attempts, or leave the class out",
                self.maker.about().classes[class],
                of.done,
                of.next,
                refusals_in_words(&of.refused),
                of.wanted
            )));
        }
        gather_one(made, &passed)
    }
}
