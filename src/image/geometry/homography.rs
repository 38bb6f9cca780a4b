//! Maps of the plane that keep lines straight.

/// A 3 x 3 matrix, row by row.
type Matrix = [f64; 9];

/// A homography and its inverse, both of positive weight where the picture is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Homography {
    pub(super) forward: Matrix,
    pub(super) backward: Matrix,
}

impl Homography {
    /// Of a matrix whose weight is positive at `at`; none without an inverse.
    pub(super) fn new(forward: Matrix, at: [f64; 2]) -> Option<Self> {
        let forward = positive(forward, at)?;
        let backward = inverse(&forward)?;
        let backward = positive(backward, mapped(&forward, at)?)?;
        Some(Self { forward, backward })
    }

    /// This one and then another.
    pub(super) fn then(&self, next: &Self) -> Self {
        Self {
            forward: product(&next.forward, &self.forward),
            backward: product(&self.backward, &next.backward),
        }
    }

    /// `x' = a x + b`, `y' = c y + d`.
    pub(super) fn stretch([a, c]: [f64; 2], [b, d]: [f64; 2]) -> Self {
        Self {
            forward: [a, 0.0, b, 0.0, c, d, 0.0, 0.0, 1.0],
            backward: [1.0 / a, 0.0, -b / a, 0.0, 1.0 / c, -d / c, 0.0, 0.0, 1.0],
        }
    }

    pub(super) fn mirrors(&self) -> bool {
        determinant(&self.forward) < 0.0
    }

    /// The homography that takes four points to four others; none where three of them lie on a line.
    pub(super) fn of_points(from: [[f64; 2]; 4], to: [[f64; 2]; 4]) -> Option<Self> {
        let (first, second) = (of_square(from)?, of_square(to)?);
        let forward = product(&second, &inverse(&first)?);
        let centre = [0, 1].map(|axis| from.iter().map(|point| point[axis]).sum::<f64>() / 4.0);
        Self::new(forward, centre)
    }
}

/// Where a point goes; none on or beyond the horizon.
#[inline(always)]
pub(super) fn mapped(m: &Matrix, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    let weight = m[6] * x + m[7] * y + m[8];
    (weight > 0.0 && weight.is_finite()).then(|| {
        [
            (m[0] * x + m[1] * y + m[2]) / weight,
            (m[3] * x + m[4] * y + m[5]) / weight,
        ]
    })
}

/// The matrix that takes the corners of the unit square, clockwise from the origin, to `points`.
fn of_square([a, b, c, d]: [[f64; 2]; 4]) -> Option<Matrix> {
    let [sum, right, lower] = [
        [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]],
        [b[0] - c[0], b[1] - c[1]],
        [d[0] - c[0], d[1] - c[1]],
    ];
    let area = right[0] * lower[1] - right[1] * lower[0];
    let g = (sum[0] * lower[1] - sum[1] * lower[0]) / area;
    let h = (right[0] * sum[1] - right[1] * sum[0]) / area;
    let matrix = [
        b[0] - a[0] + g * b[0],
        d[0] - a[0] + h * d[0],
        a[0],
        b[1] - a[1] + g * b[1],
        d[1] - a[1] + h * d[1],
        a[1],
        g,
        h,
        1.0,
    ];
    matrix.iter().all(|value| value.is_finite()).then_some(matrix)
}

pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|at| {
        let (row, column) = (at / 3 * 3, at % 3);
        a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6]
    })
}

fn determinant(m: &Matrix) -> f64 {
    m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6])
}

fn inverse(m: &Matrix) -> Option<Matrix> {
    let determinant = determinant(m);
    let minor = |a: usize, b: usize, c: usize, d: usize| (m[a] * m[b] - m[c] * m[d]) / determinant;
    let inverse = [
        minor(4, 8, 5, 7),
        minor(2, 7, 1, 8),
        minor(1, 5, 2, 4),
        minor(5, 6, 3, 8),
        minor(0, 8, 2, 6),
        minor(2, 3, 0, 5),
        minor(3, 7, 4, 6),
        minor(1, 6, 0, 7),
        minor(0, 4, 1, 3),
    ];
    inverse.iter().all(|value| value.is_finite()).then_some(inverse)
}

/// The same map, whose weight is 1 at `at`.
fn positive(m: Matrix, at: [f64; 2]) -> Option<Matrix> {
    let weight = m[6] * at[0] + m[7] * at[1] + m[8];
    let same = m.map(|value| value / weight);
    // What is affine keeps its numbers as they are.
    let same = if m[6] == 0.0 && m[7] == 0.0 && m[8] == 1.0 {
        m
    } else {
        same
    };
    same.iter().all(|value| value.is_finite()).then_some(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_points_go_where_they_should() {
        let from = [[0.0, 0.0], [30.0, 0.0], [30.0, 20.0], [0.0, 20.0]];
        let to = [[3.0, 1.0], [28.0, 4.0], [25.0, 18.0], [-2.0, 21.0]];
        let found = Homography::of_points(from, to).unwrap();
        for (from, to) in from.into_iter().zip(to) {
            let (there, back) = (
                mapped(&found.forward, from).unwrap(),
                mapped(&found.backward, to).unwrap(),
            );
            assert!((there[0] - to[0]).abs() < 1e-9 && (there[1] - to[1]).abs() < 1e-9);
            assert!((back[0] - from[0]).abs() < 1e-9 && (back[1] - from[1]).abs() < 1e-9);
        }
        let flat = [[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0]];
        assert!(Homography::of_points(from, flat).is_none());
    }
}
