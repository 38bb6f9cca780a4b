//! Whether a classifier learns from synthetic rows.

use super::report::{Better, ComparedFigure, QualitySection};
use super::samples::{Sample, Samples};
use crate::error::Result;
use crate::synthetic::quality::{Interval, Labelled, Usefulness};

/// The section; none without labels, and where all real rows are of one class.
pub(super) fn usefulness(samples: &Samples, seed: u64) -> Result<Option<QualitySection>> {
    fn labelled(sample: &Sample) -> Option<Labelled<'_>> {
        Some(Labelled {
            rows: &sample.inputs,
            classes: sample.classes.as_deref()?,
        })
    }
    let all = [&samples.real, &samples.synthetic, &samples.holdout].map(labelled);
    let (Some(names), [Some(real), Some(synthetic), Some(test)]) = (&samples.classes, all) else {
        return Ok(None);
    };
    if real.classes.windows(2).all(|pair| pair[0] == pair[1]) {
        return Ok(None);
    }
    let found = Usefulness::of(real, synthetic, test, names.values.len(), (seed, Usefulness::SEEDS))?;
    let higher = |name, own: Interval, control: Interval, margin| {
        ComparedFigure::judged(name, own, control, Better::Higher, margin)
    };
    let shown = ComparedFigure::shown;
    let (real, alone, both, gain) = (found.real, found.synthetic, found.both, found.gain);
    let nothing = Interval::exact(0.0);
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
        higher("gain_in_balanced_accuracy", gain.balanced_accuracy, nothing, 0.02),
        shown("gain_in_rarest_third_recall", gain.rarest_third_recall, nothing),
    ];
    Ok(Some(QualitySection::new(
        "usefulness",
        figures,
        "there are too few rows",
    )))
}
