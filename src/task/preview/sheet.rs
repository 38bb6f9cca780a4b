//! Samples and steps as pictures.

use super::belongings::Belongings;
use super::rows::{PreviewRows, Source};
use super::samples::{PreviewGroup, PreviewSample, PreviewSamples};
use super::steps::PreviewSteps;
use crate::dataset::{Origin, Stable};
use crate::error::Result;
use crate::image::Pixels;
use crate::mix::Target;
use crate::quote::{counted, counted_with};
use crate::report::picture::{SheetGroup, SheetSample, Tile, contact_sheet_of};
use crate::task::spec::row_join::RowJoin;
use crate::task::targets::Targets;
use image::RgbImage;
use std::collections::BTreeSet;

/// Pixels that tiles may take from left to right: more of a kind go on in the next line.
const WIDTH: usize = 3600;
/// Pixels that all classes may take from top to bottom: who would have to scroll further asks for fewer samples.
const HEIGHT: usize = 12_000;
/// Classes of boxes up to which a sheet has a key of their colours.
const KEY: usize = 40;
/// Pixels of a frame, a gap and four lines of captions, about.
const AROUND: usize = 14 + 60;

/// A sheet of samples.
#[derive(Clone, Debug)]
pub struct PreviewSheet {
    /// The picture.
    pub picture: RgbImage,
    /// The classes that are on it, the rarest first.
    pub shown: Vec<PreviewGroup>,
    /// Classes that have rows and would not fit.
    pub left_out: usize,
    /// What the sheet says of itself, a sentence each.
    pub notes: Vec<String>,
}

impl PreviewRows {
    /// The `samples` on a sheet of tiles of `edge` pixels (16 to 512): the rarest classes first, and as many as fit. Boxes, masks and keypoints are drawn
    /// where the stage has moved them, with the names of classes on tiles of 160 pixels and more, where a box is as wide as its
    /// name; of up to 40 classes of boxes a key has the colours. Pictures are made class by class, so that a sheet takes hardly more memory than it has pixels.
    ///
    /// # Errors
    ///
    /// As [`pictures`](Self::pictures).
    pub fn sheet(&self, samples: &PreviewSamples, edge: u32) -> Result<PreviewSheet> {
        let edge = edge.clamp(16, 512);
        let mut height = 0;
        let fits = |group: &&PreviewGroup| {
            let lines: usize = by_origin(group).iter().map(|line| in_lines(line, edge).count()).sum();
            height += lines * (edge as usize + AROUND);
            height <= HEIGHT
        };
        let shown = samples.groups.iter().take_while(fits).count().max(1);
        let shown = &samples.groups[..shown.min(samples.groups.len())];
        let left_out = samples.groups.len() - shown.len();
        let groups = shown.iter().map(|group| {
            let lines = by_origin(group);
            let lines = lines.iter().flat_map(|line| in_lines(line, edge));
            self.group(group, lines, edge)
        });
        let groups = groups.collect::<Result<Vec<_>>>()?;
        let mut notes = self.notes(samples, left_out);
        let (first, last) = samples.averaged_over.clone().into_inner();
        notes.extend((first < last).then(|| {
            format!(
                "How many rows of an epoch are synthetic is an average over epochs {first} to {last}: each of them has other views of the rows, and \
                 view 0 is the row as it is stored."
            )
        }));
        Ok(PreviewSheet {
            picture: contact_sheet_of(("row", self.key()), "What training sees", &notes, &groups, edge)?,
            shown: shown.to_vec(),
            left_out,
            notes,
        })
    }

    /// The steps of a row on a sheet of tiles of `edge` pixels (16 to 512), with what belongs to the picture after each of them.
    ///
    /// # Errors
    ///
    /// As [`contact_sheet`](crate::report::picture::contact_sheet).
    pub fn step_sheet(&self, steps: &PreviewSteps, edge: u32) -> Result<RgbImage> {
        let edge = edge.clamp(16, 512);
        let sample = |(at, step): (usize, &crate::image::ImageStep)| {
            let origin = if at == 0 { steps.stored } else { steps.origin };
            let tile = tile(step.pixels.clone(), origin).scaled(edge)?;
            Ok(SheetSample {
                tiles: vec![match steps.belongings.get(at) {
                    Some(belongings) => drawn(tile, belongings)?,
                    None => tile,
                }],
                captions: [step.name.clone()].into_iter().chain(step.drawn.clone()).collect(),
            })
        };
        let samples: Vec<SheetSample> = steps.steps.iter().enumerate().map(sample).collect::<Result<_>>()?;
        let group = SheetGroup {
            name: steps.target.clone(),
            count: 1,
            lines: samples.chunks(4).map(<[_]>::to_vec).collect(),
        };
        let title = format!("Row {} from step to step", steps.row);
        contact_sheet_of(("row", self.key()), &title, &self.step_notes(steps), &[group], edge)
    }

