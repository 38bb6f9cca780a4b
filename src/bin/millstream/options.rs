//! What the library says of its fields, in the words of the program, which has an option for each.

/// What the library says, and what the program does.
const WORDS: [(&str, &str); 9] = [
    (
        "set voc_from to 0 then, and to 1",
        "import with --voc-from 0 then, and with --voc-from 1",
    ),
    ("voc_from is of the corners", "--voc-from is of the corners"),
    ("leave voc_from out", "leave --voc-from out"),
    ("instances are asked for", "--instances true asks for masks"),
    ("instances are masks of the", "--instances true asks for masks of the"),
    ("with instances = true the", "with --instances true the"),
    ("leave instances out", "leave --instances out"),
    // A column is named by itself, whatever it lies in.
    (", to be named among the columns to be read (`Parquet::columns`)", ""),
    (": name it among the columns to be read (`Parquet::columns`)", ""),
];

/// What the library `said`, with options in place of its fields.
pub(crate) fn as_options(said: &str) -> String {
    WORDS
        .iter()
        .fold(said.to_owned(), |said, &(field, option)| said.replace(field, option))
}

/// What the library `said` of a format of boxes, with the option that names it: in a report, where no error adds it.
pub(crate) fn with_boxes_option(said: &str) -> String {
    said.replace(
        "in the field boxes (task.detect.boxes of a recipe)",
        "with --boxes (task.detect.boxes of a recipe)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_options() {
        for (said, wanted) in [
            (
                "no column \"area\"; do you mean \"objects.area\", to be named among the columns to be read (`Parquet::columns`)?",
                "no column \"area\"; do you mean \"objects.area\"?",
            ),
            (
                "2 of 3 objects have no outline: with instances = true the boxes stand in",
                "2 of 3 objects have no outline: with --instances true the boxes stand in",
            ),
            ("the column \"instances\"", "the column \"instances\""),
        ] {
            assert_eq!(as_options(said), wanted);
        }
    }
}
