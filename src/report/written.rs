//! The figures of a run as JSON.

use super::confusion::Confusion;
use super::detection::PrecisionRecall;
use super::figures::{ClassCounts, RareClass, RunFigures};
use super::measured::{Figure, Measured};
use super::named::Named;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is read of the figures of a run.
#[derive(Deserialize)]
struct Written {
    task: String,
    figure: String,
    #[serde(default)]
    lower_is_better: bool,
    standard_errors: Errors,
    #[serde(default)]
    by_class: Named<Vec<Figure>>,
    #[serde(default)]
    tested: Vec<u64>,
    #[serde(default)]
    confusion: Option<Confusion>,
    #[serde(default)]
    precision_recall: Option<PrecisionRecall>,
    #[serde(default)]
    details: Map<String, Value>,
    #[serde(default)]
    rarest: Vec<RareClass>,
    #[serde(default)]
    classes: Vec<String>,
    seconds: f64,
    #[serde(default)]
    counts: Named<ClassCounts>,
    /// The figures themselves among them.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// The number of evaluation rows, and the standard error of each figure by its name.
#[derive(Deserialize)]
struct Errors {
    rows: u64,
    #[serde(flatten)]
    of: Named<Option<f64>>,
}

impl<'de> Deserialize<'de> for RunFigures {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(Written::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl TryFrom<Written> for RunFigures {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let figure = |(name, error): (&str, &Option<f64>)| {
            let value = written
                .rest
                .get(name)
                .ok_or_else(|| format!("the figure {name:?} is missing"))?;
            let figure = Figure {
                value: value.as_f64(),
                standard_error: *error,
            };
            Ok::<_, String>((name.to_owned(), figure))
        };
        let figures = written.standard_errors.of.iter().map(figure);
        let figures: Named<Figure> = figures.collect::<Result<Vec<_>, _>>()?.into_iter().collect();
        if figures.get(&written.figure).is_none() {
            return Err(format!("there is no figure {:?}, which is to choose", written.figure));
        }
        Ok(Self {
            task: written.task,
            measured: Measured {
                rows: written.standard_errors.rows,
                figures,
                chooses: written.figure,
                lower_is_better: written.lower_is_better,
                by_class: written.by_class,
                tested: written.tested,
                confusion: written.confusion,
                precision_recall: written.precision_recall,
                details: written.details,
            },
            rarest: written.rarest,
            classes: written.classes,
            seconds: written.seconds,
            counts: written.counts,
        })
    }
}

impl Serialize for RunFigures {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let measured = &self.measured;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("task", &self.task)?;
        for (name, figure) in measured.figures.iter() {
            map.serialize_entry(name, &figure.value)?;
        }
        map.serialize_entry("figure", &measured.chooses)?;
        if measured.lower_is_better {
            map.serialize_entry("lower_is_better", &true)?;
        }
        map.serialize_entry("standard_errors", &ErrorsOf(measured))?;
        if !self.classes.is_empty() {
            for (name, figures) in measured.by_class.iter() {
                let values = self
                    .classes
                    .iter()
                    .cloned()
                    .zip(figures.iter().map(|figure| figure.value));
                map.serialize_entry(&format!("{name}s"), &values.collect::<Named<_>>())?;
            }
            map.serialize_entry("per_class", &per_class(self))?;
            map.serialize_entry("by_class", &measured.by_class)?;
            map.serialize_entry("tested", &measured.tested)?;
            map.serialize_entry("rarest", &self.rarest)?;
            map.serialize_entry("classes", &self.classes)?;
            map.serialize_entry("counts", &self.counts)?;
        }
        if let Some(confusion) = &measured.confusion {
            map.serialize_entry("confusion", confusion)?;
        }
        if let Some(curves) = &measured.precision_recall {
            map.serialize_entry("precision_recall", curves)?;
        }
        if !measured.details.is_empty() {
            map.serialize_entry("details", &measured.details)?;
        }
        map.serialize_entry("seconds", &self.seconds)?;
        map.end()
    }
}

/// The figures of each class by its name: those of boxes under the short names that they have elsewhere.
fn per_class(run: &RunFigures) -> Named<Named<Option<f64>>> {
    let figures = |at: usize| -> Named<Option<f64>> {
        let figures = run.measured.by_class.iter();
        figures
            .map(|(name, figures)| (short(name), figures.get(at).and_then(|figure| figure.value)))
            .collect()
    };
    let classes = run.classes.iter().enumerate();
    classes.map(|(at, class)| (class.as_str(), figures(at))).collect()
}

fn short(figure: &str) -> &str {
    match figure {
        "average_precision" => "ap",
        "average_recall" => "ar",
        other => other,
    }
}

struct ErrorsOf<'a>(&'a Measured);

impl Serialize for ErrorsOf<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("rows", &self.0.rows)?;
        for (name, figure) in self.0.figures.iter() {
            map.serialize_entry(name, &figure.standard_error)?;
        }
        map.end()
    }
}
