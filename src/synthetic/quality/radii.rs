//! How far rows lie from others of their set: found by a search where that gives the same as all pairs do.

use super::matrix::Rows;
use super::neighbours::{LANES, scanned_radii, squared_distance};
use crate::synthetic::nearest::{Points, Search, bytes};
use std::ops::Range;

/// The squared distance of each row of `of` to its `k`-th nearest other row: that of its last where there are fewer, 0 where there is none.
///
/// A search sums squares from the first number to the last. Rows that do not fill the lanes of a comparison with all others are summed in that order there, too, so that of these
/// both have the same distances to the last bit. Of wider ones two distances that are nearly equal could change places, so these are compared with all others.
pub(crate) fn squared_radii<'a>(of: impl Into<Rows<'a>>, k: usize) -> Vec<f64> {
    let of = of.into();
    squared_radii_of(of, 0..of.count(), k)
}

/// As [`squared_radii`], of the rows `asked` alone. A search finds those of all rows in any case.
pub(crate) fn squared_radii_of(of: Rows<'_>, asked: Range<usize>, k: usize) -> Vec<f64> {
    match k.min(of.count().saturating_sub(1)) {
        0 => vec![0.0; asked.len()],
        k if is_searched(of.count() as u64, of.width()) => {
            let mut all = searched_radii(of, k);
            all.truncate(asked.end);
            all.split_off(asked.start)
        }
        k => scanned_radii(of, asked, k),
    }
}

/// Whether they are found by a search.
pub(crate) fn is_searched(rows: u64, width: usize) -> bool {
    width < LANES && rows <= u32::MAX.into()
}

fn searched_radii(of: Rows<'_>, k: usize) -> Vec<f64> {
    let search = Search::new(Points::new(of.values().to_vec(), of.width()));
    let all: Vec<u32> = (0..of.count() as u32).collect();
    let write = |nearest: &[u32], out: &mut [u32]| out[0] = nearest.last().copied().unwrap_or(0);
    let furthest = search.each(&all, k, 1, write);
    drop((search, all));
    let square = |(row, other): (usize, u32)| squared_distance(of.row(row), of.row(other as usize));
    furthest.into_iter().enumerate().map(square).collect()
}

/// The most bytes that [`squared_radii`] of `rows` rows of `width` values takes at a time, what it returns among them.
pub(crate) fn radii_bytes(rows: u64, width: usize) -> u64 {
    let search = match is_searched(rows, width) {
        true => bytes(rows, width, size_of::<f32>(), rows, 1),
        // What is found, in pieces and as a whole, and 24 bytes of each piece, of 16 rows.
        false => rows * 18,
    };
    search.max(rows * 12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::synthetic::quality::Matrix;

    #[test]
    fn a_search_has_the_radii_of_all_pairs_to_the_last_bit() {
        let mut rng = Rng::new(5, "radii", 0);
        for width in [1, 2, 7, 15, 16, 40] {
            for rows in [1, 2, 3, 48, 49, 500] {
                // Few values, so that many rows are equal or equally far; then normal ones, and squares beyond f32.
                for kind in 0..3 {
                    let value = |rng: &mut Rng| match kind {
                        0 => rng.below(4) as f32 / 3.0,
                        1 => rng.normal(),
                        _ => 1e20 * rng.normal(),
                    };
                    let values: Vec<f32> = (0..rows * width).map(|_| value(&mut rng)).collect();
                    let of = Matrix::new(values, width).unwrap();
                    for k in [1, 5, 1000] {
                        let (found, all) = (squared_radii(&of, k), scanned_radii((&of).into(), 0..of.rows(), k));
                        let bits = |radii: Vec<f64>| radii.into_iter().map(f64::to_bits).collect::<Vec<u64>>();
                        assert_eq!(bits(found), bits(all), "{rows} rows of {width}, kind {kind}, k {k}");
                    }
                }
            }
        }
        let one = Matrix::new(vec![1.0, 2.0], 1).unwrap();
        assert_eq!(squared_radii(&one, 0), [0.0, 0.0]);
        assert_eq!(squared_radii(one.part(0..1), 5), [0.0]);
        assert_eq!(squared_radii(one.part(1..1), 5), [0.0; 0]);
        for width in [3, 20] {
            let of = Matrix::new((0..10 * width).map(|value| (value as f32).sin()).collect(), width).unwrap();
            let of = Rows::from(&of);
            let parts = [0..4, 4..5, 5..10].map(|asked| squared_radii_of(of, asked, 2));
            assert_eq!(parts.concat(), squared_radii(of, 2));
        }
    }

    #[test]
    fn rows_change_their_order_in_place() {
        let rows = Matrix::new((0..12).map(|value| value as f32).collect(), 2).unwrap();
        for order in [
            vec![0, 1, 2, 3, 4, 5],
            vec![5, 4, 3, 2, 1, 0],
            vec![2, 0, 1, 3, 5, 4],
            vec![1, 2, 3, 4, 5, 0],
        ] {
            let expected = rows.select(&order);
            assert_eq!(rows.clone().in_order(order), expected);
        }
    }
}
