//! Features are computed once, and never mistaken for others.
#![cfg(feature = "train")]

use arrow::array::{AsArray, FixedSizeListArray, Float32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema};
use arrow_schema::extension::FixedShapeTensor;
use burn::tensor::Device;
use millstream::image::Image;
use millstream::model::{FeatureModel, FrozenBackbone, Pretrained};
use millstream::rows::Labels;
use millstream::source::{Memory, Parquet};
use millstream::train::{Extractor, Standardised};
use millstream::{Context, Dataset, DatasetExt, Stable};
use std::path::Path;
use std::sync::Arc;

const WEIGHTS: &str = "examples/data/weights/efficientnet-lite0.safetensors";
const TRAIN: &str = "examples/data/fashion-mnist-train.parquet";

fn backbone() -> FrozenBackbone {
    FrozenBackbone::load(&Pretrained::find(WEIGHTS).unwrap(), &Device::flex()).unwrap()
}

/// Forty rows in `views` views of 32 pixels.
fn images(cx: &Context, views: u64, degrees: f32) -> Arc<dyn Stable> {
    let rows = cx.block_on(Parquet::open(cx, TRAIN)).expect("the data is there");
    let rows = rows.select((0..40).collect()).expect("forty rows");
    let stage = rows.image("image", Image::new(32).rotate(degrees)).expect("a stage");
    Arc::new(stage.views(views).unwrap())
}

fn values(rows: &RecordBatch) -> Vec<f32> {
    let column = rows.column_by_name(Extractor::COLUMN).expect("features");
    column
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .values()
        .to_vec()
}

fn folders(cache: &Path) -> usize {
    std::fs::read_dir(cache).map_or(0, Iterator::count)
}

#[test]
fn a_second_run_reads_what_the_first_computed() {
    let (cx, cache) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let extractor = Extractor::new(backbone());
    let run = |cx: &Context, views, degrees| {
        let images = images(cx, views, degrees);
        let features = extractor
            .features(cx, images, "image", Some(cache.path()), &mut |_| ())
            .unwrap();
        values(features.rows())
    };
    let first = run(&cx, 2, 10.0);
    assert_eq!(folders(cache.path()), 1);
    assert_eq!(run(&cx, 2, 10.0), first);
    assert_eq!(folders(cache.path()), 1, "the same key");
    assert_ne!(
        run(&cx.with_seed(1), 2, 10.0),
        first,
        "another seed draws other augmentations"
    );
    assert_ne!(run(&cx, 2, 20.0), first, "another plan");
    assert_eq!(folders(cache.path()), 3, "each under a key of its own");
}

/// The same network that says it runs elsewhere.
#[derive(Debug)]
struct Elsewhere(FrozenBackbone);

impl FeatureModel for Elsewhere {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn weights(&self) -> &str {
        self.0.weights()
    }

    fn kernels(&self) -> &str {
        self.0.kernels()
    }

    fn device(&self) -> &str {
        "elsewhere"
    }

    fn width(&self) -> usize {
        self.0.width()
    }

    fn features(&self, rows: &RecordBatch, column: &str) -> millstream::Result<Vec<f32>> {
        self.0.features(rows, column)
    }
}

#[test]
fn features_of_another_device_are_other_files() {
    let (cx, cache) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let run = |extractor: &Extractor| {
        let images = images(&cx, 1, 0.0);
        let features = extractor.features(&cx, images, "image", Some(cache.path()), &mut |_| ());
        features.unwrap().describe().to_string().replace('"', "")
    };
    let plan = run(&Extractor::new(backbone()));
    assert!(
        plan.contains("device flex") && plan.contains("kernels own loops, version 2"),
        "{plan}"
    );
    assert!(run(&Extractor::new(Elsewhere(backbone()))).contains("device elsewhere"));
    assert_eq!(folders(cache.path()), 2);
    run(&Extractor::new(backbone()));
    assert_eq!(folders(cache.path()), 2, "the same key");
}

#[test]
fn a_damaged_cache_is_computed_again() {
    let (cx, cache) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let extractor = Extractor::new(backbone());
    let run = || {
        let features = extractor.features(&cx, images(&cx, 1, 10.0), "image", Some(cache.path()), &mut |_| ());
        values(features.unwrap().rows())
    };
    let first = run();
    let folder = std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
    let file = folder.join("0.arrow");
    let whole = std::fs::read(&file).unwrap();
    let middle = whole.len() / 2;
    for damage in [
        &whole[..middle],
        &[&whole[..middle], &[whole[middle] ^ 1], &whole[middle + 1..]].concat(),
    ] {
        std::fs::write(&file, damage).unwrap();
        assert_eq!(run(), first);
    }
}

