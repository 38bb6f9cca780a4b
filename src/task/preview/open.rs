//! Which rows of which run are looked at.

use super::phase::TrainingPhase;
use super::rows::PreviewRows;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::model::FrozenBackbone;
use crate::spec::Spec;
use crate::task::event::{Callback, Event};
use crate::task::finetune::Finetune;
use crate::task::strategy::Strategy;
use burn::tensor::Device;

/// Looks at what a fine-tuning run would train on. Nothing is trained, and nothing is written.
///
/// ```no_run
/// use millstream::report::picture::PictureFile;
/// use millstream::task::{Finetune, Preview, Strategy};
/// use millstream::{Context, Result};
///
/// fn main() -> Result<()> {
///     let strategy = Strategy { synthetic: 0.5, ..Strategy::default() };
///     let run = Finetune::default().train(["train.parquet"]).balance(strategy);
///     let rows = Preview::new(run).open(&Context::new()?, &mut |_| ())?;
///     let sheet = rows.sheet(&rows.samples(1, 8)?, 96)?;
///     for group in &sheet.shown {
///         println!("{}: {} stored rows, {} samples", group.name, group.stored, group.samples.len());
///     }
///     PictureFile::new("sheet.png", false).write(&sheet.picture)?;
///     // Every step from the stored picture of row 7 to the one that is trained on.
///     for step in rows.steps(7, 1)?.steps {
///         println!("{}: {}", step.name, step.drawn.unwrap_or_default());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Preview {
    /// The run. Its [`out`](Finetune::out) is not used.
    pub run: Finetune,
    /// The part of the run. Defaults to the last one: the deep one where stages of the backbone
    /// [train](crate::task::TrainOptions::unfreeze), else the head.
    pub phase: Option<TrainingPhase>,
}

impl Preview {
    /// The last part of `run`.
    pub fn new(run: Finetune) -> Self {
        Self { run, phase: None }
    }

    /// Opens the data and works out which rows come where.
    ///
    /// What depends on features makes them first, as the run would, which takes as long: synthetic rows of a head on features (whose
    /// parents are neighbours among features), a strategy that is chosen automatically, and bad rows that are not to end the run.
    ///
    /// # Errors
    ///
    /// As [`Finetune::prepare`]; `Config` for the deep phase of a run in which no stage of the backbone trains.
    pub fn open(&self, cx: &Context, callback: Callback<'_>) -> Result<PreviewRows> {
        let phase = match (self.phase, self.run.spec.train.unfreeze) {
            (Some(TrainingPhase::Deep), 0) => {
                return Err(Error::config(
                    "no stage of the backbone trains in this run, so it has no deep phase: unfreeze is 0",
                ));
            }
            (Some(phase), _) => phase,
            (None, 0) => TrainingPhase::Head,
            (None, _) => TrainingPhase::Deep,
        };
        // A folder that no run has, so that nothing is read from one or kept in it.
        let folder = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let run = Finetune {
            out: folder.path().to_owned(),
            ..self.run.clone()
        };
        let (cx, strategy) = (&run.context(cx, false), &run.spec.balance);
        Strategy::check_all(std::slice::from_ref(strategy))?;
        run.spec.check()?;
        run.augmentation()?;
        let datasets = run.datasets(cx)?;
        strategy.check_for(&datasets, run.spec.train.batch_size)?;
        run.check_mixing(&datasets, strategy)?;
        run.check_fixed_views(&datasets, strategy)?;
        // On the processor, whatever the run trains on: it is only asked what it is.
        run.check_network(&FrozenBackbone::load(&run.spec.model.pretrained()?, &Device::flex())?)?;
        let is_pooled = datasets.task.bind(&datasets.targets)?.head().is_pooled();
        let made = phase == TrainingPhase::Head && is_pooled && strategy.is_synthetic();
        for note in datasets.understood() {
            callback(Event::Note(&note));
        }
        let warnings = strategy.warnings(&datasets)?;
        warnings.iter().for_each(|warning| callback(Event::Warning(warning)));
        if !(made || strategy.auto || !run.spec.data.on_bad_row.is_fail()) {
            return PreviewRows::new(cx, &run, datasets, strategy, phase, None, callback);
        }
        let prepared = run.prepare(cx, callback)?;
        let (strategies, _) = run.with_choice(cx, &prepared, std::slice::from_ref(strategy), callback)?;
        let strategy = strategies.first().unwrap_or(strategy);
        let datasets = prepared.datasets.clone();
        PreviewRows::new(cx, &run, datasets, strategy, phase, Some(&prepared), callback)
    }
}
