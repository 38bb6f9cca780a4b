//! All targets of a stage, bound to their columns and moved row by row.

use super::beside::{BOXES, POINTS, lists_beside, refuse_beside, unnamed};
use super::boxes::Boxes;
use super::fields::{Lists, swapped};
use super::keypoints::Keypoints;
use super::leaving::{cuts, leaves_out};
use crate::error::{Error, Result};
use crate::image::Crop;
use crate::image::Motion;
use crate::image::builder::Image;
use crate::image::geometry::resampled_motions::ResampledMotions;
use crate::rows::{BoxFormat, DType, Lying, Out, Output, Read, Row};
use arrow::datatypes::Schema;

/// Boxes as they are stored, and what their numbers mean.
pub(in crate::image) type StoredBoxes<'a> = (BoxFormat, &'a [[f32; 4]]);

/// The columns of boxes and keypoints that a stage moves, and what belongs to their items.
#[derive(Debug, Default)]
pub(in crate::image) struct Targets {
    columns: Vec<Column>,
    /// In the order of the stage's: the column, and its label fields.
    boxes: Vec<(Boxes, usize, Vec<usize>)>,
    keypoints: Vec<(Keypoints, usize, Vec<usize>)>,
    /// By these boxes, and by these keypoints, the lists beside them of which the stage was not told.
    beside: [Vec<Vec<String>>; 2],
    /// The first column that is read, and the first that is written.
    first: usize,
    /// Whether the crop looks at boxes.
    crop_looks: bool,
}

/// A column of lists that is read and written.
#[derive(Debug)]
struct Column {
    lists: Lists,
    at_most: usize,
    /// Pairs of values that change places where left and right do.
    swaps: Vec<[i64; 2]>,
}

impl Targets {
    /// The targets of `image` among the columns `below`; `first` is the number of the first column that they read, and of the first that
    /// they write. Not one of them is one of `taken`.
    pub(in crate::image) fn bind(image: &Image, below: &Schema, first: usize, taken: &[&str]) -> Result<Self> {
        let crop_looks = matches!(image.crop, Crop::RandomIou(_));
        if crop_looks && image.boxes.iter().all(Boxes::is_oriented) {
            return Err(Error::config(
                "random_iou_crop looks at boxes, and the stage moves none: name their column, or take another crop",
            ));
        }
        let mut targets = Self {
            first,
            crop_looks,
            ..Self::default()
        };
        for boxes in &image.boxes {
            boxes.check()?;
            let lists = boxes.lists(below)?;
            let own = targets.add(lists, boxes.at_most, image, taken)?;
            let mut fields = Vec::new();
            for field in &boxes.label_fields {
                // Points of an object are moved, and stay or go with its box.
                let lists = Lists::of(below, field)?;
                fields.push(targets.add(lists, boxes.at_most, image, taken)?);
            }
            targets.boxes.push((boxes.clone(), own, fields));
        }
        for keypoints in &image.keypoints {
            let mut lists = Lists::of(below, &keypoints.column)?;
            let keypoints = keypoints.clone().of_column(lists.points.as_ref());
            keypoints.check(&lists.inner)?;
            lists.dtype = DType::F32;
            let of_boxes = targets
                .columns
                .iter()
                .position(|column| column.lists.column == keypoints.column);
            let own = match of_boxes {
                Some(at) if targets.boxes.iter().any(|(_, _, fields)| fields.contains(&at)) => {
                    if lists.inner.len() == 1 {
                        return Err(Error::schema(format!(
                            "keypoints \"{}\" belong to boxes, so that an item is the points of an object, [points, 2] or [points, 3]",
                            keypoints.column
                        )));
                    }
                    targets.columns[at].lists = lists;
                    at
                }
                _ => targets.add(lists, keypoints.at_most, image, taken)?,
            };
            let mut fields = Vec::new();
            for field in &keypoints.label_fields {
                fields.push(targets.add(Lists::of(below, field)?, keypoints.at_most, image, taken)?);
            }
            targets.keypoints.push((keypoints, own, fields));
        }
        for column in image.mirrored.keys() {
            let known = |target: &Column| target.lists.column == *column && target.lists.dtype != DType::F32;
            if !targets.columns.iter().any(known) && !image.masks.contains(column) {
                return Err(Error::config(format!(
                    "mirror_labels: \"{column}\" is neither a mask nor a label field of whole numbers of boxes or keypoints"
                )));
            }
        }
        targets.beside = targets.untold(image, below)?;
        Ok(targets)
    }

