//! Generators that are fitted: a fit that was stopped ends as one that was not, a saved one makes the same rows, a row depends on seed, class
//! and index alone, and what is learnt is what there was to learn.
#![allow(missing_docs, reason = "tests")]

use crate::common::{context, refused_with};
use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use millstream::error::ErrorKind;
use millstream::generative::{FitFolder, GanSpec, VaeSpec, learned_generators};
use millstream::image::Pixels;
use millstream::plan::Plan;
use millstream::registry::Registry;
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::{Memory, Parquet};
use millstream::spec::Spec;
use millstream::synthetic::learned::{
    About, FitRun, Learned, LearnedModel, LearnedSpec, MODEL_FILE, Parts, RowsFile, Training,
};
use millstream::synthetic::quality::Matrix;
use millstream::synthetic::{Gate, GateSpec, RowFeatures, SampleId};
use millstream::train::Existing;
use millstream::{Context, Dataset, Error, Result, Stable};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const SIDE: usize = 16;

/// A grey picture: the left half is light in class 0, the middle in class 1, the upper half in others; how light differs from row to row.
fn picture(class: usize, row: u64, side: usize) -> Vec<u8> {
    let mut rng = Rng::new(row, "picture", class as u64);
    let light = rng.range(0.6, 1.0);
    let mut pixels = Pixels::<u8>::with_channels(side as u32, side as u32, 1);
    for (at, level) in pixels.levels.iter_mut().enumerate() {
        let (x, y) = (at % side, at / side);
        let inside = match class {
            0 => x < side / 2,
            1 => (side / 4..3 * side / 4).contains(&x),
            _ => y < side / 2,
        };
        let base = if inside { light } else { 0.1 };
        *level = (255.0 * (base + rng.range(-0.05, 0.05))).clamp(0.0, 255.0) as u8;
    }
    pixels.to_png().unwrap()
}

/// `counts[class]` pictures of each class.
fn rows(counts: &[usize]) -> Arc<dyn Stable> {
    let classes: Vec<usize> = (0..counts.len()).flat_map(|class| vec![class; counts[class]]).collect();
    let files: BinaryArray = (0..)
        .zip(&classes)
        .map(|(row, &class)| Some(picture(class, row, SIDE)))
        .collect();
    let names = ["left", "middle", "upper"];
    let labels: StringArray = classes.iter().map(|&class| Some(names[class])).collect();
    memory(files, Arc::new(labels))
}

fn memory(files: BinaryArray, labels: ArrayRef) -> Arc<dyn Stable> {
    let columns: [(&str, ArrayRef); 2] = [("picture", Arc::new(files)), ("kind", labels)];
    Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap())
}

fn training(cx: &Context, rows: Arc<dyn Stable>) -> Training {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "kind")).unwrap());
    Training {
        cx: cx.with_seed(7),
        rows,
        labels,
    }
}

fn vae(steps: u64) -> VaeSpec {
    VaeSpec {
        latent: 4,
        width: 8,
        steps,
        batch_size: 16,
        ..VaeSpec::default()
    }
}

fn gan(steps: u64) -> GanSpec {
    GanSpec {
        latent: 8,
        width: 8,
        steps,
        batch_size: 16,
        learning_rate: 0.002,
        discriminator_rate: 0.002,
        ..GanSpec::default()
    }
}

fn fit(spec: &dyn LearnedSpec, training: &Training) -> Result<LearnedModel> {
    let mut run = FitRun {
        checkpoints: None,
        progress: &mut |_| Ok(()),
    };
    LearnedModel::fit(spec, training, &mut run)
}

fn samples(class: u32, rows: u64) -> Vec<SampleId> {
    (0..rows).map(|index| SampleId { class, index }).collect()
}

/// The levels of a made picture, as shares of white.
fn levels(made: &RecordBatch, row: usize) -> Vec<f32> {
    let file = made["picture"]
        .as_struct()
        .column(0)
        .as_binary::<i32>()
        .value(row)
        .to_vec();
    let pixels = Pixels::decode(&file).unwrap();
    assert_eq!((pixels.width, pixels.height), (SIDE as u32, SIDE as u32));
    let channels = pixels.channels();
    pixels
        .levels
        .iter()
        .step_by(channels)
        .map(|&level| f32::from(level) / 255.0)
        .collect()
}

/// The mean over pictures.
fn mean(pictures: &[Vec<f32>]) -> Vec<f32> {
    let sum = |at: usize| pictures.iter().map(|picture| picture[at]).sum::<f32>();
    (0..pictures[0].len())
        .map(|at| sum(at) / pictures.len() as f32)
        .collect()
}

