//! The image stage as it is written and read.

use super::builder::Image;
use super::codec::decode::{Decoder, Reading};
use super::geometry::crop::Crop;
use super::geometry::interpolation::Interpolation;
use super::operation::Operation;
use super::pixel_output::PixelOutput;
use super::size::Size;
use super::targets::{Boxes, Keypoints};
use crate::spec::{Named, Spec};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// What is written of a stage, and read.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    size: Size,
    decoder: Decoder,
    reading: Reading,
    crop: Crop,
    interpolation: Interpolation,
    operations: Vec<Named<dyn Operation>>,
    masks: Vec<String>,
    boxes: Vec<Boxes>,
    keypoints: Vec<Keypoints>,
    mirror_labels: BTreeMap<String, Vec<[i64; 2]>>,
    as_u8: bool,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Default for Written {
    fn default() -> Self {
        Image::default().into()
    }
}

impl From<Image> for Written {
    fn from(image: Image) -> Self {
        Self {
            size: image.size,
            decoder: image.decoder,
            reading: image.reading,
            crop: image.crop,
            interpolation: image.interpolation,
            operations: image
                .operations
                .into_iter()
                .map(|step| Named::new(step.operation))
                .collect(),
            masks: image.masks,
            boxes: image.boxes,
            keypoints: image.keypoints,
            mirror_labels: image.mirrored,
            as_u8: image.output == PixelOutput::Levels,
            mean: image.mean,
            std: image.std,
        }
    }
}

impl From<Written> for Image {
    fn from(written: Written) -> Self {
        let [width, height] = written.size.0;
        let image = Self::sized(width, height)
            .decoder(written.decoder)
            .reading(written.reading)
            .interpolation(written.interpolation)
            .crop(written.crop)
            .normalize(written.mean, written.std);
        let operations = written.operations.into_iter().map(Named::into_inner);
        let mut image = operations.fold(image, Self::with_shared);
        image.masks = written.masks;
        image = written.boxes.into_iter().fold(image, Self::boxes);
        image = written.keypoints.into_iter().fold(image, Self::keypoints);
        image.mirrored = written.mirror_labels;
        if written.as_u8 {
            image = image.as_u8();
        }
        image
    }
}

impl Serialize for Image {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Written::from(self.clone()).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let image = Written::deserialize(from).map(Self::from)?;
        image.check().map_err(D::Error::custom)?;
        Ok(image)
    }
}

/// Pictures of 224 x 224 pixels, without any augmentation.
impl Default for Image {
    fn default() -> Self {
        Self::new(224)
    }
}

impl Spec for Image {
    const NAME: &'static str = "image";

    fn check(&self) -> crate::Result<()> {
        Image::check(self).map_err(crate::Error::from)
    }
}
