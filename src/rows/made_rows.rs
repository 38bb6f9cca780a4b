//! Which stored rows are synthetic, as their provenance or their columns say.

use super::scan_cache;
use crate::dataset::{Origin, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::{counted, quoted};
use crate::stored_rows::{GENERATOR, ORIGIN, PARENTS, StoredRows};
#[cfg(feature = "train")]
use arrow::array::StringArray;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
#[cfg(feature = "train")]
use std::sync::Arc;

/// The synthetic rows of a dataset that holds some.
#[derive(Clone, Debug)]
pub(crate) struct MadeRows {
    /// How many of how many rows.
    rows: (u64, u64),
    /// Where the first one is stored.
    first: String,
    /// What made it, where that is said.
    by: Option<String>,
    /// Whether each row is one.
    #[cfg(feature = "train")]
    is_made: Arc<[bool]>,
    /// What a column says that made each.
    #[cfg(feature = "train")]
    generators: Option<StringArray>,
}

impl MadeRows {
    /// Finds them in `rows`; none where there are none. Synthetic is a row whose [provenance](crate::dataset::Provenance) says so, as
    /// that of a file does which `generate sample` wrote; and one of which a column says so: `origin`, if it is "synthetic", `generator`,
    /// if it has a text, and `parents`, if it lists rows. A column that is one of `others` says something else.
    ///
    /// # Errors
    ///
    /// Those of reading the columns.
    pub(crate) async fn find(cx: &Context, rows: &impl Stable, others: &[&str]) -> Result<Option<Self>> {
        let all = rows.len().finite().unwrap_or(0) / rows.views();
        let mut is_made: Vec<bool> = (0..all)
            .map(|row| rows.provenance(cx, row).origin == Origin::Synthetic)
            .collect();
        let schema = rows.schema();
        let mut generators = None;
        for name in [ORIGIN, GENERATOR, PARENTS] {
            let Ok(field) = schema.field_with_name(name) else {
                continue;
            };
            if others.contains(&name) || !may_say(name, field.data_type()) {
                continue;
            }
            let column = scan_cache::column(cx, rows, name).await?;
            let column = match name {
                PARENTS => column,
                _ => cast(&column, &DataType::Utf8)?,
            };
            for (row, is_made) in is_made.iter_mut().enumerate() {
                *is_made |= says_made(name, &column, row);
            }
            if name == GENERATOR {
                generators = Some(column);
            }
        }
        let Some(first) = is_made.iter().position(|is_made| *is_made) else {
            return Ok(None);
        };
        let provenance = rows.provenance(cx, first as u64);
        let generators = generators.map(|names: ArrayRef| names.as_string::<i32>().clone());
        let by = generators.as_ref().filter(|names| names.is_valid(first));
        let by = by.map(|names| names.value(first).to_owned());
        let place = provenance.places.first();
        Ok(Some(Self {
            rows: (is_made.iter().filter(|is_made| **is_made).count() as u64, all),
            first: place.map_or_else(|| format!("row {first}"), ToString::to_string),
            by: by.or_else(|| provenance.generator.map(|name| name.to_string())),
            #[cfg(feature = "train")]
            is_made: is_made.into(),
            #[cfg(feature = "train")]
            generators,
        }))
    }

    /// Whether `row`, in whatever view, is one of them.
    #[cfg(feature = "train")]
    pub(super) fn is_made(&self, row: u64) -> bool {
        let rows = self.is_made.len().max(1) as u64;
        self.is_made.get((row % rows) as usize).is_some_and(|is_made| *is_made)
    }

    /// What a column says that made `row`.
    #[cfg(feature = "train")]
    pub(super) fn generator(&self, row: u64) -> Option<Arc<str>> {
        let names = self.generators.as_ref()?;
        let row = (row % names.len().max(1) as u64) as usize;
        (row < names.len() && names.is_valid(row)).then(|| names.value(row).into())
    }

    /// Refuses them; `why` says what for, and what to do.
    pub(crate) fn refused(&self, why: &str) -> Error {
        Error::config(format!("{}: {why}", self.in_words()))
    }

    /// How many there are, and which is the first.
    pub(crate) fn in_words(&self) -> String {
        let (made, all) = self.rows;
        let by = self.by.as_ref().map(|by| format!(", made by {}", quoted(by)));
        let are = if made == 1 { "is" } else { "are" };
        format!(
            "{made} of {} {are} synthetic (the first one{}: {})",
            counted(all, "row"),
            by.unwrap_or_default(),
            self.first
        )
    }
}

/// Whether a column of this name and type says of rows that they were made.
fn may_say(name: &str, kind: &DataType) -> bool {
    match (name, kind) {
        (_, DataType::Dictionary(_, values)) => may_say(name, values),
        (PARENTS, DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item)) => {
            matches!(item.data_type(), DataType::Struct(fields) if fields.find("source").is_some() && fields.find("row").is_some())
        }
        (PARENTS, _) => false,
        (_, kind) => matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

fn says_made(name: &str, column: &ArrayRef, row: usize) -> bool {
    if column.is_null(row) {
        return false;
    }
    match name {
        ORIGIN => column.as_string::<i32>().value(row) == Origin::Synthetic.name(),
        GENERATOR => true,
        _ => match column.data_type() {
            DataType::List(_) => column.as_list::<i32>().value_length(row) > 0,
            DataType::LargeList(_) => column.as_list::<i64>().value_length(row) > 0,
            _ => true,
        },
    }
}

/// Where the rows of `rows` are stored, in view 0.
pub(crate) fn stored_rows(cx: &Context, rows: &(impl Stable + ?Sized)) -> StoredRows {
    let all = rows.len().finite().unwrap_or(0) / rows.views();
    let places = (0..all).flat_map(|row| rows.provenance(cx, row).places);
    places.collect()
}
