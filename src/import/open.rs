//! What is imported: the rows of each split, and which of their columns hold pictures.

use super::annotations::{self, Instances};
use super::missing::said_of_missing;
use super::places::holds_places;
use super::spec::{ImportSpec, OnBadPicture};
use super::unnamed;
use crate::columns::{bytes_of, column_of_bytes, is_binary};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::image::Facts;
use crate::source::{Files, Folder, Kind, Listing, Parquet, Split, Splits, features};
use crate::spec::Spec;
use arrow::datatypes::Field;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Rows that are looked at to see whether a column holds pictures.
const LOOKED_AT: u64 = 16;

/// Longer than a tick of any file system's clock, after which times of change tell whether a file was written again.
const TICK: Duration = Duration::from_millis(2600);

/// A source and what is made of it.
#[derive(Debug)]
pub struct Import {
    pub(super) spec: ImportSpec,
    pub(super) splits: Vec<SplitRows>,
    /// Files and folders that are read.
    pub(super) inputs: Vec<PathBuf>,
    pub(super) notes: Vec<String>,
    /// Adds the masks of objects to rows of annotated pictures, where these are written.
    pub(super) instances: Option<Instances>,
}

/// A column of bytes with more columns that belong to it: a struct, in the files.
#[derive(Clone, Debug)]
pub(super) struct Media {
    pub(super) column: String,
    /// The other fields of the struct, each with the column that it is.
    pub(super) fields: Vec<(String, String)>,
    /// The folders from which on its paths are told; none for paths as they are.
    pub(super) roots: Vec<String>,
}

/// The rows of a split.
#[derive(Debug)]
pub(super) struct SplitRows {
    pub(super) split: Split,
    pub(super) rows: Arc<dyn Stable>,
    pub(super) media: Vec<Media>,
    /// The columns of pictures.
    pub(super) images: Vec<String>,
}

impl Import {
    /// What `spec` makes of `paths`: files, folders or patterns of any [`Kind`]. Of a folder all splits are imported, each as a split; so are files that are named
    /// one by one, or by a pattern, where their names tell of several. What has no split is for training.
    ///
    /// # Errors
    ///
    /// As [`Files::open`]; `Config` where `spec` fails its [`check`](Spec::check), and for annotated pictures that are not read upright; `Schema` where a column that is named is missing or holds no bytes, and where it is
    /// not clear which columns hold the pictures that are to be made smaller.
    pub fn open(cx: &Context, paths: &[impl AsRef<str>], mut spec: ImportSpec) -> Result<Self> {
        spec.check()?;
        let paths: Vec<String> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        if let Some(annotated) = annotations::splits(&paths, spec.reading.upright, spec.instances, spec.voc_from)? {
            // As it was decided, so that an import which goes on decides the same.
            spec.instances = annotated.instances.then_some(true);
            let max_pixels = spec.reading.max_pixels;
            let instances = annotated.instances.then_some(Instances { max_pixels });
            let (mut splits, mut inputs, mut notes) = (Vec::new(), Vec::new(), Vec::new());
            for own in annotated.splits {
                let rows = match spec.on_bad_picture {
                    OnBadPicture::Fail => own.rows,
                    OnBadPicture::Keep => {
                        let (kept, missing) = own.rows.clone().missing_as_null();
                        notes.extend(said_of_missing(cx, &own.rows, &missing));
                        kept
                    }
                };
                splits.push(SplitRows::of_annotated(own.split, rows));
                inputs.extend(own.inputs);
                notes.extend(own.notes);
            }
            inputs.extend(paths.iter().map(PathBuf::from).filter(|path| path.is_dir()));
            let import = Self::checked(spec, splits, inputs, notes)?;
            return Ok(Self { instances, ..import });
        }
        spec.check_unannotated()?;
        let (mut splits, mut notes) = (Vec::new(), Vec::new());
        let mut opened = splits_of(cx, &paths, &mut notes)?;
        if opened.iter().any(|(_, rows)| rows.describe().states().is_none()) {
            // A file that was written just now may be written again within the same tick of the clock.
            std::thread::sleep(TICK);
            notes.clear();
            opened = splits_of(cx, &paths, &mut notes)?;
        }
        // A folder that is read has everything below it, what is written there, too.
        let mut inputs: Vec<PathBuf> = paths.iter().map(PathBuf::from).filter(|path| path.is_dir()).collect();
        for (split, rows) in opened {
            match rows.kind() {
                Kind::Pictures => {}
                _ => inputs.extend(rows.paths()),
            }
            let rows = match spec.on_bad_picture {
                OnBadPicture::Fail => rows,
                OnBadPicture::Keep => {
                    let (kept, missing) = rows.clone().missing_as_null();
                    notes.extend(said_of_missing(cx, &rows, &missing));
                    kept
                }
            };
            splits.push(SplitRows::of_files(cx, split, rows, (&paths, &spec), &mut notes)?);
        }
        Self::checked(spec, splits, inputs, notes)
    }

