//! The training of the two networks for tables against each other, and what the generator makes.

use super::encoding::{Part, TableEncoding};
use super::outputs;
use super::spec::CtganSpec;
use super::table_gan::{TableDiscriminator, TableGenerator};
use super::table_vae::encoded;
use crate::error::Result;
use crate::generative::adversaries::{Adversaries, Rules};
use crate::generative::noise::{normal, one_hot};
use crate::generative::parts;
use crate::generative::steps::{At, Networks, State};
use crate::loader::Batch;
use crate::rng::Rng;
use crate::synthetic::learned::{About, BLOCK, Learned, Parts, Training};
use crate::train::checkpoint::Checkpoint;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Decay rates of Adam, as CTGAN has them.
const DECAY: [f32; 2] = [0.5, 0.9];

/// The share of the mean generator that stays at each step.
const KEPT: f64 = 0.995;

/// The networks while they train.
pub(super) struct CtganTraining<'a> {
    spec: &'a CtganSpec,
    table: &'a TableEncoding,
    parts: Vec<Part>,
    classes: usize,
    device: Device,
    networks: Adversaries<TableGenerator, TableDiscriminator>,
}

impl<'a> CtganTraining<'a> {
    pub(super) fn new(spec: &'a CtganSpec, table: &'a TableEncoding, training: &Training) -> Self {
        let (device, classes, parts) = (Device::flex().autodiff(), training.labels.names().len(), table.parts());
        let seed = training.cx.seed();
        let generator = TableGenerator::new(spec, &parts, classes, seed, &device);
        let discriminator = TableDiscriminator::new(spec, &parts, classes, seed, &device);
        Self {
            networks: Adversaries::new(
                generator,
                discriminator,
                Rules {
                    decay: DECAY,
                    kept: KEPT,
                    rates: [spec.learning_rate, spec.discriminator_rate],
                },
            ),
            spec,
            table,
            parts,
            classes,
            device,
        }
    }

    /// The mean generator, without gradients.
    pub(super) fn into_generator(self) -> TableGenerator {
        self.networks.average.valid()
    }
}

impl Networks for CtganTraining<'_> {
    fn step(&mut self, at: At, batch: &Batch, mut rng: Rng) -> Result<Vec<(&'static str, f32)>> {
        let (real, classes) = encoded(self.table, batch.rows(), self.classes, &mut rng, &self.device)?;
        let n = real.dims()[0];
        let noise = normal(&mut rng, n, self.spec.latent as usize, &self.device);
        let made = self.networks.generator.network.forward(noise, classes.clone());
        let made = outputs::drawn(&self.parts, &made, &mut rng, &self.device);
        Ok(self.networks.step(at, [real, made], classes, |rows: Tensor<2>| rows))
    }

    fn records(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        self.networks.records()
    }

    fn unsound(&self) -> Option<f32> {
        self.networks.unsound()
    }

    fn restore(&mut self, saved: &Checkpoint<State>) -> Result<()> {
        self.networks.restore(saved)
    }
}

/// The generator once it is trained.
#[derive(Debug)]
pub(super) struct FittedCtgan {
    generator: TableGenerator,
    latent: usize,
    table: TableEncoding,
    classes: usize,
    schema: SchemaRef,
}

impl FittedCtgan {
    pub(super) fn new(
        spec: &CtganSpec,
        generator: TableGenerator,
        table: TableEncoding,
        classes: &[String],
    ) -> Result<Self> {
        Ok(Self {
            generator,
            latent: spec.latent as usize,
            schema: table.schema(classes)?,
            classes: classes.len(),
            table,
        })
    }

    pub(super) fn load(spec: &CtganSpec, about: &About, saved: &Parts) -> Result<Self> {
        let table: TableEncoding = parts::found(saved)?;
        let generator = TableGenerator::new(spec, &table.parts(), about.classes.len(), about.seed, &Device::flex());
        Self::new(spec, parts::network(generator, about, saved)?, table, &about.classes)
    }
}

impl Learned for FittedCtgan {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn block(&self, class: u32, mut rng: Rng) -> Result<RecordBatch> {
        let device = Device::flex();
        let noise = normal(&mut rng, BLOCK as usize, self.latent, &device);
        let made = self
            .generator
            .forward(noise, one_hot(&[class; BLOCK as usize], self.classes, &device));
        let made: Vec<f32> = outputs::shares(&self.table.parts(), &made)
            .into_data()
            .iter::<f32>()
            .collect();
        self.table.decode(&self.schema, &made, class, &mut rng)
    }

    fn parts(&self) -> Result<Parts> {
        parts::parts(&self.generator, &self.table)
    }
}
