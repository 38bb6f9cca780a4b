//! The pictures of a sample, with what belongs to them.

use super::belongings::boxes_of;
use super::rows::{PreviewRows, Shown};
use super::samples::PreviewSample;
use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::image::Image;
use crate::mix::Picked;
use crate::rng::Rng;
use crate::spec::Spec;
use crate::task::definition::Split;
use crate::task::spec::row_join::RowJoin;

impl PreviewRows {
    /// As [`pictures`](Self::pictures), with what belongs to each.
    pub(super) fn shown(&self, sample: &PreviewSample) -> Result<Vec<Shown>> {
        let original = sample.row.filter(|_| !sample.is_trained);
        let mut shown = match original {
            Some(row) => self.original(row)?,
            None => self.trained(sample.position, sample.picked)?,
        };
        // What is made of several rows has objects of other masks as well.
        let is_joined = original.is_none() && sample.provenance.generator.as_deref().is_some_and(RowJoin::is_name);
        if let Some(row) = sample.row.filter(|_| self.instances.is_some() && !is_joined) {
            let input = self.run.input(&self.datasets)?;
            let (image, split, key) = match (original, sample.picked) {
                (None, Picked::Stored(below)) => self.making(&input, (sample.position, sample.picked, below)),
                _ => (input.plain.clone(), Split::Evaluation, 0),
            };
            let stage = self.stage(&input, image, split, row)?;
            self.with_instances(&mut shown, row, (&stage, key))?;
        }
        Ok(shown)
    }

    /// The row of all training files, counted from 0, that training row `own` is.
    fn number(&self, own: u64) -> Option<u64> {
        let place = self.place(own)?;
        self.numbers([place].into()).into_values().next()
    }

    /// `shown`, the one picture that `stage` has made of training row `own` with the draws of `key`, with the masks of its objects. What is no mask of a picture of its size
    /// is left out: it is not learnt.
    fn with_instances(&self, shown: &mut [Shown], own: u64, (stage, key): (&Image, u64)) -> Result<()> {
        if let [(picture, belongings)] = shown {
            let values = self.moved_instances(own, (stage, key))?;
            if values.len() == picture.width as usize * picture.height as usize {
                belongings.instances = values;
            }
        }
        Ok(())
    }

    /// The values of the mask of training row `own` where `stage` moves it; none where there is no mask.
    pub(super) fn moved_instances(&self, own: u64, (stage, key): (&Image, u64)) -> Result<Vec<u8>> {
        let Some(instances) = &self.instances else {
            return Ok(Vec::new());
        };
        let Some(row) = self.number(own) else {
            return Ok(Vec::new());
        };
        let Some(mask) = instances.file(&self.cx, row)? else {
            return Ok(Vec::new());
        };
        let taken = self.cx.block_on(self.datasets.train.take(&self.cx, &[own]))?;
        let column = taken.column(index_of(&taken.schema(), &self.datasets.image)?);
        let picture = bytes_of(column, 0).unwrap_or_default();
        let boxes = boxes_of(&taken)?;
        let boxes = boxes
            .as_deref()
            .zip(self.format())
            .map(|(boxes, format)| (format, boxes));
        let mut rng = Rng::new(self.cx.seed(), Image::NAME, key);
        Ok(stage.moved_mask((picture, &mask), boxes, &mut rng).unwrap_or_default())
    }
}
