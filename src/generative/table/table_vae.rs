//! A variational autoencoder for encoded rows: its networks, their training, and what they make.

use super::encoding::{Part, TableEncoding};
use super::outputs;
use super::spec::TvaeSpec;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::generative::class_codes::ClassCodes;
use crate::generative::code_distribution::CodeDistribution;
use crate::generative::diverged::unsound;
use crate::generative::initial::Initial;
use crate::generative::noise::{normal, one_hot};
use crate::generative::parts;
use crate::generative::pictures::classes_of;
use crate::generative::steps::{At, Networks, State};
use crate::generative::trained::{Trained, number};
use crate::loader::Batch;
use crate::rng::Rng;
use crate::rows::ClassEncoded;
use crate::synthetic::learned::{About, BLOCK, Learned, Parts, Training};
use crate::train::checkpoint::{Checkpoint, MODEL, OPTIMIZER};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation};
use std::sync::Arc;

/// Encoder and decoder of two hidden layers each; the class is given to both.
#[derive(Module, Debug)]
pub(super) struct TvaeNetwork {
    encoder: Vec<Linear>,
    decoder: Vec<Linear>,
    /// `[1, numbers]`.
    log_deviations: Param<Tensor<2>>,
    codes: ClassCodes,
}

impl TvaeNetwork {
    fn new(spec: &TvaeSpec, parts: &[Part], classes: usize, seed: u64, device: &Device) -> Self {
        let (latent, hidden) = (spec.latent as usize, spec.width as usize);
        let width: usize = parts.iter().map(|part| part.width()).sum();
        let mut initial = Initial::new(seed, "tvae network", device);
        Self {
            encoder: vec![
                initial.linear(width + classes, hidden),
                initial.linear(hidden, hidden),
                initial.linear(hidden, 2 * latent),
            ],
            decoder: vec![
                initial.linear(latent + classes, hidden),
                initial.linear(hidden, hidden),
                initial.linear(hidden, width),
            ],
            log_deviations: Param::from_tensor(Tensor::full([1, outputs::numbers(parts).max(1)], -1.0, device)),
            codes: ClassCodes::new(classes, latent, device),
        }
    }

    /// Means and logarithms of variances `[n, latent]` of encoded rows `[n, width]` and classes `[n, classes]`.
    fn encode(&self, rows: Tensor<2>, classes: Tensor<2>) -> [Tensor<2>; 2] {
        let both = forward(&self.encoder, Tensor::cat(vec![rows, classes], 1));
        let latent = both.dims()[1] / 2;
        [
            both.clone().narrow(1, 0, latent),
            both.narrow(1, latent, latent).clamp(-12.0, 8.0),
        ]
    }

    fn decode(&self, codes: Tensor<2>, classes: Tensor<2>) -> Tensor<2> {
        forward(&self.decoder, Tensor::cat(vec![codes, classes], 1))
    }

    /// The loss, and its two parts. The likelihood counts twice, as in TVAE.
    fn loss(&self, parts: &[Part], rows: &Tensor<2>, classes: Tensor<2>, noise: Tensor<2>) -> [Tensor<1>; 3] {
        let n = rows.dims()[0];
        let [mean, log_variance] = self.encode(rows.clone(), classes.clone());
        let codes = mean.clone() + noise * log_variance.clone().mul_scalar(0.5).exp();
        // A deviation of .01 is as narrow as is of use: a hundredth of half of a mode.
        let deviations = self.log_deviations.val().clamp(-4.6, 0.0);
        let reconstruction = outputs::loss(parts, &self.decode(codes, classes), rows, &deviations).mul_scalar(2.0);
        let distance = mean.square() + log_variance.clone().exp() - log_variance - 1.0;
        let divergence = distance.sum().mul_scalar(0.5 / n as f64);
        [reconstruction.clone() + divergence.clone(), reconstruction, divergence]
    }
}

/// Layers with a rectifier between them.
fn forward(layers: &[Linear], x: Tensor<2>) -> Tensor<2> {
    let last = layers.len() - 1;
    layers.iter().enumerate().fold(x, |x, (at, layer)| match at == last {
        true => layer.forward(x),
        false => activation::relu(layer.forward(x)),
    })
}

/// Rows that are encoded at a time once the networks are trained.
const ROWS: u64 = 1024;

/// The networks while they train.
pub(super) struct TvaeTraining<'a> {
    spec: &'a TvaeSpec,
    table: &'a TableEncoding,
    parts: Vec<Part>,
    classes: usize,
    device: Device,
    trained: Trained<TvaeNetwork>,
}

