//! Coefficients to levels.
//!
//! The inverse cosine transform as two products of 8 x 8 matrices in `f32`: 128 vector operations without a shuffle, where the
//! well-known factored forms need fewer products and a transposition. All sums have one order and nothing is contracted, so
//! the levels are the same on every machine.
//!
//! Of `N` x `N` points from the lowest `N` x `N` frequencies: the block at `N` eighths of its size (libjpeg's scaled decoding).
//! Colours at half the resolution become `2N` x `2N` points, as in libjpeg: up to 16, which is an interpolation by the block's own
//! waves. Frequencies weighed as a mean of pixels has them were tried: they are hardly nearer to the means of many samples.

use std::f64::consts::FRAC_PI_2;

/// `cos(k pi / 2n)`.
const fn cosine(k: usize, n: usize) -> f32 {
    // To the first quarter of the circle.
    let k = k % (4 * n);
    let k = if k > 2 * n { 4 * n - k } else { k };
    let folded = if k > n { 2 * n - k } else { k };
    let angle = FRAC_PI_2 * folded as f64 / n as f64;
    // Its Taylor series; what follows is less than the last bit.
    let (mut sum, mut term, mut at) = (1.0, 1.0, 1);
    while at < 12 {
        term *= -angle * angle / (2 * at * (2 * at - 1)) as f64;
        sum += term;
        at += 1;
    }
    let sum = if folded == n { 0.0 } else { sum };
    (if k > n { -sum } else { sum }) as f32
}

/// Row `u` is the wave of frequency `u`, below 8, sampled at `n` points, of `L` at most.
pub(super) const fn waves<const L: usize>(n: usize) -> [[f32; L]; 8] {
    let mut waves = [[0.0; L]; 8];
    let mut u = 0;
    while u < n && u < 8 {
        let mut x = 0;
        while x < n {
            let scale = if u == 0 { cosine(1, 2) / 2.0 } else { 0.5 };
            waves[u][x] = scale * cosine((2 * x + 1) * u, n);
            x += 1;
        }
        u += 1;
    }
    waves
}

/// [`waves`] of eight points with rows and columns exchanged: row `x` has all frequencies at point `x`.
pub(super) const fn points() -> [[f32; 8]; 8] {
    let (waves, mut points): ([[f32; 8]; 8], _) = (waves(8), [[0.0; 8]; 8]);
    let mut at = 0;
    while at < 64 {
        points[at % 8][at / 8] = waves[at / 8][at % 8];
        at += 1;
    }
    points
}

/// The factors of a component's quantisation, row by row.
pub(super) type Factors = [[f32; 8]; 8];

/// Writes the block's levels, `across` x `down` of them, 1 to [`MOST_POINTS`], to the start of `plane`, rows `stride` apart. `last` is the last
/// place in zigzag order that is not zero.
#[inline(always)]
pub(super) fn levels(
    points: (usize, usize),
    block: &[i16; 64],
    last: u32,
    factors: &Factors,
    plane: &mut [u8],
    stride: usize,
) {
    let (across, down) = points;
    // Of a flat block, and of its mean alone, all levels are one.
    if last == 0 || points == (1, 1) {
        let mean = f32::from(block[0]) * factors[0][0] * const { waves::<8>(8)[0][0] } * const { waves::<8>(8)[0][0] };
        for row in plane.chunks_mut(stride).take(down) {
            row[..across].fill(level(mean));
        }
        return;
    }
    // A choice for each block, which the processor guesses right, in place of a decoder for each size.
    match points {
        (8, 8) => levels_of::<8>(block, last, factors, plane, stride),
        (7, 7) => levels_of::<7>(block, last, factors, plane, stride),
        (6, 6) => levels_of::<6>(block, last, factors, plane, stride),
        (5, 5) => levels_of::<5>(block, last, factors, plane, stride),
        (4, 4) => levels_of::<4>(block, last, factors, plane, stride),
        (3, 3) => levels_of::<3>(block, last, factors, plane, stride),
        (2, 2) => levels_of::<2>(block, last, factors, plane, stride),
        // Sizes of colours at half the resolution, each compiled for itself.
        (10, 10) => stretched((10, 10), block, last, factors, plane, stride),
        (12, 12) => stretched((12, 12), block, last, factors, plane, stride),
        (14, 14) => stretched((14, 14), block, last, factors, plane, stride),
        _ => stretched(points, block, last, factors, plane, stride),
    }
}

