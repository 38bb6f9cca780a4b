//! The only place that is random.
//!
//! Every draw comes from a counter-based generator that is keyed by *what* is drawn, never by *when*: the key is
//! (seed, stage name), the stream is the position, the counter is the number of draws so far. Two rows never share a
//! stream, so neither threads nor order nor a resume can move a draw.
//!
//! The generator is ChaCha8 (Bernstein 2008), the one behind `rand`'s own. Numbers are mapped from its raw bits here,
//! because the distributions of `rand` may change their values between releases. Golden tests freeze the stream for a
//! major version.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// A stream of random numbers for one position of one stage under one seed.
#[derive(Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The stream of `position` in the stage named `stage`, under `seed`.
    pub fn new(seed: u64, stage: &str, position: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(&xxh3_128(stage.as_bytes()).to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(position);
        Self(rng)
    }

    /// The next 32 raw bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// The next 64 raw bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Fills `out` with raw bytes: the fast way to many small draws.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// A whole number in `0..n`, without bias (Lemire 2019). `below(0)` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            let low = wide as u64;
            if low >= n || low >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)` with 24 random bits.
    pub fn unit(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// A number in `[low, high)`; `low` where the two are equal.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// A draw from the standard normal distribution (Box and Muller 1958). Takes two draws of 32 bits.
    pub fn normal(&mut self) -> f32 {
        let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - self.unit()));
        radius * libm::cosf(std::f32::consts::TAU * self.unit())
    }

    /// A draw from the beta distribution with both parameters `alpha` (finite, above 0), in `0..=1`: the share that one of
    /// two equal gamma draws has in their sum. Takes a number of draws that is not fixed.
    pub(crate) fn beta(&mut self, alpha: f32) -> f32 {
        let (a, b) = (self.log_gamma(alpha.into()), self.log_gamma(alpha.into()));
        (1.0 / (1.0 + libm::exp(b - a))) as f32
    }

    /// The logarithm of a draw from the gamma distribution of shape `a` and scale 1 (Marsaglia and Tsang 2000), because
    /// the draw itself may be smaller than any number. Below a shape of 1 it is, as theirs, a draw of shape `a + 1` times
    /// `u^(1/a)`.
    fn log_gamma(&mut self, a: f64) -> f64 {
        if a < 1.0 {
            let factor = self.log_unit() / a;
            return self.log_gamma(a + 1.0) + factor;
        }
        let d = a - 1.0 / 3.0;
        loop {
            let x = f64::from(self.normal());
            let root = 1.0 + x / (9.0 * d).sqrt();
            let v = root * root * root;
            if v > 0.0 && self.log_unit() < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return libm::log(d * v);
            }
        }
    }

    /// The logarithm of a number in `(0, 1]` with 53 random bits.
    fn log_unit(&mut self) -> f64 {
        libm::log(((self.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64)
    }
}

/// A random permutation of `0..n`, of which any index is had in constant time.
///
/// Up to 256 it is a shuffled table (Fisher and Yates 1938), uniform over all permutations. Above that it is computed, not
/// stored: an eight-round Feistel network over the smallest even power of two that holds `n`, walked along its cycles
/// until it lands below `n` (Black and Rogaway 2002), as Grain's `index_shuffle` does. A network that small would be
/// visibly biased, and the table would be large where the network is good.
#[derive(Clone, Debug)]
pub struct Permutation(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Table(Box<[u8]>),
    Network(Network),
}

impl Permutation {
    /// The largest that is a table.
    pub(crate) const TABLE: u64 = 256;

    /// The permutation of `0..n` that `rng` draws.
    pub fn new(n: u64, rng: &mut Rng) -> Self {
        if n > Self::TABLE {
            return Self(Kind::Network(Network::new(n, rng)));
        }
        Self(Kind::Table(Self::table(n, rng)[..n as usize].into()))
    }

    /// What [`new`](Self::new) draws for `n` of at most [`TABLE`](Self::TABLE): where each index goes, the first `n` of them.
    pub(crate) fn table(n: u64, rng: &mut Rng) -> [u8; Self::TABLE as usize] {
        let mut table = std::array::from_fn(|index| index as u8);
        for last in (1..n).rev() {
            table.swap(last as usize, rng.below(last + 1) as usize);
        }
        table
    }

    /// Where `index` goes. An index that is not below `n` is returned as it is.
    pub fn get(&self, index: u64) -> u64 {
        match &self.0 {
            Kind::Table(table) => table.get(index as usize).map_or(index, |&to| u64::from(to)),
            Kind::Network(network) => network.get(index),
        }
    }

    /// As [`get`](Self::get) for each of `indices`, in a fraction of the time.
    pub(crate) fn map(&self, indices: &mut [u64]) {
        match &self.0 {
            Kind::Table(_) => indices.iter_mut().for_each(|index| *index = self.get(*index)),
            Kind::Network(network) => network.map(indices),
        }
    }

    /// The same permutation for many calls of [`map`](Self::map), several times as fast; none where it would not be, or where
    /// the tables would be large.
    pub(crate) fn tabled(&self) -> Option<Tabled> {
        match &self.0 {
            Kind::Network(network) if network.half_bits <= Tabled::MOST_BITS => Some(Tabled::new(network.clone())),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Network {
    n: u64,
    half_bits: u32,
    keys: [u64; Self::ROUNDS],
}

impl Network {
    const ROUNDS: usize = 8;
    /// Places that are worked out side by side.
    const LANES: usize = 8;

    fn new(n: u64, rng: &mut Rng) -> Self {
        let bits = u64::BITS - (n - 1).leading_zeros();
        Self {
            n,
            half_bits: bits.div_ceil(2),
            keys: std::array::from_fn(|_| rng.next_u64()),
        }
    }

    fn get(&self, index: u64) -> u64 {
        if index >= self.n {
            return index;
        }
        let mut at = index;
        loop {
            [at] = self.encrypt([at], |round, right| self.function(round, right));
            if at < self.n {
                return at;
            }
        }
    }

    /// As [`get`](Self::get) for each of `indices`.
    fn map(&self, indices: &mut [u64]) {
        self.map_by(indices, |round, right| self.function(round, right));
    }

    /// What round `round` makes of a right half: `half_bits` bits.
    #[inline(always)]
    fn function(&self, round: usize, right: u64) -> u64 {
        mix(right ^ self.keys[round]) & self.mask()
    }

    #[inline(always)]
    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    /// As [`map`](Self::map), with another [`function`](Self::function) that gives the same.
    fn map_by(&self, indices: &mut [u64], function: impl Fn(usize, u64) -> u64) {
        // Those outside stay what they are.
        let inside = (0..indices.len()).filter(|&i| indices[i] < self.n);
        let (mut places, mut walking): (Vec<usize>, Vec<u64>) = inside.map(|i| (i, indices[i])).unzip();
        while !walking.is_empty() {
            let (lanes, rest) = walking.as_chunks_mut::<{ Self::LANES }>();
            lanes.iter_mut().for_each(|some| *some = self.encrypt(*some, &function));
            rest.iter_mut().for_each(|at| [*at] = self.encrypt([*at], &function));
            // All are written down, and those that are still outside go on: without a branch that nobody can foresee.
            let mut left = 0;
            for i in 0..walking.len() {
                let (place, at) = (places[i], walking[i]);
                indices[place] = at;
                (places[left], walking[left]) = (place, at);
                left += usize::from(at >= self.n);
            }
            places.truncate(left);
            walking.truncate(left);
        }
    }

    /// One step for several places side by side: each round waits for the one before it, other places do not.
    #[inline(always)]
    fn encrypt<const N: usize>(&self, at: [u64; N], function: impl Fn(usize, u64) -> u64) -> [u64; N] {
        let (mut left, mut right) = (at.map(|at| at >> self.half_bits), at.map(|at| at & self.mask()));
        for round in 0..Self::ROUNDS {
            let next = std::array::from_fn(|i| left[i] ^ function(round, right[i]));
            (left, right) = (right, next);
        }
        std::array::from_fn(|i| (left[i] << self.half_bits) | right[i])
    }
}

/// A network whose rounds are looked up: few bits go into each, and its tables stay in the processor's cache.
#[derive(Debug)]
pub(crate) struct Tabled {
    network: Network,
    /// For each round what becomes of each right half. No larger than it need be: every order of a class may have one.
    rounds: Box<[u16]>,
}

impl Tabled {
    /// Of half an index: tables of at most 128 KiB, for permutations of up to 2^26.
    const MOST_BITS: u32 = 13;

    fn new(network: Network) -> Self {
        let halves = |round| (0..=network.mask()).map(move |right| (round, right));
        let looked_up = (0..Network::ROUNDS).flat_map(halves);
        Self {
            rounds: looked_up
                .map(|(round, right)| network.function(round, right) as u16)
                .collect(),
            network,
        }
    }

    /// As [`Permutation::map`].
    pub(crate) fn map(&self, indices: &mut [u64]) {
        // Tables of a length that the compiler knows: a look into them needs no check.
        let mapped = match self.network.half_bits {
            5 => self.map_by::<{ 1 << 5 }>(indices),
            6 => self.map_by::<{ 1 << 6 }>(indices),
            7 => self.map_by::<{ 1 << 7 }>(indices),
            8 => self.map_by::<{ 1 << 8 }>(indices),
            9 => self.map_by::<{ 1 << 9 }>(indices),
            10 => self.map_by::<{ 1 << 10 }>(indices),
            11 => self.map_by::<{ 1 << 11 }>(indices),
            12 => self.map_by::<{ 1 << 12 }>(indices),
            13 => self.map_by::<{ 1 << 13 }>(indices),
            _ => None,
        };
        // Of another length there are none.
        mapped.unwrap_or_else(|| self.network.map(indices));
    }

    fn map_by<const HALVES: usize>(&self, indices: &mut [u64]) -> Option<()> {
        let (rounds, _) = self
            .rounds
            .as_chunks::<HALVES>()
            .0
            .split_first_chunk::<{ Network::ROUNDS }>()?;
        let look_up = |round: usize, right: u64| u64::from(rounds[round][right as usize % HALVES]);
        self.network.map_by(indices, look_up);
        Some(())
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A 64-bit key for `parts`, for streams that are addressed by more than a position (a class and a pass, say).
pub fn stream(parts: &[u64]) -> u64 {
    const FEW: usize = 4;
    if parts.len() <= FEW {
        // Asked for once a row in places: without memory of its own.
        let mut bytes = [[0; 8]; FEW];
        for (bytes, part) in bytes.iter_mut().zip(parts) {
            *bytes = part.to_le_bytes();
        }
        return xxh3_64(bytes[..parts.len()].as_flattened());
    }
    let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_go_where_each_goes() {
        for n in [1, 17, 256, 257, 300, 80_000, 1 << 20, (1 << 33) + 5] {
            let permutation = Permutation::new(n, &mut Rng::new(9, "p", n));
            let indices: Vec<u64> = (0..1003).map(|i| i * (n / 1000).max(1)).collect();
            let mut many = indices.clone();
            permutation.map(&mut many);
            assert!(
                many.iter()
                    .zip(&indices)
                    .all(|(&to, &index)| to == permutation.get(index)),
                "{n}"
            );
            if let Some(tabled) = permutation.tabled() {
                let mut looked_up = indices.clone();
                tabled.map(&mut looked_up);
                assert_eq!(looked_up, many, "{n}");
            }
        }
    }

    #[test]
    fn few_parts_are_hashed_as_many_are() {
        let parts = [3, u64::MAX, 0, 7, 1 << 40, 9];
        for count in 0..parts.len() {
            let bytes: Vec<u8> = parts[..count].iter().flat_map(|part| part.to_le_bytes()).collect();
            assert_eq!(stream(&parts[..count]), xxh3_64(&bytes), "{count}");
        }
    }

    #[test]
    fn permutation_is_a_bijection() {
        for n in [1, 2, 3, 5, 16, 17, 100, 256, 257, 1000, 4097] {
            let permutation = Permutation::new(n, &mut Rng::new(7, "test", n));
            let mut seen: Vec<u64> = (0..n).map(|i| permutation.get(i)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn below_is_uniform() {
        let mut rng = Rng::new(1, "below", 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        let chi: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi < 22.5, "chi-square {chi} with 6 degrees of freedom");
    }

    #[test]
    fn small_permutations_are_uniform() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..24_000 {
            let p = Permutation::new(4, &mut Rng::new(seed, "small", 0));
            *counts.entry([p.get(0), p.get(1), p.get(2), p.get(3)]).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi: f64 = counts.values().map(|&c| (f64::from(c) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 49.7, "chi-square {chi} with 23 degrees of freedom");
    }

    /// Above the table: where the first index goes, and how far the second lands from it.
    #[test]
    fn large_permutations_are_uniform() {
        const N: u64 = 300;
        let (mut first, mut gap) = ([0_u32; N as usize], [0_u32; N as usize]);
        for seed in 0..60_000 {
            let p = Permutation::new(N, &mut Rng::new(seed, "large", 0));
            first[p.get(0) as usize] += 1;
            gap[((p.get(1) + N - p.get(0)) % N) as usize] += 1;
        }
        let chi = |counts: &[u32], mean: f64| -> f64 {
            counts
                .iter()
                .map(|&count| (f64::from(count) - mean).powi(2) / mean)
                .sum()
        };
        let (first, gap) = (chi(&first, 200.0), chi(&gap[1..], 60_000.0 / 299.0));
        // The 0.999 quantiles with 299 and 298 degrees of freedom.
        assert!(first < 379.0 && gap < 378.0, "chi-square {first} and {gap}");
    }
}
