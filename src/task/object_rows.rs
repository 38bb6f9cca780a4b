//! Rows with the objects that are learnt and, beside them, all that are there.

use super::detect::stored::{STORED, StoredObjects};
use super::picture_sizes::PictureSizes;
use super::row_objects::RowObjects;
use crate::columns::list_items;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::forward::forward;
use crate::prepared::Prepared;
use crate::rows::{BoxFormat, FlatObjects};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, filter};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int64Type, Schema, SchemaRef};
use futures::future::BoxFuture;
use std::sync::Arc;

/// Rows whose objects are columns of lists, as [`FlatObjects`] makes them: of the objects that are learnt, which leaves out crowds. A
/// column beside them has [all of them](StoredObjects) as they are stored, which no stage moves: what is found is measured by it.
#[derive(Debug)]
pub(super) struct ObjectRows<D> {
    inner: FlatObjects<D>,
    columns: Arc<ObjectColumns>,
    sizes: PictureSizes,
}

/// Where the fields of objects are among the columns.
#[derive(Debug)]
struct ObjectColumns {
    format: BoxFormat,
    /// Boxes, classes, all other fields of one number, and keypoints.
    fields: Vec<usize>,
    area: Option<usize>,
    crowd: Option<usize>,
    difficult: Option<usize>,
    schema: SchemaRef,
}

impl<D: Stable> ObjectRows<D> {
    /// `rows` with the objects that `objects` has counted of the same rows.
    pub(super) fn new(rows: D, objects: &RowObjects) -> Result<Self> {
        let reader = objects.reader();
        let inner = rows.objects_by(reader.clone())?;
        let (below, layout) = (inner.schema(), reader.layout());
        let at = |field: &str| {
            let name = format!("{}.{field}", layout.column());
            below
                .index_of(&name)
                .map_err(|_| Error::schema(format!("there is no column {name:?}")))
        };
        let numbers: Vec<&str> = layout.numbers().collect();
        let fields = [layout.boxes(), layout.category()]
            .into_iter()
            .chain(numbers.iter().copied())
            .chain(layout.keypoints());
        let fields = fields.map(at).collect::<Result<Vec<_>>>()?;
        let other = |name: Option<&str>| {
            let nth = name.and_then(|name| numbers.iter().position(|number| *number == name));
            nth.map(|nth| fields[nth + 2])
        };
        let [crowd, difficult] = reader.mark_fields();
        if below.index_of(STORED).is_ok() {
            return Err(Error::config(format!(
                "there is a column {STORED:?} already: rename it"
            )));
        }
        let mut all: Vec<Arc<Field>> = below.fields().to_vec();
        all.push(Arc::new(StoredObjects::field()));
        Ok(Self {
            columns: Arc::new(ObjectColumns {
                format: reader.format(),
                area: other(Some("area")),
                crowd: other(crowd),
                difficult: other(difficult),
                fields,
                schema: Arc::new(Schema::new_with_metadata(all, below.metadata().clone())),
            }),
            sizes: Arc::clone(objects.sizes()),
            inner,
        })
    }
}

impl ObjectColumns {
    /// Corners in pixels, of corners in the unit of the format.
    fn to_pixels(&self, corners: [f32; 4], size: (u32, u32)) -> [f32; 4] {
        match self.format.is_normalized() {
            true => BoxFormat::XyxyNormalized.to_xyxy(corners, size),
            false => corners,
        }
    }

