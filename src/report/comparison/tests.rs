//! Tests of the table and of what comes back from a file.

use super::*;
use crate::report::{ClassCounts, Confusion, Emitted, Figure, Measured};

fn run(rows: Vec<Vec<u64>>, seconds: f64) -> RunFigures {
    let classes = ["Coat", "Bag", "Shirt", "Ankle boot"].map(str::to_owned);
    let counts = [65, 8, 23, 5].map(|before| ClassCounts {
        before,
        emitted: Emitted {
            real: before,
            augmented: 65 - before,
            synthetic: 1,
        },
    });
    RunFigures::new(
        "classify",
        &classes,
        &counts,
        Measured::of_classes(Confusion::try_from(rows).unwrap()),
        seconds,
    )
    .unwrap()
}

fn report() -> Report {
    let plain = run(
        vec![vec![8, 2, 0, 0], vec![5, 5, 0, 0], vec![0; 4], vec![10, 0, 0, 0]],
        1.26,
    );
    let balanced = run(
        vec![vec![8, 2, 0, 0], vec![1, 9, 0, 0], vec![0; 4], vec![2, 0, 0, 8]],
        12.0,
    );
    let strategies = [("as it is", plain), ("balanced", balanced)].into_iter().collect();
    Report::compare(strategies, "balanced").unwrap()
}

#[test]
fn names_the_rarest_classes() {
    let figures = report().figures;
    let rarest: Vec<_> = figures
        .rarest
        .iter()
        .map(|r| (r.class.as_str(), r.before, r.value))
        .collect();
    assert_eq!(
        rarest,
        [("Ankle boot", 5, Some(0.8)), ("Bag", 8, Some(0.9)), ("Shirt", 23, None)]
    );
}

#[test]
fn shows_the_ways_side_by_side() {
    let expected = [
        "                                                     Ankle",
        "way,                      balanced                    boot         Bag  Shirt",
        "on 30 rows    accuracy    accuracy    macro F1       of 10       of 10   of 0",
        "-----------------------------------------------------------------------------",
        "as it is    0.433±.091  0.433±.076  0.358±.070  0.000±.087  0.500±.158      -",
        "balanced    0.833±.071  0.833±.076  0.836±.069  0.800±.137  0.900±.118      -",
        "recall of the 3 rarest of 4 classes",
    ];
    assert_eq!(report().to_table().to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_class_that_is_a_number_comes_with_the_name_of_its_figure() {
    let classes = ["0", "-1.5", "Bag"].map(str::to_owned);
    let counts = [65, 8, 23].map(|before| ClassCounts {
        before,
        ..ClassCounts::default()
    });
    let rows = vec![vec![8, 2, 0], vec![1, 14, 0], vec![0, 0, 1]];
    let measured = Measured::of_classes(Confusion::try_from(rows).unwrap());
    let report = Report::new(RunFigures::new("classify", &classes, &counts, measured, 1.0).unwrap());
    let table = report.table(true);
    let head: Vec<String> = table.columns().map(|(name, _)| name.replace('\n', " ")).collect();
    assert_eq!(
        head[4..],
        [
            "recall of class -1.5 in 15 rows",
            "Bag of 1",
            "recall of class 0 in 10 rows"
        ]
    );
    let list = report.list().to_string();
    assert!(
        list.contains("recall of class -1.5  ") && list.contains("recall of Bag  "),
        "{list}"
    );
    // One precision, wherever the figure stands.
    let figure = with_error("recall", report.figures.figure_of_class("-1.5").unwrap());
    for text in [
        list,
        report.table(true).to_string(),
        report.figures.to_table().to_string(),
    ] {
        assert!(text.contains(&figure), "{figure}: {text}");
    }
}

#[test]
fn classes_without_rows_are_none_of_those_that_rare_ones_are_rare_among() {
    let classes = ["Coat", "Bag", "Shirt", "Ankle boot", "Hat"].map(str::to_owned);
    let counts = [65, 0, 23, 5, 8].map(|before| ClassCounts {
        before,
        emitted: Emitted::default(),
    });
    let rows = vec![
        vec![8, 2, 0, 0, 0],
        vec![0; 5],
        vec![0, 0, 3, 0, 0],
        vec![1, 0, 0, 4, 0],
        vec![0; 5],
    ];
    let measured = Measured::of_classes(Confusion::try_from(rows).unwrap());
    let figures = RunFigures::new("classify", &classes, &counts, measured, 1.0).unwrap();
    let table = Report::new(figures).to_table().to_string();
    assert!(
        table.contains("recall of the 3 rarest of the 4 classes with rows, of 5"),
        "{table}"
    );
}

#[test]
fn one_run_of_many_figures_has_a_line_for_each() {
    let names = [
        "map",
        "map50",
        "map75",
        "map_small",
        "map_medium",
        "map_large",
        "mar1",
        "mar10",
        "mar100",
        "mar_small",
    ];
    let mut measured = Measured::new(40, "map");
    for (at, name) in names.iter().enumerate() {
        measured = measured.with(name, Figure::new(at as f64 / 16.0, 0.0625));
    }
    let report = Report::new(RunFigures::new("detect", &[], &[], measured, 1.0).unwrap());
    let table = report.to_table().to_string();
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["on", "40", "rows", "this", "run"]);
    assert_eq!(lines[2], ["mAP", "0.000±.062"]);
    assert_eq!(lines.len(), 2 + names.len(), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= TERMINAL), "{table}");
}

