//! A preview shows the rows that the run with the same options trains on.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use arrow::datatypes::{Float32Type, Int64Type};
use common::{context, picture};
use image::{Rgb, RgbImage};
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::image::{IMAGENET_MEAN, IMAGENET_STD, Image, Pixels};
use millstream::loader::{Batch, LoaderBuilder};
use millstream::mix::Target;
use millstream::report::picture::origin_colour;
use millstream::rng::Rng;
use millstream::task::preview::{PreviewRows, PreviewSample};
use millstream::task::{Finetune, OnBadRow, Preview, Strategy, TrainingPhase};
use millstream::{Dataset, Result};
use parquet::arrow::ArrowWriter;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const COUNTS: [usize; 3] = [30, 12, 5];
const VIEWS: u64 = 3;
/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

fn write(folder: &Path, images: &BinaryArray, labels: ArrayRef) -> String {
    let columns: [(&str, ArrayRef); 2] = [("image", Arc::new(images.clone())), ("label", labels)];
    let rows = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    write_rows(&folder.join("train.parquet"), &rows)
}

fn write_rows(path: &Path, rows: &RecordBatch) -> String {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn pngs(rows: usize) -> Vec<Vec<u8>> {
    (0..rows).map(|row| picture(row as u64).to_png().unwrap()).collect()
}

fn classes() -> Int64Array {
    Int64Array::from_iter_values(common::mixed(&COUNTS).into_iter().map(|class| class as i64))
}

/// Pictures of three classes in `folder`.
fn data(folder: &Path) -> String {
    let images: BinaryArray = pngs(47).into_iter().map(Some).collect();
    write(folder, &images, Arc::new(classes()))
}

fn run(train: String) -> Finetune {
    Finetune::default()
        .train([train])
        .size(32)
        .epochs(9)
        .views(VIEWS)
        .batch_size(8)
        .seed(5)
}

fn strategy(synthetic: f64) -> Strategy {
    Strategy {
        target: Some(Target::Uniform),
        synthetic,
        ..Strategy::default()
    }
}

fn open(run: &Finetune, strategy: &Strategy) -> PreviewRows {
    let preview = Preview::new(run.clone().balance(strategy.clone()));
    preview.open(&context(), &mut |_| ()).unwrap()
}

/// So many rows of a loader, from its first on: the batch and the place in it at each position.
fn rows(loader: LoaderBuilder, rows: u64) -> Vec<(Arc<Batch>, usize)> {
    let mut found = Vec::new();
    for batch in loader.blocking().unwrap() {
        let batch = Arc::new(batch.unwrap());
        for (at, &position) in batch.positions().iter().enumerate() {
            assert_eq!(position, found.len() as u64);
            found.push((Arc::clone(&batch), at));
        }
        if found.len() as u64 >= rows {
            break;
        }
    }
    found
}

fn floats(batch: &RecordBatch, column: &str, row: usize) -> Vec<f32> {
    let list: &FixedSizeListArray = batch[column].as_fixed_size_list();
    let values: Float32Array = list.value(row).as_primitive::<Float32Type>().clone();
    values.values().to_vec()
}

fn samples(rows: &PreviewRows, most: usize) -> Vec<PreviewSample> {
    let samples = rows.samples(1, most).unwrap();
    samples.groups.into_iter().flat_map(|group| group.samples).collect()
}

/// Row `row` of the file in view `view` of `rows` rows.
fn expected(run: &Finetune, row: u64, at: u64, view: u64, rows: u64) -> Pixels {
    let stage = run.augmentation().unwrap();
    let png = picture(row).to_png().unwrap();
    match view {
        0 => stage.plain().preview(&png, &mut Rng::new(0, "image", 0)).unwrap(),
        view => stage
            .preview(&png, &mut Rng::new(run.spec.seed, "image", view * rows + at))
            .unwrap(),
    }
}

#[test]
fn fixed_views_are_those_that_features_are_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path()));
    let preview = open(&run, &strategy(0.0));
    assert_eq!(preview.phase(), TrainingPhase::Head);
    let samples = samples(&preview, 4);
    let of = |origin| {
        samples
            .iter()
            .filter(|sample| sample.provenance.origin == origin)
            .count()
    };
    assert_eq!(
        [of(Origin::Real), of(Origin::Augmented), of(Origin::Synthetic)],
        [12, 12, 0]
    );
    // What the run trains on comes from the same rows in the same views.
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let stored = prepared.datasets.train.len().finite().unwrap();
    let features = &prepared.features.as_ref().unwrap().train.rows;
    let trained = rows(run.feature_loader(&cx, &prepared, &strategy(0.0)).unwrap(), 3 * stored);
    for sample in &samples {
        let (batch, at) = &trained[sample.position as usize];
        assert_eq!(sample.provenance, batch.provenance()[*at]);
        let (Some(view), &[row]) = (sample.view, &sample.rows[..]) else {
            panic!("{sample:?}")
        };
        assert_eq!(view == 0, sample.provenance.origin == Origin::Real);
        let own = (0..stored)
            .find(|&own| prepared.datasets.train.provenance(&cx, own).places[0].row == row)
            .unwrap();
        let below = (view * stored + own) as usize;
        assert_eq!(
            floats(batch.rows(), "features", *at),
            floats(features.rows(), "features", below)
        );
        assert_eq!(
            preview.pictures(sample).unwrap(),
            [expected(&run, row, own, view, stored)]
        );
        assert_eq!(sample.target, classes().value(row as usize).to_string());
    }
    // No fixed view is shown twice.
    let mut shown: Vec<_> = samples.iter().map(|sample| (sample.rows[0], sample.view)).collect();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), samples.len());
}

