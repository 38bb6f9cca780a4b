//! Rare classes that a balance makes rarer.

use crate::error::Result;
use crate::mix::Target;
use crate::quote::{counted, counted_with, quoted};
use crate::rows::MultiLabels;

/// How often a row may come, of what is stored, for it to count as come less often.
const LESS: f64 = 0.95;

/// Says of which rare classes rows come less often by `target` than they are stored, where each row counts for the rarest of its `classes`.
pub(super) fn rarer(target: &Target, classes: &MultiLabels) -> Result<Option<String>> {
    let (rarest, with) = (classes.rarest(), classes.counts());
    let (counting, rows) = (rarest.counts(), classes.len());
    let shares = target.shares_of_rarest(classes)?;
    let epoch = target.rows(&counting, &classes.rows_with(&rarest)).unwrap_or(rows);
    let times = |class: usize| shares[class] * epoch as f64 / counting[class].max(1) as f64;
    // Of all rows that have a class, whichever they count for.
    let mut sums = vec![0.0; with.len()];
    for (row, own) in classes.iter().enumerate() {
        let times = times(rarest.class(row as u64) as usize);
        own.for_each(|class| sums[class as usize] += times);
    }
    let there = || (0..with.len()).filter(|&class| with[class] > 0);
    let (Some(least), count) = (there().min_by_key(|&class| with[class]), there().count() as u64) else {
        return Ok(None);
    };
    let mean = |class: usize| sums[class] / with[class] as f64;
    let is_rare = |class: &usize| *class == least || with[*class] * count < rows;
    let Some(worst) = there()
        .filter(is_rare)
        .filter(|&class| mean(class) < LESS)
        .min_by(|&a, &b| mean(a).total_cmp(&mean(b)))
    else {
        return Ok(None);
    };
    let most = (0..counting.len())
        .filter(|&class| counting[class] > 0)
        .max_by(|&a, &b| times(a).total_cmp(&times(b)))
        .unwrap_or(worst);
    // About twice as often, where that is to be had.
    let share = with[worst] as f64 / rows.max(1) as f64;
    let factor = (40.0 * share).ceil().clamp(1.0, 10.0) / 10.0;
    let name = |class: usize| quoted(&rarest.names()[class]);
    Ok(Some(format!(
        "a row counts for the rarest of its classes, and by shares that are {target} the {} with {} come {:.2} times as often as they \
         are stored, while {} for {}, each of which comes {:.1} times: {{ repeat_factor = {factor} }} repeats rows with a rare class, and leaves \
         the others as they are",
        counted(with[worst], "row"),
        name(worst),
        mean(worst),
        counted_with(counting[most], "row", ["counts", "count"]),
        name(most),
        times(most)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_class_that_becomes_rarer_is_told() {
        // As in pictures of blood: nearly all have a white cell, half of them platelets, and few neither.
        let rows = (0..100).map(|row| match row {
            0..55 => vec![0, 1, 2],
            55..97 => vec![0, 1],
            _ => vec![0],
        });
        let names = ["red", "white", "platelets"].map(str::to_owned);
        let classes = MultiLabels::new("objects", names.to_vec(), rows).unwrap();
        let said = rarer(&Target::Uniform, &classes).unwrap().unwrap();
        // A third of 100 rows for 55 rows, and for 3.
        for part in [
            "the 55 rows with \"platelets\" come 0.61 times",
            "while 3 rows count for \"red\", each of which comes 11.1 times",
            "{ repeat_factor = 1 }",
        ] {
            assert!(said.contains(part), "{said}");
        }
        for target in [Target::RepeatFactor(0.3), Target::RepeatFactor(1.0), Target::Power(1.0)] {
            assert_eq!(rarer(&target, &classes).unwrap(), None, "{target}");
        }
        // Rare rows that come more often are what is wanted.
        let rows = (0..100).map(|row| if row < 10 { vec![0, 1] } else { vec![0] });
        let classes = MultiLabels::new("objects", names[..2].to_vec(), rows).unwrap();
        assert_eq!(rarer(&Target::Uniform, &classes).unwrap(), None);
    }
}
