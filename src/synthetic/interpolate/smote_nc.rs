use super::neighbourhood::{Neighbourhood, check_room, is_served};
use super::smote::check_k;
use super::space::{Loaded, Space, deviation, gathered};
use crate::columns::index_of;
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::quote::quoted;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::kept::Kept;
use crate::synthetic::nearest::{Points, Search};
use crate::synthetic::parents::Parents;
use crate::synthetic::table_columns::{Categories, is_category, is_number};
use crate::synthetic::{Generator, SampleId, Smote, costs};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// [`Smote`] for tables that have categories beside numbers (SMOTE-NC, Chawla et al. 2002).
///
/// Numbers lie on the line between a row and one of its `k` nearest neighbours. Each category is the one that most of the `k` neighbours have; of
/// several as frequent ones one is drawn. So all `k` are parents. For the distance, a category that differs counts as much as the median of the deviations of the class's columns of
/// numbers. As imbalanced-learn's `SMOTENC`, with the differences that [`Smote`] has.
///
/// Missing numbers are refused, as by [`Smote`]: fill them or leave these rows out first.
///
/// # Memory
///
/// As [`Smote`], with the same error where it does not fit, and 4 bytes for each category of each row, which are kept.
#[derive(Debug)]
pub struct SmoteNc {
    parents: Parents,
    spec: SmoteNcSpec,
    space: Space,
    categories: Vec<Category>,
    /// For each class, for each of its rows, the `k` nearest as indices into the class's pool.
    nearest: Vec<Vec<u32>>,
    median_deviations: Vec<Option<f64>>,
    kept: Kept,
}

/// A column of categories.
#[derive(Debug)]
struct Category {
    at: usize,
    known: Categories,
    /// That of each row.
    codes: Vec<u32>,
}

/// What a row is made of.
struct Draw {
    /// Positions of the two rows between whose numbers its numbers lie.
    pair: [u64; 2],
    /// How far along the line from the first.
    along: f32,
    categories: Vec<u32>,
    /// The rows of which the categories are.
    nearest: Vec<u64>,
}

/// The parameters of [`SmoteNc`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmoteNcSpec {
    /// Columns of numbers, which keep their type. Defaults to all columns of numbers that are not named as categories.
    pub columns: Vec<String>,
    /// Columns of categories: strings, booleans, dictionaries, integers. Defaults to all columns of strings, booleans and dictionaries, as
    /// imbalanced-learn's `auto`.
    pub categorical_features: Vec<String>,
    /// Neighbours among which the second parent is drawn, imbalanced-learn's `k_neighbors`. Defaults to 5.
    pub k: usize,
    /// Rows of the largest class that is served. Defaults to no limit.
    pub largest: Option<u64>,
}

impl Default for SmoteNcSpec {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            categorical_features: Vec::new(),
            k: Smote::NEIGHBOURS,
            largest: None,
        }
    }
}

impl Spec for SmoteNcSpec {
    const NAME: &'static str = "smote_nc";

    fn check(&self) -> Result<()> {
        check_k("k", self.k)
    }
}

impl SmoteNcSpec {
    /// The columns of numbers and of categories of rows of `schema`, whose classes are in the column `label`.
    ///
    /// # Errors
    ///
    /// `Config` where one kind is missing, and for a column of both kinds, or of the classes.
    pub fn columns_of(&self, schema: &Schema, label: &str) -> Result<[Vec<String>; 2]> {
        let all = |wanted: &dyn Fn(&arrow::datatypes::DataType) -> bool, but: &[String]| -> Vec<String> {
            let fields = schema.fields().iter().filter(|field| wanted(field.data_type()));
            let names = fields.map(|field| field.name().clone());
            names.filter(|name| name != label && !but.contains(name)).collect()
        };
        let categories = match self.categorical_features.is_empty() {
            true => all(&is_category, &self.columns),
            false => self.categorical_features.clone(),
        };
        let columns = match self.columns.is_empty() {
            true => all(&is_number, &categories),
            false => self.columns.clone(),
        };
        for (what, other, none) in [
            ("columns", "numbers", &columns),
            ("categorical_features", "categories", &categories),
        ] {
            if none.is_empty() {
                return Err(Error::config(format!(
                    "{what}: there is no column of {other}, and smote_nc needs both kinds: use smote for numbers alone"
                )));
            }
        }
        if let Some(both) = columns.iter().find(|name| categories.contains(name)) {
            return Err(Error::config(format!(
                "columns: {} is one of categorical_features, too",
                quoted(both)
            )));
        }
        if categories.iter().any(|name| name == label) {
            return Err(Error::config(format!(
                "categorical_features: {} is the column of classes",
                quoted(label)
            )));
        }
        Ok([columns, categories])
    }
}

