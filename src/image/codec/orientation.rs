//! Which way up a picture is.

use crate::image::geometry::area::Area;
use crate::image::geometry::crop::Region;
use crate::image::geometry::mirror::Mirrored;
use crate::image::pixels::Pixels;

/// EXIF's orientation, which says how the stored picture has to be turned to be upright: first its sides are exchanged, then
/// columns and rows are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::image) struct Orientation {
    exchanged: bool,
    /// Left and right of the stored picture.
    mirrored: bool,
    /// Top and bottom of the stored picture.
    upended: bool,
}

impl Orientation {
    /// EXIF's number, `1..=8`; any other is upright.
    pub(in crate::image) fn new(number: u64) -> Self {
        Self {
            exchanged: (5..=8).contains(&number),
            mirrored: matches!(number, 2 | 3 | 7 | 8),
            upended: matches!(number, 3 | 4 | 6 | 7),
        }
    }

    /// EXIF's number.
    pub(in crate::image) fn number(self) -> u8 {
        let numbers = if self.exchanged { [5, 8, 6, 7] } else { [1, 2, 4, 3] };
        numbers[usize::from(self.mirrored) + 2 * usize::from(self.upended)]
    }

    /// Width and height of the upright picture.
    pub(in crate::image) fn upright(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.exchanged {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Where an area of the upright picture is in the stored one of `width` x `height` pixels.
    pub(in crate::image) fn stored(self, area: Area, (width, height): (u32, u32)) -> Area {
        let (region, size) = match self.exchanged {
            true => (exchange(area.region), [area.size[1], area.size[0]]),
            false => (area.region, area.size),
        };
        Area {
            region: self.mirror(region, (width, height)),
            size,
            ..area
        }
    }

    /// Turns `part`, which holds a part of the stored picture, and the region in it.
    pub(in crate::image) fn turn<L: Mirrored>(self, part: &mut Pixels<L>, region: Region) -> Region {
        let region = self.mirror(region, (part.width, part.height));
        if self == Self::default() {
            return region;
        }
        let (width, height) = self.upright((part.width, part.height));
        part.redraw(|old, new| self.draw(old, new));
        (part.width, part.height) = (width, height);
        if self.exchanged { exchange(region) } else { region }
    }

    fn mirror(self, mut region: Region, (width, height): (u32, u32)) -> Region {
        if self.mirrored {
            region.left = (f64::from(width) - region.left - region.width).max(0.0);
        }
        if self.upended {
            region.top = (f64::from(height) - region.top - region.height).max(0.0);
        }
        region
    }

    fn draw<L: Mirrored>(self, old: &Pixels<L>, new: &mut [L]) {
        match old.channels() {
            1 => self.draw_of::<1, _>(old, new),
            4 => self.draw_of::<4, _>(old, new),
            _ => self.draw_of::<3, _>(old, new),
        }
    }

    fn draw_of<const N: usize, L: Mirrored>(self, old: &Pixels<L>, new: &mut [L]) {
        let stride = old.stride();
        let height = old.height as usize;
        if self.exchanged {
            return self.exchange::<N, _>(old, new);
        }
        match (self.mirrored, self.upended) {
            // Half a turn: all pixels in the opposite order.
            (true, true) => {
                let new = new.as_chunks_mut::<N>().0.iter_mut().rev();
                old.levels
                    .as_chunks()
                    .0
                    .iter()
                    .zip(new)
                    .for_each(|(from, to)| *to = *from);
            }
            (true, false) => L::mirror(old, new),
            _ => {
                for (y, to) in new.chunks_exact_mut(stride).enumerate() {
                    to.copy_from_slice(&old.levels[(height - 1 - y) * stride..][..stride]);
                }
            }
        }
    }

    /// Columns become rows, a few at a time, so that what is read of a row is used while it is in the cache.
    fn exchange<const N: usize, L: Mirrored>(self, old: &Pixels<L>, new: &mut [L]) {
        const BAND: usize = 16;
        let (width, height) = (old.width as usize, old.height as usize);
        let from = old.levels.as_chunks::<N>().0;
        let to = new.as_chunks_mut::<N>().0;
        for band in (0..height).step_by(BAND) {
            let rows = band..height.min(band + BAND);
            for x in 0..width {
                let row = if self.mirrored { width - 1 - x } else { x } * height;
                for y in rows.clone() {
                    let column = if self.upended { height - 1 - y } else { y };
                    to[row + column] = from[y * width + x];
                }
            }
        }
    }
}

fn exchange(region: Region) -> Region {
    Region {
        left: region.top,
        top: region.left,
        width: region.height,
        height: region.width,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept() {
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|number| Orientation::new(number).number()),
            [1, 1, 2, 3, 4, 5, 6, 7, 8, 1]
        );
    }

    /// A picture with a colour for every place, and the same place seen after the turn.
    #[test]
    fn a_region_holds_the_same_pixels_before_and_after() {
        let (width, height) = (37, 21);
        let mut stored = Pixels::new(width, height);
        for (at, pixel) in stored.levels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [(at % 37) as u8, (at / 37) as u8, 9];
        }
        for number in 1..=8 {
            let orientation = Orientation::new(number);
            let (w, h) = orientation.upright((width, height));
            let wanted = Region {
                left: 3.0,
                top: 5.0,
                width: 7.0,
                height: 4.0,
            };
            let area = Area {
                region: wanted,
                size: [3, 2],
                by_eighths: false,
            };
            let Area {
                region: there, size, ..
            } = orientation.stored(area, (width, height));
            assert_eq!(size, if number > 4 { [2, 3] } else { [3, 2] });
            let cut = |pixels: &Pixels, region: Region| {
                let mut part = Pixels::new(region.width as u32, region.height as u32);
                let at = [region.left, region.top, region.width, region.height];
                pixels.resample(at, &mut part).unwrap();
                part
            };
            // Cut and turned, or turned and cut.
            let mut part = cut(&stored, there);
            let whole = Region::whole(part.width, part.height);
            assert_eq!(orientation.turn(&mut part, whole), Region::whole(7, 4));
            let mut upright = stored.clone();
            assert_eq!(orientation.turn(&mut upright, there), wanted, "{number}");
            assert_eq!((upright.width, upright.height), (w, h));
            assert_eq!(part, cut(&upright, wanted), "{number}");
        }
    }
}
