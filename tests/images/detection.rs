//! Figures of detectors and segmentations, and non-maximum suppression, against pycocotools, torchvision and NumPy
//! (`tests/scripts/make_detection.py`).

use millstream::boxes::{Kept, Nms, Suppression};
use millstream::report::{
    ClassCounts, DetectionFigures, Emitted, FoundBox, Measured, RunFigures, SegmentationFigures, TrueBox,
};
use serde_json::Value;

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/detection.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn numbers(value: &Value) -> Vec<Option<f64>> {
    list(value).iter().map(Value::as_f64).collect()
}

fn corners(value: &Value) -> [f64; 4] {
    let corners: Vec<f64> = numbers(value).into_iter().flatten().collect();
    corners.try_into().unwrap()
}

fn class(value: &Value) -> u32 {
    value["class"].as_u64().unwrap() as u32
}

fn figures_of(case: &Value) -> DetectionFigures {
    let at_most: Vec<usize> = numbers(&case["at_most"])
        .into_iter()
        .flatten()
        .map(|most| most as usize)
        .collect();
    let mut figures = DetectionFigures::new(case["classes"].as_u64().unwrap() as usize)
        .with_at_most(at_most.try_into().unwrap())
        .unwrap();
    for picture in list(&case["pictures"]) {
        let truth = list(&picture["truth"]).iter().map(|object| TrueBox {
            corners: corners(&object["box"]),
            class: class(object),
            area: object["area"].as_f64(),
            crowd: object["crowd"].as_bool().unwrap(),
            difficult: false,
        });
        let found = list(&picture["found"]).iter().map(|found| FoundBox {
            corners: corners(&found["box"]),
            class: class(found),
            score: found["score"].as_f64().unwrap(),
        });
        figures
            .add(&truth.collect::<Vec<_>>(), &found.collect::<Vec<_>>())
            .unwrap();
    }
    figures
}

#[track_caller]
fn same(name: &str, value: Option<f64>, expected: Option<f64>) {
    let close = match (value, expected) {
        (Some(value), Some(expected)) => (value - expected).abs() < 1e-6,
        (None, None) => true,
        _ => false,
    };
    assert!(close, "{name}: {value:?}, but {expected:?} is expected");
}

fn same_figures(name: &str, measured: &Measured, expected: &Value) {
    for (figure, expected) in expected.as_object().unwrap() {
        assert!(measured.figures.get(figure).is_some(), "{name} has no {figure}");
        same(&format!("{name}, {figure}"), measured.value(figure), expected.as_f64());
    }
    assert_eq!(measured.figures.len(), expected.as_object().unwrap().len());
}

fn same_of_classes(name: &str, measured: &Measured, figure: &str, expected: &Value) {
    let own = measured.by_class.get(figure).unwrap();
    let expected = numbers(expected);
    assert_eq!(own.len(), expected.len());
    for (class, (own, expected)) in own.iter().zip(expected).enumerate() {
        same(&format!("{name}, {figure} of class {class}"), own.value, expected);
    }
}

#[test]
fn figures_are_those_of_pycocotools() {
    let fixture = fixture();
    let cases = list(&fixture["evaluation"]);
    assert_eq!(cases.len(), 12);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let figures = figures_of(case);
        let measured = figures.measured();
        same_figures(name, &measured, &case["figures"]);
        for figure in ["average_precision", "ap50", "average_recall"] {
            same_of_classes(name, &measured, figure, &case[figure]);
        }
        let by_iou = measured.details["map_by_iou"].as_object().unwrap();
        assert_eq!(by_iou.keys().next().unwrap(), "0.50");
        for ((iou, value), expected) in by_iou.iter().zip(numbers(&case["map_by_iou"])) {
            same(&format!("{name}, mAP at {iou}"), value.as_f64(), expected);
        }
        let curves = measured.precision_recall.as_ref().unwrap();
        for (class, expected) in list(&case["precision"]).iter().enumerate() {
            let own = figures.precisions(class);
            for (at, expected) in [0, 5].into_iter().zip(list(expected)) {
                for (recall, expected) in numbers(expected).into_iter().enumerate() {
                    // -1 where there are no objects.
                    let expected = expected.filter(|&precision| precision >= 0.0);
                    let value = own.as_ref().map(|own| own[at][recall]);
                    same(
                        &format!("{name}, precision of class {class} at recall {recall}"),
                        value,
                        expected,
                    );
                }
            }
            let drawn = own.map(|own| own[0].iter().map(|&precision| precision as f32).collect::<Vec<_>>());
            assert_eq!(drawn, curves.classes[class]);
        }
    }
}

