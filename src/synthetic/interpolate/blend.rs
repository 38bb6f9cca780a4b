use super::elastic::Elastic;
use crate::columns::{bytes_of, column_of_bytes};
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::Decoder;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::{Array, ArrayRef, BinaryViewArray, RecordBatch};
use arrow::compute::cast;
use futures::future::BoxFuture;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// New encoded images by rule: two of one class, each deformed elastically, laid over each other (see [`Elastic`]).
///
/// It stands below the image stage: what it makes is decoded and augmented like a stored image. A class needs two rows.
#[derive(Debug)]
pub struct Blend {
    parents: Parents,
    spec: Arc<BlendSpec>,
    at: usize,
}

/// The parameters of [`Blend`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlendSpec {
    /// The column of encoded images. Defaults to "image".
    pub column: String,
    /// How two images become one.
    pub elastic: Elastic,
}

impl Default for BlendSpec {
    fn default() -> Self {
        Self {
            column: "image".to_owned(),
            elastic: Elastic::default(),
        }
    }
}

impl Spec for BlendSpec {
    const NAME: &'static str = "blend";
    /// Rises with that of what it has inside.
    const VERSION: u32 = Elastic::VERSION;

    fn check(&self) -> Result<()> {
        Spec::check(&self.elastic)
    }
}

impl Blend {
    const NAME: &str = BlendSpec::NAME;

    /// Makes images from those of `rows` (training rows only).
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or holds no bytes; `Config` for deformation parameters out of range.
    pub fn new(rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: BlendSpec) -> Result<Self> {
        let at = column_of_bytes(&rows.schema(), &spec.column)?;
        Spec::check(&spec)?;
        Ok(Self {
            parents: Parents::new(rows, labels)?,
            spec: Arc::new(spec),
            at,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &BlendSpec {
        &self.spec
    }

    /// The two parents, which differ, and the stream that continues with the pixels' draws.
    fn draw(&self, cx: &Context, sample: SampleId) -> ([u64; 2], Rng) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let pool = self.parents.of(sample.class);
        let first = rng.below(pool.len() as u64);
        let second = (first + 1 + rng.below(pool.len() as u64 - 1)) % pool.len() as u64;
        ([pool[first as usize], pool[second as usize]], rng)
    }
}

fn blend(elastic: &Elastic, label: &str, parents: [&ArrayRef; 2], row: usize, rng: &mut Rng) -> Result<Vec<u8>> {
    let bytes = |parent| bytes_of(parent, row).ok_or_else(|| Error::data("a parent is null"));
    let [a, b] = parents.map(bytes);
    let image = a.and_then(|a| Ok(elastic.blend([a, b?], rng)?));
    image.map_err(|error| error.context(label).at(row))
}

impl Generator for Blend {
    fn describe(&self) -> Plan {
        Plan::of(self.spec())
            .random()
            .resident(self.parents.bytes())
            .cost(costs::BLENDED)
            .note("each is two pictures decoded, deformed, mixed and encoded as PNG, which is decoded again: more work than decoding the one that it replaces")
            .param("decoders", Decoder::default().fingerprint())
            .input(self.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.parents.of(class).len() > 1
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (pairs, rngs): (Vec<_>, Vec<_>) = samples.iter().map(|&sample| self.draw(cx, sample)).unzip();
            let [first, second] = self.parents.take(cx, &pairs).await?;
            let parents = [&first, &second].map(|rows| Arc::clone(rows.column(self.at)));
            let (spec, label) = (
                Arc::clone(&self.spec),
                format!("{} \"{}\"", Self::NAME, self.spec.column),
            );
            let images = cx.compute(move || {
                let made = |(row, mut rng)| blend(&spec.elastic, &label, [&parents[0], &parents[1]], row, &mut rng);
                rngs.into_par_iter().enumerate().map(made).collect::<Result<Vec<_>>>()
            });
            let column = cast(
                &BinaryViewArray::from_iter_values(images.await?),
                first.column(self.at).data_type(),
            )?;
            Parents::with_column(&first, self.at, column)
        })
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        self.parents
            .provenance(cx, sample, &self.draw(cx, sample).0, Self::NAME)
    }
}
