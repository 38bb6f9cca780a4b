//! Scenes with shapes, masks, keypoints, light and backgrounds.

use crate::common::{context, pictures};
use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Int64Type};
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::mix::Target;
use millstream::rows::{BoxFormat, Labels};
use millstream::source::Memory;
use millstream::spec::read_toml;
use millstream::synthetic::learned::{FittedGenerator, RowMaker, Training};
use millstream::synthetic::{Generator, SampleId, Scenes, ScenesSpec, generators};
use millstream::testing::{check_elastic, check_law, check_loader};
use millstream::{Context, Dataset, DatasetExt, Stable};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

const WIDTH: usize = 96;

/// A scene, taken apart.
struct Scene {
    image: Pixels,
    /// 0 or a class and 1, of each pixel.
    mask: Vec<u8>,
    boxes: Vec<[f32; 4]>,
    classes: Vec<i64>,
    areas: Vec<i64>,
    keypoints: Vec<Vec<[f32; 3]>>,
}

fn scene(batch: &RecordBatch, row: usize) -> Scene {
    let encoded = batch["image"].as_struct().column(0).as_binary::<i32>().value(row);
    let mask = Pixels::<u8>::decode(batch["mask"].as_binary::<i32>().value(row)).unwrap();
    let objects = batch["objects"].as_struct();
    let list = |name: &str| {
        objects
            .column_by_name(name)
            .map(|lists| lists.as_list::<i32>().value(row))
    };
    let floats = |list: ArrayRef| {
        let inner = Arc::clone(list.as_fixed_size_list().values());
        let numbers = inner
            .as_fixed_size_list_opt()
            .map_or_else(|| Arc::clone(&inner), |points| Arc::clone(points.values()));
        numbers.as_primitive::<Float32Type>().values().to_vec()
    };
    let whole = |name: &str| list(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    let boxes = floats(list("bbox").unwrap());
    let points = list("keypoints").map_or_else(Vec::new, floats);
    let each = points.len() / (boxes.len() / 4).max(1);
    Scene {
        image: Pixels::decode(encoded).unwrap(),
        mask: mask.levels.chunks_exact(3).map(|pixel| pixel[0]).collect(),
        boxes: boxes.chunks_exact(4).map(|bbox| bbox.try_into().unwrap()).collect(),
        classes: whole("category"),
        areas: whole("area"),
        keypoints: points
            .chunks_exact(each.max(1))
            .map(|points| points.chunks_exact(3).map(|point| point.try_into().unwrap()).collect())
            .collect(),
    }
}

/// Pictures of a red and a green half on blue, in classes "a" and "b", with masks of the halves.
fn halves() -> Arc<dyn Stable> {
    let mut picture = Pixels::new(20, 20);
    let mut mask = Pixels::new(20, 20);
    for at in 0..400 {
        let (x, y) = (at % 20, at / 20);
        let inside = (4..16).contains(&x) && (7..13).contains(&y);
        let color = match (inside, x < 10) {
            (true, true) => [200, 0, 0],
            (true, false) => [0, 200, 0],
            _ => [0, 0, 255],
        };
        picture.levels[at * 3..at * 3 + 3].copy_from_slice(&color);
        mask.levels[at * 3..at * 3 + 3].fill(if inside { 5 } else { 0 });
    }
    let (picture, mask) = (picture.to_png().unwrap(), mask.to_png().unwrap());
    let columns: [(&str, ArrayRef); 3] = [
        (
            "image",
            Arc::new(BinaryArray::from_iter_values((0..9).map(|_| &picture))),
        ),
        ("shape", Arc::new(BinaryArray::from_iter_values((0..9).map(|_| &mask)))),
        (
            "label",
            Arc::new(StringArray::from_iter_values(
                (0..9).map(|row| if row < 6 { "a" } else { "b" }),
            )),
        ),
    ];
    Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap())
}

