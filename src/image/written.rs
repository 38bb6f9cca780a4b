//! The image stage as it is written and read.

use super::builder::Image;
use super::codec::decode::{Decoder, Reading};
use super::compose::classes::Classes;
use super::geometry::crop::Crop;
use super::geometry::interpolation::Interpolation;
use super::level::Depth;
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
    classes: Option<Classes>,
    masks: Vec<String>,
    fill_mask: u8,
    boxes: Vec<Boxes>,
    keypoints: Vec<Keypoints>,
    mirror_labels: BTreeMap<String, Vec<[i64; 2]>>,
    as_u8: bool,
    depth: Depth,
    channels: usize,
    /// Those of the channels' default where they are left out.
    #[serde(default = "none")]
    mean: Option<Vec<f32>>,
    #[serde(default = "none")]
    std: Option<Vec<f32>>,
}

impl Default for Written {
    fn default() -> Self {
        Image::default().into()
    }
}

impl From<Image> for Written {
    fn from(image: Image) -> Self {
        let (mean, std) = image.normalization();
        let (mean, std) = (Some(mean.to_vec()), Some(std.to_vec()));
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
            classes: image.classes.as_deref().cloned(),
            masks: image.masks,
            fill_mask: image.fill_mask,
            boxes: image.boxes,
            keypoints: image.keypoints,
            mirror_labels: image.mirrored,
            as_u8: image.output == PixelOutput::Levels,
            depth: image.depth,
            channels: image.channels,
            mean,
            std,
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
            .depth(written.depth)
            .channels(written.channels);
        let image = match (written.mean, written.std) {
            (None, None) => image,
            (mean, std) => {
                let usual = image.normalization();
                let (usual_mean, usual_std) = (usual.0.to_vec(), usual.1.to_vec());
                image.with_normalization(mean.unwrap_or(usual_mean), std.unwrap_or(usual_std))
            }
        };
        let operations = written.operations.into_iter().map(Named::into_inner);
        let mut image = operations.fold(image, Self::with_shared);
        (image.masks, image.fill_mask) = (written.masks, written.fill_mask);
        if let Some(classes) = written.classes {
            image = image.classes(classes);
        }
        image = written.boxes.into_iter().fold(image, Self::boxes);
        image = written.keypoints.into_iter().fold(image, Self::keypoints);
        image.mirrored = written.mirror_labels;
        if written.as_u8 {
            image = image.as_u8();
        }
        image
    }
}

fn none() -> Option<Vec<f32>> {
    None
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