    /// The classes whose colours a sheet explains: those of boxes, where they are not too many.
    fn key(&self) -> &[String] {
        let targets = &self.datasets.targets;
        match targets {
            Targets::Objects(_) if targets.names().len() <= KEY => targets.names(),
            _ => &[],
        }
    }

    /// Where the row comes from and when it is trained on, a sentence each.
    pub fn step_notes(&self, steps: &PreviewSteps) -> Vec<String> {
        let view = steps.view.map_or_else(String::new, |view| format!(", view {view}"));
        vec![
            steps.place.to_string(),
            format!(
                "phase {}, epoch {}, position {}, seed {}{view}: {}",
                self.phase.name(),
                steps.epoch,
                steps.position,
                self.run.spec.seed,
                steps.origin.name()
            ),
        ]
    }

    /// The group with these lines of its samples.
    pub(in crate::task) fn group<'a>(
        &self,
        group: &PreviewGroup,
        lines: impl IntoIterator<Item = &'a [&'a PreviewSample]>,
        edge: u32,
    ) -> Result<SheetGroup> {
        let sample = |sample: &&PreviewSample| {
            let tiles = self.shown(sample)?.into_iter();
            let tiles = tiles.map(|(pixels, belongings)| {
                let tile = tile(pixels, sample.provenance.origin).scaled(edge)?;
                drawn(tile, &belongings)
            });
            Ok(SheetSample {
                tiles: tiles.collect::<Result<_>>()?,
                captions: self.captions(sample),
            })
        };
        let line = |line: &[&PreviewSample]| line.iter().map(sample).collect::<Result<Vec<_>>>();
        Ok(SheetGroup {
            name: group.name.clone(),
            count: group.stored,
            lines: lines.into_iter().map(line).collect::<Result<_>>()?,
        })
    }

    fn captions(&self, sample: &PreviewSample) -> Vec<String> {
        let rows: Vec<String> = sample.rows.iter().map(u64::to_string).collect();
        let rows = match rows.len() {
            1 => format!("row {}", rows[0]),
            4.. => format!("rows {} and {} more", rows[..2].join(" "), rows.len() - 2),
            _ => format!("rows {}", rows.join(" ")),
        };
        let view = sample.view.filter(|view| *view > 0).map(|view| format!("view {view}"));
        let along = sample.along.map(|along| format!("{along:.2} of the way"));
        let at = match sample.is_trained {
            true => format!("at {}", sample.position),
            false => "original".to_owned(),
        };
        // A class has its rows below its name.
        let says = self.datasets.targets.one_class().is_none()
            || sample.is_trained && !sample.provenance.label_shares.is_empty();
        let target = says.then(|| sample.target.clone());
        [rows, at].into_iter().chain(view).chain(along).chain(target).collect()
    }

    /// What the operation that joins rows makes of a picture.
    fn joins(&self) -> &'static str {
        match self.row_join() {
            Some(RowJoin::Mosaic(_)) => "that are put together of parts of four rows or views, with their boxes",
            Some(RowJoin::MixUp(_)) => {
                "that are blended with that of another row or view, whose share the label has as well"
            }
            Some(RowJoin::CutMix(_)) => "with a part of that of another row or view, whose share the label has as well",
            _ => {
                "into which objects of another row or view may have been pasted, if there are any and a place was found"
            }
        }
    }

    /// What a sheet of `samples` says of itself.
    pub(in crate::task) fn notes(&self, samples: &PreviewSamples, left_out: usize) -> Vec<String> {
        let (first, last) = samples.epochs.clone().into_inner();
        let epochs = match first == last {
            true => format!("epoch {first}"),
            false => format!("epochs {first} to {last}"),
        };
        let all = samples.groups.iter().flat_map(|group| &group.samples);
        let positions = || all.clone().map(|sample| sample.position);
        let between = positions().min().zip(positions().max());
        let between = between.map_or_else(String::new, |(first, last)| {
            format!(", positions {first} to {last} (\"at\" below a tile)")
        });
        let is_one_class = self.datasets.targets.one_class().is_some();
        let shares = match (self.strategy.target(), self.strategy.target_of_rarest()) {
            (target, _) if self.strategy.by.is_some() => {
                format!("shares of the cells that rows are balanced by: {target}")
            }
            (Target::Power(1.0), _) if is_one_class => "shares of the classes as stored".to_owned(),
            (target, _) if is_one_class => format!("shares of the classes: {target}"),
            (_, Some(target @ Target::RepeatFactor(_))) => format!(
                "{target} by the rarest class of a row: all rows and their repeats are {}, and an epoch has as many steps as the {} need",
                counted(self.order().quotas().iter().map(|quota| quota.rows).sum::<u64>(), "row"),
                counted(self.datasets.targets.len(), "stored row")
            ),
            (_, Some(target)) => format!("shares by the rarest class of a row: {target}"),
            (_, None) if self.order().has_all_views() => format!(
                "each view of each row once a pass over all views, and an epoch has as many steps as the {} need",
                counted(self.datasets.targets.len(), "stored row")
            ),
            (_, None) => "each row once an epoch".to_owned(),
        };
        let mut notes = vec![format!(
            "Phase {}, {epochs}{between}, seed {}; {shares}.",
            self.phase.name(),
            self.run.spec.seed
        )];
        notes.push(match &self.source {
            Source::Views { images, .. } => match images.views() {
                1 => "Each row comes as it is stored.".to_owned(),
                views => format!(
                    "Each row comes in {views} fixed views: view 0 is the row as it is stored (real), the others are augmented."
                ),
            },
            Source::Images { .. } if all.clone().any(|sample| !sample.is_trained) => {
                "Each row is augmented anew each time it comes, so no row is trained on as it is stored: real ones are the originals \
                 of the augmented ones."
                    .to_owned()
            }
            Source::Images {
                origin: Origin::Augmented,
                ..
            } => "Each row is augmented anew each time it comes, so no row is trained on as it is stored.".to_owned(),
            Source::Images { .. } => "Each row comes as it is stored.".to_owned(),
        });
        let made: BTreeSet<&str> = all
            .clone()
            .filter(|sample| sample.is_made())
            .filter_map(|sample| sample.provenance.generator.as_deref())
            .collect();
        let has_made = all.clone().any(|sample| sample.is_made());
        notes.extend(has_made.then(|| {
            let by = match made.is_empty() {
                true => String::new(),
                false => format!(" ({})", made.iter().copied().collect::<Vec<_>>().join("; ")),
            };
            let counted = match samples.averaged_over.start() == samples.averaged_over.end() {
                true => format!("; how many an epoch has is counted in epoch {first}"),
                false => String::new(),
            };
            format!(
                "Stored synthetic rows{by} are pictures of the training files, drawn as training sees them, like other stored rows{counted}."
            )
        }));
        let synthetic = all
            .clone()
            .find(|sample| sample.provenance.origin == Origin::Synthetic && !sample.is_made());
        notes.extend(synthetic.map(|sample| {
            let name = sample.provenance.generator.as_deref().unwrap_or_default();
            match (sample.along, &self.source) {
                _ if RowJoin::is_name(name) => format!("Synthetic rows ({name}) are pictures {}: each picture is what training sees.", self.joins()),
                (Some(_), _) => format!(
                    "Synthetic rows ({name}) are no pictures: training sees features between those of the two pictures, so far on the \
                     way from the left one to the right one."
                ),
                (None, Source::Views { .. }) => format!(
                    "Synthetic rows ({name}) are no pictures: training sees features made of those of the rows below, of which the first two are \
                     shown; the left one is of the class."
                ),
                (None, Source::Images { .. }) => format!("Synthetic rows ({name}) are pictures made of those of two rows, and augmented like others."),
            }
        }));
        notes.extend((self.strategy.is_synthetic() && synthetic.is_none()).then(|| {
            let other = if made.is_empty() { "" } else { "other " };
            format!(
                "No {other}synthetic row comes here: a class gets them only beyond the rows that it is stored with, where its share asks for more."
            )
        }));
        notes.extend((left_out > 0).then(|| match left_out {
            1 => "1 class with more rows is not shown: it does not fit.".to_owned(),
            _ => format!("{left_out} classes with more rows are not shown: they do not fit."),
        }));
        notes.extend(
            (samples.empty > 0).then(|| format!("{} no rows.", counted_with(samples.empty, "class", ["has", "have"]))),
        );
        notes
    }
}

