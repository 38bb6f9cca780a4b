//! The labels of a set, by which copies are said to agree or not.

use super::sets::{Set, bytes_a_row};
use crate::columns::{list_item, value_hashes};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::quote::quoted;
use crate::rows::{find_objects, is_row_key};
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::HashSet;
use std::sync::Arc;

/// The label of each row of a set.
#[derive(Debug)]
pub(super) struct SetLabels {
    column: ArrayRef,
    names: Option<Vec<String>>,
    /// Equal where the labels are: a class by its name, all else by its value.
    pub(super) hashes: Vec<u64>,
}

/// Bytes a row, on average, from which on a column of texts holds no labels unless it is named. A column of labels lies in memory.
const LONG: u64 = 256;

/// Characters of a label that are shown.
const SHOWN: usize = 120;

/// The column of labels of the training rows: `named`, objects with boxes, or the only one that may hold labels. None, and why, where none is found.
///
/// # Errors
///
/// `Schema` where there is no column `named`.
pub(super) fn find(train: &Set, named: Option<&str>) -> Result<(Option<String>, Option<String>)> {
    if let Some(named) = named {
        return match train.files.schema().field_with_name(named) {
            Ok(_) => Ok((Some(named.to_owned()), None)),
            Err(_) => Err(Error::schema(format!("there is no column {}", quoted(named)))
                .with_remedy(Remedy::LabelColumn)
                .context(train.files.name().to_owned())),
        };
    }
    if let Ok(Some(objects)) = find_objects(&train.files, None) {
        return Ok((Some(objects), None));
    }
    Ok(match train.files.find_label(None) {
        Ok(label) => match bytes_of_text(train, &label)? {
            Some(bytes) if bytes >= LONG => {
                let label = quoted(&label);
                let why = format!(
                    "labels are not compared: column {label} holds texts of {bytes} bytes; name the column of labels"
                );
                (None, Some(why))
            }
            _ => (Some(label), None),
        },
        Err(error) => (None, Some(format!("labels are not compared: {error}"))),
    })
}

/// Bytes a row of column `label`, on average, as it is stored; none where it holds no texts.
fn bytes_of_text(train: &Set, label: &str) -> Result<Option<u64>> {
    let files = train.files.clone().columns(&[label])?;
    let is_text = matches!(
        files.schema().field(0).data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    Ok(is_text.then(|| bytes_a_row(&files)))
}

impl SetLabels {
    /// The labels in column `label` of `set`, of which `names` are those of the classes of the training rows; none where it has no such column.
    pub(super) async fn read(cx: &Context, set: &Set, label: &str, names: Option<&[String]>) -> Result<Option<Self>> {
        let Ok(own) = set.files.clone().columns(&[label]) else {
            return Ok(None);
        };
        let names = set.files.class_names(label).or_else(|| names.map(<[String]>::to_vec));
        let column = own.column(cx, label).await?;
        let names = names.filter(|_| column.data_type().is_integer());
        let mut hashes = value_hashes(&column)?;
        if let Some(names) = &names {
            let of_names: ArrayRef = Arc::new(StringArray::from(names.clone()));
            let of_names = value_hashes(&of_names)?;
            let numbers = cast(&column, &DataType::Int64)?;
            for (hash, number) in hashes.iter_mut().zip(numbers.as_primitive::<Int64Type>().iter()) {
                let name = number.and_then(|number| of_names.get(usize::try_from(number).ok()?));
                *hash = name.copied().unwrap_or(*hash);
            }
        }
        Ok(Some(Self { column, names, hashes }))
    }

    /// The names of its classes, where it has such.
    pub(super) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// Whether each row has a label of its own, as a key of rows has. Boxes are no key: those of two pictures are hardly ever the same.
    pub(super) fn is_row_key(&self) -> bool {
        let rows = self.hashes.len() as u64;
        let different = self.hashes.iter().collect::<HashSet<_>>().len();
        !is_objects(self.column.data_type()) && self.names.is_none() && is_row_key(rows, &vec![1; different])
    }

    /// The label of a row in words.
    pub(super) fn text(&self, row: usize) -> String {
        let number = || cast(&self.column.slice(row, 1), &DataType::Int64).ok();
        let number = self.names.is_some().then(number).flatten();
        let number = number.and_then(|number| number.as_primitive::<Int64Type>().iter().next().flatten());
        let name = number.and_then(|number| self.names.as_ref()?.get(usize::try_from(number).ok()?));
        if let Some(name) = name {
            return name.clone();
        }
        if self.column.is_null(row) {
            return "null".to_owned();
        }
        let text = ArrayFormatter::try_new(&self.column, &FormatOptions::default());
        let text = text.map(|text| text.value(row).to_string()).unwrap_or_default();
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }
}

/// Whether a column holds the objects of pictures: structs of lists, or lists of structs.
fn is_objects(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(_) => true,
        list => list_item(list).is_some_and(|item| matches!(item.data_type(), DataType::Struct(_))),
    }
}
