//! The masks of objects that an import has written beside their boxes.

use super::belongings::Belongings;
use crate::columns::bytes_of;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::rows::find_instances;
use crate::source::Files;
use crate::task::spec::DataOptions;
use crate::task::targets::Targets;
use crate::task::training_files::training_files;
use std::collections::BTreeMap;

/// The rows of the training files with their masks alone, in which each object has a number of its own.
#[derive(Debug)]
pub(super) struct Instances(Files);

impl Instances {
    /// None where the training files have no such masks, and where the targets are no boxes.
    pub(super) fn open(cx: &Context, data: &DataOptions, targets: &Targets) -> Result<Option<Self>> {
        if !matches!(targets, Targets::Objects(_)) {
            return Ok(None);
        }
        let rows = training_files(cx, &data.train)?;
        match find_instances(&rows.schema()) {
            Some(column) => Ok(Some(Self(rows.columns(&[column])?))),
            None => Ok(None),
        }
    }

    /// The file of the mask of row `row` of the training files; none where it has none.
    pub(super) fn file(&self, cx: &Context, row: u64) -> Result<Option<Vec<u8>>> {
        let taken = cx.block_on(self.0.take(cx, &[row]))?;
        Ok(bytes_of(taken.column(0), 0).map(<[u8]>::to_vec))
    }
}

impl Belongings {
    /// What is drawn over a picture of `size` below all lines: pixels of a class of a mask or of an object, and the number of the class whose colour they have.
    pub(super) fn layers(&self, size: [u32; 2]) -> Vec<(u32, Vec<u8>)> {
        let masks = self
            .masks
            .iter()
            .flat_map(|mask| self.by_value(mask, size, u8::MAX - 1));
        let masks = masks.map(|(value, pixels)| (u32::from(value) - 1, pixels));
        let classes = self.classes_of_instances();
        let objects = match self.instances.is_empty() {
            true => Vec::new(),
            false => self.by_value(&self.instances, size, u8::MAX),
        };
        let objects = objects.into_iter().map(|(value, pixels)| {
            let class = classes.get(&value).copied();
            (class.unwrap_or(u32::from(value) - 1), pixels)
        });
        masks.chain(objects).collect()
    }

    /// The class of each object in the mask of objects: of a box, the most frequent value inside of it, the lowest of such, as `copy_paste` has it.
    fn classes_of_instances(&self) -> BTreeMap<u8, u32> {
        let mut classes = BTreeMap::new();
        let [width, height] = self.size.map(|side| side as usize);
        if self.instances.len() != width * height {
            return classes;
        }
        for object in &self.objects {
            let Some([left, top, right, bottom]) = object.corners else {
                continue;
            };
            let range = |first: f64, end: f64, length: usize| {
                let end = (end.ceil().max(0.0) as usize).min(length);
                (first.floor().max(0.0) as usize).min(end)..end
            };
            let mut counts = [0_usize; 256];
            for y in range(top, bottom, height) {
                for &value in &self.instances[y * width..][range(left, right, width)] {
                    counts[usize::from(value)] += 1;
                }
            }
            let most = (1..=u8::MAX).rev().max_by_key(|&value| counts[usize::from(value)]);
            if let Some(most) = most.filter(|&value| counts[usize::from(value)] > 0) {
                classes.entry(most).or_insert(object.class);
            }
        }
        classes
    }
}
