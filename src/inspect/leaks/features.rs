//! Pictures whose features by a frozen network lie nearer to those of a training picture than training pictures do to each other.

use super::calibration::calibrated;
use super::found::Found;
use super::near_values::unit;
use super::progress::Counted;
use super::report::{DistanceRule, LeakControl, LeakKind};
use super::sets::Set;
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::image::Reading;
use crate::inspect::quality::pictures::FrozenPictures;
use crate::inspect::quality::tables::Part;
use crate::rng::{Permutation, Rng};
use crate::synthetic::quality::{Matrix, nearest, nearest_others};
use burn::tensor::Device;
use std::sync::Arc;

/// Training pictures whose features are in memory at a time. The first of them, drawn by the seed, are the control.
const TOGETHER: usize = 1024;

/// Which share of the median distance is near: none of 322 held-out pictures of two sets without copies is, and from .26 on pairs are alike and no copies (`examples/leak_shares.rs`).
pub(super) const SHARE: f64 = 0.25;

/// What was found.
pub(super) struct NearFeatures {
    pub(super) rule: DistanceRule,
    pub(super) control: LeakControl,
    /// Of each held-out set.
    pub(super) found: Vec<Vec<Found>>,
}

/// Pictures of a set that are compared, by their rows.
pub(super) type Compared<'a> = (&'a Set, Vec<u32>);

/// The nearest training picture of each held-out one, if it is near. Features of held-out pictures stay in memory, those of training pictures pass by.
///
/// # Errors
///
/// `Budget` where the features of held-out pictures take more than half of the memory; whatever making features gives.
pub(super) fn near_features(
    cx: &Context,
    (train, train_rows): &Compared<'_>,
    held: &[Compared<'_>],
    (image, reading): (&str, Reading),
    progress: &mut Counted<'_>,
) -> Result<Option<NearFeatures>> {
    let network = FrozenPictures::load(reading, &Device::flex())?;
    let all: usize = held.iter().map(|(_, rows)| rows.len()).sum();
    check_memory(cx, all, network.width())?;
    if all == 0 || train_rows.len() < 2 {
        return Ok(None);
    }
    let mut made = |set: &Set, rows: &[u32]| {
        let part = Part {
            files: &set.files,
            rows: rows.iter().copied().map(u64::from).collect(),
            from: None,
        };
        let features = network.of(cx, &part, image, &mut |done| progress.beyond(done))?;
        progress.add(rows.len() as u64);
        unit(&features)
    };
    let mut own = Vec::with_capacity(all * network.width());
    for (set, rows) in held {
        for rows in rows.chunks(TOGETHER) {
            own.extend_from_slice(made(set, rows)?.values());
        }
    }
    let own = Arc::new(Matrix::new(own, network.width())?);
    let order = Permutation::new(train_rows.len() as u64, &mut Rng::new(cx.seed(), "leaks: control", 0));
    let order: Vec<u32> = (0..train_rows.len() as u64)
        .map(|at| train_rows[order.get(at) as usize])
        .collect();
    let mut best = vec![(f64::INFINITY, u32::MAX); all];
    let mut control: Option<Arc<Matrix>> = None;
    let mut apart: Vec<f64> = Vec::new();
    for rows in order.chunks(TOGETHER) {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let features = Arc::new(made(train, &rows)?);
        let (held, among, before) = (Arc::clone(&own), Arc::clone(&features), control.clone());
        let compared = cx.compute(move || {
            let near = nearest(&held, &among, 1)?;
            let others = match before {
                None => nearest_others(&among, 1),
                Some(control) => nearest(&control, &among, 1)?,
            };
            Ok((near, others))
        });
        let (near, others) = cx.block_on(compared)?;
        for (best, near) in best.iter_mut().zip(near) {
            if let Some(near) = near.first() {
                let found = (near.distance, rows[near.row]);
                if found < *best {
                    *best = found;
                }
            }
        }
        apart.resize(others.len().max(apart.len()), f64::INFINITY);
        for (least, other) in apart.iter_mut().zip(others) {
            *least = other.first().map_or(*least, |other| least.min(other.distance));
        }
        control.get_or_insert(features);
    }
    let cosine = |distance: f64| distance * distance / 2.0;
    let apart: Vec<f64> = apart
        .into_iter()
        .filter(|apart| apart.is_finite())
        .map(cosine)
        .collect();
    let Some((rule, control)) = calibrated("cosine distance of features", SHARE, &apart) else {
        return Ok(None);
    };
    let mut nearest = best.into_iter();
    let found = held.iter().map(|(_, rows)| {
        let found = rows
            .iter()
            .zip(nearest.by_ref())
            .filter_map(|(&row, (distance, copy))| {
                let distance = cosine(distance);
                (distance <= rule.at_most).then(|| Found::near(LeakKind::NearFeatures, row, copy, distance))
            });
        found.collect()
    });
    let found = found.collect();
    Ok(Some(NearFeatures { rule, control, found }))
}

fn check_memory(cx: &Context, held: usize, width: usize) -> Result<()> {
    // Those of held-out pictures, the control, and what passes by, which is there several times while it is put together.
    let bytes = ((held + 6 * TOGETHER) * width * 4) as u64;
    let room = (cx.memory() / 2).max(64 << 20);
    match bytes <= room {
        true => Ok(()),
        false => Err(Error::budget(format!(
            "the features of {held} held-out pictures take {} MiB, and may take half of the memory, here {} MiB: give more memory, or compare without features",
            bytes.div_ceil(1 << 20),
            room >> 20
        ))
        .with_remedy(Remedy::Memory)),
    }
}
