//! Against scikit-learn, scipy, prdc and SDMetrics: `tests/scripts/make_quality.py`.

use super::neighbours::scan;
use super::two_sample::out_of_fold;
use super::*;
use crate::rng::Rng;
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/quality.json")).unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn codes(of: &Value) -> Vec<u32> {
    numbers(of).into_iter().map(|value| value as u32).collect()
}

fn matrix(of: &Value, name: &str) -> Matrix {
    let values = numbers(&of[name]).into_iter().map(|value| value as f32).collect();
    Matrix::new(values, of["width"].as_u64().unwrap() as usize).unwrap()
}

#[track_caller]
fn near(found: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
}

#[test]
fn precision_recall_density_and_coverage_are_those_of_prdc() {
    let of = fixture();
    let found = Manifold::of(&matrix(&of, "real"), &matrix(&of, "synthetic"), 5).unwrap();
    near(found.precision.value, &of["prdc"]["precision"], 1e-12);
    near(found.recall.value, &of["prdc"]["recall"], 1e-12);
    near(found.density.value, &of["prdc"]["density"], 1e-12);
    near(found.coverage.value, &of["prdc"]["coverage"], 1e-12);
}

#[test]
fn distances_of_distributions_are_those_of_scipy_and_scikit_learn() {
    let of = fixture();
    let (real, synthetic) = (matrix(&of, "real"), matrix(&of, "synthetic"));
    near(frechet_distance(&real, &synthetic).unwrap(), &of["frechet"], 1e-9);
    near(kernel_distance(&real, &synthetic).unwrap(), &of["kernel"], 1e-9);
    // Fewer rows than columns: the root of a singular product, which scipy has to about 1e-6.
    let wide = &of["wide"];
    let found = frechet_distance(&matrix(wide, "real"), &matrix(wide, "synthetic")).unwrap();
    near(found, &wide["frechet"], 1e-4);
}

#[test]
fn neighbours_are_those_of_scikit_learn() {
    let of = fixture();
    let found = nearest(&matrix(&of, "synthetic"), &matrix(&of, "real"), 3).unwrap();
    for (row, found) in found.iter().enumerate() {
        for (rank, found) in found.iter().enumerate() {
            assert_eq!(found.row as u64, of["neighbours"]["rows"][row][rank].as_u64().unwrap());
            near(found.distance, &of["neighbours"]["distances"][row][rank], 1e-6);
        }
    }
}

#[test]
fn privacy_is_that_of_scikit_learns_neighbours() {
    let of = fixture();
    let [real, synthetic, holdout] = ["real", "synthetic", "holdout"].map(|name| matrix(&of, name));
    // With as many training rows as holdout rows the share is the plain one.
    let balanced = nearer_to_training(&synthetic, &real, &holdout).unwrap().value;
    let ratio = 80.0 / 70.0;
    near(
        balanced * ratio / (1.0 - balanced + balanced * ratio),
        &of["nearer"],
        1e-9,
    );
    near(neighbour_ratio(&synthetic, &real).unwrap().value, &of["ratio"], 1e-6);
    near(
        membership_inference(&synthetic, &real, &holdout).unwrap().value,
        &of["membership"],
        1e-9,
    );
}

#[test]
fn logistic_regressions_are_those_of_scikit_learn() {
    let of = fixture();
    let first: Vec<usize> = (0..60).collect();
    let both = matrix(&of, "real")
        .select(&first)
        .concat(&matrix(&of, "synthetic"))
        .unwrap();
    let both = both.standardised(&both.means(), &both.deviations());
    let classes: Vec<u32> = (0..120).map(|row| u32::from(row >= 60)).collect();
    let folds: Vec<usize> = (0..120).map(|row| row % 60 % 5).collect();
    let odds = out_of_fold(&both, &classes, &folds, 5);
    for (row, odds) in odds.iter().enumerate() {
        near(*odds, &of["two_sample"]["odds"][row], 2e-3);
    }
    near(auc(&odds[60..], &odds[..60]).value, &of["two_sample"]["auc"], 1e-3);
    let three = Logistic::fit(&both, &codes(&of["three"]["of"]), 3, 0.5);
    for row in 0..20 {
        for (class, found) in three.probabilities(both.row(row)).into_iter().enumerate() {
            near(found, &of["three"]["probabilities"][3 * row + class], 1e-3);
        }
    }
    // Classes that count alike, of three and of two.
    let three_of = codes(&of["three"]["of"]);
    let three = Logistic::balanced(&both, &three_of, 3, 0.5);
    let rare_of: Vec<u32> = three_of.iter().map(|&class| u32::from(class == 2)).collect();
    let rare = Logistic::balanced(&both, &rare_of, 2, 0.5);
    for row in 0..20 {
        for (class, found) in three.probabilities(both.row(row)).into_iter().enumerate() {
            near(found, &of["balanced"]["probabilities"][3 * row + class], 1e-3);
        }
        near(rare.log_odds(both.row(row)), &of["balanced"]["odds"][row], 2e-3);
    }
}

