//! What a fitted generator says of itself.

use super::training::Training;
use crate::dataset::{Dataset, StoredRows};
use crate::error::{Error, Result};
use crate::quote::{counted, quoted, shown};
use crate::rows::{ClassEncoded, Labels, stored_rows};
use crate::spec::Description;
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// How a generator was fitted, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Its spec, under its name: `{"vae": {"latent": 32}}`.
    pub generator: Value,
    /// The [`VERSION`](crate::spec::Spec::VERSION) of the spec.
    pub version: u32,
    /// The seed of the fit.
    pub seed: u64,
    /// The label column.
    pub label: String,
    /// The type of the labels' values, as Arrow writes it: rows in a [file](super::RowsFile) have such labels. None where these are numbers of class names, and
    /// where the generator was fitted by a version that did not record it: there the file has class numbers with the classes' names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_type: Option<String>,
    /// The classes' names.
    pub classes: Vec<String>,
    /// Rows of each class that it was fitted on.
    pub counts: Vec<u64>,
    /// Name and type of each column of the rows that it was fitted on.
    pub columns: Vec<(String, String)>,
    /// The [fingerprint](crate::plan::Plan::fingerprint) of these rows, with their labels.
    pub rows: String,
    /// Where these rows are stored. It enters no hash, so that a model of copied data is the same one. A row of its is refused where one of these is
    /// held out.
    #[serde(default)]
    pub fitted_on: StoredRows,
}

impl About {
    /// Of what a spec is to be fitted on.
    ///
    /// # Errors
    ///
    /// `Schema` where the label column is missing.
    pub fn of(description: &Description, training: &Training) -> Result<Self> {
        let Training { cx, rows, labels } = training;
        Ok(Self {
            generator: description.tagged(),
            version: description.version,
            seed: cx.seed(),
            label: labels.column().to_owned(),
            label_type: labels.value_type().map(ToString::to_string),
            classes: labels.names().to_vec(),
            counts: labels.counts(),
            columns: columns(&rows.schema()),
            rows: fingerprint(training)?,
            fitted_on: stored_rows(cx, rows),
        })
    }

    /// The same without what depends on where the rows are stored.
    pub(crate) fn unplaced(&self) -> Self {
        Self {
            fitted_on: StoredRows::default(),
            ..self.clone()
        }
    }

    /// The name of the spec.
    pub fn name(&self) -> &str {
        let fields = self.generator.as_object();
        fields
            .and_then(|fields| fields.keys().next())
            .map_or("", String::as_str)
    }

    /// Refuses rows with other columns or classes than those that it was fitted on.
    ///
    /// # Errors
    ///
    /// `Schema` with the first column or class that differs.
    pub fn check(&self, schema: &Schema, labels: &Labels) -> Result<()> {
        let refused = |what: String| {
            Err(Error::schema(format!(
                "{what}: fit a generator on these rows, or take its own"
            )))
        };
        for (name, fitted) in &self.columns {
            let found = columns(schema).into_iter().find(|(found, _)| found == name);
            match found {
                Some((_, found)) if found == *fitted => {}
                Some((_, found)) => {
                    let name = quoted(name);
                    return refused(format!(
                        "column {name} holds {found}, and held {fitted} where the generator was fitted"
                    ));
                }
                None => {
                    let name = quoted(name);
                    return refused(format!(
                        "column {name}, which the generator was fitted on, is not there"
                    ));
                }
            }
        }
        match labels.names() == self.classes {
            true => Ok(()),
            false => {
                let listed = |names: &[String]| shown(&names.join(", "), 200);
                let (found, fitted) = (listed(labels.names()), listed(&self.classes));
                refused(format!(
                    "the classes are {found}, and were {fitted} where the generator was fitted"
                ))
            }
        }
    }

    /// Refuses other rows than those that it was fitted on: other files, other labels, or others of them held out. A copy of the files in another folder is the
    /// same; under other names they are others.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and `Config` for rows that differ.
    pub fn check_training(&self, training: &Training) -> Result<()> {
        self.check(&training.rows.schema(), &training.labels)?;
        match fingerprint(training)? == self.rows {
            true => Ok(()),
            false => Err(Error::config(format!(
                "these {} are others than the {} that the generator was fitted on: name the same training data, under the names that the files had, the same \
                 validation data and the same share that is held out",
                counted(training.labels.len(), "row"),
                self.counts.iter().sum::<u64>()
            ))),
        }
    }

    /// The number of the class that is called `name`.
    ///
    /// # Errors
    ///
    /// `Config` for a class that there is not, and for one of fewer than two rows, of which a generator could only make copies.
    pub fn class(&self, name: &str) -> Result<u32> {
        let class = self.number(name)?;
        self.check_class(class).map(|()| class)
    }

    /// The number of the class that is called `name`, whether rows of it can be made or not.
    pub(super) fn number(&self, name: &str) -> Result<u32> {
        match self.classes.iter().position(|known| known == name) {
            Some(class) => Ok(class as u32),
            None => {
                let known = shown(&self.classes.join(", "), 200);
                Err(Error::config(format!(
                    "there is no class {}: they are {known}",
                    quoted(name)
                )))
            }
        }
    }

    /// Whether it has learnt `class`.
    pub fn supports(&self, class: u32) -> bool {
        self.counts.get(class as usize).is_some_and(|&rows| rows > 1)
    }

    /// Refuses a class that it has not learnt.
    ///
    /// # Errors
    ///
    /// `Config`, as [`class`](Self::class).
    pub fn check_class(&self, class: u32) -> Result<()> {
        let Some(&rows) = self.counts.get(class as usize) else {
            let known = self.counts.len();
            return Err(Error::config(format!(
                "there is no class number {class}: there are {known} classes"
            )));
        };
        match rows {
            0 | 1 => Err(Error::config(format!(
                "class {} had {} where the generator was fitted, and at least two are needed to learn it: leave the class out",
                quoted(&self.classes[class as usize]),
                if rows == 0 { "no row" } else { "one row" },
            ))),
            _ => Ok(()),
        }
    }
}

/// What tells rows with their labels from others.
fn fingerprint(training: &Training) -> Result<String> {
    let encoded = ClassEncoded::new(Arc::clone(&training.rows), (&training.labels).into())?;
    Ok(encoded.describe().fingerprint())
}

/// Name and type of each column. All types of bytes, and all types of text, are the same: only how they lie in memory differs.
fn columns(schema: &Schema) -> Vec<(String, String)> {
    let alike = |name: String| match name.as_str() {
        "LargeBinary" | "BinaryView" => "Binary".to_owned(),
        "LargeUtf8" | "Utf8View" => "Utf8".to_owned(),
        _ => name,
    };
    let fields = schema.fields().iter();
    fields
        .map(|field| (field.name().clone(), alike(field.data_type().to_string())))
        .collect()
}
