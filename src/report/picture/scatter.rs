//! Predicted numbers against true ones.

use image::{Rgb, RgbImage};

use super::MARGIN;
use super::axis::Axis;
use super::canvas::{Canvas, FAINT, INK, MUTED, SMALL, TITLE};

/// Pixels of each side of the plot.
const SIDE: u32 = 420;
/// Room for the numbers of an axis.
const AXIS: u32 = 72;
const POINT: Rgb<u8> = Rgb([0, 114, 178]);

/// A point for each pair of truth (from left to right) and prediction (from bottom to top), and the line on which both are equal.
/// Pairs that are no finite numbers are left out. `None` where none is left.
pub fn predicted_against_true(title: &str, pairs: &[(f64, f64)]) -> Option<RgbImage> {
    let pairs: Vec<_> = pairs
        .iter()
        .filter(|(truth, value)| truth.is_finite() && value.is_finite())
        .collect();
    let all = || pairs.iter().flat_map(|(truth, value)| [*truth, *value]);
    let (low, high) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    if pairs.is_empty() {
        return None;
    }
    let axis = Axis::over(low, high);
    let (left, top) = (MARGIN + AXIS, MARGIN + 62);
    let width = (left + SIDE + MARGIN).max(2 * MARGIN + TITLE.width(title));
    let mut canvas = Canvas::new(width, top + SIDE + 56);
    let along = |value: f64| (axis.share(value) * f64::from(SIDE)).round() as u32;
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    canvas.text((MARGIN, top - 26), "predicted", SMALL, MUTED);
    // Below the plot numbers stand beside one another.
    let (count, widest) = axis.ticks().fold((0, 0), |(count, widest), (_, words)| {
        (count + 1, SMALL.width(&words).max(widest))
    });
    let every = (count * (widest + 8)).div_ceil(SIDE).max(1) as usize;
    for (tick, (value, words)) in axis.ticks().enumerate() {
        let at = along(value);
        canvas.fill((left, top + SIDE - at), (SIDE, 1), if at == 0 { MUTED } else { FAINT });
        canvas.ending(
            (left - 8, (top + SIDE - at).saturating_sub(SMALL.height() / 2)),
            &words,
            SMALL,
            MUTED,
        );
        match at {
            _ if tick % every != 0 => {}
            0 => canvas.text((left, top + SIDE + 8), &words, SMALL, MUTED),
            SIDE => canvas.ending((left + SIDE, top + SIDE + 8), &words, SMALL, MUTED),
            _ => canvas.centred((left + at, top + SIDE + 8), &words, SMALL, MUTED),
        }
    }
    canvas.ending((left + SIDE, top + SIDE + 26), "true", SMALL, MUTED);
    canvas.line((left, top + SIDE), (left + SIDE, top), MUTED);
    for (truth, value) in &pairs {
        let (x, y) = (left + along(*truth), top + SIDE - along(*value));
        canvas.fill((x.saturating_sub(1), y.saturating_sub(1)), (3, 3), POINT);
    }
    Some(canvas.into_image())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_stands_at_its_truth_and_its_prediction() {
        let picture = predicted_against_true("t", &[(0.0, 10.0), (10.0, 5.0), (f64::NAN, 3.0)]).unwrap();
        let (left, top) = (MARGIN + AXIS, MARGIN + 62);
        assert_eq!(picture.get_pixel(left, top), &POINT);
        assert_eq!(picture.get_pixel(left + SIDE, top + SIDE / 2), &POINT);
        assert_eq!(picture.pixels().filter(|&&pixel| pixel == POINT).count(), 18);
        assert!(predicted_against_true("t", &[]).is_none());
        assert!(predicted_against_true("t", &[(3.0, 3.0)]).is_some());
    }
}