#[test]
fn figures_of_columns_are_those_of_sdmetrics() {
    let of = &fixture()["table"];
    let number = |set: &str, name: &str| numbers(&of[set][name]);
    let code = |set: &str, name: &str| codes(&of[set][name]);
    let (real, made) = (number("real", "number"), number("synthetic", "number"));
    near(ks_complement(&real, &made, 0).value, &of["ks"], 1e-12);
    near(
        tv_complement(&code("real", "word"), &code("synthetic", "word"), 0).value,
        &of["tv"],
        1e-12,
    );
    let found = correlation_similarity(
        [&real, &number("real", "other")],
        [&made, &number("synthetic", "other")],
    );
    near(found.unwrap(), &of["correlation"], 1e-12);
    let kinds = [code("real", "kind"), code("synthetic", "kind")];
    let found = contingency_similarity(
        [&code("real", "word"), &kinds[0]],
        [&code("synthetic", "word"), &kinds[1]],
    );
    near(found.unwrap(), &of["contingency"], 1e-12);
    let bins = Bins::of(&real);
    let [a, b] = [&real, &made].map(|values| values.iter().map(|&value| bins.bin(value)).collect::<Vec<u32>>());
    assert_eq!((codes(&of["bins"][0]), codes(&of["bins"][1])), (a.clone(), b.clone()));
    near(
        contingency_similarity([&a, &kinds[0]], [&b, &kinds[1]]).unwrap(),
        &of["binned"],
        1e-12,
    );
}

/// Rows of a normal distribution, moved by `shift` in the first column.
pub(super) fn normal(seed: u64, rows: usize, width: usize, shift: f32) -> Matrix {
    let mut rng = Rng::new(seed, "normal", 0);
    let value = |at: usize| rng.normal() + if at.is_multiple_of(width) { shift } else { 0.0 };
    Matrix::new((0..rows * width).map(value).collect(), width).unwrap()
}

#[test]
fn what_is_moved_is_told() {
    let (a, b, moved) = (normal(1, 300, 4, 0.0), normal(2, 300, 4, 0.0), normal(3, 300, 4, 1.0));
    let (same, other) = (frechet(&a, &b, 0).unwrap(), frechet(&a, &moved, 0).unwrap());
    assert!(
        other.low > same.high && (other.value - 1.0).abs() < 0.3,
        "{same} {other}"
    );
    let (same, other) = (kernel(&a, &b, 0).unwrap(), kernel(&a, &moved, 0).unwrap());
    assert!(other.low > same.high, "{same} {other}");
    let (same, other) = (TwoSample::of(&a, &b, 0).unwrap(), TwoSample::of(&a, &moved, 0).unwrap());
    assert!(
        other.auc.low > same.auc.high && other.auc.value > 0.7,
        "{same:?} {other:?}"
    );
    let (same, other) = (Manifold::of(&a, &b, 5).unwrap(), Manifold::of(&a, &moved, 5).unwrap());
    assert!(other.coverage.high < same.coverage.low, "{same:?} {other:?}");
}

#[test]
fn copies_are_found() {
    let training = normal(1, 200, 3, 0.0);
    let holdout = normal(2, 200, 3, 0.0);
    // A fifth are copies, a fifth nearly.
    let mut values = normal(3, 100, 3, 0.0).values().to_vec();
    values[..60].copy_from_slice(&training.values()[..60]);
    for (value, own) in values[60..120].iter_mut().zip(&training.values()[60..120]) {
        *value = own + 1e-4;
    }
    let made = Matrix::new(values, 3).unwrap();
    assert_eq!(exact_copies(&made, &training).unwrap().value, 0.2);
    assert_eq!(exact_copies(&holdout, &training).unwrap().value, 0.0);
    let distance = near_copy_distance(&training).unwrap();
    let near = near_copies(&made, &training, distance).unwrap();
    assert!((0.4..0.45).contains(&near.value), "{near}");
    assert!(near_copies(&holdout, &training, distance).unwrap().value < 0.05);
    assert!(nearer_to_training(&made, &training, &holdout).unwrap().low > 0.5);
    assert!(membership_inference(&made, &training, &holdout).unwrap().low > 0.5);
    assert!(neighbour_ratio(&made, &training).unwrap().value < neighbour_ratio(&holdout, &training).unwrap().value);
}

