//! A conditional variational autoencoder for pictures.

mod fitted;
mod network;
mod spec;

pub use spec::VaeSpec;

use self::fitted::{FittedVae, VaeTraining};
use super::parts;
use super::pictures::Pictures;
use super::steps::{Length, QUICK_EPOCHS, train};
use crate::error::Result;
use crate::spec::Spec;
use crate::synthetic::learned::{About, FitRun, Learned, LearnedSpec, Parts, Training};

impl LearnedSpec for VaeSpec {
    fn fit(&self, training: &Training, run: &mut FitRun<'_>) -> Result<Box<dyn Learned>> {
        let pictures = Pictures::find(training, self.column.as_deref(), self.size, self.channels)?;
        let length = Length::of(self.steps, self.epochs, self.batch_size.into(), training.labels.len());
        let loader = pictures.loader(training, self.balance.clone())?;
        let mut networks = VaeTraining::new(self, &pictures, training);
        train(Self::NAME, loader, length, &mut networks, run)?;
        let network = networks.into_network(training)?;
        Ok(Box::new(FittedVae::new(
            self,
            network,
            pictures,
            training.labels.names(),
        )))
    }

    fn load(&self, about: &About, parts: &Parts) -> Result<Box<dyn Learned>> {
        Ok(Box::new(FittedVae::load(self, about, parts)?))
    }

    fn makes_pictures(&self) -> bool {
        true
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
