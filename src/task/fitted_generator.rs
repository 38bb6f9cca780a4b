//! The generator of a run, fitted on its training rows.

use super::datasets::Datasets;
use super::strategy::Strategy;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::synthetic::{ByCell, Generator, GeneratorSpec};
use std::sync::Arc;

/// What `spec` makes of `rows`: rows of the classes of the training rows, or of the cells that the strategy is by.
pub(super) fn fitted(
    cx: &Context,
    spec: &dyn GeneratorSpec,
    rows: Arc<dyn Stable>,
    datasets: &Datasets,
    strategy: &Strategy,
) -> Result<Arc<dyn Generator>> {
    let labels = datasets.labels("a generator")?;
    let generator = match &strategy.by {
        None => cx.block_on(spec.fit(cx, rows, labels)),
        Some(key) => {
            let by_cell = ByCell::fit(cx, rows, labels, datasets.cells_of(key)?, spec);
            cx.block_on(by_cell)
                .map(|by_cell| Arc::new(by_cell) as Arc<dyn Generator>)
        }
    };
    let named = |error: Error| error.context(spec.name());
    let generator = generator.map_err(named)?;
    datasets.check_generator(cx, &*generator).map_err(named)?;
    Ok(generator)
}
