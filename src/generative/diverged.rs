//! Whether a training has gone astray: rates that no training can be meant to have, and weights and losses that are no longer those of one.

use crate::error::{Error, Result};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The largest learning rate. A step of Adam moves each weight by about as much, and weights begin far below 1.
const RATE: f64 = 1.0;

/// What a weight or a loss is below, whatever its sign: those of a training that goes well are smaller by four powers of ten and more.
const LARGEST: f32 = 1e8;

/// What may be done.
const MEND: &str = "the training has diverged, and no generator is kept of it: take a smaller learning rate";

/// Refuses a learning rate that is 0 or less, no number, or more than 1.
pub(super) fn check_rate(name: &str, rate: f64) -> Result<()> {
    match rate > 0.0 && rate <= RATE {
        true => Ok(()),
        false => Err(Error::config(format!(
            "{name} is {rate}, but has to lie above 0 and up to {RATE}: a step moves each weight by about as much"
        ))),
    }
}

/// Refuses losses, by their names, that are no longer those of a training.
pub(super) fn check_losses(losses: &[(&'static str, f32)], step: u64) -> Result<()> {
    // What is no number is not smaller either.
    match losses.iter().find(|(_, loss)| !is_sound(*loss)) {
        None => Ok(()),
        Some((what, loss)) => Err(Error::stage(format!("{what} is {loss} after step {step}: {MEND}"))),
    }
}

/// Refuses networks with this `worst` weight after so many steps.
pub(super) fn check_weights(worst: Option<f32>, step: u64) -> Result<()> {
    match worst {
        None => Ok(()),
        Some(weight) => Err(Error::stage(format!("a weight is {weight} after step {step}: {MEND}"))),
    }
}

/// The first weight of `network` that is not that of a training that goes well; none where all are.
pub(super) fn unsound<M: Module>(network: &M) -> Option<f32> {
    let mut found = Unsound(None);
    network.visit(&mut found);
    found.0
}

struct Unsound(Option<f32>);

impl ModuleVisitor for Unsound {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.0.is_none() {
            let values = param.val().detach().into_data();
            self.0 = values.iter::<f32>().find(|value| !is_sound(*value));
        }
    }
}

fn is_sound(value: f32) -> bool {
    value.abs() < LARGEST
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, TensorData};

    #[test]
    fn a_weight_that_is_no_number_or_too_large_is_found() {
        let device = Device::flex().autodiff();
        for (value, is_sound) in [
            (0.5, true),
            (-3e4, true),
            (f32::NAN, false),
            (f32::INFINITY, false),
            (-1e30, false),
        ] {
            let weight = Tensor::from_data(TensorData::new(vec![0.0, 1.0, value, 2.0], [2, 2]), &device);
            let network = Linear {
                weight: Param::from_tensor(weight),
                ..LinearConfig::new(2, 2).init(&device)
            };
            assert_eq!(unsound(&network).is_none(), is_sound, "{value}");
            assert_eq!(check_losses(&[("loss", value)], 3).is_ok(), is_sound, "{value}");
        }
        let error = check_losses(&[("a", 1.0), ("b", f32::NAN)], 7).unwrap_err();
        assert!(error.to_string().starts_with("b is NaN after step 7: "), "{error}");
    }

    #[test]
    fn rates_that_cannot_be_meant_are_refused() {
        for rate in [1e-9, 0.002, 1.0] {
            assert!(check_rate("learning_rate", rate).is_ok(), "{rate}");
        }
        for rate in [0.0, -0.1, f64::NAN, f64::INFINITY, 1.5, 1e30] {
            assert!(check_rate("learning_rate", rate).is_err(), "{rate}");
        }
    }
}
