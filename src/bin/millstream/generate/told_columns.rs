//! What there is to say of the columns of a table that a generator works in.

use millstream::arrow::array::AsArray;
use millstream::arrow::compute::cast;
use millstream::arrow::datatypes::{DataType, Int64Type};
use millstream::quote::{counted, quoted, shown};
use millstream::spec::Spec;
use millstream::synthetic::learned::Training;
use millstream::synthetic::{CopulaSpec, GeneratorSpec, SmoteNcSpec};
use millstream::{Context, Error, Result};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Columns of a name.
const WIDTH: usize = 40;
/// Names that a note has at most.
const NAMED: usize = 12;
/// Rows from which on a column can be told to number them.
const FEW: usize = 20;

/// Which columns `generator` takes where nobody named them, and which of these number the rows. `is_all` says of one that has them by name that they are all numbers of the table, and that nobody
/// chose them.
pub(super) fn told(
    cx: &Context,
    generator: &dyn GeneratorSpec,
    is_all: bool,
    training: &Training,
) -> Result<Vec<String>> {
    let (schema, label) = (training.rows.schema(), training.labels.column());
    let described = generator.description();
    let fields = described.fields.into_iter().map(|field| (field.name, field.value));
    let fields: Map<String, Value> = fields.collect();
    let list = |name: &str| -> Vec<String> {
        let values = fields.get(name).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (named, mut notes) = (list("columns"), Vec::new());
    let has_columns = fields.contains_key("columns");
    let learnt: Vec<String> = match described.name {
        SmoteNcSpec::NAME => {
            let spec: SmoteNcSpec = serde_json::from_value(Value::Object(fields.clone()))
                .map_err(|error| Error::config(format!("{}: {error}", described.name)))?;
            // What is wrong with them, the fit says.
            let Ok([numbers, categories]) = spec.columns_of(&schema, label) else {
                return Ok(notes);
            };
            let example = json!({ described.name: {
                "columns": numbers.iter().take(1).collect::<Vec<_>>(),
                "categorical_features": categories.iter().take(1).collect::<Vec<_>>(),
            } });
            notes.push(format!(
                "{}: new rows are made in the numbers {} and the categories {}; others: --generator '{example}'",
                described.name,
                listed(&numbers),
                listed(&categories)
            ));
            if named.is_empty() { numbers } else { Vec::new() }
        }
        CopulaSpec::NAME => {
            let categories = list("categories");
            let names = schema.fields().iter().map(|field| field.name());
            names
                .filter(|name| *name != label && !categories.contains(name))
                .cloned()
                .collect()
        }
        _ if is_all => named,
        _ => Vec::new(),
    };
    for name in &learnt {
        let Some(rows) = numbered(cx, training, name)? else {
            continue;
        };
        let others: Vec<&String> = learnt.iter().filter(|other| *other != name).take(1).collect();
        let by_name = match has_columns && !others.is_empty() {
            true => format!(
                ", or name the columns: --generator '{}'",
                json!({ described.name: { "columns": others } })
            ),
            false => String::new(),
        };
        notes.push(format!(
            "column {} has another whole number in each of {}, as row numbers have, and {} makes new values of it: leave it out by --ignore {}{by_name}",
            quoted(name),
            counted(rows as u64, "row"),
            described.name,
            shown(name, WIDTH)
        ));
    }
    Ok(notes)
}

/// `names` in words.
fn listed(names: &[String]) -> String {
    let first: Vec<String> = names.iter().take(NAMED).map(|name| shown(name, WIDTH)).collect();
    match names.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The rows of an integer column in which no number comes twice, and none is missing; none of any other one.
fn numbered(cx: &Context, training: &Training, name: &str) -> Result<Option<usize>> {
    let schema = training.rows.schema();
    if !schema
        .field_with_name(name)
        .is_ok_and(|field| field.data_type().is_integer())
    {
        return Ok(None);
    }
    let column = cx.block_on(training.rows.column(cx, name))?;
    let Ok(numbers) = cast(&column, &DataType::Int64) else {
        return Ok(None);
    };
    if numbers.len() < FEW || numbers.null_count() > 0 {
        return Ok(None);
    }
    // It ends at the first number that comes again, which is among the first rows of most columns.
    let mut met = HashSet::new();
    let mut numbers = numbers.as_primitive::<Int64Type>().values().iter();
    Ok(numbers.all(|number| met.insert(*number)).then_some(met.len()))
}
