use super::column::Column;
use super::kind::LabelKind;
use super::multi::MultiLabels;
use super::single::Labels;
use super::survey::Survey;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::{Split, stratified, stratified_multi_label};
use std::sync::Arc;

/// The classes of every row, as the label column has them: one a row, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyLabels {
    /// One class a row.
    Class(Arc<Labels>),
    /// Any number of classes a row.
    MultiLabel(Arc<MultiLabels>),
}

impl AnyLabels {
    /// Scans `column` of `dataset`, whose type decides which labels it has.
    ///
    /// # Errors
    ///
    /// As [`Labels::scan`] and [`MultiLabels::scan`]; `Schema` for numbers, which have no classes.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        Ok(match Self::kind_of(dataset, column)? {
            LabelKind::MultiLabel => Self::MultiLabel(Arc::new(MultiLabels::scan(cx, dataset, column).await?)),
            LabelKind::Class | LabelKind::Number => Self::Class(Arc::new(Labels::scan(cx, dataset, column).await?)),
        })
    }

    /// Scans `column` with the classes of `other`: a validation set must mean the same by class 3 as the training set does.
    ///
    /// # Errors
    ///
    /// As [`Labels::scan_as`] and [`MultiLabels::scan_as`]; `Schema` where one set has lists and the other one has not.
    pub async fn scan_as(cx: &Context, dataset: &impl Stable, column: &str, other: &Self) -> Result<Self> {
        Ok(match (Self::kind_of(dataset, column)?, other) {
            (LabelKind::Class, Self::Class(other)) => {
                Self::Class(Arc::new(Labels::scan_as(cx, dataset, column, other).await?))
            }
            (LabelKind::MultiLabel, Self::MultiLabel(other)) => {
                Self::MultiLabel(Arc::new(MultiLabels::scan_as(cx, dataset, column, other).await?))
            }
            (kind, other) => {
                let called = |kind| match kind {
                    LabelKind::Class => "one class a row",
                    LabelKind::MultiLabel => "lists of classes",
                    LabelKind::Number => "numbers",
                };
                return Err(Error::schema(format!(
                    "column \"{column}\" has {}, but column \"{}\" of the other set has {}: store the labels of both sets in \
                     the same way",
                    called(kind),
                    other.column(),
                    called(other.kind()),
                )));
            }
        })
    }

    /// What `column` holds, as [`scan`](Self::scan) sees it; labels without a class are counted and not refused.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan), but for nulls and labels outside the class names.
    pub async fn survey(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Survey> {
        match Self::kind_of(dataset, column)? {
            LabelKind::MultiLabel => Survey::new(cx, dataset, &Column::read(cx, dataset, column).await?),
            LabelKind::Class | LabelKind::Number => Labels::survey(cx, dataset, column).await,
        }
    }

    fn kind_of(dataset: &impl Stable, column: &str) -> Result<LabelKind> {
        let schema = dataset.schema();
        LabelKind::of(schema.field(index_of(&schema, column)?))
    }

    /// One class a row, or a list.
    pub fn kind(&self) -> LabelKind {
        match self {
            Self::Class(_) => LabelKind::Class,
            Self::MultiLabel(_) => LabelKind::MultiLabel,
        }
    }

    /// The labels, if each row has one class.
    ///
    /// # Errors
    ///
    /// `Schema` for lists of classes.
    pub fn single(&self) -> Result<&Arc<Labels>> {
        match self {
            Self::Class(labels) => Ok(labels),
            Self::MultiLabel(labels) => Err(Error::schema(format!(
                "column \"{}\": a row has several classes (multi-label), and one is needed here: make a column with one class a \
                 row from it with map, the rarest one for example",
                labels.column()
            ))),
        }
    }

    /// Holds out about `share` (0 to 1) of each class: as [`stratified`] does, and for lists of classes as
    /// [`stratified_multi_label`] does.
    pub fn split(&self, share: f64, seed: u64) -> Split {
        match self {
            Self::Class(labels) => stratified(labels.iter(), share, seed),
            Self::MultiLabel(labels) => stratified_multi_label(labels.iter(), share, seed),
        }
    }

    /// The label column.
    pub fn column(&self) -> &str {
        match self {
            Self::Class(labels) => labels.column(),
            Self::MultiLabel(labels) => labels.column(),
        }
    }

    /// The classes' names, by class.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Class(labels) => labels.names(),
            Self::MultiLabel(labels) => labels.names(),
        }
    }

    /// Rows of each class. A row with several classes counts for each of them.
    pub fn counts(&self) -> Vec<u64> {
        match self {
            Self::Class(labels) => labels.counts(),
            Self::MultiLabel(labels) => labels.counts(),
        }
    }

    /// Rows.
    pub fn len(&self) -> u64 {
        match self {
            Self::Class(labels) => labels.len(),
            Self::MultiLabel(labels) => labels.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A hash over the classes of each row.
    pub(crate) fn hash(&self) -> u64 {
        match self {
            Self::Class(labels) => labels.hash(),
            Self::MultiLabel(labels) => labels.hash(),
        }
    }

    /// Bytes that the classes of all rows take in memory.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Class(labels) => labels.bytes(),
            Self::MultiLabel(labels) => labels.bytes(),
        }
    }
}

impl From<Arc<Labels>> for AnyLabels {
    fn from(labels: Arc<Labels>) -> Self {
        Self::Class(labels)
    }
}

impl From<Labels> for AnyLabels {
    fn from(labels: Labels) -> Self {
        Self::Class(Arc::new(labels))
    }
}

impl From<Arc<MultiLabels>> for AnyLabels {
    fn from(labels: Arc<MultiLabels>) -> Self {
        Self::MultiLabel(labels)
    }
}

impl From<MultiLabels> for AnyLabels {
    fn from(labels: MultiLabels) -> Self {
        Self::MultiLabel(Arc::new(labels))
    }
}

impl From<&Arc<Labels>> for AnyLabels {
    fn from(labels: &Arc<Labels>) -> Self {
        Self::Class(Arc::clone(labels))
    }
}

impl From<&Arc<MultiLabels>> for AnyLabels {
    fn from(labels: &Arc<MultiLabels>) -> Self {
        Self::MultiLabel(Arc::clone(labels))
    }
}

impl From<&AnyLabels> for AnyLabels {
    fn from(labels: &AnyLabels) -> Self {
        labels.clone()
    }
}
