//! The image stage on a column of rows.

use super::builder::Image;
use super::error::ImageError;
use super::execute::Files;
use super::geometry::crop::Region;
use super::geometry::motion::Motion;
use super::geometry::resampled_motions::ResampledMotions;
use super::level::Depth;
use super::mask::Mask;
use super::targets::{Targets, swap_values, unmoved_boxes, unmoved_keypoints, unmoved_masks};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::rows::{
    Bound, CLASS_NAMES, DType, Draws, Labels, Lying, Out, Output, Read, Row, Stage, StageColumns, Transformed,
};
use crate::spec::Description;
use arrow::datatypes::{Field, Schema};
use std::sync::Arc;

/// An [`Image`] on a column of encoded pictures, and on those of their masks.
#[derive(Clone, Debug)]
pub(crate) struct ImageColumn {
    column: String,
    image: Image,
}

impl ImageColumn {
    pub(crate) fn new(column: &str, image: Image) -> Self {
        Self {
            column: column.to_owned(),
            image,
        }
    }
}

impl Image {
    /// The stage on a column of encoded pictures, as [`DatasetExt::image`](crate::DatasetExt::image) runs it.
    pub fn on(self, column: &str) -> Arc<dyn Stage> {
        Arc::new(ImageColumn::new(column, self))
    }
}

impl Stage for ImageColumn {
    fn describe(&self) -> Plan {
        let columns = StageColumns {
            column: self.column.clone(),
            label: None,
        };
        self.image.plan().part("", &Description::of(&columns))
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        self.image.check()?;
        let rarest = rarest_names(below);
        let is_of_rarest = rarest.is_some() || self.image.is_told_rarest();
        let names = rarest.or_else(|| class_names(below));
        let image = &self.image.with_names(names.as_deref())?;
        let placed = |why: String| format!("column \"{}\": {why}", self.column);
        image
            .check_names_are_known()
            .map_err(|error| Error::config(placed(error.to_string())).with_source(error))?;
        let needs_class = image.needs_class();
        if let Some(twice) = image.masks.iter().find(|mask| **mask == self.column) {
            return Err(Error::config(format!("\"{twice}\" is both the picture and its mask")));
        }
        let taken: Vec<&str> = std::iter::once(&self.column)
            .chain(&image.masks)
            .map(String::as_str)
            .collect();
        let targets = Arc::new(Targets::bind(image, below, taken.len(), &taken)?);
        let (reads, outputs): (Vec<_>, Vec<_>) = (targets.reads().collect(), targets.outputs(&self.column).collect());
        let frame_at = taken.len() + outputs.len();
        let (random, plain) = (Arc::new(image.clone()), Arc::new(image.plain()));
        let name = self.column.clone();
        let run = move |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
            let (stage, key) = match draws.key() {
                Some(key) => (&random, key),
                None => (&plain, 0),
            };
            let masks = (1..=stage.masks.len())
                .map(|mask| row.bytes(mask))
                .collect::<Result<Vec<_>>>()?;
            let files = Files {
                picture: row.bytes(0)?,
                masks: &masks,
                class: row.class(),
                boxes: targets.facts(row)?,
            };
            let rest = |masks: &[Mask], motions: &ResampledMotions, out: &mut Out<'_>| {
                let motion = motions.whole();
                for (at, mask) in masks.iter().enumerate() {
                    let values = out.fixed::<u8>(at + 1);
                    values.copy_from_slice(&mask.values);
                    if let Some(swaps) = stage.mirrored.get(&stage.masks[at]).filter(|_| motion.mirrors()) {
                        swap_values(values, swaps);
                    }
                }
                if stage.frame.is_some() {
                    out.fixed::<f32>(frame_at).copy_from_slice(&frame(motion));
                }
                let part = stage.chosen(key, files.boxes).centres(motion.from());
                // A motion behind the crop may show the photo beside it.
                let [width, height] = motion.to();
                let shown = Region::whole(width, height);
                targets.run(row, out, motions, &|place| {
                    part.is_none_or(|part| {
                        part.shows(place) || shown.shows(motion.point(place)) && motions.keeps(place)
                    })
                })
            };
            let done = match (stage.depth, stage.output.is_levels()) {
                (Depth::U8, true) => stage.draw_all(files, key, |pixels, masks, motions| {
                    Image::write_levels(pixels, out.fixed::<u8>(0));
                    rest(masks, motions, out)
                }),
                (Depth::U8, false) => stage.draw_all(files, key, |pixels, masks, motions| {
                    stage.write_normalized(pixels, out.fixed::<f32>(0));
                    rest(masks, motions, out)
                }),
                (Depth::F32, _) => stage.draw_all(files, key, |pixels, masks, motions| {
                    stage.write_floats(pixels, out.fixed::<f32>(0));
                    rest(masks, motions, out)
                }),
            };
            done.map_err(|fault| {
                let column = fault.mask.map_or(&name, |mask| &stage.masks[mask]);
                Error::from(fault.error).in_column(column)
            })?
        };
        let ([width, height], dtype) = (
            image.size().map(|side| side as usize),
            if image.output.is_levels() {
                DType::U8
            } else {
                DType::F32
            },
        );
        let bound = Bound::new(run)
            .fills()
            .reads(Read::bytes(&self.column))
            .writes(Output::fixed(&self.column, dtype, [image.channels, height, width]));
        let unmoved = [
            unmoved_boxes(image, below),
            unmoved_keypoints(image, below),
            unmoved_masks(image, &self.column, below),
        ];
        let bound = unmoved.into_iter().flatten().fold(bound, Bound::note);
        let bound = image.masks.iter().fold(bound, |bound, mask| {
            bound
                .reads(Read::bytes(mask))
                .writes(Lying::Mask.mark(Output::fixed(mask, DType::U8, [height, width]), &self.column))
        });
        let bound = reads.into_iter().fold(bound, Bound::reads);
        // Behind all columns, which `run` finds by their numbers.
        let bound = match needs_class {
            true if is_of_rarest => bound
                .reads(Read::Class)
                .note("the class of a row is the rarest of its classes: the one that the fewest rows have"),
            true => bound.reads(Read::Class),
            false => bound,
        };
        let bound = image
            .without_class()
            .map(placed)
            .into_iter()
            .fold(bound, Bound::needs_class);
        let bound = outputs.into_iter().fold(bound, Bound::writes);
        Ok(match &image.frame {
            Some(frame) => bound.writes(Output::fixed(frame, DType::F32, [8])),
            None => bound,
        })
    }
}

