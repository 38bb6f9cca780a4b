//! The loader: order, last batches, ranks, cursors, failures, counts.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::datatypes::{SchemaRef, UInt32Type, UInt64Type};
use common::{context, fashion, ids, picture, pictures, refused, table};
use futures::{FutureExt, StreamExt};
use millstream::dataset::{Block, Blocks, Len, Origin, Provenance};
use millstream::error::ErrorKind;
use millstream::image::Image;
use millstream::loader::{LastBatch, LoaderBuilder};
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::rows::{Bound, DType, Draws, Out, Output, Read, Row, Stage};
use millstream::source::{Memory, Parquet};
use millstream::{Batch, Context, Cursor, Dataset, DatasetExt, Error, Prepared, Result};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// 30, 10 and 5 rows of three classes.
const COUNTS: [usize; 3] = [30, 10, 5];

fn batches(builder: LoaderBuilder) -> Vec<Batch> {
    builder.blocking().unwrap().collect::<Result<_>>().unwrap()
}

fn positions(batches: &[Batch]) -> Vec<Vec<u64>> {
    batches.iter().map(|batch| batch.positions().to_vec()).collect()
}

fn joined(batches: &[Batch]) -> RecordBatch {
    let rows: Vec<_> = batches.iter().map(|batch| batch.rows().clone()).collect();
    concat_batches(&rows[0].schema(), &rows).unwrap()
}

#[test]
fn rows_depend_on_the_seed_alone() {
    let run = |threads, memory, depth, batch, seed| {
        let cx = Context::with(threads, memory).unwrap();
        let image = Image::new(8)
            .random_resized_crop(0.3..=1.0, 0.8..=1.2)
            .gaussian_noise(0.05);
        let dataset = pictures(&COUNTS).shuffle_window(2).image("image", image).unwrap();
        let builder = dataset.loader(&cx).depth(depth).batch_size(batch).seed(seed).epochs(3);
        let all = batches(builder);
        (positions(&all).concat(), joined(&all))
    };
    let expected = run(1, 1, 1, 45, 7);
    assert_eq!(expected.0, (0..135).collect::<Vec<_>>());
    for (threads, memory, depth, batch) in [
        (4, 1 << 30, 8, 7),
        (2, 1 << 20, 3, 1),
        (3, 1, 100, 64),
        (1, 1 << 30, 2, 20),
    ] {
        let other = run(threads, memory, depth, batch, 7);
        assert_eq!(other.0, expected.0, "{threads} {memory} {depth} {batch}");
        assert!(other.1 == expected.1, "{threads} {memory} {depth} {batch}");
    }
    assert!(run(1, 1, 1, 45, 8).1 != expected.1);
}

#[test]
fn an_epoch_has_every_row_once_and_each_epoch_its_own_order() {
    let cx = context();
    let all = batches(table(&COUNTS).shuffle().loader(&cx).batch_size(7).epochs(3));
    let rows = ids(&joined(&all));
    let epochs: Vec<&[i64]> = rows.chunks(45).collect();
    assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2]);
    for epoch in epochs {
        let mut epoch = epoch.to_vec();
        epoch.sort_unstable();
        assert_eq!(epoch, (0..45).collect::<Vec<_>>());
    }
}

#[test]
fn the_last_batch_is_kept_dropped_or_padded() {
    let cx = context();
    let run = |last, size| {
        positions(&batches(
            table(&COUNTS).loader(&cx).batch_size(size).last_batch(last).epochs(2),
        ))
    };
    let range = |range: std::ops::Range<u64>| range.collect::<Vec<_>>();
    let first = [range(0..20), range(20..40)];
    let second = [range(45..65), range(65..85)];
    let with = |a: &[Vec<u64>], b: &[Vec<u64>]| [&first[..], a, &second[..], b].concat();
    assert_eq!(run(LastBatch::Keep, 20), with(&[range(40..45)], &[range(85..90)]));
    assert_eq!(run(LastBatch::Drop, 20), with(&[], &[]));
    let padded = |start: u64| [range(start + 40..start + 45), range(start..start + 15)].concat();
    assert_eq!(run(LastBatch::Pad, 20), with(&[padded(0)], &[padded(45)]));
    for last in [LastBatch::Keep, LastBatch::Drop, LastBatch::Pad] {
        assert_eq!(
            run(last, 15),
            (0..6).map(|i| range(i * 15..i * 15 + 15)).collect::<Vec<_>>(),
            "{last:?}"
        );
    }
    // A batch that holds an epoch more than twice is padded with that epoch's rows, not with the next one's.
    assert_eq!(
        run(LastBatch::Pad, 100)[1],
        [range(45..90), range(45..90), range(45..55)].concat()
    );
    assert_eq!(run(LastBatch::Keep, 1000), [range(0..45), range(45..90)]);
}

