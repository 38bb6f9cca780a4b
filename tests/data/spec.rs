//! Specs: what is printed, hashed, written and read is one and the same struct.

use crate::common;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
use common::{FASHION, context, ids, table};
use futures::future::BoxFuture;
use futures::stream;
use millstream::dataset::Dataset;
use millstream::error::ErrorKind;
use millstream::image::{
    Affine, AugMix, AutoAugment, Autocontrast, BoxBlur, Brightness, ByClass, ChannelPermutation, Clahe, CoarseDropout,
    ColorJitter, Contrast, CopyPaste, ElasticTransform, Equalize, Gamma, GaussianBlur, GaussianNoise, Grayscale,
    GridDropout, HorizontalFlip, Hue, Identity, Image, Invert, Jpeg, Mosaic, MotionBlur, OneOf, Operation, Pad,
    Perspective, PhotometricDistort, Posterize, RandAugment, RandomApply, RandomCrop, RandomErasing, RandomOrder,
    Resize, Rotate, SaltAndPepper, Saturation, Scale, ScaleJitter, Sequential, Sharpness, Shear, ShotNoise,
    SimulateLowResolution, Solarize, SomeOf, Translate, Transpose, TrivialAugmentWide, VerticalFlip, ZoomOut,
    operations,
};
use millstream::import::ImportSpec;
use millstream::loader::{LastBatch, LoaderSpec};
use millstream::mix::{BalanceSpec, Mix, MixSpec, Schedule, SegmentsSpec, StoppingStrategy};
use millstream::order::{BucketsSpec, Limit, Part, SelectSpec, ShuffleSpec, SplitSpec, stratified};
use millstream::plan::Plan;
use millstream::registry::{AdapterSpec, Registry, adapters};
use millstream::rng::Rng;
use millstream::rows::{
    Cached, CachedSpec, Cast, ClassesSpec, ConcatSpec, CutMix, FillNull, Filter, Labels, Map, MapBatchSpec, MixUp,
    ObjectsSpec, Project, ViewsSpec, ZipSpec,
};
use millstream::source::{
    BurnSpec, FolderSpec, ListingSpec, Memory, MemorySpec, Parquet, ParquetSpec, SourceSpec, TableSpec, sources, spool,
};
use millstream::spec::{Describe, Named, Spec, from_toml, read, read_toml};
use millstream::synthetic::{
    AdasynSpec, BankSpec, Blend, BlendSpec, BorderlineSmoteSpec, CalibratedSpec, CopulaSpec, Elastic, GateSpec,
    Generator, GeneratorFnSpec, JitterSpec, ResidualsSpec, ScenesSpec, SmoteNcSpec, SmoteSpec, generators,
};
use millstream::{Context, DatasetExt, Result, Stable};
use serde::{Deserialize, Serialize};
use serde_json::{Map as Fields, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Node {
    rows: u64,
    share: f32,
    path: String,
    threads: usize,
    added: Option<String>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            rows: 10,
            share: 0.1,
            path: String::new(),
            threads: 2,
            added: None,
        }
    }
}

impl Spec for Node {
    const NAME: &'static str = "node";
    const LOCATIONS: &'static [&'static str] = &["path"];
    const MACHINE: &'static [&'static str] = &["threads"];
}

fn fingerprint(change: impl FnOnce(&mut Node)) -> String {
    let mut node = Node::default();
    change(&mut node);
    Plan::of(&node).fingerprint()
}

#[test]
fn what_decides_rows_is_hashed_and_all_is_printed() {
    let plain = Plan::new("node").fingerprint();
    assert_eq!(fingerprint(|_| ()), plain, "defaults are left out");
    assert_eq!(
        fingerprint(|node| node.path = "/elsewhere".to_owned()),
        plain,
        "a location"
    );
    assert_eq!(fingerprint(|node| node.threads = 64), plain, "the machine");
    let others = [
        fingerprint(|node| node.rows = 11),
        fingerprint(|node| node.share = 0.2),
        fingerprint(|node| node.added = Some("x".to_owned())),
    ];
    assert!(others.iter().all(|other| *other != plain) && others[0] != others[1] && others[1] != others[2]);
    let plan = Plan::of(&Node {
        path: "data".to_owned(),
        ..Node::default()
    });
    assert_eq!(plan.to_string(), "node       path data, rows 10, share 0.1, threads 2");
    assert_eq!(
        plan.settings(),
        [
            "node",
            "node.path=data",
            "node.rows=10",
            "node.share=0.1",
            "node.threads=2"
        ]
    );
}

#[test]
fn a_version_that_rose_is_another_plan() {
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Second {}
    impl Spec for Second {
        const NAME: &'static str = "node";
        const VERSION: u32 = 2;
    }
    assert_ne!(Plan::of(&Second {}).fingerprint(), Plan::new("node").fingerprint());
}

