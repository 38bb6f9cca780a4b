//! What rows of the generators cost, in words: as `docs/performance.md` has it under "Synthetic rows".

use crate::quote::counted;

/// Of rows of a table.
pub(super) const TABLE: &str = "a row takes about 2 times as long as a stored row of a table";
/// Of rows in a tensor column.
pub(super) const FEATURES: &str =
    "a row takes about 12 times as long as a stored row of 1,280 features, which is microseconds";
/// How many times a stored row of 1,280 features a row of `calibrated` takes where it sums [`RESIDUALS`] residuals: the line `calibrated` of
/// `cargo bench --bench synthetic`. None as long as it was not measured.
const CALIBRATED: Option<u32> = None;
/// Residuals of `calibrated` where nobody says otherwise.
const RESIDUALS: usize = 16;
/// Of a closure, which may do anything.
pub(super) const CLOSURE: &str = "what a row costs is not known, since a closure makes it";
/// Of rows in a file.
pub(super) const FILE: &str = "a row takes 1.1 to 1.7 times as long as a stored one";
/// Of blended pictures.
pub(super) const BLENDED: &str = "a picture takes about 10 times as long as a stored photo of 500 x 400, 1.6 times as a stored picture of 28 x 28: write the rows to a file once \
                                  (generate sample) where pictures have to come fast";
/// Of scenes.
pub(super) const DRAWN: &str = "each is drawn: one of 160 x 120 takes about 17 times as long as a stored picture of 28 x 28: write the rows to a file once (generate sample) where \
                                pictures have to come fast";

/// Of rows of `calibrated`, each a sum of `rank` residuals.
pub(super) fn calibrated(rank: usize) -> String {
    calibrated_at(CALIBRATED, rank)
}

fn calibrated_at(times: Option<u32>, rank: usize) -> String {
    let residuals = counted(rank, "residual");
    let Some(times) = times else {
        return format!(
            "what a row costs was not measured: it is a sum of {residuals} (`rank`), each of a row that is read, and its time goes with their number"
        );
    };
    let own = match rank {
        RESIDUALS => String::new(),
        _ => format!(" with {RESIDUALS} residuals (`rank`), and its time goes with their number, here {rank}"),
    };
    format!("a row takes about {times} times as long as a stored row of 1,280 features{own}")
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
            calibrated_at(Some(40), 16),
            "a row takes about 40 times as long as a stored row of 1,280 features"
        );
        let more = calibrated_at(Some(40), 64);
        assert!(
            more.ends_with(" with 16 residuals (`rank`), and its time goes with their number, here 64"),
            "{more}"
        );
        let none = calibrated_at(None, 16);
        assert!(
            none.starts_with("what a row costs was not measured: it is a sum of 16 residuals"),
            "{none}"
        );
        assert_eq!(crate::synthetic::CalibratedSpec::default().rank, RESIDUALS);
    }
}
