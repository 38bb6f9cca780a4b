//! The area under the ROC curve.

use super::interval::Interval;

/// How often a score of `positives` lies above one of `negatives`, ties counted half: the area under the ROC curve, with the interval of
/// DeLong, DeLong and Clarke-Pearson (1988). Not a number where one is empty.
///
/// ```
/// use millstream::synthetic::quality::auc;
///
/// assert_eq!(auc(&[2.0, 3.0], &[1.0, 2.0]).value, 0.875);
/// ```
pub fn auc(positives: &[f64], negatives: &[f64]) -> Interval {
    let (m, n) = (positives.len(), negatives.len());
    if m == 0 || n == 0 {
        return Interval::exact(f64::NAN);
    }
    let above = placements(positives, negatives);
    let below: Vec<f64> = placements(negatives, positives)
        .into_iter()
        .map(|share| 1.0 - share)
        .collect();
    let value = above.iter().sum::<f64>() / m as f64;
    let variance = |shares: &[f64]| {
        let squares: f64 = shares.iter().map(|share| (share - value).powi(2)).sum();
        squares / (shares.len() as f64 - 1.0).max(1.0) / shares.len() as f64
    };
    Interval::normal(value, (variance(&above) + variance(&below)).sqrt()).within(0.0, 1.0)
}

/// For each of `of` the share of `among` that lies below, ties counted half.
fn placements(of: &[f64], among: &[f64]) -> Vec<f64> {
    let mut sorted = among.to_vec();
    sorted.sort_by(f64::total_cmp);
    let share = |value: &f64| {
        let (below, up_to) = (
            sorted.partition_point(|other| other < value),
            sorted.partition_point(|other| other <= value),
        );
        (below + up_to) as f64 / 2.0 / sorted.len() as f64
    };
    of.iter().map(share).collect()
}