    /// What `spec` makes of rows, those of each split. The columns of pictures are those that Hugging Face's metadata in the schema calls an `Image`; where there is none, the
    /// binary columns whose first values are pictures.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), of which nothing is read; `Config` where there is no split, or one twice.
    pub fn of(
        cx: &Context,
        splits: impl IntoIterator<Item = (Split, Arc<dyn Stable>)>,
        spec: ImportSpec,
    ) -> Result<Self> {
        spec.check()?;
        spec.check_unannotated()?;
        let mut notes = Vec::new();
        let splits = splits.into_iter().map(|(split, rows)| {
            let images = images(cx, &*rows, &spec, candidates(&*rows), &mut notes)?;
            Ok(SplitRows {
                split,
                rows,
                media: Vec::new(),
                images,
            })
        });
        let splits = splits.collect::<Result<_>>()?;
        Self::checked(spec, splits, Vec::new(), notes)
    }

    fn checked(spec: ImportSpec, splits: Vec<SplitRows>, inputs: Vec<PathBuf>, mut notes: Vec<String>) -> Result<Self> {
        if splits.is_empty() {
            return Err(Error::config("there is nothing to import"));
        }
        for own in splits.iter().filter(|_| spec.resize.is_some()) {
            let schema = own.rows.schema();
            if let Some(field) = schema.fields().iter().find(|field| holds_places(&schema, field)) {
                return Err(Error::config(format!(
                    "split {}: column \"{}\" has places in pixels, which would not fit pictures that are made smaller: import them as they are, \
                     the image stage moves boxes and keypoints with their pictures",
                    own.split,
                    field.name()
                )));
            }
            let is_side = |field: &&Arc<Field>| ["width", "height"].contains(&field.name().as_str());
            if schema.fields().iter().any(|field| is_side(&field)) {
                notes.push(format!(
                    "split {}: the columns width and height stay as they are, and tell the sizes of pictures before they were made smaller",
                    own.split
                ));
            }
        }
        for (at, own) in splits.iter().enumerate() {
            let name = own.split.to_string();
            let is_fit = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            if name.is_empty() || !name.chars().all(is_fit) || name.split('.').any(str::is_empty) {
                let message = "Hugging Face takes letters, digits, _ and single dots alone in the name of a split";
                return Err(Error::config(format!("split {name:?}: {message}")));
            }
            if splits[..at].iter().any(|other| other.split == own.split) {
                return Err(Error::config(format!("the split {name} comes twice")));
            }
            if let Some(mask) = spec.masks.iter().find(|mask| own.images.contains(mask)) {
                return Err(Error::config(format!("\"{mask}\" is both a picture and a mask")));
            }
            if !spec.masks.is_empty() && own.images.len() != 1 {
                let message = format!(
                    "masks are made smaller with their picture, which has to be one column, not {}",
                    own.images.join(", ")
                );
                return Err(Error::config(message).with_remedy(Remedy::ImageColumn));
            }
        }
        Ok(Self {
            spec,
            splits,
            inputs,
            notes,
            instances: None,
        })
    }

    /// What there is to say of the source: files that are passed over, and so on.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Rows of all splits.
    pub fn rows(&self) -> u64 {
        self.splits.iter().map(SplitRows::len).sum()
    }
}

impl SplitRows {
    fn of_files(
        cx: &Context,
        split: Split,
        rows: Files,
        (paths, spec): (&[String], &ImportSpec),
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        let schema = rows.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let media: Vec<Media> = match rows.parquet() {
            Some(parquet) => names
                .iter()
                .filter_map(|column| beside_bytes(parquet, column))
                .collect(),
            None if rows.kind() == Kind::Pictures => vec![Media {
                column: Folder::IMAGE.to_owned(),
                fields: vec![("path".to_owned(), Folder::PATH.to_owned())],
                roots: paths.to_vec(),
            }],
            None => Vec::new(),
        };
        let images = images(cx, &rows, spec, rows.image_candidates(), notes)?;
        let inner = media
            .iter()
            .flat_map(|media| media.fields.iter().map(|(_, column)| column.as_str()));
        let more: Vec<&str> = inner.filter(|column| !names.contains(column)).collect();
        let all = [names, more].concat();
        Ok(Self {
            split,
            rows: Arc::new(rows.columns(&all)?),
            media,
            images,
        })
    }

