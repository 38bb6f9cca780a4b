//! Whether synthetic rows look real.

use super::report::{Better, ColumnQuality, ComparedFigure, PairQuality, QualitySection};
use super::samples::Sample;
use crate::error::Result;
use crate::rng::Rng;
use crate::synthetic::quality::{
    Bins, Column, Interval, Manifold, Matrix, Table, TwoSample, contingency_similarity, correlation_similarity,
    frechet, kernel, ks_complement, tv_complement,
};
use rayon::prelude::*;

/// Columns of which pairs are looked at.
const PAIRED: usize = 40;
/// Pairs that are reported.
const WORST: usize = 10;
/// Halves of the rows by which the intervals of pairs, and of the mean over them, are estimated.
const HALVES: u64 = 8;
/// Columns up to which the two-sample test is given squares and products, too.
const PRODUCTS: usize = 20;

/// The section, each column and the worst pairs. `synthetic` and `control` have as many rows.
pub(super) fn fidelity(
    real: &Sample,
    synthetic: &Sample,
    control: &Sample,
    seed: u64,
) -> Result<(QualitySection, Vec<ColumnQuality>, Vec<PairQuality>)> {
    let both = |figure: &(dyn Fn(&Matrix) -> Result<Interval> + Sync)| -> Result<[Interval; 2]> {
        Ok([figure(&synthetic.rows)?, figure(&control.rows)?])
    };
    let mut figures = Vec::new();
    let [own, beside] = both(&|rows| frechet(&real.rows, rows, seed))?;
    figures.push(ComparedFigure::shown("frechet_distance", own, beside));
    let [own, beside] = both(&|rows| kernel(&real.rows, rows, seed))?;
    figures.push(ComparedFigure::shown("kernel_distance", own, beside));
    let least = real.len().min(synthetic.len()).min(control.len());
    let k = Manifold::NEIGHBOURS.min(least.saturating_sub(1)).max(1);
    let (own, beside) = (
        Manifold::of(&real.rows, &synthetic.rows, k)?,
        Manifold::of(&real.rows, &control.rows, k)?,
    );
    figures.push(ComparedFigure::judged(
        "precision",
        own.precision,
        beside.precision,
        Better::Higher,
        0.1,
    ));
    figures.push(ComparedFigure::shown("recall", own.recall, beside.recall));
    figures.push(ComparedFigure::shown("density", own.density, beside.density));
    figures.push(ComparedFigure::judged(
        "coverage",
        own.coverage,
        beside.coverage,
        Better::Higher,
        0.1,
    ));
    let seen = |sample: &Sample| -> Result<TwoSample> {
        TwoSample::of(&with_products(&real.rows)?, &with_products(&sample.rows)?, seed)
    };
    let (own, beside) = (seen(synthetic)?, seen(control)?);
    figures.push(ComparedFigure::shown(
        "two_sample_accuracy",
        own.accuracy,
        beside.accuracy,
    ));
    figures.push(ComparedFigure::judged(
        "two_sample_auc",
        own.auc,
        beside.auc,
        Better::Lower,
        0.2,
    ));
    let (mut columns, mut pairs) = (Vec::new(), Vec::new());
    if let (Some(real), Some(synthetic), Some(control)) = (&real.table, &synthetic.table, &control.table) {
        columns = of_columns(real, synthetic, control, seed);
        let mean = |of: &dyn Fn(&ColumnQuality) -> Interval| mean(columns.iter().map(of));
        let (own, beside) = (mean(&|column| column.synthetic), mean(&|column| column.control));
        figures.push(ComparedFigure::judged(
            "column_shapes",
            own,
            beside,
            Better::Higher,
            0.05,
        ));
        let (found, own, beside) = of_pairs(real, synthetic, control, seed);
        pairs = found;
        if own.is_known() {
            figures.push(ComparedFigure::judged(
                "column_pairs",
                own,
                beside,
                Better::Higher,
                0.05,
            ));
        }
    }
    let section = QualitySection::new("fidelity", figures, "there are too few rows");
    Ok((section, columns, pairs))
}

/// Rows with the squares and products of their columns, where these are few.
fn with_products(rows: &Matrix) -> Result<Matrix> {
    let width = rows.width();
    if width > PRODUCTS {
        return Ok(rows.clone());
    }
    let products = |row: &[f32]| {
        let squares = (0..width)
            .flat_map(|a| (0..=a).map(move |b| (a, b)))
            .map(|(a, b)| row[a] * row[b]);
        row.iter().copied().chain(squares).collect::<Vec<f32>>()
    };
    Matrix::new(
        rows.iter().flat_map(products).collect(),
        width + width * (width + 1) / 2,
    )
}

