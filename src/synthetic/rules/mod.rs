//! Rows made by rules and simulations.

mod background;
#[cfg(feature = "train")]
mod box_cutout;
mod canvas;
mod cutout;
mod keypoints;
mod scene;
mod scene_columns;
mod scenes;
mod scenes_spec;
mod shape;
mod simulated_rows;

pub use background::{SceneBackground, ScenePictures};
#[cfg(feature = "train")]
pub(crate) use box_cutout::{cut_box, part_of_box};
pub use keypoints::SceneKeypoints;
pub use scenes::Scenes;
pub use scenes_spec::ScenesSpec;
pub use shape::SceneShape;
pub use simulated_rows::SimulatedRows;
