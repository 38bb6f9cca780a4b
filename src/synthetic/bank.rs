//! Rows made elsewhere, by another program or by a learnt generator, that lie in a file: a bank.
//!
//! | column | type | what |
//! |---|---|---|
//! | the columns of the rows that they are mixed with | the same types | the row |
//! | the label column ([`BankSpec::label`]) | class names, or numbers as in the training rows | its class |
//! | `generator`, where there is one | text | what made the row: a model and its version |
//! | `parents`, where there is one | list of struct of `source` (text), `row_group` (integer, may be null) and `row` (integer) | the training rows that it was made from |
//!
//! The last two are provenance where the training rows have no column of that name. Other columns are refused.
//!
//! A synthetic row belongs where its parents are. Parents that lie in a file of the training rows and are none of them are held out, so a bank with
//! such a parent is refused, and so is one that a generator made which was [fitted](super::learned::About::fitted_on) on such a row.

mod lineage;
mod origins;

use self::lineage::Lineage;
#[cfg(feature = "train")]
pub(crate) use self::origins::recorded_parents;
use self::origins::{COLUMNS, Origins};
use super::matched_columns::{MatchedColumns, quoted};
use super::{Generator, SampleId, costs};
use crate::dataset::{Dataset, Origin, Provenance, Stable, StoredRows};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::{BlockOrder, BlockShuffle, OrderCache};
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::{Labels, Project, Projected};
use crate::source::{Parquet, ParquetSpec};
use crate::spec::Spec;
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks of the bank from which a later pass draws at a time.
const WINDOW: usize = 16;

/// Synthetic rows that were made elsewhere: by a diffusion model, a language model, or a learnt generator of this crate.
///
/// The synthetic rows of a class are numbered in the order of the file: row `i` ([`SampleId::index`]) is the `i`-th of its class. A balance asks for them in that order from epoch to epoch, and
/// inside an epoch in one of its own ([`fill`](crate::mix::Balance::fill)). Once all were used they come again, in a shuffled order for each such pass, and the
/// [occurrence](Provenance::occurrence) counts the passes. The first of its [places](Provenance::places) is that of the row in the file, the
/// others are its parents, where the file says them.
///
/// Columns are matched by name and type, classes by name. A class without rows is not [supported](Generator::supports).
///
/// ```
/// use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
/// use millstream::mix::Target;
/// use millstream::rows::Labels;
/// use millstream::source::Memory;
/// use millstream::synthetic::Bank;
/// use millstream::{Context, DatasetExt, Result, Stable};
/// use std::sync::Arc;
///
/// # fn main() -> Result<()> {
/// let table = |x: Vec<f32>, label: Vec<&str>| -> Result<Arc<dyn Stable>> {
///     let columns: [(&str, ArrayRef); 2] =
///         [("x", Arc::new(Float32Array::from(x))), ("label", Arc::new(StringArray::from(label)))];
///     Ok(Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns)?])?))
/// };
/// let train = table(vec![0.1, 0.2, 0.3, 5.0], vec!["many", "many", "many", "few"])?;
/// let made = table(vec![5.1, 4.9], vec!["few", "few"])?;
///
/// let cx = Context::with(1, 1 << 24)?;
/// let labels = Arc::new(cx.block_on(Labels::scan(&cx, &train, "label"))?);
/// let bank = cx.block_on(Bank::new(&cx, made, "label", &train, &labels))?;
/// let balanced = cx.block_on(train.balance(&cx, "label", Target::Uniform))?;
/// let filled = balanced.fill(Arc::new(bank), 1.0)?;
/// assert_eq!(filled.quotas()[0].synthetic, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Bank {
    spec: BankSpec,
    /// The columns of the rows that they are mixed with, as they are called in the bank.
    rows: Arc<dyn Stable>,
    columns: MatchedColumns,
    classes: Vec<String>,
    pools: Vec<Pool>,
    origins: Origins,
    lineage: Lineage,
    /// The last orders of each class.
    recent: Mutex<Vec<OrderCache>>,
}

/// The rows of one class.
#[derive(Debug)]
struct Pool {
    rows: Vec<u64>,
    shuffle: BlockShuffle,
}

