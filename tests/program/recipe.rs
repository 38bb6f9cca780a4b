//! Recipes as a person uses them: with the program, beside its options, from other folders, with mistakes.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::Result;
use millstream::image::{Boxes, CopyPaste, Crop, HorizontalFlip, IouCrop, Pixels};
use millstream::mix::Target;
use millstream::spec::{Named, Spec, read_toml};
use millstream::task::{Finetune, FinetuneSpec, OnBadRow, Preview, Strategy, TrainingPhase};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");
const RECIPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/recipes");
const COMMANDS: [&str; 6] = ["finetune", "preview", "bench", "doctor", "inspect", "evaluate"];

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn millstream_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut program = Command::new(env!("CARGO_BIN_EXE_millstream"));
    let done = program.current_dir(folder).args(arguments).output().unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let code = done.status.code();
    Ran { code, out, err }
}

/// What a command that goes well prints.
#[track_caller]
fn ran(folder: &Path, arguments: &[&str]) -> String {
    let ran = millstream_in(folder, arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
    ran.out
}

/// The one line of a command that is refused.
#[track_caller]
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let ran = millstream_in(folder, arguments);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(1), ""),
        "{arguments:?}: {}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    ran.err.trim_end().to_owned()
}

/// The recipe that a command line comes to.
#[track_caller]
fn printed(folder: &Path, arguments: &[&str]) -> FinetuneSpec {
    read_toml(&ran(folder, &[arguments, &["--print-recipe"]].concat())).unwrap()
}