/// Points of a block along a side at most.
pub(super) const MOST_POINTS: usize = 16;

/// Rows of waves for each number of points: of more than eight, the eight frequencies of a block between its own points.
static STRETCHED: [[[f32; MOST_POINTS]; 8]; MOST_POINTS + 1] = {
    let mut all = [[[0.0; MOST_POINTS]; 8]; MOST_POINTS + 1];
    let mut n = 1;
    while n <= MOST_POINTS {
        all[n] = waves(n);
        n += 1;
    }
    all
};

/// As [`levels`], of any size: colours that are stored at a part of the resolution, at that of a reduced picture.
#[inline(always)]
fn stretched(points: (usize, usize), block: &[i16; 64], last: u32, factors: &Factors, plane: &mut [u8], stride: usize) {
    // The first ten places are the corner of 4 x 4 frequencies.
    if last < 10 {
        stretched_waves::<4>(points, block, factors, plane, stride);
    } else {
        stretched_waves::<8>(points, block, factors, plane, stride);
    }
}

/// As [`stretched`], from the lowest `K` x `K` frequencies.
#[inline(always)]
fn stretched_waves<const K: usize>(
    (across, down): (usize, usize),
    block: &[i16; 64],
    factors: &Factors,
    plane: &mut [u8],
    stride: usize,
) {
    let (wide, high) = (&STRETCHED[across], &STRETCHED[down]);
    let mut columns = [[0.0_f32; 8]; MOST_POINTS];
    for v in 0..K.min(down) {
        let mut row = [0.0; 8];
        for u in 0..8 {
            row[u] = f32::from(block[v * 8 + u]) * factors[v][u];
        }
        for (y, column) in columns[..down].iter_mut().enumerate() {
            for u in 0..8 {
                column[u] += high[v][y] * row[u];
            }
        }
    }
    for (y, column) in columns[..down].iter().enumerate() {
        let mut sums = [0.0_f32; MOST_POINTS];
        for u in 0..K.min(across) {
            for x in 0..MOST_POINTS {
                sums[x] += column[u] * wide[u][x];
            }
        }
        let mut row = [0_u8; MOST_POINTS];
        for x in 0..MOST_POINTS {
            row[x] = level(sums[x]);
        }
        plane[y * stride..][..across].copy_from_slice(&row[..across]);
    }
}

#[inline(always)]
fn levels_of<const N: usize>(block: &[i16; 64], last: u32, factors: &Factors, plane: &mut [u8], stride: usize) {
    // The first ten places are the corner of 4 x 4 frequencies.
    if N > 4 && last < 10 {
        waves_to_levels::<N, 4>(block, factors, plane, stride);
    } else {
        waves_to_levels::<N, N>(block, factors, plane, stride);
    }
}

/// As [`levels_of`], from the lowest `K` x `K` frequencies.
#[inline(always)]
fn waves_to_levels<const N: usize, const K: usize>(
    block: &[i16; 64],
    factors: &Factors,
    plane: &mut [u8],
    stride: usize,
) {
    let waves = const { waves::<8>(N) };
    let mut columns = [[0.0_f32; 8]; N];
    for v in 0..K {
        let mut row = [0.0; 8];
        for u in 0..8 {
            row[u] = f32::from(block[v * 8 + u]) * factors[v][u];
        }
        for y in 0..N {
            for u in 0..8 {
                columns[y][u] += waves[v][y] * row[u];
            }
        }
    }
    for (y, column) in columns.iter().enumerate() {
        let mut sums = [0.0_f32; 8];
        for u in 0..K {
            for x in 0..8 {
                sums[x] += column[u] * waves[u][x];
            }
        }
        let mut row = [0_u8; 8];
        for x in 0..8 {
            row[x] = level(sums[x]);
        }
        plane[y * stride..][..N].copy_from_slice(&row[..N]);
    }
}

/// The nearest level in `0..=255`, of numbers around 0.
#[inline(always)]
fn level(value: f32) -> u8 {
    let value = value + 128.0;
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 255.0 { value } else { 255.0 };
    // At 2^23 an f32 has no fraction left, and its last bits are the number.
    (value + 8_388_608.0).to_bits() as u8
}
