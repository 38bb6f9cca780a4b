//! Damaged and hostile files: no panic, no hang, bounded memory, and no wrong row where a checksum covers the damage.
//!
//! The tables of what is found are printed by `cargo test --release --test corruption -- --nocapture damage`;
//! `MILLSTREAM_DAMAGE=20` before it makes twenty times as many trials.
#![allow(missing_docs, clippy::print_stdout, reason = "tests, which print what they measure")]
#![allow(unsafe_code, reason = "an allocator that counts")]
#![cfg(feature = "testing")]

use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float64Array, Int32Array, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type};
use millstream::error::ErrorKind;
use millstream::image::{Decoder, Image, Pixels};
use millstream::rng::Rng;
use millstream::source::Parquet;
use millstream::testing::{Damage, Outcome, check_corruption};
use millstream::{Context, Dataset, DatasetExt, Error, Result, Stable};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

// Memory.

/// Counts bytes in use, and the most that ever were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that all tests of this file together may use at any time, if they all run at once.
const MOST: usize = 160 << 20;

#[track_caller]
fn memory_stays_bounded() {
    let peak = PEAK.load(Ordering::Relaxed);
    println!("peak memory so far: {:.1} MiB", peak as f64 / f64::from(1 << 20));
    assert!(peak < MOST, "{peak} bytes were in use");
}

/// A panic of a decoder is caught and becomes an error; its report would only fill the screen.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let here = std::thread::current();
            if here.name().is_none_or(|name| !name.starts_with("millstream-")) {
                report(info);
            }
        }));
    });
}

// What is counted.

/// `trials`, times `MILLSTREAM_DAMAGE` where that is set.
fn times(trials: usize) -> usize {
    trials * std::env::var("MILLSTREAM_DAMAGE").map_or(1, |times| times.parse().unwrap())
}

/// For each region of a file, how many trials were refused, read as before, and read otherwise.
type Table = BTreeMap<&'static str, [u64; 3]>;

fn count(table: &mut Table, region: &'static str, outcomes: &[Outcome]) {
    let row = table.entry(region).or_default();
    for outcome in outcomes {
        row[*outcome as usize] += 1;
    }
}

fn print(title: &str, table: &Table) {
    println!("\n| {title} | trials | refused | read as before | read otherwise |\n|---|---|---|---|---|");
    for (region, row) in table {
        let all: u64 = row.iter().sum();
        let share = |of: u64| format!("{:.1} %", 100.0 * of as f64 / all.max(1) as f64);
        println!(
            "| {region} | {all} | {} | {} | {} |",
            share(row[0]),
            share(row[1]),
            share(row[2])
        );
    }
}

// Parquet: bits and lengths.

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The rows of `tests/scripts/make_checked.py`.
fn table() -> RecordBatch {
    let ids = || 0..48_usize;
    let children = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let bytes: BinaryArray = ids()
        .map(|i| {
            Some(
                (0..40 + i % 9)
                    .map(|k| ((i * 7 + k * k) % 251) as u8)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let path = StringArray::from_iter_values(ids().map(|i| format!("{i}.jpg")));
    let nulls = NullBuffer::from_iter(ids().map(|i| i != 5));
    let image = StructArray::new(children, vec![Arc::new(bytes), Arc::new(path)], Some(nulls));
    let vectors = ids().map(|i| Some([Some(i as f32 + 0.25), Some(-(i as f32)), Some(3.5)]));
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int32Array::from_iter_values(0..48))),
        (
            "label",
            Arc::new(StringArray::from_iter_values(ids().map(|i| format!("class {}", i % 4)))),
        ),
        (
            "score",
            Arc::new(
                ids()
                    .map(|i| (i % 7 != 0).then_some(i as f64 / 3.0))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "vector",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, 3)),
        ),
        ("image", Arc::new(image)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn written(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    file
}

fn in_groups() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_max_row_group_row_count(Some(16))
}

/// What a file's rows are: how many, and the columns of the first 200.
type Rows = (u64, Vec<(String, ArrayRef)>);

/// Reads files that it puts into a directory of its own.
fn reader(memory: u64) -> impl Fn(&[u8]) -> Result<Rows> + Send + Sync {
    quiet();
    let (cx, dir) = (Context::with(2, memory).unwrap(), tempfile::tempdir().unwrap());
    move |bytes| {
        let path = dir.path().join("x.parquet").display().to_string();
        std::fs::write(&path, bytes).unwrap();
        let read = async {
            let file = Parquet::open(&cx, &path).await?;
            let len = file.len().finite().unwrap();
            let rows = file.take(&cx, &(0..len.min(200)).collect::<Vec<_>>()).await?;
            let mut columns = Vec::new();
            for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
                file.column(&cx, field.name()).await?;
                columns.push((field.name().clone(), Arc::clone(column)));
            }
            Ok((len, columns))
        };
        let read: Result<Rows> = cx.block_on(read);
        if let Err(error) = &read {
            assert!(error.to_string().contains(&path), "the file is not named: {error}");
            assert_ne!(error.kind(), ErrorKind::Io, "{error}");
        }
        read
    }
}

