//! One head for each candidate in each fold.

use super::candidate::Candidate;
use super::choose::{Choice, Trial};
use super::spec::AutoBalance;
use crate::columns::{index_of, shape_of};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::{ClassPrior, LoaderBuilder};
use crate::mix::Target;
use crate::order::{Split, stratified_folds};
use crate::report::Confusion;
use crate::rows::Labels;
use crate::sink::tensor;
use crate::spec::Spec;
use crate::synthetic::{Smote, SmoteSpec};
use crate::train::loss::{ClassificationLoss, Targets};
use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

impl AutoBalance {
    /// Tries all [candidates](Self::candidates) on `rows`, training rows alone: heads on the tensor column `features`, which should be
    /// [standardised](crate::train::Standardised), for the classes in `label`. `progress` is told the steps done and the steps in all.
    ///
    /// Mean and deviation of the features are those of all training rows, of what a fold holds out, too: they are taken before the folds
    /// are cut, and from no label. Nothing else is fitted to rows that are held out.
    ///
    /// The same seed gives the same choice on a device that computes the same twice, as `flex` does.
    ///
    /// # Errors
    ///
    /// `Config` for parameters out of range, for fewer than two classes, and for too few rows; `Schema` for columns that do not fit; `Stage` where a
    /// loss is no longer finite; whatever balancing, SMOTE and taking the rows give.
    pub fn choose(
        &self,
        cx: &Context,
        rows: &Arc<dyn Stable>,
        features: &str,
        label: &str,
        device: &Device,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Choice> {
        let labels = cx.block_on(Labels::scan(cx, rows, label))?;
        let splits = stratified_folds(labels.iter(), self.folds, self.seed);
        self.choose_on(cx, rows, (features, label), &splits, device, progress)
    }

    /// As [`choose`](Self::choose), with other parts that are held out.
    pub(crate) fn choose_on(
        &self,
        cx: &Context,
        rows: &Arc<dyn Stable>,
        (features, label): (&str, &str),
        splits: &[Split],
        device: &Device,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Choice> {
        self.check()?;
        let cx = &cx.with_seed(self.seed);
        let labels = cx.block_on(Labels::scan(cx, rows, label))?;
        let schema = rows.schema();
        let shape = shape_of(schema.field(index_of(&schema, features)?));
        let [width] = shape[..] else {
            return Err(Error::schema(format!(
                "column \"{features}\" has values of shape {shape:?}, not one number after the other"
            )));
        };
        let candidates = self.candidates();
        let groups = grouped(&candidates);
        self.check_rows(&labels)?;
        if let Some(at) = splits
            .iter()
            .position(|split| split.train.is_empty() || split.held_out.is_empty())
        {
            return Err(Error::config(format!(
                "auto_balance: part {at} of {} has no rows to train or to measure on: there are too few groups or times; choose a balance",
                splits.len()
            )));
        }
        let steps = |split: &Split| self.epochs * (split.train.len() as u64).div_ceil(self.batch_size);
        let total = splits.iter().map(steps).sum::<u64>() * groups.len() as u64;
        let (mut done, mut scores) = (0, vec![Vec::new(); candidates.len()]);
        for split in splits {
            let fold = Fold {
                auto: self,
                cx,
                features,
                label,
                width,
                device,
                train: Arc::new(Arc::clone(rows).select(split.train.clone())?),
                steps: steps(split),
            };
            let held = ValidationRows::read(&fold, rows, split, &labels)?;
            let smote = fold.smote(&candidates)?;
            for group in &groups {
                let of = |&at: &usize| &candidates[at];
                let loader = fold.loader(of(&group[0]), smote.as_ref())?;
                let heads: Vec<&Candidate> = group.iter().map(of).collect();
                let heads = fold.train(loader, &heads, &mut || {
                    done += 1;
                    progress(done, total);
                })?;
                for (&at, score) in group.iter().zip(held.score(&heads, group.len())?) {
                    scores[at].push(score);
                }
            }
        }
        let trials = candidates.into_iter().zip(scores);
        Ok(Choice::of(
            trials.map(|(candidate, folds)| Trial::new(candidate, folds)).collect(),
        ))
    }
}

impl AutoBalance {
    /// Refuses rows of classes from which nothing can be chosen.
    pub(crate) fn check_rows(&self, labels: &Labels) -> Result<()> {
        let counts = labels.counts();
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            return Err(Error::config(
                "auto_balance: fewer than two classes have rows, so there is nothing to balance; choose none",
            ));
        }
        let held_out = rows_in_parts(labels);
        match held_out < self.folds as u64 {
            true => Err(Error::config(format!(
                "auto_balance: {} folds need as many rows of classes that have at least two, and there are {held_out}; take \
                 fewer folds, or choose a balance",
                self.folds
            ))),
            false => Ok(()),
        }
    }
}

/// How many rows come into parts that are held out: a class of one row is in none.
pub(crate) fn rows_in_parts(labels: &Labels) -> u64 {
    labels.counts().iter().filter(|&&rows| rows > 1).sum()
}

/// The candidates that see the same rows, so that their heads can train on the same batches.
fn grouped(candidates: &[Candidate]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let rows = |other: &Candidate| (&other.target, other.synthetic) == (&candidate.target, candidate.synthetic);
        match groups.iter_mut().find(|group| rows(&candidates[group[0]])) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// The training rows of one fold.
struct Fold<'a> {
    auto: &'a AutoBalance,
    cx: &'a Context,
    features: &'a str,
    label: &'a str,
    width: usize,
    device: &'a Device,
    train: Arc<dyn Stable>,
    steps: u64,
}

impl Fold<'_> {
    /// SMOTE for the classes that some target gives more than they have; none where no candidate has synthetic rows.
    fn smote(&self, candidates: &[Candidate]) -> Result<Option<Arc<Smote>>> {
        let mut largest = None;
        for candidate in candidates.iter().filter(|candidate| candidate.synthetic > 0.0) {
            let balanced = Arc::clone(&self.train).balance(self.cx, self.label, candidate.target.clone());
            let quotas = self.cx.block_on(balanced)?.quotas();
            let lacking = quotas
                .iter()
                .filter(|class| class.rows > class.stored)
                .map(|class| class.stored);
            largest = largest.max(lacking.max());
        }
        let Some(largest) = largest else { return Ok(None) };
        let labels = Arc::new(self.cx.block_on(Labels::scan(self.cx, &self.train, self.label))?);
        let spec = SmoteSpec::new(self.features).largest(largest);
        let smote = Smote::fit(self.cx, Arc::clone(&self.train), &labels, spec);
        Ok(Some(Arc::new(self.cx.block_on(smote)?)))
    }

