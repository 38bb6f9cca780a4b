//! Outlines as pixels.

use std::ops::Range;

/// The pixels of a picture on which objects are drawn, row by row from the top left; 0 where none is.
#[derive(Debug)]
pub(super) struct Raster {
    width: usize,
    height: usize,
    values: Vec<u8>,
}

impl Raster {
    /// A picture without objects.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            values: vec![0; width * height],
        }
    }

    /// The value of each pixel.
    pub(super) fn into_values(self) -> Vec<u8> {
        self.values
    }

    /// Draws the polygon of `points`, x and y of each: the pixels whose centres lie inside, where a ray meets its sides an odd number of times.
    pub(super) fn polygon(&mut self, points: &[f32], value: u8) {
        let Some(points) = finite(points) else { return };
        // Where its sides cross the line through the centres of each row.
        let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); self.height];
        for side in sides(&points) {
            for row in rows(side, self.height) {
                crossings[row].push(crossing(side, row));
            }
        }
        for (row, mut crossings) in crossings.into_iter().enumerate() {
            crossings.sort_by(f64::total_cmp);
            for &[from, to] in crossings.as_chunks::<2>().0 {
                let columns = centres(from, to, self.width);
                self.line(row, columns).fill(value);
            }
        }
    }

    /// Draws COCO's run lengths, which go down the columns; false where they do not cover the picture, and nothing is drawn.
    pub(super) fn runs(&mut self, lengths: &[u64], value: u8) -> bool {
        let all = lengths.iter().copied().fold(0, u64::saturating_add);
        if all != self.values.len() as u64 {
            return false;
        }
        let mut at = 0;
        for (nth, &length) in lengths.iter().enumerate() {
            let run = at..at + length as usize;
            at = run.end;
            if nth % 2 == 1 {
                run.for_each(|pixel| self.values[pixel % self.height * self.width + pixel / self.height] = value);
            }
        }
        true
    }

    /// Draws a box of this left, top, width and height.
    pub(super) fn rectangle(&mut self, [left, top, width, height]: [f32; 4], value: u8) {
        let side = |from: f32, length: f32, end: usize| {
            let from = f64::from(from);
            centres(from, from + f64::from(length), end)
        };
        let columns = side(left, width, self.width);
        for row in side(top, height, self.height) {
            self.line(row, columns.clone()).fill(value);
        }
    }

    fn line(&mut self, row: usize, columns: Range<usize>) -> &mut [u8] {
        let first = row * self.width;
        &mut self.values[first + columns.start..first + columns.end]
    }
}

/// Whether [`Raster::polygon`] draws any pixel of the polygon of `points` in a picture of this width and height.
pub(super) fn has_pixels(points: &[f32], [width, height]: [usize; 2]) -> bool {
    let Some(points) = finite(points) else { return false };
    let ends = points.iter().map(|point| point[1]);
    let (top, bottom) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
        (low.min(y), high.max(y))
    });
    let mut all = if points.is_empty() {
        0..0
    } else {
        centres(top, bottom, height)
    };
    // Nearly all have some in the first rows.
    all.any(|row| {
        let own = sides(&points).filter(|side| rows(*side, height).contains(&row));
        let mut crossings: Vec<f64> = own.map(|side| crossing(side, row)).collect();
        crossings.sort_by(f64::total_cmp);
        let mut spans = crossings.as_chunks::<2>().0.iter();
        spans.any(|&[from, to]| !centres(from, to, width).is_empty())
    })
}

/// A side of a polygon, from one point to the next.
type Side = [[f64; 2]; 2];

/// The points whose `numbers` these are; none where one is not finite.
fn finite(numbers: &[f32]) -> Option<Vec<[f64; 2]>> {
    let points = numbers.as_chunks::<2>().0.iter();
    let points: Vec<[f64; 2]> = points.map(|point| point.map(f64::from)).collect();
    let is_finite = points.as_flattened().iter().all(|side| side.is_finite());
    is_finite.then_some(points)
}

fn sides(points: &[[f64; 2]]) -> impl Iterator<Item = Side> {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(from, to)| [*from, *to])
}