/// The parameters of [`Bank`]: `{ rows = { path = "synthetic.parquet", label = "class" } }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BankSpec {
    /// Parquet files, folders and patterns, one after the other: a text, or a list of them. Empty for rows that a program has.
    #[serde(with = "crate::spec::one_or_more")]
    pub path: Vec<String>,
    /// The column of labels. Defaults to the name of the training rows' one.
    pub label: Option<String>,
}

impl Spec for BankSpec {
    const NAME: &'static str = "rows";
    const LOCATIONS: &'static [&'static str] = &["path"];
}

impl Bank {
    const NAME: &str = BankSpec::NAME;

    /// The rows of `bank`, whose classes are in its column `label`, as rows that are mixed with `rows`, which have these `labels`. What a file
    /// says of the rows that its generator was fitted on is known to [`open`](Self::open) alone.
    ///
    /// # Errors
    ///
    /// `Schema` for columns that `bank` lacks or has too many, and for one of another type; `Data` for a label that `labels` has no class
    /// for, and for provenance columns that hold something else; `Config` for a parent that is held out.
    pub async fn new(
        cx: &Context,
        bank: Arc<dyn Stable>,
        label: &str,
        rows: &Arc<dyn Stable>,
        labels: &Arc<Labels>,
    ) -> Result<Self> {
        let (columns, _) = matched(&bank.schema(), label, rows, labels)?;
        let data = Arc::new(Projected::new(Arc::clone(&bank), Project::new(&columns.names()))?);
        let spec = BankSpec {
            label: (label != labels.column()).then(|| label.to_owned()),
            ..BankSpec::default()
        };
        Self::build(cx, (&bank, StoredRows::default()), data, (rows, labels), spec).await
    }

    /// The rows that `spec` names, as rows that are mixed with `rows`, which have these `labels`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and those of opening the files.
    pub async fn open(cx: &Context, spec: &BankSpec, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Self> {
        if spec.path.is_empty() {
            return Err(Error::config("path: name the Parquet files of the rows that were made"));
        }
        let files = ParquetSpec {
            path: spec.path.clone(),
            ..ParquetSpec::default()
        };
        let all = Parquet::open_spec(cx, &files).await?;
        let place = |error: Error| error.context(spec.path.join(", "));
        let label = spec.label.as_deref().unwrap_or(labels.column());
        let (columns, _) = matched(&all.schema(), label, rows, labels).map_err(place)?;
        // What says where rows come from is not read with them.
        let data = Arc::new(all.clone().columns(&columns.names())?);
        let fitted_on = all.fitted_on();
        let all = Arc::new(all) as Arc<dyn Stable>;
        let built = Self::build(cx, (&all, fitted_on), data, (rows, labels), spec.clone());
        built.await.map_err(place)
    }

    /// The columns of `data`, with what `bank` says beside them.
    async fn build(
        cx: &Context,
        (bank, fitted_on): (&Arc<dyn Stable>, StoredRows),
        data: Arc<dyn Stable>,
        (rows, labels): (&Arc<dyn Stable>, &Arc<Labels>),
        spec: BankSpec,
    ) -> Result<Self> {
        let label = spec.label.as_deref().unwrap_or(labels.column());
        let (columns, beside) = matched(&bank.schema(), label, rows, labels)?;
        let classes = Labels::scan_as(cx, bank, label, labels).await?;
        let pools: Vec<Pool> = pools(&classes, &**bank);
        let origins = Origins::read(cx, bank, &beside).await?;
        let lineage = Lineage::check(cx, bank, (&origins, fitted_on), rows)?;
        Ok(Self {
            recent: Mutex::new(pools.iter().map(|_| OrderCache::default()).collect()),
            origins,
            lineage,
            classes: labels.names().to_vec(),
            rows: data,
            pools,
            columns,
            spec,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &BankSpec {
        &self.spec
    }

    /// Rows of each class.
    pub fn counts(&self) -> Vec<u64> {
        self.pools.iter().map(|pool| pool.rows.len() as u64).collect()
    }

    /// The row of the bank that `sample` is, and how often all rows of its class came before.
    fn find(&self, cx: &Context, sample: SampleId) -> (u64, u64) {
        let pool = &self.pools[sample.class as usize];
        let count = pool.rows.len() as u64;
        let (pass, at) = (sample.index / count, sample.index % count);
        let at = match pass {
            0 => at,
            _ => self.order(cx, sample.class, pass).get(at),
        };
        (pool.rows[at as usize], pass)
    }

    fn order(&self, cx: &Context, class: u32, pass: u64) -> Arc<BlockOrder> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let rng = || Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(class), pass]));
        let shuffle = &self.pools[class as usize].shuffle;
        Arc::clone(recent[class as usize].get(shuffle, cx.seed(), pass, rng))
    }
}

