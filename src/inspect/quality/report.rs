//! What was found, as data.

use crate::quote::quoted;
use crate::synthetic::quality::{Group, Interval};
use serde::Serialize;

/// What was compared, and what came of it: it serialises to one JSON object, and a program lays it out.
#[derive(Clone, Debug, Serialize)]
pub struct QualityReport {
    /// What the rows are.
    pub medium: Medium,
    /// Real rows that the generator may have been fitted on.
    pub real_rows: usize,
    /// Synthetic rows.
    pub synthetic_rows: usize,
    /// Real rows that are the control.
    pub holdout_rows: usize,
    /// Whether the control was split off the real rows because none was named: then the generator may have been fitted on it, and what compares training
    /// with holdout is not judged.
    pub holdout_is_split: bool,
    /// How the data was understood, a sentence each.
    pub notes: Vec<String>,
    /// Fidelity, usefulness (where there are labels), privacy, and bias (where there are labels or groups).
    pub sections: Vec<QualitySection>,
    /// Of tables each column: how like its values are spread.
    pub columns: Vec<ColumnQuality>,
    /// Of tables the pairs of columns that lose most, the worst first, 10 at most.
    pub pairs: Vec<PairQuality>,
    /// Classes and groups.
    pub groups: Vec<GroupQuality>,
    /// What can be drawn.
    #[serde(skip)]
    pub plots: Plots,
}

/// What rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Columns of numbers and categories.
    Table,
    /// A tensor column of numbers: features that were made elsewhere.
    Features,
    /// Pictures, seen through the features of a frozen network.
    Pictures,
}

/// Figures of one question.
#[derive(Clone, Debug, Serialize)]
pub struct QualitySection {
    /// "fidelity", "usefulness", "privacy" or "bias".
    pub name: String,
    /// Whether all figures that are judged lie where they should; none where none could be judged.
    pub passes: Option<bool>,
    /// The verdict in plain words, with the figure that decided.
    pub verdict: String,
    /// The figures.
    pub figures: Vec<ComparedFigure>,
}

/// A figure of synthetic rows beside that of real ones.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedFigure {
    /// Its name: "frechet_distance".
    pub name: String,
    /// The class or group that it is of; none where it is of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Of the synthetic rows.
    pub synthetic: Interval,
    /// The same figure of real rows; of gains that of repeated real rows, as many of each class as synthetic rows are.
    pub control: Interval,
    /// How it is judged; none where it is for information.
    pub rule: Option<Rule>,
    /// Whether it passes; none where it is not judged.
    pub passes: Option<bool>,
}

/// How far a figure may lie on the wrong side of its control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Which side is the wrong one.
    pub better: Better,
    /// What it is measured from: the value of its control, or what rows of the same distribution have, where that is known and worse.
    pub against: f64,
    /// How far it may lie there. A figure fails where the whole of its interval lies further.
    pub margin: f64,
}

/// Which values of a figure are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Large ones.
    Higher,
    /// Small ones.
    Lower,
}

/// How like the values of a column are spread.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnQuality {
    /// Its name.
    pub name: String,
    /// Whether it holds categories; else it holds numbers.
    pub is_category: bool,
    /// The complement of the Kolmogorov-Smirnov distance of numbers, or of the total variation of categories.
    pub synthetic: Interval,
    /// The same of real rows.
    pub control: Interval,
}

/// How like two columns hang together.
#[derive(Clone, Debug, Serialize)]
pub struct PairQuality {
    /// The names of the columns.
    pub columns: [String; 2],
    /// The similarity of their correlations, or of their contingency tables where one holds categories; from 0 to 1, where they are alike.
    pub synthetic: Interval,
    /// The same of real rows.
    pub control: Interval,
}

/// A class or a group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupQuality {
    /// The column that tells groups apart.
    pub column: String,
    /// Its value.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub group: Group,
    /// The figures, "precision" and "coverage", of which it is the worst of its column: of those that are behind real rows the one that loses most, or, where none is,
    /// the one that loses most, which may be chance.
    pub worst_in: Vec<&'static str>,
    /// The figures by which it is behind real rows.
    pub fails_in: Vec<&'static str>,
}