#[test]
fn ranks_share_each_global_batch() {
    let cx = context();
    for last in [LastBatch::Keep, LastBatch::Drop, LastBatch::Pad] {
        let of = |rank, world| {
            let loader = table(&COUNTS)
                .shuffle()
                .loader(&cx)
                .batch_size(8)
                .last_batch(last)
                .seed(5)
                .epochs(2);
            batches(loader.shard(rank, world))
        };
        let whole = of(0, 1);
        for world in 2..=4 {
            let ranks: Vec<_> = (0..world).map(|rank| of(rank, world)).collect();
            for (i, batch) in whole.iter().enumerate() {
                let parts: Vec<_> = ranks
                    .iter()
                    .filter_map(|rank| rank.iter().find(|part| part.cursor() == batch.cursor()))
                    .cloned()
                    .collect();
                assert_eq!(
                    positions(&parts).concat(),
                    batch.positions(),
                    "{last:?}, world {world}, batch {i}"
                );
                assert_eq!(joined(&parts), *batch.rows());
            }
            let rows: usize = ranks.iter().flatten().map(Batch::len).sum();
            assert_eq!(rows, whole.iter().map(Batch::len).sum::<usize>());
        }
    }
}

#[test]
fn what_can_never_work_is_refused() {
    let cx = context();
    let loader = || table(&COUNTS).loader(&cx);
    let check = |builder: LoaderBuilder, text: &str| refused(builder.blocking(), ErrorKind::Config, text);
    check(loader().batch_size(0), "a batch has at least one row; batch_size is 0");
    check(loader().shard(2, 2), "shard: rank 2 is outside a world of 2");
    check(loader().shard(0, 0), "shard: rank 0 is outside a world of 0");
    check(
        loader().batch_size(3).shard(0, 4),
        "a batch of 3 rows cannot be cut for 4 ranks",
    );
    check(
        loader().batch_size(46).last_batch(LastBatch::Drop),
        "an epoch of 45 rows never fills a batch of 46, and LastBatch::Drop leaves out what is not full",
    );
    check(
        table(&COUNTS).shuffle().shuffle().loader(&cx),
        "two stages named \"shuffle\" would draw the same random numbers; use one of them, or give a stage of your own another name",
    );
    check(
        Count.loader(&cx).epochs(1),
        "epochs: the dataset has no end, so it has no epochs",
    );
}

/// Every position is a row.
#[derive(Debug)]
struct Count;

impl Dataset for Count {
    fn schema(&self) -> SchemaRef {
        common::rows(&[]).project(&[0]).unwrap().schema()
    }
    fn len(&self) -> Len {
        Len::Endless
    }
    fn blocks(&self) -> Blocks {
        Arc::new([Block { rows: 0..1, bytes: 0 }])
    }
    fn describe(&self) -> Plan {
        Plan::new("count")
    }
    fn prepare(&self, _: &Context, positions: &[u64]) -> Prepared {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(positions.iter().map(|&p| p as i64)));
        let (short, schema) = (positions.contains(&13), self.schema());
        Prepared::new(async move {
            if short {
                return Ok(RecordBatch::new_empty(schema));
            }
            Ok(RecordBatch::try_from_iter([("id", column)])?)
        })
    }
    fn provenance(&self, _: &Context, _: u64) -> Provenance {
        Provenance::default()
    }
}

