//! What a run achieved, as numbers, tables, JSON and pictures.
//!
//! [`Confusion`] counts predictions, [`RunFigures`] turns them into the figures that matter where classes are unbalanced, and
//! [`Report`] puts several ways of training side by side. [`picture`] draws them. Nothing here needs a Burn backend, and nothing
//! prints: a [`Table`] displays itself, and files are written whole or not at all.

mod comparison;
mod confusion;
mod figures;
mod named;
pub mod picture;
mod shortlist;
mod table;

pub use crate::quote::{quoted, shown};
pub use comparison::{BadRows, Report};
pub use confusion::Confusion;
pub use figures::{ClassCounts, Emitted, RareClass, RunFigures, StandardErrors};
pub use named::Named;
pub use shortlist::{ascending, shortlist};
pub use table::{Align, Table};