    /// By the boxes and by the keypoints, the lists beside them of which the stage was not told: they stay right while nothing is left out.
    ///
    /// # Errors
    ///
    /// `Config` where the stage may leave out what they have an item for.
    fn untold(&self, image: &Image, below: &Schema) -> Result<[Vec<Vec<String>>; 2]> {
        // Points of objects that are not said to belong to boxes stay where a box goes.
        let stays = |at: usize| {
            let is_of_objects =
                self.keypoints.iter().any(|(_, own, _)| *own == at) && self.columns[at].lists.inner.len() == 2;
            is_of_objects && !self.boxes.iter().any(|(_, _, fields)| fields.contains(&at))
        };
        let told = self.columns.iter().enumerate().filter(|(at, _)| !stays(*at));
        let told: Vec<&str> = told.map(|(_, column)| column.lists.column.as_str()).collect();
        let (mut of_boxes, mut of_points) = (Vec::new(), Vec::new());
        for (boxes, ..) in &self.boxes {
            let lists = lists_beside(below, &boxes.column, &told);
            if leaves_out(image, boxes) {
                refuse_beside(&lists, &boxes.column, BOXES, "the stage may leave boxes out")?;
            }
            of_boxes.push(lists);
        }
        for (keypoints, own, _) in &self.keypoints {
            let is_list = self.columns[*own].lists.inner.len() == 1 && keypoints.leaves_out();
            let lists = match is_list {
                true => lists_beside(below, &keypoints.column, &told),
                false => Vec::new(),
            };
            if cuts(image) {
                refuse_beside(&lists, &keypoints.column, POINTS, "the stage may leave points out")?;
            }
            of_points.push(lists);
        }
        Ok([of_boxes, of_points])
    }

    fn add(&mut self, lists: Lists, at_most: usize, image: &Image, taken: &[&str]) -> Result<usize> {
        let name = &lists.column;
        let twice = self.columns.iter().any(|column| column.lists.column == *name);
        if twice || taken.contains(&name.as_str()) {
            return Err(Error::config(format!(
                "\"{name}\" is named twice among what is moved with a picture"
            )));
        }
        let swaps = image.mirrored.get(name).cloned().unwrap_or_default();
        self.columns.push(Column { lists, at_most, swaps });
        Ok(self.columns.len() - 1)
    }

    pub(in crate::image) fn reads(&self) -> impl Iterator<Item = Read> {
        self.columns.iter().map(|column| column.lists.read())
    }

    /// The columns that are written, which lie in `picture` from here on.
    pub(in crate::image) fn outputs(&self, picture: &str) -> impl Iterator<Item = Output> {
        let are_points = |at: usize| self.keypoints.iter().any(|(_, own, _)| *own == at);
        let are_boxes = |at: usize| self.boxes.iter().any(|(_, own, _)| *own == at);
        let is_of_points = |at: usize| self.keypoints.iter().any(|(_, _, fields)| fields.contains(&at));
        self.columns.iter().enumerate().map(move |(at, column)| {
            let output = column.lists.output(column.at_most);
            if are_points(at) {
                Lying::Keypoints.mark(output, picture)
            } else if are_boxes(at) {
                Lying::Boxes.mark(output, picture)
            } else if is_of_points(at) {
                Lying::Keypoints.mark_field(output, picture)
            } else {
                Lying::Boxes.mark_field(output, picture)
            }
        })
    }

