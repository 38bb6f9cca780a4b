//! A part of a plane of numbers at another size.

/// Numbers that planes are made of.
pub(super) trait Level: Copy {
    fn number(self) -> f32;
    fn rounded(number: f32) -> Self;
}

impl Level for f32 {
    fn number(self) -> f32 {
        self
    }
    fn rounded(number: f32) -> Self {
        number
    }
}

impl Level for u8 {
    fn number(self) -> f32 {
        self.into()
    }
    fn rounded(number: f32) -> Self {
        (number + 0.5) as u8
    }
}

/// Where along an axis a part begins, and how long it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: f64,
    pub(super) length: f64,
}

impl Span {
    /// The nearest place of `size` to each of `count`.
    pub(super) fn nearest(self, size: usize, count: usize) -> Vec<usize> {
        let place = |at: usize| (self.start + (at as f64 + 0.5) * self.length / count as f64) as usize;
        (0..count).map(|at| place(at).min(size.saturating_sub(1))).collect()
    }

    /// For each of `count` places the first of `size` that it is made of, and the weights: a triangle, wide enough to be antialiased.
    fn taps(self, size: usize, count: usize) -> Vec<(usize, Vec<f32>)> {
        let step = self.length / count as f64;
        let reach = step.max(1.0);
        let tap = |at: usize| {
            let centre = self.start + (at as f64 + 0.5) * step;
            let first = (centre - reach + 0.5).floor().max(0.0) as usize;
            let end = ((centre + reach + 0.5).floor().max(0.0) as usize).clamp(first + 1, size.max(first + 1));
            let first = first.min(size.saturating_sub(1));
            let weight = |place: usize| (1.0 - ((place as f64 + 0.5 - centre) / reach).abs()).max(0.0);
            let weights: Vec<f64> = (first..end.min(size)).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            match sum > 0.0 {
                true => (first, weights.iter().map(|weight| (weight / sum) as f32).collect()),
                false => (first, vec![1.0]),
            }
        };
        (0..count).map(tap).collect()
    }
}

/// The part `across` and `down` of `plane`, rows of `width` numbers, at `size` (width and height), written by `put(x, y, number)`.
pub(super) fn resample<T: Level>(
    plane: &[T],
    width: usize,
    [across, down]: [Span; 2],
    [to_width, to_height]: [usize; 2],
    mut put: impl FnMut(usize, usize, T),
) {
    let height = plane.len() / width.max(1);
    let (columns, rows) = (across.taps(width, to_width), down.taps(height, to_height));
    let first = rows.iter().map(|(first, _)| *first).min().unwrap_or(0);
    let end = rows
        .iter()
        .map(|(first, weights)| first + weights.len())
        .max()
        .unwrap_or(0);
    let line = |y: usize| {
        let line = &plane[y * width..(y + 1) * width];
        let sum = |(first, weights): &(usize, Vec<f32>)| -> f32 {
            let own = line[*first..first + weights.len()].iter();
            own.zip(weights).map(|(level, weight)| level.number() * weight).sum()
        };
        columns.iter().map(sum).collect::<Vec<f32>>()
    };
    let lines: Vec<Vec<f32>> = (first..end).map(line).collect();
    for (y, (from, weights)) in rows.iter().enumerate() {
        for x in 0..to_width {
            let own = lines[from - first..from - first + weights.len()].iter();
            let sum: f32 = own.zip(weights).map(|(line, weight)| line[x] * weight).sum();
            put(x, y, T::rounded(sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(plane: &[f32], width: usize, spans: [Span; 2], to: [usize; 2]) -> Vec<f32> {
        let mut out = vec![0.0; to[0] * to[1]];
        resample(plane, width, spans, to, |x, y, level| out[y * to[0] + x] = level);
        out
    }

    fn span(start: f64, length: f64) -> Span {
        Span { start, length }
    }

    #[test]
    fn whole_pixels_stay_and_halves_are_means() {
        let plane: Vec<f32> = (0..16).map(|level| level as f32).collect();
        assert_eq!(at(&plane, 4, [span(0.0, 4.0), span(0.0, 4.0)], [4, 4]), plane);
        assert_eq!(
            at(&plane, 4, [span(1.0, 2.0), span(2.0, 2.0)], [2, 2]),
            [9.0, 10.0, 13.0, 14.0]
        );
        // Pillow: Image.fromarray(plane).resize((2, 2), Image.BILINEAR)
        let half = at(&plane, 4, [span(0.0, 4.0), span(0.0, 4.0)], [2, 2]);
        let expected = [3.571_428_5, 5.142_857, 9.857_143, 11.428_571];
        assert!(half.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{half:?}");
        // A level stays one at any scale.
        for to in [[1, 1], [3, 2], [7, 5]] {
            let level = at(&[5.0; 16], 4, [span(0.3, 3.1), span(0.0, 4.0)], to);
            assert!(level.iter().all(|value| (value - 5.0).abs() < 1e-5));
        }
        assert_eq!(span(0.0, 4.0).nearest(4, 2), [1, 3]);
    }
}
