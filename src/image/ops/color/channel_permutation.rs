//! Channels exchanged.

use crate::error::Result;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use pulp::NullaryFnOnce;
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
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let order = draw(rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| permute(pixels, order),
            move |pixels| permute(pixels, order),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
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
pub(in crate::image) fn permute<L: Level>(pixels: &mut Pixels<L>, order: [usize; 3]) {
    if pixels.channels() == 1 || order == [0, 1, 2] {
        return;
    }
    pixels.change_colors(|pixels| {
        let all = pixels.levels.as_chunks_mut().0;
        // One loop for each order, of which the compiler makes vectors.
        match order {
            [0, 2, 1] => wide(Permute::<L, 0, 2, 1>(all)),
            [1, 0, 2] => wide(Permute::<L, 1, 0, 2>(all)),
            [1, 2, 0] => wide(Permute::<L, 1, 2, 0>(all)),
            [2, 0, 1] => wide(Permute::<L, 2, 0, 1>(all)),
            _ => wide(Permute::<L, 2, 1, 0>(all)),
        }
    });
}

struct Permute<'a, L, const RED: usize, const GREEN: usize, const BLUE: usize>(&'a mut [[L; 3]]);

impl<L: Level, const RED: usize, const GREEN: usize, const BLUE: usize> NullaryFnOnce
    for Permute<'_, L, RED, GREEN, BLUE>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0
            .iter_mut()
            .for_each(|pixel| *pixel = [pixel[RED], pixel[GREEN], pixel[BLUE]]);
    }
}
