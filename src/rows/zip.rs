use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::rng::Rng;
use crate::spec::Spec;
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::sync::Arc;

/// The parameters of [`Zip`], which has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZipSpec {}

impl Spec for ZipSpec {
    const NAME: &'static str = "zip";
}

/// The columns of two datasets side by side; made by [`zip`](crate::DatasetExt::zip).
///
/// A row comes from both: its provenance has the stored rows of the left dataset, then those of the right one, and the class
/// that the left one knows, or else the right one.
#[derive(Debug)]
pub struct Zip<L, R> {
    left: L,
    right: R,
    len: NonZeroU64,
    schema: SchemaRef,
}

impl<L: Stable, R: Stable> Zip<L, R> {
    pub(crate) fn new(left: L, right: R) -> Result<Self> {
        let (one, other) = (left.schema(), right.schema());
        if let Some(field) = other.fields().iter().find(|field| one.index_of(field.name()).is_ok()) {
            let name = field.name();
            return Err(Error::schema(format!(
                "zip: both datasets have a column \"{name}\": leave it out of one of them with `project`"
            )));
        }
        let shapes = [(left.len(), left.views()), (right.len(), right.views())];
        let len = match shapes {
            [(Len::Finite(rows), views), (Len::Finite(others), other_views)]
                if rows == others && views == other_views =>
            {
                rows
            }
            shapes => {
                let [left, right] = shapes.map(|(len, views)| match (len, views) {
                    (Len::Finite(rows), 1) => counted(rows.get(), "row"),
                    (Len::Finite(rows), views) => format!("{} in {views} views", counted(rows.get() / views, "row")),
                    (Len::Endless, _) => "no end".to_owned(),
                });
                return Err(Error::config(format!(
                    "zip: the left dataset has {left}, the right one {right}: they need as many rows and views"
                )));
            }
        };
        let mut metadata = other.metadata().clone();
        metadata.extend(one.metadata().clone());
        let fields: Vec<_> = one.fields().iter().chain(other.fields()).cloned().collect();
        Ok(Self {
            left,
            right,
            len,
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
        })
    }

    /// The context of the right dataset: the same threads, a seed of its own.
    fn scope(cx: &Context) -> Context {
        cx.with_seed(Rng::new(cx.seed(), ZipSpec::NAME, 0).next_u64())
    }
}

/// `blocks`, each with its share of the bytes of those of `others` that it overlaps.
fn with_bytes(blocks: &[Block], others: &[Block]) -> Blocks {
    let overlap = |block: &Block, other: &Block| {
        // A block may have no rows.
        let (start, end) = (
            block.rows.start.max(other.rows.start),
            block.rows.end.min(other.rows.end),
        );
        let (rows, all) = (end.saturating_sub(start), other.rows.end - other.rows.start);
        (u128::from(other.bytes) * u128::from(rows))
            .checked_div(all.into())
            .unwrap_or(0) as u64
    };
    let more = |block: &Block| {
        let first = others.partition_point(|other| other.rows.end <= block.rows.start);
        let overlapping = others[first..]
            .iter()
            .take_while(|other| other.rows.start < block.rows.end);
        overlapping.map(|other| overlap(block, other)).sum::<u64>()
    };
    let whole = |block: &Block| Block {
        rows: block.rows.clone(),
        bytes: block.bytes + more(block),
    };
    blocks.iter().map(whole).collect()
}

impl<L: Stable, R: Stable> Dataset for Zip<L, R> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.len)
    }

    /// Those of the dataset that has more bytes.
    fn blocks(&self) -> Blocks {
        let (left, right) = (self.left.blocks(), self.right.blocks());
        let bytes = |blocks: &[Block]| blocks.iter().map(|block| block.bytes).sum::<u64>();
        match bytes(&left) >= bytes(&right) {
            true => with_bytes(&left, &right),
            false => with_bytes(&right, &left),
        }
    }

    fn describe(&self) -> Plan {
        let plan = Plan::of(&ZipSpec {}).input(self.left.describe());
        plan.scope(self.right.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (left, right) = (
            self.left.prepare(cx, positions),
            self.right.prepare(&Self::scope(cx), positions),
        );
        let (schema, rows) = (self.schema(), positions.len());
        Prepared::join_all(vec![left, right], move |sides| async move {
            let sides = sides.into_iter().collect::<Result<Vec<_>>>()?;
            let columns = sides.iter().flat_map(RecordBatch::columns).cloned().collect();
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let left = self.left.provenance(cx, position);
        let right = self.right.provenance(&Self::scope(cx), position);
        Provenance {
            places: left.places.into_iter().chain(right.places).collect(),
            class: left.class.or(right.class),
            label_shares: match left.class {
                Some(_) => left.label_shares,
                None => right.label_shares,
            },
            origin: left.origin.max(right.origin),
            generator: left.generator.or(right.generator),
            occurrence: left.occurrence.max(right.occurrence),
        }
    }
}

impl<L: Stable, R: Stable> Stable for Zip<L, R> {
    fn views(&self) -> u64 {
        self.left.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        let is_right = self.right.schema().index_of(name).is_ok();
        Box::pin(async move {
            if is_right {
                return self.right.column(&Self::scope(cx), name).await;
            }
            // The schema of both, for the error.
            crate::columns::index_of(&self.schema, name)?;
            self.left.column(cx, name).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_rows_has_no_share() {
        let block = |rows, bytes| Block { rows, bytes };
        let (left, right) = (
            [block(0..2, 10), block(2..2, 0), block(2..4, 10)],
            [block(0..0, 7), block(0..4, 8)],
        );
        let bytes = with_bytes(&left, &right)
            .iter()
            .map(|block| block.bytes)
            .collect::<Vec<_>>();
        assert_eq!(bytes, [14, 0, 14]);
        assert_eq!(with_bytes(&right, &left)[1].bytes, 28);
    }
}