impl SmoteNc {
    const NAME: &str = SmoteNcSpec::NAME;

    /// Finds the neighbours among `rows` (training rows only).
    ///
    /// # Errors
    ///
    /// As [`Smote::fit`], and `Config` where there are no columns of numbers or none of categories.
    pub async fn fit(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: SmoteNcSpec) -> Result<Self> {
        Spec::check(&spec)?;
        let schema = rows.schema();
        let [columns, names] = spec.columns_of(&schema, labels.column())?;
        let space = Space::new(&schema, labels.column(), "", &columns)?;
        let parents = Parents::new(rows, labels)?;
        let largest = spec.largest.unwrap_or(u64::MAX);
        let is_served = |pool: &[u64]| is_served(pool, largest);
        let codes_bytes = labels.len() * 4 * names.len() as u64;
        let mut kept = codes_bytes + parents.bytes();
        for (pool, name) in parents
            .pools
            .iter()
            .zip(labels.names())
            .filter(|(pool, _)| is_served(pool))
        {
            let n = pool.len() as u64;
            let search = space.search_bytes(&schema, n, n, spec.k) + n * 8 * names.len() as u64;
            check_room(cx, kept + space.loaded_bytes(labels.len()) + search, n, name)?;
            kept += 4 * n * (spec.k as u64).min(n - 1);
        }
        let Loaded::Columns(numbers) = space.load(cx, &parents).await? else {
            return Err(Error::config("columns: there is none"));
        };
        let mut categories = Vec::new();
        for name in &names {
            let at = index_of(&schema, name)?;
            let (known, codes) = Categories::of(schema.field(at), &parents.base.column(cx, name).await?)?;
            categories.push(Category { at, known, codes });
        }
        let (mut nearest, mut median_deviations) = (Vec::new(), Vec::new());
        for pool in &parents.pools {
            if !is_served(pool) {
                nearest.push(Vec::new());
                median_deviations.push(None);
                continue;
            }
            let each = numbers
                .iter()
                .map(|column| deviation(pool.iter().map(|&row| column[row as usize])));
            let median = median(each.collect());
            let mut codes = Vec::with_capacity(pool.len() * categories.len());
            for &row in pool {
                codes.extend(categories.iter().map(|category| category.codes[row as usize]));
            }
            let points = Points::new(gathered(&numbers, pool), numbers.len());
            let points = points.with_categories(codes, categories.len(), median);
            let search = cx.compute(move || Ok(Neighbourhood::F64(Search::new(points)))).await?;
            nearest.push(search.all(cx, spec.k.min(pool.len() - 1)).await?);
            median_deviations.push(Some(median));
        }
        Ok(Self {
            kept: Kept::new(cx, kept),
            parents,
            spec,
            space,
            categories,
            nearest,
            median_deviations,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &SmoteNcSpec {
        &self.spec
    }

    /// The median of the deviations of a class's columns of numbers, which a category that differs counts as; none for a class that is not served.
    pub fn median_deviation(&self, class: u32) -> Option<f64> {
        *self.median_deviations.get(class as usize)?
    }

    /// For each row of `class` its neighbours, nearest first; nothing for a class that is not served.
    pub fn neighbours(&self, class: u32) -> impl Iterator<Item = (u64, Vec<u64>)> + '_ {
        let pool = self.parents.of(class);
        let nearest = self.nearest.get(class as usize).map_or(&[][..], Vec::as_slice);
        let each = pool.iter().zip(nearest.chunks(self.k_of(class).max(1)));
        each.map(|(&row, nearest)| (row, nearest.iter().map(|&other| pool[other as usize]).collect()))
    }

    fn k_of(&self, class: u32) -> usize {
        self.spec.k.min(self.parents.of(class).len().saturating_sub(1))
    }

    fn draw(&self, cx: &Context, sample: SampleId) -> Draw {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let (pool, k) = (self.parents.of(sample.class), self.k_of(sample.class));
        let first = rng.below(pool.len() as u64) as usize;
        let nearest = &self.nearest[sample.class as usize][first * k..(first + 1) * k];
        let second = nearest[rng.below(k as u64) as usize] as usize;
        let pair = [pool[first], pool[second]].map(|row| self.parents.any_view(&mut rng, row));
        let along = rng.unit();
        let of = |category: &Category| {
            let codes = nearest
                .iter()
                .map(|&other| category.codes[pool[other as usize] as usize]);
            let most = most_frequent(codes.collect());
            match most.len() {
                1 => most[0],
                n => most[rng.below(n as u64) as usize],
            }
        };
        Draw {
            pair,
            along,
            categories: self.categories.iter().map(of).collect(),
            nearest: nearest.iter().map(|&other| pool[other as usize]).collect(),
        }
    }
}

/// The median: of an even number the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

/// Which of `codes` come most often, in ascending order.
fn most_frequent(mut codes: Vec<u32>) -> Vec<u32> {
    codes.sort_unstable();
    let groups = || codes.chunk_by(|a, b| a == b);
    let most = groups().map(<[u32]>::len).max();
    groups()
        .filter(|group| Some(group.len()) == most)
        .map(|group| group[0])
        .collect()
}

impl Generator for SmoteNc {
    fn describe(&self) -> Plan {
        self.kept
            .told(Plan::of(&self.spec))
            .random()
            .cost(costs::TABLE)
            // The other neighbours say which category it has, and theirs are in memory.
            .taken(2)
            .input(self.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.nearest
            .get(class as usize)
            .is_some_and(|nearest| !nearest.is_empty())
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (mut pairs, mut along, mut codes) = (Vec::new(), Vec::new(), vec![Vec::new(); self.categories.len()]);
            for &sample in samples {
                let drawn = self.draw(cx, sample);
                pairs.push(drawn.pair);
                along.push(drawn.along);
                codes
                    .iter_mut()
                    .zip(drawn.categories)
                    .for_each(|(codes, code)| codes.push(code));
            }
            let parents = self.parents.take(cx, &pairs).await?;
            let mut rows = self.space.between(cx, &self.parents, &parents, &pairs, &along)?;
            for (category, codes) in self.categories.iter().zip(&codes) {
                rows = Parents::with_column(&rows, category.at, category.known.column(codes)?)?;
            }
            Ok(rows)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        let Draw { pair, nearest, .. } = self.draw(cx, sample);
        let rows = self.parents.base.labels().len();
        let others = nearest.into_iter().filter(|other| pair[1] % rows != *other);
        pair.into_iter().chain(others).collect()
    }

    fn along(&self, cx: &Context, sample: SampleId) -> Option<f32> {
        Some(self.draw(cx, sample).along)
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let parents = self.parents(cx, sample);
        self.parents.provenance(cx, sample, &parents, Self::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_most_frequent_codes() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(most_frequent(vec![2, 1, 2, 1, 0]), [1, 2]);
        assert_eq!(most_frequent(vec![5, 5, 5]), [5]);
    }
}
