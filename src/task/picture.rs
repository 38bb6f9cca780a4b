//! A picture of what a comparison was given and what it learnt.

use super::finetune::Finetune;
use super::prepare::Prepared;
use super::preview::{PreviewGroup, PreviewRows, PreviewSample, TrainingPhase};
use super::strategy::Strategy;
use crate::dataset::Origin;
use crate::error::Result;
use crate::exec::Context;
use crate::report::Report;
use crate::report::picture::{SheetGroup, contact_sheet, recall_bars, stack};
use image::RgbImage;

/// Real, augmented and synthetic rows of a class on the contact sheet.
const TILES: [usize; 3] = [3, 5, 3];
/// Pixels of a tile.
const EDGE: u32 = 56;

/// A contact sheet of each class, as the first of the `strategies` with synthetic rows trains on it, or else the first, above the recall
/// of each class of every strategy.
///
/// # Errors
///
/// Whatever loading the samples and drawing give; `Config` where no strategy is left that is not chosen automatically.
pub fn draw(
    cx: &Context,
    run: &Finetune,
    prepared: &Prepared,
    strategies: &[Strategy],
    report: &Report,
) -> Result<RgbImage> {
    let figures = &report.figures;
    let of = |strategy: &Strategy| {
        let recalls = report.strategies.get(&strategy.name).unwrap_or(figures);
        let recalls = figures.classes.iter().map(|class| recalls.value_of_class(class));
        (strategy.name.clone(), recalls.collect())
    };
    let series: Vec<_> = strategies.iter().map(of).collect();
    let bars = recall_bars(
        "Recall of each class",
        &figures.classes,
        &series,
        &prepared.datasets.targets.counts(),
    )?;
    let mut known = strategies.iter().filter(|strategy| !strategy.auto);
    let first = known.clone().next();
    match known.find(|strategy| strategy.is_synthetic()).or(first) {
        Some(strategy) => Ok(stack(&[sheet(cx, run, prepared, strategy)?, bars])),
        None => Ok(bars),
    }
}

fn sheet(cx: &Context, run: &Finetune, prepared: &Prepared, strategy: &Strategy) -> Result<RgbImage> {
    let datasets = prepared.datasets.clone();
    let rows = PreviewRows::new(
        cx,
        run,
        datasets,
        strategy,
        TrainingPhase::Head,
        Some(prepared),
        &mut |_| (),
    )?;
    let most = TILES.into_iter().max().unwrap_or(1);
    let samples = rows.samples(1, most)?;
    let groups: Vec<SheetGroup> = (samples.groups.iter())
        .map(|group| rows.group(group, [&*in_a_line(group)], EDGE).map(without_captions))
        .collect::<Result<_>>()?;
    let title = format!("What {} trains on", strategy.name);
    contact_sheet(&title, &rows.notes(&samples, 0), &groups, EDGE)
}

fn in_a_line(group: &PreviewGroup) -> Vec<&PreviewSample> {
    let of = |(origin, most): (Origin, usize)| {
        let samples = group.samples.iter();
        samples
            .filter(move |sample| sample.provenance.origin == origin)
            .take(most)
    };
    let origins = [Origin::Real, Origin::Augmented, Origin::Synthetic];
    origins.into_iter().zip(TILES).flat_map(of).collect()
}

/// Leaves out the captions, which say where rows come from.
fn without_captions(mut group: SheetGroup) -> SheetGroup {
    let samples = group.lines.iter_mut().flatten();
    samples.for_each(|sample| sample.captions.clear());
    group
}