/// The samples of a group: real, augmented, synthetic.
fn by_origin(group: &PreviewGroup) -> Vec<Vec<&PreviewSample>> {
    let of = |origin: Origin| {
        let samples = group.samples.iter();
        samples
            .filter(|sample| sample.provenance.origin == origin)
            .collect::<Vec<_>>()
    };
    let lines = [Origin::Real, Origin::Augmented, Origin::Synthetic].map(of);
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// The samples of one origin in lines that are not too wide.
fn in_lines<'a>(samples: &'a [&'a PreviewSample], edge: u32) -> impl Iterator<Item = &'a [&'a PreviewSample]> {
    let tiles = samples.iter().map(|sample| sample.tiles).max().unwrap_or(1);
    samples.chunks((WIDTH / (tiles * edge as usize + 14)).max(1))
}

/// `tile` with what belongs to its picture.
fn drawn(tile: Tile, belongings: &Belongings) -> Result<Tile> {
    let mut pixels = Pixels::new(tile.width, tile.height);
    pixels.levels = tile.rgb;
    let pixels = belongings.drawn(pixels)?;
    Ok(Tile {
        rgb: pixels.levels,
        ..tile
    })
}

fn tile(pixels: Pixels, origin: Origin) -> Tile {
    Tile {
        rgb: pixels.levels,
        width: pixels.width,
        height: pixels.height,
        origin,
    }
}
