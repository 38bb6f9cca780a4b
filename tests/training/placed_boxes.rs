//! Boxes as they lie in their pictures: their formats, crowds, difficult objects, and the figures beside COCO's.
#![cfg(feature = "train")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int64Type};
use common::context;
use millstream::dataset::Origin;
use millstream::error::{ErrorKind, Remedy};
use millstream::image::{Boxes, CopyPaste, Crop, Operation, Pixels};
use millstream::mix::Target;
use millstream::report::{DetectionFigures, FoundBox, Report, TrueBox};
use millstream::rows::BoxFormat;
use millstream::spec::Named;
use millstream::task::{Detect, Evaluate, Finetune, Predict, Preview, Strategy};
use millstream::{Dataset, Result, Stable};
use parquet::arrow::ArrowWriter;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");
const SIZE: (u32, u32) = (160, 120);

/// An object: corners in pixels, and its class.
type Object = ([f32; 4], i64);

/// A picture of grey with its objects: those of class 0 bright, those of class 1 dark.
fn picture(objects: &[Object]) -> Vec<u8> {
    let mut pixels = Pixels::new(SIZE.0, SIZE.1);
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((at as u32 % SIZE.0) as f32, (at as u32 / SIZE.0) as f32);
        let inside = |&&([left, top, right, bottom], _): &&Object| x >= left && x < right && y >= top && y < bottom;
        let texture = ((at * 7) % 16) as u8;
        pixel.fill(texture + [230, 0, 110][objects.iter().find(inside).map_or(2, |(_, class)| *class as usize)]);
    }
    pixels.to_png().unwrap()
}

/// Two or three objects in each picture: a square of 20 pixels, small to COCO, one of 50, which is medium, and in each second picture a large one
/// of 100 x 110.
fn objects(rows: usize) -> Vec<Vec<Object>> {
    let row = |row: usize| {
        let at = (row * 5 % 20) as f32;
        let mut objects = vec![
            ([at, 90.0, at + 20.0, 110.0], (row % 2) as i64),
            ([at, 5.0, at + 50.0, 55.0], ((row / 2) % 2) as i64),
        ];
        if row % 2 == 1 {
            objects.push(([58.0, 5.0 + at / 4.0, 158.0, 115.0 + at / 4.0], (row % 3 % 2) as i64));
        }
        objects
    };
    (0..rows).map(row).collect()
}

fn list(rows: &[Vec<Object>], values: ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    Arc::new(ListArray::new(item, offsets, values, None))
}

/// The column of `rows`, with other fields of a value for each object.
fn column(rows: &[Vec<Object>], format: BoxFormat, others: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let all = || rows.iter().flatten();
    let numbers = all().flat_map(|(corners, _)| format.from_xyxy(*corners, SIZE));
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(Float32Array::from_iter_values(numbers)), None);
    let names = all().map(|(_, class)| ["bright", "dark"][*class as usize]);
    let names = StringArray::from_iter_values(names.collect::<Vec<_>>());
    let fields = vec![
        ("bbox", list(rows, Arc::new(boxes))),
        ("category", list(rows, Arc::new(names))),
    ];
    let others = others.into_iter().map(|(name, values)| (name, list(rows, values)));
    let fields = fields.into_iter().chain(others);
    let fields = fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    Arc::new(StructArray::from(fields.collect::<Vec<_>>()))
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn pictures(rows: &[Vec<Object>]) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(picture(row))).collect::<BinaryArray>())
}

fn run(train: &str, out: &Path, format: BoxFormat) -> Finetune {
    let task = Detect {
        boxes: format,
        ..Detect::default()
    };
    let mut run = Finetune::default()
        .train([train])
        .valid([train])
        .task(task)
        .backbone(BACKBONE)
        .size(80)
        .height(60)
        .crop(Crop::Whole)
        .operations(Vec::<Named<dyn Operation>>::new())
        .views(2)
        .batch_size(8)
        .epochs(12)
        .out(out);
    run.spec.train.learning_rate = Some(1e-2);
    run
}

