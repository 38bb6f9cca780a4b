//! What the figures need of linear algebra, in `f64`.

use rayon::prelude::*;

/// A dense matrix, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) values: Vec<f64>,
    pub(crate) columns: usize,
}

impl Dense {
    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    pub(crate) fn transposed(&self) -> Self {
        let rows = self.rows();
        let values =
            (0..self.columns).flat_map(|column| (0..rows).map(move |row| self.values[row * self.columns + column]));
        Self {
            values: values.collect(),
            columns: rows,
        }
    }

    /// This matrix times the transpose of `other`.
    pub(crate) fn times_transposed(&self, other: &Self) -> Self {
        let of = |row: usize| (0..other.rows()).map(move |column| dot(self.row(row), other.row(column)));
        let rows: Vec<Vec<f64>> = (0..self.rows()).into_par_iter().map(|row| of(row).collect()).collect();
        Self {
            values: rows.concat(),
            columns: other.rows(),
        }
    }

    /// The upper triangle R with RᵀR = this matrix, which is symmetric and has no negative eigenvalue. Directions without extent have rows
    /// of zeros.
    pub(crate) fn cholesky(&self) -> Self {
        let n = self.columns;
        let largest = (0..n).map(|at| self.values[at * n + at]).fold(0.0, f64::max);
        // Lower triangle, so that rows lie one after the other.
        let mut lower = vec![0.0; n * n];
        for row in 0..n {
            let (above, own) = lower.split_at_mut(row * n);
            for column in 0..row {
                let other = &above[column * n..column * n + n];
                let pivot = other[column];
                let rest = self.values[row * n + column] - dot(&own[..column], &other[..column]);
                own[column] = if pivot > 0.0 { rest / pivot } else { 0.0 };
            }
            let rest = self.values[row * n + row] - dot(&own[..row], &own[..row]);
            own[row] = if rest > 1e-13 * largest { rest.sqrt() } else { 0.0 };
        }
        Self {
            values: lower,
            columns: n,
        }
        .transposed()
    }

    /// The sum of the singular values.
    pub(crate) fn nuclear_norm(&self) -> f64 {
        let gram = match self.rows() <= self.columns {
            true => self.times_transposed(self),
            false => {
                let turned = self.transposed();
                turned.times_transposed(&turned)
            }
        };
        gram.eigenvalues().into_iter().map(|value| value.max(0.0).sqrt()).sum()
    }

    /// The eigenvalues of a symmetric matrix, in no order: Householder's reduction to three diagonals, then QL with implicit shifts
    /// (`tred2` and `tql1` of EISPACK).
    pub(crate) fn eigenvalues(mut self) -> Vec<f64> {
        let n = self.columns;
        let (mut diagonal, mut beside) = (vec![0.0; n], vec![0.0; n]);
        let a = &mut self.values;
        for i in (1..n).rev() {
            let mut own: Vec<f64> = a[i * n..i * n + i].to_vec();
            let scale: f64 = own.iter().map(|value| value.abs()).sum();
            diagonal[i] = a[i * n + i];
            if i == 1 || scale == 0.0 {
                beside[i] = own[i - 1];
                continue;
            }
            own.iter_mut().for_each(|value| *value /= scale);
            let norm = dot(&own, &own);
            let last = own[i - 1];
            let g = if last >= 0.0 { -norm.sqrt() } else { norm.sqrt() };
            beside[i] = scale * g;
            let h = norm - last * g;
            own[i - 1] = last - g;
            // p = A u / h, of which the lower triangle is there.
            let mut p = vec![0.0; i];
            for j in 0..i {
                let row = &a[j * n..j * n + j];
                p[j] += dot(row, &own[..j]) + a[j * n + j] * own[j];
                for (value, &entry) in p[..j].iter_mut().zip(row) {
                    *value += entry * own[j];
                }
            }
            p.iter_mut().for_each(|value| *value /= h);
            let k = dot(&own, &p) / (2.0 * h);
            p.iter_mut().zip(&own).for_each(|(value, u)| *value -= k * u);
            for j in 0..i {
                let (u, q) = (own[j], p[j]);
                for ((entry, &pk), &uk) in a[j * n..=j * n + j].iter_mut().zip(&p).zip(&own) {
                    *entry -= u * pk + q * uk;
                }
            }
        }
        if n > 0 {
            diagonal[0] = a[0];
        }
        of_three_diagonals(diagonal, beside)
    }
}

/// `beside[i]` stands between `i - 1` and `i`.
fn of_three_diagonals(mut d: Vec<f64>, mut e: Vec<f64>) -> Vec<f64> {
    let n = d.len();
    e.rotate_left(1.min(n));
    for l in 0..n {
        // 50 rounds are more than any matrix has been seen to need (30 in EISPACK).
        for _ in 0..50 {
            let small = |m: &usize| e[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs());
            let m = (l..n - 1).find(small).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut r = g.hypot(1.0);
            g = d[m] - d[l] + e[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut ended = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    ended = true;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if ended {
                continue;
            }
            d[l] -= p;
            e[l] = g;
            e[m] = 0.0;
        }
    }
    d
}

/// In four sums side by side, so that the compiler adds them with vector instructions.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_matrices_that_are_known() {
        // The second difference of n points has 2 - 2 cos(k pi / (n + 1)).
        let n = 9;
        let entry = |at: usize| match (at / n).abs_diff(at % n) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let matrix = Dense {
            values: (0..n * n).map(entry).collect(),
            columns: n,
        };
        let mut found = matrix.eigenvalues();
        found.sort_by(f64::total_cmp);
        for (k, found) in (1..).zip(found) {
            let expected = 2.0 - 2.0 * (f64::from(k) * std::f64::consts::PI / 10.0).cos();
            assert!((found - expected).abs() < 1e-12, "{k}: {found} {expected}");
        }
        // A full one: all ones has n and zeros.
        let ones = Dense {
            values: vec![1.0; 25],
            columns: 5,
        };
        let mut found = ones.eigenvalues();
        found.sort_by(f64::total_cmp);
        assert!(
            (found[4] - 5.0).abs() < 1e-12 && found[..4].iter().all(|value| value.abs() < 1e-12),
            "{found:?}"
        );
    }

    #[test]
    fn a_triangle_gives_its_matrix_back() {
        // Of rank 2 in 3 dimensions.
        let half = Dense {
            values: vec![1.0, 2.0, 0.5, -1.0, 3.0, 1.0],
            columns: 2,
        };
        let whole = half.times_transposed(&half);
        let upper = whole.cholesky();
        let turned = upper.transposed();
        let again = turned.times_transposed(&turned);
        for (a, b) in again.values.iter().zip(&whole.values) {
            assert!((a - b).abs() < 1e-12, "{again:?} {whole:?}");
        }
    }
}
