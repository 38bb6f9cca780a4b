//! Parquet files as a source.
//!
//! ```no_run
//! # fn main() -> millstream::Result<()> {
//! use millstream::source::Parquet;
//! use millstream::{Context, Dataset};
//!
//! let cx = Context::new()?;
//! cx.block_on(async {
//!     let photos = Parquet::open(&cx, "data/train-*.parquet").await?;
//!     let photos = photos.columns(&["image", "label"])?;
//!     let rows = photos.take(&cx, &[0, 7, 3]).await?;
//!     assert_eq!(rows.num_rows(), 3);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Which files
//!
//! A directory stands for all `*.parquet` below it, a glob pattern for what it matches. Names that begin with `_` or `.`
//! (`_temporary`, `_delta_log`, hidden files) are passed over, as in pyarrow, by wildcards, too; a file that is named for
//! itself is read, and a pattern that spells such a name out matches it.
//!
//! A directory may have [splits](Splits), as Hugging Face names them (`train-*`, `validation/`, `data/test-00000-of-00002.parquet`).
//! A directory with several is refused, so that nobody trains on the rows that are for testing:
//! [`open_split`](Parquet::open_split) reads one of them, and so does a pattern of its files.
//!
//! Folders named `key=value` (Hive partitions) below the folder, or the fixed part of the pattern, that was named are a column
//! `key`; where several paths are named, those below the deepest folder that has them all. Values are whole numbers (`Int64`;
//! pyarrow has `int32`) if all are, else strings; `%XX` is decoded; `__HIVE_DEFAULT_PARTITION__` is null, and so is a key that a
//! file's folders do not have. Where files store a column of that name, too, the folders are right, as in pyarrow and Spark.
//!
//! # Files that differ
//!
//! Columns are matched by name, in whatever order they are. One that a file lacks is null there. Types become the one that
//! holds the values of all files as they are: wider integers and floating-point numbers, f64 for both (a whole number that is
//! no f64 is a `Data` error), finer timestamps, longer lists, structs with the fields of all; a column without a type (all
//! null) becomes any other. Types that have no such type, and class names that differ, are a `Schema` error that names two
//! files and both types, once the column is asked for by [`columns`](Parquet::columns), or rows with it are taken. A file
//! without class names has those of the others.
//!
//! # What comes out
//!
//! Strings as `Utf8View`, binary values as `BinaryView`, dictionaries as the values that they stand for, whatever each
//! file says; other types as they are stored. A struct with binary `bytes`, such as Hugging Face's `struct<bytes, path>`, comes out
//! as one `BinaryView` column (null where there is no image); its other fields are not read, and are to be had as `image.path`. A
//! `ClassLabel`'s names are in its field's metadata under `millstream.classes`, a JSON array.
//!
//! # What is checked
//!
//! Footers when a file is opened; page checksums, in files that have them, when a page is read (they cover a page's
//! body, not its header). A damaged file is a `Data` error that names file, row group and, where one is to blame, the
//! column; it is never a panic.
//!
//! Sizes are checked before memory is reserved for them: no list of a footer is longer than the footer, no dictionary has
//! more entries than bytes, the pages of a row group do not hold more than the footer says, and the largest pages of its
//! columns fit together into the context's memory (or 256 MiB, if that is more), which is a `Budget` error if not.
//!
//! # Blocks and memory
//!
//! A block is a row group, or an equal part of one that is larger than 64 MiB in memory. Decoded blocks are cached, in
//! at most half of the context's memory for each `Parquet`; a block that several takes want at once is read once.

mod cache;
mod discover;
mod find;
mod format;
mod io;
mod schema;
mod survey;

pub use discover::splits::{Split, Splits};
pub use format::footer::{FileInfo, RowGroupInfo};

use self::cache::blocks::{Cache, Found};
use self::cache::in_use::BlocksInUse;
use self::cache::places::{Finder, InBlock, distinct};
use self::discover::paths::{self, Wanted};
use self::format::column::Column;
use self::format::layout::{Layout, Unit};
use self::format::sparse::Sparse;
use self::format::{footer::Footer, footers};
use self::io::files;
use self::io::read::{self, Decoded};
pub(crate) use self::survey::Readable;
use super::memory::columns;
use crate::columns::{compact, compact_column, gather};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::{Context, Task};
use crate::plan::Plan;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use futures::future::{BoxFuture, try_join_all};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::xxh3_128;

