//! Precision and recall of one class, where pictures count several times or never.

use super::matching::{Matched, THRESHOLDS, Verdict};

/// Recalls at which precision is taken: 0, 0.01, .., 1.
pub(super) const RECALLS: usize = 101;

/// The boxes of one class in all pictures.
#[derive(Clone, Debug, Default)]
pub(super) struct ClassMatches {
    /// The boxes that were found.
    found: Vec<Found>,
    /// Picture, and objects of each size.
    truth: Vec<(u32, [u32; 4])>,
}

#[derive(Clone, Debug)]
struct Found {
    score: f64,
    picture: u32,
    /// How many of the same class and picture have a higher score.
    rank: u32,
    verdicts: [Verdict; 4],
}

impl ClassMatches {
    /// With what was matched in `picture`.
    pub(super) fn push(&mut self, picture: u32, matched: &Matched) {
        let found = (0..).zip(&matched.scores).zip(&matched.verdicts);
        self.found.extend(found.map(|((rank, &score), &verdicts)| Found {
            score,
            picture,
            rank,
            verdicts,
        }));
        if matched.truth[0] > 0 {
            self.truth.push((picture, matched.truth));
        }
    }

    /// Sorts the boxes by falling score; of equal ones those of earlier pictures come first.
    pub(super) fn sort(&mut self) {
        self.found.sort_by(|a, b| b.score.total_cmp(&a.score));
    }

    /// Pictures that have an object of the class.
    pub(super) fn pictures(&self) -> u64 {
        self.truth.len() as u64
    }

    /// Objects of `size`, where each picture counts as often as `weights` says.
    pub(super) fn objects(&self, size: usize, weights: &[u32]) -> u64 {
        let of = |&(picture, truth): &(u32, [u32; 4])| u64::from(weights[picture as usize]) * u64::from(truth[size]);
        self.truth.iter().map(of).sum()
    }

    /// Average precision among the objects of `size` at each threshold. `None` where there is no object.
    pub(super) fn average_precisions(&self, size: usize, weights: &[u32]) -> Option<[f64; THRESHOLDS]> {
        let objects = self.objects(size, weights);
        (objects > 0).then(|| {
            let steps = self.steps(size, weights);
            steps.map(|steps| interpolated(&steps, objects).iter().sum::<f64>() / RECALLS as f64)
        })
    }

    /// Precision among the objects of `size` at each of 101 recalls, at each threshold. `None` where there is no object.
    pub(super) fn precisions(&self, size: usize, weights: &[u32]) -> Option<[[f64; RECALLS]; THRESHOLDS]> {
        let objects = self.objects(size, weights);
        (objects > 0).then(|| self.steps(size, weights).map(|steps| interpolated(&steps, objects)))
    }

    /// Recall among the objects of `size` of the `at_most` best boxes of each picture, averaged over the thresholds. `None` where
    /// there is no object.
    pub(super) fn average_recall(&self, size: usize, at_most: usize, weights: &[u32]) -> Option<f64> {
        let objects = self.objects(size, weights);
        let of = |found: &Found| {
            let right = found.verdicts[size].right.count_ones();
            u64::from(weights[found.picture as usize]) * u64::from(right)
        };
        let right: u64 = self
            .found
            .iter()
            .filter(|found| (found.rank as usize) < at_most)
            .map(of)
            .sum();
        (objects > 0).then(|| right as f64 / (objects as f64 * THRESHOLDS as f64))
    }

    /// At each threshold, for each box that is right, how many are so up to it and how many are wrong before it.
    fn steps(&self, size: usize, weights: &[u32]) -> [Vec<(u64, u64)>; THRESHOLDS] {
        let mut steps: [Vec<(u64, u64)>; THRESHOLDS] = Default::default();
        let (mut right, mut wrong) = ([0_u64; THRESHOLDS], [0_u64; THRESHOLDS]);
        for found in &self.found {
            let (verdict, weight) = (found.verdicts[size], u64::from(weights[found.picture as usize]));
            if weight == 0 || verdict.ignored == (1 << THRESHOLDS) - 1 {
                continue;
            }
            for at in 0..THRESHOLDS {
                if verdict.right >> at & 1 == 1 {
                    right[at] += weight;
                    steps[at].push((right[at], wrong[at]));
                } else if verdict.ignored >> at & 1 == 0 {
                    wrong[at] += weight;
                }
            }
        }
        steps
    }
}

/// The highest precision at each of 101 recalls or above it; 0 at a recall that is not reached.
fn interpolated(steps: &[(u64, u64)], objects: u64) -> [f64; RECALLS] {
    let mut highest: Vec<f64> = steps
        .iter()
        .map(|&(right, wrong)| right as f64 / (right + wrong) as f64)
        .collect();
    for at in (1..highest.len()).rev() {
        highest[at - 1] = highest[at - 1].max(highest[at]);
    }
    let (mut precisions, mut at) = ([0.0; RECALLS], 0);
    for (&(right, _), precision) in steps.iter().zip(highest) {
        let recall = right as f64 / objects as f64;
        while at < RECALLS && at as f64 * 0.01 <= recall {
            precisions[at] = precision;
            at += 1;
        }
    }
    precisions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_at_a_recall_is_the_highest_from_there_on() {
        // Right, wrong, right, right of four objects.
        let precisions = interpolated(&[(1, 0), (2, 1), (3, 1)], 4);
        assert_eq!((precisions[0], precisions[25], precisions[26]), (1.0, 1.0, 0.75));
        assert_eq!((precisions[50], precisions[75], precisions[76]), (0.75, 0.75, 0.0));
        assert_eq!(interpolated(&[], 4), [0.0; RECALLS]);
    }

    #[test]
    fn a_picture_that_counts_twice_is_two_pictures() {
        let matched = |right: &[bool], scores: &[f64]| Matched {
            scores: scores.to_vec(),
            verdicts: right
                .iter()
                .map(|&right| {
                    [Verdict {
                        right: u16::from(right) * 0x3ff,
                        ignored: 0,
                    }; 4]
                })
                .collect(),
            truth: [2; 4],
        };
        let pictures = [
            matched(&[true, false, true], &[0.9, 0.5, 0.4]),
            matched(&[false, true], &[0.8, 0.45]),
        ];
        let of = |counts: &[usize]| {
            let mut class = ClassMatches::default();
            let mut number = 0;
            for (picture, &count) in pictures.iter().zip(counts) {
                for _ in 0..count {
                    class.push(number, picture);
                    number += 1;
                }
            }
            class.sort();
            class
        };
        let (once, twice) = (of(&[1, 1]), of(&[2, 3]));
        assert_eq!(
            once.average_precisions(0, &[2, 3]),
            twice.average_precisions(0, &[1; 5])
        );
        assert_eq!(once.average_recall(0, 2, &[2, 3]), twice.average_recall(0, 2, &[1; 5]));
        assert_eq!(once.average_recall(0, 2, &[1, 0]), Some(0.5));
        assert_eq!(once.average_precisions(0, &[0, 0]), None);
    }
}
