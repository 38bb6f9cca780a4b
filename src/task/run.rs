//! Fine-tuning from end to end: first the head on frozen features, then, if asked for, deeper.

use super::datasets::Datasets;
use super::evaluation;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::prepare::Prepared;
use super::saved_model::ClassifierConfig;
use super::strategy::Strategy;
use super::warnings;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::model::{Classifier, Normalisation};
use crate::report::{Named, Report};
use burn::nn::Linear;
use burn::tensor::Device;
use std::time::Instant;

impl Finetune {
    /// Fine-tunes with one strategy and writes the model and `report.json` to [`out`](Self::out).
    ///
    /// Everything is checked before anything is written: the data is opened, columns are found, labels are scanned, weights are
    /// loaded. `out` is locked as long as the run lasts.
    ///
    /// # Errors
    ///
    /// Whatever reading, training and writing give; as [`existing`](Self::existing) says, `Exists` where `out` holds a run, and
    /// `Resume` where it holds one with other settings or on other data, with what differs; `Config` where `out` has files of
    /// a run's names that no run wrote; `Busy` where another process works in it.
    pub fn run(&self, cx: &Context, strategy: &Strategy, callback: Callback<'_>) -> Result<Report> {
        let started = Instant::now();
        let (inputs, manifest, started_run) = self.begin(cx, std::slice::from_ref(strategy), callback)?;
        if let Some(report) = started_run.report {
            Classifier::load(&self.out, &Device::flex()).map_err(|error| {
                let message = format!("the run has ended, but its model cannot be read: {error}");
                Error::new(ErrorKind::Exists, message)
            })?;
            return Ok(report);
        }
        let cx = &self.context(cx, true);
        let prepared = self.extract(cx, inputs, started, callback)?;
        self.folder().write_errors(self.on_bad_row, &prepared.bad)?;
        let probe = self.probe(cx, &prepared, strategy, callback)?;
        let (model, emitted, confusion) = match self.unfreeze {
            0 => {
                let confusion = evaluation::of_head(&probe.model, &prepared)?;
                (self.assemble(probe.model)?, probe.emitted, confusion)
            }
            _ => {
                let deep = self.fine_tune(cx, &prepared, strategy, &probe.model, callback)?;
                let confusion = evaluation::of_model(cx, &prepared.datasets, &deep.model, self.plain(), callback)?;
                (deep.model, deep.emitted, confusion)
            }
        };
        let figures = evaluation::figures(&prepared.datasets, &emitted, confusion, started.elapsed().as_secs_f64())?;
        model.save(&self.out, &self.config(&prepared.datasets)?)?;
        let report = self.reported(Report::new(figures), &prepared, callback);
        self.folder().end_with(&manifest, &report)?;
        Ok(report)
    }

    /// Trains the same head with several strategies on the same features, split and seed, with the same number of rows and
    /// steps; writes the model of the last strategy and a report of all of them.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn compare(&self, cx: &Context, strategies: &[Strategy], callback: Callback<'_>) -> Result<(Report, Prepared)> {
        let started = Instant::now();
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
        self.folder().write_errors(self.on_bad_row, &prepared.bad)?;
        let mut found = Named::default();
        for strategy in strategies {
            let started = Instant::now();
            let probe = self.probe(cx, &prepared, strategy, callback)?;
            let confusion = evaluation::of_head(&probe.model, &prepared)?;
            let seconds = started.elapsed().as_secs_f64();
            found.insert(
                strategy.name.clone(),
                evaluation::figures(&prepared.datasets, &probe.emitted, confusion, seconds)?,
            );
            self.assemble(probe.model)?
                .save(&self.out, &self.config(&prepared.datasets)?)?;
        }
        let report = self.reported(Report::compare(found, &last.name)?, &prepared, callback);
        self.folder().end_with(&manifest, &report)?;
        Ok((report, prepared))
    }

    /// `report` with what its reader has to know, which is told as well.
    fn reported(&self, report: Report, prepared: &Prepared, callback: Callback<'_>) -> Report {
        let mut warnings = prepared.warnings.clone();
        warnings.extend(warnings::of_figures(&report.figures));
        warnings.iter().for_each(|warning| callback(Event::Warning(warning)));
        let bad_rows = (!self.on_bad_row.is_fail()).then(|| warnings::counted(&prepared.bad));
        Report {
            notes: prepared.datasets.understood(),
            warnings,
            bad_rows,
            ..report
        }
    }

    /// The pretrained backbone under `head`.
    fn assemble(&self, head: Linear) -> Result<Classifier> {
        Ok(Classifier {
            backbone: self.pretrained()?.backbone(&Device::flex())?,
            head,
        })
    }

    /// What is saved beside the weights.
    fn config(&self, datasets: &Datasets) -> Result<ClassifierConfig> {
        Ok(ClassifierConfig {
            backbone: self.pretrained()?.architecture,
            classes: datasets.labels.names().to_vec(),
            image_size: self.size as usize,
            normalisation: Normalisation::IMAGENET,
            reading: self.reading,
        })
    }
}
