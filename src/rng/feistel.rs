//! A Feistel network over the indices below `n`, and the same network with its rounds in tables.

use super::generator::Rng;
use std::fmt::Debug;

/// Eight rounds over the smallest even power of two that holds `n`, walked along its cycles until they land below `n`.
#[derive(Clone, Debug)]
pub(super) struct Feistel {
    n: u64,
    half_bits: u32,
    keys: [u64; Self::ROUNDS],
}

impl Feistel {
    const ROUNDS: usize = 8;
    /// Places that are worked out side by side.
    const LANES: usize = 8;

    pub(super) fn new(n: u64, rng: &mut Rng) -> Self {
        let bits = u64::BITS - (n - 1).leading_zeros();
        Self {
            n,
            half_bits: bits.div_ceil(2),
            keys: std::array::from_fn(|_| rng.next_u64()),
        }
    }

    pub(super) fn get(&self, index: u64) -> u64 {
        if index >= self.n {
            return index;
        }
        let mut at = index;
        loop {
            [at] = self.encrypt([at], |round, right| self.round(round, right));
            if at < self.n {
                return at;
            }
        }
    }

    /// As [`get`](Self::get) for each of `indices`.
    pub(super) fn map(&self, indices: &mut [u64]) {
        self.map_by(indices, |round, right| self.round(round, right));
    }

    /// What round `round` makes of a right half: `half_bits` bits.
    #[inline(always)]
    fn round(&self, round: usize, right: u64) -> u64 {
        mix(right ^ self.keys[round]) & self.mask()
    }

    #[inline(always)]
    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    /// As [`map`](Self::map), with another [`round`](Self::round) that gives the same.
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

/// What rounds give, looked up.
pub(super) trait Tables: Debug + Send + Sync {
    /// Where each of `indices` goes.
    fn map(&self, indices: &mut [u64]);
}

/// The rounds of `network` in tables of at most 128 KiB, for permutations of up to 2^26: they stay in the processor's cache.
/// None above.
pub(super) fn tables(network: &Feistel) -> Option<Box<dyn Tables>> {
    // Arrays of a length that the compiler knows: a look into them needs no check. No larger than they need be, because every
    // order of a class may have some.
    Some(match network.half_bits {
        ..=5 => HalfTables::<{ 1 << 5 }>::of(network),
        6 => HalfTables::<{ 1 << 6 }>::of(network),
        7 => HalfTables::<{ 1 << 7 }>::of(network),
        8 => HalfTables::<{ 1 << 8 }>::of(network),
        9 => HalfTables::<{ 1 << 9 }>::of(network),
        10 => HalfTables::<{ 1 << 10 }>::of(network),
        11 => HalfTables::<{ 1 << 11 }>::of(network),
        12 => HalfTables::<{ 1 << 12 }>::of(network),
        13 => HalfTables::<{ 1 << 13 }>::of(network),
        _ => return None,
    })
}

/// For each round what becomes of each of the `HALVES` right halves.
#[derive(Debug)]
struct HalfTables<const HALVES: usize> {
    network: Feistel,
    rounds: Box<[[u16; HALVES]; Feistel::ROUNDS]>,
}

impl<const HALVES: usize> HalfTables<HALVES> {
    fn of(network: &Feistel) -> Box<dyn Tables> {
        let mut rounds = Box::new([[0; HALVES]; Feistel::ROUNDS]);
        for (round, table) in rounds.iter_mut().enumerate() {
            for (right, to) in (0..).zip(table) {
                *to = network.round(round, right) as u16;
            }
        }
        Box::new(Self {
            network: network.clone(),
            rounds,
        })
    }
}

impl<const HALVES: usize> Tables for HalfTables<HALVES> {
    fn map(&self, indices: &mut [u64]) {
        let look_up = |round: usize, right: u64| u64::from(self.rounds[round][right as usize % HALVES]);
        self.network.map_by(indices, look_up);
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
