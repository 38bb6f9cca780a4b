//! A stage at work on the rows of a batch.

use super::column::Column;
use super::output::{Buffers, Filling, outs};
use super::ports::Read;
use super::row::{Columns, Draws, Row, RowOf};
use super::stage::{Bound, Stage};
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use crate::plan::Plan;
use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use rayon::prelude::*;
use std::sync::Arc;

/// A stage that knows its columns, its name and its buffers.
#[derive(Debug)]
pub(super) struct Step {
    stage: Arc<dyn Stage>,
    /// The name under which it draws: that of its plan, with a number where there is one of the same name below.
    name: String,
    random: bool,
    /// What errors say was being done: `image "photo"`.
    label: String,
    pub(super) bound: Bound,
    buffers: Vec<Buffers>,
    /// The columns when it is done.
    pub(super) schema: SchemaRef,
}

/// Which rows a step is at work on.
pub(super) struct Rows<'a> {
    /// Those of the dataset below, and of the [others](Bound::other), which are taken from behind them.
    pub(super) below: &'a Taken,
    pub(super) others: &'a [Taken],
    /// Of each row that comes out: its position, or none if it is to come without random augmentation; its row below; and
    /// those of its partners.
    pub(super) keys: &'a [Option<u64>],
    pub(super) own: &'a [usize],
    pub(super) partners: &'a [Vec<RowOf>],
}

/// Rows of a dataset, and the class of each if it is wanted.
pub(super) struct Taken {
    pub(super) batch: RecordBatch,
    pub(super) classes: Arc<[Option<u32>]>,
}

impl Step {
    /// Binds `stage` to the columns `below`, under which `plan` lies.
    pub(super) fn new(stage: Arc<dyn Stage>, below: &Schema, plan: &Plan) -> Result<Self> {
        let described = stage.describe();
        let name = plan.free_name(described.name());
        let placed = |error: Error| error.context(name.as_str());
        let bound = stage.bind(below).map_err(placed)?;
        let mut reads = bound.reads.iter();
        reads.try_for_each(|read| Column::check(below, read)).map_err(placed)?;
        for other in &bound.others {
            let schema = other.dataset.schema();
            let mut reads = other.reads.iter();
            reads
                .try_for_each(|read| Column::check(&schema, read))
                .map_err(placed)?;
        }
        let buffers = bound
            .writes
            .iter()
            .map(Buffers::new)
            .collect::<Result<Vec<_>>>()
            .map_err(placed)?;
        for (at, output) in bound.writes.iter().enumerate() {
            if bound.writes[..at].iter().any(|other| other.name == output.name) {
                let message = format!("two of its outputs are called \"{}\"", output.name);
                return Err(placed(Error::config(message)));
            }
        }
        let mut fields = below.fields().to_vec();
        for buffers in &buffers {
            let field = Arc::clone(buffers.field());
            match fields.iter_mut().find(|old| old.name() == field.name()) {
                Some(old) => *old = field,
                None => fields.push(field),
            }
        }
        // Where several columns are read, an error says itself which is the bad one.
        let mut columns = bound.reads.iter().filter_map(Read::column);
        let column = columns.next().filter(|column| columns.all(|other| other == *column));
        let label = column.map_or_else(|| name.clone(), |column| format!("{name} \"{column}\""));
        Ok(Self {
            random: described.draws(),
            schema: Arc::new(Schema::new_with_metadata(fields, below.metadata().clone())),
            stage,
            name,
            label,
            bound,
            buffers,
        })
    }

    /// Whether it draws random numbers.
    pub(super) fn is_random(&self) -> bool {
        self.random
    }

    /// Whether it wants to know the classes of dataset number `dataset`: 0 for the one below.
    pub(super) fn reads_class(&self, dataset: usize) -> bool {
        let reads = match dataset.checked_sub(1) {
            None => Some(&self.bound.reads),
            Some(other) => self.bound.others.get(other).map(|other| &other.reads),
        };
        reads.is_some_and(|reads| reads.contains(&Read::Class))
    }