fn metadata(file: &[u8]) -> ParquetMetaData {
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    reader.parse_and_finish(&bytes_of(file)).unwrap()
}

fn bytes_of(file: &[u8]) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(file)
}

/// Compressed size of the page at `at`, the third number of its header.
fn body(file: &[u8], at: usize) -> usize {
    let mut rest = &file[at..];
    let mut number = || {
        let (mut value, mut shift) = (0_u64, 0);
        rest = rest.strip_prefix(&[0x15]).unwrap();
        loop {
            let byte = rest[0];
            rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return (value >> 1) as usize;
            }
        }
    };
    (number(), number(), number()).2
}

/// Every byte of a file, by what it is.
fn regions(file: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let (metadata, end) = (metadata(file), file.len());
    let footer = u32::from_le_bytes(file[end - 8..end - 4].try_into().unwrap()) as usize;
    let mut out = vec![
        ("1 first magic", 0..4),
        ("8 footer", end - 8 - footer..end - 8),
        ("9 its length, last magic", end - 8..end),
    ];
    let offsets = metadata.offset_index().expect("an offset index");
    for (g, group) in metadata.row_groups().iter().enumerate() {
        for (c, chunk) in group.columns().iter().enumerate() {
            let pages = &offsets[g][c].page_locations;
            let mut page = |at: i64, names: [&'static str; 2]| {
                let (at, size) = (at as usize, body(file, at as usize));
                let header = (10..200)
                    .find(|&header| is_page(file, at, header, size, chunk, pages))
                    .unwrap();
                out.push((names[0], at..at + header));
                out.push((names[1], at + header..at + header + size));
            };
            if let Some(dictionary) = chunk.dictionary_page_offset() {
                page(dictionary, ["2 dictionary header", "3 dictionary"]);
            }
            pages
                .iter()
                .for_each(|place| page(place.offset, ["4 page header", "5 page"]));
            let range = |at: Option<i64>, length: Option<i32>| {
                at.zip(length)
                    .map(|(at, length)| at as usize..at as usize + length as usize)
            };
            out.extend(range(chunk.column_index_offset(), chunk.column_index_length()).map(|r| ("6 column index", r)));
            out.extend(range(chunk.offset_index_offset(), chunk.offset_index_length()).map(|r| ("7 offset index", r)));
        }
    }
    out
}

/// Whether a page with that header ends where the next page or the column does.
fn is_page(
    file: &[u8],
    at: usize,
    header: usize,
    size: usize,
    chunk: &ColumnChunkMetaData,
    pages: &[parquet::file::page_index::offset_index::PageLocation],
) -> bool {
    let (start, length) = chunk.byte_range();
    let end = at + header + size;
    let next = pages
        .iter()
        .map(|page| page.offset as usize)
        .find(|&offset| offset > at);
    end <= file.len() && end == next.unwrap_or((start + length) as usize)
}

