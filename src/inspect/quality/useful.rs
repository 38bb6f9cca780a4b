//! Whether a classifier learns from synthetic rows.

use super::report::{Better, ComparedFigure, QualitySection};
use super::samples::{Sample, Samples};
use crate::error::Result;
use crate::quote::counted;
use crate::synthetic::quality::{Interval, Labelled, Matrix, Usefulness};
use std::cmp::Reverse;

/// Classes that are told apart at most: a regression has a score for each of them, and one of a thousand takes minutes.
const CLASSES: usize = 100;
/// Scores of a regression over all of its rows, at most.
const SCORES: usize = 1_000_000;

/// The section, and what was left out; no section without labels, and where real rows are of one class.
pub(super) fn usefulness(samples: &Samples, seed: u64) -> Result<(Option<QualitySection>, Option<String>)> {
    fn classes(sample: &Sample) -> Option<&[u32]> {
        sample.classes.as_deref()
    }
    let sets = [&samples.real, &samples.synthetic, &samples.holdout];
    let (Some(names), [Some(real), Some(synthetic), Some(test)]) = (&samples.classes, sets.map(classes)) else {
        return Ok((None, None));
    };
    if is_one_class(real) {
        return Ok((None, None));
    }
    let all = names.values.len();
    let told = told_apart([real, synthetic, test], all);
    if told.len() == all {
        let [real, synthetic, test] = sets.map(|sample| (&sample.inputs, classes(sample).unwrap_or_default()));
        return Ok((Some(section([real, synthetic, test], all, seed)?), None));
    }
    let note = format!(
        "usefulness is that of {} of {}, those that most sets and most real rows have: a classifier of all would take long",
        told.len(),
        counted(all as u64, "class")
    );
    let mut codes = vec![None; all];
    told.iter()
        .zip(0_u32..)
        .for_each(|(&class, code)| codes[class] = Some(code));
    let parts = sets.map(|sample| {
        let own = classes(sample).unwrap_or_default().iter().enumerate();
        let kept = own.filter_map(|(row, &class)| Some((row, codes[class as usize]?)));
        let (rows, classes): (Vec<usize>, Vec<u32>) = kept.unzip();
        (sample.inputs.select(&rows), classes)
    });
    let [real, synthetic, test] = parts.each_ref().map(|(rows, classes)| (rows, classes.as_slice()));
    if is_one_class(real.1) || synthetic.1.is_empty() || test.1.is_empty() {
        let note = format!(
            "usefulness is left out: of {} none has rows in each set",
            counted(all as u64, "class")
        );
        return Ok((None, Some(note)));
    }
    Ok((Some(section([real, synthetic, test], told.len(), seed)?), Some(note)))
}

fn is_one_class(classes: &[u32]) -> bool {
    classes.windows(2).all(|pair| pair[0] == pair[1])
}

/// The classes that are told apart, of `count`: first those that have real rows, among these those that most sets have, and then those with the most real rows.
fn told_apart(sets: [&[u32]; 3], count: usize) -> Vec<usize> {
    let rows = sets.map(|classes| {
        let mut rows = vec![0_usize; count];
        classes.iter().for_each(|&class| rows[class as usize] += 1);
        rows
    });
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&class| {
        let in_sets = rows.iter().filter(|rows| rows[class] > 0).count();
        Reverse((rows[0][class] > 0, in_sets, rows[0][class]))
    });
    let mut trained = 0;
    let fits = order.iter().zip(1..).take_while(|&(&class, classes)| {
        // It is trained on both.
        trained += rows[0][class] + rows[1][class];
        classes <= 2 || (classes <= CLASSES && trained * classes <= SCORES)
    });
    let many = fits.count();
    order.truncate(many);
    order.sort_unstable();
    order
}

fn section(parts: [(&Matrix, &[u32]); 3], classes: usize, seed: u64) -> Result<QualitySection> {
    let [real, synthetic, test] = parts.map(|(rows, classes)| Labelled { rows, classes });
    let found = Usefulness::of(real, synthetic, test, classes, (seed, Usefulness::SEEDS))?;
    let higher = |name, own: Interval, control: Interval, margin| {
        ComparedFigure::judged(name, own, control, Better::Higher, margin)
    };
    let shown = ComparedFigure::shown;
    let (real, alone, both) = (found.real, found.synthetic, found.both);
    // Rows that tell nothing new bring something, too: real rows that are repeated are the measure.
    let (gain, repeats) = (found.gain, found.gain_of_repeats);
    let figures = vec![
        higher(
            "synthetic_balanced_accuracy",
            alone.balanced_accuracy,
            real.balanced_accuracy,
            0.1,
        ),
        shown(
            "synthetic_rarest_third_recall",
            alone.rarest_third_recall,
            real.rarest_third_recall,
        ),
        shown("both_balanced_accuracy", both.balanced_accuracy, real.balanced_accuracy),
        shown(
            "both_rarest_third_recall",
            both.rarest_third_recall,
            real.rarest_third_recall,
        ),
        higher(
            "gain_in_balanced_accuracy",
            gain.balanced_accuracy,
            repeats.balanced_accuracy,
            0.02,
        ),
        shown(
            "gain_in_rarest_third_recall",
            gain.rarest_third_recall,
            repeats.rarest_third_recall,
        ),
    ];
    let section = QualitySection::new("usefulness", figures, "there are too few rows");
    let chance = 1.0 / classes as f64;
    // What is no worse than guessing is not useful by that; real rows to which synthetic ones add something, and more than repeats do, tell it all the same.
    let adds = gain.balanced_accuracy.low > repeats.balanced_accuracy.value.max(0.0);
    match real.balanced_accuracy.low <= chance && !adds && section.passes == Some(true) {
        true => Ok(at_chance(section, real.balanced_accuracy, chance)),
        false => Ok(section),
    }
}

