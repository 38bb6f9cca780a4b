//! How near synthetic rows lie to the rows that a generator was fitted on, beside rows that it never saw.

use super::auc::auc;
use super::interval::{Interval, NORMAL};
use super::matrix::{Matrix, check_rows};
use super::neighbours::{closest, nearest};
use crate::error::Result;
use std::collections::BTreeMap;

/// The share of `rows` whose closest record is a training row and not one of the holdout: 0.5 where a generator knows no more of the one
/// than of the other, 1 where it copies. Ties count half. Where one set has more rows than the other, the odds are divided by theirs, so
/// that 0.5 means the same.
///
/// Rows that share their closest record hang together; the interval counts each record as one draw with the weight of its rows.
///
/// # Errors
///
/// `Config` where the widths differ; `Data` for no training or holdout row.
pub fn nearer_to_training(rows: &Matrix, training: &Matrix, holdout: &Matrix) -> Result<Interval> {
    check_rows(rows, 1, "synthetic")?;
    check_rows(training, 1, "training")?;
    check_rows(holdout, 1, "holdout")?;
    let (mut nearer, mut of_record) = (0.0, BTreeMap::new());
    for (seen, unseen) in nearest(rows, training, 1)?.iter().zip(&nearest(rows, holdout, 1)?) {
        let (seen, unseen) = (seen[0], unseen[0]);
        nearer += match seen.distance.total_cmp(&unseen.distance) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        };
        let is_seen = seen.distance <= unseen.distance;
        *of_record
            .entry((is_seen, if is_seen { seen.row } else { unseen.row }))
            .or_insert(0.0) += 1.0;
    }
    let all = rows.rows() as f64;
    let squares: f64 = of_record.values().map(|count: &f64| (count / all).powi(2)).sum();
    let ratio = training.rows() as f64 / holdout.rows() as f64;
    let balanced = |share: f64| share / (share + (1.0 - share) * ratio);
    Ok(Interval::share(nearer / all, 1.0 / squares).map(balanced))
}

/// The median of the distance of a row to its closest record by that to the second closest (the nearest-neighbour distance ratio): near 0
/// where single records are copied, near 1 where rows lie between many. The interval is by order statistics.
///
/// # Errors
///
/// `Config` where the widths differ; `Data` for fewer than 2 training rows.
pub fn neighbour_ratio(rows: &Matrix, training: &Matrix) -> Result<Interval> {
    check_rows(rows, 1, "synthetic")?;
    check_rows(training, 2, "training")?;
    let ratio = |near: &Vec<_>| match near.as_slice() {
        [first, second, ..] => ratio_of(first, second),
        _ => 1.0,
    };
    Ok(median(nearest(rows, training, 2)?.iter().map(ratio).collect()))
}

fn ratio_of(first: &super::neighbours::Neighbour, second: &super::neighbours::Neighbour) -> f64 {
    // Of two records that are equal the row is no nearer to one.
    if second.distance > 0.0 {
        first.distance / second.distance
    } else {
        1.0
    }
}

/// Membership inference by distance: how often a training row lies nearer to its closest synthetic row than a holdout row does (the area
/// under the ROC curve of that attack): 0.5 where it tells nothing.
///
/// # Errors
///
/// `Config` where the widths differ; `Data` for no row of one of them.
pub fn membership_inference(synthetic: &Matrix, training: &Matrix, holdout: &Matrix) -> Result<Interval> {
    check_rows(synthetic, 1, "synthetic")?;
    check_rows(training, 1, "training")?;
    check_rows(holdout, 1, "holdout")?;
    let near = |rows| {
        Ok::<Vec<f64>, crate::error::Error>(
            closest(rows, synthetic)?
                .into_iter()
                .map(|distance| -distance)
                .collect(),
        )
    };
    Ok(auc(&near(training)?, &near(holdout)?))
}

/// The median of `values`, with the interval of order statistics; not a number of none.
pub(crate) fn median(mut values: Vec<f64>) -> Interval {
    if values.is_empty() {
        return Interval::exact(f64::NAN);
    }
    values.sort_by(f64::total_cmp);
    let (rows, last) = (values.len() as f64, values.len() - 1);
    let half = NORMAL * rows.sqrt() / 2.0;
    let at = |rank: f64| values[(rank.max(0.0) as usize).min(last)];
    let middle = (values[last / 2] + values[values.len() / 2]) / 2.0;
    Interval {
        value: middle,
        low: at((rows / 2.0 - half).floor()).min(middle),
        high: at((rows / 2.0 + half).ceil()).max(middle),
    }
}
