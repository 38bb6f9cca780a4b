//! Pictures: frozen features and small pixels, each computed once for all rows of the table and all seeds.

use super::network::NetworkConfig;
use super::rows::{Input, Reading, Rows, Stored, TestRows, TrainingOptions};
use super::sides::check_sides;
use super::spec::Pictures;
use crate::columns::{index_of, tensor_values};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::{counted, quoted};
use crate::rng::{Permutation, Rng};
use crate::rows::{Cached, CachedSpec, Labels, Transformed};
use crate::sink::tensor;
use crate::source::Memory;
use crate::task::definition::Split;
use crate::task::event::Callback;
use crate::task::prepare::RunInputs;
use crate::task::{Datasets, Event, Finetune};
use crate::train::auto_balance::rows_in_parts;
use crate::train::{Extractor, FeatureProgress, Standardised};
use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use burn::tensor::{Device, Tensor, TensorData};
use std::path::Path;
use std::sync::Arc;

/// The rows of a set of pictures, as what each input of a network takes.
#[derive(Debug)]
pub(super) struct PictureRows {
    pub(super) inputs: Vec<Rows>,
    fingerprint: String,
}

impl PictureRows {
    /// Width and height of the pixels that a network is trained on from scratch.
    const PIXELS: u32 = 28;
    /// Pictures that are made at a time.
    const CHUNK: u64 = 256;
    /// Weight decay of a linear layer on standardised features, as in a fine-tuning run.
    const DECAY: f32 = 0.03;

    /// Opens the pictures; features are kept below the folder `cache`.
    pub(super) fn open(
        cx: &Context,
        data: &Pictures,
        (quick, folds, cache): (bool, usize, &Path),
        device: &Device,
        callback: Callback<'_>,
    ) -> Result<Self> {
        let Opened {
            run,
            datasets,
            images,
            extractor,
        } = Opened::new(cx, data, folds, device)?;
        let (cx, datasets) = (&cx.with_seed(run.spec.seed), &datasets);
        let labels = Arc::clone(datasets.labels("an ablation")?);
        let rows = labels.len();
        let linear = TrainingOptions {
            steps: if quick { 20 } else { 40 } * rows.div_ceil(32),
            batch_size: 32,
            learning_rate: 0.01,
            weight_decay: Self::DECAY,
        };
        // What a network makes of pictures.
        let (mut train, mut test) = (None, None);
        for (at, what) in [(0, "training features"), (1, "test features")] {
            let of = Arc::clone(&images[at]);
            let total = of.len().finite().unwrap_or(0);
            callback(Event::Begin { what, total });
            let mut done = |progress: &FeatureProgress| callback(Event::Features(progress));
            let found = extractor.features(cx, of, &datasets.image, Some(cache), &mut done);
            callback(Event::End);
            *(if at == 0 { &mut train } else { &mut test }) = Some(found?);
        }
        let missing = || Error::stage("a set has no features");
        let (train, test) = (
            Standardised::new(train.ok_or_else(missing)?)?,
            test.ok_or_else(missing)?,
        );
        let classes = class_numbers(test.rows(), &datasets.label, device)?;
        let values = standardised(test.rows(), &train)?;
        let width = train.mean.len();
        let pretrained = Rows {
            input: Input::Pretrained,
            plain: first_view(train.rows.rows(), rows)?,
            augmented: (data.views > 1).then(|| Arc::clone(&train.rows) as Arc<dyn Stable>),
            stored: None,
            column: Extractor::COLUMN.to_owned(),
            label: datasets.label.clone(),
            labels: Arc::clone(&labels),
            network: NetworkConfig::Linear(width),
            options: linear,
            test: TestRows {
                inputs: Tensor::from_data(TensorData::new(values, [classes.len(), width]), device),
                classes: classes.clone(),
            },
        };
        let mut inputs = vec![pretrained];
        if data.from_scratch {
            let scratch = Self::from_scratch(cx, &run, datasets, &inputs[0], quick, device)?;
            inputs.insert(0, scratch);
        }
        let fingerprint = format!(
            "{} {} {}",
            images[0].describe().fingerprint(),
            images[1].describe().fingerprint(),
            extractor.weights()
        );
        let named = |rows: &Rows| cx.block_on(Labels::scan(cx, &rows.plain, &rows.label));
        if inputs
            .iter()
            .any(|rows| named(rows).is_ok_and(|of| of.names() != labels.names()))
        {
            return Err(Error::stage(
                "the classes of the features are others than those of the rows",
            ));
        }
        Ok(Self { inputs, fingerprint })
    }

    /// Small pixels of the same pictures in the same views.
    fn from_scratch(
        cx: &Context,
        run: &Finetune,
        datasets: &Datasets,
        pretrained: &Rows,
        quick: bool,
        device: &Device,
    ) -> Result<Rows> {
        let rows = pretrained.labels.len();
        let mut small = run.clone();
        small.spec.model.size = Some(Self::PIXELS);
        let [train, test] = match &small.images(datasets)?[..] {
            [train, test, ..] => [pixels(cx, train)?, pixels(cx, test)?],
            _ => return Err(Error::stage("a set has no pixels")),
        };
        let reading = Reading::Tensor(datasets.image.clone());
        let side = Self::PIXELS as usize;
        let image = datasets.task.stage(&small.input(datasets)?, Split::Evaluation)?;
        let encoding = move |cx: &Context, made: Arc<dyn Stable>| -> Result<Arc<dyn Stable>> {
            let images: Arc<dyn Stable> = Arc::new(Transformed::new(made, Arc::clone(&image))?.views(1)?);
            Ok(Arc::new(pixels(cx, &images)?))
        };
        Ok(Rows {
            input: Input::FromScratch,
            plain: first_view(train.rows(), rows)?,
            stored: Some(Stored::Pictures(Arc::clone(&datasets.train), Arc::new(encoding))),
            test: TestRows {
                inputs: reading.inputs(test.rows(), device)?,
                classes: pretrained.test.classes.clone(),
            },
            augmented: pretrained
                .augmented
                .is_some()
                .then(|| Arc::new(train) as Arc<dyn Stable>),
            column: datasets.image.clone(),
            network: NetworkConfig::Convolutions([3, side, side]),
            options: TrainingOptions {
                steps: if quick { 8 } else { 40 } * rows.div_ceil(32),
                batch_size: 32,
                learning_rate: 2e-3,
                weight_decay: 1e-2,
            },
            ..pretrained.clone()
        })
    }

