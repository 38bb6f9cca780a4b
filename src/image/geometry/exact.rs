//! Motions in which pixels fall on pixels: copies.

use super::mirror::Mirrored;
use super::motion::Motion;
use super::padding::Padding;
use crate::image::pixels::Pixels;

/// Rows that are written at once where rows become columns, so that what is read of a row is used while it is in the cache.
const BAND: usize = 16;

/// A motion in which each pixel is a copy of one pixel, or lies beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) struct Exact {
    from: [u32; 2],
    to: [u32; 2],
    /// Columns of the output are rows of the input.
    exchanged: bool,
    /// Across and down in the input.
    axes: [Axis; 2],
}

/// Pixel `i` of an axis of the output is pixel `start + i` of the input, or `start - i` where it runs backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    start: i64,
    backwards: bool,
}

impl Axis {
    fn of(factor: f64, shift: f64) -> Option<Self> {
        let (whole, backwards) = (libm::round(shift), factor < 0.0);
        let is_exact = (factor.abs() - 1.0).abs() < 1e-12 && (shift - whole).abs() < 1e-9 && whole.abs() < 1e9;
        is_exact.then_some(Self {
            start: whole as i64 - i64::from(backwards),
            backwards,
        })
    }

    fn at(self, i: usize) -> i64 {
        self.start + if self.backwards { -(i as i64) } else { i as i64 }
    }

    /// Where each of `count` pixels comes from.
    fn table(self, count: u32, length: u32, padding: Padding) -> Vec<Option<usize>> {
        (0..count as usize).map(|i| padding.pixel(self.at(i), length)).collect()
    }
}

