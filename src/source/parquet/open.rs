//! The dataset: which files it has, which of their columns are read, and what is kept of them in memory.

use super::block_index::BlockIndex;
use super::discover::dataset_files::discover;
use super::format::footer::Footer;
use super::format::footer_cache;
use super::format::info::FileInfo;
use super::schema::projection::Projection;
use super::schema::units::Unit;
use super::spec::ParquetSpec;
use crate::dataset::{Block, Blocks};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::block_cache::SourceKey;
use crate::source::io::location::Location;
use crate::source::split::{Split, Wanted};
use crate::stored_rows::StoredRows;
use std::num::NonZeroU64;
use std::sync::{Arc, OnceLock};

/// Rows of Parquet files, in the order of the files and of the rows in them.
///
/// Clones share what is cached.
#[derive(Clone, Debug)]
pub struct Parquet {
    pub(super) files: Arc<[Arc<Footer>]>,
    pub(super) infos: Arc<[FileInfo]>,
    pub(super) projection: Arc<Projection>,
    pub(super) units: Arc<[Unit]>,
    pub(super) blocks: Blocks,
    pub(super) index: Arc<BlockIndex>,
    pub(super) rows: NonZeroU64,
    /// Bytes of a row, where they are the most.
    pub(super) row_bytes: u64,
    pub(super) spec: Arc<ParquetSpec>,
    /// What was opened, for messages.
    pub(super) name: Arc<str>,
    /// What there is to say of files that are passed over.
    pub(super) notes: Arc<[String]>,
    /// Worked out when first asked for: it takes time with many files.
    pub(super) fingerprint: Arc<OnceLock<u128>>,
    pub(super) state: Arc<OnceLock<Option<String>>>,
    /// Under which its blocks are cached.
    pub(super) key: Arc<SourceKey>,
}

impl Parquet {
    /// Opens a file, a directory (every `*.parquet` below it, sorted by path) or a glob pattern (sorted too).
    ///
    /// Reads the footers, not the rows. Which files a directory or pattern stands for is said [above](crate::source::parquet#which-files).
    ///
    /// # Errors
    ///
    /// `Io` where there is no such file or it cannot be read; `Data` where a file is not whole, or there is no row; `Schema`
    /// where a file has two columns of one name; `Config` where a directory has the files of several splits.
    pub async fn open(cx: &Context, path: impl AsRef<str>) -> Result<Self> {
        Self::open_all(cx, &[path]).await
    }

