//! Rows on the line between two stored ones.

use super::space::Space;
use crate::dataset::{Dataset, Provenance};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use std::fmt;

/// A generator whose rows lie between two stored ones.
pub(super) trait Pairs: fmt::Debug + Send + Sync + 'static {
    /// What it is, without its rows.
    fn plan(&self) -> Plan;

    fn rows(&self) -> &Parents;

    fn space(&self) -> &Space;

    fn serves(&self, class: u32) -> bool;

    /// Positions of the two parents, and how far along the line from the first the row lies.
    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32);
}

impl<P: Pairs> Generator for P {
    fn describe(&self) -> Plan {
        self.plan().random().input(self.rows().base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.serves(class)
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (pairs, along): (Vec<_>, Vec<_>) = samples.iter().map(|&sample| self.draw(cx, sample)).unzip();
            let parents = self.rows().take(cx, &pairs).await?;
            self.space().between(cx, self.rows(), &parents, &pairs, &along)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        self.draw(cx, sample).0.to_vec()
    }

    fn along(&self, cx: &Context, sample: SampleId) -> Option<f32> {
        Some(self.draw(cx, sample).1)
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let (plan, pair) = (self.plan(), self.draw(cx, sample).0);
        self.rows().provenance(cx, sample, &pair, plan.name())
    }
}