#[test]
fn copies_single_out_and_strangers_do_not() {
    let table = |seed| {
        let rows = normal(seed, 150, 5, 0.0);
        let column = |at: usize| rows.iter().map(|row| f64::from(row[at])).collect();
        Table::new((0..5).map(|at| (format!("x{at}"), Column::Numbers(column(at))))).unwrap()
    };
    let (training, holdout, honest) = (table(1), table(2), table(3));
    let copied = SinglingOut::of(&training, &training, &holdout, 0).unwrap();
    assert!(copied.training.value == 1.0 && copied.holdout.high < 0.6, "{copied:?}");
    let honest = SinglingOut::of(&honest, &training, &holdout, 0).unwrap();
    assert!(
        honest.training.low < honest.holdout.high && honest.guesses > 100,
        "{honest:?}"
    );
}

/// Two classes, three rows of the rare one for seven of the other, apart by 1.5.
pub(super) fn labelled(seed: u64, rows: usize, apart: f32) -> (Matrix, Vec<u32>) {
    let rows_of = normal(seed, rows, 2, 0.0);
    let classes: Vec<u32> = (0..rows).map(|row| u32::from(row % 10 < 3)).collect();
    let values = rows_of
        .iter()
        .zip(&classes)
        .flat_map(|(row, &class)| [row[0] + apart * class as f32, row[1]]);
    (Matrix::new(values.collect(), 2).unwrap(), classes)
}

pub(super) fn of((rows, classes): &(Matrix, Vec<u32>)) -> Labelled<'_> {
    Labelled { rows, classes }
}

#[test]
fn a_rare_class_that_the_columns_tell_is_told() {
    // Of every twenty rows one: most of them are likelier of the other class, and balanced accuracy is 0.77 at best.
    let rare = |seed: u64, rows: usize| {
        let column = normal(seed, rows, 1, 0.0);
        let classes: Vec<u32> = (0..rows).map(|row| u32::from(row.is_multiple_of(20))).collect();
        let value = |(row, &class): (&[f32], &u32)| row[0] + 1.5 * class as f32;
        let values = column.iter().zip(&classes).map(value);
        (Matrix::new(values.collect(), 1).unwrap(), classes)
    };
    let (real, made, test) = (rare(1, 800), rare(2, 800), rare(3, 800));
    let found = Usefulness::of(of(&real), of(&made), of(&test), 2, (0, 8)).unwrap();
    for skill in [found.real, found.synthetic, found.both] {
        assert!(skill.balanced_accuracy.value > 0.68, "{found:?}");
    }
}

#[test]
fn good_rows_are_useful_and_wrong_ones_do_harm() {
    let (real, test) = (labelled(1, 100, 2.0), labelled(2, 400, 2.0));
    let good = Usefulness::of(of(&real), of(&labelled(3, 300, 2.0)), of(&test), 2, (0, 8)).unwrap();
    assert!(good.synthetic.balanced_accuracy.value > 0.7, "{good:?}");
    assert!(
        (good.synthetic.balanced_accuracy.value - good.real.balanced_accuracy.value).abs() < 0.06,
        "{good:?}"
    );
    let bad = Usefulness::of(of(&real), of(&labelled(3, 300, -2.0)), of(&test), 2, (0, 8)).unwrap();
    assert!(
        bad.synthetic.balanced_accuracy.value < 0.5 && bad.gain.balanced_accuracy.high < 0.0,
        "{bad:?}"
    );
    assert!(bad.gain.rarest_third_recall.value < 0.0, "{bad:?}");
}

