//! How near is near: told by how far training rows are from each other.

use super::report::{DistanceRule, LeakControl};

/// The rule by the distances of training rows, none of them a copy of an earlier one, to their nearest other one: `share` of the median. And how many of them are that near
/// themselves. None for fewer than two rows, or where all are equal.
///
/// Near copies are few, or the data is nothing but copies: the median is that of rows that are not, so it does not move with them.
pub(super) fn calibrated(measure: &str, share: f64, distances: &[f64]) -> Option<(DistanceRule, LeakControl)> {
    let mut apart: Vec<f64> = distances.iter().copied().filter(|&distance| distance > 0.0).collect();
    apart.sort_by(f64::total_cmp);
    let median = *apart.get(apart.len() / 2)?;
    let rule = DistanceRule {
        measure: measure.to_owned(),
        at_most: share * median,
        share,
        median,
        rows: distances.len() as u64,
    };
    let near = distances.iter().filter(|&&distance| distance <= rule.at_most).count();
    let control = LeakControl {
        rows: rule.rows,
        near: near as u64,
    };
    Some((rule, control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_a_share_of_the_median_of_rows_that_are_apart() {
        let (rule, control) = calibrated("distance", 0.1, &[0.0, 8.0, 4.0, 0.3, 0.5]).unwrap();
        assert_eq!((rule.median, rule.at_most, rule.rows), (4.0, 0.4, 5));
        assert_eq!((control.near, control.rows), (2, 5));
        assert_eq!(calibrated("distance", 0.1, &[0.0, 0.0]), None);
        assert_eq!(calibrated("distance", 0.1, &[]), None);
    }
}
