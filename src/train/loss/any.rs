use super::balanced_softmax::BalancedSoftmax;
use super::class_weights::ClassWeights;
use super::cross_entropy::CrossEntropy;
use super::focal::Focal;
use super::forward::ClassificationLoss;
use super::ldam::Ldam;
use crate::error::{Error, Result};
use crate::loader::ClassPrior;
use crate::spec::{Catalog, Describe, Description, read};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Any of the losses of this crate, written under its name: `{ "focal": { "gamma": 2 } }`.
///
/// ```
/// use millstream::train::loss::{Focal, Loss};
///
/// let loss: Loss = "focal".parse()?;
/// assert_eq!(loss, Loss::Focal(Focal::new()));
/// let loss: Loss = r#"{ "focal": { "gamma": 1 } }"#.parse()?;
/// assert_eq!((loss.to_string(), loss), ("focal gamma 1".to_owned(), Loss::Focal(Focal::new().gamma(1.0))));
/// let error = "focus".parse::<Loss>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown loss \"focus\": do you mean \"focal\"? at line 1 column 8");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// Cross-entropy.
    CrossEntropy(CrossEntropy),
    /// Balanced softmax and logit adjustment.
    BalancedSoftmax(BalancedSoftmax),
    /// Class weights.
    ClassWeights(ClassWeights),
    /// Focal loss.
    Focal(Focal),
    /// Margins by class.
    Ldam(Ldam),
}

impl Loss {
    /// The loss of rows that are `emitted` so, out of those that are `stored`.
    ///
    /// # Errors
    ///
    /// As that of each.
    pub fn init(&self, emitted: &ClassPrior, stored: &ClassPrior) -> Result<Box<dyn ClassificationLoss>> {
        Ok(match self {
            Self::CrossEntropy(loss) => Box::new(loss.init()?),
            Self::BalancedSoftmax(loss) => Box::new(loss.init(emitted, stored)?),
            Self::ClassWeights(loss) => Box::new(loss.init(emitted, stored)?),
            Self::Focal(loss) => Box::new(loss.init(emitted, stored)?),
            Self::Ldam(loss) => Box::new(loss.init(emitted, stored)?),
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &dyn Describe {
        match self {
            Self::CrossEntropy(loss) => loss,
            Self::BalancedSoftmax(loss) => loss,
            Self::ClassWeights(loss) => loss,
            Self::Focal(loss) => loss,
            Self::Ldam(loss) => loss,
        }
    }

    /// Whether it has a meaning for soft labels, of which a row has shares of several classes (MixUp, CutMix).
    pub fn takes_soft_labels(&self) -> bool {
        match self {
            Self::CrossEntropy(_) | Self::BalancedSoftmax(_) | Self::ClassWeights(_) | Self::Focal(_) => true,
            // A margin is that of one class.
            Self::Ldam(_) => false,
        }
    }

    /// The names of all.
    pub fn names() -> Vec<&'static str> {
        losses().names().collect()
    }
}

/// Cross-entropy.
impl Default for Loss {
    fn default() -> Self {
        Self::CrossEntropy(CrossEntropy::new())
    }
}

/// The losses by name.
fn losses() -> Catalog<Loss> {
    Catalog::new("loss")
        .with::<CrossEntropy>(|from| Ok(Box::new(Loss::CrossEntropy(read(from)?))))
        .with::<BalancedSoftmax>(|from| Ok(Box::new(Loss::BalancedSoftmax(read(from)?))))
        .with::<ClassWeights>(|from| Ok(Box::new(Loss::ClassWeights(read(from)?))))
        .with::<Focal>(|from| Ok(Box::new(Loss::Focal(read(from)?))))
        .with::<Ldam>(|from| Ok(Box::new(Loss::Ldam(read(from)?))))
}

/// The name, which means its defaults, or the name and parameters as JSON.
impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.starts_with('{') {
            return Ok(*losses().read_json(text)?);
        }
        let named = serde_json::json!({ text: {} }).to_string();
        Ok(*losses().read_json(&named)?)
    }
}

/// The name, and the parameters that have not their default.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { name, fields, .. } = self.spec().description();
        f.write_str(name)?;
        for field in fields.iter().filter(|field| field.hashed.is_some()) {
            write!(f, " {} {}", field.name, crate::spec::words(&field.value))?;
        }
        Ok(())
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.spec().description().tagged().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        losses().read(from).map(|loss| *loss)
    }
}
