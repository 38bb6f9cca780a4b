//! Contact sheets: what a training sees, class by class.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::canvas::{BOLD, Canvas, FAINT, INK, LEGEND_LINE, MUTED, SMALL, TITLE};
use super::drawn_object::class_colour;
use super::{MARGIN, origin_colour};
use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::quote::counted;

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

impl Tile {
    /// The tile with its longer side `edge` pixels long, as a sheet draws it: what a large one takes in memory is given back.
    ///
    /// # Errors
    ///
    /// [`Data`](crate::error::ErrorKind::Data) where its bytes do not fit its size.
    pub fn scaled(&self, edge: u32) -> Result<Self> {
        let picture = scaled(self, edge)?;
        Ok(Self {
            width: picture.width(),
            height: picture.height(),
            rgb: picture.into_raw(),
            origin: self.origin,
        })
    }
}

/// A row on a sheet: its picture, or those of the rows that it was made of, in one frame.
#[derive(Clone, Debug)]
pub struct SheetSample {
    /// From left to right. The frame has the colour of the first one's origin.
    pub tiles: Vec<Tile>,
    /// What stands below, each in up to three lines.
    pub captions: Vec<String>,
}

/// The rows of one class on a sheet.
#[derive(Clone, Debug)]
pub struct SheetGroup {
    /// The name of the class.
    pub name: String,
    /// Its rows in the training data.
    pub count: u64,
    /// What is shown of it, line by line from the top, and from left to right.
    pub lines: Vec<Vec<SheetSample>>,
}

/// Thickness of a tile's frame, in pixels.
const FRAME: u32 = 4;
/// Pixels between tiles.
const GAP: u32 = 6;
/// Pixels between groups, more than between lines of one.
const BETWEEN: u32 = 12;
/// The largest share of the picture's left side that the names may take, in pixels.
const NAMES: u32 = 240;
const HEAD: u32 = 30;
/// Lines of one caption.
const CAPTION: usize = 3;
/// From one line of small text to the next.
const LINE: u32 = 15;
/// The least width of what is written across a sheet.
const TEXT: u32 = 480;

/// Lines of framed tiles for each class, with the class's name and count, under a title, notes and a legend of the frames.
///
/// Every tile is scaled into a square of `edge` pixels (1 to 1024), its proportions kept.
///
/// # Errors
///
/// [`Data`](crate::error::ErrorKind::Data) where a tile's bytes do not fit its size.
///
/// ```
/// use millstream::dataset::Origin;
/// use millstream::report::picture::{SheetGroup, SheetSample, Tile, contact_sheet};
///
/// let tile = Tile { rgb: vec![0; 12], width: 2, height: 2, origin: Origin::Augmented };
/// let sample = SheetSample { tiles: vec![tile], captions: vec!["row 7".to_owned()] };
/// let bags = SheetGroup { name: "Bag".to_owned(), count: 8, lines: vec![vec![sample]] };
/// let sheet = contact_sheet("Samples", &["seed 0".to_owned()], &[bags], 64)?;
/// assert!(sheet.width() > 480);
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn contact_sheet(title: &str, notes: &[String], groups: &[SheetGroup], edge: u32) -> Result<RgbImage> {
    contact_sheet_of(("row", &[]), title, notes, groups, edge)
}

/// As [`contact_sheet`], with a group's count in nouns other than rows, and the colours of the classes of objects that are drawn on the tiles, in the order of their numbers, below
/// the legend of the frames.
///
/// # Errors
///
/// As [`contact_sheet`].
pub(crate) fn contact_sheet_of(
    (noun, classes): (&str, &[String]),
    title: &str,
    notes: &[String],
    groups: &[SheetGroup],
    edge: u32,
) -> Result<RgbImage> {
    let layout = Layout::new(noun, title, notes, groups, edge.clamp(1, 1024));
    let names: Vec<String> = classes.iter().map(|name| SMALL.fit(name, NAMES)).collect();
    let key: Vec<_> = (0..)
        .zip(&names)
        .map(|(class, name)| (name.as_str(), class_colour(class)))
        .collect();
    let (left, right) = (MARGIN, layout.width - MARGIN);
    let below = match key.is_empty() {
        true => 0,
        false => Canvas::new(0, 0).legend((left, 0), right, &key),
    };
    let mut canvas = Canvas::new(layout.width, layout.height + below);
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    for (line, note) in (0..).zip(&layout.notes) {
        canvas.text((MARGIN, MARGIN + HEAD + line * LINE), note, SMALL, MUTED);
    }
    let legend = [Origin::Real, Origin::Augmented, Origin::Synthetic].map(|o| (o.name(), origin_colour(o)));
    canvas.legend((MARGIN, layout.legend), layout.width, &legend);
    canvas.legend((left, layout.legend + LEGEND_LINE), right, &key);
    let mut y = layout.legend + LEGEND_LINE + below + 12;
    for group in groups {
        layout.group(&mut canvas, y, group)?;
        y += layout.height_of(group) + BETWEEN;
    }
    Ok(canvas.into_image())
}

