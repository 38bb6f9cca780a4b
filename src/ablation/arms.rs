//! The rows of an ablation's table: what is done about rare classes.

use super::generators::generators;
use super::rows::Input;
use crate::mix::{Schedule, Target};
use crate::train::loss::{BalancedSoftmax, Loss};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done about rare classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// Shares of the classes among the training rows.
    pub target: Target,
    /// Whether rows come in augmented views as well.
    pub augmented: bool,
    /// What makes synthetic rows, by its name in the table of generators; none where rows are repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<SyntheticShare>,
    /// The loss.
    pub loss: Loss,
}

impl Way {
    /// Whether there are synthetic rows that have to pass a gate.
    pub(super) fn is_gated(&self) -> bool {
        self.synthetic.as_ref().is_some_and(|of| of.gate)
    }
}

/// How many synthetic rows there are, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyntheticShare {
    /// The name of the generator.
    pub generator: String,
    /// The name of a second one, which makes every other row; none where there is one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// The most that synthetic rows make up of what a class is given beyond its stored rows.
    pub share: f64,
    /// The share of the training after which no synthetic rows come; 1 where they come until its end.
    pub until: f64,
    /// Whether rows have to pass a [`Gate`](crate::synthetic::Gate), that of [`GateSpec`](crate::synthetic::GateSpec)'s defaults.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
}

impl SyntheticShare {
    /// A share of what `generator` makes, until the end of the training and without a gate.
    pub(super) fn new(generator: &str, share: f64) -> Self {
        Self {
            generator: generator.to_owned(),
            beside: None,
            share,
            until: 1.0,
            gate: false,
        }
    }

    /// The same share of what both make in turn, half of it each.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            beside: Some(other.generator.clone()),
            ..self.clone()
        }
    }

    /// The share over a training of so many rows.
    pub(super) fn schedule(&self, rows: u64) -> Schedule {
        let share = Schedule::constant(self.share);
        match self.until < 1.0 {
            true => share.off((self.until * rows as f64) as u64),
            false => share,
        }
    }
}

/// `SMOTE and copula, share 0.5, off after 0.75`
impl fmt::Display for SyntheticShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gate = if self.gate { " behind a gate" } else { "" };
        let beside = self.beside.iter().map(|other| format!(" and {other}"));
        let beside: String = beside.collect();
        write!(f, "{}{beside}{gate}, share {}", self.generator, self.share)?;
        match self.until < 1.0 {
            true => write!(f, ", off after {} of the training", self.until),
            false => Ok(()),
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arm {
    pub(super) name: String,
    /// None where way and loss are chosen by [`AutoBalance`](crate::train::AutoBalance).
    pub(super) way: Option<Way>,
}

/// The row of SMOTE's rows that pass a gate.
const GATED: &str = "SMOTE behind a gate";

/// The row of what was chosen inside the training rows, beside those of the table.
pub(super) const CHOSEN: &str = "chosen";

/// Rows as they are stored.
const STORED: Target = Target::Power(1.0);

/// The share of synthetic rows where it is not chosen.
const SHARE: f64 = 0.5;

/// The name of the row that others are compared with.
pub(super) fn baseline(input: Input) -> &'static str {
    match input {
        Input::Columns | Input::Forest => "repeats",
        Input::Pretrained | Input::FromScratch => "repeats + augmentation",
    }
}

/// The rows for `input`, the one that others are compared with among them.
pub(super) fn arms(input: Input) -> Vec<Arm> {
    let can_augment = !input.is_table();
    let arm = |name: &str, target: Target, augmented: bool| Arm {
        name: name.to_owned(),
        way: Some(Way {
            target,
            augmented: augmented && can_augment,
            synthetic: None,
            loss: Loss::default(),
        }),
    };
    let mut arms = vec![arm("none", STORED, false), arm("repeats", Target::Uniform, false)];
    if can_augment {
        arms.push(arm("augmentation", STORED, true));
        arms.push(arm(baseline(input), Target::Uniform, true));
    }
    for generator in generators(input) {
        arms.push(Arm {
            name: generator.name.to_owned(),
            way: Some(synthetic(input, SyntheticShare::new(generator.name, SHARE))),
        });
    }
    if input != Input::FromScratch {
        let gated = SyntheticShare {
            gate: true,
            ..SyntheticShare::new("SMOTE", SHARE)
        };
        arms.push(Arm {
            name: GATED.to_owned(),
            way: Some(synthetic(input, gated)),
        });
    }
    // A forest has no loss.
    if input == Input::Forest {
        return arms;
    }
    let softmax = arm("balanced softmax", STORED, true);
    arms.push(Arm {
        way: softmax.way.map(|way| Way {
            loss: Loss::BalancedSoftmax(BalancedSoftmax::new()),
            ..way
        }),
        ..softmax
    });
    arms.push(Arm {
        name: "auto".to_owned(),
        way: None,
    });
    arms
}

/// The way of the row that others are compared with.
pub(super) fn baseline_way(input: Input) -> Way {
    Way {
        target: Target::Uniform,
        augmented: !input.is_table(),
        synthetic: None,
        loss: Loss::default(),
    }
}

/// A way with synthetic rows.
pub(super) fn synthetic(input: Input, of: SyntheticShare) -> Way {
    Way {
        synthetic: Some(of),
        ..baseline_way(input)
    }
}

#[cfg(test)]
mod tests {
    use super::super::generators::ALL;
    use super::*;

    #[test]
    fn each_input_has_its_baseline_and_every_generator_a_row() {
        for &input in ALL {
            let arms = arms(input);
            let of = |name: &str| arms.iter().find(|arm| arm.name == name).and_then(|arm| arm.way.clone());
            assert_eq!(of(baseline(input)), Some(baseline_way(input)));
            for generator in generators(input) {
                let way = of(generator.name).and_then(|way| way.synthetic);
                assert_eq!(way.map(|way| way.generator).as_deref(), Some(generator.name));
            }
            let mut names: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), arms.len(), "no name comes twice");
            // Else a table does not fit into a terminal.
            assert!(names.iter().all(|name| name.len() <= 22), "{names:?}");
        }
    }

    #[test]
    fn a_schedule_ends_where_it_says() {
        let share = SyntheticShare {
            until: 0.75,
            ..SyntheticShare::new("SMOTE", 0.5)
        };
        let schedule = share.schedule(1000);
        assert_eq!([0, 749, 750].map(|row| schedule.at(row)), [0.5, 0.5, 0.0]);
        assert_eq!(share.to_string(), "SMOTE, share 0.5, off after 0.75 of the training");
        let both = share.and(&SyntheticShare::new("copula", 1.0));
        assert_eq!(
            both.to_string(),
            "SMOTE and copula, share 0.5, off after 0.75 of the training"
        );
        let gated = SyntheticShare { gate: true, ..share };
        assert_eq!(
            gated.to_string(),
            "SMOTE behind a gate, share 0.5, off after 0.75 of the training"
        );
    }
}
