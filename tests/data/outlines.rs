//! Outlines of annotated objects become masks by which they are pasted, and keypoints stay with their objects.

use crate::common::context;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, UInt8Type};
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Pixels};
use millstream::import::{Import, ImportSpec};
use millstream::rows::{BoxFormat, ObjectLayout};
use millstream::source::{Parquet, Split};
use millstream::{Dataset, DatasetExt, Result};
use serde_json::{Value, json};
use std::path::Path;

/// Writes pictures of this size, one of each level, with `annotations` as COCO has them: the first picture has the id 0.
fn coco(root: &Path, [width, height]: [u32; 2], levels: &[u8], annotations: &Value) {
    std::fs::create_dir_all(root).unwrap();
    for (at, &level) in levels.iter().enumerate() {
        let mut pixels = Pixels::new(width, height);
        pixels.levels.fill(level);
        std::fs::write(root.join(format!("{at}.png")), pixels.to_png().unwrap()).unwrap();
    }
    let images = (0..levels.len())
        .map(|at| json!({"id": at, "file_name": format!("{at}.png"), "width": width, "height": height}));
    let text = json!({
        "images": images.collect::<Vec<_>>(),
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": annotations
    });
    std::fs::write(root.join("instances_train.json"), text.to_string()).unwrap();
}

/// The notes of an import, and its rows.
fn imported(root: &Path, out: &Path, instances: Option<bool>) -> Result<(Vec<String>, Parquet)> {
    let (cx, spec) = (
        context(),
        ImportSpec {
            instances,
            ..ImportSpec::default()
        },
    );
    let import = Import::open(&cx, &[root.display().to_string()], spec)?;
    import.run(&cx, out, &mut |_, _| ())?;
    let rows = cx.block_on(Parquet::open_split(&cx, &[out.display().to_string()], Split::Train))?;
    Ok((import.notes().to_vec(), rows))
}

fn take(rows: &impl Dataset, positions: &[u64]) -> RecordBatch {
    let cx = context().with_seed(3);
    cx.block_on(rows.take(&cx, positions)).unwrap()
}

/// The values of the mask of a row.
fn mask(rows: &Parquet, row: u64) -> Vec<u8> {
    let taken = take(rows, &[row]);
    let files = cast(&taken["instances"], &DataType::Binary).unwrap();
    let file = files.as_binary::<i32>().value(0);
    image::load_from_memory(file).unwrap().to_luma8().into_raw()
}

#[test]
fn outlines_become_masks_in_which_each_object_has_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("in");
    let object = |id: i64, bbox: [f32; 4], segmentation: Value| json!({"id": id, "image_id": 0, "category_id": 1, "bbox": bbox, "segmentation": segmentation});
    let mut crowd = object(3, [0.0, 0.0, 8.0, 6.0], json!({"counts": [0, 48], "size": [6, 8]}));
    crowd["iscrowd"] = json!(1);
    let mut annotations = json!([
        // In front of the next one, since it is smaller.
        object(1, [1.0, 1.0, 2.0, 2.0], json!([[1, 1, 3, 1, 3, 3, 1, 3]])),
        object(2, [0.0, 0.0, 6.0, 4.0], json!([[0, 0, 6, 0, 6, 4, 0, 4]])),
        crowd,
        object(4, [7.0, 4.0, 1.0, 2.0], json!({"counts": [46, 2], "size": [6, 8]}))
    ]);
    coco(&root, [8, 6], &[90, 120], &annotations);
    let (notes, rows) = imported(&root, &dir.path().join("out"), None).unwrap();
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("column \"instances\" has a mask for each picture")),
        "{notes:?}"
    );
    #[rustfmt::skip]
    let expected = [
        2, 2, 2, 2, 2, 2, 0, 0,
        2, 1, 1, 2, 2, 2, 0, 0,
        2, 1, 1, 2, 2, 2, 0, 0,
        2, 2, 2, 2, 2, 2, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 4,
        0, 0, 0, 0, 0, 0, 0, 4,
    ];
    assert_eq!(mask(&rows, 0), expected);
    assert_eq!(mask(&rows, 1), [0; 48]);
    assert_eq!(rows.image_candidates(), ["image"], "it is no picture");
    // One that goes on decides the same, and one that is to be without is another one.
    imported(&root, &dir.path().join("out"), Some(true)).unwrap();
    assert!(imported(&root, &dir.path().join("out"), Some(false)).is_err());
    let (_, without) = imported(&root, &dir.path().join("without"), Some(false)).unwrap();
    assert!(without.schema().index_of("instances").is_err());

    // An object without an outline.
    let all = annotations.as_array_mut().unwrap();
    all.push(json!({"id": 5, "image_id": 1, "category_id": 1, "bbox": [2, 1, 3, 2]}));
    coco(&root, [8, 6], &[90, 120], &annotations);
    let (notes, rows) = imported(&root, &dir.path().join("some"), None).unwrap();
    assert!(rows.schema().index_of("instances").is_err());
    let said = "1 of 4 objects has no outline, so that no masks are written";
    assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
    let (_, rows) = imported(&root, &dir.path().join("boxes"), Some(true)).unwrap();
    assert_eq!(mask(&rows, 0), expected);
    let inside = |at: usize| u8::from((2..5).contains(&(at % 8)) && (1..3).contains(&(at / 8)));
    assert_eq!(mask(&rows, 1), (0..48).map(inside).collect::<Vec<_>>());

    // No outline at all.
    let boxes = json!([{"id": 5, "image_id": 1, "category_id": 1, "bbox": [2, 1, 3, 2]}]);
    coco(&root, [8, 6], &[90, 120], &boxes);
    let (_, rows) = imported(&root, &dir.path().join("none"), None).unwrap();
    assert!(rows.schema().index_of("instances").is_err());
    let error = imported(&root, &dir.path().join("wanted"), Some(true)).unwrap_err();
    assert!(error.to_string().contains("no object has an outline"), "{error}");
}

