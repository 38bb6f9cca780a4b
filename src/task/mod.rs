//! Tasks: from datasets to a trained model, its predictions and its figures.

pub mod bad_rows;
pub mod datasets;
pub(crate) mod evaluation;
pub mod event;
pub mod finetune;
pub(crate) mod fingerprint;
pub(crate) mod manifest;
pub mod picture;
pub mod predict;
pub mod prediction_file;
pub(crate) mod preflight;
pub mod prepare;
pub mod replay;
pub(crate) mod run;
pub(crate) mod run_folder;
pub mod saved_model;
pub mod strategy;
pub(crate) mod training;
pub(crate) mod warnings;

pub use bad_rows::{BadRow, OnBadRow, RowLocation};
pub use datasets::Datasets;
pub use event::{Callback, Event};
pub use finetune::Finetune;
pub use predict::Predict;
pub use prediction_file::PredictionFile;
pub use prepare::Prepared;
pub use replay::{Replay, ReplayedRow};
pub use saved_model::ClassifierConfig;
pub use strategy::Strategy;
