//! What was found, as data.

use super::turn::Turn;
use crate::inspect::pictures::Bad;
use crate::inspect::quality::Medium;
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows that are copies of others, across a split and inside its parts. It serialises to one JSON object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakReport {
    /// What was compared.
    pub medium: Medium,
    /// The column whose values tell whether two copies have the same label; none where no column is one.
    pub label: Option<String>,
    /// The training rows, and behind them the held-out sets.
    pub sets: Vec<LeakSet>,
    /// Of each held-out set the rows that training rows are copies of.
    pub across: Vec<Overlap>,
    /// Of each set the rows that are copies of an earlier row of the same set.
    pub within: Vec<Overlap>,
    /// When pictures are near by their hashes; none where no pictures were compared.
    pub hash_rule: Option<HashRule>,
    /// When rows are near by a distance; none where no distances were compared.
    pub distance_rule: Option<DistanceRule>,
    /// What there is to say of how it was done.
    pub notes: Vec<String>,
}

/// One of the sets that were compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakSet {
    /// What it is called: `train`, `test`, or the name of its split.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Rows whose picture is one flat colour, or nearly: they are compared by bytes and pixels alone, since all such pictures look alike.
    pub flat: u64,
    /// Rows that could not be read, or whose picture could not be decoded. The bytes of the latter are compared.
    pub unusable: u64,
    /// The first of these.
    pub bad: Vec<Bad>,
}

/// Rows of one set that are copies of rows of another, or of earlier rows of the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// The set whose rows are counted.
    pub set: String,
    /// The set that they are copies of.
    pub copied_from: String,
    /// Rows that are copies, each once.
    pub rows: u64,
    /// Rows of these whose copy has another label.
    pub other_label: u64,
    /// The same by kind, each row under the strongest that holds.
    pub kinds: Vec<LeakCount>,
    /// The first of them, by kind and then by row.
    pub leaks: Vec<Leak>,
    /// The positions of all of them, ascending.
    #[serde(skip)]
    pub positions: Vec<u64>,
    /// The positions of the rows that they are copies of, ascending. Of an exact copy and of one that is near by hash all are here, of one that is near by a
    /// distance the nearest.
    #[serde(skip)]
    pub copied_positions: Vec<u64>,
}

/// How two rows are the same, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakKind {
    /// The stored bytes of the picture are equal: by hashes of 128 bits (XXH3).
    SameBytes,
    /// The decoded pixels are equal, in another file: by hashes of 128 bits (XXH3).
    SamePixels,
    /// All columns but the label are equal: by hashes of 128 bits (XXH3).
    SameRow,
    /// The pictures look the same, maybe turned or mirrored: see [`HashRule`].
    NearHash,
    /// The features of a frozen network are near: see [`DistanceRule`].
    NearFeatures,
    /// The columns but the label are near: see [`DistanceRule`].
    NearValues,
}

/// Rows of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LeakCount {
    /// How they are the same.
    pub kind: LeakKind,
    /// Rows.
    pub rows: u64,
    /// Rows of these whose copy has another label.
    pub other_label: u64,
    /// Of near ones: training rows, no copies of an earlier one, that have another training row as near. Honest rows of the held-out set would be about as
    /// often that near as these are.
    pub control: Option<LeakControl>,
}

/// Training rows beside other training rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeakControl {
    /// Training rows that were looked at.
    pub rows: u64,
    /// Rows of these that have another training row as near.
    pub near: u64,
}

/// A row that is a copy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    /// The row.
    pub row: LeakRow,
    /// The row that it is a copy of: of several equal ones the first, else the nearest.
    pub copy_of: LeakRow,
    /// How they are the same.
    pub kind: LeakKind,
    /// Rows that it is a copy of; none where only the nearest is known.
    pub copies: Option<u64>,
    /// How `row` has to be turned or mirrored to look like `copy_of`; none where it need not be.
    pub turn: Option<Turn>,
    /// Bits in which their pHash differs, of 64.
    pub phash_bits: Option<u32>,
    /// The correlation of what is seen in them.
    pub correlation: Option<f64>,
    /// Their distance, as the [rule](DistanceRule) measures it.
    pub distance: Option<f64>,
    /// Whether the labels are the same; none where there are none.
    pub same_label: Option<bool>,
}

/// A row of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeakRow {
    /// Its position in its set.
    pub position: u64,
    /// Where it is stored.
    pub place: String,
    /// Its label, where there is one.
    pub label: Option<String>,
}

/// When two pictures look the same: all three have to hold, for one of the eight ways to turn and mirror the one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HashRule {
    /// Bits of pHash that differ at most, of 64 (`imagehash.phash`, hash size 8).
    pub phash_bits: u32,
    /// Bits of dHash that differ at most, of 64 (`imagehash.dhash`, hash size 8).
    pub dhash_bits: u32,
    /// The least correlation of both pictures in grey, 16 x 16 pixels large.
    pub correlation: f64,
}

/// When two rows are near by a distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DistanceRule {
    /// What is measured: `cosine distance of features` or `standardised distance of columns`.
    pub measure: String,
    /// The distance up to which rows are near: a share of the median.
    pub at_most: f64,
    /// That share.
    pub share: f64,
    /// The median distance of a training row, no copy of an earlier one, to its nearest other one.
    pub median: f64,
    /// Training rows of which that was measured.
    pub rows: u64,
}

/// Rows to leave out, by their positions in each set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeakedRows(pub BTreeMap<String, LeakedPositions>);

/// Positions of one set, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeakedPositions {
    /// Rows that are copies of rows on the other side of the split.
    pub across: Vec<u64>,
    /// Rows that are copies of an earlier row of the same set.
    pub within: Vec<u64>,
}

impl LeakReport {
    /// The rows to leave out. To mend a split it is enough to leave out `across` of one side: that of the held-out sets, or that of the training rows.
    pub fn rows(&self) -> LeakedRows {
        let mut rows: BTreeMap<String, LeakedPositions> = BTreeMap::new();
        for overlap in &self.across {
            rows.entry(overlap.set.clone())
                .or_default()
                .across
                .clone_from(&overlap.positions);
            let train = rows.entry(overlap.copied_from.clone()).or_default();
            train.across.extend(&overlap.copied_positions);
            train.across.sort_unstable();
            train.across.dedup();
        }
        for overlap in &self.within {
            rows.entry(overlap.set.clone())
                .or_default()
                .within
                .clone_from(&overlap.positions);
        }
        LeakedRows(rows)
    }

    /// Held-out rows that a training row is a copy of.
    pub fn leaked(&self) -> u64 {
        self.across.iter().map(|overlap| overlap.rows).sum()
    }
}

impl Overlap {
    /// What was found of `kind`; none where that was not looked for.
    pub fn kind(&self, kind: LeakKind) -> Option<&LeakCount> {
        self.kinds.iter().find(|count| count.kind == kind)
    }
}
