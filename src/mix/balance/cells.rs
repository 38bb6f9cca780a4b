//! A balance by another key than the class of the rows.

use super::builder::Balance;
use super::spec::BalanceSpec;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::{ClassEncoded, LabelKind, Labels};
use crate::spec::Spec;
use crate::synthetic::Generator;
use std::ops::Range;
use std::sync::Arc;

/// Positions that are worked out at a time.
const CHUNK: u64 = 1 << 14;

impl<D: Stable> Balance<D> {
    /// A balance by `cells`; the classes of the rows are those in `column`.
    pub(crate) async fn by_cells(
        cx: &Context,
        rows: D,
        column: &str,
        cells: Arc<Labels>,
        spec: &BalanceSpec,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Self> {
        Spec::check(spec)?;
        let schema = rows.schema();
        LabelKind::one_class(schema.field(index_of(&schema, column)?), "a balance")?;
        let classes = Arc::new(Labels::scan(cx, &rows, column).await?);
        let base = ClassEncoded::new(rows, (&classes).into())?;
        Self::of_cells(cx, base, cells, spec)?.set(spec, generator)
    }

    /// A balance by `cells` of rows that have no classes: which cell a row is in becomes the column [`CELL`](Labels::CELL), and the class in its provenance.
    pub(crate) fn by_cells_alone(
        cx: &Context,
        rows: D,
        cells: &Labels,
        spec: &BalanceSpec,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Self> {
        Spec::check(spec)?;
        let cells = Arc::new(cells.renamed(Labels::CELL));
        let base = ClassEncoded::appended(rows, (&cells).into())?;
        Self::of_cells(cx, base, cells, spec)?.set(spec, generator)
    }

    fn of_cells(cx: &Context, base: ClassEncoded<D>, cells: Arc<Labels>, spec: &BalanceSpec) -> Result<Self> {
        let rows = base.labels().len();
        if cells.len() != rows {
            return Err(Error::config(format!(
                "the key {:?} is that of {} rows, and there are {rows}",
                cells.column(),
                cells.len()
            )));
        }
        let mut balance = Self::new(cx, base, cells, None, spec.target.clone())?;
        balance.key = Some(spec.by.clone());
        Ok(balance)
    }

    /// Whether it is by another key than the class.
    pub(super) fn is_by_cells(&self) -> bool {
        self.key.is_some()
    }

    /// Refuses a generator of classes for cells, of cells for classes, and of the cells of other rows.
    pub(super) fn check_generator(&self, generator: &dyn Generator) -> Result<()> {
        let (plan, by) = (generator.describe(), self.labels());
        let name = plan.name();
        let is_alone = self.is_by_cells() && self.base.labels().column() == Labels::CELL;
        let message = match generator.cells().filter(|_| !is_alone) {
            None if is_alone => format!(
                "{name}: the rows have no classes, so that nothing says what a made row is to have in place of one: repeat rows"
            ),
            None if self.is_by_cells() => format!(
                "{name} makes rows of classes, and this balance is by {:?}: fit it by these cells (`ByCell`), or repeat rows",
                by.column()
            ),
            None => return Ok(()),
            Some(cells) if !self.is_by_cells() => format!(
                "{name} makes rows of the cells of {:?}, and this balance is by {:?}: balance by these cells, or fit it by classes",
                cells.column(),
                by.column()
            ),
            Some(cells) if cells.names() == by.names() && cells.hash() == by.hash() => return Ok(()),
            Some(cells) => format!(
                "{name} makes rows of other cells of {:?} than those of {:?} that this balance is by: fit it by the balance's own",
                cells.column(),
                by.column()
            ),
        };
        Err(Error::config(message))
    }

    /// How many rows of each of its [classes or cells](Self::labels) come at `positions`, in the order of their names: what was emitted, cell by cell.
    ///
    /// Takes some microseconds a row.
    ///
    /// # Errors
    ///
    /// `Config` where the shares of an epoch among them are not known yet, because they follow from [`Feedback`](crate::mix::Feedback).
    pub fn emitted(&self, cx: &Context, positions: Range<u64>) -> Result<Vec<u64>> {
        let mut counts = vec![0; self.sampler.pools.len()];
        let mut start = positions.start;
        while start < positions.end {
            let end = positions.end.min(start + CHUNK);
            let some: Vec<u64> = (start..end).collect();
            self.sampler.check_known(&some)?;
            let sorted = self.sampler.picker(cx.seed()).sorted(&some);
            sorted.stored.iter().for_each(|row| counts[row.class] += 1);
            sorted.made.iter().for_each(|sample| counts[sample.class as usize] += 1);
            start = end;
        }
        Ok(counts)
    }
}
