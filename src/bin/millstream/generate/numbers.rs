//! The columns of a table that a generator of features works in, where nobody names them.

use millstream::Result;
use millstream::arrow::datatypes::{DataType, Schema};
use millstream::quote::shown;
use millstream::synthetic::{GeneratorSpec, generators};
use serde_json::{Map, Value, json};

/// Columns of a name.
const WIDTH: usize = 40;
/// Names that a note has at most.
const NAMED: usize = 12;

/// `generator` in all columns of numbers but the label, and what there is to say of it: where it would work in a tensor, nobody named one, and the table has none of the usual
/// name. None elsewhere.
pub(super) fn in_all_numbers(
    generator: &dyn GeneratorSpec,
    rows: &Schema,
    label: &str,
) -> Result<Option<(Box<dyn GeneratorSpec>, String)>> {
    let described = generator.description();
    let named = described.fields.into_iter().map(|field| (field.name, field.value));
    let mut fields: Map<String, Value> = named.collect();
    let is_open = fields.get("columns").is_some_and(|columns| *columns == json!([]));
    let usual = fields
        .get("column")
        .and_then(Value::as_str)
        .filter(|column| *column == "features");
    if !is_open || usual.is_none_or(|column| rows.index_of(column).is_ok()) {
        return Ok(None);
    }
    let is_number = |of: &DataType| of.is_integer() || of.is_floating() || matches!(of, DataType::Decimal128(..));
    let numbers = rows
        .fields()
        .iter()
        .filter(|field| is_number(field.data_type()) && field.name() != label);
    let numbers: Vec<&str> = numbers.map(|field| field.name().as_str()).collect();
    if numbers.is_empty() {
        return Ok(None);
    }
    fields.insert("columns".to_owned(), json!(numbers));
    let text = json!({ described.name: fields }).to_string();
    let generator = generators().read_json(&text)?;
    let mut listed: Vec<String> = numbers.iter().map(|name| shown(name, WIDTH)).collect();
    let more = match listed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    listed.truncate(NAMED);
    let others = match rows.fields().len() > numbers.len() + 1 {
        true => "; other columns are those of the row that a new one starts from",
        false => "",
    };
    let note = format!(
        "{}: new rows are made in all columns of numbers ({}{more}){others}; others: --generator '{{\"{}\": {{\"columns\": [\"{}\"]}}}}'",
        described.name,
        listed.join(", "),
        described.name,
        shown(numbers[0], WIDTH)
    );
    Ok(Some((generator, note)))
}
