//! The only place that remembers something: which row comes next.

mod batch;
mod builder;
mod depth;
mod feed;
mod journal;
mod on_error;
mod provenance;
mod slots;
mod stream;

pub use batch::Batch;
pub use builder::LoaderBuilder;
pub use on_error::{OnError, Replaced};
pub use slots::Last;
pub use stream::{Blocking, Loader};

pub(crate) use feed::Feed;
#[cfg(feature = "train")]
pub(crate) use on_error::is_replaceable;
