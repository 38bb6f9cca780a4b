use super::flat::{Flat, Values};
use super::format::{BOX_FORMAT, BoxFormat};
use super::keypoint_names::KeypointNames;
use super::reader::ObjectReader;
use crate::columns::{index_of, tensor_column, tensor_field};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::rows::labels::CLASS_NAMES;
use crate::spec::Spec;
use arrow::array::{ArrayRef, Float32Array, Int8Array, Int64Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which column holds the objects, and what the numbers of their boxes mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectsSpec {
    /// The column. Defaults to `objects`.
    pub column: String,
    /// What the numbers of a box mean. Defaults to COCO's `xywh`.
    pub boxes: BoxFormat,
}

impl Default for ObjectsSpec {
    fn default() -> Self {
        Self {
            column: "objects".to_owned(),
            boxes: BoxFormat::default(),
        }
    }
}

impl Spec for ObjectsSpec {
    const NAME: &'static str = "objects";
}

/// Rows whose objects are columns of lists, one for each field; made by [`objects`](crate::DatasetExt::objects).
#[derive(Debug)]
pub struct FlatObjects<D> {
    inner: D,
    reader: Arc<ObjectReader>,
    at: usize,
    /// The columns that take the place of the one with the objects.
    fields: Arc<[Arc<Field>]>,
    schema: SchemaRef,
}

impl<D: Dataset> FlatObjects<D> {
    pub(crate) fn new(inner: D, reader: ObjectReader) -> Result<Self> {
        let (below, layout) = (inner.schema(), reader.layout());
        let at = index_of(&below, layout.column())?;
        let name = |field: &str| format!("{}.{field}", layout.column());
        let list = |field: &str, item: Field| Field::new_list(name(field), item, false);
        let item = |dtype: &DataType, shape: &[usize]| tensor_field(Field::LIST_FIELD_DEFAULT_NAME, dtype, shape);
        let names = serde_json::to_string(reader.names()).unwrap_or_default();
        let category = list(layout.category(), item(&DataType::Int64, &[])?);
        // Whatever the stored numbers mean, the columns have corners, in the same unit.
        let corners = match reader.format().is_normalized() {
            true => BoxFormat::XyxyNormalized,
            false => BoxFormat::Xyxy,
        };
        let boxes = list(layout.boxes(), item(&DataType::Float32, &[4])?);
        let mut own = vec![
            boxes.with_metadata([(BOX_FORMAT.to_owned(), corners.to_string())].into()),
            category.with_metadata([(CLASS_NAMES.to_owned(), names)].into()),
        ];
        for (field, dtype) in &layout.numbers {
            let dtype = match dtype {
                crate::rows::DType::F32 => DataType::Float32,
                crate::rows::DType::Bool => DataType::Boolean,
                crate::rows::DType::I64 | crate::rows::DType::U8 => DataType::Int64,
            };
            own.push(list(field.name(), item(&dtype, &[])?));
        }
        if let Some((field, many)) = &layout.keypoints {
            let said = layout.keypoint_names().map(KeypointNames::metadata);
            let points = list(field.name(), item(&DataType::Float32, &[*many, 3])?);
            own.push(points.with_metadata(said.into_iter().collect()));
        }
        if let Some(twice) = own.iter().find(|field| below.index_of(field.name()).is_ok()) {
            return Err(Error::config(format!(
                "objects: there is a column \"{}\" already",
                twice.name()
            )));
        }
        let own: Arc<[Arc<Field>]> = own.into_iter().map(Arc::new).collect();
        let mut fields = below.fields().to_vec();
        fields.splice(at..=at, own.iter().cloned());
        Ok(Self {
            at,
            reader: Arc::new(reader),
            fields: own,
            schema: Arc::new(Schema::new_with_metadata(fields, below.metadata().clone())),
            inner,
        })
    }

    /// What reads the objects, with their classes and what was counted.
    pub fn reader(&self) -> &ObjectReader {
        &self.reader
    }
}

/// The columns `fields` of the objects in `array`.
async fn columns(
    cx: &Context,
    reader: Arc<ObjectReader>,
    fields: Arc<[Arc<Field>]>,
    array: ArrayRef,
) -> Result<Vec<ArrayRef>> {
    let bytes = array.get_buffer_memory_size() as u64;
    let work = move || {
        let flat = reader.flat(&array).map_err(|error| error.context(ObjectsSpec::NAME))?;
        let items = of_flat(&flat);
        let points: ArrayRef = Arc::new(Float32Array::from_iter_values(flat.points.iter().copied()));
        let lengths = || (0..flat.ends.len()).map(|row| flat.range(row).len());
        let list = |(field, items): (&Arc<Field>, ArrayRef)| {
            let DataType::List(item) = field.data_type() else {
                return Err(Error::schema(format!("column \"{}\" is no list", field.name())));
            };
            let items = tensor_column(item, items)?;
            let offsets = OffsetBuffer::from_lengths(lengths());
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, None)?) as ArrayRef)
        };
        // There are as many fields as columns; that of points comes last.
        fields.iter().zip(items.into_iter().chain([points])).map(list).collect()
    };
    cx.compute_sized(bytes, work).await
}