fn refused(columns: Vec<(&str, ArrayRef)>, format: BoxFormat) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir.path().join("x.parquet"), columns);
    let out = dir.path().join("out");
    let error = run(&file, &out, format).run(&context(), &mut |_| ()).unwrap_err();
    assert!(!out.exists(), "{error}");
    error.to_string().replace(&file, "x.parquet")
}

/// The figures of the boxes that `model` finds in `file`, by objects that are given here.
fn reference(model: &Path, file: &str, format: BoxFormat, truth: &[Vec<TrueBox>]) -> millstream::report::Measured {
    let rows = Predict::new(model, [file]).run(&context(), &mut |_, _| ()).unwrap();
    let found = rows["objects"].as_struct();
    let field = |name: &str| found.column_by_name(name).unwrap().as_list::<i32>().clone();
    let (boxes, classes, scores) = (field("bbox"), field("category"), field("score"));
    let mut figures = DetectionFigures::new(2);
    for (row, truth) in truth.iter().enumerate() {
        let (boxes, classes, scores) = (boxes.value(row), classes.value(row), scores.value(row));
        let found = (0..classes.len()).map(|at| {
            let numbers = boxes.as_fixed_size_list().value(at);
            let numbers: [f32; 4] = numbers.as_primitive::<Float32Type>().values()[..].try_into().unwrap();
            FoundBox {
                corners: format.to_xyxy(numbers, SIZE).map(f64::from),
                class: classes.as_primitive::<Int64Type>().value(at) as u32,
                score: scores.as_primitive::<Float32Type>().value(at).into(),
            }
        });
        figures.add(truth, &found.collect::<Vec<_>>()).unwrap();
    }
    figures.measured()
}

const FIGURES: [&str; 11] = [
    "map",
    "map50",
    "map75",
    "map_small",
    "map_medium",
    "map_large",
    "mar1",
    "mar100",
    "mar_small",
    "mar_medium",
    "mar_large",
];

fn agree(name: &str, report: &Report, expected: &millstream::report::Measured) {
    for figure in FIGURES {
        let (found, expected) = (report.figures.value(figure), expected.value(figure));
        match found.zip(expected) {
            Some((found, expected)) => assert!(
                (found - expected).abs() < 1e-9,
                "{name} {figure}: {found}, not {expected}"
            ),
            None => assert_eq!(found, expected, "{name} {figure}"),
        }
    }
}

#[test]
fn sizes_of_objects_are_those_of_pixels_and_boxes_that_reach_out_are_measured_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = objects(24);
    // Some reach out of their picture, and one lies beside it.
    for row in [0, 5, 9] {
        rows[row][1].0 = [-30.0, 5.0, 40.0, 55.0];
    }
    rows[2].push(([200.0, 20.0, 230.0, 50.0], 0));
    let truth: Vec<Vec<TrueBox>> = (rows.iter())
        .map(|row| {
            let object = |(corners, class): &Object| TrueBox {
                corners: corners.map(f64::from),
                class: *class as u32,
                area: None,
                crowd: false,
                difficult: false,
            };
            row.iter().map(object).collect()
        })
        .collect();
    for format in [BoxFormat::Xywh, BoxFormat::CxcywhNormalized] {
        let name = format.to_string();
        let columns = vec![
            ("image", pictures(&rows)),
            ("objects", column(&rows, format, Vec::new())),
        ];
        let file = write(&dir.path().join(format!("{name}.parquet")), columns);
        let out = dir.path().join(&name);
        let report = run(&file, &out, format).run(&context(), &mut |_| ()).unwrap();
        let note = "4 of 61 boxes in \"objects\" reach out of the picture by more than a pixel";
        assert!(report.notes.iter().any(|own| own == note), "{:?}", report.notes);
        let expected = reference(&out, &file, format, &truth);
        // There is something to compare.
        let recall = |size: &str| expected.value(&format!("mar_{size}"));
        assert!(
            recall("medium") > Some(0.0) || recall("large") > Some(0.0),
            "{expected:?}"
        );
        assert!(recall("small").is_some(), "{expected:?}");
        agree(&name, &report, &expected);
        let evaluated = Evaluate::new(Predict::new(&out, [file]));
        agree(&name, &evaluated.run(&context(), &mut |_, _| ()).unwrap(), &expected);
    }
}