/// Rows of Parquet files, in the order of the files and of the rows in them.
///
/// Clones share the cache.
#[derive(Clone, Debug)]
pub struct Parquet {
    files: Arc<[Arc<Footer>]>,
    infos: Arc<[FileInfo]>,
    layout: Arc<Layout>,
    units: Arc<[Unit]>,
    blocks: Blocks,
    finder: Arc<Finder>,
    rows: NonZeroU64,
    /// Bytes of a row, where they are the most.
    row_bytes: u64,
    /// What was opened, for messages.
    name: Arc<str>,
    /// What there is to say of files that are passed over.
    notes: Arc<[String]>,
    /// Worked out when first asked for: it takes time with many files.
    fingerprint: Arc<OnceLock<u128>>,
    state: Arc<OnceLock<Option<String>>>,
    cache: Arc<Cache<Decoded, Task<Arc<Decoded>>>>,
    held: Arc<BlocksInUse>,
}

impl Parquet {
    /// Opens a file, a directory (every `*.parquet` below it, sorted by path) or a glob pattern (sorted too).
    ///
    /// Reads the footers, not the rows. Which files a directory or pattern stands for is said [above](self#which-files).
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

    /// As [`open_all`](Self::open_all), of directories that have several [splits](Splits) the files of `split` alone. A
    /// directory without splits, a pattern and a file named for itself are read whole.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); `Config` where a directory has splits, and `split` is none of them.
    pub async fn open_split(cx: &Context, paths: &[impl AsRef<str>], split: Split) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::Split(split)).await
    }

    /// As [`open_split`](Self::open_split); a directory that has one split only is read whole, whatever its name is.
    ///
    /// # Errors
    ///
    /// As for [`open_split`](Self::open_split).
    #[cfg(feature = "train")]
    pub(crate) async fn open_split_or_only(cx: &Context, paths: &[impl AsRef<str>], split: Split) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::SplitOrOnly(split)).await
    }

    /// The validation splits of those of `paths` that are directories with one; none where there is none.
    #[cfg(feature = "train")]
    pub(crate) async fn open_validation(cx: &Context, paths: &[String]) -> Result<Option<Self>> {
        let own = paths.to_vec();
        let find = move || {
            let mut with = Vec::new();
            for path in own {
                let splits = Splits::of_any(&path)?.unwrap_or_default();
                if !splits.files(&Split::Validation).is_empty() {
                    with.push(path);
                }
            }
            Ok(with)
        };
        let with = cx.compute(find).await?;
        if with.is_empty() {
            return Ok(None);
        }
        let held = Self::open_split(cx, &with, Split::Validation).await?;
        let note = |path: &String| format!("{path}: its validation split is used for validation");
        let notes = with.iter().map(note).collect();
        Ok(Some(Self { notes, ..held }))
    }

    async fn open_wanted(cx: &Context, paths: &[impl AsRef<str>], wanted: Wanted) -> Result<Self> {
        let paths: Vec<String> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        let name = paths.join(", ");
        let find = move || paths::discover(&paths, &wanted);
        let (locations, notes) = cx.compute(find).await?;
        Self::open_locations(cx, &locations, name, notes).await
    }

    /// Opens a file that lies in memory.
    #[cfg(feature = "testing")]
    pub(crate) async fn open_bytes(cx: &Context, bytes: Vec<u8>) -> Result<Self> {
        let location = files::Location::memory(bytes).await?;
        Self::open_locations(cx, &[location], "memory".into(), Vec::new()).await
    }

    async fn open_locations(
        cx: &Context,
        locations: &[files::Location],
        name: String,
        notes: Vec<String>,
    ) -> Result<Self> {
        let files = footers::load(cx, locations).await?;
        if files.is_empty() {
            return Err(Error::config("no Parquet file was asked for"));
        }
        let layout = Layout::new(&files)?;
        let mut notes = notes;
        for key in layout.keys() {
            if files.iter().any(|file| file.schema.field_with_name(key).is_ok()) {
                notes.push(format!(
                    "column {key:?} is given by the names of folders and by the files themselves: the folders' values are read"
                ));
            }
        }
        Self::build(files.into(), layout, name.into(), notes.into())
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
        let layout = self.layout.project(&self.files, names, &self.name)?;
        Self::build(self.files, layout, self.name, self.notes)
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
        let layout = self.layout.pack(name, columns, &self.name)?;
        Self::build(self.files, layout, self.name, self.notes)
    }

    fn build(files: Arc<[Arc<Footer>]>, layout: Layout, name: Arc<str>, notes: Arc<[String]>) -> Result<Self> {
        let units = layout.units(&files);
        let blocks = blocks(&units);
        let rows = blocks.last().and_then(|block| NonZeroU64::new(block.rows.end));
        let row_bytes = |block: &Block| block.bytes / (block.rows.end - block.rows.start).max(1);
        Ok(Self {
            rows: rows.ok_or_else(|| Error::data(format!("{name}: no rows in {} file(s)", files.len())))?,
            row_bytes: blocks.iter().map(row_bytes).max().unwrap_or(0),
            infos: files.iter().map(|file| file.info.clone()).collect(),
            layout: Arc::new(layout),
            units: units.into(),
            finder: Arc::new(Finder::new(&blocks)),
            cache: Arc::new(Cache::new()),
            held: Arc::default(),
            fingerprint: Arc::default(),
            state: Arc::default(),
            files,
            blocks,
            name,
            notes,
        })
    }

    /// What was opened, for messages.
    #[cfg(feature = "train")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The files, in the order of their rows: sizes, row groups, codecs, checksums.
    pub fn files(&self) -> &[FileInfo] {
        &self.infos
    }

    /// What there is to say, a sentence each, of files of the directories that are not read because they are of other splits.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where the rows at `positions` are.
    fn locate(&self, positions: &[u64]) -> Vec<InBlock> {
        // First position of the epoch that the last one is in: a division costs more than all that follows.
        let mut first = 0;
        let place = |&position: &u64| {
            if position.wrapping_sub(first) >= self.rows.get() {
                first = position / self.rows * self.rows.get();
            }
            let row = position - first;
            let block = self.finder.find(&self.blocks, row);
            (block, row - self.blocks[block].rows.start)
        };
        positions.iter().map(place).collect()
    }

    /// The block `index`, from the cache or on its way.
    fn fetch(&self, cx: &Context, index: usize) -> Found<Decoded, Task<Arc<Decoded>>> {
        self.cache.get(index, |ticket| {
            let (inner, unit, layout) = (cx.clone(), self.units[index].clone(), Arc::clone(&self.layout));
            let file = Arc::clone(&self.files[unit.file]);
            cx.spawn(async move {
                let _permit = inner.reading(unit.cost()).await;
                let decoded = Arc::new(read::block(&inner, &file, &layout, &unit).await?);
                ticket.keep(&decoded, decoded.bytes, inner.cache_share());
                Ok(decoded)
            })
        })
    }

    /// The rows at `at`, whose blocks may be in memory at the same time: those of `wanted`, under the index in `slots`.
    async fn take_together(
        &self,
        cx: &Context,
        at: &[InBlock],
        (wanted, slots): (Vec<usize>, Vec<usize>),
        sparse: &Sparse,
    ) -> Result<RecordBatch> {
        let load = |&block: &usize| self.part(cx, sparse, block, at);
        let loads: Vec<_> = wanted.iter().map(load).collect();
        let blocks: Vec<Arc<Decoded>> = try_join_all(loads).await?;
        let (schema, rows) = (self.schema(), at.iter().map(|&(_, row)| row).collect::<Vec<_>>());
        // Strings and binary values would hold on to whole row groups.
        let spare = Arc::clone(cx.buffers());
        let name = Arc::clone(&self.name);
        let pick = move || {
            let picked = pick(&schema, &blocks, &slots, &rows).and_then(|rows| compact(&rows, &spare));
            picked.map_err(|error| error.context(name.as_ref()))
        };
        cx.compute_sized(self.row_bytes.saturating_mul(at.len() as u64), pick)
            .await
    }

    /// The rows at `at` where their blocks do not fit in memory at the same time: some blocks after the others, and the
    /// rows copied out of them.
    async fn take_in_rounds(
        &self,
        cx: &Context,
        at: &[InBlock],
        rounds: &[usize],
        sparse: &Sparse,
    ) -> Result<RecordBatch> {
        let count = rounds.iter().max().map_or(0, |last| last + 1);
        let mut places = vec![(0, 0); at.len()];
        let mut parts = Vec::with_capacity(count);
        for round in 0..count {
            let mine: Vec<usize> = (0..at.len()).filter(|&i| rounds[i] == round).collect();
            for (row, &i) in mine.iter().enumerate() {
                places[i] = (round, row);
            }
            let rows: Vec<_> = mine.iter().map(|&i| at[i]).collect();
            parts.push(self.take_together(cx, &rows, distinct(&rows), sparse).await?);
        }
        let schema = self.schema();
        cx.compute(move || gather(&schema, &parts.iter().collect::<Vec<_>>(), &places))
            .await
    }

    /// Each of `blocks` with its bytes.
    fn sizes(&self, blocks: &[usize]) -> Vec<(usize, u64)> {
        blocks.iter().map(|&block| (block, self.units[block].bytes)).collect()
    }

    /// The round in which each row is taken, so that the blocks of a round stay below `limit` bytes if more than one.
    fn rounds(&self, at: &[InBlock], limit: u64, sparse: &Sparse) -> Vec<usize> {
        let (mut round, mut bytes, mut of) = (0, 0_u64, HashMap::new());
        let mut assign = |block: usize| {
            let more = sparse.bytes(block).unwrap_or(self.units[block].bytes);
            if bytes > 0 && bytes.saturating_add(more) > limit {
                (round, bytes) = (round + 1, 0);
            }
            bytes = bytes.saturating_add(more);
            round
        };
        at.iter()
            .map(|&(block, _)| *of.entry(block).or_insert_with(|| assign(block)))
            .collect()
    }

    /// A hash over names, keys, sizes, rows and footers of all files, which depends neither on where they lie nor on how their
    /// paths are spelt.
    fn fingerprint(&self) -> u128 {
        *self.fingerprint.get_or_init(|| self.hash())
    }

    /// In which state all files are, as 32 hexadecimal digits; none where one of them does not say.
    fn state(&self) -> Option<String> {
        let line = |file: &Arc<Footer>| Some(format!("{} {}\n", file.location.place(), file.location.state()?));
        let lines: Option<String> = self.files.iter().map(line).collect();
        lines.map(|lines| format!("{:032x}", xxh3_128(lines.as_bytes())))
    }

    fn hash(&self) -> u128 {
        let shown = |file: &Arc<Footer>| PathBuf::from(&*file.location.shown);
        let path = |file: &Arc<Footer>| file.location.path().unwrap_or_else(|_| shown(file));
        let paths: Vec<PathBuf> = self.files.iter().map(path).collect();
        let names = paths::relative(paths.iter().map(PathBuf::as_path));
        let line = |(name, file): (&String, &Arc<Footer>)| {
            let keys = match &*file.location.keys {
                [] => String::new(),
                keys => format!("{keys:?} "),
            };
            format!(
                "{name} {keys}{} {} {:032x}\n",
                file.info.bytes, file.info.rows, file.hash
            )
        };
        let text: String = names.iter().zip(self.files.iter()).map(line).collect();
        xxh3_128(text.as_bytes())
    }
}