    /// The boxes of a row as they are stored, where the crop looks at them.
    pub(in crate::image) fn facts<'a>(&self, row: &Row<'a>) -> Result<Option<StoredBoxes<'a>>> {
        if !self.crop_looks {
            return Ok(None);
        }
        let Some((boxes, at, _)) = self.boxes.iter().find(|(boxes, ..)| !boxes.oriented) else {
            return Ok(None);
        };
        let values = row.values::<f32>(self.first + at)?;
        Ok(Some((boxes.format, values.as_chunks().0)))
    }

    /// Moves all of a row. `inside` says whether the row still shows a place of the stored picture: boxes whose centre it does not
    /// show are left out.
    pub(in crate::image) fn run(
        &self,
        row: &Row<'_>,
        out: &mut Out<'_>,
        motions: &ResampledMotions,
        inside: &impl Fn([f64; 2]) -> bool,
    ) -> Result<()> {
        let motion = motions.whole();
        let mut kept = Vec::new();
        let mut of_objects = None;
        let [beside_boxes, beside_points] = &self.beside;
        for ((boxes, at, fields), beside) in self.boxes.iter().zip(beside_boxes) {
            let values = row.values::<f32>(self.first + at)?;
            let width = boxes.width();
            self.columns[*at].lists.check(values.len(), values.len() / width)?;
            kept.clear();
            let moved = out.ragged::<f32>(self.first + at);
            for (item, values) in values.chunks_exact(width).enumerate() {
                if boxes.moved(values, motions, inside, moved) {
                    kept.push(item);
                }
            }
            let items = values.len() / width;
            if kept.len() < items && !beside.is_empty() {
                let why = "a box of this row is left out";
                return Err(Error::data(unnamed(beside, &boxes.column, BOXES, why)));
            }
            for &field in fields {
                match self.keypoints.iter().position(|(_, own, _)| *own == field) {
                    Some(keypoints) => of_objects = Some((keypoints, kept.clone(), items)),
                    None => self.keep(row, out, field, (&kept, items), motion)?,
                }
            }
        }
        for (nth, ((keypoints, at, fields), beside)) in self.keypoints.iter().zip(beside_points).enumerate() {
            let column = &self.columns[*at].lists;
            let (values, width) = (row.values::<f32>(self.first + at)?, column.width());
            let items = values.len() / width;
            column.check(values.len(), items)?;
            let point = column.inner.last().copied().unwrap_or(2);
            let moved = out.ragged::<f32>(self.first + at);
            let of_boxes = of_objects.as_ref().filter(|(of, ..)| *of == nth);
            if let Some((_, _, boxes)) = of_boxes {
                column.check(values.len(), *boxes)?;
            }
            kept.clear();
            for (item, values) in values.chunks_exact(width).enumerate() {
                let stays = of_boxes.is_none_or(|(_, kept, _)| kept.binary_search(&item).is_ok());
                if stays && keypoints.moved(values, point, motions, moved) {
                    kept.push(item);
                }
            }
            if kept.len() < items && !beside.is_empty() {
                let why = "a point of this row is left out";
                return Err(Error::data(unnamed(beside, &keypoints.column, POINTS, why)));
            }
            for &field in fields {
                self.keep(row, out, field, (&kept, items), motion)?;
            }
        }
        Ok(())
    }

    fn keep(
        &self,
        row: &Row<'_>,
        out: &mut Out<'_>,
        field: usize,
        kept: (&[usize], usize),
        motion: &Motion,
    ) -> Result<()> {
        let column = &self.columns[field];
        let swaps = if motion.mirrors() { column.swaps.as_slice() } else { &[] };
        let at = self.first + field;
        column.lists.keep(row, out, (at, at), kept, swaps)
    }
}

/// Exchanges the values of a mask of which left and right are exchanged.
pub(in crate::image) fn swap_values(values: &mut [u8], swaps: &[[i64; 2]]) {
    let table: [u8; 256] =
        std::array::from_fn(|value| swapped(swaps, value as i64).map_or(value as u8, |value| value as u8));
    values.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}
