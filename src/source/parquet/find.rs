//! Which column holds the images, and which the labels.

use super::open::Parquet;
use super::schema::fields::{classes, features, is_media};
use super::schema::projection::Projection;
use crate::error::{Error, Remedy, Result};
use arrow::datatypes::{DataType, Field};
use serde_json::Value;
use std::sync::Arc;

/// Columns that a message names at most.
const NAMED: usize = 20;

impl Parquet {
    /// The column of encoded images: `named` if it holds bytes, else the only one of the
    /// [candidates](Self::image_candidates).
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no bytes, where no column holds images, saying which columns there are, and
    /// where several may, naming them.
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        let Some(named) = named else {
            let none = || {
                let what = "an image column holds bytes, or a struct with bytes";
                format!("no column looks like one; {what}; there are {}", self.listed())
            };
            return self.the_only("image", self.image_candidates(), none);
        };
        let data_type = self.type_of(named)?;
        match is_binary(&data_type) {
            true => Ok(named.to_owned()),
            false => Err(self.unfit(
                "image",
                &format!("column {named:?} holds {data_type}, not encoded images"),
            )),
        }
    }

    /// The column of labels: `named` if it holds whole numbers, booleans or strings, else the only one of the
    /// [candidates](Self::label_candidates).
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no labels, where no column holds labels, saying which columns there are,
    /// and where several may, naming them.
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        let Some(named) = named else {
            let none = || match self.multi_label() {
                Some(name) => format!("column {name:?} has a list of classes in each row, and a row must have one"),
                None => {
                    let what = "labels are whole numbers, booleans or strings";
                    format!("no column looks like one; {what}; there are {}", self.listed())
                }
            };
            return self.the_only("label", self.label_candidates(), none);
        };
        let data_type = self.type_of(named)?;
        match data_type {
            _ if is_label(&data_type) => Ok(named.to_owned()),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                let why = format!("column {named:?} has a list of labels in each row, and a row must have one");
                Err(self.unfit("label", &why))
            }
            _ => {
                let why = format!("column {named:?} holds {data_type}; labels are whole numbers, booleans or strings");
                Err(self.unfit("label", &why))
            }
        }
    }

    /// The column that [`find_image`](Self::find_image) finds without a name; `None` where there is none or more than one.
    pub fn image_column(&self) -> Option<String> {
        only(self.image_candidates())
    }

    /// The columns that may hold encoded images: those that Hugging Face's metadata calls an `Image`; else the structs with
    /// `bytes`; else the binary columns; else those of binary values of one size. A column that the metadata calls by
    /// another kind (`Audio`, `Video`, `Pdf` and so on) is none of them. Where no column is one, fields of structs are looked at.
    pub fn image_candidates(&self) -> Vec<String> {
        let plain = |found: &Found| matches!(found.declared.as_deref(), None | Some("Value"));
        self.candidates(&[
            &|found| found.declared.as_deref() == Some("Image") && is_binary(&found.data_type),
            &|found| plain(found) && found.is_media,
            &|found| plain(found) && found.data_type == DataType::BinaryView,
            &|found| plain(found) && is_binary(&found.data_type),
        ])
    }

    /// The column that [`find_label`](Self::find_label) finds without a name; `None` where there is none or more than one.
    pub fn label_column(&self) -> Option<String> {
        only(self.label_candidates())
    }

    /// The columns that may hold labels: those that Hugging Face's metadata calls a `ClassLabel`; else those of whole
    /// numbers, booleans or strings, of several those that are named label, class or target, if there are any. Where no column is one,
    /// fields of structs are looked at.
    pub fn label_candidates(&self) -> Vec<String> {
        let called = |found: &Found| {
            let last = found.name.rsplit('.').next().unwrap_or_default();
            ["label", "class", "target"].contains(&last.to_lowercase().as_str())
        };
        self.candidates(&[
            &|found| found.declared.as_deref() == Some("ClassLabel") && is_label(&found.data_type),
            &|found| called(found) && is_label(&found.data_type),
            &|found| is_label(&found.data_type),
        ])
    }

    /// The names of the classes 0, 1, ... of `column`, where Hugging Face's metadata has them.
    pub fn class_names(&self, column: &str) -> Option<Vec<String>> {
        classes(self.projection.schema.field_with_name(column).ok()?)
    }

    fn the_only(&self, what: &str, candidates: Vec<String>, none: impl Fn() -> String) -> Result<String> {
        let why = match candidates.as_slice() {
            [] => none(),
            several => format!("it could be {}; name one of them", several.join(", ")),
        };
        only(candidates).ok_or_else(|| self.unfit(what, &why))
    }

    fn unfit(&self, what: &str, why: &str) -> Error {
        let remedy = if what == "image" {
            Remedy::ImageColumn
        } else {
            Remedy::LabelColumn
        };
        let error = Error::schema(format!("which column is the {what}? {why}"));
        error.with_remedy(remedy).context(self.name.as_ref())
    }

    fn type_of(&self, column: &str) -> Result<DataType> {
        let own: Projection = self.projection.project(&self.files, &[column], &self.name)?;
        Ok(own.schema.field(0).data_type().clone())
    }

    /// The columns, each with its type, for a message.
    fn listed(&self) -> String {
        let found = Found::all(self);
        let one = |found: &Found| match found.declared.as_deref() {
            Some(kind) if kind != "Value" => format!("{} (declared {kind})", found.name),
            _ => format!("{} ({})", found.name, found.data_type),
        };
        let some: Vec<String> = found.iter().take(NAMED).map(one).collect();
        match found.len() - some.len() {
            0 => some.join(", "),
            more => format!("{} and {more} more", some.join(", ")),
        }
    }

    /// The first column that Hugging Face's metadata calls a list of `ClassLabel`.
    fn multi_label(&self) -> Option<String> {
        let features = features(&self.projection.schema);
        let is_classes = |item: &Value| item["_type"] == "ClassLabel";
        let is_list = |field: &&Arc<Field>| {
            let own = &features[field.name()];
            is_classes(&own["feature"]) || is_classes(&own[0])
        };
        let found = self.projection.schema.fields().iter().find(is_list);
        found.map(|field| field.name().clone())
    }

    /// The names of the columns that the first of `tiers` keeps which keeps any; else of the fields of structs.
    fn candidates(&self, tiers: &[&dyn Fn(&Found) -> bool]) -> Vec<String> {
        let (inner, outer): (Vec<_>, Vec<_>) = Found::all(self).into_iter().partition(|found| found.is_inner);
        let tiers = [&outer, &inner]
            .into_iter()
            .flat_map(|found| tiers.iter().map(move |tier| found.iter().filter(|found| tier(found))));
        let mut names = tiers.map(|kept| kept.map(|found| found.name.clone()).collect::<Vec<_>>());
        names.find(|names| !names.is_empty()).unwrap_or_default()
    }
}

