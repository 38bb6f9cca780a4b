use super::mixed::Mixed;
use super::stage::Stage;
use crate::columns::index_of;
use crate::dataset::{Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::prepared::Prepared;
use arrow::array::ArrayRef;
use futures::future::BoxFuture;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Views that are mixed with others, the same ones in every epoch. View 0 of each row stays as it is.
#[derive(Debug)]
pub(crate) struct MixedViews<D> {
    inner: Mixed<D>,
    /// Rows, which have their view 0 first.
    rows: u64,
    /// Rows of all views.
    all: NonZeroU64,
}

impl<D: Stable> MixedViews<D> {
    /// # Errors
    ///
    /// As [`mix_with`](crate::DatasetExt::mix_with).
    pub(crate) fn new(inner: D, stage: Arc<dyn Stage>) -> Result<Self> {
        let views = inner.views();
        let Len::Finite(all) = inner.len() else {
            return Err(Error::config("views need a dataset with an end"));
        };
        Ok(Self {
            inner: Mixed::new(inner, stage)?,
            rows: all.get() / views,
            all,
        })
    }
}

impl<D: Stable> Dataset for MixedViews<D> {
    forward!(inner: schema, blocks, describe);

    fn len(&self) -> Len {
        Len::Finite(self.all)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let positions: Vec<u64> = positions.iter().map(|&position| position % self.all).collect();
        self.inner
            .prepare_views(cx, &positions, |position| position < self.rows)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let position = position % self.all;
        match position < self.rows {
            true => self.inner.inner().provenance(cx, position),
            false => self.inner.provenance(cx, position),
        }
    }
}

impl<D: Stable> Stable for MixedViews<D> {
    fn views(&self) -> u64 {
        self.inner.inner().views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        if !self.inner.writes(name) {
            return self.inner.inner().column(cx, name);
        }
        Box::pin(async move {
            let rows: Vec<u64> = (0..self.rows).collect();
            let rows = self.take(cx, &rows).await?;
            Ok(Arc::clone(rows.column(index_of(&rows.schema(), name)?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::DatasetExt;
    use crate::plan::Plan;
    use crate::rows::{Bound, DType, Draws, Map, Out, Output, Partner, Partners, Read, Row, Windows};
    use crate::source::Memory;
    use crate::testing;
    use arrow::array::{AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::{Int64Type, Schema};

    /// Adds a thousand times another row of the same window.
    #[derive(Debug)]
    struct Added;

    impl Partners for Added {
        fn of(&self, seed: u64, name: &str, len: Len, positions: &[u64]) -> Vec<Vec<Partner>> {
            let windows = Windows { len, size: 6 };
            let partner = |position| {
                vec![Partner {
                    dataset: 0,
                    position,
                    share: 0.0,
                }]
            };
            windows
                .partners(seed, name, positions)
                .into_iter()
                .map(partner)
                .collect()
        }

        fn most(&self) -> usize {
            1
        }
    }

    impl Stage for Added {
        fn describe(&self) -> Plan {
            Plan::new("added").random()
        }

        fn bind(&self, _: &Schema) -> Result<Bound> {
            let run = |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
                let other = match row.partners() {
                    0 => 0,
                    _ => row.partner(0).values::<i64>(0)?[0],
                };
                assert_eq!(draws.stream("any").is_some(), row.partners() > 0);
                out.fixed::<i64>(0)[0] = row.values::<i64>(0)?[0] + 1000 * other;
                Ok(())
            };
            Ok(Bound::new(run)
                .reads(Read::values("id", DType::I64))
                .writes(Output::fixed("id", DType::I64, []))
                .partners(Added))
        }
    }

    #[test]
    fn views_are_mixed_alike_in_every_epoch_and_view_0_is_not() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=20));
        let rows = Memory::new(vec![RecordBatch::try_from_iter([("id", ids)]).expect("a column")]).expect("rows");
        let same = |row: &Row<'_>, _: Draws<'_>, out: &mut Out<'_>| {
            out.fixed::<i64>(0)[0] = row.values::<i64>(0)?[0];
            Ok(())
        };
        let map = Map::new("same")
            .reads(Read::values("id", DType::I64))
            .writes(Output::fixed("id", DType::I64, []));
        let views = rows.map(map, same).and_then(|rows| rows.views(3)).expect("views");
        let mixed = MixedViews::new(views, Arc::new(Added)).expect("it binds");
        let cx = Context::with(2, 1 << 26).expect("a context").with_seed(5);
        cx.block_on(testing::check_stable(&cx, &mixed, 1))
            .expect("it keeps the law");
        let positions: Vec<u64> = (0..120).collect();
        let taken = cx.block_on(mixed.take(&cx, &positions)).expect("rows");
        let values = taken["id"].as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(values[..20], Vec::from_iter(1..=20));
        assert_eq!(values[..60], values[60..]);
        for (position, value) in (20..60).zip(&values[20..]) {
            let (own, other) = (value % 1000, value / 1000);
            assert_eq!(own, position as i64 % 20 + 1);
            assert!((1..=20).contains(&other));
            let provenance = mixed.provenance(&cx, position);
            let rows: Vec<i64> = provenance.places.iter().map(|place| place.row as i64 + 1).collect();
            assert_eq!(rows, [own, other]);
        }
        assert_eq!(mixed.provenance(&cx, 63).places.len(), 1);
    }
}
