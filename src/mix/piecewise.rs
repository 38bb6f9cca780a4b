//! Proportions that change: one cycle after another, each with its own counts.

use super::cycle::{Cycle, ratio, whole};
use super::schedule::Schedule;
use std::ops::Range;
use std::sync::Arc;

/// Which class comes at each index, where the proportions change: pieces with constant proportions, each a cycle that is
/// repeated, the last one for ever.
///
/// A piece of a schedule is whole cycles long, so counts are whole numbers where it ends, and with `w(k)` the sum of the pieces'
/// own shares over the first `k` rows, `|count(k) - w(k)| < 1` at every prefix. Any index is found by a binary search.
#[derive(Clone, Debug)]
pub(super) struct Piecewise {
    pieces: Vec<Piece>,
    /// Where the next piece begins, and how many rows of each class come before it.
    end: u64,
    given: Vec<u64>,
    /// Rows that rounding has withheld from each class so far.
    owed: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Piece {
    start: u64,
    before: Vec<u64>,
    cycle: Arc<Cycle>,
}

impl Piecewise {
    /// Slots of the cycle in a piece whose shares are not in the proportion of small whole numbers.
    pub(super) const SLOTS: u64 = 1024;
    /// Most pieces of one ramp, and classes times pieces, which bound the memory.
    const PIECES: u64 = 1024;
    const CELLS: u64 = 1 << 16;

    /// No pieces yet, for `classes` classes.
    pub(super) fn new(classes: usize) -> Self {
        Self {
            pieces: Vec::new(),
            end: 0,
            given: vec![0; classes],
            owed: vec![0.0; classes],
        }
    }

    /// Proportions that bend where `schedules` do and not between; `shares` gives each class's mean share over some rows
    /// between two bends, and its share from the last bend on.
    pub(super) fn scheduled(classes: usize, schedules: &[&Schedule], shares: impl Fn(Range<u64>) -> Vec<f64>) -> Self {
        let mut all = Self::new(classes);
        let mut breaks: Vec<u64> = schedules
            .iter()
            .flat_map(|schedule| schedule.breaks())
            .chain([0])
            .collect();
        breaks.sort_unstable();
        breaks.dedup();
        for rows in breaks.windows(2) {
            let (first, end) = (rows[0], rows[1]);
            let level = schedules
                .iter()
                .all(|schedule| schedule.at(first) == schedule.at(end - 1));
            let flat = level && ratio(&shares(first..first + 1), Self::SLOTS).is_some();
            let length = if flat {
                end - first
            } else {
                Self::piece_rows(end - first, classes)
            };
            let mut start = first;
            while start < end {
                let next = start.saturating_add(length).min(end);
                all.push_shares(next - start, &shares(start..next));
                start = next;
            }
        }
        let last = shares(all.end..all.end + 1);
        all.push(u64::MAX - all.end, &whole(&last, Cycle::MOST));
        all
    }

    /// Rows of a piece in a ramp over `rows`.
    fn piece_rows(rows: u64, classes: usize) -> u64 {
        let most = (Self::CELLS / classes.max(1) as u64).clamp(16, Self::PIECES);
        rows.div_ceil(most * Self::SLOTS).max(1) * Self::SLOTS
    }

    /// The next `rows` rows, with slots in proportion to `counts`.
    pub(super) fn push(&mut self, rows: u64, counts: &[u64]) {
        let cycle = match self.pieces.last() {
            Some(last) if (0..counts.len()).all(|class| last.cycle.slots(class) == counts[class]) => {
                Arc::clone(&last.cycle)
            }
            _ => Arc::new(Cycle::of_counts(counts)),
        };
        let (start, before) = (self.end, self.given.clone());
        for (class, given) in self.given.iter_mut().enumerate() {
            *given = given.saturating_add(cycle.count(class, rows));
        }
        self.end = start.saturating_add(rows);
        self.pieces.push(Piece { start, before, cycle });
    }

    /// The next `rows` rows in whole cycles of `shares`: exact ones where they are short, else rounded ones, and what
    /// rounding keeps from a class it gets later.
    pub(super) fn push_shares(&mut self, rows: u64, shares: &[f64]) {
        let exact = ratio(shares, Self::SLOTS.min(rows));
        let slots = exact
            .as_ref()
            .map_or(Self::SLOTS.min(rows), |counts| counts.iter().sum());
        let Some(cycles) = rows.checked_div(slots) else { return };
        let counts = exact.unwrap_or_else(|| self.rounded(slots, cycles, shares));
        self.push(cycles * slots, &counts);
        let rest = rows % slots;
        if rest > 0 {
            let counts = self.rounded(rest, 1, shares);
            self.push(rest, &counts);
        }
    }

