//! Synthetic rows that are training rows, or nearly.

use super::interval::Interval;
use super::matrix::{Matrix, check_rows, check_widths};
use super::neighbours::{closest, nearest_others};
use crate::error::Result;
use std::collections::HashSet;

/// The share of `rows` that are equal to a training row in every value.
///
/// # Errors
///
/// `Config` where the widths differ.
pub fn exact_copies(rows: &Matrix, training: &Matrix) -> Result<Interval> {
    check_widths(rows, training)?;
    // 0 and -0 are equal.
    let key = |row: &[f32]| row.iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<u32>>();
    let known: HashSet<Vec<u32>> = training.iter().map(key).collect();
    let copies = rows.iter().filter(|row| known.contains(&key(row))).count();
    Ok(Interval::share(
        copies as f64 / rows.rows().max(1) as f64,
        rows.rows() as f64,
    ))
}

/// The share of `rows` that lie within `distance` of a training row; exact copies are among them.
///
/// # Errors
///
/// `Config` where the widths differ.
pub fn near_copies(rows: &Matrix, training: &Matrix, distance: f64) -> Result<Interval> {
    let near = closest(rows, training)?
        .into_iter()
        .filter(|&own| own <= distance)
        .count();
    Ok(Interval::share(
        near as f64 / rows.rows().max(1) as f64,
        rows.rows() as f64,
    ))
}

/// The distance up to which a row is a near copy: a tenth of the median distance of a training row to its nearest other one, rows that
/// come several times left out.
///
/// # Errors
///
/// `Data` for fewer than 2 rows.
pub fn near_copy_distance(training: &Matrix) -> Result<f64> {
    check_rows(training, 2, "training")?;
    let apart = nearest_others(training, 1)
        .into_iter()
        .filter_map(|near| Some(near.first()?.distance));
    let mut apart: Vec<f64> = apart.filter(|&distance| distance > 0.0).collect();
    apart.sort_by(f64::total_cmp);
    Ok(apart.get(apart.len() / 2).map_or(0.0, |median| 0.1 * median))
}
