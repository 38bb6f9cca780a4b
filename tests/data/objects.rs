//! Objects of detection datasets, in every layout in which they are stored. The fixtures are made by `tests/scripts/make_objects.py`.

use crate::common::context;

use arrow::array::{Array, RecordBatch, StructArray};
use arrow::array::{ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use millstream::error::ErrorKind;
use millstream::image::{Boxes, Image};
use millstream::rows::{BOX_FORMAT, BoxFormat, CLASS_NAMES, ObjectLayout, ObjectReader, Objects};
use millstream::source::{Memory, Parquet};
use millstream::{Dataset, DatasetExt, Error, Stable, testing};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::sync::Arc;

fn open(name: &str) -> Parquet {
    let cx = context();
    let path = format!("tests/fixtures/objects/{name}.parquet");
    cx.block_on(Parquet::open(&cx, path)).unwrap()
}

fn scan(rows: &impl Stable, column: &str, format: BoxFormat) -> Result<ObjectReader, Error> {
    let cx = context();
    cx.block_on(ObjectReader::scan(&cx, rows, column, format))
}

fn read(rows: &impl Stable, reader: &ObjectReader) -> Vec<Objects> {
    let cx = context();
    let column = cx.block_on(rows.column(&cx, reader.layout().column())).unwrap();
    reader.read(&column).unwrap()
}

/// What all layouts hold: of the third row two objects are none.
fn expected(classes: [&[i64]; 3], areas: bool) -> Vec<Objects> {
    let row = |boxes: &[[f32; 4]], classes: &[i64], of: &[f32], crowd: &[bool], degenerate| Objects {
        boxes: boxes.to_vec(),
        classes: classes.to_vec(),
        areas: areas.then(|| of.to_vec()),
        crowd: areas.then(|| crowd.to_vec()),
        difficult: None,
        ids: None,
        degenerate,
    };
    vec![
        row(
            &[[10.0, 20.0, 40.0, 60.0], [0.0, 0.0, 5.5, 6.5]],
            classes[0],
            &[1200.0, 36.0],
            &[false, true],
            0,
        ),
        row(&[], classes[1], &[], &[], 0),
        row(&[[50.0, 60.0, 90.0, 90.0]], classes[2], &[1200.0], &[false], 2),
    ]
}

#[test]
fn every_layout_holds_the_same_objects() {
    for name in ["sequence", "list", "brackets", "large_list", "fields", "strings"] {
        let rows = open(name);
        let layout = ObjectLayout::find(&rows.schema()).unwrap();
        let column = if name == "brackets" { "annotations" } else { "objects" };
        assert_eq!(layout.column(), column);
        assert_eq!(layout.numbers().collect::<Vec<_>>(), ["area", "iscrowd"], "{name}");
        let reader = scan(&rows, layout.column(), BoxFormat::Xywh).unwrap();
        assert_eq!(reader.names(), ["cat", "dog", "owl"], "{name}");
        assert_eq!(read(&rows, &reader), expected([&[2, 0], &[], &[1]], true), "{name}");
        let survey = reader.survey();
        assert_eq!(
            (survey.rows, survey.without, survey.objects, survey.degenerate),
            (3, 1, 2, 2)
        );
        assert_eq!(
            (&survey.objects_of_class[..], survey.most, survey.checked),
            (&[0, 1, 1][..], 1, true),
            "a crowd is no object"
        );
        assert_eq!((survey.crowds, survey.most_row), (1, 0));
        let remark = "2 of 5 boxes in \"objects\" have no area or are not finite: they are left out";
        assert_eq!(survey.remark().unwrap(), remark.replace("objects", column));
    }
}

#[test]
fn numbers_without_names_are_classes_in_their_order() {
    let rows = open("numbers");
    let reader = scan(&rows, "annotations", BoxFormat::Xywh).unwrap();
    assert_eq!(
        (reader.layout().category(), reader.names()),
        ("label", &["5".to_owned(), "15".to_owned(), "25".to_owned()][..])
    );
    assert_eq!(read(&rows, &reader), expected([&[2, 0], &[], &[1]], true));
}

#[test]
fn classes_of_other_data_are_matched_by_name() {
    let cx = context();
    let names = ["owl", "dog", "emu", "cat"].map(str::to_owned);
    for name in ["sequence", "strings"] {
        let rows = open(name);
        let reader = cx
            .block_on(ObjectReader::scan_as(&cx, &rows, "objects", BoxFormat::Xywh, &names))
            .unwrap();
        assert_eq!(read(&rows, &reader), expected([&[0, 3], &[], &[1]], true), "{name}");
    }
    let (rows, few) = (open("strings"), ["owl", "dog"].map(str::to_owned));
    let error = cx
        .block_on(ObjectReader::scan_as(&cx, &rows, "objects", BoxFormat::Xywh, &few))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains(
                "column \"objects\": class \"cat\" is none of the 2 classes \"owl\", \"dog\": correct the row, or leave it out"
            ),
        "{error}"
    );
    assert!(error.to_string().contains("row 0 of row group 0"), "{error}");
}

