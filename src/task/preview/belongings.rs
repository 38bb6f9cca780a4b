//! What belongs to a picture that is looked at: boxes, masks and keypoints, as the stage has moved them.

use crate::columns::{list_item, list_items, shape_of, tensor_levels, tensor_values};
use crate::error::Result;
use crate::image::Pixels;
use crate::report::picture::{DrawnObject, draw_objects_on_tile};
use crate::rows::{CLASS_NAMES, KeypointNames};
use crate::task::row_masks::{classes_of, shares_in_words};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use std::collections::BTreeMap;

/// The least length of a tile's longer side on which labels can be read.
const READABLE: u32 = 160;
/// The value of a mask that stands for no class, by custom.
const IGNORED: u8 = 255;

/// What belongs to a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Belongings {
    /// Width and height of the picture.
    pub(super) size: [u32; 2],
    pub(super) objects: Vec<Object>,
    /// A value for each pixel, in each mask.
    pub(super) masks: Vec<Vec<u8>>,
    /// The number of the object that each pixel is of, from 1 on; empty where that is not known.
    pub(super) instances: Vec<u8>,
}

/// A box, an oriented box or the keypoints of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object {
    pub(super) class: u32,
    name: String,
    pub(super) corners: Option<[f64; 4]>,
    outline: Vec<[f64; 2]>,
    keypoints: Vec<Option<[f64; 2]>>,
    skeleton: Vec<(usize, usize)>,
}

impl Belongings {
    /// What the columns of `rows` have for the picture of `size` in row `row`: lists of boxes (four numbers), oriented boxes (five) and points (two or
    /// three numbers, or several points an object), and tensors of u8 of the picture's size, which are masks.
    pub(super) fn of(rows: &RecordBatch, row: usize, size: [u32; 2]) -> Result<Self> {
        let mut found = Self {
            size,
            ..Self::default()
        };
        let (schema, rows) = (rows.schema(), rows.slice(row, 1));
        let [width, height] = size.map(|side| side as usize);
        for (field, column) in schema.fields().iter().zip(rows.columns()) {
            if shape_of(field) == [height, width] {
                found.masks.extend(tensor_levels(column).map(<[u8]>::to_vec));
                continue;
            }
            let Some(item) = list_item(field.data_type()).filter(|_| matches!(field.data_type(), DataType::List(_)))
            else {
                continue;
            };
            let Some((shape, numbers)) = numbers(item, column)? else {
                continue;
            };
            let classes = classes(&schema, field, &rows)?;
            let many: usize = shape.iter().product();
            let lines = match shape[..] {
                [points, _] => KeypointNames::of_field(field, points)?.unwrap_or_default().skeleton,
                _ => Vec::new(),
            };
            let skeleton: Vec<(usize, usize)> = lines.into_iter().map(Into::into).collect();
            for (at, numbers) in numbers.chunks_exact(many).enumerate() {
                let (class, name) = classes.get(at).cloned().unwrap_or_default();
                let numbers: Vec<f64> = numbers.iter().copied().map(f64::from).collect();
                let own = Object {
                    class,
                    name,
                    ..Object::default()
                };
                found.objects.extend(match (&shape[..], &numbers[..]) {
                    ([4], &[left, top, right, bottom]) => Some(Object {
                        corners: Some([left, top, right, bottom]),
                        ..own
                    }),
                    ([5], &[x, y, width, height, degrees]) => Some(Object {
                        outline: oriented([x, y], [width, height], degrees),
                        ..own
                    }),
                    ([per_point @ (2 | 3)] | [_, per_point @ (2 | 3)], numbers) => Some(Object {
                        keypoints: numbers.chunks_exact(*per_point).map(point).collect(),
                        skeleton: skeleton.clone(),
                        ..own
                    }),
                    _ => None,
                });
            }
        }
        Ok(found)
    }

    /// Those of a picture that has this size; none where it has another.
    pub(super) fn within(self, size: [u32; 2]) -> Self {
        if self.size == size { self } else { Self::default() }
    }

    /// How many objects there are.
    pub(super) fn objects(&self) -> usize {
        self.objects.iter().filter(|object| !self.is_beside_box(object)).count()
    }

    /// Whether these are the keypoints of an object that has a box as well.
    fn is_beside_box(&self, object: &Object) -> bool {
        let has_box = |object: &Object| object.corners.is_some() || !object.outline.is_empty();
        !has_box(object) && self.objects.iter().any(has_box)
    }

