//! One cell of the table: a way, a seed, a network that is trained, and what it makes of the test rows.

use super::arms::{SyntheticShare, Way};
use super::encoded::EncodedRows;
use super::fitted::{FittedGenerators, Key};
use super::forest;
use super::generators::{Made, Served, Space, Synthetic, generator};
use super::in_turn::InTurn;
use super::network::NetworkConfig;
use super::rows::{Reading, Rows, Stored};
use super::rules;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::{Batch, ClassPrior, LoaderBuilder};
use crate::report::Confusion;
use crate::sink::tensor;
use crate::synthetic::{Gate, GateSpec, Gated, Generator, GeneratorSpec};
use crate::train::Fit;
use crate::train::auto_balance::AutoBalance;
use crate::train::loss::Targets;
use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, SgdConfig};
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

impl Rows {
    /// Trains on the training rows in this way under `seed`, and says what the network makes of the test rows.
    pub(super) fn trained(
        &self,
        cx: &Context,
        way: &Way,
        generators: &FittedGenerators,
        seed: u64,
        device: &Device,
    ) -> Result<Confusion> {
        let cx = &cx.with_seed(seed);
        let (loader, reading) = (self.loader(cx, way, generators)?, Reading::Tensor(self.column.clone()));
        if let NetworkConfig::Forest(width) = self.network {
            return self.planted(loader, &reading, (width, seed), device);
        }
        let (emitted, stored) = (loader.class_prior(0)?, ClassPrior::from(&*self.labels));
        let loss = way.loss.init(&emitted, &stored)?;
        let fit = Fit {
            loader,
            steps: self.options.steps,
            learning_rate: self.options.learning_rate,
            checkpoints: None,
        };
        let autodiff = device.clone().autodiff();
        let decay = self.options.weight_decay;
        let optimizer = match self.network {
            NetworkConfig::Linear(_) | NetworkConfig::Forest(_) => SgdConfig::new()
                .with_momentum(Some(MomentumConfig::new().with_momentum(0.9)))
                .with_weight_decay(Some(WeightDecayConfig::new(decay)))
                .init(),
            NetworkConfig::Convolutions(_) => AdamWConfig::new().with_weight_decay(decay).init(),
        };
        let classes = self.classes().len();
        let network = self.network.init(classes, seed, &autodiff);
        let fitted = fit.run(
            network,
            optimizer,
            |network, batch: &Batch| {
                let inputs = reading.inputs(batch.rows(), &autodiff)?;
                let targets = Targets::of(batch.rows(), &self.label, &autodiff)?;
                loss.forward(network.forward(inputs), &targets)
            },
            &mut |_, _| (),
        )?;
        self.confusion(&fitted.model.valid().predict(&self.test.inputs, classes)?)
    }

    /// Whether the rows that are made in this way under each of `seeds` all pass their gate. A way whose folds did may have a row that does not: it makes more of them.
    pub(super) fn passes(&self, cx: &Context, way: &Way, generators: &FittedGenerators, seeds: &[u64]) -> Result<bool> {
        if !way.is_gated() {
            return Ok(true);
        }
        for &seed in seeds {
            let loader = self.loader(&cx.with_seed(seed), way, generators)?;
            for batch in loader.blocking()?.take(self.options.steps as usize) {
                match batch {
                    Err(error) if error.kind() == ErrorKind::Stage => return Ok(false),
                    batch => batch?,
                };
            }
        }
        Ok(true)
    }

