//! A picture of what a run was given and what it learnt.

use super::finetune::Finetune;
use super::prepare::Prepared;
use super::strategy::Strategy;
use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Origin, Provenance};
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::Image;
use crate::mix::Target;
use crate::report::Report;
use crate::report::picture::{SheetRow, Tile, contact_sheet, recall_bars, stack};
use crate::rng::Rng;
use crate::spec::Spec;
use crate::synthetic::{Blend, Elastic};
use image::RgbImage;
use std::sync::Arc;

/// Images of a class on the contact sheet.
const TILES: u64 = 12;

/// A contact sheet of augmented samples for each class above the recall of each class of every strategy.
///
/// # Errors
///
/// Whatever loading the samples and drawing give.
pub fn draw(
    cx: &Context,
    run: &Finetune,
    prepared: &Prepared,
    strategies: &[Strategy],
    report: &Report,
) -> Result<RgbImage> {
    let sheet = contact_sheet(
        "Balanced samples: augmented, and synthetic by elastic blend",
        &samples(cx, run, prepared)?,
        56,
    )?;
    let figures = &report.figures;
    let of = |strategy: &Strategy| {
        let recalls = report.strategies.get(&strategy.name).unwrap_or(figures);
        let recalls = figures.classes.iter().map(|class| recalls.recall(class));
        (strategy.name.clone(), recalls.collect())
    };
    let series: Vec<_> = strategies.iter().map(of).collect();
    let bars = recall_bars(
        "Recall of each class",
        &figures.classes,
        &series,
        &prepared.datasets.targets.counts(),
    )?;
    Ok(stack(&[sheet, bars]))
}

/// The first rows of each class in a balanced stream with synthetic images, as they look before they are normalised.
fn samples(cx: &Context, run: &Finetune, prepared: &Prepared) -> Result<Vec<SheetRow>> {
    let datasets = &prepared.datasets;
    let labels = datasets.labels("a picture of balanced samples")?;
    let blend = Blend::new(Arc::clone(&datasets.train), labels, &datasets.image, Elastic::new())?;
    let balanced = Arc::clone(&datasets.train).balance(cx, &datasets.label, Target::Uniform);
    let balanced = cx.block_on(balanced)?.fill(Arc::new(blend), 0.5)?;
    let counts = labels.counts();
    let mut rows: Vec<_> = labels
        .names()
        .iter()
        .zip(&counts)
        .map(|(name, &count)| SheetRow {
            name: name.clone(),
            count,
            images: Vec::new(),
        })
        .collect();
    let (image, last) = (run.augmentation()?, balanced.len().finite().unwrap_or(0));
    for position in 0..last {
        let provenance = balanced.provenance(cx, position);
        let class = provenance.class.unwrap_or_default() as usize;
        if rows[class].images.len() < TILES as usize {
            rows[class]
                .images
                .push(tile(cx, &balanced, &datasets.image, &image, position, &provenance)?);
        }
        if rows.iter().all(|row| row.images.len() == TILES as usize) {
            break;
        }
    }
    Ok(rows)
}

fn tile(
    cx: &Context,
    rows: &impl Dataset,
    column: &str,
    image: &Image,
    position: u64,
    provenance: &Provenance,
) -> Result<Tile> {
    let row = cx.block_on(rows.take(cx, &[position]))?;
    let bytes = bytes_of(row.column(index_of(&row.schema(), column)?), 0).unwrap_or_default();
    let pixels = image.preview(bytes, &mut Rng::new(cx.seed(), Image::NAME, position))?;
    let origin = match provenance.origin {
        Origin::Real => Origin::Augmented,
        other => other,
    };
    Ok(Tile {
        rgb: pixels.rgb,
        width: pixels.width,
        height: pixels.height,
        origin,
    })
}
