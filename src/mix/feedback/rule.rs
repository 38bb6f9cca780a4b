//! How shares follow from a report.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the shares of the classes follow from what the trainer reports of them: classes that are learnt badly get more.
///
/// With `s_c` the share that the target gives class `c`, and `d_c` how badly it is learnt (`1 - recall`, or its loss divided by the mean loss
/// of the classes), its share is in proportion to
///
/// ```text
/// s_c * r_c,   r_c = ((d_c + floor) / mean)^strength, at least 1 / most and at most most
/// ```
///
/// with the mean of `d + floor` over the classes, weighted by `s`. With a uniform target, `strength` 1 and `floor` 0 that is the dynamic sampling of Pouyanfar et al.
/// (2018), who take F1 where this takes recall. A class without a value (NaN: no row of it was measured) has `r_c = 1`.
///
/// The shares of epoch `e` follow from the report of epoch `e - 2`; the first two epochs have those of the target.
///
/// ```
/// use millstream::mix::FeedbackSpec;
///
/// let spec: FeedbackSpec = serde_json::from_str(r#"{ "by": "recall", "strength": 1.0 }"#)?;
/// // A class that is found half of the time, one always: with the floor 0.55 to 0.05.
/// let shares = spec.shares(&[0.5, 0.5], &[0.5, 1.0]);
/// assert!((shares[0] - 0.55 / 0.6).abs() < 1e-12);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedbackSpec {
    /// What is reported. Defaults to recall.
    pub by: FeedbackSignal,
    /// How strongly it counts, 0 to 4: 0 leaves the target as it is. Defaults to 1.
    pub strength: f64,
    /// What even a class that is learnt perfectly keeps, 0 to 1. Defaults to 0.05.
    pub floor: f64,
    /// How many times a class may have more, or less, than in proportion to the target, 1 to 1000. Defaults to 8.
    pub most: f64,
}

/// What the trainer reports of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSignal {
    /// Its recall, 0 to 1, of rows that are not trained on.
    #[default]
    Recall,
    /// Its mean loss, at least 0.
    Loss,
}

impl Default for FeedbackSpec {
    fn default() -> Self {
        Self {
            by: FeedbackSignal::Recall,
            strength: 1.0,
            floor: 0.05,
            most: 8.0,
        }
    }
}

impl FeedbackSpec {
    /// Refuses parameters out of range.
    ///
    /// # Errors
    ///
    /// `Config`, which names the field.
    pub fn check(&self) -> Result<()> {
        let fields = [
            ("strength", self.strength, 0.0, 4.0),
            ("floor", self.floor, 0.0, 1.0),
            ("most", self.most, 1.0, 1000.0),
        ];
        match fields
            .into_iter()
            .find(|(_, value, least, most)| !(least..=most).contains(&value))
        {
            Some((field, value, least, most)) => Err(Error::config(format!(
                "{field} is {value}, and has to lie in {least} to {most}"
            ))),
            None => Ok(()),
        }
    }