#[test]
fn a_stage_is_read_as_it_was_written() {
    let image = Image::new(96)
        .random_resized_crop(0.35..=1.0, 0.75..=1.3333)
        .horizontal_flip(0.5)
        .rotate(10.0)
        .color_jitter(0.1, 0.2, 0.3)
        .gaussian_noise(0.02)
        .gaussian_blur(0.1..=1.0)
        .random_erasing(0.25, 0.02..=0.33, 0.3..=3.3)
        .mask("mask");
    let text = serde_json::to_string(&image).unwrap();
    assert!(text.contains(r#"{"rotate":{"degrees":10.0}}"#), "{text}");
    assert!(
        text.contains(r#""crop":{"random_resized_crop":{"scale":[0.35,1.0],"ratio":[0.75,1.3333]}}"#),
        "{text}"
    );
    let read: Image = serde_json::from_str(&text).unwrap();
    assert_eq!(read.plan().settings(), image.plan().settings());
    assert_eq!(read.plan().fingerprint(), image.plan().fingerprint());
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

#[test]
fn whole_numbers_and_floats_of_a_recipe_are_the_same() {
    let read = |text: &str| serde_json::from_str::<Image>(text).unwrap().plan().fingerprint();
    let ten = read(r#"{"operations": [{"rotate": {"degrees": 10}}]}"#);
    assert_eq!(ten, read(r#"{"operations": [{"rotate": {"degrees": 10.0}}]}"#));
    assert_eq!(ten, Image::new(224).rotate(10.0).plan().fingerprint());
}

#[test]
fn what_a_recipe_says_wrong_is_named() {
    let known = operations();
    let refused = |text: &str| {
        let error = known.read_json(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let error = refused(r#"{"rotat": {"degrees": 10}}"#);
    assert!(
        error.starts_with(r#"unknown operation "rotat": do you mean "rotate"?"#),
        "{error}"
    );
    let error = refused(r#"{"watercolour": {}}"#);
    assert!(
        error.starts_with(r#"unknown operation "watercolour"; there are affine, aug_mix, "#),
        "{error}"
    );
    let error = refused(r#"{"rotate": {"degree": 10}}"#);
    assert!(
        error.contains(
            "unknown field `degree` (do you mean `degrees`?), expected one of `degrees`, `padding`, `padding_mode` at line 1 column 20"
        ),
        "{error}"
    );
    let error = refused(r#"{"rotate": {"degrees": 400}}"#);
    assert!(
        error.starts_with("rotate: degrees is 400, but has to lie in 0..=180"),
        "{error}"
    );
    let error = refused(r#"{"rotate": {"degrees": "ten"}}"#);
    assert_eq!(
        error,
        "rotate: degrees: invalid type: string \"ten\", expected f32 at line 1 column 28"
    );
    assert_eq!(
        refused(r#"{"affine": {}}"#),
        "affine: degrees, translate, scale and shear are all left out or change nothing: give at least one of them at line 1 column 14"
    );
    let three =
        "gaussian_blur: sigma: invalid length 3, expected a range of two numbers, [low, high] at line 1 column 37";
    assert_eq!(refused(r#"{"gaussian_blur": {"sigma": [1, 2, 3]}}"#), three);
    let one =
        "gaussian_blur: sigma: invalid length 1, expected a range of two numbers, [low, high] at line 1 column 31";
    assert_eq!(refused(r#"{"gaussian_blur": {"sigma": [1]}}"#), one);
    let error = refused(r#"{"rotate": {"degrees": 1}, "gaussian_blur": {"sigma": [1, 2]}}"#);
    assert!(
        error.contains(r#""rotate" and "gaussian_blur" in one place"#),
        "{error}"
    );
    let error = refused("{}");
    assert!(error.contains("no operation is named"), "{error}");
}

#[test]
fn a_stage_that_makes_no_sense_is_not_read() {
    let refused = |text: &str| serde_json::from_str::<Image>(text).unwrap_err().to_string();
    for (text, said) in [
        (r#"{"size": 0}"#, "size is 0, but has to lie in 1..=8192 pixels"),
        (r#"{"std": [0, 1, 1]}"#, "but its numbers have to be finite and above 0"),
        (r#"{"crop": {"center_crop": {"share": 2}}}"#, "center_crop: share is 2"),
        (
            r#"{"crop": {"resize_center_crop": {"resize_size": 200}}}"#,
            "resize_center_crop: resize_size is 200, but has to lie in 224..=65536 pixels",
        ),
        (
            r#"{"crop": {"random_resized_crop": {"scale": [0.5, 1], "ratio": [1, 1],
                "plain": {"random_resized_crop": {"scale": [0.5, 1], "ratio": [1, 1]}}}}}"#,
            "random_resized_crop: plain is random",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(said), "{error}");
    }
    let lines = "{\n  \"size\": 8,\n  \"operations\": [\n    {\"rotate\": {\n      \"degrees\": 400\n    }}\n  ]\n}";
    let error = refused(lines);
    assert!(
        error.starts_with("rotate: degrees is 400") && error.contains("at line 6 column 6"),
        "{error}"
    );
}

/// Numbers that a reader of JSON may take for their neighbour.
#[test]
fn numbers_are_read_as_they_are_written() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Share {
        share: f64,
    }
    impl Spec for Share {
        const NAME: &'static str = "share";
    }
    let mut rng = Rng::new(0, "shares", 0);
    let drawn = (0..20_000).map(|_| f64::from_bits(rng.next_u64()));
    let shares = (0..20_000).map(|at| 0.1 + f64::from(at) * 0.7e-7 / 3.0);
    for share in drawn
        .chain(shares)
        .chain([0.18126486333322134])
        .filter(|share| share.is_finite())
    {
        let text = serde_json::to_string(&Share { share }).unwrap();
        let again: Share = read(&mut serde_json::Deserializer::from_str(&text)).unwrap();
        assert_eq!(again.share.to_bits(), share.to_bits(), "{text}");
        let named = &Share { share }.description().fields[0];
        assert_eq!(named.value.as_f64().map(f64::to_bits), Some(share.to_bits()), "{text}");
    }
}

#[test]
fn every_operation_is_known_under_its_name() {
    let all: Vec<_> = operations().names().collect();
    let expected = [
        "affine",
        "aug_mix",
        "auto_augment",
        "autocontrast",
        "box_blur",
        "brightness",
        "by_class",
        "channel_permutation",
        "clahe",
        "coarse_dropout",
        "color_jitter",
        "contrast",
        "copy_paste",
        "cutmix",
        "elastic_transform",
        "equalize",
        "gamma",
        "gaussian_blur",
        "gaussian_noise",
        "grayscale",
        "grid_dropout",
        "horizontal_flip",
        "hue",
        "identity",
        "invert",
        "jpeg",
        "mixup",
        "mosaic",
        "motion_blur",
        "one_of",
        "pad",
        "perspective",
        "photometric_distort",
        "posterize",
        "rand_augment",
        "random_apply",
        "random_crop",
        "random_erasing",
        "random_order",
        "resize",
        "rotate",
        "salt_and_pepper",
        "saturation",
        "scale",
        "scale_jitter",
        "sequential",
        "sharpness",
        "shear",
        "shot_noise",
        "simulate_low_resolution",
        "solarize",
        "some_of",
        "translate",
        "transpose",
        "trivial_augment_wide",
        "vertical_flip",
        "zoom_out",
    ];
    assert_eq!(all, expected);
    let blur: Box<dyn Operation> = operations()
        .read_json(r#"{"gaussian_blur": {"sigma": [0.5, 1]}}"#)
        .unwrap();
    let blur: &dyn Describe = &*blur;
    assert_eq!((blur.name(), blur.description().version), ("gaussian_blur", 2));
}

/// All specs by the name of their type, and for each of their fields a value that is not its default.
fn all_specs() -> BTreeMap<&'static str, Checks> {
    let mut all = BTreeMap::new();
    // Sources.
    add::<ParquetSpec>(
        &mut all,
        r#"{"path": ["a", "b"], "split": "test", "columns": ["x"], "tensors": [{"name": "x", "columns": ["a"]}]}"#,
    );
    add::<FolderSpec>(
        &mut all,
        r#"{"path": ["a", "b"], "split": "test", "columns": ["image"], "labels": false, "allow_empty": true, "extensions": ["gif"]}"#,
    );
    add::<ListingSpec>(
        &mut all,
        r#"{"path": "a", "split": "test", "columns": ["image"], "file_name": "photo", "outside": true, "types": {"x": "Int32"}}"#,
    );
    add::<MemorySpec>(&mut all, "{}");
    add::<BurnSpec>(&mut all, r#"{"dataset": "mnist"}"#);
    // Order.
    add::<ShuffleSpec>(&mut all, r#"{"window": 8}"#);
    add::<SelectSpec>(&mut all, "{}");
    add_apart::<SplitSpec>(
        &mut all,
        r#"{"part": "held_out", "share": 0.25, "seed": 7, "label": "label", "group": "patient"}"#,
        r#"{"time": "day"}"#,
    );
    add::<Limit>(&mut all, r#"{"rows": 9}"#);
    add::<BucketsSpec>(&mut all, r#"{"column": "tokens", "batch_size": 8, "window": 64}"#);
    // Rows.
    add::<Project>(&mut all, r#"{"columns": ["a", "b"]}"#);
    add::<Cast>(&mut all, r#"{"column": "a", "to": "Int64"}"#);
    add::<FillNull>(&mut all, r#"{"column": "a", "value": 1.5}"#);
    add::<ClassesSpec>(&mut all, r#"{"column": "label"}"#);
    add::<ObjectsSpec>(&mut all, r#"{"column": "annotations", "boxes": "xyxy"}"#);
    add::<Filter>(
        &mut all,
        r#"{"name": "long", "version": 2, "reads": ["class", {"values": ["len", "i64"]}]}"#,
    );
    add::<Map>(
        &mut all,
        r#"{"name": "m", "version": 2, "random": true, "reads": [{"bytes": "image"}, {"str": "text"}],
            "writes": [{"name": "x", "dtype": "f32", "shape": {"fixed": [2]}},
                       {"name": "y", "dtype": "u8", "shape": {"ragged": {"inner": [4], "at_most": 10}}, "metadata": {"a": "b"}}]}"#,
    );
    add::<MapBatchSpec>(&mut all, r#"{"name": "m", "version": 2}"#);
    add::<CachedSpec>(&mut all, r#"{"name": "features", "version": 2}"#);
    add::<ZipSpec>(&mut all, "{}");
    add::<ConcatSpec>(&mut all, "{}");
    add::<ViewsSpec>(&mut all, r#"{"views": 4}"#);
    add::<MixUp>(&mut all, r#"{"alpha": 0.2, "p": 0.5, "window": 32, "num_classes": 10}"#);
    add::<CutMix>(&mut all, r#"{"alpha": 0.2, "p": 0.5, "window": 32, "num_classes": 10}"#);
    add::<Mosaic>(
        &mut all,
        r#"{"p": 0.5, "center": [0.4, 0.6], "window": 8, "masks": ["m"], "instances": ["m"], "boxes": {"column": "b", "format": "xywh", "output": "cxcywh", "oriented": false, "label_fields": ["c"], "min_area": 2.0,
            "min_visibility": 0.5, "min_width": 3.0, "min_height": 4.0, "at_most": 9}}"#,
    );
    add::<CopyPaste>(
        &mut all,
        r#"{"p": 0.5, "classes_in": "c", "classes": [1, "bus"], "most": 1, "cover": 0.5, "edge": 0.0, "mask": "m", "instances": ["m"], "window": 8,
            "boxes": {"column": "b", "format": "xywh", "output": "cxcywh", "oriented": false, "label_fields": ["c"], "min_area": 2.0,
            "min_visibility": 0.5, "min_width": 3.0, "min_height": 4.0, "at_most": 9}}"#,
    );
    // Pictures.
    add_apart::<Image>(
        &mut all,
        r#"{"size": 96, "decoder": "whole", "reading": {"max_pixels": 100, "upright": true, "white": null},
            "crop": {"random_resized_crop": {"scale": [0.5, 1.0], "ratio": [0.75, 1.25],
            "plain": {"resize_center_crop": {"resize_size": 300}}}}, "operations": [{"rotate": {"degrees": 10.0}}], "masks": ["mask"], "fill_mask": 255,
            "boxes": [{"column": "objects.bbox"}], "keypoints": [{"column": "points"}], "mirror_labels": {"mask": [[1, 2]]},
            "classes": {"names": ["a", "b"], "counts": [3, 4]},
            "as_u8": true, "channels": 1, "mean": [0.5], "std": [0.25], "interpolation": "bicubic"}"#,
        r#"{"depth": "f32"}"#,
    );
    add::<HorizontalFlip>(&mut all, r#"{"p": 0.25}"#);
    add::<Rotate>(&mut all, r#"{"degrees": 12.5, "padding_mode": "edge"}"#);
    add::<VerticalFlip>(&mut all, r#"{"p": 0.25}"#);
    add::<Transpose>(&mut all, r#"{"p": 0.25}"#);
    add::<Scale>(
        &mut all,
        r#"{"scale": [0.5, 1.5], "padding_mode": {"constant": [1, 2, 3]}}"#,
    );
    add::<Shear>(&mut all, r#"{"degrees": [10.0, 5.0], "padding_mode": "reflect"}"#);
    add::<Translate>(&mut all, r#"{"translate": [0.25, 0.5], "padding_mode": "symmetric"}"#);
    add::<Affine>(
        &mut all,
        r#"{"degrees": 12.5, "translate": [0.25, 0.5], "scale": [0.5, 1.5], "shear": [10.0, 5.0], "padding_mode": "edge"}"#,
    );
    add::<Perspective>(
        &mut all,
        r#"{"distortion_scale": 0.25, "p": 0.25, "padding_mode": "edge"}"#,
    );
    add::<ElasticTransform>(&mut all, r#"{"alpha": 20.0, "sigma": 4.0, "padding_mode": "edge"}"#);
    add::<RandomCrop>(&mut all, r#"{"size": [20, 10], "padding": 4, "padding_mode": "edge"}"#);
    add::<Pad>(&mut all, r#"{"padding": [1, 2, 3, 4], "padding_mode": "reflect"}"#);
    add::<Resize>(&mut all, r#"{"size": [20, 10]}"#);
    add::<ScaleJitter>(&mut all, r#"{"scale_range": [0.5, 1.5], "padding_mode": "edge"}"#);
    add::<ZoomOut>(
        &mut all,
        r#"{"side_range": [1.5, 2.0], "p": 0.25, "padding_mode": "edge"}"#,
    );
    add::<Brightness>(&mut all, r#"{"factor": 0.3}"#);
    add::<Contrast>(&mut all, r#"{"factor": 0.3}"#);
    add::<Saturation>(&mut all, r#"{"factor": 0.3}"#);
    add::<ColorJitter>(
        &mut all,
        r#"{"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.1}"#,
    );
    add::<Hue>(&mut all, r#"{"hue": 0.1}"#);
    add::<Gamma>(&mut all, r#"{"gamma": [0.5, 2.0]}"#);
    add::<Grayscale>(&mut all, r#"{"p": 0.3}"#);
    add::<Invert>(&mut all, r#"{"p": 0.3}"#);
    add::<Posterize>(&mut all, r#"{"bits": 3, "p": 0.3}"#);
    add::<Solarize>(&mut all, r#"{"threshold": 100, "p": 0.3}"#);
    add::<Autocontrast>(&mut all, r#"{"p": 0.3}"#);
    add::<Equalize>(&mut all, r#"{"p": 0.3}"#);
    add::<Clahe>(&mut all, r#"{"clip_limit": [2.0, 3.0], "tiles": [4, 5]}"#);
    add::<ChannelPermutation>(&mut all, "{}");
    add::<PhotometricDistort>(
        &mut all,
        r#"{"brightness": [0.5, 1.5], "contrast": [0.25, 2.0], "saturation": [0.0, 1.0], "hue": [-0.25, 0.5], "p": 0.25}"#,
    );
    add::<Sharpness>(&mut all, r#"{"sharpness_factor": 3.0, "p": 0.3}"#);
    add::<BoxBlur>(&mut all, r#"{"size": [5, 9]}"#);
    add::<MotionBlur>(&mut all, r#"{"size": [5, 9], "angle": [-10.0, 10.0]}"#);
    add::<ShotNoise>(&mut all, r#"{"scale": [0.25, 0.5]}"#);
    add::<SaltAndPepper>(&mut all, r#"{"amount": [0.25, 0.5], "salt": [0.0, 1.0]}"#);
    add::<Jpeg>(&mut all, r#"{"quality": [10, 20]}"#);
    add::<SimulateLowResolution>(&mut all, r#"{"scale": [0.25, 0.75]}"#);
    add::<CoarseDropout>(
        &mut all,
        r#"{"holes": [3, 4], "height": [0.25, 0.5], "width": [0.25, 0.75], "fill": "random"}"#,
    );
    add::<GridDropout>(&mut all, r#"{"ratio": 0.25, "unit": [0.25, 0.5], "fill": [1, 2, 3]}"#);
    add::<GaussianNoise>(&mut all, r#"{"mean": 0.1, "sigma": 0.03}"#);
    add::<GaussianBlur>(&mut all, r#"{"sigma": [0.3, 0.7]}"#);
    add::<RandomErasing>(
        &mut all,
        r#"{"p": 0.3, "scale": [0.1, 0.2], "ratio": [0.5, 2.0], "value": [1, 2, 3]}"#,
    );
    // Operations that run others, and policies.
    add::<Identity>(&mut all, "{}");
    add::<Sequential>(&mut all, r#"{"operations": [{"rotate": {"degrees": 10.0}}]}"#);
    add::<RandomApply>(&mut all, r#"{"p": 0.25, "operations": ["identity"]}"#);
    add::<OneOf>(
        &mut all,
        r#"{"p": 0.25, "operations": ["identity", {"one_of": {"operations": ["identity"]}}], "weights": [1.0, 3.0]}"#,
    );
    add::<SomeOf>(
        &mut all,
        r#"{"p": 0.25, "operations": ["identity"], "n": [1, 2], "replace": true, "random_order": true}"#,
    );
    add::<RandomOrder>(&mut all, r#"{"operations": ["identity", "identity"]}"#);
    add_apart::<ByClass>(
        &mut all,
        r#"{"classes": ["glass"], "operations": ["identity"], "otherwise": ["identity"]}"#,
        r#"{"fewer_than": 100}"#,
    );
    add::<RandAugment>(&mut all, r#"{"num_ops": 3, "magnitude": 5, "num_magnitude_bins": 11}"#);
    add::<TrivialAugmentWide>(&mut all, r#"{"num_magnitude_bins": 11}"#);
    add::<AutoAugment>(&mut all, r#"{"policy": "svhn"}"#);
    add::<AugMix>(
        &mut all,
        r#"{"severity": 2, "mixture_width": 2, "chain_depth": 2, "alpha": 0.5, "all_ops": false}"#,
    );
    // Generators.
    add::<GateSpec>(
        &mut all,
        r#"{"columns": ["x"], "manifold": 3, "least_distance": 0.2, "range": 0.5, "attempts": 4,
            "limits": {"rows": 50, "precision": 0.25, "coverage": 0.125, "nearer_to_training": 0.75, "refused": 0.25}}"#,
    );
    add::<SmoteSpec>(
        &mut all,
        r#"{"column": "x", "columns": ["a", "b"], "k": 3, "largest": 100}"#,
    );
    add::<SmoteNcSpec>(
        &mut all,
        r#"{"columns": ["a"], "categorical_features": ["b"], "k": 3, "largest": 100}"#,
    );
    add::<BorderlineSmoteSpec>(
        &mut all,
        r#"{"column": "x", "columns": ["a"], "k": 3, "m_neighbors": 9, "kind": "borderline-2", "largest": 100}"#,
    );
    add::<AdasynSpec>(&mut all, r#"{"column": "x", "columns": ["a"], "k": 3, "largest": 100}"#);
    add::<JitterSpec>(&mut all, r#"{"column": "x", "columns": ["a"], "noise": 0.5}"#);
    add::<CalibratedSpec>(
        &mut all,
        r#"{"column": "x", "neighbours": 3, "alpha": 0.5, "tukey": 0.25, "rank": 8, "large": 100}"#,
    );
    add::<ResidualsSpec>(
        &mut all,
        r#"{"column": "x", "strength": 0.25, "neighbours": 3, "large": 100}"#,
    );
    add::<Elastic>(
        &mut all,
        r#"{"alpha": 0.1, "grid": 8, "weight": [0.1, 0.2], "reading": {"max_pixels": 100, "upright": false, "white": 255}}"#,
    );
    add::<ScenesSpec>(
        &mut all,
        r#"{"column": "photo", "threshold": 30, "width": 64, "height": 48, "objects": 3, "scale": [0.5, 1.0], "light": [0.5, 0.75],
            "blur": [0.0, 1.0], "noise": [0.0, 0.25], "occlusion": 0.5, "mask": "mask", "recolor": false,
            "shapes": {"a": "disc", "b": {"star": {"points": [5, 7], "inner": [0.25, 0.5]}}}, "shape_size": [4.0, 8.0],
            "rotate": [-10.0, 10.0], "backgrounds": ["plain", "grain"],
            "pictures": {"source": {"folder": {"path": "places"}}, "column": "photo"}, "gradient": [0.0, 0.5], "shadow": [0.25, 0.5],
            "occluders": 3, "keypoints": "corners"}"#,
    );
    add::<BlendSpec>(
        &mut all,
        r#"{"column": "photo", "elastic": {"alpha": 0.1, "grid": 4, "weight": [0.2, 0.5],
            "reading": {"max_pixels": 67108864, "upright": true, "white": null}}}"#,
    );
    add::<BankSpec>(&mut all, r#"{"path": ["a.parquet", "b.parquet"], "label": "class"}"#);
    add::<GeneratorFnSpec>(&mut all, r#"{"name": "mine", "version": 2}"#);
    add::<CopulaSpec>(
        &mut all,
        r#"{"categories": ["code"], "prior_rows": 5.0, "most_rows": 100}"#,
    );
    add::<TableSpec>(
        &mut all,
        r#"{"columns": {"x": {"normal": {"mean": "y + 1", "std": {"a": 2.0, "otherwise": "y"}}, "noise": 0.5, "min": -1.0, "max": 9.0,
                              "whole": true, "missing": "y > 2"},
                        "y": {"uniform": {"low": 0.0, "high": 1.0}},
                        "z": {"categorical": {"a": 1.0, "b": "x"}},
                        "c": {"constant": "red"}},
            "rows": 5, "classes": {"a": 1.0, "b": 3.0}, "label": "class", "seed": 3}"#,
    );
    // Mixes.
    add::<BalanceSpec>(
        &mut all,
        r#"{"target": {"power": 0.5}, "rows": 100, "block": 32, "cap": 2, "synthetic": 0.5,
            "by": {"product": ["label", {"bins": {"column": "age", "edges": [1.0]}}]},
            "batch": {"size": 8, "parts": [{"class": ["a", "b"], "share": 0.5}, {"origin": "synthetic", "share": 0.5}]},
            "feedback": {"by": "loss", "strength": 0.5, "floor": 0.1, "most": 4.0},
            "toward": {"target": "uniform", "share": {"first": 0.0, "changes": [{"rows": {"start": 0, "end": 9}, "to": 1.0}]}}}"#,
    );
    add::<SegmentsSpec>(
        &mut all,
        r#"{"column": "y", "rows": 100, "emit": 50, "target": "sqrt", "classes": ["a"], "most_bytes": 1000}"#,
    );
    add_apart::<MixSpec>(
        &mut all,
        r#"{"weights": [3.0, 1.0], "stop": "cycle_forever", "rows": 100}"#,
        r#"{"temperature": 5.0}"#,
    );
    // The loader.
    add::<LoaderSpec>(
        &mut all,
        r#"{"batch_size": 8, "seed": 1, "epochs": 2, "last_batch": "drop", "rank": 1, "world": 2,
            "on_error": {"replace": {"at_most": 3}}, "depth": 4}"#,
    );
    // Imports.
    add::<ImportSpec>(
        &mut all,
        r#"{"resize": 256, "quality": 90, "reading": {"max_pixels": 1000}, "images": ["image"], "masks": ["mask"], "shuffle": 3,
            "on_bad_picture": "fail", "file_bytes": 1000, "row_group_bytes": 100}"#,
    );
    #[cfg(feature = "train")]
    add::<millstream::task::FinetuneSpec>(
        &mut all,
        r#"{"seed": 7, "task": {"regress": {}},
            "data": {"train": ["a", "b"], "valid": "c", "held_out": 0.2, "group": "patient", "image": "photo", "label": "price",
                     "on_bad_row": {"skip": {"at_most": 3}}, "reading": {"max_pixels": 100, "upright": false, "white": 4095}},
            "balance": {"name": "mine", "target": "sqrt", "synthetic": 0.5, "generator": {"jitter": {"noise": 0.5}}, "loss": {"focal": {"gamma": 1.0}}},
            "augment": {"views": 2, "crop": "whole", "operations": [{"rotate": {"degrees": 5.0}}]},
            "model": {"backbone": "resnet18", "weights": "w.pth", "size": 96},
            "train": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "unfreeze": 2, "deep_epochs": 5,
                      "deep_learning_rate": 0.001, "layer_decay": 0.5, "fixed_views": true, "freeze_depthwise": true, "early_stopping": 3,
                      "keep_best": true},
            "machine": {"device": "flex", "threads": 2, "memory": 64, "depth": 3}}"#,
    );
    #[cfg(feature = "train")]
    {
        use millstream::generative::{CtganSpec, GanSpec, TvaeSpec, VaeSpec};
        add::<VaeSpec>(
            &mut all,
            r#"{"column": "photo", "size": 32, "channels": 1, "latent": 8, "width": 16, "steps": 100, "epochs": 3, "batch_size": 8,
                "learning_rate": 0.01, "balance": "sqrt"}"#,
        );
        add::<GanSpec>(
            &mut all,
            r#"{"column": "photo", "size": 32, "channels": 1, "latent": 8, "width": 16, "steps": 100, "epochs": 3, "batch_size": 8,
                "learning_rate": 0.01, "discriminator_rate": 0.02, "augment": false, "balance": "sqrt"}"#,
        );
        add::<TvaeSpec>(
            &mut all,
            r#"{"latent": 8, "width": 16, "modes": 2, "steps": 100, "epochs": 3, "batch_size": 8, "learning_rate": 0.01,
                "balance": "sqrt"}"#,
        );
        add::<CtganSpec>(
            &mut all,
            r#"{"latent": 8, "width": 16, "modes": 2, "steps": 100, "epochs": 3, "batch_size": 8, "learning_rate": 0.01,
                "discriminator_rate": 0.02, "balance": "sqrt"}"#,
        );
    }
    #[cfg(feature = "testing")]
    add::<millstream::testing::VirtualSpec>(&mut all, r#"{"rows": 10, "classes": 3}"#);
    all
}

/// What holds of one spec, by its name.
struct Checks {
    name: &'static str,
    all: Box<dyn Fn()>,
}

fn add<S: Spec>(all: &mut BTreeMap<&'static str, Checks>, others: &str) {
    add_apart::<S>(all, others, "{}");
}

/// As [`add`]; what is `apart` goes together with its defaults alone.
fn add_apart<S: Spec>(all: &mut BTreeMap<&'static str, Checks>, others: &str, apart: &str) {
    let others: Fields<String, Value> = serde_json::from_str(others).unwrap();
    let apart: Fields<String, Value> = serde_json::from_str(apart).unwrap();
    let name = std::any::type_name::<S>().rsplit("::").next().unwrap();
    let checks = Checks {
        name: S::NAME,
        all: Box::new(move || check::<S>(&others, &apart)),
    };
    assert!(all.insert(name, checks).is_none(), "{name} is there twice");
}

/// `others` and `apart` have for each field of the spec a value that is not its default, and all of `others` go together.
fn check<S: Spec>(others: &Fields<String, Value>, apart: &Fields<String, Value>) {
    let name = S::NAME;
    let written = |spec: &S| spec.description().tagged()[name].clone();
    let default = S::default();
    let again: S = serde_json::from_value(written(&default)).unwrap();
    assert_eq!(again.description(), default.description(), "{name}: the default");
    let sample: S = read(&Value::Object(others.clone())).unwrap_or_else(|error| panic!("{name}: {error}"));
    let again: S = read(&written(&sample)).unwrap();
    assert_eq!(again.description(), sample.description(), "{name}");
    let text = serde_json::to_string(&sample).unwrap();
    let again: S = read(&mut serde_json::Deserializer::from_str(&text)).unwrap();
    assert_eq!(again.description(), sample.description(), "{name}: {text}");

    let fields: BTreeSet<String> = default
        .description()
        .fields
        .into_iter()
        .map(|field| field.name)
        .collect();
    let known: BTreeSet<String> = others.keys().chain(apart.keys()).cloned().collect();
    assert_eq!(fields, known, "{name}: the test has a value for each field");
    let plain = Plan::of(&default).fingerprint();
    assert_eq!(
        plain,
        Plan::new(name).fingerprint_of_version(S::VERSION),
        "{name}: defaults are left out"
    );
    for (field, value) in others.iter().chain(apart) {
        let mut fields = written(&default);
        fields[field] = value.clone();
        // A rank is one of a world that has it.
        if field == "rank"
            && let Some(world) = others.get("world")
        {
            fields["world"] = world.clone();
        }
        // There are as many means and deviations as channels.
        if name == "image" && ["channels", "mean", "std"].contains(&field.as_str()) {
            for field in ["channels", "mean", "std"] {
                fields[field] = others[field].clone();
            }
        }
        let changed: S = serde_json::from_value(fields).unwrap();
        let plan = Plan::of(&changed);
        let silent = S::LOCATIONS.contains(&field.as_str()) || S::MACHINE.contains(&field.as_str());
        assert_eq!(plan.fingerprint() == plain, silent, "{name}.{field}");
        let key = format!("{name}.{field}=");
        assert!(
            plan.settings().iter().any(|setting| setting.starts_with(&key)),
            "{name}.{field} is printed"
        );
    }
    let wrong = fields.iter().max_by_key(|field| field.len());
    let wrong_name = wrong.map_or("rows_".to_owned(), |field| format!("{field}_"));
    let error = read::<S, _>(&Value::Object(
        [(wrong_name.clone(), Value::Null)].into_iter().collect(),
    ));
    let error = error.unwrap_err().to_string();
    match wrong {
        // Any name is as near to one of a letter as any other.
        Some(field) if field.len() > 1 => assert!(
            error.contains(&format!("unknown field `{wrong_name}` (do you mean `{field}`?)")),
            "{name}: {error}"
        ),
        _ => assert!(
            error.contains(&format!("unknown field `{wrong_name}`")),
            "{name}: {error}"
        ),
    }
}

trait FingerprintOfVersion {
    fn fingerprint_of_version(self, version: u32) -> String;
}

impl FingerprintOfVersion for Plan {
    /// Of a node of this name without parameters.
    fn fingerprint_of_version(self, version: u32) -> String {
        let mut lines = vec![self.name().to_owned()];
        lines.extend((version > 1).then(|| format!("{}.version={version}", self.name())));
        // One node, without inputs.
        let text = format!("{:?}", [(lines, 0)]);
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }
}

#[test]
fn every_spec_is_written_read_hashed_and_refused_alike() {
    for checks in all_specs().values() {
        (checks.all)();
    }
}

#[test]
fn names_of_specs_are_their_own() {
    let mut names = BTreeMap::new();
    for (spec, Checks { name, .. }) in all_specs() {
        let other = names.insert(name, spec);
        assert_eq!(other, None, "{spec} is called {name:?}");
    }
}

/// No spec of the loader is left out above. Runs, tasks and models have tests of their own.
#[test]
fn no_spec_is_left_out() {
    fn visit(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let elsewhere = ["task", "train", "generative", "model", "report", "bin"];
            if path.is_dir() && !elsewhere.iter().any(|room| path.ends_with(room)) {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let specs = text.lines().filter_map(|line| line.strip_prefix("impl Spec for "));
                found.extend(specs.map(|rest| rest.trim_end_matches([' ', '{', '}']).to_owned()));
            }
        }
    }
    let mut found = BTreeSet::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    // The columns of a stage are a part of its plan, and are written nowhere.
    assert!(found.remove("StageColumns"));
    // Tasks and losses have tests of their own.
    if cfg!(feature = "train") {
        found.insert("FinetuneSpec".to_owned());
        found.extend(["VaeSpec", "GanSpec", "TvaeSpec", "CtganSpec"].map(str::to_owned));
    }
    if cfg!(not(feature = "testing")) {
        found.remove("VirtualSpec");
    }
    let known: BTreeSet<String> = all_specs().into_keys().map(str::to_owned).collect();
    assert_eq!(found, known);
}

#[test]
fn a_default_inside_of_a_field_is_left_out_too() {
    let hashed = |text: &str| {
        let spec: BlendSpec = serde_json::from_str(text).unwrap();
        let fields = spec.description().fields.into_iter();
        fields
            .filter_map(|field| Some((field.name, field.hashed?)))
            .collect::<Vec<_>>()
    };
    assert_eq!(hashed(r#"{"elastic": {"reading": {}}}"#), []);
    let some = hashed(r#"{"elastic": {"alpha": 0.1, "reading": {"upright": false}}}"#);
    assert_eq!(
        some,
        [(
            "elastic".to_owned(),
            serde_json::json!({"alpha": 0.1, "reading": {"upright": false}})
        )]
    );
}

#[test]
fn values_are_hashed_and_not_their_words() {
    let print = |columns: &[&str]| Plan::of(&Project::new(columns)).fingerprint();
    assert_ne!(print(&["a, b"]), print(&["a", "b"]));
    assert_eq!(
        Plan::of(&Project::new(&["a, b"])).to_string(),
        Plan::of(&Project::new(&["a", "b"])).to_string()
    );
}

#[test]
fn what_is_wrong_inside_is_named_too() {
    let refused = |text: &str| {
        read::<Image, _>(&mut serde_json::Deserializer::from_str(text))
            .unwrap_err()
            .to_string()
    };
    let error = refused(r#"{"reading": {"uprigth": false}}"#);
    assert!(
        error.contains("unknown field `uprigth` (do you mean `upright`?)"),
        "{error}"
    );
    let error = refused(r#"{"crop": {"center_crop": {"shar": 0.5}}}"#);
    assert!(error.contains("unknown field `shar` (do you mean `share`?)"), "{error}");
    let error = refused(r#"{"crop": {"centre_crop": {"share": 0.5}}}"#);
    assert!(
        error.contains("unknown variant `centre_crop` (do you mean `center_crop`?), expected one of `whole`"),
        "{error}"
    );
    let error = refused(r#"{"size": 10000}"#);
    assert!(
        error.contains("size is 10000, but has to lie in 1..=8192 pixels"),
        "{error}"
    );
    let error = sources()
        .read_json(r#"{"parquet": {"pth": "x"}}"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unknown field `pth` (do you mean `path`?), expected one of `path`, `split`"),
        "{error}"
    );
    let error = sources()
        .read_json(r#"{"parqet": {"path": "x"}}"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(r#"unknown source "parqet": do you mean "parquet"? at line 1 column"#),
        "{error}"
    );
    let error = sources().read_json(r#"{"parquet": {}}"#).unwrap_err().to_string();
    assert!(error.contains("path: name a file, a folder or a pattern"), "{error}");
    for text in [r#"{"split": {"share": 1}}"#, r#"{"split": {"share": 0}}"#] {
        let error = adapters().read_json(text).unwrap_err().to_string();
        assert!(error.contains("has to lie above 0 and below 1"), "{error}");
    }
    let balance = |text: &str| {
        read::<BalanceSpec, _>(&mut serde_json::Deserializer::from_str(text))
            .unwrap_err()
            .to_string()
    };
    let error = balance(r#"{"synthetic": 1.5}"#);
    assert!(error.contains("synthetic: the share is 1.5, not in 0 to 1"), "{error}");
    let error = balance(r#"{"synthetic": {"frist": 1}}"#);
    assert!(
        error.contains("unknown field `frist` (do you mean `first`?)"),
        "{error}"
    );
    let error = balance(r#"{"target": "sqroot"}"#);
    assert!(
        error.contains("unknown variant `sqroot` (do you mean `sqrt`?)"),
        "{error}"
    );
}

/// A pipeline as a recipe has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    source: Named<dyn SourceSpec>,
    #[serde(default)]
    adapters: Vec<Named<dyn AdapterSpec>>,
    shuffle: ShuffleSpec,
    #[serde(default)]
    loader: LoaderSpec,
}

impl Recipe {
    fn rows(&self, cx: &Context) -> Result<impl Dataset + use<>> {
        let rows = cx.block_on(async {
            let mut rows = self.source.open(cx).await?;
            for adapter in &self.adapters {
                rows = adapter.over(cx, rows).await?;
            }
            Ok(rows)
        })?;
        Ok(rows.shuffle_window(self.shuffle.window))
    }

    /// The values of all columns of all batches, in words, and the fingerprint.
    fn run(&self, cx: &Context) -> (String, String) {
        let rows = self.rows(cx).unwrap();
        let fingerprint = rows.describe().fingerprint();
        (all(rows.loader(cx).with(&self.loader)), fingerprint)
    }
}

fn all(loader: millstream::loader::LoaderBuilder) -> String {
    let batches = loader.blocking().unwrap();
    batches.map(|batch| format!("{:?}\n", batch.unwrap().rows())).collect()
}

#[test]
fn by_code_by_json_and_by_toml_it_is_the_same_pipeline() {
    let cx = context();
    let json = format!(
        r#"{{"source": {{"parquet": {{"path": {FASHION:?}, "columns": ["label"]}}}},
            "adapters": [{{"split": {{"share": 0.2, "seed": 7, "label": "label"}}}}, {{"limit": {{"rows": 500}}}},
                         {{"classes": {{"column": "label"}}}}],
            "shuffle": {{"window": 4}}, "loader": {{"batch_size": 64, "seed": 3, "epochs": 1, "last_batch": "drop"}}}}"#
    );
    let toml = format!(
        r#"
            source = {{ parquet = {{ path = [{FASHION:?}], columns = ["label"] }} }}
            adapters = [
                {{ split = {{ share = 0.2, seed = 7, label = "label" }} }},
                {{ limit = {{ rows = 500 }} }},
                {{ classes = {{ column = "label" }} }},
            ]

            [shuffle]
            window = 4

            [loader]
            batch_size = 64
            seed = 3
            epochs = 1
            last_batch = "drop"
        "#
    );
    let json = serde_json::from_str::<Recipe>(&json).unwrap().run(&cx);
    let toml = from_toml::<Recipe>(&toml).unwrap().run(&cx);
    let by_code = cx.block_on(async {
        let rows = Parquet::open(&cx, FASHION).await?.columns(&["label"])?;
        let labels = Labels::scan(&cx, &rows, "label").await?;
        let split = SplitSpec {
            share: 0.2,
            seed: 7,
            label: Some("label".to_owned()),
            ..SplitSpec::default()
        };
        let chosen = stratified(labels.iter(), 0.2, 7);
        assert_eq!(split.rows(&cx, &rows).await?, chosen.train);
        let held_out = SplitSpec {
            part: Part::HeldOut,
            ..split.clone()
        };
        assert_eq!(held_out.rows(&cx, &rows).await?, chosen.held_out);
        rows.split(&cx, &split).await?.limit(500)?.classes(&cx, "label").await
    });
    let rows = by_code.unwrap().shuffle_window(4);
    let fingerprint = rows.describe().fingerprint();
    let loader = rows
        .loader(&cx)
        .batch_size(64)
        .seed(3)
        .epochs(1)
        .last_batch(LastBatch::Drop);
    let by_code = (all(loader), fingerprint);
    assert!(by_code.0.lines().count() > 7);
    assert_eq!(json, by_code);
    assert_eq!(toml, by_code);
}

#[test]
fn mistakes_in_toml_have_the_line_and_column_of_the_key_or_value() {
    let refused = |text: &str| from_toml::<Recipe>(text).err().expect("a mistake").to_string();
    let source = "source = { parquet = { path = \"x\" } }\n";
    for (text, said) in [
        // Values of another type, and out of range.
        (
            format!("{source}[shuffle]\nwindow = 0.5\n"),
            "shuffle.window: invalid type: floating point `0.5`, expected usize at line 3 column 10",
        ),
        (
            format!("{source}[shuffle]\n[loader]\nepochs = 1\nlast_batch = \"dorp\"\n"),
            "loader.last_batch: unknown variant `dorp` (do you mean `drop`?), expected one of `keep`, `drop`",
        ),
        (
            format!(
                "{source}shuffle.window = 4\nadapters = [\n  {{ limit = {{ rows = 3 }} }},\n  {{ split = {{ seed = 1, share = 2 }} }},\n]\n"
            ),
            "split: share is 2, but has to lie above 0 and below 1 at line 5 column 33",
        ),
        // Keys.
        (
            "[shuffle]\n\n[source.parquet]\n  pth = \"x\"\n".to_owned(),
            "parquet: unknown field `pth` (do you mean `path`?), expected one of `path`, `split`, `columns`, `tensors` at line 4 column 3",
        ),
        (
            "[shuffle]\n\n[source.parqet]\npath = \"x\"\n".to_owned(),
            "source: unknown source \"parqet\": do you mean \"parquet\"? at line 3 column 9",
        ),
        (
            format!("{source}shufle = {{}}\n"),
            "unknown field `shufle` (do you mean `shuffle`?), expected one of `source`, `adapters`, `shuffle`, `loader` at line 2 column 1",
        ),
        // A field that is missing, and no TOML at all.
        (source.to_owned(), "missing field `shuffle` at line 1 column 1"),
        ("[shuffle\nwindow = 1".to_owned(), "at line 1 column 9"),
    ] {
        let error = refused(&text);
        assert!(error.contains(said) && error.contains(" at line "), "{text}\n{error}");
    }
    let error = refused(&format!("{source}[shuffle]\n[loader]\nlast_batch = \"dorp\"\n"));
    assert!(error.ends_with("at line 4 column 14"), "{error}");
    // A check of the outermost spec, and a column after characters of several bytes.
    let error = read_toml::<LoaderSpec>("seed = 1\n\"batch_size\" = 0\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a batch has at least one row; batch_size is 0 at line 2 column 16"
    );
    assert_eq!(error.kind(), ErrorKind::Config);
    // torchvision's four numbers, two too many here.
    let error = read_toml::<Affine>("degrees = 5.0\nshear = [10.0, 0.0, 20.0, 80.0]\n").unwrap_err();
    assert!(error.to_string().starts_with("shear: invalid length 4"), "{error}");
    assert!(error.to_string().ends_with("at line 2 column 9"), "{error}");
    let error = from_toml::<BTreeMap<String, Node>>("\"ä\" = { rows = 1, \"share\" = \"ö\" }").unwrap_err();
    assert!(
        error.to_string().starts_with("ä.share: invalid type: string"),
        "{error}"
    );
    assert!(error.to_string().ends_with("at line 1 column 29"), "{error}");
}

#[test]
fn a_name_alone_means_its_defaults() {
    let text = "source = { parquet = { path = \"x\" } }\nadapters = [\"classes\"]\nshuffle = {}\n";
    let short = from_toml::<Recipe>(text).unwrap();
    assert_eq!(
        short.adapters[0].description().tagged(),
        ClassesSpec::default().description().tagged()
    );
    let error = from_toml::<Recipe>(&text.replace("classes", "clases")).err().unwrap();
    assert_eq!(
        error.to_string(),
        "adapters[0]: unknown adapter \"clases\": do you mean \"classes\"? at line 2 column 13"
    );
}

/// A source of the user's own: the squares of 0, 1, 2, ..
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Squares {
    rows: i64,
}

impl Spec for Squares {
    const NAME: &'static str = "squares";

    fn check(&self) -> Result<()> {
        match self.rows {
            1.. => Ok(()),
            rows => Err(millstream::Error::config(format!(
                "rows is {rows}, but has to be at least 1"
            ))),
        }
    }
}

impl SourceSpec for Squares {
    fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move { Ok(Arc::new(squares(self.rows)?) as Arc<dyn Stable>) })
    }
}

fn squares(rows: i64) -> Result<Memory> {
    let squares: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row * row)));
    Memory::new(vec![RecordBatch::try_from_iter([("id", squares)])?])
}

#[test]
fn a_source_of_the_users_own_is_read_by_name() {
    let cx = context().with_seed(5);
    let text = r#"{"source": {"squares": {"rows": 50}}, "shuffle": {}}"#;
    let registry = Registry::new().source::<Squares>();
    let recipe: Recipe = registry.reading(|| serde_json::from_str(text)).unwrap();
    assert_eq!(
        recipe.source.description().tagged(),
        serde_json::json!({"squares": {"rows": 50}})
    );
    let (by_name, by_code) = (recipe.rows(&cx).unwrap(), squares(50).unwrap().shuffle());
    assert_eq!(by_name.describe().fingerprint(), by_code.describe().fingerprint());
    let positions: Vec<u64> = (0..120).collect();
    let taken = ids(&cx.block_on(by_name.take(&cx, &positions)).unwrap());
    assert_eq!(taken, ids(&cx.block_on(by_code.take(&cx, &positions)).unwrap()));
    let first: BTreeSet<i64> = taken[..50].iter().copied().collect();
    assert_eq!(first, (0..50).map(|row| row * row).collect());
    // Elsewhere it is not known, also after a panic, and its own check is made.
    let panicked = std::panic::catch_unwind(|| registry.reading(|| panic!("a bug in a deserializer")));
    assert!(panicked.is_err());
    let error = serde_json::from_str::<Recipe>(text).err().unwrap().to_string();
    assert!(
        error.starts_with("unknown source \"squares\"; there are burn, folder, listing, memory, parquet"),
        "{error}"
    );
    let error = registry
        .sources()
        .read_json(r#"{"squares": {"rows": 0}}"#)
        .unwrap_err()
        .to_string();
    assert!(error.contains("rows is 0, but has to be at least 1"), "{error}");
}

#[test]
fn what_no_recipe_can_hold_says_so() {
    let cx = context();
    let opened = |text: &str| {
        let source = sources().read_json(text).unwrap();
        cx.block_on(source.open(&cx)).unwrap_err().to_string()
    };
    assert!(opened(r#"{"memory": {}}"#).contains("these rows are in the memory of a program"));
    assert!(opened(r#"{"burn": {"dataset": "mnist"}}"#).contains("the dataset \"mnist\" is an object of a program"));
    let map = adapters().read_json(r#"{"map": {"name": "crop"}}"#).unwrap();
    let error = cx
        .block_on(map.over(&cx, Arc::new(table(&[3]))))
        .unwrap_err()
        .to_string();
    assert!(error.contains("map: \"crop\" is a closure of a program"), "{error}");
}

#[test]
fn a_generator_by_name_is_that_by_code() {
    let cx = context().with_seed(3);
    let rows: Arc<dyn Stable> = Arc::new(common::pictures(&[4, 4]));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let spec = generators()
        .read_json(r#"{"blend": {"elastic": {"alpha": 0.1}}}"#)
        .unwrap();
    let by_name = cx.block_on(spec.fit(&cx, Arc::clone(&rows), &labels)).unwrap();
    let spec = BlendSpec {
        elastic: Elastic::new().alpha(0.1),
        ..BlendSpec::default()
    };
    let by_code = Blend::new(rows, &labels, spec).unwrap();
    assert_eq!(by_name.describe().fingerprint(), by_code.describe().fingerprint());
    let samples = [millstream::synthetic::SampleId { class: 1, index: 3 }];
    let made = |generator: &dyn Generator| cx.block_on(generator.generate(&cx, &samples)).unwrap();
    assert_eq!(made(&*by_name), made(&by_code));
    let error = generators()
        .read_json(r#"{"smote": {"k": 0}}"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("k is 0, but a row needs at least 1 neighbour"),
        "{error}"
    );
}

#[test]
fn a_mix_by_its_spec_is_that_by_code() {
    let cx = context();
    let sources = || -> Vec<Arc<dyn Dataset>> { vec![Arc::new(table(&[30])), Arc::new(table(&[10]))] };
    let text = r#"{"weights": [3, {"first": 1, "changes": [{"rows": {"start": 5, "end": 50}, "to": 2}]}],
                   "stop": "cycle_forever", "rows": 100}"#;
    let spec: MixSpec = serde_json::from_str(text).unwrap();
    let by_spec = Mix::with(sources(), spec.clone()).unwrap();
    let weights = [Schedule::constant(3.0), Schedule::constant(1.0).ramp(5..50, 2.0)];
    let by_code = Mix::new(
        sources().into_iter().zip(weights).collect(),
        StoppingStrategy::CycleForever,
    )
    .unwrap();
    let by_code = by_code.rows(100).unwrap();
    assert_eq!((by_spec.spec(), by_code.spec()), (&spec, &spec));
    assert_eq!(by_spec.describe().fingerprint(), by_code.describe().fingerprint());
    let positions: Vec<u64> = (0..200).collect();
    let take = |mix: &Mix| ids(&cx.block_on(mix.take(&cx, &positions)).unwrap());
    assert_eq!(take(&by_spec), take(&by_code));
    let error = Mix::with(sources(), MixSpec::default()).unwrap_err().to_string();
    assert!(error.starts_with("mix: "), "{error}");
    let one = MixSpec {
        weights: vec![1.0.into()],
        ..MixSpec::default()
    };
    let error = Mix::with(sources(), one).unwrap_err().to_string();
    assert_eq!(error, "mix: 1 weights for 2 sources");
}

/// A file with the columns `a` to `d`, as one that is opened in many ways.
#[test]
fn parquet_is_opened_again_from_its_spec() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let path = dir.path().join("numbers.parquet").display().to_string();
    let column = |from: f32| Arc::new(Float32Array::from_iter_values((0..20).map(|row| from + row as f32))) as ArrayRef;
    let columns = [
        ("a", column(0.0)),
        ("b", column(100.0)),
        ("c", column(200.0)),
        ("d", column(300.0)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let rows = cx.block_on(spool(&cx, &path, || stream::iter([Ok(batch)]))).unwrap();
    assert_eq!(rows.spec().path, std::slice::from_ref(&path));
    let opened: Vec<Parquet> = vec![
        rows.clone(),
        rows.clone().columns(&["d", "a"]).unwrap(),
        rows.clone().tensor("x", &["c", "b"]).unwrap(),
        rows.clone()
            .columns(&["d", "b", "a", "c"])
            .unwrap()
            .tensor("x", &["c", "b"])
            .unwrap(),
        rows.clone()
            .tensor("x", &["c", "b"])
            .unwrap()
            .columns(&["d", "x"])
            .unwrap(),
        rows.clone().tensor("x", &["c", "b"]).unwrap().columns(&["d"]).unwrap(),
        rows.clone()
            .tensor("b", &["a", "b"])
            .unwrap()
            .tensor("c", &["c", "d"])
            .unwrap()
            .columns(&["c", "b"])
            .unwrap(),
    ];
    let mut prints = BTreeSet::new();
    for rows in &opened {
        let text = serde_json::to_string(rows.spec()).unwrap();
        let source = sources().read_json(&format!(r#"{{"parquet": {text}}}"#)).unwrap();
        let again = cx.block_on(source.open(&cx)).unwrap();
        assert_eq!(again.schema(), rows.schema(), "{text}");
        assert_eq!(again.describe(), rows.describe(), "{text}");
        let take = |rows: &dyn Stable| cx.block_on(rows.take(&cx, &[3, 17])).unwrap();
        assert_eq!(take(&*again), take(rows));
        prints.insert(rows.describe().fingerprint());
    }
    assert_eq!(prints.len(), opened.len());
    // Where they lie is printed, and neither hashed nor remembered; a cursor names the file.
    let plan = rows.describe();
    assert!(plan.to_string().contains(&format!("path {path}")), "{plan}");
    let cursor = rows.loader(&cx).build().unwrap().cursor().to_string();
    assert!(
        cursor.contains("parquet.files=numbers.parquet (") && !cursor.contains(&*path),
        "{cursor}"
    );
}

#[test]
fn what_is_cached_has_the_name_and_version_of_its_function() {
    let below: Arc<dyn Stable> = Arc::new(table(&[4]));
    let rows = squares(4).unwrap();
    let cx = context();
    let made = cx.block_on(rows.take(&cx, &[0, 1, 2, 3])).unwrap();
    let cached = |spec: CachedSpec| Cached::new(Arc::clone(&below), made.clone(), spec).unwrap().describe();
    let first = cached(CachedSpec::new("squares"));
    assert_eq!(first.name(), "squares");
    let second = CachedSpec {
        version: 2,
        ..CachedSpec::new("squares")
    };
    assert_ne!(first.fingerprint(), cached(second).fingerprint());
}

/// What a spec of a balance or a loader may not be, read as TOML, alone and inside of something else.
#[test]
fn what_cannot_be_meant_is_refused_where_it_is_read() {
    let balance = |text: &str| read_toml::<BalanceSpec>(text).unwrap_err().to_string();
    let power = "power is NaN, but has to be a number in -16 to 16";
    for (text, said) in [
        ("[target]\npower = nan", format!("target: {power}")),
        (
            "[target]\npower = -400",
            "target: power is -400, but has to be a number in -16 to 16".to_owned(),
        ),
        (
            "[target]\nweights = [1, inf]",
            "target: weights[1] is inf, but a weight is a number of at least 0".to_owned(),
        ),
        (
            "[target]\neffective_number = inf",
            "target: effective_number: beta is inf, but has to be at least 0 and below 1".to_owned(),
        ),
        (
            "synthetic = 1.5",
            "synthetic: the share is 1.5, not in 0 to 1".to_owned(),
        ),
        ("block = 0", "block is 0, but has to be at least 1".to_owned()),
    ] {
        let error = balance(text);
        assert!(error.starts_with(&said), "{error}");
    }
    let toward = "[toward]\nshare = 0.5\ntarget = { power = nan }";
    assert!(
        balance(toward).contains(&format!("toward.target: {power}")),
        "{}",
        balance(toward)
    );
    let error = balance("target = \"unifrom\"");
    assert!(error.contains("(do you mean `uniform`?)"), "{error}");

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it is not read")]
    struct Both {
        balance: BalanceSpec,
        loader: LoaderSpec,
    }
    let error = from_toml::<Both>("[balance]\nsynthetic = 1.5\n[loader]")
        .unwrap_err()
        .to_string();
    assert!(error.contains("synthetic: the share is 1.5, not in 0 to 1"), "{error}");
    let error = from_toml::<Both>("[balance]\n[loader]\nbatch_size = 0")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a batch has at least one row; batch_size is 0"),
        "{error}"
    );

    let ramp = |end: u64| {
        let share = format!(r#"{{"first": 0, "changes": [{{"rows": {{"start": 0, "end": {end}}}, "to": 1}}]}}"#);
        serde_json::from_str::<BalanceSpec>(&format!(r#"{{"toward": {{"target": "sqrt", "share": {share}}}}}"#))
    };
    assert!(ramp(1 << 53).is_ok());
    let error = ramp(u64::MAX).unwrap_err().to_string();
    assert!(
        error.contains("schedule: the change that ends at row 18446744073709551615 is beyond row 2^53"),
        "{error}"
    );
}

#[test]
fn values_are_read_as_what_they_are() {
    let error = adapters().read_json(r#"{"limit": [1]}"#).unwrap_err().to_string();
    assert!(
        error.starts_with("limit: invalid type: sequence, expected struct Limit"),
        "{error}"
    );
    let fill = |value: &str| read_toml::<FillNull>(&format!("column = \"x\"\nvalue = {value}"));
    let error = fill("1979-05-27").unwrap_err().to_string();
    assert!(error.contains("expected a boolean, a number or a string"), "{error}");
    assert_eq!(fill("\"1979-05-27\"").unwrap(), FillNull::new("x", "1979-05-27"));
    assert_eq!(fill("7").unwrap(), FillNull::new("x", 7));
    assert_eq!(fill("7.5").unwrap(), FillNull::new("x", 7.5));
    assert_eq!(fill("true").unwrap(), FillNull::new("x", true));
    let error = generators().read_json(r#"{"mine": {}}"#).unwrap_err().to_string();
    assert!(error.contains("and those that a program adds of its own"), "{error}");
}
