//! The generators whose rows are compared: a new one is a line in [`GENERATORS`].

use super::rows::Input;
use super::rules;
use crate::generative::{CtganSpec, GanSpec, TvaeSpec, VaeSpec};
use crate::synthetic::learned::LearnedSpec;
use crate::synthetic::{CalibratedSpec, CopulaSpec, GeneratorSpec, JitterSpec, ResidualsSpec, SmoteSpec};

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
    /// Rules that follow from the [columns](super::rules::of_columns) of the training rows.
    Simulated,
    /// A generator of pictures, whose rows are written once to a file as those of a network are. It is told the column of pictures.
    Written(fn(&str) -> Box<dyn GeneratorSpec>),
}

impl Synthetic {
    /// What it is one of: those of one family differ in strength, and all networks are one.
    pub(super) fn family(&self) -> &'static str {
        if self.is_learned() {
            return "network";
        }
        let end = [", ", " x ", " of "].iter().filter_map(|end| self.name.find(end)).min();
        &self.name[..end.unwrap_or(self.name.len())]
    }

    /// Whether a network is trained for it.
    pub(super) fn is_learned(&self) -> bool {
        matches!(self.made, Made::Learned(_))
    }
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
/// Where differences between rows of a class are moved to another one.
const MOVED: &[Input] = &[Input::Pretrained, Input::Columns, Input::Forest];
const COLUMNS: &[Input] = &[Input::Columns];
const TABLES: &[Input] = &[Input::Columns, Input::Forest];
const VECTORS: &[Input] = &[Input::Pretrained, Input::Columns];
pub(super) const ALL: &[Input] = &[Input::Pretrained, Input::FromScratch, Input::Columns, Input::Forest];
const PIXELS: &[Input] = &[Input::FromScratch];

const GENERATORS: &[Synthetic] = &[
    fitted("SMOTE", ALL, VECTORS, |of| {
        Box::new(SmoteSpec::new(of.column).largest(of.largest))
    }),
    fitted("class transfer", MOVED, VECTORS, |of| residuals(of, 0.5)),
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
    Synthetic {
        name: "rules: columns",
        space: Space::Columns,
        rows: TABLES,
        tried: COLUMNS,
        made: Made::Simulated,
    },
    Synthetic {
        name: "rules: warp",
        space: Space::Pictures,
        rows: PIXELS,
        tried: &[],
        made: Made::Written(|image| Box::new(rules::of_pictures(image))),
    },
    learned("VAE", Space::Pictures, PIXELS, &[], |quick| {
        let steps = if quick { 200 } else { 4000 };
        let spec = VaeSpec::default();
        Box::new(VaeSpec { steps, ..spec })
    }),
    learned("GAN", Space::Pictures, PIXELS, &[], |quick| {
        let steps = if quick { 200 } else { 4000 };
        let spec = GanSpec::default();
        Box::new(GanSpec { steps, ..spec })
    }),
    learned("TVAE", Space::Columns, TABLES, &[], |quick| {
        let steps = if quick { 200 } else { 2000 };
        let spec = TvaeSpec::default();
        Box::new(TvaeSpec { steps, ..spec })
    }),
    learned("CTGAN", Space::Columns, TABLES, &[], |quick| {
        let steps = if quick { 200 } else { 2000 };
        let spec = CtganSpec::default();
        Box::new(CtganSpec { steps, ..spec })
    }),
    // What is tried is trained anew for each part, so it is trained for a tenth of the steps, and once more so where it is chosen.
    learned("TVAE, 200 steps", Space::Columns, &[], COLUMNS, |_| {
        let spec = TvaeSpec::default();
        Box::new(TvaeSpec { steps: 200, ..spec })
    }),
    learned("CTGAN, 200 steps", Space::Columns, &[], COLUMNS, |_| {
        let spec = CtganSpec::default();
        Box::new(CtganSpec { steps: 200, ..spec })
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

/// It is tried inside the training rows where there is time alone, since it is trained anew for each part.
const fn learned(
    name: &'static str,
    space: Space,
    rows: &'static [Input],
    tried: &'static [Input],
    spec: fn(bool) -> Box<dyn LearnedSpec>,
) -> Synthetic {
    Synthetic {
        name,
        space,
        rows,
        tried,
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
pub(super) fn generators(input: Input) -> impl Iterator<Item = &'static Synthetic> {
    let has_row = move |generator: &&Synthetic| generator.rows.contains(&input);
    GENERATORS.iter().filter(has_row)
}

/// The generators that are tried inside the training rows for `input`, networks among them or not.
pub(super) fn tried(input: Input, networks: bool) -> impl Iterator<Item = &'static Synthetic> {
    let is_tried =
        move |generator: &&Synthetic| generator.tried.contains(&input) && (networks || !generator.is_learned());
    GENERATORS.iter().filter(is_tried)
}

/// The generator called `name`.
pub(super) fn generator(name: &str) -> Option<&'static Synthetic> {
    GENERATORS.iter().find(|generator| generator.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_differ_in_strength_are_one_family() {
        let family = |name: &str| generator(name).map(Synthetic::family);
        for (name, own) in [
            ("SMOTE", "SMOTE"),
            ("class transfer x 1", "class transfer"),
            ("calibration, alpha 0.5", "calibration"),
            ("calibration of the tail", "calibration"),
            ("jitter x 2", "jitter"),
            ("TVAE, 200 steps", "network"),
            ("CTGAN", "network"),
        ] {
            assert_eq!(family(name), Some(own), "{name}");
        }
    }

    #[test]
    fn names_are_told_apart_and_networks_are_tried_where_there_is_time() {
        let mut names: Vec<&str> = GENERATORS.iter().map(|of| of.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), GENERATORS.len());
        for &input in ALL {
            assert!(tried(input, false).all(|of| !of.is_learned()));
        }
        let networks = tried(Input::Columns, true).filter(|of| of.is_learned());
        assert_eq!(networks.count(), 2);
    }
}
