use super::split::Split;
use crate::rng::{Permutation, Rng};

/// Holds out about `share` (0 to 1) of the rows by whole groups: no group has rows on both sides. `groups` is each row's group, in
/// whichever numbers below their count.
///
/// Groups are drawn at random. What is held out is as near to `share` of the *rows* as no single group more or less would bring it: off by
/// half of the largest group at most. (`GroupShuffleSplit` of scikit-learn holds out a share of the *groups*, however large they are.) So
/// a group that is larger than twice what is to be held out stays in the training rows; where every group is, the smallest one is held out.
/// Of two groups or more one at least is on each side, if `share` is above 0; of a single group nothing is held out.
///
/// ```
/// use millstream::order::group_split;
///
/// // Ten patients with three pictures each.
/// let patients: Vec<u32> = (0..30).map(|row| row / 3).collect();
/// let split = group_split(&patients, 0.2, 7);
/// let of = |rows: &[u64]| rows.iter().map(|&row| patients[row as usize]).collect::<std::collections::BTreeSet<_>>();
/// assert_eq!(split.held_out.len(), 6);
/// assert!(of(&split.train).is_disjoint(&of(&split.held_out)));
/// ```
pub fn group_split(groups: &[u32], share: f64, seed: u64) -> Split {
    stratified_group_split(groups, groups.iter().map(|_| None), share, seed)
}

/// As [`group_split`], and near to `share` of the rows of each class as well: what `StratifiedGroupKFold` of scikit-learn aims at.
/// `classes` are each row's classes: none, one or several.
///
/// With `d` the distance from `share` of the rows of a class that are held out, as a part of the rows of that class, the sum of `d²` over
/// the classes and over all rows together is made small: groups are taken in a random order while that lowers it, and then moved, one at a
/// time, until no single move lowers it. A rare class counts as much as a frequent one. How near that comes depends on the groups: a class whose rows
/// are all of one group is on one side, in the training rows for a share below a half.
///
/// ```
/// use millstream::order::stratified_group_split;
///
/// // Twenty patients with four rows each; every fifth patient is ill.
/// let patients: Vec<u32> = (0..80).map(|row| row / 4).collect();
/// let ill = patients.iter().map(|patient| Some(u32::from(patient % 5 == 0)));
/// let split = stratified_group_split(&patients, ill.clone(), 0.25, 7);
/// let ill: Vec<Option<u32>> = ill.collect();
/// let held = |class| split.held_out.iter().filter(|&&row| ill[row as usize] == Some(class)).count();
/// assert_eq!((held(0), held(1)), (16, 4)); // of 64 and of 16
/// ```
pub fn stratified_group_split<R: IntoIterator<Item = u32>>(
    groups: &[u32],
    classes: impl IntoIterator<Item = R>,
    share: f64,
    seed: u64,
) -> Split {
    let share = share.clamp(0.0, 1.0);
    let counts = Counts::new(groups, classes);
    let mut rng = Rng::new(seed, "group split", 0);
    let order = Permutation::new(counts.groups() as u64, &mut rng);
    // A number without rows is no group.
    let order: Vec<usize> = (0..counts.groups() as u64)
        .map(|at| order.get(at) as usize)
        .filter(|&group| !counts.of(group).is_empty())
        .collect();
    let mut sides = Sides::new(&counts, share);
    // The first pass takes groups in, later ones move them to either side.
    for pass in 0..Sides::PASSES {
        let mut moved = false;
        for &group in &order {
            if sides.gain(group) > Sides::LEAST {
                sides.turn(group);
                moved = true;
            }
        }
        if !moved && pass > 0 {
            break;
        }
    }
    if share > 0.0 && order.len() > 1 {
        sides.fill_both(&order);
    }
    let held = |row: &u64| sides.held_out[groups[*row as usize] as usize];
    let (held_out, train) = (0..groups.len() as u64).partition(held);
    Split { train, held_out }
}

/// How many rows of each class every group has; the last class is that of all rows.
struct Counts {
    /// Class and rows, group after group.
    rows: Vec<(usize, f64)>,
    /// Where each group begins, and the end.
    starts: Vec<usize>,
    /// Rows of each class.
    all: Vec<f64>,
}