#[test]
fn a_generator_has_no_epochs_and_no_overflow() {
    let cx = Context::with(2, 1 << 16).unwrap();
    let mut loader = Count
        .loader(&cx)
        .batch_size(10)
        .last_batch(LastBatch::Drop)
        .depth(usize::MAX)
        .blocking()
        .unwrap();
    assert_eq!(loader.next().unwrap().unwrap().positions(), (0..10).collect::<Vec<_>>());
    let short = loader.next().unwrap();
    refused(short, ErrorKind::Config, "count made 0 rows of 10 positions");
    let far = at(&loader.loader().cursor(), u64::MAX - 15);
    let mut loader = Count
        .loader(&cx)
        .batch_size(10)
        .resume(&far)
        .unwrap()
        .blocking()
        .unwrap();
    let sizes: Vec<_> = loader.by_ref().map(|batch| batch.unwrap().len()).collect();
    assert_eq!(sizes, [10, 5]);
    let near_the_end = table(&COUNTS).loader(&cx).batch_size(10).build().unwrap().cursor();
    let near_the_end = at(&near_the_end, u64::MAX - 15);
    let loader = table(&COUNTS)
        .loader(&cx)
        .batch_size(u64::MAX)
        .resume(&near_the_end)
        .unwrap();
    assert!(loader.blocking().unwrap().next().unwrap().unwrap().len() <= 45);
}

/// `cursor` at another position, as a program could write it.
fn at(cursor: &Cursor, position: u64) -> Cursor {
    let mut json: serde_json::Value = serde_json::from_str(&cursor.to_string()).unwrap();
    let old = json["position"].as_u64().unwrap();
    json["position"] = position.into();
    let settings: Vec<String> = serde_json::from_value(json["settings"].clone()).unwrap();
    let print = |position: u64| {
        let seed = cursor.seed();
        let fingerprint: Arc<str> = json["fingerprint"].as_str().unwrap().into();
        format!(
            "{:016x}",
            xxhash_rust::xxh3::xxh3_64(
                format!(
                    "{:?}",
                    (2_u32, position, seed, 0_u64, [[0_u64; 2]; 0], &fingerprint, &settings)
                )
                .as_bytes()
            )
        )
    };
    assert_eq!(json["checksum"], print(old));
    json["checksum"] = print(position).into();
    json.to_string().parse().unwrap()
}

fn run(cx: &Context, window: usize) -> LoaderBuilder {
    let image = Image::new(8).horizontal_flip(0.5).gaussian_blur(0.1..=1.0).rotate(10.0);
    let balanced = cx
        .block_on(pictures(&COUNTS).balance(cx, "label", Target::Sqrt))
        .unwrap();
    match window {
        0 => balanced.image("image", image).unwrap().loader(cx),
        window => pictures(&COUNTS).shuffle_window(window).loader(cx),
    }
}

#[test]
fn a_cursor_is_short_readable_text() {
    let cx = context();
    let mut loader = run(&cx, 8).batch_size(10).seed(3).blocking().unwrap();
    let batch = loader.next().unwrap().unwrap();
    let cursor = loader.loader().cursor();
    assert_eq!(batch.cursor(), cursor);
    let text = cursor.to_string();
    assert!(
        text.starts_with("{\"version\":2,\"position\":10,\"seed\":3,\"fingerprint\":\""),
        "{text}"
    );
    assert!(text.contains("\"shuffle.window=8\""), "{text}");
    assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
    assert_eq!((cursor.position(), cursor.seed()), (10, 3));
    let long = run(&cx, 0).build().unwrap().cursor().to_string();
    assert!(text.len() < 1024 && long.len() < 1024, "{}", long.len());
}

#[test]
fn a_damaged_cursor_is_refused() {
    let cx = context();
    let text = run(&cx, 8).build().unwrap().cursor().to_string();
    let parse = |text: &str| text.parse::<Cursor>();
    let damaged = "the cursor is damaged: its checksum does not match";
    refused(
        parse(&text.replace("\"position\":0", "\"position\":9")),
        ErrorKind::Resume,
        damaged,
    );
    refused(parse(&text.replace("window=8", "window=9")), ErrorKind::Resume, damaged);
    let newer = "the cursor has version 3, this program reads version 2";
    refused(
        parse(&text.replace("\"version\":2", "\"version\":3")),
        ErrorKind::Resume,
        newer,
    );
    let error = parse(&text[..40]).unwrap_err();
    assert!(error.to_string().starts_with("this is no cursor: "), "{error}");
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let cursor = String::from_utf8(bytes).unwrap().parse::<Cursor>();
        assert!(cursor.is_err(), "byte {at}");
    }
}

