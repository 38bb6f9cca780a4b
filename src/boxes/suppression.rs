//! What becomes of boxes that overlap better ones.

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What becomes of a box that overlaps one with a higher score.
///
/// It is written as a name alone, or with its number:
///
/// ```
/// use millstream::boxes::Suppression;
///
/// let read = |text: &str| serde_json::from_str::<Suppression>(text);
/// assert_eq!(read(r#""gaussian""#)?, Suppression::Gaussian { sigma: 0.5 });
/// assert_eq!(read(r#"{ "gaussian": { "sigma": 0.3 } }"#)?, Suppression::Gaussian { sigma: 0.3 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, remote = "Self")]
pub enum Suppression {
    /// It is left out where their intersection over union is above `iou`: torchvision's `nms`.
    Hard {
        /// 0 to 1. Defaults to 0.6.
        #[serde(default = "hard_iou")]
        iou: f64,
    },
    /// Where their intersection over union is above `iou`, its score is multiplied by 1 minus that: linear Soft-NMS (Bodla et al. 2017, who take 0.3).
    Linear {
        /// 0 to 1. Defaults to 0.3.
        #[serde(default = "linear_iou")]
        iou: f64,
    },
    /// Its score is multiplied by `exp(-iou^2 / sigma)`: Gaussian Soft-NMS (Bodla et al. 2017, who take 0.5).
    Gaussian {
        /// Above 0. Defaults to 0.5.
        #[serde(default = "sigma")]
        sigma: f64,
    },
}

fn hard_iou() -> f64 {
    0.6
}

fn linear_iou() -> f64 {
    0.3
}

fn sigma() -> f64 {
    0.5
}

/// Hard, above an intersection over union of 0.6.
impl Default for Suppression {
    fn default() -> Self {
        Self::Hard { iou: hard_iou() }
    }
}

impl Serialize for Suppression {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Suppression {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

/// A suppression as it is written: a word, or a table of one.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Suppression;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a suppression, as \"gaussian\" or { gaussian = { sigma = 0.5 } }")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Suppression, E> {
        match word {
            "hard" => Ok(Suppression::default()),
            "linear" => Ok(Suppression::Linear { iou: linear_iou() }),
            "gaussian" => Ok(Suppression::Gaussian { sigma: sigma() }),
            // Which says what there is.
            word => Suppression::deserialize(StrDeserializer::new(word)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Suppression, A::Error> {
        Suppression::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_and_a_table_without_numbers_have_the_defaults() {
        let read = |text: &str| serde_json::from_str::<Suppression>(text);
        let (hard, linear, gaussian) = (
            Suppression::Hard { iou: 0.6 },
            Suppression::Linear { iou: 0.3 },
            Suppression::Gaussian { sigma: 0.5 },
        );
        for (text, expected) in [
            (r#""hard""#, hard),
            (r#"{"hard": {}}"#, hard),
            (r#""linear""#, linear),
            (r#"{"linear": {}}"#, linear),
            (r#""gaussian""#, gaussian),
            (r#"{"gaussian": {}}"#, gaussian),
            (r#"{"linear": {"iou": 0.4}}"#, Suppression::Linear { iou: 0.4 }),
        ] {
            let found = read(text).unwrap();
            assert_eq!(found, expected, "{text}");
            assert_eq!(read(&serde_json::to_string(&found).unwrap()).unwrap(), found);
        }
        for (text, said) in [
            (
                r#""soft""#,
                "unknown variant `soft`, expected one of `hard`, `linear`, `gaussian`",
            ),
            (r#"{"soft": {}}"#, "unknown variant `soft`"),
            (r#"{"hard": {"sigma": 0.5}}"#, "unknown field `sigma`"),
            ("0.5", "expected a suppression, as \"gaussian\" or"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
