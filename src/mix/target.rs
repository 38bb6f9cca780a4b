use crate::error::{Error, Result};
use crate::quote::{counted, shown};
use crate::rows::Labels;
#[cfg(feature = "train")]
use crate::rows::MultiLabels;
use crate::spec::nearest_in_words;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// What share of the rows each class shall have.
///
/// `none` is read as [`Power(1.0)`](Self::Power), which keeps the data as it is:
///
/// ```
/// use millstream::mix::Target;
///
/// assert_eq!(serde_json::from_str::<Target>(r#""none""#)?, Target::Power(1.0));
/// assert_eq!(serde_json::from_str::<Target>(r#""sqrt""#)?, Target::Sqrt);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
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
    /// Rows of rare classes repeated as in LVIS (Gupta et al. 2019): with `f` the share of the rows that have a class, and `t` in 0 to 1,
    /// each of them comes `max(1, sqrt(t / f))` times as often as it is stored: a class that at least `t` of the rows have is left
    /// as it is, and all rows of the others are repeated. A row with several classes counts for the rarest of them, which repeats it the most.
    RepeatFactor(f64),
    /// As given, one weight a class, in the order of the class names; they need not sum to 1.
    Weights(Vec<f64>),
    /// As given, one share for each class or cell, by its name; they need not sum to 1. Every one that has rows is named.
    Shares(BTreeMap<String, f64>),
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
            Self::RepeatFactor(t) if !(*t > 0.0 && *t <= 1.0) => {
                mistake(format!("repeat_factor is {t}, but has to be above 0 and at most 1"))
            }
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
            Self::Shares(shares) => match shares.iter().find(|(_, share)| !(share.is_finite() && **share >= 0.0)) {
                Some((name, share)) => mistake(format!(
                    "shares: that of {name:?} is {share}, but a share is a number of at least 0"
                )),
                None if shares.values().all(|share| *share == 0.0) => {
                    mistake("shares: those of all classes are 0".to_owned())
                }
                None if shares.values().sum::<f64>().is_infinite() => {
                    mistake("shares: their sum is too large for a number: give smaller ones".to_owned())
                }
                None => Ok(()),
            },
            Self::Uniform | Self::Sqrt | Self::Power(_) | Self::EffectiveNumber(_) | Self::RepeatFactor(_) => Ok(()),
        }
    }

    /// The weights of the classes `names` where they are given by name.
    fn named(shares: &BTreeMap<String, f64>, counts: &[u64], names: &[String]) -> Result<Vec<f64>> {
        let listed = || shown(&names.join(", "), 200);
        if let Some(other) = shares.keys().find(|name| !names.contains(name)) {
            return Err(Error::config(format!(
                "shares: there is no {other:?}{}; there are {}",
                nearest_in_words(other, names),
                listed()
            )));
        }
        if let Some((name, rows)) = names
            .iter()
            .zip(counts)
            .find(|(name, rows)| **rows > 0 && !shares.contains_key(*name))
        {
            return Err(Error::config(format!(
                "shares: {name:?} has {} and no share: name it, with 0 to leave it out",
                counted(*rows, "row")
            )));
        }
        Ok(names
            .iter()
            .map(|name| shares.get(name).copied().unwrap_or(0.0))
            .collect())
    }

    /// The classes' shares, which sum to 1, for classes of `counts` rows. A class without rows has the share 0: what it
    /// would be given goes to the others.
    ///
    /// # Errors
    ///
    /// `Config` for a parameter out of range, weights that do not fit the classes, a [weight](Self::Weights) above 0 for a
    /// class without rows, and where no class has rows.
    pub fn shares(&self, counts: &[u64], names: &[String]) -> Result<Vec<f64>> {
        self.shares_of(counts, counts, names)
    }

    /// The shares of the classes of rows that may have several, where each row counts for the [rarest](MultiLabels::rarest) of them.
    ///
    /// # Errors
    ///
    /// As [`shares`](Self::shares), of the rarest classes: rows without a class are of one of their own.
    #[cfg(feature = "train")]
    pub(crate) fn shares_of_rarest(&self, classes: &MultiLabels) -> Result<Vec<f64>> {
        let rarest = classes.rarest();
        self.shares_of(&rarest.counts(), &classes.rows_with(&rarest), rarest.names())
    }

    /// As [`shares`](Self::shares), of classes that `counts` rows count for and `with` rows have: more, where a row has several classes.
    pub(crate) fn shares_of(&self, counts: &[u64], with: &[u64], names: &[String]) -> Result<Vec<f64>> {
        self.check()?;
        let weights: Vec<f64> = match self {
            Self::Weights(weights) if weights.len() != counts.len() => {
                let last = match names.last() {
                    Some(last) if last == Labels::NO_CLASS => {
                        format!(": the last is {last:?}, of the rows without any of the others")
                    }
                    _ => String::new(),
                };
                return Err(Error::config(format!(
                    "{} weights for {} classes{last}",
                    weights.len(),
                    counts.len()
                )));
            }
            Self::Weights(weights) => weights.clone(),
            Self::Shares(shares) => Self::named(shares, counts, names)?,
            Self::RepeatFactor(_) => self.repeated(counts, with).unwrap_or_default(),
            _ => counts.iter().map(|&count| self.weight(count as f64)).collect(),
        };
        if counts.iter().all(|&count| count == 0) {
            return Err(Error::config("no class has rows"));
        }
        if let Some(empty) = (0..counts.len()).find(|&class| counts[class] == 0 && weights[class] > 0.0) {
            let name = names.get(empty).map_or_else(|| empty.to_string(), Clone::clone);
            let why = match with[empty] {
                0 => format!("class {name:?} has no rows"),
                _ => format!("no row counts for class {name:?}, because each row with it counts for another one"),
            };
            return Err(Error::config(format!(
                "{why}, so its weight cannot be {}: give it the weight 0",
                weights[empty]
            )));
        }
        let total: f64 = weights.iter().sum();
        Ok(weights.iter().map(|weight| weight / total).collect())
    }

    /// How many rows an epoch has, where the target says so: each row as often as its [repeat factor](Self::RepeatFactor) says.
    pub(crate) fn rows(&self, counts: &[u64], with: &[u64]) -> Option<u64> {
        let rows: f64 = self.repeated(counts, with)?.iter().sum();
        Some(rows.round() as u64)
    }

    /// Rows of each class, each as often as its [repeat factor](Self::RepeatFactor) says.
    fn repeated(&self, counts: &[u64], with: &[u64]) -> Option<Vec<f64>> {
        let factors = self.factors(counts.iter().sum(), with)?;
        Some(
            counts
                .iter()
                .zip(factors)
                .map(|(&count, factor)| count as f64 * factor)
                .collect(),
        )
    }

    /// The [repeat factor](Self::RepeatFactor) of each class, which `with` of so many `rows` have.
    pub(crate) fn factors(&self, rows: u64, with: &[u64]) -> Option<Vec<f64>> {
        let Self::RepeatFactor(t) = self else { return None };
        let factor = |&with: &u64| (t * rows as f64 / with.max(1) as f64).sqrt().max(1.0);
        Some(with.iter().map(factor).collect())
    }

    fn weight(&self, n: f64) -> f64 {
        if n == 0.0 {
            return 0.0;
        }
        match self {
            Self::Sqrt => n.sqrt(),
            Self::Power(a) => n.powf(*a),
            Self::EffectiveNumber(beta) => n * (1.0 - beta) / (1.0 - beta.powf(n)),
            Self::Uniform | Self::RepeatFactor(_) | Self::Weights(_) | Self::Shares(_) => 1.0,
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

/// A target as it is written: a word, or a table of one.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Target;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shares of classes, as \"sqrt\" or { power = 0.5 }")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Target, E> {
        match word {
            "none" => Ok(Target::Power(1.0)),
            "auto" => Err(E::custom(
                "\"auto\" is no share of classes: set auto = true beside it, and leave target out",
            )),
            word => Target::deserialize(StrDeserializer::new(word)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
        Target::deserialize(MapAccessDeserializer::new(map))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Sqrt => f.write_str("sqrt"),
            Self::Power(a) => write!(f, "power {a}"),
            Self::EffectiveNumber(beta) => write!(f, "effective number {beta}"),
            Self::RepeatFactor(t) => write!(f, "repeat factor {t}"),
            Self::Weights(weights) => write!(f, "weights {weights:?}"),
            Self::Shares(shares) => write!(f, "shares {shares:?}"),
        }
    }
}