#[test]
fn crowds_are_measured_and_not_learnt_and_difficult_objects_are_learnt_and_not_measured() {
    let dir = tempfile::tempdir().unwrap();
    let rows = objects(16);
    let all = || rows.iter().flatten().enumerate();
    let crowd = |at: usize| at.is_multiple_of(4);
    let difficult = |at: usize| at % 5 == 1;
    let areas = Float32Array::from_iter_values(all().map(|(at, _)| 100.0 * at as f32));
    let columns = vec![
        ("image", pictures(&rows)),
        (
            "objects",
            column(
                &rows,
                BoxFormat::Xywh,
                vec![
                    ("area", Arc::new(areas) as ArrayRef),
                    (
                        "iscrowd",
                        Arc::new(Int64Array::from_iter_values(all().map(|(at, _)| crowd(at).into()))),
                    ),
                    (
                        "difficult",
                        Arc::new(BooleanArray::from_iter(all().map(|(at, _)| Some(difficult(at))))),
                    ),
                ],
            ),
        ),
    ];
    let file = write(&dir.path().join("x.parquet"), columns);
    let out = dir.path().join("out");
    let own = run(&file, &out, BoxFormat::Xywh);
    let report = own.run(&context(), &mut |_| ()).unwrap();
    let note = "10 of 40 boxes in \"objects\" stand for a crowd: left out of training and of all counts, and no error where it is found, as COCO has it; \
                6 of 40 boxes in \"objects\" are difficult: left out of the figures, as Pascal VOC has it, but not of training";
    assert!(report.notes.iter().any(|own| own == note), "{:?}", report.notes);
    // Counts are of what is learnt.
    let mut expected = [0; 2];
    all()
        .filter(|(at, _)| !crowd(*at))
        .for_each(|(_, (_, class))| expected[*class as usize] += 1);
    let counts: Vec<u64> = report.figures.counts.iter().map(|(_, counts)| counts.before).collect();
    assert_eq!(counts, expected);
    // What is trained on has no crowd.
    let cx = context();
    let datasets = own.datasets(&cx).unwrap();
    let train = cx
        .block_on(datasets.train.take(&cx, &(0..16).collect::<Vec<_>>()))
        .unwrap();
    let boxes = train["objects.bbox"].as_list::<i32>();
    let learnt: Vec<usize> = (0..16).map(|row| boxes.value(row).len()).collect();
    let mut at = 0;
    let kept = rows.iter().map(|row| {
        at += row.len();
        (at - row.len()..at).filter(|&object| !crowd(object)).count()
    });
    assert_eq!(learnt, kept.collect::<Vec<_>>());
    // All of it is beside that, whether it is read by rows or as a column.
    for column in [
        Arc::clone(&train["stored_objects"]),
        cx.block_on(datasets.train.column(&cx, "stored_objects")).unwrap(),
    ] {
        let stored = column.as_list::<i32>();
        let numbers = Arc::clone(stored.values().as_fixed_size_list().values());
        let numbers = numbers.as_primitive::<Float64Type>().values().to_vec();
        let expected = all().flat_map(|(at, (corners, class))| {
            let [left, top, right, bottom] = corners.map(f64::from);
            let mark = |mark: bool| f64::from(u8::from(mark));
            [
                left,
                top,
                right,
                bottom,
                *class as f64,
                100.0 * at as f64,
                mark(crowd(at)),
                mark(difficult(at)),
            ]
        });
        assert_eq!(numbers, expected.collect::<Vec<_>>());
    }
    let classes = cx.block_on(datasets.train.column(&cx, "objects.category")).unwrap();
    assert_eq!(&classes, &train["objects.category"]);
    // The figures are those of objects that are told apart by hand.
    let mut at = 0;
    let truth = rows.iter().map(|row| {
        let object = |(corners, class): &Object| {
            at += 1;
            TrueBox {
                corners: corners.map(f64::from),
                class: *class as u32,
                area: Some(100.0 * (at - 1) as f64),
                crowd: crowd(at - 1),
                difficult: difficult(at - 1),
            }
        };
        row.iter().map(object).collect()
    });
    let truth: Vec<Vec<TrueBox>> = truth.collect();
    let expected = reference(&out, &file, BoxFormat::Xywh, &truth);
    assert!(expected.value("mar100").unwrap() > 0.0, "{expected:?}");
    agree("run", &report, &expected);
    let evaluated = Evaluate::new(Predict::new(&out, [file]));
    agree("evaluation", &evaluated.run(&cx, &mut |_, _| ()).unwrap(), &expected);
}