#[test]
fn a_foreign_cursor_is_refused_with_the_difference() {
    let cx = context();
    let cursor = run(&cx, 8).seed(3).build().unwrap().cursor();
    let check = |builder: LoaderBuilder, text: &str| refused(builder.resume(&cursor), ErrorKind::Resume, text);
    let other = |what: &str| format!("the cursor belongs to another pipeline: {what}");
    check(run(&cx, 16).seed(3), &other("shuffle.window was 8, is 16"));
    check(run(&cx, 8).seed(4), "the seed was 3, is 4");
    check(pictures(&COUNTS).loader(&cx).seed(3), &other("shuffle is gone"));
    let later = run(&cx, 8).seed(3).resume(&cursor).unwrap().seed(4);
    refused(later.build(), ErrorKind::Resume, "the seed was 3, is 4");
    // What a long pipeline's cursor cannot spell out is neither gone nor new.
    let long = |size| {
        let image = Image::new(size)
            .horizontal_flip(0.5)
            .gaussian_blur(0.1..=1.0)
            .rotate(10.0)
            .gaussian_noise(0.1);
        let image = image
            .random_resized_crop(0.3..=1.0, 0.8..=1.2)
            .brightness(0.1)
            .contrast(0.1);
        let balanced = cx
            .block_on(pictures(&COUNTS).balance(&cx, "label", Target::Sqrt))
            .unwrap();
        balanced.image("image", image).unwrap().loader(&cx).seed(3)
    };
    let cursor = long(8).build().unwrap().cursor();
    assert!(
        cursor.to_string().contains("\"...\"") && cursor.to_string().len() < 1024,
        "{cursor}"
    );
    assert!(long(8).resume(&cursor).is_ok());
    refused(
        long(16).resume(&cursor),
        ErrorKind::Resume,
        &other("image.size was 8, is 16"),
    );
}

/// Of a pipeline that is too long to be spelled out, whatever differs is named.
#[test]
fn a_long_pipelines_cursor_names_what_differs() {
    let cx = context();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, rows: u64| {
        let path = folder.path().join(name);
        let all = pictures(&[30, 12, 5]);
        let at: Vec<u64> = (0..rows).collect();
        let rows = cx.block_on(all.take(&cx, &at)).unwrap();
        let writer = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(writer, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        path.display().to_string()
    };
    let (train, test) = (file("train.parquet", 47), file("test.parquet", 46));
    let pipeline = |path: &str, contrast: f32, blur: Option<f32>| {
        let image = Image::new(8)
            .random_resized_crop(0.3..=1.0, 0.8..=1.2)
            .rotate(10.0)
            .brightness(0.1)
            .contrast(contrast)
            .saturation(0.2)
            .gaussian_noise(0.1);
        let image = blur
            .into_iter()
            .fold(image, |image, sigma| image.gaussian_blur(0.1..=sigma));
        let rows = cx.block_on(Parquet::open(&cx, path)).unwrap();
        let balanced = cx.block_on(rows.balance(&cx, "label", Target::Sqrt)).unwrap();
        let rows = balanced.rows(94).shuffle().image("image", image).unwrap();
        rows.loader(&cx).seed(3)
    };
    let cursor = pipeline(&train, 0.1, None).build().unwrap().cursor();
    assert!(
        cursor.to_string().contains("\"...\"") && cursor.to_string().len() < 1024,
        "{cursor}"
    );
    assert!(pipeline(&train, 0.1, None).resume(&cursor).is_ok());
    let refused = |builder: LoaderBuilder| builder.resume(&cursor).unwrap_err().to_string();
    let error = refused(pipeline(&train, 0.2, None));
    assert!(
        error.ends_with("another pipeline: image.contrast.factor was 0.1, is 0.2"),
        "{error}"
    );
    // The list of operations in full, as it is now.
    let error = refused(pipeline(&train, 0.1, Some(1.0)));
    assert!(
        error.contains(", contrast, saturation, gaussian_noise, gaussian_blur"),
        "{error}"
    );
    // Another file: it is named first.
    let error = refused(pipeline(&test, 0.1, None));
    let file = "another pipeline: parquet.files was train.parquet (";
    assert!(error.contains(file) && error.contains(", is test.parquet ("), "{error}");
}

/// Takes a while for each row, and fails on some.
#[derive(Debug)]
struct Slow;

impl Stage for Slow {
    fn describe(&self) -> Plan {
        Plan::new("slow")
    }
    fn bind(&self, _: &Schema) -> Result<Bound> {
        let run = |row: &Row<'_>, _: Draws<'_>, out: &mut Out<'_>| {
            let encoded = row.bytes(0)?;
            assert!(encoded != b"panic", "a bug in the stage");
            if encoded == b"wait" {
                std::thread::sleep(Duration::from_millis(20));
            }
            out.fixed::<f32>(0)[0] = f32::from(encoded[0]);
            Ok(())
        };
        Ok(Bound::new(run)
            .reads(Read::bytes("word"))
            .writes(Output::fixed("word", DType::F32, [1])))
    }
}

