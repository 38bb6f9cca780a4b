use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// What share of the rows each class shall have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The same for every class that has rows.
    Uniform,
    /// In proportion to the square root of the class's rows (Mahajan et al. 2018).
    Sqrt,
    /// In proportion to the class's rows to the power `a`, in -16 to 16: 1 keeps the data as it is, 0 is uniform.
    Power(f64),
    /// In proportion to the effective number of rows, `(1 - beta^n) / (1 - beta)` with `beta` in `0..1`, inverted as a
    /// class-balanced loss would weight it and multiplied by `n` (Cui et al. 2019).
    EffectiveNumber(f64),
    /// As given, one weight a class, in the order of the class names; they need not sum to 1.
    Weights(Vec<f64>),
}

impl Target {
    /// The powers that [`Power`](Self::Power) takes.
    const POWERS: RangeInclusive<f64> = -16.0..=16.0;

    /// Refuses parameters that make no sense for any classes.
    ///
    /// # Errors
    ///
    /// `Config` for a power that is no number in -16 to 16, a `beta` outside of 0 to 1 or at 1, a weight that is no number of at least 0,
    /// and weights that are all 0.
    pub fn check(&self) -> Result<()> {
        let mistake = |text: String| Err(Error::config(text));
        match self {
            Self::Power(a) if !Self::POWERS.contains(a) => {
                mistake(format!("power is {a}, but has to be a number in -16 to 16"))
            }
            Self::EffectiveNumber(beta) if !(0.0..1.0).contains(beta) => mistake(format!(
                "effective_number: beta is {beta}, but has to be at least 0 and below 1"
            )),
            Self::Weights(weights) => match weights
                .iter()
                .position(|weight| !(weight.is_finite() && *weight >= 0.0))
            {
                Some(at) => mistake(format!(
                    "weights[{at}] is {}, but a weight is a number of at least 0",
                    weights[at]
                )),
                None if weights.iter().all(|weight| *weight == 0.0) => {
                    mistake("weights: those of all classes are 0".to_owned())
                }
                None if weights.iter().sum::<f64>().is_infinite() => {
                    mistake("weights: their sum is too large for a number: give smaller ones".to_owned())
                }
                None => Ok(()),
            },
            Self::Uniform | Self::Sqrt | Self::Power(_) | Self::EffectiveNumber(_) => Ok(()),
        }
    }

    /// The classes' shares, which sum to 1, for classes of `counts` rows. A class without rows has the share 0: what it
    /// would be given goes to the others.
    ///
    /// # Errors
    ///
    /// `Config` for a parameter out of range, weights that do not fit the classes, a [weight](Self::Weights) above 0 for a
    /// class without rows, and where no class has rows.
    pub fn shares(&self, counts: &[u64], names: &[String]) -> Result<Vec<f64>> {
        self.check()?;
        let weights: Vec<f64> = match self {
            Self::Weights(weights) if weights.len() != counts.len() => {
                return Err(Error::config(format!(
                    "{} weights for {} classes",
                    weights.len(),
                    counts.len()
                )));
            }
            Self::Weights(weights) => weights.clone(),
            _ => counts.iter().map(|&count| self.weight(count as f64)).collect(),
        };
        if counts.iter().all(|&count| count == 0) {
            return Err(Error::config("no class has rows"));
        }
        if let Some(empty) = (0..counts.len()).find(|&class| counts[class] == 0 && weights[class] > 0.0) {
            let name = names.get(empty).map_or_else(|| empty.to_string(), Clone::clone);
            return Err(Error::config(format!(
                "class {name:?} has no rows, so its weight cannot be {}: give it the weight 0",
                weights[empty]
            )));
        }
        let total: f64 = weights.iter().sum();
        Ok(weights.iter().map(|weight| weight / total).collect())
    }

    fn weight(&self, n: f64) -> f64 {
        if n == 0.0 {
            return 0.0;
        }
        match self {
            Self::Sqrt => n.sqrt(),
            Self::Power(a) => n.powf(*a),
            Self::EffectiveNumber(beta) => n * (1.0 - beta) / (1.0 - beta.powf(n)),
            Self::Uniform | Self::Weights(_) => 1.0,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Sqrt => f.write_str("sqrt"),
            Self::Power(a) => write!(f, "power {a}"),
            Self::EffectiveNumber(beta) => write!(f, "effective number {beta}"),
            Self::Weights(weights) => write!(f, "weights {weights:?}"),
        }
    }
}
