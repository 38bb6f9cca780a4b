//! What rows of the generators cost, in words: as `docs/performance.md` has it under "Synthetic rows".

/// Of rows of a table.
pub(super) const TABLE: &str = "a row takes about 2 to 5 times as long as a stored row of a table";
/// Of rows in a tensor column.
pub(super) const FEATURES: &str =
    "a row takes about 10 to 20 times as long as a stored row of 1,280 features, which is microseconds";
/// Of rows in a tensor column, each number of which has a random draw.
const JITTERED: &str = "a row takes about 70 times as long as a stored row of 1,280 features, a draw for each of them";
/// How many times a stored row of 1,280 features a row of `calibrated` takes where it sums [`RESIDUALS`] residuals.
const CALIBRATED: u32 = 140;
/// Default number of residuals of `calibrated`.
const RESIDUALS: usize = 16;
/// Of a closure, which may do anything.
pub(super) const CLOSURE: &str = "what a row costs is not known, since a closure makes it";
/// Of rows in a file.
pub(super) const FILE: &str =
    "a picture takes as long as a stored one, a row of a table up to 5 times, which is microseconds";
/// Of blended pictures.
pub(super) const BLENDED: &str = "a picture takes about 10 times as long as a stored photo of 500 x 400, 1.3 to 1.6 times as a stored picture of 28 x 28: write the rows to a file once \
                                  (generate sample) where pictures have to come fast";
/// Of scenes.
pub(super) const DRAWN: &str = "each is drawn: one of 160 x 120 takes about 17 times as long as a stored picture of 28 x 28: write the rows to a file once (generate sample) where \
                                pictures have to come fast";

/// Of rows of `calibrated`, each a sum of `rank` residuals.
pub(super) fn calibrated(rank: usize) -> String {
    let own = match rank {
        RESIDUALS => String::new(),
        _ => format!(" with {RESIDUALS} residuals (`rank`), and its time goes with their number, here {rank}"),
    };
    format!("a row takes about {CALIBRATED} times as long as a stored row of 1,280 features{own}")
}

/// Of rows whose numbers in these columns of a table are jittered, or in a tensor column where there are none.
pub(super) fn jittered(columns: &[String]) -> &'static str {
    match columns {
        [] => JITTERED,
        _ => TABLE,
    }
}

/// Of rows in these columns of a table, or in a tensor column where there are none.
pub(super) fn of_columns(columns: &[String]) -> &'static str {
    match columns {
        [] => FEATURES,
        _ => TABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_residuals_has_a_cost_of_its_own() {
        assert_eq!(
            calibrated(16),
            "a row takes about 140 times as long as a stored row of 1,280 features"
        );
        let more = calibrated(64);
        assert!(
            more.ends_with(" with 16 residuals (`rank`), and its time goes with their number, here 64"),
            "{more}"
        );
        assert_eq!(crate::synthetic::CalibratedSpec::default().rank, RESIDUALS);
    }
}
