use super::matched_columns::MatchedColumns;
use super::{Generator, SampleId, costs};
use crate::dataset::{Origin, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use crate::plan::Plan;
use crate::quote::counted;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use futures::future::BoxFuture;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

type Closure = dyn Fn(&str, &mut Rng) -> Result<RecordBatch> + Send + Sync;

/// A closure as a generator: it makes one row of a class at a time.
///
/// It gets the name of the class and the random numbers of the row, which follow from (seed, class, index), so that the law holds for
/// whatever it draws from them. What it returns is one row with the columns of the rows that it is mixed with, but for the label. Nobody
/// can hash a closure, so its name and [version](Self::version) stand for it: raise the version when it comes to make other rows.
///
/// ```
/// use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
/// use millstream::mix::Target;
/// use millstream::rows::Labels;
/// use millstream::source::Memory;
/// use millstream::synthetic::GeneratorFn;
/// use millstream::{Context, DatasetExt, Result, Stable};
/// use std::sync::Arc;
///
/// # fn main() -> Result<()> {
/// let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 9.0]));
/// let label: ArrayRef = Arc::new(StringArray::from(vec!["low", "low", "high"]));
/// let table = RecordBatch::try_from_iter([("x", x), ("label", label)])?;
/// let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![table])?);
///
/// let cx = Context::with(1, 1 << 24)?;
/// let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label"))?);
/// let around = GeneratorFn::new("around", &rows, &labels, |class, rng| {
///     let mean = if class == "high" { 9.0 } else { 1.5 };
///     let x: ArrayRef = Arc::new(Float32Array::from(vec![mean + rng.normal()]));
///     Ok(RecordBatch::try_from_iter([("x", x)])?)
/// })?;
/// let balanced = cx.block_on(rows.balance(&cx, "label", Target::Uniform))?;
/// let filled = balanced.fill(Arc::new(around), 1.0)?;
/// # drop(filled);
/// # Ok(())
/// # }
/// ```
pub struct GeneratorFn {
    spec: GeneratorFnSpec,
    columns: MatchedColumns,
    classes: Vec<String>,
    closure: Arc<Closure>,
}

/// What a closure that makes rows is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorFnSpec {
    /// The name that stands for the closure, in plans, provenance, errors and streams of random numbers.
    pub name: String,
    /// Which closure of this name it is. Defaults to 1.
    pub version: u32,
}

impl Default for GeneratorFnSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            version: 1,
        }
    }
}

impl Spec for GeneratorFnSpec {
    const NAME: &'static str = "function";
}

impl GeneratorFn {
    /// What `closure` makes, as rows that are mixed with `rows`, which have these `labels`.
    ///
    /// # Errors
    ///
    /// `Config` for a name that is empty.
    pub fn new<F>(name: &str, rows: &Arc<dyn Stable>, labels: &Arc<Labels>, closure: F) -> Result<Self>
    where
        F: Fn(&str, &mut Rng) -> Result<RecordBatch> + Send + Sync + 'static,
    {
        if name.is_empty() {
            return Err(Error::config(
                "a closure that makes rows needs a name, which stands for it in plans",
            ));
        }
        Ok(Self {
            spec: GeneratorFnSpec {
                name: name.to_owned(),
                version: 1,
            },
            columns: MatchedColumns::of(rows, labels)?,
            classes: labels.names().to_vec(),
            closure: Arc::new(closure),
        })
    }

    /// Which closure of this name it is. Defaults to 1; raise it when the closure comes to make other rows.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.spec.version = version;
        self
    }
}

/// The row of a class.
fn made(
    closure: &Closure,
    columns: &MatchedColumns,
    class: &str,
    sample: SampleId,
    mut rng: Rng,
) -> Result<RecordBatch> {
    let row = catch(|| closure(class, &mut rng))?;
    if row.num_rows() != 1 {
        return Err(Error::config(format!(
            "{} for one row of class {class:?}",
            counted(row.num_rows(), "row")
        )));
    }
    columns.check(&row.schema(), &[])?;
    columns.rows(&row, &[sample])
}

impl Generator for GeneratorFn {
    fn describe(&self) -> Plan {
        // The name takes the place of the kind's, since it keys the random numbers.
        Plan::new(&self.spec.name)
            .random()
            .cost(costs::CLOSURE)
            // It reads no rows.
            .decoded(0)
            .param("version", self.spec.version)
            .param("classes", format_args!("{:?}", self.classes))
    }

    fn supports(&self, class: u32) -> bool {
        (class as usize) < self.classes.len()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (closure, columns, seed) = (Arc::clone(&self.closure), self.columns.clone(), cx.seed());
            let names: Vec<String> = samples
                .iter()
                .map(|sample| self.classes[sample.class as usize].clone())
                .collect();
            let (samples, name) = (samples.to_vec(), self.spec.name.clone());
            cx.compute(move || {
                let one = |(at, (class, &sample)): (usize, (&String, &SampleId))| {
                    let rng = Rng::new(seed, &name, stream(&[u64::from(sample.class), sample.index]));
                    let row = made(&*closure, &columns, class, sample, rng);
                    row.map_err(|error| error.context(&name).at(at))
                };
                let rows = names.par_iter().zip(&samples).enumerate().map(one);
                let rows = rows.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>>>()?;
                Ok(concat_batches(&columns.schema, &rows)?)
            })
            .await
        })
    }

    fn provenance(&self, _: &Context, sample: SampleId) -> Provenance {
        Provenance {
            class: Some(sample.class),
            origin: Origin::Synthetic,
            generator: Some(self.spec.name.as_str().into()),
            ..Provenance::default()
        }
    }
}

impl fmt::Debug for GeneratorFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratorFn")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