/// The mean of figures, whose intervals may all err alike.
fn mean(of: impl Iterator<Item = Interval>) -> Interval {
    let all: Vec<Interval> = of.filter(Interval::is_known).collect();
    let mean = |value: &dyn Fn(&Interval) -> f64| all.iter().map(value).sum::<f64>() / all.len() as f64;
    Interval {
        value: mean(&|one| one.value),
        low: mean(&|one| one.low),
        high: mean(&|one| one.high),
    }
}

fn of_columns(real: &Table, synthetic: &Table, control: &Table, seed: u64) -> Vec<ColumnQuality> {
    let of = |at: usize| {
        let against = |other: &Table| match (&real.columns()[at], &other.columns()[at]) {
            (Column::Numbers(real), Column::Numbers(other)) => ks_complement(&finite(real), &finite(other), seed),
            (Column::Categories(real), Column::Categories(other)) => tv_complement(real, other, seed),
            _ => Interval::exact(f64::NAN),
        };
        ColumnQuality {
            name: real.names()[at].clone(),
            is_category: matches!(real.columns()[at], Column::Categories(_)),
            synthetic: against(synthetic),
            control: against(control),
        }
    };
    (0..real.columns().len()).into_par_iter().map(of).collect()
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

/// The worst pairs, and the mean over all of synthetic rows and of the control.
fn of_pairs(real: &Table, synthetic: &Table, control: &Table, seed: u64) -> (Vec<PairQuality>, Interval, Interval) {
    let columns = real.columns().len().min(PAIRED);
    let pairs: Vec<[usize; 2]> = (0..columns)
        .flat_map(|a| (a + 1..columns).map(move |b| [a, b]))
        .collect();
    let bins = real.columns().iter().map(|column| match column {
        Column::Numbers(values) => Some(Bins::of(values)),
        Column::Categories(_) => None,
    });
    let bins: Vec<Option<Bins>> = bins.collect();
    let similar = |real: &Binned<'_>, other: &Binned<'_>| -> Vec<f64> {
        pairs
            .par_iter()
            .map(|&pair| similarity(real, other, pair).unwrap_or(f64::NAN))
            .collect()
    };
    let mean = |values: &[f64]| {
        let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let of = |real: &Table, other: &Table| similar(&Binned::of(real, &bins), &Binned::of(other, &bins));
    // One pass over the halves has the interval of each pair and that of their mean.
    let with_errors = |other: &Table| -> (Vec<Interval>, Interval) {
        let halves = |repetition: u64| {
            let mut rng = Rng::new(seed, "pairs of columns", repetition);
            let mut half = |table: &Table| {
                let rows: Vec<usize> = (0..table.rows()).filter(|_| rng.chance(0.5)).collect();
                table.select(&rows)
            };
            of(&half(real), &half(other))
        };
        let (values, found) = (of(real, other), (0..HALVES).map(halves).collect::<Vec<Vec<f64>>>());
        let of_pair = |(pair, &value): (usize, &f64)| around(value, found.iter().map(|half| half[pair]));
        let each = values.iter().enumerate().map(of_pair).collect();
        (each, around(mean(&values), found.iter().map(|half| mean(half))))
    };
    let ((own, mean_own), (beside, mean_beside)) = (with_errors(synthetic), with_errors(control));
    let mut worst: Vec<PairQuality> = pairs
        .iter()
        .zip(own.iter().zip(&beside))
        .filter(|(_, (own, beside))| own.is_known() && beside.is_known())
        .map(|(&pair, (&synthetic, &control))| PairQuality {
            columns: pair.map(|at| real.names()[at].clone()),
            synthetic,
            control,
        })
        .collect();
    let lost = |pair: &PairQuality| pair.synthetic.value - pair.control.value;
    worst.sort_by(|a, b| lost(a).total_cmp(&lost(b)));
    worst.truncate(WORST);
    (worst, mean_own, mean_beside)
}

/// The similarity `value` of all rows, with the interval of those of `halves`; from 0 to 1 where fewer than two of these have one, which tell nothing.
fn around(value: f64, halves: impl Iterator<Item = f64>) -> Interval {
    let known: Vec<f64> = halves.filter(|half| half.is_finite()).collect();
    let reach = match known.len() {
        0 | 1 => f64::INFINITY,
        _ => {
            let repeated = Interval::repeated(&known);
            (repeated.high - repeated.low) / 2.0
        }
    };
    Interval {
        value,
        low: value - reach,
        high: value + reach,
    }
    .within(0.0, 1.0)
}

/// A table whose numbers are also in bins.
struct Binned<'a> {
    table: &'a Table,
    codes: Vec<Vec<u32>>,
}

impl<'a> Binned<'a> {
    fn of(table: &'a Table, bins: &[Option<Bins>]) -> Self {
        let codes = table
            .columns()
            .iter()
            .zip(bins)
            .map(|(column, bins)| match (column, bins) {
                (Column::Numbers(values), Some(bins)) => values.iter().map(|&value| bins.bin(value)).collect(),
                (Column::Categories(values), _) => values.clone(),
                (Column::Numbers(values), None) => vec![0; values.len()],
            });
        Self {
            table,
            codes: codes.collect(),
        }
    }
}

fn similarity(real: &Binned<'_>, other: &Binned<'_>, pair: [usize; 2]) -> Option<f64> {
    fn numbers<'a>(of: &Binned<'a>, pair: [usize; 2]) -> Option<[&'a [f64]; 2]> {
        match pair.map(|at| &of.table.columns()[at]) {
            [Column::Numbers(a), Column::Numbers(b)] => Some([a, b]),
            _ => None,
        }
    }
    match (numbers(real, pair), numbers(other, pair)) {
        (Some(real), Some(other)) => correlation_similarity(real, other),
        _ => contingency_similarity(pair.map(|at| &*real.codes[at]), pair.map(|at| &*other.codes[at])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ROWS: usize = 150;

    /// Three numbers of which each follows the one before, and a category that follows the first.
    fn table(seed: u64) -> Table {
        let mut rng = Rng::new(seed, "pairs", 0);
        let (mut numbers, mut kinds) = (vec![Vec::new(); 3], Vec::new());
        for _ in 0..ROWS {
            let mut last = 0.0;
            for column in &mut numbers {
                last = 0.6 * last + f64::from(rng.normal());
                column.push(last);
            }
            kinds.push(u32::from(numbers[0][kinds.len()] + f64::from(rng.normal()) > 0.0));
        }
        let numbers = numbers.into_iter().map(Column::Numbers);
        let columns = numbers.chain([Column::Categories(kinds)]);
        Table::new(columns.enumerate().map(|(at, column)| (format!("c{at}"), column))).unwrap()
    }

    /// The truth of a similarity, which falls as rows become fewer, is its mean over all draws.
    #[test]
    fn intervals_of_pairs_and_of_their_mean_hold_the_truth() {
        let mut found: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
        for draw in 0..60 {
            let [real, synthetic, control] = [1, 2, 3].map(|of| table(10 * draw + of));
            let (pairs, own, beside) = of_pairs(&real, &synthetic, &control, draw);
            assert_eq!(pairs.len(), 6);
            for pair in &pairs {
                let name = pair.columns.join(" and ");
                found.entry(name.clone()).or_default().push(pair.synthetic);
                found
                    .entry(format!("{name} of real rows"))
                    .or_default()
                    .push(pair.control);
            }
            found.entry("mean".to_owned()).or_default().push(own);
            found.entry("mean of real rows".to_owned()).or_default().push(beside);
        }
        assert_eq!(found.len(), 14);
        for (name, found) in &found {
            let mean = found.iter().map(|one| one.value).sum::<f64>() / found.len() as f64;
            let held = found.iter().filter(|one| one.low <= mean && mean <= one.high).count();
            // Fewer than 50 of 60 have a chance of 1e-3 where 93 % hold it.
            assert!(held >= 50, "{name}: {held} hold {mean}: {found:?}");
        }
    }

    #[test]
    fn what_halves_do_not_tell_is_not_known() {
        let known = around(0.9, [0.8, 0.9, 1.0].into_iter());
        assert!(0.0 < known.low && known.low < 0.9 && known.high == 1.0, "{known}");
        for halves in [vec![], vec![0.9], vec![0.9, f64::NAN]] {
            let unknown = around(0.9, halves.into_iter());
            assert_eq!((unknown.low, unknown.value, unknown.high), (0.0, 0.9, 1.0));
        }
        assert!(!around(f64::NAN, [0.8, 0.9].into_iter()).is_known());
    }
}
