//! Training: epochs, checkpoints, resume, and features that are computed once. Knows neither tasks nor media.

mod ahead;
pub mod auto_balance;
pub(crate) mod checkpoint;
mod checkpoint_owner;
mod epoch_steps;
pub mod existing;
pub(crate) mod failed_rows;
pub(crate) mod feature_cache;
mod feature_columns;
pub mod feature_progress;
pub mod features;
pub mod fit;
pub mod line_renderer;
pub mod loss;
pub mod rates;
pub mod resumable;
pub(crate) mod sample_log;
pub mod standardised;

pub use auto_balance::AutoBalance;
pub use epoch_steps::EpochSteps;
pub use existing::Existing;
pub use feature_progress::FeatureProgress;
pub use features::Extractor;
pub use fit::{Best, Fit, Fitted, Options, Selection};
pub use line_renderer::LineRenderer;
pub use rates::RateGroups;
pub use resumable::Resumable;
pub use standardised::Standardised;
