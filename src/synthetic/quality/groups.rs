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
        let losses = GroupFigure::ALL.map(|figure| {
            let [own, control] = self.figure(figure);
            control.value - own.value
        });
        losses[0].max(losses[1])
    }

    /// A figure of the group, and its control.
    pub fn figure(&self, figure: GroupFigure) -> [Interval; 2] {
        match figure {
            GroupFigure::Precision => [self.precision, self.control_precision],
            GroupFigure::Coverage => [self.coverage, self.control_coverage],
        }
    }
}

/// A figure by which groups are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupFigure {
    /// How many of a group's synthetic rows look real.
    Precision,
    /// How many of its real rows synthetic rows cover.
    Coverage,
}

impl GroupFigure {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Precision, Self::Coverage];

    /// `precision` or `coverage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Precision => "precision",
            Self::Coverage => "coverage",
        }
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

/// What one figure says of all groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedGroups {
    /// Groups that could be compared: each of them is judged.
    pub compared: usize,
    /// Those that are behind their control, the one that loses most first.
    pub behind: Vec<usize>,
    /// The first of these; where there is none, the group that loses most, though that may be chance.
    pub worst: usize,
}

/// Judges every group by `figure`: one is behind where the whole of its interval, [among](Interval::among) those of all groups that could be compared, lies more than
/// `margin` below its control. So a group with few rows, whose figure is low by chance, hides none that is told apart, and of many groups none is behind since there are
/// many. `None` where none could be compared.
pub fn judge_groups(groups: &[Group], figure: GroupFigure, margin: f64) -> Option<JudgedGroups> {
    let found = groups.iter().enumerate().filter_map(|(at, group)| {
        let [own, control] = group.compared?.figure(figure);
        (own.is_known() && control.is_known()).then_some((at, own, control.value))
    });
    let mut found: Vec<(usize, Interval, f64)> = found.collect();
    let compared = found.len();
    // The one that loses most first, of equal ones the first.
    found.sort_by(|(_, a, of_a), (_, b, of_b)| (of_b - b.value).total_cmp(&(of_a - a.value)));
    let is_behind = |(_, own, control): &&(usize, Interval, f64)| own.among(compared).high < control - margin;
    let behind: Vec<usize> = found.iter().filter(is_behind).map(|&(at, ..)| at).collect();
    let worst = behind.first().copied().or(found.first().map(|&(at, ..)| at))?;
    Some(JudgedGroups {
        compared,
        behind,
        worst,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A group whose precision is `own` of `rows` rows beside `control`, and whose coverage is that of real rows.
    fn group(own: f64, rows: f64, control: f64) -> Group {
        let alike = Interval::share(0.9, rows);
        Group {
            rows: [rows as usize; 2],
            shares: [0.5; 2],
            compared: Some(ComparedGroup {
                precision: Interval::share(own, rows),
                control_precision: Interval::share(control, rows),
                coverage: alike,
                control_coverage: alike,
            }),
        }
    }

    /// Four rows of which two look real lose more than 277 of which 0.7 do, and tell nothing.
    #[test]
    fn a_small_group_that_loses_more_hides_none_that_is_told_apart() {
        let judged = |groups: &[Group]| judge_groups(groups, GroupFigure::Precision, 0.2).unwrap();
        let (large, small) = (group(0.7, 277.0, 0.99), group(0.5, 4.0, 1.0));
        assert!(small.compared.unwrap().loss() > large.compared.unwrap().loss());
        for groups in [vec![large], vec![large, small], vec![large, small, small]] {
            let found = judged(&groups);
            assert_eq!((found.worst, found.behind.as_slice()), (0, &[0][..]), "{found:?}");
            assert_eq!(found.compared, groups.len());
        }
        // Where none is told apart, the one that loses most is the worst; one that was not compared is none.
        let none = Group {
            compared: None,
            ..small
        };
        let found = judged(&[none, group(0.95, 277.0, 0.99), small]);
        assert_eq!((found.compared, found.worst, found.behind.len()), (2, 2, 0));
        assert_eq!(judge_groups(&[none], GroupFigure::Precision, 0.2), None);
        // Each figure has a worst of its own.
        let found = judge_groups(&[small, large], GroupFigure::Coverage, 0.2).unwrap();
        assert_eq!((found.worst, found.behind.len()), (0, 0));
    }

    /// 0.69 of 100 rows, whose interval alone reaches to 0.773, is behind 0.98 by more than 0.2; among a hundred groups it reaches to 0.84.
    #[test]
    fn many_groups_are_judged_by_wider_intervals() {
        let one = group(0.69, 100.0, 0.98);
        let behind = |groups: usize| {
            let found = judge_groups(&vec![one; groups], GroupFigure::Precision, 0.2).unwrap();
            found.behind.len()
        };
        assert_eq!([behind(1), behind(100)], [1, 0]);
    }
}
