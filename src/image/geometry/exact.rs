//! Motions in which pixels fall on pixels: copies.

use super::mirror::Mirrored;
use super::motion::Motion;
use super::padding::Padding;
use crate::image::pixels::Pixels;
use std::ops::Range;

/// Rows of the input that are read side by side where rows become columns: as many as memory is read ahead for, and what is written of a line at
/// once is a good part of a cache line.
const TILE: usize = 8;

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

    /// Which of `count` pixels come from one of `length` pixels, whatever is shown beyond these.
    fn inside(self, count: usize, length: u32) -> Range<usize> {
        let (first, end) = match self.backwards {
            false => (-self.start, i64::from(length) - self.start),
            true => (self.start - i64::from(length) + 1, self.start + 1),
        };
        let first = first.clamp(0, count as i64);
        first as usize..end.clamp(first, count as i64) as usize
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
        let inside = across.inside(count as usize, width);
        let columns = across.table(count, width, padding);
        let rows = down.table(lines, height, padding);
        let of_row = |row: usize| &old[row * stride..][..stride];
        let wide = (self.to[0] as usize).max(1);
        if self.exchanged {
            let rows: Vec<Option<&[T]>> = rows.into_iter().map(|row| row.map(of_row)).collect();
            return turn(&rows, &columns, new, fill);
        }
        // What is copied as one; of a picture that runs backwards nothing is.
        let run = if across.backwards || inside.is_empty() {
            0..0
        } else {
            inside
        };
        let rims = [0..run.start, run.end..wide];
        // Where nothing but the colour is beyond, it is copied as well: pixel by pixel is slower.
        let is_plain = rims.iter().all(|rim| columns[rim.clone()].iter().all(Option::is_none));
        let plain = vec![fill; wide];
        let draw = |(line, row): (&mut [T], Option<usize>)| {
            let Some(row) = row else {
                return line.copy_from_slice(&plain);
            };
            let from = of_row(row);
            for rim in rims.clone() {
                if is_plain {
                    line[rim.clone()].copy_from_slice(&plain[rim]);
                } else {
                    rim.for_each(|x| line[x] = columns[x].map_or(fill, |column| from[column]));
                }
            }
            if !run.is_empty() {
                line[run.clone()].copy_from_slice(&from[across.at(run.start) as usize..][..run.len()]);
            }
        };
        // Memory is read from its first row on, which is faster than from its last.
        let all = new.chunks_exact_mut(wide).zip(rows);
        match down.backwards {
            false => all.for_each(draw),
            true => all.rev().for_each(draw),
        }
    }
}

/// Rows of the input become columns of `new`, and `columns` of it rows. None is shown as `fill`.
fn turn<T: Copy>(rows: &[Option<&[T]>], columns: &[Option<usize>], new: &mut [T], fill: T) {
    for (tile, group) in rows.chunks(TILE).enumerate() {
        let inside: Vec<&[T]> = group.iter().flatten().copied().collect();
        let full: Option<&[&[T]; TILE]> = inside.as_slice().try_into().ok();
        for (line, column) in new.chunks_exact_mut(rows.len()).zip(columns) {
            let to = &mut line[tile * TILE..][..group.len()];
            match (*column, full) {
                (None, _) => to.fill(fill),
                // Of a known length, so that it is written as one.
                (Some(column), Some(rows)) => to.copy_from_slice(&rows.map(|row| row[column])),
                (Some(column), None) => {
                    let pixels = group.iter().map(|row| row.map_or(fill, |row| row[column]));
                    to.iter_mut().zip(pixels).for_each(|(to, from)| *to = from);
                }
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
        // A rim on all sides, of a picture that lies as it is, on its side, and mirrored.
        let rim = |motion: Motion| {
            let size = motion.to();
            moved(
                &motion.then(Motion::crop(size, size.map(|side| side + 2), [-1, -1])),
                black,
            )
        };
        assert_eq!(rim(Motion::identity([2, 1])), [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0]);
        assert_eq!(
            rim(Motion::horizontal_flip([2, 1])),
            [0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0]
        );
        assert_eq!(rim(Motion::transpose([2, 1])), [0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(
            rim(Motion::rotation([2, 2], 90.0)),
            [0, 0, 0, 0, 0, 2, 4, 0, 0, 1, 3, 0, 0, 0, 0, 0]
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
        let apart = Motion::crop(size, [2, 1], [5, 0]);
        assert_eq!(moved(&apart, black), [0, 0]);
        assert_eq!(moved(&apart, Padding::Edge), [3, 3]);
        // A quarter turn about the centre of a picture that is no square moves pixels by halves.
        assert!(Exact::of(&Motion::rotation(size, 90.0)).is_none());
    }

    #[test]
    fn every_pixel_is_the_one_that_its_place_says() {
        let size = [37, 41];
        let old: Vec<u16> = (1..=37 * 41).collect();
        let turns = [
            Motion::identity(size),
            Motion::horizontal_flip(size),
            Motion::vertical_flip(size),
            Motion::transpose(size),
            Motion::transpose(size).then(Motion::horizontal_flip([41, 37])),
            Motion::transpose(size).then(Motion::vertical_flip([41, 37])),
        ];
        for turn in turns {
            for (to, from) in [
                ([60, 50], [-4, -7]),
                ([20, 18], [5, 9]),
                ([50, 20], [-8, 22]),
                ([5, 60], [30, -40]),
            ] {
                let motion = turn.clone().then(Motion::crop(turn.to(), to, from));
                let exact = Exact::of(&motion).unwrap();
                for padding in [Padding::default(), Padding::Edge, Padding::Reflect] {
                    let mut new = vec![7; (to[0] * to[1]) as usize];
                    exact.copy(&old, &mut new, 0, padding);
                    for (at, found) in new.into_iter().enumerate() {
                        let place = [at as u32 % to[0], at as u32 / to[0]].map(|side| f64::from(side) + 0.5);
                        let [x, y] = motion.origin(place);
                        let column = padding.pixel(x.floor() as i64, size[0]);
                        let row = padding.pixel(y.floor() as i64, size[1]);
                        let wanted = column.zip(row).map_or(0, |(column, row)| old[row * 37 + column]);
                        assert_eq!(found, wanted, "{at} of {exact:?}, {padding:?}");
                    }
                }
            }
        }
    }
}
