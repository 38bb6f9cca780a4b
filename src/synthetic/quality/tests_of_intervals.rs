//! How often intervals of 95 % hold the truth.
//!
//! A figure that grows or falls as rows become fewer has no truth but that of as many rows: its mean over all draws.

use super::tests::{labelled, normal, of};
use super::*;

/// Draws of each figure.
const DRAWS: u64 = 60;
/// Draws of which the interval holds the truth: fewer have a chance of 1e-3 where 93 % do.
const LEAST: usize = 50;
/// Rows of a draw, and their columns.
const ROWS: usize = 100;
const WIDTH: usize = 3;

/// The rows `of` of a draw, whose first column is moved by `shift`; no others are the same.
fn rows(draw: u64, of: u64, shift: f32) -> Matrix {
    normal(10 * draw + of, ROWS, WIDTH, shift)
}

fn drawn(figure: impl Fn(u64) -> Interval) -> Vec<Interval> {
    (0..DRAWS).map(figure).collect()
}

#[track_caller]
fn check(what: &str, found: &[Interval], truth: f64) {
    let held = found
        .iter()
        .filter(|found| found.low <= truth && truth <= found.high)
        .count();
    assert!(held >= LEAST, "{what}: {held} of {DRAWS} hold {truth}: {found:?}");
}

/// As [`check`], of a figure whose truth is its mean over all draws.
#[track_caller]
fn check_about_mean(what: &str, found: &[Interval]) {
    let mean = found.iter().map(|found| found.value).sum::<f64>() / found.len() as f64;
    check(what, found, mean);
}

#[test]
fn those_of_equal_distributions() {
    let three = |draw: u64| [1, 2, 3].map(|of| rows(draw, of, 0.0));
    let nearer = |draw| {
        let [a, b, c] = three(draw);
        nearer_to_training(&a, &b, &c).unwrap()
    };
    check("nearer to training", &drawn(nearer), 0.5);
    let membership = |draw| {
        let [a, b, c] = three(draw);
        membership_inference(&a, &b, &c).unwrap()
    };
    check("membership", &drawn(membership), 0.5);
    let of_two = |figure: fn(&Matrix, &Matrix, u64) -> Interval| {
        drawn(move |draw| {
            let [a, b, _] = three(draw);
            figure(&a, &b, draw)
        })
    };
    check("kernel", &of_two(|a, b, seed| kernel(a, b, seed).unwrap()), 0.0);
    check(
        "two-sample AUC",
        &of_two(|a, b, seed| TwoSample::of(a, b, seed).unwrap().auc),
        0.5,
    );
    // Of the 5 nearest of all other rows one is synthetic, but in this share of cases (Naeem et al. 2020).
    let missed: f64 = (0..5_u32)
        .map(|near| f64::from(99 - near) / f64::from(199 - near))
        .product();
    check(
        "coverage",
        &of_two(|a, b, _| Manifold::of(a, b, 5).unwrap().coverage),
        1.0 - missed,
    );
}

/// Balls stay as they are, those of real rows for precision and density and those of synthetic rows for recall: intervals are over the rows that may lie in them.
#[test]
fn those_of_balls_that_stay() {
    let (real, made) = (normal(900, ROWS, WIDTH, 0.0), normal(904, ROWS, WIDTH, 0.5));
    let truth = Manifold::of(&real, &normal(901, 4000, WIDTH, 0.5), 5).unwrap();
    let of_made = |draw| Manifold::of(&real, &rows(draw, 4, 0.5), 5).unwrap();
    check(
        "precision",
        &drawn(|draw| of_made(draw).precision),
        truth.precision.value,
    );
    check("density", &drawn(|draw| of_made(draw).density), truth.density.value);
    let truth = Manifold::of(&normal(902, 4000, WIDTH, 0.0), &made, 5).unwrap();
    let of_real = |draw| Manifold::of(&rows(draw, 5, 0.0), &made, 5).unwrap();
    check("recall", &drawn(|draw| of_real(draw).recall), truth.recall.value);
    let truth = neighbour_ratio(&normal(903, 4000, WIDTH, 0.0), &real).unwrap();
    let ratio = |draw| neighbour_ratio(&rows(draw, 6, 0.0), &real).unwrap();
    check("neighbour ratio", &drawn(ratio), truth.value);
}

