//! Learning curves: loss and the task's figure after each epoch.

use crate::quote::counted;
use image::{Rgb, RgbImage};

use super::MARGIN;
use super::axis::Axis;
use super::bars::COLOURS;
use super::canvas::{Canvas, FAINT, INK, LEGEND_LINE, MUTED, SMALL, TITLE};
use crate::report::{Epoch, figure_in_words};

/// Pixels of a panel's plot.
const PLOT: (u32, u32) = (560, 260);
/// Room for the numbers of an axis.
const AXIS: u32 = 72;
const HEAD: u32 = 36;
/// From the plot of a panel to that of the next.
const BETWEEN: u32 = 76;

/// A named line through the points (epoch, value).
struct Curve {
    name: String,
    colour: Rgb<u8>,
    /// A line with a mark at each point: what is measured on validation rows.
    marked: bool,
    points: Vec<(f64, f64)>,
}

/// The training loss of each part of a run and that on the validation rows (or, where there are some, the selection rows), and below them the figure that chooses, by epoch. The first epoch
/// is 1. What was not measured has no point.
pub fn learning_curves(title: &str, epochs: &[Epoch]) -> RgbImage {
    let figure = epochs.last().map_or("", |epoch| epoch.figure.as_str());
    let first = epochs.first();
    let set = first.map_or_else(String::new, |epoch| {
        format!("{} ({})", epoch.set(), counted(epoch.valid_rows, "row"))
    });
    let set = set.as_str();
    let losses = curves(
        epochs,
        &[
            ("training", false, &|epoch| Some(epoch.loss)),
            (set, true, &|epoch| epoch.valid_loss),
        ],
    );
    let figures = curves(epochs, &[(set, true, &|epoch| epoch.value)]);
    let legend = losses
        .iter()
        .map(|curve| (curve.name.as_str(), curve.colour))
        .collect::<Vec<_>>();
    let width = (2 * MARGIN + AXIS + PLOT.0).max(2 * MARGIN + TITLE.width(title));
    let lines = Canvas::new(0, 0).legend((MARGIN, 0), width - MARGIN, &legend);
    let top = MARGIN + HEAD + lines + LEGEND_LINE + 12;
    let mut canvas = Canvas::new(width, top + 2 * PLOT.1 + 2 * BETWEEN);
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    canvas.legend((MARGIN, MARGIN + HEAD), width - MARGIN, &legend);
    let last = epochs.iter().map(|epoch| epoch.epoch).max().unwrap_or(1);
    panel(&mut canvas, top, "loss", last, &losses);
    panel(
        &mut canvas,
        top + PLOT.1 + BETWEEN,
        &figure_in_words(figure),
        last,
        &figures,
    );
    canvas.into_image()
}

type Value<'a> = &'a dyn Fn(&Epoch) -> Option<f64>;

/// The curves of each part of the run, in its order.
fn curves(epochs: &[Epoch], kinds: &[(&str, bool, Value<'_>)]) -> Vec<Curve> {
    let mut phases: Vec<&str> = Vec::new();
    for epoch in epochs {
        if !phases.contains(&epoch.phase.as_str()) {
            phases.push(&epoch.phase);
        }
    }
    let mut curves = Vec::new();
    for (at, phase) in phases.iter().enumerate() {
        for (kind, marked, value) in kinds {
            let of_phase = epochs.iter().filter(|epoch| epoch.phase == **phase);
            let points = of_phase
                .filter_map(|epoch| Some((epoch.epoch as f64, value(epoch).filter(|value| value.is_finite())?)));
            curves.push(Curve {
                name: format!("{phase}, {kind}"),
                // Two colours a part.
                colour: COLOURS[(4 + 2 * at + usize::from(*marked)) % COLOURS.len()],
                marked: *marked,
                points: points.collect(),
            });
        }
    }
    curves
}

fn panel(canvas: &mut Canvas, top: u32, what: &str, last: u64, curves: &[Curve]) {
    let left = MARGIN + AXIS;
    canvas.text((MARGIN, top - 24), what, SMALL, MUTED);
    let values = || curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1));
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let axis = Axis::over(low, high);
    let y = |value: f64| top + PLOT.1 - (axis.share(value) * f64::from(PLOT.1)).round() as u32;
    let span = (last.max(2) - 1) as f64;
    let x = |epoch: f64| left + ((epoch - 1.0) / span * f64::from(PLOT.0)).round() as u32;
    for (value, words) in axis.ticks() {
        canvas.fill(
            (left, y(value)),
            (PLOT.0, 1),
            if value == axis.low { MUTED } else { FAINT },
        );
        canvas.ending(
            (left - 8, y(value).saturating_sub(SMALL.height() / 2)),
            &words,
            SMALL,
            MUTED,
        );
    }
    canvas.text((left, top + PLOT.1 + 8), "1", SMALL, MUTED);
    canvas.ending(
        (left + PLOT.0, top + PLOT.1 + 8),
        &format!("epoch {last}"),
        SMALL,
        MUTED,
    );
    for curve in curves {
        let at = |point: &(f64, f64)| (x(point.0), y(point.1));
        for pair in curve.points.windows(2) {
            canvas.line(at(&pair[0]), at(&pair[1]), curve.colour);
        }
        // A part of one epoch has no line.
        if curve.marked || curve.points.len() == 1 {
            for (x, y) in curve.points.iter().map(at) {
                canvas.fill((x.saturating_sub(2), y.saturating_sub(2)), (5, 5), curve.colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(phase: &str, epoch: u64, loss: f64, valid: f64) -> Epoch {
        Epoch {
            phase: phase.into(),
            epoch,
            loss,
            valid_loss: Some(valid),
            figure: "balanced_accuracy".into(),
            value: Some(1.0 - valid),
            ..Epoch::default()
        }
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let picture = learning_curves("Curves", &[epoch("head", 1, 1.0, 0.5), epoch("head", 2, 0.0, 0.5)]);
        let top = MARGIN + HEAD + LEGEND_LINE + LEGEND_LINE + 12;
        // The loss falls from 1 to 0, the ends of the axis.
        let (from, to) = (top, top + PLOT.1);
        let left = MARGIN + AXIS;
        for (x, y) in [(0, from), (PLOT.0 / 4, (3 * from + to) / 4), (PLOT.0, to)] {
            let found = (y - 2..=y + 2).any(|y| picture.get_pixel(left + x, y) == &COLOURS[4]);
            assert!(found, "{x} {y}");
        }
        // The validation loss stays in the middle, with a mark at each end.
        let middle = top + PLOT.1 / 2;
        assert_eq!(picture.get_pixel(left + 2, middle + 2), &COLOURS[5]);
        assert_eq!(picture.get_pixel(left + 2, middle - 40), &super::super::canvas::WHITE);
    }

    #[test]
    fn draws_none_one_and_what_is_no_number() {
        assert!(learning_curves("t", &[]).width() > 0);
        learning_curves(
            "t",
            &[epoch("a", 1, f64::NAN, f64::INFINITY), epoch("b", 9, 1e300, -1e300)],
        );
        let one = learning_curves("t", &[epoch("a", 1, 0.5, 0.5)]);
        assert!(one.pixels().filter(|&&pixel| pixel == COLOURS[4]).count() >= 13 * 13 + 25 - 25);
    }
}
