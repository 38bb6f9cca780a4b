//! Imports: the rows that were there, in files as the loader likes them; stopped and gone on with; refused where they would harm.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use common::{context, ints, refusal};
use millstream::error::ErrorKind;
use millstream::image::{Downscale, Downscaled, Facts, Format, Pixels};
use millstream::import::{Import, ImportSpec, Imported, OnBadPicture};
use millstream::inspect::Inspect;
use millstream::rng::Rng;
use millstream::source::{Files, Kind, Memory, Parquet, Split, Splits};
use millstream::{Context, Dataset, Result, Stable};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const NAMES: [&str; 3] = ["cat", "dog", "newt"];

/// A picture with slopes of all colours, as a PNG.
fn png(row: usize) -> Vec<u8> {
    let (width, height) = (60 + row as u32 % 7, 40);
    let mut pixels = Pixels::new(width, height);
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at as u32 % width, at as u32 / width);
        pixel.copy_from_slice(&[(x * 4) as u8, (y * 6) as u8, row as u8]);
    }
    pixels.to_png().unwrap()
}

/// `rows` rows as Hugging Face stores them: pictures with paths, classes, words and lists.
fn rows(rows: usize) -> RecordBatch {
    let bytes: BinaryArray = (0..rows).map(|row| (row != 5).then(|| png(row))).collect();
    let path: StringArray = (0..rows).map(|row| (row != 5).then(|| format!("{row}.png"))).collect();
    let fields = [("bytes", DataType::Binary), ("path", DataType::Utf8)];
    let fields = fields.map(|(name, data_type)| Arc::new(Field::new(name, data_type, true)));
    let nulls = (0..rows).map(|row| row != 5).collect();
    let image = StructArray::new(
        fields.to_vec().into(),
        vec![Arc::new(bytes), Arc::new(path)],
        Some(nulls),
    );
    let label = Int64Array::from_iter_values((0..rows as i64).map(|row| row % 3));
    let words: StringArray = (0..rows)
        .map(|row| (row % 4 != 0).then(|| format!("word {}", row % 9)))
        .collect();
    let list = (0..rows).map(|row| Some((0..row % 4).map(|item| Some(item as i64)).collect::<Vec<_>>()));
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(list);
    let columns: [(&str, ArrayRef); 4] = [
        ("image", Arc::new(image)),
        ("label", Arc::new(label)),
        ("words", Arc::new(words)),
        ("list", Arc::new(list)),
    ];
    let features = json!({
        "image": {"_type": "Image"},
        "label": {"names": NAMES, "_type": "ClassLabel"},
        "words": {"dtype": "string", "_type": "Value"},
        "list": {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"},
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let metadata = [(
        "huggingface".to_owned(),
        json!({"info": {"features": features}}).to_string(),
    )];
    let schema = Schema::new_with_metadata(batch.schema().fields().clone(), metadata.into());
    RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).unwrap()
}

fn write(path: &Path, batch: &RecordBatch, group: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

struct Place {
    dir: TempDir,
    cx: Context,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            cx: context(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn import(&self, from: &str, out: &str, spec: &ImportSpec) -> Result<Imported> {
        self.import_with(&self.cx, from, out, spec)
    }

    fn import_with(&self, cx: &Context, from: &str, out: &str, spec: &ImportSpec) -> Result<Imported> {
        Import::open(cx, &[self.at(from)], spec.clone())?.run(cx, self.path(out), &mut |_, _| ())
    }

    /// All rows of a split.
    fn read(&self, from: &str, split: Split) -> RecordBatch {
        let paths = [self.at(from)];
        let rows = self.cx.block_on(Parquet::open_split(&self.cx, &paths, split)).unwrap();
        let all: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
        self.cx.block_on(rows.take(&self.cx, &all)).unwrap()
    }
}

/// Small files and row groups.
fn small() -> ImportSpec {
    ImportSpec {
        file_bytes: 40_000,
        row_group_bytes: 10_000,
        ..ImportSpec::default()
    }
}

/// Every file below `folder`, with its bytes.
fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(std::result::Result::unwrap)
    {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(listing(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}

/// As [`listing`], by the paths below `folder`.
fn below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let below = |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(folder).unwrap().to_owned(), bytes);
    let mut all: BTreeMap<_, _> = listing(folder).into_iter().map(below).collect();
    // What a killed process leaves of it is no lock.
    all.remove(Path::new(".millstream.lock"));
    all
}

#[test]
fn rows_splits_and_features_are_those_of_the_source() {
    let place = Place::new();
    write(&place.path("photos/train-0.parquet"), &rows(100).slice(0, 60), 20);
    write(&place.path("photos/train-1.parquet"), &rows(100).slice(60, 40), 40);
    write(&place.path("photos/test.parquet"), &rows(9), 9);
    let done = place.import("photos", "out", &small()).unwrap();
    assert_eq!((done.rows(), done.files_before), (109, 0));
    let files: Vec<(String, usize)> = done
        .splits
        .iter()
        .map(|own| (own.split.to_string(), own.files.len()))
        .collect();
    assert_eq!(files, [("train".to_owned(), files[0].1), ("test".to_owned(), 1)]);
    assert!(files[0].1 > 2, "{files:?}");
    let splits = Splits::of(&place.at("out")).unwrap();
    assert_eq!(
        splits.to_string(),
        format!("train ({} files), test (1 file)", files[0].1)
    );
    let name = format!("data/train-00001-of-{:05}.parquet", files[0].1);
    assert_eq!(done.splits[0].files[1], place.path("out").join(&name));
    for split in [Split::Train, Split::Test] {
        let (was, is) = (place.read("photos", split.clone()), place.read("out", split));
        assert_eq!(was.columns(), is.columns());
        let names = |batch: &RecordBatch| batch.schema().field(1).metadata()["millstream.classes"].clone();
        assert_eq!((names(&is), was.schema().fields().len()), (names(&was), 4));
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(place.path("out").join(&name)).unwrap()).unwrap();
    let known = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let known = known.iter().find(|entry| entry.key == "huggingface").unwrap();
    let said: Value = serde_json::from_str(known.value.as_ref().unwrap()).unwrap();
    let given = rows(1).schema().metadata()["huggingface"].clone();
    assert_eq!(said, serde_json::from_str::<Value>(&given).unwrap());
    // The struct is stored whole, with its paths; all of it may be null.
    let stored: Vec<RecordBatch> = reader.build().unwrap().map(std::result::Result::unwrap).collect();
    let (image, first) = (stored[0]["image"].as_struct(), ints(&stored[0], "label")[0]);
    let path = image.column_by_name("path").unwrap().as_string::<i32>();
    let row = path.value(0).strip_suffix(".png").unwrap().parse::<usize>().unwrap();
    assert_eq!(first, row as i64 % 3);
    assert_eq!(
        image.column_by_name("bytes").unwrap().as_binary::<i32>().value(0),
        png(row)
    );
    assert!(stored[0].schema().fields().iter().all(|field| field.is_nullable()));
}

#[test]
fn files_have_small_row_groups_checksums_and_an_index() {
    let place = Place::new();
    write(&place.path("rows.parquet"), &rows(100), 100);
    let done = place.import("rows.parquet", "out", &small()).unwrap();
    let open = Parquet::open(&place.cx, place.at("out/data"));
    let files = place.cx.block_on(open).unwrap();
    assert_eq!(files.files().len(), done.splits[0].files.len());
    for file in files.files() {
        assert!(file.checksums && file.offset_index, "{file:?}");
        assert!(file.row_groups.len() > 2, "{file:?}");
        assert!(
            file.row_groups.iter().all(|group| group.uncompressed < 13_000),
            "{file:?}"
        );
    }
    // Each page has a checksum that is right: any flipped byte of a page is found.
    let path = &done.splits[0].files[0];
    let whole = fs::read(path).unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(path).unwrap(), options).unwrap();
    let metadata = Arc::clone(reader.metadata());
    let mut pages = Vec::new();
    for (group, index) in metadata.row_groups().iter().zip(metadata.offset_index().unwrap()) {
        for (column, index) in group.columns().iter().zip(index) {
            // The last byte of each.
            pages.extend(column.dictionary_page_offset().map(|_| column.data_page_offset() - 1));
            let pages_of = index.page_locations().iter();
            pages.extend(pages_of.map(|page| page.offset + i64::from(page.compressed_page_size) - 1));
        }
    }
    assert!(pages.len() > 12, "{pages:?}");
    let damaged = place.path("damaged.parquet");
    for last in pages {
        let mut bytes = whole.clone();
        bytes[last as usize] ^= 1;
        fs::write(&damaged, bytes).unwrap();
        let taken = place.cx.block_on(async {
            let rows = Parquet::open(&place.cx, damaged.to_str().unwrap()).await?;
            let all: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
            let rows = rows.columns(&["image", "image.path", "label", "words", "list"])?;
            rows.take(&place.cx, &all).await
        });
        refusal(taken, ErrorKind::Data, "damaged.parquet");
    }
}

#[test]
fn no_machine_changes_a_byte() {
    let place = Place::new();
    write(&place.path("rows.parquet"), &rows(100), 30);
    let spec = ImportSpec {
        resize: Some(16),
        ..small()
    };
    place.import("rows.parquet", "out", &spec).unwrap();
    let first = below(&place.path("out"));
    for (threads, memory) in [(1, 1 << 15), (4, 1 << 24)] {
        let out = format!("out-{threads}");
        let cx = Context::with(threads, memory).unwrap();
        place.import_with(&cx, "rows.parquet", &out, &spec).unwrap();
        assert!(below(&place.path(&out)) == first, "{threads} threads, {memory} bytes");
    }
}

#[test]
fn pictures_are_made_smaller_and_the_rest_is_copied() {
    let place = Place::new();
    let batch = rows(20);
    let mut image: Vec<Option<Vec<u8>>> = (0..20).map(|row| (row != 5).then(|| png(row))).collect();
    image[3] = Some(b"no picture".to_vec());
    image[7] = Some(Pixels::new(16, 90).to_png().unwrap());
    let bytes: BinaryArray = image.iter().map(Option::as_deref).collect();
    let old = batch["image"].as_struct();
    let new = StructArray::new(
        old.fields().clone(),
        vec![Arc::new(bytes), Arc::clone(old.column(1))],
        old.nulls().cloned(),
    );
    let mut columns = batch.columns().to_vec();
    columns[0] = Arc::new(new);
    write(
        &place.path("rows.parquet"),
        &RecordBatch::try_new(batch.schema(), columns).unwrap(),
        20,
    );
    let spec = ImportSpec {
        resize: Some(16),
        ..small()
    };
    let done = place.import("rows.parquet", "out", &spec).unwrap();
    let counts = &done.pictures;
    assert_eq!(
        (counts.smaller, counts.small, counts.special, counts.bad),
        (17, 1, 0, 1)
    );
    let place_of_bad = format!(
        "row 3 of row group 0 in {}: image \"image\": not an image",
        place.at("rows.parquet")
    );
    assert!(done.bad[0].starts_with(&place_of_bad), "{:?}", done.bad);
    let (was, is) = (
        place.read("rows.parquet", Split::Train),
        place.read("out", Split::Train),
    );
    let downscale = Downscale {
        shorter: 16,
        ..Downscale::default()
    };
    for (row, stored) in image.iter().enumerate().take(20) {
        let of = |batch: &RecordBatch| {
            let column = batch["image"].as_binary_view();
            column.is_valid(row).then(|| column.value(row).to_vec())
        };
        let expected = match row {
            3 | 5 | 7 => stored.clone(),
            _ => match downscale.apply(stored.as_ref().unwrap(), &[]).unwrap() {
                Downscaled::Smaller { picture, .. } => Some(picture),
                Downscaled::Kept(why) => panic!("{why:?}"),
            },
        };
        assert_eq!(of(&is), expected, "row {row}");
        if ![3, 5, 7].contains(&row) {
            let facts = Facts::of(&of(&is).unwrap()).unwrap();
            let width = 16 * (60 + row as u32 % 7) / 40;
            assert_eq!((facts.format, facts.width, facts.height), (Format::Png, width, 16));
        }
    }
    for column in ["label", "words", "list"] {
        assert_eq!(&was[column], &is[column]);
    }
    let strict = ImportSpec {
        on_bad_picture: OnBadPicture::Fail,
        ..spec
    };
    let error = refusal(
        place.import("rows.parquet", "strict", &strict),
        ErrorKind::Data,
        "not an image",
    );
    assert!(error.to_string().contains("row 3 of row group 0 in "), "{error}");
    assert!(!place.path("strict/data").exists());
}

#[test]
fn a_tiff_of_several_pages_is_copied() {
    let place = Place::new();
    let stored = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/pictures/formats/L_tiff_adobe_deflate.tif"
    ));
    let one = stored.unwrap();
    // The first page once more: its directory again, at the end, where that of the first page leads now.
    let number = |at: usize| u32::from_le_bytes(*one[at..].first_chunk().unwrap()) as usize;
    assert_eq!(&one[..4], b"II*\0");
    let (start, mut two) = (number(4), one.clone());
    two.resize(two.len().next_multiple_of(2), 0);
    let end = start + 2 + 12 * usize::from(u16::from_le_bytes([one[start], one[start + 1]]));
    assert_eq!(number(end), 0);
    let second = u32::try_from(two.len()).unwrap();
    two[end..end + 4].copy_from_slice(&second.to_le_bytes());
    two.extend(&one[start..end + 4]);
    assert_eq!(Pixels::decode(&two).unwrap(), Pixels::decode(&one).unwrap());
    let image: BinaryArray = [&one, &two].into_iter().map(Some).collect();
    let columns: [(&str, ArrayRef); 1] = [("image", Arc::new(image))];
    write(
        &place.path("rows.parquet"),
        &RecordBatch::try_from_iter(columns).unwrap(),
        2,
    );
    let spec = ImportSpec {
        resize: Some(8),
        ..small()
    };
    let done = place.import("rows.parquet", "out", &spec).unwrap();
    assert_eq!((done.pictures.smaller, done.pictures.special), (1, 1));
    let rows = place.read("out", Split::Train);
    let rows = rows["image"].as_binary_view();
    assert_eq!(rows.value(1), two);
    assert_eq!(Facts::of(rows.value(0)).unwrap().format, Format::Png);
}

#[test]
fn masks_are_made_smaller_with_their_picture() {
    let place = Place::new();
    let mask = |row: usize| {
        let mut pixels = Pixels::new(60 + row as u32 % 7, 40);
        let width = pixels.stride();
        pixels
            .levels
            .chunks_exact_mut(width)
            .skip(20)
            .for_each(|line| line.fill(7));
        pixels.to_png().unwrap()
    };
    let image: BinaryArray = (0..9).map(|row| Some(png(row))).collect();
    let masks: BinaryArray = (0..9).map(|row| (row != 4).then(|| mask(row))).collect();
    let columns: [(&str, ArrayRef); 2] = [("image", Arc::new(image)), ("mask", Arc::new(masks))];
    write(
        &place.path("rows.parquet"),
        &RecordBatch::try_from_iter(columns).unwrap(),
        9,
    );
    let spec = ImportSpec {
        resize: Some(10),
        ..small()
    };
    let error = refusal(
        place.import("rows.parquet", "out", &spec),
        ErrorKind::Schema,
        "It could be image, mask",
    );
    assert!(error.to_string().contains("those that are masks"), "{error}");
    // A mask that is not named would no longer fit its picture; what is called otherwise is told.
    let named = ImportSpec {
        images: vec!["image".to_owned()],
        ..spec.clone()
    };
    let error = refusal(
        place.import("rows.parquet", "out", &named),
        ErrorKind::Config,
        "column \"mask\" holds pictures, too, which stay as large as they are, and by its name they are masks",
    );
    assert!(error.to_string().ends_with("name it among the masks"), "{error}");
    let image: ArrayRef = Arc::new((0..9).map(|row| Some(png(row))).collect::<BinaryArray>());
    let columns = [("image", Arc::clone(&image)), ("depth", image)];
    write(
        &place.path("two.parquet"),
        &RecordBatch::try_from_iter(columns).unwrap(),
        9,
    );
    let import = Import::open(&place.cx, &[place.at("two.parquet")], named).unwrap();
    let said = "column \"depth\" holds pictures, too, which stay as large as they are: name it among the pictures, or the masks, if they are to be made smaller";
    assert_eq!(import.notes(), [said]);
    let spec = ImportSpec {
        masks: vec!["mask".to_owned()],
        ..spec
    };
    let done = place.import("rows.parquet", "out", &spec).unwrap();
    assert_eq!(done.pictures.smaller, 9);
    let out = place.read("out", Split::Train);
    let masks = out["mask"].as_binary_view();
    assert_eq!(masks.null_count(), 1);
    let made = Pixels::decode(masks.value(0)).unwrap();
    assert_eq!((made.width, made.height), (15, 10));
    let expected = [vec![0; 45 * 5], vec![7; 45 * 5]].concat();
    assert_eq!(made.levels, expected, "no value lies between");
}

#[test]
fn a_stopped_import_goes_on_and_ends_in_the_same_bytes() {
    let place = Place::new();
    write(&place.path("rows.parquet"), &rows(100), 30);
    let spec = ImportSpec {
        resize: Some(16),
        ..small()
    };
    place.import("rows.parquet", "whole", &spec).unwrap();
    let whole = below(&place.path("whole"));
    let files = whole.len() - 1;
    assert!(files > 3, "{files}");
    // As a kill leaves it: some files whole, one begun, all in the hidden folder.
    let (out, hidden) = (place.path("out"), place.path("out/.incomplete"));
    fs::create_dir_all(&hidden).unwrap();
    for (path, bytes) in &whole {
        match path.to_str().unwrap() {
            ".import.json" => fs::write(out.join(path), bytes).unwrap(),
            first if first.starts_with("data/train-00000") || first.starts_with("data/train-00001") => {
                fs::write(hidden.join(path.file_name().unwrap()), bytes).unwrap();
            }
            _ => {}
        }
    }
    fs::write(
        hidden.join(".millstream-train-00002-of-00009.parquet-Ab12Cd.tmp"),
        b"half",
    )
    .unwrap();
    let kept = fs::metadata(hidden.join(format!("train-00001-of-{files:05}.parquet"))).unwrap();
    let said = format!("{}: an import that was not finished; run it again", place.at("out"));
    assert_eq!(Splits::of(&place.at("out")).unwrap_err().to_string(), said);
    let (cx, paths) = (context(), [place.at("out")]);
    let opened = cx.block_on(Files::open(&cx, &paths));
    assert_eq!(opened.unwrap_err().to_string(), said);
    let seen = cx.block_on(Inspect::new(paths).run(&cx));
    assert_eq!(seen.unwrap_err().to_string(), said);
    let shows = |path: &Path| !path.file_name().unwrap().to_string_lossy().starts_with('.');
    let shown = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(
        shown.filter(|path| shows(path)).count(),
        0,
        "datasets finds nothing either"
    );
    let done = place.import("rows.parquet", "out", &spec).unwrap();
    assert_eq!(done.files_before, 2);
    assert_eq!(
        done.pictures.smaller, 99,
        "those of the files that were there are counted"
    );
    assert!(below(&out) == whole);
    let now = fs::metadata(out.join(format!("data/train-00001-of-{files:05}.parquet"))).unwrap();
    assert_eq!(
        now.modified().unwrap(),
        kept.modified().unwrap(),
        "it was not written again"
    );
    // And once more: all is there.
    let again = place.import("rows.parquet", "out", &spec).unwrap();
    assert_eq!((again.files_before, again.pictures), (files as u64, done.pictures));
    assert!(below(&out) == whole);
}

#[test]
fn another_source_or_other_options_are_refused() {
    let place = Place::new();
    write(&place.path("rows.parquet"), &rows(30), 30);
    place.import("rows.parquet", "out", &small()).unwrap();
    let before = listing(&place.path("out"));
    let refused = |from: &str, spec: &ImportSpec, part: &str| {
        refusal(place.import(from, "out", spec), ErrorKind::Resume, part);
        assert!(listing(&place.path("out")) == before);
    };
    let other = ImportSpec {
        resize: Some(20),
        quality: 90,
        ..small()
    };
    refused(
        "rows.parquet",
        &other,
        "another import lies here: quality was 95, is 90; resize was not set, is 20",
    );
    write(&place.path("more.parquet"), &rows(31), 31);
    refused("more.parquet", &small(), "rows of the split train was 30, is 31");
    // Settings that only one of two kinds of sources has are not told.
    fs::create_dir_all(place.path("pictures/cat")).unwrap();
    fs::write(place.path("pictures/cat/1.png"), png(1)).unwrap();
    refused(
        "pictures",
        &small(),
        "another import lies here: the split train is of another source; use another folder",
    );
    // The same bytes in another file may be others by now.
    let bytes = fs::read(place.path("rows.parquet")).unwrap();
    fs::write(place.path("new.parquet"), bytes).unwrap();
    fs::rename(place.path("new.parquet"), place.path("rows.parquet")).unwrap();
    refused(
        "rows.parquet",
        &small(),
        "files of the split train were written, moved or copied since",
    );
}

#[test]
fn what_others_wrote_stays() {
    let place = Place::new();
    write(&place.path("data/rows.parquet"), &rows(30), 30);
    fs::create_dir_all(place.path("theirs")).unwrap();
    fs::write(place.path("theirs/notes.txt"), "mine").unwrap();
    let refused = |out: &str, part: &str| {
        let before = listing(place.dir.path());
        refusal(place.import("data", out, &small()), ErrorKind::Config, part);
        assert!(listing(place.dir.path()) == before, "{out}");
    };
    refused("theirs", "this folder has files (notes.txt), but no .import.json");
    refused("data", "is read, and what is written there would be read as rows of it");
    refused(
        "data/below/out",
        "is read, and what is written there would be read as rows of it",
    );
    refused("", "data is read, and it would be mixed with what is written there");
    refused("gone/../data/out", "`..` leads out of");
    assert!(!place.path("gone").exists());
    refused("data/rows.parquet", "this is a file, and has to be a folder");
    place.import("data", "out", &small()).unwrap();
    fs::write(place.path("out/README.md"), "mine").unwrap();
    place.import("data", "out", &small()).unwrap();
    fs::write(place.path("out/data/more.parquet"), "mine").unwrap();
    refused("out", "no import wrote this");
    fs::remove_file(place.path("out/data/more.parquet")).unwrap();
    let file = place.path("out/data/train-00000-of-00001.parquet");
    let file = match file.exists() {
        true => file,
        false => listing(&place.path("out/data")).into_keys().next().unwrap(),
    };
    fs::copy(place.path("data/rows.parquet"), &file).unwrap();
    refused("out", "this is a Parquet file that no import wrote");
    fs::write(&file, "PAR1").unwrap();
    refused("out", "no whole file of an import (");
    fs::remove_file(&file).unwrap();
    refused("out", "it is missing");
}

#[test]
fn rows_of_ones_own_in_a_random_order() {
    let place = Place::new();
    let batch = common::rows(&common::mixed(&[300, 200]));
    let open = || {
        let rows: Arc<dyn Stable> = Arc::new(Memory::new(common::in_batches(&batch, 10)).unwrap());
        [(Split::Train, rows)]
    };
    let ids = |out: &str, shuffle| {
        let spec = ImportSpec { shuffle, ..small() };
        let import = Import::of(&place.cx, open(), spec).unwrap();
        import.run(&place.cx, place.path(out), &mut |_, _| ()).unwrap();
        let out = place.read(out, Split::Train);
        let labels = out["label"].as_string_view();
        for (row, &id) in ints(&out, "id").iter().enumerate() {
            assert_eq!(labels.value(row), batch["label"].as_string::<i32>().value(id as usize));
        }
        ints(&out, "id")
    };
    let plain = ids("plain", None);
    assert_eq!(plain, (0..500).collect::<Vec<_>>());
    let (one, same, other) = (ids("one", Some(1)), ids("same", Some(1)), ids("other", Some(2)));
    assert_eq!(one, same);
    assert_ne!(one, other);
    let mut sorted = one.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, plain);
    // From all over: of a window of 16 batches of 10 rows the first 50 would be.
    let far = one[..50].iter().filter(|&&id| id >= 250).count();
    assert!((12..=38).contains(&far), "{far}");
}

