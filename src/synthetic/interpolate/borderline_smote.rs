use super::neighbourhood::{charge, check_room};
use super::pairs::Pairs;
use super::smote::check_k;
use super::space::Space;
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::exec::reservation::Reservation;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::parents::Parents;
use crate::synthetic::{SampleId, Smote};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// [`Smote`] that starts from rows in danger alone: those of whose `m_neighbors` nearest rows of all classes half or more, but not all, are of other classes
/// (Borderline-SMOTE, Han et al. 2005). As imbalanced-learn's `BorderlineSMOTE`, with the differences that [`Smote`] has.
///
/// A class without a row in danger gets no synthetic rows, and neither does one of a single row.
///
/// # Memory
///
/// All rows are in memory while neighbours are looked up, 8 bytes a number twice (4 bytes of a tensor, once); that has to fit into half of the memory. What is kept is
/// `4 k` bytes for each row in danger.
#[derive(Debug)]
pub struct BorderlineSmote {
    parents: Parents,
    spec: BorderlineSmoteSpec,
    space: Space,
    classes: Vec<Borderline>,
    _held: Reservation,
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
    /// As [`Smote::new`].
    pub async fn fit(
        cx: &Context,
        rows: Arc<dyn Stable>,
        labels: &Arc<Labels>,
        spec: BorderlineSmoteSpec,
    ) -> Result<Self> {
        Spec::check(&spec)?;
        let space = Space::new(&rows.schema(), labels.column(), &spec.column, &spec.columns)?;
        let parents = Parents::new(rows, labels)?;
        let (all, largest) = (labels.len(), spec.largest.unwrap_or(u64::MAX));
        let is_served = |pool: &[u64]| pool.len() > 1 && pool.len() as u64 <= largest;
        let most = parents
            .pools
            .iter()
            .filter(|pool| is_served(pool))
            .map(Vec::len)
            .max()
            .unwrap_or(0) as u64;
        let bytes = space.search_bytes(&parents.base.schema(), all, most, spec.k) + space.loaded_bytes(all);
        check_room(cx, bytes, all, "all classes")?;
        let rows: Vec<u64> = (0..all).collect();
        let loaded = space.load(cx, &parents).await?;
        let everything = Arc::new(space.search(cx, &parents, &loaded, &rows).await?);
        drop(loaded);
        let m = spec.m_neighbors.min(rows.len() - 1);
        let mut classes = Vec::new();
        for (class, pool) in (0..).zip(&parents.pools) {
            if !is_served(pool) {
                classes.push(Borderline::default());
                continue;
            }
            let queries: Vec<u32> = pool.iter().map(|&row| row as u32).collect();
            let of = Arc::clone(labels);
            let others = everything.each(cx, queries.clone(), m, 1, move |nearest, out: &mut [u32]| {
                out[0] = nearest.iter().filter(|&&row| of.class(row.into()) != class).count() as u32;
            });
            let others = others.await?;
            let is_in_danger = |others: u32| 2 * others as usize >= m && (others as usize) < m;
            let places: Vec<u32> = (0..)
                .zip(&others)
                .filter(|(_, others)| is_in_danger(**others))
                .map(|(at, _)| at)
                .collect();
            let in_danger = places.iter().map(|&place| pool[place as usize]).collect();
            let write = |nearest: &[u32], out: &mut [u32]| out.copy_from_slice(nearest);
            let (nearest, k) = match spec.kind {
                BorderlineKind::Borderline1 => {
                    let k = spec.k.min(pool.len() - 1);
                    let own = Arc::new(everything.among(cx, queries.clone()).await?);
                    let nearest = own.each(cx, places, k, k, write).await?;
                    (
                        nearest.into_iter().map(|place| pool[place as usize] as u32).collect(),
                        k,
                    )
                }
                BorderlineKind::Borderline2 => {
                    let k = spec.k.min(rows.len() - 1);
                    let places = places.iter().map(|&place| pool[place as usize] as u32).collect();
                    (everything.each(cx, places, k, k, write).await?, k)
                }
            };
            classes.push(Borderline { in_danger, nearest, k });
        }
        let kept = classes
            .iter()
            .map(|class| 4 * class.nearest.len() + 8 * class.in_danger.len())
            .sum();
        Ok(Self {
            _held: charge(cx, kept),
            parents,
            spec,
            space,
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
        Plan::of(&self.spec)
    }

    fn rows(&self) -> &Parents {
        &self.parents
    }

    fn space(&self) -> &Space {
        &self.space
    }

    fn serves(&self, class: u32) -> bool {
        !self.in_danger(class).is_empty()
    }

    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], f32) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let Borderline { in_danger, nearest, k } = &self.classes[sample.class as usize];
        let first = rng.below(in_danger.len() as u64) as usize;
        let second = u64::from(nearest[first * k + rng.below(*k as u64) as usize]);
        let is_other = self.parents.class(second) != Some(sample.class);
        let pair = [in_danger[first], second].map(|row| self.parents.any_view(&mut rng, row));
        let along = rng.unit();
        // As imbalanced-learn, which multiplies both.
        (pair, if is_other { along * rng.range(0.0, 0.5) } else { along })
    }
}