fn words(words: impl Iterator<Item = &'static str>) -> Memory {
    let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(words));
    Memory::new(vec![RecordBatch::try_from_iter([("word", column)]).unwrap()]).unwrap()
}

#[test]
fn a_dropped_loader_stops_its_work() {
    let cx = Context::with(2, 1 << 28).unwrap();
    let slow = words(std::iter::repeat_n("wait", 1000)).stage(Slow).unwrap();
    let mut loader = slow.loader(&cx).batch_size(250).depth(4).build().unwrap();
    assert!(loader.next().now_or_never().is_none());
    std::thread::sleep(Duration::from_millis(100));
    drop(loader);
    let start = Instant::now();
    // Behind whatever is still queued on the two threads: ten seconds of work, if it went on.
    cx.block_on(cx.compute(|| Ok(()))).unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_panic_in_a_stage_names_stage_and_position() {
    let cx = context();
    let word = |row| if row == 37 { "panic" } else { "fine" };
    let dataset = words((0..50).map(word)).shuffle().stage(Slow).unwrap();
    let mut loader = dataset.loader(&cx).batch_size(8).seed(1).epochs(1).blocking().unwrap();
    let errors: Vec<Error> = loader.by_ref().filter_map(Result::err).collect();
    let [error] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    assert_eq!(error.kind(), ErrorKind::Stage);
    let text = error.to_string();
    assert!(text.starts_with("row 37 in memory (position "), "{text}");
    assert!(
        text.ends_with("): slow \"word\": panicked: a bug in the stage"),
        "{text}"
    );
}

#[test]
fn a_failed_batch_is_tried_again_by_a_resume() {
    let cx = context();
    let word = |row| if row == 12 { "panic" } else { "fine" };
    let dataset = || words((0..50).map(word)).stage(Slow).unwrap();
    let mut loader = dataset().loader(&cx).batch_size(10).blocking().unwrap();
    assert!(loader.next().unwrap().is_ok() && loader.next().unwrap().is_err());
    assert_eq!(loader.loader().cursor().position(), 10);
    assert!(loader.next().unwrap().is_ok());
    assert_eq!(loader.loader().cursor().position(), 30);
}

/// 30 pictures in row groups of 8, the one in row 19 cut off.
fn damaged() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("photos.parquet");
    let file = |row: u64| {
        let png = picture(row).to_png().unwrap();
        png[..if row == 19 { png.len() / 2 } else { png.len() }].to_vec()
    };
    let image: BinaryArray = (0..30).map(|row| Some(file(row))).collect();
    let label = Int64Array::from_iter_values((0..30).map(|row| i64::from(row >= 20 || row == 19)));
    let columns: [(&str, ArrayRef); 2] = [("image", Arc::new(image)), ("label", Arc::new(label))];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(8)).build();
    let writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), Some(properties));
    let mut writer = writer.unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    (dir, path.display().to_string())
}

fn only_error(builder: LoaderBuilder) -> (u64, Error) {
    let mut batches = builder.blocking().unwrap();
    let mut start = 0;
    loop {
        match batches.next().unwrap() {
            Ok(batch) => start += batch.len() as u64,
            Err(error) => return (start, error),
        }
    }
}

#[test]
fn a_bad_image_is_named_with_file_row_group_row_position_and_column() {
    let (cx, (_dir, path)) = (context(), damaged());
    let open = || cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let text = |position: u64| {
        format!("row 3 of row group 2 in {path} (position {position}): image \"image\": premature end of PNG data")
    };
    let (_, error) = only_error(open().image("image", Image::new(8)).unwrap().loader(&cx).batch_size(8));
    refused(Err::<(), _>(error), ErrorKind::Data, &text(19));
    let shuffled = open()
        .shuffle()
        .image("image", Image::new(8).gaussian_noise(0.1))
        .unwrap();
    let (_, error) = only_error(shuffled.loader(&cx).batch_size(8).seed(4));
    let position = error
        .to_string()
        .split("(position ")
        .nth(1)
        .unwrap()
        .split(')')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    refused(Err::<(), _>(error), ErrorKind::Data, &text(position));
}