/// The columns of `rows`, which those of `bank` are beside its labels and those of its [`COLUMNS`] that are returned.
fn matched(
    bank: &Schema,
    label: &str,
    rows: &Arc<dyn Stable>,
    labels: &Arc<Labels>,
) -> Result<(MatchedColumns, Vec<&'static str>)> {
    if bank.index_of(label).is_err() {
        let there: Vec<&str> = bank.fields().iter().map(|field| field.name().as_str()).collect();
        return Err(Error::schema(format!(
            "no column \"{label}\" of labels; there are {}: name the one that says the class",
            quoted(&there)
        )));
    }
    let columns = MatchedColumns::of(rows, labels)?;
    let names = columns.names();
    let of_rows: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|name| bank.index_of(name).is_ok() && !names.contains(name))
        .collect();
    columns.check(bank, &[&[label], &of_rows[..]].concat())?;
    let says = COLUMNS
        .into_iter()
        .filter(|name| of_rows.contains(name) && *name != label);
    let says = says.collect();
    Ok((columns, says))
}

/// The rows of each class, in the order of the bank.
fn pools(classes: &Labels, bank: &dyn Stable) -> Vec<Pool> {
    let blocks = bank.blocks();
    // At once: a pool that grows takes up to twice as much.
    let room = |rows: u64| (Vec::with_capacity(rows as usize), Vec::new());
    let mut pools: Vec<(Vec<u64>, Vec<u64>)> = classes.counts().into_iter().map(room).collect();
    for block in blocks.iter().take_while(|block| block.rows.start < classes.len()) {
        for row in block.rows.start..block.rows.end.min(classes.len()) {
            pools[classes.class(row) as usize].0.push(row);
        }
        for (rows, ends) in &mut pools {
            ends.push(rows.len() as u64);
        }
    }
    let pool = |(rows, ends): (Vec<u64>, Vec<u64>)| {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let lengths: Vec<u64> = ends.iter().zip(starts).map(|(end, start)| end - start).collect();
        let filled: Vec<u64> = lengths.into_iter().filter(|&rows| rows > 0).collect();
        Pool {
            shuffle: BlockShuffle::new(filled.into_iter(), WINDOW),
            rows,
        }
    };
    pools.into_iter().map(pool).collect()
}

impl Generator for Bank {
    fn describe(&self) -> Plan {
        let ids: u64 = self.counts().iter().sum();
        let plan = Plan::of(&self.spec)
            .random()
            .cost(costs::FILE)
            .param("classes", format_args!("{:?}", self.classes))
            .param("counts", format_args!("{:?}", self.counts()))
            .resident(8 * ids + self.origins.bytes())
            .input(self.rows.describe());
        self.lineage.note.iter().fold(plan, Plan::note)
    }

    fn parents_elsewhere(&self) -> StoredRows {
        self.lineage.elsewhere.clone()
    }

    fn supports(&self, class: u32) -> bool {
        self.pools.get(class as usize).is_some_and(|pool| !pool.rows.is_empty())
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let rows: Vec<u64> = samples.iter().map(|&sample| self.find(cx, sample).0).collect();
            let taken = self.rows.take(cx, &rows).await?;
            let place = |error: Error| match error.index().map(|row| self.rows.provenance(cx, rows[row]).places) {
                Some(places) if !places.is_empty() => error.context(places[0].to_string()),
                _ => error,
            };
            self.columns.rows(&taken, samples).map_err(place)
        })
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let (row, pass) = self.find(cx, sample);
        let mut places = self.rows.provenance(cx, row).places;
        places.extend(self.origins.parents(row));
        Provenance {
            places,
            class: Some(sample.class),
            label_shares: Vec::new(),
            origin: Origin::Synthetic,
            generator: Some(self.origins.generator(row).unwrap_or_else(|| Self::NAME.into())),
            occurrence: pass,
        }
    }
}
