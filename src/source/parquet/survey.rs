//! Files of which some may not be readable, and what their footers say: for those who look at data before they use it.

use super::discover::dataset_files::discover;
use super::format::damage::{damaged, guarded};
use super::format::footer::Footer;
use super::format::info::FileInfo;
use super::open::Parquet;
use super::schema::projection::Projection;
use super::spec::ParquetSpec;
use crate::error::{Error, Result};
use crate::exec::{Context, waiting};
use crate::source::split::{Split, Wanted};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What of some paths can be read.
#[derive(Debug)]
pub(crate) struct Readable {
    /// The files whose footers could be read.
    pub(crate) files: Vec<FileInfo>,
    /// Paths that are not there and files that cannot be read, and why.
    pub(crate) unreadable: Vec<(String, Error)>,
    /// The columns of all files.
    pub(crate) schema: Option<SchemaRef>,
    /// The rows of all files, or of the first one where another cannot be read beside it. None where there is no row.
    pub(crate) rows: Option<Parquet>,
    /// Why a column cannot be read of all files, or why there are no rows.
    pub(crate) conflict: Option<Error>,
}

impl Parquet {
    /// Opens what of `paths` can be read, of folders the `split` that is named, or all splits.
    pub(crate) async fn readable(cx: &Context, paths: &[String], split: Option<Split>) -> Result<Readable> {
        let wanted = split.clone().map_or(Wanted::All, Wanted::Split);
        let (mut footers, mut unreadable) = (Vec::new(), Vec::new());
        let (mut found, mut there) = (Vec::new(), Vec::new());
        for path in paths {
            let (own, wanted) = (vec![path.clone()], wanted.clone());
            match waiting(move || discover(&own, &wanted)).await? {
                Ok((_, notes)) => {
                    found.extend(notes);
                    there.push(path.clone());
                }
                Err(error) => unreadable.push((path.clone(), error)),
            }
        }
        let notes: Arc<[String]> = found.into();
        // Together, because folders say what is in columns below the deepest one that has all files.
        let (locations, _) = waiting(move || discover(&there, &wanted)).await??;
        for location in locations {
            let shown = location.shown.to_string();
            match Footer::load(cx, location).await {
                Ok(footer) => footers.push(Arc::new(footer)),
                Err(error) => unreadable.push((shown, error)),
            }
        }
        let infos = footers.iter().map(|footer| footer.info.clone()).collect();
        let open = |footers: &[Arc<Footer>]| {
            let projection = Projection::new(footers)?;
            let (schema, conflict) = (Arc::clone(&projection.schema), projection.check_columns().err());
            let spec = ParquetSpec {
                path: paths.to_vec(),
                split: split.clone(),
                ..ParquetSpec::default()
            };
            let name = paths.join(", ").into();
            let rows = Self::build(footers.into(), projection, spec, name, Arc::clone(&notes));
            Ok::<_, Error>((schema, conflict, rows))
        };
        let (mut conflict, mut schema, mut rows) = (None, None, None);
        if !footers.is_empty() {
            let opened = match open(&footers) {
                Err(error) if footers.len() > 1 => {
                    conflict = Some(error);
                    open(&footers[..1])
                }
                opened => opened,
            };
            match opened {
                Ok((columns, differ, Ok(all))) => {
                    (schema, rows, conflict) = (Some(columns), Some(all), conflict.or(differ));
                }
                Ok((columns, differ, Err(error))) => {
                    (schema, conflict) = (Some(columns), conflict.or(differ).or(Some(error)));
                }
                Err(error) => conflict = conflict.or(Some(error)),
            }
        }
        Ok(Readable {
            files: infos,
            unreadable,
            schema,
            rows,
            conflict,
        })
    }

    /// The fields beside the bytes of `column`, where that is a struct with bytes: each is to be had as `column.field`. Nothing for other
    /// columns, and where there is a column of that very name.
    pub(crate) fn beside_bytes(&self, column: &str) -> Vec<String> {
        if !self.projection.is_media(column) {
            return Vec::new();
        }
        let mut names = Vec::new();
        for &file in &self.projection.all.kinds {
            let field = self.files[file].reader.schema().field_with_name(column).ok();
            let Some(DataType::Struct(inner)) = field.map(Field::data_type) else {
                continue;
            };
            for name in inner.iter().map(|field| field.name()).filter(|name| *name != "bytes") {
                let is_taken = self.projection.all.schema.index_of(&format!("{column}.{name}")).is_ok();
                if !is_taken && !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names
    }

    /// Nulls in `column`, for a struct those of its bytes; none where not all footers say.
    pub(crate) fn nulls(&self, column: &str) -> Option<u64> {
        let own = self.projection.project(&self.files, &[column], &self.name).ok()?;
        if self.projection.is_key(column) {
            return None;
        }
        let mut nulls = 0_u64;
        for file in self.files.iter() {
            let leaf = own.leaves(file).first().copied();
            for (group, info) in file.info.row_groups.iter().enumerate() {
                let own = match leaf {
                    Some(leaf) => file.group(group).column(leaf).statistics()?.null_count_opt()?,
                    None => info.rows,
                };
                nulls = nulls.saturating_add(own);
            }
        }
        Some(nulls)
    }

    /// Those of the rows at `positions` in which the struct `column` has a `path`.
    pub(crate) async fn with_path(&self, column: &str, positions: &[u64]) -> Result<HashSet<u64>> {
        let mut wanted: BTreeMap<(usize, usize), Vec<(u64, u64)>> = BTreeMap::new();
        for (&position, (block, row)) in positions.iter().zip(self.locate(positions)) {
            let unit = &self.units[block];
            let rows = wanted.entry((unit.file, unit.group)).or_default();
            rows.push((unit.rows.start + row, position));
        }
        let mut found = HashSet::new();
        for ((file, group), rows) in wanted {
            let (file, column) = (Arc::clone(&self.files[file]), column.to_owned());
            let shown = Arc::clone(&file.location.shown);
            let present = waiting(move || guarded(|| paths(&file, group, &column))).await?;
            let present = present.map_err(|error| error.context(shown.as_ref()))?;
            let has = |row: u64| present.get(row as usize).copied().unwrap_or(false);
            found.extend(
                rows.into_iter()
                    .filter(|(row, _)| has(*row))
                    .map(|(_, position)| position),
            );
        }
        Ok(found)
    }
}

/// Whether the struct `column` has a `path`, for each row of a row group; nothing where it has no such field, or the file is not a
/// local one.
fn paths(file: &Footer, group: usize, column: &str) -> Result<Vec<bool>> {
    let stored = file.reader.parquet_schema();
    let is_path = |&leaf: &usize| stored.get_column_root(leaf).name() == column && stored.column(leaf).name() == "path";
    let leaf = (0..stored.num_columns()).find(is_path);
    let Some(leaf) = leaf.filter(|_| file.location.is_local()) else {
        return Ok(Vec::new());
    };
    let place = file.location.address();
    let opened = std::fs::File::open(place).map_err(|error| Error::io(place, error))?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, file.reader.clone())
        .with_row_groups(vec![group])
        .with_projection(ProjectionMask::leaves(stored, [leaf]))
        .build()
        .map_err(damaged)?;
    let mut present = Vec::new();
    for batch in reader {
        let batch = batch?;
        let Some(rows) = batch.column(0).as_struct_opt() else {
            return Ok(Vec::new());
        };
        let path = rows.column(0);
        present.extend((0..rows.len()).map(|row| rows.is_valid(row) && path.is_valid(row)));
    }
    Ok(present)
}