#[test]
fn a_bad_rare_row_fails_where_it_is_drawn() {
    let (cx, (_dir, path)) = (context(), damaged());
    let open = || cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let images = open().image("image", Image::new(8)).unwrap().views(1).unwrap();
    let balanced = cx
        .block_on(images.balance(&cx, "label", Target::Uniform))
        .unwrap()
        .block(2);
    let (start, error) = only_error(balanced.loader(&cx).batch_size(2).seed(4));
    let text = error.to_string();
    assert!(
        text.contains("row 3 of row group 2") && text.contains("premature end of PNG data"),
        "{text}"
    );
    assert!(start > 0, "the first rows have nothing to do with it");
    assert!(
        text.contains(&format!("(position {start})")) || text.contains(&format!("(position {})", start + 1)),
        "{text}"
    );
}

#[test]
fn emitted_rows_are_counted_by_class_and_origin() {
    let cx = context();
    let image = || Image::new(8).gaussian_noise(0.1);
    let balanced = || {
        let balanced = cx
            .block_on(pictures(&COUNTS).balance(&cx, "label", Target::Uniform))
            .unwrap();
        balanced.block(3).image("image", image()).unwrap()
    };
    let mut loader = balanced().loader(&cx).batch_size(9).epochs(1).blocking().unwrap();
    assert!(loader.loader().emitted().is_empty());
    let batch = loader.nth(2).unwrap().unwrap();
    let expected = |rows: u64| BTreeMap::from([0, 1, 2].map(|class| ((Some(class), Origin::Augmented), rows)));
    assert_eq!(loader.loader().emitted(), expected(9));
    // Another batch size goes on from 27 rows, which are no whole number of its batches.
    let resumed = balanced()
        .loader(&cx)
        .batch_size(12)
        .epochs(1)
        .resume(&batch.cursor())
        .unwrap();
    let mut resumed = resumed.blocking().unwrap();
    assert_eq!(resumed.loader().emitted(), expected(9));
    resumed.next().unwrap().unwrap();
    assert_eq!(resumed.loader().emitted(), expected(13));
    let mut plain = table(&COUNTS)
        .loader(&cx)
        .batch_size(20)
        .last_batch(LastBatch::Drop)
        .epochs(2)
        .blocking()
        .unwrap();
    while plain.next().is_some() {}
    assert_eq!(plain.loader().emitted(), BTreeMap::from([((None, Origin::Real), 80)]));
}

#[test]
fn provenance_is_a_table() {
    let cx = context();
    let dataset = cx
        .block_on(fashion(&cx).balance(&cx, "label", Target::Uniform))
        .unwrap();
    let image = dataset.image("image", Image::new(8).horizontal_flip(0.5)).unwrap();
    let batch = image
        .loader(&cx)
        .batch_size(50)
        .seed(9)
        .blocking()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let table = batch.provenance_table().unwrap();
    let names: Vec<_> = table
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(
        names,
        [
            "position",
            "class",
            "origin",
            "generator",
            "occurrence",
            "sources",
            "seed"
        ]
    );
    assert_eq!(table.num_rows(), 50);
    let labels = common::ints(batch.rows(), "label");
    let classes = table["class"].as_primitive::<UInt32Type>();
    assert!(
        labels
            .iter()
            .zip(classes.values())
            .all(|(&label, &class)| label == i64::from(class))
    );
    assert_eq!(
        table["position"].as_primitive::<UInt64Type>().values(),
        batch.positions()
    );
    assert!(
        table["origin"]
            .as_string::<i32>()
            .iter()
            .all(|origin| origin == Some("augmented"))
    );
    assert_eq!(table["generator"].null_count(), 50);
    assert!(
        table["seed"]
            .as_primitive::<UInt64Type>()
            .values()
            .iter()
            .all(|&seed| seed == 9)
    );
    let occurrences = table["occurrence"].as_primitive::<UInt64Type>().values();
    assert!(occurrences.contains(&0) && occurrences.iter().any(|&occurrence| occurrence > 0));
    let sources = table["sources"].as_string::<i32>();
    assert!(
        sources
            .iter()
            .all(|source| source.unwrap().contains("fashion-mnist-train.parquet#"))
    );
}

#[test]
fn explain_shows_the_pipeline() {
    let cx = context();
    let text = run(&cx, 8).batch_size(10).seed(3).explain();
    for part in [
        "loader",
        "batch_size 10",
        "seed 3",
        "45 rows an epoch",
        "shuffle",
        "window 8",
        "memory",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}
