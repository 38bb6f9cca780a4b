//! Measures EfficientNet-Lite0 on this machine: images a second, forward and training.
//!
//! ```sh
//! cargo run --release --example backbone_speed [seconds for each figure, 5 unless told]
//! cargo run --release --example backbone_speed features
//! cargo run --release --example backbone_speed deeper PHOTOS.parquet [in-turn]
//! ```
//!
//! The second makes features of 10 batches of 32 images at 224 px and prints one JSON line, as `benches/peers/features.py` does. The
//! third trains the head and the last two stages on augmented photos, from JPEG on, for 35 steps of which 30 count, and prints a line
//! as `benches/peers/deeper.py` does; `in-turn` runs the frozen stages by Burn's layers and on the trainer's thread, one batch after the
//! other.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams, SgdConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use millstream::loader::Batch;
use millstream::model::{Architecture, Backbone, Classifier, Cut, EfficientNetLite0, FrozenBackbone};
use millstream::sink::tensor;
use millstream::task::{Finetune, Strategy};
use millstream::train::{Fit, Options};
use millstream::{Context, Result};

/// As in the program.
#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 32;

fn main() {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("features") {
        return features(10);
    }
    if argument.as_deref() == Some("deeper") {
        let photos = std::env::args().nth(2).expect("a Parquet file of photos");
        return deeper(photos, std::env::args().nth(3).as_deref() == Some("in-turn")).expect("it trains");
    }
    let seconds = argument.and_then(|s| s.parse().ok()).unwrap_or(5.0);
    let device = Device::flex();
    let plain = backbone(&device);
    let frozen = FrozenBackbone::new(&plain, "", "").expect("the weights are there");
    let folded = plain.fold_below(EfficientNetLite0::STAGES);
    for size in [96, 128, 224] {
        let images = images(size, &device);
        for (name, net) in [("plain", &plain), ("folded", &folded)] {
            let speed = measure(seconds, || drop(net.forward_features(images.clone()).into_data()));
            println!("forward {size:>3} px {name:<8} {speed:>6.1} images/s");
        }
        let speed = measure(seconds, || drop(frozen.features_of(images.clone())));
        println!("forward {size:>3} px frozen   {speed:>6.1} images/s");
    }
    for size in [96, 160] {
        for stages in [0, 1, 2, 3, EfficientNetLite0::STAGES] {
            let [whole, split] = [false, true].map(|split| train(seconds, size, stages, split));
            println!("train   {size:>3} px, {stages} stages free: whole {whole:>6.1}, split {split:>6.1} images/s");
        }
    }
}

fn backbone(device: &Device) -> Backbone {
    Backbone::init(&Architecture::new(EfficientNetLite0::NAME), device).expect("it is known")
}

fn features(batches: usize) {
    let device = Device::flex();
    let frozen = FrozenBackbone::new(&backbone(&device), "", "").expect("the weights are there");
    let images = images(224, &device);
    let features = || frozen.features_of(images.clone()).expect("features");
    (0..3).for_each(|_| drop(features()));
    let begin = Instant::now();
    (0..batches).for_each(|_| drop(features()));
    let (rows, seconds) = (BATCH * batches, begin.elapsed().as_secs_f64());
    let speed = rows as f64 / seconds;
    println!("{{\"images_per_s\": {speed:.3}, \"images\": {rows}, \"seconds\": {seconds:.3}}}");
}

