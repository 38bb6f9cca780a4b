//! Lists as a source.

use super::find::{find, splits_of};
use super::pictures;
use super::spec::ListingSpec;
use super::table::{List, rows};
use crate::error::{Error, Remedy, Result};
use crate::exec::{Context, files};
use crate::quote::{counted, quoted};
use crate::source::fields::HUGGING_FACE;
use crate::source::file_table::{FileColumn, FileTable, StoredFile, TableSpec, dataset_of_files, open};
use crate::source::find::Finder;
use crate::source::place::Place;
use crate::source::split::{Split, Wanted};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Rows of lists in CSV or JSON lines, with the pictures that they name. See [the module](crate::source::listing).
///
/// Clones share what is cached.
#[derive(Clone, Debug)]
pub struct Listing {
    rows: FileTable,
    spec: Arc<ListingSpec>,
}

impl Listing {
    /// The column of the bytes of pictures.
    pub const IMAGE: &'static str = "image";
    /// The column of paths, where it would be called as that of pictures.
    const PATH: &'static str = "path";

    /// Opens a list, or a folder with lists.
    ///
    /// # Errors
    ///
    /// `Io` where there is no list; `Data` for what is no CSV or JSON lines, a path that leaves its list's folder, and where no
    /// picture is there; `Schema` for columns that do not fit together; `Budget` for a list that is too large; `Config` for a
    /// folder with several splits.
    pub async fn open(cx: &Context, path: impl AsRef<str>) -> Result<Self> {
        let spec = ListingSpec {
            path: vec![path.as_ref().to_owned()],
            ..ListingSpec::default()
        };
        Self::open_spec(cx, &spec).await
    }

    /// As [`open`](Self::open), of a folder that has several splits the one that is `split`. A folder without splits is read whole.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); `Config` where the folder has splits, and `split` is none of them.
    pub async fn open_split(cx: &Context, path: impl AsRef<str>, split: Split) -> Result<Self> {
        let spec = ListingSpec {
            path: vec![path.as_ref().to_owned()],
            split: Some(split),
            ..ListingSpec::default()
        };
        Self::open_spec(cx, &spec).await
    }

    /// What `spec` says.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open) and [`columns`](Self::columns).
    pub async fn open_spec(cx: &Context, spec: &ListingSpec) -> Result<Self> {
        let wanted = spec.split.clone().map_or(Wanted::One, Wanted::Split);
        open(cx, spec, wanted).await
    }

    fn of(found: Lists, spec: ListingSpec, most: u64) -> Result<Self> {
        let Lists {
            lists,
            mut notes,
            are_all,
        } = found;
        let name: Arc<str> = spec.path.join(", ").into();
        let (table, counts) = rows(&lists, &spec, &mut notes)?;
        let bytes = table.get_array_memory_size() as u64;
        if bytes > most {
            let message = format!(
                "the rows of the list take {bytes} bytes in memory, and the budget leaves {most} for them: give more memory, or write them \
                 as Parquet"
            );
            return Err(Error::budget(message)
                .with_remedy(Remedy::Memory)
                .context(name.as_ref()));
        }
        let of_lists: Vec<(&Path, u64)> = lists
            .iter()
            .map(|list| &*list.path)
            .zip(counts.iter().copied())
            .collect();
        let mut content = Xxh3::new();
        lists.iter().for_each(|list| content.update(list.bytes()));
        let mut kept = Vec::new();
        for &(path, count) in &of_lists {
            kept.push((StoredFile::find(path.to_owned())?, count));
        }
        let failed = |error: Error| error.context(name.as_ref());
        let at = pictures::column(&table, &spec).map_err(failed)?;
        let (table, files) = match at {
            None => (table, None),
            Some(at) => {
                let (files, of_row) = pictures::files(&table, at, &of_lists, spec.outside).map_err(failed)?;
                notes.extend(pictures::beside(&files, are_all).map(|note| format!("{name}: {note}")));
                let column = FileColumn {
                    field: Arc::new(Field::new(Self::IMAGE, DataType::BinaryView, of_row.contains(&None))),
                    at: 0,
                    files,
                    of_row,
                };
                (with_pictures(&table, at).map_err(failed)?, Some(column))
            }
        };
        let paths = at.map(|at| table.schema().field(at).name().clone());
        let schema = table.schema();
        let others = schema.fields().iter().map(|field| field.name());
        let others = others.filter(|name| name.ends_with("_file_name") && Some(*name) != paths.as_ref());
        notes.extend(others.map(|other| {
            format!(
                "{name}: column {} names more files, which are not read: a list has one picture a row; store masks and other pictures in a column \
                 of Parquet",
                quoted(other)
            )
        }));
        let rows = FileTable::new(table, files, Arc::clone(&name), notes)?
            .with_lists(kept, content.digest128())
            .with_paths(paths);
        Ok(Self {
            rows: rows.columns_or_all(spec.columns.as_deref())?,
            spec: Arc::new(spec),
        })
    }