/// The picture that a network's input was.
fn levels(input: &[f32]) -> Vec<u8> {
    let places = input.len() / 3;
    (0..places * 3)
        .map(|at| {
            let (pixel, channel) = (at / 3, at % 3);
            let level = (input[channel * places + pixel] * IMAGENET_STD[channel] + IMAGENET_MEAN[channel]) * 255.0;
            assert!((level - level.round()).abs() < 1e-3, "{level}");
            level.round() as u8
        })
        .collect()
}

#[test]
fn new_pictures_are_those_of_the_loader() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path())).unfreeze(1);
    let preview = open(&run, &strategy(0.5));
    assert_eq!(preview.phase(), TrainingPhase::Deep);
    let samples = samples(&preview, 4);
    let cx = context().with_seed(5);
    let datasets = run.datasets(&cx).unwrap();
    let stored = datasets.train.len().finite().unwrap();
    let trained = rows(run.image_loader(&cx, &datasets, &strategy(0.5)).unwrap(), stored);
    let mut origins = [0; 3];
    for sample in &samples {
        let pictures = preview.pictures(sample).unwrap();
        let [pixels] = &pictures[..] else { panic!("{sample:?}") };
        origins[sample.provenance.origin as usize] += 1;
        if !sample.is_trained {
            let plain = Image::new(32).preview(&picture(sample.rows[0]).to_png().unwrap(), &mut Rng::new(0, "", 0));
            assert_eq!((pixels, sample.provenance.origin), (&plain.unwrap(), Origin::Real));
            continue;
        }
        let (batch, at) = &trained[sample.position as usize];
        assert_eq!(sample.provenance, batch.provenance()[*at]);
        assert_eq!(pixels.levels, levels(&floats(batch.rows(), "image", *at)));
        let parents = if sample.provenance.origin == Origin::Synthetic {
            2
        } else {
            1
        };
        assert_eq!(sample.rows.len(), parents);
    }
    // The large class lacks nothing, so none of it is synthetic.
    assert!(origins[0] >= 9 && origins[1..] == [12, 5], "{origins:?}");
    // The head of the same run, if that is asked for.
    let head = Preview {
        phase: Some(TrainingPhase::Head),
        ..Preview::new(run.balance(strategy(0.0)))
    };
    let head = head.open(&context(), &mut |_| ()).unwrap();
    assert!(head.samples(1, 1).unwrap().groups[0].samples[0].view.is_some());
}

#[test]
fn interpolated_features_are_shown_as_their_parents() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path()));
    let preview = open(&run, &strategy(0.5));
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let stored = prepared.datasets.train.len().finite().unwrap();
    let features = &prepared.features.as_ref().unwrap().train.rows;
    let trained = rows(run.feature_loader(&cx, &prepared, &strategy(0.5)).unwrap(), 3 * stored);
    let synthetic: Vec<_> = samples(&preview, 3)
        .into_iter()
        .filter(|sample| sample.provenance.origin == Origin::Synthetic)
        .collect();
    assert!(synthetic.len() >= 4);
    for sample in &synthetic {
        let pictures = preview.pictures(sample).unwrap();
        assert_eq!((pictures.len(), sample.rows.len()), (2, 2));
        // Which view of its row each picture is.
        let parent = |at: usize| {
            let row = sample.rows[at];
            let own = (0..stored)
                .find(|&own| prepared.datasets.train.provenance(&cx, own).places[0].row == row)
                .unwrap();
            let view = (0..VIEWS)
                .find(|&view| expected(&run, row, own, view, stored) == pictures[at])
                .unwrap();
            floats(features.rows(), "features", (view * stored + own) as usize)
        };
        let (a, b, along) = (parent(0), parent(1), sample.along.unwrap());
        let (batch, at) = &trained[sample.position as usize];
        assert_eq!(sample.provenance, batch.provenance()[*at]);
        for ((a, b), found) in a.iter().zip(&b).zip(floats(batch.rows(), "features", *at)) {
            assert!((a + (b - a) * along - found).abs() < 1e-5);
        }
    }
}

#[test]
fn rows_that_a_run_goes_on_without_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut images = pngs(47);
    images[7].truncate(40);
    let train = write(
        folder.path(),
        &images.into_iter().map(Some).collect(),
        Arc::new(classes()),
    );
    let run = run(train).on_bad_row(OnBadRow::Skip { at_most: 1 });
    let samples = samples(&open(&run, &strategy(0.0)), 40);
    assert!(samples.len() > 40 && samples.iter().all(|sample| sample.rows != [7]));
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let last = samples.iter().map(|sample| sample.position).max().unwrap();
    let trained = rows(run.feature_loader(&cx, &prepared, &strategy(0.0)).unwrap(), last + 1);
    for sample in &samples {
        let (batch, at) = &trained[sample.position as usize];
        assert_eq!(sample.provenance, batch.provenance()[*at]);
    }
}

