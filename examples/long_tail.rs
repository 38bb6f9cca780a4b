//! A head on frozen features of a long-tailed set, by several losses, balances and generators, and the choice of `AutoBalance`:
//! `cargo run --release --example long_tail [TRAIN.parquet [TEST.parquet]] [pixels]`. Without files, on the long-tailed Fashion-MNIST
//! that the repository carries; without a test file, the choice alone.
#![allow(clippy::print_stdout, reason = "a program")]

use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use millstream::image::Image;
use millstream::loader::ClassPrior;
use millstream::mix::Target;
use millstream::model::{FrozenBackbone, Pretrained};
use millstream::report::Confusion;
use millstream::rows::{Cached, Labels};
use millstream::sink::tensor;
use millstream::source::Parquet;
use millstream::synthetic::generators;
use millstream::train::auto_balance::Candidate;
use millstream::train::loss::{BalancedSoftmax, Loss, Targets};
use millstream::train::{AutoBalance, Extractor, Standardised};
use millstream::{Context, DatasetExt, Result, Stable};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const WEIGHTS: &str = "examples/data/weights/efficientnet-lite0.safetensors";
const DEMO: [&str; 2] = [
    "examples/data/fashion-mnist-train.parquet",
    "examples/data/fashion-mnist-test.parquet",
];
const VIEWS: u64 = 4;
const EPOCHS: u64 = 40;
const BATCH: u64 = 32;
const SEEDS: u64 = 5;
const SMOTE: &str = r#"{"smote": {"largest": 400}}"#;
/// What makes half of what a class is given beyond its rows, under a uniform balance.
const GENERATORS: [&str; 8] = [
    SMOTE,
    r#"{"borderline_smote": {"largest": 400}}"#,
    r#"{"adasyn": {"largest": 400}}"#,
    r#"{"jitter": {}}"#,
    r#"{"calibrated": {}}"#,
    r#"{"residuals": {"strength": 0.25}}"#,
    r#"{"residuals": {}}"#,
    r#"{"residuals": {"strength": 1}}"#,
];

fn main() -> Result<()> {
    let (pixels, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.parse::<u32>().is_ok());
    let size = pixels.first().and_then(|pixels| pixels.parse().ok()).unwrap_or(96);
    let files = if files.is_empty() {
        DEMO.map(str::to_owned).to_vec()
    } else {
        files
    };
    let cx = Context::new()?;
    let train = cx.block_on(cx.block_on(Parquet::open(&cx, &files[0]))?.classes(&cx, "label"))?;
    let labels = Arc::clone(train.labels().single()?);
    let augmented = Image::new(size)
        .random_resized_crop(0.7..=1.0, 0.8..=1.25)
        .horizontal_flip(0.5);
    let images: Arc<dyn Stable> = Arc::new(train.image("image", augmented)?.views(VIEWS)?);
    let train = Standardised::new(features(&cx, images)?)?;
    let rows: Arc<dyn Stable> = Arc::clone(&train.rows) as _;

    let started = Instant::now();
    let prior = Arc::clone(&rows).shuffle().loader(&cx).class_prior(0)?;
    println!("class prior {:?} in {:?}", prior.counts(), started.elapsed());
    let started = Instant::now();
    let choice = AutoBalance::new().choose(&cx, &rows, Extractor::COLUMN, "label", &Device::flex(), &mut |_, _| ())?;
    for (at, trial) in choice.trials.iter().enumerate() {
        let mark = if at == choice.chosen { "<- chosen" } else { "" };
        let (figure, error) = (trial.balanced_accuracy, trial.standard_error);
        println!("{:40} {figure:.3} +-{error:.3} {mark}", name(&trial.candidate));
    }
    println!("the choice took {:.1} s", started.elapsed().as_secs_f64());

    let Some(test) = files.get(1) else { return Ok(()) };
    let test = cx.block_on(Parquet::open(&cx, test))?;
    let known = Arc::new(cx.block_on(Labels::scan_as(&cx, &test, "label", &labels))?);
    let images: Arc<dyn Stable> = Arc::new(test.with_labels(&known)?.image("image", Image::new(size))?.views(1)?);
    let test = features(&cx, images)?;
    let candidate = |target, loss, synthetic| Candidate {
        target,
        loss,
        synthetic,
    };
    let softmax = || Loss::BalancedSoftmax(BalancedSoftmax::new());
    let mut ways = vec![
        candidate(Target::Power(1.0), Loss::default(), 0.0),
        candidate(Target::Uniform, Loss::default(), 0.0),
        candidate(Target::Uniform, Loss::default(), 1.0),
        candidate(Target::Sqrt, softmax(), 0.0),
        candidate(Target::Power(1.0), softmax(), 0.0),
    ];
    ways.push(choice.candidate().clone());
    println!(
        "\n{:44} balanced accuracy, recall of the rarest three; mean of {SEEDS} seeds, and deviation between them",
        "way"
    );
    let generated = GENERATORS.map(|generator| (candidate(Target::Uniform, Loss::default(), 0.5), generator));
    for (way, generator) in ways.into_iter().map(|way| (way, SMOTE)).chain(generated) {
        let figures: Vec<[f64; 2]> = (0..SEEDS)
            .map(|seed| figures(&cx.with_seed(seed), &train, &test, &way, generator))
            .collect::<Result<_>>()?;
        let all = |at: usize| figures.iter().map(|figures| figures[at]).collect::<Vec<f64>>();
        let (accuracy, recall) = (in_words(&all(0)), in_words(&all(1)));
        let name = if generator == SMOTE {
            name(&way)
        } else {
            generator.to_owned()
        };
        println!("{name:44} {accuracy}, {recall}");
    }
    Ok(())
}