fn spec(more: &str) -> ScenesSpec {
    // Pixels are those that are painted.
    let plain = "width = 96\nheight = 72\nblur = [0, 0]\nnoise = [0, 0]\nlight = [1, 1]\nscale = [1, 1]\nobjects = 1\nocclusion = 0\n";
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let is_given = |line: &str| more.lines().any(|other| key(other) == key(line));
    let rest: Vec<&str> = plain.lines().filter(|line| !is_given(line)).collect();
    read_toml(&format!("{}\n{more}", rest.join("\n"))).unwrap()
}

fn made(cx: &Context, spec: ScenesSpec, class: u32, count: u64) -> Vec<Scene> {
    let rows = halves();
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
    let scenes = cx.block_on(Scenes::open(cx, rows, &labels, spec)).unwrap();
    let samples: Vec<SampleId> = (0..count).map(|index| SampleId { class, index }).collect();
    let batch = cx.block_on(scenes.generate(cx, &samples)).unwrap();
    assert_eq!(batch.schema(), scenes.schema());
    (0..count as usize).map(|row| scene(&batch, row)).collect()
}

fn color(scene: &Scene, at: usize) -> [u8; 3] {
    scene.image.levels[at * 3..at * 3 + 3].try_into().unwrap()
}

/// Noise is drawn last: a scene without it is the same otherwise.
#[test]
fn noise_of_scenes_has_its_deviation() {
    let cx = context();
    let of = |noise: f32| {
        let text = format!(
            "shapes = {{ a = \"disc\" }}\nshape_size = [30, 30]\nbackgrounds = [\"gradient\"]\nnoise = [{noise:?}, {noise:?}]"
        );
        made(&cx, spec(&text), 0, 12)
    };
    let clean = of(0.0);
    for sigma in [0.02_f32, 0.1] {
        let mut off = Vec::new();
        for (clean, noisy) in clean.iter().zip(of(sigma)) {
            assert_eq!((&clean.mask, &clean.boxes), (&noisy.mask, &noisy.boxes));
            let pairs = clean.image.levels.iter().zip(&noisy.image.levels);
            // So far from black and white that nothing is cut.
            let inside = pairs.filter(|(level, _)| (112..=143).contains(*level));
            off.extend(inside.map(|(a, b)| f64::from(*b) - f64::from(*a)));
        }
        let count = off.len() as f64;
        assert!(count > 2000.0, "{count}");
        let mean = off.iter().sum::<f64>() / count;
        let spread = off.iter().map(|off| (off - mean).powi(2)).sum::<f64>() / count;
        let expected = (255.0 * f64::from(sigma)).powi(2);
        assert!(mean.abs() < 5.0 * (expected / count).sqrt() + 0.1, "{sigma}: {mean}");
        // Both are rounded.
        let share = (spread - 1.0 / 6.0) / expected;
        assert!(
            (share - 1.0).abs() < 5.0 * (2.0 / count).sqrt() + 0.01,
            "{sigma}: {share}"
        );
    }
}