fn real_mean(class: usize) -> Vec<f32> {
    let pictures: Vec<Vec<f32>> = (0..200)
        .map(|row| {
            let pixels = Pixels::decode(&picture(class, 1000 + row, SIDE)).unwrap();
            let channels = pixels.channels();
            pixels
                .levels
                .iter()
                .step_by(channels)
                .map(|&level| f32::from(level) / 255.0)
                .collect()
        })
        .collect();
    mean(&pictures)
}

fn made_mean(cx: &Context, model: &LearnedModel, class: u32) -> Vec<f32> {
    let made = model.sample(cx, &samples(class, 96)).unwrap();
    mean(&(0..96).map(|row| levels(&made, row)).collect::<Vec<_>>())
}

/// The mean difference of levels.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

/// The files of a folder, but for its lock.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    let named = files.map(|path| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read(&path).unwrap(),
        )
    });
    named
        .filter(|(name, _)| name.ends_with(".json") || name.ends_with(".safetensors"))
        .collect()
}

#[test]
fn a_vae_learns_the_means_of_classes() {
    let cx = context();
    let model = fit(&vae(250), &training(&cx, rows(&[60, 30, 8]))).unwrap();
    for class in 0..3 {
        let (made, real) = (made_mean(&cx, &model, class), real_mean(class as usize));
        let far = distance(&made, &real);
        // Noise of any level is .3 away, another class .34.
        assert!(far < 0.06, "class {class} is {far} away");
    }
}

#[test]
fn what_a_gan_makes_differs_as_the_classes_do() {
    let cx = context();
    let model = fit(&gan(250), &training(&cx, rows(&[60, 40]))).unwrap();
    for class in 0..2 {
        let made = made_mean(&cx, &model, class);
        let [own, other] = [class, 1 - class].map(|class| distance(&made, &real_mean(class as usize)));
        assert!(
            own < 0.6 * other,
            "class {class}: {own} from its own, {other} from the other one"
        );
        // They differ among themselves by more than the rounding of a level: a generator that makes one picture of a class makes it again and again.
        let rows = model.sample(&cx, &samples(class, 96)).unwrap();
        let apart: Vec<f32> = (0..96).map(|row| distance(&levels(&rows, row), &made)).collect();
        let apart = apart.iter().sum::<f32>() / 96.0;
        assert!(apart > 0.005, "class {class}: pictures are {apart} from their mean");
    }
}

#[test]
fn a_row_depends_on_seed_class_and_index_alone() {
    let cx = context();
    let training = training(&cx, rows(&[12, 12]));
    for spec in [&vae(4) as &dyn LearnedSpec, &gan(4)] {
        let model = fit(spec, &training).unwrap();
        let ids = [(1, 40), (0, 5), (0, 0), (1, 3), (0, 1_000_000_007), (0, 5)];
        let ids = ids.map(|(class, index)| SampleId { class, index });
        let together = model.sample(&cx.with_seed(3), &ids).unwrap();
        assert_eq!(together.schema(), model.schema());
        for (row, &id) in ids.iter().enumerate() {
            let alone = model.sample(&cx.with_seed(3), &[id]).unwrap();
            assert_eq!(alone, together.slice(row, 1), "{id:?}");
            let label = alone["kind"].as_primitive::<arrow::datatypes::Int64Type>().value(0);
            assert_eq!(label, i64::from(id.class));
        }
        let other = model.sample(&cx.with_seed(4), &ids).unwrap();
        assert!(
            (0..6).all(|row| other.slice(row, 1) != together.slice(row, 1)),
            "another seed"
        );
        assert_ne!(together.slice(2, 1), together.slice(1, 1), "another index");
    }
}