#[test]
fn a_progress_is_told_to_its_end_and_memory_may_be_small() {
    let place = Place::new();
    let mut rng = Rng::new(1, "bytes", 0);
    let mut bytes = vec![0; 300_000];
    rng.fill(&mut bytes);
    let image: BinaryArray = (0..40).map(|_| Some(bytes.as_slice())).collect();
    let batch = RecordBatch::try_from_iter([("data", Arc::new(image) as ArrayRef)]).unwrap();
    write(&place.path("rows.parquet"), &batch, 40);
    let cx = Context::with(2, 1 << 20).unwrap();
    let import = Import::open(&cx, &[place.at("rows.parquet")], ImportSpec::default()).unwrap();
    let mut told = Vec::new();
    import
        .run(&cx, place.path("out"), &mut |rows, of| told.push((rows, of)))
        .unwrap();
    assert!(told.len() > 10 && told.is_sorted(), "{told:?}");
    assert_eq!(told.last(), Some(&(40, 40)));
    // No pictures: a binary column stays one.
    let out = place.read("out", Split::Train);
    assert_eq!(out["data"].as_binary_view().value(39), bytes);
    let known = out.schema().metadata()["huggingface"].clone();
    assert!(
        known.contains(r#""data": {"_type": "Value", "dtype": "binary"}"#),
        "{known}"
    );
}

#[test]
fn folders_of_pictures_become_classes_and_splits() {
    let place = Place::new();
    for (row, name) in ["train/cat/a", "train/cat/b", "train/dog/c", "test/ant/d", "test/dog/e"]
        .iter()
        .enumerate()
    {
        let path = place.path(&format!("photos/{name}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(row)).unwrap();
    }
    let done = place.import("photos", "out", &ImportSpec::default()).unwrap();
    let counts: Vec<(String, u64)> = done
        .splits
        .iter()
        .map(|own| (own.split.to_string(), own.rows))
        .collect();
    assert_eq!(counts, [("train".to_owned(), 3), ("test".to_owned(), 2)]);
    let train = place.read("out", Split::Train);
    let names: Vec<String> = train
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["image", "label"]);
    assert_eq!(ints(&train, "label"), [1, 1, 2]);
    assert_eq!(
        train.schema().field(1).metadata()["millstream.classes"],
        r#"["ant","cat","dog"]"#
    );
    for row in 0..3 {
        assert_eq!(train["image"].as_binary_view().value(row), png(row));
    }
    assert_eq!(ints(&place.read("out", Split::Test), "label"), [0, 2]);
    // Where the folder lies is not told.
    let paths = [place.at("out")];
    let rows = place
        .cx
        .block_on(Parquet::open_split(&place.cx, &paths, Split::Test))
        .unwrap();
    let rows = rows.columns(&["image.path"]).unwrap();
    let rows = place.cx.block_on(rows.take(&place.cx, &[0, 1])).unwrap();
    let told: Vec<&str> = rows.column(0).as_string_view().iter().flatten().collect();
    assert_eq!(told, ["test/ant/d.png", "test/dog/e.png"]);
}

#[test]
fn of_one_split_beside_other_files_the_split_is_imported() {
    let place = Place::new();
    write(&place.path("rows/train-0.parquet"), &rows(4), 4);
    write(&place.path("rows/more.parquet"), &rows(3), 3);
    let import = Import::open(&place.cx, &[place.at("rows")], small()).unwrap();
    assert!(
        import
            .notes()
            .iter()
            .any(|note| note.contains("what has no split is not imported"))
    );
    let done = place.import("rows", "out", &small()).unwrap();
    let split = &done.splits[..];
    assert!(
        matches!(split, [only] if only.split == Split::Train && only.rows == 4),
        "{split:?}"
    );
}

#[test]
fn lists_of_pictures_become_columns() {
    let place = Place::new();
    for row in 0..3 {
        fs::create_dir_all(place.path("list")).unwrap();
        fs::write(place.path(&format!("list/{row}.png")), png(row)).unwrap();
    }
    let list = "file_name,price,words\n2.png,1.5,two\n0.png,2,zero\n1.png,,one\n";
    fs::write(place.path("list/metadata.csv"), list).unwrap();
    place
        .import("list/metadata.csv", "out", &ImportSpec::default())
        .unwrap();
    let train = place.read("out", Split::Train);
    let names: Vec<String> = train
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["image", "file_name", "price", "words"]);
    let price = train["price"].as_primitive::<Float64Type>();
    assert_eq!(price.iter().collect::<Vec<_>>(), [Some(1.5), Some(2.0), None]);
    for (row, file) in [2, 0, 1].into_iter().enumerate() {
        assert_eq!(train["image"].as_binary_view().value(row), png(file));
    }
}

#[test]
fn a_picture_that_a_list_names_in_vain_is_a_null() {
    let place = Place::new();
    fs::create_dir_all(place.path("list")).unwrap();
    fs::write(place.path("list/0.png"), png(0)).unwrap();
    fs::write(
        place.path("list/metadata.csv"),
        "file_name,label\n0.png,a\nnone.png,b\n",
    )
    .unwrap();
    let paths = [place.at("list")];
    let import = Import::open(&place.cx, &paths, ImportSpec::default()).unwrap();
    let said = "1 picture that is named is not there, and is null in what is written: row 1 in ";
    let notes = import.notes();
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with(said) && note.contains("none.png")),
        "{notes:?}"
    );
    import.run(&place.cx, place.path("out"), &mut |_, _| ()).unwrap();
    let rows = place.read("out", Split::Train);
    let image = rows["image"].as_binary_view();
    assert_eq!(image.iter().collect::<Vec<_>>(), [Some(&*png(0)), None]);
    let strict = ImportSpec {
        on_bad_picture: OnBadPicture::Fail,
        ..ImportSpec::default()
    };
    let error = refusal(place.import("list", "strict", &strict), ErrorKind::Data, "no such file");
    assert!(error.to_string().contains("row 1 in "), "{error}");
}

