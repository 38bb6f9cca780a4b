//! Rows of like length in one batch, so that little of it is padding.

use super::Sampler;
use crate::dataset::{Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::rng::{Permutation, Rng, stream};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::Xxh3;

/// The length of every stored row, in whatever unit: what [`Buckets`] sorts by.
///
/// [`scan`](Self::scan) reads them from a column. A row takes four bytes of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths {
    column: String,
    of: Arc<[u32]>,
}

impl Lengths {
    /// Lengths that are known already, a row each; `name` is what they are called in plans and messages.
    pub fn new(name: impl Into<String>, of: impl IntoIterator<Item = u32>) -> Self {
        Self {
            column: name.into(),
            of: of.into_iter().collect(),
        }
    }

    /// The length of each row.
    pub fn of(&self) -> &[u32] {
        &self.of
    }

    fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        self.of.iter().for_each(|length| hasher.update(&length.to_le_bytes()));
        hasher.digest()
    }
}

/// The parameters of [`Buckets`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketsSpec {
    /// The column of lengths, or of what has a length.
    pub column: String,
    /// Rows in a batch, at least 1: those of the loader. Defaults to 32.
    pub batch_size: u64,
    /// Positions inside which rows are sorted, a multiple of the batch size and of a balance's block. Defaults to 50 batches, rounded
    /// up to whole blocks.
    pub window: Option<u64>,
}

impl Default for BucketsSpec {
    fn default() -> Self {
        Self {
            column: String::new(),
            batch_size: 32,
            window: None,
        }
    }
}

impl Spec for BucketsSpec {
    const NAME: &'static str = "buckets";

    fn check(&self) -> Result<()> {
        match self.batch_size {
            0 => Err(Error::config("buckets: a batch has at least one row; batch_size is 0")),
            _ => Ok(()),
        }
    }
}

/// Batches of rows of like length; made by [`buckets`](crate::DatasetExt::buckets).
///
/// The positions of an epoch are cut into windows. Inside a window the rows are sorted by length and cut into batches; the batches come
/// in random order, and so do the rows inside each. It is the order of Hugging Face's `LengthGroupedSampler` and of tf.data's
/// `bucket_by_sequence_length`, as a function of the position. No row leaves its window: over a balance, the counts of each class at
/// the end of every window are what they were. A batch that an epoch does not fill comes last.
///
/// Rows that a generator makes have no scanned length, and are sorted as the shortest.
#[derive(Debug)]
pub struct Buckets<D> {
    inner: D,
    lengths: Lengths,
    hash: u64,
    batch: u64,
    window: u64,
    /// The window that was asked for.
    asked: Option<u64>,
    recent: Mutex<VecDeque<Window>>,
}

/// The seed, epoch and number of a window, and for each of its positions the one below, both counted from its start.
type Window = ([u64; 3], Arc<[u32]>);

impl<D: Sampler> Buckets<D> {
    /// What it is called in plans, and the name that it draws under.
    const NAME: &str = BucketsSpec::NAME;
    /// Default number of batches in a window: as in Hugging Face's `LengthGroupedSampler`.
    const BATCHES: u64 = 50;
    /// Windows whose order is remembered: takes that run ahead are in few of them.
    const KEPT: usize = 8;

    /// `inner` in batches of `batch_size` rows of like length.
    ///
    /// # Errors
    ///
    /// `Config` for a batch without rows, for one so large that its windows have 2^32 positions or more, and where there is not one length for each row of [`Sampler::base`].
    pub fn new(inner: D, lengths: Lengths, batch_size: u64) -> Result<Self> {
        let spec = BucketsSpec {
            batch_size,
            ..BucketsSpec::default()
        };
        spec.check()?;
        let base = inner.base();
        let rows = base.len().finite().map(|len| len / base.views());
        if rows != Some(lengths.of.len() as u64) {
            let rows = rows.map_or_else(
                || "without an end".to_owned(),
                |rows| format!("of {}", counted(rows, "row")),
            );
            let lengths = lengths.of.len();
            return Err(Error::config(format!(
                "buckets: {lengths} lengths for a dataset {rows}"
            )));
        }
        let window = least_common_multiple(batch_size, inner.quota_block())
            .and_then(|step| batch_size.checked_mul(Self::BATCHES)?.checked_next_multiple_of(step))
            .filter(|window| u32::try_from(*window).is_ok())
            .ok_or_else(|| {
                Error::config(format!(
                    "buckets: windows of {} batches of {batch_size} rows are larger than 2^32 positions: use smaller batches",
                    Self::BATCHES
                ))
            })?;
        Ok(Self {
            inner,
            hash: lengths.hash(),
            lengths,
            batch: batch_size,
            asked: None,
            window,
            recent: Mutex::default(),
        })
    }

    /// Sorts inside windows of `positions`, a multiple of the batch size and of a balance's block. A wide window has less padding; a
    /// narrow one is closer to the order below. Defaults to 50 batches, rounded up to whole blocks.
    ///
    /// # Errors
    ///
    /// `Config` for a number that is no such multiple, with the next one that is.
    pub fn window(mut self, positions: u64) -> Result<Self> {
        let block = self.inner.quota_block();
        // It exists: the window that `new` found is a multiple.
        let step = least_common_multiple(self.batch, block).unwrap_or(self.window);
        if u32::try_from(positions).is_err() {
            return Err(Error::config(format!(
                "buckets: a window of {positions} is larger than 2^32 positions"
            )));
        }
        if positions == 0 || !positions.is_multiple_of(step) {
            let next = positions.max(1).next_multiple_of(step);
            let balance = match block {
                1 => String::new(),
                block => format!(" and of the balance's block of {block}"),
            };
            return Err(Error::config(format!(
                "buckets: a window of {positions} is no multiple of the batch size {}{balance}; {next} is",
                self.batch
            )));
        }
        (self.window, self.asked) = (positions, Some(positions));
        self.recent = Mutex::default();
        Ok(self)
    }

