//! Precision over recall of a detector.

use image::{Rgb, RgbImage};

use super::MARGIN;
use super::axis::Axis;
use super::bars::COLOURS;
use super::canvas::{Canvas, FAINT, INK, LEGEND_LINE, MUTED, SMALL, TITLE};
use crate::report::{PrecisionRecall, ascending};

/// Pixels of a panel's plot.
const PLOT: (u32, u32) = (560, 300);
/// Room for the numbers of an axis.
const AXIS: u32 = 48;
const HEAD: u32 = 36;
/// From the plot of a panel to the legend of the next.
const BETWEEN: u32 = 48;
/// The thresholds of the lower panel.
const SHOWN: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];

/// A named line; a point for each recall.
struct Curve<'a> {
    name: String,
    colour: Rgb<u8>,
    precision: &'a [f32],
}

/// Two panels: above, precision over recall of each class where an intersection over union of 0.5 is enough, of more than seven classes
/// those with the lowest average precision; below, the mean of all classes at several thresholds. Names have the average precision beside
/// them. `None` where no class has objects.
pub fn precision_recall(title: &str, classes: &[String], curves: &PrecisionRecall) -> Option<RgbImage> {
    let all = classes.iter().zip(&curves.classes);
    let there: Vec<(&String, &Vec<f32>)> = all.filter_map(|(name, curve)| Some((name, curve.as_ref()?))).collect();
    if there.is_empty() {
        return None;
    }
    let areas: Vec<f64> = there.iter().map(|(_, precision)| mean(precision)).collect();
    let mut shown: Vec<usize> = ascending(&areas).into_iter().take(COLOURS.len()).collect();
    shown.sort_unstable();
    let of_classes: Vec<Curve<'_>> = (shown.iter().zip(COLOURS.iter().rev()))
        .map(|(&at, &colour)| Curve {
            name: format!("{} {:.2}", there[at].0, areas[at]),
            colour,
            precision: there[at].1,
        })
        .collect();
    let chosen = curves
        .thresholds
        .iter()
        .filter(|curve| SHOWN.iter().any(|iou| (curve.iou - iou).abs() < 1e-9));
    let of_thresholds: Vec<Curve<'_>> = chosen
        .zip(COLOURS.iter().rev())
        .map(|(curve, &colour)| Curve {
            name: format!("{:.2}: {:.2}", curve.iou, mean(&curve.precision)),
            colour,
            precision: &curve.precision,
        })
        .collect();
    let what = match there.len() > shown.len() {
        true => format!(
            "precision of the worst {} of {} classes, IoU 0.50 (with AP50)",
            shown.len(),
            there.len()
        ),
        false => "precision of each class, IoU 0.50 (with AP50)".to_owned(),
    };
    let panels = [
        (what.as_str(), of_classes),
        ("mean precision by IoU (with mAP)", of_thresholds),
    ];
    let width = (2 * MARGIN + AXIS + PLOT.0).max(2 * MARGIN + TITLE.width(title));
    let legend = |curves: &[Curve<'_>], canvas: &mut Canvas, top: u32| {
        let entries: Vec<(&str, Rgb<u8>)> = curves.iter().map(|curve| (curve.name.as_str(), curve.colour)).collect();
        canvas.legend((MARGIN, top), width - MARGIN, &entries)
    };
    let height = |(_, curves): &(&str, Vec<Curve<'_>>)| {
        LEGEND_LINE + legend(curves, &mut Canvas::new(0, 0), 0) + PLOT.1 + BETWEEN
    };
    let mut canvas = Canvas::new(width, MARGIN + HEAD + panels.iter().map(height).sum::<u32>());
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    let mut top = MARGIN + HEAD;
    for panel in &panels {
        canvas.text((MARGIN, top), panel.0, SMALL, MUTED);
        let plot = legend(&panel.1, &mut canvas, top + LEGEND_LINE);
        self::panel(&mut canvas, plot, &panel.1);
        top += height(panel);
    }
    Some(canvas.into_image())
}

fn mean(precision: &[f32]) -> f64 {
    precision.iter().map(|&value| f64::from(value)).sum::<f64>() / precision.len().max(1) as f64
}

