//! A conditional generative adversarial network for pictures.

mod augment;
mod discriminator;
mod fitted;
mod generator;
mod spec;

pub use spec::GanSpec;

use self::fitted::{FittedGan, GanTraining};
use super::parts;
use super::pictures::Pictures;
use super::steps::{Length, QUICK_EPOCHS, train};
use crate::error::Result;
use crate::spec::Spec;
use crate::synthetic::learned::{About, FitRun, Learned, LearnedSpec, Parts, Training};

impl LearnedSpec for GanSpec {
    fn fit(&self, training: &Training, run: &mut FitRun<'_>) -> Result<Box<dyn Learned>> {
        let pictures = Pictures::find(training, self.column.as_deref(), self.size, self.channels)?;
        let length = Length::of(self.steps, self.epochs, self.batch_size.into(), training.labels.len());
        let loader = pictures.loader(training, self.balance.clone())?;
        let mut networks = GanTraining::new(self, &pictures, training);
        train(Self::NAME, loader, length, &mut networks, run)?;
        let generator = networks.into_generator(training);
        Ok(Box::new(FittedGan::new(
            self,
            generator,
            pictures,
            training.labels.names(),
        )))
    }

    fn load(&self, about: &About, parts: &Parts) -> Result<Box<dyn Learned>> {
        Ok(Box::new(FittedGan::load(self, about, parts)?))
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
