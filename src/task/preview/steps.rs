//! One row from step to step.

use super::belongings::{Belongings, boxes_of};
use super::rows::{PreviewRows, Shown, Source};
use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::image::{Image, ImageStep};
use crate::mix::Picked;
use crate::quote::{counted, quoted};
use crate::rng::Rng;
use crate::rows::{BoxFormat, Transformed};
use crate::spec::Spec;
use crate::task::bad_rows::RowLocation;
use crate::task::definition::{Input, Split};
use crate::task::held_out_for::HeldOutFor;
use crate::task::spec::row_join::RowJoin;
use crate::task::targets::TargetKind;
use std::sync::Arc;

/// Which row is looked at.
#[derive(Clone, Copy)]
struct At {
    /// The training row.
    own: u64,
    /// Its position below the order.
    below: u64,
    /// Its position in the training.
    position: u64,
    split: Split,
}

/// `input` with `image` for its pictures.
fn with_image(input: &Input, image: Image) -> Input {
    Input {
        column: input.column.clone(),
        plain: image.clone(),
        augmented: image,
    }
}

/// Positions whose rows are worked out at a time.
const CHUNK: u64 = 1 << 16;

/// One training row from the stored picture to the one that is trained on.
#[derive(Clone, Debug)]
pub struct PreviewSteps {
    /// The row of all training files, counted from 0, and where it is stored.
    pub row: u64,
    /// Where it is stored.
    pub place: StoredRow,
    /// Its target in words.
    pub target: String,
    /// Where in the training it comes.
    pub position: u64,
    /// The training epoch of that position, counted from 1.
    pub epoch: u64,
    /// Which of the fixed views of the row it is, where there are any.
    pub view: Option<u64>,
    /// Augmented, or real where nothing is drawn; synthetic where the stored picture is, and where objects are pasted into a fixed view.
    pub origin: Origin,
    /// What the stored picture is: real, or synthetic where a generator made it.
    pub(super) stored: Origin,
    /// The original, and the picture after each step. The last one is what is trained on.
    pub steps: Vec<ImageStep>,
    /// What belongs to the picture after each of them, as far as the run's own stage has it.
    pub(super) belongings: Vec<Belongings>,
}

