//! Loops for wide vectors.

use pulp::{Arch, WithSimd};

/// Runs `work`, of which there is also a copy compiled for AVX2, for processors that have it.
///
/// The copy takes in what is inlined: the work's method and all that it calls have to be `#[inline(always)]`, which a
/// closure cannot be. Vectors change no result, because these functions work on whole numbers, or on `f32` one operation
/// after the other as written.
pub(super) fn wide<W: WithSimd>(work: W) -> W::Output {
    Arch::new().dispatch(work)
}