impl Dataset for Parquet {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.layout.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        Arc::clone(&self.blocks)
    }

    fn describe(&self) -> Plan {
        let groups: usize = self.infos.iter().map(|file| file.row_groups.len()).sum();
        let bytes: u64 = self.infos.iter().map(|file| file.bytes).sum();
        let checked = self.infos.iter().filter(|file| file.checksums).count();
        let all = self.infos.len();
        let checksums = match all - checked {
            0 => "all files have page checksums".to_owned(),
            _ => format!("{checked} of {all} files have page checksums; damage in the others may pass unseen"),
        };
        let plan = Plan::new("parquet")
            .param("files", format!("{all} ({:032x})", self.fingerprint()))
            .param("columns", columns(&self.layout.schema))
            .param("rows", self.rows);
        let plan = match self.state.get_or_init(|| self.state()) {
            Some(state) => plan.state(state),
            None => plan,
        };
        let packed = self.layout.packed.iter();
        let plan = packed
            .fold(plan, |plan, packed| {
                plan.param(format!("tensor {:?}", packed.name), packed.columns.join(" "))
            })
            .unit(self.units.iter().map(Unit::cost).max().unwrap_or(0))
            .note(&self.name);
        let plan = self.notes.iter().fold(plan, Plan::note);
        let plan = match self.layout.keys() {
            [] => plan,
            keys => plan.note(format!("folders say what is in {}", keys.join(", "))),
        };
        plan.note(format!(
            "{groups} row groups in {} blocks, {bytes} bytes on disk",
            self.blocks.len()
        ))
        .note(checksums)
    }

    /// Starts to read the blocks that come next and are not cached: as many as the pool has threads, and one more.
    ///
    /// Marks those that are there as used, soonest last, so that room is made at the cost of other blocks, and reads no
    /// more than fit beside them: what does not is left to the takes.
    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        // A quarter is left for blocks that turn out larger than their footer says.
        let limit = cx.cache_share() / 4 * 3;
        let (soon, _) = distinct(&self.locate(upcoming));
        let (mut missing, mut bytes) = (Vec::new(), 0_u64);
        for block in soon.into_iter().rev() {
            match self.cache.touch(block) {
                true => bytes = bytes.saturating_add(self.units[block].bytes),
                false => missing.push(block),
            }
        }
        while self.cache.loading() <= cx.threads()
            && let Some(block) = missing.pop()
        {
            bytes = bytes.saturating_add(self.units[block].bytes);
            if bytes > limit {
                return;
            }
            drop(self.fetch(cx, block));
        }
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        async move {
            self.layout.check_columns()?;
            let at = self.locate(positions);
            let (blocks, limit) = (distinct(&at), cx.take_share());
            let sizes = self.sizes(&blocks.0);
            let bytes = sizes.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
            let fit = sizes.len() == 1 || bytes <= limit;
            let largest = sizes.iter().map(|(_, bytes)| *bytes).max();
            let _permit = cx.taking().await;
            // In rounds, other blocks come and go.
            let (_held, _share) = match fit {
                true => (Some(self.held.hold(cx, &sizes).await), None),
                false => (None, cx.holding(cx.parts(limit.max(largest.unwrap_or(0))).into()).await),
            };
            let sparse = match cx.is_urgent() || !fit {
                true => self.sparse(&at),
                false => Sparse::default(),
            };
            let rounds = if fit {
                Vec::new()
            } else {
                self.rounds(&at, limit, &sparse)
            };
            let rows = match rounds.iter().all(|&round| round == 0) {
                true => self.take_together(cx, &at, blocks, &sparse).await?,
                false => self.take_in_rounds(cx, &at, &rounds, &sparse).await?,
            };
            self.layout.check(&rows)?;
            Ok(rows)
        }
        .boxed()
    }

    fn provenance(&self, _cx: &Context, position: u64) -> Provenance {
        let (block, row) = self.locate(&[position])[0];
        let unit = &self.units[block];
        Provenance {
            places: vec![StoredRow {
                source: Arc::clone(&self.files[unit.file].location.shown),
                row_group: Some(unit.group as u64),
                row: unit.rows.start + row,
            }],
            ..Provenance::default()
        }
    }
}

