//! The file of rows that a model makes: what training reads.

use super::definition::BLOCK;
use super::learned_model::LearnedModel;
use crate::error::{Error, Result};
use crate::exec::{Context, files, outputs};
use crate::source::HUGGING_FACE;
use crate::stored_rows::{GENERATOR, MADE_BY};
use crate::synthetic::SampleId;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a row group.
const ROWS: usize = 4096;

/// The Parquet file that rows of a model go to.
///
/// It has the columns of the rows that the model was fitted on, pictures as Hugging Face's `datasets` has them (PNG), labels as class numbers
/// with their names, and a column `generator`, which says kind, model and seed. Its metadata says which rows the model was fitted on, so that such
/// rows are refused where one of them is held out. Rows of a class come by their index, from 0; classes take
/// turns, by blocks of [`BLOCK`] rows.
#[derive(Clone, Debug)]
pub struct RowsFile {
    path: PathBuf,
    overwrite: bool,
}

impl RowsFile {
    /// The file at `path`; one that is there already is replaced if `overwrite` says so.
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
    /// `Config` where the file is one of `inputs` or lies in one, by whatever path or link, and where there is a folder or a device; `Exists`
    /// where there is a file that may not be replaced; `Io` where nothing can be written.
    pub fn check(&self, inputs: &[PathBuf]) -> Result<()> {
        outputs::check_output(&self.path, self.overwrite, inputs.iter().map(Path::new))
    }

    /// Writes `rows[class]` rows of each class, under the seed of `cx`: whole, or not at all. `progress` is told the rows that are done.
    ///
    /// # Errors
    ///
    /// As [`LearnedModel::sample`]; `Config` where no rows are asked for; `Schema` where the rows have a column `generator` of their own;
    /// `Io` where the file cannot be written, `Exists` where there is one by now that may not be replaced.
    pub fn write(
        &self,
        cx: &Context,
        model: &LearnedModel,
        rows: &[u64],
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        for (class, _) in rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            model.about().check_class(class as u32)?;
        }
        let most = rows.iter().copied().max().unwrap_or(0);
        if most == 0 {
            return Err(Error::config("no rows are asked for: ask for one at least"));
        }
        let name = model.generator(cx.seed());
        let schema = schema(model, &name)?;
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS));
        let failed = |error: parquet::errors::ParquetError| Error::io(&self.path, error);
        files::write_output(&self.path, self.overwrite, |out| {
            let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()));
            let (mut writer, mut done) = (writer.map_err(failed)?, 0);
            for block in 0..most.div_ceil(BLOCK) {
                for (class, &rows) in (0..).zip(rows) {
                    let wanted = (block * BLOCK..rows.min((block + 1) * BLOCK)).map(|index| SampleId { class, index });
                    let wanted: Vec<SampleId> = wanted.collect();
                    if wanted.is_empty() {
                        continue;
                    }
                    let made = model.sample(cx, &wanted)?;
                    let generator = StringArray::from_iter_values(std::iter::repeat_n(&name, wanted.len()));
                    let columns = made.columns().iter().cloned().chain([Arc::new(generator) as ArrayRef]);
                    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect())?;
                    writer.write(&batch).map_err(failed)?;
                    done += wanted.len() as u64;
                    progress(done)?;
                }
            }
            writer.close().map(drop).map_err(failed)
        })
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

/// The columns of the file, and what Hugging Face's `datasets` is told of them.
fn schema(model: &LearnedModel, name: &str) -> Result<SchemaRef> {
    let (of_rows, about) = (model.schema(), model.about());
    if of_rows.index_of(GENERATOR).is_ok() {
        return Err(Error::schema(format!(
            "the rows have a column \"{GENERATOR}\", which is what the one is called that says what made a row: rename it"
        )));
    }
    let mut fields: Vec<Arc<Field>> = of_rows.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(GENERATOR, DataType::Utf8, false)));
    let mut features = serde_json::Map::new();
    for field in &fields {
        let feature = match field.data_type() {
            _ if *field.name() == about.label => json!({"names": about.classes, "_type": "ClassLabel"}),
            DataType::Struct(_) => json!({"_type": "Image"}),
            DataType::Utf8 | DataType::Utf8View => json!({"dtype": "string", "_type": "Value"}),
            DataType::LargeUtf8 => json!({"dtype": "large_string", "_type": "Value"}),
            DataType::Boolean => json!({"dtype": "bool", "_type": "Value"}),
            other => json!({"dtype": other.to_string().to_lowercase(), "_type": "Value"}),
        };
        features.insert(field.name().clone(), feature);
    }
    let made = json!({"generator": about.generator, "model": model.hash(), "made_by": name, "rows": about.rows, "fitted_on": about.fitted_on});
    let metadata = HashMap::from([
        (
            HUGGING_FACE.to_owned(),
            json!({"info": {"features": Value::Object(features)}}).to_string(),
        ),
        (MADE_BY.to_owned(), made.to_string()),
    ]);
    Ok(Arc::new(Schema::new_with_metadata(fields, metadata)))
}
