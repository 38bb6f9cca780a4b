//! The figures of each class by its name, in the JSON of reports.

use millstream::report::{
    ClassCounts, DetectionFigures, Emitted, Figure, FoundBox, Measured, Report, RunFigures, TrueBox,
};
use serde_json::{Value, json};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_detection_has_its_precisions_by_class() {
    let mut figures = DetectionFigures::new(2);
    let truth = TrueBox {
        corners: [0.0, 0.0, 40.0, 40.0],
        class: 0,
        area: None,
        crowd: false,
        difficult: false,
    };
    // Half as wide: right at a threshold of 0.5 alone, which is one of ten.
    let found = FoundBox {
        corners: [0.0, 0.0, 20.0, 40.0],
        class: 0,
        score: 0.9,
    };
    figures.add(&[truth], &[found]).unwrap();
    let run = RunFigures::evaluated("detect", &names(&["bus", "car"]), figures.measured(), 1.0).unwrap();
    let report = Report::new(run);
    let json: Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let bus = &json["per_class"]["bus"];
    let near = |value: &Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-9;
    assert!(near(&bus["ap"], 0.1) && near(&bus["ap50"], 1.0), "{bus}");
    assert!(near(&bus["ar"], 0.1), "{bus}");
    for (short, long) in [
        ("ap", "average_precisions"),
        ("ap50", "ap50s"),
        ("ar", "average_recalls"),
    ] {
        assert_eq!(bus[short], json[long]["bus"], "{short}");
    }
    let none = json!({"ap": null, "ap50": null, "ar": null});
    assert_eq!(json["per_class"]["car"], none, "of no object it is not defined");
    assert!(
        near(&json["map"], 0.1),
        "the other class has no objects: {}",
        json["map"]
    );
    let read: Report = serde_json::from_value(json).unwrap();
    assert_eq!(read.figures.value("map"), report.figures.value("map"));
}

#[test]
fn other_tasks_have_theirs() {
    let recalls = [Some(0.5), None].map(|recall| Figure::new(recall, None));
    let measured = Measured {
        tested: vec![4, 0],
        ..Measured::new(4, "accuracy")
            .with("accuracy", Figure::new(0.5, None))
            .with_classes("recall", recalls.to_vec())
    };
    let run = RunFigures::evaluated("classify", &names(&["a", "b"]), measured, 1.0).unwrap();
    let json = serde_json::to_value(&run).unwrap();
    assert_eq!(json["per_class"], json!({"a": {"recall": 0.5}, "b": {"recall": null}}));
    // Without classes there is none.
    let measured = Measured::new(4, "mae").with("mae", Figure::new(0.5, None));
    let run = RunFigures::evaluated("regress", &[], measured, 1.0).unwrap();
    assert!(serde_json::to_value(&run).unwrap().get("per_class").is_none());
}

#[test]
fn boxes_are_said_to_be_of_the_origin_of_their_picture() {
    let notes = |emitted: Emitted| {
        let counts = [ClassCounts { before: 9, emitted }];
        let measured = DetectionFigures::new(1).measured();
        let run = RunFigures::new("detect", &names(&["bus"]), &counts, measured, 1.0).unwrap();
        let table = run.to_table().to_string();
        let said = table.lines().skip_while(|line| !line.starts_with("real, augmented"));
        said.map(str::to_owned).collect::<Vec<_>>()
    };
    let real = Emitted {
        real: 7,
        ..Emitted::default()
    };
    let said = "real, augmented and synthetic are boxes in such pictures, of all epochs together";
    assert_eq!(notes(real), [said]);
    // None of these buses need be pasted.
    let pasted = Emitted { synthetic: 5, ..real };
    let all = "a picture made of several rows, or that may be, is synthetic with all its boxes";
    assert_eq!(notes(pasted), [said, all]);
    assert!(said.len() <= 80 && all.len() <= 80);
}
