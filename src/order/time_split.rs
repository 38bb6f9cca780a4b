use super::split::{Split, held_of};

/// Holds out the latest rows, about `share` (0 to 1) of all: every row that is held out is later than every training row. `times` is
/// each row's time, in whichever unit.
///
/// Rows with the same time stay on one side: the cut is between two times, where it is nearest to `share` of the rows, on a tie where
/// fewer are held out. Of rows with two times or more some are on each side, if `share` is above 0; where all have the same time
/// nothing is held out. Nothing is drawn.
///
/// ```
/// use millstream::order::time_split;
///
/// let days = [3, 1, 2, 2, 5, 4, 4, 4, 1, 2];
/// assert_eq!(time_split(&days, 0.1).held_out, [4]); // day 5
/// assert_eq!(time_split(&days, 0.3).held_out, [4, 5, 6, 7]); // four rows of days 4 and 5 are nearer to three than one
/// ```
pub fn time_split<T: Ord>(times: &[T], share: f64) -> Split {
    let rows = times.len();
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_unstable_by(|&a, &b| times[a].cmp(&times[b]));
    let wanted = held_of(rows as u64, share);
    // A cut at `at` holds out the rows from there on.
    let cuts = (1..rows).filter(|&at| times[order[at - 1]] < times[order[at]]);
    let off = |at: &usize| ((rows - at) as u64).abs_diff(wanted);
    // Of equal ones the last, which holds out fewer.
    let cut = cuts.rev().min_by_key(off).filter(|_| wanted > 0);
    let from = cut.map(|at| &times[order[at]]);
    let held = |row: &u64| from.is_some_and(|from| times[*row as usize] >= *from);
    let (held_out, train) = (0..rows as u64).partition(held);
    Split { train, held_out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_latest_rows_are_held_out_and_equal_times_stay_together() {
        let mut rng = Rng::new(7, "times", 0);
        let times: Vec<i64> = (0..2000).map(|_| rng.below(500) as i64 - 250).collect();
        for share in [0.01, 0.1, 0.25, 0.9] {
            let split = time_split(&times, share);
            let latest = split.train.iter().map(|&row| times[row as usize]).max().unwrap();
            let earliest = split.held_out.iter().map(|&row| times[row as usize]).min().unwrap();
            assert!(latest < earliest, "{share}");
            assert_eq!(split.train.len() + split.held_out.len(), 2000);
            // Four rows have the same time on average.
            assert!((split.held_out.len() as f64 - share * 2000.0).abs() <= 8.0, "{share}");
            assert!(split.train.is_sorted() && split.held_out.is_sorted());
        }
    }

    #[test]
    fn a_cut_lies_between_two_times() {
        // Two of four have the later time: of one that is wanted, two and none are as near, and none is no split.
        assert_eq!(time_split(&[1, 2, 2, 1], 0.25).held_out, [1, 2]);
        // Of rows at 0, 0, 1, 1, 2, 2 three are wanted: two are as near as four.
        assert_eq!(time_split(&[0, 0, 1, 1, 2, 2], 0.5).held_out, [4, 5]);
        assert_eq!(time_split(&["b", "a", "c"], 0.3).held_out, [2]);
        assert!(time_split(&[5; 9], 0.5).held_out.is_empty());
        assert!(time_split(&[1, 2], 0.0).held_out.is_empty());
        assert!(time_split::<i64>(&[], 0.5).train.is_empty());
        assert_eq!(time_split(&[1, 2], 0.99).held_out, [1]);
    }
}