#[test]
fn what_was_measured_comes_back_from_json() {
    let fixture = fixture();
    let measured = figures_of(&list(&fixture["evaluation"])[0]).measured();
    assert_eq!(measured.chooses, "map");
    let figure = measured.figures.get("map").unwrap();
    let (value, error) = (figure.value.unwrap(), figure.standard_error.unwrap());
    assert!(error > 0.01 && error < value, "{error}");
    // The same bits each time.
    assert_eq!(figures_of(&list(&fixture["evaluation"])[0]).measured(), measured);
    let classes = ["a", "b", "c"].map(str::to_owned);
    let counts = ClassCounts {
        before: 9,
        emitted: Emitted {
            augmented: 7,
            ..Emitted::default()
        },
    };
    let run = RunFigures::new("detect", &classes, &[counts; 3], measured, 1.0).unwrap();
    let json = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<RunFigures>(&json).unwrap(), run);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["map"].as_f64(), Some(value));
    assert!(json["average_precisions"]["b"].is_number());
    let table = run.to_table().to_string();
    // What is counted in training are boxes, and what is measured on are pictures.
    let mut heads = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (over, under) = (heads.next().unwrap(), heads.next().unwrap());
    assert_eq!(over[..4], ["real", "augmented", "synthetic", "tested"], "{table}");
    assert_eq!(
        under[..6],
        ["class", "boxes", "boxes", "boxes", "boxes", "pictures"],
        "{table}"
    );
    assert!(
        table.contains("AP50") && table.contains(&format!("{:.3}", json["average_precisions"]["b"].as_f64().unwrap())),
        "{table}"
    );
}

#[test]
fn standard_errors_are_those_of_other_pictures() {
    // Twenty pictures with an object each, of which fourteen are found: a share.
    let mut figures = DetectionFigures::new(1);
    for picture in 0..20 {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let truth = TrueBox {
            corners,
            class: 0,
            area: None,
            crowd: false,
            difficult: false,
        };
        let found = FoundBox {
            corners,
            class: 0,
            score: 0.5,
        };
        figures
            .add(
                &[truth],
                if picture < 14 {
                    std::slice::from_ref(&found)
                } else {
                    &[]
                },
            )
            .unwrap();
    }
    let measured = figures.measured();
    let error = measured.figures.get("mar100").unwrap().standard_error.unwrap();
    let share = (0.7_f64 * 0.3 / 20.0).sqrt();
    assert!((error / share - 1.0).abs() < 0.15, "{error} beside {share}");
    assert_eq!(
        (measured.rows, measured.tested, measured.details["objects"][0].as_u64()),
        (20, vec![20], Some(20))
    );
}

#[test]
fn boxes_that_mean_nothing_are_refused() {
    let truth = TrueBox {
        corners: [0.0, 0.0, 1.0, 1.0],
        class: 0,
        area: None,
        crowd: false,
        difficult: false,
    };
    let found = FoundBox {
        corners: [0.0, 0.0, 1.0, 1.0],
        class: 0,
        score: 0.5,
    };
    let mut figures = DetectionFigures::new(1);
    let error = figures.add(&[TrueBox { class: 1, ..truth }], &[]).unwrap_err();
    assert_eq!(error.to_string(), "a box is of class 1, and there are 1 classes");
    assert!(
        figures
            .add(
                &[TrueBox {
                    area: Some(f64::NAN),
                    ..truth
                }],
                &[]
            )
            .is_err()
    );
    assert!(
        figures
            .add(
                &[truth],
                &[FoundBox {
                    score: f64::NAN,
                    ..found
                }]
            )
            .is_err()
    );
    assert!(
        figures
            .add(
                &[truth],
                &[FoundBox {
                    corners: [0.0, 0.0, f64::INFINITY, 1.0],
                    ..found
                }]
            )
            .is_err()
    );
    assert_eq!(figures.pictures(), 0);
    assert_eq!(figures.measured().score(), None);
    assert!(DetectionFigures::new(1).with_at_most([1, 1, 5]).is_err());
    figures.add(&[truth], &[found]).unwrap();
    assert!(figures.with_at_most([1, 2, 5]).is_err());
}

