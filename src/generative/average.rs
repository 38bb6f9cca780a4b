//! The average of a network over the steps of its training, which makes better rows than the last step does.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use std::any::Any;
use std::collections::VecDeque;

/// The share of the average that stays after so many steps: `most`, and less early on, so that the first steps do not stay in it.
pub(super) fn kept(most: f64, steps: u64) -> f64 {
    most.min((1 + steps) as f64 / (10 + steps) as f64)
}

/// `average`, moved towards `network` by the share `1 - decay`: every floating-point parameter.
pub(super) fn moved<M: Module>(average: M, network: &M, decay: f64) -> M {
    let mut values = Values::default();
    network.visit(&mut values);
    average.map(&mut Move {
        values: values.0,
        decay,
    })
}

/// The parameters, in the order in which they are visited.
#[derive(Default)]
struct Values(VecDeque<Box<dyn Any>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push_back(Box::new(param.val().detach()));
    }
}

struct Move {
    values: VecDeque<Box<dyn Any>>,
    decay: f64,
}

impl ModuleMapper for Move {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let new = self
            .values
            .pop_front()
            .and_then(|value| value.downcast::<Tensor<D>>().ok());
        param.map(|old| match new {
            Some(new) => old.mul_scalar(self.decay) + new.mul_scalar(1.0 - self.decay),
            // The two are of one type, so each parameter has its like.
            None => old,
        })
    }
}