    /// Opens several files, directories or patterns, one after the other.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_all(cx: &Context, paths: &[impl AsRef<str>]) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::One).await
    }

    /// As [`open_all`](Self::open_all), of directories that have several [splits](crate::source::Splits) the files of `split` alone. A
    /// directory without splits, a pattern and a file named for itself are read whole.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); `Config` where a directory has splits, and `split` is none of them.
    pub async fn open_split(cx: &Context, paths: &[impl AsRef<str>], split: Split) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::Split(split)).await
    }

    pub(in crate::source) async fn open_wanted(
        cx: &Context,
        paths: &[impl AsRef<str>],
        wanted: Wanted,
    ) -> Result<Self> {
        let paths: Vec<String> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        let spec = ParquetSpec {
            path: paths.clone(),
            split: wanted.split().cloned(),
            ..ParquetSpec::default()
        };
        let find = move || discover(&paths, &wanted);
        let (locations, notes) = cx.compute(find).await?;
        Self::open_locations(cx, &locations, spec, notes).await
    }

    /// Opens a file that lies in memory.
    #[cfg(feature = "testing")]
    pub(crate) async fn open_bytes(cx: &Context, bytes: Vec<u8>) -> Result<Self> {
        let location = Location::memory(bytes).await?;
        let spec = ParquetSpec {
            path: vec!["memory".to_owned()],
            ..ParquetSpec::default()
        };
        Self::open_locations(cx, &[location], spec, Vec::new()).await
    }

    async fn open_locations(
        cx: &Context,
        locations: &[Location],
        spec: ParquetSpec,
        notes: Vec<String>,
    ) -> Result<Self> {
        let files = footer_cache::load(cx, locations).await?;
        if files.is_empty() {
            return Err(Error::config("no Parquet file was asked for"));
        }
        let projection = Projection::new(&files)?;
        let mut notes = notes;
        for key in projection.keys() {
            if files.iter().any(|file| file.schema.field_with_name(key).is_ok()) {
                notes.push(format!(
                    "column {key:?} is given by the names of folders and by the files themselves: the folders' values are read"
                ));
            }
        }
        let name = spec.path.join(", ");
        Self::build(files.into(), projection, spec, name.into(), notes.into())
    }

    /// Reads only `names`, and puts them in that order. The bytes of other columns are not fetched. The name `a.b` stands for
    /// the field `b` of the struct `a`, unless there is a column of that name.
    ///
    /// # Errors
    ///
    /// `Schema` where a name is missing, saying which columns there are, and where files have types for a column that cannot
    /// be read as one, naming two of them; `Config` where there is no name or one twice.
    pub fn columns(self, names: &[&str]) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::config(format!("{}: no column was asked for", self.name)));
        }
        let projection = self.projection.project(&self.files, names, &self.name)?;
        let spec = self.spec.project(names);
        Self::build(self.files, projection, spec, self.name, self.notes)
    }

    /// Puts columns of numbers together, in that order, as one tensor column `name` of f32, of shape `[columns]` for a row
    /// (`arrow.fixed_shape_tensor`); it takes the place of the first of them. Whole numbers and other floating-point numbers
    /// become the nearest f32. All other columns stay as they are.
    ///
    /// This is done once for each block, when it is decoded; a batch is then a copy of rows, several times as fast as columns
    /// put together batch by batch.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
    /// use burn::tensor::Device;
    /// use futures::stream;
    /// use millstream::sink::tensor;
    /// use millstream::source::spool;
    /// use millstream::{Context, DatasetExt, Error};
    /// use std::sync::Arc;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("houses.parquet").display().to_string();
    /// let rooms: ArrayRef = Arc::new(Int64Array::from(vec![3, 5]));
    /// let area: ArrayRef = Arc::new(Float32Array::from(vec![70.5, 120.0]));
    /// let price: ArrayRef = Arc::new(Int64Array::from(vec![200, 390]));
    /// let table = RecordBatch::try_from_iter([("rooms", rooms), ("area", area), ("price", price)])?;
    ///
    /// let cx = Context::new()?;
    /// let rows = cx.block_on(spool(&cx, &path, || stream::iter([Ok(table)])))?;
    /// let rows = rows.tensor("features", &["rooms", "area"])?;
    /// let batch = rows.loader(&cx).batch_size(2).blocking()?.next().unwrap()?;
    /// let features = tensor::floats::<2>(batch.rows(), "features", &Device::default())?; // [2, 2]
    /// assert_eq!(features.into_data().try_to_vec::<f32>().unwrap(), [3.0, 70.5, 5.0, 120.0]);
    /// let price = tensor::ints(batch.rows(), "price", &Device::default())?; // [2]
    /// # drop(price);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or holds no numbers; `Config` where there is no column, one twice, or another of
    /// that name. A row in which one of the numbers is null is a `Data` error when it is taken, which names the column.
    pub fn tensor(self, name: &str, columns: &[&str]) -> Result<Self> {
        let projection = self.projection.with_tensor(name, columns, &self.name)?;
        let spec = self.spec.with_tensor(name, columns);
        Self::build(self.files, projection, spec, self.name, self.notes)
    }

    pub(super) fn build(
        files: Arc<[Arc<Footer>]>,
        projection: Projection,
        spec: ParquetSpec,
        name: Arc<str>,
        notes: Arc<[String]>,
    ) -> Result<Self> {
        let units = projection.units(&files);
        let blocks = blocks(&units);
        let rows = blocks.last().and_then(|block| NonZeroU64::new(block.rows.end));
        let row_bytes = |block: &Block| block.bytes / (block.rows.end - block.rows.start).max(1);
        Ok(Self {
            rows: rows.ok_or_else(|| Error::data(format!("{name}: no rows in {} file(s)", files.len())))?,
            row_bytes: blocks.iter().map(row_bytes).max().unwrap_or(0),
            infos: files.iter().map(|file| file.info.clone()).collect(),
            projection: Arc::new(projection),
            units: units.into(),
            index: Arc::new(BlockIndex::new(&blocks)),
            key: Arc::new(SourceKey::new()),
            fingerprint: Arc::default(),
            state: Arc::default(),
            spec: Arc::new(spec),
            files,
            blocks,
            name,
            notes,
        })
    }

    /// The files, in the order of their rows: sizes, row groups, codecs, checksums.
    pub fn files(&self) -> &[FileInfo] {
        &self.infos
    }

    /// The rows that the generators were fitted on which made rows of these files, as the files say it.
    pub(crate) fn fitted_on(&self) -> StoredRows {
        let mut all = StoredRows::default();
        let made = self.files.iter().filter_map(|file| file.made_by.as_deref());
        made.for_each(|made_by| all.add(&made_by.fitted_on));
        all
    }

    /// Whether all files say what the generators were fitted on which made their rows.
    pub(crate) fn all_say_fitted_on(&self) -> bool {
        let mut said = self.files.iter().map(|file| file.made_by.as_deref());
        said.all(|made_by| made_by.is_some_and(|made_by| !made_by.fitted_on.is_empty()))
    }

    /// The column of classes that the generators were fitted with which made rows of these files, where all files say the same.
    pub(crate) fn made_label(&self) -> Option<&str> {
        let mut said = self.files.iter().map(|file| file.made_by.as_ref()?.label.as_deref());
        let first = said.next()??;
        said.all(|other| other == Some(first)).then_some(first)
    }

    /// What there is to say, a sentence each, of files of the directories that are not read because they are of other splits.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

fn blocks(units: &[Unit]) -> Blocks {
    let mut start = 0_u64;
    let block = |unit: &Unit| {
        let rows = start..start.saturating_add(unit.rows.end - unit.rows.start);
        start = rows.end;
        Block {
            rows,
            bytes: unit.bytes,
        }
    };
    units.iter().map(block).collect()
}