#[test]
fn shapes_have_exact_boxes_masks_and_keypoints() {
    let cx = context();
    let text = "shapes = { a = \"disc\" }\nshape_size = [30, 30]\nkeypoints = \"extremes\"\nbackgrounds = [\"plain\"]";
    for scene in made(&cx, spec(text), 0, 20) {
        let shown: Vec<usize> = (0..scene.mask.len()).filter(|&at| scene.mask[at] == 1).collect();
        assert_eq!(
            (scene.classes.as_slice(), scene.areas.as_slice()),
            ([0].as_slice(), [shown.len() as i64].as_slice())
        );
        let expected = std::f32::consts::PI * 15.0 * 15.0;
        assert!(
            (shown.len() as f32 - expected).abs() < 0.02 * expected,
            "{}",
            shown.len()
        );
        let [left, top, width, height] = scene.boxes[0];
        assert!(
            (width - 30.0).abs() <= 1.0 && (height - 30.0).abs() <= 1.0,
            "{width} {height}"
        );
        let points = &scene.keypoints[0];
        let near = |point: [f32; 3], x: f32, y: f32| {
            assert!(
                (point[0] - x).abs() <= 2.0 && (point[1] - y).abs() <= 2.0 && point[2] == 2.0,
                "{point:?}: {x} {y}"
            );
        };
        let middle = [left + width / 2.0, top + height / 2.0];
        near(points[0], middle[0], middle[1]);
        assert_eq!((points[1][0], points[2][1]), (left + 0.5, top + 0.5));
        assert_eq!((points[3][0], points[4][1]), (left + width - 0.5, top + height - 0.5));
        near(points[1], left, middle[1]);
        near(points[4], middle[0], top + height);
        // One colour behind it, another one in it, and no more but at its smooth edge.
        let behind: Vec<[u8; 3]> = (0..scene.mask.len())
            .filter(|&at| scene.mask[at] == 0)
            .map(|at| color(&scene, at))
            .collect();
        let most = behind.iter().filter(|color| **color == behind[0]).count();
        assert!(behind.len() - most < 80, "{} {}", behind.len(), most);
    }
}

#[test]
fn masks_cut_objects_out_in_their_colours() {
    let cx = context();
    let text = "mask = \"shape\"\nrecolor = false\nbackgrounds = [\"plain\"]\nkeypoints = \"corners\"";
    let mut mirrored = 0;
    for scene in made(&cx, spec(text), 1, 12) {
        let [left, top, width, height] = scene.boxes[0];
        assert_eq!((width, height, scene.areas[0]), (12.0, 6.0, 72));
        let at = |x: f32, y: f32| color(&scene, (top + y) as usize * WIDTH + (left + x) as usize);
        let ends = [at(1.0, 3.0), at(10.0, 3.0)];
        match ends {
            [[200, 0, 0], [0, 200, 0]] => {}
            [[0, 200, 0], [200, 0, 0]] => mirrored += 1,
            other => panic!("{other:?}"),
        }
        let corners: Vec<[f32; 2]> = scene.keypoints[0]
            .iter()
            .map(|point| [point[0] - left, point[1] - top])
            .collect();
        let edge = |at: f32, length: f32| at == 0.0 || at == length;
        assert!(
            corners
                .iter()
                .all(|corner| edge(corner[0], 12.0) && edge(corner[1], 6.0)),
            "{corners:?}"
        );
    }
    assert!((1..12).contains(&mirrored), "{mirrored}");
    let turned = made(&cx, spec(&format!("{text}\nrotate = [90, 90]")), 1, 5);
    assert!(turned.iter().all(|scene| scene.boxes[0][2..] == [6.0, 12.0]));
}

