//! Whether some group of rows is served worse than the others.

use super::interval::{Interval, sample};
use super::manifold::Manifold;
use super::matrix::Matrix;
use crate::error::Result;
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// Coverage and precision of the rows of one group: a class, or whatever a column tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its real rows, and its synthetic ones.
    pub rows: [usize; 2],
    /// Its share of all real rows, and of all synthetic ones.
    pub shares: [f64; 2],
    /// Precision and coverage of its synthetic rows among its real ones, and those of as many real rows of the control; none where there
    /// are too few rows of one of them.
    pub compared: Option<ComparedGroup>,
}

/// Figures of one group and its control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedGroup {
    /// The share of its synthetic rows that look real, as [`Manifold::precision`] has it.
    pub precision: Interval,
    /// The same of real rows.
    pub control_precision: Interval,
    /// The share of its real rows that synthetic rows cover, as [`Manifold::coverage`] has it.
    pub coverage: Interval,
    /// The same of real rows.
    pub control_coverage: Interval,
}

impl ComparedGroup {
    /// How far precision or coverage, whichever falls further, lies below its control.
    pub fn loss(&self) -> f64 {
        let precision = self.control_precision.value - self.precision.value;
        let coverage = self.control_coverage.value - self.coverage.value;
        precision.max(coverage)
    }
}

/// Rows, and the group of each.
#[derive(Clone, Copy, Debug)]
pub struct Grouped<'a> {
    /// The rows.
    pub rows: &'a Matrix,
    /// The group of each row.
    pub groups: &'a [u32],
}

/// Figures of each of `count` groups. Each is compared by itself, with as many synthetic rows as rows of the `control`; balls reach to the
/// fifth nearest row, or to the last where a group has fewer.
///
/// # Errors
///
/// `Config` where the widths differ.
pub fn by_group(
    real: Grouped<'_>,
    synthetic: Grouped<'_>,
    control: Grouped<'_>,
    count: usize,
    seed: u64,
) -> Result<Vec<Group>> {
    let own = |of: Grouped<'_>, group: u32| -> Vec<usize> {
        (0..of.groups.len()).filter(|&row| of.groups[row] == group).collect()
    };
    let group = |group: u32| {
        let (real_rows, made, control_rows) = (own(real, group), own(synthetic, group), own(control, group));
        let rows = made.len().min(control_rows.len());
        let k = Manifold::NEIGHBOURS.min(rows.min(real_rows.len()).saturating_sub(1));
        let compared = if k == 0 {
            None
        } else {
            let mut rng = Rng::new(seed, "groups", group.into());
            let mut some = |of: Grouped<'_>, own: &[usize]| {
                let drawn: Vec<usize> = sample(&mut rng, own.len(), rows)
                    .into_iter()
                    .map(|at| own[at])
                    .collect();
                of.rows.select(&drawn)
            };
            let (made, beside) = (some(synthetic, &made), some(control, &control_rows));
            let among = real.rows.select(&real_rows);
            let (of, control) = (Manifold::of(&among, &made, k)?, Manifold::of(&among, &beside, k)?);
            Some(ComparedGroup {
                precision: of.precision,
                control_precision: control.precision,
                coverage: of.coverage,
                control_coverage: control.coverage,
            })
        };
        let share = |own: usize, all: usize| own as f64 / all.max(1) as f64;
        Ok(Group {
            rows: [real_rows.len(), made.len()],
            shares: [
                share(real_rows.len(), real.groups.len()),
                share(made.len(), synthetic.groups.len()),
            ],
            compared,
        })
    };
    (0..count as u32).map(group).collect()
}

/// The group that falls furthest behind its control; `None` where none could be compared.
pub fn worst_group(groups: &[Group]) -> Option<usize> {
    let losses = groups
        .iter()
        .enumerate()
        .filter_map(|(at, group)| Some((at, group.compared?.loss())));
    losses
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        .map(|(at, _)| at)
}
