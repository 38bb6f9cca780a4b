//! Rows made by rules and simulations.

mod canvas;
mod cutout;
mod scene;
mod scene_columns;
mod scenes;
mod scenes_spec;

pub use scenes::Scenes;
pub use scenes_spec::ScenesSpec;