    /// Its parameters.
    pub fn spec(&self) -> BucketsSpec {
        BucketsSpec {
            column: self.lengths.column.clone(),
            batch_size: self.batch,
            window: self.asked,
        }
    }

    /// What share of all values is padding in the batches of `epoch`, 0 to 1: as they come here, and as they would come from below.
    /// Works out the order of the whole epoch.
    pub fn padding(&self, cx: &Context, epoch: u64) -> (f64, f64) {
        let rows = self.inner.len().finite().unwrap_or(self.window);
        let first = epoch * rows;
        let positions: Vec<u64> = (first..first + rows).collect();
        let share = |positions: &[u64]| {
            let lengths = self.lengths(cx, positions);
            let batches = lengths.chunks(self.batch as usize);
            let padded = batches.map(|batch| batch.len() as u64 * u64::from(batch.iter().copied().max().unwrap_or(0)));
            let (padded, values) = (padded.sum::<u64>(), lengths.iter().copied().map(u64::from).sum::<u64>());
            1.0 - values as f64 / padded.max(1) as f64
        };
        (share(&self.map(cx, &positions)), share(&positions))
    }

    /// The length of what the dataset below has at each of `positions`.
    fn lengths(&self, cx: &Context, positions: &[u64]) -> Vec<u32> {
        let rows = self.inner.base_rows(cx, positions).into_iter();
        rows.map(|row| row.map_or(0, |row| self.lengths.of[row as usize]))
            .collect()
    }

    /// The position below of each of `positions`.
    fn map(&self, cx: &Context, positions: &[u64]) -> Vec<u64> {
        let len = self.inner.len();
        let mut last: Option<([u64; 2], Arc<[u32]>)> = None;
        let below = positions.iter().map(|&position| {
            let (epoch, row) = len.split(position);
            let key = [epoch, row / self.window];
            let order = match last.take() {
                Some((same, order)) if same == key => order,
                _ => self.order(cx, key, position - row, len),
            };
            let at = row % self.window;
            let below = position - at + u64::from(order[at as usize]);
            last = Some((key, order));
            below
        });
        below.collect()
    }

    /// The order of a window of the epoch that begins at `start`.
    fn order(&self, cx: &Context, [epoch, window]: [u64; 2], start: u64, len: Len) -> Arc<[u32]> {
        let key = [cx.seed(), epoch, window];
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, order)) = recent().iter().find(|(kept, _)| *kept == key) {
            return Arc::clone(order);
        }
        let first = window * self.window;
        let end = (first + self.window).min(len.finite().unwrap_or(u64::MAX));
        let lengths = self.lengths(cx, &Vec::from_iter(start + first..start + end));
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[epoch, window]));
        let order: Arc<[u32]> = batched(&lengths, self.batch as usize, &mut rng).into();
        let mut recent = recent();
        recent.push_front((key, Arc::clone(&order)));
        recent.truncate(Self::KEPT);
        order
    }
}

/// Rows of `lengths` in batches of `size`, each of rows that are neighbours by length.
fn batched(lengths: &[u32], size: usize, rng: &mut Rng) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..lengths.len() as u32).collect();
    sorted.sort_by_key(|&row| lengths[row as usize]);
    let (full, rest) = (sorted.len() / size, sorted.len() % size);
    // Any may be the batch that is not full, or a loader that drops it would always drop the longest.
    let short = if rest > 0 {
        rng.below(full as u64 + 1) as usize
    } else {
        full
    };
    let start = |batch: usize| batch * size + if batch >= short { rest } else { 0 };
    let turns = Permutation::new(full as u64, rng);
    let starts = (0..full as u64).map(|turn| start(turns.get(turn) as usize));
    let whole: Vec<_> = starts.map(|start| start..start + size).collect();
    let last = short * size..short * size + rest;
    let mut out = Vec::with_capacity(sorted.len());
    for range in whole.into_iter().chain([last]) {
        let (rows, places) = (&sorted[range.clone()], Permutation::new(range.len() as u64, rng));
        out.extend((0..range.len()).map(|place| rows[places.get(place as u64) as usize]));
    }
    out
}

/// None where it is 2^64 or more.
fn least_common_multiple(a: u64, b: u64) -> Option<u64> {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).checked_mul(b)
}

impl<D: Sampler> Dataset for Buckets<D> {
    forward!(inner: schema, len, blocks);

    fn describe(&self) -> Plan {
        Plan::of(&self.spec())
            .random()
            .note(format_args!(
                "sorted by length inside windows of {} positions",
                self.window
            ))
            .param("lengths", format_args!("{:016x}", self.hash))
            .resident(4 * self.lengths.of.len() as u64)
            .input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.inner.prepare(cx, &self.map(cx, positions))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.inner.provenance(cx, self.map(cx, &[position])[0])
    }
}