/// Where things stand on a sheet, in pixels.
struct Layout<'a> {
    /// What a group's count is of.
    noun: &'a str,
    width: u32,
    height: u32,
    /// The notes, a line each.
    notes: Vec<String>,
    /// The upper edge of the legend.
    legend: u32,
    /// The left edge of the first tile.
    left: u32,
    edge: u32,
}

impl<'a> Layout<'a> {
    fn new(noun: &'a str, title: &str, notes: &[String], groups: &[SheetGroup], edge: u32) -> Self {
        let names = groups
            .iter()
            .map(|group| BOLD.width(&group.name).max(SMALL.width(&counted(group.count, noun))));
        let left = MARGIN + names.max().unwrap_or(0).min(NAMES) + 16;
        let mut layout = Self {
            noun,
            width: 0,
            height: 0,
            notes: Vec::new(),
            legend: 0,
            left,
            edge,
        };
        let lines = groups.iter().flat_map(|group| &group.lines);
        let across = |line: &Vec<SheetSample>| line.iter().map(|sample| layout.across(sample) + GAP).sum::<u32>();
        let tiles = lines.map(across).max().unwrap_or(0).saturating_sub(GAP);
        let text = (left + tiles - MARGIN).max(TITLE.width(title)).max(TEXT);
        layout.width = MARGIN + text + MARGIN;
        layout.notes = notes.iter().flat_map(|note| SMALL.lines(note, text)).collect();
        layout.legend = MARGIN + HEAD + layout.notes.len() as u32 * LINE + 8;
        let groups: u32 = groups.iter().map(|group| layout.height_of(group) + BETWEEN).sum();
        layout.height = layout.legend + LEGEND_LINE + 12 + groups + MARGIN;
        layout
    }

    /// Pixels of a sample's frame from left to right.
    fn across(&self, sample: &SheetSample) -> u32 {
        sample.tiles.len().max(1) as u32 * self.edge + 2 * FRAME
    }

    fn captions(&self, sample: &SheetSample) -> Vec<String> {
        let width = self.across(sample);
        let lines = |caption: &String| SMALL.lines(caption, width).into_iter().take(CAPTION);
        sample.captions.iter().flat_map(lines).collect()
    }

    /// Pixels from one line of samples to the next.
    fn pitch(&self, line: &[SheetSample]) -> u32 {
        let captions = line.iter().map(|sample| self.captions(sample).len()).max();
        self.edge + 2 * FRAME + GAP + captions.unwrap_or(0) as u32 * LINE
    }

    fn height_of(&self, group: &SheetGroup) -> u32 {
        let lines: u32 = group.lines.iter().map(|line| self.pitch(line)).sum();
        lines.max(BOLD.height() + 4 + SMALL.height() + GAP)
    }

    fn group(&self, canvas: &mut Canvas, mut y: u32, group: &SheetGroup) -> Result<()> {
        let names = BOLD.height() + 4 + SMALL.height();
        let middle = y + (self.edge + 2 * FRAME).saturating_sub(names) / 2;
        canvas.text((MARGIN, middle), &BOLD.fit(&group.name, NAMES), BOLD, INK);
        canvas.text(
            (MARGIN, middle + BOLD.height() + 4),
            &counted(group.count, self.noun),
            SMALL,
            MUTED,
        );
        for line in &group.lines {
            let mut x = self.left;
            for sample in line {
                self.sample(canvas, (x, y), sample)?;
                x += self.across(sample) + GAP;
            }
            y += self.pitch(line);
        }
        Ok(())
    }

    fn sample(&self, canvas: &mut Canvas, (x, y): (u32, u32), sample: &SheetSample) -> Result<()> {
        let origin = sample.tiles.first().map(|tile| tile.origin).unwrap_or_default();
        let (across, down) = (self.across(sample), self.edge + 2 * FRAME);
        canvas.fill((x, y), (across, down), origin_colour(origin));
        canvas.fill((x + FRAME, y + FRAME), (across - 2 * FRAME, self.edge), FAINT);
        for (at, tile) in (0..).zip(&sample.tiles) {
            let picture = scaled(tile, self.edge)?;
            let (right, lower) = ((self.edge - picture.width()) / 2, (self.edge - picture.height()) / 2);
            canvas.picture((x + FRAME + at * self.edge + right, y + FRAME + lower), &picture);
        }
        for (at, caption) in (0..).zip(self.captions(sample)) {
            canvas.text((x, y + down + 1 + at * LINE), &caption, SMALL, MUTED);
        }
        Ok(())
    }
}

