//! Rows that a head will be trained on, before they are computed: what does not depend on their values is checked by them.

use super::datasets::Datasets;
use super::fitted_generator::fitted;
use super::strategy::Strategy;
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::forward::forward;
use crate::synthetic::BankSpec;
use crate::train::Extractor;
use arrow::datatypes::SchemaRef;
use std::any::TypeId;
use std::sync::Arc;

/// Training pictures in all views, with the columns that they have once the pictures became features. Only these, the targets and the places of rows may
/// be asked for.
#[derive(Debug)]
struct Announced {
    images: Arc<dyn Stable>,
    schema: SchemaRef,
}

/// Refuses rows of a file that `strategy` names, where they cannot be mixed with the features of `images`, which `extractor` will make.
///
/// # Errors
///
/// As [`Bank::open`](crate::synthetic::Bank::open), and `Config` for rows that were made from held-out ones.
pub(super) fn check_bank(
    cx: &Context,
    datasets: &Datasets,
    strategy: &Strategy,
    (extractor, images): (&Extractor, &Arc<dyn Stable>),
) -> Result<()> {
    let named = strategy.generator.as_ref();
    let Some(bank) = named.filter(|named| named.spec_type() == TypeId::of::<BankSpec>()) else {
        return Ok(());
    };
    let rows: Arc<dyn Stable> = Arc::new(Announced {
        schema: extractor.schema(&images.schema(), &datasets.image)?,
        images: Arc::clone(images),
    });
    fitted(cx, &**bank, rows, datasets, strategy).map(drop)
}

impl Dataset for Announced {
    forward!(images: len, blocks, describe, prepare, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Stable for Announced {
    forward!(images: views, column);
}