/// A copy of the files, and other labels, leave features as they are.
#[test]
fn features_go_by_the_tensors_that_they_were_made_of() {
    let (cx, cache, place) = (
        Context::new().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let extractor = Extractor::new(backbone());
    let copy = |folder: &str| {
        let path = place.path().join(folder).join("a.parquet");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::copy(TRAIN, &path).unwrap();
        path.display().to_string()
    };
    let run = |path: &str, labelled: &[u64]| {
        let rows = cx.block_on(Parquet::open(&cx, path)).unwrap();
        let labels = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
        let rows = rows.select((0..40).collect()).unwrap();
        let rows = rows.with_labels(labels.select(labelled)).unwrap();
        let images = Arc::new(rows.image("image", Image::new(32)).unwrap().views(2).unwrap());
        let features = extractor.features(&cx, images, "image", Some(cache.path()), &mut |_| ());
        let features = features.unwrap();
        let labels = features.rows()["label"].as_primitive::<Int64Type>().values().to_vec();
        (values(features.rows()), labels)
    };
    let made = || {
        let folder = std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::metadata(folder.join("0.arrow")).unwrap().modified().unwrap()
    };
    let (own, other): (Vec<u64>, Vec<u64>) = ((0..40).collect(), (40..80).collect());
    let (first, path) = (run(&copy("1"), &own), copy("2"));
    let then = made();
    assert_eq!(run(&path, &own), first);
    let labelled = run(&path, &other);
    assert_eq!(labelled.0, first.0);
    assert_ne!(labelled.1, first.1, "the labels are those that are there now");
    assert_eq!(labelled.1[..40], labelled.1[40..], "in every view");
    assert_eq!((folders(cache.path()), made()), (1, then), "features are made once");
}

#[test]
fn features_do_not_depend_on_what_is_taken_with_them() {
    let cx = Context::new().unwrap();
    let extractor = Extractor::new(backbone());
    let whole = extractor
        .features(&cx, images(&cx, 2, 10.0), "image", None, &mut |_| ())
        .unwrap();
    let threads = Context::with(1, 1 << 24).unwrap();
    let again = extractor
        .features(&threads, images(&threads, 2, 10.0), "image", None, &mut |_| ())
        .unwrap();
    assert_eq!(values(whole.rows()), values(again.rows()));
    assert_eq!(whole.views(), 2);
    assert_eq!(whole.len().finite(), Some(80));
}

#[test]
fn standardised_features_have_mean_0_and_deviation_1() {
    let cx = Context::new().unwrap();
    let extractor = Extractor::new(backbone());
    let features = extractor
        .features(&cx, images(&cx, 1, 10.0), "image", None, &mut |_| ())
        .unwrap();
    let standardised = Standardised::new(features).unwrap();
    let values = values(standardised.rows.rows());
    let width = standardised.mean.len();
    for column in 0..width {
        let of: Vec<f64> = values
            .iter()
            .skip(column)
            .step_by(width)
            .map(|&v| f64::from(v))
            .collect();
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        let variance = of.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / of.len() as f64;
        assert!(mean.abs() < 1e-4, "mean {mean}");
        assert!((variance - 1.0).abs() < 1e-3 || variance == 0.0, "variance {variance}");
    }
}

/// One column `image` of tensors of `shape`.
fn tensors(shape: &[usize], values: Float32Array) -> RecordBatch {
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let width = shape.iter().product::<usize>() as i32;
    let kind = FixedShapeTensor::try_new(DataType::Float32, shape.iter().copied(), None, None).unwrap();
    let field = Field::new("image", DataType::FixedSizeList(Arc::clone(&item), width), false);
    let column = FixedSizeListArray::new(item, width, Arc::new(values), None);
    let schema = Arc::new(Schema::new(vec![field.with_extension_type(kind)]));
    RecordBatch::try_new(schema, vec![Arc::new(column)]).unwrap()
}

#[test]
fn pixels_that_are_not_numbers_are_named() {
    let cx = Context::new().unwrap();
    let extractor = Extractor::new(backbone());
    let mut pixels = vec![0.5_f32; 40 * 3 * 16 * 16];
    pixels[37 * 3 * 16 * 16 + 5] = f32::NAN;
    let rows = tensors(&[3, 16, 16], Float32Array::from(pixels));
    let images = Arc::new(Memory::new(vec![rows]).unwrap());
    let error = extractor.features(&cx, images, "image", None, &mut |_| ()).unwrap_err();
    assert!(error.to_string().starts_with("row 37 in memory"), "{error}");
    assert!(
        error
            .to_string()
            .contains("\"image\" holds a number that is not finite"),
        "{error}"
    );
}

/// Features of random views stay as they were drawn, whatever seed a loader has later.
#[test]
fn the_seed_of_random_views_is_part_of_what_features_are() {
    let extractor = Extractor::new(backbone());
    let print = |seed, degrees| {
        let cx = Context::new().unwrap().with_seed(seed);
        let images = images(&cx, 2, degrees);
        let features = extractor.features(&cx, images, "image", None, &mut |_| ()).unwrap();
        features.describe().fingerprint()
    };
    assert_eq!(print(1, 10.0), print(1, 10.0));
    assert_ne!(print(1, 10.0), print(2, 10.0));
}