#[test]
fn a_wrong_format_is_told_by_the_pictures_themselves() {
    let rows = objects(12);
    let of = |stored: BoxFormat| {
        vec![
            ("image", pictures(&rows)),
            ("objects", column(&rows, stored, Vec::new())),
        ]
    };
    for (stored, named, part) in [
        (
            BoxFormat::Xyxy,
            BoxFormat::Xywh,
            "do not lie in their pictures as xywh; as xyxy 0 do not: name that format",
        ),
        (
            BoxFormat::Xywh,
            BoxFormat::Xyxy,
            "do not lie in their pictures as xyxy; as xywh 0 do not: name that format",
        ),
        (
            BoxFormat::XyxyNormalized,
            BoxFormat::Xyxy,
            "30 of 30 boxes do not lie in their pictures as xyxy; as xyxy_normalized 0 do not",
        ),
        (
            BoxFormat::Xywh,
            BoxFormat::XywhNormalized,
            "30 of 30 boxes do not lie in their pictures as xywh_normalized; as xywh 0 do not",
        ),
    ] {
        let error = refused(of(stored), named);
        assert!(
            error.contains(": column \"objects\": ") && error.contains(part),
            "{error}"
        );
    }
    // Boxes of numbers up to 1000.
    let thousand: Vec<Vec<Object>> = (rows.iter())
        .map(|row| {
            let scaled = |(corners, class): &Object| {
                let [left, top, right, bottom] = *corners;
                let (across, down) = (1000.0 / SIZE.0 as f32, 1000.0 / SIZE.1 as f32);
                ([left * across, top * down, right * across, bottom * down], *class)
            };
            row.iter().map(scaled).collect()
        })
        .collect();
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", column(&thousand, BoxFormat::Xywh, Vec::new())),
    ];
    let error = refused(columns, BoxFormat::Xywh);
    assert!(
        error.contains("18 of 30 boxes lie outside their pictures as xywh, and in no other format they fit")
            && error.ends_with("Divided by that they fit as xywh_normalized"),
        "{error}"
    );
    // What an evaluation is given is checked alike.
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir.path().join("good.parquet"), of(BoxFormat::Xywh));
    let out = dir.path().join("out");
    run(&file, &out, BoxFormat::Xywh)
        .epochs(1)
        .run(&context(), &mut |_| ())
        .unwrap();
    let wrong = write(&dir.path().join("wrong.parquet"), of(BoxFormat::Xyxy));
    let error = Evaluate::new(Predict::new(&out, [wrong]))
        .run(&context(), &mut |_, _| ())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("as xywh; as xyxy 0 do not: name that format"),
        "{error}"
    );
}

#[test]
fn stated_sizes_have_to_be_those_of_the_pictures() {
    let rows = objects(12);
    let sizes = |first: i64, others: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            (0..12).map(|row| if row == 0 { first } else { others }),
        ))
    };
    let of = |width: ArrayRef, height: ArrayRef| {
        vec![
            ("image", pictures(&rows)),
            ("objects", column(&rows, BoxFormat::Xywh, Vec::new())),
            ("width", width),
            ("height", height),
        ]
    };
    let error = refused(of(sizes(160, 10), sizes(120, 10)), BoxFormat::Xywh);
    assert_eq!(
        error,
        "row 1 of row group 0 in x.parquet: the columns width and height say 10 x 10, and the picture has 160 x 120 pixels; 11 rows are so: \
         mend these columns, or leave them out"
    );
    // Sides that are exchanged, where nothing turns the pictures.
    let error = refused(of(sizes(120, 120), sizes(160, 160)), BoxFormat::Xywh);
    assert_eq!(
        error,
        "row 0 of row group 0 in x.parquet: the columns width and height say 120 x 160, and the picture has 160 x 120 pixels; 12 rows are so: \
         mend these columns, or leave them out"
    );
    // What is unknown is no contradiction.
    let dir = tempfile::tempdir().unwrap();
    let unknown: ArrayRef = Arc::new(Int64Array::from_iter((0..12).map(|row| (row > 3).then_some(160))));
    let file = write(&dir.path().join("x.parquet"), of(unknown, sizes(0, 120)));
    let good = run(&file, &dir.path().join("out"), BoxFormat::Xywh).datasets(&context());
    assert!(good.is_ok(), "{good:?}");
}

