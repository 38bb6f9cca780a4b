//! What a page draws.

use super::report::{ColumnQuality, Marginal, Plots};
use super::samples::{Sample, Samples};
use crate::error::Result;
use crate::synthetic::quality::{Column, Projection, closest};

const POINTS: usize = 400;
const MARGINALS: usize = 24;
const BARS: usize = 16;

pub(super) fn plots(samples: &Samples, columns: &[ColumnQuality]) -> Result<Plots> {
    let projection = Projection::fit(&samples.real.rows);
    let some = |sample: &Sample| {
        let rows: Vec<usize> = (0..sample.len().min(POINTS))
            .map(|at| at * sample.len() / sample.len().min(POINTS))
            .collect();
        projection.of(&sample.rows.select(&rows))
    };
    let [real, synthetic, holdout] = [&samples.real, &samples.synthetic, &samples.holdout];
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by(|&a, &b| columns[a].synthetic.value.total_cmp(&columns[b].synthetic.value));
    let tables = real.table.as_ref().zip(synthetic.table.as_ref());
    let marginal = |&at: &usize| {
        let (real, synthetic) = tables?;
        let name = real.names()[at].clone();
        match (&real.columns()[at], &synthetic.columns()[at]) {
            (Column::Numbers(a), Column::Numbers(b)) => numbers(name, a, b),
            (Column::Categories(a), Column::Categories(b)) => {
                Some(categories(name, a, b, samples.categories.get(at)?.as_deref()?))
            }
            _ => None,
        }
    };
    Ok(Plots {
        projection: [some(real), some(synthetic), some(holdout)],
        closest: [
            closest(&synthetic.rows, &real.rows)?,
            closest(&holdout.rows, &real.rows)?,
        ],
        marginals: order.iter().filter_map(marginal).take(MARGINALS).collect(),
    })
}

/// Bars of equal width over the numbers of both.
fn numbers(name: String, real: &[f64], synthetic: &[f64]) -> Option<Marginal> {
    let finite = || real.iter().chain(synthetic).copied().filter(|value| value.is_finite());
    let (low, high) = (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    let width = (high - low) / BARS as f64;
    if !low.is_finite() {
        return None;
    }
    let shares = |values: &[f64]| {
        let mut bars = vec![0.0; BARS];
        for value in values.iter().filter(|value| value.is_finite()) {
            let bar = if width > 0.0 {
                ((value - low) / width) as usize
            } else {
                0
            };
            bars[bar.min(BARS - 1)] += 1.0 / values.len() as f64;
        }
        bars
    };
    Some(Marginal {
        name,
        bars: (0..BARS)
            .map(|bar| format!("{:.4}", low + (bar as f64 + 0.5) * width))
            .collect(),
        shares: [shares(real), shares(synthetic)],
    })
}

/// The categories that most rows have, and the others together.
fn categories(name: String, real: &[u32], synthetic: &[u32], names: &[String]) -> Marginal {
    let shares = |codes: &[u32]| {
        let mut shares = vec![0.0; names.len()];
        codes
            .iter()
            .for_each(|&code| shares[code as usize] += 1.0 / codes.len() as f64);
        shares
    };
    let (a, b) = (shares(real), shares(synthetic));
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&x, &y| (a[y] + b[y]).total_cmp(&(a[x] + b[x])).then(x.cmp(&y)));
    let (shown, rest) = order.split_at(order.len().min(BARS - 1));
    let mut bars: Vec<String> = shown.iter().map(|&at| names[at].clone()).collect();
    let of = |shares: &[f64]| {
        let mut own: Vec<f64> = shown.iter().map(|&at| shares[at]).collect();
        own.extend((!rest.is_empty()).then(|| rest.iter().map(|&at| shares[at]).sum::<f64>()));
        own
    };
    bars.extend((!rest.is_empty()).then(|| "(others)".to_owned()));
    Marginal {
        name,
        bars,
        shares: [of(&a), of(&b)],
    }
}