impl Stable for Parquet {
    fn views(&self) -> u64 {
        1
    }

    /// Reads that column of every row group, past the cache, and holds it in memory.
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        async move {
            let layout = Arc::new(self.layout.project(&self.files, &[name], &self.name)?);
            let units = layout.units(&self.files);
            let load = |unit: Unit| {
                let (inner, layout) = (cx.clone(), Arc::clone(&layout));
                let file = Arc::clone(&self.files[unit.file]);
                cx.spawn(async move {
                    let _permit = inner.reading(unit.cost()).await;
                    own_column(&inner, &file, &layout, &unit).await
                })
            };
            let mut parts = stream::iter(units).map(load).buffered(cx.threads() + 2);
            let mut all = Column::new(layout.schema.field(0).data_type(), self.rows.get() as usize);
            let place = format!("{}: column {name:?}", self.name);
            while let Some(part) = parts.try_next().await? {
                all.push(part).map_err(|error| error.context(place.as_str()))?;
            }
            drop(parts);
            cx.compute(move || {
                let all = all.finish().map_err(|error| error.context(place))?;
                layout.check(&RecordBatch::try_new(
                    Arc::clone(&layout.schema),
                    vec![Arc::clone(&all)],
                )?)?;
                Ok(all)
            })
            .await
        }
        .boxed()
    }
}

