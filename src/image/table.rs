//! Levels replaced by those of a table.

#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, cast, x86::V3};

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
        let (avx, avx2) = (simd.avx, simd.avx2);
        let parts: [[u8; 16]; 16] = cast(*table);
        let (blocks, rest) = levels.as_chunks_mut::<32>();
        let most = avx._mm256_set1_epi8(0x70);
        for block in blocks {
            let from = cast(*block);
            let mut to = avx._mm256_setzero_si256();
            for (upper, part) in parts.iter().enumerate() {
                // 0x70 to 0x7f where the upper half is this one; of all others the shuffle makes 0, because they end up above.
                let own = avx2._mm256_xor_si256(from, avx._mm256_set1_epi8((upper << 4) as i8));
                let place = avx2._mm256_adds_epu8(own, most);
                to = avx2._mm256_or_si256(to, avx2._mm256_shuffle_epi8(cast([*part; 2]), place));
            }
            *block = cast(to);
        }
        one_by_one(rest, table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn every_level_is_looked_up() {
        let mut table = [0; 256];
        Rng::new(1, "table", 0).fill(&mut table);
        for length in [0, 1, 31, 32, 33, 1000] {
            let all: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
            let (mut found, mut expected) = (all.clone(), all);
            look_up(&mut found, &table);
            one_by_one(&mut expected, &table);
            assert_eq!(found, expected);
        }
    }
}