#[test]
fn a_saved_generator_makes_the_same_rows_and_says_what_it_was_fitted_on() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6]));
    for (name, spec) in [("vae", &vae(4) as &dyn LearnedSpec), ("gan", &gan(4))] {
        let folder = dir.path().join(name);
        let model = fit(spec, &training).unwrap();
        model.save(&folder).unwrap();
        let read = LearnedModel::load(&folder, &learned_generators()).unwrap();
        let ids = [samples(0, 40), samples(1, 3)].concat();
        assert_eq!(read.sample(&cx, &ids).unwrap(), model.sample(&cx, &ids).unwrap());
        assert_eq!((read.hash(), read.about()), (model.hash(), model.about()));
        let about = read.about();
        assert_eq!(about.name(), name);
        assert_eq!(
            (&about.classes[..], &about.counts[..], about.seed),
            (&["left".to_owned(), "middle".to_owned()][..], &[12, 6][..], 7)
        );
        let types = [("picture", "Binary"), ("kind", "Utf8")].map(|(name, of)| (name.to_owned(), of.to_owned()));
        assert_eq!(about.columns, types);
        read.check(&training.rows.schema(), &training.labels).unwrap();
        assert_eq!(read.generator(5), format!("{name} {}, seed 5", &model.hash()[..16]));
    }
    // Other rows, another spec, another seed: another generator.
    let others = Training {
        rows: rows(&[12, 7]),
        ..training.clone()
    };
    let hashes = [
        fit(&vae(4), &training).unwrap(),
        fit(&vae(5), &training).unwrap(),
        fit(
            &vae(4),
            &Training {
                cx: cx.with_seed(8),
                ..training.clone()
            },
        )
        .unwrap(),
        fit(
            &vae(4),
            &Training {
                labels: Arc::new(cx.block_on(Labels::scan(&cx, &others.rows, "kind")).unwrap()),
                ..others
            },
        )
        .unwrap(),
    ];
    let hashes: std::collections::BTreeSet<_> = hashes.iter().map(LearnedModel::hash).collect();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn a_fit_that_was_stopped_ends_in_the_same_files() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6, 1]));
    for (name, spec) in [("vae", &vae(9) as &dyn LearnedSpec), ("gan", &gan(9))] {
        let whole = dir.path().join(format!("{name} whole"));
        FitFolder::new(&whole, Existing::Refuse)
            .every(3)
            .fit(spec, &training, &mut |_| Ok(()))
            .unwrap();
        let expected = files(&whole);
        assert_eq!(expected.len(), 4, "{:?}", expected.keys());
        assert!(!whole.join("steps").exists(), "checkpoints are left");
        for stop in [2, 3, 7] {
            let folder = dir.path().join(format!("{name} {stop}"));
            let mut stopped = |at: &millstream::synthetic::learned::FitProgress| match at.step == stop {
                true => Err(Error::stage("stopped")),
                false => Ok(()),
            };
            let begun = FitFolder::new(&folder, Existing::Refuse).every(3);
            assert_eq!(
                begun.fit(spec, &training, &mut stopped).unwrap_err().to_string(),
                "stopped"
            );
            assert!(begun.fitted(&learned_generators()).unwrap().is_none());
            let mut first = None;
            let resumed = FitFolder::new(&folder, Existing::Resume).every(3);
            let model = resumed
                .fit(spec, &training, &mut |at| {
                    first.get_or_insert(at.step);
                    Ok(())
                })
                .unwrap();
            assert_eq!(first, Some(stop / 3 * 3 + 1), "{name} went on from another step");
            assert!(files(&folder) == expected, "{name} stopped after {stop}");
            let again = resumed.fit(spec, &training, &mut |_| panic!("it is done"));
            assert_eq!(again.unwrap().hash(), model.hash());
            assert_eq!(
                resumed.fitted(&learned_generators()).unwrap().unwrap().hash(),
                model.hash()
            );
        }
    }
}

#[test]
fn a_folder_is_that_of_one_generator() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6]));
    let folder = dir.path().join("vae");
    let at = |existing| FitFolder::new(&folder, existing);
    at(Existing::Refuse).fit(&vae(3), &training, &mut |_| Ok(())).unwrap();
    let before = files(&folder);
    let refused = at(Existing::Refuse)
        .fit(&vae(3), &training, &mut |_| Ok(()))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exists);
    let other = at(Existing::Resume)
        .fit(&vae(4), &training, &mut |_| Ok(()))
        .unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Resume);
    assert!(other.to_string().contains("generator was"), "{other}");
    let rows = rows(&[12, 7]);
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "kind")).unwrap());
    let others = Training {
        rows,
        labels,
        ..training.clone()
    };
    let other = at(Existing::Resume).fit(&vae(3), &others, &mut |_| Ok(())).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Resume);
    assert!(files(&folder) == before);
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    at(Existing::Overwrite).fit(&gan(2), &others, &mut |_| Ok(())).unwrap();
    assert_eq!(
        at(Existing::Resume)
            .fitted(&learned_generators())
            .unwrap()
            .unwrap()
            .about()
            .name(),
        "gan"
    );
    assert_eq!(fs::read(folder.join("notes.txt")).unwrap(), b"mine");
    // One that is to be overwritten stays until the new one is whole, which is gone on with.
    let before = files(&folder);
    let mut stopped = |at: &millstream::synthetic::learned::FitProgress| match at.step == 5 {
        true => Err(Error::stage("stopped")),
        false => Ok(()),
    };
    let error = at(Existing::Overwrite).every(2).fit(&vae(7), &others, &mut stopped);
    assert_eq!(error.unwrap_err().to_string(), "stopped");
    let now = files(&folder);
    assert!(before.iter().all(|(name, bytes)| now.get(name) == Some(bytes)));
    let old = at(Existing::Resume).fit(&gan(2), &others, &mut |_| Ok(())).unwrap();
    assert_eq!(old.about().name(), "gan");
    let mut first = None;
    at(Existing::Resume)
        .fit(&vae(7), &others, &mut |at| {
            first.get_or_insert(at.step);
            Ok(())
        })
        .unwrap();
    assert_eq!(first, Some(5), "it began anew");
    let fitted = at(Existing::Resume).fitted(&learned_generators()).unwrap().unwrap();
    assert_eq!(fitted.about().name(), "vae");
    assert!(!folder.join(".millstream-next").exists());
    // Files of these names that no fit wrote.
    let theirs = dir.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join(MODEL_FILE), "mine").unwrap();
    for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
        let error = FitFolder::new(&theirs, existing)
            .fit(&vae(3), &training, &mut |_| Ok(()))
            .unwrap_err();
        assert!(error.to_string().contains("no fit wrote it"), "{error}");
    }
    assert_eq!(fs::read(theirs.join(MODEL_FILE)).unwrap(), b"mine");
}