#[test]
fn lists_of_a_fixed_size_and_dictionaries_are_read() {
    let rows = open("fixed");
    let reader = scan(&rows, "objects", BoxFormat::Xyxy).unwrap();
    assert_eq!(reader.names(), ["cat", "owl"]);
    assert!(!reader.survey().checked);
    let objects = read(&rows, &reader);
    assert_eq!(objects[0].boxes, [[10.0, 20.0, 30.0, 40.0], [0.0, 0.0, 5.5, 6.5]]);
    assert_eq!((objects[0].classes.as_slice(), &objects[0]), (&[1, 0][..], &objects[1]));
}

#[test]
fn what_is_no_object_is_told_with_its_place() {
    let rows = open("null_row");
    let reader = scan(&rows, "objects", BoxFormat::Xywh).unwrap();
    assert_eq!(
        reader.survey().remark().unwrap(),
        "1 of 2 rows is null and counts as without objects"
    );
    assert_eq!(read(&rows, &reader)[1], Objects::default());
    for (name, place, why) in [
        (
            "null_box",
            "row 1 of row group 0",
            "a box is null: correct the row, or leave it out",
        ),
        ("five", "row 1 of row group 0", "a box has 5 numbers, not four"),
        (
            "lengths",
            "row 0 of row group 0",
            "column \"objects\" has 1 box and 2 values of \"category\": correct the row, or leave it out",
        ),
    ] {
        let error = scan(&open(name), "objects", BoxFormat::Xywh).unwrap_err();
        let text = error.to_string();
        assert!(
            error.kind() == ErrorKind::Data
                && text.contains(place)
                && text.contains(why)
                && !text.contains("of the batch"),
            "{text}"
        );
    }
    let error = scan(&open("list"), "objects", BoxFormat::XywhNormalized)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("do not lie in their pictures as xywh_normalized; as xywh 0 do not: name that format in the field boxes (task.detect.boxes of a recipe), or convert boxes for a model of the other one"),
        "{error}"
    );
    let error = ObjectLayout::of(&open("list").schema(), "width")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("neither a struct of lists nor a list of structs"),
        "{error}"
    );
    let error = ObjectLayout::find(&open("numbers").project(&["width"]).unwrap().schema()).unwrap_err();
    assert!(error.to_string().contains("no column \"objects\""), "{error}");
}

