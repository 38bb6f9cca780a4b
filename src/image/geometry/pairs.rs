//! Resamples of levels in which each pixel is made of at most two along each side: enlarged linearly, or made smaller to no less than half
//! the sides by means.
//!
//! Byte by byte what [`resize`](super::resize::resize) makes, in its order, down and then across, and with its weights of 14 bits. It is
//! faster because the rows in between stay in the nearest cache, and because 16 levels of two rows are made at once, where `resize` makes
//! a pixel of four.

use super::interpolation::Interpolation;
use crate::image::pixels::Pixels;
use pulp::{NullaryFnOnce, cast, x86::V3};
use std::arch::x86_64::__m256i;

/// Bits of a weight behind the point.
const BITS: i32 = 14;
/// What rounds to the nearest level.
const HALF: i32 = 1 << (BITS - 1);
/// Levels of a row that are made at once.
const BLOCK: usize = 16;
/// Levels of a row in a vector of sums, and vectors of a block.
const QUAD: usize = 4;
const QUADS: usize = BLOCK / QUAD;

/// Resamples all of `from` to the size that `into` has, which has as many channels. False where that takes other means, and nothing is done: with
/// alpha, by which colours are weighed; with more than two pixels; with rows of fewer than 16 levels; and without AVX2.
pub(super) fn resample(interpolation: Interpolation, from: &Pixels, into: &mut Pixels) -> bool {
    let channels = from.channels();
    let Some(simd) = V3::try_new().filter(|_| channels < 4) else {
        return false;
    };
    let across = Pairs::new(interpolation, from.width, into.width);
    let down = Pairs::new(interpolation, from.height, into.height);
    let (Some(across), Some(down)) = (across, down) else {
        return false;
    };
    let (stride, wanted) = (from.stride(), across.0.len() * channels);
    let Some(blocks) = across.blocks(channels, stride) else {
        return false;
    };
    simd.vectorize(Rows {
        simd,
        from: &from.levels,
        stride,
        down: &down,
        blocks: &blocks,
        into: &mut into.levels,
        wanted,
    });
    true
}

/// The two pixels along a side that each pixel is made of, and how much of each: where there is one, nothing of the second.
struct Pairs(Vec<([usize; 2], [i16; 2])>);

impl Pairs {
    /// For a side of `from` pixels that gets `to`; none where a pixel is made of more.
    fn new(interpolation: Interpolation, from: u32, to: u32) -> Option<Self> {
        let (reach, weight): (f64, fn(f64) -> f64) = match interpolation {
            Interpolation::Box => (0.5, |at| f64::from(u8::from(at > -0.5 && at <= 0.5))),
            Interpolation::Bilinear => (1.0, |at| (1.0 - at.abs()).max(0.0)),
            _ => return None,
        };
        let scale = f64::from(from) / f64::from(to);
        let stretch = scale.max(1.0);
        let (reach, shrink) = (reach * stretch, 1.0 / stretch);
        let mut pairs = Vec::with_capacity(to as usize);
        let mut most = 0;
        for at in 0..to {
            let centre = (f64::from(at) + 0.5) * scale;
            let first = (centre - reach).floor().max(0.0) as u32;
            let end = (centre + reach).ceil().min(f64::from(from)) as u32;
            let mut taps = (first..end)
                .map(|place| (place as usize, weight((f64::from(place) - (centre - 0.5)) * shrink)))
                .filter(|(_, weight)| *weight > 0.0);
            let (first, own) = taps.next()?;
            let (second, other) = taps.next().unwrap_or((first, 0.0));
            if taps.next().is_some() {
                return None;
            }
            let sum = own + other;
            let weights = [own, other].map(|weight| (weight / sum * f64::from(1 << BITS)).round() as i16);
            most = most.max(weights[0]).max(weights[1]);
            pairs.push(([first, second], weights));
        }
        // Where no pixel is one alone, `resize` has a bit more; halves are the same with either.
        let is_half = |(_, weights): &([usize; 2], [i16; 2])| *weights == [1 << (BITS - 1); 2];
        (most == 1 << BITS || pairs.iter().all(is_half)).then_some(Self(pairs))
    }