#[test]
fn objects_are_pasted_by_their_imported_masks() {
    let dir = tempfile::tempdir().unwrap();
    // Two squares of 4 x 4 in the corners of a box; and an outline between the centres of pixels, which leaves the box.
    let squares = json!([[4, 4, 8, 4, 8, 8, 4, 8], [8, 8, 12, 8, 12, 12, 8, 12]]);
    let nothing = json!([[4, 4, 4.25, 4, 4.25, 4.25]]);
    for (name, outline, changed) in [("squares", squares, 32), ("nothing", nothing, 64)] {
        let root = dir.path().join(name);
        let object = |at: usize| json!({"id": at, "image_id": at, "category_id": 1, "bbox": [4, 4, 8, 8], "segmentation": outline});
        coco(&root, [16, 16], &[30, 70, 110, 150], &(0..4).map(object).collect());
        let (_, rows) = imported(&root, &dir.path().join(format!("{name}-out")), None).unwrap();
        let cx = context();
        let boxes = || Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&["objects.category"]);
        let rows = cx.block_on(rows.objects(&cx, "objects", BoxFormat::Xywh)).unwrap();
        let image = Image::new(16).as_u8().mask("instances").boxes(boxes());
        let pasting = CopyPaste::new(boxes())
            .mask("instances")
            .window(4)
            .cover(1.0)
            .edge(0.0)
            .most(1);
        let rows = rows
            .project(&["image", "instances", "objects.bbox", "objects.category"])
            .unwrap()
            .image("image", image)
            .unwrap()
            .copy_paste("image", pasting)
            .unwrap();
        let batch = take(&rows, &[0, 1, 2, 3]);
        for (row, own) in [30, 70, 110, 150].into_iter().enumerate() {
            assert_eq!(batch["objects.bbox"].as_list::<i32>().value(row).len(), 2);
            let picture = batch["image"].as_fixed_size_list().value(row);
            let levels = picture.as_primitive::<UInt8Type>().values();
            let others = levels[..256].iter().filter(|level| **level != own).count();
            assert_eq!(others, changed, "{name} {row}");
        }
    }
}

#[test]
fn keypoints_are_imported_and_move_with_their_boxes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("in");
    let object = |id: i64, points: Value| json!({"id": id, "image_id": 0, "category_id": 1, "bbox": [4, 4, 8, 8], "keypoints": points});
    let annotations = json!([
        object(1, json!([5, 6, 2, 7, 8, 1])),
        object(2, Value::Null),
        object(3, json!([0, 0, 0, 0, 0, 0])),
        // Of another number of points.
        object(4, json!([1, 2, 2]))
    ]);
    coco(&root, [16, 16], &[90, 120], &annotations);
    let (notes, rows) = imported(&root, &dir.path().join("out"), None).unwrap();
    let said = "the keypoints of 1 annotation are left out, and the boxes are kept";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
    let layout = ObjectLayout::of(&rows.schema(), "objects").unwrap();
    assert_eq!(layout.keypoints(), Some("keypoints"));
    assert!(layout.ignored().is_empty());
    let cx = context();
    let rows = cx.block_on(rows.objects(&cx, "objects", BoxFormat::Xywh)).unwrap();
    let points = |batch: &RecordBatch| -> Vec<f32> {
        let list = batch["objects.keypoints"].as_list::<i32>().value(0);
        let numbers = (0..list.len()).flat_map(|at| {
            let numbers = list.as_fixed_size_list().value(at);
            numbers.as_primitive::<Float32Type>().values().to_vec()
        });
        numbers.collect()
    };
    let none = [0.0; 18];
    assert_eq!(
        points(&take(&rows, &[0])),
        [&[5.0, 6.0, 2.0, 7.0, 8.0, 1.0][..], &none].concat()
    );
    assert!(points(&take(&rows, &[1])).is_empty());
    let fields = ["objects.category", "objects.keypoints"];
    let image = Image::new(16)
        .as_u8()
        .horizontal_flip(1.0)
        .boxes(Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&fields))
        .keypoints(Keypoints::new("objects.keypoints"));
    let moved = points(&take(&rows.image("image", image).unwrap(), &[0]));
    let expected = [&[11.0, 6.0, 2.0, 9.0, 8.0, 1.0][..], &none].concat();
    assert_eq!(moved.len(), expected.len());
    let near = |(moved, expected): (&f32, &f32)| (moved - expected).abs() < 1e-4;
    assert!(moved.iter().zip(&expected).all(near), "{moved:?}");
}

