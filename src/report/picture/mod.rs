//! Pictures of what the loader emits and of what a run achieved, as PNG.
//!
//! Text is set in bitmap fonts of Latin-1; characters beyond it show as `?`. Colours are those of Okabe and Ito (2008), which
//! stay apart for colour-blind readers.

mod axis;
mod bars;
mod canvas;
mod curves;
mod drawn_object;
mod file;
mod labels;
mod masks;
mod matrix;
mod objects;
mod precision_recall;
mod scatter;
mod sheet;
mod worst;

pub use bars::{class_bars, recall_bars};
pub use curves::learning_curves;
pub use drawn_object::{DrawnObject, class_colour};
pub use file::PictureFile;
pub use masks::{MaskPair, mask_pairs};
pub use matrix::confusion_matrix;
pub use objects::draw_objects;
#[cfg(feature = "train")]
pub(crate) use objects::draw_objects_on_tile;
pub use precision_recall::precision_recall;
pub use scatter::predicted_against_true;
#[cfg(feature = "train")]
pub(crate) use sheet::contact_sheet_of;
pub use sheet::{SheetGroup, SheetSample, Tile, contact_sheet};
pub use worst::{Worst, worst_rows};

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops;
use image::{Rgb, RgbImage};

use crate::dataset::Origin;
use crate::error::{Error, Result};
use canvas::WHITE;

/// Space around everything, in pixels.
const MARGIN: u32 = 24;

/// The colour that stands for `origin` in every picture.
pub fn origin_colour(origin: Origin) -> Rgb<u8> {
    Rgb(match origin {
        Origin::Real => [0, 114, 178],
        Origin::Augmented => [230, 159, 0],
        Origin::Synthetic => [204, 121, 167],
    })
}

/// `pictures` above one another, flush left, on white.
pub fn stack(pictures: &[RgbImage]) -> RgbImage {
    let width = pictures.iter().map(RgbImage::width).max().unwrap_or(0);
    let height = pictures.iter().map(RgbImage::height).sum();
    let mut stacked = RgbImage::from_pixel(width, height, WHITE);
    let mut top = 0;
    for picture in pictures {
        imageops::replace(&mut stacked, picture, 0, top);
        top += i64::from(picture.height());
    }
    stacked
}

/// Writes `picture` to `path` as PNG: whole, or not at all.
///
/// # Errors
///
/// [`Io`](crate::error::ErrorKind::Io) where the file cannot be written, [`Config`](crate::error::ErrorKind::Config) where the picture
/// has no pixels.
pub fn write_png(path: impl AsRef<Path>, picture: &RgbImage) -> Result<()> {
    crate::exec::files::write_bytes(path.as_ref(), &png(picture)?)
}

/// `picture` as a PNG file.
///
/// # Errors
///
/// [`Config`](crate::error::ErrorKind::Config) where the picture has no pixels.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    picture
        .write_with_encoder(encoder)
        .map_err(|e| Error::config(format!("a picture of {:?} pixels: {e}", picture.dimensions())))?;
    Ok(png.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_in_order() {
        let [red, blue] = [[255, 0, 0], [0, 0, 255]].map(Rgb);
        let stacked = stack(&[RgbImage::from_pixel(2, 1, red), RgbImage::from_pixel(1, 2, blue)]);
        assert_eq!(stacked.dimensions(), (2, 3));
        let pixels: Vec<_> = stacked.pixels().copied().collect();
        assert_eq!(pixels, [red, red, blue, WHITE, blue, WHITE]);
        assert_eq!(stack(&[]).dimensions(), (0, 0));
    }

    #[test]
    fn writes_what_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let picture = RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8, y as u8, 7]));
        write_png(&path, &picture).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgb8(), picture);
        assert!(write_png(&path, &RgbImage::new(0, 0)).is_err());
    }
}
