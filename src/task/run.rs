//! Fine-tuning from end to end: first the head on what the frozen backbone makes, then, if asked for, deeper.

use super::catalog::NamedTask;
use super::definition::Split;
use super::evaluation::{self, Evaluated, Evaluator};
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::gate_rows::gate_rows;
use super::inputs;
use super::outcome::Outcome;
use super::prepare::Prepared;
use super::row_results::RowResults;
use super::saved_model::ModelConfig;
use super::strategy::{DEEP, Strategy};
use super::training::{Start, finished};
use super::warnings;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::model::head::Head;
use crate::model::headed::Model;
use crate::quote::{counted, counted_with, shown};
use crate::report::{CellCounts, Epoch, Figure, Named, Report, in_digits, with_error, write_history};
use crate::synthetic::Judged;
use crate::train::Fitted;
use crate::train::auto_balance::Choice;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

impl Finetune {
    /// Fine-tunes and writes the model and `report.json` to [`out`](Self::out).
    ///
    /// Everything is checked before anything is written: the data is opened, columns are found, targets are scanned, weights are
    /// loaded. `out` is locked as long as the run lasts.
    ///
    /// # Errors
    ///
    /// Whatever reading, training and writing give; as [`existing`](Self::existing) says, `Exists` where `out` holds a run, and
    /// `Resume` where it holds one with other settings or on other data, with what differs; `Config` where `out` has files of
    /// a run's names that no run wrote; `Busy` where another process works in it.
    pub fn run(&self, cx: &Context, callback: Callback<'_>) -> Result<Report> {
        let started = Instant::now();
        let (inputs, manifest, started_run) = self.begin(cx, &[], callback)?;
        if let Some(report) = started_run.report {
            return Ok(report);
        }
        let cx = &self.context(cx, true);
        let prepared = self.extract(cx, inputs, started, callback)?;
        self.folder().write_errors(self.spec.data.on_bad_row, &prepared.bad)?;
        let (strategies, choice) =
            self.with_choice(cx, &prepared, std::slice::from_ref(&self.spec.balance), callback)?;
        let [strategy] = &strategies[..] else {
            return Err(Error::config("a run has one strategy"));
        };
        let mut chosen = Vec::new();
        let (probe, judged) = self.probe(cx, &prepared, strategy, &[], callback)?;
        chosen.extend(self.chosen(&strategy.name, &probe, &prepared));
        chosen.extend(judged.as_ref().map(Judged::in_words));
        let mut history = probe.history.clone();
        let mut parts = vec![probe.emitted.values().sum()];
        let mut emitted = self.emitted(cx, &prepared, (&strategy.name, strategy), probe.emitted)?;
        let (model, found) = match self.spec.train.unfreeze {
            0 => self.finish(cx, &prepared, probe.model, callback)?,
            _ => {
                let from = Start {
                    head: &probe.model,
                    earlier: &history,
                };
                let deep = self.fine_tune(cx, &prepared, strategy, from, callback)?;
                chosen.extend(self.chosen(DEEP, &deep, &prepared));
                history.extend(deep.history.iter().cloned());
                parts.push(deep.emitted.values().sum());
                let model = finished(&deep.model, &prepared);
                let found = self.evaluate(cx, &prepared, &model, callback)?;
                self.emitted(cx, &prepared, (DEEP, strategy), deep.emitted)?
                    .into_iter()
                    .for_each(|(of, rows)| *emitted.entry(of).or_default() += rows);
                (model, found)
            }
        };
        let cells = self.emitted_cells(cx, &prepared, strategy, &parts)?;
        let seconds = started.elapsed().as_secs_f64();
        let figures = evaluation::figures(&prepared.datasets, &*prepared.task, &emitted, found.measured, seconds)?;
        let made = self.folder().begin_results()?;
        model.save(&made, &self.config(&prepared)?)?;
        let mut report = self.reported((Report::new(figures), &history), &prepared, choice.as_ref(), callback)?;
        chosen.extend(in_words(&cells));
        chosen.iter().for_each(|note| callback(Event::Note(note)));
        report.notes.extend(chosen);
        report.cells = cells;
        if let Some(judged) = &judged {
            let gate = gate_rows(&prepared.datasets, strategy, judged)?;
            report.gates.insert(&*strategy.name, gate);
        }
        self.leave(cx, &prepared, (&report, &history, &found.rows), &made)?;
        self.folder().end_with(&manifest, &made, &report)?;
        Ok(report)
    }

