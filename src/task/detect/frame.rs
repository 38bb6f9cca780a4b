//! Pictures with boxes that move with them, and where they lie in the input.

use super::objects::is_boxes;
use crate::columns::{index_of, list_item, shape_of, tensor_values};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::image::{Boxes, CopyPaste, Image, Keypoints, Mosaic, Paste, Quarters};
use crate::plan::Plan;
use crate::quote::quoted;
use crate::rows::{Bound, BoxFormat, Stage};
use crate::train::loss::detection::Places;
use arrow::array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

/// Where the picture of a row lies in its input: `input = picture * scale + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::task) struct Frame {
    scale: [f32; 2],
    offset: [f32; 2],
    /// Width and height.
    picture: [f32; 2],
    input: [f32; 2],
}

impl Frame {
    /// The column that has them.
    pub(in crate::task) const COLUMN: &str = "frame";
    const NUMBERS: usize = 8;

    pub(in crate::task) fn all(rows: &RecordBatch) -> Result<Vec<Self>> {
        let name = Self::COLUMN;
        let column = rows.column(index_of(&rows.schema(), name)?);
        let Some((list, numbers, Self::NUMBERS)) = tensor_values(column) else {
            return Err(Error::schema(format!("column \"{name}\" holds no frames")));
        };
        let numbers = &numbers.values()[list.value_offset(0) as usize..];
        let all = numbers.as_chunks::<{ Self::NUMBERS }>().0.iter().take(list.len());
        let frame = |[a, b, c, d, e, f, g, h]: &[f32; 8]| Self {
            scale: [*a, *b],
            offset: [*c, *d],
            picture: [*e, *f],
            input: [*g, *h],
        };
        Ok(all.map(frame).collect())
    }

    /// The column of pictures of these sizes that are their own inputs.
    pub(in crate::task) fn column_of(sizes: &[Option<(u32, u32)>]) -> Result<ArrayRef> {
        let numbers = sizes.iter().flat_map(|size| {
            let (width, height) = size.map_or((0.0, 0.0), |(width, height)| (width as f32, height as f32));
            [1.0, 1.0, 0.0, 0.0, width, height, width, height]
        });
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let numbers = Arc::new(Float32Array::from_iter_values(numbers));
        Ok(Arc::new(FixedSizeListArray::try_new(
            item,
            Self::NUMBERS as i32,
            numbers,
            None,
        )?))
    }

    /// The places of a map of the input.
    pub(super) fn places(&self, columns: usize, rows: usize) -> Places {
        let stride = stride(self.input[0], columns);
        Places { columns, rows, stride }
    }

    pub(in crate::task) fn picture_size(&self) -> (u32, u32) {
        (self.picture[0] as u32, self.picture[1] as u32)
    }

    /// Where a point of the picture lies in the input.
    pub(in crate::task) fn to_input(self, point: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| point[axis] * self.scale[axis] + self.offset[axis])
    }

    /// Width and height of the input.
    pub(in crate::task) fn input_size(&self) -> (u32, u32) {
        (self.input[0] as u32, self.input[1] as u32)
    }

    /// A box in the input as one in the picture, clipped to it.
    pub(super) fn to_picture(self, corners: [f32; 4]) -> [f32; 4] {
        let side = |at: usize| {
            let axis = at % 2;
            ((corners[at] - self.offset[axis]) / self.scale[axis]).clamp(0.0, self.picture[axis])
        };
        [side(0), side(1), side(2), side(3)]
    }
}

/// Pixels of the input, which has so many in a line, to a place of a map that has so many `places` in a line.
pub(in crate::task) fn stride(input: f32, places: usize) -> f32 {
    let each = input / places as f32;
    match each.fract() == 0.0 {
        true => each,
        // The last place reaches out of the input.
        false => each.log2().ceil().exp2(),
    }
}

/// Pictures with their boxes, which move with them, and where they lie.
#[derive(Clone, Debug)]
pub(super) struct WithBoxes {
    pub(super) image: Image,
    pub(super) column: String,
    /// Of the boxes as the columns have them.
    pub(super) format: BoxFormat,
    /// The least share of a box that has to be left.
    pub(super) min_visibility: f32,
}

impl WithBoxes {
    /// The image stage for the boxes among the columns `below`, if there are any: rows that are predicted may have none.
    fn stage(&self, below: &Schema) -> Arc<dyn Stage> {
        let image = self.image.clone().frame(Frame::COLUMN);
        let Some(found) = Found::among(below) else {
            return image.on(&self.column);
        };
        let beside = [found.beside, found.points.clone()].concat();
        let boxes = Boxes::new(found.boxes, self.format).label_fields(&beside);
        let image = image.boxes(boxes.min_visibility(self.min_visibility));
        // Points stay or go with their boxes, whose fields they are, too.
        let points = found.points.into_iter().map(Keypoints::new);
        points.fold(image, Image::keypoints).on(&self.column)
    }
}

