//! Training pictures of one size, through the loader.

use super::layers::SIDES;
use super::noise::one_hot;
use crate::columns::{bytes_of, column_of_bytes};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ext::DatasetExt;
use crate::image::{Facts, Image};
use crate::loader::LoaderBuilder;
use crate::mix::Target;
use crate::quote::quoted;
use crate::rows::ClassEncoded;
use crate::sink::tensor;
use crate::synthetic::learned::Training;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which pictures are learnt: where they lie, and what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pictures {
    /// The column of encoded pictures.
    pub(super) column: String,
    /// The label column.
    pub(super) label: String,
    /// Pixels of a side.
    pub(super) side: usize,
    /// 1 for grey pictures, 3 for colours.
    pub(super) colours: usize,
}

/// Pictures `[n, colours, side, side]`, and their classes `[n, classes]`.
pub(super) type Encoded = (Tensor<4>, Tensor<2>);

/// Rows whose headers are read at a time.
const ROWS: u64 = 256;

impl Pictures {
    /// Those of `training`: what is not given is found in the headers of all of them.
    pub(super) fn find(
        training: &Training,
        column: Option<&str>,
        size: Option<u32>,
        channels: Option<u8>,
    ) -> Result<Self> {
        let column = image_column(training, column)?;
        let named = |error: Error| error.context(format!("column {}", quoted(&column)));
        let found = match (size, channels) {
            (Some(_), Some(_)) => None,
            _ => Some(headers(training, &column, size.is_none()).map_err(named)?),
        };
        let (side, colours) = match (size, found) {
            (Some(side), found) => (side, found.is_some_and(|found| found.has_colours)),
            (
                None,
                Some(Headers {
                    size: (width, height),
                    has_colours,
                }),
            ) if width == height => (width, has_colours),
            (None, found) => {
                let (width, height) = found.map_or((0, 0), |found| found.size);
                return Err(named(Error::data(format!(
                    "pictures have {width} x {height} pixels, and what is made is square: give the size to squash them to"
                ))));
            }
        };
        check_side(side).map_err(named)?;
        Ok(Self {
            label: training.labels.column().to_owned(),
            side: side as usize,
            colours: usize::from(channels.unwrap_or(if colours { 3 } else { 1 })),
            column,
        })
    }

    /// Refuses what no training found.
    pub(super) fn check(&self) -> Result<()> {
        check(u32::try_from(self.side).ok(), u8::try_from(self.colours).ok())
    }

    /// Batches of pictures, the classes in the shares of `target`.
    pub(super) fn loader(&self, training: &Training, target: Target) -> Result<LoaderBuilder> {
        let Training { cx, rows, labels } = training;
        let rows = ClassEncoded::new(Arc::clone(rows), labels.into())?;
        let balanced = cx.block_on(rows.balance(cx, &self.label, target))?;
        Ok(balanced.image(&self.column, self.stage())?.loader(cx))
    }

    /// Calls `each` with all pictures, some hundreds at a time, as [`of`](Self::of) gives them, and with their class numbers.
    pub(super) fn for_all(
        &self,
        training: &Training,
        device: &Device,
        each: &mut dyn FnMut(Encoded, &[u32]) -> Result<()>,
    ) -> Result<()> {
        let Training { cx, rows, labels } = training;
        let encoded = ClassEncoded::new(Arc::clone(rows), labels.into())?.image(&self.column, self.stage())?;
        for from in (0..labels.len()).step_by(ROWS as usize) {
            let positions: Vec<u64> = (from..labels.len().min(from + ROWS)).collect();
            let taken = cx.block_on(encoded.take(cx, &positions))?;
            each(
                self.of(&taken, labels.names().len(), device)?,
                &classes_of(&taken, &self.label)?,
            )?;
        }
        Ok(())
    }

    fn stage(&self) -> Image {
        let side = self.side as u32;
        match self.colours {
            1 => Image::new(side).channels(1).normalize([0.0], [1.0]),
            _ => Image::new(side).normalize([0.0; 3], [1.0; 3]),
        }
    }

