//! A run is a spec: by code, from JSON and from TOML it is the same run and trains the same model.
#![cfg(feature = "train")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use common::context;
use millstream::Result;
use millstream::error::ErrorKind;
use millstream::image::{HorizontalFlip, Operation, Rotate};
use millstream::mix::Target;
use millstream::spec::{Describe, Named, Spec, read_json, read_toml, to_toml};
use millstream::task::{Event, Finetune, FinetuneSpec, OnBadRow, Strategy};
use millstream::train::Existing;
use millstream::train::loss::{Focal, Loss};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// 30 pictures of two classes, one brighter than the other.
fn data(to: &Path) -> String {
    let picture = |row: u32| {
        let shade = |x: u32, y: u32| [(40 + 90 * (row % 3 / 2) + x + row) as u8, (90 + y) as u8, 60];
        let image = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb(shade(x, y)));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..30).map(picture)));
    let names = (0..30).map(|row| if row % 3 == 2 { "bright" } else { "dark" });
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    let rows = RecordBatch::try_from_iter([("photo", pictures), ("kind", names)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    to.display().to_string()
}

fn by_code(train: &str) -> Finetune {
    let operations: [Arc<dyn Operation>; 2] = [Arc::new(Rotate::new(5.0)), Arc::new(HorizontalFlip::new(0.25))];
    Finetune::default()
        .seed(7)
        .train([train])
        .held_out(0.2)
        .label("kind")
        .on_bad_row(OnBadRow::Skip { at_most: 3 })
        .balance(Strategy {
            target: Some(Target::Power(0.5)),
            synthetic: 0.25,
            loss: Some(Loss::Focal(Focal::new().gamma(1.5))),
            ..Strategy::default()
        })
        .views(2)
        .operations(operations.map(Named::new))
        .backbone(BACKBONE)
        .size(32)
        .epochs(2)
        .batch_size(8)
        .learning_rate(0.02)
        .unfreeze(1)
        .deep_epochs(1)
        .deep_learning_rate(0.001)
        .layer_decay(0.7)
}

/// The same, as a person writes it.
fn toml(train: &str) -> String {
    format!(
        r#"
seed = 7

[data]
train = {train:?}
held_out = 0.2
label = "kind"
on_bad_row = {{ skip = {{ at_most = 3 }} }}

[balance]
target = {{ power = 0.5 }}
synthetic = 0.25
loss = {{ focal = {{ gamma = 1.5 }} }}

[augment]
views = 2
operations = [{{ rotate = {{ degrees = 5 }} }}, {{ horizontal_flip = {{ p = 0.25 }} }}]

[model]
backbone = {BACKBONE:?}
size = 32

[train]
epochs = 2
batch_size = 8
learning_rate = 0.02
unfreeze = 1
deep_epochs = 1
deep_learning_rate = 0.001
layer_decay = 0.7

[machine]
threads = 1
depth = 2
"#
    )
}

/// The model, and `run.json`, of which the place of the files is no part.
fn trained(run: Finetune, out: &Path) -> (Vec<u8>, Value, Vec<String>) {
    let (run, mut explained) = (run.out(out), Vec::new());
    let report = run.run(&context(), &mut |event| {
        if let Event::Explain(plan) = event {
            explained.push(plan.to_owned());
        }
    });
    assert!(report.unwrap().figures.value("balanced_accuracy").is_some());
    let read = |name: &str| fs::read(out.join(name)).unwrap();
    (
        read("model.safetensors"),
        serde_json::from_slice(&read("run.json")).unwrap(),
        explained,
    )
}

#[test]
fn by_code_by_json_and_by_toml_it_is_the_same_run_and_the_same_model() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let train = data(&dir.path().join("train.parquet"));
    let code = by_code(&train);
    let json: FinetuneSpec = read_json(&serde_json::to_string(&code.spec).unwrap())?;
    let toml: FinetuneSpec = read_toml(&toml(&train))?;
    assert_eq!(json.description(), code.spec.description());
    let fingerprint = code.spec.plan().fingerprint();
    assert_eq!(json.plan().fingerprint(), fingerprint);
    // What of the machine is named decides nothing.
    assert_eq!((toml.machine.threads, toml.machine.depth), (Some(1), Some(2)));
    assert_eq!(toml.plan().fingerprint(), fingerprint);

    let (model, manifest, explained) = trained(code.clone(), &dir.path().join("code"));
    let plan = &explained[0];
    assert!(plan.starts_with("finetune   seed 7\n  augment    "), "{plan}");
    for part in [
        "operations rotate degrees 5, horizontal_flip p 0.25",
        "  balance    auto false, loss focal gamma 1.5",
        "target power 0.5",
        "held_out 0.2",
        "learning_rate 0.02",
        "size 32",
        &format!("train {train}"),
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    for (name, spec) in [("json", json), ("toml", toml)] {
        let (same, again, _) = trained(Finetune::new(spec, ""), &dir.path().join(name));
        assert!(same == model, "{name}: another model");
        assert_eq!(
            (&again["run"], &again["fingerprint"]),
            (&manifest["run"], &manifest["fingerprint"])
        );
    }

    // What the run left describes it: read back it is the same run, which has ended.
    let left: FinetuneSpec = read_json(&manifest["run"].to_string())?;
    assert_eq!(left.data.image.as_deref(), Some("photo"));
    let again = Finetune::new(left, dir.path().join("code")).existing(Existing::Resume);
    again.run(&context(), &mut |event| {
        if let Event::Begin { what, .. } = event {
            assert_eq!(what, "hashing images", "nothing is left to train");
        }
    })?;
    // Other operations are another run.
    let other = code
        .operations([])
        .out(dir.path().join("code"))
        .existing(Existing::Resume);
    let error = other.run(&context(), &mut |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resume);
    assert!(error.to_string().contains("augment.operations was [{"), "{error}");
    Ok(())
}

#[test]
fn every_mistake_in_a_recipe_has_its_key_its_place_and_what_is_allowed() {
    let recipe = toml("train.parquet");
    for (from, to, said) in [
        (
            "epochs = 2",
            "epoch = 2",
            "train: unknown field `epoch` (do you mean `epochs`?), expected one of `epochs`, ",
        ),
        (
            "[train]",
            "[trian]",
            "unknown field `trian` (do you mean `train`?), expected one of `seed`, `task`, `data`, ",
        ),
        (
            "epochs = 2",
            "epochs = \"two\"",
            "train.epochs: invalid type: string \"two\", expected u64",
        ),
        (
            "epochs = 2",
            "epochs = 0",
            "train.epochs is 0, and has to lie in 1..=1000000",
        ),
        (
            "learning_rate = 0.02",
            "learning_rate = -1",
            "train.learning_rate is -1, and has to be a number above 0",
        ),
        (
            "layer_decay = 0.7",
            "layer_decay = 1.5",
            "train.layer_decay is 1.5, and has to be above 0 and at most 1",
        ),
        (
            "held_out = 0.2",
            "held_out = 1.0",
            "data.held_out is 1, and has to lie above 0 and below 1",
        ),
        (
            "views = 2",
            "views = 0",
            "augment.views is 0, and has to lie in 1..=1000",
        ),
        (
            "degrees = 5",
            "degrees = 400",
            "augment.operations[0]: rotate: degrees is 400, but has to lie in 0..=180",
        ),
        (
            "degrees = 5",
            "degree = 5",
            "augment.operations[0]: rotate: unknown field `degree` (do you mean `degrees`?), expected one of `degrees`, ",
        ),
        (
            "{ rotate =",
            "{ rotat =",
            "unknown operation \"rotat\": do you mean \"rotate\"?",
        ),
        (
            "synthetic = 0.25",
            "synthetic = 7",
            "balance: the synthetic share is 7, not in 0 to 1",
        ),
        (
            "{ power = 0.5 }",
            "\"unifrom\"",
            "balance.target: unknown variant `unifrom` (do you mean `uniform`?), expected one of ",
        ),
        ("{ focal =", "{ focl =", "unknown loss \"focl\": do you mean \"focal\"?"),
        ("gamma = 1.5", "gamma = -1", "focal: gamma is -1"),
        (
            "{ skip =",
            "{ skp =",
            "data.on_bad_row: unknown variant `skp` (do you mean `skip`?), expected one of ",
        ),
        (
            "size = 32",
            "size = 9000",
            "model.size is 9000, but has to lie in 1..=8192 pixels",
        ),
        (
            "threads = 1",
            "device = \"gpu\"",
            "machine.device: there is no device \"gpu\": those known are flex, ",
        ),
        (
            "depth = 2",
            "depth = 0",
            "machine.depth is 0, and has to lie in 1..=65535",
        ),
    ] {
        assert!(recipe.contains(from), "{from}");
        let text = recipe.replacen(from, to, 1);
        let error = read_toml::<FinetuneSpec>(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let error = error.to_string();
        assert!(error.contains(said), "{to}: {error}");
        // A key that is not known is where it begins; of a wrong value, where that begins.
        let wrong = text.find(to).unwrap();
        let inside = to
            .split_once("= ")
            .filter(|_| !said.contains("unknown field") && !to.starts_with('{'));
        let at = match inside {
            Some((key, _)) => wrong + key.len() + 2,
            None => wrong + to.find(char::is_alphanumeric).unwrap() - usize::from(to.starts_with('"')),
        };
        let line = text[..at].matches('\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
        assert!(
            error.ends_with(&format!(" at line {line} column {column}")),
            "{to}: {error}, not {line}:{column}"
        );
    }
    // In JSON it is what JSON's reader says: where the value ends.
    let error = read_json::<FinetuneSpec>("{\n \"train\": { \"epochs\": \"two\" }\n}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "train.epochs: invalid type: string \"two\", expected u64 at line 2 column 27"
    );
}

#[test]
fn a_recipe_of_nothing_is_the_default() -> Result<()> {
    let (empty, default) = (read_toml::<FinetuneSpec>("")?, FinetuneSpec::default());
    assert_eq!(empty.description(), default.description());
    Spec::check(&default)?;
    // A name alone means its defaults.
    let short: FinetuneSpec = read_toml("task = \"classify\"\n[balance]\nloss = \"balanced_softmax\"\n")?;
    let long: FinetuneSpec = read_toml("task = { classify = {} }\n[balance.loss.balanced_softmax]\n")?;
    assert_eq!(short.description(), long.description());
    assert_ne!(short.plan().fingerprint(), default.plan().fingerprint());
    Ok(())
}

#[test]
fn a_run_is_written_as_a_recipe_that_gives_it_again() -> Result<()> {
    let written = to_toml(&by_code("a \"b\".parquet").spec)?;
    for line in [
        "seed = 7",
        "# task is not set",
        "[data]",
        "train = 'a \"b\".parquet'",
        "held_out = 0.2",
        "# image is not set",
        "on_bad_row = { skip = { at_most = 3 } }",
        "[balance]",
        "target = { power = 0.5 }",
        "# auto = false",
        "[augment]",
        "views = 2",
        "# crop = { random_resized_crop = { ratio = [0.8, 1.25], scale = [0.5, 1.0] } }",
        "operations = [{ rotate = { degrees = 5.0 } }, { horizontal_flip = { p = 0.25 } }]",
        "[train]",
        "epochs = 2",
        "# keep_best = false",
        "[machine]",
        "# device = \"flex\"",
    ] {
        assert!(written.lines().any(|own| own == line), "{line}:\n{written}");
    }
    let sections: Vec<&str> = written.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(
        sections,
        ["[data]", "[balance]", "[augment]", "[model]", "[train]", "[machine]"]
    );
    let again: FinetuneSpec = read_toml(&written)?;
    assert_eq!(again.description(), by_code("a \"b\".parquet").spec.description());
    // Of defaults all are comments, and without the marks they are the same run.
    let defaults = to_toml(&FinetuneSpec::default())?;
    assert!(
        defaults
            .lines()
            .all(|line| line.is_empty() || line.starts_with(['#', '['])),
        "{defaults}"
    );
    let set = defaults
        .lines()
        .filter(|line| !line.ends_with(" is not set"))
        .map(|line| line.trim_start_matches("# "));
    let again: FinetuneSpec = read_toml(&set.collect::<Vec<_>>().join("\n"))?;
    assert_eq!(again.description(), FinetuneSpec::default().description());
    // TOML's whole numbers end at 2^63 - 1.
    let error = to_toml(&Finetune::default().seed(u64::MAX).spec).unwrap_err();
    assert!(
        error.to_string().starts_with("seed cannot be written in TOML"),
        "{error}"
    );
    Ok(())
}

/// The same as for options of the program.
#[test]
fn bounds_are_told_with_their_place() {
    for (line, said) in [
        ("seed = 9223372036854775808", "seed"),
        (
            "train.epochs = 1000001",
            "train.epochs is 1000001, and has to lie in 1..=1000000",
        ),
        (
            "train.deep_epochs = 1000001",
            "train.deep_epochs is 1000001, and has to lie in 0..=1000000",
        ),
        (
            "train.early_stopping = 0",
            "train.early_stopping is 0, and has to lie in 1..=1000000",
        ),
        (
            "train.batch_size = 65537",
            "train.batch_size is 65537, and has to lie in 1..=65536",
        ),
        (
            "augment.views = 1001",
            "augment.views is 1001, and has to lie in 1..=1000",
        ),
        (
            "model.height = 0",
            "model.height is 0, but has to lie in 1..=8192 pixels",
        ),
        (
            "machine.memory = 8796093022208",
            "machine.memory is 8796093022208 MiB, and has to lie in 1..=",
        ),
        (
            "data.reading.max_pixels = 0",
            "data.reading: max_pixels is 0, and has to be 1 at least",
        ),
        (
            "data.reading.white = 254",
            "data.reading: white is 254, but has to lie in 255..=65535",
        ),
        (
            "balance.target.power = 17",
            "balance: target: power is 17, but has to be a number in -16 to 16",
        ),
    ] {
        let text = format!("# a recipe\n{line}\n");
        let error = read_toml::<FinetuneSpec>(&text).unwrap_err().to_string();
        let column = line.find("= ").unwrap() + 3;
        assert!(error.starts_with(said), "{line}: {error}");
        assert!(
            error.ends_with(&format!(" at line 2 column {column}")),
            "{line}: {error}"
        );
    }
    let seed = FinetuneSpec::MAX_SEED;
    let spec: FinetuneSpec = read_toml(&format!("seed = {seed}")).unwrap();
    assert_eq!(read_toml::<FinetuneSpec>(&to_toml(&spec).unwrap()).unwrap().seed, seed);
    let error = Spec::check(&FinetuneSpec { seed: seed + 1, ..spec })
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("seed is 9223372036854775808, and has to lie in 0..=9223372036854775807"),
        "{error}"
    );
}

#[test]
fn words_of_the_command_line_are_understood_or_answered() {
    let read = |text: &str| read_toml::<FinetuneSpec>(text);
    let spec = read("[balance]\ntarget = \"none\"\n[augment]\noperations = \"none\"\n").unwrap();
    assert_eq!(spec.balance.target, Some(Target::Power(1.0)));
    assert!(spec.augment.operations.is_empty());
    for (text, said) in [
        (
            "[balance]\ntarget = \"auto\"\n",
            "set auto = true beside it, and leave target out at line 2 column 10",
        ),
        (
            "[train]\nbatch = 8\n",
            "unknown field `batch` (do you mean `batch_size`?)",
        ),
        (
            "[augment]\noperations = \"rotate\"\n",
            "write [\"rotate\"], or \"none\"",
        ),
        (
            "[augment]\noperations = [\"blur\"]\n",
            "unknown operation \"blur\": do you mean \"gaussian_blur\"?",
        ),
        (
            "[augment]\noperations = [\"noise\"]\n",
            "unknown operation \"noise\": do you mean \"gaussian_noise\"?",
        ),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_rule_for_bad_rows_may_be_a_name() {
    let rule =
        |text: &str| read_toml::<FinetuneSpec>(&format!("data.on_bad_row = {text}")).map(|spec| spec.data.on_bad_row);
    assert_eq!(rule("\"skip\"").unwrap(), OnBadRow::Skip { at_most: 100 });
    assert_eq!(rule("{ replace = {} }").unwrap(), OnBadRow::Replace { at_most: 100 });
    assert_eq!(
        rule("{ skip = { at_most = 3 } }").unwrap(),
        OnBadRow::Skip { at_most: 3 }
    );
    assert_eq!(rule("{ fail = {} }").unwrap(), OnBadRow::Fail);
    for (text, said) in [
        (
            "\"skp\"",
            "data.on_bad_row: unknown variant `skp` (do you mean `skip`?), expected one of ",
        ),
        (
            "{ skip = { atmost = 3 } }",
            "data.on_bad_row.skip: unknown field `atmost` (do you mean `at_most`?)",
        ),
        (
            "{ fail = { at_most = 3 } }",
            "data.on_bad_row.fail: unknown field `at_most`",
        ),
    ] {
        let error = rule(text).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn sizes_are_checked_against_that_of_the_run() {
    let recipe = |size: &str| {
        format!(
            "{size}\n[augment]\ncrop = {{ resize_center_crop = {{ resize_size = 300 }} }}\n\
             operations = [{{ resize = {{ size = [320, 240] }} }}, {{ pad = {{ padding = [4, 4, 4, 4] }} }}, {{ random_crop = {{ size = [288, 200] }} }}]\n"
        )
    };
    // The size may still be given beside it.
    let spec = read_toml::<FinetuneSpec>(&recipe("")).unwrap();
    let augmented = |size, height| Finetune::new(spec.clone(), "").size(size).height(height).augmentation();
    assert_eq!(augmented(288, 200).unwrap().size(), [288, 200]);
    let error = augmented(224, 224).unwrap_err();
    let said = "augment.operations: the operations leave pictures of 288 x 200 pixels, but size is 224 x 224";
    assert_eq!(
        (error.to_string().as_str(), error.remedy()),
        (said, Some(millstream::error::Remedy::Size))
    );
    let error = augmented(320, 200).unwrap_err().to_string();
    assert_eq!(
        error,
        "augment.crop: resize_center_crop: resize_size is 300, but has to lie in 320..=65536 pixels"
    );
    // What is wrong at any size is refused where it is read.
    let error = read_toml::<FinetuneSpec>("augment.crop = { center_crop = { share = 2 } }")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("augment.crop: center_crop: share is 2, but has to lie above 0 and up to 1"),
        "{error}"
    );
    let error = read_toml::<FinetuneSpec>("augment.crop = { resize_center_crop = { resize_size = 70000 } }")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("resize_size is 70000, but has to lie in 1..=65536"),
        "{error}"
    );
}