    /// What tells the pictures from others.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Pictures whose columns and classes were found, and the network for them.
pub(super) struct Opened {
    run: Finetune,
    datasets: Datasets,
    images: Vec<Arc<dyn Stable>>,
    extractor: Extractor,
}

impl Opened {
    /// Opens the files and loads the weights; nothing is written.
    pub(super) fn new(cx: &Context, data: &Pictures, folds: usize, device: &Device) -> Result<Self> {
        let mut run = Finetune::default()
            .train(&data.train)
            .valid(&data.test)
            .device(device.clone());
        run.spec.data.image.clone_from(&data.image);
        run.spec.data.label.clone_from(&data.label);
        run.spec.model.size = data.size;
        if let Some(backbone) = &data.backbone {
            run.spec.model.backbone.clone_from(backbone);
        }
        run.spec.augment.views = data.views;
        let RunInputs {
            mut datasets,
            extractor,
            mut images,
            ..
        } = run.inputs(&cx.with_seed(run.spec.seed), &[])?;
        let labels = datasets.labels("an ablation")?;
        check_sides(cx, &datasets)?;
        if let Some(counts) = &data.long_tail {
            let all = datasets.valid.len().finite().unwrap_or(0);
            datasets = datasets.select(&[long_tail(labels, counts)?, (0..all).collect()])?;
            images = run.images(&datasets)?;
        }
        check_rows(datasets.labels("an ablation")?, folds)?;
        Ok(Self {
            run,
            datasets,
            images,
            extractor,
        })
    }
}

/// Refuses rows of which no cross-validation of `folds` parts can be made.
fn check_rows(labels: &Labels, folds: usize) -> Result<()> {
    let held_out = rows_in_parts(labels);
    match held_out < folds as u64 {
        true => Err(Error::config(format!(
            "classes with two training rows and more have {} in all, and cross-validations of {folds} parts need at least {folds}: train on more rows",
            counted(held_out, "row")
        ))),
        false => Ok(()),
    }
}

/// So many rows of each class, drawn under a fixed seed.
fn long_tail(labels: &Labels, counts: &[u64]) -> Result<Vec<u64>> {
    let (names, stored) = (labels.names(), labels.counts());
    if counts.len() != names.len() {
        let (asked, classes) = (counts.len(), names.len());
        return Err(Error::config(format!(
            "long_tail has {asked} numbers, and there are {classes} classes"
        )));
    }
    let mut chosen = Vec::new();
    for (class, &count) in counts.iter().enumerate() {
        if !(1..=stored[class]).contains(&count) {
            let (name, has) = (quoted(&names[class]), stored[class]);
            return Err(Error::config(format!(
                "long_tail asks for {count} rows of {name}, which has {has}"
            )));
        }
        let pool: Vec<u64> = (0..labels.len())
            .filter(|&row| labels.class(row) == class as u32)
            .collect();
        let drawn = Permutation::new(stored[class], &mut Rng::new(0, "long_tail", class as u64));
        chosen.extend((0..count).map(|at| pool[drawn.get(at) as usize]));
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// The rows of view 0 as rows of one view.
fn first_view(rows: &RecordBatch, many: u64) -> Result<Arc<dyn Stable>> {
    Ok(Arc::new(Memory::new(vec![rows.slice(0, many as usize)])?))
}

/// The pictures of all views as they are now, in memory.
fn pixels(cx: &Context, images: &Arc<dyn Stable>) -> Result<Cached> {
    let all = images.len().finite().unwrap_or(0);
    let mut parts = Vec::new();
    for start in (0..all).step_by(PictureRows::CHUNK as usize) {
        let positions: Vec<u64> = (start..all.min(start + PictureRows::CHUNK)).collect();
        parts.push(cx.block_on(images.take(cx, &positions))?);
    }
    let rows = concat_batches(&images.schema(), &parts)?;
    Cached::new(Arc::clone(images), rows, CachedSpec::new("pixels"))
}

fn class_numbers(rows: &RecordBatch, label: &str, device: &Device) -> Result<Vec<u32>> {
    let numbers = tensor::ints(rows, label, device)?.into_data();
    Ok(numbers.iter::<i64>().map(|class| class as u32).collect())
}

/// Raw features by mean and deviation of the training rows.
fn standardised(rows: &RecordBatch, by: &Standardised) -> Result<Vec<f32>> {
    let array = rows.column(index_of(&rows.schema(), Extractor::COLUMN)?);
    let (list, values, width) =
        tensor_values(array).ok_or_else(|| Error::schema("\"features\" is no tensor of f32"))?;
    let first = list.value_offset(0) as usize;
    let rows = values.values()[first..first + list.len() * width].chunks_exact(width);
    let scaled = |row: &[f32]| -> Vec<f32> {
        let scale = by.mean.iter().zip(&by.std);
        row.iter()
            .zip(scale)
            .map(|(&value, (&mean, &std))| (value - mean) / std)
            .collect()
    };
    Ok(rows.flat_map(scaled).collect())
}