    /// How rows of `stride` levels become those of these pixels; none where one of both is too short.
    fn blocks(&self, channels: usize, stride: usize) -> Option<Vec<Block>> {
        let (last, room) = (
            (self.0.len() * channels).checked_sub(BLOCK)?,
            stride.checked_sub(BLOCK)?,
        );
        // The last block ends with the row, and makes some levels again.
        let starts = (0..last).step_by(BLOCK).chain([last]);
        starts.map(|start| self.block(channels, start, room)).collect()
    }

    fn block(&self, channels: usize, start: usize, room: usize) -> Option<Block> {
        let mut quads = [Quad::default(); QUADS];
        for (quad, first) in quads.iter_mut().zip((start..).step_by(QUAD)) {
            let taps = (first..first + QUAD).map(|level| {
                let (pixels, weights) = self.0[level / channels];
                (pixels.map(|pixel| pixel * channels + level % channels), weights)
            });
            quad.from = taps.clone().map(|(places, _)| places[0]).min()?.min(room);
            for (nth, (places, weights)) in taps.enumerate() {
                for (tap, (place, weight)) in places.into_iter().zip(weights).enumerate() {
                    let place = u8::try_from(place - quad.from).ok().filter(|place| *place < 16)?;
                    // A place with the highest bit set gives 0, the upper half of 16 bits.
                    quad.places[4 * nth + 2 * tap..][..2].copy_from_slice(&[place, 0x80]);
                    quad.weights[2 * nth + tap] = weight;
                }
            }
        }
        Some(Block { start, quads })
    }
}

/// How 16 levels of a row are made.
struct Block {
    /// Where in the row they begin.
    start: usize,
    quads: [Quad; QUADS],
}

/// How four levels of a row are made, as sums of 32 bits in one vector.
#[derive(Clone, Copy, Default)]
struct Quad {
    /// The first of 16 levels that it looks at.
    from: usize,
    /// Where among these the levels are that it weighs.
    places: [u8; 16],
    weights: [i16; 8],
}

/// Rows made of pairs of rows, two at a time.
struct Rows<'a> {
    simd: V3,
    from: &'a [u8],
    stride: usize,
    down: &'a Pairs,
    blocks: &'a [Block],
    into: &'a mut [u8],
    wanted: usize,
}

impl NullaryFnOnce for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            simd,
            from,
            stride,
            down,
            blocks,
            into,
            wanted,
        } = self;
        let mut lines = [vec![0; stride], vec![0; stride]];
        // What would be the row behind an odd number of them.
        let mut spare = vec![0; wanted];
        for (rows, pairs) in into.chunks_mut(2 * wanted).zip(down.0.chunks(2)) {
            for (line, (places, weights)) in lines.iter_mut().zip(pairs) {
                let row = |place: usize| &from[place * stride..][..stride];
                mix(simd, row(places[0]), row(places[1]), *weights, line);
            }
            let (one, other) = rows.split_at_mut(wanted);
            let other = if other.is_empty() { &mut spare[..] } else { other };
            spread(simd, &lines[0], &lines[1], blocks, one, other);
        }
    }
}

/// Two rows weighed.
#[inline(always)]
fn mix(simd: V3, first: &[u8], second: &[u8], weights: [i16; 2], to: &mut [u8]) {
    let (avx, avx2) = (simd.avx, simd.avx2);
    let (both, zero) = (avx._mm256_set1_epi32(cast(weights)), avx._mm256_setzero_si256());
    let sum = |pairs: __m256i| rounded(simd, avx2._mm256_madd_epi16(pairs, both));
    let (blocks, rest) = to.as_chunks_mut::<32>();
    let (firsts, first) = first.as_chunks::<32>();
    let (seconds, second) = second.as_chunks::<32>();
    for ((to, first), second) in blocks.iter_mut().zip(firsts).zip(seconds) {
        let (first, second) = (cast(*first), cast(*second));
        let low = avx2._mm256_unpacklo_epi8(first, second);
        let high = avx2._mm256_unpackhi_epi8(first, second);
        let low = avx2._mm256_packs_epi32(
            sum(avx2._mm256_unpacklo_epi8(low, zero)),
            sum(avx2._mm256_unpackhi_epi8(low, zero)),
        );
        let high = avx2._mm256_packs_epi32(
            sum(avx2._mm256_unpacklo_epi8(high, zero)),
            sum(avx2._mm256_unpackhi_epi8(high, zero)),
        );
        *to = cast(avx2._mm256_packus_epi16(low, high));
    }
    let [own, other] = weights.map(i32::from);
    for ((to, first), second) in rest.iter_mut().zip(first).zip(second) {
        *to = ((own * i32::from(*first) + other * i32::from(*second) + HALF) >> BITS).min(255) as u8;
    }
}

