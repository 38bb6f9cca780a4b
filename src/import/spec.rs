//! The parameters of an import.

use crate::error::{Error, Result};
use crate::image::Reading;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// What an import makes of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportSpec {
    /// Pixels of the shorter side that large pictures are made smaller to, as [`Downscale`](crate::image::Downscale) does it. By default pictures are
    /// copied as they are.
    pub resize: Option<u32>,
    /// Quality of the JPEGs that are made then, `1..=100`. Defaults to 95.
    pub quality: u8,
    /// How pictures are read then.
    pub reading: Reading,
    /// The columns of pictures, where they are not found by their type.
    pub images: Vec<String>,
    /// The columns of masks, which are made smaller with their picture. There must be one column of pictures then.
    pub masks: Vec<String>,
    /// Whether outlines of annotated objects (COCO, YOLO) become a column `instances` of PNG masks, in which the objects of a picture have the values 1, 2, .. in their order, up
    /// to 255 and from 1 on again: the `mask` by which `copy_paste` pastes objects. Where objects overlap, the one with the smaller box is in front; crowds are left out. An
    /// object with several polygons has the pixels of any of them. By
    /// default it is written where each object has an outline; with `true`, boxes stand in for those that are missing where some object has one. Where none
    /// has, `true` is an error, since masks of boxes alone say no more than the boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<bool>,
    /// Where the corners of boxes in a folder as Pascal VOC has it begin: 1, its own rule, by which they are the first and the last pixel, counted from 1, or 0 for
    /// corners that are the sides of boxes, in pixels from 0, as programs write them that convert other annotations. Defaults to 1; boxes with a corner at 0 are noted then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voc_from: Option<u8>,
    /// Writes the rows in a random order, drawn with this seed, and not in that of the source. Each row may come from anywhere, so row groups of a source that does not
    /// fit in memory are read many times over.
    pub shuffle: Option<u64>,
    /// What to do with a picture that cannot be made smaller because it cannot be read.
    pub on_bad_picture: OnBadPicture,
    /// Bytes of the source's rows in a file, about. Defaults to 256 MiB.
    pub file_bytes: u64,
    /// Bytes of a row group in memory, at most, unless a single row has more. Defaults to 8 MiB: a shuffle has 16 of them open.
    pub row_group_bytes: u64,
}

/// What to do with a picture that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadPicture {
    /// Copy it as it is, and tell of it.
    #[default]
    Keep,
    /// End with an error that names it.
    Fail,
}

impl Default for ImportSpec {
    fn default() -> Self {
        Self {
            resize: None,
            quality: 95,
            reading: Reading::default(),
            images: Vec::new(),
            masks: Vec::new(),
            instances: None,
            voc_from: None,
            shuffle: None,
            on_bad_picture: OnBadPicture::default(),
            file_bytes: 256 << 20,
            row_group_bytes: 8 << 20,
        }
    }
}

impl Spec for ImportSpec {
    const NAME: &'static str = "import";

    fn check(&self) -> Result<()> {
        if self.resize == Some(0) {
            return Err(Error::config("resize is 0, but the shorter side has at least 1 pixel"));
        }
        if !(1..=100).contains(&self.quality) {
            return Err(Error::config(format!("quality is {}, not 1 to 100", self.quality)));
        }
        if let Some(from) = self.voc_from.filter(|from| *from > 1) {
            return Err(Error::config(format!("voc_from is {from}, not 0 or 1")));
        }
        if self.file_bytes == 0 || self.row_group_bytes == 0 {
            return Err(Error::config("file_bytes and row_group_bytes are at least 1"));
        }
        match self.masks.is_empty() || self.resize.is_some() {
            true => Ok(()),
            false => Err(Error::config(
                "masks are named, but no picture is made smaller: give resize, too",
            )),
        }
    }
}

impl ImportSpec {
    /// Refuses masks of objects, and a rule for their corners, where there are no annotations that have such.
    pub(super) fn check_unannotated(&self) -> Result<()> {
        if self.voc_from.is_some() {
            return Err(Error::config(
                "voc_from is of the corners in a folder as Pascal VOC has it, and this is none: leave voc_from out",
            ));
        }
        match self.instances {
            Some(true) => Err(Error::config(
                "instances are masks of the objects in files of annotations, and there are none: leave instances out",
            )),
            _ => Ok(()),
        }
    }
}
