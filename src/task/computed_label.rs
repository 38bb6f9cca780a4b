//! Classes that no column of the files has: worked out of others by a key, `data.label_by` of a recipe.

use super::spec::DataOptions;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::quoted;
use crate::rows::{ClassEncoded, Labels};
use crate::source::Files;
use std::sync::Arc;

/// Default name of the column of the classes.
const LABEL: &str = "label";
/// Classes without rows that are named.
const MOST: usize = 8;

/// Rows of files and, where they are worked out, the class of each.
#[derive(Clone, Debug)]
pub(super) struct LabelledFiles {
    stored: Files,
    labels: Option<Arc<Labels>>,
}

impl LabelledFiles {
    /// The rows of `stored`, with the classes that `data` has worked out, which it [names](named).
    ///
    /// # Errors
    ///
    /// As [`Key::scan`](crate::rows::Key::scan); `Config` where the files have a column of that name.
    pub(super) fn new(cx: &Context, stored: Files, data: &DataOptions) -> Result<Self> {
        let Some(key) = &data.label_by else {
            return Ok(Self { stored, labels: None });
        };
        let name = data.label.as_deref().unwrap_or(LABEL);
        if stored.schema().index_of(name).is_ok() {
            let message = format!(
                "data.label_by: its classes would be column {}, which is there already: give them another name in data.label",
                quoted(name)
            );
            return Err(Error::config(message).context(stored.name()));
        }
        let labels = cx.block_on(key.scan(cx, &stored));
        let labels = labels.map_err(|error| error.context("data.label_by"))?.renamed(name);
        Ok(Self {
            stored,
            labels: Some(Arc::new(labels)),
        })
    }

    /// The rows with all columns, the classes behind the others.
    pub(super) fn rows(&self) -> Result<Files> {
        self.with_classes(self.stored.clone())
    }

    /// The rows with the columns `names` alone, in that order: no others are read.
    pub(super) fn columns(&self, names: &[&str]) -> Result<Files> {
        let Some(labels) = &self.labels else {
            return self.stored.clone().columns(names);
        };
        let below: Vec<&str> = names.iter().copied().filter(|name| *name != labels.column()).collect();
        let rows = match below.as_slice() {
            // A request for the classes alone reads no row for them.
            [] => self.stored.clone(),
            below => self.stored.clone().columns(below)?,
        };
        self.with_classes(rows)?.columns(names)
    }

    /// What there is to say of the classes, if they are worked out.
    pub(super) fn note(&self, data: &DataOptions) -> Option<String> {
        let (labels, key) = self.labels.as_ref().zip(data.label_by.as_ref())?;
        let of: Vec<String> = key.columns().into_iter().map(quoted).collect();
        let classes = labels.names().iter().zip(labels.counts());
        let empty: Vec<String> = classes
            .filter(|(_, rows)| *rows == 0)
            .map(|(name, _)| quoted(name))
            .collect();
        // Edges in another unit than the column's leave classes empty.
        let empty = match empty.len() {
            0 => String::new(),
            all if all > MOST => format!("; no row is of {} and {} more", empty[..MOST].join(", "), all - MOST),
            _ => format!("; no row is of {}", empty.join(", ")),
        };
        Some(format!(
            "the classes in column {} are worked out of {} (data.label_by){empty}",
            quoted(labels.column()),
            of.join(", ")
        ))
    }

    fn with_classes(&self, rows: Files) -> Result<Files> {
        match &self.labels {
            None => Ok(rows),
            Some(labels) => {
                let made = ClassEncoded::appended(rows.clone(), labels.into());
                let made = made.map_err(|error| error.context("data.label_by"))?;
                Ok(rows.made_into(Arc::new(made)))
            }
        }
    }
}

/// `data` with a name for the classes that are worked out, if there are such.
pub(super) fn named(data: &DataOptions) -> DataOptions {
    let usual = data.label_by.as_ref().map(|_| LABEL.to_owned());
    DataOptions {
        label: data.label.clone().or(usual),
        ..data.clone()
    }
}