#[test]
fn given_pictures_are_backgrounds() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("places.parquet");
    let picture = |level: u8| {
        let mut pixels = Pixels::new(200, 100);
        pixels.levels.fill(level);
        pixels.to_png().unwrap()
    };
    let photo: ArrayRef = Arc::new(BinaryArray::from_iter_values([picture(50), picture(220)]));
    let batch = RecordBatch::try_from_iter([("photo", photo)]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let at = |path: &std::path::Path| {
        let text = "mask = \"shape\"\n[pictures]\ncolumn = \"photo\"\nsource = { parquet = { path = ";
        spec(&format!("{text}{:?} }} }}", path.display().to_string()))
    };
    let scenes = made(&cx, at(&path), 0, 16);
    let mut levels = Vec::new();
    for scene in &scenes {
        let behind = (0..scene.mask.len())
            .filter(|&at| scene.mask[at] == 0)
            .map(|at| color(scene, at));
        let colors: Vec<[u8; 3]> = behind.collect();
        assert!(colors.iter().all(|color| *color == colors[0]), "{:?}", colors[0]);
        levels.push(colors[0][0]);
    }
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels, [50, 220]);
    // Where the pictures lie does not matter; which they are does.
    let rows = halves();
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let open = |spec| {
        cx.block_on(Scenes::open(&cx, Arc::clone(&rows), &labels, spec))
            .unwrap()
    };
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::copy(&path, other.join("places.parquet")).unwrap();
    let fingerprint = |scenes: &Scenes| scenes.describe().fingerprint();
    assert_eq!(
        fingerprint(&open(at(&path))),
        fingerprint(&open(at(&other.join("places.parquet"))))
    );
    let trace = open(at(&path)).provenance(&cx, SampleId { class: 0, index: 0 });
    assert_eq!(trace.places.len(), 2);
    assert!(trace.places[1].source.ends_with("places.parquet"), "{trace:?}");
    // Rows that were held out may be none of them, so that a file of scenes says that they went into it.
    let given = open(at(&path)).parents_elsewhere();
    assert!(
        given.len() == 2 && given.files().all(|file| file.ends_with("places.parquet")),
        "{given:?}"
    );
    let training = Training {
        cx: cx.clone(),
        rows: Arc::clone(&rows),
        labels: Arc::clone(&labels),
    };
    let fitted_on = |spec: ScenesSpec| FittedGenerator::fit(&spec, &training).unwrap().about().fitted_on.len();
    assert_eq!(fitted_on(at(&path)), fitted_on(spec("mask = \"shape\"")) + 2);
    let error = Scenes::new(Arc::clone(&rows), &labels, at(&path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_ne!(
        fingerprint(&open(spec("mask = \"shape\""))),
        fingerprint(&open(at(&path)))
    );
}

#[test]
fn light_and_shadow_change_pixels_alone_and_what_hides_is_counted() {
    let cx = context();
    let plain = "mask = \"shape\"\nrecolor = false\nbackgrounds = [\"plain\"]\n";
    let [bare, lit] = ["", "gradient = [0.4, 0.4]\nshadow = [0.7, 0.7]"]
        .map(|more| made(&cx, spec(&format!("{plain}{more}")), 0, 10));
    for (bare, lit) in bare.iter().zip(&lit) {
        assert_eq!((&bare.mask, &bare.boxes), (&lit.mask, &lit.boxes));
        let behind = |scene: &Scene| {
            let colors = (0..scene.mask.len())
                .filter(|&at| scene.mask[at] == 0)
                .map(|at| color(scene, at)[0]);
            let colors: Vec<u8> = colors.collect();
            (*colors.iter().min().unwrap(), *colors.iter().max().unwrap())
        };
        let ((low, high), (darker, brighter)) = (behind(bare), behind(lit));
        assert_eq!(low, high);
        // From 0.6 to 1.4 of the light, and a shadow of less than half of it.
        assert!(
            f32::from(darker) < 0.75 * f32::from(low) && brighter > low,
            "{darker} {low} {brighter}"
        );
    }
    let hidden = "occlusion = 0.5\nkeypoints = \"extremes\"\nshapes = { a = { rectangle = { ratio = [1, 1] } } }\nshape_size = [40, 40]\nobjects = 2\n";
    let free = made(&cx, spec(hidden), 0, 30);
    let covered = made(&cx, spec(&format!("{hidden}occluders = 12")), 0, 30);
    let area = |scenes: &[Scene]| scenes.iter().map(|scene| scene.areas[0]).sum::<i64>();
    assert!(area(&covered) < area(&free), "{} {}", area(&covered), area(&free));
    let (mut seen, mut not) = (0, 0);
    for scene in &covered {
        // A square of 800 pixels, half of which may be hidden.
        let squares = scene.classes.iter().zip(&scene.areas).filter(|(class, _)| **class == 0);
        assert!(squares.clone().all(|(_, area)| *area >= 380), "{:?}", scene.areas);
        for point in scene.keypoints.iter().flatten().filter(|point| point[2] > 0.0) {
            let at = point[1] as usize * WIDTH + point[0] as usize;
            match point[2] {
                2.0 => seen += 1,
                _ => not += 1,
            }
            assert!(at < scene.mask.len());
        }
    }
    assert!(seen > 50 && not > 5, "{seen} {not}");
}

#[test]
fn every_shape_and_background_is_drawn_and_read_as_a_detection_dataset() {
    let cx = context();
    let text = r#"
    width = 24
    height = 18
    scale = [0.3, 0.5]
    shape_size = [16, 24]
    objects = 2
    occlusion = 0.3
    occluders = 1
    keypoints = "corners"
    backgrounds = ["noise", "plain", "gradient", "stripes", "checks", "grain"]
    gradient = [0, 0.3]
    shadow = [0, 0.5]
    rotate = [-30, 30]
    blur = [0, 0.5]
    noise = [0, 0.05]
    [shapes]
    a = { star = { points = [5, 7], inner = [0.4, 0.5] } }
    "#;
    let build = |cx: &Context| {
        let rows = halves();
        let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label"))?);
        let scenes = Arc::new(cx.block_on(Scenes::open(cx, rows, &labels, spec(text)))?);
        let wanted: Vec<SampleId> = (0..30)
            .map(|index| SampleId {
                class: u32::from(index % 5 == 0),
                index,
            })
            .collect();
        let written = cx.block_on(scenes.generate(cx, &wanted))?;
        let balance = Memory::new(vec![written])?.balance(cx, "label", Target::Uniform);
        cx.block_on(balance)?.fill(scenes, 0.5)
    };
    cx.block_on(check_law(&cx, &build(&cx).unwrap(), 1)).unwrap();
    check_loader(3, 20, build).unwrap();
    check_elastic(3, "mask", build).unwrap();
    let rows = build(&cx).unwrap();
    let batch = cx.block_on(rows.take(&cx, &(0..30).collect::<Vec<_>>())).unwrap();
    let fields = batch["objects"].as_struct().column_names();
    assert!(fields.contains(&"keypoints"), "{fields:?}");
    let rows = Memory::new(vec![batch]).unwrap();
    let objects = cx.block_on(rows.objects(&cx, "objects", BoxFormat::Xywh)).unwrap();
    let schema = objects.schema();
    assert!(schema.index_of("objects.bbox").is_ok(), "{schema:?}");
}

#[test]
fn scenes_that_make_no_sense_are_refused() {
    let cx = context();
    let rows: Arc<dyn Stable> = Arc::new(pictures(&[4, 4]));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let refused = |text: &str| {
        let read = generators().read_json(text);
        let fitted = read.and_then(|spec| cx.block_on(spec.fit(&cx, Arc::clone(&rows), &labels)));
        fitted.unwrap_err().to_string()
    };
    let said = refused(r#"{"scenes": {"shapes": {"square": "disc"}}}"#);
    assert!(said.starts_with("shapes: there is no class \"square\""), "{said}");
    let said = refused(r#"{"scenes": {"shapes": {"1": {"star": {"points": [2, 5], "inner": [0.1, 0.2]}}}}}"#);
    assert!(
        said.contains("shapes.1: star.points is 2..=5, but has to be a range within 3..=64"),
        "{said}"
    );
    let said = refused(r#"{"scenes": {"mask": "masks"}}"#);
    assert!(
        said.starts_with("no column \"masks\"; there are \"image\", \"label\""),
        "{said}"
    );
    let said = refused(r#"{"scenes": {"pictures": {"source": {"parquet": {"path": "nowhere.parquet"}}}}}"#);
    assert!(
        said.starts_with("pictures: ") && said.contains("nowhere.parquet"),
        "{said}"
    );
    let said = refused(r#"{"scenes": {"backgrounds": ["sky"]}}"#);
    assert!(said.contains("unknown variant `sky`"), "{said}");
}