/// A picture of grey, whose orientation says that it is to be turned by a quarter.
fn lying() -> Vec<u8> {
    let (width, height) = (SIZE.0 as u16, SIZE.1 as u16);
    let pixels = vec![110; usize::from(width) * usize::from(height)];
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 90)
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Luma)
        .unwrap();
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let mut segment = vec![0xff, 0xe1];
    segment.extend(((exif.len() + 2) as u16).to_be_bytes());
    segment.append(&mut exif);
    jpeg.splice(2..2, segment);
    jpeg
}

#[test]
fn boxes_of_the_stored_picture_are_not_learnt_on_the_upright_one() {
    let rows = objects(12);
    let dir = tempfile::tempdir().unwrap();
    let data = |(width, height): (u32, u32)| {
        let side = |side: u32| -> ArrayRef { Arc::new(Int64Array::from(vec![i64::from(side); 12])) };
        let pictures: ArrayRef = Arc::new((0..12).map(|_| Some(lying())).collect::<BinaryArray>());
        let columns = vec![
            ("image", pictures),
            ("objects", column(&rows, BoxFormat::Xywh, Vec::new())),
            ("width", side(width)),
            ("height", side(height)),
        ];
        write(&dir.path().join(format!("{width}.parquet")), columns)
    };
    let (stored, upright) = (data(SIZE), data((SIZE.1, SIZE.0)));
    let of = |file: &str, upright: bool| {
        let mut run = run(file, &dir.path().join("out"), BoxFormat::Xywh);
        run.spec.data.reading.upright = upright;
        run.datasets(&context()).map(|_| ())
    };
    let error = of(&stored, true).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::Orientation));
    assert_eq!(
        error.to_string().replace(&stored, "x.parquet"),
        "row 0 of row group 0 in x.parquet: its EXIF orientation turns the picture from 160 x 120 to 120 x 160 pixels, and the columns width \
         and height say 160 x 120, so that the boxes are those of the picture as it is stored; 12 rows are so: read pictures as they are \
         stored (`reading.upright` = false), or, where the boxes are those of the upright pictures, mend these columns"
    );
    of(&stored, false).unwrap();
    let error = of(&upright, false).unwrap_err().to_string();
    assert!(
        error.contains("say 120 x 160, the size of the picture as its EXIF orientation turns it")
            && error.contains("read pictures upright (`reading.upright` = true)"),
        "{error}"
    );
}

/// Rows whose classes are stored as whole numbers without names.
fn numbered(rows: &[Vec<Object>], first: i64) -> ArrayRef {
    let objects = column(rows, BoxFormat::Xywh, Vec::new());
    let objects = objects.as_struct();
    let classes = rows.iter().flatten().map(|(_, class)| class + first);
    let fields = [
        ("bbox", Arc::clone(objects.column(0))),
        ("category", list(rows, Arc::new(Int64Array::from_iter_values(classes)))),
    ];
    let fields = fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    Arc::new(StructArray::from(fields.to_vec()))
}

