//! The training of the two networks against each other, and what the generator makes.

use super::augment::Augment;
use super::discriminator::Discriminator;
use super::generator::{Generator, Statistics};
use super::spec::GanSpec;
use crate::error::Result;
use crate::generative::adversaries::{Adversaries, Rules};
use crate::generative::noise::{normal, one_hot};
use crate::generative::pictures::Pictures;
use crate::generative::steps::{At, Networks, State};
use crate::generative::{parts, picture_rows};
use crate::loader::Batch;
use crate::rng::Rng;
use crate::synthetic::learned::{About, BLOCK, Learned, Parts, Training};
use crate::train::checkpoint::Checkpoint;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Decay rates of Adam: with little momentum, since the two networks change what the other one has to learn.
const DECAY: [f32; 2] = [0.5, 0.99];

/// The share of the mean generator that stays at each step.
const KEPT: f64 = 0.998;

/// Made pictures over which the statistics of the mean generator are taken.
const STATISTICS: usize = 1024;

/// The networks while they train.
pub(super) struct GanTraining<'a> {
    spec: &'a GanSpec,
    pictures: &'a Pictures,
    classes: usize,
    device: Device,
    networks: Adversaries<Generator, Discriminator>,
}

impl<'a> GanTraining<'a> {
    pub(super) fn new(spec: &'a GanSpec, pictures: &'a Pictures, training: &Training) -> Self {
        let (device, classes, seed) = (
            Device::flex().autodiff(),
            training.labels.names().len(),
            training.cx.seed(),
        );
        let generator = new_generator(spec, pictures, classes, seed, &device);
        let shape = [pictures.colours, pictures.side];
        let discriminator = Discriminator::new(shape, classes, spec.width as usize, seed, &device);
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
            pictures,
            classes,
            device,
        }
    }

    /// The mean generator, without gradients, with statistics over classes that can be made.
    pub(super) fn into_generator(self, training: &Training) -> Generator {
        let counts = training.labels.counts();
        let classes: Vec<u32> = (0..)
            .zip(&counts)
            .filter(|(_, rows)| **rows > 0)
            .map(|(class, _)| class)
            .collect();
        let of: Vec<u32> = classes.iter().copied().cycle().take(STATISTICS).collect();
        let (device, generator) = (Device::flex(), self.networks.average.valid());
        let mut rng = Rng::new(training.cx.seed(), "gan statistics", 0);
        let noise = normal(&mut rng, STATISTICS, self.spec.latent as usize, &device);
        let mut seen = Vec::new();
        let one_hot = one_hot(&of, self.classes, &device);
        generator.forward(noise, &one_hot, Statistics::Batch, &mut seen);
        generator.with_statistics(seen)
    }
}

impl Networks for GanTraining<'_> {
    fn step(&mut self, at: At, batch: &Batch, rng: Rng) -> Result<Vec<(&'static str, f32)>> {
        self.step_on(at, batch.rows(), rng)
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

impl GanTraining<'_> {
    fn step_on(&mut self, at: At, rows: &RecordBatch, mut rng: Rng) -> Result<Vec<(&'static str, f32)>> {
        let (real, classes) = self.pictures.of(rows, self.classes, &self.device)?;
        let (real, n) = (real.mul_scalar(2.0).sub_scalar(1.0), classes.dims()[0]);
        let noise = normal(&mut rng, n, self.spec.latent as usize, &self.device);
        let generator = &self.networks.generator.network;
        let made = generator.forward(noise, &classes, Statistics::Batch, &mut Vec::new());
        let changed = |pictures: Tensor<4>| match self.spec.augment {
            true => Augment::draw(&mut rng, pictures.dims()[0], self.pictures.side, &self.device).apply(pictures),
            false => pictures,
        };
        Ok(self.networks.step(at, [real, made], classes, changed))
    }
}

fn new_generator(spec: &GanSpec, pictures: &Pictures, classes: usize, seed: u64, device: &Device) -> Generator {
    let shape = [pictures.colours, pictures.side];
    Generator::new(shape, classes, spec.latent as usize, spec.width as usize, seed, device)
}

/// The generator once it is trained.
#[derive(Debug)]
pub(super) struct FittedGan {
    generator: Generator,
    latent: usize,
    pictures: Pictures,
    classes: usize,
    schema: SchemaRef,
}

impl FittedGan {
    pub(super) fn new(spec: &GanSpec, generator: Generator, pictures: Pictures, classes: &[String]) -> Self {
        Self {
            generator,
            latent: spec.latent as usize,
            schema: picture_rows::schema(&pictures, classes),
            classes: classes.len(),
            pictures,
        }
    }