    /// What a value of one class has to be, in words, if `value` is not.
    pub(super) fn mistake(&self, value: f64) -> Option<&'static str> {
        match self.by {
            _ if value.is_nan() => None,
            FeedbackSignal::Recall if !(0.0..=1.0).contains(&value) => Some("a recall lies in 0 to 1"),
            FeedbackSignal::Loss if !(value >= 0.0 && value.is_finite()) => {
                Some("a loss is a finite number of at least 0")
            }
            FeedbackSignal::Recall | FeedbackSignal::Loss => None,
        }
    }

    /// The classes' shares, which sum to 1, after the report `values` where the target gives them `shares`.
    pub fn shares(&self, shares: &[f64], values: &[f64]) -> Vec<f64> {
        // How badly each class is learnt; losses are compared with their own mean.
        let known = |class: &usize| values[*class].is_finite() && shares[*class] > 0.0;
        let classes: Vec<usize> = (0..shares.len()).filter(known).collect();
        let weighted = |of: &dyn Fn(usize) -> f64| {
            let weight: f64 = classes.iter().map(|&class| shares[class]).sum();
            classes.iter().map(|&class| shares[class] * of(class)).sum::<f64>() / weight
        };
        let mean_loss = weighted(&|class| values[class]);
        let badness = |class: usize| match self.by {
            FeedbackSignal::Recall => 1.0 - values[class] + self.floor,
            FeedbackSignal::Loss if mean_loss > 0.0 => values[class] / mean_loss + self.floor,
            FeedbackSignal::Loss => 1.0,
        };
        let mean = weighted(&badness);
        let times = |class: usize| match classes.contains(&class) && mean > 0.0 {
            // Not the platform's `powf`, so that every machine has the same shares.
            true => libm::pow(badness(class) / mean, self.strength).clamp(1.0 / self.most, self.most),
            false => 1.0,
        };
        let weights: Vec<f64> = (0..shares.len()).map(|class| shares[class] * times(class)).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(shares: &[f64]) -> Vec<f64> {
        shares.iter().map(|share| (share * 1e4).round() / 1e4).collect()
    }

    #[test]
    fn a_class_that_is_missed_more_often_gets_more() {
        let spec = FeedbackSpec {
            most: 1000.0,
            ..FeedbackSpec::default()
        };
        // 0.05, 0.55 and 1.05 sum to 1.65.
        assert_eq!(
            rounded(&spec.shares(&[1.0 / 3.0; 3], &[1.0, 0.5, 0.0])),
            [0.0303, 0.3333, 0.6364]
        );
        // Twice the share, twice the weight.
        assert_eq!(
            rounded(&spec.shares(&[0.5, 0.25, 0.25], &[1.0, 0.5, 0.0])),
            [0.0588, 0.3235, 0.6176]
        );
        let none = FeedbackSpec {
            strength: 0.0,
            ..spec.clone()
        };
        assert_eq!(
            rounded(&none.shares(&[0.5, 0.25, 0.25], &[1.0, 0.5, 0.0])),
            [0.5, 0.25, 0.25]
        );
        let root = FeedbackSpec { strength: 0.5, ..spec };
        let [a, b] = [0.05_f64.sqrt(), 1.05_f64.sqrt()];
        assert_eq!(
            rounded(&root.shares(&[0.5, 0.5], &[1.0, 0.0])),
            rounded(&[a / (a + b), b / (a + b)])
        );
    }

    #[test]
    fn no_class_is_given_more_than_most_times_its_share() {
        let spec = FeedbackSpec {
            floor: 0.0,
            most: 2.0,
            ..FeedbackSpec::default()
        };
        // 0, 0 and 1 of a mean of a third: a half, a half and two times.
        assert_eq!(
            rounded(&spec.shares(&[1.0 / 3.0; 3], &[1.0, 1.0, 0.0])),
            [0.1667, 0.1667, 0.6667]
        );
        // All right, or nothing known: the target.
        assert_eq!(rounded(&spec.shares(&[0.25, 0.75], &[1.0, 1.0])), [0.25, 0.75]);
        assert_eq!(rounded(&spec.shares(&[0.25, 0.75], &[f64::NAN; 2])), [0.25, 0.75]);
    }

    #[test]
    fn a_class_without_a_value_keeps_its_share_and_one_without_rows_has_none() {
        let spec = FeedbackSpec {
            floor: 0.0,
            ..FeedbackSpec::default()
        };
        let shares = spec.shares(&[0.25, 0.25, 0.5, 0.0], &[0.5, f64::NAN, 0.5, 0.0]);
        assert_eq!(rounded(&shares), [0.25, 0.25, 0.5, 0.0]);
        let shares = spec.shares(&[0.5, 0.25, 0.25], &[f64::NAN, 0.0, 0.5]);
        // Times 1, 4/3 and 2/3.
        assert_eq!(rounded(&shares), rounded(&[0.5, 1.0 / 3.0, 1.0 / 6.0]));
    }

    #[test]
    fn losses_count_by_their_ratio() {
        let spec = FeedbackSpec {
            by: FeedbackSignal::Loss,
            floor: 0.0,
            ..FeedbackSpec::default()
        };
        assert_eq!(rounded(&spec.shares(&[0.5, 0.5], &[3.0, 1.0])), [0.75, 0.25]);
        assert_eq!(rounded(&spec.shares(&[0.5, 0.5], &[0.3, 0.1])), [0.75, 0.25]);
        assert_eq!(rounded(&spec.shares(&[0.5, 0.5], &[0.0, 0.0])), [0.5, 0.5]);
    }
}
