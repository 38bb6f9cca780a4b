//! What the networks for pictures have in common.

use burn::tensor::{Tensor, activation};
use std::ops::RangeInclusive;

/// Sides of pictures that can be learnt, in pixels.
pub(super) const SIDES: RangeInclusive<u32> = 16..=64;

/// How often the sides of a picture are halved, until they are at most 8 pixels long; and the side that is left.
pub(super) fn halvings(mut side: usize) -> (usize, usize) {
    let mut times = 0;
    while side > 8 && side.is_multiple_of(2) {
        (side, times) = (side / 2, times + 1);
    }
    (times, side)
}

/// Channels of the map that was halved so often: twice as many each time, up to eight times `width`.
pub(super) fn channels(width: usize, halved: usize) -> usize {
    width << (halved - 1).min(3)
}

/// `max(x, 0.2 x)`, of two operations that are fast on the processor.
pub(super) fn leaky<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x.clone()).mul_scalar(0.8) + x.mul_scalar(0.2)
}
