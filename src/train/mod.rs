//! Training: epochs, checkpoints, resume, and features that are computed once.

pub(crate) mod checkpoint;
pub(crate) mod chunks;
pub mod features;
pub mod fit;
pub mod line_renderer;
pub mod resumable;
pub(crate) mod samples;
pub mod standardised;

pub use features::Extractor;
pub use fit::{Fit, Fitted};
pub use line_renderer::LineRenderer;
pub use resumable::Resumable;
pub use standardised::Standardised;