/// Each sample is the row that the run's head trains on at its position.
fn are_trained(samples: &[PreviewSample], run: &Finetune, strategy: &Strategy) {
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let last = samples.iter().map(|sample| sample.position).max().unwrap();
    let trained = rows(run.feature_loader(&cx, &prepared, strategy).unwrap(), last + 1);
    for sample in samples {
        let (batch, at) = &trained[sample.position as usize];
        assert_eq!(sample.provenance, batch.provenance()[*at]);
    }
}

#[test]
fn what_is_chosen_automatically_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path())).backbone(BACKBONE).views(2);
    let auto = Strategy {
        auto: true,
        ..Strategy::default()
    };
    let preview = open(&run, &auto);
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let chosen = auto.with(run.choose(&cx, &prepared, &mut |_| ()).unwrap().candidate());
    assert!(!chosen.auto && chosen.target.is_some());
    assert_eq!(preview.strategy(), &chosen);
    let samples = samples(&preview, 4);
    assert_eq!(preview.samples(1, 4).unwrap().groups.len(), 3);
    are_trained(&samples, &run, &chosen);
}

#[test]
fn a_row_that_is_replaced_is_shown_as_its_stand_in() {
    let folder = tempfile::tempdir().unwrap();
    let whole = run(data(folder.path()));
    let row = samples(&open(&whole, &strategy(0.0)), 1)[0].rows[0];
    let mut images = pngs(47);
    images[row as usize].truncate(40);
    let train = write(
        folder.path(),
        &images.into_iter().map(Some).collect(),
        Arc::new(classes()),
    );
    let class = classes().value(row as usize).to_string();
    let stored = |on| {
        let run = run(train.clone()).on_bad_row(on);
        let preview = open(&run, &strategy(0.0));
        let groups = preview.samples(1, 1).unwrap().groups;
        let stored = groups.iter().find(|group| group.name == class).unwrap().stored;
        (run, preview, stored)
    };
    let (_, _, before) = stored(OnBadRow::Skip { at_most: 1 });
    let (run, preview, now) = stored(OnBadRow::Replace { at_most: 1 });
    assert_eq!(now, before + 1);
    let samples = samples(&preview, 40);
    assert!(samples.len() > 40 && samples.iter().all(|sample| sample.rows != [row]));
    are_trained(&samples, &run, &strategy(0.0));
}

#[test]
fn the_deep_phase_on_fixed_views_shows_those_of_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path())).unfreeze(1).fixed_views(true);
    let deep = open(&run, &strategy(0.0));
    assert_eq!(deep.phase(), TrainingPhase::Deep);
    let head = Preview {
        phase: Some(TrainingPhase::Head),
        ..Preview::new(run.clone().balance(strategy(0.0)))
    };
    let head = head.open(&context(), &mut |_| ()).unwrap();
    let (of_deep, of_head) = (samples(&deep, 3), samples(&head, 3));
    let key = |sample: &PreviewSample| (sample.position, sample.rows.clone(), sample.view, sample.target.clone());
    assert_eq!(
        of_deep.iter().map(key).collect::<Vec<_>>(),
        of_head.iter().map(key).collect::<Vec<_>>()
    );
    let stored = run.datasets(&context()).unwrap().train.len().finite().unwrap();
    for sample in &of_deep {
        let (Some(view), &[row]) = (sample.view, &sample.rows[..]) else {
            panic!("{sample:?}")
        };
        let pictures = deep.pictures(sample).unwrap();
        assert!((0..stored).any(|own| [expected(&run, row, own, view, stored)] == pictures[..]));
    }
    // In later epochs no others come.
    let mut views: Vec<_> = deep
        .samples(4, 90)
        .unwrap()
        .groups
        .iter()
        .flat_map(|group| group.samples.clone())
        .map(|sample| (sample.rows, sample.view))
        .collect();
    views.sort_unstable();
    let all = views.len();
    views.dedup();
    assert_eq!((views.len(), all <= (stored * VIEWS) as usize), (all, true));
}

#[test]
fn rows_of_several_classes_are_one_group() {
    let folder = tempfile::tempdir().unwrap();
    let images: BinaryArray = pngs(40).into_iter().map(Some).collect();
    let tags = |row: i64| Some((0..3).filter(|bit| (row >> bit) & 1 == 1).map(Some).collect::<Vec<_>>());
    let labels = ListArray::from_iter_primitive::<Int64Type, _, _>((0..40).map(tags));
    let run = run(write(folder.path(), &images, Arc::new(labels)));
    let plain = Strategy::default();
    let preview = open(&run, &plain);
    let found = preview.samples(1, 50).unwrap();
    let [group] = &found.groups[..] else {
        panic!("{:?}", found.groups)
    };
    assert_eq!(
        (group.name.as_str(), group.stored, group.epoch),
        ("all rows", 36, (36, 0))
    );
    // Three epochs have each row in each view once.
    let of = |origin| {
        group
            .samples
            .iter()
            .filter(|sample| sample.provenance.origin == origin)
            .count()
    };
    assert_eq!((of(Origin::Real), of(Origin::Augmented)), (36, 50));
    for sample in &group.samples {
        let row = sample.rows[0];
        let words: Vec<String> = (0..3)
            .filter(|bit| (row >> bit) & 1 == 1)
            .map(|bit: u64| bit.to_string())
            .collect();
        assert_eq!(sample.target, words.join(" | "));
    }
    are_trained(&group.samples, &run, &plain);
}

