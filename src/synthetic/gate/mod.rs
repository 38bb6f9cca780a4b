//! A gate before a generator: single rows that fall outside are refused and drawn anew, and a generator whose rows do is refused as a whole.

mod check;
mod fitted;
mod gated;
mod spec;

pub use check::{ClassCheck, GateLimits};
pub use fitted::{Gate, Refusal};
pub use gated::{GateCounts, Gated, GeneratorExt};
pub use spec::GateSpec;