#[test]
fn one_import_at_a_time_writes_to_a_folder() {
    let place = Place::new();
    write(&place.path("rows.parquet"), &rows(30), 30);
    let open = || Import::open(&place.cx, &[place.at("rows.parquet")], small()).unwrap();
    let (first, second) = (open(), open());
    let mut refused = 0;
    let other = Context::with(1, 1 << 24).unwrap();
    let done = first.run(&place.cx, place.path("out"), &mut |_, _| {
        let result = second.run(&other, place.path("out"), &mut |_, _| ());
        refusal(result, ErrorKind::Busy, "is working in this folder");
        refused += 1;
    });
    assert!(done.is_ok() && refused > 1, "{done:?} {refused}");
    let again = second.run(&other, place.path("out"), &mut |_, _| ()).unwrap();
    assert_eq!(again.files_before, done.unwrap().splits[0].files.len() as u64);
}

#[cfg(all(feature = "cli", unix))]
mod program {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    /// The program, or what `shell` does before it becomes the program.
    fn program(place: &Place, shell: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_millstream");
        command.args(["-c", &format!("{shell} exec \"$@\""), "sh", program]);
        command.args(arguments).current_dir(place.dir.path());
        command
    }

    fn lines(command: &mut Command) -> (bool, String) {
        let done = command.output().unwrap();
        (done.status.success(), String::from_utf8(done.stderr).unwrap())
    }

