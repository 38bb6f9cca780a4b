//! Pictures on which nothing can be compared: synthetic ones among those that are split, and the same ones on both sides.

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::refuse_shared;
use crate::task::Datasets;

/// Refuses training rows of which some are synthetic, since ways are chosen on parts of them, and test pictures that are all trained on.
pub(super) fn check_sides(cx: &Context, datasets: &Datasets) -> Result<()> {
    datasets.require_real("parts on which a way is chosen would be held")?;
    if let [train, test] = datasets.stored.as_slice() {
        refuse_shared(&[("training rows", &train.rows), ("test rows", &test.rows)])?;
    }
    let (shared, all) = (datasets.shared_pictures(cx)?.valid, datasets.valid_rows());
    match all > 0 && shared == all {
        false => Ok(()),
        true => Err(Error::config(format!(
            "all {all} test pictures are training pictures as well, byte for byte, so the figures would say what was learnt by heart: test on \
             others"
        ))),
    }
}
