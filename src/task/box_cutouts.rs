//! The objects of a detection, each cut out of its picture by its box, as rows that scenes are made of.

use super::catalog::NamedTask;
use super::cut_out::NAME;
use super::datasets::Datasets;
use super::detect::Detect;
use super::generator_rows::{GeneratorRows, stored_columns, understood};
use super::object_rows::corners_of;
use super::spec::DataOptions;
use super::targets::Targets;
use super::training_files::training_files;
use crate::columns::{bytes_of, index_of, list_items};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::Pixels;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::{counted_with, quoted};
use crate::rows::{BoxFormat, CLASS_NAMES, Labels, find_objects};
use crate::source::is_called_label;
use crate::spec::{Named, Spec};
use crate::synthetic::learned::Training;
use crate::synthetic::{GeneratorSpec, ScenesSpec, cut_box, generators, part_of_box};
use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use futures::future::BoxFuture;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::num::NonZeroU64;
use std::sync::Arc;

/// The column of the classes.
const LABEL: &str = "label";
/// The column of the masks: what lies in the ellipse inside a box is the object.
const MASK: &str = "mask";

/// One row for each object: a picture of what lies in its box, the mask of the ellipse in it, and its class.
#[derive(Debug)]
struct BoxCutouts {
    rows: Arc<dyn Stable>,
    /// The column of pictures.
    image: String,
    /// Whether corners are shares of the sides of the pictures.
    is_normalized: bool,
    cuts: Arc<[Cut]>,
    count: NonZeroU64,
    schema: SchemaRef,
}

/// An object: the row that it is in, its corners, and its class.
#[derive(Clone, Copy, Debug)]
struct Cut {
    row: u64,
    corners: [f32; 4],
    class: i64,
}

impl BoxCutouts {
    /// The objects of the training rows of `datasets`, whose pictures are called `column`, and how many are left out: those of less than 4 pixels a side. Crowds are no objects.
    fn new(cx: &Context, datasets: &Datasets, column: &str) -> Result<(Self, usize)> {
        let Targets::Objects(objects) = &datasets.targets else {
            return Err(Error::config(
                "objects are cut out of pictures by their boxes, and these rows have none",
            ));
        };
        let (rows, reader) = (&datasets.train, objects.reader());
        let name = |field: &str| format!("{}.{field}", reader.layout().column());
        let boxes = cx.block_on(rows.column(cx, &name(reader.layout().boxes())))?;
        let classes = cx.block_on(rows.column(cx, &name(reader.layout().category())))?;
        let (boxes, lengths) = list_items(&boxes, None)?;
        let (classes, _) = list_items(&classes, None)?;
        let classes = classes.as_primitive::<Int64Type>().values().to_vec();
        let is_normalized = reader.format().is_normalized();
        let lengths = lengths.into_iter().map(|length| length.unwrap_or(0));
        let of = lengths
            .enumerate()
            .flat_map(|(row, length)| std::iter::repeat_n(row, length));
        let (mut cuts, mut left_out) = (Vec::new(), 0);
        for ((row, corners), class) in of.zip(corners_of(&boxes)).zip(classes) {
            // Of a picture without a size the decoder reports what is wrong.
            let size = objects.sizes().get(row).copied().flatten();
            let has_part = |size| part_of_box(in_pixels(corners, is_normalized, size), size).is_some();
            if size.is_none_or(has_part) {
                let row = row as u64;
                cuts.push(Cut { row, corners, class });
            } else {
                left_out += 1;
            }
        }
        let count = NonZeroU64::new(cuts.len() as u64).ok_or_else(|| {
            Error::data(format!(
                "column {}: no box of the training rows has 4 pixels a side, so nothing can be cut out",
                quoted(reader.layout().column())
            ))
        })?;
        if [LABEL, MASK].contains(&column) {
            return Err(Error::config(format!(
                "column is {}, which is what objects that are cut out have beside their pictures: name it otherwise",
                quoted(column)
            )));
        }
        let names = Value::from(objects.names()).to_string();
        let fields = vec![
            Field::new(column, DataType::Binary, false),
            Field::new(MASK, DataType::Binary, false),
            Field::new(LABEL, DataType::Int64, false).with_metadata([(CLASS_NAMES.to_owned(), names)].into()),
        ];
        let cutouts = Self {
            rows: Arc::clone(rows),
            image: datasets.image.clone(),
            is_normalized,
            cuts: cuts.into(),
            count,
            schema: Arc::new(Schema::new(fields)),
        };
        Ok((cutouts, left_out))
    }

    fn cut(&self, position: u64) -> Cut {
        self.cuts[(position % self.count) as usize]
    }
}

/// Corners in pixels of a picture of `size`.
fn in_pixels(corners: [f32; 4], is_normalized: bool, size: (u32, u32)) -> [f32; 4] {
    match is_normalized {
        true => BoxFormat::XyxyNormalized.to_xyxy(corners, size),
        false => corners,
    }
}

/// The classes of `cuts`.
fn classes_of(cuts: &[Cut]) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(cuts.iter().map(|cut| cut.class)))
}

