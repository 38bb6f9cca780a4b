//! What a bank says of where its rows come from.

use crate::dataset::Stable;
#[cfg(feature = "train")]
use crate::dataset::StoredRows;
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::stored_rows::{GENERATOR, PARENTS};
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use std::collections::HashMap;
use std::sync::Arc;

/// The columns that say what made a row, and from which.
pub(super) const COLUMNS: [&str; 2] = [GENERATOR, PARENTS];

/// For each row an index into the names, and the names.
type Interned = (Vec<Option<u32>>, Vec<Arc<str>>);

/// What made each row, and from which.
#[derive(Debug, Default)]
pub(super) struct Origins {
    generators: Option<Interned>,
    parents: Option<ArrayRef>,
}

impl Origins {
    /// Reads those of [`COLUMNS`] that are among `columns`.
    pub(super) async fn read(cx: &Context, bank: &Arc<dyn Stable>, columns: &[&str]) -> Result<Self> {
        let of = |name: &'static str, to: DataType| async move {
            let column = bank.column(cx, name).await?;
            let found = column.data_type().clone();
            cast(&column, &to)
                .map_err(|error| Error::schema(format!("column \"{name}\" is {found}, and has to be {to}: {error}")))
        };
        let generators = match columns.contains(&GENERATOR) {
            true => Some(interned(of(GENERATOR, DataType::Utf8).await?.as_string())),
            false => None,
        };
        let parents = match columns.contains(&PARENTS) {
            true => Some(of(PARENTS, parents_type()).await?),
            false => None,
        };
        Ok(Self { generators, parents })
    }

    /// What made `row`, where the bank says it.
    pub(super) fn generator(&self, row: u64) -> Option<Arc<str>> {
        let (of, names) = self.generators.as_ref()?;
        Some(Arc::clone(&names[of[row as usize]? as usize]))
    }

    /// The rows from which `row` was made.
    pub(super) fn parents(&self, row: u64) -> Vec<StoredRow> {
        let Some(lists) = self.parents.as_ref().map(|parents| parents.as_list::<i32>()) else {
            return Vec::new();
        };
        if lists.is_null(row as usize) {
            return Vec::new();
        }
        let list = lists.value(row as usize);
        let list = list.as_struct();
        let numbers = |at: usize| list.column(at).as_primitive::<Int64Type>();
        let (sources, groups, rows) = (list.column(0).as_string::<i32>(), numbers(1), numbers(2));
        let parent = |at: usize| StoredRow {
            source: sources.value(at).into(),
            row_group: groups.is_valid(at).then(|| groups.value(at).unsigned_abs()),
            row: rows.value(at).unsigned_abs(),
        };
        (0..list.len()).filter(|&at| list.is_valid(at)).map(parent).collect()
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> u64 {
        let of = self.generators.as_ref().map_or(0, |(of, _)| 8 * of.len());
        (of + self
            .parents
            .as_ref()
            .map_or(0, |parents| parents.get_array_memory_size())) as u64
    }
}

/// All rows that the column [`PARENTS`] of `rows` names; none where they have no such column.
///
/// # Errors
///
/// `Schema` for a column of that name of another type.
#[cfg(feature = "train")]
pub(crate) async fn recorded_parents(cx: &Context, rows: &(impl Stable + Clone)) -> Result<StoredRows> {
    if rows.schema().index_of(PARENTS).is_err() {
        return Ok(StoredRows::default());
    }
    let rows = Arc::new(rows.clone()) as Arc<dyn Stable>;
    let origins = Origins::read(cx, &rows, &[PARENTS]).await?;
    let count = rows.len().finite().unwrap_or(0);
    Ok((0..count).flat_map(|row| origins.parents(row)).collect())
}

/// The type of the column of parents.
fn parents_type() -> DataType {
    let fields = Fields::from(vec![
        Field::new("source", DataType::Utf8, true),
        Field::new("row_group", DataType::Int64, true),
        Field::new("row", DataType::Int64, true),
    ]);
    DataType::List(Arc::new(Field::new_list_field(DataType::Struct(fields), true)))
}

/// Each text once.
fn interned(texts: &StringArray) -> Interned {
    let (mut known, mut names) = (HashMap::new(), Vec::new());
    let mut of = |text: &str| match known.get(text) {
        Some(&at) => at,
        None => {
            let at = names.len() as u32;
            names.push(Arc::from(text));
            known.insert(text.to_owned(), at);
            at
        }
    };
    let of = texts.iter().map(|text| text.map(&mut of)).collect();
    (of, names)
}
