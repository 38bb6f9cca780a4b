//! Pictures in files of their own: a row each.

use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, ErrorKind, Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::{ArrayRef, LargeBinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the names of picture files end.
const ENDINGS: [&str; 10] = ["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "ico", "jfif"];

/// Bytes that a file may have: more is no picture.
const MOST: u64 = 1 << 30;

/// Files of pictures, in the order of their names: the column `image` with their bytes.
#[derive(Clone, Debug)]
pub(super) struct PictureFiles {
    files: Arc<[PathBuf]>,
    blocks: Blocks,
    rows: NonZeroU64,
}

impl PictureFiles {
    /// The only column.
    pub(super) const COLUMN: &str = "image";

    /// Whether `path` is that of a picture by its name, a folder that has one and no Parquet file, or a pattern for such names.
    pub(super) fn is_one(path: &str) -> bool {
        match Path::new(path).is_dir() {
            false => has_ending(Path::new(path)),
            true => {
                let mut found = Vec::new();
                let is_file = |path: &Path| has_ending(path) || is_parquet(path);
                below(Path::new(path), &is_file, &mut found).is_ok()
                    && !found.is_empty()
                    && !found.iter().any(|path| is_parquet(path))
            }
        }
    }

    /// The pictures that `paths` stand for: files, folders (all pictures below them, by their endings) or patterns.
    ///
    /// In folders, names that begin with `_` or `.` and linked folders are passed over.
    ///
    /// # Errors
    ///
    /// `Io` for what is not there or cannot be listed.
    pub(super) fn find(paths: &[String]) -> Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            let at = Path::new(path);
            if at.is_dir() {
                let mut found = Vec::new();
                below(at, &has_ending, &mut found)?;
                found.sort();
                files.extend(found);
            } else if at.is_file() {
                files.push(at.to_owned());
            } else {
                files.extend(matching(path)?);
            }
        }
        let rows = NonZeroU64::new(files.len() as u64).ok_or_else(|| Error::data("there are no pictures"))?;
        let block = |(row, file): (u64, &PathBuf)| Block {
            rows: row..row + 1,
            bytes: std::fs::metadata(file).map_or(0, |meta| meta.len()),
        };
        Ok(Self {
            blocks: (0..).zip(&files).map(block).collect(),
            files: files.into(),
            rows,
        })
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn file(&self, position: u64) -> &Path {
        &self.files[(position % self.rows) as usize]
    }
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "parquet")
}

/// Adds the files below `folder` that are `wanted`.
fn below(folder: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error| Error::io(folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with(['_', '.']) {
            continue;
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            below(&path, wanted, found)?;
        } else if wanted(&path) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// The files that a pattern stands for.
fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let missing = || Error::new(ErrorKind::Io, "no such file").context(pattern);
    if !pattern.contains(['*', '?', '[']) {
        return Err(missing());
    }
    let failed = |why: String| Error::new(ErrorKind::Io, why).context(pattern);
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(pattern, options).map_err(|error| failed(error.to_string()))?;
    let found = found.map(|path| path.map_err(|error| failed(error.to_string())));
    let found: Vec<PathBuf> = found.collect::<Result<_>>()?;
    let files: Vec<PathBuf> = found.into_iter().filter(|path| path.is_file()).collect();
    match files.is_empty() {
        true => Err(missing()),
        false => Ok(files),
    }
}

/// The bytes of a file.
fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |error| Error::io(path, error);
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MOST {
        let message = format!("a file of {bytes} bytes is no picture: {MOST} are the most");
        return Err(Error::data(message).context(path.display().to_string()));
    }
    std::fs::read(path).map_err(failed)
}

impl Dataset for PictureFiles {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new(
            Self::COLUMN,
            DataType::LargeBinary,
            false,
        )]))
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        Arc::clone(&self.blocks)
    }

    fn describe(&self) -> Plan {
        let bytes: u64 = self.blocks.iter().map(|block| block.bytes).sum();
        Plan::new("picture_files")
            .param("files", self.rows)
            .param("bytes", bytes)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let files: Vec<PathBuf> = positions
            .iter()
            .map(|&position| self.file(position).to_owned())
            .collect();
        let (cx, schema) = (cx.clone(), self.schema());
        Prepared::new(async move {
            cx.compute(move || {
                let mut all = Vec::with_capacity(files.len());
                for (at, file) in files.iter().enumerate() {
                    all.push(read(file).map_err(|error| error.at(at))?);
                }
                let images: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(&all));
                Ok(RecordBatch::try_new(schema, vec![images])?)
            })
            .await
        })
    }

    fn provenance(&self, _: &Context, position: u64) -> Provenance {
        Provenance {
            places: vec![StoredRow {
                source: self.file(position).display().to_string().into(),
                row_group: None,
                row: 0,
            }],
            ..Provenance::default()
        }
    }
}

impl Stable for PictureFiles {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        async move {
            let at = self
                .schema()
                .index_of(name)
                .map_err(|_| Error::schema(format!("pictures have no column {name:?}")))?;
            let all: Vec<u64> = (0..self.rows.get()).collect();
            let rows = self.prepare(cx, &all).rows().await?;
            Ok(Arc::clone(rows.column(at)))
        }
        .boxed()
    }
}
