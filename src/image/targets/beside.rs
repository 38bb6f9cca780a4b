//! Lists beside a column of boxes or points, which have an item for each, and of which a stage was not told.

use crate::error::{Error, Result};
use crate::rows::Lying;
use arrow::datatypes::{DataType, Schema};

/// What boxes are called in a sentence, and in code.
pub(in crate::image) const BOXES: [&str; 2] = ["boxes", "Boxes"];
/// What points are called in a sentence, and in code.
pub(super) const POINTS: [&str; 2] = ["keypoints", "Keypoints"];

/// The lists beside `column` among `below`, as `objects.area` is beside `objects.bbox`, but for `told`.
///
/// A list of a name without such a beginning may belong to the row. So may a value of the row, and a list of a fixed length.
pub(super) fn lists_beside(below: &Schema, column: &str, told: &[&str]) -> Vec<String> {
    let Some((of, _)) = column.rsplit_once('.') else {
        return Vec::new();
    };
    let is_list = |kind: &DataType| {
        matches!(
            kind,
            DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_)
        )
    };
    let fields = below.fields().iter().filter(|field| is_list(field.data_type()));
    let beside = fields.filter(|field| field.name().rsplit_once('.').is_some_and(|(own, _)| own == of));
    let names = beside.map(|field| field.name().as_str());
    let left = names.filter(|name| *name != column && !told.contains(name));
    left.map(str::to_owned).collect()
}

/// As [`lists_beside`], without keypoints that lie in a picture: a stage knows those by what they are.
pub(in crate::image) fn plain_lists_beside(below: &Schema, column: &str, told: &[&str]) -> Vec<String> {
    let is_points = |name: &String| {
        let field = below.field_with_name(name);
        field.is_ok_and(|field| Lying::Keypoints.is_said_of(field))
    };
    let mut lists = lists_beside(below, column, told);
    lists.retain(|name| !is_points(name));
    lists
}

/// Refuses the `lists` beside `column`, if there are any. `why` says what becomes of the items of `column`, which are [`BOXES`] or [`POINTS`].
///
/// # Errors
///
/// `Config` where there is one.
pub(in crate::image) fn refuse_beside(lists: &[String], column: &str, target: [&str; 2], why: &str) -> Result<()> {
    match lists {
        [] => Ok(()),
        lists => Err(Error::config(unnamed(lists, column, target, why))),
    }
}

/// What is wrong with `lists` beside `column` of which a stage was not told, and what to do.
pub(super) fn unnamed(lists: &[String], column: &str, [target, named]: [&str; 2], why: &str) -> String {
    let names: Vec<String> = lists.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "what is in {} would stay as it is, and no longer belong to the {target} in \"{column}\" beside it: {why}; name what has an item for each with \
         `{named}::label_fields`, and take away the rest with `project`",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;

    #[test]
    fn lists_of_the_same_beginning_lie_beside() {
        let list = |name: &str| Field::new_list(name, Field::new_list_field(DataType::Int64, true), false);
        let below = Schema::new(vec![
            list("objects.bbox"),
            list("objects.area"),
            list("objects.category"),
            list("others.area"),
            list("tags"),
            Field::new("objects.count", DataType::Int64, false),
            Field::new_fixed_size_list(
                "objects.mean",
                Field::new_list_field(DataType::Float32, false),
                4,
                false,
            ),
        ]);
        let beside = |column: &str, told: &[&str]| lists_beside(&below, column, told);
        assert_eq!(beside("objects.bbox", &["objects.category"]), ["objects.area"]);
        assert_eq!(beside("objects.bbox", &[]), ["objects.area", "objects.category"]);
        assert!(beside("tags", &[]).is_empty() && beside("others.area", &[]).is_empty());
    }
}
