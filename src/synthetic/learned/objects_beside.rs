//! The objects of made scenes as the training files have theirs, beside which they are read.

use super::rows_file::feature;
use crate::columns::list_item;
use crate::error::{Error, Result};
use crate::rows::ObjectLayout;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringArray, StructArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema};
use serde_json::{Value, json};
use std::sync::Arc;

/// What scenes call their boxes and classes.
const MADE: [&str; 2] = ["bbox", "category"];
/// Fields that are 0 where nothing is marked.
const MARKS: [&str; 3] = ["iscrowd", "is_crowd", "difficult"];

/// How a struct of lists of a generator becomes the objects of the training files: the fields that these have, in their layout, the classes as texts where they have such.
/// Marks (`iscrowd`, `difficult`) are 0, and so are other numbers that no scene has (`id`); what is no number is null.
#[derive(Clone, Debug)]
pub(super) struct ObjectsBeside {
    /// The column of the training files.
    pub(super) column: String,
    /// What an object has, and what it comes from.
    fields: Vec<(Arc<Field>, Origin)>,
    /// Whether the training files have a list of structs, not a struct of lists.
    is_list: bool,
    classes: Arc<[String]>,
}

/// Where a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The field of the generator at this place.
    Made(usize),
    /// The names of its class numbers.
    Names(usize),
    Zero,
    Null,
}

impl ObjectsBeside {
    /// For the struct of lists with the fields `made`, whose class numbers have the names `classes`, beside files with the columns `stored`; none where either has no boxes
    /// with classes.
    pub(super) fn of(made: &Fields, stored: &Schema, classes: &[String]) -> Option<Self> {
        let [boxes, category] = MADE.map(|name| made.find(name).map(|(at, _)| at));
        let (boxes, category) = (boxes?, category?);
        let layout = ObjectLayout::look(stored, None)?.ok()?;
        let (is_list, items) = items(stored.field_with_name(layout.column()).ok()?.data_type())?;
        let field = |item: &Arc<Field>| {
            let is_text = |of: &DataType| match of {
                DataType::Dictionary(_, values) => values.is_string(),
                of => of.is_string(),
            };
            let (name, of) = (item.name().as_str(), item.data_type());
            let origin = match (name, made.find(name)) {
                (name, _) if name == layout.boxes() => Origin::Made(boxes),
                (name, _) if name == layout.category() && is_text(of) => Origin::Names(category),
                (name, _) if name == layout.category() => Origin::Made(category),
                (name, _) if MARKS.contains(&name) => Origin::Zero,
                (_, Some((at, _))) => Origin::Made(at),
                _ if of.is_numeric() || *of == DataType::Boolean => Origin::Zero,
                _ => Origin::Null,
            };
            let written = match of {
                DataType::Utf8View => DataType::Utf8,
                DataType::Null => made.find(name).map_or(DataType::Null, |(_, own)| item_of(own)),
                of => of.clone(),
            };
            (Arc::new(Field::new(name, written, true)), origin)
        };
        Some(Self {
            column: layout.column().to_owned(),
            fields: items.iter().map(field).collect(),
            is_list,
            classes: classes.into(),
        })
    }

    /// The type of the column.
    pub(super) fn data_type(&self) -> DataType {
        let fields = self.fields.iter().map(|(field, _)| Arc::clone(field));
        match self.is_list {
            true => DataType::List(item(DataType::Struct(fields.collect()))),
            false => DataType::Struct(fields.map(|field| in_list(&field)).collect()),
        }
    }

    /// What Hugging Face's `datasets` is told of it; `told` is what it is told of the generator's objects.
    pub(super) fn features(&self, made: &Fields, told: &Value) -> Value {
        let of = |(field, origin): &(Arc<Field>, Origin)| {
            let own = match origin {
                Origin::Made(at) => told["feature"][made[*at].name()].clone(),
                _ => Value::Null,
            };
            let of = if own.is_null() { feature(field.data_type()) } else { own };
            (field.name().clone(), of)
        };
        let fields: serde_json::Map<String, Value> = self.fields.iter().map(of).collect();
        match self.is_list {
            true => json!([fields]),
            false => json!({"_type": "Sequence", "length": -1, "feature": fields}),
        }
    }