#[test]
fn steps_end_in_what_is_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    for unfreeze in [0, 1] {
        let run = run(data(folder.path())).unfreeze(unfreeze);
        let preview = open(&run, &strategy(0.0));
        let sample = samples(&preview, 3)
            .into_iter()
            .find(|sample| sample.is_trained && sample.provenance.origin == Origin::Augmented)
            .unwrap();
        let steps = preview.steps(sample.rows[0], 1).unwrap();
        assert_eq!(
            (steps.position, steps.epoch, steps.origin),
            (sample.position, 1, Origin::Augmented)
        );
        let names: Vec<_> = steps.steps.iter().map(|step| step.name.as_str()).collect();
        let chain = [
            "original",
            "random_resized_crop",
            "horizontal_flip",
            "rotate",
            "brightness",
            "contrast",
        ];
        assert_eq!(names, chain);
        assert_eq!([steps.steps[5].pixels.clone()], preview.pictures(&sample).unwrap()[..]);
        // The picture after each step is that of the stage without the steps behind it.
        let stored = run.datasets(&context()).unwrap().train.len().finite().unwrap();
        let png = picture(steps.row).to_png().unwrap();
        let key = match steps.view {
            Some(view) => {
                let own = (0..stored).find(|&own| {
                    let pixels = expected(&run, steps.row, own, view, stored);
                    pixels == steps.steps[5].pixels
                });
                view * stored + own.unwrap()
            }
            None => steps.position,
        };
        let crop = Image::new(32).random_resized_crop(0.5..=1.0, 0.8..=1.25);
        let turned = crop.clone().horizontal_flip(0.5).rotate(10.0);
        for (at, stage) in [(1, crop), (3, turned)] {
            let pixels = stage.preview(&png, &mut Rng::new(5, "image", key)).unwrap();
            assert_eq!(pixels, steps.steps[at].pixels, "{at}");
        }
        let flip = steps.steps[2].drawn.as_deref().unwrap();
        assert_eq!(
            flip == "unchanged",
            steps.steps[1].pixels == steps.steps[2].pixels,
            "{flip}"
        );
        assert!(steps.steps[3].drawn.as_deref().unwrap().ends_with(" degrees"));
        let factor = steps.steps[4]
            .drawn
            .as_deref()
            .unwrap()
            .strip_prefix("factor ")
            .unwrap();
        let (before, after) = (&steps.steps[3].pixels.levels, &steps.steps[4].pixels.levels);
        let factor: f32 = factor.parse().unwrap();
        for (before, after) in before.iter().zip(after) {
            let off = (f32::from(*before) * factor).min(255.0) - f32::from(*after);
            assert!(off.abs() < 0.7, "{before} {after} {factor}");
        }
        assert!(preview.step_sheet(&steps, 64).unwrap().width() > 4 * 64);
    }
}

#[test]
fn rows_without_steps_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path()));
    let preview = open(&run, &strategy(0.0));
    common::refusal(preview.steps(47, 1), ErrorKind::Config, "have 47 rows, counted from 0");
    common::refusal(preview.samples(10, 1), ErrorKind::Config, "the epochs 1 to 9");
    let trained: Vec<u64> = samples(&preview, 40).iter().map(|sample| sample.rows[0]).collect();
    let held = (0..47).find(|row| !trained.contains(row)).unwrap();
    common::refusal(preview.steps(held, 1), ErrorKind::Config, "is not trained on");
    let deep = Preview {
        phase: Some(TrainingPhase::Deep),
        ..Preview::new(run.balance(strategy(0.0)))
    };
    common::refusal(deep.open(&context(), &mut |_| ()), ErrorKind::Config, "unfreeze is 0");
}

/// Whether `tile` is a part of `sheet`, pixel by pixel.
fn has(sheet: &RgbImage, tile: &Pixels) -> bool {
    let first = Rgb([tile.levels[0], tile.levels[1], tile.levels[2]]);
    let (width, height) = (tile.width, tile.height);
    let row = |x: u32, y: u32, line: u32| {
        let from = 3 * ((y + line) * sheet.width() + x) as usize;
        let own = 3 * (line * width) as usize;
        sheet.as_raw()[from..from + 3 * width as usize] == tile.levels[own..own + 3 * width as usize]
    };
    sheet.enumerate_pixels().any(|(x, y, pixel)| {
        *pixel == first
            && x + width <= sheet.width()
            && y + height <= sheet.height()
            && (0..height).all(|line| row(x, y, line))
    })
}