#[test]
fn whole_numbers_are_not_matched_to_texts() {
    let (rows, dir) = (objects(12), tempfile::tempdir().unwrap());
    let data = |name: &str, objects: ArrayRef| {
        let columns = vec![("image", pictures(&rows)), ("objects", objects)];
        write(&dir.path().join(name), columns)
    };
    let texts = data("texts.parquet", column(&rows, BoxFormat::Xywh, Vec::new()));
    let numbers = data("numbers.parquet", numbered(&rows, 0));
    let out = dir.path().join("out");
    let of = |train: &str, valid: &str| run(train, &out, BoxFormat::Xywh).valid([valid]).datasets(&context());
    let error = of(&texts, &numbers).unwrap_err().to_string();
    assert_eq!(
        error.replace(&numbers, "x.parquet"),
        "row 0 of row group 0 in x.parquet: column \"objects\": the classes are whole numbers without names, and in the training rows they are \
         texts (\"bright\", \"dark\"), so that nothing tells which number is which text: store the same texts in both, or numbers with their \
         names (a ClassLabel) in both"
    );
    of(&numbers, &numbers).unwrap();
    // A class that is a negative number is learnt, and said.
    let negative = data("negative.parquet", numbered(&rows, -1));
    let notes = of(&negative, &negative).unwrap().notes;
    let said = "class \"-1\" in column \"objects\", of";
    assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
    // A model knows no more than the names of its classes: how they are matched is said.
    run(&texts, &out, BoxFormat::Xywh)
        .epochs(1)
        .run(&context(), &mut |_| ())
        .unwrap();
    let report = Evaluate::new(Predict::new(&out, [numbers]))
        .run(&context(), &mut |_, _| ())
        .unwrap();
    let said = "classes in \"objects\": whole numbers without names are read as the numbers of the known classes: 0 is \"bright\", 1 is \"dark\"";
    assert!(
        report.notes.iter().any(|note| note.contains(said)),
        "{:?}",
        report.notes
    );
}

#[test]
fn fields_of_objects_that_mean_nothing_are_refused_or_missing() {
    let rows = objects(12);
    let many = rows.iter().map(Vec::len).sum::<usize>();
    let of = |name: &'static str, values: ArrayRef| {
        let objects = column(&rows, BoxFormat::Xywh, vec![(name, values)]);
        vec![("image", pictures(&rows)), ("objects", objects)]
    };
    let areas = |value: f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(
            (0..many).map(|at| if at == 3 { value } else { 9.0 }),
        ))
    };
    for (value, said) in [(-5.0, "-5"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let error = refused(of("area", areas(value)), BoxFormat::Xywh);
        assert!(error.starts_with("row 1 of row group 0 in x.parquet: "), "{error}");
        assert!(
            error.ends_with(&format!(
                "the area of an object is {said}, and has to be 0 or more square pixels"
            )),
            "{error}"
        );
    }
    for name in ["area", "iscrowd"] {
        let words: ArrayRef = Arc::new(StringArray::from(vec!["0"; many]));
        let error = refused(of(name, words), BoxFormat::Xywh);
        assert!(
            error.contains(&format!("has \"{name}\" of type Utf8"))
                && error.ends_with("which is no number: store numbers, or leave the field out"),
            "{error}"
        );
    }
    let all_crowds: ArrayRef = Arc::new(Int64Array::from(vec![1; many]));
    assert_eq!(
        refused(of("iscrowd", all_crowds), BoxFormat::Xywh),
        "x.parquet: every box stands for a crowd (iscrowd), and these are not learnt, so there is nothing to learn"
    );
    // One that is null is refused, and a field of nothing else is none.
    let some: ArrayRef = Arc::new(Int64Array::from_iter((0..many).map(|at| (at != 3).then_some(0))));
    let error = refused(of("iscrowd", some), BoxFormat::Xywh);
    assert!(error.contains("row 1") && error.contains("null"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let cx = context();
    for (name, nulls) in [
        ("area", Arc::new(Float32Array::from(vec![None; many])) as ArrayRef),
        ("iscrowd", Arc::new(Int64Array::from(vec![None; many]))),
    ] {
        let file = write(&dir.path().join("x.parquet"), of(name, nulls));
        let datasets = run(&file, &dir.path().join("out"), BoxFormat::Xywh)
            .datasets(&cx)
            .unwrap();
        assert!(datasets.train.schema().index_of(&format!("objects.{name}")).is_err());
        let stored = cx.block_on(datasets.train.column(&cx, "stored_objects")).unwrap();
        let numbers = Arc::clone(stored.as_list::<i32>().values().as_fixed_size_list().values());
        let numbers = numbers.as_primitive::<Float64Type>().values().to_vec();
        assert!(numbers.chunks(8).all(|object| object[5].is_nan() && object[6] == 0.0));
    }
}

#[test]
fn boxes_of_which_none_can_be_learnt_are_the_reason() {
    let rows = objects(12);
    let five: ArrayRef = {
        let all = || rows.iter().flatten();
        let item = Arc::new(Field::new_list_field(DataType::Float32, true));
        let numbers = Float32Array::from_iter_values(all().flat_map(|([a, b, c, d], _)| [*a, *b, *c, *d, 30.0]));
        let boxes = list(
            &rows,
            Arc::new(FixedSizeListArray::new(item, 5, Arc::new(numbers), None)),
        );
        let classes = list(
            &rows,
            Arc::new(Int64Array::from_iter_values(all().map(|(_, class)| *class))),
        );
        let fields = [("bbox", boxes), ("category", classes)];
        let fields =
            fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
        Arc::new(StructArray::from(fields.to_vec()))
    };
    let dir = tempfile::tempdir().unwrap();
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; 12]));
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", five),
        ("a", Arc::clone(&ones)),
        ("b", ones),
    ];
    let file = write(&dir.path().join("x.parquet"), columns);
    let plain = run(&file, &dir.path().join("out"), BoxFormat::Xywh);
    let mut found = plain.clone();
    found.spec.task = None;
    for run in [
        found.clone(),
        found.label("objects"),
        plain.clone(),
        plain.label("objects"),
    ] {
        let error = run.run(&context(), &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        let error = error.to_string();
        assert!(error.contains("has boxes (\"bbox\") of type FixedSizeList"), "{error}");
        assert!(
            error.contains("oriented boxes") && error.contains("no task learns them"),
            "{error}"
        );
    }
}