impl Counts {
    fn new<R: IntoIterator<Item = u32>>(groups: &[u32], classes: impl IntoIterator<Item = R>) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(2 * groups.len());
        for (&group, classes) in groups.iter().zip(classes) {
            pairs.push((group, u32::MAX));
            pairs.extend(classes.into_iter().map(|class| (group, class)));
        }
        pairs.sort_unstable();
        let classes = pairs.iter().filter(|(_, class)| *class != u32::MAX);
        let last = classes.map(|(_, class)| *class as usize + 1).max().unwrap_or(0);
        let groups = groups.iter().max().map_or(0, |last| *last as usize + 1);
        let (mut rows, mut starts, mut all) = (Vec::new(), vec![0; groups + 1], vec![0.0; last + 1]);
        for run in pairs.chunk_by(|a, b| a == b) {
            let (group, class) = run[0];
            let class = if class == u32::MAX { last } else { class as usize };
            all[class] += run.len() as f64;
            rows.push((class, run.len() as f64));
            starts[group as usize + 1] = rows.len();
        }
        // A number without rows begins where the one before it ends.
        for group in 1..starts.len() {
            starts[group] = starts[group].max(starts[group - 1]);
        }
        Self { rows, starts, all }
    }

    fn groups(&self) -> usize {
        self.starts.len() - 1
    }

    fn of(&self, group: usize) -> &[(usize, f64)] {
        &self.rows[self.starts[group]..self.starts[group + 1]]
    }
}

/// Which groups are held out, and how far each class is from its share.
struct Sides<'a> {
    counts: &'a Counts,
    held_out: Vec<bool>,
    /// Rows of each class that are held out, less those that should be.
    off: Vec<f64>,
}

impl<'a> Sides<'a> {
    /// Passes over all groups: each lowers a sum of squares, and a few come to its end.
    const PASSES: usize = 50;
    /// What a move has to gain: less is rounding.
    const LEAST: f64 = 1e-12;

    fn new(counts: &'a Counts, share: f64) -> Self {
        Self {
            held_out: vec![false; counts.groups()],
            off: counts.all.iter().map(|rows| -share * rows).collect(),
            counts,
        }
    }

    /// By how much the sum of squares is lower once `group` is on the other side.
    fn gain(&self, group: usize) -> f64 {
        let sign = if self.held_out[group] { -1.0 } else { 1.0 };
        let of = |&(class, rows): &(usize, f64)| {
            let (off, all) = (self.off[class], self.counts.all[class]);
            let turned = off + sign * rows;
            (off * off - turned * turned) / (all * all)
        };
        self.counts.of(group).iter().map(of).sum()
    }

    fn turn(&mut self, group: usize) {
        let sign = if self.held_out[group] { -1.0 } else { 1.0 };
        for &(class, rows) in self.counts.of(group) {
            self.off[class] += sign * rows;
        }
        self.held_out[group] = !self.held_out[group];
    }