#[test]
fn a_fit_that_is_refused_leaves_no_folder() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    // No class has two rows.
    let training = training(&cx, rows(&[1, 1]));
    let fit = |folder: &Path| {
        FitFolder::new(folder, Existing::Refuse)
            .fit(&vae(3), &training, &mut |_| Ok(()))
            .unwrap_err()
    };
    let error = fit(&dir.path().join("models/faces/vae"));
    assert!(error.to_string().contains("no class has two rows"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    // What was there stays, empty or not.
    let theirs = dir.path().join("models");
    fs::create_dir(&theirs).unwrap();
    fit(&theirs.join("vae"));
    fit(&theirs);
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
}

#[test]
fn damage_is_found_wherever_it_is() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    fit(&vae(1), &training(&cx, rows(&[4, 4])))
        .unwrap()
        .save(dir.path())
        .unwrap();
    let load = || LearnedModel::load(dir.path(), &learned_generators()).map(drop);
    load().unwrap();
    for (name, whole) in files(dir.path()) {
        let path = dir.path().join(&name);
        for at in (0..whole.len()).step_by((whole.len() / 40).max(1)) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            // White space between the words of the file is nobody's business.
            if serde_json::from_slice::<serde_json::Value>(&whole).is_ok()
                && serde_json::from_slice::<serde_json::Value>(&changed).ok() == serde_json::from_slice(&whole).ok()
                && name == MODEL_FILE
            {
                continue;
            }
            for torn in [&whole[..at], &changed] {
                fs::write(&path, torn).unwrap();
                let error = load().expect_err(&name);
                assert_eq!(error.kind(), ErrorKind::Data, "{name} at {at}: {error}");
                assert!(error.to_string().contains(&name), "{name} at {at}: {error}");
            }
        }
        fs::remove_file(&path).unwrap();
        let error = load().expect_err(&name).to_string();
        assert!(error.contains(&name), "{error}");
        fs::write(&path, &whole).unwrap();
    }
    load().unwrap();
}

#[test]
fn what_cannot_be_learnt_is_said() {
    let cx = context();
    let said = |spec: &dyn LearnedSpec, rows: Arc<dyn Stable>| fit(spec, &training(&cx, rows)).unwrap_err().to_string();
    let labels = || Arc::new(Int64Array::from(vec![0, 0, 1, 1]));
    let of = |sides: [usize; 4]| -> BinaryArray {
        (0..)
            .zip(sides)
            .map(|(row, side)| Some(picture(0, row, side)))
            .collect()
    };

    let sizes = said(&vae(1), memory(of([16, 16, 20, 16]), labels()));
    assert!(
        sizes.contains("row 2") && sizes.contains("this picture has 20 x 20 pixels, and the first one 16 x 16"),
        "{sizes}"
    );
    let resized = VaeSpec {
        size: Some(16),
        ..vae(1)
    };
    fit(&resized, &training(&cx, memory(of([16, 16, 20, 16]), labels()))).unwrap();

    let large = said(&vae(1), memory(of([68; 4]), labels()));
    assert!(
        large.contains("size is 68, but has to be a multiple of 4 in 16..=64"),
        "{large}"
    );
    let odd = said(&vae(1), memory(of([18; 4]), labels()));
    assert!(odd.contains("size is 18"), "{odd}");

    let mut damaged: Vec<Vec<u8>> = (0..4).map(|row| picture(0, row, 16)).collect();
    damaged[3] = b"no picture".to_vec();
    let damaged = said(&vae(1), memory(BinaryArray::from_iter_values(damaged), labels()));
    assert!(
        damaged.contains("row 3") && damaged.contains("not an image"),
        "{damaged}"
    );

    let alone: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 2, 3]));
    let alone = said(&gan(1), memory(of([16; 4]), alone));
    assert!(alone.contains("\"kind\": no class has two rows"), "{alone}");

    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "b"]));
    let columns: [(&str, ArrayRef); 2] = [("picture", Arc::clone(&text)), ("kind", text)];
    let none: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap());
    let none = said(&vae(1), none);
    assert!(none.contains("no column holds encoded pictures"), "{none}");

    for (wrong, expected) in [
        (
            VaeSpec { latent: 0, ..vae(1) },
            "latent is 0, but has to lie in 1..=256",
        ),
        (
            VaeSpec {
                size: Some(62),
                ..vae(1)
            },
            "size is 62, but has to be a multiple of 4",
        ),
        (
            VaeSpec {
                learning_rate: -1.0,
                ..vae(1)
            },
            "learning_rate is -1, but has to lie above 0 and up to 1",
        ),
        (
            VaeSpec {
                channels: Some(2),
                ..vae(1)
            },
            "channels is 2, but has to be 1 (grey) or 3 (colours)",
        ),
    ] {
        let error = said(&wrong, rows(&[2, 2]));
        assert!(error.contains(expected), "{error}");
    }
    let hot = GanSpec {
        learning_rate: f64::MAX,
        ..gan(50)
    };
    let error = said(&hot, rows(&[8, 8]));
    assert!(error.contains("but has to lie above 0 and up to 1"), "{error}");
}

