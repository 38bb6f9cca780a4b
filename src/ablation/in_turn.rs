//! Two generators whose rows come in turn.

use crate::columns::gather;
use crate::dataset::{Provenance, StoredRows};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use std::sync::Arc;

/// The first makes the even rows of a class, and the second the odd ones. Of a class that one of them does not support the other makes all.
#[derive(Debug)]
pub(super) struct InTurn(pub(super) [Arc<dyn Generator>; 2]);

impl InTurn {
    /// Which of both makes the row, and which one it is of its own.
    fn of(&self, sample: SampleId) -> (usize, SampleId) {
        match [0, 1].map(|at: usize| self.0[at].supports(sample.class)) {
            [true, true] => {
                let index = sample.index / 2;
                ((sample.index % 2) as usize, SampleId { index, ..sample })
            }
            [false, true] => (1, sample),
            _ => (0, sample),
        }
    }
}

impl Generator for InTurn {
    fn describe(&self) -> Plan {
        let [first, second] = [0, 1].map(|at: usize| self.0[at].describe());
        Plan::new("in turn").input(first).input(second)
    }

    fn supports(&self, class: u32) -> bool {
        self.0.iter().any(|of| of.supports(class))
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (mut batches, mut at) = (Vec::new(), vec![(0, 0); samples.len()]);
            for (which, generator) in self.0.iter().enumerate() {
                let own = samples.iter().enumerate().filter_map(|(row, &sample)| {
                    let (of, own) = self.of(sample);
                    (of == which).then_some((row, own))
                });
                let (rows, own): (Vec<usize>, Vec<SampleId>) = own.unzip();
                // The first says of no row which columns there are.
                if own.is_empty() && (which > 0 || !samples.is_empty()) {
                    continue;
                }
                let made = generator.generate(cx, &own).await;
                let made = made.map_err(|error| error.moved(|row| rows.get(row).copied()))?;
                for (place, row) in rows.into_iter().enumerate() {
                    at[row] = (batches.len(), place);
                }
                batches.push(made);
            }
            let all: Vec<&RecordBatch> = batches.iter().collect();
            match all.first() {
                Some(first) => gather(&first.schema(), &all, &at),
                None => Err(Error::stage("two generators in turn made nothing")),
            }
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        let (of, own) = self.of(sample);
        self.0[of].parents(cx, own)
    }

    fn along(&self, cx: &Context, sample: SampleId) -> Option<f32> {
        let (of, own) = self.of(sample);
        self.0[of].along(cx, own)
    }

    fn parents_elsewhere(&self) -> StoredRows {
        let mut all = self.0[0].parents_elsewhere();
        for row in self.0[1].parents_elsewhere().iter() {
            all.insert(&row);
        }
        all
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let (of, own) = self.of(sample);
        self.0[of].provenance(cx, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, AsArray, UInt64Array};
    use arrow::datatypes::UInt64Type;

    /// Its rows say whose they are, and which.
    #[derive(Debug)]
    struct Numbered {
        first: u64,
        classes: u32,
    }

    impl Generator for Numbered {
        fn describe(&self) -> Plan {
            Plan::new("numbered").param("first", self.first)
        }

        fn supports(&self, class: u32) -> bool {
            class < self.classes
        }

        fn generate<'a>(&'a self, _: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
            Box::pin(async move {
                if let Some(at) = samples.iter().position(|sample| sample.index == 9) {
                    return Err(Error::stage("nine").at(at));
                }
                let rows = samples.iter().map(|sample| self.first + sample.index);
                let rows: ArrayRef = Arc::new(UInt64Array::from_iter_values(rows));
                Ok(RecordBatch::try_from_iter([("row", rows)])?)
            })
        }

        fn parents(&self, _: &Context, sample: SampleId) -> Vec<u64> {
            vec![self.first + sample.index]
        }

        fn provenance(&self, _: &Context, sample: SampleId) -> Provenance {
            Provenance {
                class: Some(sample.class),
                ..Provenance::default()
            }
        }
    }

    #[test]
    fn rows_come_in_turn_and_from_one_alone_where_the_other_has_none() {
        let numbered = |first, classes| Arc::new(Numbered { first, classes }) as Arc<dyn Generator>;
        let both = InTurn([numbered(100, 1), numbered(200, 2)]);
        let cx = Context::with(1, 1 << 20).unwrap();
        let made = |samples: &[(u32, u64)]| {
            let samples: Vec<SampleId> = samples
                .iter()
                .map(|&(class, index)| SampleId { class, index })
                .collect();
            let rows = cx.block_on(both.generate(&cx, &samples))?;
            Ok::<_, Error>(rows.column(0).as_primitive::<UInt64Type>().values().to_vec())
        };
        let mixed = [(0, 3), (0, 0), (1, 5), (0, 2), (1, 0), (0, 1)];
        assert_eq!(made(&mixed).unwrap(), [201, 100, 205, 101, 200, 200]);
        assert_eq!(made(&[]).unwrap(), [0_u64; 0]);
        assert_eq!(made(&[(1, 4)]).unwrap(), [204]);
        // Row 19 of class 0 is row 9 of the second.
        assert_eq!(made(&[(0, 0), (1, 1), (0, 19)]).unwrap_err().index(), Some(2));
        assert_eq!(both.parents(&cx, SampleId { class: 0, index: 7 }), [203]);
        assert!(both.supports(1) && !both.supports(2));
    }
}
