//! Rows made by rules and simulations.

mod canvas;
mod cutout;
mod scenes;

pub use scenes::{Scenes, ScenesSpec};
