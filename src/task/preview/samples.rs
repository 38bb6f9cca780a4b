//! The first rows of each class and origin.

use super::rows::{MOST_PARENTS, PreviewRows, Source};
use crate::dataset::{Dataset, Origin, Provenance};
use crate::error::{Result, StoredRow};
use crate::image::Pixels;
use crate::mix::{Picked, Target};
use crate::task::spec::row_join::RowJoin;
use crate::task::targets::{TargetKind, Targets};
use std::collections::{HashMap, HashSet};
use std::ops::{Range, RangeInclusive};

/// Positions whose rows are worked out at a time.
const CHUNK: u64 = 4096;

/// Positions that are looked at to tell how many rows are made of several.
const JOINED: u64 = 1 << 18;

/// Samples of the rows that are trained on.
#[derive(Clone, Debug)]
pub struct PreviewSamples {
    /// The classes that have rows, the rarest first. Where rows have no class, or several, all of them are one group.
    pub groups: Vec<PreviewGroup>,
    /// The training epochs that they are of, counted from 1.
    pub epochs: RangeInclusive<u64>,
    /// The training epochs over which the synthetic rows of an [epoch](PreviewGroup::epoch) are averaged, counted from 1: several where rows come in
    /// fixed views and are put together of several, since each epoch has other views; else one.
    pub averaged_over: RangeInclusive<u64>,
    /// Classes without a row.
    pub empty: usize,
}

/// The samples of one class.
#[derive(Clone, Debug)]
pub struct PreviewGroup {
    /// Its name.
    pub name: String,
    /// Its stored rows, in training.
    pub stored: u64,
    /// Its rows in an epoch, and how many of them are synthetic: those of the run's generator, and stored ones that another made. Where training
    /// rows are synthetic as they are stored, and with repeat factors, both are counted in the first of the epochs that were looked through. Where objects are pasted
    /// into rows, or rows are mixed or put together, these are on average over [those epochs](PreviewSamples::averaged_over), and count rows into which some may have been pasted.
    pub epoch: (u64, u64),
    /// Real ones, then augmented ones, then synthetic ones, each in the order in which they are trained on.
    pub samples: Vec<PreviewSample>,
}

/// One row.
#[derive(Clone, Debug)]
pub struct PreviewSample {
    /// Where in the training it comes: position `p` is row `p` counted from the first step on.
    pub position: u64,
    /// False for the original of an augmented row, where no row is trained on as it is stored.
    pub is_trained: bool,
    /// What it was made of; a row that is no view of a stored one is synthetic.
    pub provenance: Provenance,
    /// The stored rows, as rows of all training files, counted from 0.
    pub rows: Vec<u64>,
    /// Which of the fixed views of its row it is, where there are any: 0 is the row as it is stored.
    pub view: Option<u64>,
    /// Where its features lie on the line from those of the first picture (0) to those of the second (1), for a row that is made of
    /// features.
    pub along: Option<f32>,
    /// Pictures that it is shown by.
    pub(super) tiles: usize,
    /// Its target in words; of a row with objects of other rows, those that it has as it is trained on, and of one that is mixed, the shares of its classes.
    pub target: String,
    /// The training row.
    pub(super) row: Option<u64>,
    pub(super) picked: Picked,
}

impl PreviewSample {
    /// Whether it is synthetic as it is stored: neither made by the run's generator nor of several rows.
    pub(super) fn is_made(&self) -> bool {
        let is_joined = self.provenance.generator.as_deref().is_some_and(RowJoin::is_name);
        matches!(self.picked, Picked::Stored(_)) && self.provenance.origin == Origin::Synthetic && !is_joined
    }
}

