//! JSON lines as tables.

use crate::error::{Error, Result};
use crate::quote::{quoted, shown};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_json::reader::{infer_json_schema, infer_json_schema_from_iterator};
use serde_json::{Map, Value};
use std::io::Cursor;
use std::sync::Arc;

/// Columns of a terminal that a message quotes at most.
const QUOTED: usize = 120;

/// Objects, one after the other, in memory.
#[derive(Clone, Copy)]
pub(super) struct JsonLines<'a>(pub(super) &'a [u8]);

impl<'a> JsonLines<'a> {
    /// The columns, by the values in them.
    ///
    /// # Errors
    ///
    /// `Data` for what is no JSON, no object, or of another type than the values before it, with its line.
    pub(super) fn infer(self) -> Result<Schema> {
        let inferred = infer_json_schema(Cursor::new(self.0), None);
        match inferred {
            Ok((schema, _)) => Ok(schema),
            Err(error) => Err(self
                .syntax()
                .or_else(|| self.other_type())
                .unwrap_or_else(|| cut(&error))),
        }
    }

    /// The rows, with the columns of `schema`.
    ///
    /// # Errors
    ///
    /// `Data` for a value that is not of its column's type, with its line.
    pub(super) fn rows(self, schema: &SchemaRef) -> Result<RecordBatch> {
        let batches = self
            .reader(schema, None)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match batches {
            Ok(batches) => Ok(concat_batches(schema, &batches)?),
            Err(error) => Err(self
                .syntax()
                .or_else(|| self.unfit(schema))
                .unwrap_or_else(|| cut(&error))),
        }
    }

    fn reader(
        self,
        schema: &SchemaRef,
        batch: Option<usize>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ArrowError>> + use<'a>, ArrowError> {
        let builder = arrow_json::ReaderBuilder::new(Arc::clone(schema));
        let builder = match batch {
            Some(rows) => builder.with_batch_size(rows),
            None => builder,
        };
        builder.build(Cursor::new(self.0))
    }

    /// The value of each line, with the line's number from 1.
    fn values(self) -> impl Iterator<Item = (usize, serde_json::Result<Value>)> + use<'a> {
        let lines = self.0.split(|&byte| byte == b'\n').enumerate();
        let filled = lines.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
        filled.map(|(at, line)| (at + 1, serde_json::from_slice(line)))
    }

    /// What is no JSON, or no object.
    fn syntax(self) -> Option<Error> {
        // A list over several lines is no value of any of them.
        if self.0.trim_ascii_start().starts_with(b"[") {
            return Some(Error::data(
                "a list stands here, and JSON lines have an object a line: write each of its items as a line of its own",
            ));
        }
        self.values().find_map(|(line, value)| match value {
            Ok(Value::Object(_)) => None,
            Ok(other) => Some(Error::data(format!(
                "line {line}: {} stands here, and JSON lines have an object a line",
                kind(&other)
            ))),
            Err(error) => {
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                Some(Error::data(format!(
                    "line {line} column {}: this is no JSON: {said}",
                    error.column()
                )))
            }
        })
    }

    fn objects(self) -> impl Iterator<Item = (usize, Map<String, Value>)> + use<'a> {
        self.values().filter_map(|(line, value)| match value {
            Ok(Value::Object(fields)) => Some((line, fields)),
            _ => None,
        })
    }

    /// The first value that has no type together with those before it.
    fn other_type(self) -> Option<Error> {
        let mut seen = 0;
        let all = self.objects().map(|(_, fields)| {
            seen += 1;
            Ok(Value::Object(fields))
        });
        infer_json_schema_from_iterator(all).err()?;
        let (line, last) = self.objects().nth(seen - 1)?;
        let of_column = |name: &str| {
            let objects = self.objects().take(seen);
            objects
                .map(|(_, mut fields)| fields.remove(name).unwrap_or_default())
                .collect::<Vec<_>>()
        };
        last.iter().find_map(|(name, value)| {
            let values = of_column(name);
            let alone = values
                .iter()
                .map(|value| Ok(Value::Object([(name.clone(), value.clone())].into_iter().collect())));
            infer_json_schema_from_iterator(alone).err()?;
            let before = values.iter().find(|value| !value.is_null()).map(kind)?;
            let (column, here) = (quoted(name), kind(value));
            Some(Error::data(match here == before {
                true => format!("line {line}: column {column} holds {here} of another type than before"),
                false => format!("line {line}: column {column} holds {here}, and {before} before"),
            }))
        })
    }

    /// The first value that is not of the type that `schema` gives its column.
    fn unfit(self, schema: &SchemaRef) -> Option<Error> {
        let rows = self.reader(schema, Some(1)).ok()?;
        let (row, error) = rows.enumerate().find_map(|(row, read)| Some((row, read.err()?)))?;
        let (line, _) = self.objects().nth(row)?;
        let said = error.to_string();
        let mut rest = said.strip_prefix("Json error: ").unwrap_or(&said);
        let mut path = Vec::new();
        while let Some((name, inner)) = rest
            .strip_prefix("whilst decoding field '")
            .and_then(|rest| rest.split_once("': "))
        {
            path.push(name);
            rest = inner;
        }
        let rest = shown(rest, QUOTED);
        Some(Error::data(match path.is_empty() {
            true => format!("line {line}: {rest}"),
            false => format!("line {line}: column {}: {rest}", quoted(&path.join("."))),
        }))
    }
}

/// `error` with a message of a sentence's length: it may quote the whole file.
fn cut(error: &ArrowError) -> Error {
    Error::data(shown(&error.to_string(), QUOTED))
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
