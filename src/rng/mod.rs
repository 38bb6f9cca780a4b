//! The only place that is random.
//!
//! Every draw comes from a counter-based generator that is keyed by *what* is drawn, never by *when*: the key is
//! (seed, stage name), the stream is the position, the counter is the number of draws so far. Two rows never share a
//! stream, so neither threads nor order nor a resume can move a draw.
//!
//! The generator is ChaCha8 (Bernstein 2008), the one behind `rand`'s own.
//!
//! # Which draws are frozen
//!
//! The raw bits of a [`Rng`], its own methods ([`below`](Rng::below), [`unit`](Rng::unit), [`normal`](Rng::normal), ..),
//! [`Permutation`] and [`stream`] give the same values in every release of a major version. Golden tests hold them, and all
//! that this crate draws is drawn with them.
//!
//! A [`Rng`] also implements the traits of [`rand_core`], so everything in `rand` 0.10 and `rand_distr` 0.6 can draw from it.
//! The bits are the same ones, but what those crates make of them may change from one of their releases to the next: keep
//! their versions in your `Cargo.lock` for as long as a run has to be repeated.
//!
//! ```
//! use millstream::rng::Rng;
//! use rand::RngExt;
//! use rand::seq::SliceRandom;
//! use rand_distr::{Distribution, Poisson};
//!
//! let mut rng = Rng::new(7, "rain", 42); // seed, name of the stage, position
//! let threshold = rng.range(0.2, 0.8); // frozen
//! let drops: f64 = Poisson::new(12.0)?.sample(&mut rng); // rand_distr's
//! let column = rng.random_range(0..640); // rand's
//! let mut channels = [0, 1, 2];
//! channels.shuffle(&mut rng); // rand's
//! # assert!((0.2..0.8).contains(&threshold) && drops >= 0.0 && column < 640);
//! # assert_eq!(channels.iter().sum::<i32>(), 3);
//! # Ok::<(), rand_distr::PoissonError>(())
//! ```
//!
//! How many bits such a draw takes is rand's matter as well, so frozen draws that follow it in the same stream may move with
//! it. Draw them first.

mod distributions;
mod feistel;
mod generator;
mod permutation;

pub use chacha20::rand_core;
pub use generator::{Rng, stream};
pub use permutation::Permutation;
pub(crate) use permutation::TabledPermutation;