#[test]
fn a_sheet_has_the_pictures_of_its_samples() {
    let folder = tempfile::tempdir().unwrap();
    let preview = open(&run(data(folder.path())), &strategy(0.0));
    let samples = preview.samples(1, 3).unwrap();
    let sheet = preview.sheet(&samples, 32).unwrap();
    let names: Vec<_> = sheet.shown.iter().map(|group| (&*group.name, group.stored)).collect();
    assert_eq!(names, [("2", 4), ("1", 11), ("0", 27)]);
    assert_eq!(sheet.left_out, 0);
    for sample in sheet.shown.iter().flat_map(|group| &group.samples) {
        let pixels = preview.pictures(sample).unwrap().remove(0);
        assert!(has(&sheet.picture, &pixels), "{sample:?}");
    }
    let other = preview.samples(1, 5).unwrap().groups[2].samples[4].clone();
    assert!(!has(&sheet.picture, &preview.pictures(&other).unwrap()[0]));
    assert!(
        sheet.notes[0].starts_with("Phase head, epochs 1 to 3, positions 0 to 94 (\"at\" below a tile), "),
        "{:?}",
        sheet.notes
    );
    assert!(
        sheet.notes[0].ends_with("seed 5; shares of the classes: uniform."),
        "{:?}",
        sheet.notes
    );
}

#[test]
fn a_sheet_has_an_end_and_says_what_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let images: BinaryArray = (0..900).map(|row| Some(picture(row).to_png().unwrap())).collect();
    let labels = Int64Array::from_iter_values((0..900).map(|row| row % 300));
    let run = run(write(folder.path(), &images, Arc::new(labels))).views(1);
    let preview = open(&run, &strategy(0.0));
    let sheet = preview.sheet(&preview.samples(1, 2).unwrap(), 96).unwrap();
    assert!(sheet.left_out > 0 && sheet.shown.len() + sheet.left_out == 300);
    assert!(
        sheet.picture.height() < 13_000 && sheet.shown.len() > 50,
        "{}",
        sheet.shown.len()
    );
    let said = format!(
        "{} classes with more rows are not shown: they do not fit.",
        sheet.left_out
    );
    assert!(sheet.notes.contains(&said), "{:?}", sheet.notes);
}

#[test]
fn rows_without_classes_are_one_group() {
    let folder = tempfile::tempdir().unwrap();
    let images: BinaryArray = pngs(20).into_iter().map(Some).collect();
    let numbers = Float64Array::from_iter_values((0..20).map(|row| f64::from(row) / 4.0));
    let run = run(write(folder.path(), &images, Arc::new(numbers)));
    let preview = open(&run, &Strategy::default());
    let groups = preview.samples(1, 5).unwrap().groups;
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((&*group.name, group.stored, group.samples.len()), ("all rows", 18, 10));
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let trained = rows(
        run.feature_loader(&cx, &prepared, &Strategy::default()).unwrap(),
        3 * 18,
    );
    for sample in &group.samples {
        let (batch, at) = &trained[sample.position as usize];
        assert_eq!(sample.provenance, batch.provenance()[*at]);
        assert_eq!(sample.target, (sample.rows[0] as f64 / 4.0).to_string());
    }
}

#[test]
fn the_picture_of_a_comparison_shows_what_the_synthetic_way_trains_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(data(folder.path())).epochs(1).out(folder.path().join("run"));
    let named = |name: &str, strategy: Strategy| Strategy {
        name: name.to_owned(),
        ..strategy
    };
    let synthetic_frames = |strategies: &[Strategy]| {
        let run = run.clone().existing(millstream::train::Existing::Overwrite);
        let (report, prepared) = run.compare(&context(), strategies, &mut |_| ()).unwrap();
        let cx = context().with_seed(5);
        let drawn = millstream::task::picture::draw(&cx, &run, &prepared, strategies, &report).unwrap();
        let colour = origin_colour(Origin::Synthetic);
        // The upper edges of frames around two tiles.
        let lines = drawn.rows().map(|row| row.filter(|pixel| **pixel == colour).count());
        lines.filter(|&pixels| pixels >= 2 * 56 + 8).count()
    };
    let repeats = named("repeats", strategy(0.0));
    assert_eq!(
        synthetic_frames(&[repeats.clone(), named("as it is", strategy(0.0))]),
        0
    );
    // Two classes lack rows: eight lines of each frame.
    assert_eq!(synthetic_frames(&[repeats, named("smote", strategy(0.5))]), 2 * 8);
}

fn millstream(arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (done.status.code(), out, err)
}