/// Flips `each` bits of every region, cuts the file at `each` lengths, and returns what came of it by region.
fn survey(file: &[u8], each: usize, table: &mut Table) {
    let mut by_region: BTreeMap<&'static str, Vec<Damage>> = BTreeMap::new();
    for (region, range) in regions(file) {
        by_region
            .entry(region)
            .or_default()
            .extend(Damage::flips(range, each, 3));
    }
    by_region.insert("cut short", Damage::cuts(file.len(), each * 3));
    for (region, mut damages) in by_region {
        // As many of each region, evenly chosen.
        let step = (damages.len() / (each * 3)).max(1);
        damages = damages.into_iter().step_by(step).collect();
        count(
            table,
            region,
            &check_corruption(file, &damages, reader(64 << 20)).unwrap(),
        );
    }
}

#[test]
fn damage_in_files_with_page_checksums() {
    let mut table = Table::new();
    for name in ["plain", "snappy", "zstd", "gzip"] {
        survey(&fixture(&format!("checked-{name}.parquet")), times(50), &mut table);
    }
    print("Parquet with page checksums", &table);
    for covered in ["3 dictionary", "5 page"] {
        // Some are read as before: the paths of images are never read.
        assert_eq!(table[covered][2], 0, "{covered} was read otherwise");
    }
    assert_eq!(table["cut short"][1..], [0, 0]);
    memory_stays_bounded();
}

#[test]
fn damage_in_files_without_checksums() {
    let mut found = Table::new();
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
        Compression::GZIP(Default::default()),
        Compression::BROTLI(Default::default()),
    ];
    let mut writers: Vec<_> = codecs.map(|codec| in_groups().set_compression(codec)).into();
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let deltas = in_groups().set_dictionary_enabled(false);
        let column =
            |name: &[&str]| parquet::schema::types::ColumnPath::new(name.iter().map(|s| s.to_string()).collect());
        writers.push(
            deltas
                .set_column_encoding(column(&["label"]), encoding)
                .set_column_encoding(column(&["image", "bytes"]), encoding),
        );
    }
    for writer in writers {
        let file = written(&table(), writer);
        assert!(reader(1)(&file).is_ok());
        survey(&file, times(25), &mut found);
    }
    print("Parquet without checksums", &found);
    assert_eq!(found["cut short"][1..], [0, 0]);
    memory_stays_bounded();
}

#[test]
fn the_fixtures_are_the_rows_that_they_seem_to_be() {
    let read = reader(1 << 30);
    let expected = read(&written(&table(), in_groups())).unwrap();
    for name in ["plain", "snappy", "zstd", "gzip"] {
        let (rows, columns) = read(&fixture(&format!("checked-{name}.parquet"))).unwrap();
        assert_eq!(rows, 48);
        for ((name, column), (_, other)) in columns.iter().zip(&expected.1).filter(|(read, _)| read.0 != "vector") {
            assert_eq!(column, other, "{name}");
        }
    }
}

// Parquet: hostile sizes.

/// A number in a Thrift structure.
fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A page header: kind 0 is a data page, 2 a dictionary.
fn header(kind: i64, uncompressed: i64, compressed: i64, values: i64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut field = |numbers: &[i64], then: &[u8]| {
        for &number in numbers {
            out.push(0x15);
            varint(&mut out, number);
        }
        out.extend(then);
    };
    field(
        &[kind, uncompressed, compressed],
        &[if kind == 2 { 0x4c } else { 0x2c }],
    );
    match kind {
        2 => field(&[values, 0], &[0, 0]),
        _ => field(&[values, 0, 3, 3], &[0, 0]),
    }
    out
}

