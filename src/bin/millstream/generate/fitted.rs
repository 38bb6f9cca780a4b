//! What a generator was fitted on, in words.

use millstream::arrow::datatypes::{DataType, Schema};
use millstream::quote::counted;
use millstream::report::shown;
use millstream::synthetic::learned::About;

/// Names that a line has at most.
const NAMED: usize = 12;
/// Columns of a name.
const WIDTH: usize = 40;

/// How many rows, and of which classes.
pub(super) fn rows(about: &About) -> String {
    let classes = about.classes.iter().zip(&about.counts);
    let classes = classes.map(|(name, count)| format!("{} {count}", shown(name, WIDTH)));
    format!(
        "fitted on {} of {}: {}",
        counted(about.counts.iter().sum::<u64>(), "row"),
        counted(about.classes.len(), "class"),
        listed(classes.collect())
    )
}

/// Which columns of `schema` were learnt, by kind: of pictures these alone, of a table numbers and categories.
pub(super) fn columns(schema: &Schema, label: &str, pictures: bool) -> String {
    let of = |is: &dyn Fn(&DataType) -> bool| -> Vec<String> {
        let fields = schema.fields().iter();
        let those = fields.filter(|field| field.name() != label && is(field.data_type()));
        those.map(|field| shown(field.name(), WIDTH)).collect()
    };
    let kinds = match pictures {
        true => vec![("of pictures", of(&|_| true))],
        false => vec![
            ("of numbers", of(&DataType::is_numeric)),
            ("of categories", of(&|kind| !kind.is_numeric())),
        ],
    };
    let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    let kinds: Vec<String> = kinds
        .map(|(what, names)| format!("{} {what} ({})", names.len(), listed(names)))
        .collect();
    format!("columns: {}; classes: {}", kinds.join(", "), shown(label, WIDTH))
}

fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::arrow::datatypes::Field;

    #[test]
    fn columns_are_named_by_their_kind() {
        let field = |name: &str, kind: DataType| Field::new(name, kind, true);
        let table = Schema::new(vec![
            field("age", DataType::Int64),
            field("town", DataType::Utf8),
            field("kind", DataType::Int64),
            field("height", DataType::Float64),
        ]);
        assert_eq!(
            columns(&table, "kind", false),
            "columns: 2 of numbers (age, height), 1 of categories (town); classes: kind"
        );
        let pictures = Schema::new(vec![field("image", DataType::Binary), field("kind", DataType::Utf8)]);
        assert_eq!(
            columns(&pictures, "kind", true),
            "columns: 1 of pictures (image); classes: kind"
        );
        let many = (0..20).map(|at| at.to_string()).collect();
        assert_eq!(listed(many), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more");
    }
}
