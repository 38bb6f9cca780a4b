//! Columns that tell rows apart, and so name no classes.

use crate::quote::quoted;

/// Rows up to which classes of one row each are not questioned.
const FEW: u64 = 20;

/// Whether values that come in so many rows each are those of a row's key: many, and another one in every row.
pub(crate) fn is_row_key(rows: u64, counts: &[u64]) -> bool {
    rows > FEW && counts.iter().filter(|&&count| count > 0).count() as u64 == rows
}

/// Why `column`, which is a row's key, was not taken for the label; it, or another one of `candidates`, can be named.
pub(crate) fn row_key_in_words(column: &str, rows: u64, candidates: &[String]) -> String {
    format!(
        "which column is the label? column {} has another value in each of its {rows} rows, as a row's key has; it could be {}; \
         name one",
        quoted(column),
        candidates.join(", ")
    )
}