/// What a footer says of its only column.
#[derive(Clone, Copy)]
struct Claims {
    codec: Compression,
    rows: i64,
    values: i64,
    uncompressed: i64,
    /// Instead of the true length.
    compressed: Option<i64>,
    /// Bytes of an offset index at the end of the pages, in a row group that is large enough to be read by it.
    index: usize,
}

impl Claims {
    fn of(codec: Compression) -> Self {
        Self {
            codec,
            rows: 4,
            values: 4,
            uncompressed: 100,
            compressed: None,
            index: 0,
        }
    }
}

/// A file with one column of strings and these `pages`.
fn crafted(claims: Claims, pages: &[u8]) -> Vec<u8> {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(["a", "b", "c", "d"]));
    let batch = RecordBatch::try_from_iter([("word", words)]).unwrap();
    let plain = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None);
    let metadata = metadata(&written(&batch, plain));
    let group = metadata.row_group(0).clone();
    let chunk: ColumnChunkMetaData = group.column(0).clone();
    let index = (claims.index > 0).then_some(claims.index as i32);
    let chunk = chunk
        .into_builder()
        .set_offset_index_offset(index.map(|length| 4 + pages.len() as i64 - i64::from(length)))
        .set_offset_index_length(index)
        .set_compression(claims.codec)
        .set_num_values(claims.values)
        .set_data_page_offset(4)
        .set_total_uncompressed_size(claims.uncompressed)
        .set_total_compressed_size(claims.compressed.unwrap_or(pages.len() as i64))
        .build()
        .unwrap();
    let group: RowGroupMetaData = group
        .into_builder()
        .set_num_rows(claims.rows)
        .set_total_byte_size(if index.is_some() { 1 << 30 } else { 100 })
        .set_column_metadata(vec![chunk])
        .build()
        .unwrap();
    let metadata = metadata.into_builder().set_row_groups(vec![group]).build();
    let mut file = [b"PAR1", pages].concat();
    ParquetMetaDataWriter::new(&mut file, &metadata).finish().unwrap();
    file
}

#[track_caller]
fn refused(file: &[u8], kind: ErrorKind, said: &str) {
    let error = reader(64 << 20)(file).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(said), "{said:?} is not in: {error}");
}

/// Four strings of one letter, as a page holds them.
fn letters() -> Vec<u8> {
    b"abcd".iter().flat_map(|&letter| [1, 0, 0, 0, letter]).collect()
}

#[test]
fn a_crafted_file_can_be_read() {
    let page = [header(0, 20, 20, 4), letters()].concat();
    let (rows, columns) = reader(1)(&crafted(Claims::of(Compression::UNCOMPRESSED), &page)).unwrap();
    let expected: ArrayRef = Arc::new(arrow::array::StringViewArray::from_iter_values(["a", "b", "c", "d"]));
    assert_eq!((rows, &columns[0].1), (4, &expected));
}

#[test]
fn pages_that_claim_too_much() {
    let most = i64::from(i32::MAX);
    for codec in [
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
    ] {
        let page = [header(0, most, 20, 4), letters()].concat();
        let honest = Claims {
            uncompressed: most,
            ..Claims::of(codec)
        };
        refused(
            &crafted(honest, &page),
            ErrorKind::Budget,
            "2147483647 bytes when decompressed, but the context has",
        );
        let unsaid = Claims {
            values: 0,
            ..Claims::of(codec)
        };
        refused(
            &crafted(unsaid, &page),
            ErrorKind::Budget,
            "2147483647 bytes when decompressed",
        );
        let page = [header(0, 200 << 20, 20, 4), letters()].concat();
        refused(
            &crafted(Claims::of(codec), &page),
            ErrorKind::Data,
            "209715200 bytes, but the footer says 100",
        );
    }
    let page = [header(2, 20, 20, most), letters()].concat();
    let file = crafted(Claims::of(Compression::UNCOMPRESSED), &page);
    refused(&file, ErrorKind::Data, "2147483647 entries in a dictionary of 20 bytes");
    let page = [header(0, 20, 20_000, 4), letters()].concat();
    let file = crafted(Claims::of(Compression::UNCOMPRESSED), &page);
    refused(&file, ErrorKind::Data, "the page is longer than its column");
    for values in [5, 1 << 20, most] {
        let page = [header(0, 20, 20, values), letters()].concat();
        let claims = Claims {
            rows: values,
            values,
            ..Claims::of(Compression::UNCOMPRESSED)
        };
        refused(&crafted(claims, &page), ErrorKind::Data, "row group 0");
    }
    memory_stays_bounded();
}

