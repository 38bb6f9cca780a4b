//! Tasks: what is learnt, and how: from datasets to a trained model, its predictions and its figures.
//!
//! A [`Task`] says what the target column holds, which head there is, what it is trained on, what it predicts and how good that is:
//! [`Classify`], [`MultiLabel`], [`Regress`], or one of your own. [`Finetune`] trains it, [`Predict`] uses what was trained.

pub mod bad_rows;
pub mod catalog;
mod choose;
pub mod classify;
pub mod datasets;
pub mod definition;
pub(crate) mod epoch_log;
pub mod evaluate;
pub(crate) mod evaluation;
pub mod event;
mod find;
pub mod finetune;
pub(crate) mod fingerprint;
mod finite;
mod fixed_maps;
mod inputs;
mod loaders;
pub(crate) mod manifest;
pub mod multilabel;
pub mod on_bad_row;
pub(crate) mod outcome;
pub mod picture;
pub mod predict;
pub mod prediction_file;
pub(crate) mod preflight;
pub mod prepare;
pub mod preview;
pub mod regress;
pub mod replay;
pub(crate) mod row_results;
pub(crate) mod run;
pub(crate) mod run_folder;
pub mod saved_model;
mod shared_pictures;
pub mod spec;
pub mod strategy;
pub mod targets;
pub(crate) mod training;
mod training_order;
pub(crate) mod warnings;

pub use bad_rows::{BadRow, RowLocation};
pub use catalog::{NamedTask, tasks};
pub use classify::Classify;
pub use datasets::Datasets;
pub use definition::{Evaluation, Input, Priors, Split, Task, Truth};
pub use evaluate::{Evaluate, Labelled};
pub use event::{Callback, Event};
pub use finetune::Finetune;
pub use multilabel::MultiLabel;
pub use on_bad_row::OnBadRow;
pub use predict::Predict;
pub use prediction_file::PredictionFile;
pub use prepare::{PooledFeatures, Prepared};
pub use preview::{Preview, TrainingPhase};
pub use regress::{Regress, RegressionLoss};
pub use replay::{Replay, ReplayedRow};
pub use saved_model::ModelConfig;
pub use shared_pictures::SharedPictures;
pub use spec::{AugmentOptions, DataOptions, DataSource, FinetuneSpec, MachineOptions, ModelOptions, TrainOptions};
pub use strategy::Strategy;
pub use targets::{TargetKind, Targets};