    /// The pictures of rows `[n, colours, side, side]`, of levels in `0..=1`, and their classes `[n, classes]`.
    pub(super) fn of(&self, rows: &RecordBatch, classes: usize, device: &Device) -> Result<Encoded> {
        let pictures = tensor::floats(rows, &self.column, device)?;
        Ok((pictures, one_hot(&classes_of(rows, &self.label)?, classes, device)))
    }
}

/// The class numbers of rows.
pub(super) fn classes_of(rows: &RecordBatch, label: &str) -> Result<Vec<u32>> {
    let column = rows
        .column_by_name(label)
        .and_then(|column| column.as_primitive_opt::<Int64Type>());
    let column = column.ok_or_else(|| Error::schema(format!("column {} holds no class numbers", quoted(label))))?;
    Ok(column.values().iter().map(|&class| class as u32).collect())
}

/// The column of encoded pictures: `named`, or the only one of bytes.
fn image_column(training: &Training, named: Option<&str>) -> Result<String> {
    let schema = training.rows.schema();
    if let Some(named) = named {
        column_of_bytes(&schema, named)?;
        return Ok(named.to_owned());
    }
    let fields = schema.fields().iter();
    let mut of_bytes = fields.filter(|field| column_of_bytes(&schema, field.name()).is_ok());
    match (of_bytes.next(), of_bytes.next()) {
        (Some(one), None) => Ok(one.name().clone()),
        (None, _) => Err(Error::schema(
            "no column holds encoded pictures, of which this generator makes new ones",
        )),
        (Some(one), Some(other)) => Err(Error::schema(format!(
            "columns {} and {} hold bytes: give the name of the one with the pictures",
            quoted(one.name()),
            quoted(other.name())
        ))),
    }
}

/// What the headers of all pictures say.
#[derive(Clone, Copy, Debug)]
struct Headers {
    /// Width and height of the first one.
    size: (u32, u32),
    has_colours: bool,
}

/// Reads the headers of all pictures; one of another size than the first is an error where they have to be `alike`.
fn headers(training: &Training, column: &str, alike: bool) -> Result<Headers> {
    let Training { cx, rows, labels } = training;
    let at = column_of_bytes(&rows.schema(), column)?;
    let mut found: Option<Headers> = None;
    for from in (0..labels.len()).step_by(ROWS as usize) {
        let positions: Vec<u64> = (from..labels.len().min(from + ROWS)).collect();
        let taken = cx.block_on(rows.take(cx, &positions))?;
        for (row, &position) in positions.iter().enumerate() {
            let place = |error: Error| {
                let place = rows.provenance(cx, position).places.into_iter().next();
                place.map_or(error.clone(), |place| error.context(place.to_string()))
            };
            let bytes = bytes_of(taken.column(at), row).ok_or_else(|| place(Error::data("there is no picture")))?;
            let facts = Facts::of(bytes).map_err(|error| place(Error::data(error.to_string())))?;
            let (size, has_colours) = (facts.upright(), facts.channels > 2);
            let first = found.get_or_insert(Headers { size, has_colours });
            first.has_colours |= has_colours;
            if alike && first.size != size {
                let ((width, height), (w, h)) = (first.size, size);
                return Err(place(Error::data(format!(
                    "this picture has {w} x {h} pixels, and the first one {width} x {height}: give the size to resize all of them to"
                ))));
            }
        }
    }
    found.ok_or_else(|| Error::data("there are no pictures"))
}

/// Refuses a side that the networks cannot make.
fn check_side(side: u32) -> Result<()> {
    match SIDES.contains(&side) && side.is_multiple_of(4) {
        true => Ok(()),
        false => Err(Error::config(format!(
            "size is {side}, but has to be a multiple of 4 in {}..={}",
            SIDES.start(),
            SIDES.end()
        ))),
    }
}

/// Refuses values of a spec that no pictures have.
pub(super) fn check(size: Option<u32>, channels: Option<u8>) -> Result<()> {
    if let Some(size) = size {
        check_side(size)?;
    }
    match channels {
        None | Some(1 | 3) => Ok(()),
        Some(channels) => Err(Error::config(format!(
            "channels is {channels}, but has to be 1 (grey) or 3 (colours)"
        ))),
    }
}