    /// Where a side has no group, gives it the one of `groups` that costs least.
    fn fill_both(&mut self, groups: &[usize]) {
        let held = groups.iter().filter(|&&group| self.held_out[group]).count();
        if held > 0 && held < groups.len() {
            return;
        }
        let best = groups.iter().copied().reduce(|best, group| {
            if self.gain(group) > self.gain(best) {
                group
            } else {
                best
            }
        });
        best.into_iter().for_each(|group| self.turn(group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn groups_of(split: &Split, groups: &[u32]) -> [BTreeSet<u32>; 2] {
        [&split.train, &split.held_out].map(|rows| rows.iter().map(|&row| groups[row as usize]).collect())
    }

    /// Groups of 1 to 40 rows, which lie scattered, and a class for each row that depends on the group: classes get rarer.
    fn scattered(rows: u64) -> (Vec<u32>, Vec<Option<u32>>) {
        let mut rng = Rng::new(11, "groups", 0);
        let mut groups = Vec::new();
        let mut group = 0;
        while groups.len() < rows as usize {
            let size = 1 + rng.below(40);
            groups.extend((0..size).map(|_| group));
            group += 1;
        }
        groups.truncate(rows as usize);
        let order = Permutation::new(rows, &mut rng);
        let groups: Vec<u32> = (0..rows).map(|row| groups[order.get(row) as usize]).collect();
        let class = |&group: &u32| {
            let mut rng = Rng::new(3, "class", group.into());
            let most = rng.below(6);
            Some(rng.below(most + 1) as u32)
        };
        let classes = groups.iter().map(class).collect();
        (groups, classes)
    }

    #[test]
    fn no_group_lies_on_both_sides_and_the_share_is_near() {
        let (groups, classes) = scattered(5000);
        for (share, seed) in [(0.1, 1), (0.2, 1), (0.2, 2), (0.5, 3), (0.9, 4)] {
            for split in [
                group_split(&groups, share, seed),
                stratified_group_split(&groups, classes.clone(), share, seed),
            ] {
                let [train, held] = groups_of(&split, &groups);
                assert!(train.is_disjoint(&held), "{share} {seed}");
                assert!(split.train.is_sorted() && split.held_out.is_sorted());
                assert_eq!(split.train.len() + split.held_out.len(), 5000);
                let off = (split.held_out.len() as f64 - share * 5000.0).abs();
                assert!(off <= 20.0, "{share}: {} of 5000 rows", split.held_out.len());
            }
            assert_eq!(group_split(&groups, share, seed), group_split(&groups, share, seed));
        }
        assert_ne!(group_split(&groups, 0.2, 1), group_split(&groups, 0.2, 2));
        // They are drawn, and not the first or the smallest ones.
        let [_, held] = groups_of(&group_split(&groups, 0.2, 5), &groups);
        assert!(
            held.iter().any(|group| *group > 200) && held.iter().any(|group| *group < 40),
            "{held:?}"
        );
    }

    #[test]
    fn classes_have_their_share_where_groups_allow_it() {
        let (groups, classes) = scattered(5000);
        for (share, seed) in [(0.1, 1), (0.2, 1), (0.2, 2), (0.5, 3)] {
            let split = stratified_group_split(&groups, classes.clone(), share, seed);
            let plain = group_split(&groups, share, seed);
            let mut worst = [0.0_f64; 2];
            for class in 0..6 {
                let stored = classes.iter().filter(|own| **own == Some(class)).count() as f64;
                for (worst, split) in worst.iter_mut().zip([&split, &plain]) {
                    let held = split
                        .held_out
                        .iter()
                        .filter(|&&row| classes[row as usize] == Some(class))
                        .count();
                    *worst = worst.max((held as f64 / stored - share).abs());
                }
            }
            assert!(worst[0] < 0.04, "{share} {seed}: {worst:?}");
            assert!(worst[0] < worst[1] / 3.0, "{share} {seed}: {worst:?}");
        }
    }

    #[test]
    fn a_group_that_is_too_large_stays_in_training() {
        // Group 0 has 90 of 100 rows.
        let groups: Vec<u32> = (0..100).map(|row: u32| row.saturating_sub(89)).collect();
        for seed in 0..20 {
            let split = group_split(&groups, 0.05, seed);
            assert_eq!(split.held_out.len(), 5, "seed {seed}");
            assert!(split.held_out.iter().all(|&row| row >= 90));
            // All of them are larger than twice the share: the smallest one is held out.
            let split = group_split(&[0, 0, 0, 1, 1, 1, 1, 2, 2], 0.01, seed);
            assert_eq!(split.held_out, [7, 8]);
            // Both would come nearer than one.
            let split = group_split(&[0, 0, 0, 1, 1], 0.99, seed);
            assert_eq!(split.train, [3, 4]);
        }
        // Class 1 is all of one group.
        let classes = [0, 0, 0, 0, 0, 0, 1, 1].map(Some);
        for seed in 0..20 {
            let split = stratified_group_split(&[0, 0, 1, 1, 2, 2, 3, 3], classes, 0.25, seed);
            assert!(split.train.ends_with(&[6, 7]) && split.held_out.len() == 2, "{split:?}");
        }
        assert!(group_split(&[4; 9], 0.5, 1).held_out.is_empty());
        assert!(group_split(&[], 0.5, 1).train.is_empty());
        assert!(group_split(&[0, 1, 2], 0.0, 1).held_out.is_empty());
    }

    #[test]
    fn rows_of_several_classes_count_for_each_of_them() {
        // Groups of two rows; class 1 is with half of them, class 2 with a quarter, and a quarter has none.
        let groups: Vec<u32> = (0..160).map(|row| row / 2).collect();
        let classes = |group: u32| match group % 4 {
            0 => vec![0, 1],
            1 => vec![1, 2],
            2 => vec![0],
            _ => Vec::new(),
        };
        let classes: Vec<Vec<u32>> = groups.iter().map(|&group| classes(group)).collect();
        let split = stratified_group_split(&groups, classes.clone(), 0.25, 3);
        let held = |class| {
            split
                .held_out
                .iter()
                .filter(|&&row| classes[row as usize].contains(&class))
                .count()
        };
        assert_eq!((split.held_out.len(), held(0), held(1), held(2)), (40, 20, 20, 10));
    }
}
