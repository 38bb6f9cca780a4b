//! Millstream.

pub mod rng;
