//! The image stage on rows.

use super::geometry::crop::Crop;
use super::{Image, ImageError};
use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::rows::Stage;

impl Image {
    /// The same stage without what is random: what a row looks like when it is not augmented.
    #[must_use]
    pub fn plain(&self) -> Self {
        let mut plain = self.clone();
        plain.augments.retain(|step| !step.augment.is_random());
        if matches!(plain.crop, Crop::Random { .. }) {
            plain.crop = Crop::Whole;
        }
        plain
    }
}

impl Stage for Image {
    fn name(&self) -> &'static str {
        "image"
    }

    fn shape(&self) -> Vec<usize> {
        vec![3, self.size() as usize, self.size() as usize]
    }

    fn is_random(&self) -> bool {
        Image::is_random(self)
    }

    fn params(&self) -> Vec<(String, String)> {
        Image::params(self)
    }

    fn apply(&self, encoded: &[u8], rng: Option<&mut Rng>, out: &mut [f32]) -> Result<()> {
        let done = match rng {
            Some(rng) => Image::apply(self, encoded, rng, out),
            None => self.plain().apply(encoded, &mut Rng::new(0, "image", 0), out),
        };
        done.map_err(Error::from)
    }
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        match &error {
            ImageError::Config(_) => Self::config(error.to_string()).with_source(error),
            _ => Self::data(error.to_string()).with_source(error),
        }
    }
}