    fn import<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [
            &[
                "import",
                "rows.parquet",
                "--out",
                out,
                "--file-size",
                "1",
                "--resize",
                "30",
                "--threads",
                "2",
            ],
            more,
        ]
        .concat()
    }

    /// Some megabytes.
    fn noise(place: &Place) {
        let picture = |row: u64| {
            let mut pixels = Pixels::new(90, 80);
            Rng::new(row, "noise", 0).fill(&mut pixels.levels);
            pixels.to_png().unwrap()
        };
        let image: BinaryArray = (0..200).map(|row| Some(picture(row))).collect();
        let batch = RecordBatch::try_from_iter([("image", Arc::new(image) as ArrayRef)]).unwrap();
        write(&place.path("rows.parquet"), &batch, 50);
    }

    #[test]
    fn killed_at_any_time_it_ends_in_the_same_bytes() {
        let place = Place::new();
        noise(&place);
        let (done, said) = lines(&mut program(&place, "", &import("whole", &[])));
        assert!(done, "{said}");
        assert!(said.contains("train: 200 rows in 5 files, "), "{said}");
        assert!(said.contains("pictures: 200 made smaller"), "{said}");
        let whole = below(&place.path("whole"));
        let (mut rng, mut kills) = (Rng::new(3, "kills", 0), 0);
        loop {
            let mut child = program(&place, "", &import("out", &[]))
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // The first is killed as soon as it writes, however fast the machine is.
            let begun = |kills: u64| kills > 0 || place.path("out/.incomplete").exists();
            let until = Instant::now() + Duration::from_millis(kills.min(1) * (20 + rng.below(150)));
            while (Instant::now() < until || !begun(kills)) && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            let status = child.wait().unwrap();
            if ended.is_some() {
                assert!(status.success(), "{status}");
                break;
            }
            assert!(
                !place.path("out/data").exists() || below(&place.path("out")) == whole,
                "half a dataset"
            );
            kills += 1;
            // Where the machine is too slow for these kills.
            if kills == 25 {
                assert!(lines(&mut program(&place, "", &import("out", &[]))).0);
                break;
            }
        }
        assert!(kills > 0);
        assert!(below(&place.path("out")) == whole, "after {kills} kills");
    }

    #[test]
    fn a_full_disk_leaves_nothing_half_valid() {
        let place = Place::new();
        noise(&place);
        assert!(lines(&mut program(&place, "", &import("whole", &[]))).0);
        // A file may have 30 KiB here, as if there were no room for more.
        let (done, said) = lines(&mut program(&place, "trap '' XFSZ; ulimit -f 60;", &import("out", &[])));
        assert!(!done && said.lines().count() == 1, "{said}");
        assert!(
            said.starts_with("error: ") && said.contains("out/.incomplete/train-00000-of-00005.parquet: "),
            "{said}"
        );
        assert!(!place.path("out/data").exists());
        assert_eq!(listing(&place.path("out/.incomplete")).len(), 0);
        assert!(lines(&mut program(&place, "", &import("out", &[]))).0);
        assert!(below(&place.path("out")) == below(&place.path("whole")));
    }

    #[test]
    fn options_are_named_in_errors() {
        let place = Place::new();
        let image: BinaryArray = [Some(png(1)), Some(b"none".to_vec())].into_iter().collect();
        let other: BinaryArray = [Some(png(1)), Some(png(2))].into_iter().collect();
        let columns: [(&str, ArrayRef); 2] = [("a", Arc::new(image)), ("b", Arc::new(other))];
        write(
            &place.path("rows.parquet"),
            &RecordBatch::try_from_iter(columns).unwrap(),
            2,
        );
        let named = import("out", &["--image", "a"]);
        let (done, said) = lines(&mut program(
            &place,
            "",
            &[&named[..], &["--on-error", "fail"]].concat(),
        ));
        assert!(
            !done && said.contains("row 1 of row group 0 in rows.parquet: image \"a\": not an image"),
            "{said}"
        );
        assert!(said.trim_end().ends_with("(--on-error keep)"), "{said}");
        let (done, said) = lines(&mut program(&place, "", &import("other", &["--image", "a"])));
        assert!(
            done && said.contains("warning: 1 picture cannot be read, copied as stored; the first: row 1 of"),
            "{said}"
        );
        let (done, said) = lines(&mut program(&place, "", &import("other", &["--image", "a"])));
        assert!(
            done && said.contains("it was imported already; nothing was written\n"),
            "{said}"
        );
    }
}