/// The names of the classes of the rows, where columns of `below` have them and agree.
fn class_names(below: &Schema) -> Option<Vec<String>> {
    let mut names = below.fields().iter().filter_map(|field| names_of(field));
    let first = names.next()?;
    names.all(|other| other == first).then_some(first)
}

/// The names of the classes of rows of which each is of the rarest of its classes, where a column below says so. Names of other columns are
/// those of lists, which know no row without a class.
fn rarest_names(below: &Schema) -> Option<Vec<String>> {
    below.field_with_name(Labels::RAREST).ok().and_then(names_of)
}

fn names_of(field: &Field) -> Option<Vec<String>> {
    let names = field.metadata().get(CLASS_NAMES)?;
    serde_json::from_str(names).ok()
}

/// Where `motion` takes a picture, as [`Image::frame`] has it.
fn frame(motion: &Motion) -> [f32; 8] {
    let (from, to) = (motion.from().map(f64::from), motion.to().map(f64::from));
    let (first, last) = (motion.point([0.0; 2]), motion.point(from));
    let scale = [0, 1].map(|axis| (last[axis] - first[axis]) / from[axis]);
    let all = [scale, first, from, to];
    std::array::from_fn(|at| all[at / 2][at % 2] as f32)
}

impl<D: Dataset> Transformed<D> {
    /// One image column more: see [`DatasetExt::image`](crate::DatasetExt::image). Each draws for itself.
    ///
    /// # Errors
    ///
    /// As [`DatasetExt::image`](crate::DatasetExt::image).
    pub fn image(self, column: &str, image: Image) -> Result<Self> {
        self.stage(ImageColumn::new(column, image))
    }
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        match &error {
            ImageError::Config(_) => Self::config(error.to_string()).with_source(error),
            _ => Self::data(error.to_string()).with_source(error),
        }
    }
}
