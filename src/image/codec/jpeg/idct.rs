//! Coefficients to levels.
//!
//! The inverse cosine transform as two products of 8 x 8 matrices in `f32`: 128 vector operations without a shuffle, where the
//! well-known factored forms need fewer products and a transposition. All sums have one order and nothing is contracted, so
//! the levels are the same on every machine.
//!
//! Of `N` x `N` points (4, 2, 1) from the lowest `N` x `N` frequencies: the block at a half, a quarter, an eighth of its size
//! (libjpeg's scaled decoding).

/// `cos(k pi / 16)`.
const COSINES: [f32; 32] = cosines();

const fn cosines() -> [f32; 32] {
    let quarter = [
        1.0,
        0.980_785_28,
        0.923_879_5,
        0.831_469_6,
        0.707_106_77,
        0.555_570_24,
        0.382_683_43,
        0.195_090_32,
        0.0,
    ];
    let mut all = [0.0; 32];
    let mut k = 0;
    while k < 32 {
        let folded = if k > 16 { 32 - k } else { k };
        all[k] = if folded > 8 {
            -quarter[16 - folded]
        } else {
            quarter[folded]
        };
        k += 1;
    }
    all
}

/// Row `u` is the wave of frequency `u`, sampled at `n` points.
pub(super) const fn waves(n: usize) -> [[f32; 8]; 8] {
    let mut waves = [[0.0; 8]; 8];
    let mut u = 0;
    while u < n {
        let mut x = 0;
        while x < n {
            let scale = if u == 0 { COSINES[4] / 2.0 } else { 0.5 };
            waves[u][x] = scale * COSINES[(2 * x + 1) * u * (8 / n) % 32];
            x += 1;
        }
        u += 1;
    }
    waves
}

/// [`waves`] of eight points with rows and columns exchanged: row `x` has all frequencies at point `x`.
pub(super) const fn points() -> [[f32; 8]; 8] {
    let (waves, mut points) = (waves(8), [[0.0; 8]; 8]);
    let mut at = 0;
    while at < 64 {
        points[at % 8][at / 8] = waves[at / 8][at % 8];
        at += 1;
    }
    points
}

/// The factors of a component's quantisation, row by row.
pub(super) type Factors = [[f32; 8]; 8];

/// Writes the block's `N` x `N` levels to the start of `plane`, rows `stride` apart. `last` is the last place in zigzag order
/// that is not zero.
#[inline(always)]
pub(super) fn levels<const N: usize>(block: &[i16; 64], last: u32, factors: &Factors, plane: &mut [u8], stride: usize) {
    if last == 0 || N == 1 {
        let mean = f32::from(block[0]) * factors[0][0] * const { waves(8)[0][0] } * const { waves(8)[0][0] };
        for row in plane.chunks_mut(stride).take(N) {
            row[..N].fill(level(mean));
        }
        return;
    }
    // The first ten places are the corner of 4 x 4 frequencies.
    if N == 8 && last < 10 {
        waves_to_levels::<N, 4>(block, factors, plane, stride);
    } else {
        waves_to_levels::<N, N>(block, factors, plane, stride);
    }
}

/// As [`levels`], from the lowest `K` x `K` frequencies.
#[inline(always)]
fn waves_to_levels<const N: usize, const K: usize>(
    block: &[i16; 64],
    factors: &Factors,
    plane: &mut [u8],
    stride: usize,
) {
    let waves = const { waves(N) };
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
