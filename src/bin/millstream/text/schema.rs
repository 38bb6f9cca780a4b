//! The columns of an inspection as a table.

use super::wrap::TERMINAL;
use millstream::inspect::{Column, ColumnField, Inspection};
use millstream::quote::{escaped, shown};
use millstream::report::{Align, Table};
use unicode_width::UnicodeWidthStr;

/// Columns of a terminal that a type may take, however long the names beside it are.
const LEAST: usize = 30;
/// Columns of a terminal between those of the table.
const GAPS: usize = 4;

/// The columns with their types, and what they may hold.
pub(super) fn schema(found: &Inspection) -> Table {
    let what = |column: &Column| {
        let word = |is: bool, chosen: &Option<String>, word: &str| match is {
            true if chosen.as_ref() == Some(&column.name) => word.to_owned(),
            true => format!("{word}?"),
            false => String::new(),
        };
        let image = word(column.image, &found.images.column, "image");
        let label = word(column.label, &found.labels.column, "label");
        let both = [image, label].into_iter().filter(|word| !word.is_empty());
        both.collect::<Vec<_>>().join(" ")
    };
    let head = ["column", "type", "what"];
    let widest = |head: &str, cell: &dyn Fn(&Column) -> usize| {
        let cells = found.columns.iter().map(cell);
        cells.chain([head.width()]).max().unwrap_or(0)
    };
    let names = widest(head[0], &|column| shown(&column.name, usize::MAX).width());
    let words = widest(head[2], &|column| what(column).width());
    let room = TERMINAL.saturating_sub(GAPS + names + words).max(LEAST);
    let mut table = Table::new(head.map(|name| (name, Align::Left)));
    for column in &found.columns {
        table.push([column.name.clone(), type_in(column, room), what(column)]);
    }
    table
}

/// The type of `column` in `room` columns of a terminal: of structs whose fields do not fit with their types the names alone, of more names than
/// fit the first ones, and how many more there are. Another type that is longer is left to the table, which cuts it.
fn type_in(column: &Column, room: usize) -> String {
    let fields = &column.fields;
    if column.data_type.width() <= room || fields.is_empty() {
        return column.data_type.clone();
    }
    let structs = match column.data_type.starts_with("Struct") {
        true => "struct of",
        false => "list of structs of",
    };
    let first = |many: usize, field: fn(&ColumnField) -> String| {
        let some: Vec<String> = fields.iter().take(many).map(field).collect();
        match fields.len() - some.len() {
            0 => format!("{structs} {}", some.join(", ")),
            more => format!("{structs} {} and {more} more", some.join(", ")),
        }
    };
    // Which fields there are tells more than the types of the first ones.
    let typed: fn(&ColumnField) -> String = |field| format!("{}: {}", escaped(&field.name), field.data_type);
    let named: fn(&ColumnField) -> String = |field| escaped(&field.name).into_owned();
    let names = (1..=fields.len()).rev().map(|many| (many, named));
    let all = [(fields.len(), typed)].into_iter().chain(names);
    let mut all = all.map(|(many, field)| first(many, field));
    let fitting = all.find(|text| text.width() <= room);
    fitting.unwrap_or_else(|| format!("{structs} {} fields", fields.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &str, fields: &[(&str, &str)]) -> Column {
        let of = fields.iter().map(|(name, of)| format!("\"{name}\": {of}"));
        Column {
            name: "objects".to_owned(),
            data_type: format!("{kind}({})", of.collect::<Vec<_>>().join(", ")),
            fields: (fields.iter())
                .map(|(name, of)| ColumnField {
                    name: (*name).to_owned(),
                    data_type: (*of).to_owned(),
                })
                .collect(),
            image: false,
            label: true,
        }
    }

    #[test]
    fn a_type_that_is_too_long_has_whole_fields() {
        let fields = [
            ("bbox", "List(Float32)"),
            ("category", "Int64"),
            ("segmentation", "List(List(Float32))"),
        ];
        let of = column("Struct", &fields);
        assert_eq!(type_in(&of, 200), of.data_type);
        assert_eq!(
            type_in(&of, 84),
            "struct of bbox: List(Float32), category: Int64, segmentation: List(List(Float32))"
        );
        for room in [38, 60, 80] {
            assert_eq!(type_in(&of, room), "struct of bbox, category, segmentation");
        }
        assert_eq!(type_in(&of, 36), "struct of bbox, category and 1 more");
        assert_eq!(type_in(&of, 20), "struct of 3 fields");
        let lists = column("List", &fields);
        assert_eq!(type_in(&lists, 44), "list of structs of bbox, category and 1 more");
        let plain = Column {
            fields: Vec::new(),
            ..of
        };
        assert_eq!(type_in(&plain, 20), plain.data_type);
    }
}