#[test]
fn bombs() {
    let zeros = vec![0; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 22);
    for _ in 0..768 {
        gzip.write_all(&zeros).unwrap();
        brotli.write_all(&zeros).unwrap();
    }
    let bombs = [
        (Compression::GZIP(Default::default()), gzip.finish().unwrap()),
        (Compression::BROTLI(Default::default()), brotli.into_inner()),
    ];
    for (codec, packed) in bombs {
        println!("{codec}: 768 MiB in {} bytes", packed.len());
        let page = [header(0, 20, packed.len() as i64, 4), packed].concat();
        refused(
            &crafted(Claims::of(codec), &page),
            ErrorKind::Data,
            "the page is not the 20 bytes",
        );
        let page = [header(0, 768 << 20, page.len() as i64, 4), page].concat();
        let honest = Claims {
            uncompressed: 768 << 20,
            ..Claims::of(codec)
        };
        refused(
            &crafted(honest, &page),
            ErrorKind::Budget,
            "805306368 bytes when decompressed",
        );
    }
    memory_stays_bounded();
}

/// A delta-encoded list that says to have `count` numbers, all of them 1.
fn lengths(count: u64) -> Vec<u8> {
    let mut out = vec![0x80, 0x01, 0x04];
    let mut rest = count;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend([0x02, 0x00, 0, 0, 0, 0]);
    out
}

#[test]
fn delta_encoded_lengths_that_claim_too_much() {
    const LENGTHS: i64 = 6;
    const PREFIXES: i64 = 7;
    let read = |encoding: i64, body: &[u8]| {
        let mut page = header(0, body.len() as i64, body.len() as i64, 4);
        let at = page.len() - 7;
        page[at] = (encoding * 2) as u8;
        reader(64 << 20)(&crafted(
            Claims::of(Compression::UNCOMPRESSED),
            &[&page[..], body].concat(),
        ))
    };
    let sound = read(LENGTHS, &[&lengths(4)[..], b"abcd"].concat()).unwrap();
    let mut none = lengths(4);
    none[4] = 0;
    let prefixes = [&none[..], &lengths(4), b"abcd"].concat();
    assert_eq!(read(PREFIXES, &prefixes).unwrap(), sound);
    for count in [5, 1 << 31, 1 << 40, 1 << 62] {
        let said = "the page has more lengths than values";
        let first = [&lengths(count)[..], b"abcd"].concat();
        let second = [&none[..], &lengths(count), b"abcd"].concat();
        for (encoding, body) in [(LENGTHS, &first), (PREFIXES, &first), (PREFIXES, &second)] {
            let error = read(encoding, body).unwrap_err().to_string();
            assert!(error.contains(said), "{count}: {error}");
        }
    }
    memory_stays_bounded();
}

#[test]
fn delta_encoded_strings_of_any_number_can_be_read() {
    for rows in [1, 2, 31, 32, 33, 127, 128, 129, 130, 161, 257, 1000] {
        for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
            let words: StringArray = (0..rows)
                .map(|i| (i % 9 != 4).then(|| "wörd ".repeat(i * i % 13)))
                .collect();
            let batch = RecordBatch::try_from_iter([("word", Arc::new(words) as ArrayRef)]).unwrap();
            let plain = WriterProperties::builder().set_dictionary_enabled(false);
            let read = |encoding| reader(1)(&written(&batch, plain.clone().set_encoding(encoding))).unwrap();
            assert_eq!(read(encoding), read(Encoding::PLAIN), "{rows} rows by {encoding}");
        }
    }
}

