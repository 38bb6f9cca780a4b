//! Rectangles and text on an RGB image.

use std::convert::Infallible;

use embedded_graphics::Drawable as _;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_8X13, FONT_9X18_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use embedded_graphics::primitives::{Line, Primitive as _, PrimitiveStyle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use image::{Rgb, RgbImage};

pub(super) const WHITE: Rgb<u8> = Rgb([255; 3]);
/// For what is read.
pub(super) const INK: Rgb<u8> = Rgb([33, 37, 41]);
/// For what only explains.
pub(super) const MUTED: Rgb<u8> = Rgb([96, 103, 110]);
/// For lines that help the eye.
pub(super) const FAINT: Rgb<u8> = Rgb([225, 228, 231]);

pub(super) const TITLE: Font = Font(&FONT_10X20);
pub(super) const BOLD: Font = Font(&FONT_9X18_BOLD);
pub(super) const SMALL: Font = Font(&FONT_8X13);

/// A fixed-width bitmap font of Latin-1.
#[derive(Clone, Copy)]
pub(super) struct Font(&'static MonoFont<'static>);

impl Font {
    /// Pixels that `text` takes from left to right.
    pub(super) fn width(self, text: &str) -> u32 {
        text.chars().count() as u32 * self.0.character_size.width
    }

    /// Pixels from the top of a line to its bottom.
    pub(super) fn height(self) -> u32 {
        self.0.character_size.height
    }

    /// `text`, cut to `width` pixels; two dots stand for what was cut.
    pub(super) fn fit(self, text: &str, width: u32) -> String {
        let room = (width / self.0.character_size.width) as usize;
        if text.chars().count() <= room {
            return text.to_owned();
        }
        let kept: String = text.chars().take(room.saturating_sub(2)).collect();
        format!("{}{}", kept.trim_end(), &".."[..room.min(2)])
    }

    /// `text` in lines of `width` pixels, broken at blanks; a word that is longer is cut.
    pub(super) fn lines(self, text: &str, width: u32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(line) + self.width(" ") + self.width(word) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(self.fit(word, width)),
            }
        }
        lines
    }

    /// `text` in up to two lines of `width` pixels, broken at a blank or after a slash or hyphen where that helps.
    pub(super) fn wrap(self, text: &str, width: u32) -> Vec<String> {
        let breaks = text.match_indices([' ', '/', '-', '_']).map(|(at, _)| at + 1);
        let mut fitting = breaks.filter(|&at| self.width(text[..at].trim_end()) <= width);
        match fitting.next_back() {
            Some(at) if self.width(text) > width => {
                vec![text[..at].trim_end().to_owned(), self.fit(&text[at..], width)]
            }
            _ => vec![self.fit(text, width)],
        }
    }
}

