//! A rim around the picture.

use crate::error::{Error, Result};
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Adds a rim of `padding` pixels (left, top, right, bottom) to each row: torchvision's `Pad`, in black unless
/// [`padding_mode`](Self::padding_mode) says otherwise. The picture becomes larger, so what follows has to bring it to the stage's size:
/// [`RandomCrop`](super::random_crop::RandomCrop) or [`Resize`](super::resize::Resize).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pad {
    #[serde(alias = "sides")]
    padding: [u32; 4],
    pub(super) padding_mode: Padding,
}

impl Pad {
    /// Left, top, right and bottom, each in `0..=8192` pixels.
    pub fn new(padding: [u32; 4]) -> Self {
        Self {
            padding,
            padding_mode: Padding::default(),
        }
    }
}

impl Spec for Pad {
    const NAME: &'static str = "pad";

    fn check(&self) -> Result<()> {
        let side = |side: u32| check_number("padding", side, 0..=8192);
        self.padding.into_iter().try_for_each(side)?;
        match self.padding {
            [0, 0, 0, 0] => Err(Error::config(
                "padding is left out or 0, which changes nothing: give the pixels left, top, right and bottom",
            )),
            _ => Ok(()),
        }
    }
}

impl Operation for Pad {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        let [left, top, right, bottom] = self.padding;
        let [width, height] = subject.size();
        let to = [width + left + right, height + top + bottom];
        let motion = Motion::crop(subject.size(), to, [-(left as i32), -(top as i32)]);
        Drawn::Motion(motion.padding(self.padding_mode))
    }

    fn is_random(&self) -> bool {
        false
    }

    fn moves(&self) -> bool {
        true
    }

    fn resized(&self, [width, height]: [u32; 2]) -> Option<[u32; 2]> {
        let [left, top, right, bottom] = self.padding;
        Some([width + left + right, height + top + bottom])
    }
}
