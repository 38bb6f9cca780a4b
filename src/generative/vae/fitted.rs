//! The training of the networks, and what they make of codes.

use super::network::VaeNetwork;
use super::spec::VaeSpec;
use crate::error::Result;
use crate::generative::code_distribution::CodeDistribution;
use crate::generative::diverged::unsound;
use crate::generative::noise::{normal, one_hot};
use crate::generative::pictures::Pictures;
use crate::generative::steps::{At, Networks, State};
use crate::generative::trained::{Trained, number};
use crate::generative::{parts, picture_rows};
use crate::loader::Batch;
use crate::rng::Rng;
use crate::synthetic::learned::{About, BLOCK, Learned, Parts, Training};
use crate::train::checkpoint::{Checkpoint, MODEL, OPTIMIZER};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// The networks while they train.
pub(super) struct VaeTraining<'a> {
    spec: &'a VaeSpec,
    pictures: &'a Pictures,
    classes: usize,
    device: Device,
    trained: Trained<VaeNetwork>,
}

impl<'a> VaeTraining<'a> {
    pub(super) fn new(spec: &'a VaeSpec, pictures: &'a Pictures, training: &Training) -> Self {
        let (device, classes) = (Device::flex().autodiff(), training.labels.names().len());
        let network = new_network(spec, pictures, classes, training.cx.seed(), &device);
        Self {
            trained: Trained::new(network, [0.9, 0.999]),
            spec,
            pictures,
            classes,
            device,
        }
    }

    /// The trained networks, without gradients, with the codes of `training`.
    pub(super) fn into_network(self, training: &Training) -> Result<VaeNetwork> {
        let (network, latent) = (self.trained.network.valid(), self.spec.latent as usize);
        let mut codes = CodeDistribution::new(latent, self.classes);
        self.pictures
            .for_all(training, &Device::flex(), &mut |(pictures, one_hot), classes| {
                let found = network.encode(pictures, one_hot);
                let numbers = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<f32>>();
                let (means, variances) = (numbers(found.mean), numbers(found.log_variance));
                let each = means.chunks_exact(latent).zip(variances.chunks_exact(latent));
                for (&class, (mean, log_variance)) in classes.iter().zip(each) {
                    codes.add(class, mean, log_variance);
                }
                Ok(())
            })?;
        Ok(network.with_codes(&codes))
    }
}

impl Networks for VaeTraining<'_> {
    fn step(&mut self, at: At, batch: &Batch, mut rng: Rng) -> Result<Vec<(&'static str, f32)>> {
        let (pictures, classes) = self.pictures.of(batch.rows(), self.classes, &self.device)?;
        let noise = normal(&mut rng, pictures.dims()[0], self.spec.latent as usize, &self.device);
        let [loss, reconstruction, divergence] = self.trained.network.loss(pictures, classes, noise);
        let rate = at.along_a_cosine(self.spec.learning_rate);
        let parts = [("reconstruction", reconstruction), ("divergence", divergence)];
        let parts = parts.map(|(name, loss)| (name, number(loss)));
        let loss = self.trained.step(rate, &loss);
        Ok([("loss", loss)].into_iter().chain(parts).collect())
    }

    fn records(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        self.trained.records(MODEL, OPTIMIZER)
    }

    fn unsound(&self) -> Option<f32> {
        unsound(&self.trained.network)
    }

    fn restore(&mut self, saved: &Checkpoint<State>) -> Result<()> {
        self.trained.restore(saved, MODEL, OPTIMIZER)
    }
}

fn new_network(spec: &VaeSpec, pictures: &Pictures, classes: usize, seed: u64, device: &Device) -> VaeNetwork {
    let shape = [pictures.colours, pictures.side];
    VaeNetwork::new(shape, classes, spec.latent as usize, spec.width as usize, seed, device)
}

/// The networks once they are trained.
#[derive(Debug)]
pub(super) struct FittedVae {
    network: VaeNetwork,
    latent: usize,
    pictures: Pictures,
    classes: usize,
    schema: SchemaRef,
}

impl FittedVae {
    pub(super) fn new(spec: &VaeSpec, network: VaeNetwork, pictures: Pictures, classes: &[String]) -> Self {
        Self {
            network,
            latent: spec.latent as usize,
            schema: picture_rows::schema(&pictures, classes),
            classes: classes.len(),
            pictures,
        }
    }

    pub(super) fn load(spec: &VaeSpec, about: &About, saved: &Parts) -> Result<Self> {
        let pictures: Pictures = parts::found(saved)?;
        pictures.check()?;
        let network = new_network(spec, &pictures, about.classes.len(), about.seed, &Device::flex());
        let network = parts::network(network, about, saved)?;
        Ok(Self::new(spec, network, pictures, &about.classes))
    }
}

impl Learned for FittedVae {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn block(&self, class: u32, mut rng: Rng) -> Result<RecordBatch> {
        let (device, rows) = (Device::flex(), BLOCK as usize);
        let codes = self
            .network
            .codes
            .draw(class as usize, normal(&mut rng, rows, self.latent, &device));
        let classes = one_hot(&[class; BLOCK as usize], self.classes, &device);
        picture_rows::rows(&self.schema, self.network.decode(codes, classes), class)
    }

    fn parts(&self) -> Result<Parts> {
        parts::parts(&self.network, &self.pictures)
    }
}
