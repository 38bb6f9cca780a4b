//! Rows of files on disk, whichever way they lie there.

use super::endings;
use super::fields::classes;
use super::file_table::{FileTable, StoredFile};
use super::find::{Finder, only};
use super::folder::{Folder, FolderSpec};
use super::kind::Kind;
use super::listing::{Listing, ListingSpec};
use super::parquet::Parquet;
use super::read_times::ReadTimes;
use super::split::{Split, Wanted};
use super::splits::Splits;
use crate::dataset::{Blocks, Dataset, Len, Provenance, Stable};
use crate::error::Result;
use crate::exec::{Context, waiting};
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::ArrayRef;
use arrow::datatypes::{Field, SchemaRef};
use futures::future::BoxFuture;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of files on disk: Parquet files, [folders of pictures](Folder), or [lists](Listing) of them. What lies at a path is found out, and said by
/// [`notes`](Self::notes); where that is not clear, it is an error that says what was seen.
///
/// ```
/// use millstream::source::{Files, Kind};
/// use millstream::{Context, Error};
///
/// let cx = Context::new()?;
/// let rows = cx.block_on(Files::open(&cx, &["examples/data/fashion-mnist-train.parquet"]))?;
/// assert_eq!((rows.kind(), rows.find_image(None)?, rows.find_label(None)?), (Kind::Parquet, "image".into(), "label".into()));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    rows: Rows,
    name: Arc<str>,
    notes: Arc<[String]>,
}

#[derive(Clone, Debug)]
enum Rows {
    Parquet(Parquet),
    Folder(Folder),
    Listing(Listing),
}

/// What is wanted of pictures in folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// A class for each, as torchvision has it.
    Classes,
    /// All of them that can be read, with classes where there are some.
    Pictures,
}

macro_rules! each {
    ($files:expr, $rows:ident => $what:expr) => {
        match &$files.rows {
            Rows::Parquet($rows) => $what,
            Rows::Folder($rows) => $what,
            Rows::Listing($rows) => $what,
        }
    };
}

impl Files {
    /// Opens files, folders or patterns, one after the other, which have to be of one [kind](Kind).
    ///
    /// # Errors
    ///
    /// `Config` for folders in which it is not clear what is meant, that have several splits, or are of several kinds; and what
    /// [`Parquet::open`], [`Folder::open`] or [`Listing::open`] give.
    pub async fn open(cx: &Context, paths: &[impl AsRef<str>]) -> Result<Self> {
        Self::open_wanted(cx, &owned(paths), Wanted::One, Wants::Classes).await
    }

    /// As [`open`](Self::open), of folders that have several [splits](Splits) the one that is `split`. A folder without splits, a
    /// pattern and a file named for itself are read whole.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); `Config` where a folder has splits, and `split` is none of them.
    pub async fn open_split(cx: &Context, paths: &[impl AsRef<str>], split: Split) -> Result<Self> {
        Self::open_wanted(cx, &owned(paths), Wanted::Split(split), Wants::Classes).await
    }