/// A training that goes astray gives no generator, whatever its losses are.
#[test]
fn what_has_diverged_is_not_kept() {
    let cx = context();
    let training = training(&cx, rows(&[8, 8]));
    let hot_vae = VaeSpec {
        learning_rate: 1e30,
        ..vae(3)
    };
    let hot_gan = GanSpec {
        learning_rate: 1e30,
        ..gan(3)
    };
    for spec in [&hot_vae as &dyn LearnedSpec, &hot_gan] {
        let mut run = FitRun {
            checkpoints: None,
            progress: &mut |_| Ok(()),
        };
        // Its rates are not checked here, as they are of a fit.
        let error = spec.fit(&training, &mut run).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stage);
        assert!(
            error
                .to_string()
                .contains("the training has diverged, and no generator is kept of it"),
            "{error}"
        );
    }
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6, 1]));
    let model = fit(&vae(2), &training).unwrap();
    // A class of one row could only be copied.
    assert_eq!(
        [0, 1, 2, 3].map(|class| model.supports(class)),
        [true, true, false, false]
    );
    let said = |class| model.sample(&cx, &samples(class, 1)).unwrap_err().to_string();
    assert!(
        said(2).starts_with("class \"upper\" had one row where the generator was fitted"),
        "{}",
        said(2)
    );
    assert_eq!(said(3), "there is no class number 3: there are 3 classes");
    let out = RowsFile::new(dir.path().join("rows.parquet"), false);
    let error = out.write(&cx, &model, &[1, 1, 1], &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("class \"upper\""), "{error}");
    assert!(
        out.write(&cx, &model, &[0, 0, 0], &mut |_| Ok(()))
            .unwrap_err()
            .to_string()
            .contains("no rows are asked for")
    );

    let check = |rows: Arc<dyn Stable>, label: &str| {
        let labels = cx.block_on(Labels::scan(&cx, &rows, label)).unwrap();
        model.check(&rows.schema(), &labels).unwrap_err()
    };
    let fewer = check(rows(&[3, 3]), "kind");
    assert_eq!(fewer.kind(), ErrorKind::Schema);
    assert!(
        fewer
            .to_string()
            .starts_with("the classes are left, middle, and were left, middle, upper"),
        "{fewer}"
    );
    let words: ArrayRef = Arc::new(StringArray::from(vec!["left", "middle"]));
    let columns: [(&str, ArrayRef); 2] = [("picture", Arc::clone(&words)), ("kind", words)];
    let words: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap());
    let text = check(words, "kind").to_string();
    assert!(
        text.contains("column \"picture\" holds Utf8, and held Binary"),
        "{text}"
    );
}

