//! Networks that make rows of tables.

mod adversarial;
mod encoding;
mod mixture;
mod outputs;
mod spec;
mod table_gan;
mod table_vae;

pub use spec::{CtganSpec, TvaeSpec};

use self::adversarial::{CtganTraining, FittedCtgan};
use self::encoding::TableEncoding;
use self::table_vae::{FittedTvae, TvaeTraining};
use super::parts;
use super::steps::{Length, QUICK_EPOCHS, train};
use crate::dataset::Stable;
use crate::error::Result;
use crate::ext::DatasetExt;
use crate::loader::LoaderBuilder;
use crate::mix::Target;
use crate::rows::ClassEncoded;
use crate::spec::Spec;
use crate::synthetic::learned::{About, FitRun, Learned, LearnedSpec, Parts, Training};
use std::sync::Arc;

/// Batches of rows, the classes in the shares of `target`.
fn loader(training: &Training, target: Target) -> Result<LoaderBuilder> {
    let Training { cx, rows, labels } = training;
    let rows: Arc<dyn Stable> = Arc::new(ClassEncoded::new(Arc::clone(rows), labels.into())?);
    Ok(cx.block_on(rows.balance(cx, labels.column(), target))?.loader(cx))
}

impl LearnedSpec for TvaeSpec {
    fn fit(&self, training: &Training, run: &mut FitRun<'_>) -> Result<Box<dyn Learned>> {
        let table = TableEncoding::fit(training, self.modes as usize)?;
        let length = Length::of(self.steps, self.epochs, self.batch_size.into(), training.labels.len());
        let loader = loader(training, self.balance.clone())?;
        let mut networks = TvaeTraining::new(self, &table, training);
        train(Self::NAME, loader, length, &mut networks, run)?;
        let network = networks.into_network(training)?;
        Ok(Box::new(FittedTvae::new(
            self,
            network,
            table,
            training.labels.names(),
        )?))
    }

    fn load(&self, about: &About, parts: &Parts) -> Result<Box<dyn Learned>> {
        Ok(Box::new(FittedTvae::load(self, about, parts)?))
    }

    fn part_names(&self) -> &'static [&'static str] {
        parts::NAMES
    }

    fn quick(&self) -> Box<dyn LearnedSpec> {
        Box::new(Self {
            steps: self.steps.min(600),
            epochs: self.epochs.map(|epochs| epochs.min(QUICK_EPOCHS)),
            ..self.clone()
        })
    }
}

impl LearnedSpec for CtganSpec {
    fn fit(&self, training: &Training, run: &mut FitRun<'_>) -> Result<Box<dyn Learned>> {
        let table = TableEncoding::fit(training, self.modes as usize)?;
        let length = Length::of(self.steps, self.epochs, self.batch_size.into(), training.labels.len());
        let loader = loader(training, self.balance.clone())?;
        let mut networks = CtganTraining::new(self, &table, training);
        train(Self::NAME, loader, length, &mut networks, run)?;
        let generator = networks.into_generator();
        Ok(Box::new(FittedCtgan::new(
            self,
            generator,
            table,
            training.labels.names(),
        )?))
    }

    fn load(&self, about: &About, parts: &Parts) -> Result<Box<dyn Learned>> {
        Ok(Box::new(FittedCtgan::load(self, about, parts)?))
    }

    fn part_names(&self) -> &'static [&'static str] {
        parts::NAMES
    }

    fn quick(&self) -> Box<dyn LearnedSpec> {
        Box::new(Self {
            steps: self.steps.min(800),
            epochs: self.epochs.map(|epochs| epochs.min(QUICK_EPOCHS)),
            ..self.clone()
        })
    }
}