    /// How many objects there are of each class: `12 RBC | 1 WBC`.
    pub(super) fn in_words(&self) -> String {
        let mut counts = BTreeMap::<(u32, &str), usize>::new();
        for object in self.objects.iter().filter(|object| !self.is_beside_box(object)) {
            *counts.entry((object.class, &object.name)).or_default() += 1;
        }
        let words: Vec<String> = counts
            .iter()
            .map(|((_, name), many)| format!("{many} {name}"))
            .collect();
        match words.is_empty() {
            true => "nothing".to_owned(),
            false => words.join(" | "),
        }
    }

    /// The classes of the mask, which are called `names`, with their shares: `background 81 %, bag 19 %`. Pixels beyond the picture and those of the value `ignored`
    /// are of none.
    pub(super) fn shares_in_words(&self, names: &[String], ignored: Option<u8>) -> String {
        let mut classes = self.masks.first().map_or_else(Vec::new, |mask| classes_of(mask));
        classes.retain(|(value, _)| *value != IGNORED && Some(*value) != ignored);
        shares_in_words(&classes, names)
    }

    /// Whether there is nothing to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.masks.is_empty() && self.instances.is_empty()
    }

    /// `tile`, the picture in some size, with them.
    pub(super) fn drawn(&self, tile: Pixels) -> Result<Pixels> {
        if self.is_empty() || tile.channels() != 3 {
            return Ok(tile);
        }
        let size = [tile.width, tile.height];
        let scale: [f64; 2] = std::array::from_fn(|axis| f64::from(size[axis]) / f64::from(self.size[axis].max(1)));
        let place = |[x, y]: [f64; 2]| [x * scale[0], y * scale[1]];
        let masks = self.layers(size);
        let of_masks = masks.iter().map(|(class, mask)| DrawnObject {
            class: *class,
            mask: Some(mask),
            ..DrawnObject::default()
        });
        let has_labels = size[0].max(size[1]) >= READABLE;
        let of_objects = self.objects.iter().map(|object| DrawnObject {
            class: object.class,
            label: match has_labels && !self.is_beside_box(object) {
                true => object.name.clone(),
                false => String::new(),
            },
            corners: object.corners.map(|[left, top, right, bottom]| {
                let ([left, top], [right, bottom]) = (place([left, top]), place([right, bottom]));
                [left, top, right, bottom]
            }),
            outline: object.outline.iter().copied().map(place).collect(),
            keypoints: object.keypoints.iter().map(|point| point.map(place)).collect(),
            skeleton: &object.skeleton,
            ..DrawnObject::default()
        });
        let objects: Vec<DrawnObject<'_>> = of_masks.chain(of_objects).collect();
        let levels = draw_objects_on_tile(&tile, &objects)?.into_raw();
        Ok(Pixels { levels, ..tile })
    }

    /// Where a mask, in a picture of `size`, has each of its values from 1 to `last`.
    pub(super) fn by_value(&self, mask: &[u8], [width, height]: [u32; 2], last: u8) -> Vec<(u8, Vec<u8>)> {
        let nearest = |at: u32, to: u32, from: u32| (u64::from(at) * u64::from(from) / u64::from(to.max(1))) as usize;
        let [from_width, from_height] = self.size;
        let value = |at: u32| {
            let (x, y) = (
                nearest(at % width, width, from_width),
                nearest(at / width, height, from_height),
            );
            mask[y * from_width as usize + x]
        };
        let values: Vec<u8> = (0..width * height).map(value).collect();
        let there = |value: &u8| values.contains(value);
        let of = |value: u8| (value, values.iter().map(|&own| u8::from(own == value)).collect());
        (1..=last).filter(there).map(of).collect()
    }
}

/// The boxes of the one row in `rows`, four numbers each, as the reader of objects makes them; none where there is no such column.
pub(super) fn boxes_of(rows: &RecordBatch) -> Result<Option<Vec<[f32; 4]>>> {
    let is_boxes = |field: &Field| {
        list_item(field.data_type()).is_some_and(|item| matches!(item.data_type(), DataType::FixedSizeList(_, 4)))
    };
    let Some(at) = rows.schema().fields().iter().position(|field| is_boxes(field)) else {
        return Ok(None);
    };
    let (items, _) = list_items(rows.column(at), None)?;
    Ok(tensor_values(&items).map(|(list, values, width)| {
        let first = list.value_offset(0) as usize;
        let numbers = &values.values()[first..first + list.len() * width];
        numbers.as_chunks().0.to_vec()
    }))
}