    /// `rows`, whose pictures have these `sizes`.
    fn of(&self, rows: &RecordBatch, sizes: &[(u32, u32)]) -> Result<RecordBatch> {
        let mut columns = rows.columns().to_vec();
        let (boxes, lengths) = list_items(&columns[self.fields[0]], None)?;
        let numbers = |at: Option<usize>| -> Result<Option<Vec<f64>>> {
            let Some(at) = at else { return Ok(None) };
            let (items, _) = list_items(&columns[at], None)?;
            let numbers = cast(&items, &DataType::Float64)?;
            Ok(Some(numbers.as_primitive::<Float64Type>().values().to_vec()))
        };
        let (areas, crowd, difficult) = (numbers(self.area)?, numbers(self.crowd)?, numbers(self.difficult)?);
        let (classes, _) = list_items(&columns[self.fields[1]], None)?;
        let classes = classes.as_primitive::<Int64Type>().values().to_vec();
        let corners = corners_of(&boxes);
        let lengths: Vec<usize> = lengths.into_iter().map(|length| length.unwrap_or(0)).collect();
        let is = |marks: &Option<Vec<f64>>, at: usize| marks.as_ref().is_some_and(|marks| marks[at] != 0.0);
        let (mut stored, mut at) = (StoredObjects::default(), 0);
        for (row, &length) in lengths.iter().enumerate() {
            for object in at..at + length {
                stored.push(
                    self.to_pixels(corners[object], sizes[row]),
                    classes[object],
                    areas.as_ref().map(|areas| areas[object]),
                    [is(&crowd, object), is(&difficult, object)],
                );
            }
            stored.end_row();
            at += length;
        }
        if (0..at).any(|object| is(&crowd, object)) {
            let kept: BooleanArray = (0..at).map(|object| Some(!is(&crowd, object))).collect();
            let mut first = 0;
            let of_row = lengths.iter().map(|length| {
                let own = first..first + length;
                first = own.end;
                own.filter(|&object| !is(&crowd, object)).count()
            });
            let offsets = OffsetBuffer::from_lengths(of_row);
            for &field in &self.fields {
                let (items, _) = list_items(&columns[field], None)?;
                let DataType::List(item) = columns[field].data_type() else {
                    return Err(Error::schema("the fields of objects are no lists"));
                };
                let items = filter(&items, &kept)?;
                columns[field] = Arc::new(ListArray::try_new(Arc::clone(item), offsets.clone(), items, None)?);
            }
        }
        columns.push(stored.finish()?);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// The corners of boxes, in the unit of their numbers.
pub(super) fn corners_of(boxes: &ArrayRef) -> Vec<[f32; 4]> {
    let boxes = boxes.as_fixed_size_list();
    let first = boxes.value_offset(0) as usize;
    let numbers = boxes.values().as_primitive::<Float32Type>();
    numbers.values()[first..first + 4 * boxes.len()].as_chunks().0.to_vec()
}

impl<D: Stable> Dataset for ObjectRows<D> {
    forward!(inner: len, blocks, describe, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns.schema)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let size = |&position: &u64| self.sizes.get(position as usize).copied().flatten().unwrap_or_default();
        let sizes: Vec<(u32, u32)> = positions.iter().map(size).collect();
        let columns = Arc::clone(&self.columns);
        self.inner
            .prepare(cx, positions)
            .and_then(move |rows| async move { columns.of(&rows, &sizes) })
    }
}

impl<D: Stable> Stable for ObjectRows<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        let own = self.columns.schema.index_of(name).ok();
        let is_own = |at: &usize| self.columns.fields.contains(at) || name == STORED;
        let Some(own) = own.filter(is_own) else {
            return self.inner.column(cx, name);
        };
        Box::pin(async move {
            // The fields of objects alone, and not the pictures beside them.
            let below = self.inner.schema();
            let (mut fields, mut columns) = (Vec::new(), Vec::new());
            for &at in &self.columns.fields {
                columns.push(self.inner.column(cx, below.field(at).name()).await?);
                fields.push(Arc::clone(&below.fields()[at]));
            }
            let nth = |at: usize| self.columns.fields.iter().position(|field| *field == at);
            let there = self.columns.fields.len();
            let alone = ObjectColumns {
                format: self.columns.format,
                fields: (0..there).collect(),
                area: self.columns.area.and_then(nth),
                crowd: self.columns.crowd.and_then(nth),
                difficult: self.columns.difficult.and_then(nth),
                schema: {
                    let own = fields.iter().cloned().chain([Arc::new(StoredObjects::field())]);
                    Arc::new(Schema::new(own.collect::<Vec<_>>()))
                },
            };
            let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
            let sizes: Vec<(u32, u32)> = self.sizes.iter().map(|size| size.unwrap_or_default()).collect();
            let made = alone.of(&rows, &sizes)?;
            Ok(Arc::clone(made.column(nth(own).unwrap_or(there))))
        })
    }
}