/// Mean and deviation.
fn in_words(values: &[f64]) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    format!("{mean:.3} +-{:.3}", (squares / (n - 1.0)).sqrt())
}

fn name(way: &Candidate) -> String {
    let target = if way.is_balanced() {
        way.target.to_string()
    } else {
        "as stored".to_owned()
    };
    format!("{target}, {}, {:.0} % synthetic", way.loss, 100.0 * way.synthetic)
}

fn features(cx: &Context, images: Arc<dyn Stable>) -> Result<Cached> {
    let cache = Path::new("runs/long_tail");
    let backbone = FrozenBackbone::load(&Pretrained::find(WEIGHTS)?, &Device::flex())?;
    Extractor::new(backbone).features(cx, images, "image", Some(cache), &mut |_| ())
}

/// Balanced accuracy and recall of the rarest three classes on the test rows, of a head that was trained in this way.
fn figures(cx: &Context, train: &Standardised, test: &Cached, way: &Candidate, generator: &str) -> Result<[f64; 2]> {
    let rows: Arc<dyn Stable> = Arc::clone(&train.rows) as _;
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label"))?);
    let stored = ClassPrior::from(&*labels);
    let balanced = cx.block_on(Arc::clone(&rows).balance(cx, "label", way.target.clone()))?;
    let generator = generators().read_json(generator)?;
    let loader = balanced
        .fill(cx.block_on(generator.fit(cx, rows, &labels))?, way.synthetic)?
        .loader(cx)
        .batch_size(BATCH);
    let loss = way.loss.init(&loader.class_prior(0)?, &stored)?;

    let (device, classes) = (Device::flex().autodiff(), labels.names().len());
    let head = LinearConfig::new(train.mean.len(), classes).with_initializer(Initializer::Zeros);
    let mut head: Linear = head.init(&device);
    let decay = WeightDecayConfig::new(0.03);
    let momentum = MomentumConfig::new().with_momentum(0.9);
    let mut optimizer = SgdConfig::new()
        .with_momentum(Some(momentum))
        .with_weight_decay(Some(decay))
        .init();
    let steps = EPOCHS * labels.len().div_ceil(BATCH);
    for (step, batch) in (0..steps).zip(loader.blocking()?) {
        let batch = batch?;
        let features = tensor::floats::<2>(batch.rows(), Extractor::COLUMN, &device)?;
        let value = loss.forward(head.forward(features), &Targets::of(batch.rows(), "label", &device)?)?;
        let along = step as f64 / steps as f64;
        let rate = 0.005 * (1.0 + (std::f64::consts::PI * along).cos());
        head = optimizer.step(rate, head.clone(), GradientsParams::from_grads(value.backward(), &head));
    }

    let (head, device) = (head.valid(), Device::flex());
    let row = |values: &[f32]| Tensor::<1>::from_floats(values, &device).unsqueeze::<2>();
    let features = tensor::floats::<2>(test.rows(), Extractor::COLUMN, &device)?;
    let logits = head.forward((features - row(&train.mean)) / row(&train.std));
    let found = logits.argmax(1).into_data();
    let truth = tensor::ints(test.rows(), "label", &device)?.into_data();
    let mut confusion = Confusion::new(classes);
    for (truth, found) in truth.iter::<i64>().zip(found.iter::<i64>()) {
        confusion.record(truth as usize, found as usize)?;
    }
    let mut rarest: Vec<usize> = (0..classes).collect();
    rarest.sort_by(|a, b| stored.counts()[*a].total_cmp(&stored.counts()[*b]));
    let recalls: Vec<f64> = rarest
        .iter()
        .take(3)
        .filter_map(|&class| confusion.recalls()[class])
        .collect();
    Ok([
        confusion.balanced_accuracy(),
        recalls.iter().sum::<f64>() / recalls.len() as f64,
    ])
}
