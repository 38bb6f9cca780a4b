//! The rows of an ablation's table: what is done about rare classes.

use super::rows::Input;
use crate::mix::{Schedule, Target};
use crate::synthetic::{CalibratedSpec, CopulaSpec, GeneratorSpec, ResidualsSpec, SmoteSpec};
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

/// How many synthetic rows there are, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyntheticShare {
    /// The name of the generator.
    pub generator: String,
    /// The most that synthetic rows make up of what a class is given beyond its stored rows.
    pub share: f64,
    /// The share of the training after which no synthetic rows come; 1 where they come until its end.
    pub until: f64,
}

impl SyntheticShare {
    /// The share over a training of so many rows.
    pub(super) fn schedule(&self, rows: u64) -> Schedule {
        let share = Schedule::constant(self.share);
        match self.until < 1.0 {
            true => share.off((self.until * rows as f64) as u64),
            false => share,
        }
    }
}

/// `SMOTE, share 0.5, off after 0.75`
impl fmt::Display for SyntheticShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, share {}", self.generator, self.share)?;
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

/// What a generator works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// The tensor column that the network is given: frozen features, pixels, encoded columns.
    Inputs,
    /// The columns of a table as they are stored.
    Columns,
}

/// A generator in the table: a new one is a line in [`GENERATORS`].
pub(super) struct Synthetic {
    pub(super) name: &'static str,
    pub(super) space: Space,
    /// The inputs for which it is tried.
    inputs: &'static [Input],
    /// Its parameters, for the tensor column of this name and classes of so many rows at most.
    pub(super) spec: fn(&str, u64) -> Box<dyn GeneratorSpec>,
}

const ALL: &[Input] = &[Input::Pretrained, Input::FromScratch, Input::Columns];

const GENERATORS: &[Synthetic] = &[
    Synthetic {
        name: "SMOTE",
        space: Space::Inputs,
        inputs: ALL,
        spec: |column, largest| {
            Box::new(SmoteSpec {
                column: column.to_owned(),
                largest: Some(largest),
                ..SmoteSpec::default()
            })
        },
    },
    Synthetic {
        name: "class transfer",
        space: Space::Inputs,
        inputs: &[Input::Pretrained],
        spec: |column, _| {
            Box::new(ResidualsSpec {
                column: column.to_owned(),
                ..ResidualsSpec::default()
            })
        },
    },
    Synthetic {
        name: "calibration",
        space: Space::Inputs,
        inputs: &[Input::Pretrained],
        spec: |column, _| {
            Box::new(CalibratedSpec {
                column: column.to_owned(),
                ..CalibratedSpec::default()
            })
        },
    },
    Synthetic {
        name: "copula",
        space: Space::Columns,
        inputs: &[Input::Columns],
        spec: |_, _| Box::new(CopulaSpec::default()),
    },
];

/// The generators that are tried for `input`.
pub(super) fn generators(input: Input) -> impl Iterator<Item = &'static Synthetic> {
    GENERATORS
        .iter()
        .filter(move |generator| generator.inputs.contains(&input))
}

/// The generator called `name`.
pub(super) fn generator(name: &str) -> Option<&'static Synthetic> {
    GENERATORS.iter().find(|generator| generator.name == name)
}

/// The row of what was chosen inside the training rows, beside those of the table.
pub(super) const CHOSEN: &str = "chosen";

/// Rows as they are stored.
const STORED: Target = Target::Power(1.0);

/// The share of synthetic rows where it is not chosen.
const SHARE: f64 = 0.5;

/// The name of the row that others are compared with.
pub(super) fn baseline(input: Input) -> &'static str {
    match input {
        Input::Columns => "repeats",
        Input::Pretrained | Input::FromScratch => "repeats + augmentation",
    }
}

/// The rows for `input`, the one that others are compared with among them.
pub(super) fn arms(input: Input) -> Vec<Arm> {
    let can_augment = input != Input::Columns;
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
            way: Some(synthetic(input, generator.name, SHARE, 1.0)),
        });
    }
    let softmax = arm("balanced softmax", STORED, true);
    arms.push(Arm {
        way: softmax.way.map(|way| Way {
            loss: Loss::BalancedSoftmax(BalancedSoftmax::new()),
            ..way
        }),
        ..softmax
    });
    // It chooses on features of one dimension, and a network on pixels would cost it more than all else here.
    if input != Input::FromScratch {
        arms.push(Arm {
            name: "auto".to_owned(),
            way: None,
        });
    }
    arms
}

/// The way of the row that others are compared with.
pub(super) fn baseline_way(input: Input) -> Way {
    Way {
        target: Target::Uniform,
        augmented: input != Input::Columns,
        synthetic: None,
        loss: Loss::default(),
    }
}

/// A way with synthetic rows.
pub(super) fn synthetic(input: Input, generator: &str, share: f64, until: f64) -> Way {
    Way {
        synthetic: Some(SyntheticShare {
            generator: generator.to_owned(),
            share,
            until,
        }),
        ..baseline_way(input)
    }
}

#[cfg(test)]
mod tests {
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
            generator: "SMOTE".to_owned(),
            share: 0.5,
            until: 0.75,
        };
        let schedule = share.schedule(1000);
        assert_eq!([0, 749, 750].map(|row| schedule.at(row)), [0.5, 0.5, 0.0]);
        assert_eq!(share.to_string(), "SMOTE, share 0.5, off after 0.75 of the training");
    }
}