#[test]
fn footers_that_claim_too_much() {
    let page = [header(0, 20, 20, 4), letters()].concat();
    let sound = Claims::of(Compression::UNCOMPRESSED);
    for rows in [1 << 62, i64::MAX, 5, 1 << 40] {
        refused(
            &crafted(Claims { rows, ..sound }, &page),
            ErrorKind::Data,
            "row group 0",
        );
        refused(
            &crafted(
                Claims {
                    rows,
                    values: rows,
                    ..sound
                },
                &page,
            ),
            ErrorKind::Data,
            "row group 0",
        );
    }
    refused(
        &crafted(Claims { rows: -1, ..sound }, &page),
        ErrorKind::Data,
        "footer: row group 0: -1 rows",
    );
    for compressed in [-1, 1 << 40, i64::MAX] {
        let file = crafted(
            Claims {
                compressed: Some(compressed),
                ..sound
            },
            &page,
        );
        refused(&file, ErrorKind::Data, "outside of the file");
    }
    for claims in [
        Claims { values: -4, ..sound },
        Claims {
            uncompressed: i64::MIN,
            ..sound
        },
    ] {
        refused(&crafted(claims, &page), ErrorKind::Data, "footer");
    }
    // A list of 2^31 - 1 schema elements, and one of as many row groups.
    for field in [0x19, 0x39] {
        let mut footer = vec![0x15, 0x02, field, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00, 0x00];
        footer.extend([0; 40]);
        let file = [b"PAR1", &footer[..], &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat();
        refused(&file, ErrorKind::Data, "a list in it is longer than it");
    }
    let index = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0, 0];
    let indexed = Claims {
        index: index.len(),
        ..sound
    };
    let file = crafted(indexed, &[&page[..], &index].concat());
    refused(
        &file,
        ErrorKind::Data,
        "offset index: it ends early, or a list in it is longer than it",
    );
    memory_stays_bounded();
}

// Rows that are no images, through stage and loader.

#[test]
fn a_bad_row_is_named_by_file_row_group_row_column_and_position() {
    let png = fixture("rgb.png");
    let cut = &png[..png.len() / 2];
    let images: BinaryArray = (0..48)
        .map(|row| match row {
            17 => None,
            35 => Some(cut),
            40 => Some(&b"<html>"[..]),
            _ => Some(&png[..]),
        })
        .collect();
    let label = Int32Array::from_iter_values(0..48);
    let rows = RecordBatch::try_from_iter([("photo", Arc::new(images) as ArrayRef), ("label", Arc::new(label))]);
    let (cx, dir) = (Context::with(2, 1 << 26).unwrap(), tempfile::tempdir().unwrap());
    let path = dir.path().join("photos.parquet").display().to_string();
    std::fs::write(&path, written(&rows.unwrap(), in_groups())).unwrap();
    let open = || cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let told = |row: u64| {
        let staged = open()
            .select(vec![0, row, 1])
            .unwrap()
            .image("photo", Image::new(8))
            .unwrap();
        let mut loader = staged.loader(&cx).batch_size(3).blocking().unwrap();
        let error = loader.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        error.to_string()
    };
    for (row, place, why) in [
        (17, "row 1 of row group 1", "the value is null"),
        (35, "row 3 of row group 2", "premature end of PNG data"),
        (
            40,
            "row 8 of row group 2",
            "not an image: starts with [3c, 68, 74, 6d, 6c, 3e] (\"<html>\")",
        ),
    ] {
        assert_eq!(
            told(row),
            format!("{place} in {path} (position 1): image \"photo\": {why}")
        );
    }
    let wrong = open().image("label", Image::new(8)).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Schema);
    assert!(
        wrong.to_string().contains("\"label\"") && wrong.to_string().contains("Int32"),
        "{wrong}"
    );
}