#[test]
fn a_file_of_rows_is_read_as_any_other() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6, 1]));
    let model = fit(&vae(2), &training).unwrap();
    let path = dir.path().join("rows.parquet");
    let (cx, counts) = (cx.with_seed(5), [70, 3, 0]);
    let mut told = Vec::new();
    let write = |overwrite: bool, told: &mut Vec<u64>| {
        RowsFile::new(&path, overwrite).write(&cx, &model, &counts, &mut |done| {
            told.push(done);
            Ok(())
        })
    };
    write(false, &mut told).unwrap();
    assert_eq!(told, [73]);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(write(false, &mut told).unwrap_err().kind(), ErrorKind::Exists);
    write(true, &mut told).unwrap();
    assert!(fs::read(&path).unwrap() == bytes, "the same rows are the same file");

    let found = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
    assert_eq!(found.find_image(None).unwrap(), "picture");
    // Labels are the texts that they are in the rows of the fit.
    assert_eq!(
        found.schema().field_with_name("kind").unwrap().data_type(),
        &DataType::Utf8View
    );
    let labels = cx
        .block_on(Labels::scan_as(&cx, &found, "kind", &training.labels))
        .unwrap();
    assert_eq!(labels.names(), ["left", "middle", "upper"]);
    assert_eq!(labels.counts(), counts);
    let all = cx.block_on(found.take(&cx, &(0..73).collect::<Vec<u64>>())).unwrap();
    let made = model.sample(&cx, &[SampleId { class: 0, index: 33 }]).unwrap();
    // 32 of class 0, three of class 1, then the others of class 0.
    let of_row = all["picture"].as_binary_view().value(36).to_vec();
    assert_eq!(
        of_row,
        made["picture"].as_struct().column(0).as_binary::<i32>().value(0)
    );
    let generator = arrow::compute::cast(&all["generator"], &arrow::datatypes::DataType::Utf8).unwrap();
    assert!(
        generator
            .as_string::<i32>()
            .iter()
            .all(|name| name == Some(&model.generator(5)))
    );
}

/// A number that pictures of one class differ in: what lies behind the point of the mean level of their left half.
#[derive(Debug)]
struct Left;

impl RowFeatures for Left {
    fn describe(&self) -> Plan {
        Plan::new("left")
    }

    fn features<'a>(&'a self, _: &'a Context, rows: &'a RecordBatch) -> BoxFuture<'a, Result<Matrix>> {
        Box::pin(async move {
            let pictures = &rows["picture"];
            let files = match pictures.as_struct_opt() {
                Some(of_struct) => Arc::clone(of_struct.column(0)),
                None => Arc::clone(pictures),
            };
            let level = |file: Option<&[u8]>| left(file.unwrap());
            Matrix::new(files.as_binary::<i32>().iter().map(level).collect(), 1)
        })
    }
}

fn left(file: &[u8]) -> f32 {
    let levels = Pixels::<u8>::decode(file).unwrap().levels;
    let of_left = levels.iter().enumerate().filter(|(at, _)| at % SIDE < SIDE / 2);
    let mean = of_left.map(|(_, &level)| f32::from(level)).sum::<f32>() / (SIDE * SIDE / 2) as f32;
    (7.3 * mean).fract()
}

#[test]
fn a_file_has_the_rows_that_pass_a_gate() {
    let (cx, dir) = (context().with_seed(5), tempfile::tempdir().unwrap());
    let few = training(&cx, rows(&[2, 2]));
    let training = training(&cx, rows(&[12, 12]));
    let model = fit(&vae(30), &training).unwrap();
    // The gate knows four rows alone, between which not all that is made lies.
    let training = few;
    let sample = |count: u64| {
        let ids: Vec<SampleId> = (0..count).map(|index| SampleId { class: 1, index }).collect();
        model.sample(&cx, &ids).unwrap()
    };
    let gate = |attempts: u16, range: f64| {
        let spec = GateSpec {
            manifold: 0,
            least_distance: 0.0,
            range: Some(range),
            attempts,
            ..GateSpec::new(["picture"])
        };
        let mut reached = |_| ();
        let fitted = Gate::fit_features(
            &cx,
            &training.rows,
            &training.labels,
            spec,
            Arc::new(Left),
            &mut reached,
        );
        cx.block_on(fitted).unwrap()
    };
    // What lies beyond these is refused.
    let real = cx
        .block_on(training.rows.take(&cx, &(0..4).collect::<Vec<u64>>()))
        .unwrap();
    let real: Vec<f32> = real["picture"]
        .as_binary::<i32>()
        .iter()
        .map(|file| left(file.unwrap()))
        .collect();
    let (low, high) = (
        real.iter().copied().fold(f32::MAX, f32::min),
        real.iter().copied().fold(0.0, f32::max),
    );
    let all = sample(2000);
    let files = all["picture"].as_struct().column(0).as_binary::<i32>().clone();
    let passes = |row: usize| (low - 1e-6..=high + 1e-6).contains(&left(files.value(row)));
    let passed: Vec<usize> = (0..2000).filter(|&row| passes(row)).take(90).collect();
    let last = *passed.last().unwrap();
    assert!(passed.len() == 90 && last > 90, "{} of {last}", passed.len());

    let path = dir.path().join("rows.parquet");
    let file = RowsFile::new(&path, true);
    let judged = file
        .write_accepted(&cx, &model, &[0, 90], &gate(256, 0.0), &mut |_| Ok(()))
        .unwrap();
    assert_eq!(judged.candidates, last as u64 + 1);
    assert_eq!(judged.refused.values().sum::<u64>(), last as u64 + 1 - 90);
    let found = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
    let found = cx.block_on(found.take(&cx, &(0..90).collect::<Vec<u64>>())).unwrap();
    for (row, &of) in passed.iter().enumerate() {
        assert_eq!(found["picture"].as_binary_view().value(row), files.value(of), "{row}");
    }
    // With both classes the rows of each are the same.
    let both = file
        .write_accepted(&cx, &model, &[700, 90], &gate(256, 0.0), &mut |_| Ok(()))
        .unwrap();
    let of_class = |class: u32| -> u64 {
        both.refused
            .iter()
            .filter(|((of, _), _)| *of == class)
            .map(|(_, rows)| rows)
            .sum()
    };
    assert_eq!(of_class(1), last as u64 + 1 - 90);

    let none = file.write_accepted(&cx, &model, &[0, 2000], &gate(1, 0.0), &mut |_| Ok(()));
    refused_with(
        none,
        ErrorKind::Stage,
        &[
            "class \"middle\": ",
            " rows pass the gate (",
            "out of the range of training rows), and 2000 are wanted",
        ],
    );
}

