//! The generator, and the keys of its streams.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Infallible, Rng as _, SeedableRng, TryRng};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// A stream of random numbers for one position of one stage under one seed.
///
/// Implements `rand`'s traits: see the [module](super) for an example and for which draws are frozen. It is no
/// `CryptoRng`: a reader of the seed knows the draws.
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
}

/// The same bits for `rand`, which makes a `rand::Rng` of it.
impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
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
    use rand::seq::SliceRandom;
    use rand_distr::{Distribution, Poisson};

    #[test]
    fn few_parts_are_hashed_as_many_are() {
        let parts = [3, u64::MAX, 0, 7, 1 << 40, 9];
        for count in 0..parts.len() {
            let bytes: Vec<u8> = parts[..count].iter().flat_map(|part| part.to_le_bytes()).collect();
            assert_eq!(stream(&parts[..count]), xxh3_64(&bytes), "{count}");
        }
    }

    #[test]
    fn rand_draws_the_frozen_bits() {
        fn draws(rng: &mut impl rand::Rng) -> (u32, u64, [u8; 5]) {
            let (word, long, mut bytes) = (rng.next_u32(), rng.next_u64(), [0; 5]);
            rng.fill_bytes(&mut bytes);
            (word, long, bytes)
        }
        let (rng, mut own) = (|| Rng::new(42, "golden", 7), [0; 5]);
        let mut ours = rng();
        let (word, long) = (ours.next_u32(), ours.next_u64());
        ours.fill(&mut own);
        assert_eq!(draws(&mut rng()), (word, long, own));
        assert_ne!(draws(&mut Rng::new(42, "golden", 8)).0, word);
    }

    #[test]
    fn distributions_of_rand_are_those_that_they_name() {
        const DRAWS: u32 = 20_000;
        let mut rng = Rng::new(3, "poisson", 0);
        let poisson = Poisson::new(12.0).unwrap();
        let drawn: Vec<f64> = (0..DRAWS).map(|_| poisson.sample(&mut rng)).collect();
        let mean = drawn.iter().sum::<f64>() / f64::from(DRAWS);
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(DRAWS);
        // Both are 12: to four standard errors, 0.024 and 0.12.
        assert!(
            (mean - 12.0).abs() < 0.1 && (variance - 12.0).abs() < 0.5,
            "{mean} {variance}"
        );
        let mut order: Vec<u32> = (0..50).collect();
        order.shuffle(&mut rng);
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert!(order.into_iter().eq(0..50));
    }
}