#[test]
fn what_is_pasted_is_counted_and_in_the_words_of_a_preview() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    // A bright square in each picture, and a dark one in each fourth.
    let rows: Vec<Vec<Object>> = (0..16)
        .map(|row| {
            let at = (row % 8) as f32;
            let mut objects = vec![([at, at, at + 30.0, at + 30.0], 0)];
            if row % 4 == 0 {
                objects.push(([100.0, 60.0 + at, 130.0, 90.0 + at], 1));
            }
            objects
        })
        .collect();
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", column(&rows, BoxFormat::Xywh, Vec::new())),
    ];
    let file = write(&dir.path().join("x.parquet"), columns);
    let paste = json!([{ "copy_paste": { "classes": [1], "cover": 1.0, "most": 1, "window": 16 } }]);
    let operations: Vec<Named<dyn Operation>> = serde_json::from_value(paste).unwrap();
    let mut own = run(&file, &dir.path().join("out"), BoxFormat::Xywh)
        .operations(operations)
        .epochs(2)
        .unfreeze(1);
    own.spec.train.deep_epochs = 2;
    let cx = context();
    // Every batch of both parts of the run.
    let prepared = own.prepare(&cx, &mut |_| ())?;
    let head = own.feature_loader(&cx, &prepared, &own.spec.balance)?;
    let deep = own.image_loader(&cx, &prepared.datasets, &own.spec.balance)?;
    let mut expected = BTreeMap::<(i64, Origin), u64>::new();
    for loader in [head, deep] {
        for batch in loader.blocking()?.take(4) {
            let batch = batch?;
            let classes = batch.rows()["objects.category"].as_list::<i32>();
            for (row, trace) in batch.provenance().iter().enumerate() {
                for class in classes.value(row).as_primitive::<Int64Type>().values() {
                    *expected.entry((*class, trace.origin)).or_default() += 1;
                }
            }
        }
    }
    let report = own.run(&cx, &mut |_| ())?;
    let mut found = BTreeMap::new();
    for (class, (_, counts)) in (0..).zip(report.figures.counts.iter()) {
        let emitted = counts.emitted;
        for (origin, many) in [
            (Origin::Real, emitted.real),
            (Origin::Augmented, emitted.augmented),
            (Origin::Synthetic, emitted.synthetic),
        ] {
            if many > 0 {
                found.insert((class, origin), many);
            }
        }
    }
    assert_eq!(found, expected);
    // More dark ones than are stored: two epochs of each part have 4 each.
    let dark: u64 = (found.iter())
        .filter(|((class, _), _)| *class == 1)
        .map(|(_, many)| many)
        .sum();
    assert!(dark > 4 * 4, "{found:?}");
    let preview = Preview { run: own, phase: None };
    let samples = preview.open(&cx, &mut |_| ())?.samples(1, 16)?;
    let words: Vec<&str> = samples.groups[0]
        .samples
        .iter()
        .filter(|sample| sample.is_trained)
        .map(|sample| sample.target.as_str())
        .collect();
    assert!(words.iter().any(|words| words.ends_with("| 1 dark")), "{words:?}");
    let pasted = samples.groups[0].samples.iter().any(|sample| {
        // A stored row without a dark one, or one with two of them.
        let stored = &rows[sample.rows[0] as usize];
        sample.is_trained
            && sample.target.contains("dark")
            && sample.target != format!("1 bright | {} dark", stored.len() - 1)
    });
    assert!(pasted, "{words:?}");
    Ok(())
}

