use super::neighbourhood::{check_room, is_served};
use super::pairs::{Ends, Pairs};
use super::space::Space;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::kept::Kept;
use crate::synthetic::parents::Parents;
use crate::synthetic::{SampleId, costs};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Interpolation between a row and one of its nearest neighbours of the same class, in the space of a tensor column (a frozen backbone's features), or of
/// several columns of numbers (SMOTE, Chawla et al. 2002).
///
/// `k = min(neighbours, n - 1)` for a class of `n` rows, by Euclidean distance between rows without augmentation; a
/// class of one row has no neighbour and gets no synthetic rows. Both parents are drawn in any of their views, and the
/// new row lies uniformly on the line between them. All other columns are those of the first parent.
///
/// As imbalanced-learn's `SMOTE`, with two differences: a row is no neighbour of itself also where others are equal to it, and columns of integers
/// are rounded to the nearest, where imbalanced-learn cuts fractions off, which makes them smaller.
///
/// Missing values are refused: a null, a NaN or an infinity in a column that rows are interpolated in is an error. Fill them first
/// ([`fill_null`](crate::DatasetExt::fill_null)), or leave these rows out ([`filter`](crate::DatasetExt::filter)).
///
/// # Memory
///
/// For a class of `n` rows `4 k n` bytes are kept, and 8 bytes for each row of the data, which are charged to the budget and in the plan. While neighbours are looked up, all rows of the columns
/// are in memory (8 bytes a number), and those of one class at a time twice more (4 bytes a number of a tensor). That has to fit into half of the memory, or 32 MiB, whatever is more: else [`fit`](Self::fit) ends with `Budget`, which
/// names the class, what it takes and what may be taken, before a row is read. No distances are kept. A million rows of 8 columns
/// take 256 MiB.
#[derive(Debug)]
pub struct Smote {
    ends: Ends,
    spec: SmoteSpec,
    /// For each class, for each of its rows, the `k` nearest as indices into the class's pool.
    nearest: Vec<Vec<u32>>,
    kept: Kept,
}

/// The parameters of [`Smote`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmoteSpec {
    /// The tensor column in which rows are interpolated, where no [`columns`](Self::columns) are named. Defaults to "features".
    pub column: String,
    /// Columns of numbers in which rows are interpolated: integers, floats, and decimals of 128 bits, which keep their type. Their units count: a column
    /// with large numbers decides who is near. Defaults to none.
    pub columns: Vec<String>,
    /// Neighbours among which the second parent is drawn, imbalanced-learn's `k_neighbors`. Defaults to 5 (Chawla et al. 2002).
    pub k: usize,
    /// Rows of the largest class that is served. Defaults to no limit.
    pub largest: Option<u64>,
}

impl Default for SmoteSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            columns: Vec::new(),
            k: Smote::NEIGHBOURS,
            largest: None,
        }
    }
}

impl SmoteSpec {
    /// The usual parameters in the tensor column `column`.
    pub fn new(column: impl Into<String>) -> Self {
        Self {
            column: column.into(),
            ..Self::default()
        }
    }

    /// Serves the classes of at most so many rows: larger ones lack nothing, and the search takes time in proportion to the square of a class.
    #[must_use]
    pub fn largest(mut self, rows: u64) -> Self {
        self.largest = Some(rows);
        self
    }
}

impl Spec for SmoteSpec {
    const NAME: &'static str = "smote";

    fn check(&self) -> Result<()> {
        check_k("k", self.k)
    }
}

/// Refuses 0 neighbours.
pub(super) fn check_k(name: &str, k: usize) -> Result<()> {
    match k {
        0 => Err(Error::config(format!(
            "{name} is 0, but a row needs at least 1 neighbour"
        ))),
        _ => Ok(()),
    }
}

impl Smote {
    /// Default number of neighbours (Chawla et al. 2002).
    pub const NEIGHBOURS: usize = 5;
    const NAME: &str = SmoteSpec::NAME;

    /// Finds the neighbours among `rows` (training rows only).
    ///
    /// # Errors
    ///
    /// `Config` for parameters out of range; `Schema` where the column is no tensor of f32, or one of the columns has no numbers; `Data` where one holds
    /// a null, a NaN or an infinity. Of other views than the first, which are not read here, that is an error of the row that would be made from it.
    /// `Budget` where the search takes more than half of the memory.
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: SmoteSpec) -> Result<Self> {
        Spec::check(&spec)?;
        let space = Space::new(&rows.schema(), labels.column(), &spec.column, &spec.columns)?;
        let parents = Parents::new(rows, labels)?;
        let largest = spec.largest.unwrap_or(u64::MAX);
        let is_served = |pool: &[u64]| is_served(pool, largest);
        let loaded_bytes = space.loaded_bytes(labels.len());
        let mut kept = parents.bytes();
        for (pool, name) in parents
            .pools
            .iter()
            .zip(labels.names())
            .filter(|(pool, _)| is_served(pool))
        {
            let n = pool.len() as u64;
            let search = space.search_bytes(&parents.base.schema(), n, n, spec.k);
            check_room(cx, kept + loaded_bytes + search, n, name)?;
            kept += 4 * n * (spec.k as u64).min(n - 1);
        }
        let loaded = match parents.pools.iter().any(|pool| is_served(pool)) {
            true => Some(space.load(cx, &parents).await?),
            false => None,
        };
        let mut nearest = Vec::new();
        for pool in &parents.pools {
            nearest.push(match loaded.as_ref().filter(|_| is_served(pool)) {
                Some(loaded) => {
                    let search = space.search(cx, &parents, loaded, pool).await?;
                    search.all(cx, spec.k.min(pool.len() - 1)).await?
                }
                None => Vec::new(),
            });
        }
        Ok(Self {
            kept: Kept::new(cx, kept),
            ends: Ends { rows: parents, space },
            spec,
            nearest,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &SmoteSpec {
        &self.spec
    }

    /// For each row of `class` its neighbours, nearest first; nothing for a class that is not served.
    pub fn neighbours(&self, class: u32) -> impl Iterator<Item = (u64, Vec<u64>)> + '_ {
        let pool = self.ends.rows.of(class);
        let nearest = self.nearest.get(class as usize).map_or(&[][..], Vec::as_slice);
        let each = pool.iter().zip(nearest.chunks(self.k_of(class).max(1)));
        each.map(|(&row, nearest)| (row, nearest.iter().map(|&other| pool[other as usize]).collect()))
    }

    fn k_of(&self, class: u32) -> usize {
        self.spec.k.min(self.ends.rows.of(class).len().saturating_sub(1))
    }
}

impl Pairs for Smote {
    fn plan(&self) -> Plan {
        Plan::of(&self.spec).cost(costs::of_columns(&self.spec.columns))
    }

    fn ends(&self) -> &Ends {
        &self.ends
    }

    fn kept(&self) -> &Kept {
        &self.kept
    }

    fn serves(&self, class: u32) -> bool {
        self.nearest
            .get(class as usize)
            .is_some_and(|nearest| !nearest.is_empty())
    }

    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let pool = self.ends.rows.of(sample.class);
        let k = self.k_of(sample.class);
        let first = rng.below(pool.len() as u64) as usize;
        let second = self.nearest[sample.class as usize][first * k + rng.below(k as u64) as usize] as usize;
        let pair = [pool[first], pool[second]].map(|row| self.ends.rows.any_view(&mut rng, row));
        (pair, rng.unit())
    }
}