#[test]
fn objects_become_columns_of_lists() {
    let cx = context();
    for name in ["sequence", "strings", "fields"] {
        let rows = cx
            .block_on(open(name).objects(&cx, "objects", BoxFormat::Xywh))
            .unwrap();
        let plan = rows.describe().to_string();
        let said = "2 objects in 3 rows, 1 row without; beside them 1 box of crowds, which are no objects";
        assert!(plan.contains(said), "{plan}");
        let schema = rows.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let category = rows.reader().layout().category().to_owned();
        let category = format!("objects.{category}");
        assert_eq!(
            names,
            [
                "width",
                "height",
                "objects.bbox",
                &category,
                "objects.area",
                "objects.iscrowd"
            ]
        );
        let field = schema.field_with_name(&category).unwrap();
        assert_eq!(field.metadata()[CLASS_NAMES], r#"["cat","dog","owl"]"#);
        let taken = cx.block_on(rows.take(&cx, &[2, 0, 1])).unwrap();
        let boxes = taken["objects.bbox"].as_list::<i32>();
        assert_eq!(
            (boxes.value_length(0), boxes.value_length(1), boxes.value_length(2)),
            (1, 2, 0)
        );
        let first = boxes.value(0);
        let corners = first.as_fixed_size_list().value(0);
        assert_eq!(
            corners.as_primitive::<Float32Type>().values(),
            &[50.0, 60.0, 90.0, 90.0]
        );
        let classes = taken[category.as_str()].as_list::<i32>().value(1);
        assert_eq!(classes.as_primitive::<Int64Type>().values(), &[2, 0]);
        cx.block_on(testing::check_stable(&cx, &rows, 2)).unwrap();
        let plan = rows.describe().to_string();
        assert!(plan.contains("2 of 5 boxes in \"objects\" have no area"), "{plan}");
    }
    let twice = open("sequence")
        .objects_by(scan(&open("sequence"), "objects", BoxFormat::Xywh).unwrap())
        .unwrap();
    assert!(twice.schema().index_of("objects").is_err());
}

/// Pictures with these boxes, one row for each of them, and no columns that tell the sizes of pictures.
fn boxed(boxes: &[[f32; 4]]) -> Memory {
    let item = |dtype: DataType| Arc::new(Field::new_list_field(dtype, true));
    let numbers = Float32Array::from_iter_values(boxes.iter().flatten().copied());
    let bbox: ArrayRef =
        Arc::new(FixedSizeListArray::try_new(item(DataType::Float32), 4, Arc::new(numbers), None).unwrap());
    let category: ArrayRef = Arc::new(Int64Array::from(vec![0; boxes.len()]));
    let objects = StructArray::try_from(vec![("bbox", bbox), ("category", category)]).unwrap();
    let lengths = OffsetBuffer::from_lengths(vec![1; boxes.len()]);
    let item = item(objects.data_type().clone());
    let objects: ArrayRef = Arc::new(ListArray::try_new(item, lengths, Arc::new(objects), None).unwrap());
    let pictures: ArrayRef = Arc::new(BinaryArray::from(vec![b"picture".as_slice(); boxes.len()]));
    Memory::new(vec![
        RecordBatch::try_from_iter([("image", pictures), ("objects", objects)]).unwrap(),
    ])
    .unwrap()
}

const XYWH: [[f32; 4]; 3] = [
    [300.0, 200.0, 90.0, 80.0],
    [20.0, 30.0, 100.0, 50.0],
    [500.0, 400.0, 120.0, 70.0],
];

#[test]
fn a_format_in_which_most_boxes_are_none_is_refused() {
    let cx = context();
    let error = cx
        .block_on(boxed(&XYWH).objects(&cx, "objects", BoxFormat::Xyxy))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Data,
            "column \"objects\": 2 of 3 boxes cannot be xyxy: they would have no area. As xywh 0 do not fit: name the format that is meant in the field boxes (task.detect.boxes of a recipe)"
        )
    );
    let error = scan(&boxed(&XYWH), "objects", BoxFormat::XywhNormalized).unwrap_err();
    assert!(
        error.to_string().contains("shares of a picture are at most 1"),
        "{error}"
    );
    // Less than half of them may be: they are left out, as the survey says.
    let reader = scan(&boxed(&[XYWH[1], XYWH[1], XYWH[0]]), "objects", BoxFormat::Xyxy).unwrap();
    assert_eq!(reader.survey().degenerate, 1);
}

#[test]
fn columns_of_boxes_say_their_format_and_a_stage_refuses_another() {
    let cx = context();
    let rows = || {
        cx.block_on(boxed(&XYWH).objects(&cx, "objects", BoxFormat::Xywh))
            .unwrap()
    };
    let said = |rows: &dyn Dataset| {
        let schema = rows.schema();
        schema.field_with_name("objects.bbox").unwrap().metadata()[BOX_FORMAT].clone()
    };
    assert_eq!(said(&rows()), "xyxy");
    let stage = |boxes: Boxes| Image::new(8).boxes(boxes);
    let error = rows()
        .image("image", stage(Boxes::new("objects.bbox", BoxFormat::Xywh)))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Config,
            "image: boxes: column \"objects.bbox\" has boxes in the format xyxy (`objects` and the image stage write corners), and the \
             stage would read them as xywh: name the format xyxy"
        )
    );
    let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).output(BoxFormat::CxcywhNormalized);
    let moved = rows().image("image", stage(boxes)).unwrap();
    assert_eq!(said(&moved), "cxcywh_normalized");
    let shares = XYWH.map(|values| values.map(|value| value / 1000.0));
    let shares = cx
        .block_on(boxed(&shares).objects(&cx, "objects", BoxFormat::XywhNormalized))
        .unwrap();
    assert_eq!(said(&shares), "xyxy_normalized");
    let pixels = stage(Boxes::new("objects.bbox", BoxFormat::Xyxy));
    let error = shares.image("image", pixels).unwrap_err().to_string();
    assert!(error.ends_with("name the format xyxy_normalized"), "{error}");
}

