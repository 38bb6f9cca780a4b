//! A file of training pictures and of scenes with objects that were cut out of them.

use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, files};
use crate::image::Pixels;
use crate::rng::{Permutation, Rng};
use crate::rows::{CLASS_NAMES, Labels, Objects};
use crate::source::{Files, Memory};
use crate::synthetic::{Generator, SampleId, SceneBackground, Scenes, ScenesSpec, cut_box};
use crate::task::{Datasets, RowObjects};
use arrow::array::{
    ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use std::path::Path;
use std::sync::Arc;

/// Scenes of objects that are cut out of training pictures, which know their boxes and no outlines: what lies in the ellipse that fits into a box is the object.
pub(super) struct CutScenes<'a> {
    /// The training pictures as they are stored, all of which are trained on: those of a detector have the fields of their objects apart.
    pub(super) rows: &'a Files,
    pub(super) datasets: &'a Datasets,
    pub(super) objects: &'a RowObjects,
    /// The classes that scenes are asked for, in turn.
    pub(super) rarest: Vec<usize>,
    /// How many scenes there are, as a share of the training pictures.
    pub(super) share: f64,
}

/// Objects that were cut out.
#[derive(Default)]
struct Cutouts {
    pictures: Vec<Vec<u8>>,
    masks: Vec<Vec<u8>>,
    classes: Vec<i64>,
}

impl CutScenes<'_> {
    /// Training pictures that objects are cut out of.
    const PICTURES: u64 = 100;
    /// Pictures that are read at a time.
    const CHUNK: usize = 16;

    /// Writes the training pictures, with their boxes, and the scenes to `path`, under the seed of `cx`.
    pub(super) fn write(&self, cx: &Context, path: &Path) -> Result<()> {
        let rows = self.rows;
        let all: Vec<u64> = (0..self.objects.len()).collect();
        let (cutouts, size) = self.cut(cx, &all)?;
        let labels = cutouts.labels(cx, self.objects.names())?;
        let spec = ScenesSpec {
            width: size[0].clamp(16, 4096),
            height: size[1].clamp(16, 4096),
            objects: self.most_objects(cx, &all)?,
            scale: 0.9..=1.1,
            light: 0.8..=1.0,
            mask: Some("mask".to_owned()),
            recolor: false,
            backgrounds: vec![
                SceneBackground::Noise,
                SceneBackground::Plain,
                SceneBackground::Gradient,
            ],
            ..ScenesSpec::default()
        };
        let scenes = Scenes::new(labels.0, &labels.1, spec)?;
        let scenes_wanted = (self.objects.len() as f64 * self.share).ceil() as usize;
        let each = self.rarest.iter().cycle().take(scenes_wanted);
        let sample = |(index, &class): (u64, &usize)| SampleId {
            class: class as u32,
            index,
        };
        let samples: Vec<SampleId> = (0..).zip(each).map(sample).collect();
        let made = samples
            .chunks(Self::CHUNK)
            .map(|some| cx.block_on(scenes.generate(cx, some)))
            .collect::<Result<Vec<_>>>()?;
        let schema = made
            .first()
            .map(RecordBatch::schema)
            .ok_or_else(|| Error::data("there are no training pictures"))?;
        // Test pictures have areas where training pictures do.
        let column = cx.block_on(rows.column(cx, &self.datasets.label))?;
        let has_areas = self.objects.reader().read(&column)?.iter().any(|of| of.areas.is_some());
        let made = made.iter().map(|batch| columns_of(batch, has_areas));
        let made = made.collect::<Result<Vec<_>>>()?;
        let schema = match made.first() {
            Some(batch) => Arc::new(Schema::new_with_metadata(
                batch.schema().fields().clone(),
                schema.metadata().clone(),
            )),
            None => schema,
        };
        let mut batches = Vec::new();
        for some in all.chunks(Self::CHUNK) {
            let stored = cx.block_on(rows.take(cx, some))?;
            batches.push(self.stored(&stored, &schema)?);
        }
        for batch in made {
            batches.push(batch.with_schema(Arc::clone(&schema))?);
        }
        let failed = |error: parquet::errors::ParquetError| Error::io(path, std::io::Error::other(error));
        files::write_new(path, |out| {
            let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), None).map_err(failed)?;
            let all = concat_batches(&schema, &batches)?;
            writer.write(&all).map_err(failed)?;
            writer.close().map(drop).map_err(failed)
        })
    }

    fn objects_of(&self, rows: &RecordBatch) -> Result<Vec<Objects>> {
        let column = rows.column(index_of(&rows.schema(), &self.datasets.label)?);
        self.objects.reader().read(column)
    }

    /// Objects of some pictures, and the size of the first picture.
    fn cut(&self, cx: &Context, all: &[u64]) -> Result<(Cutouts, [u32; 2])> {
        let order = Permutation::new(all.len() as u64, &mut Rng::new(cx.seed(), "cut", 0));
        let mut some: Vec<u64> = (0..Self::PICTURES.min(all.len() as u64))
            .map(|at| order.get(at))
            .collect();
        some.sort_unstable();
        let (mut cutouts, mut size) = (Cutouts::default(), None);
        for rows in some.chunks(Self::CHUNK) {
            let batch = cx.block_on(self.rows.take(cx, rows))?;
            for (row, objects) in self.objects_of(&batch)?.iter().enumerate() {
                let pixels = self.picture(&batch, row)?;
                size.get_or_insert([pixels.width, pixels.height]);
                for (corners, &class) in objects.boxes.iter().zip(&objects.classes) {
                    cutouts.add(&pixels, *corners, class)?;
                }
            }
        }
        let size = size.ok_or_else(|| Error::data("there are no training pictures"))?;
        Ok((cutouts, size))
    }

    fn picture(&self, batch: &RecordBatch, row: usize) -> Result<Pixels> {
        let column = batch.column(index_of(&batch.schema(), &self.datasets.image)?);
        let bytes = bytes_of(column, row).ok_or_else(|| Error::data("a training row has no picture"))?;
        Pixels::decode(bytes).map_err(|error| Error::data(error.to_string()))
    }

    /// As many objects as half of the pictures have at most.
    fn most_objects(&self, cx: &Context, all: &[u64]) -> Result<u32> {
        let column = cx.block_on(self.rows.column(cx, &self.datasets.label))?;
        let mut counts: Vec<usize> = self
            .objects
            .reader()
            .read(&column)?
            .iter()
            .map(|of| of.boxes.len())
            .collect();
        counts.sort_unstable();
        Ok(counts.get(all.len() / 2).copied().unwrap_or(1).clamp(1, 255) as u32)
    }

    /// Stored rows in the columns of scenes.
    fn stored(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let objects = self.objects_of(batch)?;
        let image = batch.column(index_of(&batch.schema(), &self.datasets.image)?);
        let bytes: Vec<Option<&[u8]>> = (0..batch.num_rows()).map(|row| bytes_of(image, row)).collect();
        let (DataType::Struct(image_fields), DataType::Struct(object_fields)) =
            (schema.field(0).data_type(), schema.field(1).data_type())
        else {
            return Err(Error::stage("scenes have other columns"));
        };
        let paths: ArrayRef = Arc::new(StringArray::new_null(bytes.len()));
        let pictures: ArrayRef = Arc::new(BinaryArray::from_opt_vec(bytes));
        let corners = objects.iter().flat_map(|of| of.boxes.iter());
        let xywh = |&[left, top, right, bottom]: &[f32; 4]| [left, top, right - left, bottom - top];
        let boxes: Vec<[f32; 4]> = corners.map(xywh).collect();
        let areas = Int64Array::from_iter_values(boxes.iter().map(|of| (of[2] * of[3]) as i64));
        let numbers = Float32Array::from_iter_values(boxes.iter().flatten().copied());
        let four = Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, DataType::Float32, true));
        let values: [ArrayRef; 3] = [
            Arc::new(FixedSizeListArray::try_new(four, 4, Arc::new(numbers), None)?),
            Arc::new(Int64Array::from_iter_values(
                objects.iter().flat_map(|of| of.classes.iter().copied()),
            )),
            Arc::new(areas),
        ];
        let offsets = OffsetBuffer::from_lengths(objects.iter().map(|of| of.boxes.len()));
        let lists = values.map(|values| {
            let item = Arc::new(Field::new(
                Field::LIST_FIELD_DEFAULT_NAME,
                values.data_type().clone(),
                true,
            ));
            Ok(Arc::new(ListArray::try_new(item, offsets.clone(), values, None)?) as ArrayRef)
        });
        let mut lists = lists.into_iter().collect::<Result<Vec<_>>>()?;
        lists.truncate(object_fields.len());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StructArray::try_new(image_fields.clone(), vec![pictures, paths], None)?),
            Arc::new(StructArray::try_new(object_fields.clone(), lists, None)?),
        ];
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

