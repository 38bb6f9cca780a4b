//! A comparison with all rows, some rows with the same part of them at a time, so that the part stays in the cache.

use super::closest::Closest;
use super::points::{Coordinate, Points};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Rows that are looked up at a time.
const TOGETHER: usize = 32;

/// Bytes of rows that they are compared with at a time.
const PART: usize = 1 << 17;

pub(super) fn each<T: Coordinate, R: Copy + Default + Send>(
    points: &Points<T>,
    queries: &[u32],
    k: usize,
    stride: usize,
    write: impl Fn(&[u32], &mut [R]) + Sync,
) -> Vec<R> {
    let mut out = vec![R::default(); queries.len() * stride];
    let parts = queries.par_chunks(TOGETHER).zip(out.par_chunks_mut(TOGETHER * stride));
    parts.for_each(|(queries, out)| {
        let closest = Arch::new().dispatch(Compare { points, queries, k });
        let mut nearest = Vec::with_capacity(k);
        for (mut closest, out) in closest.into_iter().zip(out.chunks_mut(stride)) {
            nearest.clear();
            closest.drain_into(&mut nearest);
            write(&nearest, out);
        }
    });
    out
}

/// A few rows compared with all.
struct Compare<'a, T> {
    points: &'a Points<T>,
    queries: &'a [u32],
    k: usize,
}

impl<T: Coordinate> NullaryFnOnce for Compare<'_, T> {
    type Output = Vec<Closest>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { points, queries, k } = self;
        let mut closest: Vec<Closest> = queries.iter().map(|_| Closest::new(k)).collect();
        let part = (PART / (points.width.max(1) * size_of::<T>())).max(1);
        for start in (0..points.len()).step_by(part) {
            for (closest, &query) in closest.iter_mut().zip(queries) {
                for row in start..(start + part).min(points.len()) {
                    let distance = points.distance_within(closest.worst(), query as usize, row);
                    if distance.is_finite() && row != query as usize {
                        closest.offer(distance, row as u32);
                    }
                }
            }
        }
        closest
    }
}
