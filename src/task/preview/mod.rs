//! What a fine-tuning run would train on, to look at before it does.
//!
//! Rows come from the pipeline that the run trains on: the same stage, shares and draws at the same positions. Nothing is trained.

mod belongings;
mod instances;
mod open;
mod phase;
mod rows;
mod samples;
mod sheet;
mod shown;
mod steps;

pub use open::Preview;
pub use phase::TrainingPhase;
pub use rows::PreviewRows;
pub use samples::{PreviewGroup, PreviewSample, PreviewSamples};
pub use sheet::PreviewSheet;
pub use steps::PreviewSteps;