    /// Rows of `table`, with the picture of each at `paths` in a column of bytes that comes first; what they were read of are the files `lists`.
    /// `name` is what messages call them.
    ///
    /// # Errors
    ///
    /// `Data` where there is no row and where none of the pictures is there; `Io` where the system does not tell what a file is.
    pub(crate) fn of_table(
        table: RecordBatch,
        paths: &[PathBuf],
        lists: &[PathBuf],
        (name, notes): (&str, Vec<String>),
    ) -> Result<Self> {
        let files = paths.iter().cloned().map(StoredFile::find);
        let files = files.collect::<Result<Vec<_>>>()?;
        if let Some(first) = files.first().filter(|_| files.iter().all(|file| file.state.is_none())) {
            let message = format!(
                "none of {} is there; the first is {}",
                counted(files.len(), "picture"),
                first.path.display()
            );
            return Err(Error::data(message).context(name));
        }
        let mut content = Xxh3::new();
        let mut kept = Vec::new();
        for path in lists {
            content.update(&files::read_whole(path).map_err(|error| Error::io(path, error))?);
            kept.push((StoredFile::find(path.clone())?, table.num_rows() as u64));
        }
        kept.truncate(1);
        let column = FileColumn {
            field: Arc::new(Field::new(Self::IMAGE, DataType::BinaryView, false)),
            at: 0,
            of_row: (0..files.len()).map(|at| u32::try_from(at).ok()).collect(),
            files,
        };
        Ok(Self {
            rows: FileTable::new(table, Some(column), Arc::from(name), notes)?.with_lists(kept, content.digest128()),
            spec: Arc::new(ListingSpec {
                path: vec![name.to_owned()],
                ..ListingSpec::default()
            }),
        })
    }

    /// Reads only the columns `names`, and puts them in that order. Without `image` no picture is read.
    ///
    /// # Errors
    ///
    /// `Schema` where a name is missing, saying which columns there are; `Config` where there is no name or one twice.
    pub fn columns(self, names: &[&str]) -> Result<Self> {
        let spec = ListingSpec {
            columns: Some(names.iter().map(|&name| name.to_owned()).collect()),
            ..(*self.spec).clone()
        };
        Ok(Self {
            rows: self.rows.columns(names)?,
            spec: Arc::new(spec),
        })
    }

    /// The column of encoded images: [`Listing::IMAGE`], where the list names pictures.
    ///
    /// # Errors
    ///
    /// `Schema` where `named` holds no images, or there are none.
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        Finder(&self.rows).image(named)
    }

    /// The column of labels, as [`Parquet::find_label`](crate::source::Parquet::find_label) finds it; never that of paths.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_label`](crate::source::Parquet::find_label).
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        Finder(&self.rows).label(named)
    }

    /// What there is to say, a sentence each, of what is not read: lists of other splits, pictures that no list names, links that lead
    /// nowhere.
    pub fn notes(&self) -> &[String] {
        self.rows.notes()
    }

    /// The column of paths of pictures, as it comes out; none where the list names none.
    pub fn paths(&self) -> Option<&str> {
        self.rows.paths()
    }

    /// With a null in place of each picture that is not there, and the rows that name such a one.
    pub(crate) fn missing_as_null(self) -> (Self, Vec<u64>) {
        let (rows, missing) = self.rows.missing_as_null();
        (Self { rows, ..self }, missing)
    }

    /// Its parameters.
    pub fn spec(&self) -> &ListingSpec {
        &self.spec
    }

    pub(in crate::source) fn table(&self) -> &FileTable {
        &self.rows
    }
}

/// `table`, whose column `at` names pictures, as it stands beside the column of their bytes.
fn with_pictures(table: &RecordBatch, at: usize) -> Result<RecordBatch> {
    let schema = table.schema();
    let has = |name: &str| schema.index_of(name).is_ok();
    let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    if fields[at].name() == Listing::IMAGE {
        if has(Listing::PATH) {
            return Err(Error::schema(
                "the column of paths is called \"image\", and there is a column \"path\" as well: rename one of them",
            ));
        }
        fields[at] = Arc::new(fields[at].as_ref().clone().with_name(Listing::PATH));
    } else if has(Listing::IMAGE) {
        return Err(Error::schema(format!(
            "the column \"image\" is in the way of the pictures that {:?} names: rename it",
            fields[at].name()
        )));
    }
    let features = json!({"info": {"features": {Listing::IMAGE: {"_type": "Image"}}}});
    let metadata = [(HUGGING_FACE.to_owned(), features.to_string())].into();
    let schema = Schema::new_with_metadata(fields, metadata);
    Ok(RecordBatch::try_new(Arc::new(schema), table.columns().to_vec())?)
}

/// Lists that were read.
#[derive(Default)]
pub(in crate::source) struct Lists {
    lists: Vec<List>,
    notes: Vec<String>,
    /// Whether these are all lists that were found.
    are_all: bool,
}

impl TableSpec for ListingSpec {
    type Source = Listing;
    type Found = Lists;

    fn paths(&self) -> &[String] {
        &self.path
    }

    fn find(&self, places: &[Place], wanted: &Wanted, most: u64) -> Result<Lists> {
        let mut all = Lists {
            are_all: true,
            ..Lists::default()
        };
        for place in places {
            let found = find(place)?;
            let (files, note) = match &place.tree {
                Some(_) => splits_of(place, &found)?.choose(&place.path, wanted)?,
                None => (found.iter().map(|file| file.display().to_string()).collect(), None),
            };
            all.are_all &= files.len() == found.len();
            all.notes.extend(note);
            all.notes
                .extend(place.tree.iter().flat_map(|tree| tree.notes(&place.path)));
            for file in files {
                all.lists.push(List::read(Path::new(&file), most)?);
            }
        }
        Ok(all)
    }

    fn source(self, found: Lists, most: u64) -> Result<Listing> {
        Listing::of(found, self, most)
    }
}

dataset_of_files!(Listing);