/// Pixels of two rows weighed with their neighbours.
#[inline(always)]
fn spread(simd: V3, upper: &[u8], lower: &[u8], blocks: &[Block], one: &mut [u8], other: &mut [u8]) {
    let avx2 = simd.avx2;
    for block in blocks {
        let mut sums = [simd.avx._mm256_setzero_si256(); QUADS];
        for (sum, quad) in sums.iter_mut().zip(&block.quads) {
            let upper = &upper[quad.from..quad.from + BLOCK];
            let lower = &lower[quad.from..quad.from + BLOCK];
            let levels = cast([upper.as_chunks::<BLOCK>().0[0], lower.as_chunks::<BLOCK>().0[0]]);
            let pairs = avx2._mm256_shuffle_epi8(levels, cast([quad.places; 2]));
            *sum = rounded(simd, avx2._mm256_madd_epi16(pairs, cast([quad.weights; 2])));
        }
        let first = avx2._mm256_packs_epi32(sums[0], sums[1]);
        let second = avx2._mm256_packs_epi32(sums[2], sums[3]);
        let levels: [[u8; BLOCK]; 2] = cast(avx2._mm256_packus_epi16(first, second));
        one[block.start..block.start + BLOCK].copy_from_slice(&levels[0]);
        other[block.start..block.start + BLOCK].copy_from_slice(&levels[1]);
    }
}

/// Sums as the nearest levels.
#[inline(always)]
fn rounded(simd: V3, sums: __m256i) -> __m256i {
    let half = simd.avx._mm256_set1_epi32(HALF);
    simd.avx2
        ._mm256_srai_epi32::<BITS>(simd.avx2._mm256_add_epi32(sums, half))
}

#[cfg(test)]
mod tests {
    use super::super::region::Region;
    use super::super::resize::resize;
    use super::*;
    use crate::rng::Rng;
    use fast_image_resize::Resizer;

    #[test]
    fn pairs_are_those_of_resize() {
        let (mut resizer, mut seen) = (Resizer::default(), 0);
        let mut same = |interpolation, from: &Pixels, into: &mut Pixels| {
            let mut expected = into.clone();
            let whole = Region::whole(from.width, from.height);
            resize(&mut resizer, interpolation, from, whole, &mut expected).unwrap();
            if resample(interpolation, from, into) {
                let what = (from.width, from.height, into.width, into.height, into.channels());
                assert!(*into == expected, "{what:?}");
                seen += 1;
            }
            *into = expected;
        };
        for [width, height] in [
            [1, 1],
            [16, 9],
            [17, 1],
            [90, 64],
            [33, 71],
            [500, 3],
            [48, 40],
            [2, 300],
        ] {
            for channels in [1, 3, 4] {
                for scale in [0.3, 0.5, 0.51, 0.7, 0.93, 0.999] {
                    let mut picture = Pixels::with_channels(width, height, channels);
                    let mut rng = Rng::new(u64::from(width), "pairs", channels as u64);
                    rng.fill(&mut picture.levels);
                    // Black and white as well, which are the ends of what is rounded.
                    let half = picture.levels.len() / 2;
                    picture.levels[..half]
                        .iter_mut()
                        .for_each(|level| *level = if *level < 128 { 0 } else { 255 });
                    let [across, down] = [width, height].map(|side| ((f64::from(side) * scale) as u32).max(1));
                    let mut small = Pixels::with_channels(across, down, channels);
                    same(Interpolation::Box, &picture, &mut small);
                    same(Interpolation::Bilinear, &small, &mut picture);
                    same(Interpolation::Bicubic, &small, &mut picture);
                }
            }
        }
        assert!(V3::try_new().is_none() || seen > 80, "{seen}");
    }
}
