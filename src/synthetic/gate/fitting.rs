//! The comparisons of training rows with one another that a gate is fitted by: some at a time, so that progress can be reported between them.

use super::spec::GateSpec;
use crate::error::Result;
use crate::exec::Context;
use crate::synthetic::quality::{Matrix, is_searched, squared_radii_of};
use std::ops::Range;
use std::sync::Arc;

/// How far the fitting of a gate is: see [`Gate::fit_told`](super::Gate::fit_told).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateFit {
    /// So many training rows have the features that they are compared by.
    Features(u64),
    /// So many training rows' worth of comparisons is done: in the end as many as there are rows.
    Compared(u64),
}

/// Differences of two values that are worked out at a time: seconds of a few cores.
const WORK: usize = 1 << 33;
/// Rows that are compared at a time at least, so that all cores have some.
const LEAST: usize = 1 << 10;

/// Squared distances between training rows.
#[derive(Debug)]
pub(super) struct Distances {
    /// The radii of the balls of the rows, each among the rows of its class.
    pub(super) radii: Vec<f64>,
    /// How far each is from the nearest other row, whatever its class; none where no row is refused for being near.
    pub(super) apart: Vec<f64>,
}

/// Those of the `training` rows, of which each class begins where `starts` says. `told` is told of how many rows all is measured.
pub(super) async fn distances<F: FnMut(u64)>(
    cx: &Context,
    training: &Arc<Matrix>,
    starts: &[usize],
    spec: &GateSpec,
    told: &mut F,
) -> Result<Distances> {
    let compares = spec.least_distance > 0.0;
    let passes: u64 = if compares { 2 } else { 1 };
    let mut done = 0_u64;
    let mut reached = |rows: u64| {
        done += rows;
        told(done / passes);
    };
    let mut radii = Vec::with_capacity(training.rows());
    for class in starts.windows(2) {
        radii.extend(in_parts(cx, training, class[0]..class[1], spec.manifold, &mut reached).await?);
    }
    let apart = match compares {
        true => in_parts(cx, training, 0..training.rows(), 1, &mut reached).await?,
        false => Vec::new(),
    };
    Ok(Distances { radii, apart })
}

/// The squared radii of the balls of the `rows` among themselves; `told` is told of how many they are found more.
async fn in_parts<F: FnMut(u64)>(
    cx: &Context,
    training: &Arc<Matrix>,
    rows: Range<usize>,
    k: usize,
    told: &mut F,
) -> Result<Vec<f64>> {
    let (all, width) = (rows.len(), training.width());
    let part = match is_searched(all as u64, width) {
        true => all.max(1),
        false => (WORK / all.saturating_mul(width).max(1)).max(LEAST),
    };
    let mut found = Vec::with_capacity(all);
    for start in (0..all).step_by(part) {
        let (training, rows, asked) = (Arc::clone(training), rows.clone(), start..all.min(start + part));
        let count = asked.len() as u64;
        found.extend(
            cx.compute(move || Ok(squared_radii_of(training.part(rows), asked, k)))
                .await?,
        );
        told(count);
    }
    Ok(found)
}