    fn loader(&self, candidate: &Candidate, smote: Option<&Arc<Smote>>) -> Result<LoaderBuilder> {
        let target: Target = candidate.target.clone();
        let balanced = Arc::clone(&self.train).balance(self.cx, self.label, target);
        let balanced = self.cx.block_on(balanced)?;
        let balanced = match smote.filter(|_| candidate.synthetic > 0.0) {
            Some(smote) => balanced.fill(Arc::clone(smote) as _, candidate.synthetic)?,
            None => balanced,
        };
        Ok(balanced.loader(self.cx).batch_size(self.auto.batch_size))
    }

    /// The heads of `candidates`, side by side in one layer, after the last step. Their losses are added, and no parameter belongs to
    /// two of them, so each trains as if it were alone.
    fn train(&self, loader: LoaderBuilder, candidates: &[&Candidate], stepped: &mut dyn FnMut()) -> Result<Linear> {
        let stored = self.cx.block_on(Labels::scan(self.cx, &self.train, self.label))?;
        let (emitted, stored) = (loader.class_prior(0)?, ClassPrior::from(&stored));
        let losses = candidates
            .iter()
            .map(|candidate| candidate.loss.init(&emitted, &stored));
        let losses: Vec<Box<dyn ClassificationLoss>> = losses.collect::<Result<_>>()?;
        let (classes, device) = (emitted.names().len(), self.device.clone().autodiff());
        let heads = LinearConfig::new(self.width, classes * losses.len()).with_initializer(Initializer::Zeros);
        let mut heads = heads.init(&device);
        let mut optimizer = SgdConfig::new()
            .with_momentum(Some(MomentumConfig::new().with_momentum(0.9)))
            .with_weight_decay(Some(WeightDecayConfig::new(self.auto.weight_decay)))
            .init();
        for (step, batch) in (0..self.steps).zip(loader.blocking()?) {
            let batch = batch?;
            let features = tensor::floats::<2>(batch.rows(), self.features, &device)?;
            let targets = Targets::of(batch.rows(), self.label, &device)?;
            let logits = heads.forward(features);
            let mut sum: Option<Tensor<1>> = None;
            for (at, loss) in losses.iter().enumerate() {
                let value = loss.forward(logits.clone().narrow(1, at * classes, classes), &targets)?;
                sum = Some(match sum {
                    Some(sum) => sum + value,
                    None => value,
                });
            }
            let Some(sum) = sum else { break };
            let gradients = GradientsParams::from_grads(sum.backward(), &heads);
            heads = optimizer.step(self.rate(step), heads, gradients);
            stepped();
        }
        Ok(heads.valid())
    }

    fn rate(&self, step: u64) -> f64 {
        let along = step as f64 / self.steps as f64;
        self.auto.learning_rate * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * along))
    }
}

/// What a fold holds out.
struct ValidationRows {
    features: Tensor<2>,
    classes: Vec<usize>,
    names: usize,
}

impl ValidationRows {
    fn read(fold: &Fold<'_>, rows: &Arc<dyn Stable>, split: &Split, labels: &Labels) -> Result<Self> {
        // View 0 is the first.
        let batch = fold.cx.block_on(rows.take(fold.cx, &split.held_out))?;
        Ok(Self {
            features: tensor::floats::<2>(&batch, fold.features, fold.device)?,
            classes: split.held_out.iter().map(|&row| labels.class(row) as usize).collect(),
            names: labels.names().len(),
        })
    }

    /// The balanced accuracy of each of `count` heads.
    fn score(&self, heads: &Linear, count: usize) -> Result<Vec<f64>> {
        let logits = heads.forward(self.features.clone()).into_data();
        let logits: Vec<f32> = logits.iter::<f32>().collect();
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(Error::stage(
                "auto_balance: a head's logits are not finite; a lower learning_rate may help",
            ));
        }
        let mut confusions = vec![Confusion::new(self.names); count];
        for (row, &class) in logits.chunks_exact(self.names * count).zip(&self.classes) {
            for (confusion, logits) in confusions.iter_mut().zip(row.chunks_exact(self.names)) {
                let largest = (1..self.names).fold(0, |best, at| if logits[at] > logits[best] { at } else { best });
                confusion.record(class, largest)?;
            }
        }
        Ok(confusions.iter().map(Confusion::balanced_accuracy).collect())
    }
}
