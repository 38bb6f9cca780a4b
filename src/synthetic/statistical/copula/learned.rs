//! The copula as a generator that is fitted once and kept.

use super::generator::batch;
use super::model::CopulaModel;
use super::spec::CopulaSpec;
use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::synthetic::SampleId;
use crate::synthetic::learned::{About, BLOCK, FitRun, Learned, LearnedSpec, Parts, Training};
use crate::synthetic::matched_columns::MatchedColumns;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use std::sync::Arc;

/// The files of a copula: what was learnt, and the columns of its rows.
const FILES: [&str; 2] = ["copula.json", "columns.arrow"];

/// Rows of a class that a quick fit looks at.
const QUICK: u64 = 1000;

/// A fitted copula, and the columns of its rows.
#[derive(Debug)]
struct LearnedCopula {
    model: CopulaModel,
    columns: MatchedColumns,
}

impl LearnedSpec for CopulaSpec {
    fn fit(&self, training: &Training, _: &mut FitRun<'_>) -> Result<Box<dyn Learned>> {
        let Training { cx, rows, labels } = training;
        let model = cx.block_on(CopulaModel::fit(cx, Arc::clone(rows), labels, self.clone()))?;
        let columns = MatchedColumns::of(rows, labels)?;
        Ok(Box::new(LearnedCopula { model, columns }))
    }

    fn load(&self, about: &About, parts: &Parts) -> Result<Box<dyn Learned>> {
        let [model, columns] = FILES.map(|name| {
            let part = parts.get(name);
            part.ok_or_else(|| Error::data(format!("{name}, a part of the copula, is missing")))
        });
        let damaged = |name: &str, error: String| Error::data(format!("{name}: {error}"));
        let model: CopulaModel =
            serde_json::from_slice(model?).map_err(|error| damaged(FILES[0], error.to_string()))?;
        model.check()?;
        let reader = StreamReader::try_new(columns?.as_slice(), None);
        let schema = reader.map_err(|error| damaged(FILES[1], error.to_string()))?.schema();
        let columns = MatchedColumns::in_schema(schema, &about.label)?;
        Ok(Box::new(LearnedCopula { model, columns }))
    }

    fn part_names(&self) -> &'static [&'static str] {
        &FILES
    }

    fn quick(&self) -> Box<dyn LearnedSpec> {
        Box::new(Self {
            most_rows: self.most_rows.min(QUICK),
            ..self.clone()
        })
    }
}

impl Learned for LearnedCopula {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns.schema)
    }

    fn block(&self, class: u32, mut rng: Rng) -> Result<RecordBatch> {
        let rows: Vec<Vec<f64>> = (0..BLOCK)
            .map(|_| self.model.classes[class as usize].draw(&mut rng))
            .collect();
        let samples: Vec<SampleId> = (0..BLOCK).map(|index| SampleId { class, index }).collect();
        self.columns.rows(&batch(&self.model, &self.columns, &rows)?, &samples)
    }

    fn parts(&self) -> Result<Parts> {
        let failed = |error: String| Error::stage(format!("a copula cannot be written down: {error}"));
        let model = serde_json::to_vec(&self.model).map_err(|error| failed(error.to_string()))?;
        let schema: &Schema = &self.columns.schema;
        let writer = StreamWriter::try_new(Vec::new(), schema).map_err(|error| failed(error.to_string()))?;
        let columns = writer.into_inner().map_err(|error| failed(error.to_string()))?;
        let [model_file, columns_file] = FILES.map(str::to_owned);
        Ok([(model_file, model), (columns_file, columns)].into())
    }
}