    fn of_annotated(split: Split, rows: Listing) -> Self {
        Self {
            split,
            rows: Arc::new(rows),
            media: vec![Media {
                column: Listing::IMAGE.to_owned(),
                fields: vec![("path".to_owned(), "file_name".to_owned())],
                roots: Vec::new(),
            }],
            images: vec![Listing::IMAGE.to_owned()],
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.rows.len().finite().unwrap_or(0)
    }
}

/// What `column` of Parquet files is, if it is a struct with bytes and more.
fn beside_bytes(rows: &Parquet, column: &str) -> Option<Media> {
    let inner = |field: String| (field.clone(), format!("{column}.{field}"));
    let fields: Vec<_> = rows.beside_bytes(column).into_iter().map(inner).collect();
    (!fields.is_empty()).then(|| Media {
        column: column.to_owned(),
        fields,
        roots: Vec::new(),
    })
}

/// The rows of each split of `paths`.
fn splits_of(cx: &Context, paths: &[String], notes: &mut Vec<String>) -> Result<Vec<(Split, Files)>> {
    let (mut known, mut has_unnamed) = (Vec::<Split>::new(), false);
    for path in paths {
        let splits = cx.block_on(Files::splits(path))?;
        if !splits.unnamed().is_empty() && splits.iter().next().is_some() {
            notes.push(format!("{path}: what has no split is not imported: {splits}"));
            has_unnamed = true;
        }
        known.extend(splits.iter().map(|(split, _)| split.clone()));
    }
    known.sort();
    known.dedup();
    // Of a single split beside files without one that split is read, as for training.
    if known.len() > 1 || has_unnamed {
        let open = |split: Split| {
            let rows = cx.block_on(Files::open_split(cx, paths, split.clone()))?;
            Ok((split, rows))
        };
        return known.into_iter().map(open).collect();
    }
    let rows = cx.block_on(Files::open(cx, paths))?;
    let said: Vec<String> = rows.notes().to_vec();
    let whole = |split: Split, rows: Files| {
        notes.extend(said);
        Ok(vec![(split, rows)])
    };
    if paths.iter().any(|path| Path::new(path).is_dir()) || rows.kind() == Kind::Pictures {
        return whole(known.pop().unwrap_or(Split::Train), rows);
    }
    // Files that were named: their own names may tell.
    let splits = Splits::by_name(Path::new(""), &rows.tables())?;
    let named: Vec<(Split, Vec<String>)> = splits
        .iter()
        .map(|(split, files)| (split.clone(), files.to_vec()))
        .collect();
    match (named.as_slice(), splits.unnamed()) {
        ([], _) => whole(Split::Train, rows),
        ([(split, _)], []) => whole(split.clone(), rows),
        (several, []) => {
            let open =
                |(split, files): &(Split, Vec<String>)| Ok((split.clone(), cx.block_on(Files::open(cx, files))?));
            several.iter().map(open).collect()
        }
        (_, [one, ..]) => Err(Error::config(format!(
            "the names of some files tell their split, and that of {one} does not; import folders, or name files of one kind"
        ))),
    }
}

/// The binary columns of `rows`, those that are declared images where there are any.
fn candidates(rows: &dyn Stable) -> Vec<String> {
    let schema = rows.schema();
    let declared = features(&schema);
    let binary = schema.fields().iter().filter(|field| is_binary(field.data_type()));
    let all: Vec<String> = binary.map(|field| field.name().clone()).collect();
    let is_image = |name: &&String| declared[name.as_str()]["_type"] == "Image";
    match all.iter().any(|name| is_image(&name)) {
        true => all.iter().filter(is_image).cloned().collect(),
        false => all,
    }
}

/// The columns of pictures: those that `spec` names, or those of `candidates` that are declared images or whose first values are pictures.
fn images(
    cx: &Context,
    rows: &dyn Stable,
    spec: &ImportSpec,
    candidates: Vec<String>,
    notes: &mut Vec<String>,
) -> Result<Vec<String>> {
    let schema = rows.schema();
    for name in spec.images.iter().chain(&spec.masks) {
        column_of_bytes(&schema, name)?;
    }
    if !spec.images.is_empty() && spec.resize.is_none() {
        return Ok(spec.images.clone());
    }
    let declared = features(&schema);
    let candidates = candidates.into_iter().filter(|name| !spec.masks.contains(name));
    // A field of a struct is stored as what it is.
    let mut candidates: Vec<String> = candidates.filter(|name| schema.index_of(name).is_ok()).collect();
    let is_declared = |name: &String| declared[name.as_str()]["_type"] == "Image";
    if !candidates.iter().all(is_declared) {
        let len = rows.len().finite().unwrap_or(0);
        let first: Vec<u64> = (0..len.min(LOOKED_AT)).collect();
        let first = cx.block_on(rows.take(cx, &first))?;
        let holds_pictures = |name: &String| {
            let column = first.column_by_name(name);
            let values = column
                .into_iter()
                .flat_map(|column| (0..column.len()).filter_map(|row| bytes_of(column, row)));
            let mut values = values.map(|value| Facts::of(value).is_ok()).peekable();
            values.peek().is_some() && values.all(|is_picture| is_picture)
        };
        candidates.retain(|name| is_declared(name) || holds_pictures(name));
    }
    if !spec.images.is_empty() {
        candidates.retain(|name| !spec.images.contains(name));
        unnamed::check(&candidates, notes)?;
        return Ok(spec.images.clone());
    }
    if spec.resize.is_some() && candidates.len() != 1 {
        let message = match candidates.as_slice() {
            [] => "no column holds pictures that could be made smaller".to_owned(),
            several => format!(
                "which columns hold pictures? It could be {}; name those that are to be made smaller, and those that are masks",
                several.join(", ")
            ),
        };
        return Err(Error::schema(message).with_remedy(Remedy::ImageColumn));
    }
    Ok(candidates)
}
