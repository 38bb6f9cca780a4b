//! What lies in Parquet files or folders of pictures, and what is wrong with it: to be looked at before anything is trained. Which [rows](Leaks) are on both sides of a
//! split. And how good [synthetic rows](Quality) are beside real ones.
//!
//! ```
//! use millstream::Context;
//! use millstream::inspect::Inspect;
//!
//! let cx = Context::new()?;
//! let inspect = Inspect::new(["examples/data/fashion-mnist-train.parquet"]);
//! let found = cx.block_on(inspect.run(&cx))?;
//! assert_eq!((found.rows, found.labels.column.as_deref()), (1242, Some("label")));
//! assert_eq!(found.labels.classes.len(), 10);
//! # Ok::<(), millstream::Error>(())
//! ```

mod box_places;
mod classes;
mod leaks;
mod masks;
mod pictures;
mod quality;
mod recognised;
mod taken;

pub use classes::{Class, Labels, Numbers};
pub use leaks::{
    DistanceRule, HashRule, Leak, LeakControl, LeakCount, LeakKind, LeakReport, LeakRow, LeakSet, LeakStage,
    LeakedPositions, LeakedRows, Leaks, Overlap, Turn,
};
pub use masks::{MaskValue, Masks};
pub use pictures::{Bad, Images, Pictures};
pub use quality::{
    Better, ColumnQuality, ComparedFigure, FigureMeaning, GroupQuality, Marginal, Medium, PairQuality, Plots, Quality,
    QualityReport, QualitySection, Rule,
};
pub use recognised::{Recognised, RecognisedBoxes, RecognisedKeypoints};

use crate::columns::list_item;
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::image::Reading;
use crate::rows::{BoxFormat, find_instances};
use crate::source::parquet::FileInfo;
use crate::source::{Files, Kind, Parquet, Split};
use arrow::datatypes::{DataType, Schema};
use serde::Serialize;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Inspect {
    /// Files, folders or patterns.
    pub files: Vec<String>,
    /// The image column, if not found by its type.
    pub image: Option<String>,
    /// The label column, if not found by its type.
    pub label: Option<String>,
    /// Of folders with several splits the one that is looked at. Defaults to none: all are.
    pub split: Option<Split>,
    /// Decode every picture; otherwise 256 from all over the rows.
    pub full: bool,
    /// How pictures are read.
    pub reading: Reading,
    /// What the four numbers of a box mean. Defaults to `xywh`, as COCO has it.
    pub boxes: BoxFormat,
}

/// What was found, as data: it serialises to one JSON object, and a program lays it out.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// How the data lies.
    pub kind: Kind,
    /// The Parquet files whose footers could be read; of pictures in files of their own one entry for all.
    pub files: Vec<File>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Why a column cannot be read of all files; or why they are not one dataset, and what follows is of the first file alone.
    pub conflict: Option<String>,
    /// What there is to say of the choice of files, the splits of a folder, and of metadata that cannot be used.
    pub notes: Vec<String>,
    /// Rows of the dataset.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<Column>,
    /// What they are read as.
    pub recognised: Recognised,
    /// Its labels.
    pub labels: Labels,
    /// Its images.
    pub images: Images,
    /// Why a column that was named is none.
    #[serde(skip)]
    misnamed: Option<String>,
}

/// A file, as its footer describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// The path as it was given.
    pub path: String,
    /// Rows.
    pub rows: u64,
    /// Row groups.
    pub row_groups: usize,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes after decompression.
    pub uncompressed: u64,
    /// Whether pages carry checksums.
    pub checksums: bool,
    /// Whether single pages can be found by an index.
    pub page_index: bool,
    /// Codecs of its columns.
    pub codecs: Vec<String>,
}

/// A path that is not there, or a file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The path.
    pub path: String,
    /// Why.
    pub why: String,
}

/// A column as it comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: String,
    /// The fields of its structs, or of the structs in its lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<ColumnField>,
    /// Whether it may hold the images.
    pub image: bool,
    /// Whether it may hold the labels.
    pub label: bool,
}

/// A field of the structs in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnField {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: String,
}

