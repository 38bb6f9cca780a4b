//! What a task measured on evaluation rows.

use super::confusion::Confusion;
use super::detection::PrecisionRecall;
use super::named::Named;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A figure and what it is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The number; `None` where it is not defined, such as the recall of a class without rows.
    pub value: Option<f64>,
    /// One standard error, to six digits: about two thirds of the figures that other rows of the same kind would give lie within
    /// it. `None` where there are too few rows to tell.
    pub standard_error: Option<f64>,
}

impl Figure {
    /// `value` with its standard error. Numbers that are not finite are not defined.
    pub fn new(value: impl Into<Option<f64>>, standard_error: impl Into<Option<f64>>) -> Self {
        Self {
            value: value.into().filter(|value| value.is_finite()),
            standard_error: standard_error.into().filter(|error| error.is_finite()).map(six_digits),
        }
    }
}

/// Six digits are more than such a number has, and come back from JSON as they were.
fn six_digits(error: f64) -> f64 {
    format!("{error:.5e}").parse().unwrap_or(error)
}

/// What a task measured on evaluation rows: its figures, the one that chooses between models, and what lies behind them.
///
/// ```
/// use millstream::report::{Figure, Measured};
///
/// let measured = Measured::new(40, "mae").lower_is_better().with("mae", Figure::new(2.5, 0.4));
/// assert_eq!(measured.value("mae"), Some(2.5));
/// assert_eq!(measured.score(), Some(-2.5));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Evaluation rows.
    pub rows: u64,
    /// The figures by name, in the order in which a table shows them.
    pub figures: Named<Figure>,
    /// The name of the figure that chooses between models.
    pub chooses: String,
    /// Whether the smaller figure is the better one.
    pub lower_is_better: bool,
    /// Figures of each class, in the order of the classes, by the name of the figure; none where there are no classes.
    pub by_class: Named<Vec<Figure>>,
    /// Evaluation rows of each class; empty where there are no classes.
    pub tested: Vec<u64>,
    /// Truth against prediction, where each row has one class.
    pub confusion: Option<Confusion>,
    /// Precision over recall, where boxes are found.
    pub precision_recall: Option<PrecisionRecall>,
    /// What else there is to know, as data.
    pub details: Map<String, Value>,
}

impl Measured {
    /// Measured on so many `rows`; the figure called `chooses`, which is still to be [given](Self::with), chooses.
    pub fn new(rows: u64, chooses: &str) -> Self {
        Self {
            rows,
            figures: Named::default(),
            chooses: chooses.to_owned(),
            lower_is_better: false,
            by_class: Named::default(),
            tested: Vec::new(),
            confusion: None,
            precision_recall: None,
            details: Map::new(),
        }
    }

    /// Of the figure that chooses the smaller value is the better one.
    #[must_use]
    pub fn lower_is_better(mut self) -> Self {
        self.lower_is_better = true;
        self
    }

    /// With the figure called `name`.
    #[must_use]
    pub fn with(mut self, name: &str, figure: Figure) -> Self {
        self.figures.insert(name, figure);
        self
    }

    /// With a figure of each class.
    #[must_use]
    pub fn with_classes(mut self, name: &str, figures: Vec<Figure>) -> Self {
        self.by_class.insert(name, figures);
        self
    }

    /// With what else there is to know.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The value of the figure called `name`, if there is one.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.get(name)?.value
    }

    /// The figure that chooses, turned so that more is better; `None` where it is not defined.
    pub fn score(&self) -> Option<f64> {
        let value = self.value(&self.chooses)?;
        Some(if self.lower_is_better { -value } else { value })
    }

    /// The figures of classes of one row each: accuracy, balanced accuracy (which chooses) and macro F1, the recall of each class,
    /// and the matrix itself. Standard errors are [`Confusion`]'s: [of shares](super::share_error), of macro F1 by the jackknife.
    pub fn of_classes(confusion: Confusion) -> Self {
        let recalls = confusion.recalls().into_iter().zip(confusion.recall_errors());
        let recalls = recalls.map(|(recall, error)| Figure::new(recall, error)).collect();
        Self {
            tested: (0..confusion.classes()).map(|class| confusion.rows(class)).collect(),
            ..Self::new(confusion.total(), "balanced_accuracy")
                .with(
                    "accuracy",
                    Figure::new(confusion.accuracy(), confusion.accuracy_error()),
                )
                .with(
                    "balanced_accuracy",
                    Figure::new(confusion.balanced_accuracy(), confusion.balanced_accuracy_error()),
                )
                .with(
                    "macro_f1",
                    Figure::new(confusion.macro_f1(), confusion.macro_f1_error()),
                )
                .with_classes("recall", recalls)
        }
        .confusion(confusion)
    }

    fn confusion(mut self, confusion: Confusion) -> Self {
        self.confusion = Some(confusion);
        self
    }
}