impl Exact {
    /// None where the motion has to resample.
    pub(in crate::image) fn of(motion: &Motion) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, _] = motion.backward()?;
        let zero = |value: f64| value.abs() < 1e-12;
        if !(zero(g) && zero(h)) {
            return None;
        }
        let (exchanged, factors) = if zero(b) && zero(d) {
            (false, [a, e])
        } else if zero(a) && zero(e) {
            (true, [b, d])
        } else {
            return None;
        };
        let axes = [Axis::of(factors[0], c)?, Axis::of(factors[1], f)?];
        let (from, to) = (motion.from(), motion.to());
        Some(Self {
            from,
            to,
            exchanged,
            axes,
        })
    }

    /// Between sizes; for across and down in the input, which pixel is the output's first one, and whether it goes backwards.
    pub(super) fn new(from: [u32; 2], to: [u32; 2], exchanged: bool, axes: [(i64, bool); 2]) -> Self {
        let axes = axes.map(|(start, backwards)| Axis { start, backwards });
        Self {
            from,
            to,
            exchanged,
            axes,
        }
    }

    /// True where every pixel of the input is one of the output.
    pub(super) fn keeps_all(&self) -> bool {
        let to = if self.exchanged {
            [self.to[1], self.to[0]]
        } else {
            self.to
        };
        let first = |axis: Axis, length: u32| if axis.backwards { i64::from(length) - 1 } else { 0 };
        to == self.from
            && [0, 1]
                .iter()
                .all(|&i| self.axes[i].start == first(self.axes[i], self.from[i]))
    }

    pub(in crate::image) fn is_identity(&self) -> bool {
        let still = Axis {
            start: 0,
            backwards: false,
        };
        self.from == self.to && !self.exchanged && self.axes == [still; 2]
    }

    /// True where the picture is mirrored left and right, and nothing else happens.
    fn is_mirror(&self) -> bool {
        let [across, down] = self.axes;
        let width = i64::from(self.from[0]);
        self.from == self.to
            && !self.exchanged
            && across.backwards
            && across.start == width - 1
            && !down.backwards
            && down.start == 0
    }

    /// Draws `old`, whose size is that of the motion's input, into `new`, whose size is that of its output.
    pub(in crate::image) fn draw<L: Mirrored>(&self, old: &Pixels<L>, new: &mut Pixels<L>, padding: Padding) {
        if self.is_mirror() {
            return L::mirror(old, &mut new.levels);
        }
        match old.channels() {
            1 => self.draw_of::<1, _>(old, new, padding),
            4 => self.draw_of::<4, _>(old, new, padding),
            _ => self.draw_of::<3, _>(old, new, padding),
        }
    }

    fn draw_of<const N: usize, L: Mirrored>(&self, old: &Pixels<L>, new: &mut Pixels<L>, padding: Padding) {
        let (old, new) = (old.levels.as_chunks::<N>().0, new.levels.as_chunks_mut::<N>().0);
        self.copy(old, new, padding.fill_of(), padding);
    }

    /// Copies pixels of any kind; `fill` is what a constant padding shows.
    pub(in crate::image) fn copy<T: Copy>(&self, old: &[T], new: &mut [T], fill: T, padding: Padding) {
        let ([width, height], [across, down]) = (self.from, self.axes);
        let stride = width as usize;
        let (count, lines) = if self.exchanged {
            (self.to[1], self.to[0])
        } else {
            (self.to[0], self.to[1])
        };
        let columns = across.table(count, width, padding);
        let rows = down.table(lines, height, padding);
        let pixel = |row: Option<usize>, column: Option<usize>| match (row, column) {
            (Some(row), Some(column)) => old[row * stride + column],
            _ => fill,
        };
        let wide = (self.to[0] as usize).max(1);
        if self.exchanged {
            for (band, new) in new.chunks_mut(wide * BAND).enumerate() {
                for (x, row) in rows.iter().enumerate() {
                    for (y, line) in new.chunks_mut(wide).enumerate() {
                        line[x] = pixel(*row, columns[band * BAND + y]);
                    }
                }
            }
            return;
        }
        let whole = match (columns.first(), columns.last()) {
            (Some(Some(first)), Some(Some(last))) if !across.backwards && last + 1 == first + columns.len() => {
                Some(*first)
            }
            _ => None,
        };
        for (line, row) in new.chunks_exact_mut(wide).zip(rows) {
            match (row, whole) {
                (Some(row), Some(first)) => line.copy_from_slice(&old[row * stride + first..][..wide]),
                _ => line
                    .iter_mut()
                    .zip(&columns)
                    .for_each(|(to, column)| *to = pixel(row, *column)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(motion: &Motion, padding: Padding) -> Vec<u8> {
        let [width, height] = motion.from();
        let old: Vec<u8> = (1..=(width * height) as u8).collect();
        let mut new = vec![99; (motion.to()[0] * motion.to()[1]) as usize];
        Exact::of(motion).unwrap().copy(&old, &mut new, 0, padding);
        new
    }

    #[test]
    fn whole_pixels_are_copied() {
        let (size, black) = ([3, 2], Padding::default());
        assert_eq!(moved(&Motion::identity(size), black), [1, 2, 3, 4, 5, 6]);
        assert_eq!(moved(&Motion::horizontal_flip(size), black), [3, 2, 1, 6, 5, 4]);
        assert_eq!(moved(&Motion::vertical_flip(size), black), [4, 5, 6, 1, 2, 3]);
        assert_eq!(moved(&Motion::transpose(size), black), [1, 4, 2, 5, 3, 6]);
        assert_eq!(moved(&Motion::rotation(size, 180.0), black), [6, 5, 4, 3, 2, 1]);
        assert_eq!(moved(&Motion::rotation([2, 2], 90.0), black), [2, 4, 1, 3]);
        assert_eq!(moved(&Motion::rotation([2, 2], -90.0), black), [3, 1, 4, 2]);
        assert_eq!(moved(&Motion::crop(size, [2, 1], [1, 1]), black), [5, 6]);
        assert_eq!(
            moved(&Motion::crop(size, [4, 2], [-1, -1]), black),
            [0, 0, 0, 0, 0, 1, 2, 3]
        );
        assert_eq!(
            moved(&Motion::crop(size, [4, 2], [-1, -1]), Padding::Edge),
            [1, 1, 2, 3, 1, 1, 2, 3]
        );
        assert_eq!(
            moved(&Motion::crop(size, [4, 2], [-1, -1]), Padding::Reflect),
            [5, 4, 5, 6, 2, 1, 2, 3]
        );
        assert!(Exact::of(&Motion::rotation(size, 1.0)).is_none());
        // A quarter turn about the centre of a picture that is no square moves pixels by halves.
        assert!(Exact::of(&Motion::rotation(size, 90.0)).is_none());
    }
}
