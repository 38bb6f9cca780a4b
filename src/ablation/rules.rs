//! Rows by rule: what the columns of a table are drawn from, and how a picture is bent.

use crate::error::{Error, Result};
use crate::rows::Labels;
use crate::source::{ClassParameter, Normal, Parameter, TableColumn, TableSpec};
use crate::synthetic::{BlendSpec, Elastic};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use std::collections::{BTreeMap, BTreeSet};

/// One stored picture, bent by a smooth random field (Simard, Steinkraus and Platt 2003), with nothing of a second one.
pub(super) fn of_pictures(column: &str) -> BlendSpec {
    BlendSpec {
        column: column.to_owned(),
        elastic: Elastic::new().weight(0.0..=0.0),
    }
}

/// What the columns of `rows`, which are training rows alone with these `labels`, are drawn from, each by itself and for each class:
///
/// - numbers from a normal distribution with their mean and deviation, between the least and the largest number of the column; whole where all of it are;
/// - categories as often as they come;
/// - missing values as often as they are missing.
///
/// A class without a value in a column has those of all rows.
pub(super) fn of_columns(rows: &RecordBatch, labels: &Labels) -> Result<TableSpec> {
    let mut columns = BTreeMap::new();
    for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
        let name = field.name();
        if name == labels.column() {
            continue;
        }
        let numbers = array.as_primitive_opt::<Float64Type>();
        let column = match (numbers, array.as_string_opt::<i32>()) {
            (Some(numbers), _) => of_numbers(&Values::new(numbers.iter(), labels)),
            (None, Some(words)) => of_words(&Values::new(words.iter(), labels)),
            (None, None) => {
                let found = array.data_type();
                return Err(Error::schema(format!(
                    "column {name:?} holds {found}, not f64 or strings"
                )));
            }
        };
        columns.insert(name.clone(), column);
    }
    Ok(TableSpec {
        columns,
        ..TableSpec::default()
    })
}

/// The values of one column.
struct Values<'a, V> {
    labels: &'a Labels,
    all: Vec<V>,
    /// Those of each class that are there; where it has none, all.
    each: Vec<Vec<V>>,
    /// The share that is missing in each class.
    missing: Vec<f64>,
}

impl<'a, V: Copy> Values<'a, V> {
    fn new(values: impl Iterator<Item = Option<V>>, labels: &'a Labels) -> Self {
        let classes = labels.names().len();
        let (mut each, mut rows) = (vec![Vec::new(); classes], vec![0_u64; classes]);
        for (row, value) in (0..).zip(values) {
            let class = labels.class(row) as usize;
            rows[class] += 1;
            each[class].extend(value);
        }
        let all: Vec<V> = each.iter().flatten().copied().collect();
        let missing = each.iter().zip(&rows);
        let missing = missing.map(|(known, &rows)| (rows - known.len() as u64) as f64 / rows.max(1) as f64);
        Self {
            missing: missing.collect(),
            each: each
                .into_iter()
                .map(|known: Vec<V>| if known.is_empty() { all.clone() } else { known })
                .collect(),
            all,
            labels,
        }
    }

    /// One number for each class.
    fn by_class(&self, of: impl Fn(&[V]) -> f64) -> Parameter {
        self.parameter(self.each.iter().map(|known| of(known)))
    }

    fn parameter(&self, numbers: impl Iterator<Item = f64>) -> Parameter {
        let names = self.labels.names().iter().cloned();
        Parameter::ByClass(names.zip(numbers.map(ClassParameter::Number)).collect())
    }

    /// How often a value is missing, where one is.
    fn missing(&self) -> Option<Parameter> {
        let is_whole = self.missing.iter().all(|&share| share == 0.0);
        (!is_whole).then(|| self.parameter(self.missing.iter().copied()))
    }
}