/// `section`, whose figures tell nothing: a classifier that learnt from real rows has a balanced accuracy of `real`, and one that guesses `chance`.
fn at_chance(section: QualitySection, real: Interval, chance: f64) -> QualitySection {
    QualitySection {
        passes: None,
        verdict: format!(
            "cannot tell: real rows may do no better than chance (balanced accuracy {real}, of guesses {chance:.3}): compare more rows, or rows of classes that the columns tell apart"
        ),
        figures: section.figures.into_iter().map(ComparedFigure::not_judged).collect(),
        ..section
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Rows of one column, of which every tenth is of class 1; its numbers are `apart` larger.
    fn rows(seed: u64, apart: f32) -> (Matrix, Vec<u32>) {
        let mut rng = Rng::new(seed, "usefulness of rare rows", 0);
        let classes: Vec<u32> = (0..400).map(|row| u32::from(row % 10 == 0)).collect();
        let values = classes.iter().map(|&class| rng.normal() + class as f32 * apart);
        (Matrix::new(values.collect(), 1).unwrap(), classes)
    }

    #[test]
    fn where_real_rows_do_no_better_than_chance_nothing_is_said_of_synthetic_ones() {
        let judged = |apart: f32| {
            let sets = [1, 2, 3].map(|seed| rows(seed, apart));
            section(sets.each_ref().map(|(rows, classes)| (rows, classes.as_slice())), 2, 0).unwrap()
        };
        let unknown = judged(0.0);
        assert_eq!(unknown.passes, None, "{}", unknown.verdict);
        assert!(
            unknown
                .verdict
                .starts_with("cannot tell: real rows may do no better than chance"),
            "{}",
            unknown.verdict
        );
        assert!(unknown.figures.iter().all(|figure| figure.passes.is_none()));
        assert_eq!(judged(8.0).passes, Some(true));
    }

    /// More rows are something by themselves, whatever they tell.
    #[test]
    fn a_gain_is_measured_by_that_of_real_rows_which_are_repeated() {
        let (real, test) = (rows(1, 2.0), rows(3, 2.0));
        let judged = |made: &(Matrix, Vec<u32>)| {
            let sets = [&real, made, &test].map(|(rows, classes)| (rows, classes.as_slice()));
            section(sets, 2, 0).unwrap()
        };
        let copies = judged(&real);
        for name in ["gain_in_balanced_accuracy", "gain_in_rarest_third_recall"] {
            let gain = copies.figure(name).unwrap();
            assert!(gain.control.low < gain.control.high, "{gain:?}");
            // Copies bring what repeats bring.
            assert!((gain.synthetic.value - gain.control.value).abs() < 0.05, "{gain:?}");
        }
        let gain = copies.figure("gain_in_balanced_accuracy").unwrap();
        assert_eq!(gain.rule.unwrap().against, gain.control.value);
        // The rare rows lie on the other side.
        let harmful = judged(&rows(2, -2.0));
        let gain = harmful.figure("gain_in_balanced_accuracy").unwrap();
        assert!(gain.synthetic.value < gain.control.low - 0.2, "{gain:?}");
    }

    #[test]
    fn of_many_classes_those_that_all_sets_have_are_told_apart() {
        let real: Vec<u32> = (0..300).map(|row| row % 150).collect();
        // Class 149 has one real row more, and class 7 alone is in all sets.
        let real = [real, vec![149]].concat();
        let told = told_apart([&real, &[7, 7], &[7, 8]], 151);
        assert_eq!(told.len(), CLASSES);
        assert!(
            [7, 8, 149].iter().all(|class| told.contains(class)) && !told.contains(&150),
            "{told:?}"
        );
        assert!(told.is_sorted());
        // Many rows of fewer classes: 60 times as many scores as rows are too many.
        let real: Vec<u32> = (0..20_000).map(|row| row % 60).collect();
        let told = told_apart([&real, &[], &[]], 60);
        assert_eq!(told.len(), 54);
        assert_eq!(told_apart([&[0, 1, 1], &[1], &[0]], 2), [0, 1]);
    }
}
