//! The rows that a generator is fitted on, and a sheet of what it makes beside them.

use super::classify::Classify;
use super::cut_out::are_objects;
use super::datasets::Datasets;
use super::equal_rows;
use super::hold_out::HoldOut;
use super::shared_pictures::picture_hashes;
use super::spec::source::{of_train, of_valid};
use super::spec::{DataOptions, DataSource};
use super::training_files::training_files;
use crate::columns::{bytes_inside, bytes_of, index_of};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::Pixels;
use crate::quote::{counted, quoted};
use crate::report::picture::{SheetGroup, SheetSample, Tile, contact_sheet_of};
use crate::rows::{AnyLabels, Labels};
use crate::source::{Files, FoundFiles, Split};
use crate::spec::Named;
use crate::stored_rows::{GENERATOR, ORIGIN, PARENTS};
use crate::synthetic::learned::{RowMaker, Training};
use crate::synthetic::{GeneratorSpec, SampleId};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use image::RgbImage;
use std::path::PathBuf;
use std::sync::Arc;

/// Training rows of a generator.
///
/// They are those that a fine-tuning run with the same data and seed trains on: where it holds rows out for validation, a generator must not
/// see them either, or its rows would leak them.
#[derive(Clone, Debug)]
pub struct GeneratorRows {
    /// The rows and their classes, under the seed.
    pub training: Training,
    /// What there is to say of the choice of files and rows, a sentence each.
    pub notes: Vec<String>,
    /// The files and folders that are read.
    pub inputs: Vec<PathBuf>,
    /// All columns of the training files, those among them that are not learnt.
    pub columns: SchemaRef,
    /// The generator that is fitted on these rows, where it is another one than was asked for: of boxes, scenes whose objects are cut out by masks.
    pub generator: Option<Named<dyn GeneratorSpec>>,
}

impl GeneratorRows {
    /// Opens `data`: the image column and the label column for a generator of `pictures`, else all columns.
    ///
    /// # Errors
    ///
    /// As [`Datasets::open`], and `Config` where a validation row is a training row, or all of them are equal to the training rows.
    pub fn open(cx: &Context, data: &DataOptions, seed: u64, pictures: bool) -> Result<Self> {
        Self::open_without(cx, data, seed, pictures, &[])
    }

    /// As [`open`](Self::open), of a table without the columns `ignore`. The columns of groups and times, by which rows are held out, are left out in any case: they say
    /// which rows belong together, and a generator would make up others.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); `Schema` for a column that is not there, `Config` for the label column.
    pub fn open_without(
        cx: &Context,
        data: &DataOptions,
        seed: u64,
        pictures: bool,
        ignore: &[String],
    ) -> Result<Self> {
        match pictures {
            true if !ignore.is_empty() => Err(Error::config(
                "columns to ignore are those of a table, and of pictures no other column is learnt",
            )),
            true => Self::open_pictures(cx, data, seed, None),
            false => Self::open_table(cx, data, seed, ignore),
        }
    }

    /// As [`open_without`](Self::open_without), for the generator `spec`: of one of [pictures](GeneratorSpec::makes_pictures) the columns that it reads, the first of which are the
    /// pictures where the data names no other.
    ///
    /// Scenes need no label of a row where the training rows have boxes with classes, and no column of labels is named or called so: each object is a row then, cut out of its
    /// picture by the ellipse inside its box, and rows are held out as a detection holds them out.
    ///
    /// # Errors
    ///
    /// As there; `Schema` for a column that it reads and that is not there.
    pub fn open_for(
        cx: &Context,
        data: &DataOptions,
        seed: u64,
        spec: &dyn GeneratorSpec,
        ignore: &[String],
    ) -> Result<Self> {
        if Self::cuts_boxes(spec) && ignore.is_empty() && Self::boxes_alone(cx, data)?.is_some() {
            return Self::open_boxes(cx, data, seed, spec);
        }
        let reads = spec.reads();
        if !spec.makes_pictures() || !ignore.is_empty() {
            return Self::open_without(cx, data, seed, spec.makes_pictures(), ignore);
        }
        let mut data = data.clone();
        data.image = data.image.or_else(|| reads.first().cloned());
        Self::open_pictures(cx, &data, seed, reads.get(1).map(String::as_str))
    }

