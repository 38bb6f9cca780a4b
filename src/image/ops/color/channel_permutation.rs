//! Channels exchanged.

use crate::error::Result;
use crate::image::{Drawn, Operation, Pixels, Subject};
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Puts red, green and blue in an order that is drawn evenly from all six: torchvision's `RandomChannelPermutation`, albumentations'
/// `ChannelShuffle`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelPermutation {}

impl ChannelPermutation {
    /// It has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Spec for ChannelPermutation {
    const NAME: &'static str = "channel_permutation";

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Operation for ChannelPermutation {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let order = draw(rng);
        Drawn::values(move |pixels| permute(pixels, order))
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(in_words(draw(rng)))
    }
}

/// Which channel each comes from.
pub(super) fn draw(rng: &mut Rng) -> [usize; 3] {
    let order = Permutation::new(3, rng);
    [0, 1, 2].map(|channel| order.get(channel) as usize)
}

pub(super) fn in_words(order: [usize; 3]) -> String {
    order.map(|channel| ["red", "green", "blue"][channel]).join(", ")
}

/// Channel `i` becomes what channel `order[i]` was.
pub(in crate::image) fn permute(pixels: &mut Pixels, order: [usize; 3]) {
    if pixels.channels() == 1 || order == [0, 1, 2] {
        return;
    }
    pixels.change_colors(|pixels| {
        for pixel in pixels.levels.as_chunks_mut::<3>().0 {
            *pixel = order.map(|channel| pixel[channel % 3]);
        }
    });
}