/// The one column of `layout` in `unit`, cut loose from the pages that it was decoded from.
async fn own_column(cx: &Context, file: &Arc<Footer>, layout: &Arc<Layout>, unit: &Unit) -> Result<ArrayRef> {
    let decoded = read::block(cx, file, layout, unit).await?;
    let spare = Arc::clone(cx.buffers());
    cx.compute(move || {
        let parts = decoded
            .batches
            .iter()
            .map(|batch| compact_column(batch.column(0), &spare))
            .collect::<Result<Vec<_>>>()?;
        Ok(concat(
            &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
        )?)
    })
    .await
}

/// The rows `rows` of the blocks `blocks[slot]`.
fn pick(schema: &SchemaRef, blocks: &[Arc<Decoded>], slots: &[usize], rows: &[u64]) -> Result<RecordBatch> {
    let (mut batches, mut first) = (Vec::new(), Vec::with_capacity(blocks.len()));
    for block in blocks {
        first.push(batches.len());
        batches.extend(&block.batches);
    }
    let place = |(&slot, &row): (&usize, &u64)| {
        let (batch, row) = blocks[slot].locate(row);
        (first[slot] + batch, row)
    };
    let at: Vec<_> = slots.iter().zip(rows).map(place).collect();
    gather(schema, &batches, &at)
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
