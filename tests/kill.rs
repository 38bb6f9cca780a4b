//! A fine-tuning that is killed at random instants, as by a power cut, and ends as if it had not been.
//!
//! `MILLSTREAM_KILLS=200 cargo test --release --test kill -- --ignored --nocapture many_kills`
#![cfg(all(feature = "train", unix))]
#![allow(missing_docs, clippy::print_stderr, reason = "tests")]

mod common;
#[path = "kill/targets.rs"]
mod targets;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::AdamWConfig;
use burn::optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::tensor::{Device, Int, Tensor};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{ClassificationOutput, InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep};
use common::{context, fashion};
use millstream::image::Image;
use millstream::loader::Batch;
use millstream::mix::Target;
use millstream::model::{Backbone, EfficientNetLite0, Pretrained, weights};
use millstream::rng::Rng;
use millstream::sink::tensor;
use millstream::train::{LineRenderer, Resumable};
use millstream::{Context, DatasetExt, Result, Stable};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Names the folder of the run in the process that is killed.
const FOLDER: &str = "MILLSTREAM_KILLED_RUN";
/// Names what is trained there.
const CASE: &str = "MILLSTREAM_KILLED_CASE";
/// The training of this file.
const CLASSES: &str = "classification";
const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/weights/efficientnet-lite0.safetensors"
);
const EPOCHS: usize = 3;
const BATCH: u64 = 16;
/// Steps between two checkpoints: they fall on other steps of each epoch.
const EVERY: u64 = 4;

#[derive(Debug)]
struct Pictures {
    images: Tensor<4>,
    targets: Tensor<1, Int>,
}

fn pictures(batch: &Batch, device: &Device) -> Result<Pictures> {
    Ok(Pictures {
        images: tensor::floats(batch.rows(), "image", device)?,
        targets: tensor::ints(batch.rows(), "label", device)?,
    })
}

/// A backbone whose last stage trains, running statistics and all, and a head with dropout.
#[derive(Module, Debug)]
struct Model {
    backbone: Backbone,
    dropout: Dropout,
    head: Linear,
}

impl Model {
    fn classify(&self, Pictures { images, targets }: Pictures) -> ClassificationOutput {
        let features = self.dropout.forward(self.backbone.forward_features(images));
        let output = self.head.forward(features);
        let loss = CrossEntropyLossConfig::new().init(&output.device());
        ClassificationOutput::new(loss.forward(output.clone(), targets.clone()), output, targets)
    }
}

impl TrainStep for Model {
    type Input = Pictures;
    type Output = ClassificationOutput;

    fn step(&self, batch: Pictures) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Model {
    type Input = Pictures;
    type Output = ClassificationOutput;

    fn step(&self, batch: Pictures) -> ClassificationOutput {
        self.classify(batch)
    }
}

/// The first 24 rows of each class, or as many as there are.
fn some_rows(cx: &Context, dataset: &impl Stable) -> Vec<u64> {
    let labels = cx.block_on(dataset.column(cx, "label")).unwrap();
    let mut taken = [0; 10];
    let labels = labels.as_primitive::<Int64Type>().values().iter();
    let fits = labels.zip(0..).filter(|&(&class, _)| {
        taken[class as usize] += 1;
        taken[class as usize] <= 24
    });
    fits.map(|(_, row)| row).collect()
}

/// The training, which goes on with what is in `folder` and leaves `model.safetensors` there.
fn train(folder: &Path) {
    let (cx, device) = (context(), Device::flex().autodiff());
    let rows = some_rows(&cx, &fashion(&cx));
    let valid = fashion(&cx).select(rows.iter().copied().step_by(8).collect()).unwrap();
    let valid = cx.block_on(valid.classes(&cx, "label")).unwrap();
    let valid = valid
        .image("image", Image::new(32))
        .unwrap()
        .loader(&cx)
        .batch_size(BATCH);

    let train = fashion(&cx).select(rows).unwrap();
    let train = cx.block_on(train.balance(&cx, "label", Target::Uniform)).unwrap();
    let augmented = Image::new(32).random_resized_crop(0.5..=1.0, 0.8..=1.25);
    let train = train
        .image("image", augmented.horizontal_flip(0.5).rotate(10.0))
        .unwrap();
    let train = train.loader(&cx).batch_size(BATCH).seed(5);

    device.seed(5);
    let model = Model {
        backbone: Pretrained::find(WEIGHTS)
            .unwrap()
            .backbone(&device)
            .unwrap()
            .unfreeze_last(1),
        dropout: DropoutConfig::new(0.3).init(),
        head: LinearConfig::new(EfficientNetLite0::FEATURES, 10).init(&device),
    };
    let (train, track) = train.into_burn_with_handle(&device, pictures).unwrap();
    let valid = valid.into_burn(&device, pictures).unwrap();
    let rate = CosineAnnealingLrSchedulerConfig::new(1e-3, 40).init().unwrap();
    let result = SupervisedTraining::new(folder.join("burn"), train, valid)
        .with_training_strategy(Resumable::new(folder, track).every(EVERY).into())
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .num_epochs(EPOCHS)
        .renderer(Box::new(LineRenderer::new(std::io::sink())))
        .with_application_logger(None)
        .launch(Learner::new(model, AdamWConfig::new().init(), rate));
    assert!(result.error.is_none(), "{:?}", result.error);
    weights::save(&result.model, folder.join("model.safetensors"), false).unwrap();
}

/// Not a test: this program as the process that is killed.
#[test]
#[ignore = "run by the other tests"]
fn run() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        match std::env::var(CASE).unwrap().as_str() {
            CLASSES => train(Path::new(&folder)),
            other => targets::train(other, Path::new(&folder)),
        }
    }
}