#[test]
fn the_program_draws_and_never_writes_over() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let train = data(folder.path());
    let out = folder.path().join("sheet.png").display().to_string();
    let all = ["preview", &train, "--size", "32", "--out", &out];
    let (code, table, err) = millstream(&all);
    assert_eq!(code, Some(0), "{err}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("Phase head, epochs 1 to"), "{table}");
    let sheet = fs::read(&out).unwrap();
    assert!(Pixels::decode(&sheet).unwrap().height > 300);
    let (code, table, err) = millstream(&all);
    assert_eq!((code, table.as_str()), (Some(1), ""));
    assert!(
        err.ends_with("would be overwritten (--overwrite or --out PNG)\n"),
        "{err}"
    );
    let with = |more: &[&str]| millstream(&[&all[..], more].concat());
    let (code, json, err) = with(&["--overwrite", "--json", "--row", "3", "--unfreeze", "1"]);
    assert_eq!(code, Some(0), "{err}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["row"], &json["steps"][1]["name"]),
        (&3.into(), &"random_resized_crop".into())
    );
    assert_ne!(fs::read(&out).unwrap(), sheet);
    // Never onto its input, and nothing where something is wrong.
    let before = fs::read(&train).unwrap();
    let (code, _, err) = millstream(&["preview", &train, "--out", &train, "--overwrite"]);
    assert!(code == Some(1) && err.contains("this file is not a PNG"), "{err}");
    assert_eq!(fs::read(&train).unwrap(), before);
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/tables/tabular.parquet");
    let never = folder.path().join("never.png");
    for (train, more, said) in [
        (table, vec![], "an image column holds bytes"),
        (&*train, vec!["--row", "99"], "have 47 rows"),
        (&*train, vec!["--epoch", "41"], "the epochs 1 to 40"),
        (&*train, vec!["--phase", "deep"], "unfreeze is 0"),
    ] {
        let never = never.display().to_string();
        let (code, out, err) = millstream(&[&["preview", train, "--out", &never], &more[..]].concat());
        let last = err.lines().last().unwrap_or_default();
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(last.starts_with("error: ") && last.contains(said), "{err}");
    }
    assert!(!never.exists());
    Ok(())
}

#[test]
fn a_sheet_never_replaces_what_the_preview_reads() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(at("photos")).unwrap();
    data(folder.path());
    fs::rename(at("train.parquet"), at("photos/train.parquet")).unwrap();
    fs::create_dir(at("resnet18")).unwrap();
    for file in fs::read_dir(BACKBONE).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), Path::new(&at("resnet18")).join(file.file_name())).unwrap();
    }
    let recipe = "[data]\ntrain = \"photos\"\n[model]\nbackbone = \"resnet18\"\nsize = 32\n";
    fs::write(at("r.toml"), recipe).unwrap();
    fs::hard_link(at("r.toml"), at("hard.toml")).unwrap();
    let weights = ["model.safetensors", "pytorch_model.bin"];
    let weights = weights.map(|name| format!("resnet18/{name}"));
    let weights = weights.iter().find(|name| Path::new(&at(name)).exists()).unwrap();
    // What is no picture is refused as that, before all inputs are known.
    let (input, other) = ("this file is an input", "this file is not a PNG");
    for (out, said) in [
        ("r.toml", input),
        ("hard.toml", input),
        (weights.as_str(), other),
        ("resnet18/config.json", other),
        ("photos/train.parquet", other),
        ("photos/new.png", "is read, and this would be read as part of it"),
    ] {
        let before = fs::read(at(out)).ok();
        let given = ["preview", "--recipe", &at("r.toml"), "--out", &at(out), "--overwrite"];
        let (code, _, err) = millstream(&given);
        let last = err.lines().last().unwrap_or_default();
        assert!(code == Some(1) && last.contains(said), "{out}: {err}");
        assert_eq!(fs::read(at(out)).ok(), before, "{out}");
    }
    let (code, _, err) = millstream(&["preview", "--recipe", &at("r.toml"), "--out", &at("sheet.png")]);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn a_bad_picture_is_named_with_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let rare: Vec<usize> = (0..47).filter(|&row| classes().value(row) == 2).collect();
    let mut pictures = pngs(47);
    rare.iter().for_each(|&row| pictures[row].truncate(60));
    let images: BinaryArray = pictures.into_iter().map(Some).collect();
    let train = write(folder.path(), &images, Arc::new(classes()));
    let out = folder.path().join("sheet.png").display().to_string();
    let (code, _, err) = millstream(&["preview", &train, "--size", "32", "--out", &out]);
    let last = err.lines().last().unwrap_or_default();
    let named = |row: &usize| last.starts_with(&format!("error: row {row} of row group 0 in {train}: "));
    assert!(code == Some(1) && rare.iter().any(named), "{err}");
    assert!(last.contains("such a row can be skipped (--on-error skip"), "{err}");
}

/// Which of the two it is: held out, or bad.
#[test]
fn a_row_that_is_not_trained_on_is_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut pictures = pngs(47);
    let bad = (0..47).find(|&row| classes().value(row) == 1).unwrap();
    pictures[bad].truncate(60);
    let images: BinaryArray = pictures.into_iter().map(Some).collect();
    let train = write(folder.path(), &images, Arc::new(classes()));
    let run = run(train.clone()).on_bad_row(OnBadRow::Skip { at_most: 3 });
    // Why each row is not trained on; none of those that are.
    let reasons = |run: &Finetune| -> Vec<Option<String>> {
        let preview = open(run, &strategy(0.0));
        let reason = |row: u64| {
            let place = format!("row {row} of row group 0 in {train} is not trained on: ");
            let error = preview.steps(row, 1).err()?.to_string();
            error.strip_prefix(&place).map(str::to_owned)
        };
        (0..47).map(reason).collect()
    };
    let found = reasons(&run);
    let of_bad = found[bad].as_deref().unwrap();
    assert!(of_bad.starts_with("its picture cannot be made ("), "{of_bad}");
    assert!(of_bad.ends_with("): look at another row"), "{of_bad}");
    let held: Vec<&str> = found
        .iter()
        .flatten()
        .map(String::as_str)
        .filter(|reason| *reason != of_bad)
        .collect();
    let ways = "look at another row, or choose another seed";
    let for_validation = format!("it is held out for validation: {ways}, or name the rows to hold out in data.valid");
    assert_eq!(held, [for_validation.as_str()].repeat(held.len()));
    assert!((3..10).contains(&held.len()), "{held:?}");
    // Where a part of the training rows chooses the best epoch.
    let mut best = run.clone();
    best.spec.train.keep_best = true;
    let more = reasons(&best);
    let chosen = format!("it is held out to choose the best epoch on: {ways}");
    let new = |row: &usize| found[*row].is_none() && more[*row].is_some();
    let new: Vec<usize> = (0..47).filter(new).collect();
    assert!((3..10).contains(&new.len()), "{new:?}");
    assert!(
        new.iter().all(|&row| more[row].as_deref() == Some(chosen.as_str())),
        "{more:?}"
    );
}