    /// A forest of the rows of as many steps as a network would train.
    fn planted(
        &self,
        loader: LoaderBuilder,
        reading: &Reading,
        (width, seed): (usize, u64),
        device: &Device,
    ) -> Result<Confusion> {
        let numbers = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().iter::<f32>().collect() };
        let (mut rows, mut classes) = (Vec::new(), Vec::new());
        for batch in loader.blocking()?.take(self.options.steps as usize) {
            let batch = batch?;
            rows.extend(numbers(reading.inputs(batch.rows(), device)?));
            let of = tensor::ints(batch.rows(), &self.label, device)?.into_data();
            classes.extend(of.iter::<i64>().map(|class| class as u32));
        }
        let others = numbers(self.test.inputs.clone());
        self.confusion(&forest::predicted((&rows, &classes), &others, width, seed)?)
    }

    /// What was predicted of the test rows beside their classes.
    fn confusion(&self, predicted: &[usize]) -> Result<Confusion> {
        let mut confusion = Confusion::new(self.classes().len());
        for (&truth, &predicted) in self.test.classes.iter().zip(predicted) {
            confusion.record(truth as usize, predicted)?;
        }
        Ok(confusion)
    }

    fn loader(&self, cx: &Context, way: &Way, generators: &FittedGenerators) -> Result<LoaderBuilder> {
        let rows = self.train(way.augmented);
        let balanced = cx.block_on(Arc::clone(rows).balance(cx, &self.label, way.target.clone()))?;
        let lacking = balanced.quotas().into_iter().filter(|class| class.rows > class.stored);
        let largest = lacking.map(|class| class.stored).max();
        let balanced = match way.synthetic.as_ref().zip(largest) {
            Some((synthetic, largest)) => {
                let key = Key {
                    generator: synthetic.generator.clone(),
                    beside: synthetic.beside.clone(),
                    largest,
                    augmented: way.augmented,
                    gate: synthetic.gate,
                };
                let generator = generators.get(&key, || self.generator(cx, rows, &key, generators))?;
                let all = self.options.steps * self.options.batch_size;
                balanced.fill(generator, synthetic.schedule(all))?
            }
            None => balanced,
        };
        Ok(balanced.loader(cx).batch_size(self.options.batch_size))
    }

    /// The generator, or both of them in turn, fitted under a seed of its own.
    fn generator(
        &self,
        cx: &Context,
        rows: &Arc<dyn Stable>,
        key: &Key,
        generators: &FittedGenerators,
    ) -> Result<Arc<dyn Generator>> {
        let cx = &cx.with_seed(0);
        let mut fitted = self.fitted(cx, rows, (&key.generator, key.largest), generators)?;
        if let Some(other) = &key.beside {
            let other = self.fitted(cx, rows, (other, key.largest), generators)?;
            fitted = Arc::new(InTurn([fitted, other]));
        }
        if key.gate {
            let spec = GateSpec::new([&self.column]);
            let gate = cx.block_on(Gate::fit(cx, &self.plain, &self.labels, spec))?;
            fitted = Arc::new(Gated::new(fitted, gate));
        }
        Ok(fitted)
    }

    /// The generator called `name`, of which `largest` is the largest class that is served, fitted under the seed of `cx` to make rows among `rows`.
    fn fitted(
        &self,
        cx: &Context,
        rows: &Arc<dyn Stable>,
        (name, largest): (&str, u64),
        generators: &FittedGenerators,
    ) -> Result<Arc<dyn Generator>> {
        let synthetic = named(name)?;
        let columns = match (synthetic.space, &self.stored) {
            (Space::Columns, Some(Stored::Columns(rows, encoder))) => Some((rows, encoder)),
            (Space::Columns, _) => {
                let message = format!("{name} makes columns, and pictures have none");
                return Err(Error::config(message));
            }
            _ => None,
        };
        // Of columns the stored ones are learnt, and what is made of them is encoded.
        let of = columns.map_or(rows, |(stored, _)| stored);
        let made: Arc<dyn Generator> = match &synthetic.made {
            Made::Fitted(spec) => {
                let counts = self.labels.counts();
                let with_rows = counts.iter().filter(|&&rows| rows > 0).count().max(1) as u64;
                let spec = spec(&Served {
                    column: &self.column,
                    largest,
                    mean: self.labels.len() / with_rows,
                });
                cx.block_on(spec.fit(cx, Arc::clone(of), &self.labels))?
            }
            Made::Simulated => {
                let all: Vec<u64> = (0..self.labels.len()).collect();
                let spec = rules::of_columns(&cx.block_on(of.take(cx, &all))?, &self.labels)?;
                cx.block_on(spec.fit(cx, Arc::clone(of), &self.labels))?
            }
            Made::Learned(spec) => generators.learned(cx, self, of, (name, &*spec(generators.quick)))?,
            Made::Written(spec) => generators.written(cx, self, of, (name, &*spec(&self.column)))?,
        };
        let Some((_, encoder)) = columns else {
            return Ok(made);
        };
        Ok(Arc::new(EncodedRows {
            generator: made,
            encoder: Arc::clone(encoder),
            schema: rows.schema(),
            label: self.label.clone(),
        }))
    }

    /// The way that an automatic choice takes inside the training rows.
    pub(super) fn auto(&self, cx: &Context, seed: u64, folds: usize, device: &Device) -> Result<Way> {
        let auto = AutoBalance {
            folds,
            ..AutoBalance::new().seed(seed)
        };
        let choice = match self.network {
            // It trains linear heads, on pixels as they are.
            NetworkConfig::Convolutions(_) => {
                let (rows, column) = (self.flat(cx)?, Self::FLAT);
                auto.choose(cx, &rows, column, &self.label, device, &mut |_, _| ())?
            }
            NetworkConfig::Linear(_) | NetworkConfig::Forest(_) => {
                auto.choose(cx, self.train(true), &self.column, &self.label, device, &mut |_, _| ())?
            }
        };
        let candidate = choice.candidate();
        Ok(Way {
            target: candidate.target.clone(),
            augmented: self.augmented.is_some(),
            synthetic: (candidate.synthetic > 0.0).then(|| SyntheticShare::new("SMOTE", candidate.synthetic)),
            loss: candidate.loss.clone(),
        })
    }
}

fn named(name: &str) -> Result<&'static Synthetic> {
    generator(name).ok_or_else(|| Error::config(format!("no generator of an ablation is called {name:?}")))
}
