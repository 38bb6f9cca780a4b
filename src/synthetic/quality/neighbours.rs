//! Exact nearest neighbours, all pairs, on all cores.

use super::matrix::{Matrix, Rows, check_widths};
use crate::error::Result;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;
use std::ops::Range;

/// Rows that are asked about together.
const QUERIES: usize = 16;
/// Values of the other rows that lie in the cache together.
const CACHED: usize = 1 << 15;
/// Sums that are kept side by side, so that the compiler adds them with vector instructions.
pub(super) const LANES: usize = 16;
/// Lanes' worth of values after which a sum is compared with its limit.
const PART: usize = 4;

/// A near row and its Euclidean distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The row.
    pub row: usize,
    /// How far it is.
    pub distance: f64,
}

/// The `k` nearest rows of `among` for each row of `of`, the nearest first, of equally near ones the first. Fewer where `among` has fewer.
///
/// Time is in proportion to the product of both numbers of rows; no distances are kept. Distances are those of `f32` sums of squared
/// differences (to about 1e-6 of themselves), so that equal rows have distance 0.
///
/// ```
/// use millstream::synthetic::quality::{Matrix, nearest};
///
/// let among = Matrix::new(vec![0.0, 10.0, 4.0], 1)?;
/// let found = nearest(&Matrix::new(vec![5.0], 1)?, &among, 2)?;
/// assert_eq!((found[0][0].row, found[0][0].distance), (2, 1.0));
/// assert_eq!((found[0][1].row, found[0][1].distance), (0, 5.0));
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Config` where the widths differ.
pub fn nearest(of: &Matrix, among: &Matrix, k: usize) -> Result<Vec<Vec<Neighbour>>> {
    check_widths(of, among)?;
    let found = scan(
        of,
        among,
        |_| Nearest::new(k),
        |found, _, row, square| found.offer(row, square),
    );
    Ok(found.into_iter().map(Nearest::into_sorted).collect())
}

/// As [`nearest`] among the rows of `of` themselves: a row is no neighbour of its own, another row with the same values is one.
pub fn nearest_others(of: &Matrix, k: usize) -> Vec<Vec<Neighbour>> {
    let offer = |found: &mut Nearest, own: usize, row: usize, square: f64| {
        if row != own {
            found.offer(row, square);
        }
    };
    let found = scan(of, of, |_| Nearest::new(k), offer);
    found.into_iter().map(Nearest::into_sorted).collect()
}

/// The distance of each row of `of` to the nearest row of `among`; infinite where there is none.
///
/// # Errors
///
/// As [`nearest`].
pub fn closest(of: &Matrix, among: &Matrix) -> Result<Vec<f64>> {
    check_widths(of, among)?;
    let least = scan(
        of,
        among,
        |_| f64::INFINITY,
        |least, _, _, square| *least = square.min(*least),
    );
    Ok(least.into_iter().map(f64::sqrt).collect())
}

/// The squared distance of each of the rows `asked` of `of` to its `k`-th nearest other row: that of its last where there are fewer, 0 where there is none.
/// All pairs are compared.
pub(super) fn scanned_radii(of: Rows<'_>, asked: Range<usize>, k: usize) -> Vec<f64> {
    let offer = |found: &mut Nearest, own: usize, row: usize, square: f64| {
        if row != own {
            found.offer(row, square);
        }
    };
    scan_to(
        (of, asked),
        of,
        |_| Nearest::new(k),
        offer,
        |found: Nearest| found.furthest(),
    )
}

/// Calls `each(state, row of "of", row of "among", squared distance)` for all pairs, those of a row of `of` in the order of `among`, on all
/// cores; the states in the order of `of`.
pub(crate) fn scan<'a, S: Send>(
    of: impl Into<Rows<'a>>,
    among: impl Into<Rows<'a>>,
    begin: impl Fn(usize) -> S + Sync,
    each: impl Fn(&mut S, usize, usize, f64) + Sync,
) -> Vec<S> {
    let of = of.into();
    scan_to((of, 0..of.count()), among.into(), begin, each, |state| state)
}

/// As [`scan`], for the rows `asked` of `of` alone, with what `end` makes of each state once it is done: no other states are kept than those of the rows that are looked at.
fn scan_to<S, R: Send>(
    (of, asked): (Rows<'_>, Range<usize>),
    among: Rows<'_>,
    begin: impl Fn(usize) -> S + Sync,
    each: impl Fn(&mut S, usize, usize, f64) + Sync,
    end: impl Fn(S) -> R + Sync,
) -> Vec<R> {
    let width = of.width();
    let block = (CACHED / width).clamp(1, 1 << 12);
    let last = asked.end;
    let starts: Vec<usize> = asked.step_by(QUERIES).collect();
    let arch = Arch::new();
    let chunk = |&start: &usize| {
        let queries = start..(start + QUERIES).min(last);
        let mut states: Vec<S> = queries.clone().map(&begin).collect();
        let mut squares = vec![0.0_f32; block];
        for first in (0..among.count()).step_by(block) {
            let rows = first..(first + block).min(among.count());
            for (state, own) in states.iter_mut().zip(queries.clone()) {
                let out = &mut squares[..rows.len()];
                let others = &among.values()[rows.start * width..rows.end * width];
                arch.dispatch(Squares {
                    own: of.row(own),
                    others,
                    out,
                });
                for (row, &square) in rows.clone().zip(squares.iter()) {
                    let square = match square.is_finite() {
                        true => f64::from(square),
                        false => far(of.row(own), among.row(row)),
                    };
                    each(state, own, row, square);
                }
            }
        }
        states.into_iter().map(&end).collect::<Vec<R>>()
    };
    starts
        .par_iter()
        .map(chunk)
        .collect::<Vec<_>>()
        .into_iter()
        .flatten()
        .collect()
}

/// Whether a row of `among` is near each row of `of`: whether `is_near(row, squared distance)` says so of any. Whatever it says so of has to lie
/// within `limit(row)`.
///
/// A squared distance is a sum that only grows, so most rows are given up after a part of their values, and a row of `of` needs no further ones
/// once one is near. What is found is that of [`scan`].
pub(crate) fn any_near<'a>(
    of: &Matrix,
    among: impl Into<Rows<'a>>,
    limit: impl Fn(usize) -> f64 + Sync,
    is_near: impl Fn(usize, f64) -> bool + Sync,
) -> Vec<bool> {
    let (arch, among) = (Arch::new(), among.into());
    let near = |own: usize| {
        arch.dispatch(AnyNear {
            own: of.row(own),
            among,
            limit: &limit,
            is_near: &is_near,
        })
    };
    (0..of.rows()).into_par_iter().map(near).collect()
}

/// Whether any row is near one.
struct AnyNear<'a, L, N> {
    own: &'a [f32],
    among: Rows<'a>,
    limit: &'a L,
    is_near: &'a N,
}

impl<L: Fn(usize) -> f64, N: Fn(usize, f64) -> bool> NullaryFnOnce for AnyNear<'_, L, N> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let others = self.among.values().chunks_exact(self.among.width());
        for (row, other) in others.enumerate() {
            let Some(square) = bounded_square(self.own, other, (self.limit)(row)) else {
                continue;
            };
            let square = match square.is_finite() {
                true => f64::from(square),
                false => far(self.own, other),
            };
            if (self.is_near)(row, square) {
                return true;
            }
        }
        false
    }
}

/// Squared distances of one row to others.
struct Squares<'a> {
    own: &'a [f32],
    others: &'a [f32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, other) in self.out.iter_mut().zip(self.others.chunks_exact(self.own.len())) {
            *out = square(self.own, other);
        }
    }
}

/// The squared distance of two rows, as [`scan`] has it.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let near = square(a, b);
    match near.is_finite() {
        true => near.into(),
        false => far(a, b),
    }
}

#[inline(always)]
fn square(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    add_squares(&mut sums, a, b);
    sums.iter().sum::<f32>() + rest(rest_a, rest_b)
}

/// As [`square`], to the last bit; none as soon as it is beyond `limit`.
#[inline(always)]
fn bounded_square(a: &[f32], b: &[f32], limit: f64) -> Option<f32> {
    let mut sums = [0.0_f32; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for start in (0..a.len()).step_by(PART) {
        let end = (start + PART).min(a.len());
        add_squares(&mut sums, &a[start..end], &b[start..end]);
        let sum = sums.iter().sum::<f32>();
        if sum.is_finite() && f64::from(sum) > limit {
            return None;
        }
    }
    Some(sums.iter().sum::<f32>() + rest(rest_a, rest_b))
}

#[inline(always)]
fn add_squares(sums: &mut [f32; LANES], a: &[[f32; LANES]], b: &[[f32; LANES]]) {
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
}

/// The squares of what does not fill the lanes.
#[inline(always)]
fn rest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The squared distance where it is beyond `f32`.
fn far(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum()
}

/// The nearest so far, ascending by distance, then by row.
struct Nearest {
    k: usize,
    found: Vec<(f64, usize)>,
}

impl Nearest {
    fn new(k: usize) -> Self {
        Self {
            k,
            found: Vec::with_capacity(k + 1),
        }
    }

    /// Rows come in ascending order, so that of equally near ones the first stay.
    #[inline(always)]
    fn offer(&mut self, row: usize, square: f64) {
        if self.found.len() == self.k && self.found.last().is_none_or(|last| square >= last.0) {
            return;
        }
        let at = self.found.partition_point(|near| near.0 <= square);
        self.found.insert(at, (square, row));
        self.found.truncate(self.k);
    }

    /// The squared distance of the last; 0 where there is none.
    fn furthest(&self) -> f64 {
        self.found.last().map_or(0.0, |&(square, _)| square)
    }

    fn into_sorted(self) -> Vec<Neighbour> {
        let root = |(square, row): (f64, usize)| Neighbour {
            row,
            distance: square.sqrt(),
        };
        self.found.into_iter().map(root).collect()
    }
}
