//! Data of the library as text for a terminal.

mod inspection;
mod leaks;
mod masks;
pub(crate) mod plan;
pub(crate) mod preview;
mod quality;
mod recognised;
mod schema;
mod speed;
pub(crate) mod wrap;

/// Data of the library, which displays as this program shows it.
pub(crate) struct Text<'a, T>(pub(crate) &'a T);