/// What made the rows of `made.parquet`.
const MADE_BY: &str = "vae 1, seed 9";

/// Training on pictures of three classes and on ten that a generator made of the rarest one, in a file as `generate sample` writes it.
fn run_on_made_rows(folder: &Path, views: u64) -> Finetune {
    let train = data(folder);
    let images: BinaryArray = (100..110).map(|row| Some(picture(row).to_png().unwrap())).collect();
    let labels = Int64Array::from_iter_values([2; 10]);
    let by = StringArray::from_iter_values([MADE_BY; 10]);
    let columns: [(&str, ArrayRef); 3] = [
        ("image", Arc::new(images)),
        ("label", Arc::new(labels)),
        ("generator", Arc::new(by)),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    let said = format!(r#"{{"made_by": {MADE_BY:?}, "fitted_on": []}}"#);
    let schema = rows.schema().as_ref().clone();
    let schema = schema.with_metadata([("millstream.generator".to_owned(), said)].into());
    let made = write_rows(
        &folder.join("made.parquet"),
        &rows.with_schema(Arc::new(schema)).unwrap(),
    );
    let others = folder.join("valid");
    fs::create_dir_all(&others).unwrap();
    let images: BinaryArray = (200..206).map(|row| Some(picture(row).to_png().unwrap())).collect();
    let labels = Int64Array::from_iter_values([0, 1, 2, 0, 1, 2]);
    let valid = write(&others, &images, Arc::new(labels));
    let run = run(train.clone()).views(views);
    run.train([train, made]).valid([valid])
}

/// The rows of each class in an epoch of `loader`, and how many of them are synthetic.
fn in_first_epoch(loader: LoaderBuilder, stored: u64) -> [(u64, u64); 3] {
    let mut given = [(0, 0); 3];
    for (batch, at) in rows(loader, stored).into_iter().take(stored as usize) {
        let provenance = &batch.provenance()[at];
        let (rows, synthetic) = &mut given[provenance.class.unwrap() as usize];
        *rows += 1;
        *synthetic += u64::from(provenance.origin == Origin::Synthetic);
    }
    given
}

#[test]
fn stored_rows_that_a_generator_made_are_counted_and_told_apart_from_those_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context().with_seed(5);
    let (no_pictures, stored) = (
        "are no pictures",
        format!("Stored synthetic rows ({MADE_BY}) are pictures"),
    );
    for (unfreeze, views, synthetic) in [
        (0, 1, 0.0),
        (0, VIEWS, 0.0),
        (0, VIEWS, 0.5),
        (1, VIEWS, 0.0),
        (1, VIEWS, 0.5),
    ] {
        let run = run_on_made_rows(folder.path(), views).unfreeze(unfreeze);
        let strategy = strategy(synthetic);
        let preview = open(&run, &strategy);
        let case = (unfreeze, views, synthetic);
        let loader = match unfreeze {
            0 => {
                let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
                run.feature_loader(&cx, &prepared, &strategy).unwrap()
            }
            _ => {
                let datasets = run.datasets(&cx).unwrap();
                run.image_loader(&cx, &datasets, &strategy).unwrap()
            }
        };
        let trained = in_first_epoch(loader, 57);
        let found = preview.samples(1, 4).unwrap();
        for group in &found.groups {
            let class: usize = group.name.parse().unwrap();
            assert_eq!(group.epoch, trained[class], "{case:?}: class {class}");
        }
        let of_rarest = found.groups.iter().find(|group| group.name == "2").unwrap();
        assert!(
            of_rarest.stored == 15 && of_rarest.epoch.1 >= 10,
            "{case:?}: {of_rarest:?}"
        );
        let shown = of_rarest.samples.iter();
        let shown: Vec<_> = shown
            .filter(|sample| sample.provenance.origin == Origin::Synthetic)
            .collect();
        assert_eq!(shown.len(), 4, "{case:?}");
        let of_file = |sample: &&&PreviewSample| sample.provenance.generator.as_deref() == Some(MADE_BY);
        for sample in shown.iter().filter(of_file) {
            assert_eq!(preview.pictures(sample).unwrap().len(), 1, "{case:?}");
        }
        let notes = preview.sheet(&found, 32).unwrap().notes;
        let says = |part: &str| notes.iter().any(|note| note.contains(part));
        assert!(says(&stored), "{case:?}: {notes:?}");
        assert_eq!(says(no_pictures), case == (0, VIEWS, 0.5), "{notes:?}");
        assert_eq!(
            says("so no row is trained on as it is stored"),
            unfreeze == 1,
            "{notes:?}"
        );
    }
}

#[test]
fn rows_of_which_a_column_says_that_they_were_made_are_counted_as_synthetic() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context().with_seed(5);
    let pictures = pngs(47)
        .into_iter()
        .chain((100..110).map(|row| picture(row).to_png().unwrap()));
    let labels = classes().values().iter().copied().chain([2; 10]).collect::<Vec<_>>();
    let origins = (0..57).map(|row| if row < 47 { "real" } else { "synthetic" });
    let columns: [(&str, ArrayRef); 3] = [
        ("image", Arc::new(pictures.map(Some).collect::<BinaryArray>())),
        ("label", Arc::new(Int64Array::from(labels))),
        ("origin", Arc::new(StringArray::from_iter_values(origins))),
    ];
    let train = write_rows(
        &folder.path().join("all.parquet"),
        &RecordBatch::try_from_iter(columns).unwrap(),
    );
    let others = folder.path().join("valid");
    fs::create_dir_all(&others).unwrap();
    let images: BinaryArray = (200..206).map(|row| Some(picture(row).to_png().unwrap())).collect();
    let valid = write(
        &others,
        &images,
        Arc::new(Int64Array::from_iter_values([0, 1, 2, 0, 1, 2])),
    );
    for unfreeze in [0, 1] {
        let run = run(train.clone()).valid([valid.clone()]).unfreeze(unfreeze);
        let strategy = strategy(0.0);
        let loader = match unfreeze {
            0 => {
                let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
                run.feature_loader(&cx, &prepared, &strategy).unwrap()
            }
            _ => {
                let datasets = run.datasets(&cx).unwrap();
                run.image_loader(&cx, &datasets, &strategy).unwrap()
            }
        };
        let trained = in_first_epoch(loader, 57);
        assert!(
            trained[0].1 == 0 && trained[1].1 == 0 && trained[2].1 > 0,
            "{trained:?}"
        );
        let preview = open(&run, &strategy);
        let found = preview.samples(1, 4).unwrap();
        for group in &found.groups {
            let class: usize = group.name.parse().unwrap();
            assert_eq!(group.epoch, trained[class], "{unfreeze}: class {class}");
        }
        let notes = preview.sheet(&found, 32).unwrap().notes;
        let said = "Stored synthetic rows are pictures";
        assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
    }
}

