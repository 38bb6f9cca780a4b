//! The file of rows that a generator makes: what training reads.

use super::candidates::{Candidates, check_limits};
use super::progress::GateProgress;
use super::row_maker::RowMaker;
use super::written_labels::WrittenLabels;
use crate::error::{Error, Result};
use crate::exec::{Context, catch, files, outputs};
use crate::source::HUGGING_FACE;
use crate::stored_rows::{GENERATOR, MADE_BY, MadeByRecord};
use crate::synthetic::{Gate, Judged};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a row group.
const ROWS: usize = 4096;
/// Bytes of one, about: pictures make it end sooner, since a row group is in memory while it is written.
const BYTES: usize = 64 << 20;

/// Endings of names whose readers would not find Parquet there.
const OTHERS: [&str; 20] = [
    "csv", "tsv", "txt", "json", "jsonl", "ndjson", "arrow", "feather", "ipc", "avro", "orc", "npy", "npz", "h5",
    "xlsx", "html", "png", "jpg", "zip", "gz",
];

/// The Parquet file that rows of a generator go to: of a [`LearnedModel`](super::LearnedModel), or of any other as a
/// [`FittedGenerator`](super::FittedGenerator).
///
/// It has the columns of the rows that the generator was fitted on, pictures as Hugging Face's `datasets` has them (PNG), labels as those rows have them (texts, integers, booleans,
/// or class numbers with their names), so that it is read beside the files of these rows, and a column `generator`, which says kind, hash and seed. Its metadata says which rows the generator was fitted on, so that such
/// rows are refused where one of them is held out. Rows of a class come by their index, from 0; classes take
/// turns, by blocks of [`BLOCK`](super::BLOCK) rows.
#[derive(Clone, Debug)]
pub struct RowsFile {
    path: PathBuf,
    overwrite: bool,
}

impl RowsFile {
    /// The file at `path`; one whose rows a generator made, all of them, is replaced if `overwrite` says so.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self {
            path: path.into(),
            overwrite,
        }
    }

    /// Checks, before rows are made, that they can be written. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where the ending of its name is that of another format, where the file is one of `inputs` or lies in one, by
    /// whatever path or link, and where there is a folder, a device or a file of other rows; `Exists` where there is a file that may
    /// not be replaced; `Io` where nothing can be written.
    pub fn check(&self, inputs: &[PathBuf]) -> Result<()> {
        let ending = self
            .path
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        if let Some(ending) = ending.filter(|ending| OTHERS.contains(&&**ending)) {
            let message =
                format!("rows are written as Parquet, and .{ending} says something else: name the file .parquet");
            return Err(Error::config(message).context(self.path.display().to_string()));
        }
        outputs::check_output(&self.path, self.overwrite, inputs.iter().map(Path::new))?;
        outputs::check_replaced(&self.path, "a file of rows that a generator made", is_own)
    }

    /// Writes `rows[class]` rows of each class, under the seed of `cx`: whole, or not at all. `progress` is told the rows that are done.
    ///
    /// # Errors
    ///
    /// Those of [making the rows](RowMaker::make); `Config` for a class that none can be made of, and where no rows are asked for; `Schema` where the rows have a column `generator` of their own;
    /// `Io` where the file cannot be written, `Exists` where there is one by now that may not be replaced.
    pub fn write(
        &self,
        cx: &Context,
        maker: &dyn RowMaker,
        rows: &[u64],
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let mut written = |at: GateProgress| progress(at.written);
        self.write_all(cx, maker, rows, None, &mut written).map(drop)
    }

    /// As [`write`](Self::write), of the rows that pass `gate` alone: row `i` of a class in the file is the `i`-th that does. What the gate made of the rows is given, up to the
    /// last of each class that is in the file. `progress` is told of rows that are held against limits first, then of candidates and of rows that are written.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write) and [`Gate::judge`]; `Data` where the model's rows lie beyond the [limits](crate::synthetic::GateSpec::limits) of the gate, before anything
    /// is written; `Stage` where fewer than one in [`attempts`](crate::synthetic::GateSpec::attempts) rows of a class pass.
    pub fn write_accepted(
        &self,
        cx: &Context,
        maker: &dyn RowMaker,
        rows: &[u64],
        gate: &Gate,
        progress: &mut dyn FnMut(GateProgress) -> Result<()>,
    ) -> Result<Judged> {
        self.write_all(cx, maker, rows, Some(gate), progress)
    }

    fn write_all(
        &self,
        cx: &Context,
        maker: &dyn RowMaker,
        rows: &[u64],
        gate: Option<&Gate>,
        progress: &mut dyn FnMut(GateProgress) -> Result<()>,
    ) -> Result<Judged> {
        for (class, _) in rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            maker.check_class(class as u32)?;
        }
        if rows.iter().all(|&rows| rows == 0) {
            return Err(Error::config("no rows are asked for: ask for one at least"));
        }
        let mut told = match gate {
            Some(gate) => check_limits(cx, maker, rows, gate, progress)?,
            None => GateProgress::default(),
        };
        let name = maker.made_by(cx.seed());
        let labels = WrittenLabels::of(maker)?;
        let schema = schema(maker, &labels, &name)?;
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS));
        let failed = |error: parquet::errors::ParquetError| Error::io(&self.path, error);
        let mut candidates = Candidates::new(maker, rows, gate);
        files::write_output(&self.path, self.overwrite, |out| {
            let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()));
            let mut writer = writer.map_err(failed)?;
            loop {
                let mut judged = |judged: u64| {
                    told.judged = judged;
                    progress(told)
                };
                let Some(made) = candidates.next(cx, &mut judged)? else {
                    break;
                };
                let generator = StringArray::from_iter_values(std::iter::repeat_n(&name, made.num_rows()));
                let mut columns = labels.columns(&made)?;
                columns.push(Arc::new(generator) as ArrayRef);
                let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
                writer.write(&batch).map_err(failed)?;
                if writer.in_progress_size() >= BYTES {
                    writer.flush().map_err(failed)?;
                }
                told.written += made.num_rows() as u64;
                progress(told)?;
            }
            writer.close().map(drop).map_err(failed)
        })?;
        Ok(candidates.judged)
    }
}

