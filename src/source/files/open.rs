//! Files, folders and patterns are opened as what they are.

use super::own::OwnRows;
use super::said::{refuse_twice, said, said_of_list};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::{Context, waiting};
use crate::source::endings;
use crate::source::file_table::{FileTable, StoredFile, open_places};
use crate::source::folder::{self, Folder, FolderSpec, has_classes};
use crate::source::kind::Kind;
use crate::source::listing::{Listing, ListingSpec, list_splits};
use crate::source::parquet::Parquet;
use crate::source::place::Place;
use crate::source::split::{Split, Wanted};
use crate::source::splits::Splits;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of files on disk: Parquet files, [folders of pictures](Folder), or [lists](Listing) of them. What lies at a path is found
/// out, and said by [`notes`](Self::notes); where that is not clear, it is an error that says what was seen.
///
/// A folder of pictures has the same rows in every program. Names that end as those of any picture that can be read are pictures, those
/// in `.gif`, `.ico` and `.jfif`, too. Where pictures lie in folders, these are their classes: pictures beside such folders are left out,
/// and a folder without pictures is a class without rows (which torchvision refuses); both are said. More pictures beside the folders
/// than in them are refused, since it is not clear what is meant.
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
    /// The files themselves, where the rows are made of theirs.
    pub(super) below: Option<Arc<Files>>,
}

/// The source of one kind.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    Parquet(Parquet),
    Folder(Folder),
    Listing(Listing),
    Own(OwnRows),
}