fn deeper(photos: String, in_turn: bool) -> Result<()> {
    const STEPS: [u64; 2] = [5, 35];
    const STAGES: usize = 2;
    let cx = Context::new()?.with_seed(0);
    let run = Finetune::default().train(vec![photos]);
    let datasets = run.datasets(&cx)?;
    let fit = Fit {
        loader: run.image_loader(&cx, &datasets, &Strategy::default())?,
        steps: STEPS[1],
        learning_rate: 1e-4,
        checkpoints: None,
    };
    let (plain, device) = (Device::flex(), Device::flex().autodiff());
    let net = backbone(&plain);
    let first = EfficientNetLite0::STAGES - STAGES;
    let (folded, frozen) = (net.fold_below(first), FrozenBackbone::new(&net, "", "")?);
    let mut model = Classifier::new(net.train(), datasets.targets.names().len(), &device).unfreeze_last(STAGES);
    model.backbone = model.backbone.freeze_norms();
    let (image, label) = (datasets.image.clone(), datasets.label.clone());
    let images = {
        let (image, plain) = (image.clone(), plain.clone());
        move |batch: &Batch| tensor::floats::<4>(batch.rows(), &image, &plain)
    };
    let criterion = CrossEntropyLossConfig::new().init(&device);
    let loss = |model: &Classifier, batch: &Batch, cut: Cut| {
        let logits = model.forward_head(model.backbone.forward_from(cut.autodiff().map, first));
        Ok(criterion.forward(logits, tensor::ints(batch.rows(), &label, &device)?))
    };
    let mut begin = (Instant::now(), 0.0);
    let mut progress = |step, _| {
        if step == STEPS[0] {
            begin = (Instant::now(), cpu_seconds());
        }
    };
    let optimizer = AdamWConfig::new().with_weight_decay(1e-2).init();
    let options = Options::default();
    let fitted = match in_turn {
        true => {
            let turn =
                |model: &Classifier, batch: &Batch| loss(model, batch, Cut::of(&folded, images(batch)?, first, true));
            fit.run_with(model, optimizer, turn, options, &mut progress)
        }
        false => {
            let make = {
                let images = images.clone();
                move |batch: &Batch| frozen.cut(images(batch)?, first, true)
            };
            fit.run_ahead(model, optimizer, make, loss, options, &mut progress)
        }
    };
    let waited = fitted?.waited;
    let (seconds, cpu) = (begin.0.elapsed().as_secs_f64(), cpu_seconds() - begin.1);
    let rows = BATCH as u64 * (STEPS[1] - STEPS[0]);
    let speed = rows as f64 / seconds;
    println!(
        "{{\"images_per_s\": {speed:.3}, \"cpu_s\": {cpu:.2}, \"waited_s\": {waited:.2}, \"images\": {rows}, \"seconds\": {seconds:.3}}}"
    );
    Ok(())
}

/// Processor time of this process, where the system tells it in Linux's way.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.split_whitespace().skip(13).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Trains the head and the last `stages`. Where `split`, the frozen stages run folded and without autodiff, else as they
/// are; in every step in both, as without a cache.
fn train(seconds: f32, size: usize, stages: usize, split: bool) -> f32 {
    let device = Device::flex().autodiff();
    let first = if split { EfficientNetLite0::STAGES - stages } else { 0 };
    let lower = backbone(&Device::flex()).fold_below(first);
    let mut model = Some(Classifier::new(backbone(&device), 6, &device).unfreeze_last(stages));
    let mut optimizer = SgdConfig::new().init();
    let images = images(size, &Device::flex());
    let labels = Tensor::<1, Int>::zeros([BATCH], &device);
    let loss = CrossEntropyLossConfig::new().init(&device);
    measure(seconds, || {
        let Some(now) = model.take() else { return };
        let map = lower.forward_until(images.clone(), first).autodiff();
        let logits = now.forward_head(now.backbone.forward_from(map, first));
        let gradients = GradientsParams::from_grads(loss.forward(logits, labels.clone()).backward(), &now);
        model = Some(optimizer.step(0.01, now, gradients));
    })
}

fn images(size: usize, device: &Device) -> Tensor<4> {
    Tensor::random([BATCH, 3, size, size], Distribution::Normal(0.0, 1.0), device)
}

/// Images a second of the fastest call within `seconds`, after one call to warm up.
fn measure(seconds: f32, mut call: impl FnMut()) -> f32 {
    call();
    let (begin, mut best) = (Instant::now(), f32::INFINITY);
    while begin.elapsed().as_secs_f32() < seconds {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed().as_secs_f32());
    }
    BATCH as f32 / best
}
