//! Operations in a random order.

use super::operations::Operations;
use crate::error::{Error, Result};
use crate::image::operation::{Composite, Drawn, Operation, Subject};
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Runs all of its operations in a random order: torchvision's `RandomOrder`. Each is run on every row; all orders are as likely as each
/// other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomOrder {
    operations: Operations,
}

impl RandomOrder {
    /// Two operations or more.
    pub fn new(operations: impl Into<Operations>) -> Self {
        Self {
            operations: operations.into(),
        }
    }

    /// The key of its operations, and their order.
    fn choose(&self, rng: &mut Rng) -> (u64, Vec<usize>) {
        let (key, among) = (rng.next_u64(), self.operations.len() as u64);
        let order = Permutation::new(among, rng);
        (key, (0..among).map(|at| order.get(at) as usize).collect())
    }
}

impl Spec for RandomOrder {
    const NAME: &'static str = "random_order";

    fn check(&self) -> Result<()> {
        self.operations.check("operations")?;
        match self.operations.len() {
            1 => Err(Error::config(
                "operations has one operation, of which there is one order only: take it alone",
            )),
            _ => Ok(()),
        }
    }
}

impl Operation for RandomOrder {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (key, chosen) = self.choose(rng);
        self.operations.draw(&chosen, subject, key)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let (key, chosen) = self.choose(rng);
        Some(self.operations.in_words(&chosen, subject, key))
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

impl Composite for RandomOrder {
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])> {
        vec![("operations", self.operations.as_slice())]
    }

    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation> {
        Arc::new(Self {
            operations: lists.into_iter().next().unwrap_or_default().into(),
        })
    }

    fn share(&self, _: usize, _: usize) -> Option<f64> {
        Some(1.0)
    }
}
