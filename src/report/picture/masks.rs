//! Pictures with their masks, those that are there beside those that were predicted.

use image::{Rgb, RgbImage};

use super::MARGIN;
use super::canvas::{Canvas, FAINT, INK, LEGEND_LINE, MUTED, SMALL, TITLE};
use super::sheet::{Tile, scaled};
use crate::dataset::Origin;
use crate::error::Result;

/// Pairs of a line.
const COLUMNS: usize = 3;
/// Pixels of each side of a picture.
const EDGE: u32 = 160;
/// From one pair to the next, and from one line of pairs to the next.
const PITCH: (u32, u32) = (2 * EDGE + 20, EDGE + 2 * 16 + 22);
const HEAD: u32 = 36;

/// A picture with its mask, and the same with the mask that was predicted.
#[derive(Clone, Debug)]
pub struct MaskPair {
    /// With its mask, on the left.
    pub truth: RgbImage,
    /// With what was predicted, on the right.
    pub predicted: RgbImage,
    /// What stands below them, a line each; two have room.
    pub captions: Vec<String>,
}

/// `pairs` in lines of three, below a legend of the classes and their colours.
///
/// # Errors
///
/// [`Data`](crate::error::ErrorKind::Data) for a picture without pixels.
pub fn mask_pairs(title: &str, classes: &[(&str, Rgb<u8>)], pairs: &[MaskPair]) -> Result<RgbImage> {
    let columns = pairs.len().clamp(1, COLUMNS) as u32;
    let lines = pairs.len().div_ceil(COLUMNS) as u32;
    let width = (2 * MARGIN + columns * PITCH.0).max(2 * MARGIN + TITLE.width(title));
    // As the legend is drawn below; it has been measured before there is a canvas.
    let legend = Canvas::new(width, 1).legend((MARGIN, 0), width - MARGIN, classes);
    let legend = if classes.is_empty() {
        0
    } else {
        legend + LEGEND_LINE / 2
    };
    let top = MARGIN + HEAD + legend;
    let mut canvas = Canvas::new(width, top + lines * PITCH.1 + MARGIN);
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    canvas.legend((MARGIN, MARGIN + HEAD), width - MARGIN, classes);
    for (at, pair) in pairs.iter().enumerate() {
        let x = MARGIN + (at % COLUMNS) as u32 * PITCH.0;
        let y = top + (at / COLUMNS) as u32 * PITCH.1;
        for (picture, left) in [(&pair.truth, x), (&pair.predicted, x + EDGE + 2)] {
            let tile = Tile {
                rgb: picture.as_raw().clone(),
                width: picture.width(),
                height: picture.height(),
                origin: Origin::Real,
            };
            let picture = scaled(&tile, EDGE)?;
            canvas.fill((left, y), (EDGE, EDGE), FAINT);
            let (across, down) = ((EDGE - picture.width()) / 2, (EDGE - picture.height()) / 2);
            canvas.picture((left + across, y + down), &picture);
        }
        for (line, text) in pair.captions.iter().take(2).enumerate() {
            let below = y + EDGE + 6 + line as u32 * 16;
            let colour = if line == 0 { INK } else { MUTED };
            canvas.text((x, below), &SMALL.fit(text, PITCH.0 - 8), SMALL, colour);
        }
    }
    Ok(canvas.into_image())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_stands_left_of_what_was_predicted() {
        let [red, blue] = [Rgb([255, 0, 0]), Rgb([0, 0, 255])];
        let pair = MaskPair {
            truth: RgbImage::from_pixel(4, 2, red),
            predicted: RgbImage::from_pixel(4, 2, blue),
            captions: vec!["bag 19 %".to_owned()],
        };
        let pairs = vec![pair; 4];
        let sheet = mask_pairs("Masks", &[("bag", red)], &pairs).unwrap();
        let top = MARGIN + HEAD + LEGEND_LINE + LEGEND_LINE / 2;
        assert_eq!(
            sheet.dimensions(),
            (2 * MARGIN + 3 * PITCH.0, top + 2 * PITCH.1 + MARGIN)
        );
        let middle = top + EDGE / 2;
        assert_eq!(sheet.get_pixel(MARGIN + EDGE / 2, middle), &red);
        assert_eq!(sheet.get_pixel(MARGIN + EDGE + 2 + EDGE / 2, middle), &blue);
        // The fourth stands in the second line, the colour of the class in the legend.
        assert_eq!(sheet.get_pixel(MARGIN + EDGE / 2, middle + PITCH.1), &red);
        assert_eq!(sheet.get_pixel(MARGIN + 2, MARGIN + HEAD + 2), &red);
    }
}
