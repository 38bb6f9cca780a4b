//! Mirror images.

#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, cast, x86::V3};

use super::{Augment, Pixels};
use crate::rng::Rng;

/// Mirrors left and right with probability `p`: torchvision's `RandomHorizontalFlip`.
#[derive(Clone, Debug)]
pub struct HorizontalFlip {
    p: f32,
}

impl HorizontalFlip {
    /// `p` in `0..=1`.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Augment for HorizontalFlip {
    fn name(&self) -> &'static str {
        "horizontal_flip"
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("p", self.p.to_string())]
    }

    fn check(&self) -> Result<(), String> {
        match self.p {
            0.0..=1.0 => Ok(()),
            p => Err(format!("p is {p}, but a probability lies in 0..=1")),
        }
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        if rng.chance(self.p) {
            pixels.redraw(mirror);
        }
    }
}

/// Reverses the five pixels of 16 bytes, of which the last becomes the first.
const REVERSED: [u8; 16] = [15, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2];

fn mirror(old: &Pixels, new: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = V3::try_new() {
        return simd.vectorize(Shuffled { simd, old, new });
    }
    mirror_by(old, new, |bytes| REVERSED.map(|at| bytes[usize::from(at)]));
}

/// [`mirror`] with one instruction for five pixels: LLVM finds none.
#[cfg(target_arch = "x86_64")]
struct Shuffled<'a> {
    simd: V3,
    old: &'a Pixels,
    new: &'a mut [u8],
}

#[cfg(target_arch = "x86_64")]
impl NullaryFnOnce for Shuffled<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, old, new } = self;
        let order = cast(REVERSED);
        mirror_by(old, new, |bytes| cast(simd.ssse3._mm_shuffle_epi8(cast(bytes), order)));
    }
}

/// Five pixels at a time, from the left of the old row to the right of the new one; the byte too many that is written on the
/// left is written again.
#[inline(always)]
fn mirror_by(old: &Pixels, new: &mut [u8], reverse: impl Fn([u8; 16]) -> [u8; 16]) {
    let stride = old.stride();
    for (mut from, mut to) in old.rgb.chunks_exact(stride).zip(new.chunks_exact_mut(stride)) {
        while let (Some(bytes), Some(place)) = (from.first_chunk(), to.last_chunk_mut()) {
            *place = reverse(*bytes);
            from = &from[15..];
            let left = to.len() - 15;
            to = &mut to[..left];
        }
        for (from, to) in from
            .as_chunks::<3>()
            .0
            .iter()
            .zip(to.as_chunks_mut().0.iter_mut().rev())
        {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_mirrored() {
        for width in 1..80 {
            let mut old = Pixels::new(width, 3);
            Rng::new(1, "levels", 0).fill(&mut old.rgb);
            let (mut new, mut plain) = (vec![0; old.rgb.len()], vec![0; old.rgb.len()]);
            mirror(&old, &mut new);
            mirror_by(&old, &mut plain, |bytes| REVERSED.map(|at| bytes[usize::from(at)]));
            let rows = old.rgb.chunks_exact(old.stride());
            let expected: Vec<u8> = rows.flat_map(|row| row.rchunks_exact(3).flatten().copied()).collect();
            assert!(new == expected && plain == expected, "{width}");
        }
    }
}