#[test]
fn what_has_no_effect_where_objects_are_pasted_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rows = objects(12);
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", column(&rows, BoxFormat::Xywh, Vec::new())),
    ];
    let file = write(&dir.path().join("x.parquet"), columns);
    let with = |paste: serde_json::Value| {
        let operations: Vec<Named<dyn Operation>> = serde_json::from_value(json!([{ "copy_paste": paste }])).unwrap();
        let run = run(&file, &dir.path().join("out"), BoxFormat::Xywh).operations(operations);
        let error = run.run(&context(), &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    };
    for class in [-1, 2] {
        let error = with(json!({ "classes": [class] }));
        assert!(
            error.contains(&format!("classes: {class} is none of the classes, which are 0 to 1")),
            "{error}"
        );
    }
    for paste in [
        json!({ "boxes": { "min_area": 4.0 } }),
        json!({ "classes": [1], "classes_in": "other" }),
    ] {
        let error = with(paste);
        assert!(error.contains("leave out boxes and classes_in"), "{error}");
    }
    let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy)
        .label_fields(&["objects.category"])
        .min_visibility(0.5);
    let cx = context();
    let images = {
        use millstream::DatasetExt;
        let datasets = run(&file, &dir.path().join("out"), BoxFormat::Xywh)
            .datasets(&cx)
            .unwrap();
        let image = millstream::image::Image::new(64).boxes(boxes.clone());
        datasets
            .train
            .image("image", image)
            .unwrap()
            .copy_paste("image", CopyPaste::new(boxes))
    };
    let error = images.unwrap_err().to_string();
    assert!(error.contains("min_visibility"), "{error}");
}

#[test]
fn weights_of_classes_say_which_one_is_that_of_rows_without_any() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = objects(12);
    rows[3] = Vec::new();
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", column(&rows, BoxFormat::Xywh, Vec::new())),
    ];
    let file = write(&dir.path().join("x.parquet"), columns);
    let balance = Strategy {
        target: Some(Target::Weights(vec![1.0; 2])),
        ..Strategy::default()
    };
    let run = run(&file, &dir.path().join("out"), BoxFormat::Xywh).balance(balance);
    let error = run.run(&context(), &mut |_| ()).unwrap_err().to_string();
    assert!(
        error.ends_with("2 weights for 3 classes: the last is \"(none)\", of the rows without any of the others"),
        "{error}"
    );
}

#[test]
fn scores_are_0_to_1() {
    let dir = tempfile::tempdir().unwrap();
    let rows = objects(12);
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", column(&rows, BoxFormat::Xywh, Vec::new())),
    ];
    let file = write(&dir.path().join("x.parquet"), columns);
    for score in [-0.1, 1.5, f32::NAN, f32::INFINITY] {
        let mut task = Detect::default();
        task.nms.min_score = score;
        let run = run(&file, &dir.path().join("out"), BoxFormat::Xywh).task(task);
        let error = run.run(&context(), &mut |_| ()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("min_score is {score}, and scores are 0 to 1")),
            "{error}"
        );
    }
}