impl PreviewRows {
    /// The first `most` different rows of each class and origin from training epoch `epoch` on, counted from 1. Where a row comes in fixed views,
    /// so many epochs are looked through as there are views; else one.
    ///
    /// Where all rows are augmented, the originals of those that are shown come with them.
    ///
    /// # Errors
    ///
    /// `Config` for an epoch that there is not.
    pub fn samples(&self, epoch: u64, most: usize) -> Result<PreviewSamples> {
        self.check_epoch(epoch)?;
        let expected = self.origins();
        let (span, views) = match &self.source {
            Source::Views { images, .. } => (images.views(), true),
            Source::Images { .. } => (1, false),
        };
        let last = epoch.saturating_add(span - 1).min(self.epochs());
        let counts = self.datasets.targets.one_class().map(|labels| labels.counts());
        let counts = counts.unwrap_or_else(|| vec![self.datasets.targets.len()]);
        let mut found: Vec<[Vec<(u64, Picked)>; 3]> = vec![Default::default(); counts.len()];
        let (mut position, end) = (self.start(epoch), self.start(last.saturating_add(1)));
        while position < end {
            let positions: Vec<u64> = (position..end.min(position.saturating_add(CHUNK))).collect();
            for (&position, picked) in positions.iter().zip(self.order().picked(&self.cx, &positions)) {
                let of = &mut found[self.class(picked)][self.origin(picked) as usize];
                // A fixed view that comes again is the same picture.
                if of.len() < most && !(views && of.iter().any(|&(_, other)| self.is_same_view(other, picked))) {
                    of.push((position, picked));
                }
            }
            position += positions.len() as u64;
            let is_full = |of: &[Vec<_>; 3]| expected.iter().all(|&origin| of[origin as usize].len() >= most);
            if counts.iter().zip(&found).all(|(&count, of)| count == 0 || is_full(of)) {
                break;
            }
        }
        let (names, quotas) = (self.datasets.targets.names(), self.order().quotas());
        let mut classes: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0).collect();
        classes.sort_by_key(|&class| counts[class]);
        let group = |&class: &usize| {
            let of = &found[class];
            let mut samples = Vec::new();
            if !views && of[Origin::Real as usize].is_empty() {
                let mut rows = HashSet::new();
                let originals = of[Origin::Augmented as usize].iter().map(|&at| self.sample(at, false));
                samples.extend(originals.filter(|sample| rows.insert(sample.row)));
            }
            samples.extend(of.iter().flatten().map(|&at| self.sample(at, true)));
            let is_one_class = self.datasets.targets.one_class().is_some();
            let quota = match is_one_class {
                true => quotas.get(class).map(|quota| (quota.rows, quota.synthetic)),
                false if quotas.is_empty() => None,
                // A row counts for the rarest of its classes.
                false => Some((quotas.iter().map(|quota| quota.rows).sum(), 0)),
            };
            PreviewGroup {
                name: match is_one_class {
                    true => names.get(class).cloned().unwrap_or_default(),
                    false => "all rows".to_owned(),
                },
                stored: counts[class],
                epoch: quota.unwrap_or((counts[class], 0)),
                samples,
            }
        };
        let mut groups: Vec<PreviewGroup> = classes.iter().map(group).collect();
        let repeats = matches!(self.strategy.target(), Target::RepeatFactor(_));
        if repeats || self.strategy.by.is_some() || self.made.contains(&true) {
            // Those of a balance by another key are of its cells, which may have rows of several classes. Quotas know of the generator's rows alone, and not which of the stored ones come; with repeats they are of a pass over all rows and
            // their repeats, which is longer than an epoch.
            let given = self.in_epoch(epoch, counts.len());
            for (group, &class) in groups.iter_mut().zip(&classes) {
                group.epoch = given[class];
            }
        }
        let is_averaged = self.row_join().is_some();
        if is_averaged {
            let shares = self.joined(self.start(epoch)..self.start(last.saturating_add(1)), counts.len());
            for (group, &class) in groups.iter_mut().zip(&classes) {
                group.epoch.1 = (group.epoch.0 as f64 * shares[class]).round() as u64;
            }
        }
        let positions = groups
            .iter()
            .flat_map(|group| &group.samples)
            .map(|sample| sample.position);
        let through = positions.max().map_or(epoch, |position| self.epoch_of(position, epoch));
        self.number_all(groups.iter_mut().flat_map(|group| &mut group.samples).collect());
        let targets = &self.datasets.targets;
        if matches!(targets, Targets::Objects(_) | Targets::Masks(_)) {
            // A crop leaves a part of the boxes and of a mask, and what is pasted comes to them: the row alone tells what it has in the end.
            let ignored = match self.datasets.task.target() {
                TargetKind::Mask { ignore_index } => ignore_index,
                _ => None,
            };
            let samples = groups.iter_mut().flat_map(|group| &mut group.samples);
            for sample in samples.filter(|sample| sample.is_trained && sample.provenance.origin != Origin::Real) {
                if let Some((_, belongings)) = self.shown(sample)?.first() {
                    sample.target = match targets {
                        Targets::Masks(_) => belongings.shares_in_words(targets.names(), ignored),
                        _ => belongings.in_words(),
                    };
                }
            }
        }
        Ok(PreviewSamples {
            groups,
            epochs: epoch..=through,
            averaged_over: epoch..=if is_averaged { last } else { epoch },
            empty: counts.len() - classes.len(),
        })
    }

    /// The pictures of a sample, as they are before they are normalised: one, or those of the two rows between whose features it lies.
    /// A sample that is trained on has the pixels of the network's input.
    ///
    /// # Errors
    ///
    /// Whatever loading the row gives; `Config` for a task that makes no pictures of three channels.
    pub fn pictures(&self, sample: &PreviewSample) -> Result<Vec<Pixels>> {
        let shown = self.shown(sample)?;
        Ok(shown.into_iter().map(|(picture, _)| picture).collect())
    }

    /// The rows of each class in training epoch `epoch`, and how many of them are synthetic.
    fn in_epoch(&self, epoch: u64, classes: usize) -> Vec<(u64, u64)> {
        let mut given = vec![(0, 0); classes];
        let (mut position, end) = (self.start(epoch), self.start(epoch.saturating_add(1)));
        while position < end {
            let positions: Vec<u64> = (position..end.min(position.saturating_add(CHUNK))).collect();
            for picked in self.order().picked(&self.cx, &positions) {
                let (rows, synthetic) = &mut given[self.class(picked)];
                *rows += 1;
                *synthetic += u64::from(self.origin(picked) == Origin::Synthetic);
            }
            position += positions.len() as u64;
        }
        given
    }

    /// Of the rows of each class at these positions, the share that are synthetic: objects may be pasted into them, they are made of several rows, or they are
    /// stored as such. Where they are many, of an even part of them.
    fn joined(&self, positions: Range<u64>, classes: usize) -> Vec<f64> {
        let all = positions.end.saturating_sub(positions.start);
        let looked = all.min(JOINED);
        let at = |number: u64| positions.start + (u128::from(number) * u128::from(all) / u128::from(looked)) as u64;
        let mut found = vec![(0_u64, 0_u64); classes];
        for first in (0..looked).step_by(CHUNK as usize) {
            let positions: Vec<u64> = (first..looked.min(first + CHUNK)).map(at).collect();
            for (&position, picked) in positions.iter().zip(self.order().picked(&self.cx, &positions)) {
                let (rows, synthetic) = &mut found[self.class(picked)];
                *rows += 1;
                *synthetic += u64::from(self.origin_at(position) == Origin::Synthetic);
            }
        }
        let share = |(rows, synthetic): (u64, u64)| synthetic as f64 / rows.max(1) as f64;
        found.into_iter().map(share).collect()
    }

    /// What rows that are trained on can be.
    fn origins(&self) -> Vec<Origin> {
        let rows = self.datasets.targets.len();
        // Rows that are synthetic as they are stored are that in all views.
        let other = (0..rows).find(|&row| !self.is_made(row));
        let (mut origins, synthetic) = match &self.source {
            Source::Views { images, generator, .. } => {
                let views = (0..images.views().min(2)).zip(other.into_iter().cycle());
                let origin = |(view, row)| images.provenance(&self.cx, view * rows + row).origin;
                (views.map(origin).collect(), generator.is_some())
            }
            Source::Images { origin, .. } => {
                let synthetic = self.strategy.is_synthetic() && self.datasets.targets.one_class().is_some();
                (other.map(|_| *origin).into_iter().collect::<Vec<_>>(), synthetic)
            }
        };
        origins.extend((synthetic || self.made.contains(&true)).then_some(Origin::Synthetic));
        origins
    }

    /// Whether both are the same view of the same row, be it in two epochs.
    fn is_same_view(&self, one: Picked, other: Picked) -> bool {
        match (one, other) {
            (Picked::Stored(one), Picked::Stored(other)) => self.row_and_view(one) == self.row_and_view(other),
            _ => one == other,
        }
    }

    pub(super) fn origin(&self, picked: Picked) -> Origin {
        match (picked, &self.source) {
            (Picked::Synthetic(_), _) => Origin::Synthetic,
            (Picked::Stored(below), Source::Views { images, .. }) => images.provenance(&self.cx, below).origin,
            (Picked::Stored(below), Source::Images { origin, .. }) => match self.is_made(self.row_and_view(below).0) {
                true => Origin::Synthetic,
                false => *origin,
            },
        }
    }

    /// Its class; 0 where rows have none, or several.
    fn class(&self, picked: Picked) -> usize {
        let class = self.datasets.targets.one_class().map_or(0, |labels| match picked {
            Picked::Stored(below) => labels.class(self.row_and_view(below).0),
            // Of a balance by cells it is the number of a cell.
            Picked::Synthetic(sample) => *self.cell_classes.get(sample.class as usize).unwrap_or(&sample.class),
        });
        class as usize
    }

    /// Whether the stage draws nothing for what was `picked`.
    pub(super) fn is_plain(&self, picked: Picked) -> bool {
        match (self.origin(picked), picked, &self.source) {
            (Origin::Real, ..) => true,
            // No objects are pasted into view 0.
            (Origin::Synthetic, Picked::Stored(below), Source::Views { .. }) => self.row_and_view(below).1 == 0,
            _ => false,
        }
    }

    fn sample(&self, (position, picked): (u64, Picked), is_trained: bool) -> PreviewSample {
        let mut provenance = self.provenance(position);
        if !is_trained {
            provenance.origin = Origin::Real;
            if provenance.generator.as_deref().is_some_and(RowJoin::is_name) {
                // The own row comes first.
                provenance.places.truncate(1);
            }
        }
        let (row, view, along) = match picked {
            Picked::Stored(below) => {
                let (row, view) = self.row_and_view(below);
                let views = matches!(&self.source, Source::Views { .. });
                (Some(row), views.then_some(view), None)
            }
            Picked::Synthetic(sample) => {
                let generator = match &self.source {
                    Source::Views { generator, .. } => generator.as_ref(),
                    Source::Images { .. } => None,
                };
                (None, None, generator.and_then(|of| of.along(&self.cx, sample)))
            }
        };
        let class = || self.datasets.targets.names().get(self.class(picked)).cloned();
        let target = match (row, is_trained && !provenance.label_shares.is_empty()) {
            (_, true) => self.shares_in_words(&provenance),
            (None, false) => class().unwrap_or_default(),
            (Some(row), false) => self.datasets.targets.in_words(row),
        };
        let tiles = match (picked, &self.source) {
            (Picked::Synthetic(_), Source::Views { .. }) => provenance.places.len().clamp(1, MOST_PARENTS),
            _ => 1,
        };
        PreviewSample {
            position,
            is_trained,
            tiles,
            provenance,
            rows: Vec::new(),
            view,
            along,
            target,
            row,
            picked,
        }
    }

    /// The classes of a row that was mixed, with their shares of its label: `62 % glass, 38 % paper`.
    pub(super) fn shares_in_words(&self, made: &Provenance) -> String {
        let names = self.datasets.targets.names();
        let words = |(class, share): &(Option<u32>, f32)| {
            let name = class.and_then(|class| names.get(class as usize));
            format!("{:.0} % {}", 100.0 * share, name.map_or("", String::as_str))
        };
        made.label_shares.iter().map(words).collect::<Vec<_>>().join(", ")
    }

    /// Fills in which rows of the training files `samples` were made of.
    fn number_all(&self, mut samples: Vec<&mut PreviewSample>) {
        let places = samples.iter().flat_map(|sample| &sample.provenance.places);
        let numbers = self.numbers(places.cloned().collect());
        for sample in &mut samples {
            let places = sample.provenance.places.iter();
            sample.rows = places.filter_map(|place| numbers.get(place).copied()).collect();
        }
    }

    /// Which rows of the training files `places` are, counted from 0 over all of them.
    pub(super) fn numbers(&self, mut places: HashSet<StoredRow>) -> HashMap<StoredRow, u64> {
        let mut numbers = HashMap::new();
        let Some(stored) = self.datasets.stored.first().map(|stored| &stored.rows) else {
            return numbers;
        };
        for row in 0..stored.len().finite().unwrap_or(0) {
            if places.is_empty() {
                break;
            }
            if let Some(place) = stored.provenance(&self.cx, row).places.into_iter().next()
                && places.remove(&place)
            {
                numbers.insert(place, row);
            }
        }
        numbers
    }
}
