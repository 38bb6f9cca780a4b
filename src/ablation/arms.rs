//! The rows of an ablation's table: what is done about rare classes.

use super::rows::Input;
use crate::generative::{CtganSpec, GanSpec, TvaeSpec, VaeSpec};
use crate::mix::{Schedule, Target};
use crate::synthetic::learned::LearnedSpec;
use crate::synthetic::{CalibratedSpec, CopulaSpec, GeneratorSpec, JitterSpec, ResidualsSpec, SmoteSpec};
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
            share,
            until: 1.0,
            gate: false,
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

/// `SMOTE, share 0.5, off after 0.75`
impl fmt::Display for SyntheticShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gate = if self.gate { " behind a gate" } else { "" };
        write!(f, "{}{gate}, share {}", self.generator, self.share)?;
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
    /// Pictures as they are stored.
    Pictures,
}

/// A generator: a new one is a line in [`GENERATORS`].
pub(super) struct Synthetic {
    pub(super) name: &'static str,
    pub(super) space: Space,
    /// The inputs for which it has a row in the table.
    rows: &'static [Input],
    /// The inputs for which it is tried inside the training rows.
    tried: &'static [Input],
    pub(super) made: Made,
}

/// What makes the rows.
pub(super) enum Made {
    /// A generator of these parameters.
    Fitted(fn(&Served<'_>) -> Box<dyn GeneratorSpec>),
    /// A network, whose rows are written once to a file; trained for fewer steps, if it says so.
    Learned(fn(bool) -> Box<dyn LearnedSpec>),
}

/// What parameters of a generator depend on.
pub(super) struct Served<'a> {
    /// The tensor column.
    pub(super) column: &'a str,
    /// Rows of the largest class that lacks rows.
    pub(super) largest: u64,
    /// The mean number of rows of a class.
    pub(super) mean: u64,
}

const PRETRAINED: &[Input] = &[Input::Pretrained];
const COLUMNS: &[Input] = &[Input::Columns];
const TABLES: &[Input] = &[Input::Columns, Input::Forest];
const VECTORS: &[Input] = &[Input::Pretrained, Input::Columns];
const ALL: &[Input] = &[Input::Pretrained, Input::FromScratch, Input::Columns, Input::Forest];
const PIXELS: &[Input] = &[Input::FromScratch];

const GENERATORS: &[Synthetic] = &[
    fitted("SMOTE", ALL, VECTORS, |of| {
        Box::new(SmoteSpec::new(of.column).largest(of.largest))
    }),
    fitted("class transfer", PRETRAINED, PRETRAINED, |of| residuals(of, 0.5)),
    fitted("class transfer x 1", &[], PRETRAINED, |of| residuals(of, 1.0)),
    fitted("calibration", PRETRAINED, VECTORS, |of| calibrated(of, 2, 0.21, None)),
    fitted("calibration, alpha 0.5", &[], PRETRAINED, |of| {
        calibrated(of, 2, 0.5, None)
    }),
    fitted("calibration, alpha 1", &[], PRETRAINED, |of| {
        calibrated(of, 2, 1.0, None)
    }),
    fitted("calibration of 3", &[], PRETRAINED, |of| calibrated(of, 3, 0.21, None)),
    // Borrowing makes rows of the rarest classes alone.
    fitted("calibration of the tail", &[], PRETRAINED, |of| {
        calibrated(of, 2, 0.21, Some((of.mean / 2).max(1)))
    }),
    fitted("jitter", TABLES, COLUMNS, |of| jitter(of, 0.25)),
    fitted("jitter x 2", &[], COLUMNS, |of| jitter(of, 0.5)),
    fitted("jitter x 4", &[], COLUMNS, |of| jitter(of, 1.0)),
    Synthetic {
        name: "copula",
        space: Space::Columns,
        rows: TABLES,
        tried: COLUMNS,
        made: Made::Fitted(|_| Box::new(CopulaSpec::default())),
    },
    learned("VAE", Space::Pictures, PIXELS, |quick| {
        let steps = if quick { 400 } else { 4000 };
        let spec = VaeSpec::default();
        Box::new(VaeSpec { steps, ..spec })
    }),
    learned("GAN", Space::Pictures, PIXELS, |quick| {
        let steps = if quick { 400 } else { 4000 };
        let spec = GanSpec::default();
        Box::new(GanSpec { steps, ..spec })
    }),
    learned("TVAE", Space::Columns, TABLES, |quick| {
        let steps = if quick { 200 } else { 2000 };
        let spec = TvaeSpec::default();
        Box::new(TvaeSpec { steps, ..spec })
    }),
    learned("CTGAN", Space::Columns, TABLES, |quick| {
        let steps = if quick { 200 } else { 2000 };
        let spec = CtganSpec::default();
        Box::new(CtganSpec { steps, ..spec })
    }),
];

const fn fitted(
    name: &'static str,
    rows: &'static [Input],
    tried: &'static [Input],
    spec: fn(&Served<'_>) -> Box<dyn GeneratorSpec>,
) -> Synthetic {
    Synthetic {
        name,
        space: Space::Inputs,
        rows,
        tried,
        made: Made::Fitted(spec),
    }
}

/// A network is not tried inside the training rows: it would be trained anew for each part.
const fn learned(
    name: &'static str,
    space: Space,
    rows: &'static [Input],
    spec: fn(bool) -> Box<dyn LearnedSpec>,
) -> Synthetic {
    Synthetic {
        name,
        space,
        rows,
        tried: &[],
        made: Made::Learned(spec),
    }
}

fn residuals(of: &Served<'_>, strength: f64) -> Box<dyn GeneratorSpec> {
    Box::new(ResidualsSpec {
        column: of.column.to_owned(),
        strength,
        ..ResidualsSpec::default()
    })
}

fn calibrated(of: &Served<'_>, neighbours: usize, alpha: f64, large: Option<u64>) -> Box<dyn GeneratorSpec> {
    Box::new(CalibratedSpec {
        column: of.column.to_owned(),
        neighbours,
        alpha,
        large,
        ..CalibratedSpec::default()
    })
}

fn jitter(of: &Served<'_>, noise: f64) -> Box<dyn GeneratorSpec> {
    Box::new(JitterSpec {
        column: of.column.to_owned(),
        noise,
        ..JitterSpec::default()
    })
}

/// The generators that have a row in the table of `input`.
fn generators(input: Input) -> impl Iterator<Item = &'static Synthetic> {
    let has_row = move |generator: &&Synthetic| generator.rows.contains(&input);
    GENERATORS.iter().filter(has_row)
}

/// The generators that are tried inside the training rows for `input`.
pub(super) fn tried(input: Input) -> impl Iterator<Item = &'static Synthetic> {
    let is_tried = move |generator: &&Synthetic| generator.tried.contains(&input);
    GENERATORS.iter().filter(is_tried)
}

/// The generator called `name`.
pub(super) fn generator(name: &str) -> Option<&'static Synthetic> {
    GENERATORS.iter().find(|generator| generator.name == name)
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
        let gated = SyntheticShare { gate: true, ..share };
        assert_eq!(
            gated.to_string(),
            "SMOTE behind a gate, share 0.5, off after 0.75 of the training"
        );
    }
}
