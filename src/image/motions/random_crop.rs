//! A part of the picture at its own scale.

use super::moved;
use crate::error::{Error, Result};
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Takes a part of `size` pixels at a random place of the picture, around which `padding` pixels are added first: torchvision's `RandomCrop`
/// with `pad_if_needed`. Without a size the picture keeps its own, and is moved by up to `padding` pixels. Along a side on which the part is longer
/// than that, the missing pixels are added on both ends, so that all of the picture lies at a random place of the part.
///
/// Beyond the picture is what the photo shows beside the crop, if the stage has a crop; at its end, black or what
/// [`padding_mode`](Self::padding_mode) says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCrop {
    size: Option<[u32; 2]>,
    #[serde(alias = "pad")]
    padding: u32,
    pub(super) padding_mode: Option<Padding>,
}

impl RandomCrop {
    /// Parts of the picture's own size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parts of `[width, height]` pixels, each in `1..=8192`.
    #[must_use]
    pub fn size(mut self, size: [u32; 2]) -> Self {
        self.size = Some(size);
        self
    }

    /// Adds `pixels` on each side before, `0..=8192`.
    #[must_use]
    pub fn padding(mut self, pixels: u32) -> Self {
        self.padding = pixels;
        self
    }

    /// Left and top edge of the part.
    fn place(&self, from: [u32; 2], rng: &mut Rng) -> [i32; 2] {
        let to = self.size.unwrap_or(from);
        let pad = self.padding as i32;
        [0, 1].map(|axis| {
            let room = from[axis] as i32 + 2 * pad - to[axis] as i32;
            let drawn = rng.below(u64::from(room.unsigned_abs()) + 1) as i32;
            // Of a part that is longer, what is missing is added before the picture and behind it.
            drawn - pad + room.min(0)
        })
    }
}

impl Spec for RandomCrop {
    const NAME: &'static str = "random_crop";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<()> {
        let side = |side: u32| check_number("size", side, 1..=8192);
        self.size.into_iter().flatten().try_for_each(side)?;
        check_number("padding", self.padding, 0..=8192)?;
        match (self.size, self.padding) {
            (None, 0) => Err(Error::config(
                "size and padding are both left out, which changes nothing: give at least one of them",
            )),
            _ => Ok(()),
        }
    }
}

impl Operation for RandomCrop {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let from = subject.size();
        let motion = Motion::crop(from, self.size.unwrap_or(from), self.place(from, rng));
        moved(Some(motion), self.padding_mode)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let [left, top] = self.place(subject.size(), rng);
        Some(format!("from {left}, {top}"))
    }

    fn moves(&self) -> bool {
        true
    }

    fn resized(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        Some(self.size.unwrap_or(size))
    }
}
