//! What is in a row: adapters that rewrite rows on the way up.

mod cached;
mod cast;
mod class_encoded;
mod column;
mod concat;
mod converted;
mod fill_null;
mod filter;
mod known_class;
mod labels;
mod lengths;
mod lying;
mod made_rows;
mod map;
mod map_batch;
#[cfg(feature = "train")]
mod marked;
mod mixed;
#[cfg(feature = "train")]
mod mixed_views;
mod objects;
mod one_schema;
mod output;
mod partners;
mod ports;
mod project;
mod row;
pub(crate) mod scan_cache;
mod scan_rows;
mod split;
mod split_key;
mod stage;
mod stage_columns;
mod step;
mod transformed;
mod views;
mod zip;

pub use cached::{Cached, CachedSpec};
pub use cast::Cast;
pub(crate) use class_encoded::encoded_schema;
pub use class_encoded::{ClassEncoded, ClassesSpec};
pub use concat::{Concat, ConcatSpec};
pub use converted::Converted;
pub use fill_null::{Fill, FillNull, FillValue};
pub use filter::{Filter, Filtered};
pub use labels::{AnyLabels, Bins, CLASS_NAMES, Equals, Expression, Key, LabelKind, Labels, MultiLabels, Survey};
pub(crate) use labels::{is_row_key, row_key_in_words};
pub(crate) use lying::{LIES_IN, LeftBehind, Lying};
pub(crate) use made_rows::MadeRows;
pub(crate) use made_rows::stored_rows;
pub use map::Map;
pub use map_batch::{MapBatch, MapBatchSpec};
#[cfg(feature = "train")]
pub(crate) use marked::Marked;
pub use mixed::Mixed;
#[cfg(feature = "train")]
pub(crate) use mixed_views::MixedViews;
#[cfg(feature = "train")]
pub(crate) use objects::KnownClasses;
pub use objects::{
    BOX_FORMAT, BoxFormat, FlatObjects, KeypointNames, ObjectLayout, ObjectReader, ObjectSurvey, Objects, ObjectsSpec,
};
pub(crate) use objects::{find_instances, find_objects, said_of_objects, with_boxes_apart};
pub(crate) use one_schema::one_schema;
pub use partners::{CutMix, MixUp, Mixing};
pub(crate) use partners::{MixStage, Rule, Windows};
pub use ports::{DType, Output, Read, Shape};
pub use project::{Project, Projected};
pub use row::{Draws, Element, Out, Row};
#[cfg(feature = "train")]
pub(crate) use split_key::SplitKey;
#[cfg(feature = "train")]
pub(crate) use split_key::shared_group;
pub use stage::{Bound, Partner, Partners, Run, Stage};
pub(crate) use stage_columns::StageColumns;
pub use transformed::Transformed;
pub use views::{Views, ViewsSpec};
pub use zip::{Zip, ZipSpec};