    /// The pictures and their classes, and the column `beside`.
    fn open_pictures(cx: &Context, data: &DataOptions, seed: u64, beside: Option<&str>) -> Result<Self> {
        let task = Classify::default().into();
        let datasets = Datasets::open_with(cx, data, Some(&task), seed, (beside, &[])).map_err(|error| {
            match Self::boxes_alone(cx, data) {
                Ok(Some(column)) if error.kind() == ErrorKind::Schema => Error::schema(format!(
                    "column {} holds boxes, and this generator makes pictures of one class each: name a column of classes, or take scenes, whose objects are cut out \
                     by their boxes",
                    quoted(&column)
                ))
                .with_remedy(Remedy::LabelColumn),
                _ => error,
            }
        })?;
        let columns = stored_columns(cx, data, &datasets)?;
        let labels = Arc::clone(datasets.labels("a generator")?);
        let notes = understood(cx, &datasets)?;
        Ok(Self {
            inputs: datasets.stored.iter().flat_map(|stored| stored.rows.inputs()).collect(),
            notes,
            training: Training {
                cx: cx.with_seed(seed),
                rows: datasets.train,
                labels,
            },
            columns,
            generator: None,
        })
    }

    fn open_table(cx: &Context, data: &DataOptions, seed: u64, ignore: &[String]) -> Result<Self> {
        let DataSource::Files(paths) = &data.train else {
            return Err(Error::config("a table of rows is read from files: name them"));
        };
        if data.label_by.is_some() {
            return Err(Error::config(
                "data.label_by: a generator of a table learns its columns as they are stored: leave it out, and name the column of labels",
            ));
        }
        let found = cx.block_on(FoundFiles::find(paths)).map_err(of_train)?;
        let rows = cx.block_on(found.open_split(cx, Split::Train)).map_err(of_train)?;
        let label = rows.find_label(data.label.as_deref())?;
        let labels = cx.block_on(Labels::scan(cx, &rows, &label))?;
        let held = match &data.valid {
            DataSource::Files(paths) if paths.is_empty() => cx.block_on(found.open_validation(cx))?,
            DataSource::Files(paths) => {
                let held = cx.block_on(Files::open_split_or_only(cx, paths, Split::Validation));
                Some(held.map_err(of_valid)?)
            }
            DataSource::Source(_) => {
                return Err(Error::config(
                    "validation rows of a table are read from files: name them",
                ));
            }
        };
        let mut notes = vec![format!(
            "labels: column {}, {}",
            quoted(&label),
            counted(labels.names().len(), "class")
        )];
        notes.extend(rows.notes().iter().cloned());
        let (inputs, labels) = (rows.inputs(), Arc::new(labels));
        let hold_out = HoldOut::scan(cx, &rows, data, &[&label])?;
        let made: &[&str] = match hold_out.has_synthetic() {
            true => &[ORIGIN, GENERATOR, PARENTS],
            false => &[],
        };
        let columns = rows.schema();
        let (whole, rows) = (rows.clone(), without(rows, &label, data, (ignore, made), &mut notes)?);
        let training = match held {
            Some(held) => {
                notes.extend(hold_out.check_validation(cx, &whole, &held, data, &[&label])?);
                let compared = equal_rows::compared(&rows, &held, &label);
                let hashes = |rows: &Files| equal_rows::by_columns(cx, rows, &compared);
                notes.extend(equal_rows::check(cx, (&whole, &held), &hashes)?);
                Training {
                    cx: cx.with_seed(seed),
                    rows: Arc::new(rows),
                    labels,
                }
            }
            None => {
                let by = AnyLabels::from(&labels);
                let (rule, what) = ((data.held_out, seed), "validation rows would be held");
                let split = hold_out.split(Some(&by), labels.len(), rule, what);
                let split = split.map_err(|error| error.with_remedy(Remedy::Validation))?;
                if split.train.is_empty() || split.held_out.is_empty() {
                    let why = hold_out.one_value().map(str::to_owned);
                    let why = why.unwrap_or_else(|| format!("column {}: no class has two rows", quoted(&label)));
                    let message = format!("{why}, so none can be held out");
                    return Err(Error::config(message).with_remedy(Remedy::Validation));
                }
                notes.extend(hold_out.note(&split));
                notes.push(held_out(split.held_out.len() as u64));
                // Of all columns that are learnt, but for the label, as of validation rows of their own.
                let compared = equal_rows::compared(&rows, &rows, &label);
                let all = equal_rows::by_columns(cx, &rows, &compared)?;
                let of = |part: &[u64]| part.iter().filter_map(|&row| all.get(row as usize).copied()).collect();
                let (own, other): (Vec<u128>, Vec<u128>) = (of(&split.train), of(&split.held_out));
                notes.extend(equal_rows::held_out_copies(own, &other, hold_out.against_copies()));
                Training {
                    cx: cx.with_seed(seed),
                    labels: Arc::new(labels.select(&split.train)),
                    rows: Arc::new(rows.select(split.train)?),
                }
            }
        };
        Ok(Self {
            training,
            notes,
            inputs,
            columns,
            generator: None,
        })
    }
}

