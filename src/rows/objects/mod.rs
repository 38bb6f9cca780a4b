//! The objects of a picture as detection datasets store them: a box and a class each, in lists.

mod apart;
mod classes;
mod find;
mod flat;
mod flattened;
mod format;
mod keypoint_names;
mod layout;
mod numbers;
mod placement;
mod reader;
mod stored;
mod survey;

pub(crate) use apart::with_boxes_apart;
#[cfg(feature = "train")]
pub(crate) use classes::KnownClasses;
pub(crate) use find::{find_instances, find_objects, said_of_objects};
pub use flattened::{FlatObjects, ObjectsSpec};
pub use format::{BOX_FORMAT, BoxFormat};
pub use keypoint_names::KeypointNames;
pub use layout::ObjectLayout;
pub use reader::{ObjectReader, Objects};
pub use survey::ObjectSurvey;