#[test]
fn a_gan_makes_colours_of_64_pixels() {
    let cx = context();
    let counts = [6, 5];
    let classes: Vec<usize> = (0..2).flat_map(|class| vec![class; counts[class]]).collect();
    let files: BinaryArray = (0..)
        .zip(&classes)
        .map(|(row, &class)| {
            let mut pixels = Pixels::<u8>::new(64, 64);
            for (at, level) in pixels.levels.iter_mut().enumerate() {
                *level = if at % 3 == class { 200 + row } else { 20 };
            }
            Some(pixels.to_png().unwrap())
        })
        .collect();
    let labels: StringArray = classes.iter().map(|&class| Some(["red", "green"][class])).collect();
    let training = training(&cx, memory(files, Arc::new(labels)));
    for spec in [&gan(3) as &dyn LearnedSpec, &vae(3)] {
        let model = fit(spec, &training).unwrap();
        let made = model.sample(&cx, &samples(1, 40)).unwrap();
        let pictures = made["picture"].as_struct().column(0).as_binary::<i32>().clone();
        for picture in pictures.iter() {
            let pixels = Pixels::<u8>::decode(picture.unwrap()).unwrap();
            assert_eq!((pixels.width, pixels.height, pixels.channels()), (64, 64, 3));
        }
        let again = model.sample(&cx, &[SampleId { class: 1, index: 39 }]).unwrap();
        assert_eq!(again, made.slice(39, 1));
    }
}

/// Folder and kind of a fit in a process of its own, which is killed.
const KILLED: [&str; 2] = ["MILLSTREAM_KILLED_FIT", "MILLSTREAM_KILLED_KIND"];

fn spec_to_kill(kind: &str) -> Box<dyn LearnedSpec> {
    match kind {
        "vae" => Box::new(vae(14)),
        _ => Box::new(gan(14)),
    }
}

#[test]
#[ignore = "the process that a_fit_that_is_killed_ends_in_the_same_files starts"]
fn a_fit_to_kill() {
    let [Ok(folder), Ok(kind)] = KILLED.map(std::env::var) else {
        return;
    };
    let training = training(&context(), rows(&[12, 6, 1]));
    let told = Path::new(&folder).with_extension("steps");
    let mut step = |at: &millstream::synthetic::learned::FitProgress| {
        fs::write(&told, at.step.to_string()).unwrap();
        Ok(())
    };
    let fit = FitFolder::new(&folder, Existing::Resume).every(3);
    fit.fit(&*spec_to_kill(&kind), &training, &mut step).unwrap();
}

#[cfg(unix)]
#[test]
fn a_fit_that_is_killed_ends_in_the_same_files() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6, 1]));
    for kind in ["vae", "gan"] {
        let spec = spec_to_kill(kind);
        let whole = dir.path().join(kind);
        FitFolder::new(&whole, Existing::Refuse)
            .every(3)
            .fit(&*spec, &training, &mut |_| Ok(()))
            .unwrap();
        let folder = dir.path().join(format!("{kind}-killed"));
        let told = folder.with_extension("steps");
        let reached = || {
            fs::read_to_string(&told)
                .ok()
                .and_then(|step| step.parse::<u64>().ok())
                .unwrap_or(0)
        };
        // One run, killed in the middle three times.
        for step in [2, 5, 10] {
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "generators::a_fit_to_kill", "--ignored"])
                .env(KILLED[0], &folder)
                .env(KILLED[1], kind)
                .stdout(std::process::Stdio::null())
                .spawn();
            let mut child = child.unwrap();
            while reached() < step {
                assert!(child.try_wait().unwrap().is_none(), "{kind} ended before step {step}");
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            // On Unix this is SIGKILL.
            child.kill().unwrap();
            let status = child.wait().unwrap();
            use std::os::unix::process::ExitStatusExt;
            assert!(
                status.signal() == Some(9) || folder.join(MODEL_FILE).exists(),
                "{status}"
            );
        }
        let resumed = FitFolder::new(&folder, Existing::Resume).every(3);
        resumed.fit(&*spec, &training, &mut |_| Ok(())).unwrap();
        assert!(files(&folder) == files(&whole), "{kind}");
    }
}