    /// Its plan, over that of what is below.
    pub(super) fn describe(&self, below: Plan) -> Plan {
        let plan = self.stage.describe().renamed(&self.name);
        let plan = self.bound.notes.iter().fold(plan, Plan::note);
        plan.input(below)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The columns that it makes of `rows`, in the order of its outputs. An error has the index of the row that comes out; of a
    /// column that cannot be read as is asked for it has that of the batch's row, in [`Failed::Below`].
    pub(super) fn run(&self, cx: &Context, rows: &Rows<'_>) -> Result<Vec<ArrayRef>, Failed> {
        let below = |error: Error| Failed::Below(self.labelled(error));
        let datasets = self.columns(rows).map_err(below)?;
        let mut fillings: Vec<Filling> = self
            .buffers
            .iter()
            .map(|buffers| buffers.take(rows.own.len()))
            .collect();
        let all = outs(&mut fillings, rows.own.len());
        let fills = self.bound.fills;
        let done = all.into_par_iter().enumerate().try_for_each(|(at, mut out)| {
            if cx.stopped() {
                return Err(Failed::Row(Error::stage("the loader was dropped")));
            }
            let row = Row {
                datasets: &datasets,
                own: RowOf {
                    dataset: 0,
                    row: rows.own[at],
                },
                partners: rows.partners.get(at).map_or(&[], Vec::as_slice),
            };
            let draws = Draws {
                seed: cx.seed(),
                name: &self.name,
                position: rows.keys[at],
            };
            if !fills {
                out.clear();
            }
            catch(|| self.bound.run.run(&row, draws, &mut out)).map_err(|error| {
                let error = self.labelled(error);
                match error.index() {
                    // A row of the batch is to blame, which may be a partner.
                    Some(_) => Failed::Below(error),
                    None => Failed::Row(error.at(at)),
                }
            })
        });
        done?;
        let finish = |(buffers, filling): (&Buffers, Filling)| buffers.finish(filling);
        let made: Result<Vec<_>> = self.buffers.iter().zip(fillings).map(finish).collect();
        made.map_err(|error| Failed::Row(error.context(&self.name)))
    }

    /// `error`, of the step and of the column that it notes.
    fn labelled(&self, error: Error) -> Error {
        match error.column() {
            Some(column) => {
                let label = format!("{} \"{column}\"", self.name);
                error.context(label)
            }
            None => error.context(&self.label),
        }
    }

    /// What it reads of all datasets.
    fn columns(&self, rows: &Rows<'_>) -> Result<Vec<Columns<'_>>> {
        let others = self.bound.others.iter().map(|other| &other.reads).zip(rows.others);
        let all = std::iter::once((&self.bound.reads, rows.below)).chain(others);
        let mut first = 0;
        let columns = all.map(|(reads, taken)| {
            let reads: &[Read] = reads;
            let own = reads.iter().map(|read| Column::of(&taken.batch, read, &taken.classes));
            let columns = own.collect::<Result<_>>();
            let columns = columns.map_err(|error: Error| error.moved(|row| Some(first + row)))?;
            let columns = Columns { reads, columns, first };
            first += taken.batch.num_rows();
            Ok(columns)
        });
        columns.collect()
    }

    /// `rows` with the columns that were `made`, and the rest of them as `stay` makes them.
    pub(super) fn with(
        &self,
        rows: &RecordBatch,
        made: &[ArrayRef],
        stay: impl FnOnce(&RecordBatch) -> Result<RecordBatch>,
    ) -> Result<RecordBatch> {
        let output = |name: &str| self.buffers.iter().position(|buffers| buffers.field().name() == name);
        let below = rows.schema();
        let kept: Vec<usize> = (0..rows.num_columns())
            .filter(|&at| output(below.field(at).name()).is_none())
            .collect();
        let kept = stay(&rows.project(&kept)?)?;
        let mut kept = kept.columns().iter();
        let column = |field: &FieldRef| match output(field.name()) {
            Some(at) => Some(Arc::clone(&made[at])),
            None => kept.next().cloned(),
        };
        let columns: Vec<ArrayRef> = self.schema.fields().iter().filter_map(column).collect();
        let options =
            RecordBatchOptions::new().with_row_count(made.first().map(|made| made.len()).or(Some(rows.num_rows())));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

/// What went wrong, and what its index counts.
#[derive(Debug)]
pub(super) enum Failed {
    /// Rows that come out.
    Row(Error),
    /// Rows of the batch below.
    Below(Error),
}