#[test]
fn those_of_distances_that_fewer_rows_make_larger() {
    let column = |draw: u64, of: u64, shift: f32| -> Vec<f64> {
        let values = normal(10 * draw + of, ROWS, 1, shift);
        values.values().iter().map(|&value| f64::from(value)).collect()
    };
    // Four of them.
    let categories = |values: &[f64]| -> Vec<u32> {
        values
            .iter()
            .map(|value| (value.clamp(-1.9, 1.9) + 2.0) as u32)
            .collect()
    };
    for shift in [0.0, 0.5] {
        let found = drawn(|draw| frechet(&rows(draw, 1, 0.0), &rows(draw, 2, shift), draw).unwrap());
        check_about_mean(&format!("frechet of {shift}"), &found);
        let found = drawn(|draw| ks_complement(&column(draw, 1, 0.0), &column(draw, 2, shift), draw));
        check_about_mean(&format!("ks of {shift}"), &found);
        let of = |draw, of, shift| categories(&column(draw, of, shift));
        let found = drawn(|draw| tv_complement(&of(draw, 1, 0.0), &of(draw, 2, shift), draw));
        check_about_mean(&format!("tv of {shift}"), &found);
    }
}

/// What a figure is called, and where it stands.
type Named<T, F> = (&'static str, fn(&T) -> F);

/// The interval is over guesses: the rows stay as they are.
#[test]
fn those_of_guesses_that_single_out() {
    let table = |seed: u64| {
        let rows = normal(seed, ROWS, 5, 0.0);
        let column = |at: usize| rows.iter().map(|row| f64::from(row[at])).collect();
        Table::new((0..5).map(|at| (format!("x{at}"), Column::Numbers(column(at))))).unwrap()
    };
    let (made, training, holdout) = (table(1), table(2), table(3));
    let found: Vec<SinglingOut> = (0..DRAWS)
        .map(|seed| SinglingOut::of(&made, &training, &holdout, seed).unwrap())
        .collect();
    let figures: [Named<SinglingOut, Interval>; 2] =
        [("training", |found| found.training), ("holdout", |found| found.holdout)];
    for (what, of) in figures {
        check_about_mean(what, &found.iter().map(of).collect::<Vec<_>>());
    }
}

#[test]
fn those_of_usefulness_and_of_gains() {
    let once = |draw: u64| {
        let [real, made] = [0, 1].map(|of| labelled(10 * draw + of, ROWS, 2.0));
        let test = labelled(10 * draw + 2, 2 * ROWS, 2.0);
        Usefulness::of(of(&real), of(&made), of(&test), 2, (draw, 8)).unwrap()
    };
    let found: Vec<Usefulness> = (0..DRAWS).map(once).collect();
    let figures: [Named<Usefulness, Skill>; 5] = [
        ("real", |found| found.real),
        ("synthetic", |found| found.synthetic),
        ("both", |found| found.both),
        ("gain", |found| found.gain),
        ("gain of repeats", |found| found.gain_of_repeats),
    ];
    for (what, of) in figures {
        let skills: Vec<Skill> = found.iter().map(of).collect();
        let balanced = skills.iter().map(|skill| skill.balanced_accuracy);
        check_about_mean(&format!("{what}: accuracy"), &balanced.collect::<Vec<_>>());
        let rarest = skills.iter().map(|skill| skill.rarest_third_recall);
        check_about_mean(&format!("{what}: recall"), &rarest.collect::<Vec<_>>());
    }
}
