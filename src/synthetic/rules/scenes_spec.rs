//! The parameters of a simulator of scenes.

use super::background::{SceneBackground, ScenePictures};
use super::keypoints::SceneKeypoints;
use super::shape::SceneShape;
use crate::error::Result;
use crate::image::{check_number, check_range};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The parameters of [`Scenes`](super::Scenes).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScenesSpec {
    /// Column of pictures that objects are cut out of. Defaults to "image".
    pub column: String,
    /// Levels up to this one are background where they reach the picture's edge. Defaults to 20.
    pub threshold: u8,
    /// Width of a scene in pixels, `16..=4096`. Defaults to 160.
    pub width: u32,
    /// Height of a scene in pixels, `16..=4096`. Defaults to 120.
    pub height: u32,
    /// The most objects in a scene, `1..=255`: from one to so many, each number as often. Defaults to 5; there are fewer where no place
    /// is found for others than the first. That one, of the scene's class, is always there.
    pub objects: u32,
    /// Size of an object, times that of its picture, above 0 and up to 64. Defaults to `0.8..=2.0`. An object of the scene's own class that is
    /// then wider or higher than the scene is made smaller: it takes three quarters of the width or of the height, and no more of the other.
    #[serde(with = "crate::spec::range")]
    pub scale: RangeInclusive<f32>,
    /// Brightness of an object's colour, `0..=1`. Defaults to `0.4..=1.0`.
    #[serde(with = "crate::spec::range")]
    pub light: RangeInclusive<f32>,
    /// Deviation of the blur in pixels, `0..=16`. Defaults to `0.0..=0.8`.
    #[serde(with = "crate::spec::range")]
    pub blur: RangeInclusive<f32>,
    /// Deviation of the noise, a share of white, `0..=1`. Defaults to `0.0..=0.04`.
    #[serde(with = "crate::spec::range")]
    pub noise: RangeInclusive<f32>,
    /// The largest share of an object that others hide or that lies outside, `0..=0.9`. Defaults to 0.3.
    pub occlusion: f32,
    /// Column of masks (PNG of grey or palette values) by which objects are cut out: what is not 0. Defaults to none: objects stand before a dark
    /// background.
    pub mask: Option<String>,
    /// Whether objects get a random colour by their brightness. Defaults to true; else they keep their own, in more or less light.
    pub recolor: bool,
    /// Classes whose objects are shapes, and not cut out; they need no rows. Defaults to none.
    pub shapes: BTreeMap<String, SceneShape>,
    /// Size of a shape in pixels, from end to end and before `scale`, `2..=1024`. Defaults to `20.0..=28.0`.
    #[serde(with = "crate::spec::range")]
    pub shape_size: RangeInclusive<f32>,
    /// How far an object that is cut out is turned, in degrees, `-180..=180`. Defaults to `0.0..=0.0`; shapes are turned anyhow.
    #[serde(with = "crate::spec::range")]
    pub rotate: RangeInclusive<f32>,
    /// What is behind the objects; each kind is as frequent. Defaults to none: `noise`, or the `pictures` where they are given.
    pub backgrounds: Vec<SceneBackground>,
    /// Pictures that are backgrounds, a random part of each, as frequent as each kind of `backgrounds`. Defaults to none.
    pub pictures: Option<ScenePictures>,
    /// How much more light there is on one side of the scene than in the middle, a share, `0..=1`. Defaults to `0.0..=0.0`.
    #[serde(with = "crate::spec::range")]
    pub gradient: RangeInclusive<f32>,
    /// How dark the shadows of objects are, a share, `0..=1`; they fall away from the light. Defaults to `0.0..=0.0`.
    #[serde(with = "crate::spec::range")]
    pub shadow: RangeInclusive<f32>,
    /// Up to so many shapes of no class are painted over objects, `0..=255`; they hide no more of one than `occlusion`. Defaults to 0.
    pub occluders: u32,
    /// The keypoints of an object, in a column of `objects`. Defaults to none.
    pub keypoints: Option<SceneKeypoints>,
}

impl Default for ScenesSpec {
    fn default() -> Self {
        Self {
            column: "image".to_owned(),
            threshold: 20,
            width: 160,
            height: 120,
            objects: 5,
            scale: 0.8..=2.0,
            light: 0.4..=1.0,
            blur: 0.0..=0.8,
            noise: 0.0..=0.04,
            occlusion: 0.3,
            mask: None,
            recolor: true,
            shapes: BTreeMap::new(),
            shape_size: 20.0..=28.0,
            rotate: 0.0..=0.0,
            backgrounds: Vec::new(),
            pictures: None,
            gradient: 0.0..=0.0,
            shadow: 0.0..=0.0,
            occluders: 0,
            keypoints: None,
        }
    }
}

impl Spec for ScenesSpec {
    const NAME: &'static str = "scenes";
    const LOCATIONS: &'static [&'static str] = &["pictures.source"];

    fn check(&self) -> Result<()> {
        check_number("width", self.width, 16..=4096)?;
        check_number("height", self.height, 16..=4096)?;
        check_number("objects", self.objects, 1..=255)?;
        check_range("scale", &self.scale, 0.01..=64.0)?;
        check_range("light", &self.light, 0.0..=1.0)?;
        check_range("blur", &self.blur, 0.0..=16.0)?;
        check_range("noise", &self.noise, 0.0..=1.0)?;
        check_number("occlusion", self.occlusion, 0.0..=0.9)?;
        for (class, shape) in &self.shapes {
            shape
                .check()
                .map_err(|error| error.context(format!("shapes.{class}")))?;
        }
        check_range("shape_size", &self.shape_size, 2.0..=1024.0)?;
        check_range("rotate", &self.rotate, -180.0..=180.0)?;
        check_range("gradient", &self.gradient, 0.0..=1.0)?;
        check_range("shadow", &self.shadow, 0.0..=1.0)?;
        check_number("occluders", self.occluders, 0..=255)
    }
}