/// What can be drawn.
#[derive(Clone, Debug, Default)]
pub struct Plots {
    /// Real, synthetic and holdout rows along the two directions in which real rows vary most; 400 of each at most.
    pub projection: [Vec<[f64; 2]>; 3],
    /// Distances of synthetic rows, and of holdout rows, to their closest training row.
    pub closest: [Vec<f64>; 2],
    /// Histograms of columns.
    pub marginals: Vec<Marginal>,
}

/// Histograms of one column.
#[derive(Clone, Debug)]
pub struct Marginal {
    /// The column's name.
    pub name: String,
    /// What each bar is of.
    pub bars: Vec<String>,
    /// The share of real rows, and of synthetic ones, of each bar.
    pub shares: [Vec<f64>; 2],
}

impl ComparedFigure {
    /// A figure that may be worse than its control by `margin`.
    pub(super) fn judged(name: &str, synthetic: Interval, control: Interval, better: Better, margin: f64) -> Self {
        let against = control.value;
        Self::judged_against(
            name,
            [synthetic, control],
            Rule {
                better,
                against,
                margin,
            },
        )
    }

    /// A figure, its control, and how it is judged.
    pub(super) fn judged_against(name: &str, [synthetic, control]: [Interval; 2], rule: Rule) -> Self {
        let known = synthetic.is_known() && rule.against.is_finite();
        let fails = match rule.better {
            Better::Higher => synthetic.high < rule.against - rule.margin,
            Better::Lower => synthetic.low > rule.against + rule.margin,
        };
        Self {
            name: name.to_owned(),
            of: None,
            synthetic,
            control,
            rule: Some(rule),
            passes: known.then_some(!fails),
        }
    }

    /// A figure for information.
    pub(super) fn shown(name: &str, synthetic: Interval, control: Interval) -> Self {
        Self {
            name: name.to_owned(),
            of: None,
            synthetic,
            control,
            rule: None,
            passes: None,
        }
    }

    /// The same figure, of the class or group `name`.
    pub(super) fn of_group(self, name: &str) -> Self {
        Self {
            of: Some(name.to_owned()),
            ..self
        }
    }

    /// Its name in words, with the class or group that it is of: `worst class precision ("cat")`.
    pub fn title(&self) -> String {
        let words = self.name.replace('_', " ");
        match &self.of {
            None => words,
            Some(name) => format!("{words} ({})", quoted(name)),
        }
    }

    /// The same figure, not judged.
    pub(super) fn not_judged(self) -> Self {
        Self {
            rule: None,
            passes: None,
            ..self
        }
    }

    /// How it fails, in words; none where it does not.
    fn fault(&self) -> Option<String> {
        let Rule {
            better,
            against,
            margin,
        } = self.rule.filter(|_| self.passes == Some(false))?;
        let side = match better {
            Better::Higher => "below",
            Better::Lower => "above",
        };
        // Beside it stands what is called real.
        let whose = match against == self.control.value {
            true => "of real rows",
            false => "that rows have which tell nothing",
        };
        Some(format!(
            "{} is {:.3}, with its whole interval more than {margin} {side} the {against:.3} {whose}",
            self.title(),
            self.synthetic.value,
        ))
    }
}

impl QualitySection {
    /// The verdict of `figures`: all that are judged have to pass. `unknown` says why none is where none is.
    pub(super) fn new(name: &str, figures: Vec<ComparedFigure>, unknown: &str) -> Self {
        let faults: Vec<String> = figures.iter().filter_map(ComparedFigure::fault).collect();
        let judged = figures.iter().filter(|figure| figure.passes.is_some()).count();
        let (passes, verdict) = match (judged, faults.as_slice()) {
            (0, _) => (None, format!("not judged: {unknown}")),
            (_, []) => {
                let named = figures.iter().filter(|figure| figure.passes.is_some());
                let named: Vec<String> = named
                    .filter_map(|figure| Some(format!("{} {}", figure.title(), figure.rule?.margin)))
                    .collect();
                (
                    Some(true),
                    format!(
                        "passes: of no figure does the whole interval lie worse than real rows by more than ({})",
                        named.join(", ")
                    ),
                )
            }
            (_, faults) => (Some(false), format!("fails: {}", faults.join("; "))),
        };
        Self {
            name: name.to_owned(),
            passes,
            verdict,
            figures,
        }
    }
}
