//! Left and right of a picture exchanged.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m128i;

#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, cast, x86::V3};

use crate::image::level::Level;
use crate::image::pixels::Pixels;

/// Bytes of 16 pixels, which are three vectors.
const BYTES: usize = 48;

/// What can be mirrored.
pub(in crate::image) trait Mirrored: Level {
    /// `old` with left and right exchanged.
    fn mirror(old: &Pixels<Self>, new: &mut [Self]) {
        match old.channels() {
            1 => plainly::<1, _>(old, new),
            4 => plainly::<4, _>(old, new),
            _ => plainly::<3, _>(old, new),
        }
    }
}

impl Mirrored for f32 {}

impl Mirrored for u8 {
    fn mirror(old: &Pixels, new: &mut [u8]) {
        match old.channels() {
            1 => return plainly::<1, _>(old, new),
            4 => return plainly::<4, _>(old, new),
            _ => {}
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = V3::try_new() {
            return simd.vectorize(Shuffled { simd, old, new });
        }
        plainly::<3, _>(old, new);
    }
}

fn plainly<const N: usize, L: Level>(old: &Pixels<L>, new: &mut [L]) {
    let stride = old.stride();
    for (from, to) in old.levels.chunks_exact(stride).zip(new.chunks_exact_mut(stride)) {
        one_by_one::<N, _>(from, to);
    }
}

#[inline(always)]
fn one_by_one<const N: usize, L: Level>(from: &[L], to: &mut [L]) {
    let to = to.as_chunks_mut::<N>().0.iter_mut().rev();
    from.as_chunks().0.iter().zip(to).for_each(|(from, to)| *to = *from);
}

/// [`Mirrored::mirror`] with one instruction for the bytes that one vector gives to another: LLVM finds none.
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
        let stride = old.stride();
        for (from, to) in old.levels.chunks_exact(stride).zip(new.chunks_exact_mut(stride)) {
            let (blocks, rest) = from.as_chunks::<BYTES>();
            let (left, places) = to.split_at_mut(rest.len());
            let places = places.as_chunks_mut::<BYTES>().0.iter_mut().rev();
            for (block, place) in blocks.iter().zip(places) {
                let from = cast(*block);
                *place = cast([gather(simd, from, 0), gather(simd, from, 1), gather(simd, from, 2)]);
            }
            one_by_one::<3, _>(rest, left);
        }
    }
}

/// One vector of 16 mirrored pixels.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn gather(simd: V3, [a, b, c]: [__m128i; 3], to: usize) -> __m128i {
    let (sse2, ssse3) = (simd.sse2, simd.ssse3);
    let a = ssse3._mm_shuffle_epi8(a, cast(PLACES[to][0]));
    let b = ssse3._mm_shuffle_epi8(b, cast(PLACES[to][1]));
    let c = ssse3._mm_shuffle_epi8(c, cast(PLACES[to][2]));
    sse2._mm_or_si128(sse2._mm_or_si128(a, b), c)
}

/// `PLACES[to][from][i]`: where in the old vector `from` byte `i` of the new vector `to` is; 128 is elsewhere.
#[cfg(target_arch = "x86_64")]
const PLACES: [[[u8; 16]; 3]; 3] = {
    let mut places = [[[128; 16]; 3]; 3];
    let mut at = 0;
    while at < BYTES {
        let old = BYTES - 3 - at / 3 * 3 + at % 3;
        places[at / 16][old / 16][at % 16] = (old % 16) as u8;
        at += 1;
    }
    places
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn every_width_is_mirrored() {
        for width in 1..80 {
            let mut old = Pixels::new(width, 3);
            Rng::new(1, "levels", 0).fill(&mut old.levels);
            let mut new = vec![0; old.levels.len()];
            u8::mirror(&old, &mut new);
            let rows = old.levels.chunks_exact(old.stride());
            let expected: Vec<u8> = rows.flat_map(|row| row.rchunks_exact(3).flatten().copied()).collect();
            assert!(new == expected, "{width}");
        }
    }
}
