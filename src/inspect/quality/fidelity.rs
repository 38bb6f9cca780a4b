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
/// Halves of the rows by which the interval of the mean over pairs is estimated.
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
    let (own, beside) = (of(real, synthetic), of(real, control));
    let with_error = |values: &[f64], other: &Table| {
        let halves = |repetition: u64| {
            let mut rng = Rng::new(seed, "pairs of columns", repetition);
            let mut half = |table: &Table| {
                let rows: Vec<usize> = (0..table.rows()).filter(|_| rng.chance(0.5)).collect();
                table.select(&rows)
            };
            mean(&of(&half(real), &half(other)))
        };
        let found: Vec<f64> = (0..HALVES).map(halves).filter(|value| value.is_finite()).collect();
        let repeated = Interval::repeated(&found);
        let half = (repeated.high - repeated.low) / 2.0;
        let value = mean(values);
        Interval {
            value,
            low: value - half,
            high: value + half,
        }
        .within(0.0, 1.0)
    };
    let (mean_own, mean_beside) = (with_error(&own, synthetic), with_error(&beside, control));
    let mut worst: Vec<PairQuality> = pairs
        .iter()
        .zip(own.iter().zip(&beside))
        .filter(|(_, (own, beside))| own.is_finite() && beside.is_finite())
        .map(|(&pair, (&synthetic, &control))| PairQuality {
            columns: pair.map(|at| real.names()[at].clone()),
            synthetic,
            control,
        })
        .collect();
    worst.sort_by(|a, b| (a.synthetic - a.control).total_cmp(&(b.synthetic - b.control)));
    worst.truncate(WORST);
    (worst, mean_own, mean_beside)
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