    /// As [`open_split`](Self::open_split); a folder that has one split only is read whole, whatever its name is.
    #[cfg(feature = "train")]
    pub(crate) async fn open_split_or_only(cx: &Context, paths: &[String], split: Split) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::SplitOrOnly(split), Wants::Classes).await
    }

    /// As [`open`](Self::open), for rows that are predicted: pictures need no classes, may be named one by one or by a pattern, and all
    /// that can be read are.
    #[cfg(feature = "train")]
    pub(crate) async fn open_pictures(cx: &Context, paths: &[String]) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::One, Wants::Pictures).await
    }

    /// As [`open_pictures`](Self::open_pictures), of folders with several splits all of them.
    pub(crate) async fn open_all_splits(cx: &Context, paths: &[String]) -> Result<Self> {
        Self::open_wanted(cx, paths, Wanted::All, Wants::Pictures).await
    }

    /// The one kind of all `paths`.
    ///
    /// # Errors
    ///
    /// `Config` for a folder in which it is not clear, and for paths of two kinds; `Io` for a folder without anything to read.
    pub async fn kind_of(paths: &[impl AsRef<str>]) -> Result<Kind> {
        let paths = owned(paths);
        waiting(move || Kind::of_all(&paths, true)).await?
    }

    /// The validation splits of those of `paths` that are folders with one; none where there is none.
    #[cfg(feature = "train")]
    pub(crate) async fn open_validation(cx: &Context, paths: &[String]) -> Result<Option<Self>> {
        let mut with = Vec::new();
        for path in paths {
            let splits = Self::splits(path).await?;
            if !splits.files(&Split::Validation).is_empty() {
                with.push(path.clone());
            }
        }
        if with.is_empty() {
            return Ok(None);
        }
        let held = Self::open_split(cx, &with, Split::Validation).await?;
        let note = |path: &String| format!("{path}: its validation split is used for validation");
        let notes = with.iter().map(note).collect();
        Ok(Some(Self { notes, ..held }))
    }

    /// The splits of the folder at `path`, whichever kind it is of; without any where it has none, or is a file or a pattern.
    ///
    /// # Errors
    ///
    /// `Config` where they are not clear, or it is not clear what is in the folder; `Io` where it cannot be listed.
    pub async fn splits(path: &str) -> Result<Splits> {
        let path = path.to_owned();
        let find = move || match Kind::of(&path, true)? {
            Kind::Pictures => Folder::splits(&path),
            Kind::Listing => Listing::splits(&path),
            Kind::Parquet => Ok(Splits::of_any(&path)?.unwrap_or_default()),
        };
        waiting(find).await?
    }

    async fn open_wanted(cx: &Context, paths: &[String], wanted: Wanted, wants: Wants) -> Result<Self> {
        let own = paths.to_vec();
        let kind = waiting(move || Kind::of_all(&own, wants == Wants::Classes)).await??;
        let (rows, notes) = match kind {
            Kind::Pictures => {
                let folder = open_folder(cx, paths, wanted, wants).await?;
                let notes = [vec![said(&folder)], folder.notes().to_vec()].concat();
                (Rows::Folder(folder), notes)
            }
            Kind::Listing => {
                let spec = ListingSpec {
                    path: paths.to_vec(),
                    split: wanted.split().cloned(),
                    ..ListingSpec::default()
                };
                let listing = Listing::open_wanted(cx, &spec, wanted).await?;
                let notes = [vec![said_of_list(&listing)], listing.notes().to_vec()].concat();
                (Rows::Listing(listing), notes)
            }
            Kind::Parquet => return Ok(Parquet::open_wanted(cx, paths, wanted).await?.into()),
        };
        Ok(Self {
            rows,
            name: paths.join(", ").into(),
            notes: notes.into(),
        })
    }

    /// How the data lies.
    pub fn kind(&self) -> Kind {
        match &self.rows {
            Rows::Parquet(_) => Kind::Parquet,
            Rows::Folder(_) => Kind::Pictures,
            Rows::Listing(_) => Kind::Listing,
        }
    }

    /// The Parquet files, if it is such.
    pub fn parquet(&self) -> Option<&Parquet> {
        match &self.rows {
            Rows::Parquet(rows) => Some(rows),
            _ => None,
        }
    }

    /// The table of files, where it is no Parquet.
    fn table(&self) -> Option<&FileTable> {
        match &self.rows {
            Rows::Parquet(_) => None,
            Rows::Folder(rows) => Some(rows.table()),
            Rows::Listing(rows) => Some(rows.table()),
        }
    }

    fn finder(&self) -> Finder<'_> {
        match &self.rows {
            Rows::Parquet(rows) => Finder(rows),
            Rows::Folder(rows) => Finder(rows.table()),
            Rows::Listing(rows) => Finder(rows.table()),
        }
    }

    fn stored_files(&self) -> impl Iterator<Item = &StoredFile> {
        self.table().into_iter().flat_map(FileTable::stored_files)
    }

    /// What was found where it is no Parquet, and what there is to say of files that are not read, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was opened, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files that rows are read from, in their order.
    pub fn paths(&self) -> Vec<PathBuf> {
        match &self.rows {
            Rows::Parquet(rows) => rows.files().iter().map(|file| PathBuf::from(&*file.path)).collect(),
            _ => self.stored_files().map(|file| file.path.clone()).collect(),
        }
    }

    /// Bytes of all files on disk.
    pub fn bytes(&self) -> u64 {
        match &self.rows {
            Rows::Parquet(rows) => rows.files().iter().map(|file| file.bytes).sum(),
            _ => self.stored_files().map(StoredFile::size).sum(),
        }
    }

    /// Reads only the columns `names`, and puts them in that order.
    ///
    /// # Errors
    ///
    /// As [`Parquet::columns`].
    pub fn columns(self, names: &[&str]) -> Result<Self> {
        let rows = match self.rows {
            Rows::Parquet(rows) => Rows::Parquet(rows.columns(names)?),
            Rows::Folder(rows) => Rows::Folder(rows.columns(names)?),
            Rows::Listing(rows) => Rows::Listing(rows.columns(names)?),
        };
        Ok(Self { rows, ..self })
    }

    /// The column of encoded images, as [`Parquet::find_image`] finds it.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_image`].
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        self.finder().image(named)
    }

    /// The column of labels, as [`Parquet::find_label`] finds it.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_label`].
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        self.finder().label(named)
    }

    /// The column of targets for the task called `task`, as [`Parquet::find_target`] finds it.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_target`].
    pub fn find_target(&self, named: Option<&str>, task: &str, fits: &dyn Fn(&Field) -> Result<()>) -> Result<String> {
        self.finder().target(named, task, fits)
    }

    /// The columns that may hold encoded images, as [`Parquet::image_candidates`] has them.
    pub fn image_candidates(&self) -> Vec<String> {
        self.finder().image_candidates()
    }

    /// The column that [`find_image`](Self::find_image) finds without a name; `None` where there is none or more than one.
    pub fn image_column(&self) -> Option<String> {
        only(self.image_candidates())
    }

    /// The columns that may hold labels, as [`Parquet::label_candidates`] has them.
    pub fn label_candidates(&self) -> Vec<String> {
        self.finder().label_candidates()
    }

    /// The names of the classes 0, 1, ... of `column`, where they are known.
    pub fn class_names(&self, column: &str) -> Option<Vec<String>> {
        classes(self.schema().field_with_name(column).ok()?)
    }

    /// What the steps of reading take, measured on some rows; batches of `batch` rows are gathered.
    pub(crate) async fn read_times(&self, cx: &Context, batch: u64) -> Result<ReadTimes> {
        match &self.rows {
            Rows::Parquet(rows) => rows.read_times(cx, batch).await,
            Rows::Folder(rows) => rows.table().read_times(cx, batch).await,
            Rows::Listing(rows) => rows.table().read_times(cx, batch).await,
        }
    }

    /// With columns of numbers together as one tensor, which Parquet files alone have.
    ///
    /// # Errors
    ///
    /// As [`Parquet::tensor`].
    pub(crate) fn tensor(self, name: &str, columns: &[&str]) -> Result<Self> {
        let rows = match self.rows {
            Rows::Parquet(rows) => Rows::Parquet(rows.tensor(name, columns)?),
            other => other,
        };
        Ok(Self { rows, ..self })
    }

    /// Those of the rows at `positions` in which the struct `column` has a `path`.
    pub(crate) async fn with_path(&self, column: &str, positions: &[u64]) -> Result<HashSet<u64>> {
        match &self.rows {
            Rows::Parquet(rows) => rows.with_path(column, positions).await,
            _ => Ok(HashSet::new()),
        }
    }

    /// What is wrong with what Hugging Face's `datasets` left in the files of their columns.
    pub(crate) fn metadata_problems(&self) -> Vec<String> {
        self.parquet().map(Parquet::metadata_problems).unwrap_or_default()
    }

    /// Nulls in `column`; none where that is not known without reading it.
    pub(crate) fn nulls(&self, column: &str) -> Option<u64> {
        match &self.rows {
            Rows::Parquet(rows) => rows.nulls(column),
            _ => self.table()?.nulls(column),
        }
    }
}

