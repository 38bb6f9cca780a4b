//! Rows that are objects: how they are known.

use crate::dataset::Stable;

/// What the plan calls objects that were cut out by their boxes.
pub(super) const NAME: &str = "box_cutouts";

/// Whether each of `rows` is such an object.
pub(super) fn are_objects(rows: &dyn Stable) -> bool {
    rows.describe().name() == NAME
}