/// Learns the mean level of each class, and makes pictures of it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MeanLevel {
    brighter: u8,
}

impl Spec for MeanLevel {
    const NAME: &'static str = "mean_level";
}

#[derive(Debug)]
struct MeanLevels(Vec<u8>, SchemaRef);

impl MeanLevels {
    fn of(levels: Vec<u8>) -> Self {
        let fields = vec![
            Field::new("picture", DataType::Binary, false),
            Field::new("kind", DataType::Int64, false),
        ];
        Self(levels, Arc::new(Schema::new(fields)))
    }
}

impl LearnedSpec for MeanLevel {
    fn fit(&self, training: &Training, _: &mut FitRun<'_>) -> Result<Box<dyn Learned>> {
        let all: Vec<u64> = (0..training.labels.len()).collect();
        let rows = training.cx.block_on(training.rows.take(&training.cx, &all))?;
        let pictures = rows["picture"].as_binary::<i32>();
        let mut sums = vec![(0, 0); training.labels.names().len()];
        for (row, class) in training.labels.iter().enumerate() {
            let levels = Pixels::<u8>::decode(pictures.value(row))?.levels;
            let (sum, count) = &mut sums[class as usize];
            *sum += levels.iter().map(|&level| u64::from(level)).sum::<u64>();
            *count += levels.len() as u64;
        }
        let mean = |(sum, count): &(u64, u64)| (sum / count.max(&1)) as u8 + self.brighter;
        Ok(Box::new(MeanLevels::of(sums.iter().map(mean).collect())))
    }

    fn load(&self, _: &About, parts: &Parts) -> Result<Box<dyn Learned>> {
        Ok(Box::new(MeanLevels::of(parts["levels"].clone())))
    }

    fn quick(&self) -> Box<dyn LearnedSpec> {
        Box::new(self.clone())
    }
}

impl Learned for MeanLevels {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.1)
    }

    fn block(&self, class: u32, mut rng: Rng) -> Result<RecordBatch> {
        let rows = millstream::synthetic::learned::BLOCK as usize;
        let picture = |_| {
            let mut pixels = Pixels::<u8>::with_channels(2, 2, 1);
            pixels.levels.fill(self.0[class as usize] + rng.below(3) as u8);
            pixels.to_png().unwrap()
        };
        let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(picture)));
        let kinds: ArrayRef = Arc::new(Int64Array::from(vec![i64::from(class); rows]));
        Ok(RecordBatch::try_new(self.schema(), vec![pictures, kinds])?)
    }

    fn parts(&self) -> Result<Parts> {
        Ok([("levels".to_owned(), self.0.clone())].into())
    }
}

#[test]
fn a_learnt_generator_of_ones_own_is_read_by_a_registry_that_has_it() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows(&[12, 6]));
    let spec = MeanLevel { brighter: 3 };
    let model = FitFolder::new(dir.path(), Existing::Resume)
        .fit(&spec, &training, &mut |_| Ok(()))
        .unwrap();
    refused_with(
        LearnedModel::load(dir.path(), &learned_generators()),
        ErrorKind::Config,
        &["unknown learnt generator \"mean_level\""],
    );
    let registry = Registry::new().learned::<MeanLevel>();
    let read = LearnedModel::load(dir.path(), registry.learned_generators()).unwrap();
    assert_eq!(
        (read.hash(), &read.about().classes),
        (model.hash(), &model.about().classes)
    );
    let wanted: Vec<SampleId> = [(1, 70), (0, 3), (1, 0)]
        .map(|(class, index)| SampleId { class, index })
        .to_vec();
    let made = read.sample(&cx, &wanted).unwrap();
    assert_eq!(made, model.sample(&cx, &wanted).unwrap());
    let level = |row: usize| {
        Pixels::<u8>::decode(made["picture"].as_binary::<i32>().value(row))
            .unwrap()
            .levels[0]
    };
    // Half of the pixels are light in both classes: .45 of white in the mean.
    assert!(
        (0..3).all(|row| (95..135).contains(&level(row))),
        "{:?}",
        [level(0), level(1), level(2)]
    );
    assert!(Registry::new().learned_generators().read_json(r#"{"vae": {}}"#).is_ok());
}
