//! A confusion matrix.

use crate::quote::counted;
use image::{Rgb, RgbImage};

use super::MARGIN;
use super::canvas::{Canvas, FAINT, INK, MUTED, SMALL, TITLE, WHITE};
use crate::report::Confusion;

/// Pixels that all cells of a line should fit into.
const WIDEST: u32 = 960;
/// A cell is not larger than this, unless the names of classes are wider.
const CELL: u32 = 52;
/// Nor than this then.
const WIDE: u32 = 130;
/// The least cell with names beside it.
const NAMED: u32 = 14;
/// The least cell with a number in it.
const NUMBERED: u32 = 28;
/// Pixels that the names of rows take at most.
const NAMES: u32 = 200;
/// Classes that are drawn at most: a cell is a pixel at least.
const MOST: usize = 2000;

/// Truth (rows) against prediction (columns): the darker a cell, the larger its share of the rows of its class; blue where both are
/// the same class, else orange. Cells have numbers, and rows and columns names, where there is room. `None` for more than 2000 classes
/// and for none.
pub fn confusion_matrix(title: &str, classes: &[String], confusion: &Confusion) -> Option<RgbImage> {
    let n = confusion.classes();
    if n == 0 || n > MOST || classes.len() != n {
        return None;
    }
    // As wide as the names of columns, where there is room.
    let widest = classes.iter().map(|name| SMALL.width(name)).max().unwrap_or(0);
    let cell = (WIDEST / n as u32).clamp(1, CELL.max((widest + 8).min(WIDE)));
    let names = match cell >= NAMED {
        true => widest.min(NAMES),
        false => 0,
    };
    let (left, top) = (MARGIN + names + 10, MARGIN + 36 + 26);
    let side = n as u32 * cell;
    // Below the matrix columns have their numbers, which stand beside the names of the rows, too.
    let below = if cell >= NAMED { 30 } else { 8 };
    let caption = format!(
        "truth: rows; predicted: columns, in the same order; {}",
        counted(confusion.total(), "picture")
    );
    let width = (left + side.max(SMALL.width(&caption)) + MARGIN).max(2 * MARGIN + TITLE.width(title));
    let mut canvas = Canvas::new(width, top + side + below + MARGIN);
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    canvas.text((left, top - 22), &caption, SMALL, MUTED);
    canvas.fill((left - 1, top - 1), (side + 2, side + 2), FAINT);
    for (truth, name) in classes.iter().enumerate() {
        let all = confusion.rows(truth);
        let y = top + truth as u32 * cell;
        if cell >= NAMED {
            let middle = y + cell.saturating_sub(SMALL.height()) / 2;
            canvas.ending((left - 6, middle), &SMALL.fit(name, NAMES), SMALL, INK);
        }
        for predicted in 0..n {
            let count = confusion.count(truth, predicted);
            let share = if all > 0 { count as f64 / all as f64 } else { 0.0 };
            let x = left + predicted as u32 * cell;
            let inside = if cell > 3 { cell - 1 } else { cell };
            canvas.fill((x, y), (inside, inside), shade(share, truth == predicted));
            let text = count.to_string();
            if count > 0 && cell >= NUMBERED && SMALL.width(&text) <= inside {
                let colour = if share > 0.6 { WHITE } else { INK };
                canvas.centred(
                    (x + inside / 2, y + (inside - SMALL.height()) / 2),
                    &text,
                    SMALL,
                    colour,
                );
            }
        }
    }
    if cell >= NAMED {
        for (predicted, name) in classes.iter().enumerate() {
            let x = left + predicted as u32 * cell + cell / 2;
            canvas.centred((x, top + side + 6), &SMALL.fit(name, cell - 2), SMALL, MUTED);
        }
    }
    Some(canvas.into_image())
}

/// From white to blue where a row was recognised, else to orange. What is there at all is seen.
fn shade(share: f64, right: bool) -> Rgb<u8> {
    let full = if right { [0, 90, 150] } else { [200, 90, 0] };
    let strength = if share > 0.0 { 0.08 + 0.92 * share.min(1.0) } else { 0.0 };
    Rgb(full.map(|value: u8| (255.0 + strength * (f64::from(value) - 255.0)).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_as_dark_as_its_share() {
        let confusion = Confusion::try_from(vec![vec![4, 0], vec![1, 1]]).unwrap();
        let names = ["a", "b"].map(str::to_owned);
        let picture = confusion_matrix("Confusion", &names, &confusion).unwrap();
        let (left, top) = (MARGIN + SMALL.width("a") + 10, MARGIN + 62);
        let cell = |truth: u32, predicted: u32| *picture.get_pixel(left + predicted * CELL + 2, top + truth * CELL + 2);
        assert_eq!(cell(0, 0), Rgb([0, 90, 150]));
        assert_eq!(cell(0, 1), WHITE);
        assert_eq!(cell(1, 0), shade(0.5, false));
        assert_eq!(cell(1, 1), shade(0.5, true));
        assert_ne!(cell(1, 0), cell(1, 1));
    }

    #[test]
    fn six_names_and_the_caption_are_whole() {
        let names = ["cardboard", "glass", "metal", "paper", "plastic", "trash"].map(str::to_owned);
        let picture = confusion_matrix("t", &names, &Confusion::new(6)).unwrap();
        let left = MARGIN + SMALL.width("cardboard") + 10;
        let cell = SMALL.width("cardboard") + 8;
        assert!(picture.width() >= left + 6 * cell + MARGIN, "{}", picture.width());
        assert!(
            picture.width()
                >= left + SMALL.width("truth: rows; predicted: columns, in the same order; 0 pictures") + MARGIN
        );
        assert_eq!(SMALL.fit("cardboard", cell - 2), "cardboard");
    }

    #[test]
    fn draws_many_and_none() {
        let names: Vec<String> = (0..1500).map(|class| format!("class {class}")).collect();
        let many = confusion_matrix("t", &names, &Confusion::new(1500)).unwrap();
        assert!(many.width() < 1700);
        assert!(confusion_matrix("t", &[], &Confusion::new(0)).is_none());
        let names: Vec<String> = (0..2001).map(|class| class.to_string()).collect();
        assert!(confusion_matrix("t", &names, &Confusion::new(2001)).is_none());
    }
}