/// The columns of boxes among those below, and of what belongs to each.
struct Found<'a> {
    boxes: &'a str,
    /// The classes come first.
    beside: Vec<&'a str>,
    /// Keypoints.
    points: Vec<&'a str>,
}

impl<'a> Found<'a> {
    fn among(below: &'a Schema) -> Option<Self> {
        let boxes = below.fields().iter().find(|field| is_boxes(field))?;
        let prefix = boxes.name().rsplit_once('.').map_or("", |(prefix, _)| prefix);
        let beside = below.fields().iter().filter(|field| {
            let own = field.name().rsplit_once('.').is_some_and(|(of, _)| of == prefix);
            own && field != &boxes && list_item(field.data_type()).is_some()
        });
        let is_points = |field: &&Arc<Field>| {
            let item = list_item(field.data_type());
            item.is_some_and(|item| matches!(shape_of(item)[..], [_, 3]))
        };
        let (points, beside): (Vec<_>, Vec<_>) = beside.partition(is_points);
        let names = |fields: Vec<&'a Arc<Field>>| fields.into_iter().map(|field| field.name().as_str()).collect();
        Some(Self {
            boxes: boxes.name(),
            beside: names(beside),
            points: names(points),
        })
    }
}

/// Pastes objects into pictures that [`WithBoxes`] has made.
#[derive(Clone, Debug)]
pub(super) struct PasteObjects {
    pub(super) column: String,
    pub(super) copy_paste: CopyPaste,
    /// The rows whose objects are pasted, if not those of the same window.
    pub(super) from: Option<Arc<dyn Dataset>>,
}

impl PasteObjects {
    fn with(&self, copy_paste: CopyPaste) -> Paste {
        Paste {
            column: self.column.clone(),
            copy_paste,
            from: self.from.clone(),
        }
    }
}

impl Stage for PasteObjects {
    fn describe(&self) -> Plan {
        self.with(self.copy_paste.clone()).describe()
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        let found = Found::among(below).ok_or_else(|| Error::schema("there are no boxes beside the pictures"))?;
        // Points would have to move to where an object is pasted: those of the row stay, and nobody learns them.
        let boxes = Boxes::new(found.boxes, BoxFormat::Xyxy).label_fields(&found.beside);
        let classes = found.beside.first().copied().unwrap_or_default();
        self.with(self.copy_paste.of_run(boxes, classes)?).bind(below)
    }
}

/// Puts pictures together that [`WithBoxes`] has made.
#[derive(Clone, Debug)]
pub(super) struct PutTogether {
    pub(super) column: String,
    pub(super) mosaic: Mosaic,
    /// The least share of a box that has to be left in its quarter.
    pub(super) min_visibility: f32,
    /// Whether all of the pictures are letterboxed.
    pub(super) is_letterboxed: bool,
}

impl PutTogether {
    fn with(&self, mosaic: Mosaic) -> Quarters {
        Quarters {
            column: self.column.clone(),
            mosaic,
        }
    }
}

impl Stage for PutTogether {
    fn describe(&self) -> Plan {
        let plan = self.with(self.mosaic.clone()).describe();
        let plan = plan.param("min_visibility", self.min_visibility);
        match self.is_letterboxed {
            true => plan.note(
                "pictures are letterboxed before they are put together, so that bars lie inside of a mosaic: a random_resized_crop \
                 has them in views without random augmentation alone",
            ),
            false => plan,
        }
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        let found = Found::among(below).ok_or_else(|| Error::schema("there are no boxes beside the pictures"))?;
        if let Some(points) = found.points.first() {
            return Err(Error::config(format!(
                "a mosaic moves boxes, and not the keypoints of their objects (column {}): leave mosaic out",
                quoted(points)
            )));
        }
        let boxes = Boxes::new(found.boxes, BoxFormat::Xyxy).label_fields(&found.beside);
        let mosaic = self.mosaic.of_run(boxes.min_visibility(self.min_visibility))?;
        self.with(mosaic).bind(below)
    }
}

impl Stage for WithBoxes {
    fn describe(&self) -> Plan {
        let plan = self.image.clone().on(&self.column).describe();
        plan.param("boxes", self.format)
            .param("min_visibility", self.min_visibility)
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        self.stage(below).bind(below)
    }
}