impl From<Parquet> for Files {
    fn from(rows: Parquet) -> Self {
        Self {
            name: rows.spec().path.join(", ").into(),
            notes: rows.notes().into(),
            rows: Rows::Parquet(rows),
        }
    }
}

fn owned(paths: &[impl AsRef<str>]) -> Vec<String> {
    paths.iter().map(|path| path.as_ref().to_owned()).collect()
}

async fn open_folder(cx: &Context, paths: &[String], wanted: Wanted, wants: Wants) -> Result<Folder> {
    let spec = FolderSpec {
        path: paths.to_vec(),
        split: wanted.split().cloned(),
        ..FolderSpec::default()
    };
    if wants == Wants::Classes {
        return Folder::open_wanted(cx, &spec, wanted).await;
    }
    let own = paths.to_vec();
    let labels = waiting(move || own.iter().all(|path| Folder::has_classes_alone(path))).await?;
    let spec = FolderSpec {
        labels,
        allow_empty: true,
        extensions: Some(endings::pictures()),
        ..spec
    };
    Folder::open_wanted(cx, &spec, wanted).await
}

/// What was found, in a sentence.
fn said(folder: &Folder) -> String {
    let rows = folder.len().finite().unwrap_or(0);
    let pictures = match rows {
        1 => "1 picture".to_owned(),
        rows => format!("{rows} pictures"),
    };
    let name = folder.spec().path.join(", ");
    match folder.class_names().len() {
        0 => format!("{name}: {pictures} in files of their own, without classes"),
        1 => format!("{name}: {pictures} in the folder of 1 class"),
        classes => format!("{name}: {pictures} in the folders of {classes} classes"),
    }
}

/// As [`said`], of a list.
fn said_of_list(list: &Listing) -> String {
    let rows = match list.len().finite().unwrap_or(0) {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    let name = list.spec().path.join(", ");
    match list.paths() {
        Some(column) => format!("{name}: a list of {rows}, whose column {column:?} names the pictures"),
        None => format!("{name}: a list of {rows}, without pictures"),
    }
}

impl Dataset for Files {
    fn schema(&self) -> SchemaRef {
        each!(self, rows => rows.schema())
    }

    fn len(&self) -> Len {
        each!(self, rows => rows.len())
    }

    fn blocks(&self) -> Blocks {
        each!(self, rows => rows.blocks())
    }

    fn describe(&self) -> Plan {
        each!(self, rows => rows.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        each!(self, rows => rows.prepare(cx, positions))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        each!(self, rows => rows.provenance(cx, position))
    }
}

impl Stable for Files {
    fn views(&self) -> u64 {
        each!(self, rows => rows.views())
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        each!(self, rows => rows.column(cx, name))
    }
}