/// A file of annotations whose first picture has an object for each of `outlines`.
fn objects_of(outlines: &[&Value]) -> Value {
    let object = |(id, outline): (usize, &&Value)| json!({"id": id, "image_id": 0, "category_id": 1, "bbox": [1, 1, 46, 38], "segmentation": outline});
    outlines.iter().enumerate().map(object).collect()
}

#[test]
fn masks_of_polygons_are_those_of_pycocotools_but_for_their_edges() {
    let text = include_str!("../fixtures/coco_masks.json");
    let fixture: Value = serde_json::from_str(text).unwrap();
    let side = |name: &str| fixture[name].as_u64().unwrap() as u32;
    let (width, height) = (side("width"), side("height"));
    let dir = tempfile::tempdir().unwrap();
    for (at, case) in fixture["cases"].as_array().unwrap().iter().enumerate() {
        let root = dir.path().join(format!("in{at}"));
        coco(&root, [width, height], &[90], &objects_of(&[&case["polygons"]]));
        let (_, rows) = imported(&root, &dir.path().join(format!("out{at}")), None).unwrap();
        let found = mask(&rows, 0);
        let runs = case["runs"].as_array().unwrap().iter().enumerate();
        let wanted: Vec<u8> = runs
            .flat_map(|(nth, run)| vec![u8::from(nth % 2 == 1); run.as_u64().unwrap() as usize])
            .collect();
        let inside = |x: i64, y: i64| {
            let is_there = (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y);
            is_there && wanted[(y * i64::from(width) + x) as usize] == 1
        };
        let mut differing = 0;
        for (at, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let (x, y) = (at as i64 % i64::from(width), at as i64 / i64::from(width));
            let mut around = (0..9).map(|nth| inside(x + nth % 3 - 1, y + nth / 3 - 1));
            let is_edge = around.any(|near| near != inside(x, y));
            assert!(found == wanted || is_edge, "{}: pixel {x}, {y}", case["name"]);
            differing += u32::from(found != wanted);
        }
        // Sides half way between pixels are one pixel to the left and above, of 15 + 15 at each side.
        let most = if case["name"] == "half pixels" { 60 } else { 8 };
        assert!(differing <= most, "{}: {differing} pixels", case["name"]);
    }
}

#[test]
fn outlines_without_a_pixel_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("in");
    let (whole, sliver) = (json!([[1, 1, 6, 1, 6, 5]]), json!([[2.1, 1.0, 2.3, 1.0, 2.2, 5.0]]));
    let outside = json!([[20, 20, 30, 20, 30, 30]]);
    let (all, none) = (
        json!({"counts": [0, 48], "size": [6, 8]}),
        json!({"counts": [48], "size": [6, 8]}),
    );
    // One polygon of an object is enough.
    let both = json!([sliver[0], whole[0]]);
    let outlines = [&whole, &sliver, &outside, &all, &none, &both];
    coco(&root, [8, 6], &[90], &objects_of(&outlines));
    let (notes, _) = imported(&root, &dir.path().join("out"), None).unwrap();
    let said = "instances_train.json: train: 3 outlines cover no pixel: the boxes are kept, and masks have nothing of these objects; the first is of \
                annotation 1 of picture \"0.png\"";
    assert_eq!(notes.iter().filter(|note| note.ends_with(said)).count(), 1, "{notes:?}");
    coco(&root, [8, 6], &[90], &objects_of(&[&whole, &both]));
    let (notes, _) = imported(&root, &dir.path().join("without"), None).unwrap();
    assert!(!notes.iter().any(|note| note.contains("no pixel")), "{notes:?}");
}