#[test]
fn the_group_that_is_left_out_is_the_worst() {
    // Groups 0 and 1 lie apart; synthetic rows of group 1 are all at one place.
    let rows = |seed: u64, broken: bool| {
        let rows = normal(seed, 200, 3, 0.0);
        let groups: Vec<u32> = (0..200).map(|row| row % 2).collect();
        let value = |(row, &group): (&[f32], &u32)| {
            let squeezed = if broken && group == 1 { 0.05 } else { 1.0 };
            row.iter()
                .map(move |value| value * squeezed + 8.0 * group as f32)
                .collect::<Vec<_>>()
        };
        (
            Matrix::new(rows.iter().zip(&groups).flat_map(value).collect(), 3).unwrap(),
            groups,
        )
    };
    let [real, made, control] = [rows(1, false), rows(2, true), rows(3, false)];
    let of = |of: &'_ (Matrix, Vec<u32>)| -> (Matrix, Vec<u32>) { of.clone() };
    let [real, made, control] = [of(&real), of(&made), of(&control)];
    let grouped = |of: &'static str| match of {
        "real" => Grouped {
            rows: &real.0,
            groups: &real.1,
        },
        "made" => Grouped {
            rows: &made.0,
            groups: &made.1,
        },
        _ => Grouped {
            rows: &control.0,
            groups: &control.1,
        },
    };
    let found = by_group(grouped("real"), grouped("made"), grouped("control"), 2, 0).unwrap();
    let judged = judge_groups(&found, GroupFigure::Coverage, 0.2).unwrap();
    assert_eq!((judged.worst, judged.behind.as_slice()), (1, &[1][..]), "{found:?}");
    let [fair, left_out] = [0, 1].map(|group| found[group].compared.unwrap());
    assert!(left_out.coverage.high < left_out.control_coverage.low, "{left_out:?}");
    assert!(fair.coverage.high > fair.control_coverage.low, "{fair:?}");
}

#[test]
fn rows_that_cannot_be_compared_are_refused() {
    let (a, b) = (normal(1, 20, 2, 0.0), normal(1, 20, 3, 0.0));
    let error = frechet_distance(&a, &b).unwrap_err().to_string();
    assert!(
        error.contains("rows of 2 values cannot be compared with rows of 3"),
        "{error}"
    );
    assert!(
        Matrix::new(vec![1.0, f32::NAN], 2)
            .unwrap_err()
            .to_string()
            .contains("column 1 holds NaN")
    );
    assert!(Matrix::new(vec![1.0; 3], 2).is_err());
    let few = normal(1, 5, 2, 0.0);
    assert!(
        Manifold::of(&few, &a, 5)
            .unwrap_err()
            .to_string()
            .contains("5 real rows, and 6")
    );
}

#[test]
fn a_row_is_near_as_all_distances_say() {
    let mut rng = Rng::new(3, "near", 0);
    let mut rows =
        |count: usize, width: usize| Matrix::new((0..count * width).map(|_| rng.normal()).collect(), width).unwrap();
    for width in [1, 15, 16, 200, 1000] {
        let (of, among) = (rows(40, width), rows(60, width));
        let squares = scan(
            &of,
            &among,
            |_| Vec::new(),
            |all: &mut Vec<f64>, _, _, square| all.push(square),
        );
        // The median of all distances is a limit that some rows have exactly.
        let mut all: Vec<f64> = squares.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        for limit in [all[0], all[40], all[1200], all[2399]] {
            let limits = |row: usize| limit * (0.5 + row as f64 / 59.0);
            let near = |row: usize, square: f64| square <= limits(row);
            let wanted: Vec<bool> = squares
                .iter()
                .map(|of| of.iter().enumerate().any(|(row, &square)| near(row, square)))
                .collect();
            assert_eq!(any_near(&of, &among, limits, near), wanted, "{width}, {limit}");
            let fixed = |_: usize, square: f64| square <= limit;
            let wanted: Vec<bool> = squares
                .iter()
                .map(|of| of.iter().any(|&square| square <= limit))
                .collect();
            assert_eq!(any_near(&of, &among, |_| limit, fixed), wanted, "{width}, {limit}");
        }
    }
    // Squares beyond f32.
    let [far, near] = [3e20_f32, 2e20].map(|value| Matrix::new(vec![value; 20], 20).unwrap());
    assert_eq!(any_near(&far, &near, |_| 3e41, |_, square| square <= 3e41), [true]);
    assert_eq!(any_near(&far, &near, |_| 1e41, |_, square| square <= 1e41), [false]);
}