/// The picture and the objects of a scene, these without their areas unless they are kept.
fn columns_of(scenes: &RecordBatch, areas: bool) -> Result<RecordBatch> {
    let column = |name: &str| Ok::<_, Error>(Arc::clone(scenes.column(index_of(&scenes.schema(), name)?)));
    let (image, objects) = (column("image")?, column("objects")?);
    let objects: ArrayRef = match areas {
        true => objects,
        false => {
            let (fields, values, nulls) = objects.as_struct().clone().into_parts();
            let both = fields.iter().zip(values).filter(|(field, _)| field.name() != "area");
            let (fields, values): (Vec<_>, Vec<_>) = both.map(|(field, values)| (Arc::clone(field), values)).unzip();
            Arc::new(StructArray::try_new(fields.into(), values, nulls)?)
        }
    };
    let columns = [("image", image, true), ("objects", objects, true)];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

impl Cutouts {
    /// Cuts out what lies in `corners`; nothing of less than 4 pixels a side.
    fn add(&mut self, pixels: &Pixels, corners: [f32; 4], class: i64) -> Result<()> {
        let Some((part, mask)) = cut_box(pixels, corners) else {
            return Ok(());
        };
        let failed = |error: crate::image::ImageError| Error::data(error.to_string());
        self.pictures.push(part.to_png().map_err(failed)?);
        self.masks.push(mask.to_png().map_err(failed)?);
        self.classes.push(class);
        Ok(())
    }

    /// As rows of pictures with masks, and their classes.
    fn labels(self, cx: &Context, names: &[String]) -> Result<(Arc<dyn Stable>, Arc<Labels>)> {
        let classes = [(CLASS_NAMES.to_owned(), serde_json::Value::from(names).to_string())];
        let fields = vec![
            Field::new("image", DataType::Binary, false),
            Field::new("mask", DataType::Binary, false),
            Field::new("label", DataType::Int64, false).with_metadata(classes.into()),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from_iter_values(&self.pictures)),
            Arc::new(BinaryArray::from_iter_values(&self.masks)),
            Arc::new(Int64Array::from(self.classes)),
        ];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![batch])?);
        let labels = cx.block_on(Labels::scan(cx, &rows, "label"))?;
        Ok((rows, Arc::new(labels)))
    }
}
