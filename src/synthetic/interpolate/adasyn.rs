use super::all_classes::AllClasses;
use super::pairs::{Ends, Pairs};
use super::smote::check_k;
use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::kept::Kept;
use crate::synthetic::{SampleId, Smote, costs};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// [`Smote`] that starts more often from rows with neighbours of other classes: in proportion to how many of the `k` nearest rows of all classes are of
/// other ones (ADASYN, He et al. 2008).
///
/// imbalanced-learn's `ADASYN` rounds these shares of a number of rows that is known beforehand; here the first parent of each row is drawn by them. Else it is
/// the same, with the differences that [`Smote`] has. A class none of whose rows has such a neighbour gets no synthetic rows, where imbalanced-learn
/// raises an error, and neither does one of a single row.
///
/// # Memory
///
/// As [`BorderlineSmote`](crate::synthetic::BorderlineSmote), with the same error where it does not fit; what is kept is `4 k + 8` bytes for each row of a class that is served,
/// and 8 bytes for each row of the data.
#[derive(Debug)]
pub struct Adasyn {
    ends: Ends,
    spec: AdasynSpec,
    classes: Vec<Weighted>,
    kept: Kept,
}

/// What is known of a class.
#[derive(Debug, Default)]
struct Weighted {
    /// For each row the neighbours of other classes of it and of all rows before it; nothing where there are none.
    others: Vec<u64>,
    /// For each row the `k` nearest as indices into the class's pool.
    nearest: Vec<u32>,
}

impl Weighted {
    /// Those of a class with the rows `pool`.
    async fn new(cx: &Context, all: &AllClasses, class: u32, pool: &[u64], k: usize) -> Result<Self> {
        let rows: Vec<u32> = pool.iter().map(|&row| row as u32).collect();
        let others = all.others(cx, class, rows.clone(), all.at_most(k)).await?;
        let mut sums = Vec::with_capacity(others.len());
        let mut sum = 0;
        for count in others {
            sum += u64::from(count);
            sums.push(sum);
        }
        let others = sums;
        if others.last().is_none_or(|&sum| sum == 0) {
            return Ok(Self::default());
        }
        let own = all.search.among(cx, rows).await?;
        let nearest = own.all(cx, k.min(pool.len() - 1)).await?;
        Ok(Self { others, nearest })
    }
}

/// The parameters of [`Adasyn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdasynSpec {
    /// The tensor column in which rows are interpolated, where no [`columns`](Self::columns) are named. Defaults to "features".
    pub column: String,
    /// Columns of numbers in which rows are interpolated, as those of [`SmoteSpec`](crate::synthetic::SmoteSpec). Defaults to none.
    pub columns: Vec<String>,
    /// Neighbours of all classes that are counted, and neighbours of the same class among which the second parent is drawn: imbalanced-learn's
    /// `n_neighbors`. Defaults to 5.
    pub k: usize,
    /// Rows of the largest class that is served. Defaults to no limit.
    pub largest: Option<u64>,
}

impl Default for AdasynSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            columns: Vec::new(),
            k: Smote::NEIGHBOURS,
            largest: None,
        }
    }
}

impl Spec for AdasynSpec {
    const NAME: &'static str = "adasyn";

    fn check(&self) -> Result<()> {
        check_k("k", self.k)
    }
}

impl Adasyn {
    const NAME: &str = AdasynSpec::NAME;

    /// Finds the neighbours among `rows` (training rows only).
    ///
    /// # Errors
    ///
    /// As [`Smote::fit`].
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: AdasynSpec) -> Result<Self> {
        Spec::check(&spec)?;
        let all = AllClasses::new(cx, rows, labels, (&spec.column, &spec.columns), spec.k, spec.largest).await?;
        let mut classes = Vec::new();
        for (class, pool) in all.served() {
            classes.push(match pool {
                Some(pool) => Weighted::new(cx, &all, class, pool, spec.k).await?,
                None => Weighted::default(),
            });
        }
        let of = |class: &Weighted| 4 * class.nearest.len() + 8 * class.others.len();
        let kept = classes.iter().map(of).sum::<usize>() as u64;
        Ok(Self {
            kept: Kept::new(cx, kept + all.ends.rows.bytes()),
            ends: all.ends,
            spec,
            classes,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &AdasynSpec {
        &self.spec
    }

    /// For each row of `class` the share of the class's synthetic rows that start from it; nothing for a class that gets none.
    pub fn shares(&self, class: u32) -> Vec<f64> {
        let Some(Weighted { others, .. }) = self.classes.get(class as usize) else {
            return Vec::new();
        };
        let sum = others.last().copied().unwrap_or(0) as f64;
        let before = std::iter::once(&0).chain(others);
        others
            .iter()
            .zip(before)
            .map(|(to, from)| (to - from) as f64 / sum)
            .collect()
    }
}

impl Pairs for Adasyn {
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
        self.classes
            .get(class as usize)
            .is_some_and(|class| !class.others.is_empty())
    }

    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let Weighted { others, nearest } = &self.classes[sample.class as usize];
        let pool = self.ends.rows.of(sample.class);
        let drawn = rng.below(others.last().copied().unwrap_or(1));
        let first = others.partition_point(|&others| others <= drawn);
        let k = nearest.len() / pool.len();
        let second = nearest[first * k + rng.below(k as u64) as usize] as usize;
        let pair = [pool[first], pool[second]].map(|row| self.ends.rows.any_view(&mut rng, row));
        (pair, rng.unit())
    }
}
