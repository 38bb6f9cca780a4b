//! Whether the trainer waits: fine-tuning the whole backbone from the loader, beside the same steps on one batch that is
//! always there.
//!
//! `cargo bench --bench trainer`: pairs of runs, one after the other. The ratio is the seconds of the steps fed by the loader
//! over those fed from memory; the share of waiting is what the loop spends in asking for a batch. Processor time and memory
//! come from Linux, and are not printed elsewhere.
#![cfg(feature = "train")]
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

// The same as `bench` and `doctor` read, and no other.
#[path = "../src/exec/machine.rs"]
#[allow(dead_code, reason = "the library needs more of it")]
mod machine;

use machine::{cpu_seconds, peak_bytes};

use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use millstream::image::Image;
use millstream::loader::{Batch, Blocking};
use millstream::mix::Target;
use millstream::model::{Classifier, EfficientNetLite0, Pretrained};
use millstream::sink::tensor;
use millstream::source::Parquet;
use millstream::{Context, DatasetExt};
use std::hint::black_box;
use std::time::{Duration, Instant};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fashion-mnist-train.parquet");
const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/weights/efficientnet-lite0.safetensors"
);

const BATCH: usize = 16;

struct Trainer {
    model: Classifier,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    plain: Device,
    device: Device,
}

impl Trainer {
    fn new() -> Self {
        let device = Device::flex().autodiff();
        let backbone = Pretrained::find(WEIGHTS).unwrap().backbone(&device).unwrap();
        let model = Classifier::new(backbone, 10, &device).unfreeze_last(EfficientNetLite0::STAGES);
        Self {
            model,
            optimizer: AdamWConfig::new().init(),
            loss: CrossEntropyLossConfig::new().init(&device),
            plain: Device::flex(),
            device,
        }
    }

    fn step(mut self, batch: &Batch) -> Self {
        let images = tensor::floats::<4>(batch.rows(), "image", &self.plain).unwrap();
        let targets = tensor::ints(batch.rows(), "label", &self.device).unwrap();
        let features = self.model.backbone.forward_from(images.autodiff(), 0);
        let loss = self.loss.forward(self.model.forward_head(features), targets);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(1e-4, self.model, gradients);
        self
    }
}

fn loader(cx: &Context) -> Blocking {
    let rows = cx.block_on(Parquet::open(cx, DATA)).unwrap();
    let rows = cx.block_on(rows.balance(cx, "label", Target::Uniform)).unwrap();
    let image = Image::new(96)
        .random_resized_crop(0.5..=1.0, 0.8..=1.25)
        .horizontal_flip(0.5);
    let rows = rows.image("image", image).unwrap();
    rows.loader(cx).batch_size(BATCH as u64).blocking().unwrap()
}

/// The median, the least and the most.
fn of(mut all: Vec<f64>) -> (f64, f64, f64) {
    all.sort_by(f64::total_cmp);
    (all[all.len() / 2], all[0], all[all.len() - 1])
}

fn main() {
    let (pairs, steps) = if std::env::args().any(|argument| argument == "--bench") {
        (7, 6)
    } else {
        (1, 1)
    };
    let cx = Context::new().unwrap();
    let (mut trainer, mut batches) = (Trainer::new(), loader(&cx));
    let kept = batches.next().unwrap().unwrap();
    trainer = trainer.step(&kept);
    let (mut ratios, mut waits, mut costs) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..pairs {
        let (begun, mut waited, cpu) = (Instant::now(), Duration::ZERO, cpu_seconds());
        for _ in 0..steps {
            let asked = Instant::now();
            let batch = batches.next().unwrap().unwrap();
            waited += asked.elapsed();
            trainer = trainer.step(&batch);
        }
        let loaded = begun.elapsed();
        let (begun, cpu_between) = (Instant::now(), cpu_seconds());
        for _ in 0..steps {
            trainer = trainer.step(&kept);
        }
        ratios.push(loaded.as_secs_f64() / begun.elapsed().as_secs_f64());
        waits.push(100.0 * waited.as_secs_f64() / loaded.as_secs_f64());
        let readings = [cpu, cpu_between, cpu_seconds()];
        for (costs, pair) in costs.iter_mut().zip(readings.windows(2)) {
            let cost = pair[1].zip(pair[0]).map(|(after, before)| after - before);
            costs.extend(cost.map(|cost| 1000.0 * cost / (steps * BATCH) as f64));
        }
    }
    black_box(&trainer.model);
    let (ratio, wait) = (of(ratios), of(waits));
    println!(
        "the whole backbone, 96 px, batches of {BATCH}: {:.3} ({:.3} to {:.3}) of the time without a loader; waited {:.1} % ({:.1} to {:.1})",
        ratio.0, ratio.1, ratio.2, wait.0, wait.1, wait.2
    );
    if let (Some(peak), false) = (peak_bytes(), costs[0].is_empty()) {
        let ([loaded, kept], peak) = (costs.map(of), peak as f64 / 1e6);
        println!(
            "CPU seconds a thousand rows: {:.1} ({:.1} to {:.1}) with the loader, {:.1} ({:.1} to {:.1}) without; peak memory {peak:.0} MB",
            loaded.0, loaded.1, loaded.2, kept.0, kept.1, kept.2
        );
    }
}
