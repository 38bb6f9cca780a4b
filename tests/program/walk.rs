//! Every command of the program over every odd input in `tests/cases`. A command ends with code 0, or with 1 or 2 and one line
//! that names the input and the reason. Nothing panics, no file of the user's is lost or changed, and no two commands disagree.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

/// The inputs on which a training is refused, and words of the reason. All others train.
const REFUSED: [(&str, &str); 11] = [
    ("audio.parquet", "no column looks like one"),
    ("hf_null_image.parquet", "the value is null"),
    ("hf_two_bad_images.parquet", "premature end of JPEG data"),
    ("hf_two_images.parquet", "it could be"),
    ("jpeg_exif6.parquet", "no class has two rows"),
    ("mp108.parquet", "no class has two rows"),
    ("nonint_panic.parquet", "no class has two rows"),
    ("png_16gray_lowrange.parquet", "no class has two rows"),
    ("tabular.parquet", "no column looks like one"),
    ("tiff.parquet", "no class has two rows"),
    ("two.parquet", "it could be"),
];

fn program(arguments: &[&str], in_folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(arguments).current_dir(in_folder).output().unwrap()
}

/// All inputs: each picture, each table, each folder of tables.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let of = |part: &str| {
        fs::read_dir(folder.join(part))
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let pictures = of("pictures").filter(|path| path.extension().is_some_and(|kind| kind != "png"));
    let mut cases: Vec<_> = pictures.chain(of("tables")).collect();
    cases.sort();
    cases
}

/// All files below `folder` and what is in them.
fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (path, bytes) in listing(from) {
        let path = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// What a command said, if it said it as it should: the line of a refusal, or none where it is done.
fn said(command: &str, case: &Path, output: &Output) -> Result<Option<String>, String> {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let wrong = |why: &str| Err(format!("{command} {name}: {why}\n{errors}"));
    if errors.contains("panicked") {
        return wrong("a panic");
    }
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
    match (output.status.code(), lines.as_slice()) {
        (Some(0), []) => Ok(None),
        (Some(0), _) => wrong("an error, and code 0"),
        (Some(1 | 2), [line]) if !errors.trim_end().ends_with(line) => wrong("words after the error"),
        (Some(1 | 2), [line]) if !line.contains(name.as_str()) => wrong("the error names no file"),
        (Some(1 | 2), [line]) => Ok(Some((*line).to_owned())),
        (Some(1 | 2), _) => wrong("not one line of error"),
        (code, _) => wrong(&format!("ended with {code:?}")),
    }
}

/// Runs all commands over `case`, and compares what they say.
fn walk(case: &Path, model: &str, folder: &Path) -> Result<(), String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let at = case.display().to_string();
    let own = folder.join(name.as_str());
    fs::create_dir_all(&own).unwrap();
    let run = |command: &str, arguments: &[&str]| {
        let arguments = [&[command], arguments].concat();
        said(command, case, &program(&arguments, &own))
    };
    let inspected = run("inspect", &[&at])?;
    let small = ["--size", "32", "--threads", "1"];
    let trained = run(
        "finetune",
        &[
            &["--train", &at, "--out", "run", "--epochs", "1", "--views", "1"],
            &small[..],
        ]
        .concat(),
    )?;
    let benched = run("bench", &[&[&*at], &small[..]].concat())?;
    let looked = run("doctor", &[&[&*at], &small[..]].concat())?;
    let predicted = run("predict", &["--model", model, &at])?;
    let disagree = |what: &str| {
        Err(format!(
            "{name}: {what}\n{inspected:?}\n{trained:?}\n{benched:?}\n{looked:?}\n{predicted:?}"
        ))
    };
    match REFUSED.iter().find(|(refused, _)| *refused == name) {
        // A picture is no table.
        _ if case.parent().unwrap().ends_with("pictures") => {
            // `predict` takes pictures, too, and `inspect` says of any file what it is.
            let refused = |said: &Option<String>| {
                said.as_ref()
                    .is_some_and(|said| said.contains("name one that has a folder"))
            };
            return match [&trained, &benched, &looked].iter().all(|said| refused(said)) && inspected.is_none() {
                true => Ok(()),
                false => disagree("a picture was taken for a table"),
            };
        }
        None if trained.is_some() => return disagree("it does not train"),
        None if [&inspected, &benched, &looked, &predicted]
            .iter()
            .any(|said| said.is_some()) =>
        {
            return disagree("it trains, and another command refuses it");
        }
        None => {}
        Some((_, reason)) => {
            let Some(line) = &trained else {
                return disagree("it trains");
            };
            if !line.contains(reason) {
                return disagree("the reason is not said");
            }
            if inspected.is_some() {
                return disagree("inspect is the diagnosis, and refuses");
            }
        }
    }
    // Of several image columns, every command that decodes asks for one; `predict` takes the one that its model was trained on.
    let unclear = |said: &Option<String>| {
        said.as_deref()
            .is_some_and(|line| line.contains("which column is the image? it could be"))
    };
    if [&benched, &looked]
        .iter()
        .any(|said| unclear(said) != unclear(&trained))
    {
        return disagree("the image column is clear to one command alone");
    }
    if benched.is_some() != looked.is_some() {
        return disagree("bench and doctor differ");
    }
    Ok(())
}

#[test]
fn every_command_over_every_case() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("cases"), folder.path().join("out"));
    copy(Path::new(CASES), &data);
    let before = listing(&data);
    fs::create_dir_all(&out).unwrap();
    let model = out.join("model").display().to_string();
    let train = data.join("tables/one_class.parquet").display().to_string();
    let arguments = [
        "finetune", "--train", &train, "--out", &model, "--size", "32", "--epochs", "1", "--views", "1",
    ];
    let output = program(&arguments, &out);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let walked: Vec<_> = cases(&data)
        .par_iter()
        .filter_map(|case| walk(case, &model, &out).err())
        .collect();
    assert_eq!(listing(&data), before, "files of the user's");
    assert!(walked.is_empty(), "{}", walked.join("\n\n"));
}