    /// Trains the same head with several strategies in place of the run's [own](super::FinetuneSpec::balance) on the same features, split and seed, with the same number of rows and
    /// steps; writes the model of the last strategy and a report of all of them.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn compare(&self, cx: &Context, strategies: &[Strategy], callback: Callback<'_>) -> Result<(Report, Prepared)> {
        let started = Instant::now();
        if let Some(strategy) = strategies.iter().find(|strategy| strategy.feedback.is_some()) {
            return Err(Error::config(format!(
                "the strategy {:?} follows feedback, whose reports a comparison has no place for: run it alone",
                strategy.name
            )));
        }
        let last = strategies
            .last()
            .ok_or_else(|| Error::config("there is no strategy to compare"))?;
        let (inputs, manifest, started_run) = self.begin(cx, strategies, callback)?;
        let cx = &self.context(cx, true);
        let prepared = self.extract(cx, inputs, started, callback)?;
        let prepared = Prepared {
            _lock: Some(started_run.lock),
            ..prepared
        };
        if let Some(report) = started_run.report {
            return Ok((report, prepared));
        }
        self.folder().write_errors(self.spec.data.on_bad_row, &prepared.bad)?;
        let (strategies, choice) = self.with_choice(cx, &prepared, strategies, callback)?;
        let (mut found, mut history, mut rows) = (Named::default(), Vec::new(), RowResults::default());
        let (mut gates, mut told) = (Named::default(), Vec::new());
        let made = self.folder().begin_results()?;
        for strategy in &strategies {
            let started = Instant::now();
            let (probe, judged) = self.probe(cx, &prepared, strategy, &history, callback)?;
            if let Some(judged) = &judged {
                gates.insert(&*strategy.name, gate_rows(&prepared.datasets, strategy, judged)?);
                told.push(format!("{}: {}", strategy.name, judged.in_words()));
            }
            history.extend(probe.history);
            let (
                model,
                Evaluated {
                    measured, rows: own, ..
                },
            ) = self.finish(cx, &prepared, probe.model, callback)?;
            rows = own;
            let emitted = self.emitted(cx, &prepared, (&strategy.name, strategy), probe.emitted)?;
            let seconds = started.elapsed().as_secs_f64();
            let (datasets, task) = (&prepared.datasets, &*prepared.task);
            found.insert(
                strategy.name.clone(),
                evaluation::figures(datasets, task, &emitted, measured, seconds)?,
            );
            model.save(&made, &self.config(&prepared)?)?;
        }
        let report = Report::compare(found, &last.name)?;
        let mut report = self.reported((report, &history), &prepared, choice.as_ref(), callback)?;
        told.iter().for_each(|note| callback(Event::Note(note)));
        report.notes.extend(told);
        report.gates = gates;
        self.leave(cx, &prepared, (&report, &history, &rows), &made)?;
        self.folder().end_with(&manifest, &made, &report)?;
        Ok((report, prepared))
    }

    /// The model with the trained `head`, as it is saved, and what it makes of the validation rows.
    fn finish(
        &self,
        cx: &Context,
        prepared: &Prepared,
        head: Head,
        callback: Callback<'_>,
    ) -> Result<(Model, Evaluated)> {
        let model = Model {
            backbone: self.spec.model.pretrained()?.backbone(&self.spec.machine.device)?,
            head: prepared.task.finish(head),
        };
        let found = match (&prepared.features, &prepared.maps) {
            (Some(features), _) => self
                .evaluator(prepared)?
                .of_head(&model.head, None, features.valid.rows(), None)?,
            (None, Some(maps)) => {
                let rows = maps.valid.rows();
                self.evaluator(prepared)?
                    .of_head(&model.head, None, rows, Some(&maps.shapes))?
            }
            (None, None) => self.evaluate(cx, prepared, &model, callback)?,
        };
        Ok((model, found))
    }

    /// What a finished `model` makes of the validation images.
    fn evaluate(&self, cx: &Context, prepared: &Prepared, model: &Model, callback: Callback<'_>) -> Result<Evaluated> {
        let datasets = &prepared.datasets;
        let stage = prepared.task.stage(&self.input(datasets)?, Split::Evaluation)?;
        let rows = (&datasets.valid, datasets.image.as_str());
        self.evaluator(prepared)?
            .of_model(cx, (model, None), rows, stage, callback)
    }

    pub(super) fn evaluator<'a>(&'a self, prepared: &'a Prepared) -> Result<Evaluator<'a>> {
        Ok(Evaluator {
            task: &*prepared.task,
            column: &prepared.datasets.label,
            device: &self.spec.machine.device,
            normalisation: self.spec.model.preprocessing()?.normalisation,
        })
    }

    /// Writes what a run leaves beside its model and its report: the history of its training, and to `made` pictures and a page with them.
    fn leave(
        &self,
        cx: &Context,
        prepared: &Prepared,
        (report, history, results): (&Report, &[Epoch], &RowResults),
        made: &Path,
    ) -> Result<()> {
        write_history(self.folder().history(), history)?;
        let datasets = &prepared.datasets;
        let outcome = Outcome {
            cx,
            title: &format!("millstream: {}", prepared.task.name()),
            report,
            settings: Some(&self.spec),
            history,
            results,
            rows: &datasets.valid,
            image: &datasets.image,
            plain: &self.input(datasets)?.plain,
            truth: &|row| datasets.target_in_words(1, row),
        };
        outcome.draw()?.write(made)
    }

    /// Which epoch was chosen, in a sentence; none where none was.
    fn chosen<M>(&self, phase: &str, fitted: &Fitted<M>, prepared: &Prepared) -> Option<String> {
        let best = fitted.best?;
        let epoch = prepared
            .datasets
            .targets
            .len()
            .div_ceil(self.spec.train.batch_size.max(1))
            .max(1);
        let kept = match self.spec.train.keep_best {
            true => "its model was kept",
            false => "the last model was kept",
        };
        let at = best.step.div_ceil(epoch);
        let of = fitted.history.iter().find(|of| of.epoch == at);
        let figure = of.map(|of| with_error(&of.figure, Figure::new(of.value, of.standard_error)));
        let (figure, rows) = (
            figure.unwrap_or_else(|| in_digits(Some(best.score.abs()))),
            prepared
                .datasets
                .selection
                .as_ref()
                .and_then(|rows| rows.len().finite())
                .unwrap_or(0),
        );
        Some(format!(
            "{phase}: {} trained; epoch {at} was the best on the {} ({figure}), and {kept}",
            counted_with(fitted.steps.div_ceil(epoch), "epoch", ["was", "were"]),
            counted(rows, "selection row"),
        ))
    }

    /// `report` with what its reader has to know, which is told as well.
    fn reported(
        &self,
        (report, history): (Report, &[Epoch]),
        prepared: &Prepared,
        choice: Option<&Choice>,
        callback: Callback<'_>,
    ) -> Result<Report> {
        let mut warnings = prepared.warnings.clone();
        warnings.extend(warnings::of_history(history));
        warnings.extend(warnings::of_figures(&report.figures, "validation row"));
        warnings.iter().for_each(|warning| callback(Event::Warning(warning)));
        // Told when the run began.
        warnings.extend(self.spec.balance.warnings(&prepared.datasets)?);
        let mut notes = prepared.datasets.understood();
        let bad_rows = (!self.spec.data.on_bad_row.is_fail()).then(|| warnings::counted(&prepared.bad));
        notes.extend(self.preprocessing_notes(&*prepared.task)?);
        let computed = prepared.features.is_some() || prepared.maps.is_some();
        let strategy = std::slice::from_ref(&self.spec.balance);
        notes.extend(self.unused_views(&prepared.datasets, strategy).filter(|_| computed));
        notes.extend(self.unused_operations());
        notes.extend(prepared.datasets.made_beside(strategy));
        notes.extend(choice.map(Choice::in_words));
        Ok(Report {
            notes,
            warnings,
            bad_rows,
            auto_balance: choice.map(Choice::to_json).transpose()?,
            ..report
        })
    }

    /// What is saved beside the weights.
    fn config(&self, prepared: &Prepared) -> Result<ModelConfig> {
        let done = self.spec.model.preprocessing()?;
        Ok(ModelConfig {
            backbone: self.spec.model.pretrained()?.architecture,
            task: NamedTask::new(Arc::clone(&prepared.task)),
            image_size: done.size,
            image_height: self.spec.model.height.map(|height| height as usize),
            normalisation: done.normalisation,
            interpolation: inputs::antialiased(done.interpolation).unwrap_or_default(),
            resize_size: done
                .resize_size()
                .filter(|_| self.spec.model.height.is_none_or(|height| height as usize == done.size))
                .map(|size| size as u32),
            reading: self.spec.data.reading,
        })
    }
}

/// What was emitted of each cell, in a sentence; none where there are none.
fn in_words(cells: &Named<CellCounts>) -> Option<String> {
    let of = |(name, counts): (&str, &CellCounts)| format!("{name} {} (of {} stored)", counts.emitted, counts.before);
    let all: Vec<String> = cells.iter().filter(|(_, counts)| counts.before > 0).map(of).collect();
    let empty = cells.iter().filter(|(_, counts)| counts.before == 0).count();
    let empty = match empty {
        0 => String::new(),
        many => format!("; {} no rows", counted_with(many, "cell", ["has", "have"])),
    };
    (!all.is_empty()).then(|| format!("rows by cell over the run: {}{empty}", shown(&all.join(", "), 1000)))
}
