//! Two networks that train against each other.

use super::average;
use super::diverged::unsound;
use super::steps::{At, State};
use super::trained::{Trained, record, restored};
use crate::error::Result;
use crate::train::checkpoint::{BEST, Checkpoint, MODEL, OPTIMIZER, SECOND_MODEL, SECOND_OPTIMIZER};
use burn::module::Module;
use burn::tensor::{Tensor, activation};

/// A network that scores rows of rank `D` with their batch, each with its class `[n, classes]`.
pub(super) trait Discriminates<const D: usize>: Module {
    /// Scores `[n, 1]`.
    fn scores(&self, rows: Tensor<D>, classes: Tensor<2>) -> Tensor<2>;

    /// After a step of power iteration in every layer.
    fn iterated(self) -> Self;
}

/// What differs between pairs of networks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Decay rates of Adam.
    pub(super) decay: [f32; 2],
    /// The share of the mean generator that stays at each step.
    pub(super) kept: f64,
    /// Learning rates of generator and discriminator.
    pub(super) rates: [f64; 2],
}

/// A generator and a discriminator, and the mean of the generator over its last steps.
pub(super) struct Adversaries<G, D> {
    pub(super) generator: Trained<G>,
    discriminator: Trained<D>,
    pub(super) average: G,
    rules: Rules,
}

impl<G: Module, D: Module> Adversaries<G, D> {
    pub(super) fn new(generator: G, discriminator: D, rules: Rules) -> Self {
        Self {
            average: generator.clone().no_grad(),
            generator: Trained::new(generator, rules.decay),
            discriminator: Trained::new(discriminator, rules.decay),
            rules,
        }
    }

    /// A step of both by the hinge loss: of the discriminator on `real` rows and those that the generator `made` of the same `classes`, and of the generator on these. `changed`
    /// is asked first for what both together become before they are scored, then for the made ones.
    pub(super) fn step<const R: usize>(
        &mut self,
        at: At,
        [real, made]: [Tensor<R>; 2],
        classes: Tensor<2>,
        mut changed: impl FnMut(Tensor<R>) -> Tensor<R>,
    ) -> Vec<(&'static str, f32)>
    where
        D: Discriminates<R>,
    {
        let n = classes.dims()[0];
        self.discriminator.network = self.discriminator.network.clone().iterated();
        let both = changed(Tensor::cat(vec![real, made.clone().detach()], 0));
        let of_both = Tensor::cat(vec![classes.clone(), classes.clone()], 0);
        let scores = self.discriminator.network.scores(both, of_both);
        let (of_real, of_made) = (scores.clone().narrow(0, 0, n), scores.narrow(0, n, n));
        let loss = hinge(of_real, of_made);
        // Both fall to 0 over the last fifth, in which the two come to rest.
        let fall = ((1.0 - at.along()) / 0.2).min(1.0);
        let [rate, of_discriminator] = self.rules.rates;
        let discriminator = self.discriminator.step(of_discriminator * fall, &loss);

        let scores = self
            .discriminator
            .network
            .clone()
            .no_grad()
            .scores(changed(made), classes);
        let generator = self.generator.step(rate * fall, &scores.mean().neg());
        let kept = average::kept(self.rules.kept, at.step);
        self.average = average::moved(self.average.clone(), &self.generator.network, kept);
        vec![("discriminator", discriminator), ("generator", generator)]
    }

    /// All that the next step depends on, by the names of a checkpoint's parts.
    pub(super) fn records(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let mut records = self.generator.records(MODEL, OPTIMIZER)?;
        records.extend(self.discriminator.records(SECOND_MODEL, SECOND_OPTIMIZER)?);
        records.push((BEST, record(&self.average)?));
        Ok(records)
    }

    /// The first weight that is not that of a training that goes well, where there is one.
    pub(super) fn unsound(&self) -> Option<f32> {
        let of_generator = unsound(&self.generator.network).or_else(|| unsound(&self.average));
        of_generator.or_else(|| unsound(&self.discriminator.network))
    }

    /// Takes back what [`records`](Self::records) gave.
    pub(super) fn restore(&mut self, saved: &Checkpoint<State>) -> Result<()> {
        self.generator.restore(saved, MODEL, OPTIMIZER)?;
        self.discriminator.restore(saved, SECOND_MODEL, SECOND_OPTIMIZER)?;
        self.average = restored(self.average.clone(), saved, BEST)?;
        Ok(())
    }
}

/// The hinge loss of the discriminator: real rows should score at least 1, and made ones at most -1; beyond that nothing is gained.
fn hinge(of_real: Tensor<2>, of_made: Tensor<2>) -> Tensor<1> {
    activation::relu(of_real.neg().add_scalar(1.0)).mean() + activation::relu(of_made.add_scalar(1.0)).mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generative::trained::number;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn the_hinge_loss_is_that_of_hand_and_flat_beyond_its_margins() {
        let device = Device::flex().autodiff();
        let scores =
            |scores: [f32; 3]| Tensor::<2>::from_data(TensorData::new(scores.to_vec(), [3, 1]), &device).require_grad();
        let (real, made) = (scores([2.0, 0.5, -1.0]), scores([-3.0, 0.0, 1.5]));
        let loss = hinge(real.clone(), made.clone());
        // (0 + 0.5 + 2) / 3 + (0 + 1 + 2.5) / 3
        assert!((number(loss.clone()) - 2.0).abs() < 1e-6, "{}", number(loss));
        let gradients = loss.backward();
        let third = 1.0 / 3.0;
        for (scores, expected) in [(real, [0.0, -third, -third]), (made, [0.0, third, third])] {
            let found: Vec<f32> = scores.grad(&gradients).unwrap().into_data().iter::<f32>().collect();
            let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(is_near && found.len() == 3, "{found:?} is not {expected:?}");
        }
    }
}