/// The rows whose centres lie between the ends of a side.
fn rows([[_, y], [_, to_y]]: Side, height: usize) -> Range<usize> {
    centres(y.min(to_y), y.max(to_y), height)
}

/// Where a side crosses the line through the centres of `row`.
fn crossing([[x, y], [to_x, to_y]]: Side, row: usize) -> f64 {
    let share = (row as f64 + 0.5 - y) / (to_y - y);
    x + share * (to_x - x)
}

/// The pixels below `end` whose centres lie from `low` on and before `high`, which is no less.
fn centres(low: f64, high: f64, end: usize) -> Range<usize> {
    let pixel = |side: f64| (side - 0.5).ceil().clamp(0.0, end as f64) as usize;
    pixel(low)..pixel(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: usize, height: usize, draw: impl FnOnce(&mut Raster)) -> Vec<u8> {
        let mut raster = Raster::new(width, height);
        draw(&mut raster);
        raster.into_values()
    }

    #[test]
    fn polygons_have_the_pixels_whose_centres_lie_inside() {
        // A triangle below the diagonal, and that by a quarter of a pixel.
        let triangle = drawn(4, 4, |raster| raster.polygon(&[0.0, -0.25, 4.25, 4.0, 0.0, 4.0], 1));
        assert_eq!(triangle, [1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]);
        // A box as a polygon is that box, whichever way round it goes, and beyond the picture, too.
        for bbox in [
            [1.0, 0.0, 2.0, 3.0],
            [0.6, 0.4, 2.0, 1.2],
            [-3.0, -2.0, 5.0, 9.0],
            [1.0, 1.0, 0.2, 0.2],
        ] {
            let [left, top, right, bottom] = [bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]];
            let filled = drawn(4, 3, |raster| raster.rectangle(bbox, 9));
            let there = [left, top, right, top, right, bottom, left, bottom];
            let back = [left, top, left, bottom, right, bottom, right, top];
            for points in [there, back] {
                assert_eq!(drawn(4, 3, |raster| raster.polygon(&points, 9)), filled, "{bbox:?}");
            }
        }
        let filled = drawn(4, 3, |raster| raster.rectangle([1.0, 0.0, 2.0, 2.0], 7));
        assert_eq!(filled, [0, 7, 7, 0, 0, 7, 7, 0, 0, 0, 0, 0]);
        // What is no number, or no polygon, is not drawn.
        for points in [&[][..], &[1.0, 1.0], &[0.0, 0.0, f32::INFINITY, 0.0, 3.0, 3.0]] {
            assert_eq!(drawn(4, 3, |raster| raster.polygon(points, 1)), [0; 12]);
        }
    }

    #[test]
    fn a_polygon_has_pixels_where_some_are_drawn() {
        // Numbers of no pattern, in quarters of a pixel from -1 to 6.
        let mut state = 1_u32;
        let mut number = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 % 29.0 / 4.0 - 1.0
        };
        let (mut with, mut without) = (0, 0);
        for points in (0..3000).map(|at| 2 * (at % 5)) {
            let points: Vec<f32> = (0..points).map(|_| number()).collect();
            let is_drawn = drawn(5, 4, |raster| raster.polygon(&points, 1)).contains(&1);
            assert_eq!(has_pixels(&points, [5, 4]), is_drawn, "{points:?}");
            (with, without) = (with + i32::from(is_drawn), without + i32::from(!is_drawn));
        }
        assert!(with > 500 && without > 500, "{with} {without}");
        assert!(!has_pixels(&[0.0, 0.0, f32::NAN, 9.0, 9.0, 0.0], [5, 4]));
    }

    #[test]
    fn run_lengths_go_down_the_columns() {
        let mut raster = Raster::new(3, 2);
        assert!(!raster.runs(&[1, 2], 5) && !raster.runs(&[u64::MAX, 7], 5));
        assert!(raster.runs(&[1, 2, 3], 5));
        // The lower left and the upper middle one.
        assert_eq!(raster.into_values(), [0, 5, 0, 5, 0, 0]);
    }
}
