//! Rows on the line between two stored ones.

use super::space::Space;
use crate::dataset::{Dataset, Provenance};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::synthetic::kept::Kept;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use std::fmt;

/// The rows that a generator goes from and to, and the space in which it does so.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) rows: Parents,
    pub(super) space: Space,
}

/// A generator whose rows lie between two stored ones.
pub(super) trait Pairs: fmt::Debug + Send + Sync + 'static {
    /// What it is, without its rows.
    fn plan(&self) -> Plan;

    fn ends(&self) -> &Ends;

    /// What it keeps of its rows.
    fn kept(&self) -> &Kept;

    fn serves(&self, class: u32) -> bool;

    /// Positions of the two parents, and how far along the line from the first the row lies.
    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32);
}

impl<P: Pairs> Generator for P {
    fn describe(&self) -> Plan {
        let plan = self.kept().told(self.plan());
        plan.random().input(self.ends().rows.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.serves(class)
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (pairs, along): (Vec<_>, Vec<_>) = samples.iter().map(|&sample| self.draw(cx, sample)).unzip();
            let Ends { rows, space } = self.ends();
            let parents = rows.take(cx, &pairs).await?;
            space.between(cx, rows, &parents, &pairs, &along)
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
        self.ends().rows.provenance(cx, sample, &pair, plan.name())
    }
}