/// The tile, its longer side `edge` pixels long.
pub(super) fn scaled(tile: &Tile, edge: u32) -> Result<RgbImage> {
    let longer = tile.width.max(tile.height);
    // A tile may say any size.
    let expected = 3 * u128::from(tile.width) * u128::from(tile.height);
    if expected == 0 || tile.rgb.len() as u128 != expected {
        return Err(misfit(tile));
    }
    let picture = RgbImage::from_raw(tile.width, tile.height, tile.rgb.clone()).ok_or_else(|| misfit(tile))?;
    if longer == edge {
        return Ok(picture);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(width: u32, height: u32, bytes: usize) -> Tile {
        Tile {
            rgb: vec![9; bytes],
            width,
            height,
            origin: Origin::Synthetic,
        }
    }

    fn group(tiles: Vec<Tile>) -> SheetGroup {
        let sample = SheetSample {
            tiles,
            captions: Vec::new(),
        };
        SheetGroup {
            name: "Bag".into(),
            count: 1,
            lines: vec![vec![sample]],
        }
    }

    #[test]
    fn frames_have_the_colour_of_the_origin() {
        let sheet = contact_sheet("t", &[], &[group(vec![tile(4, 2, 24)])], 16).unwrap();
        let colour = origin_colour(Origin::Synthetic);
        let framed = sheet.pixels().filter(|&&pixel| pixel == colour).count();
        let square = 13 * 13;
        assert_eq!(framed, 24 * 24 - 16 * 16 + square);
        assert_eq!(sheet.pixels().filter(|pixel| pixel.0 == [9; 3]).count(), 16 * 8);
    }

    #[test]
    fn a_count_is_of_rows_or_of_what_is_said() {
        let groups = [group(vec![tile(4, 2, 24)])];
        let of = |noun: &str| contact_sheet_of((noun, &[]), "t", &[], &groups, 16).unwrap();
        let rows = contact_sheet("t", &[], &groups, 16).unwrap();
        assert!(rows == of("row") && rows != of("object"));
    }

    #[test]
    fn two_tiles_share_a_frame() {
        let sheet = contact_sheet("t", &[], &[group(vec![tile(16, 16, 768), tile(16, 16, 768)])], 16).unwrap();
        let colour = origin_colour(Origin::Synthetic);
        let framed = sheet.pixels().filter(|&&pixel| pixel == colour).count();
        assert_eq!(framed, 40 * 24 - 32 * 16 + 13 * 13);
        assert_eq!(sheet.pixels().filter(|pixel| pixel.0 == [9; 3]).count(), 2 * 16 * 16);
    }

    #[test]
    fn lines_and_captions_make_room() {
        let with = |lines: usize, captions: &[&str]| {
            let mut group = group(vec![tile(2, 2, 12)]);
            group.lines[0][0].captions = captions.iter().map(|&caption| caption.to_owned()).collect();
            group.lines = vec![group.lines[0].clone(); lines];
            contact_sheet("t", &[], &[group], 80).unwrap().height()
        };
        let one = with(1, &[]);
        assert_eq!(with(1, &["row 7"]) - one, LINE);
        assert_eq!(
            with(1, &["row 7", "a caption of several lines that goes on"]) - one,
            4 * LINE
        );
        assert_eq!(with(2, &[]) - one, 80 + 2 * FRAME + GAP);
    }

    #[test]
    fn refuses_tiles_that_do_not_fit() {
        for (width, height, bytes) in [(2, 2, 11), (0, 2, 0), (u32::MAX, u32::MAX, 3)] {
            assert!(contact_sheet("t", &[], &[group(vec![tile(width, height, bytes)])], 8).is_err());
        }
    }

    #[test]
    fn a_sheet_may_be_empty() {
        let note = "a note that is longer than what is written across the sheet ".repeat(4);
        assert!(contact_sheet("", &[note], &[], 0).is_ok());
        assert!(contact_sheet("", &[], &[group(vec![])], 0).is_ok());
    }

    #[test]
    fn classes_of_objects_have_a_key_of_their_colours() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            contact_sheet_of(("row", &names), "t", &[], &[group(vec![tile(4, 2, 24)])], 16).unwrap()
        };
        let (none, key) = (of(&[]), of(&["cat", "dog"]));
        assert_eq!(key.height(), none.height() + LEGEND_LINE);
        let more = |class: u32| {
            let of = |sheet: &RgbImage| sheet.pixels().filter(|&&pixel| pixel == class_colour(class)).count();
            of(&key) - of(&none)
        };
        assert_eq!([0, 1, 2].map(more), [13 * 13, 13 * 13, 0]);
        // Of many classes it has several lines.
        assert!(of(&["a class of a long name"; 12]).height() > key.height() + LEGEND_LINE);
    }
}
