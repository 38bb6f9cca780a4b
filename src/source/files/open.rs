//! Files, folders and patterns are opened as what they are.

use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::{Context, waiting};
use crate::source::endings;
use crate::source::file_table::{FileTable, StoredFile};
use crate::source::folder::{Folder, FolderSpec};
use crate::source::kind::Kind;
use crate::source::listing::{Listing, ListingSpec};
use crate::source::parquet::Parquet;
use crate::source::split::{Split, Wanted};
use crate::source::splits::Splits;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of files on disk: Parquet files, [folders of pictures](Folder), or [lists](Listing) of them. What lies at a path is found
/// out, and said by [`notes`](Self::notes); where that is not clear, it is an error that says what was seen.
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
    pub(super) rows: Rows,
    pub(super) name: Arc<str>,
    pub(super) notes: Arc<[String]>,
}

/// The source of one kind.
#[derive(Clone, Debug)]
pub(super) enum Rows {
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
    pub(super) fn table(&self) -> Option<&FileTable> {
        match &self.rows {
            Rows::Parquet(_) => None,
            Rows::Folder(rows) => Some(rows.table()),
            Rows::Listing(rows) => Some(rows.table()),
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