#[test]
fn shows_the_classes_of_a_run() {
    let table = report().figures.to_table().to_string();
    let bag = table.lines().find(|line| line.starts_with("Bag")).unwrap();
    assert_eq!(
        bag.split_whitespace().collect::<Vec<_>>(),
        ["Bag", "8", "8", "57", "1", "10", "0.900±.118"]
    );
    assert_eq!(
        table.lines().last().unwrap(),
        "real, augmented and synthetic are the rows of all epochs together"
    );
}

#[test]
fn comes_back_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    for report in [report(), Report::new(report().figures)] {
        report.write_json(&path).unwrap();
        let read = Report::read_json(&path).unwrap();
        assert_eq!(read.to_table().to_string(), report.to_table().to_string());
        assert_eq!(read.figures.confusion(), report.figures.confusion());
        assert_eq!(read.figures.counts, report.figures.counts);
        assert_eq!(read, report);
    }
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        1,
        "no temporary file stays"
    );
}

#[test]
fn a_report_without_classes_has_its_figures_alone() {
    let measured = Measured::new(120, "rmse")
        .lower_is_better()
        .with("mae", Figure::new(1234.5, 98.7654321))
        .with("rmse", Figure::new(2.5, 0.25))
        .with("r2", Figure::new(f64::NAN, None))
        .detail("unit", "m");
    let run = |rmse: f64| {
        let measured = measured.clone().with("rmse", Figure::new(rmse, 0.25));
        RunFigures::new("regress", &[], &[], measured, 1.0).unwrap()
    };
    let report = Report::new(run(2.5));
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((json["mae"].as_f64(), json["r2"].is_null()), (Some(1234.5), true));
    assert_eq!(json["standard_errors"]["mae"], 98.7654);
    assert!(json.get("classes").is_none(), "{json}");
    let table = report.to_table().to_string();
    let last: Vec<_> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last, ["this", "run", "1234±99", "2.500±.250", "-"]);
    assert!(report.figures.to_table().to_string().contains("on 120 rows"));
    // The smaller error is the better run.
    assert_eq!(run(2.0).above(&run(2.5)).unwrap(), (0.5, 0.25_f64.hypot(0.25)));
}

#[test]
fn a_difference_has_the_error_of_both() {
    let (a, b) = (&report().strategies, report());
    let (plain, balanced) = (a.get("as it is").unwrap(), &b.figures);
    let (above, error) = balanced.above(plain).unwrap();
    // numpy: recalls 0.8, 0.9, 0.8 and 0.8, 0.5, 0 of ten rows each.
    assert!(
        (above - 0.4).abs() < 1e-12 && (error - 0.10686324478706302).abs() < 1e-6,
        "{above} {error}"
    );
    assert_eq!(plain.above(balanced).unwrap().0, -above);
}

#[test]
fn has_the_keys_that_others_read() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["rarest"][0]["class"], "Ankle boot");
    assert_eq!(json["recalls"]["Shirt"], serde_json::Value::Null);
    assert_eq!(json["counts"]["Bag"]["emitted"]["augmented"], 57);
    assert_eq!(json["confusion"][3][3], 8);
    assert_eq!(json["ways"]["as it is"]["seconds"], 1.26);
    assert_eq!(
        (&json["task"], &json["figure"]),
        (&"classify".into(), &"balanced_accuracy".into())
    );
    assert_eq!(json["standard_errors"]["rows"], 30);
    for key in ["accuracy", "balanced_accuracy", "macro_f1", "classes", "seconds"] {
        assert!(json.get(key).is_some(), "{key}");
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let two = ["a".to_owned(), "a".to_owned()];
    let counts = [ClassCounts::default(); 2];
    let new = |classes| {
        RunFigures::new(
            "classify",
            &two,
            &counts,
            Measured::of_classes(Confusion::new(classes)),
            0.0,
        )
    };
    assert!(new(3).is_err());
    let error = new(2).unwrap_err();
    assert_eq!(error.to_string(), r#"two classes are called "a""#);
    assert!(Report::compare(Named::default(), "best").is_err());
}

#[test]
fn names_that_a_terminal_would_obey_are_escaped_in_every_table() {
    let classes = ["\u{1b}[31mred", "red ", "a\nb"].map(str::to_owned);
    let counts = [1, 2, 3].map(|before| ClassCounts {
        before,
        ..ClassCounts::default()
    });
    let run = RunFigures::new(
        "classify",
        &classes,
        &counts,
        Measured::of_classes(Confusion::new(3)),
        1.0,
    )
    .unwrap();
    for text in [
        run.to_table().to_string(),
        Report::new(run.clone()).to_table().to_string(),
    ] {
        assert!(
            !text.contains('\u{1b}') && text.contains("\"red \"") && text.contains(r#""a\nb""#),
            "{text}"
        );
    }
}
