//! The columns that are put together of several rows: a picture, its masks and its boxes.

use crate::columns::{index_of, shape_of};
use crate::error::{Error, Result};
use crate::image::targets::{BOXES, Boxes, Lists, plain_lists_beside, refuse_beside};
use crate::rows::{Bound, DType, LIES_IN, LeftBehind, Lying, Output, Read};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, ExtensionType, FixedShapeTensor};

/// The columns of a collage. Picture, masks, boxes and their label fields are read and written in this order.
#[derive(Clone, Debug)]
pub(crate) struct Collage {
    /// Whether pictures are levels (u8) or f32.
    pub(super) levels: bool,
    pub(super) channels: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) masks: usize,
    pub(super) boxes: Option<Boxes>,
    /// Boxes, and then their label fields.
    pub(super) lists: Vec<Lists>,
    reads: Vec<Read>,
    writes: Vec<Output>,
}

impl Collage {
    /// # Errors
    ///
    /// `Schema` for columns that hold something else than an image stage leaves.
    pub(super) fn of(below: &Schema, column: &str, masks: &[String], boxes: Option<&Boxes>) -> Result<Self> {
        let (levels, shape) = tensor(below, column)?;
        let [channels, height, width] = shape[..] else {
            let message = format!("column \"{column}\" has values of shape {shape:?}, not [channels, height, width]");
            return Err(Error::schema(message));
        };
        let dtype = if levels { DType::U8 } else { DType::F32 };
        let mut collage = Self {
            levels,
            channels,
            width,
            height,
            masks: masks.len(),
            boxes: boxes.cloned(),
            lists: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
        };
        collage.add_tensor(below, column, dtype, shape.clone())?;
        for mask in masks {
            let (is_mask, of_mask) = tensor(below, mask)?;
            if !is_mask || of_mask != [height, width] {
                return Err(Error::schema(format!(
                    "mask \"{mask}\" has no u8 values of shape [{height}, {width}], those of the picture"
                )));
            }
            collage.add_tensor(below, mask, DType::U8, of_mask)?;
        }
        if let Some(boxes) = boxes {
            boxes.check()?;
            let lists = boxes.lists(below)?;
            for lists in std::iter::once(Ok(lists)).chain(boxes.fields().iter().map(|field| Lists::of(below, field))) {
                let lists = lists?;
                collage.reads.push(lists.read());
                collage.writes.push(lists.output(boxes.most()));
                collage.lists.push(lists);
            }
        }
        let names: Vec<_> = collage.reads.iter().filter_map(Read::column).collect();
        if let Some((_, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(Error::config(format!("\"{twice}\" is named twice")));
        }
        Ok(collage)
    }

    fn add_tensor(&mut self, below: &Schema, column: &str, dtype: DType, shape: Vec<usize>) -> Result<()> {
        let field = below.field(index_of(below, column)?);
        let mut output = Output::fixed(column, dtype, shape);
        if let (Some(FixedShapeTensor::NAME), Some(tensor)) =
            (field.extension_type_name(), field.extension_type_metadata())
        {
            output = output.metadata(EXTENSION_TYPE_METADATA_KEY, tensor);
        }
        if let Some(picture) = field.metadata().get(LIES_IN) {
            output = output.metadata(LIES_IN, picture);
        }
        self.reads.push(Read::values(column, dtype));
        self.writes.push(output);
        Ok(())
    }

    /// `bound` with the columns.
    pub(super) fn columns(&self, bound: Bound) -> Bound {
        let bound = self.reads.iter().cloned().fold(bound, Bound::reads);
        self.writes.iter().cloned().fold(bound, Bound::writes)
    }

    /// Refuses columns with places in the picture among the label fields of the boxes, which are copied as they are, and among the lists that would
    /// have to be such: keypoints, other boxes, a mask for each object. `stage` is who moves the boxes, and `mend` says what to do.
    ///
    /// # Errors
    ///
    /// `Config` where there is one.
    pub(super) fn refuse_places(&self, below: &Schema, stage: &str, mend: &str) -> Result<()> {
        let Some(boxes) = &self.boxes else { return Ok(()) };
        let places = |name: &str| below.field_with_name(name).ok().and_then(Lying::with_places);
        let is_mask =
            |lists: &Lists| lists.inner == [self.height, self.width] && matches!(lists.dtype, DType::U8 | DType::Bool);
        let of_label = |lists: &Lists| places(&lists.column).or_else(|| is_mask(lists).then_some(Lying::Mask));
        let labels = self.lists.iter().skip(1);
        let labels = labels.filter_map(|lists| Some(of_label(lists)?.in_words(&lists.column)));
        let told: Vec<&str> = self.reads.iter().filter_map(Read::column).collect();
        let beside = plain_lists_beside(below, boxes.column(), &told);
        // Keypoints that were a label field of boxes alone, whatever the boxes are called.
        let were_labels =
            |field: &Field| Lying::Boxes.is_said_of(field) && Lying::with_places(field) == Some(Lying::Keypoints);
        let left = below.fields().iter().filter(|field| {
            let name = field.name();
            !told.contains(&name.as_str()) && (beside.contains(name) || were_labels(field))
        });
        let left = left.filter_map(|field| Some(Lying::with_places(field)?.in_words(field.name())));
        let named: Vec<String> = labels.chain(left).collect();
        match named.is_empty() {
            true => Ok(()),
            false => Err(Error::config(format!(
                "{} would stay as before, although {stage} moves the boxes in \"{}\": these are places in a picture, and a label field is copied as it is: {mend}",
                named.join(", "),
                boxes.column()
            ))),
        }
    }

    /// What lies in the picture among `below`, and is not moved with it.
    pub(super) fn left_behind(&self, below: &Schema) -> Result<LeftBehind> {
        let mut names = self.reads.iter().filter_map(Read::column);
        let picture = names.next().unwrap_or_default();
        LeftBehind::of(below, picture, &names.collect::<Vec<_>>())
    }

    /// Refuses lists beside the boxes that are not read with them, keypoints aside. `why` says what becomes of the boxes.
    ///
    /// # Errors
    ///
    /// `Config` where there is one.
    pub(super) fn refuse_beside(&self, below: &Schema, why: &str) -> Result<()> {
        let Some(boxes) = &self.boxes else { return Ok(()) };
        let told: Vec<&str> = self.reads.iter().filter_map(Read::column).collect();
        let lists = plain_lists_beside(below, boxes.column(), &told);
        refuse_beside(&lists, boxes.column(), BOXES, why)
    }

    /// The name of column number `at`.
    pub(super) fn name(&self, at: usize) -> &str {
        self.reads.get(at).and_then(Read::column).unwrap_or_default()
    }

    /// The type of the items of column number `at`, where it is a list; none of a picture or a mask.
    pub(super) fn list_type(&self, at: usize) -> Option<DType> {
        let list = at.checked_sub(self.boxes_at())?;
        self.lists.get(list).map(|lists| lists.dtype)
    }

    pub(super) fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// The number of the column of boxes; of its label fields are those behind it.
    pub(super) fn boxes_at(&self) -> usize {
        1 + self.masks
    }
}

/// Whether the tensors in `column` are u8 or f32, and their shape.
fn tensor(below: &Schema, column: &str) -> Result<(bool, Vec<usize>)> {
    let field = below.field(index_of(below, column)?);
    match field.data_type() {
        DataType::FixedSizeList(item, _) if matches!(item.data_type(), DataType::UInt8 | DataType::Float32) => {
            Ok((*item.data_type() == DataType::UInt8, shape_of(field)))
        }
        other => Err(Error::schema(format!(
            "column \"{column}\" holds {other}, not tensors of u8 or f32, as an image stage leaves them"
        ))),
    }
}