/// The curves with their upper edge, precision 1, at `top`.
fn panel(canvas: &mut Canvas, top: u32, curves: &[Curve<'_>]) {
    let (left, axis) = (MARGIN + AXIS, Axis::over(0.0, 1.0));
    let x = |recall: f64| left + (axis.share(recall) * f64::from(PLOT.0)).round() as u32;
    let y = |precision: f64| top + PLOT.1 - (axis.share(precision) * f64::from(PLOT.1)).round() as u32;
    for (value, words) in axis.ticks() {
        let colour = if value == 0.0 { MUTED } else { FAINT };
        canvas.fill((left, y(value)), (PLOT.0, 1), colour);
        canvas.fill((x(value), top), (1, PLOT.1), colour);
        let middle = y(value).saturating_sub(SMALL.height() / 2);
        canvas.ending((left - 8, middle), &words, SMALL, MUTED);
        match value {
            0.0 => canvas.text((x(value), top + PLOT.1 + 8), &words, SMALL, MUTED),
            1.0 => canvas.ending((x(value), top + PLOT.1 + 8), &format!("recall {words}"), SMALL, MUTED),
            _ => canvas.centred((x(value), top + PLOT.1 + 8), &words, SMALL, MUTED),
        }
    }
    for curve in curves {
        let last = curve.precision.len().saturating_sub(1).max(1) as f64;
        let at = |(at, &precision): (usize, &f32)| (x(at as f64 / last), y(precision.into()));
        let points: Vec<(u32, u32)> = curve.precision.iter().enumerate().map(at).collect();
        for pair in points.windows(2) {
            canvas.line(pair[0], pair[1], curve.colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ThresholdCurve;

    fn curves(classes: Vec<Option<Vec<f32>>>) -> PrecisionRecall {
        let of = |at: u32| ThresholdCurve {
            iou: f64::from(50 + 5 * at) / 100.0,
            precision: vec![0.5; 101],
        };
        PrecisionRecall {
            classes,
            thresholds: (0..10).map(of).collect(),
        }
    }

    #[test]
    fn a_curve_goes_through_its_precision() {
        let half = (0..101).map(|at| if at <= 50 { 1.0 } else { 0.0 }).collect();
        let names = ["car", "bus"].map(str::to_owned);
        let picture = precision_recall("t", &names, &curves(vec![Some(half), None])).unwrap();
        let (left, top) = (MARGIN + AXIS, MARGIN + HEAD + 2 * LEGEND_LINE);
        let colour = &COLOURS[COLOURS.len() - 1];
        let near = |x: u32, y: u32| (y - 1..=y + 1).any(|y| picture.get_pixel(x, y) == colour);
        assert!(near(left + PLOT.0 / 4, top) && near(left + PLOT.0 * 3 / 4, top + PLOT.1));
        assert!(!near(left + PLOT.0 / 4, top + PLOT.1) && !near(left + PLOT.0 * 3 / 4, top));
        // The lower panel stands below the upper one, and its curves lie in the middle.
        let second = top + PLOT.1 + BETWEEN + 2 * LEGEND_LINE;
        let last = &COLOURS[COLOURS.len() - SHOWN.len()];
        let middle = second + PLOT.1 / 2;
        assert!((middle - 1..=middle + 1).any(|y| picture.get_pixel(left + 9, y) == last));
        assert_eq!(picture.height(), second + PLOT.1 + BETWEEN);
    }

    #[test]
    fn of_many_classes_the_worst_are_drawn() {
        let names: Vec<String> = (0..20).map(|class| format!("class {class}")).collect();
        let of = |class: u8| Some(vec![f32::from(class) / 20.0; 101]);
        let picture = precision_recall("t", &names, &curves((0..20).rev().map(of).collect())).unwrap();
        let worst = precision_recall("t", &names[13..], &curves((0..7).rev().map(of).collect())).unwrap();
        // The same curves and the same names; only what is said of them differs.
        let below = MARGIN + HEAD + LEGEND_LINE;
        assert_eq!(picture.dimensions(), worst.dimensions());
        assert!(
            (below..picture.height())
                .all(|y| (0..picture.width()).all(|x| picture.get_pixel(x, y) == worst.get_pixel(x, y)))
        );
        assert!(precision_recall("t", &names, &curves(vec![None; 20])).is_none());
        assert!(precision_recall("t", &[], &PrecisionRecall::default()).is_none());
    }
}