/// A picture of 32 x 32 pixels, bright on the left.
fn picture(row: usize) -> Vec<u8> {
    let shade = |x: u32| if x < 16 { 200 + (row % 50) as u8 } else { 20 };
    let image = image::RgbImage::from_fn(32, 32, |x, y| {
        image::Rgb([shade(x), shade(x), (row / 50 + y as usize) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn write(to: &Path, rows: impl IntoIterator<Item = (Vec<u8>, &'static str)>) -> String {
    let (pictures, names): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let pictures: ArrayRef = std::sync::Arc::new(BinaryArray::from_iter_values(pictures));
    let names: ArrayRef = std::sync::Arc::new(StringArray::from_iter_values(names));
    let rows = RecordBatch::try_from_iter([("photo", pictures), ("kind", names)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    to.display().to_string()
}

/// `rows` pictures from the `first` on, of two digits in turn.
fn digits(to: &Path, first: usize, rows: usize) -> String {
    let digit = |row| (picture(row), if row % 3 == 0 { "7" } else { "2" });
    write(to, (first..first + rows).map(digit))
}

#[test]
fn a_printed_recipe_gives_the_same_run_again() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let options = [
        "finetune",
        "--train",
        "a.parquet",
        "b.parquet",
        "--valid",
        "v.parquet",
        "--label",
        "kind",
        "--epochs",
        "2",
        "--balance",
        "sqrt",
        "--synthetic",
        "0.25",
        "--loss",
        "focal",
        "--views",
        "2",
        "--size",
        "32",
        "--batch",
        "8",
        "--unfreeze",
        "1",
        "--deep-epochs",
        "3",
        "--layer-decay",
        "0.5",
        "--fixed-views",
        "--freeze-depthwise",
        "--as-stored",
        "--max-pixels",
        "1000",
        "--on-error",
        "skip",
        "--max-errors",
        "3",
        "--seed",
        "9",
        "--threads",
        "1",
        "--keep-best",
    ];
    let mut code = Finetune::default()
        .train(["a.parquet", "b.parquet"])
        .valid(["v.parquet"])
        .label("kind")
        .epochs(2)
        .views(2)
        .size(32)
        .batch_size(8)
        .unfreeze(1)
        .deep_epochs(3)
        .layer_decay(0.5)
        .fixed_views(true)
        .freeze_depthwise(true)
        .keep_best(true)
        .on_bad_row(OnBadRow::Skip { at_most: 3 })
        .seed(9)
        .spec;
    code.data.reading.upright = false;
    code.data.reading.max_pixels = 1000;
    code.balance.target = Some(Target::Sqrt);
    code.balance.synthetic = 0.25;
    code.balance.loss = Some("focal".parse()?);
    let text = ran(here, &[&options[..], &["--print-recipe"]].concat());
    let read: FinetuneSpec = read_toml(&text)?;
    assert_eq!(read.plan().fingerprint(), code.plan().fingerprint(), "{text}");
    assert_eq!((&read.data.train, read.machine.threads), (&code.data.train, Some(1)));
    // Complete: what was not said is a comment.
    for line in [
        "# deep_learning_rate = 0.0001",
        "# held_out = 0.1",
        "# image is not set",
        "# device = \"flex\"",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
    // Each command reads it, and adds nothing of its own.
    fs::write(here.join("r.toml"), &text).unwrap();
    for command in COMMANDS {
        assert_eq!(
            ran(here, &[command, "--recipe", "r.toml", "--print-recipe"]),
            text,
            "{command}"
        );
    }
    // Of nothing it is that of all defaults.
    let nothing = printed(here, &["finetune"]);
    assert_eq!(
        nothing.plan().fingerprint(),
        FinetuneSpec::default().plan().fingerprint()
    );
    Ok(())
}

#[test]
fn every_value_of_a_recipe_has_an_option() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let recipe = r#"
        data.train = "a.parquet"
        [augment]
        operations = [{ rotate = { degrees = 3 } }]
        [train]
        learning_rate = 0.5
    "#;
    fs::write(here.join("r.toml"), recipe).unwrap();
    let with = |options: &[&str]| printed(here, &[&["finetune", "--recipe", "r.toml"], options].concat());
    let given = with(&[
        "--held-out",
        "0.25",
        "--crop",
        r#"{"random_resized_crop": {"scale": [0.25, 1], "ratio": [0.5, 2]}}"#,
        "--augment",
        "vertical_flip",
        r#"{"rotate": {"degrees": 5}}"#,
        "--learning-rate",
        "0.01",
        "--deep-learning-rate",
        "0.002",
        "--size",
        "1",
        "--balance",
        r#"{"power": 0.7}"#,
        "--depth",
        "3",
    ]);
    let crop = Crop::Random {
        scale: 0.25..=1.0,
        ratio: 0.5..=2.0,
        plain: None,
    };
    assert_eq!((given.data.held_out, given.augment.crop), (0.25, crop));
    let operations: Vec<Value> = given
        .augment
        .operations
        .iter()
        .map(|one| one.description().tagged())
        .collect();
    assert_eq!(operations.len(), 2);
    assert!(operations[0]["vertical_flip"].is_object(), "{operations:?}");
    assert_eq!(operations[1]["rotate"]["degrees"], 5.0);
    assert_eq!(
        (given.train.learning_rate, given.train.deep_learning_rate),
        (Some(0.01), 0.002)
    );
    assert_eq!((given.model.size, given.machine.depth), (Some(1), Some(3)));
    assert_eq!(given.balance.target, Some(Target::Power(0.7)));
    // Nothing else is another one.
    assert_eq!(with(&[]).train.learning_rate, Some(0.5));
    assert_eq!(with(&[]).augment.operations.len(), 1);
    assert!(with(&["--augment", "none"]).augment.operations.is_empty());
    assert_eq!(with(&["--crop", "whole"]).augment.crop, Crop::Whole);
    let own = |balance: &str| {
        read_toml::<FinetuneSpec>(&format!("[balance]\n{balance}\n"))
            .unwrap()
            .balance
    };
    let made = with(&[
        "--synthetic",
        "0.5",
        "--generator",
        "{\"residuals\": {\"strength\": 1}}",
    ])
    .balance;
    assert_eq!(
        (made.synthetic, made.generator),
        (
            0.5,
            own("synthetic = 0.5\ngenerator = { residuals = { strength = 1 } }").generator
        )
    );
    assert_eq!(
        own("synthetic = 1\ngenerator = \"adasyn\"").generator.unwrap().name(),
        "adasyn"
    );
    assert_eq!(
        with(&["--crop", "center_crop"]).augment.crop,
        Crop::Center { share: 0.875 }
    );
    assert_eq!(
        with(&["--crop", "random_iou_crop"]).augment.crop,
        Crop::RandomIou(IouCrop::default())
    );
    for (options, why) in [
        (["--held-out", "1"], "not above 0 and below 1"),
        (["--learning-rate", "0"], "not a number above 0"),
        (["--deep-learning-rate", "inf"], "not a number above 0"),
        (["--augment", "rotat"], "do you mean \"rotate\"?"),
        (["--crop", "half"], "unknown variant `half`"),
        (["--crop", "resize_center_crop"], "resize_size = 256"),
        (["--balance", "even"], "not none, sqrt, uniform, auto or JSON"),
        (["--balance", "{\"power\": 99}"], "power is 99"),
        (["--generator", "smot"], "do you mean \"smote\"?"),
        (["--generator", "{\"residuals\": {\"strength\": 0}}"], "strength is 0"),
    ] {
        let ran = millstream_in(here, &[&["finetune", "--print-recipe"][..], &options].concat());
        assert_eq!(ran.code, Some(2), "{options:?}");
        assert!(ran.err.contains(why), "{options:?}: {}", ran.err);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_argument_that_is_not_utf8_is_refused_in_one_line() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.parquet");
    for command in ["finetune --out x --train", "inspect", "predict --model x"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_millstream"));
        let done = program.args(command.split(' ')).arg(name).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{command}");
        assert_eq!(
            String::from_utf8(done.stderr).unwrap(),
            "error: caf\u{fffd}.parquet: the argument is not UTF-8; rename what it names, or name the folder that it lies in\n",
            "{command}"
        );
    }
}

#[test]
fn options_override_single_values() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let recipe = r#"
        seed = 5
        [data]
        train = "a.parquet"
        valid = "v.parquet"
        on_bad_row = { replace = { at_most = 7 } }
        reading = { upright = false }
        [balance]
        target = "sqrt"
        synthetic = 0.5
        loss = "focal"
        [augment]
        operations = []
        [model]
        weights = "w.pth"
        [train]
        epochs = 3
        batch_size = 4
        keep_best = true
        early_stopping = 2
    "#;
    fs::write(here.join("r.toml"), recipe).unwrap();
    let with = |options: &[&str]| printed(here, &[&["finetune", "--recipe", "r.toml"], options].concat());
    let plain = with(&[]);
    assert_eq!(
        (
            plain.seed,
            plain.train.epochs,
            plain.train.batch_size,
            plain.augment.views
        ),
        (5, 3, 4, 4)
    );
    let other = with(&[
        "--epochs",
        "40",
        "--keep-best=false",
        "--as-stored=false",
        "--max-errors",
        "1",
    ]);
    // 40 is the default, and is given.
    assert_eq!((other.train.epochs, other.train.keep_best), (40, false));
    assert!(other.data.reading.upright);
    assert_eq!(other.data.on_bad_row, OnBadRow::Replace { at_most: 1 });
    assert_eq!(
        with(&["--on-error", "skip"]).data.on_bad_row,
        OnBadRow::Skip { at_most: 7 }
    );
    assert_eq!(
        (other.seed, other.train.batch_size, other.train.early_stopping),
        (5, 4, Some(2))
    );
    assert!(other.augment.operations.is_empty());
    let files = with(&["--train", "b.parquet", "--seed", "0"]);
    assert_eq!(
        (&files.data.train[..], &files.data.valid[..]),
        (&["b.parquet".to_owned()][..], &["v.parquet".to_owned()][..])
    );
    assert_eq!(files.seed, 0);
    // What is chosen automatically takes the place of what the recipe chose.
    let auto = with(&["--balance", "auto"]).balance;
    assert!(
        auto.auto && auto.target.is_none() && auto.loss.is_none() && auto.synthetic == 0.0,
        "{auto:?}"
    );
    assert_eq!(with(&["--balance", "uniform"]).balance.target, Some(Target::Uniform));
    // The weights are those of the network that is replaced.
    let model = with(&["--backbone", "resnet18"]).model;
    assert_eq!((model.backbone.as_str(), model.weights), ("resnet18", None));
    // Each command has what concerns it.
    let bench = printed(
        here,
        &[
            "bench",
            "--recipe",
            "r.toml",
            "--batch",
            "16",
            "--image",
            "photo",
            "c.parquet",
        ],
    );
    assert_eq!(
        (bench.train.batch_size, bench.model.size, &bench.data.train[0][..]),
        (16, None, "c.parquet")
    );
    assert!(bench.augment.operations.is_empty());
    let evaluate = printed(
        here,
        &["evaluate", "--recipe", "r.toml", "--on-error", "fail", "t.parquet"],
    );
    assert_eq!(
        (evaluate.data.on_bad_row, &evaluate.data.valid[0][..]),
        (OnBadRow::Fail, "t.parquet")
    );
    // Without a recipe, what is measured is the standard pipeline.
    let standard = printed(here, &["bench", "c.parquet"]);
    assert_eq!(
        (
            standard.train.batch_size,
            standard.model.size,
            standard.augment.operations.len()
        ),
        (64, Some(224), 1)
    );
    // Help shows the defaults of the library.
    let help = ran(here, &["finetune", "--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for default in ["40", "32", "efficientnet-lite0", "flex", "67108864"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
    }
    // And what a number may be.
    let help = ran(here, &["preview", "--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for range in ["Samples of each class and origin, 1 to 64", "of a tile, 16 to 512"] {
        assert!(help.contains(range), "{range}: {help}");
    }
}

#[test]
fn paths_begin_where_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let (here, own) = (folder.path(), folder.path().join("set[1]"));
    fs::create_dir(&own).unwrap();
    digits(&own.join("a.parquet"), 0, 3);
    digits(&own.join("b.parquet"), 3, 4);
    digits(&here.join("c.parquet"), 7, 5);
    fs::write(
        own.join("r.toml"),
        "data.train = \"*.parquet\"\nmodel.backbone = \"nets/mine\"\n",
    )
    .unwrap();
    let recipe = "set[1]/r.toml";
    let rows = |arguments: &[&str], folder: &Path| {
        let found = ran(folder, &[&["inspect", "--json"], arguments].concat());
        serde_json::from_str::<Value>(&found).unwrap()["rows"].as_u64()
    };
    assert_eq!(rows(&["--recipe", recipe], here), Some(7));
    assert_eq!(rows(&["--recipe", "r.toml"], &own), Some(7));
    assert_eq!(rows(&["--recipe", recipe, "c.parquet"], here), Some(5));
    let read = printed(here, &["finetune", "--recipe", recipe]);
    assert_eq!(read.model.backbone, "set[1]/nets/mine");
    // The name of a network is no path.
    fs::write(
        own.join("r.toml"),
        "model = { backbone = \"resnet18\", weights = \"w.pth\" }\n",
    )
    .unwrap();
    let read = printed(here, &["finetune", "--recipe", recipe]);
    assert_eq!(
        (read.model.backbone.as_str(), read.model.weights),
        ("resnet18", Some("set[1]/w.pth".into()))
    );
}

#[test]
fn mistakes_have_the_file_the_place_and_what_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (text, said) in [
        (
            "seed = 1\n[train]\nepoch = 20\n",
            [
                "train: unknown field `epoch` (do you mean `epochs`?)",
                "at line 3 column 1",
            ],
        ),
        (
            "[train]\nepochs = 0\n",
            [
                "train.epochs is 0, and has to lie in 1..=1000000",
                "at line 2 column 10",
            ],
        ),
        (
            "[augment]\noperations = [{ rotat = {} }]\n",
            [
                "augment.operations[0]: unknown operation \"rotat\": do you mean \"rotate\"?",
                "at line 2 column 17",
            ],
        ),
        ("[data\n", ["", "at line 1 column 6"]),
    ] {
        fs::write(here.join("r.toml"), text).unwrap();
        for command in COMMANDS {
            let out = ["--recipe", "r.toml", "--print-recipe"];
            let error = refused(here, &[&[command], &out[..]].concat());
            assert!(
                error.starts_with(&format!("error: r.toml: {}", said[0])),
                "{command}: {error}"
            );
            assert!(error.ends_with(said[1]), "{command}: {error}");
        }
    }
    fs::write(here.join("r.toml"), "data.valid = \"v.parquet\"\n").unwrap();
    for arguments in [
        &["finetune", "--out", "o"][..],
        &["preview", "--out", "o.png"],
        &["bench"],
        &["doctor"],
        &["inspect"],
    ] {
        let error = refused(here, &[arguments, &["--recipe", "r.toml"]].concat());
        assert_eq!(
            error,
            "error: r.toml: data.train names no files, and neither does the command line"
        );
    }
    fs::write(here.join("r.toml"), "").unwrap();
    let error = refused(here, &["evaluate", "--model", "m", "--recipe", "r.toml"]);
    assert_eq!(
        error,
        "error: r.toml: data.valid names no files, and neither does the command line"
    );
    let error = refused(here, &["inspect", "--recipe", "none.toml"]);
    assert_eq!(error, "error: none.toml: no such recipe");
    // What two places say together may make no sense.
    fs::write(here.join("r.toml"), "[balance]\nauto = true\n").unwrap();
    let error = refused(
        here,
        &["finetune", "--recipe", "r.toml", "--loss", "focal", "--print-recipe"],
    );
    assert!(
        error.starts_with("error: balance: auto chooses target, loss and synthetic in a cross-validation: leave "),
        "{error}"
    );
    // Without one, files are named as ever.
    assert_eq!(millstream_in(here, &["finetune", "--out", "o"]).code, Some(2));
    assert_eq!(millstream_in(here, &["inspect"]).code, Some(2));
}

#[test]
fn a_recipe_and_options_train_the_same_model_and_every_command_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (here, own) = (folder.path(), folder.path().join("own"));
    fs::create_dir(&own).unwrap();
    digits(&own.join("train.parquet"), 0, 24);
    digits(&own.join("valid.parquet"), 24, 9);
    let recipe = format!(
        "seed = 3\ndata = {{ train = \"train.parquet\", valid = \"valid.parquet\" }}\naugment.views = 2\n\
         model = {{ backbone = {BACKBONE:?}, size = 32 }}\ntrain = {{ epochs = 2, batch_size = 8 }}\n"
    );
    fs::write(own.join("r.toml"), recipe).unwrap();
    ran(here, &["finetune", "--recipe", "own/r.toml", "--out", "by-recipe"]);
    let options = [
        "--train",
        "own/train.parquet",
        "--valid",
        "own/valid.parquet",
        "--seed",
        "3",
        "--views",
        "2",
        "--backbone",
        BACKBONE,
        "--size",
        "32",
        "--epochs",
        "2",
        "--batch",
        "8",
    ];
    ran(here, &[&["finetune", "--out", "by-options"], &options[..]].concat());
    let read = |name: &str| ["by-recipe", "by-options"].map(|run| fs::read(here.join(run).join(name)).unwrap());
    let [a, b] = read("model.safetensors");
    assert!(a == b, "another model");
    let [a, b] = read("run.json").map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    assert_eq!((&a["run"], &a["fingerprint"]), (&b["run"], &b["fingerprint"]));

    let with: [&str; 2] = ["--recipe", "own/r.toml"];
    let report = ran(
        here,
        &[&["evaluate", "--model", "by-recipe", "--json"], &with[..]].concat(),
    );
    let report: Value = serde_json::from_str(&report).unwrap();
    let told: Value = serde_json::from_slice(&fs::read(here.join("by-recipe/report.json")).unwrap()).unwrap();
    assert_eq!(report["confusion"], told["confusion"], "{report}");
    for command in ["bench", "doctor"] {
        let said = ran(here, &[&[command], &with[..]].concat());
        assert!(said.contains("images of column photo at 32 px"), "{said}");
    }
    // 24 rows, and of the crop and the operations each step by its name.
    assert!(ran(here, &[&["inspect"], &with[..]].concat()).contains("24 rows"));
    let steps = ran(
        here,
        &[&["preview", "--row", "0", "--out", "p.png", "--json"], &with[..]].concat(),
    );
    assert!(
        steps.contains("\"horizontal_flip\"") && here.join("p.png").is_file(),
        "{steps}"
    );
}

/// `rows` pictures with a bright box, every fifth with another one of a rare class.
fn boxes(to: &Path, rows: usize) {
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(picture)));
    let own = |row: usize| if row.is_multiple_of(5) { 2 } else { 1 };
    let offsets = OffsetBuffer::from_lengths((0..rows).map(own));
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(ListArray::new(item, offsets.clone(), values, None))
    };
    let all = || (0..rows).flat_map(|row| (0..own(row)).map(move |at| (row, at)));
    let numbers = all().flat_map(|(row, at)| [at as f32 * 14.0, (row % 9) as f32, 14.0, 12.0]);
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let numbers: ArrayRef = Arc::new(Float32Array::from_iter_values(numbers.collect::<Vec<_>>()));
    let numbers = FixedSizeListArray::new(item, 4, numbers, None);
    let classes = StringArray::from_iter_values(all().map(|(_, at)| ["left", "right"][at]).collect::<Vec<_>>());
    let fields = [("bbox", list(Arc::new(numbers))), ("category", list(Arc::new(classes)))]
        .map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    let objects: ArrayRef = Arc::new(StructArray::from(fields.to_vec()));
    let rows = RecordBatch::try_from_iter([("photo", pictures), ("objects", objects)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

#[test]
fn boxes_are_balanced_alike_by_recipe_options_and_code() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    boxes(&here.join("train.parquet"), 20);
    boxes(&here.join("valid.parquet"), 10);
    let recipe = format!(
        "seed = 3\ndata = {{ train = \"train.parquet\", valid = \"valid.parquet\" }}\nbalance.target = {{ repeat_factor = 0.8 }}\n\
         augment = {{ views = 2, operations = [{{ horizontal_flip = {{ p = 0.5 }} }}, {{ copy_paste = {{ classes = [\"right\"], cover = 1.0, window = 8 }} }}] }}\n\
         model = {{ backbone = {BACKBONE:?}, size = 32 }}\ntrain = {{ epochs = 2, batch_size = 8 }}\n"
    );
    fs::write(here.join("r.toml"), recipe).unwrap();
    ran(here, &["finetune", "--recipe", "r.toml", "--out", "by-recipe"]);
    let paste = r#"{"copy_paste": {"classes": ["right"], "cover": 1.0, "window": 8}}"#;
    let options = [
        "finetune",
        "--train",
        "train.parquet",
        "--valid",
        "valid.parquet",
        "--seed",
        "3",
        "--balance",
        r#"{"repeat_factor": 0.8}"#,
        "--augment",
        r#"{"horizontal_flip": {"p": 0.5}}"#,
        paste,
        "--views",
        "2",
        "--backbone",
        BACKBONE,
        "--size",
        "32",
        "--epochs",
        "2",
        "--batch",
        "8",
    ];
    let json = ran(here, &[&options[..], &["--out", "by-options", "--json"]].concat());
    // A run says which boxes there are.
    let text = ran(here, &[&options[..], &["--print-recipe"]].concat());
    assert!(
        text.contains("copy_paste = { classes = [\"right\"]") && !text.contains("boxes ="),
        "{text}"
    );
    // What is suppressed: as the model has it, as a recipe, as an option says.
    let nms = "task = { detect = { nms = { suppression = { gaussian = { sigma = 0.5 } }, at_most = 9 } } }\n";
    let recipe = fs::read_to_string(here.join("r.toml")).unwrap();
    fs::write(here.join("nms.toml"), format!("{nms}{recipe}")).unwrap();
    let evaluated = |recipe: &str, options: &[&str]| {
        let all = [
            &["evaluate", "--model", "by-recipe", "--recipe", recipe, "--json"],
            options,
        ]
        .concat();
        let report: Value = serde_json::from_str(&ran(here, &all)).unwrap();
        let notes = report["notes"].as_array().unwrap().iter().filter_map(Value::as_str);
        notes
            .filter_map(|note| note.strip_prefix("boxes: "))
            .collect::<Vec<_>>()
            .join("|")
    };
    assert!(evaluated("r.toml", &[]).ends_with("as the model was trained with"));
    let said = evaluated("nms.toml", &[]);
    assert!(
        said.starts_with("Gaussian Soft-NMS with sigma 0.5, class by class; scores of at least 0; at most 9 boxes"),
        "{said}"
    );
    let said = evaluated("nms.toml", &["--nms", r#"{"at_most": 3}"#, "--min-score", "0.25"]);
    assert!(
        said.starts_with("Gaussian Soft-NMS with sigma 0.5, class by class; scores of at least 0.25; at most 3 boxes"),
        "{said}"
    );
    let said = millstream_in(
        here,
        &[
            "predict",
            "--model",
            "by-recipe",
            "--nms",
            r#"{"suppression": {"hard": {"iou": 0.3}}}"#,
            "valid.parquet",
        ],
    );
    let flat = said.err.replace('\n', " ");
    assert!(
        said.code == Some(0) && flat.contains("boxes: hard suppression above an intersection over union of 0.3, class by class; scores of at least 0.02"),
        "{}",
        said.err
    );
    let boxes = Boxes::default();
    let mut run = Finetune::default()
        .train([here.join("train.parquet").display().to_string()])
        .valid([here.join("valid.parquet").display().to_string()])
        .seed(3)
        .balance(Strategy {
            target: Some(Target::RepeatFactor(0.8)),
            ..Strategy::default()
        })
        .views(2)
        .backbone(BACKBONE)
        .size(32)
        .epochs(2)
        .batch_size(8)
        .out(here.join("by-code"));
    let paste = CopyPaste::new(boxes).class_names("", &["right"]).cover(1.0).window(8);
    run.spec.augment.operations = vec![
        Named::new(Arc::new(HorizontalFlip::new(0.5))),
        Named::new(Arc::new(paste)),
    ];
    run.run(&common::context(), &mut |_| ()).unwrap();
    let read =
        |name: &str| ["by-recipe", "by-options", "by-code"].map(|run| fs::read(here.join(run).join(name)).unwrap());
    let [a, b, c] = read("model.safetensors");
    assert!(a == b && a == c, "another model");
    // Of twenty rows four have the rare class: sqrt(0.8 / 0.2) = 2 times each.
    let report: Value = serde_json::from_str(&json).unwrap();
    let of = |class: &str| {
        let emitted = &report["counts"][class]["emitted"];
        ["real", "augmented", "synthetic"].map(|origin| emitted[origin].as_u64().unwrap())
    };
    // Six batches: a pass of 24 rows, and another one.
    assert_eq!(of("left").iter().sum::<u64>(), 48, "{report}");
    // A third of the rows is due, and exact where a block of 64 ends. And each row into which something is pasted has one more.
    let pasted = of("left")[2];
    assert!(pasted > 8, "{report}");
    assert!(
        (12..=20).contains(&(of("right").iter().sum::<u64>() - pasted)),
        "{report}"
    );
    assert_eq!(report["counts"]["right"]["before"], 4);
    let said = millstream_in(here, &[&options[..8], &["repeat_factor", "--out", "x"]].concat());
    let why = r#"a repeat factor needs the share of the rows below which a class is rare: {"repeat_factor": 0.3}"#;
    assert!(said.code == Some(2) && said.err.contains(why), "{}", said.err);
}

/// With copy-paste, and stages that train: boxes are ragged in every batch of both phases.
#[test]
fn a_detection_that_is_killed_goes_on_to_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    boxes(&here.join("train.parquet"), 40);
    boxes(&here.join("valid.parquet"), 10);
    let recipe = format!(
        "seed = 3\ndata = {{ train = \"train.parquet\", valid = \"valid.parquet\" }}\nbalance.target = {{ repeat_factor = 0.8 }}\n\
         augment = {{ views = 2, operations = [{{ horizontal_flip = {{ p = 0.5 }} }}, {{ copy_paste = {{ classes = [\"right\"], window = 8 }} }}] }}\n\
         model = {{ backbone = {BACKBONE:?}, size = 32 }}\ntrain = {{ epochs = 20, batch_size = 4, unfreeze = 1, deep_epochs = 3 }}\n"
    );
    fs::write(here.join("r.toml"), recipe).unwrap();
    ran(here, &["finetune", "--recipe", "r.toml", "--out", "whole"]);
    let killed = ["finetune", "--recipe", "r.toml", "--out", "killed", "--resume"];
    // While features are made, in the head's epochs, and in those of the deeper stages.
    for until in ["run.json", "features", "checkpoints/head", "checkpoints/deep"] {
        let until = here.join("killed").join(until);
        let mut program = Command::new(env!("CARGO_BIN_EXE_millstream"));
        let program = program.current_dir(here).args(killed);
        let mut child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !until.exists() {
            assert!(
                child.try_wait().unwrap().is_none(),
                "it ended before {}",
                until.display()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ran(here, &killed);
    let read = |run: &str| fs::read(here.join(run).join("model.safetensors")).unwrap();
    assert!(read("killed") == read("whole"), "the models differ");
}

fn recipes() -> Vec<String> {
    let all = fs::read_dir(RECIPES)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<String> = all.filter(|name| name.ends_with(".toml")).collect();
    all.sort();
    all
}

#[test]
fn the_recipes_that_come_with_us_make_sense_and_run() {
    assert_eq!(
        recipes(),
        [
            "bccd.toml",
            "demo.toml",
            "digits.toml",
            "fashion-mnist.toml",
            "trashnet.toml"
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let [train, valid] = [(0, 24), (24, 9)].map(|(first, rows)| digits(&here.join(first.to_string()), first, rows));
    for name in recipes() {
        let recipe = format!("{RECIPES}/{name}");
        let spec = FinetuneSpec::from_recipe(&recipe).unwrap();
        Spec::check(&spec).unwrap();
        // Comments say why.
        assert!(
            fs::read_to_string(&recipe).unwrap().matches("\n# ").count() >= 3,
            "{name}"
        );
        // `training/detect.rs` runs the one for boxes, which these pictures have not.
        if name == "bccd.toml" {
            continue;
        }
        // Shortened: few rows, a small network, few epochs.
        let short = [
            "--recipe",
            &recipe,
            "--backbone",
            BACKBONE,
            "--size",
            "16",
            "--views",
            "1",
            "--epochs",
            "1",
            "--out",
            &name,
        ];
        let deeper = [
            "--unfreeze",
            "1",
            "--deep-epochs",
            "1",
            "--train",
            &train,
            "--valid",
            &valid,
        ];
        let arguments = match spec.data.train.iter().all(|path| Path::new(path).exists()) {
            true => vec![&["finetune"][..], &short],
            false => vec![&["finetune"][..], &short, &deeper],
        };
        ran(here, &arguments.concat());
        assert!(here.join(&name).join("model.safetensors").is_file());
    }
}

/// How much brighter the left half is than the right one.
fn to_the_left(picture: &Pixels) -> f64 {
    let width = picture.width as usize;
    let left = |at: usize| if at % width < width / 2 { 1.0 } else { -1.0 };
    let red = picture.levels.iter().step_by(3).enumerate();
    red.map(|(at, level)| left(at) * f64::from(*level)).sum()
}

#[test]
fn a_recipe_for_digits_mirrors_no_row_in_either_phase() {
    let folder = tempfile::tempdir().unwrap();
    let train = digits(&folder.path().join("train.parquet"), 0, 40);
    let mirrored = |mut spec: FinetuneSpec, phase| {
        spec.data.train = vec![train.clone()].into();
        spec.data.valid = Vec::new().into();
        (spec.model.backbone, spec.model.size) = (BACKBONE.to_owned(), Some(32));
        let preview = Preview {
            run: Finetune::new(spec, ""),
            phase: Some(phase),
        };
        let rows = preview.open(&common::context(), &mut |_| ()).unwrap();
        let samples = rows.samples(1, 64).unwrap();
        let samples = samples.groups.iter().flat_map(|group| &group.samples);
        let pictures: Vec<Pixels> = samples.flat_map(|sample| rows.pictures(sample).unwrap()).collect();
        assert!(pictures.len() > 40, "{}", pictures.len());
        pictures.iter().filter(|picture| to_the_left(picture) < 0.0).count()
    };
    let digits = FinetuneSpec::from_recipe(format!("{RECIPES}/digits.toml")).unwrap();
    let mut usual = FinetuneSpec::default();
    usual.train.unfreeze = digits.train.unfreeze;
    for phase in [TrainingPhase::Head, TrainingPhase::Deep] {
        assert_eq!(mirrored(digits.clone(), phase), 0, "{phase:?}");
        assert!(mirrored(usual.clone(), phase) > 10, "{phase:?}");
    }
}

#[test]
fn init_says_what_it_found_and_why() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // 30 twos and 10 sevens, a picture twice, one that is cut; two validation rows have pictures of training rows.
    let mut rows: Vec<_> = (0..40)
        .map(|row| (picture(row), if row < 30 { "2" } else { "7" }))
        .collect();
    rows[1].0 = picture(0);
    rows[5].0.truncate(60);
    write(&here.join("train.parquet"), rows);
    let held = [3, 4, 50, 51, 52].map(|row| (picture(row), "7"));
    write(&here.join("test.parquet"), held);
    let asked = ["init", "train.parquet", "--valid", "test.parquet", "--full"];
    let text = ran(here, &asked);
    let flat = text.replace("\n# ", " ");
    for said in [
        "40 rows are trained on. 1 of them has the very picture of another one",
        "A leak: 2 of them have the very picture of a training row",
        "2 classes, from \"7\" (10 rows) to \"2\" (30). The largest is 3.0 times the smallest",
        "A guess: the classes are called like digits or letters",
        "Of 40 pictures that were looked at, 1 cannot be used.",
        "Pictures are 32 px wide and 32 px high",
    ] {
        assert!(flat.contains(said), "{said}: {text}");
    }
    let spec: FinetuneSpec = read_toml(&text)?;
    assert!(spec.balance.auto);
    assert_eq!(
        (spec.model.size, spec.data.on_bad_row),
        (Some(96), OnBadRow::Skip { at_most: 1 })
    );
    assert_eq!(
        (spec.data.image.as_deref(), spec.data.label.as_deref()),
        (Some("photo"), Some("kind"))
    );
    assert_eq!(spec.task.map(|task| task.name()), Some("classify"));
    let operations: Vec<_> = spec
        .augment
        .operations
        .iter()
        .map(|operation| operation.name())
        .collect();
    assert_eq!(operations, ["rotate", "brightness", "contrast"]);
    let digits = FinetuneSpec::from_recipe(format!("{RECIPES}/digits.toml")).unwrap();
    assert_eq!(spec.augment.crop, digits.augment.crop);
    assert!(flat.contains("one that is cut in half may be another one"), "{text}");

    // Into a file, from which paths lead to the same data; never over one that is there.
    let to = |out: &str| millstream_in(here, &[&asked[..], &["--out", out]].concat());
    assert_eq!(to("own/r.toml").code, Some(0));
    let found = ran(here, &["inspect", "--json", "--recipe", "own/r.toml"]);
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap()["rows"], 40);
    assert_eq!(to("r.toml").code, Some(0));
    assert_eq!(fs::read_to_string(here.join("r.toml")).unwrap(), text);
    fs::write(here.join("r.toml"), "mine").unwrap();
    let again = to("r.toml");
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""));
    assert!(
        again.err.contains("r.toml: this file exists, and would be overwritten") && again.err.contains("--overwrite"),
        "{}",
        again.err
    );
    let over = [&asked[..], &["--out", "r.toml", "--overwrite"]].concat();
    let error = refused(here, &over);
    assert!(error.contains("r.toml: this file is not a recipe"), "{error}");
    assert_eq!(fs::read_to_string(here.join("r.toml")).unwrap(), "mine");
    fs::copy(here.join("own/r.toml"), here.join("r.toml")).unwrap();
    ran(here, &over);
    assert_eq!(fs::read_to_string(here.join("r.toml")).unwrap(), text);
    Ok(())
}

#[test]
fn init_leaves_well_alone() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(
        &here.join("a.parquet"),
        (0..40).map(|row| (picture(row), if row % 2 == 0 { "cat" } else { "dog" })),
    );
    let text = ran(here, &["init", "a.parquet"]);
    let flat = text.replace("\n# ", " ");
    for said in [
        "No validation files: 4 rows are held out of those in `train`. None of them has the very picture of a training row.",
        "They are level: rows come as they are stored.",
        "Of 40 pictures that were decoded all can be read.",
    ] {
        assert!(flat.contains(said), "{said}: {text}");
    }
    let spec: FinetuneSpec = read_toml(&text)?;
    assert_eq!(
        (spec.balance.target, spec.data.on_bad_row),
        (Some(Target::Power(1.0)), OnBadRow::Fail)
    );
    assert_eq!(
        spec.augment.operations.len(),
        FinetuneSpec::default().augment.operations.len()
    );
    // Data that cannot be trained on has no recipe, but the reason.
    let error = refused(here, &["init", "none.parquet"]);
    assert!(error.contains("none.parquet"), "{error}");
    let error = refused(here, &["init", "--label", "photo", "a.parquet"]);
    assert!(error.contains("photo"), "{error}");
    Ok(())
}

#[test]
fn init_takes_tasks_and_formats_and_guesses_white() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    boxes(&here.join("boxes.parquet"), 20);
    let text = ran(here, &["init", "boxes.parquet", "--boxes", "xywh"]);
    let spec: FinetuneSpec = read_toml(&text)?;
    let task = serde_json::to_value(spec.task.as_ref()).unwrap();
    assert_eq!(task["detect"]["boxes"], "xywh", "{text}");
    let other = refused(here, &["init", "boxes.parquet", "--boxes", "xyxy"]);
    assert!(
        other.contains("do not lie in their pictures as xyxy; as xywh 0 do not"),
        "{other}"
    );
    // Masks, and files of 16 bits that use 12.
    let deep = |row: usize| {
        let values: Vec<u16> = (0..32 * 32).map(|at| ((at * 4 + row * 64) % 4096) as u16).collect();
        let mut file = Vec::new();
        let picture = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(32, 32, values).unwrap();
        picture
            .write_to(&mut Cursor::new(&mut file), image::ImageFormat::Png)
            .unwrap();
        file
    };
    let mask = |row: usize| {
        let mut pixels = Pixels::with_channels(32, 32, 1);
        pixels.levels[..100 + row].fill(1);
        pixels.to_png().unwrap()
    };
    let column =
        |of: &dyn Fn(usize) -> Vec<u8>| -> ArrayRef { Arc::new(BinaryArray::from_iter_values((0..20).map(of))) };
    let rows = RecordBatch::try_from_iter([("scan", column(&deep)), ("mask", column(&mask))]).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(here.join("scans.parquet")).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let named = ["--task", "segment", "--image", "scan", "--label", "mask"];
    let task = |text: &str| -> Result<_> {
        let spec: FinetuneSpec = read_toml(text)?;
        let name = spec.task.as_ref().map(|task| task.name().to_owned());
        Ok((name, spec.data.image, spec.data.label))
    };
    let masks = (
        Some("segment".to_owned()),
        Some("scan".to_owned()),
        Some("mask".to_owned()),
    );
    // A column that is called `mask` is found by that.
    let text = ran(here, &["init", "scans.parquet"]);
    assert_eq!(task(&text)?, masks, "{text}");
    let asked = [&["init", "scans.parquet"][..], &named].concat();
    let text = ran(here, &asked);
    assert_eq!(task(&text)?, masks, "{text}");
    let spec: FinetuneSpec = read_toml(&text)?;
    assert_eq!(spec.data.reading.white, Some(4095), "{text}");
    assert!(
        text.replace("\n# ", " ")
            .contains("A guess: 20 pictures have values of 16 bits, and their values use 12 of them at most"),
        "{text}"
    );
    // What is said is not guessed.
    let text = ran(here, &[&asked[..], &["--white", "1023"]].concat());
    assert!(
        !text.contains("A guess: ") && read_toml::<FinetuneSpec>(&text)?.data.reading.white == Some(1023),
        "{text}"
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_new_recipe_takes_nothing_away_from_its_data() -> Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let names = ["cat", "dog"];
    write(
        &here.join("a.parquet"),
        (0..8).map(|row| (picture(row), names[row % 2])),
    );
    let mut list = "file_name,label\n".to_owned();
    for row in 0..8 {
        let name = format!("{}/{row}.png", names[row % 2]);
        fs::create_dir_all(here.join("photos").join(names[row % 2])).unwrap();
        fs::write(here.join("photos").join(&name), picture(row)).unwrap();
        list += &format!("photos/{name},{}\n", names[row % 2]);
    }
    fs::write(here.join("list.csv"), list).unwrap();
    fs::hard_link(here.join("a.parquet"), here.join("hard")).unwrap();
    symlink("list.csv", here.join("soft")).unwrap();
    let kept = ["a.parquet", "list.csv", "photos/cat/0.png"].map(|name| fs::read(here.join(name)).unwrap());
    for (data, out, said) in [
        ("a.parquet", "a.parquet", "this file is not a recipe"),
        ("a.parquet", "photos/../hard", "this file is not a recipe"),
        ("list.csv", "list.csv", "this file is not a recipe"),
        ("list.csv", "soft", "this file is an input"),
        ("list.csv", "photos/cat/0.png", "this file is not a recipe"),
        ("photos", "photos/cat/0.png", "this file is not a recipe"),
        (
            "photos",
            "photos/cat/new.png",
            "photos is read, and this would be read as part of it",
        ),
    ] {
        let error = millstream_in(here, &["init", data, "--out", out, "--overwrite"]).err;
        let last = error.lines().last().unwrap_or_default();
        assert!(
            last.starts_with(&format!("error: {out}: {said}")),
            "{data} {out}: {error}"
        );
    }
    let now = ["a.parquet", "list.csv", "photos/cat/0.png"].map(|name| fs::read(here.join(name)).unwrap());
    assert_eq!(now, kept);
    assert!(!here.join("photos/cat/new.png").exists());
    // A recipe may lie beside its data, and others can read it as they can any new file.
    for _ in 0..2 {
        ran(here, &["init", "photos", "--out", "photos/r.toml", "--overwrite"]);
    }
    let train = FinetuneSpec::from_recipe(here.join("photos/r.toml"))?.data.train;
    assert_eq!(Path::new(&train[0]), here.join("photos"));
    fs::write(here.join("any"), "").unwrap();
    let mode = |name: &str| fs::metadata(here.join(name)).unwrap().permissions().mode();
    assert_eq!(mode("photos/r.toml"), mode("any"));
    Ok(())
}

/// Not those of data alone.
#[test]
fn paths_of_sources_and_generators_begin_at_the_recipes_folder() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let recipe = here.join("r.toml");
    let text = "[data]\ntrain = { parquet = { path = \"a.parquet\" } }\nvalid = { listing = { path = [\"list.csv\", \"/there/other.csv\"] } }\n\
                [balance]\nsynthetic = 0.5\ngenerator = { rows = { path = \"sub/made.parquet\", label = \"kind\" } }\n";
    fs::write(&recipe, text).unwrap();
    let spec = FinetuneSpec::from_recipe(&recipe).unwrap();
    let whole = |name: &str| Value::from(here.join(name).display().to_string());
    let [train, valid] = [&spec.data.train, &spec.data.valid].map(|rows| serde_json::to_value(rows).unwrap());
    assert_eq!(train["parquet"]["path"], whole("a.parquet"));
    assert_eq!(
        valid["listing"]["path"],
        Value::from(vec![whole("list.csv"), "/there/other.csv".into()])
    );
    let generator = serde_json::to_value(spec.balance.generator.unwrap()).unwrap();
    assert_eq!(generator["rows"]["path"], whole("sub/made.parquet"));
    assert_eq!(generator["rows"]["label"], "kind");
}

#[test]
fn what_a_recipe_says_of_classes_has_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let names = ["cat", "dog"];
    write(
        &here.join("a.parquet"),
        (0..8).map(|row| (picture(row), names[row % 2])),
    );
    let recipe = |classes: &str| {
        let task = format!("task = {{ classify = {{ classes = {classes} }} }}");
        fs::write(
            here.join("r.toml"),
            format!("{task}\n[data]\ntrain = \"a.parquet\"\n[model]\nsize = 32\n"),
        )
        .unwrap();
        let preview = ["preview", "--recipe", "r.toml", "--out", "s.png", "--overwrite"];
        millstream_in(here, &preview)
    };
    for wrong in ["[\"a\"]", "[\"dog\", \"cat\"]"] {
        let ran = recipe(wrong);
        let said = format!(
            "error: task.classes are {}, and those of column \"kind\" are cat, dog: ",
            wrong.replace(['[', ']', '"'], "")
        );
        let last = ran.err.lines().last().unwrap_or_default();
        assert!(ran.code == Some(1) && last.starts_with(&said), "{}", ran.err);
    }
    let ran = recipe("[\"cat\", \"dog\"]");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let text = self::ran(here, &["init", "a.parquet"]);
    assert!(!text.contains("classes = "), "{text}");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_meant_is_refused_in_one_line() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let error = refused(
        here,
        &["finetune", "--train", "a.parquet", "--max-errors", "3", "--out", "r"],
    );
    assert!(
        error.contains("--max-errors says how many bad rows are allowed"),
        "{error}"
    );
    let spec = printed(
        here,
        &[
            "finetune",
            "--train",
            "a",
            "--max-errors",
            "3",
            "--on-error",
            "skip",
            "--out",
            "r",
        ],
    );
    assert_eq!(spec.data.on_bad_row, OnBadRow::Skip { at_most: 3 });
    fs::write(here.join("empty.toml"), "seed = 1\n[data]\ntrain = \"\"\n").unwrap();
    let error = refused(here, &["finetune", "--recipe", "empty.toml", "--out", "r"]);
    assert!(
        error.contains("an empty path names no data") && error.contains("line 3"),
        "{error}"
    );
    fs::write(here.join("bytes.toml"), b"seed = 1 # \xff").unwrap();
    let error = refused(here, &["finetune", "--recipe", "bytes.toml", "--out", "r"]);
    assert!(error.contains("bytes.toml: this is no text in UTF-8"), "{error}");
    let error = refused(here, &["finetune", "--recipe", "/dev/zero", "--out", "r"]);
    assert!(error.contains("/dev/zero: this is a device or a pipe"), "{error}");
    let odd = here.join(OsStr::from_bytes(b"odd\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("r.toml"), "[data]\ntrain = \"a.parquet\"\n").unwrap();
    let error = FinetuneSpec::from_recipe(odd.join("r.toml")).unwrap_err().to_string();
    assert!(
        error.contains("the name of a recipe's folder has to be UTF-8"),
        "{error}"
    );
}

/// What an option refuses a recipe refuses, and what it takes a recipe takes.
#[test]
fn options_have_the_bounds_of_recipes() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (option, key, most) in [
        ("--epochs", "train.epochs", 1_000_000),
        ("--deep-epochs", "train.deep_epochs", 1_000_000),
        ("--early-stopping", "train.early_stopping", 1_000_000),
        ("--batch", "train.batch_size", 65_536),
        ("--views", "augment.views", 1000),
        ("--size", "model.size", 8192),
        ("--height", "model.height", 8192),
        ("--memory", "machine.memory", (isize::MAX >> 20) as u64),
        ("--seed", "seed", i64::MAX as u64),
        ("--white", "data.reading.white", 65_535),
    ] {
        let (most, more) = (most.to_string(), (most + 1).to_string());
        let spec = printed(here, &["finetune", "--train", "a", option, &most]);
        fs::write(here.join("r.toml"), format!("data.train = \"a\"\n{key} = {most}\n")).unwrap();
        let recipe = printed(here, &["finetune", "--recipe", "r.toml"]);
        let recipe = FinetuneSpec {
            data: millstream::task::DataOptions {
                train: spec.data.train.clone(),
                ..recipe.data
            },
            ..recipe
        };
        assert_eq!(serde_json::json!(spec), serde_json::json!(recipe), "{option}");
        let ran = millstream_in(here, &["finetune", "--train", "a", "--print-recipe", option, &more]);
        assert_eq!(ran.code, Some(2), "{option}: {}", ran.err);
        fs::write(here.join("r.toml"), format!("data.train = \"a\"\n{key} = {more}\n")).unwrap();
        let error = refused(here, &["finetune", "--recipe", "r.toml", "--print-recipe"]);
        let column = key.len() + 4;
        assert!(
            error.ends_with(&format!("at line 2 column {column}")),
            "{option}: {error}"
        );
    }
}

#[test]
fn init_counts_the_training_rows_alone() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // Every fifth row has a box of the class "right".
    for (split, rows) in [("train", 20), ("validation", 10)] {
        fs::create_dir_all(here.join("blood").join(split)).unwrap();
        boxes(&here.join("blood").join(split).join("0.parquet"), rows);
    }
    let text = ran(here, &["init", "blood"]).replace("\n# ", " ");
    let said = "The rarest class, \"right\", is in 4 of 20 training rows: { repeat_factor = 0.8 } would repeat rows \
                with a class that less than 80 % of the rows have";
    assert!(text.contains(said), "{text}");
    // Some of them are held out.
    boxes(&here.join("a.parquet"), 20);
    let text = ran(here, &["init", "a.parquet"]).replace("\n# ", " ");
    assert!(text.contains("of 18 training rows: "), "{text}");
    let text = ran(here, &["inspect", "a.parquet"]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = r#"{"repeat_factor": 0.8} as a balance repeats rows with a class that less than 80 % of the rows have."#;
    assert!(text.contains(said), "{text}");
    Ok(())
}
