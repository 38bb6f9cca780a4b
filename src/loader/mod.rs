//! The only place that remembers something: which row comes next.

mod batch;
mod batch_sampler;
mod builder;
mod class_prior;
mod depth;
mod fetcher;
mod follow;
mod journal;
mod on_error;
mod pass;
mod provenance;
mod spec;
mod stream;
mod synthetic_cost;

pub use batch::Batch;
pub use batch_sampler::LastBatch;
pub use builder::LoaderBuilder;
pub use class_prior::ClassPrior;
pub use on_error::{OnError, Replaced};
pub use spec::LoaderSpec;
pub use stream::{Blocking, Loader};

pub(crate) use fetcher::Fetcher;
#[cfg(feature = "train")]
pub(crate) use on_error::is_replaceable;
#[cfg(feature = "train")]
pub(crate) use pass::Pass;
