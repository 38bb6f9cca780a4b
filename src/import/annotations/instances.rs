//! The masks of the objects of annotated pictures, made where rows are written.

use super::raster::Raster;
use super::run_length::run_lengths;
use super::table::Picture;
use crate::error::{Error, Result};
use crate::image::Mask;
use crate::quote::counted;
use crate::stored_rows::INSTANCES;
use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema, SchemaRef};
use std::sync::Arc;

/// Values that objects have: 1 to so many, and from 1 on again.
const VALUES: usize = 255;

/// Adds a column of masks to rows of annotated pictures: a PNG for each, in which the objects have the values 1, 2, .. in their order.
#[derive(Clone, Copy, Debug)]
pub(in crate::import) struct Instances {
    /// Pixels of a picture at most; larger ones have no mask.
    pub(in crate::import) max_pixels: u64,
}

/// Whether the objects of `pictures`, those of all splits, become masks: as it is `wanted`, or else where each has an outline. And what there is to
/// say of it.
///
/// # Errors
///
/// `Config` where masks are wanted, and there is no outline.
pub(super) fn decided<'a>(
    pictures: impl Iterator<Item = &'a Picture>,
    wanted: Option<bool>,
) -> Result<(bool, Option<String>)> {
    let (mut all, mut without) = (0_u64, 0_u64);
    for object in pictures
        .flat_map(|picture| &picture.objects)
        .filter(|object| !object.crowd)
    {
        all += 1;
        without += u64::from(object.polygons.is_empty() && object.run_lengths.is_empty());
    }
    let verb = if without == 1 { "has" } else { "have" };
    let lacking = format!("{without} of {} {verb} no outline", counted(all, "object"));
    match (wanted, without) {
        (Some(false), _) => Ok((false, None)),
        (Some(true), _) if without == all => Err(Error::config(
            "instances are asked for, and no object has an outline: masks of boxes alone would say no more than the boxes: leave instances out",
        )),
        (None, _) if without == all => Ok((false, None)),
        (None, 1..) => Ok((
            false,
            Some(format!(
                "{lacking}, so that no masks are written: with instances = true the boxes stand in for missing outlines"
            )),
        )),
        (_, missing) => {
            let said = "column \"instances\" has a mask for each picture, in which its objects have the values 1, 2, ..: copy_paste takes it as its mask";
            Ok((
                true,
                Some(match missing {
                    0 => said.to_owned(),
                    _ => format!("{said}; {lacking}, and their boxes stand in for it"),
                }),
            ))
        }
    }
}

impl Instances {
    /// The columns `below`, and that of masks.
    pub(in crate::import) fn schema(self, below: &Schema) -> SchemaRef {
        let own = Arc::new(Field::new(INSTANCES, DataType::Binary, true));
        let fields: Vec<_> = below.fields().iter().cloned().chain([own]).collect();
        Arc::new(Schema::new_with_metadata(fields, below.metadata().clone()))
    }

    /// The rows `batch` with their masks. Where objects overlap, the one with the smaller box is in front. Crowds are no objects.
    pub(in crate::import) fn with(self, batch: &RecordBatch) -> Result<RecordBatch> {
        let wrong = || Error::schema("there are no objects with outlines, from which masks are made");
        let objects = batch
            .column_by_name("objects")
            .and_then(|objects| objects.as_struct_opt())
            .ok_or_else(wrong)?;
        let list = |name: &str| {
            let field = objects.column_by_name(name);
            field.and_then(|field| field.as_list_opt::<i32>()).ok_or_else(wrong)
        };
        let side = |name: &str| {
            let side = batch.column_by_name(name);
            side.and_then(|side| side.as_primitive_opt::<Int64Type>())
                .ok_or_else(wrong)
        };
        let lists = [list("bbox")?, list("iscrowd")?, list("segmentation")?, list("rle")?];
        let (widths, heights) = (side("width")?, side("height")?);
        let mut masks = BinaryBuilder::new();
        for row in 0..batch.num_rows() {
            let size = [widths.value(row), heights.value(row)].map(|side| u32::try_from(side).unwrap_or(0));
            let pixels = u64::from(size[0]) * u64::from(size[1]);
            if pixels == 0 || pixels > self.max_pixels {
                masks.append_null();
                continue;
            }
            let [boxes, crowds, outlines, runs] = lists.map(|list| list.value(row));
            let values = drawn(size, [&boxes, &crowds, &outlines, &cast(&runs, &DataType::Utf8)?]);
            let [width, height] = size;
            let mask = Mask { width, height, values };
            masks.append_value(mask.to_png()?);
        }
        let masks: ArrayRef = Arc::new(masks.finish());
        let columns = batch.columns().iter().cloned().chain([masks]).collect();
        Ok(RecordBatch::try_new(self.schema(&batch.schema()), columns)?)
    }
}

/// The values of the pixels of a picture that has objects with these boxes, marks of crowds, polygons and compressed run lengths.
fn drawn([width, height]: [u32; 2], [boxes, crowds, outlines, runs]: [&ArrayRef; 4]) -> Vec<u8> {
    let (crowds, outlines, runs) = (crowds.as_boolean(), outlines.as_list::<i32>(), runs.as_string::<i32>());
    let bbox = |at: usize| {
        let numbers = boxes.as_fixed_size_list().value(at);
        let numbers = numbers.as_primitive::<Float32Type>();
        [0, 1, 2, 3].map(|side| numbers.value(side))
    };
    let area = |at: &usize| {
        let [_, _, width, height] = bbox(*at);
        width * height
    };
    let mut raster = Raster::new(width as usize, height as usize);
    let mut behind_first: Vec<usize> = (0..boxes.len()).filter(|&at| !crowds.value(at)).collect();
    behind_first.sort_by(|a, b| area(b).total_cmp(&area(a)));
    for at in behind_first {
        let value = (at % VALUES + 1) as u8;
        let polygons = outlines.value(at);
        let polygons = polygons.as_list::<i32>();
        for polygon in 0..polygons.len() {
            let points = polygons.value(polygon);
            raster.polygon(points.as_primitive::<Float32Type>().values(), value);
        }
        let lengths = run_lengths(runs.value(at)).unwrap_or_default();
        if polygons.is_empty() && !raster.runs(&lengths, value) {
            raster.rectangle(bbox(at), value);
        }
    }
    raster.into_values()
}
