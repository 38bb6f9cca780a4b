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

/// [`Smote`] that starts from rows in danger alone: those of whose `m_neighbors` nearest rows of all classes half or more, but not all, are of other classes
/// (Borderline-SMOTE, Han et al. 2005). As imbalanced-learn's `BorderlineSMOTE`, with the differences that [`Smote`] has.
///
/// A class without a row in danger gets no synthetic rows, and neither does one of a single row.
///
/// # Memory
///
/// While neighbours are looked up, all rows of the columns are in memory (8 bytes a number), those of all classes up to twice more (4 bytes a number of a tensor), and those of one
/// class at a time up to twice more beside them. That has to fit into half of the memory, or 32 MiB, whatever is more: else [`fit`](Self::fit) ends with `Budget`, which says how
/// much it takes and what may be taken, before a row is read. No distances are kept. What is kept is `4 k + 8` bytes for each row in danger, and 8 bytes for
/// each row of the data, charged to the budget and in the plan.
#[derive(Debug)]
pub struct BorderlineSmote {
    ends: Ends,
    spec: BorderlineSmoteSpec,
    classes: Vec<Borderline>,
    kept: Kept,
}

/// What is known of a class.
#[derive(Debug, Default)]
struct Borderline {
    /// The rows in danger, ascending.
    in_danger: Vec<u64>,
    /// For each of them the nearest rows.
    nearest: Vec<u32>,
    /// How many of each.
    k: usize,
}

impl Borderline {
    /// What is known of a class with the rows `pool`.
    async fn new(cx: &Context, all: &AllClasses, class: u32, pool: &[u64], spec: &BorderlineSmoteSpec) -> Result<Self> {
        let rows: Vec<u32> = pool.iter().map(|&row| row as u32).collect();
        let m = all.at_most(spec.m_neighbors);
        let others = all.others(cx, class, rows.clone(), m).await?;
        let is_in_danger = |others: u32| 2 * others as usize >= m && (others as usize) < m;
        let places = (0..).zip(&others).filter(|(_, others)| is_in_danger(**others));
        let places: Vec<u32> = places.map(|(at, _)| at).collect();
        let in_danger = places.iter().map(|&place| pool[place as usize]).collect();
        let write = |nearest: &[u32], out: &mut [u32]| out.copy_from_slice(nearest);
        let (nearest, k) = match spec.kind {
            BorderlineKind::Borderline1 => {
                let k = spec.k.min(pool.len() - 1);
                let own = Arc::new(all.search.among(cx, rows).await?);
                let nearest = own.each(cx, places, k, k, write).await?;
                (
                    nearest.into_iter().map(|place| pool[place as usize] as u32).collect(),
                    k,
                )
            }
            BorderlineKind::Borderline2 => {
                let k = all.at_most(spec.k);
                let places = places.iter().map(|&place| pool[place as usize] as u32).collect();
                (all.search.each(cx, places, k, k, write).await?, k)
            }
        };
        Ok(Self { in_danger, nearest, k })
    }
}

/// Between which rows Borderline-SMOTE interpolates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BorderlineKind {
    /// Between a row in danger and its nearest rows of the same class.
    #[default]
    #[serde(rename = "borderline-1")]
    Borderline1,
    /// Between a row in danger and its nearest rows of all classes; on the way to one of another class no further than half of the way.
    #[serde(rename = "borderline-2")]
    Borderline2,
}

/// The parameters of [`BorderlineSmote`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BorderlineSmoteSpec {
    /// The tensor column in which rows are interpolated, where no [`columns`](Self::columns) are named. Defaults to "features".
    pub column: String,
    /// Columns of numbers in which rows are interpolated, as those of [`SmoteSpec`](crate::synthetic::SmoteSpec). Defaults to none.
    pub columns: Vec<String>,
    /// Neighbours among which the second parent is drawn, imbalanced-learn's `k_neighbors`. Defaults to 5.
    pub k: usize,
    /// Neighbours of all classes that say whether a row is in danger. Defaults to 10.
    pub m_neighbors: usize,
    /// Between which rows lies what is new: `borderline-1` or `borderline-2`. Defaults to `borderline-1`.
    pub kind: BorderlineKind,
    /// Rows of the largest class that is served. Defaults to no limit.
    pub largest: Option<u64>,
}

impl Default for BorderlineSmoteSpec {
    fn default() -> Self {
        Self {
            column: "features".to_owned(),
            columns: Vec::new(),
            k: Smote::NEIGHBOURS,
            m_neighbors: 10,
            kind: BorderlineKind::default(),
            largest: None,
        }
    }
}

impl Spec for BorderlineSmoteSpec {
    const NAME: &'static str = "borderline_smote";

    fn check(&self) -> Result<()> {
        check_k("k", self.k)?;
        check_k("m_neighbors", self.m_neighbors)
    }
}

impl BorderlineSmote {
    const NAME: &str = BorderlineSmoteSpec::NAME;

    /// Finds the rows in danger and their neighbours among `rows` (training rows only).
    ///
    /// # Errors
    ///
    /// As [`Smote::fit`].
    pub async fn fit(
        cx: &Context,
        rows: Arc<dyn Stable>,
        labels: &Arc<Labels>,
        spec: BorderlineSmoteSpec,
    ) -> Result<Self> {
        Spec::check(&spec)?;
        let all = AllClasses::new(cx, rows, labels, (&spec.column, &spec.columns), spec.k, spec.largest).await?;
        let mut classes = Vec::new();
        for (class, pool) in all.served() {
            classes.push(match pool {
                Some(pool) => Borderline::new(cx, &all, class, pool, &spec).await?,
                None => Borderline::default(),
            });
        }
        let of = |class: &Borderline| 4 * class.nearest.len() + 8 * class.in_danger.len();
        let kept = classes.iter().map(of).sum::<usize>() as u64;
        Ok(Self {
            kept: Kept::new(cx, kept + all.ends.rows.bytes()),
            ends: all.ends,
            spec,
            classes,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &BorderlineSmoteSpec {
        &self.spec
    }

    /// The rows of `class` that are in danger, ascending; none for a class that is not served.
    pub fn in_danger(&self, class: u32) -> &[u64] {
        self.classes.get(class as usize).map_or(&[], |class| &class.in_danger)
    }
}

impl Pairs for BorderlineSmote {
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
        !self.in_danger(class).is_empty()
    }

    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let Borderline { in_danger, nearest, k } = &self.classes[sample.class as usize];
        let first = rng.below(in_danger.len() as u64) as usize;
        let second = u64::from(nearest[first * k + rng.below(*k as u64) as usize]);
        let is_other = self.ends.rows.class(second) != Some(sample.class);
        let pair = [in_danger[first], second].map(|row| self.ends.rows.any_view(&mut rng, row));
        let along = rng.unit();
        // As imbalanced-learn, which multiplies both.
        (pair, if is_other { along * rng.range(0.0, 0.5) } else { along })
    }
}
