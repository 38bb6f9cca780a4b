//! Pictures that look the same, maybe turned or mirrored.

use super::found::Found;
use super::hamming::HammingIndex;
use super::perceptual::{Look, SYMMETRIES, correlation};
use super::report::{HashRule, LeakControl, LeakKind};
use super::turn::Turn;
use rayon::prelude::*;

/// The rule. Of 1000 pictures of Fashion-MNIST, on which nothing but clothes is to be seen, two have a training picture that near.
pub(super) const RULE: HashRule = HashRule {
    phash_bits: 8,
    dhash_bits: 10,
    correlation: 0.99,
};

/// Pictures that are looked up by how they look.
#[derive(Debug)]
pub(super) struct Looks<'a> {
    looks: Vec<(u32, &'a Look)>,
    index: HammingIndex,
}

/// A picture that looks the same as another.
#[derive(Clone, Copy, Debug)]
struct Alike {
    row: u32,
    symmetry: usize,
    bits: u32,
    correlation: f64,
}

impl<'a> Looks<'a> {
    /// Pictures by their rows, ascending.
    pub(super) fn new(looks: Vec<(u32, &'a Look)>) -> Self {
        Self {
            index: HammingIndex::new(looks.iter().map(|(_, look)| look.phash[0]).collect()),
            looks,
        }
    }

    /// The pictures that look as `look` does, each once, by row.
    fn alike(&self, look: &Look) -> Vec<Alike> {
        let mut found: Vec<Alike> = Vec::new();
        for symmetry in 0..SYMMETRIES {
            self.index.within(look.phash[symmetry], RULE.phash_bits, |at, bits| {
                let (row, other) = self.looks[at as usize];
                let dhash = (look.dhash[symmetry] ^ other.dhash[0]).count_ones();
                if dhash > RULE.dhash_bits {
                    return;
                }
                let correlation = correlation(&look.thumbnail, symmetry, &other.thumbnail);
                if correlation >= RULE.correlation {
                    found.push(Alike {
                        row,
                        symmetry,
                        bits,
                        correlation,
                    });
                }
            });
        }
        let best = |a: &Alike, b: &Alike| {
            b.correlation
                .total_cmp(&a.correlation)
                .then(a.symmetry.cmp(&b.symmetry))
        };
        found.sort_by(|a, b| a.row.cmp(&b.row).then(best(a, b)));
        found.dedup_by_key(|alike| alike.row);
        found
    }

    /// The rows of `held` that look as a row of these does, and the rows of these that one of them looks like.
    pub(super) fn across(&self, held: &[(u32, &Look)]) -> (Vec<Found>, Vec<u32>) {
        let all = held.par_iter().map(|&(row, look)| (row, self.alike(look)));
        let all: Vec<(u32, Vec<Alike>)> = all.collect();
        let found = all.iter().filter_map(|(row, alike)| found(*row, alike));
        let mut copied: Vec<u32> = all.iter().flat_map(|(_, alike)| alike).map(|one| one.row).collect();
        copied.sort_unstable();
        copied.dedup();
        (found.collect(), copied)
    }

    /// The rows that look as an earlier one does, and how many look as any other one does.
    pub(super) fn within(&self) -> (Vec<Found>, LeakControl) {
        let of = |&(row, look): &(u32, &Look)| {
            let mut alike = self.alike(look);
            alike.retain(|one| one.row != row);
            let is_near = !alike.is_empty();
            alike.retain(|one| one.row < row);
            (found(row, &alike), is_near)
        };
        let all: Vec<(Option<Found>, bool)> = self.looks.par_iter().map(of).collect();
        let control = LeakControl {
            rows: all.len() as u64,
            near: all.iter().filter(|(_, is_near)| *is_near).count() as u64,
        };
        (all.into_iter().filter_map(|(found, _)| found).collect(), control)
    }
}

/// The one that is most like `row`, of equal ones the first.
fn found(row: u32, alike: &[Alike]) -> Option<Found> {
    let better = |a: &&Alike, b: &&Alike| a.correlation.total_cmp(&b.correlation).then(b.row.cmp(&a.row));
    let best = alike.iter().max_by(better)?;
    Some(Found {
        turn: Turn::of(best.symmetry),
        phash_bits: Some(best.bits),
        correlation: Some(best.correlation),
        ..Found::exact(LeakKind::NearHash, row, best.row, alike.len() as u64)
    })
}
