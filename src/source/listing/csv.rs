//! CSV as tables.

use crate::error::{Error, Result};
use crate::quote::{quoted, shown};
use crate::source::endings::ending;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_csv::reader::Format;
use regex::Regex;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The words that stand for a null in Hugging Face's `datasets`, which reads CSV by pandas.
const NULLS: [&str; 18] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
];

/// Columns of a terminal that a message quotes at most.
const QUOTED: usize = 120;

/// An empty value, or one of these words.
static IS_NULL: LazyLock<Regex> = LazyLock::new(|| {
    let words = NULLS.map(regex::escape).join("|");
    Regex::new(&format!("^({words})?$")).expect("the words are escaped")
});

/// CSV, or with tabs in place of commas, in memory.
#[derive(Clone, Copy)]
pub(super) struct Csv<'a> {
    bytes: &'a [u8],
    separator: u8,
}

impl<'a> Csv<'a> {
    /// The `bytes` of the file at `path`.
    pub(super) fn new(path: &Path, bytes: &'a [u8]) -> Self {
        let tabs = ending(&path.display().to_string()).is_some_and(|ending| ending == "tsv");
        let separator = if tabs { b'\t' } else { b',' };
        Self { bytes, separator }
    }

    /// The columns, by the values in them.
    ///
    /// # Errors
    ///
    /// `Data` for values that are separated by another character than the file's ending says, and for rows of several lengths.
    pub(super) fn infer(self) -> Result<Schema> {
        self.check_separator()?;
        Ok(self.format().infer_schema(Cursor::new(self.bytes), None)?.0)
    }

    /// The rows, with the columns of `schema`, which are all in their order.
    ///
    /// # Errors
    ///
    /// `Data` for a value that is not of its column's type, with its row and column.
    pub(super) fn rows(self, schema: &SchemaRef) -> Result<RecordBatch> {
        let read = self.batches(schema, self.format());
        // What the reader says quotes the whole row.
        let cut = |error: ArrowError| Error::data(shown(&error.to_string(), QUOTED));
        read.map_err(|error| self.mistake(schema).unwrap_or_else(|| cut(error)))
    }

    /// What there is to say of the columns of texts in `rows` whose values were taken for nulls, a sentence each.
    pub(super) fn notes(self, rows: &RecordBatch) -> Result<Vec<String>> {
        if !NULLS
            .iter()
            .any(|word| memchr::memmem::find(self.bytes, word.as_bytes()).is_some())
        {
            return Ok(Vec::new());
        }
        let texts = self.texts(&rows.schema())?;
        let mut notes = Vec::new();
        for (at, field) in rows.schema().fields().iter().enumerate() {
            // Of numbers nobody wonders.
            let is_empty = *field.data_type() == DataType::Null;
            if !(is_empty || field.data_type().is_string()) {
                continue;
            }
            let words = texts.column(at).as_string::<i32>();
            let is_taken = |&row: &usize| (is_empty || rows.column(at).is_null(row)) && !words.value(row).is_empty();
            let taken: Vec<usize> = (0..rows.num_rows()).filter(is_taken).collect();
            let Some(&first) = taken.first() else { continue };
            notes.push(format!(
                "column {}: {} null, as Hugging Face's datasets reads {}",
                quoted(field.name()),
                match taken.len() {
                    1 => format!("the value {} of row {first} is", quoted(words.value(first))),
                    many => format!(
                        "{many} values such as {} of row {first} are",
                        quoted(words.value(first))
                    ),
                },
                if taken.len() == 1 { "it" } else { "them" },
            ));
        }
        Ok(notes)
    }

    fn format(self) -> Format {
        self.plain().with_null_regex(IS_NULL.clone())
    }

    /// As [`format`](Self::format), without words for a null.
    fn plain(self) -> Format {
        Format::default().with_header(true).with_delimiter(self.separator)
    }

    /// All values as they are written.
    fn texts(self, schema: &Schema) -> Result<RecordBatch> {
        let text = |field: &Arc<Field>| Field::new(field.name(), DataType::Utf8, true);
        let texts = Arc::new(Schema::new(schema.fields().iter().map(text).collect::<Vec<_>>()));
        // Nothing matches it, not even what is empty.
        let never = Regex::new(r"[^\x00-\x{10FFFF}]").expect("a class of no character");
        Ok(self.batches(&texts, self.plain().with_null_regex(never))?)
    }

    fn batches(self, schema: &SchemaRef, format: Format) -> Result<RecordBatch, ArrowError> {
        let reader = arrow_csv::ReaderBuilder::new(Arc::clone(schema)).with_format(format);
        let batches = reader.build(Cursor::new(self.bytes))?.collect::<Result<Vec<_>, _>>()?;
        concat_batches(schema, &batches)
    }

    /// The first value that is not of the type that `schema` gives its column.
    fn mistake(self, schema: &Schema) -> Option<Error> {
        let texts = self.texts(schema).ok()?;
        let safe = CastOptions::default();
        let first = schema.fields().iter().enumerate().filter_map(|(at, field)| {
            let words = texts.column(at);
            let values = cast_with_options(words, field.data_type(), &safe).ok()?;
            let words = words.as_string::<i32>();
            let wrong = |&row: &usize| values.is_null(row) && !IS_NULL.is_match(words.value(row));
            let row = (0..words.len()).find(wrong)?;
            let message = format!(
                "row {row}: column {} holds {}, which is no {}",
                quoted(field.name()),
                quoted(words.value(row)),
                field.data_type()
            );
            Some((row, message))
        });
        first
            .min_by_key(|(row, _)| *row)
            .map(|(_, message)| Error::data(message))
    }

    /// Refuses a file whose line of names has another separator alone, and Parquet under a name of texts.
    fn check_separator(self) -> Result<()> {
        if self.bytes.starts_with(b"PAR1") {
            let message = "this is a Parquet file under the name of a list: name it .parquet";
            return Err(Error::data(message));
        }
        let names = self
            .bytes
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .next()
            .unwrap_or_default();
        if names.contains(&self.separator) {
            return Ok(());
        }
        let (own, others) = match self.separator {
            b'\t' => (
                "tab",
                [
                    (b',', "commas", "name it .csv"),
                    (b';', "semicolons", "write it with tabs"),
                ],
            ),
            _ => (
                "comma",
                [
                    (b'\t', "tabs", "name it .tsv"),
                    (b';', "semicolons", "write it with commas"),
                ],
            ),
        };
        match others.into_iter().find(|(other, ..)| names.contains(other)) {
            None => Ok(()),
            Some((_, other, advice)) => Err(Error::data(format!(
                "the line of names has no {own}, but {other}: a file of this ending has its values between {own}s; {advice}"
            ))),
        }
    }
}