    pub(super) fn load(spec: &GanSpec, about: &About, saved: &Parts) -> Result<Self> {
        let pictures: Pictures = parts::found(saved)?;
        pictures.check()?;
        let generator = new_generator(spec, &pictures, about.classes.len(), about.seed, &Device::flex());
        let generator = parts::network(generator, about, saved)?;
        Ok(Self::new(spec, generator, pictures, &about.classes))
    }
}

impl Learned for FittedGan {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn block(&self, class: u32, mut rng: Rng) -> Result<RecordBatch> {
        let (device, rows) = (Device::flex(), BLOCK as usize);
        let noise = normal(&mut rng, rows, self.latent, &device);
        let classes = one_hot(&[class; BLOCK as usize], self.classes, &device);
        let made = self
            .generator
            .forward(noise, &classes, Statistics::Kept, &mut Vec::new());
        picture_rows::rows(&self.schema, made.add_scalar(1.0).mul_scalar(0.5), class)
    }

    fn parts(&self) -> Result<Parts> {
        parts::parts(&self.generator, &self.pictures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{into_list, tensor_field};
    use crate::dataset::Stable;
    use crate::exec::Context;
    use crate::image::Pixels;
    use crate::rows::Labels;
    use crate::source::Memory;
    use arrow::array::{ArrayRef, BinaryArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    const SIDE: u32 = 16;
    const ROWS: u64 = 8;

    /// Noisy pictures of two classes.
    fn training() -> Training {
        let picture = |row: u64| {
            let mut pixels = Pixels::<u8>::with_channels(SIDE, SIDE, 1);
            Rng::new(row, "picture", 0).fill(&mut pixels.levels);
            pixels.to_png().unwrap()
        };
        let files: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..ROWS).map(picture)));
        let kinds: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 2)));
        let rows = RecordBatch::try_from_iter([("picture", files), ("kind", kinds)]).unwrap();
        let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![rows]).unwrap());
        let cx = Context::with(2, 1 << 28).unwrap().with_seed(1);
        let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "kind")).unwrap());
        Training { cx, rows, labels }
    }

    /// Rows as a loader makes them of such pictures.
    fn batch() -> RecordBatch {
        let side = SIDE as usize;
        let field = tensor_field("picture", &DataType::Float32, &[1, side, side]).unwrap();
        let mut rng = Rng::new(3, "levels", 0);
        let levels: Vec<f32> = (0..ROWS as usize * side * side).map(|_| rng.unit()).collect();
        let kind = Field::new("kind", DataType::Int64, false);
        let kinds: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 2)));
        let columns = vec![into_list(&field, levels).unwrap(), kinds];
        RecordBatch::try_new(Arc::new(Schema::new(vec![field, kind])), columns).unwrap()
    }

    /// The losses of a first step in which the discriminator stays as it is, and what the generator makes after it.
    fn stepped(training: &Training, augment: bool) -> (Vec<(&'static str, f32)>, Vec<f32>) {
        let spec = GanSpec {
            latent: 4,
            width: 4,
            discriminator_rate: 0.0,
            augment,
            ..GanSpec::default()
        };
        let pictures = Pictures::find(training, None, None, None).unwrap();
        let mut gan = GanTraining::new(&spec, &pictures, training);
        let losses = gan
            .step_on(At { step: 0, steps: 10 }, &batch(), Rng::new(1, "step", 0))
            .unwrap();
        let noise = normal(&mut Rng::new(2, "noise", 0), 4, 4, &gan.device);
        let classes = one_hot(&[0, 1, 0, 1], 2, &gan.device);
        let generator = &gan.networks.generator.network;
        let made = generator.forward(noise, &classes, Statistics::Batch, &mut Vec::new());
        (losses, made.into_data().iter::<f32>().collect())
    }

    /// The discriminator is the same in both steps, so a loss is another one only where its own pictures are changed.
    #[test]
    fn both_networks_learn_from_augmented_pictures() {
        let training = training();
        let [augmented, plain] = [true, false].map(|augment| stepped(&training, augment));
        assert_eq!(augmented, stepped(&training, true));
        for ((name, loss), (_, other)) in augmented.0.iter().zip(&plain.0) {
            assert!(
                (loss - other).abs() > 1e-6,
                "{name}: {loss} with and without augmentation"
            );
        }
        assert_eq!(
            augmented.0.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["discriminator", "generator"]
        );
        assert_ne!(
            augmented.1, plain.1,
            "the generator learnt the same without augmentation"
        );
    }
}
