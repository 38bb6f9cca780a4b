//! A gate before a generator: single rows that fall outside are refused and drawn anew, and a generator whose rows do is refused as a whole.

mod check;
mod compared;
mod fitted;
mod fitting;
mod gated;
mod judged;
mod limits;
mod memory;
mod spec;

pub use check::ClassCheck;
pub use compared::RowFeatures;
pub use fitted::{Gate, Refusal};
pub use fitting::GateFit;
pub use gated::{Gated, GeneratorExt};
pub(in crate::synthetic) use judged::reasons as refusals_in_words;
pub use judged::{GateCounts, Judged};
pub use limits::GateLimits;
pub use spec::GateSpec;
