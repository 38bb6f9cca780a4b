//! Pictures that are named and not there.

use crate::dataset::Dataset;
use crate::exec::Context;

/// What there is to say of the rows `missing`, whose pictures are not there.
pub(super) fn said_of_missing(cx: &Context, rows: &impl Dataset, missing: &[u64]) -> Option<String> {
    let first = rows.provenance(cx, *missing.first()?).places.into_iter().next();
    let first = first.map(|place| place.to_string()).unwrap_or_default();
    Some(match missing.len() {
        1 => format!("1 picture that is named is not there, and is null in what is written: {first}"),
        many => {
            format!("{many} pictures that are named are not there, and are null in what is written; the first: {first}")
        }
    })
}