fn of_numbers(values: &Values<'_, f64>) -> TableColumn {
    let mean = |known: &[f64]| known.iter().sum::<f64>() / (known.len() as f64).max(1.0);
    let std = |known: &[f64]| {
        let mean = mean(known);
        let squares: f64 = known.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (known.len() as f64).max(1.0)).sqrt()
    };
    let all = || values.all.iter().copied();
    TableColumn {
        normal: Some(Normal {
            mean: values.by_class(mean),
            std: values.by_class(std),
        }),
        min: all().reduce(f64::min),
        max: all().reduce(f64::max),
        whole: all().all(|value| value.fract() == 0.0),
        missing: values.missing(),
        ..TableColumn::default()
    }
}

fn of_words(values: &Values<'_, &str>) -> TableColumn {
    let words: BTreeSet<&str> = values.all.iter().copied().collect();
    let share = |word: &str| values.by_class(|known| known.iter().filter(|&&own| own == word).count() as f64);
    let mut weights: BTreeMap<String, Parameter> = words.iter().map(|&word| (word.to_owned(), share(word))).collect();
    if weights.is_empty() {
        // All are missing; there is a category nevertheless.
        weights.insert(String::new(), Parameter::Number(1.0));
    }
    TableColumn {
        categorical: Some(weights),
        missing: values.missing(),
        ..TableColumn::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Stable};
    use crate::exec::Context;
    use crate::ext::DatasetExt;
    use crate::source::Memory;
    use crate::synthetic::{Generator, SampleId, SimulatedRows};
    use arrow::array::{Array, ArrayRef, Float64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn each_class_is_drawn_from_its_own_numbers_and_categories() {
        let few = |row: usize| row.is_multiple_of(5);
        let number = |row: usize| (row % 7 != 3).then(|| (row % 9) as f64 + if few(row) { 40.0 } else { 0.0 });
        let word = |row: usize| match few(row) {
            true => Some("rare"),
            false => row.is_multiple_of(2).then_some("often"),
        };
        let columns: [(&str, ArrayRef); 4] = [
            ("n", Arc::new((0..200).map(number).collect::<Float64Array>())),
            ("w", Arc::new((0..200).map(word).collect::<StringArray>())),
            ("nothing", Arc::new(StringArray::new_null(200))),
            (
                "class",
                Arc::new(StringArray::from_iter_values(
                    (0..200).map(|row| if few(row) { "few" } else { "many" }),
                )),
            ),
        ];
        let columns = columns.map(|(name, column)| (name, column, name != "class"));
        let cx = Context::with(1, 1 << 24).unwrap();
        let memory = Memory::new(vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]).unwrap();
        let rows: Arc<dyn Stable> = Arc::new(cx.block_on(memory.classes(&cx, "class")).unwrap());
        let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "class")).unwrap());
        let all: Vec<u64> = (0..200).collect();
        let spec = of_columns(&cx.block_on(rows.take(&cx, &all)).unwrap(), &labels).unwrap();
        let simulated = SimulatedRows::new(&rows, &labels, spec).unwrap();
        let class = labels.names().iter().position(|name| name == "few").unwrap() as u32;
        let wanted: Vec<SampleId> = (0..300).map(|index| SampleId { class, index }).collect();
        let made = cx.block_on(simulated.generate(&cx, &wanted)).unwrap();
        let numbers = made.column_by_name("n").unwrap();
        let numbers = numbers.as_primitive::<Float64Type>();
        let missing = numbers.null_count() as f64 / 300.0;
        assert!((0.05..0.25).contains(&missing), "{missing}");
        assert!(
            numbers
                .iter()
                .flatten()
                .all(|n| n.fract() == 0.0 && (0.0..=48.0).contains(&n))
        );
        let known: Vec<f64> = numbers.iter().flatten().collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        assert!((43.0..45.5).contains(&mean), "{mean}");
        let words = made.column_by_name("w").unwrap();
        assert!(words.as_string::<i32>().iter().all(|word| word == Some("rare")));
        let nothing = made.column_by_name("nothing").unwrap();
        assert_eq!(nothing.null_count(), 300);
    }
}
