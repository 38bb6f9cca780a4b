//! What a run achieved, as numbers, tables, JSON and pictures.
//!
//! [`Confusion`] counts predictions, [`Measured`] has the figures of any task with their standard errors, [`RunFigures`] those of one
//! run, and [`Report`] puts several ways of training side by side. [`picture`] draws them. Nothing here needs a Burn backend, and nothing
//! prints: a [`Table`] displays itself, and files are written whole or not at all.

mod comparison;
mod confusion;
mod detection;
mod figures;
mod history;
pub mod html;
mod measured;
mod named;
pub mod picture;
mod resamples;
mod segmentation;
mod shortlist;
mod table;
mod words;
mod written;

pub use crate::quote::{quoted, shown};
pub use comparison::{BadRows, CellCounts, GateRows, Report};
pub use confusion::{Confusion, share_error};
pub use detection::{DetectionFigures, FoundBox, PrecisionRecall, ThresholdCurve, TrueBox};
pub use figures::{ClassCounts, Emitted, RareClass, RunFigures};
#[cfg(feature = "train")]
pub(crate) use history::append_history;
pub use history::{Epoch, read_history, write_history};
pub use measured::{Figure, Measured};
pub use named::Named;
pub use resamples::Resamples;
pub use segmentation::SegmentationFigures;
pub use shortlist::{ascending, shortlist};
pub use table::{Align, Table};
pub use words::figure_in_words;
pub(crate) use words::in_digits;
#[cfg(feature = "train")]
pub(crate) use words::{share_with_error, with_error};