impl PreviewRows {
    /// Each step of row `row` of the training files, counted from 0 over all of them: the first time that it comes augmented in epoch
    /// `epoch` or a later one (counted from 1), or the first time at all where it never does.
    ///
    /// # Errors
    ///
    /// `Config` for a row or an epoch that there is not, for a row that is not trained on (it is held out, or it does not come in this
    /// part of the run), and for a task that makes its inputs otherwise than by the run's image stage; whatever loading the row gives.
    pub fn steps(&self, row: u64, epoch: u64) -> Result<PreviewSteps> {
        self.check_epoch(epoch)?;
        let (own, place) = self.training_row(row)?;
        let (position, picked) = self.first(own, epoch).ok_or_else(|| {
            let (phase, last) = (self.phase.name(), self.epochs());
            let message = format!("it does not come in the epochs {epoch} to {last} of the phase {phase}");
            Error::config(message).context(format!("row {row}"))
        })?;
        let Picked::Stored(below) = picked else {
            return Err(Error::config("a synthetic row has no steps").context(format!("row {row}")));
        };
        let (origin, view) = (self.origin(picked), self.row_and_view(below).1);
        let view = matches!(self.source, Source::Views { .. }).then_some(view);
        let input = self.run.input(&self.datasets)?;
        let (image, split, key) = self.making(&input, (position, picked, below));
        let taken = self.cx.block_on(self.datasets.train.take(&self.cx, &[own]))?;
        let column = taken.column(index_of(&taken.schema(), &self.datasets.image)?);
        let bytes = bytes_of(column, 0).unwrap_or_default();
        let mut rng = Rng::new(self.cx.seed(), Image::NAME, key);
        let stage = self.stage(&input, image.clone(), split, own)?;
        let (boxes, format) = (boxes_of(&taken)?, self.format());
        let boxes = boxes.as_deref().zip(format).map(|(boxes, format)| (format, boxes));
        let mut steps = stage.steps_of(bytes, boxes, &mut rng).map_err(|error| {
            Error::from(error)
                .in_column(&self.datasets.image)
                .context(place.to_string())
        })?;
        let trained = self.trained(position, picked)?.into_iter().next();
        let join = self.row_join();
        let is_same = |(pixels, _): &Shown| Some(pixels) == steps.last().map(|step| &step.pixels);
        // What is made of several rows comes behind all steps of the stage.
        if join.is_none() && !trained.as_ref().is_some_and(is_same) {
            return Err(Error::config(format!(
                "the task {} makes its inputs of column {} by a stage of its own, whose steps are not known",
                self.datasets.task.name(),
                quoted(&self.datasets.image)
            )));
        }
        let at = At {
            own,
            below,
            position,
            split,
        };
        let mut belongings = Vec::with_capacity(steps.len());
        for (step, shown) in steps.iter().enumerate() {
            // What has another size before the end is squashed to that of the end with its boxes and masks: drawn, they are stretched back.
            let (image, is_squashed) = match step {
                0 => (image.squashed([shown.pixels.width, shown.pixels.height]), false),
                step => image.first_operations(step - 1).brought_to_size(),
            };
            let mut found = self.belongings(&with_image(&input, image.clone()), step, at)?;
            let split = if step == 0 { Split::Evaluation } else { split };
            let values = self.moved_instances(own, (&self.stage(&input, image, split, own)?, key))?;
            if values.len() == found.size.iter().map(|&side| side as usize).product::<usize>() {
                found.instances = values;
            }
            belongings.push(match is_squashed {
                true => found,
                false => found.within([shown.pixels.width, shown.pixels.height]),
            });
        }
        let made = match &self.source {
            Source::Views { images, .. } => images.provenance(&self.cx, below),
            Source::Images { rows, .. } => rows.provenance(&self.cx, position),
        };
        let join = join.filter(|join| made.generator.as_deref() == Some(join.name()));
        if let Some(((pixels, own), join)) = trained.zip(join) {
            let before = belongings.last().map_or(0, Belongings::objects);
            let objects = |many: usize| counted(many as u64, "object");
            steps.push(ImageStep {
                name: join.name().to_owned(),
                drawn: Some(match join {
                    RowJoin::CopyPaste(_) => objects(own.objects().saturating_sub(before)),
                    RowJoin::Mosaic(_) => format!("4 pictures, {}", objects(own.objects())),
                    RowJoin::MixUp(_) | RowJoin::CutMix(_) => self.shares_in_words(&made),
                }),
                pixels,
            });
            belongings.push(own);
        }
        Ok(PreviewSteps {
            row,
            place,
            target: self.datasets.targets.in_words(own),
            position,
            epoch: self.epoch_of(position, epoch),
            view,
            origin,
            stored: match self.is_made(own) {
                true => Origin::Synthetic,
                false => Origin::Real,
            },
            steps,
            belongings,
        })
    }

    /// How the picture of what was `picked` at `position`, the row at `below` of what is ordered, is made: the run's pictures, what they are for, and the key of the draws.
    pub(super) fn making(&self, input: &Input, (position, picked, below): (u64, Picked, u64)) -> (Image, Split, u64) {
        match (&self.source, self.is_plain(picked)) {
            (Source::Views { images, .. }, true) => match images.views() {
                1 => (input.plain.clone(), Split::Evaluation, 0),
                _ => (input.augmented.plain(), Split::Train, 0),
            },
            (Source::Views { .. }, _) => (input.augmented.clone(), Split::Train, below),
            (Source::Images { .. }, _) => (input.augmented.clone(), Split::Train, position),
        }
    }

    /// The stage by which the task makes pictures as `image` does, for training row `own`.
    pub(super) fn stage(&self, input: &Input, image: Image, split: Split, own: u64) -> Result<Image> {
        let class = match image.needs_class() {
            true => Some(self.datasets.row_classes()?.1.class(own)),
            false => None,
        };
        let stage = self.datasets.task.image(&with_image(input, image), split);
        Ok(class.into_iter().fold(stage, Image::of_class))
    }

    /// What the numbers of the boxes of training rows mean, where these have any: whatever is stored, the reader makes corners of it.
    pub(super) fn format(&self) -> Option<BoxFormat> {
        match self.datasets.task.target() {
            TargetKind::Objects(format) if format.is_normalized() => Some(BoxFormat::XyxyNormalized),
            TargetKind::Objects(_) => Some(BoxFormat::Xyxy),
            _ => None,
        }
    }

