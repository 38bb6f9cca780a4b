//! Networks that make rows, and their training: conditional VAE and GAN.
//!
//! | kind | what | rows |
//! |---|---|---|
//! | [`VaeSpec`] `vae` | convolutional variational autoencoder | pictures of 16 x 16 to 64 x 64, grey or colours |
//! | [`GanSpec`] `gan` | generative adversarial network | the same |
//! | [`TvaeSpec`] `tvae` | variational autoencoder | tables of numbers and categories |
//! | [`CtganSpec`] `ctgan` | generative adversarial network | the same |
//!
//! One network learns all classes, with the class as its condition, because there are too few rows for one network a class. It trains through
//! the loader, on training rows alone, with the classes in equal shares unless the spec says otherwise.
//!
//! ```no_run
//! use millstream::generative::{FitFolder, VaeSpec, learned_generators};
//! use millstream::rows::Labels;
//! use millstream::source::Parquet;
//! use millstream::synthetic::learned::{LearnedModel, RowsFile, Training, spread};
//! use millstream::train::Existing;
//! use millstream::{Context, Result};
//! use std::sync::Arc;
//!
//! fn main() -> Result<()> {
//!     let cx = Context::new()?;
//!     let rows = cx.block_on(Parquet::open(&cx, "train.parquet"))?;
//!     let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label"))?);
//!     let training = Training { cx: cx.clone(), rows: Arc::new(rows), labels };
//!     let folder = FitFolder::new("generators/vae", Existing::Resume);
//!     folder.fit(&VaeSpec::default(), &training, &mut |at| {
//!         println!("step {} of {}", at.step, at.steps);
//!         Ok(())
//!     })?;
//!
//!     let model = LearnedModel::load("generators/vae", &learned_generators())?;
//!     let rows = spread(1000, &vec![1.0; model.about().classes.len()]);
//!     RowsFile::new("synthetic.parquet", false).write(&cx, &model, &rows, &mut |_| Ok(()))
//! }
//! ```

mod adversaries;
mod average;
mod class_codes;
mod code_distribution;
mod diverged;
mod fit_folder;
mod fit_next;
mod gan;
mod initial;
mod layers;
mod noise;
mod parts;
mod picture_rows;
mod pictures;
mod spectral;
mod steps;
mod table;
mod trained;
mod vae;

pub use fit_folder::FitFolder;
pub use gan::GanSpec;
pub use table::{CtganSpec, TvaeSpec};
pub use vae::VaeSpec;

use crate::spec::Catalog;
use crate::synthetic::learned::{self, LearnedSpec};

/// The learnt generators of this crate, by name.
pub fn learned_generators() -> Catalog<dyn LearnedSpec> {
    learned::learned_generators()
        .learned::<VaeSpec>()
        .learned::<GanSpec>()
        .learned::<TvaeSpec>()
        .learned::<CtganSpec>()
}
