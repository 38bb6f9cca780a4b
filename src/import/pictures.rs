//! Pictures on their way: which columns hold them, and how they are made smaller.

use super::spec::{ImportSpec, OnBadPicture};
use crate::columns::{bytes_of, index_of};
use crate::error::{Error, Remedy, Result};
use crate::image::{Downscale, Downscaled, Kept};
use arrow::array::{ArrayRef, BinaryBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What became of the pictures of an import that makes them smaller, those of all its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pictures {
    /// Were made smaller.
    pub smaller: u64,
    /// Were small enough, and are copied.
    pub small: u64,
    /// Have transparency, more than 8 bits or several frames, or are GIFs or icons, and are copied ([`Kept::Special`]).
    pub special: u64,
    /// Could not be read, and are copied.
    pub bad: u64,
    /// The first of those of each file.
    pub first_bad: Vec<BadPicture>,
}

/// A picture that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadPicture {
    /// Its row, counted from the first of its split in the order in which they are written.
    pub row: u64,
    /// Its column, and what is wrong with it.
    pub reason: String,
}

impl Pictures {
    /// Bad pictures that are told of a file.
    const TOLD: usize = 3;

    /// Adds those of rows that come later.
    pub(super) fn add(&mut self, other: Self) {
        self.smaller += other.smaller;
        self.small += other.small;
        self.special += other.special;
        self.bad += other.bad;
        self.first_bad.extend(other.first_bad);
        self.first_bad.truncate(Self::TOLD);
    }
}

/// Makes the pictures of batches smaller.
#[derive(Clone, Debug)]
pub(super) struct Shrink {
    downscale: Downscale,
    images: Vec<String>,
    masks: Vec<String>,
    on_bad: OnBadPicture,
}

impl Shrink {
    /// What `spec` makes of `images`; none where it leaves pictures as they are.
    pub(super) fn of(spec: &ImportSpec, images: &[String]) -> Option<Self> {
        Some(Self {
            downscale: Downscale {
                shorter: spec.resize?,
                quality: spec.quality,
                reading: spec.reading,
            },
            images: images.to_vec(),
            masks: spec.masks.clone(),
            on_bad: spec.on_bad_picture,
        })
    }

    /// `batch` with smaller pictures, of which the first row is the row `first`.
    pub(super) fn run(&self, batch: &RecordBatch, first: u64) -> Result<(RecordBatch, Pictures)> {
        let schema = batch.schema();
        let mut columns = batch.columns().to_vec();
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        let mut pictures = Pictures::default();
        for image in &self.images {
            let names = std::iter::once(image).chain(&self.masks);
            let places = names.map(|name| index_of(&schema, name)).collect::<Result<Vec<_>>>()?;
            let made = self.column(image, batch, &places, first, &mut pictures)?;
            for (at, column) in places.into_iter().zip(made) {
                fields[at] = Arc::new(fields[at].as_ref().clone().with_data_type(DataType::Binary));
                columns[at] = column;
            }
        }
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        Ok((RecordBatch::try_new(Arc::new(schema), columns)?, pictures))
    }

    /// The columns at `places`: the picture and its masks.
    fn column(
        &self,
        name: &str,
        batch: &RecordBatch,
        places: &[usize],
        first: u64,
        pictures: &mut Pictures,
    ) -> Result<Vec<ArrayRef>> {
        let mut out: Vec<BinaryBuilder> = places.iter().map(|_| BinaryBuilder::new()).collect();
        for row in 0..batch.num_rows() {
            let files: Vec<Option<&[u8]>> = places.iter().map(|&at| bytes_of(batch.column(at), row)).collect();
            let made = files[0].map(|picture| {
                let masks: Vec<&[u8]> = files[1..].iter().copied().flatten().collect();
                self.downscale.apply(picture, &masks)
            });
            let smaller = match made {
                // There is no picture.
                None => None,
                Some(Ok(Downscaled::Smaller { picture, masks })) => {
                    pictures.smaller += 1;
                    Some((picture, masks))
                }
                Some(Ok(Downscaled::Kept(Kept::Small))) => {
                    pictures.small += 1;
                    None
                }
                Some(Ok(Downscaled::Kept(Kept::Special))) => {
                    pictures.special += 1;
                    None
                }
                Some(Err(error)) if self.on_bad == OnBadPicture::Fail => {
                    let error = Error::from(error).context(format!("image {name:?}")).at(row);
                    return Err(error.with_remedy(Remedy::BadRows));
                }
                Some(Err(error)) => {
                    pictures.add(Pictures {
                        bad: 1,
                        first_bad: vec![BadPicture {
                            row: first + row as u64,
                            reason: format!("image {name:?}: {error}"),
                        }],
                        ..Pictures::default()
                    });
                    None
                }
            };
            match smaller {
                Some((picture, masks)) => {
                    let mut masks = masks.into_iter();
                    out[0].append_value(picture);
                    for (out, stored) in out[1..].iter_mut().zip(&files[1..]) {
                        out.append_option(stored.and_then(|_| masks.next()));
                    }
                }
                None => {
                    for (out, stored) in out.iter_mut().zip(files) {
                        out.append_option(stored);
                    }
                }
            }
        }
        let columns = out.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        Ok(columns.collect())
    }
}
