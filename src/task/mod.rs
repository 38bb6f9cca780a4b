//! What is learnt: from a dataset to a model, its predictions and its figures.

pub mod bad_rows;
pub(crate) mod begin;
pub(crate) mod content;
pub mod datasets;
pub(crate) mod evaluation;
pub mod finetune;
pub mod picture;
pub mod predict;
pub mod replay;
pub mod run_folder;
pub(crate) mod worth;

pub use bad_rows::{BadRow, OnBadRow, Stands};
pub use datasets::Task;
pub use finetune::{Callback, Event, Finetune, Prepared, Strategy};
pub use predict::{Output, predict};
pub use replay::{Replay, ReplayedRow};
pub use run_folder::Existing;
