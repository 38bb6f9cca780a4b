//! The parameters of a simulator of scenes.

use crate::error::Result;
use crate::image::{check_number, check_range};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
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
    /// is found.
    pub objects: u32,
    /// Size of an object, times that of its picture, above 0 and up to 64. Defaults to `0.8..=2.0`.
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
        }
    }
}

impl Spec for ScenesSpec {
    const NAME: &'static str = "scenes";

    fn check(&self) -> Result<()> {
        check_number("width", self.width, 16..=4096)?;
        check_number("height", self.height, 16..=4096)?;
        check_number("objects", self.objects, 1..=255)?;
        check_range("scale", &self.scale, 0.01..=64.0)?;
        check_range("light", &self.light, 0.0..=1.0)?;
        check_range("blur", &self.blur, 0.0..=16.0)?;
        check_range("noise", &self.noise, 0.0..=1.0)?;
        check_number("occlusion", self.occlusion, 0.0..=0.9)
    }
}