/// Cuts `cuts` out of the pictures of `rows`, one of a row each.
fn cut_out(
    schema: SchemaRef,
    (rows, image): (&RecordBatch, &str),
    cuts: &[Cut],
    is_normalized: bool,
) -> Result<RecordBatch> {
    let pictures = rows.column(index_of(&rows.schema(), image)?);
    let cut = |(row, cut): (usize, &Cut)| -> Result<(Vec<u8>, Vec<u8>)> {
        let placed = |error: Error| error.at(row);
        let bytes = bytes_of(pictures, row).ok_or_else(|| placed(Error::data("a training row has no picture")))?;
        let pixels = Pixels::decode(bytes).map_err(|error| placed(error.into()))?;
        let corners = in_pixels(cut.corners, is_normalized, (pixels.width, pixels.height));
        let (part, mask) = cut_box(&pixels, corners)
            .ok_or_else(|| placed(Error::data("a box has less than 4 pixels a side inside of its picture")))?;
        Ok((part.to_png()?, mask.to_png()?))
    };
    let made = cuts.par_iter().enumerate().map(cut).collect::<Result<Vec<_>>>()?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_iter_values(made.iter().map(|(part, _)| part))),
        Arc::new(BinaryArray::from_iter_values(made.iter().map(|(_, mask)| mask))),
        classes_of(cuts),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}

impl Dataset for BoxCutouts {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.count)
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.rows.blocks().iter().map(|block| block.bytes).sum();
        let rows = 0..self.count.get();
        Arc::new([Block { rows, bytes }])
    }

    fn describe(&self) -> Plan {
        Plan::new(NAME)
            .param("objects", self.count)
            .note("what lies in the ellipse inside a box is the object")
            .input(self.rows.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let cuts: Vec<Cut> = positions.iter().map(|&position| self.cut(position)).collect();
        let below: Vec<u64> = cuts.iter().map(|cut| cut.row).collect();
        let (own, schema) = (cx.clone(), Arc::clone(&self.schema));
        let (image, is_normalized) = (self.image.clone(), self.is_normalized);
        self.rows.prepare(cx, &below).and_then(move |rows| async move {
            let work = move || cut_out(schema, (&rows, &image), &cuts, is_normalized);
            own.compute(work).await
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let cut = self.cut(position);
        Provenance {
            class: Some(cut.class as u32),
            ..self.rows.provenance(cx, cut.row)
        }
    }
}

impl Stable for BoxCutouts {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let at = index_of(&self.schema, name)?;
            if name == LABEL {
                return Ok(classes_of(&self.cuts));
            }
            let all: Vec<u64> = (0..self.count.get()).collect();
            let rows = self.take(cx, &all).await?;
            Ok(Arc::clone(rows.column(at)))
        })
    }
}

impl GeneratorRows {
    /// The column of boxes of the training files, where it is named as their labels, or none is named and none is called as labels are or has names of classes.
    pub(super) fn boxes_alone(cx: &Context, data: &DataOptions) -> Result<Option<String>> {
        if data.label_by.is_some() {
            return Ok(None);
        }
        let rows = training_files(cx, &data.train)?;
        let is_label = |column: &String| is_called_label(column) || rows.class_names(column).is_some();
        let has_labels = data.label.is_none() && rows.find_label(None).is_ok_and(|column| is_label(&column));
        // What is meant to hold boxes and does not, is no reason to refuse labels.
        let boxes = find_objects(&rows, data.label.as_deref()).ok().flatten();
        Ok(boxes.filter(|_| !has_labels))
    }

    /// The objects of a detection for the scenes of `spec`, cut out by their boxes.
    ///
    /// # Errors
    ///
    /// As [`Datasets::open`]; `Config` for masks by which objects would be cut out, `Data` where no box is large enough.
    pub(super) fn open_boxes(cx: &Context, data: &DataOptions, seed: u64, spec: &dyn GeneratorSpec) -> Result<Self> {
        let reads = spec.reads();
        if let Some(mask) = reads.get(1) {
            return Err(Error::config(format!(
                "{}: mask is {}, and objects are cut out by their boxes: leave mask out, or name a column of classes as the label",
                spec.name(),
                quoted(mask)
            )));
        }
        let task: NamedTask = Detect::default().into();
        let datasets = Datasets::open_with(cx, data, Some(&task), seed, (None, &[]))?;
        let columns = stored_columns(cx, data, &datasets)?;
        let mut notes = understood(cx, &datasets)?;
        let column = reads.first().map_or("image", String::as_str);
        let (cutouts, left_out) = BoxCutouts::new(cx, &datasets, column)?;
        let small = match left_out {
            0 => String::new(),
            few => format!(
                "; {} left out, of less than 4 pixels a side",
                counted_with(few as u64, "box", ["is", "are"])
            ),
        };
        notes.push(format!(
            "{} cut out of the pictures, by the ellipse inside each box{small}",
            counted_with(cutouts.count.get(), "object", ["is", "are"])
        ));
        let rows: Arc<dyn Stable> = Arc::new(cutouts);
        let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, LABEL))?);
        Ok(Self {
            inputs: datasets.stored.iter().flat_map(|stored| stored.rows.inputs()).collect(),
            notes,
            training: Training {
                cx: cx.with_seed(seed),
                rows,
                labels,
            },
            columns,
            generator: Some(with_mask(spec)?),
        })
    }

    /// Whether `spec` makes scenes, which need no label of a row beside boxes.
    pub(super) fn cuts_boxes(spec: &dyn GeneratorSpec) -> bool {
        spec.name() == ScenesSpec::NAME
    }
}

/// The scenes of `spec`, whose objects are cut out by the masks of the ellipses.
fn with_mask(spec: &dyn GeneratorSpec) -> Result<Named<dyn GeneratorSpec>> {
    let described = spec.description();
    let named = described.fields.into_iter().map(|field| (field.name, field.value));
    let mut fields: Map<String, Value> = named.collect();
    fields.insert("mask".to_owned(), json!(MASK));
    let text = json!({ described.name: fields }).to_string();
    Ok(Named::new(Arc::from(generators().read_json(&text)?)))
}
