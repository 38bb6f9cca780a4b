//! What a run achieved, as numbers, tables, JSON and pictures.
//!
//! [`Confusion`] counts predictions, [`RunFigures`] turns them into the figures that matter where classes are unbalanced, and
//! [`Report`] puts several ways of training side by side. [`picture`] draws them. Nothing here needs a Burn backend, and nothing
//! prints: a [`Table`] displays itself, and files are written whole or not at all.

mod figures;
mod metrics;
mod named;
pub mod picture;
mod quote;
mod shortlist;
mod table;

pub use figures::{ClassCounts, Emitted, RareClass, Report, RunFigures};
pub use metrics::Confusion;
pub use named::Named;
pub(crate) use quote::escaped;
pub use quote::{quoted, shown};
pub(crate) use shortlist::{ascending, shortlist};
pub use table::{Align, Table};