/// What is wanted of pictures in folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// A class for each: where there are no folders of classes, they are refused.
    Classes,
    /// A class for each where there are folders of classes, else all of them without.
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

    /// As [`open`](Self::open), for rows that are predicted: pictures need no classes, and may be named one by one or by a pattern.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); `Config` where a `split` is named and one of the paths has none.
    #[cfg(feature = "train")]
    pub(crate) async fn open_pictures(cx: &Context, paths: &[String], split: Option<Split>) -> Result<Self> {
        Self::open_named(cx, paths, split, Wanted::One).await
    }

    /// As [`open_all_splits`](Self::open_all_splits); where no split is named, of folders with several the test split is read, or else the
    /// validation split.
    pub(crate) async fn open_evaluation(cx: &Context, paths: &[String], split: Option<Split>) -> Result<Self> {
        Self::open_named(cx, paths, split, Wanted::Evaluation).await
    }

    /// As [`open_pictures`](Self::open_pictures); where no split is named, of folders with several all are read.
    pub(crate) async fn open_all_splits(cx: &Context, paths: &[String], split: Option<Split>) -> Result<Self> {
        Self::open_named(cx, paths, split, Wanted::All).await
    }

    /// As [`open_all_splits`](Self::open_all_splits), of folders with several splits the training split.
    pub(crate) async fn open_training(cx: &Context, paths: &[String]) -> Result<Self> {
        Self::open_named(cx, paths, None, Wanted::SplitOrOnly(Split::Train)).await
    }

    /// The `split` that was named, or else what is `wanted`.
    async fn open_named(cx: &Context, paths: &[String], split: Option<Split>, wanted: Wanted) -> Result<Self> {
        let wanted = match split {
            Some(split) => {
                Self::check_split(paths, &split).await?;
                Wanted::Split(split)
            }
            None => wanted,
        };
        Self::open_wanted(cx, paths, wanted, Wants::Pictures).await
    }

    /// Refuses paths without any splits where one is asked for: they would be read whole.
    pub(crate) async fn check_split(paths: &[String], split: &Split) -> Result<()> {
        for path in paths {
            if Self::splits(path).await?.iter().next().is_none() {
                let message =
                    format!("nothing here tells splits, so {split} cannot be chosen: name a folder that has it");
                return Err(Error::config(message).context(path.as_str()));
            }
        }
        Ok(())
    }

    /// The rows of any source; `name` is what messages call it. They lie in no file that is known here.
    pub fn of_source(rows: Arc<dyn Stable>, name: &str) -> Self {
        Self {
            rows: Rows::Own(OwnRows::new(rows, name)),
            name: name.into(),
            notes: Arc::default(),
            below: None,
        }
    }

    /// The one kind of all `paths`.
    ///
    /// # Errors
    ///
    /// `Config` for a folder in which it is not clear, and for paths of two kinds; `Io` for a folder without anything to read.
    pub async fn kind_of(paths: &[impl AsRef<str>]) -> Result<Kind> {
        let paths = owned(paths);
        waiting(move || Kind::of_all(&Place::find_all(&paths)?, true)).await?
    }

    /// The splits of the folder at `path`, whichever kind it is of; without any where it has none, or is a file or a pattern.
    ///
    /// # Errors
    ///
    /// `Config` where they are not clear, or it is not clear what is in the folder; `Io` where it cannot be listed.
    pub async fn splits(path: &str) -> Result<Splits> {
        let path = path.to_owned();
        waiting(move || splits_of(&Place::find(&path)?)).await?
    }

    async fn open_wanted(cx: &Context, paths: &[String], wanted: Wanted, wants: Wants) -> Result<Self> {
        FoundFiles::find(paths).await?.open(cx, wanted, wants).await
    }

    /// How the data lies.
    pub fn kind(&self) -> Kind {
        match &self.stored().rows {
            Rows::Parquet(_) => Kind::Parquet,
            Rows::Folder(_) => Kind::Pictures,
            Rows::Listing(_) => Kind::Listing,
            Rows::Own(_) => Kind::Source,
        }
    }

    /// The Parquet files, if it is such.
    pub fn parquet(&self) -> Option<&Parquet> {
        match &self.stored().rows {
            Rows::Parquet(rows) => Some(rows),
            _ => None,
        }
    }

    /// The table of files, where it is no Parquet.
    pub(super) fn table(&self) -> Option<&FileTable> {
        match &self.stored().rows {
            Rows::Parquet(_) | Rows::Own(_) => None,
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

    /// The files that rows are read from, in their order; none of a source of another kind.
    pub fn paths(&self) -> Vec<PathBuf> {
        match &self.stored().rows {
            Rows::Parquet(rows) => rows.files().iter().map(|file| PathBuf::from(&*file.path)).collect(),
            _ => self.stored_files().map(|file| file.path.clone()).collect(),
        }
    }

    /// The Parquet files or lists that rows are read from, in their order; no pictures.
    pub(crate) fn tables(&self) -> Vec<PathBuf> {
        match &self.stored().rows {
            Rows::Parquet(_) => self.paths(),
            Rows::Listing(rows) => rows.table().lists().map(|list| list.path.clone()).collect(),
            Rows::Folder(_) | Rows::Own(_) => Vec::new(),
        }
    }

    /// The files that rows are read from, and the folders that were opened: nothing may be written over the ones or into the others.
    #[cfg(feature = "train")]
    pub(crate) fn inputs(&self) -> Vec<PathBuf> {
        let named = match &self.stored().rows {
            Rows::Parquet(rows) => &*rows.spec().path,
            Rows::Folder(rows) => &*rows.spec().path,
            Rows::Listing(rows) => &*rows.spec().path,
            Rows::Own(_) => &[],
        };
        let folders = named.iter().map(PathBuf::from).filter(|path| path.is_dir());
        folders.chain(self.paths()).collect()
    }

    /// As [`Listing::missing_as_null`], of a list.
    pub(crate) fn missing_as_null(self) -> (Self, Vec<u64>) {
        match self.rows {
            Rows::Listing(rows) => {
                let (rows, missing) = rows.missing_as_null();
                let rows = Rows::Listing(rows);
                (Self { rows, ..self }, missing)
            }
            _ => (self, Vec::new()),
        }
    }

    /// Bytes of all files on disk.
    pub fn bytes(&self) -> u64 {
        match &self.stored().rows {
            Rows::Parquet(rows) => rows.files().iter().map(|file| file.bytes).sum(),
            _ => self.stored_files().map(StoredFile::size).sum(),
        }
    }
}

/// What lies at some paths, found once for all that is opened of it.
#[derive(Debug)]
pub(crate) struct FoundFiles {
    paths: Vec<String>,
    places: Arc<[Place]>,
}

impl FoundFiles {
    /// What lies at `paths`.
    ///
    /// # Errors
    ///
    /// `Io` for a folder that cannot be listed; `Config` for one that is named twice.
    pub(crate) async fn find(paths: &[String]) -> Result<Self> {
        let own = paths.to_vec();
        let find = move || {
            refuse_twice(&own)?;
            Place::find_all(&own)
        };
        let places = waiting(find).await??;
        Ok(Self {
            paths: paths.to_vec(),
            places: places.into(),
        })
    }

    /// As [`Files::open_split`].
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "train")]
    pub(crate) async fn open_split(&self, cx: &Context, split: Split) -> Result<Files> {
        self.open(cx, Wanted::Split(split), Wants::Classes).await
    }

    /// The validation splits of those of the paths that are folders with one; none where there is none.
    ///
    /// # Errors
    ///
    /// As [`Files::open_split`].
    #[cfg(feature = "train")]
    pub(crate) async fn open_validation(&self, cx: &Context) -> Result<Option<Files>> {
        let places = Arc::clone(&self.places);
        let with = move || {
            let has_one = |place: &Place| Ok(!splits_of(place)?.files(&Split::Validation).is_empty());
            places.iter().map(has_one).collect::<Result<Vec<bool>>>()
        };
        let with = waiting(with).await??;
        let with: Vec<String> = (self.paths.iter().zip(with))
            .filter(|(_, has_one)| *has_one)
            .map(|(path, _)| path.clone())
            .collect();
        if with.is_empty() {
            return Ok(None);
        }
        let held = match with.len() == self.paths.len() {
            true => self.open_split(cx, Split::Validation).await?,
            false => Files::open_split(cx, &with, Split::Validation).await?,
        };
        let note = |path: &String| format!("{path}: its validation split is used for validation");
        let notes = with.iter().map(note).collect();
        Ok(Some(Files { notes, ..held }))
    }

    async fn open(&self, cx: &Context, wanted: Wanted, wants: Wants) -> Result<Files> {
        let (paths, places) = (self.paths.clone(), Arc::clone(&self.places));
        let kind = Kind::of_all(&places, wants == Wants::Classes)?;
        let split = wanted.split().cloned();
        let (rows, notes) = match kind {
            Kind::Pictures => {
                let spec = FolderSpec {
                    path: paths,
                    split,
                    extensions: Some(endings::pictures()),
                    allow_empty: true,
                    ..FolderSpec::default()
                };
                let spec = FolderSpec {
                    labels: has_classes(&places, wants == Wants::Classes)? || wants == Wants::Classes,
                    ..spec
                };
                let folder = open_places(cx, &spec, places, wanted).await?;
                let notes = [vec![said(&folder)], folder.notes().to_vec()].concat();
                (Rows::Folder(folder), notes)
            }
            Kind::Listing => {
                let spec = ListingSpec {
                    path: paths,
                    split,
                    ..ListingSpec::default()
                };
                let listing = open_places(cx, &spec, places, wanted).await?;
                let notes = [vec![said_of_list(&listing)], listing.notes().to_vec()].concat();
                (Rows::Listing(listing), notes)
            }
            Kind::Parquet | Kind::Source => return Ok(Parquet::open_wanted(cx, &paths, wanted).await?.into()),
        };
        Ok(Files {
            rows,
            name: self.paths.join(", ").into(),
            notes: notes.into(),
            below: None,
        })
    }
}

/// The splits of the folder at `place`. Blocks on the file system.
fn splits_of(place: &Place) -> Result<Splits> {
    match Kind::of(place, true)? {
        Kind::Pictures => folder::splits_of(place),
        Kind::Listing => list_splits(place),
        Kind::Parquet | Kind::Source => Ok(Splits::of_any(&place.path)?.unwrap_or_default()),
    }
}

impl From<Parquet> for Files {
    fn from(rows: Parquet) -> Self {
        Self {
            name: rows.spec().path.join(", ").into(),
            notes: rows.notes().into(),
            rows: Rows::Parquet(rows),
            below: None,
        }
    }
}

fn owned(paths: &[impl AsRef<str>]) -> Vec<String> {
    paths.iter().map(|path| path.as_ref().to_owned()).collect()
}