#[test]
fn lists_that_are_named_as_splits_are_imported_as_splits() {
    let place = Place::new();
    fs::create_dir_all(place.path("photos/pics")).unwrap();
    for row in 0..5 {
        fs::write(place.path(&format!("photos/pics/{row}.png")), png(row)).unwrap();
    }
    let list = |rows: std::ops::Range<usize>| {
        let rows: String = rows.map(|row| format!("pics/{row}.png,{}\n", NAMES[row % 3])).collect();
        format!("file_name,kind\n{rows}")
    };
    fs::write(place.path("photos/train.csv"), list(0..3)).unwrap();
    fs::write(place.path("photos/test.csv"), list(3..5)).unwrap();
    let expected = [("train".to_owned(), 3), ("test".to_owned(), 2)];
    let splits = |done: &Imported| -> Vec<(String, u64)> {
        let split = |own: &millstream::import::ImportedSplit| (own.split.to_string(), own.rows);
        done.splits.iter().map(split).collect()
    };
    // In a folder.
    let done = place.import("photos", "folder", &small()).unwrap();
    assert_eq!(splits(&done), expected);
    let paths = [place.at("photos")];
    let train = place
        .cx
        .block_on(Files::open_split(&place.cx, &paths, Split::Train))
        .unwrap();
    assert_eq!((train.kind(), train.len().finite()), (Kind::Listing, Some(3)));
    // Named one by one.
    let named = [place.at("photos/train.csv"), place.at("photos/test.csv")];
    let import = Import::open(&place.cx, &named, small()).unwrap();
    let done = import.run(&place.cx, place.path("named"), &mut |_, _| ()).unwrap();
    assert_eq!(splits(&done), expected);
    fs::write(place.path("photos/more.csv"), list(0..1)).unwrap();
    let mixed = [named[0].clone(), place.at("photos/more.csv")];
    refusal(
        Import::open(&place.cx, &mixed, small()).map(|_| ()),
        ErrorKind::Config,
        "the names of some files tell their split, and that of",
    );
    refusal(
        place.import("photos", "unclear", &small()).map(|_| ()),
        ErrorKind::Config,
        "5 pictures, 3 lists",
    );
}
