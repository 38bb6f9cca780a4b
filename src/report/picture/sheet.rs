//! Contact sheets: what the loader emits, class by class.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::canvas::{BOLD, Canvas, FAINT, INK, LEGEND_LINE, MUTED, SMALL, TITLE};
use super::{MARGIN, origin_colour};
use crate::dataset::Origin;
use crate::error::{Error, Result};

/// An emitted image.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Red, green and blue of each pixel, line by line: `3 * width * height` bytes.
    pub rgb: Vec<u8>,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// What made it: the colour of its frame.
    pub origin: Origin,
}

/// The images of one class.
#[derive(Clone, Debug)]
pub struct SheetRow {
    /// The name of the class.
    pub name: String,
    /// Its rows in the training data.
    pub count: u64,
    /// What is shown of it, from left to right.
    pub images: Vec<Tile>,
}

/// Thickness of a tile's frame, in pixels.
const FRAME: u32 = 4;
/// Pixels between tiles.
const GAP: u32 = 6;
/// The largest share of the picture's left side that the names may take, in pixels.
const NAMES: u32 = 240;
const HEAD: u32 = 36;

/// A row of framed tiles for each class, with the class's name and count, a title and a legend of the frames.
///
/// Every tile is scaled into a square of `edge` pixels (1 to 1024), its proportions kept.
///
/// # Errors
///
/// [`Data`](crate::error::ErrorKind::Data) where a tile's bytes do not fit its size.
pub fn contact_sheet(title: &str, rows: &[SheetRow], edge: u32) -> Result<RgbImage> {
    let layout = Layout::new(title, rows, edge.clamp(1, 1024));
    let mut canvas = Canvas::new(layout.width, layout.height);
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    let legend = [Origin::Real, Origin::Augmented, Origin::Synthetic].map(|o| (o.name(), origin_colour(o)));
    canvas.legend((MARGIN, MARGIN + HEAD), layout.width, &legend);
    for (i, row) in rows.iter().enumerate() {
        layout.draw(&mut canvas, layout.top + i as u32 * layout.pitch, row)?;
    }
    Ok(canvas.into_image())
}

/// Where things stand on a sheet, in pixels.
struct Layout {
    width: u32,
    height: u32,
    /// The upper edge of the first row.
    top: u32,
    /// The left edge of the first tile.
    left: u32,
    edge: u32,
    /// From one tile, or row, to the next.
    pitch: u32,
}

impl Layout {
    fn new(title: &str, rows: &[SheetRow], edge: u32) -> Self {
        let pitch = edge + 2 * FRAME + GAP;
        let names = rows
            .iter()
            .map(|row| BOLD.width(&row.name).max(SMALL.width(&rows_in(row.count))));
        let left = MARGIN + names.max().unwrap_or(0).min(NAMES) + 16;
        let columns = rows.iter().map(|row| row.images.len()).max().unwrap_or(0) as u32;
        let top = MARGIN + HEAD + LEGEND_LINE + 12;
        Self {
            width: (left + columns * pitch - GAP.min(columns))
                .max(MARGIN + TITLE.width(title))
                .max(MARGIN + 320)
                + MARGIN,
            height: top + rows.len() as u32 * pitch + MARGIN,
            top,
            left,
            edge,
            pitch,
        }
    }

    fn draw(&self, canvas: &mut Canvas, y: u32, row: &SheetRow) -> Result<()> {
        let lines = BOLD.height() + 4 + SMALL.height();
        let middle = y + (self.edge + 2 * FRAME).saturating_sub(lines) / 2;
        canvas.text((MARGIN, middle), &BOLD.fit(&row.name, NAMES), BOLD, INK);
        canvas.text((MARGIN, middle + BOLD.height() + 4), &rows_in(row.count), SMALL, MUTED);
        for (i, tile) in row.images.iter().enumerate() {
            self.tile(canvas, (self.left + i as u32 * self.pitch, y), tile)?;
        }
        Ok(())
    }

    fn tile(&self, canvas: &mut Canvas, (x, y): (u32, u32), tile: &Tile) -> Result<()> {
        let picture = scaled(tile, self.edge)?;
        let framed = self.edge + 2 * FRAME;
        let (across, down) = ((self.edge - picture.width()) / 2, (self.edge - picture.height()) / 2);
        canvas.fill((x, y), (framed, framed), origin_colour(tile.origin));
        canvas.fill((x + FRAME, y + FRAME), (self.edge, self.edge), FAINT);
        canvas.picture((x + FRAME + across, y + FRAME + down), &picture);
        Ok(())
    }
}

/// The tile, its longer side `edge` pixels long.
pub(super) fn scaled(tile: &Tile, edge: u32) -> Result<RgbImage> {
    let longer = tile.width.max(tile.height);
    let expected = 3 * u64::from(tile.width) * u64::from(tile.height);
    if expected == 0 || tile.rgb.len() as u64 != expected {
        return Err(misfit(tile));
    }
    let picture = RgbImage::from_raw(tile.width, tile.height, tile.rgb.clone()).ok_or_else(|| misfit(tile))?;
    let side = |length: u32| ((u64::from(length) * u64::from(edge) / u64::from(longer)) as u32).max(1);
    Ok(imageops::resize(
        &picture,
        side(tile.width),
        side(tile.height),
        FilterType::CatmullRom,
    ))
}

fn misfit(tile: &Tile) -> Error {
    let Tile { rgb, width, height, .. } = tile;
    Error::data(format!(
        "a tile of {width}x{height} pixels has {} bytes of RGB",
        rgb.len()
    ))
}

fn rows_in(count: u64) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(width: u32, height: u32, bytes: usize) -> SheetRow {
        let tile = Tile {
            rgb: vec![9; bytes],
            width,
            height,
            origin: Origin::Synthetic,
        };
        SheetRow {
            name: "Bag".into(),
            count: 1,
            images: vec![tile],
        }
    }

    #[test]
    fn frames_have_the_colour_of_the_origin() {
        let sheet = contact_sheet("t", &[row(4, 2, 24)], 16).unwrap();
        let colour = origin_colour(Origin::Synthetic);
        let framed = sheet.pixels().filter(|&&pixel| pixel == colour).count();
        let square = 13 * 13;
        assert_eq!(framed, 24 * 24 - 16 * 16 + square);
        assert_eq!(sheet.pixels().filter(|pixel| pixel.0 == [9; 3]).count(), 16 * 8);
    }

    #[test]
    fn refuses_tiles_that_do_not_fit() {
        for (width, height, bytes) in [(2, 2, 11), (0, 2, 0), (u32::MAX, u32::MAX, 3)] {
            assert!(contact_sheet("t", &[row(width, height, bytes)], 8).is_err());
        }
    }

    #[test]
    fn a_sheet_may_be_empty() {
        assert!(contact_sheet("", &[], 0).is_ok());
        assert!(
            contact_sheet(
                "",
                &[SheetRow {
                    images: vec![],
                    ..row(1, 1, 3)
                }],
                0
            )
            .is_ok()
        );
    }
}
