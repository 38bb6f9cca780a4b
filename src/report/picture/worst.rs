//! Pictures that were predicted worst.

use image::RgbImage;

use super::MARGIN;
use super::canvas::{Canvas, FAINT, INK, MUTED, SMALL, TITLE};
use super::sheet::{Tile, scaled};
use crate::error::Result;
use crate::report::in_digits;

/// Tiles of a line.
const COLUMNS: usize = 6;
/// Pixels of each side of a tile.
const EDGE: u32 = 128;
/// From one tile to the next, and from one line of tiles to the next.
const PITCH: (u32, u32) = (EDGE + 16, EDGE + 3 * 16 + 18);
const HEAD: u32 = 36;
/// Pixels of a caption.
const WIDTH: u32 = PITCH.0 - 4;

/// A picture that was predicted badly.
#[derive(Clone, Debug)]
pub struct Worst {
    /// The picture.
    pub tile: Tile,
    /// What it is, in words.
    pub truth: String,
    /// What was predicted, in words.
    pub predicted: String,
    /// How wrong that is.
    pub loss: f64,
}

/// The pictures `worst` in lines of six, each above what it is, what was predicted, and how wrong that is, which is
/// called `by`: "loss", for example.
///
/// # Errors
///
/// [`Data`](crate::error::ErrorKind::Data) where a tile's bytes do not fit its size.
pub fn worst_rows(title: &str, by: &str, worst: &[Worst]) -> Result<RgbImage> {
    let columns = worst.len().clamp(1, COLUMNS) as u32;
    let lines = worst.len().div_ceil(COLUMNS) as u32;
    let width = (2 * MARGIN + columns * PITCH.0).max(2 * MARGIN + TITLE.width(title));
    let mut canvas = Canvas::new(width, 2 * MARGIN + HEAD + lines * PITCH.1);
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    for (at, row) in worst.iter().enumerate() {
        let x = MARGIN + (at % COLUMNS) as u32 * PITCH.0;
        let y = MARGIN + HEAD + (at / COLUMNS) as u32 * PITCH.1;
        let picture = scaled(&row.tile, EDGE)?;
        canvas.fill((x, y), (EDGE, EDGE), FAINT);
        let (across, down) = ((EDGE - picture.width()) / 2, (EDGE - picture.height()) / 2);
        canvas.picture((x + across, y + down), &picture);
        let lines = [
            (SMALL.fit(&format!("is {}", row.truth), WIDTH), INK),
            (SMALL.fit(&format!("got {}", row.predicted), WIDTH), INK),
            (measure(by, row.loss), MUTED),
        ];
        for (line, (text, colour)) in lines.iter().enumerate() {
            let below = y + EDGE + 6 + line as u32 * 16;
            canvas.text((x, below), text, SMALL, *colour);
        }
    }
    Ok(canvas.into_image())
}

/// How wrong a row is, below its tile: where there is no room for the words, they are cut, and not the number.
fn measure(by: &str, loss: f64) -> String {
    let number = format!(" {}", in_digits(Some(loss)));
    SMALL.fit(by, WIDTH.saturating_sub(SMALL.width(&number))) + &number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Origin;

    #[test]
    fn a_number_is_never_cut() {
        assert_eq!(measure("loss", 4.6), "loss 4.600");
        assert_eq!(measure("wrong share", 0.256), "wrong share 0.256");
        let long = measure("a share of pixels that are wrong", 0.256);
        assert!(long.ends_with(".. 0.256") && SMALL.width(&long) <= WIDTH, "{long}");
    }

    #[test]
    fn tiles_stand_in_lines_of_six() {
        let worst = |bytes: usize| Worst {
            tile: Tile {
                rgb: vec![7; bytes],
                width: 2,
                height: 2,
                origin: Origin::Real,
            },
            truth: "cat".into(),
            predicted: "a very long name of a class (0.99)".into(),
            loss: 4.6,
        };
        let picture = worst_rows("Worst", "loss", &vec![worst(12); 7]).unwrap();
        assert_eq!(picture.width(), 2 * MARGIN + 6 * PITCH.0);
        let second = MARGIN + HEAD + PITCH.1;
        assert_eq!(picture.get_pixel(MARGIN + 5, second + 5).0, [7; 3]);
        assert_ne!(picture.get_pixel(MARGIN + PITCH.0 + 5, second + 5).0, [7; 3]);
        assert!(worst_rows("Worst", "loss", &[]).is_ok());
        assert!(worst_rows("Worst", "loss", &[worst(11)]).is_err());
    }
}