/// All columns of the training files of `datasets`.
pub(super) fn stored_columns(cx: &Context, data: &DataOptions, datasets: &Datasets) -> Result<SchemaRef> {
    match &data.train {
        DataSource::Files(_) => Ok(training_files(cx, &data.train)?.schema()),
        DataSource::Source(_) => Ok(datasets.train.schema()),
    }
}

/// How the pictures of `datasets` were understood, and which of them stand among the training and the validation rows.
///
/// # Errors
///
/// As [`equal_rows::check`] and [`equal_rows::held_out_copies`].
pub(super) fn understood(cx: &Context, datasets: &Datasets) -> Result<Vec<String>> {
    let mut notes = datasets.understood();
    // The task follows from the rows: the user did not choose it.
    notes.retain(|note| !note.starts_with("task: "));
    let hashes = |rows: &Arc<dyn Stable>| picture_hashes(cx, &**rows, &datasets.image);
    let sets = (&datasets.train, &datasets.valid);
    if datasets.is_held_out() {
        notes.push(held_out(datasets.valid_rows()));
        let mend = datasets.hold_out.against_copies();
        notes.extend(equal_rows::held_out_copies(hashes(sets.0)?, &hashes(sets.1)?, mend));
    } else {
        notes.extend(equal_rows::check(cx, sets, &hashes)?);
    }
    Ok(notes)
}

/// `rows` without the columns that are not learnt; those of `made` say which rows are synthetic.
fn without(
    rows: Files,
    label: &str,
    data: &DataOptions,
    (ignore, made): (&[String], &[&str]),
    notes: &mut Vec<String>,
) -> Result<Files> {
    let schema = rows.schema();
    for name in ignore {
        index_of(&schema, name)?;
        if name == label {
            let message = format!(
                "column {} is to be ignored, and has the classes: name another label column",
                quoted(label)
            );
            return Err(Error::config(message));
        }
    }
    let (group, time) = (data.group.as_ref(), data.time.as_ref());
    let is_left = |name: &&str| schema.index_of(name).is_ok() && !ignore.iter().any(|named| named == *name);
    let made = made.iter().copied().filter(is_left);
    let named = ignore.iter().chain(group).chain(time).map(String::as_str);
    let left_out: Vec<&str> = named.chain(made).filter(|name| *name != label).collect();
    if left_out.is_empty() {
        return Ok(rows);
    }
    notes.push(format!(
        "columns that are not learnt: {}",
        left_out.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    ));
    let names = schema.fields().iter().map(|field| field.name());
    let kept: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !left_out.contains(name))
        .collect();
    rows.columns(&kept)
}