/// The shape of the items of a column of lists with one row, and their numbers; none where they are no floats.
fn numbers(item: &Field, column: &ArrayRef) -> Result<Option<(Vec<usize>, Vec<f32>)>> {
    let shape = shape_of(item);
    if shape.is_empty() || shape.contains(&0) {
        return Ok(None);
    }
    let (items, _) = list_items(column, None)?;
    Ok(tensor_values(&items).map(|(list, values, width)| {
        let first = list.value_offset(0) as usize;
        (shape, values.values()[first..first + list.len() * width].to_vec())
    }))
}

/// Class and name of each item of `field`, where a column beside it has them: one of the same prefix, as the reader of objects makes them.
fn classes(schema: &arrow::datatypes::Schema, field: &Field, row: &RecordBatch) -> Result<Vec<(u32, String)>> {
    let prefix = |field: &Field| field.name().rsplit_once('.').map(|(prefix, _)| prefix.to_owned());
    let beside = schema.fields().iter().position(|other| {
        let is_list = matches!(other.data_type(), DataType::List(item) if *item.data_type() == DataType::Int64);
        is_list && prefix(other) == prefix(field) && other.metadata().contains_key(CLASS_NAMES)
    });
    let Some(at) = beside else { return Ok(Vec::new()) };
    let names = schema.field(at).metadata().get(CLASS_NAMES);
    let names: Vec<String> = names
        .and_then(|names| serde_json::from_str(names).ok())
        .unwrap_or_default();
    let (items, _) = list_items(row.column(at), None)?;
    let classes = items
        .as_primitive_opt::<Int64Type>()
        .map(|classes| classes.values().to_vec());
    let named = |class: i64| {
        let name = usize::try_from(class).ok().and_then(|class| names.get(class));
        (class as u32, name.cloned().unwrap_or_default())
    };
    Ok(classes.unwrap_or_default().into_iter().map(named).collect())
}

/// The corners of a box of this centre and size that is turned counter-clockwise.
fn oriented([x, y]: [f64; 2], [width, height]: [f64; 2], degrees: f64) -> Vec<[f64; 2]> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let corner = |[across, down]: [f64; 2]| {
        let (across, down) = (across * width / 2.0, down * height / 2.0);
        [x + across * cos + down * sin, y - across * sin + down * cos]
    };
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
        .map(corner)
        .to_vec()
}

