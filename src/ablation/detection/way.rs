//! What is done about rare classes where pictures have boxes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done about rare classes where pictures have boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DetectionWay {
    /// Whether pictures with rare classes are repeated, as LVIS does.
    pub repeat_factors: bool,
    /// Objects of the rarest third of the classes that are pasted into other pictures, if any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_paste: Option<PastedShare>,
    /// Simulated scenes of objects that are cut out of training pictures, as a share of the training pictures. Defaults to 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scenes: f64,
}

/// How many objects are pasted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastedShare {
    /// The share of the pictures that get some.
    pub p: f64,
    /// The most that a picture gets.
    pub most: u32,
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl DetectionWay {
    /// Pictures as they are stored.
    const NONE: Self = Self {
        repeat_factors: false,
        copy_paste: None,
        scenes: 0.0,
    };
    /// Pictures with rare classes repeated: what all ways to add objects do as well, and what they are compared with.
    pub(in crate::ablation) const REPEAT_FACTORS: Self = Self {
        repeat_factors: true,
        ..Self::NONE
    };

    const fn with(copy_paste: Option<(f64, u32)>, scenes: f64) -> Self {
        Self {
            copy_paste: match copy_paste {
                Some((p, most)) => Some(PastedShare { p, most }),
                None => None,
            },
            scenes,
            ..Self::REPEAT_FACTORS
        }
    }

    /// The ways that are tried inside the training pictures.
    pub(in crate::ablation) fn tried(quick: bool) -> &'static [Self] {
        const ALL: [DetectionWay; 4] = [
            DetectionWay::with(Some((0.5, 2)), 0.0),
            DetectionWay::with(Some((1.0, 4)), 0.0),
            DetectionWay::with(None, 0.25),
            DetectionWay::with(Some((0.5, 2)), 0.25),
        ];
        match quick {
            true => &ALL[..3],
            false => &ALL,
        }
    }
}

impl fmt::Display for DetectionWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pasted = self
            .copy_paste
            .map(|of| format!("copy-paste of up to {} objects into {} of the pictures", of.most, of.p));
        let scenes = (self.scenes > 0.0).then(|| format!("scenes, {} of the pictures", self.scenes));
        let parts: Vec<String> = pasted.into_iter().chain(scenes).collect();
        match (parts.is_empty(), self.repeat_factors) {
            (false, _) => f.write_str(&parts.join(" and ")),
            (true, true) => f.write_str("repeat factors"),
            (true, false) => f.write_str("none"),
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ablation) struct DetectionArm {
    pub(in crate::ablation) name: &'static str,
    pub(in crate::ablation) way: DetectionWay,
}

impl DetectionArm {
    /// The row that others are compared with.
    pub(in crate::ablation) const BASELINE: Self = Self {
        name: "repeat factors",
        way: DetectionWay::REPEAT_FACTORS,
    };
    /// The rows, in the order of the table.
    pub(in crate::ablation) const ALL: [Self; 4] = [
        Self {
            name: "none",
            way: DetectionWay::NONE,
        },
        Self::BASELINE,
        Self {
            name: "copy-paste",
            way: DetectionWay::with(Some((0.5, 2)), 0.0),
        },
        Self {
            name: "scenes",
            way: DetectionWay::with(None, 0.25),
        },
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_named_by_what_they_add() {
        let names: Vec<String> = DetectionWay::tried(false).iter().map(ToString::to_string).collect();
        assert_eq!(names[0], "copy-paste of up to 2 objects into 0.5 of the pictures");
        assert_eq!(names[2], "scenes, 0.25 of the pictures");
        assert_eq!(
            names[3],
            "copy-paste of up to 2 objects into 0.5 of the pictures and scenes, 0.25 of the pictures"
        );
        let rows: Vec<String> = DetectionArm::ALL[..2].iter().map(|arm| arm.way.to_string()).collect();
        assert_eq!(rows, ["none", "repeat factors"]);
        let mut all = names.clone();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), names.len(), "each is told from the others by its name");
    }

    #[test]
    fn a_way_comes_back_from_json() {
        for way in DetectionWay::tried(false) {
            let json = serde_json::to_string(way).unwrap();
            assert_eq!(serde_json::from_str::<DetectionWay>(&json).unwrap(), *way, "{json}");
        }
    }
}