// Images.

/// A PNG chunk.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [
        &(data.len() as u32).to_be_bytes(),
        &kind[..],
        data,
        &crc.sum().to_be_bytes(),
    ]
    .concat()
}

/// A PNG of `side` x `side` RGBA pixels whose compressed data is `data`.
fn png(side: u32, before: &[u8], data: &[u8]) -> Vec<u8> {
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let parts = [
        chunk(b"IHDR", &header),
        before.to_vec(),
        chunk(b"IDAT", data),
        chunk(b"IEND", b""),
    ];
    [b"\x89PNG\r\n\x1a\n", &parts.concat()[..]].concat()
}

fn zeros(mebibytes: usize) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    (0..mebibytes).for_each(|_| zlib.write_all(&[0; 1 << 20]).unwrap());
    zlib.finish().unwrap()
}

/// A JPEG whose header says `width` x `height`.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut file = fixture("rgb.jpg");
    let frame = file.windows(2).position(|mark| mark == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    file
}

/// A WebP whose canvas is `side` x `side`, around the picture of `lossy.webp`.
fn webp(side: u32) -> Vec<u8> {
    let lossy = fixture("lossy.webp");
    let side = &(side - 1).to_le_bytes()[..3];
    let canvas = [b"VP8X\x0a\0\0\0\0\0\0\0", side, side].concat();
    let size = (4 + canvas.len() + lossy.len() - 12) as u32;
    [b"RIFF", &size.to_le_bytes()[..], b"WEBP", &canvas, &lossy[12..]].concat()
}

#[test]
fn images_that_claim_too_much() {
    let told = |file: &[u8]| decode(file).unwrap_err().to_string();
    let limit = "is over the limit of 1048576";
    assert_eq!(told(&png(60_000, b"", &[])), format!("60000 x 60000 pixels {limit}"));
    assert_eq!(told(&jpeg(60_000, 60_000)), format!("60000 x 60000 pixels {limit}"));
    assert_eq!(told(&webp(60_000)), format!("60000 x 60000 pixels {limit}"));
    assert_eq!(
        told(&webp(1 << 24)),
        "corrupt WebP data: Image too large",
        "more than the format has"
    );
    // 64 MiB for an image of 16 KiB, and in a text that nobody reads.
    let bomb = zeros(64);
    println!("64 MiB in {} bytes of zlib", bomb.len());
    let _ = decode(&png(64, b"", &bomb));
    for kind in [b"zTXt", b"iCCP"] {
        let before = chunk(kind, &[b"name\0\0", &bomb[..]].concat());
        let _ = decode(&png(64, &before, &zeros(1)));
    }
    // A header of its own size, a few bytes of data.
    assert!(decode(&jpeg(1000, 1000)).is_err());
    assert!(decode(&webp(1000)).is_err());
    memory_stays_bounded();
}

#[test]
fn jpegs_that_are_not_quite_conforming_are_read() {
    let sound = fixture("rgb.jpg");
    let pixels = decode(&sound).unwrap();
    let end = sound.len() - 2;
    let with = |at: usize, more: &[u8]| [&sound[..at], more, &sound[at..]].concat();
    assert_eq!(
        decode(&with(sound.len(), b"trailing garbage \xff\xd8")).unwrap(),
        pixels
    );
    assert_eq!(decode(&with(end, &[0; 40])).unwrap(), pixels, "padding");
    assert_eq!(decode(&with(end, &[0xff; 40])).unwrap(), pixels, "fill bytes");
    let second = 4 + usize::from(sound[5]);
    assert_eq!(decode(&with(second, b"stray bytes")).unwrap(), pixels);
    let comment = b"\xff\xfe\x00\x06\xff\xd9\xff\xd9";
    assert_eq!(decode(&with(2, comment)).unwrap(), pixels, "end markers in a comment");
    assert_eq!(
        decode(&with(end, &[0x5a; 40])).unwrap(),
        pixels,
        "more data than the picture needs"
    );
    assert_eq!(
        decode(&sound[..end]).unwrap_err().to_string(),
        "premature end of JPEG data"
    );
}

