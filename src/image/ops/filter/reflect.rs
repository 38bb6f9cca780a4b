//! Pixels beyond an edge.

use crate::image::{Level, Pixels};

/// The pixel that stands at `at`, which may lie outside `0..length`: reflected, without repeating the edge.
pub(in crate::image) fn reflect(at: isize, length: usize) -> usize {
    let period = (2 * length as isize - 2).max(1);
    let at = at.rem_euclid(period);
    at.min(period - at).min(length as isize - 1).max(0) as usize
}

/// The picture with `margin` reflected pixels on each side, row by row, and the levels of one of its rows.
pub(super) fn padded<L: Level>(pixels: &Pixels<L>, margin: usize) -> (Vec<L>, usize) {
    let (width, height, channels) = (pixels.width as usize, pixels.height as usize, pixels.channels());
    let stride = (width + 2 * margin) * channels;
    let mut all = Vec::with_capacity(stride * (height + 2 * margin));
    let beside = |x: isize| reflect(x, width) * channels;
    let left: Vec<usize> = (-(margin as isize)..0).map(beside).collect();
    let right: Vec<usize> = (width as isize..(width + margin) as isize).map(beside).collect();
    for y in -(margin as isize)..(height + margin) as isize {
        let row = &pixels.levels[reflect(y, height) * width * channels..][..width * channels];
        left.iter()
            .for_each(|&at| all.extend_from_slice(&row[at..at + channels]));
        all.extend_from_slice(row);
        right
            .iter()
            .for_each(|&at| all.extend_from_slice(&row[at..at + channels]));
    }
    (all, stride)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        let row: Vec<usize> = (-3..7).map(|at| reflect(at, 4)).collect();
        assert_eq!(row, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert!((-9..9).all(|at| reflect(at, 1) == 0));
    }
}