impl Inspect {
    /// To look at these files, folders or patterns, at some of the pictures.
    pub fn new(files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            files: files.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Looks at the files. What is wrong with them is part of the result.
    ///
    /// Reads the footers, the label column, and the pictures that are looked at.
    ///
    /// # Errors
    ///
    /// `Config` for no path, for a split that is not there, and where it is not clear what is meant by one; `Stage` where a thread has failed.
    pub async fn run(&self, cx: &Context) -> Result<Inspection> {
        if self.files.is_empty() {
            return Err(Error::config("no file was asked for"));
        }
        match Files::kind_of(&self.files).await {
            Ok(Kind::Pictures | Kind::Listing | Kind::Source) => return self.of_files(cx).await,
            Err(error) if error.kind() == ErrorKind::Config => return Err(error),
            // What cannot be read is part of the result.
            Ok(Kind::Parquet) | Err(_) => {}
        }
        if let Some(split) = &self.split {
            Files::check_split(&self.files, split).await?;
        }
        let found = Parquet::readable(cx, &self.files, self.split.clone()).await?;
        let rows = found.rows.clone().map(Files::from);
        let (labels, images, misnamed) = self.look(cx, rows.as_ref()).await?;
        Ok(Inspection {
            kind: Kind::Parquet,
            misnamed,
            columns: columns(found.schema.as_deref(), &labels, &images),
            recognised: Recognised::of(rows.as_ref(), self.label.as_deref(), &labels),
            notes: notes(rows.as_ref()),
            rows: found.rows.as_ref().map_or(0, rows_of),
            conflict: found.conflict.map(|error| error.to_string()),
            files: found.files.iter().map(file).collect(),
            unreadable: found
                .unreadable
                .iter()
                .map(|(path, error)| Unreadable {
                    path: path.clone(),
                    why: error.to_string(),
                })
                .collect(),
            labels,
            images,
        })
    }
}

impl Inspect {
    /// Labels and images of `rows`, and why a column that was named is none.
    async fn look(&self, cx: &Context, rows: Option<&Files>) -> Result<(Labels, Images, Option<String>)> {
        let (mut labels, mut images) = (Labels::default(), Images::default());
        if let Some(rows) = rows {
            labels = Labels::of(cx, rows, self.label.as_deref(), self.boxes).await;
            let mask = labels.column.clone().filter(|_| labels.masks);
            // Of two columns that hold files the masks are not the pictures.
            let mut beside = rows.image_candidates();
            beside.retain(|name| Some(name) != mask.as_ref());
            let only = <[String; 1]>::try_from(beside).ok().map(|[only]| only);
            let image = self.image.clone().or_else(|| only.filter(|_| mask.is_some()));
            images = Images::of(cx, rows, image.as_deref(), (self.full, self.reading)).await?;
            if let Some(pictures) = &images.pictures {
                labels
                    .place(cx, rows, (self.label.as_deref(), self.boxes), pictures)
                    .await;
            }
            if let Some(mask) = mask {
                let columns = (mask.as_str(), images.column.as_deref());
                labels.pixels = Some(Masks::of(cx, rows, columns, (self.full, self.reading)).await?);
            }
            let instances = find_instances(&rows.schema()).filter(|_| labels.objects.is_some());
            if let Some(instances) = instances {
                let columns = (instances, images.column.as_deref());
                let found = Masks::of(cx, rows, columns, (self.full, self.reading)).await?;
                labels.instances = Some(Masks {
                    values: Vec::new(),
                    ..found
                });
            }
        }
        let misnamed = [
            labels
                .problem
                .clone()
                .filter(|_| self.label.is_some() && labels.column.is_none()),
            images
                .problem
                .clone()
                .filter(|_| self.image.is_some() && images.column.is_none()),
        ];
        Ok((labels, images, misnamed.into_iter().flatten().next()))
    }

    /// Looks at files of another kind than Parquet.
    async fn of_files(&self, cx: &Context) -> Result<Inspection> {
        let rows = Files::open_all_splits(cx, &self.files, self.split.clone()).await?;
        let (labels, images, misnamed) = self.look(cx, Some(&rows)).await?;
        let count = rows.len().finite().unwrap_or(0);
        let all = File {
            path: rows.name().to_owned(),
            rows: count,
            row_groups: 0,
            bytes: rows.bytes(),
            uncompressed: rows.bytes(),
            checksums: false,
            page_index: false,
            codecs: Vec::new(),
        };
        Ok(Inspection {
            kind: rows.kind(),
            misnamed,
            columns: columns(Some(&rows.schema()), &labels, &images),
            recognised: Recognised::of(Some(&rows), self.label.as_deref(), &labels),
            notes: notes(Some(&rows)),
            rows: count,
            conflict: None,
            files: vec![all],
            unreadable: Vec::new(),
            labels,
            images,
        })
    }
}

impl Inspection {
    /// Whether all that was asked for could be read.
    ///
    /// # Errors
    ///
    /// `Data` where a path is not there or a file is no Parquet file, with the first of them and how many there are; `Schema`
    /// where a column that was named is missing or holds something else.
    pub fn check(&self) -> Result<()> {
        let Some(first) = self.unreadable.first() else {
            return match &self.misnamed {
                Some(why) => Err(Error::schema(why.clone())),
                None => Ok(()),
            };
        };
        Err(Error::data(match self.unreadable.len() {
            1 => first.why.clone(),
            many => format!("{many} paths cannot be read; the first: {}", first.why),
        }))
    }
}

fn notes(rows: Option<&Files>) -> Vec<String> {
    let of = |rows: &Files| [rows.notes().to_vec(), rows.metadata_problems()].concat();
    rows.into_iter().flat_map(of).collect()
}

fn rows_of(rows: &Parquet) -> u64 {
    rows.files().iter().map(|file| file.rows).sum()
}

fn file(info: &FileInfo) -> File {
    File {
        path: info.path.to_string(),
        rows: info.rows,
        row_groups: info.row_groups.len(),
        bytes: info.bytes,
        uncompressed: info.row_groups.iter().map(|group| group.uncompressed).sum(),
        checksums: info.checksums,
        page_index: info.offset_index,
        codecs: info.codecs.clone(),
    }
}

fn columns(schema: Option<&Schema>, labels: &Labels, images: &Images) -> Vec<Column> {
    let fields = schema.into_iter().flat_map(|schema| schema.fields().iter());
    let of = |names: &[String], name: &String| names.contains(name);
    let column = |field: &arrow::datatypes::FieldRef| Column {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
        fields: fields_of(field.data_type()),
        image: of(&images.candidates, field.name()) || images.column.as_ref() == Some(field.name()),
        label: of(&labels.candidates, field.name()) || labels.column.as_ref() == Some(field.name()),
    };
    fields.map(column).collect()
}

/// The fields of the structs that a column of `data_type` holds, by themselves or in lists; none of any other column.
fn fields_of(data_type: &DataType) -> Vec<ColumnField> {
    let inner = list_item(data_type).map_or(data_type, |item| item.data_type());
    let DataType::Struct(fields) = inner else {
        return Vec::new();
    };
    let field = |field: &arrow::datatypes::FieldRef| ColumnField {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
    };
    fields.iter().map(field).collect()
}
