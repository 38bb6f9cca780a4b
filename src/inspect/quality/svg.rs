//! Drawings inside a page.

use super::report::{Marginal, Plots};
use crate::report::html::{push, text};

const REAL: &str = "#1f77b4";
const SYNTHETIC: &str = "#ff7f0e";
const HOLDOUT: &str = "#7f7f7f";
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 180.0;

/// Rows in two dimensions.
pub(super) fn projection(plots: &Plots) -> String {
    let all = || plots.projection.iter().flatten();
    let range = |axis: usize| {
        let low = all().map(|point| point[axis]).fold(f64::INFINITY, f64::min);
        let high = all().map(|point| point[axis]).fold(f64::NEG_INFINITY, f64::max);
        (low, (high - low).max(1e-12))
    };
    let (across, up) = (range(0), range(1));
    let (width, height) = (2.0 * WIDTH, 2.0 * HEIGHT);
    let mut out = begin(
        "Rows along the two directions in which real rows vary most",
        width,
        height,
    );
    let sets = [(2, HOLDOUT), (0, REAL), (1, SYNTHETIC)];
    for (set, colour) in sets {
        push(&mut out, format_args!("<g fill=\"{colour}\" fill-opacity=\"0.55\">"));
        for [x, y] in &plots.projection[set] {
            let x = 8.0 + (x - across.0) / across.1 * (width - 16.0);
            let y = height - 8.0 - (y - up.0) / up.1 * (height - 16.0);
            push(
                &mut out,
                format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.2\"/>"),
            );
        }
        out += "</g>";
    }
    out += "</svg>\n";
    legend(
        &mut out,
        &[("real", REAL), ("synthetic", SYNTHETIC), ("holdout", HOLDOUT)],
    );
    out
}

/// Distances to the closest training row, of synthetic and of holdout rows.
pub(super) fn closest(plots: &Plots) -> String {
    const BARS: usize = 24;
    let mut all: Vec<f64> = plots
        .closest
        .iter()
        .flatten()
        .copied()
        .filter(|distance| distance.is_finite())
        .collect();
    all.sort_by(f64::total_cmp);
    // A single row far off would leave no room for the others.
    let most = all
        .get(all.len().saturating_sub(1) * 99 / 100)
        .copied()
        .unwrap_or(1.0)
        .max(1e-12);
    let shares = |distances: &[f64]| {
        let mut bars = vec![0.0; BARS];
        for distance in distances {
            bars[((distance / most * BARS as f64) as usize).min(BARS - 1)] += 1.0 / distances.len() as f64;
        }
        bars
    };
    let [synthetic, holdout] = &plots.closest;
    let mut out = begin("Distance to the closest training row", 2.0 * WIDTH, HEIGHT);
    bars(
        &mut out,
        [(&shares(holdout), HOLDOUT), (&shares(synthetic), SYNTHETIC)],
        2.0 * WIDTH,
    );
    push(
        &mut out,
        format_args!(
            "<text x=\"2\" y=\"{0}\">0</text><text x=\"{1}\" y=\"{0}\" text-anchor=\"end\">{most:.3} and more</text></svg>\n",
            HEIGHT - 3.0,
            2.0 * WIDTH - 2.0
        ),
    );
    legend(&mut out, &[("holdout", HOLDOUT), ("synthetic", SYNTHETIC)]);
    out
}

/// The histogram of one column.
pub(super) fn marginal(marginal: &Marginal) -> String {
    let [real, synthetic] = &marginal.shares;
    let mut out = begin(&format!("Values of {}", marginal.name), WIDTH, HEIGHT);
    bars(&mut out, [(real, REAL), (synthetic, SYNTHETIC)], WIDTH);
    let ends = [
        marginal.bars.first(),
        marginal.bars.last().filter(|_| marginal.bars.len() > 1),
    ];
    for ((x, anchor), name) in [(2.0, "start"), (WIDTH - 2.0, "end")].into_iter().zip(ends) {
        if let Some(name) = name {
            let name = text(&name.chars().take(20).collect::<String>());
            push(
                &mut out,
                format_args!(
                    "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{name}</text>",
                    HEIGHT - 3.0
                ),
            );
        }
    }
    out + "</svg>"
}

/// Two series of bars side by side.
fn bars(out: &mut String, series: [(&[f64], &str); 2], width: f64) {
    let count = series[0].0.len().max(1) as f64;
    let most = series
        .iter()
        .flat_map(|(shares, _)| shares.iter())
        .copied()
        .fold(1e-12, f64::max);
    let step = width / count;
    for (at, (shares, colour)) in series.into_iter().enumerate() {
        push(out, format_args!("<g fill=\"{colour}\">"));
        for (bar, share) in shares.iter().enumerate() {
            let height = share / most * (HEIGHT - 20.0);
            push(
                out,
                format_args!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                    bar as f64 * step + at as f64 * step * 0.45 + step * 0.05,
                    HEIGHT - 16.0 - height,
                    step * 0.42
                ),
            );
        }
        *out += "</g>";
    }
}

fn begin(what: &str, width: f64, height: f64) -> String {
    let what = text(what);
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{what}\" font-size=\"11\" \
         fill=\"currentColor\"><title>{what}</title>"
    )
}

fn legend(out: &mut String, entries: &[(&str, &str)]) {
    *out += "<p class=\"legend\">";
    for (name, colour) in entries {
        push(
            out,
            format_args!("<span style=\"color:{colour}\">&#9632;</span> {name} "),
        );
    }
    *out += "</p>\n";
}
