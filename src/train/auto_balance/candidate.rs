use crate::mix::Target;
use crate::train::loss::Loss;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to deal with classes of different size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// What share of the emitted rows each class has. `Power(1.0)` keeps the data as it is.
    #[serde(rename = "balance")]
    pub target: Target,
    /// The loss, which corrects what the balance left.
    pub loss: Loss,
    /// What share of what a class is given beyond its stored rows is synthetic.
    pub synthetic: f64,
}

impl Candidate {
    /// Whether the data is balanced at all.
    pub fn is_balanced(&self) -> bool {
        self.target != Target::Power(1.0)
    }

    /// The target's name; `none` where the data stays as it is.
    pub(super) fn balance(&self) -> String {
        match self.is_balanced() {
            true => self.target.to_string(),
            false => "none".to_owned(),
        }
    }

    /// Whether the loss is another one than plain cross-entropy.
    pub fn has_own_loss(&self) -> bool {
        self.loss != Loss::default()
    }

    /// How much is done: synthetic rows, a balance and a loss count one each.
    fn parts(&self) -> usize {
        usize::from(self.synthetic > 0.0) + usize::from(self.is_balanced()) + usize::from(self.has_own_loss())
    }

    /// Sorts the simplest first: by the number of parts, then without synthetic rows before with, then without a balance before with.
    pub(super) fn simplicity(&self) -> impl Ord + use<> {
        (self.parts(), self.synthetic > 0.0, self.is_balanced())
    }

    /// Whether another candidate is the same by another name: synthetic rows where no class is given more than it has, and a
    /// correction of what the balance corrected.
    pub(super) fn is_redundant(&self) -> bool {
        let corrects = match &self.loss {
            Loss::BalancedSoftmax(loss) => Some(&loss.target),
            Loss::ClassWeights(loss) => Some(&loss.target),
            Loss::CrossEntropy(_) | Loss::Focal(_) | Loss::Ldam(_) => None,
        };
        (self.synthetic > 0.0 && !self.is_balanced()) || corrects == Some(&self.target)
    }
}

/// `balance sqrt, loss focal, up to 50 % synthetic`
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "balance {}, loss {}", self.balance(), self.loss)?;
        match self.synthetic > 0.0 {
            true => write!(f, ", up to {:.0} % synthetic", 100.0 * self.synthetic),
            false => f.write_str(", no synthetic rows"),
        }
    }
}
