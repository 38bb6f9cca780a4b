//! Generators that are fitted once and kept: VAE, GAN, copula.
//!
//! ```text
//! a spec  --fit(training rows)-->  a model  --save, load-->  a folder
//!                                    |
//!                                  sample(class, index)  -->  a file of rows, which is mixed in as any other source
//! ```
//!
//! What a network computes is not promised to be the same on another machine, so a model never runs inside `take`: its rows are
//! written once ([`RowsFile`]), and the file is what training reads.
//!
//! A kind has a [`LearnedSpec`], its parameters, and a [`Learned`], what is fitted. [`LearnedModel`] is what people hold: a fitted
//! generator that says which rows it was fitted on. Any other generator is written once in the same way, as a [`FittedGenerator`]:
//! scenes and blends cost many times a stored picture.

mod about;
mod candidates;
mod catalog;
mod definition;
mod fitted_generator;
mod learned_model;
mod model_folder;
mod objects_beside;
mod progress;
mod row_maker;
mod rows_file;
mod training;
mod written_labels;

pub use about::About;
pub use catalog::learned_generators;
pub use definition::{BLOCK, Learned, LearnedSpec};
pub use fitted_generator::FittedGenerator;
pub use learned_model::LearnedModel;
pub use model_folder::{MODEL_FILE, Parts};
pub use progress::{FitProgress, FitRun, GateProgress};
pub use row_maker::RowMaker;
pub use rows_file::{RowsFile, spread};
pub use training::Training;