fn held_out(rows: u64) -> String {
    format!(
        "{} held out for validation, as a training with the same data and seed has them: the generator does not see them",
        crate::quote::counted_with(rows, "row", ["is", "are"])
    )
}

/// Pictures of `maker`, under the seed of `cx`, class by class: `samples` of each, and where `real` rows are given as many of these below.
///
/// # Errors
///
/// `Schema` for a maker of no pictures, and where the rows are others than those that it was fitted on.
pub fn generator_sheet(
    cx: &Context,
    maker: &dyn RowMaker,
    real: Option<&Training>,
    samples: u64,
    edge: u32,
) -> Result<RgbImage> {
    let about = maker.about();
    if let Some(real) = real {
        about.check(&real.rows.schema(), &real.labels)?;
    }
    let schema = maker.schema();
    let mut pictures = schema.fields().iter().filter(|field| is_picture(field));
    let column = pictures.next().ok_or_else(|| {
        Error::schema(format!(
            "a generator \"{}\" makes rows of a table, and a sheet shows pictures: write its rows to a file",
            about.name()
        ))
    })?;
    let mut groups = Vec::new();
    for (class, (name, &count)) in (0..).zip(about.classes.iter().zip(&about.counts)) {
        if maker.check_class(class).is_err() {
            continue;
        }
        let wanted: Vec<SampleId> = (0..samples).map(|index| SampleId { class, index }).collect();
        let parts = wanted.chunks(maker.at_once().max(1));
        let made = parts.map(|some| maker.make(cx, some)).collect::<Result<Vec<_>>>()?;
        let mut lines = vec![Vec::new()];
        for made in &made {
            lines[0].extend(line(files(made, column.name())?.into_iter(), Origin::Synthetic)?);
        }
        if let Some(Training { cx, rows, labels }) = real {
            let of_class = (0..labels.len()).filter(|&row| labels.class(row) == class);
            let positions: Vec<u64> = of_class.take(samples as usize).collect();
            let taken = cx.block_on(rows.take(cx, &positions))?;
            lines.push(line(files(&taken, column.name())?.into_iter(), Origin::Real)?);
        }
        groups.push(SheetGroup {
            name: name.clone(),
            count,
            lines,
        });
    }
    let noun = match real.is_some_and(|real| are_objects(&*real.rows)) {
        true => "object",
        false => "row",
    };
    let notes = [format!(
        "{}, fitted on {}",
        maker.made_by(cx.seed()),
        counted(about.counts.iter().sum::<u64>(), noun)
    )];
    contact_sheet_of((noun, &[]), "Made rows", &notes, &groups, edge)
}

/// Whether `field` is one of pictures as files have them, a struct of their bytes and a path.
fn is_picture(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Struct(fields) if fields.find("bytes").is_some())
}

/// The encoded pictures in `column`.
fn files<'a>(rows: &'a RecordBatch, column: &str) -> Result<Vec<&'a [u8]>> {
    let column = rows.column(index_of(&rows.schema(), column)?);
    let column = bytes_inside(column).unwrap_or(column);
    Ok((0..rows.num_rows())
        .map(|row| bytes_of(column, row).unwrap_or_default())
        .collect())
}

fn line<'a>(files: impl Iterator<Item = &'a [u8]>, origin: Origin) -> Result<Vec<SheetSample>> {
    let sample = |file: &[u8]| {
        let pixels = Pixels::decode(file)?;
        let rgb = match pixels.channels() {
            1 => pixels.levels.iter().flat_map(|&level| [level; 3]).collect(),
            _ => pixels.levels,
        };
        Ok(SheetSample {
            tiles: vec![Tile {
                rgb,
                width: pixels.width,
                height: pixels.height,
                origin,
            }],
            captions: Vec::new(),
        })
    };
    files.map(sample).collect()
}
