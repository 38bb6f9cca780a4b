//! The program as a person meets it: exit codes, lines, widths, whatever is in the files.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use crate::common;
use millstream::image::Pixels;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/tables");

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn millstream(arguments: &[&str]) -> Ran {
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let code = done.status.code();
    Ran { code, out, err }
}

fn case(name: &str) -> String {
    format!("{CASES}/{name}")
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// One line on standard error, and nothing on standard output.
#[track_caller]
fn refused(ran: &Ran, code: i32, parts: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{}", ran.err);
    for part in parts {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    if code == 1 {
        assert!(
            ran.err.starts_with("error: ") && ran.err.lines().count() == 1,
            "{}",
            ran.err
        );
    }
    visible(&ran.err);
}

/// Nothing that a terminal would obey.
#[track_caller]
fn visible(text: &str) {
    let bad = text.chars().find(|&c| c != '\n' && c.is_control());
    assert_eq!(bad, None, "{text:?}");
}

#[track_caller]
fn fits(text: &str) {
    let long = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
}

fn inspect(arguments: &[&str]) -> Value {
    let ran = millstream(&[&["inspect", "--json"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn numbers_out_of_range_are_refused_at_once() {
    let file = common::FASHION;
    let train = ["--train", file, "--out", "never"];
    for arguments in [
        vec!["inspect", "--threads", "0", file],
        vec!["inspect", "--threads", "100000", file],
        vec!["inspect", "--memory", "0", file],
        vec!["inspect", "--memory", "99999999999999999", file],
        vec!["bench", "--threads", "0", file],
        vec!["bench", "--epochs", "0", file],
        vec!["bench", "--epochs", "18446744073709551615", file],
        vec!["bench", "--batch", "0", file],
        vec!["doctor", "--step", "18446744073709551615", file],
        [&["finetune", "--epochs", "0"], &train[..]].concat(),
        [&["finetune", "--epochs", "18446744073709551615"], &train[..]].concat(),
        [&["finetune", "--views", "0"], &train[..]].concat(),
        [&["finetune", "--size", "0"], &train[..]].concat(),
        [&["finetune", "--synthetic", "1.5"], &train[..]].concat(),
        [&["finetune", "--synthetic", "NaN"], &train[..]].concat(),
    ] {
        let begun = Instant::now();
        let ran = millstream(&arguments);
        refused(&ran, 2, &["error: invalid value"]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{arguments:?}");
    }
    assert!(!Path::new("never").exists());
}

#[test]
fn a_column_of_masks_is_not_taken_for_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let picture = Pixels::<u8>::new(20, 12).to_png().unwrap();
    let files = || -> ArrayRef { Arc::new(BinaryArray::from_iter_values((0..6).map(|_| &picture))) };
    let path = folder.path().join("masks.parquet");
    let file = write(&path, vec![("annotation", files()), ("photo", files())]);
    for arguments in [
        vec!["bench", "--size", "16", "--epochs", "1", &file],
        vec!["doctor", "--size", "16", &file],
    ] {
        let ran = millstream(&arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
    }
    let found = inspect(&[&file]);
    assert_eq!(found["images"]["column"], "photo", "{found}");
    // Alone it is the pictures.
    let file = write(&path, vec![("mask", files())]);
    let ran = millstream(&["bench", "--size", "16", "--epochs", "1", &file]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

#[test]
fn two_image_columns_are_named_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run").display().to_string();
    let file = case("two.parquet");
    let which = "it could be a, b";
    for arguments in [
        vec!["bench", &file],
        vec!["doctor", &file],
        vec!["doctor", "--pipeline", "photos", &file],
        vec!["finetune", "--train", &file, "--out", &out],
    ] {
        refused(
            &millstream(&arguments),
            1,
            &["which column is the image?", which, "(--image COL)"],
        );
    }
    let found = inspect(&[&file]);
    assert_eq!(found["images"]["candidates"], serde_json::json!(["a", "b"]));
    assert!(found["images"]["problem"].as_str().unwrap().contains(which), "{found}");
    assert!(
        !millstream(&["inspect", &file]).out.contains("--image"),
        "the library knows no options"
    );
    let found = inspect(&[&case("hf_two_images.parquet")]);
    assert_eq!(found["images"]["candidates"], serde_json::json!(["image", "mask"]));
    // The image column once it is named, and rows as they are once that is asked for.
    let named = millstream(&["bench", "--image", "b", "--size", "32", &file]);
    assert!(
        named.code == Some(0) && named.out.contains("images of column b at 32 px"),
        "{}",
        named.err
    );
    let rows = millstream(&["doctor", "--pipeline", "rows", &file]);
    assert!(
        rows.code == Some(0) && rows.out.contains("rows as they are, as asked"),
        "{}",
        rows.err
    );
}

#[test]
fn tables_without_images_are_measured_as_they_are_and_that_is_said() {
    let ran = millstream(&["bench", &case("tabular.parquet")]);
    assert!(
        ran.code == Some(0) && ran.out.contains("no image column: rows as they are"),
        "{}",
        ran.err
    );
    let ran = millstream(&["doctor", "--pipeline", "photos", &case("tabular.parquet")]);
    refused(&ran, 1, &["which column is the image? no column looks like one"]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run").display().to_string();
    let ran = millstream(&["finetune", "--train", &case("tabular.parquet"), "--out", &out]);
    let what = "for a table, which finetune does not train on: generate, quality, ablation --keel, and in code examples/split_before_smote.rs";
    refused(&ran, 1, &["which column is the image? no column looks like one", what]);
    let ran = millstream(&["bench", &case("audio.parquet")]);
    assert!(
        ran.code == Some(0) && ran.out.contains("no image column"),
        "{}",
        ran.err
    );
}

#[test]
fn inspect_counts_bad_labels_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let labels = [Some("a"), None, Some("b"), Some("a"), None];
    let file = write(
        &folder.path().join("nulls.parquet"),
        vec![
            ("label", Arc::new(StringArray::from_iter(labels)) as ArrayRef),
            ("n", Arc::new(Int64Array::from_iter_values(0..5))),
        ],
    );
    let found = inspect(&[&file, "--label", "label"]);
    assert_eq!((&found["rows"], &found["labels"]["nulls"]), (&5.into(), &2.into()));
    let classes: Vec<_> = found["labels"]["classes"].as_array().unwrap().iter().collect();
    let counts: Vec<_> = classes
        .iter()
        .map(|class| (class["name"].as_str().unwrap(), class["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("a", 2), ("b", 1)]);
    assert_eq!(classes[1]["uniform"], 1.5);
    let problem = found["labels"]["problem"].as_str().unwrap();
    assert!(
        problem.contains("row 1 of row group 0") && problem.contains("null"),
        "{problem}"
    );
    let text = millstream(&["inspect", &file, "--label", "label"]).out;
    assert!(
        text.contains("Of 5 rows 2 have no label and 0 one that is no class."),
        "{text}"
    );
    fits(&text);
}

#[test]
fn inspect_shows_labels_of_every_kind_and_broken_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let mut tags = ListBuilder::new(StringBuilder::new());
    for row in [vec!["sea", "sky"], vec![], vec!["sky"]] {
        tags.append_value(row.into_iter().map(Some));
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("tags", Arc::new(tags.finish())),
        ("score", Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5]))),
        ("kind", Arc::new(Int64Array::from(vec![0, 1, 0]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let features = r#"{"info": {"features": {"kind": {"names": "ab", "_type": "ClassLabel"}}}}"#;
    let metadata = [("huggingface".to_owned(), features.to_owned())].into();
    let schema = rows.schema().as_ref().clone().with_metadata(metadata);
    let rows = rows.with_schema(Arc::new(schema)).unwrap();
    let path = folder.path().join("kinds.parquet");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let file = path.display().to_string();
    let found = inspect(&[&file, "--label", "tags"]);
    assert_eq!(found["labels"]["kind"], "multi_label");
    let classes: Vec<_> = found["labels"]["classes"].as_array().unwrap().iter().collect();
    let counts: Vec<_> = classes
        .iter()
        .map(|class| (class["name"].as_str().unwrap(), class["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("sea", 1), ("sky", 2)]);
    assert_eq!(
        (&found["labels"]["empty"], &classes[0]["uniform"]),
        (&1.into(), &Value::Null)
    );
    let note = "calls column \"kind\" a ClassLabel, but its names are \"ab\", not a list of strings";
    assert!(found["notes"][0].as_str().unwrap().contains(note), "{found}");
    assert!(
        found["images"]["problem"] == "no column holds bytes, so there are none",
        "{found}"
    );
    let text = millstream(&["inspect", &file, "--label", "tags"]).out;
    assert!(
        text.contains("Labels: column tags, 2 classes in lists.") && text.contains("1 row has an empty list."),
        "{text}"
    );
    fits(&text);
    let found = inspect(&[&file, "--label", "score"]);
    assert_eq!(
        (&found["labels"]["kind"], &found["labels"]["column"]),
        (&"number".into(), &"score".into())
    );
    let text = millstream(&["inspect", &file, "--label", "score"]).out;
    assert!(
        text.contains("Labels: column score, numbers.") && !text.contains("which column"),
        "{text}"
    );
}

#[test]
fn inspect_counts_what_is_wrong_with_pictures() {
    let found = inspect(&[&case("hf_two_bad_images.parquet")]);
    let pictures = &found["images"]["pictures"];
    assert_eq!(pictures["looked_at"], 60);
    assert_eq!(
        (&pictures["broken"], &pictures["unread"], &pictures["null"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(pictures["bad"].as_array().unwrap().len(), 2);
    let decoded: u64 = pictures["formats"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(decoded, 58);

    let found = inspect(&[&case("hf_null_image.parquet")]);
    let pictures = &found["images"]["pictures"];
    assert_eq!((&pictures["null"], &pictures["nulls"]), (&1.into(), &1.into()));

    let found = inspect(&[&case("jpeg_exif6.parquet")]);
    let pictures = &found["images"]["pictures"];
    assert_eq!(
        (&pictures["turned"], &pictures["formats"]["JPEG"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&pictures["width"], &pictures["height"]),
        (&serde_json::json!([64, 64]), &serde_json::json!([96, 96]))
    );

    let found = inspect(&[&case("png_16gray_lowrange.parquet")]);
    let pictures = &found["images"]["pictures"];
    assert_eq!((&pictures["deep"], &pictures["shallow"]), (&1.into(), &1.into()));
}

#[test]
fn inspect_reads_pictures_as_it_is_told() {
    let pictures = |arguments: &[&str]| inspect(arguments)["images"]["pictures"].clone();
    let shown = |arguments: &[&str]| millstream(&[&["inspect"], arguments].concat()).out;
    let sides = |found: &Value| (found["width"].clone(), found["height"].clone());
    let side = |pixels: u32| serde_json::json!([pixels, pixels]);

    // Stored 96 wide and 64 high, on its side.
    let turned = case("jpeg_exif6.parquet");
    assert_eq!(sides(&pictures(&[&turned])), (side(64), side(96)));
    let found = pictures(&["--as-stored", &turned]);
    assert_eq!((sides(&found), &found["turned"]), ((side(96), side(64)), &1.into()));
    assert!(shown(&[&turned]).contains("(EXIF), read upright"));
    assert!(shown(&["--as-stored", &turned]).contains("(EXIF), left as they are"));

    let pixels = 96 * 64;
    for (limit, too_large, decoded) in [(pixels, 0, Value::from(1)), (pixels - 1, 1, Value::Null)] {
        let found = pictures(&["--max-pixels", &limit.to_string(), &turned]);
        assert_eq!(
            (&found["too_large"], &found["formats"]["JPEG"]),
            (&too_large.into(), &decoded)
        );
        assert_eq!(found["reading"]["max_pixels"], limit);
    }

    let deep = case("png_16gray_lowrange.parquet");
    assert!(shown(&[&deep]).contains("12 bits or fewer: dark, unless their white is named"));
    let named = shown(&["--white", "4095", &deep]);
    assert!(named.contains("12 bits or fewer") && !named.contains("dark"), "{named}");
    assert_eq!(pictures(&["--white", "4095", &deep])["reading"]["white"], 4095);
}

#[test]
fn a_path_without_bytes_is_told_from_a_null() {
    let folder = tempfile::tempdir().unwrap();
    let png = common::picture(1).to_png().unwrap();
    let bytes: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(&png), None, None, Some(b"")]));
    let path: ArrayRef = Arc::new(StringArray::from(vec![None, Some("/data/1.png"), None, None]));
    let image = arrow::array::StructArray::try_from(vec![("bytes", bytes), ("path", path)]).unwrap();
    let file = write(
        &folder.path().join("paths.parquet"),
        vec![("image", Arc::new(image) as ArrayRef)],
    );
    let pictures = &inspect(&[&file, "--full"])["images"]["pictures"];
    for (what, expected) in [("rows", 4), ("null", 2), ("path_only", 1), ("empty", 1), ("nulls", 2)] {
        assert_eq!(pictures[what], expected, "{what}: {pictures}");
    }
    let text = millstream(&["inspect", &file]).out;
    assert!(text.contains("1 null with a path instead, which is not read"), "{text}");
}

#[test]
fn what_cannot_be_read_is_named_and_all_else_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("b.parquet");
    std::fs::copy(case("tabular.parquet"), folder.path().join("a.parquet")).unwrap();
    std::fs::write(&broken, b"no parquet file at all").unwrap();
    let folder = folder.path().display().to_string();
    let ran = millstream(&["inspect", "--label", "cls", &folder, "missing.parquet"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("a.parquet") && ran.out.contains("f3") && ran.out.contains("uniform"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("b.parquet: not a whole Parquet file"), "{}", ran.out);
    assert!(ran.out.contains("missing.parquet: no such file"), "{}", ran.out);
    assert!(
        ran.err.starts_with("error: 2 paths cannot be read; the first: "),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 1);
    let ran = millstream(&["inspect", "missing.parquet"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(1), "error: missing.parquet: no such file\n")
    );
}

#[test]
fn names_that_a_terminal_would_obey_are_written_out() {
    for (file, name) in [
        ("label_escape.parquet", r#""\u{1b}[31mred\u{1b}[0m""#),
        ("label_escape.parquet", r#""\u{1b}]0;title\u{7}b""#),
        ("label_unicode.parquet", "\"e\u{301} vs \u{e9}\\t\\ttab\\nnewline\""),
        ("label_unicode.parquet", "муравей 🐜"),
    ] {
        let ran = millstream(&["inspect", &case(file)]);
        assert!(ran.code == Some(0) && ran.out.contains(name), "{}", ran.out);
        visible(&ran.out);
        fits(&ran.out);
    }
    let ran = millstream(&["inspect", "no\u{1b}such\nfile.parquet"]);
    assert_eq!(ran.err, "error: no\\u{1b}such\\nfile.parquet: no such file\n");
}

#[test]
fn a_thousand_classes_are_shown_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    // Class c has c + 1 rows; names of 300 characters that differ in the middle alone.
    let label = (0..200_i64)
        .flat_map(|class| vec![format!("{}{class}{}", "x".repeat(150), "y".repeat(150)); class as usize + 1]);
    let label: Vec<String> = label.collect();
    let file = write(
        &folder.path().join("many.parquet"),
        vec![("label", Arc::new(StringArray::from_iter_values(label)) as ArrayRef)],
    );
    let text = millstream(&["inspect", &file]).out;
    assert!(text.lines().count() < 60, "{text}");
    assert!(
        text.contains("20 of 200 classes: the rarest and the largest."),
        "{text}"
    );
    fits(&text);
    let mut classes: Vec<_> = text.lines().filter(|line| line.contains(" times")).collect();
    let rows = |line: &&str| {
        line.split("  ")
            .find_map(|cell| cell.trim().parse::<u64>().ok())
            .unwrap()
    };
    let mut counts: Vec<u64> = classes.iter().map(rows).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=10).chain(191..=200).collect::<Vec<_>>());
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes.len(), 20, "two classes look alike");
    assert_eq!(inspect(&[&file])["labels"]["classes"].as_array().unwrap().len(), 200);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let mut running = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(["inspect", common::FASHION])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(running.stdout.take());
    let mut said = String::new();
    let err = BufReader::new(running.stderr.take().unwrap());
    err.lines().for_each(|line| said += &line.unwrap());
    assert_eq!((running.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn no_message_of_the_library_names_an_option() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("src/bin") {
                    walk(&path, found);
                }
                continue;
            }
            // Its style sheet has variables, which begin so.
            if path.ends_with("report/html.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let option = line.split('"').skip(1).step_by(2).any(|words| {
                    words
                        .split("--")
                        .skip(1)
                        .any(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
                });
                if option {
                    found.push(format!("{}: {line}", path.display()));
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    assert_eq!(found, Vec::<String>::new());
}