    /// The generator's objects `made` as this column.
    pub(super) fn column(&self, made: &ArrayRef) -> Result<ArrayRef> {
        let changed = || Error::schema("the generator's objects are no struct of lists of one length any more");
        let made = made.as_struct_opt().ok_or_else(changed)?;
        let lists = made.columns().iter().map(|list| list.as_list_opt::<i32>());
        let lists = lists.collect::<Option<Vec<_>>>().ok_or_else(changed)?;
        let offsets = lists.first().ok_or_else(changed)?.offsets().clone();
        if lists.iter().any(|list| *list.offsets() != offsets) {
            return Err(changed());
        }
        let objects = lists[0].values().len();
        let values = |(field, origin): &(Arc<Field>, Origin)| -> Result<ArrayRef> {
            let of = field.data_type();
            Ok(match *origin {
                Origin::Made(at) => cast(lists[at].values(), of)?,
                Origin::Names(at) => cast(&self.names(lists[at].values())?, of)?,
                Origin::Zero => {
                    let zeros: ArrayRef = Arc::new(Int64Array::from_value(0, objects));
                    cast(&zeros, of)?
                }
                Origin::Null => new_null_array(of, objects),
            })
        };
        let values = self.fields.iter().map(values).collect::<Result<Vec<_>>>()?;
        let list = |values: ArrayRef, offsets: &OffsetBuffer<i32>| -> Result<ArrayRef> {
            let list = ListArray::try_new(item(values.data_type().clone()), offsets.clone(), values, None)?;
            Ok(Arc::new(list))
        };
        match self.data_type() {
            DataType::Struct(fields) => {
                let lists = values.into_iter().map(|values| list(values, &offsets));
                let lists = lists.collect::<Result<_>>()?;
                Ok(Arc::new(StructArray::try_new(fields, lists, made.nulls().cloned())?))
            }
            _ => {
                let fields = self.fields.iter().map(|(field, _)| Arc::clone(field)).collect();
                list(Arc::new(StructArray::try_new(fields, values, None)?), &offsets)
            }
        }
    }

    /// The names of class numbers.
    fn names(&self, numbers: &ArrayRef) -> Result<ArrayRef> {
        let numbers = cast(numbers, &DataType::Int64)?;
        let numbers = numbers.as_primitive::<Int64Type>();
        let name = |number: i64| self.classes.get(usize::try_from(number).ok()?);
        let names: Option<Vec<&String>> = numbers.values().iter().map(|number| name(*number)).collect();
        let names = names.ok_or_else(|| Error::schema("an object has a class that none of the classes is"))?;
        Ok(Arc::new(StringArray::from_iter_values(names)))
    }
}

/// Whether a column of this type is a list of structs, and what an object has; none of any other than those and structs of lists.
fn items(of: &DataType) -> Option<(bool, Vec<Arc<Field>>)> {
    match of {
        DataType::Struct(fields) => {
            let item = |field: &Arc<Field>| {
                let item = list_item(field.data_type())?;
                Some(Arc::new(Field::new(field.name(), item.data_type().clone(), true)))
            };
            Some((false, fields.iter().map(item).collect::<Option<_>>()?))
        }
        list => match list_item(list)?.data_type() {
            DataType::Struct(fields) => Some((true, fields.iter().cloned().collect())),
            _ => None,
        },
    }
}

/// What the lists in `field` hold.
fn item_of(field: &Field) -> DataType {
    list_item(field.data_type()).map_or(DataType::Null, |item| item.data_type().clone())
}

fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(of, true))
}