fn spawn(folder: &Path, case: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "run"])
        .env(FOLDER, folder)
        .env(CASE, case)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end, until `deadline` if there is one; true where the process ended by itself.
#[track_caller]
fn ended(mut child: Child, deadline: Option<Instant>) -> bool {
    while let Some(deadline) = deadline {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        if Instant::now() >= deadline {
            child.kill().unwrap();
            break;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() || done.status.signal() == Some(9),
        "{}: {said}",
        done.status
    );
    done.status.success()
}

/// What a kill found.
#[derive(Debug)]
struct Kill {
    /// Steps that were begun.
    step: usize,
    /// Step of the checkpoint that the next start goes on from, and whether it is in mid-epoch.
    from: u64,
    in_epoch: bool,
    /// Whether a file was half written, or a checkpoint half there.
    torn: bool,
}

impl Kill {
    fn look(folder: &Path) -> Self {
        let log = fs::read_to_string(folder.join("samples.log")).unwrap_or_default();
        let all = files(folder);
        let states: Vec<&PathBuf> = all.iter().filter(|path| path.ends_with("state.json")).collect();
        let newest: Option<Value> = states
            .iter()
            .max()
            .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap());
        let folders = fs::read_dir(folder.join("steps")).into_iter().flatten().count();
        Self {
            step: log.lines().count(),
            from: newest.as_ref().map_or(0, |state| state["step"].as_u64().unwrap()),
            in_epoch: newest.is_some_and(|state| state["state"]["trained"] == false),
            torn: folders > states.len() || all.iter().any(|path| is_temporary(path)),
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let (folders, mut all): (Vec<_>, Vec<_>) = entries
        .map(|entry| entry.unwrap().path())
        .partition(|path| path.is_dir());
    all.extend(folders.iter().flat_map(|folder| files(folder)));
    all
}

fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tmp")
}

/// Processes that work on a run below `folder`.
fn processes(folder: &Path) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let environments = entries.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    let setting = format!("{FOLDER}={}", folder.display()).into_bytes();
    environments
        .filter(|all| all.windows(setting.len()).any(|window| window == setting))
        .count()
}

/// Kills the training `case` `wanted` times, over as many runs as that takes, and compares each with the run that nobody killed.
fn kill(case: &str, wanted: usize) -> Vec<Kill> {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let started = Instant::now();
    assert!(ended(spawn(&whole, case), None));
    let takes = started.elapsed();
    let [model, log] = ["model.safetensors", "samples.log"].map(|name| fs::read(whole.join(name)).unwrap());
    let (mut kills, mut rng) = (Vec::new(), Rng::new(11, "kill", 0));
    for run in 0.. {
        let folder = dir.path().join(format!("run {run}"));
        loop {
            let deadline = (kills.len() < wanted).then(|| Instant::now() + takes.mul_f32(rng.unit()));
            if ended(spawn(&folder, case), deadline) {
                break;
            }
            kills.push(Kill::look(&folder));
            // Where there is no folder yet, it would be none of the training's.
            fs::write(folder.join("steps/.millstream-left01.tmp"), "half").ok();
        }
        assert!(
            fs::read(folder.join("samples.log")).unwrap() == log,
            "{case}, run {run}: other rows"
        );
        assert!(
            fs::read(folder.join("model.safetensors")).unwrap() == model,
            "{case}, run {run}: other weights"
        );
        assert!(
            !files(&folder).iter().any(|path| is_temporary(path)),
            "{case}, run {run}: {:?}",
            files(&folder)
        );
        fs::remove_dir_all(&folder).unwrap();
        if kills.len() >= wanted {
            break;
        }
    }
    assert_eq!(processes(dir.path()), 0, "a process is left");
    let steps = log.split(|byte| *byte == b'\n').count() - 1;
    report(case, &kills, steps, takes);
    kills
}

fn report(case: &str, kills: &[Kill], steps: usize, takes: Duration) {
    let count = |what: &dyn Fn(&Kill) -> bool| kills.iter().filter(|kill| what(kill)).count();
    eprintln!(
        "{case}: {steps} steps in {:.1} s; {} kills, all runs equal bit for bit",
        takes.as_secs_f32(),
        kills.len()
    );
    eprintln!(
        "resumed in mid-epoch {}, at an epoch's end {}, from the start {}; half-written checkpoints {}",
        count(&|kill| kill.in_epoch),
        count(&|kill| !kill.in_epoch && kill.from > 0),
        count(&|kill| kill.from == 0),
        count(&|kill| kill.torn),
    );
    for from in (0..=steps).step_by(5) {
        let within = count(&|kill| (from..from + 5).contains(&kill.step));
        eprintln!("killed after step {from} to {}: {within}", from + 4);
    }
}

#[test]
fn killed_at_random_instants_it_ends_the_same() {
    let kills = kill(CLASSES, 8);
    assert!(kills.iter().any(|kill| kill.in_epoch), "{kills:?}");
}

#[test]
#[ignore = "takes minutes"]
fn many_kills() {
    let wanted = std::env::var("MILLSTREAM_KILLS").map_or(200, |kills| kills.parse().unwrap());
    assert!(kill(CLASSES, wanted).len() >= wanted);
}