/// `rows` spread over classes in these proportions: each has its share to within one row, and the sum is exact.
///
/// ```
/// use millstream::synthetic::learned::spread;
///
/// assert_eq!(spread(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
/// assert_eq!(spread(8, &[3.0, 0.0, 1.0]), [6, 0, 2]);
/// ```
pub fn spread(rows: u64, shares: &[f64]) -> Vec<u64> {
    let whole: f64 = shares.iter().sum();
    let due = |share: f64| if whole > 0.0 { rows as f64 * share / whole } else { 0.0 };
    let mut given: Vec<u64> = shares.iter().map(|&share| due(share) as u64).collect();
    let mut order: Vec<usize> = (0..shares.len()).filter(|&class| shares[class] > 0.0).collect();
    order.sort_by(|&a, &b| {
        due(shares[b])
            .fract()
            .total_cmp(&due(shares[a]).fract())
            .then(a.cmp(&b))
    });
    let left = rows.saturating_sub(given.iter().sum()) as usize;
    order.iter().take(left).for_each(|&class| given[class] += 1);
    given
}

/// Whether a generator made the rows in the file at `path`, all of them: what puts tables together keeps what the first one said, beside rows of the
/// user's own.
fn is_own(path: &Path) -> bool {
    // The decoder may panic on damaged bytes.
    catch(|| Ok(is_made(path).unwrap_or(false))).unwrap_or(false)
}

/// Whether each row has the generator that the file names; none where that cannot be read.
fn is_made(path: &Path) -> Option<bool> {
    let file = std::fs::File::open(path).ok()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
    let record = MadeByRecord::read(reader.schema().metadata().get(MADE_BY)?).ok()?;
    let column = reader.schema().index_of(GENERATOR).ok()?;
    let only = ProjectionMask::roots(reader.parquet_schema(), [column]);
    for batch in reader.with_projection(only).build().ok()? {
        let names = cast(batch.ok()?.column(0), &DataType::Utf8).ok()?;
        let mut names = names.as_string::<i32>().iter();
        if !names.all(|name| name == Some(record.made_by.as_str())) {
            return Some(false);
        }
    }
    Some(true)
}

/// The columns of the file, and what Hugging Face's `datasets` is told of them.
fn schema(maker: &dyn RowMaker, labels: &WrittenLabels, name: &str) -> Result<SchemaRef> {
    let (of_rows, about, told) = (maker.schema(), maker.about(), maker.features());
    if of_rows.index_of(GENERATOR).is_ok() {
        return Err(Error::schema(format!(
            "the rows have a column \"{GENERATOR}\", which is what the one is called that says what made a row: rename it"
        )));
    }
    let mut fields = labels.fields(&of_rows);
    fields.push(Arc::new(Field::new(GENERATOR, DataType::Utf8, false)));
    let mut features = serde_json::Map::new();
    for field in &fields {
        let feature = match labels.are_numbers() && *field.name() == about.label {
            true => json!({"names": about.classes, "_type": "ClassLabel"}),
            false => match &told[field.name()] {
                Value::Null => feature(field.data_type()),
                told => told.clone(),
            },
        };
        features.insert(field.name().clone(), feature);
    }
    let made = json!({"generator": about.generator, "model": maker.hash(), "made_by": name, "rows": about.rows, "label": about.label, "fitted_on": about.fitted_on});
    let metadata = HashMap::from([
        (
            HUGGING_FACE.to_owned(),
            json!({"info": {"features": Value::Object(features)}}).to_string(),
        ),
        (MADE_BY.to_owned(), made.to_string()),
    ]);
    Ok(Arc::new(Schema::new_with_metadata(fields, metadata)))
}

/// What Hugging Face's `datasets` calls a column of this type.
pub(super) fn feature(data_type: &DataType) -> Value {
    match data_type {
        DataType::Struct(fields) if fields.find("bytes").is_none() => {
            let inside = fields
                .iter()
                .map(|field| (field.name().clone(), feature(field.data_type())));
            Value::Object(inside.collect())
        }
        DataType::Struct(_) => json!({"_type": "Image"}),
        DataType::Utf8 | DataType::Utf8View => json!({"dtype": "string", "_type": "Value"}),
        DataType::LargeUtf8 => json!({"dtype": "large_string", "_type": "Value"}),
        DataType::Boolean => json!({"dtype": "bool", "_type": "Value"}),
        DataType::Dictionary(_, values) => feature(values),
        DataType::Binary | DataType::BinaryView => json!({"dtype": "binary", "_type": "Value"}),
        DataType::FixedSizeList(item, length) => {
            json!({"feature": feature(item.data_type()), "length": length, "_type": "Sequence"})
        }
        DataType::List(item) => json!({"feature": feature(item.data_type()), "length": -1, "_type": "Sequence"}),
        other => json!({"dtype": other.to_string().to_lowercase(), "_type": "Value"}),
    }
}