#[test]
fn a_stored_row_that_a_generator_made_has_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let chain = names(&[
        "original",
        "random_resized_crop",
        "horizontal_flip",
        "rotate",
        "brightness",
        "contrast",
    ]);
    for (unfreeze, views) in [(0, 1), (0, VIEWS), (1, VIEWS)] {
        let run = run_on_made_rows(folder.path(), views).unfreeze(unfreeze);
        let preview = open(&run, &strategy(0.0));
        let samples: Vec<_> = samples(&preview, 200);
        for row in 47..57 {
            let steps = preview.steps(row, 1).unwrap();
            assert_eq!((steps.origin, steps.row), (Origin::Synthetic, row));
            let found: Vec<_> = steps.steps.iter().map(|step| step.name.clone()).collect();
            match views {
                1 => assert_eq!(found, names(&["original", "resize"])),
                // The first time that something is drawn for it, as of other rows.
                _ => assert_eq!((&found, steps.view == Some(0)), (&chain, false)),
            }
            let Some(sample) = samples.iter().find(|sample| sample.position == steps.position) else {
                continue;
            };
            let last = steps.steps.last().unwrap().pixels.clone();
            assert_eq!(preview.pictures(sample).unwrap(), [last]);
            assert_eq!(sample.rows, [row]);
        }
        // The frames of all tiles say that the row is synthetic, the original's too.
        let sheet = preview.step_sheet(&preview.steps(50, 1).unwrap(), 64).unwrap();
        let has_frame = |origin| {
            sheet.rows().any(|row| {
                let colour = origin_colour(origin);
                row.filter(|pixel| **pixel == colour).count() >= 64
            })
        };
        assert_eq!([Origin::Synthetic, Origin::Real].map(has_frame), [true, false]);
    }
}

#[test]
fn rows_that_are_all_made_are_said_to_be_augmented() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_on_made_rows(folder.path(), VIEWS).unfreeze(1);
    let made = folder.path().join("made.parquet").display().to_string();
    // One class alone is in the file, so the held-out rows are of no other.
    let others = folder.path().join("alike");
    fs::create_dir_all(&others).unwrap();
    let images: BinaryArray = (200..206).map(|row| Some(picture(row).to_png().unwrap())).collect();
    let valid = write(&others, &images, Arc::new(Int64Array::from_iter_values([2; 6])));
    let preview = open(&run.train([made]).valid([valid]), &strategy(0.0));
    let found = preview.samples(1, 4).unwrap();
    assert_eq!(found.groups[0].epoch, (10, 10));
    let notes = preview.sheet(&found, 32).unwrap().notes;
    let said = "Each row is augmented anew each time it comes, so no row is trained on as it is stored.";
    assert!(notes.iter().any(|note| note == said), "{notes:?}");
}
