//! The labels in a file of made rows, as those of the training rows are stored.

use super::row_maker::RowMaker;
use crate::columns::index_of;
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use std::sync::Arc;

/// How the labels of made rows are written: files whose labels are of another type, or other numbers, are not read together.
#[derive(Debug)]
pub(super) struct WrittenLabels {
    /// The label column.
    at: usize,
    /// The value of each class; none where labels are class numbers with their names.
    values: Option<ArrayRef>,
}

impl WrittenLabels {
    /// As the rows have them that `maker` was fitted on.
    ///
    /// # Errors
    ///
    /// `Data` for a type that the classes' names are no values of, which no fit writes.
    pub(super) fn of(maker: &dyn RowMaker) -> Result<Self> {
        let about = maker.about();
        let at = index_of(&maker.schema(), &about.label)?;
        let values = about.label_type.as_ref().map(|of| {
            values(of, &about.classes).map_err(|why| {
                Error::data(format!(
                    "column \"{}\": its labels are to be {of}, and the classes' names are not ({why}): fit the generator again",
                    about.label
                ))
            })
        });
        Ok(Self {
            at,
            values: values.transpose()?,
        })
    }

    /// Whether they are class numbers.
    pub(super) fn are_numbers(&self) -> bool {
        self.values.is_none()
    }

    /// The columns of made rows as they are written.
    pub(super) fn fields(&self, made: &arrow::datatypes::Schema) -> Vec<Arc<Field>> {
        let mut fields = made.fields().to_vec();
        if let Some(values) = &self.values {
            let name = fields[self.at].name();
            fields[self.at] = Arc::new(Field::new(name, values.data_type().clone(), false));
        }
        fields
    }

    /// The values of these columns.
    pub(super) fn columns(&self, made: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut columns = made.columns().to_vec();
        if let Some(values) = &self.values {
            columns[self.at] = take(values, &columns[self.at], None)?;
        }
        Ok(columns)
    }
}

/// The names as values of the type that is called `of`.
fn values(of: &str, names: &[String]) -> Result<ArrayRef, ArrowError> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let of: DataType = of.parse()?;
    cast_with_options(&StringArray::from_iter_values(names), &of, &strict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, BooleanArray, DictionaryArray, Int16Array, UInt64Array};
    use arrow::datatypes::Int8Type;

    #[test]
    fn names_become_values_of_any_type_that_labels_have() {
        let of = |data_type: DataType, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            values(&data_type.to_string(), &names).unwrap()
        };
        assert_eq!(of(DataType::Utf8, &["a", "b"]).as_string::<i32>().value(1), "b");
        let integers = Int16Array::from(vec![-3, 10]);
        assert_eq!(&*of(DataType::Int16, &["-3", "10"]), &integers as &dyn Array);
        let large = UInt64Array::from(vec![0, u64::MAX]);
        let names = ["0", "18446744073709551615"];
        assert_eq!(&*of(DataType::UInt64, &names), &large as &dyn Array);
        let truths = BooleanArray::from(vec![false, true]);
        assert_eq!(&*of(DataType::Boolean, &["0", "1"]), &truths as &dyn Array);
        let words: DictionaryArray<Int8Type> = ["y", "x"].into_iter().collect();
        assert_eq!(&*of(words.data_type().clone(), &["y", "x"]), &words as &dyn Array);
        assert!(values("Int8", &["cat".to_owned()]).is_err());
        assert!(values("nothing", &["cat".to_owned()]).is_err());
    }
}