#[test]
fn boxes_that_a_stage_leaves_behind_are_said() {
    let cx = context();
    let rows = |format: BoxFormat, by: f32| {
        let boxes = XYWH.map(|values| values.map(|value| value / by));
        cx.block_on(boxed(&boxes).objects(&cx, "objects", format)).unwrap()
    };
    let plan = |format: BoxFormat, by: f32, image: Image| {
        let rows = rows(format, by).image("image", image).unwrap();
        rows.describe().to_string()
    };
    let note = "the boxes in \"objects.bbox\" are not moved with the picture: name them with `Image::boxes`";
    let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy);
    assert!(plan(BoxFormat::Xywh, 1.0, Image::new(8)).contains(note));
    assert!(!plan(BoxFormat::Xywh, 1.0, Image::new(8).boxes(boxes)).contains("not moved"));
    // Shares stay right where the whole picture is squashed.
    assert!(!plan(BoxFormat::XywhNormalized, 1000.0, Image::new(8)).contains("not moved"));
    let flipped = Image::new(8).horizontal_flip(0.5);
    assert!(plan(BoxFormat::XywhNormalized, 1000.0, flipped).contains(note));
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn a_real_dataset_is_counted() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../shared/data/bccd-train.parquet").display().to_string();
    if !std::path::Path::new(&path).exists() {
        eprintln!("SKIPPED: bccd-train.parquet is not in ../shared/data");
        return;
    }
    let cx = context();
    let rows = cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let reader = scan(&rows, "objects", BoxFormat::Xywh).unwrap();
    assert_eq!(reader.names(), ["RBC", "WBC", "Platelets"]);
    let survey = reader.survey();
    assert_eq!((survey.rows, survey.degenerate, survey.checked), (292, 0, true));
    let test = cx.block_on(Parquet::open(&cx, path.replace("train", "test"))).unwrap();
    let of_test = scan(&test, "objects", BoxFormat::Xywh).unwrap();
    let both = survey.objects_of_class.iter().zip(&of_test.survey().objects_of_class);
    assert_eq!(both.map(|(a, b)| a + b).collect::<Vec<_>>(), [4153, 372, 361]);
    let error = scan(&rows, "objects", BoxFormat::Xyxy).unwrap_err().to_string();
    assert!(
        error.contains("do not lie in their pictures as xyxy; as xywh"),
        "{error}"
    );
}

/// Two files whose classes of boxes have the same names in another order: numbers of one would mean the other's.
#[test]
fn files_with_other_class_names_of_objects_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let cx = context();
    let rows = open("sequence");
    let all: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
    let batch = cx.block_on(rows.take(&cx, &all)).unwrap();
    let write = |name: &str, names: [&str; 3]| {
        let features = serde_json::json!({"info": {"features": {"objects": {"feature": {"category": {"names": names, "_type": "ClassLabel"}}, "_type": "Sequence"}}}});
        let metadata = [("huggingface".to_owned(), features.to_string())].into();
        let schema = batch.schema().as_ref().clone().with_metadata(metadata);
        let path = place.path().join(name);
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), Arc::new(schema.clone()), None).unwrap();
        let rows = RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec());
        writer.write(&rows.unwrap()).unwrap();
        writer.close().unwrap();
    };
    write("a.parquet", ["cat", "dog", "owl"]);
    write("b.parquet", ["cat", "dog", "owl"]);
    let all = place.path().join("*.parquet").display().to_string();
    let read = || {
        let rows = cx.block_on(Parquet::open(&cx, all.as_str()))?;
        scan(&rows, "objects", BoxFormat::Xywh)
    };
    assert_eq!(read().unwrap().names(), ["cat", "dog", "owl"]);
    write("b.parquet", ["dog", "cat", "owl"]);
    let error = read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error
            .to_string()
            .contains("column \"objects\" has other class names inside than in"),
        "{error}"
    );
}