#[test]
fn segmentations_are_measured_as_numpy_does() {
    let fixture = fixture();
    let case = &fixture["segmentation"];
    let pixels = |value: &Value| {
        list(value)
            .iter()
            .map(|class| class.as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let mut figures = SegmentationFigures::new(case["classes"].as_u64().unwrap() as usize, case["ignored"].as_i64());
    for picture in list(&case["pictures"]) {
        figures
            .add(pixels(&picture["truth"]), pixels(&picture["predicted"]))
            .unwrap();
    }
    let measured = figures.measured();
    same_figures("segmentation", &measured, &case["figures"]);
    same_of_classes("segmentation", &measured, "iou", &case["iou"]);
    same_of_classes("segmentation", &measured, "accuracy", &case["accuracy"]);
}

#[test]
fn suppression_keeps_what_torchvision_and_numpy_keep() {
    let fixture = fixture();
    for case in list(&fixture["suppression"]) {
        let boxes: Vec<[f32; 4]> = list(&case["boxes"])
            .iter()
            .map(|value| corners(value).map(|side| side as f32))
            .collect();
        let scores: Vec<f32> = numbers(&case["scores"])
            .into_iter()
            .flatten()
            .map(|score| score as f32)
            .collect();
        let classes: Vec<u32> = numbers(&case["classes"])
            .into_iter()
            .flatten()
            .map(|class| class as u32)
            .collect();
        let indices = |nms: Nms| -> Vec<usize> {
            let kept = nms.run(&boxes, &scores, &classes).unwrap();
            kept.iter().map(|kept| kept.index).collect()
        };
        let expected = |value: &Value| {
            numbers(value)
                .into_iter()
                .flatten()
                .map(|index| index as usize)
                .collect::<Vec<_>>()
        };
        let across = Nms {
            across_classes: true,
            ..Nms::hard(0.5)
        };
        assert_eq!(indices(across), expected(&case["hard"]));
        assert_eq!(indices(Nms::hard(0.5)), expected(&case["hard_by_class"]));
        for (nms, expected) in [
            (Nms::linear(0.3), &case["linear"]),
            (Nms::gaussian(0.5), &case["gaussian"]),
        ] {
            let mut kept = Nms { min_score: 0.05, ..nms }.run(&boxes, &scores, &classes).unwrap();
            assert!(kept.windows(2).all(|pair| pair[0].score >= pair[1].score));
            kept.sort_by_key(|kept| kept.index);
            let mut expected: Vec<Kept> = list(expected)
                .iter()
                .map(|kept| Kept {
                    index: kept[0].as_u64().unwrap() as usize,
                    score: kept[1].as_f64().unwrap() as f32,
                })
                .collect();
            expected.sort_by_key(|kept| kept.index);
            assert_eq!(kept.len(), expected.len());
            for (kept, expected) in kept.iter().zip(expected) {
                assert_eq!(kept.index, expected.index);
                assert!((kept.score - expected.score).abs() < 1e-6, "{kept:?} {expected:?}");
            }
        }
    }
}

#[test]
fn suppression_is_written_and_read() {
    let nms: Nms =
        serde_json::from_str(r#"{ "suppression": { "gaussian": { "sigma": 0.5 } }, "at_most": 20 }"#).unwrap();
    assert_eq!(
        nms,
        Nms {
            at_most: 20,
            ..Nms::gaussian(0.5)
        }
    );
    assert_eq!(Nms::default().suppression, Suppression::Hard { iou: 0.6 });
    assert_eq!(
        serde_json::from_str::<Nms>(&serde_json::to_string(&nms).unwrap()).unwrap(),
        nms
    );
}
