//! Operations in a random order.

use super::choose::Choose;
use super::operations::Operations;
use crate::error::{Error, Result};
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

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

impl Choose for RandomOrder {
    fn operations(&self) -> &Operations {
        &self.operations
    }

    fn with_operations(self, operations: Operations) -> Self {
        Self { operations }
    }

    fn choose(&self, rng: &mut Rng) -> Vec<usize> {
        let among = self.operations.len() as u64;
        let order = Permutation::new(among, rng);
        (0..among).map(|at| order.get(at) as usize).collect()
    }

    fn may_follow(&self, before: usize, after: usize) -> bool {
        before != after
    }

    fn share_of(&self, _: usize) -> f64 {
        1.0
    }
}