    /// `slots` whole slots in proportion to `shares` and to what is owed, in a piece of `cycles` cycles. A class without
    /// a share gets none.
    fn rounded(&mut self, slots: u64, cycles: u64, shares: &[f64]) -> Vec<u64> {
        let classes: Vec<usize> = (0..shares.len()).filter(|&class| shares[class] > 0.0).collect();
        let total: f64 = shares.iter().sum();
        let fair = |class: usize| shares[class] / total * slots as f64;
        let wanted = |owed: &[f64], class: usize| fair(class) + owed[class] / cycles as f64;
        let mut counts = vec![0_u64; shares.len()];
        for &class in &classes {
            counts[class] = (wanted(&self.owed, class) + 1e-9).floor().max(0.0) as u64;
        }
        let lack = |owed: &[f64], counts: &[u64], class: usize| wanted(owed, class) - counts[class] as f64;
        while counts.iter().sum::<u64>() != slots {
            let by_lack = |&&a: &&usize, &&b: &&usize| {
                let (a_lack, b_lack) = (lack(&self.owed, &counts, a), lack(&self.owed, &counts, b));
                a_lack.total_cmp(&b_lack).then(b.cmp(&a))
            };
            let more = counts.iter().sum::<u64>() < slots;
            let chosen = if more {
                classes.iter().max_by(by_lack)
            } else {
                classes.iter().filter(|&&class| counts[class] > 0).min_by(by_lack)
            };
            match chosen {
                Some(&class) if more => counts[class] += 1,
                Some(&class) => counts[class] -= 1,
                None => break,
            }
        }
        for &class in &classes {
            self.owed[class] += (fair(class) - counts[class] as f64) * cycles as f64;
        }
        counts
    }

    fn piece_of(&self, index: u64) -> &Piece {
        let at = self.pieces.partition_point(|piece| piece.start <= index);
        &self.pieces[at.saturating_sub(1)]
    }

    /// The class at `index`, and how many rows of that class come before it.
    pub(super) fn at(&self, index: u64) -> (usize, u64) {
        let piece = self.piece_of(index);
        let (class, rank) = piece.cycle.at(index - piece.start);
        (class, piece.before[class] + rank)
    }

    /// Rows of `class` among the first `prefix`.
    pub(super) fn count(&self, class: usize, prefix: u64) -> u64 {
        let piece = self.piece_of(prefix);
        piece.before[class] + piece.cycle.count(class, prefix - piece.start)
    }

    /// The share of `class` around `index`.
    pub(super) fn share(&self, class: usize, index: u64) -> f64 {
        let cycle = &self.piece_of(index).cycle;
        cycle.slots(class) as f64 / cycle.len() as f64
    }

    /// The slots of each class around `index`, as `7 : 2 : 1`.
    pub(super) fn ratio(&self, index: u64) -> String {
        let cycle = &self.piece_of(index).cycle;
        let slots = (0..self.given.len()).map(|class| cycle.slots(class).to_string());
        slots.collect::<Vec<_>>().join(" : ")
    }

    /// Where the last piece begins.
    pub(super) fn settles(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.start)
    }

    /// Where each piece begins and ends; the last one does not end.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.start).chain([u64::MAX]);
        self.pieces.iter().zip(ends).map(|(piece, end)| piece.start..end)
    }

    /// Where the row of `class` comes that has `rank` before it, if it comes in the last piece.
    pub(super) fn place(&self, class: usize, rank: u64) -> Option<u64> {
        let piece = self.pieces.last()?;
        let place = piece.cycle.place(class, rank.checked_sub(piece.before[class])?)?;
        piece.start.checked_add(place)
    }

    /// Ends the last piece at `end`; gives how many rows of each class come before.
    pub(super) fn cut(&mut self, end: u64) -> &[u64] {
        self.given = (0..self.given.len()).map(|class| self.count(class, end)).collect();
        self.end = end;
        &self.given
    }

    /// Where the next piece would begin.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(row: u64) -> Schedule {
        Schedule::constant(0.0).ramp(0..row, 1.0)
    }

    /// From 0.9 / 0.1 / 0 to a third each over 100,000 rows, then the second one off.
    fn ramp(rows: &Range<u64>) -> Vec<f64> {
        if rows.start >= 100_000 {
            return vec![0.5, 0.0, 0.5];
        }
        let x = (rows.start + rows.end - 1) as f64 / 2.0 / 100_000.0;
        [0.9, 0.1, 0.0].map(|from| from + (1.0 / 3.0 - from) * x).to_vec()
    }

    #[test]
    fn every_prefix_is_within_one_row_of_the_pieces_and_two_of_the_schedule() {
        let pieces = Piecewise::scheduled(3, &[&until(100_000)], |rows| ramp(&rows));
        let (mut used, mut asked, mut counts) = ([0.0; 3], [0.0; 3], [0; 3]);
        for index in 0..130_000_u64 {
            let (class, rank) = pieces.at(index);
            assert_eq!(rank, counts[class]);
            counts[class] += 1;
            for class in 0..3 {
                used[class] += pieces.share(class, index);
                asked[class] += ramp(&(index..index + 1))[class];
                let count = counts[class] as f64;
                assert!((count - used[class]).abs() < 1.0 + 1e-6, "class {class} at {index}");
                assert!(
                    (count - asked[class]).abs() < 2.0 + 1e-6,
                    "class {class} at {index}: {count} {}",
                    asked[class]
                );
                assert_eq!(pieces.count(class, index + 1), counts[class]);
            }
        }
        assert!((100_000..130_000).all(|index| pieces.at(index).0 != 1), "off is off");
        assert_eq!(pieces.settles(), 100_000);
    }

    #[test]
    fn a_rare_class_is_not_rounded_away() {
        let shares = |rows: Range<u64>| {
            let x = 0.0002 + rows.start as f64 * 1e-10;
            vec![1.0 - x, x]
        };
        let pieces = Piecewise::scheduled(2, &[&until(1_000_000)], shares);
        assert!(
            (249..=251).contains(&pieces.count(1, 1_000_000)),
            "{}",
            pieces.count(1, 1_000_000)
        );
    }
}