fn photos() -> Vec<Vec<u8>> {
    let Ok(path) = std::env::var("MILLSTREAM_PHOTOS") else {
        println!("skipped: MILLSTREAM_PHOTOS names no Parquet file of photos");
        return Vec::new();
    };
    let cx = Context::with(2, 1 << 28).unwrap();
    let file = cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let image = cx.block_on(file.column(&cx, "image")).unwrap();
    let image = arrow::array::AsArray::as_binary_view(&image);
    image.iter().flatten().map(<[u8]>::to_vec).collect()
}

fn decode(file: &[u8]) -> Result<Pixels> {
    let stage = Image::new(240).max_pixels(1 << 20);
    stage.preview(file, &mut Rng::new(0, "image", 0)).map_err(Error::from)
}

/// Where the compressed data of a JPEG or a PNG or a WebP file begins, its header and tables being before it.
fn data_begins(file: &[u8]) -> usize {
    let find = |mark: &[u8]| file.windows(mark.len()).position(|window| window == mark);
    match file[0] {
        0xff => find(&[0xff, 0xda]).unwrap() + 14,
        0x89 => find(b"IDAT").unwrap() - 4,
        _ => find(b"VP8").unwrap() + 8,
    }
}

#[test]
fn damage_in_images() {
    let mut png = vec![fixture("rgb.png"), fixture("pillow-50.png")];
    png.push(decode(&png[0]).unwrap().to_png().unwrap());
    let mut jpeg = vec![fixture("rgb.jpg")];
    jpeg.extend(photos().into_iter().step_by(90));
    let formats = [
        ("PNG", png),
        ("JPEG, baseline", jpeg),
        ("JPEG, progressive", vec![fixture("progressive.jpg")]),
        ("WebP, lossy", vec![fixture("lossy.webp")]),
        ("WebP, lossless", vec![fixture("lossless.webp")]),
    ];
    for (format, files) in formats {
        let mut table = Table::new();
        for file in &files {
            let data = data_begins(file);
            let each = times(1200) / files.len();
            let mut trials = |region, damages: &[Damage]| {
                count(&mut table, region, &check_corruption(file, damages, decode).unwrap());
            };
            trials("1 header and tables", &Damage::flips(0..data, each / 2, 5));
            trials("2 data", &Damage::flips(data..file.len(), each, 5));
            trials("3 cut short", &Damage::cuts(file.len(), each / 2));
        }
        print(format, &table);
        if format == "PNG" {
            assert!(table.values().all(|row| row[2] == 0), "a PNG was read otherwise");
        }
        // The very last bytes may be missing: they are an end mark or a checksum of nothing.
        assert_eq!(table["3 cut short"][2], 0, "{format}");
    }
    memory_stays_bounded();
}

/// The pixels of all photos, decoded for the crop and whole: they shrink too little for the decoder to reduce them.
#[test]
fn photos_decode_to_the_same_pixels() {
    let photos = photos();
    for decoder in [Decoder::Window, Decoder::Whole] {
        let begun = std::time::Instant::now();
        let stage = Image::new(240).max_pixels(1 << 20).decoder(decoder);
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for photo in &photos {
            hash.update(&stage.preview(photo, &mut Rng::new(0, "image", 0)).unwrap().levels);
        }
        println!(
            "{decoder:?}: {} photos in {:?}: {:#x}",
            photos.len(),
            begun.elapsed(),
            hash.digest()
        );
        assert!(
            photos.is_empty() || hash.digest() == 0x5e1_efb5_0203_4384,
            "{decoder:?}"
        );
    }
}
