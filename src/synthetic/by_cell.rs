//! Synthetic rows of a class and a subgroup: what a balance by cells is filled with.

use super::{Generator, GeneratorSpec, SampleId};
use crate::columns::index_of;
use crate::dataset::{Dataset, Provenance, Stable, StoredRows};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::quote::counted;
use crate::rows::{ClassEncoded, Labels};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use futures::future::BoxFuture;
use std::sync::Arc;

/// A generator fitted by cells (a class and a subgroup, say) in place of classes: its rows are made of rows of one cell, and have the class of that cell.
///
/// Every cell has to lie within one class: a row that lies between a cat and a dog is neither. Whatever else a row has is that of its parents, so a row between
/// two of `cat / night` is one of `cat / night`. A generator whose rows have no parents has to make the column `cell`, too; [`Copula`](super::Copula) and the like do.
///
/// ```
/// use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
/// use millstream::mix::BalanceSpec;
/// use millstream::rows::{Key, Labels};
/// use millstream::source::Memory;
/// use millstream::synthetic::{ByCell, SmoteSpec};
/// use millstream::{Context, DatasetExt, Result, Stable};
/// use std::sync::Arc;
///
/// # fn main() -> Result<()> {
/// // 60 cats, of which 10 were seen at night, and 20 dogs, of which 5 were.
/// let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..80).map(|row| row as f32)));
/// let label: ArrayRef = Arc::new(StringArray::from_iter_values((0..80).map(|row| if row < 60 { "cat" } else { "dog" })));
/// let time: ArrayRef = Arc::new(StringArray::from_iter_values((0..80).map(|row| if (50..65).contains(&row) { "night" } else { "day" })));
/// let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter([("x", x), ("label", label), ("time", time)])?])?);
///
/// let cx = Context::new()?;
/// let classes = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label"))?);
/// let key = Key::product([Key::column("label"), Key::column("time")]);
/// let cells = Arc::new(cx.block_on(key.scan(&cx, &rows))?);
/// let smote = SmoteSpec { columns: vec!["x".to_owned()], ..SmoteSpec::default() };
/// let smote = cx.block_on(ByCell::fit(&cx, rows.clone(), &classes, &cells, &smote))?;
/// let balanced = cx.block_on(rows.balance_cells(&cx, "label", &cells, &BalanceSpec::default()))?.fill(Arc::new(smote), 1.0)?;
/// let quotas: Vec<_> = balanced.quotas().into_iter().map(|cell| (cell.name, cell.rows, cell.synthetic)).collect();
/// assert_eq!(quotas[1], ("cat / night".to_owned(), 20, 10));
/// assert_eq!(quotas[3], ("dog / night".to_owned(), 20, 15));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ByCell {
    inner: Arc<dyn Generator>,
    cells: Arc<Labels>,
    /// The class of each cell; none of one without rows.
    classes: Vec<Option<u32>>,
    /// The columns of the rows, which have no cell.
    schema: SchemaRef,
    label: usize,
    names: Vec<String>,
}

impl ByCell {
    /// What `spec` makes of `rows`, which are training rows alone, their `classes`, and the cell of each row.
    ///
    /// # Errors
    ///
    /// `Config` for a cell with rows of several classes, and where there is not one class and cell for each row; `Schema` where there is a column `cell` already; those of
    /// the generator.
    pub async fn fit(
        cx: &Context,
        rows: Arc<dyn Stable>,
        classes: &Arc<Labels>,
        cells: &Arc<Labels>,
        spec: &dyn GeneratorSpec,
    ) -> Result<Self> {
        let of_cells = classes_of(classes, cells)?;
        let rows = ClassEncoded::new(rows, classes.into())?;
        let schema = rows.schema();
        let named = Arc::new(cells.renamed(Labels::CELL));
        let rows: Arc<dyn Stable> = Arc::new(ClassEncoded::appended(rows, (&named).into())?);
        Ok(Self {
            inner: spec.fit(cx, rows, &named).await?,
            cells: Arc::clone(cells),
            classes: of_cells,
            label: index_of(&schema, classes.column())?,
            names: classes.names().to_vec(),
            schema,
        })
    }

    fn class(&self, cell: u32) -> Option<u32> {
        self.classes.get(cell as usize).copied().flatten()
    }

    /// `made` without the cell, if each row has the class of its cell.
    fn checked(&self, made: &RecordBatch, samples: &[SampleId]) -> Result<RecordBatch> {
        let columns = self.schema.fields().iter();
        let columns = columns.map(|field| Ok(Arc::clone(made.column(index_of(&made.schema(), field.name())?))));
        let made = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_>>()?)?;
        let found = made.column(self.label).as_primitive::<Int64Type>();
        let wrong = |(class, sample): (&i64, &SampleId)| self.class(sample.class).map(i64::from) != Some(*class);
        let Some(row) = found.values().iter().zip(samples).position(wrong) else {
            return Ok(made);
        };
        let name = |class: i64| usize::try_from(class).ok().and_then(|class| self.names.get(class));
        Err(Error::stage(format!(
            "{} made a row of class {:?} for the cell {:?}",
            self.inner.describe().name(),
            name(found.value(row)).map_or("(none)", String::as_str),
            self.cells.names()[samples[row].class as usize]
        ))
        .at(row))
    }
}

/// The class of each cell; none of one without rows.
///
/// # Errors
///
/// `Config` for a cell with rows of several classes.
pub(crate) fn classes_of(classes: &Labels, cells: &Labels) -> Result<Vec<Option<u32>>> {
    if classes.len() != cells.len() {
        return Err(Error::config(format!(
            "{} of classes and {} of cells: give those of the same rows",
            counted(classes.len(), "row"),
            counted(cells.len(), "row")
        )));
    }
    let mut of = vec![None; cells.names().len()];
    for (class, cell) in classes.iter().zip(cells.iter()) {
        let known = of[cell as usize].get_or_insert(class);
        if *known != class {
            let [one, other] = [*known, class].map(|class| &classes.names()[class as usize]);
            return Err(Error::config(format!(
                "{:?} has rows of {one:?} and of {other:?}, and a row that is made of both is of neither: make the cells those of {:?} and what they are now",
                cells.names()[cell as usize],
                classes.column()
            )));
        }
    }
    Ok(of)
}

impl Generator for ByCell {
    fn describe(&self) -> Plan {
        // The class of a row is that of its cell, and cells are classes inside alone. What the rows themselves stand on has to stay as the rows that are filled have it.
        let classes = ClassEncoded::<Arc<dyn Stable>>::NAME;
        let inner = self.inner.describe().without_run(classes, ("column", Labels::CELL));
        Plan::new("by_cell")
            .param("by", format_args!("{:?}", self.cells.column()))
            .param("cells", format_args!("{:016x}", self.cells.hash()))
            .input(inner)
    }

    fn supports(&self, cell: u32) -> bool {
        self.class(cell).is_some() && self.inner.supports(cell)
    }

    fn cells(&self) -> Option<&Arc<Labels>> {
        Some(&self.cells)
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let made = self.inner.generate(cx, samples).await?;
            self.checked(&made, samples)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        self.inner.parents(cx, sample)
    }

    fn along(&self, cx: &Context, sample: SampleId) -> Option<f32> {
        self.inner.along(cx, sample)
    }

    fn parents_elsewhere(&self) -> StoredRows {
        self.inner.parents_elsewhere()
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        Provenance {
            class: self.class(sample.class),
            ..self.inner.provenance(cx, sample)
        }
    }
}
