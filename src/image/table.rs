//! Levels replaced by those of a table.

#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, cast, x86::V3};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256i;

/// Replaces every level `v` by `table[v]`.
pub(super) fn look_up(levels: &mut [u8], table: &[u8; 256]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = V3::try_new() {
        return simd.vectorize(Shuffled { simd, levels, table });
    }
    one_by_one(levels, table);
}

#[inline(always)]
fn one_by_one(levels: &mut [u8], table: &[u8; 256]) {
    for level in levels {
        *level = table[usize::from(*level)];
    }
}

/// Bytes that are looked up side by side, of two vectors: each part of the table is loaded once for both.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 64;

/// The table in 16 vectors, of which each gives the levels of one upper half: LLVM knows no look-up but one at a time.
#[cfg(target_arch = "x86_64")]
struct Shuffled<'a> {
    simd: V3,
    levels: &'a mut [u8],
    table: &'a [u8; 256],
}

#[cfg(target_arch = "x86_64")]
impl NullaryFnOnce for Shuffled<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, levels, table } = self;
        // The first of each half, then what each is more than the one before it.
        let mut parts: [[u8; 16]; 16] = cast(*table);
        for upper in (1..16).filter(|upper| upper % 8 > 0).rev() {
            let before = parts[upper - 1];
            for (level, before) in parts[upper].iter_mut().zip(before) {
                *level ^= before;
            }
        }
        let (blocks, rest) = levels.as_chunks_mut::<BLOCK>();
        for block in blocks {
            let [first, second] = cast(*block);
            *block = cast([shuffled(simd, first, &parts), shuffled(simd, second, &parts)]);
        }
        one_by_one(rest, table);
    }
}

/// The 32 levels of `from` in a table whose parts are differences.
///
/// A shuffle makes 0 of a place below 0, so a level that is smaller than the first of a part takes nothing from it, and what it takes from
/// all parts below adds up to its own.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn shuffled(simd: V3, from: __m256i, parts: &[[u8; 16]; 16]) -> __m256i {
    let (avx, avx2) = (simd.avx, simd.avx2);
    let place = avx2._mm256_and_si256(from, avx._mm256_set1_epi8(0x7f));
    let [mut low, mut high] = [avx._mm256_setzero_si256(); 2];
    for upper in 0..8 {
        let place = avx2._mm256_sub_epi8(place, avx._mm256_set1_epi8(upper << 4));
        let part = |at: usize| avx2._mm256_shuffle_epi8(cast([parts[at]; 2]), place);
        low = avx2._mm256_xor_si256(low, part(upper as usize));
        high = avx2._mm256_xor_si256(high, part(upper as usize + 8));
    }
    avx2._mm256_blendv_epi8(low, high, from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn every_level_is_looked_up() {
        let mut table = [0; 256];
        Rng::new(1, "table", 0).fill(&mut table);
        for length in [0, 1, 63, 64, 65, 1000] {
            let all: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
            let (mut found, mut expected) = (all.clone(), all);
            look_up(&mut found, &table);
            one_by_one(&mut expected, &table);
            assert_eq!(found, expected);
        }
    }
}