/// A column that may be read, or a field of a struct.
struct Found {
    name: String,
    data_type: DataType,
    /// What Hugging Face's metadata calls it.
    declared: Option<String>,
    is_media: bool,
    is_inner: bool,
}

impl Found {
    /// All columns, and the fields of structs.
    fn all(rows: &Parquet) -> Vec<Self> {
        let features = features(&rows.projection.schema);
        let mut all = Vec::new();
        for field in rows.projection.schema.fields() {
            let is_media = rows.projection.is_media(field.name());
            Self::add(
                &mut all,
                field,
                field.name(),
                &features[field.name()],
                (is_media, false),
            );
        }
        all
    }

    fn add(all: &mut Vec<Self>, field: &Field, name: &str, declared: &Value, (media, is_inner): (bool, bool)) {
        let own = is_media(field.data_type());
        let data_type = match own {
            true => &DataType::BinaryView,
            false => field.data_type(),
        };
        all.push(Self {
            data_type: data_type.clone(),
            declared: declared["_type"].as_str().map(str::to_owned),
            is_media: media || own,
            is_inner,
            name: name.to_owned(),
        });
        if let DataType::Struct(inner) = data_type {
            for field in inner {
                let name = format!("{name}.{}", field.name());
                Self::add(all, field, &name, &declared[field.name()], (false, true));
            }
        }
    }
}

fn only(mut names: Vec<String>) -> Option<String> {
    names.pop().filter(|_| names.is_empty())
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::BinaryView | DataType::FixedSizeBinary(_))
}

fn is_label(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Boolean | DataType::Utf8View)
}