/// A picture to draw on, white at first; what falls outside is not drawn.
pub(super) struct Canvas(RgbImage);

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width, height, WHITE))
    }

    /// A picture that is there already.
    pub(super) fn over(picture: RgbImage) -> Self {
        Self(picture)
    }

    /// Pixels from left to right and from top to bottom.
    pub(super) fn dimensions(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    pub(super) fn into_image(self) -> RgbImage {
        self.0
    }

    /// Fills the rectangle with its left upper corner at `(x, y)`.
    pub(super) fn fill(&mut self, (x, y): (u32, u32), (width, height): (u32, u32), colour: Rgb<u8>) {
        for y in y..y.saturating_add(height).min(self.0.height()) {
            for x in x..x.saturating_add(width).min(self.0.width()) {
                self.0.put_pixel(x, y, colour);
            }
        }
    }

    /// A line of two pixels' width between the middles of two pixels.
    pub(super) fn line(&mut self, from: (u32, u32), to: (u32, u32), Rgb([r, g, b]): Rgb<u8>) {
        let point = |(x, y): (u32, u32)| Point::new(x as i32, y as i32);
        let style = PrimitiveStyle::with_stroke(Rgb888::new(r, g, b), 2);
        let Ok(()) = Line::new(point(from), point(to)).into_styled(style).draw(self);
    }

    /// Puts `picture` down with its left upper corner at `(x, y)`.
    pub(super) fn picture(&mut self, (x, y): (u32, u32), picture: &RgbImage) {
        image::imageops::replace(&mut self.0, picture, x.into(), y.into());
    }

    /// A line of text whose upper edge is at `y` and that starts at `x`.
    pub(super) fn text(&mut self, at: (u32, u32), text: &str, font: Font, colour: Rgb<u8>) {
        self.aligned(at, text, font, colour, Alignment::Left);
    }

    /// A line of text whose upper edge is at `y` and whose middle is at `x`.
    pub(super) fn centred(&mut self, at: (u32, u32), text: &str, font: Font, colour: Rgb<u8>) {
        self.aligned(at, text, font, colour, Alignment::Center);
    }

    /// A line of text whose upper edge is at `y` and that ends at `x`.
    pub(super) fn ending(&mut self, at: (u32, u32), text: &str, font: Font, colour: Rgb<u8>) {
        self.aligned(at, text, font, colour, Alignment::Right);
    }

    fn aligned(&mut self, (x, y): (u32, u32), text: &str, font: Font, Rgb([r, g, b]): Rgb<u8>, align: Alignment) {
        let character = MonoTextStyle::new(font.0, Rgb888::new(r, g, b));
        let style = TextStyleBuilder::new().alignment(align).baseline(Baseline::Top).build();
        let Ok(_) = Text::with_text_style(text, Point::new(x as i32, y as i32), character, style).draw(self);
    }

    /// A line of coloured squares with their names, from `x` on; wraps before `right`. Returns the `y` below it.
    pub(super) fn legend(&mut self, (left, mut y): (u32, u32), right: u32, entries: &[(&str, Rgb<u8>)]) -> u32 {
        let mut x = left;
        for &(name, colour) in entries {
            if x > left && x + legend_width(name) > right {
                (x, y) = (left, y + LEGEND_LINE);
            }
            self.fill((x, y), (SQUARE, SQUARE), colour);
            self.text((x + SQUARE + 6, y), name, SMALL, INK);
            x += legend_width(name) + 22;
        }
        y + LEGEND_LINE
    }
}

const SQUARE: u32 = 13;
/// Pixels from one line of a legend to the next.
pub(super) const LEGEND_LINE: u32 = 22;

/// Pixels that an entry of a legend takes from left to right.
pub(super) fn legend_width(name: &str) -> u32 {
    SQUARE + 6 + SMALL.width(name)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = embedded_graphics::Pixel<Rgb888>>,
    {
        for embedded_graphics::Pixel(at, colour) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y))
                && let Some(pixel) = self.0.get_pixel_mut_checked(x, y)
            {
                *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_broken_and_cut_to_their_width() {
        let wrap = |text, characters| SMALL.wrap(text, characters * SMALL.width("x"));
        assert_eq!(wrap("Bag", 3), ["Bag"]);
        assert_eq!(wrap("Ankle boot", 9), ["Ankle", "boot"]);
        assert_eq!(wrap("T-shirt/top", 9), ["T-shirt/", "top"]);
        assert_eq!(wrap("Trousers", 6), ["Trou.."]);
        assert_eq!(wrap("a Handbagette", 7), ["a", "Handb.."]);
        assert_eq!(wrap("Trousers", 1), ["."]);
        assert_eq!(wrap("Ärmel", 3), ["Ä.."]);
    }

    #[test]
    fn words_are_set_in_lines() {
        let lines = |text, characters| SMALL.lines(text, characters * SMALL.width("x"));
        assert_eq!(lines("row 12", 11), ["row 12"]);
        assert_eq!(
            lines("brightness 1.13, contrast 0.9", 16),
            ["brightness 1.13,", "contrast 0.9"]
        );
        assert_eq!(lines("a Handbagette", 7), ["a", "Handb.."]);
        assert_eq!(lines("", 7), [""; 0]);
    }

    #[test]
    fn what_falls_outside_is_not_drawn() {
        let mut canvas = Canvas::new(4, 4);
        canvas.fill((2, 2), (u32::MAX, 9), INK);
        canvas.ending((0, 0), "left of it", SMALL, INK);
        canvas.text((3, 3), "right of it", SMALL, INK);
        assert_eq!(canvas.into_image().get_pixel(3, 3), &INK);
    }
}
