//! Rows that a generator is fitted on and that are validation rows as well: what is measured on these says how well it knows them by heart.

use crate::columns::row_hashes;
use crate::dataset::{Stable, StoredRows};
use crate::error::{Error, Remedy, Result, StoredRow};
use crate::exec::Context;
use crate::exec::outputs::identity;
use crate::quote::counted_with;
use crate::rows::stored_rows;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Looks for the training rows `train` of a generator among the validation rows `held`, by where they are stored and by `hashes` of their values. Says how many there are,
/// where it is one in a hundred or more.
///
/// # Errors
///
/// `Config` where a stored row is in both, and where the rows of both are the same ones in any order.
pub(super) fn check<T: Stable>(
    cx: &Context,
    (train, held): (&T, &T),
    hashes: &dyn Fn(&T) -> Result<Vec<u128>>,
) -> Result<Option<String>> {
    if let Some(row) = first_shared(&stored_rows(cx, train), &stored_rows(cx, held)) {
        return Err(refused(&format!("{row} is a training row and a validation row")));
    }
    let (mut own, mut others) = (hashes(train)?, hashes(held)?);
    own.sort_unstable();
    others.sort_unstable();
    if !others.is_empty() && own == others {
        return Err(refused(
            "the validation rows are equal to the training rows, row by row",
        ));
    }
    let shared = shared(&own, &others);
    Ok((shared * 100 >= others.len().max(1)).then(|| {
        format!(
            "{} of {} equal to a training row, which the generator sees, so what is measured on them says in part what was learnt by heart; use other rows for \
             validation",
            shared,
            counted_with(others.len() as u64, "validation row", ["is", "are"])
        )
    }))
}

/// How many of the rows that were held out of the training rows of a generator are equal to one of these, by the hashes `train` and `held`, a sentence that ends in what to do
/// (`mend`); none where none is.
pub(super) fn held_out_copies(mut train: Vec<u128>, held: &[u128], mend: &str) -> Option<String> {
    train.sort_unstable();
    let shared = shared(&train, held);
    (shared > 0).then(|| {
        format!(
            "{shared} of {} equal to a training row, which the generator sees; {mend}",
            counted_with(held.len() as u64, "held-out row", ["is", "are"])
        )
    })
}

/// How many of `held` are among `train`, which are sorted.
fn shared(train: &[u128], held: &[u128]) -> usize {
    held.iter().filter(|hash| train.binary_search(hash).is_ok()).count()
}

fn refused(what: &str) -> Error {
    let message = format!(
        "{what}, and a generator may not see the rows that it is measured on: name other rows for validation, or none, so that a share of the training rows is held out"
    );
    Error::config(message).with_remedy(Remedy::Validation)
}

/// The first of `held` that is one of `train`, whatever its file is called by.
fn first_shared(train: &StoredRows, held: &StoredRows) -> Option<StoredRow> {
    let file = |source: &Arc<str>| identity(Path::new(&**source));
    let own: HashMap<_, &Arc<str>> = train
        .sources()
        .filter_map(|source| Some((file(source)?, source)))
        .collect();
    let names: HashMap<&Arc<str>, &Arc<str>> = held
        .sources()
        .filter_map(|source| Some((source, *own.get(&file(source)?)?)))
        .collect();
    held.iter().find(|row| {
        names.get(&row.source).is_some_and(|own| {
            train.contains(&StoredRow {
                source: Arc::clone(own),
                ..row.clone()
            })
        })
    })
}

/// The columns of `rows` by which its rows are compared with those of `others`: those that both have, but for the label and for files in columns.
pub(super) fn compared(rows: &impl Stable, others: &impl Stable, label: &str) -> Vec<String> {
    let (schema, other) = (rows.schema(), others.schema());
    let is_compared = |name: &str, of: &DataType| {
        let is_bytes = matches!(of, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
        name != label && !is_bytes && other.index_of(name).is_ok()
    };
    let fields = schema.fields().iter();
    let compared = fields.filter(|field| is_compared(field.name(), field.data_type()));
    compared.map(|field| field.name().clone()).collect()
}

/// A hash of each row by the values of `columns`; none where there are no columns.
pub(super) fn by_columns(cx: &Context, rows: &impl Stable, columns: &[String]) -> Result<Vec<u128>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let columns = columns
        .iter()
        .map(|name| Ok((name, cx.block_on(rows.column(cx, name))?, true)));
    let batch = RecordBatch::try_from_iter_with_nullable(columns.collect::<Result<Vec<_>>>()?)?;
    cx.block_on(cx.compute(move || row_hashes(&batch)))
}
