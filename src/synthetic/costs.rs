//! What rows of the generators cost, in words: as `docs/performance.md` has it under "Synthetic rows".

/// Of rows of a table.
pub(super) const TABLE: &str = "a row takes about 2 times as long as a stored row of a table";
/// Of rows in a tensor column.
pub(super) const FEATURES: &str =
    "a row takes about 12 times as long as a stored row of 1,280 features, which is microseconds";
/// Of rows in a file.
pub(super) const FILE: &str = "a row takes 1.1 to 1.7 times as long as a stored one";
/// Of blended pictures.
pub(super) const BLENDED: &str = "a picture takes about 10 times as long as a stored photo of 500 x 400, 1.6 times as a stored picture of 28 x 28: write the rows to a file once \
                                  (generate sample) where pictures have to come fast";
/// Of scenes.
pub(super) const DRAWN: &str = "each is drawn: one of 160 x 120 takes about 17 times as long as a stored picture of 28 x 28: write the rows to a file once (generate sample) where \
                                pictures have to come fast";

/// Of rows in these columns of a table, or in a tensor column where there are none.
pub(super) fn of_columns(columns: &[String]) -> &'static str {
    match columns {
        [] => FEATURES,
        _ => TABLE,
    }
}