impl<'a> TvaeTraining<'a> {
    pub(super) fn new(spec: &'a TvaeSpec, table: &'a TableEncoding, training: &Training) -> Self {
        let (device, classes, parts) = (Device::flex().autodiff(), training.labels.names().len(), table.parts());
        let network = TvaeNetwork::new(spec, &parts, classes, training.cx.seed(), &device);
        Self {
            trained: Trained::new(network, [0.9, 0.999]),
            spec,
            table,
            parts,
            classes,
            device,
        }
    }

    /// The trained networks, without gradients, with the codes of `training`.
    pub(super) fn into_network(self, training: &Training) -> Result<TvaeNetwork> {
        let (network, latent, device) = (self.trained.network.valid(), self.spec.latent as usize, Device::flex());
        let mut codes = CodeDistribution::new(latent, self.classes);
        let Training { cx, rows, labels } = training;
        let rows = ClassEncoded::new(Arc::clone(rows), labels.into())?;
        for from in (0..labels.len()).step_by(ROWS as usize) {
            let positions: Vec<u64> = (from..labels.len().min(from + ROWS)).collect();
            let taken = cx.block_on(rows.take(cx, &positions))?;
            let mut rng = Rng::new(cx.seed(), "tvae codes", from);
            let (encoded, classes) = encoded(self.table, &taken, self.classes, &mut rng, &device)?;
            let found = network.encode(encoded, classes);
            let [means, variances] = found.map(|tensor| tensor.into_data().iter::<f32>().collect::<Vec<f32>>());
            let each = means.chunks_exact(latent).zip(variances.chunks_exact(latent));
            for (class, (mean, log_variance)) in classes_of(&taken, &self.table.label)?.into_iter().zip(each) {
                codes.add(class, mean, log_variance);
            }
        }
        Ok(TvaeNetwork {
            codes: network.codes.clone().fitted(&codes),
            ..network
        })
    }
}

/// Encoded rows `[n, width]`, and their classes `[n, classes]`.
pub(super) fn encoded(
    table: &TableEncoding,
    rows: &RecordBatch,
    classes: usize,
    rng: &mut Rng,
    device: &Device,
) -> Result<(Tensor<2>, Tensor<2>)> {
    let values = TensorData::new(table.encode(rows, rng)?, [rows.num_rows(), table.width()]);
    let classes = one_hot(&classes_of(rows, &table.label)?, classes, device);
    Ok((Tensor::from_data(values, device), classes))
}

impl Networks for TvaeTraining<'_> {
    fn step(&mut self, at: At, batch: &Batch, mut rng: Rng) -> Result<Vec<(&'static str, f32)>> {
        let (rows, classes) = encoded(self.table, batch.rows(), self.classes, &mut rng, &self.device)?;
        let noise = normal(&mut rng, rows.dims()[0], self.spec.latent as usize, &self.device);
        let [loss, reconstruction, divergence] = self.trained.network.loss(&self.parts, &rows, classes, noise);
        let rate = at.along_a_cosine(self.spec.learning_rate);
        let parts = [
            ("reconstruction", number(reconstruction)),
            ("divergence", number(divergence)),
        ];
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

/// The networks once they are trained.
#[derive(Debug)]
pub(super) struct FittedTvae {
    network: TvaeNetwork,
    latent: usize,
    table: TableEncoding,
    classes: usize,
    schema: SchemaRef,
}

impl FittedTvae {
    pub(super) fn new(spec: &TvaeSpec, network: TvaeNetwork, table: TableEncoding, classes: &[String]) -> Result<Self> {
        Ok(Self {
            network,
            latent: spec.latent as usize,
            schema: table.schema(classes)?,
            classes: classes.len(),
            table,
        })
    }

    pub(super) fn load(spec: &TvaeSpec, about: &About, saved: &Parts) -> Result<Self> {
        let table: TableEncoding = parts::found(saved)?;
        let network = TvaeNetwork::new(spec, &table.parts(), about.classes.len(), about.seed, &Device::flex());
        Self::new(spec, parts::network(network, about, saved)?, table, &about.classes)
    }
}

impl Learned for FittedTvae {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn block(&self, class: u32, mut rng: Rng) -> Result<RecordBatch> {
        let device = Device::flex();
        let codes = self
            .network
            .codes
            .draw(class as usize, normal(&mut rng, BLOCK as usize, self.latent, &device));
        let decoded = self
            .network
            .decode(codes, one_hot(&[class; BLOCK as usize], self.classes, &device));
        let made: Vec<f32> = outputs::shares(&self.table.parts(), &decoded)
            .into_data()
            .iter::<f32>()
            .collect();
        self.table.decode(&self.schema, &made, class, &mut rng)
    }

    fn parts(&self) -> Result<Parts> {
        parts::parts(&self.network, &self.table)
    }
}
