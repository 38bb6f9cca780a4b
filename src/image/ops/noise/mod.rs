//! What adds noise.

mod alias;
pub(in crate::image) mod gaussian;
pub(in crate::image) mod salt_and_pepper;
pub(in crate::image) mod shot;