fn of_flat(flat: &Flat) -> Vec<ArrayRef> {
    let boxes: ArrayRef = Arc::new(Float32Array::from_iter_values(flat.boxes.iter().flatten().copied()));
    let classes: ArrayRef = Arc::new(Int64Array::from(flat.classes.clone()));
    let numbers = flat.numbers.iter().map(|values| match values {
        Values::F32(values) => Arc::new(Float32Array::from(values.clone())) as ArrayRef,
        Values::I64(values) => Arc::new(Int64Array::from(values.clone())),
        Values::Bool(values) => Arc::new(Int8Array::from_iter_values(values.iter().map(|&value| i8::from(value)))),
    });
    [boxes, classes].into_iter().chain(numbers).collect()
}

impl<D: Dataset> Dataset for FlatObjects<D> {
    forward!(inner: len, blocks, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn describe(&self) -> Plan {
        let spec = ObjectsSpec {
            column: self.reader.layout().column().to_owned(),
            boxes: self.reader.format(),
        };
        let plan = Plan::of(&spec).param("classes", format_args!("{:?}", self.reader.names()));
        let survey = self.reader.survey();
        let plan = plan.note(format_args!(
            "{} in {}, {} without{}",
            counted(survey.objects, "object"),
            counted(survey.rows, "row"),
            counted(survey.without, "row"),
            match survey.crowds {
                0 => String::new(),
                crowds => format!(
                    "; beside them {} of crowds, which are no objects",
                    counted(crowds, "box")
                ),
            }
        ));
        let plan = match survey.remark() {
            Some(remark) => plan.note(remark),
            None => plan,
        };
        let plan = match self.reader.remark() {
            Some(remark) => plan.note(remark),
            None => plan,
        };
        let plan = match self.reader.layout().keypoint_names() {
            Some(said) => plan.param("mirror_pairs", format_args!("{:?}", said.mirror_pairs)),
            None => plan,
        };
        let ignored = self.reader.layout().ignored();
        let plan = match ignored.is_empty() {
            true => plan,
            false => plan.note(format_args!(
                "fields that are no numbers are left out: {}",
                ignored.join(", ")
            )),
        };
        plan.input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (at, schema, own) = (self.at, Arc::clone(&self.schema), cx.clone());
        let (reader, fields) = (Arc::clone(&self.reader), Arc::clone(&self.fields));
        self.inner.prepare(cx, positions).and_then(move |rows| async move {
            let mut all = rows.columns().to_vec();
            let made = columns(&own, reader, fields, Arc::clone(&all[at])).await?;
            all.splice(at..=at, made);
            Ok(RecordBatch::try_new(schema, all)?)
        })
    }
}

impl<D: Stable> Stable for FlatObjects<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        let Some(own) = self.fields.iter().position(|field| field.name() == name) else {
            return self.inner.column(cx, name);
        };
        Box::pin(async move {
            let stored = self.inner.column(cx, self.reader.layout().column()).await?;
            let (reader, fields) = (Arc::clone(&self.reader), Arc::clone(&self.fields));
            let mut made = columns(cx, reader, fields, stored).await?;
            Ok(made.swap_remove(own))
        })
    }
}