/// A point, unless its visibility says that it is not labelled.
fn point(numbers: &[f64]) -> Option<[f64; 2]> {
    match *numbers {
        [x, y] => Some([x, y]),
        [x, y, visibility] if visibility > 0.0 => Some([x, y]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::tensor_field;
    use crate::report::picture::class_colour;
    use arrow::array::{FixedSizeListArray, Float32Array, Int64Array, ListArray, UInt8Array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Schema;
    use std::sync::Arc;

    /// A list of items of this shape in one row.
    fn list(name: &str, shape: &[usize], values: &[f32]) -> (Field, ArrayRef) {
        let item = tensor_field(Field::LIST_FIELD_DEFAULT_NAME, &DataType::Float32, shape).expect("a tensor");
        let DataType::FixedSizeList(leaf, width) = item.data_type() else {
            panic!("an item is a tensor")
        };
        let numbers: ArrayRef = Arc::new(Float32Array::from(values.to_vec()));
        let items = FixedSizeListArray::new(Arc::clone(leaf), *width, numbers, None);
        let offsets = OffsetBuffer::from_lengths([items.len()]);
        let item = Arc::new(item);
        let column = ListArray::new(Arc::clone(&item), offsets, Arc::new(items), None);
        (Field::new(name, DataType::List(item), false), Arc::new(column))
    }

    fn of(columns: Vec<(Field, ArrayRef)>, size: [u32; 2]) -> Belongings {
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("rows");
        Belongings::of(&rows, 0, size).expect("they are read")
    }

    fn grey(width: u32, height: u32) -> Pixels {
        let mut pixels = Pixels::new(width, height);
        pixels.levels.fill(90);
        pixels
    }

    fn pixel(pixels: &Pixels, x: u32, y: u32) -> [u8; 3] {
        let at = 3 * (y * pixels.width + x) as usize;
        [pixels.levels[at], pixels.levels[at + 1], pixels.levels[at + 2]]
    }

    #[test]
    fn boxes_have_the_colours_of_their_classes_in_any_size() {
        let (field, classes) = {
            let item = Arc::new(Field::new_list_field(DataType::Int64, false));
            let classes = Arc::new(Int64Array::from(vec![2, 0]));
            let column = ListArray::new(Arc::clone(&item), OffsetBuffer::from_lengths([2]), classes, None);
            let names = [(CLASS_NAMES.to_owned(), r#"["a","b","c"]"#.to_owned())];
            let field = Field::new("o.category", DataType::List(item), false).with_metadata(names.into());
            (field, Arc::new(column) as ArrayRef)
        };
        let boxes = list("o.bbox", &[4], &[10.0, 5.0, 30.0, 15.0, 4.0, 20.0, 8.0, 28.0]);
        let found = of(vec![boxes, (field, classes)], [40, 30]);
        assert_eq!(found.objects(), 2);
        for times in [1, 2] {
            let drawn = found.drawn(grey(40 * times, 30 * times)).expect("it is drawn");
            for (x, y) in [(20, 5), (20, 15), (10, 10), (30, 10)] {
                assert_eq!(
                    pixel(&drawn, times * x, times * y),
                    class_colour(2).0,
                    "{times} {x} {y}"
                );
            }
            assert_eq!(pixel(&drawn, 6 * times, 20 * times), class_colour(0).0);
            assert_eq!(pixel(&drawn, 20 * times, 10 * times), [90; 3]);
        }
    }

    #[test]
    fn an_object_with_a_box_and_keypoints_counts_once() {
        let boxes = list("o.bbox", &[4], &[10.0, 5.0, 30.0, 15.0]);
        let points = list("o.keypoints", &[2, 3], &[12.0, 6.0, 2.0, 20.0, 9.0, 1.0]);
        assert_eq!(of(vec![points.clone()], [40, 30]).objects(), 1);
        let found = of(vec![boxes, points], [40, 30]);
        assert_eq!(found.objects(), 1);
        let drawn = found.drawn(grey(40, 30)).expect("it is drawn");
        for (x, y) in [(12, 6), (20, 9)] {
            assert_eq!(pixel(&drawn, x, y), class_colour(0).0, "{x} {y}");
        }
    }

    #[test]
    fn masks_and_points_are_drawn() {
        let values: Vec<u8> = (0..12)
            .map(|at| match (at % 4, at / 4) {
                (0, _) => 1,
                (3, 2) => 4,
                (2, 0) => IGNORED,
                _ => 0,
            })
            .collect();
        let field = tensor_field("mask", &DataType::UInt8, &[3, 4]).expect("a tensor");
        let DataType::FixedSizeList(leaf, width) = field.data_type() else {
            panic!("a mask is a tensor")
        };
        let values: ArrayRef = Arc::new(UInt8Array::from(values));
        let mask: ArrayRef = Arc::new(FixedSizeListArray::new(Arc::clone(leaf), *width, values, None));
        let found = of(vec![(field, mask)], [4, 3]);
        let drawn = found.drawn(grey(8, 6)).expect("it is drawn");
        let first = pixel(&drawn, 0, 0);
        assert_ne!(first, [90; 3]);
        assert_eq!([pixel(&drawn, 1, 5), pixel(&drawn, 1, 2)], [first; 2]);
        assert_ne!(pixel(&drawn, 7, 5), first);
        for (x, y) in [(2, 0), (4, 0), (5, 1), (6, 3)] {
            assert_eq!(pixel(&drawn, x, y), [90; 3], "{x} {y}");
        }
        // An object of three points, of which one is not labelled; and a list of points.
        let object = list("people", &[3, 3], &[10.0, 10.0, 2.0, 30.0, 20.0, 1.0, 50.0, 5.0, 0.0]);
        let points = list("points", &[2], &[40.0, 30.0]);
        let drawn = of(vec![object, points], [60, 40])
            .drawn(grey(60, 40))
            .expect("it is drawn");
        for (x, y) in [(10, 10), (30, 20), (40, 30)] {
            assert_eq!(pixel(&drawn, x, y), class_colour(0).0, "{x} {y}");
        }
        assert_eq!(pixel(&drawn, 50, 5), [90; 3]);
        // A box of 20 x 8 that stands upright.
        let oriented = list("turned", &[5], &[30.0, 20.0, 20.0, 8.0, 90.0]);
        let drawn = of(vec![oriented], [60, 40]).drawn(grey(60, 40)).expect("it is drawn");
        for (x, y) in [(30, 10), (30, 30), (26, 20), (34, 20)] {
            assert_eq!(pixel(&drawn, x, y), class_colour(0).0, "{x} {y}");
        }
        assert_eq!(pixel(&drawn, 30, 20), [90; 3]);
    }
}