/// `field` with a list of what it has.
fn in_list(field: &Field) -> Arc<Field> {
    Arc::new(Field::new(
        field.name(),
        DataType::List(item(field.data_type().clone())),
        true,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{FixedSizeListArray, Float32Array};

    fn struct_of_lists(fields: &[(&str, DataType)]) -> DataType {
        let field = |(name, of): &(&str, DataType)| in_list(&Field::new(*name, of.clone(), true));
        DataType::Struct(fields.iter().map(field).collect())
    }

    /// Two rows of a scene, of one object and of two.
    fn made() -> (Fields, ArrayRef) {
        let offsets = OffsetBuffer::from_lengths([1, 2]);
        let numbers: ArrayRef = Arc::new(Float32Array::from_iter_values((0..12).map(|at| at as f32)));
        let boxes: ArrayRef = Arc::new(FixedSizeListArray::new(item(DataType::Float32), 4, numbers, None));
        let classes: ArrayRef = Arc::new(Int64Array::from(vec![1, 0, 1]));
        let areas: ArrayRef = Arc::new(Int64Array::from(vec![6, 7, 8]));
        let list = |values: ArrayRef| -> ArrayRef {
            Arc::new(ListArray::new(
                item(values.data_type().clone()),
                offsets.clone(),
                values,
                None,
            ))
        };
        let columns = [boxes, classes, areas].map(list);
        let fields: Fields = ["bbox", "category", "area"]
            .iter()
            .zip(&columns)
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
            .collect();
        let objects = StructArray::new(fields.clone(), columns.to_vec(), None);
        (fields, Arc::new(objects))
    }

    fn beside(stored: DataType) -> (ObjectsBeside, ArrayRef) {
        let (fields, objects) = made();
        let stored = Schema::new(vec![Field::new("annotations", stored, true)]);
        let names = ["cat", "dog"].map(str::to_owned);
        let beside = ObjectsBeside::of(&fields, &stored, &names).unwrap();
        let column = beside.column(&objects).unwrap();
        assert_eq!(
            (&*beside.column, column.data_type()),
            ("annotations", &beside.data_type())
        );
        (beside, column)
    }

    fn boxes() -> DataType {
        DataType::List(item(DataType::Float64))
    }

    #[test]
    fn classes_become_texts_and_nothing_is_a_crowd() {
        let (beside, column) = beside(struct_of_lists(&[
            ("boxes", boxes()),
            ("label", DataType::Utf8View),
            ("iscrowd", DataType::Boolean),
            ("id", DataType::Int32),
            ("note", DataType::Utf8),
        ]));
        let objects = column.as_struct();
        let values = |name: &str| Arc::clone(objects.column_by_name(name).unwrap().as_list::<i32>().values());
        let labels = values("label");
        let labels: Vec<_> = labels.as_string::<i32>().iter().flatten().collect();
        assert_eq!(labels, ["dog", "cat", "dog"]);
        assert_eq!(values("boxes").data_type(), &boxes());
        assert_eq!(values("iscrowd").as_boolean().true_count(), 0);
        assert_eq!(values("note").null_count(), 3);
        let (fields, _) = made();
        let told = beside.features(&fields, &json!({"feature": {"bbox": {"_type": "List"}}}));
        assert_eq!(told["feature"]["boxes"], json!({"_type": "List"}));
        assert_eq!(told["feature"]["label"], json!({"dtype": "string", "_type": "Value"}));
    }

    #[test]
    fn lists_of_structs_have_as_many_objects() {
        let fields = [("bbox", boxes()), ("category", DataType::Int64)];
        let fields = fields.map(|(name, of)| Field::new(name, of, true));
        let (beside, column) = beside(DataType::List(item(DataType::Struct(fields.to_vec().into()))));
        let rows = column.as_list::<i32>();
        assert_eq!((rows.value_length(0), rows.value_length(1)), (1, 2));
        let second = rows.value(1);
        let classes = Arc::clone(second.as_struct().column_by_name("category").unwrap());
        assert_eq!(classes.as_primitive::<Int64Type>().values(), &[0, 1]);
        assert!(beside.features(&made().0, &Value::Null).is_array());
    }

    #[test]
    fn what_has_no_boxes_stays_as_it_is() {
        let (fields, _) = made();
        let of = |stored: DataType| {
            let stored = Schema::new(vec![Field::new("objects", stored, true)]);
            ObjectsBeside::of(&fields, &stored, &[]).is_none()
        };
        assert!(of(DataType::Utf8) && of(struct_of_lists(&[("bbox", boxes())])));
    }
}
