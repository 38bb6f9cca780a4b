//! Policies that choose operations and their strength: torchvision's RandAugment, TrivialAugmentWide, AutoAugment and AugMix.
//!
//! Spaces, bins, magnitudes, defaults and probabilities are those of torchvision v2. What differs, for all of them:
//!
//! - Pictures are sampled bilinearly (torchvision's default is the nearest pixel, but for AugMix), and motions that follow each other are
//!   put together into one resample.
//! - In pictures of `f32` posterize and equalize leave 256 levels at most, as in torchvision.
//! - Outside of the picture it is black; there is no `fill`.
//! - torchvision refuses boxes, masks and key points. Here they move with the picture; [`AugMix`](aug_mix::AugMix) alone refuses them.

pub(in crate::image) mod aug_mix;
#[allow(
    clippy::module_inception,
    reason = "the policy AutoAugment is one of the automatic ones"
)]
pub(in crate::image) mod auto_augment;
mod policies;
pub(in crate::image) mod rand_augment;
mod space;
mod transform;
pub(in crate::image) mod trivial_augment_wide;

#[cfg(test)]
mod tests;
