//! Folders of pictures as a source.

use super::classes::Found;
use super::spec::FolderSpec;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::fields::{HUGGING_FACE, outgoing};
use crate::source::file_table::{FileColumn, FileTable, StoredFile, TableSpec, dataset_of_files, open};
use crate::source::find::Finder;
use crate::source::place::Place;
use crate::source::split::{Split, Wanted};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use rayon::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// Pictures in folders, a row each. See [the module](crate::source::folder).
///
/// Clones share what is cached.
#[derive(Clone, Debug)]
pub struct Folder {
    rows: FileTable,
    spec: Arc<FolderSpec>,
    classes: Arc<[String]>,
}

impl Folder {
    /// The column of the bytes of each file.
    pub const IMAGE: &'static str = "image";
    /// The column of classes.
    pub const LABEL: &'static str = "label";
    /// The column of paths.
    pub const PATH: &'static str = "path";

    /// Opens a folder with a folder for each class.
    ///
    /// # Errors
    ///
    /// `Io` where there is no such folder, or it cannot be listed; `Data` where there are no classes, or one has no pictures;
    /// `Config` where it has several splits, or folders of which it is not clear whether they are splits.
    pub async fn open(cx: &Context, path: impl AsRef<str>) -> Result<Self> {
        Self::open_spec(cx, &Self::at(path)).await
    }

    /// As [`open`](Self::open), of a folder that has several splits the one that is `split`. A folder without splits is read whole.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); `Config` where the folder has splits, and `split` is none of them.
    pub async fn open_split(cx: &Context, path: impl AsRef<str>, split: Split) -> Result<Self> {
        let spec = FolderSpec {
            split: Some(split),
            ..Self::at(path)
        };
        Self::open_spec(cx, &spec).await
    }

    /// What `spec` says.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open) and [`columns`](Self::columns).
    pub async fn open_spec(cx: &Context, spec: &FolderSpec) -> Result<Self> {
        let wanted = spec.split.clone().map_or(Wanted::One, Wanted::Split);
        open(cx, spec, wanted).await
    }

    pub(in crate::source) fn table(&self) -> &FileTable {
        &self.rows
    }

    fn at(path: impl AsRef<str>) -> FolderSpec {
        FolderSpec {
            path: vec![path.as_ref().to_owned()],
            ..FolderSpec::default()
        }
    }

    fn of(found: Found, spec: FolderSpec) -> Result<Self> {
        let Found {
            classes,
            pictures,
            notes,
        } = found;
        let classes: Vec<String> = classes.into_iter().collect();
        let number = |class: &Option<String>| {
            let class = class.as_ref()?;
            classes.binary_search(class).ok().map(|at| at as i64)
        };
        let label = Int64Array::from_iter_values(pictures.iter().filter_map(|(_, class)| number(class)));
        let path = StringViewArray::from_iter_values(pictures.iter().map(|(path, _)| path.to_string_lossy()));
        let files: Vec<StoredFile> = pictures
            .into_par_iter()
            .map(|(path, _)| StoredFile::find(path))
            .collect::<Result<_>>()?;
        if let Some(gone) = files.iter().find(|file| file.state.is_none()) {
            let message = "the file went away while the folder was opened";
            return Err(Error::data(message).context(gone.path.display().to_string()));
        }
        let declared = json!({"_type": "ClassLabel", "names": classes});
        let label_field = outgoing(&Field::new(Self::LABEL, DataType::Int64, false), Self::LABEL, &declared);
        let path_field = Field::new(Self::PATH, DataType::Utf8View, false);
        let image = json!({"_type": "Image"});
        let (fields, columns, features): (Vec<Field>, Vec<ArrayRef>, _) = match spec.labels {
            true => (
                vec![label_field, path_field],
                vec![Arc::new(label), Arc::new(path)],
                json!({"image": image, "label": declared}),
            ),
            false => (vec![path_field], vec![Arc::new(path)], json!({"image": image})),
        };
        let metadata = [(
            HUGGING_FACE.to_owned(),
            json!({"info": {"features": features}}).to_string(),
        )];
        let schema = Schema::new_with_metadata(fields, metadata.into());
        let name: Arc<str> = spec.path.join(", ").into();
        let bytes = FileColumn {
            field: Arc::new(Field::new(Self::IMAGE, DataType::BinaryView, false)),
            at: 0,
            of_row: (0..files.len()).map(|row| u32::try_from(row).ok()).collect(),
            files,
        };
        if u32::try_from(bytes.files.len()).is_err() {
            return Err(Error::config(format!("{name}: more files than {}", u32::MAX)));
        }
        let table = RecordBatch::try_new(Arc::new(schema), columns)?;
        let rows = FileTable::new(table, Some(bytes), name, notes)?.with_paths(Some(Self::PATH.to_owned()));
        Ok(Self {
            rows: rows.columns_or_all(spec.columns.as_deref())?,
            classes: classes.into(),
            spec: Arc::new(spec),
        })
    }

    /// Reads only the columns `names`, and puts them in that order. Without `image` no file is read.
    ///
    /// # Errors
    ///
    /// `Schema` where a name is missing, saying which columns there are; `Config` where there is no name or one twice.
    pub fn columns(self, names: &[&str]) -> Result<Self> {
        let spec = FolderSpec {
            columns: Some(names.iter().map(|&name| name.to_owned()).collect()),
            ..(*self.spec).clone()
        };
        Ok(Self {
            rows: self.rows.columns(names)?,
            spec: Arc::new(spec),
            ..self
        })
    }

    /// The names of the classes 0, 1, and so on.
    pub fn class_names(&self) -> &[String] {
        &self.classes
    }

    /// The column of encoded images: [`Folder::IMAGE`], unless another one is `named`, which is refused.
    ///
    /// # Errors
    ///
    /// `Schema` where `named` holds no images, or the column is not read.
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        Finder(&self.rows).image(named)
    }

    /// The column of labels, as [`Parquet::find_label`](crate::source::Parquet::find_label) finds it: [`Folder::LABEL`], unless another
    /// one is `named`.
    ///
    /// # Errors
    ///
    /// `Schema` where `named` holds no labels, or the column is not read.
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        Finder(&self.rows).label(named)
    }

    /// What there is to say, a sentence each, of files that are not read.
    pub fn notes(&self) -> &[String] {
        self.rows.notes()
    }

    /// Its parameters.
    pub fn spec(&self) -> &FolderSpec {
        &self.spec
    }
}

impl TableSpec for FolderSpec {
    type Source = Folder;
    type Found = Found;

    fn paths(&self) -> &[String] {
        &self.path
    }

    fn find(&self, places: &[Place], wanted: &Wanted, _: u64) -> Result<Found> {
        let mut all = Found::default();
        for place in places {
            let found = Found::of(place, self, wanted)?;
            all.classes.extend(found.classes);
            all.pictures.extend(found.pictures);
            all.notes.extend(found.notes);
        }
        Ok(all)
    }

    fn source(self, found: Found, _: u64) -> Result<Folder> {
        Folder::of(found, self)
    }
}

dataset_of_files!(Folder);
