//! Which column holds the images, and which the labels.

use super::layout::{self, Layout};
use super::{Parquet, layout::features};
use crate::dataset::Dataset;
use crate::error::{Error, Remedy, Result};
use crate::rows::multi_label;
use arrow::datatypes::{DataType, Field};
use serde_json::Value;

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
                format!("column {named:?} holds {data_type}, not encoded images"),
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
            let none = || match self.multi_label().as_deref().or(multi_label(&self.layout.schema)) {
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
                Err(self.unfit("label", why))
            }
            _ => {
                let why = format!("column {named:?} holds {data_type}; labels are whole numbers, booleans or strings");
                Err(self.unfit("label", why))
            }
        }
    }

    /// The column that [`find_image`](Self::find_image) finds without a name; `None` where there is none or more than one.
    pub fn image_column(&self) -> Option<String> {
        only(self.image_candidates())
    }

    /// The columns that may hold encoded images: those that Hugging Face's metadata calls an `Image`; else the structs with
    /// `bytes`; else the binary columns; else those of binary values of one size. A column that the metadata calls by
    /// another kind (`Audio`, `Video`, `Pdf` and so on) is none of them.
    pub fn image_candidates(&self) -> Vec<String> {
        let features = features(&self.layout.schema);
        let plain = |field: &Field| matches!(declared(&features, field.name()), None | Some("Value"));
        let media = |field: &Field| self.layout.media.contains(field.name());
        let tiers: [&dyn Fn(&Field) -> bool; 4] = [
            &|field| declared(&features, field.name()) == Some("Image") && is_binary(field.data_type()),
            &|field| plain(field) && media(field),
            &|field| plain(field) && *field.data_type() == DataType::BinaryView,
            &|field| plain(field) && is_binary(field.data_type()),
        ];
        first(tiers.into_iter().map(|tier| self.names(tier)))
    }

    /// The column that [`find_label`](Self::find_label) finds without a name; `None` where there is none or more than one.
    pub fn label_column(&self) -> Option<String> {
        only(self.label_candidates())
    }

    /// The columns that may hold labels: those that Hugging Face's metadata calls a `ClassLabel`; else those of whole
    /// numbers, booleans or strings, of several those that are named label, class or target, if there are any.
    pub fn label_candidates(&self) -> Vec<String> {
        let features = features(&self.layout.schema);
        let called = |field: &Field| ["label", "class", "target"].contains(&field.name().to_lowercase().as_str());
        let tiers: [&dyn Fn(&Field) -> bool; 3] = [
            &|field| declared(&features, field.name()) == Some("ClassLabel") && is_label(field.data_type()),
            &|field| called(field) && is_label(field.data_type()),
            &|field| is_label(field.data_type()),
        ];
        first(tiers.into_iter().map(|tier| self.names(tier)))
    }

    /// The names of the classes 0, 1, ... of `column`, where Hugging Face's metadata has them.
    pub fn class_names(&self, column: &str) -> Option<Vec<String>> {
        layout::classes(self.layout.schema.field_with_name(column).ok()?)
    }

    fn the_only(&self, what: &str, candidates: Vec<String>, none: impl Fn() -> String) -> Result<String> {
        let why = match candidates.as_slice() {
            [] => none(),
            several => format!("it could be {}; name one of them", several.join(", ")),
        };
        only(candidates).ok_or_else(|| self.unfit(what, why))
    }

    fn unfit(&self, what: &str, why: String) -> Error {
        let remedy = if what == "image" {
            Remedy::ImageColumn
        } else {
            Remedy::LabelColumn
        };
        let error = Error::schema(format!("which column is the {what}? {why}"));
        error.with_remedy(remedy).context(self.name.as_ref())
    }

    fn type_of(&self, column: &str) -> Result<DataType> {
        let own: Layout = self.layout.project(&[column], &self.name)?;
        Ok(own.schema.field(0).data_type().clone())
    }

    /// The columns, each with its type, for a message.
    fn listed(&self) -> String {
        let (schema, features) = (self.schema(), features(&self.layout.schema));
        let one = |field: &Field| match declared(&features, field.name()) {
            Some(kind) if kind != "Value" => format!("{} (declared {kind})", field.name()),
            _ => format!("{} ({})", field.name(), field.data_type()),
        };
        let fields = schema.fields().iter();
        let some: Vec<String> = fields.take(NAMED).map(|field| one(field)).collect();
        match schema.fields().len() - some.len() {
            0 => some.join(", "),
            more => format!("{} and {more} more", some.join(", ")),
        }
    }

    /// The first column that Hugging Face's metadata calls a list of `ClassLabel`.
    fn multi_label(&self) -> Option<String> {
        let features = features(&self.layout.schema);
        let is_classes = |item: &Value| item["_type"] == "ClassLabel";
        let is_list = |field: &Field| {
            let own = &features[field.name()];
            is_classes(&own["feature"]) || is_classes(&own[0])
        };
        self.names(is_list).into_iter().next()
    }

    fn names(&self, keep: impl Fn(&Field) -> bool) -> Vec<String> {
        let fields = self.layout.schema.fields().iter();
        let kept = fields.filter(|field| keep(field));
        kept.map(|field| field.name().clone()).collect()
    }
}

/// What Hugging Face's metadata calls the column `name`.
fn declared<'a>(features: &'a Value, name: &str) -> Option<&'a str> {
    features[name]["_type"].as_str()
}

fn first(mut tiers: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    tiers.find(|names| !names.is_empty()).unwrap_or_default()
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