    /// What belongs to the picture of step number `step`, which the run's own stage makes with `input` of the same row and draws; nothing where
    /// such a stage cannot be.
    fn belongings(&self, input: &Input, step: usize, at: At) -> Result<Belongings> {
        if input.augmented.check().is_err() {
            return Ok(Belongings::default());
        }
        let task = &self.datasets.task;
        let train = || Arc::clone(&self.datasets.train);
        let made = match &self.source {
            // The original is no view.
            _ if step == 0 => {
                let rows = Transformed::new(train(), task.stage(input, Split::Evaluation)?)?;
                self.levels(&rows.views(1)?, &[at.own])?
            }
            Source::Views { images, .. } => {
                let rows = Transformed::new(self.datasets.training_rows(input)?, task.stage(input, at.split)?)?;
                self.levels(&rows.views(images.views())?, &[at.below])?
            }
            // The order that the pictures come in: with synthetic rows among them it is another one.
            Source::Images { order, .. } => {
                let rows = self.datasets.in_order(Arc::clone(order), input)?;
                let rows = Transformed::new(rows, task.stage(input, at.split)?)?;
                self.levels(&rows, &[at.position])?
            }
        };
        let own = made.into_iter().next().map(|(_, belongings)| belongings);
        Ok(own.unwrap_or_default())
    }

    /// The training row that is row `row` of the training files, and where it is stored.
    fn training_row(&self, row: u64) -> Result<(u64, StoredRow)> {
        let placed = |error: Error| error.context(format!("row {row}"));
        let stored = self.datasets.stored.first().map(|stored| &stored.rows);
        let rows = stored.and_then(|stored| stored.len().finite()).unwrap_or(0);
        let place = stored
            .filter(|_| row < rows)
            .map(|stored| stored.provenance(&self.cx, row));
        let place = place.and_then(|provenance| provenance.places.into_iter().next());
        let place = place.ok_or_else(|| {
            placed(Error::config(format!(
                "the training files have {}, counted from 0",
                counted(rows, "row")
            )))
        })?;
        let all = self.datasets.targets.len();
        // Where nothing was held out, rows are where they are stored.
        let own = (row < all && self.place(row).as_ref() == Some(&place)).then_some(row);
        let own = own.or_else(|| (0..all).find(|&own| self.place(own).as_ref() == Some(&place)));
        let Some(own) = own else {
            let error = Error::config(format!("{place} is not trained on: {}", self.why_left_out(&place)));
            return Err(match place.row == row {
                // The place says the number already.
                true => error,
                false => placed(error),
            });
        };
        Ok((own, place))
    }

    /// Why the row of the training files at `place` is none of the training rows, and what to do.
    fn why_left_out(&self, place: &StoredRow) -> String {
        let stored_at = RowLocation::from(place.clone());
        if let Some(bad) = self.bad.iter().find(|bad| bad.place == stored_at) {
            return format!("its picture cannot be made ({}): look at another row", bad.reason);
        }
        let data = &self.run.spec.data;
        let mut ways = vec!["look at another row"];
        // The latest rows are held out whatever the seed is.
        ways.extend(data.time.is_none().then_some("choose another seed"));
        match &self.datasets.selection {
            Some(rows) if self.has(rows, place) => {
                let held = self.run.spec.holds_out();
                let purpose = held.map_or("to measure epochs on", HeldOutFor::in_words);
                format!("it is held out {purpose}: {}", ways.join(", or "))
            }
            _ => {
                ways.push("name the rows to hold out in data.valid");
                format!("it is held out for validation: {}", ways.join(", or "))
            }
        }
    }

    /// Whether one of `rows` is stored at `place`.
    fn has(&self, rows: &Arc<dyn Stable>, place: &StoredRow) -> bool {
        let count = rows.len().finite().unwrap_or(0);
        (0..count).any(|row| rows.provenance(&self.cx, row).places.first() == Some(place))
    }

    /// The first position from `epoch` on at which the training row `own` comes augmented, or else at which it comes at all.
    fn first(&self, own: u64, epoch: u64) -> Option<(u64, Picked)> {
        let mut plain = None;
        let (mut position, end) = (self.start(epoch), self.start(self.epochs().saturating_add(1)));
        while position < end {
            let positions: Vec<u64> = (position..end.min(position.saturating_add(CHUNK))).collect();
            for (&position, picked) in positions.iter().zip(self.order().picked(&self.cx, &positions)) {
                let Picked::Stored(below) = picked else { continue };
                if self.row_and_view(below).0 != own {
                    continue;
                }
                if !self.is_plain(picked) {
                    return Some((position, picked));
                }
                plain = plain.or(Some((position, picked)));
            }
            position += positions.len() as u64;
        }
        plain
    }
}
