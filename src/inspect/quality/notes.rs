//! What there is to say beside the figures: shares of classes, and rows of the holdout that are no control.

use super::samples::Samples;
use super::{Medium, QualitySection};
use crate::quote::{counted, quoted};
use crate::synthetic::quality::tv_complement;

/// How far the classes' shares may lie apart, beyond those of the holdout, before it is said.
const MARGIN: f64 = 0.1;

/// What there is to say of other shares: columns are compared over the rows of all classes, so that these alone can fail fidelity.
pub(super) fn other_shares(samples: &Samples, seed: u64) -> Option<String> {
    let names = &samples.classes.as_ref()?.values;
    let (real, made) = (samples.real.classes.as_ref()?, samples.synthetic.classes.as_ref()?);
    let own = tv_complement(real, made, seed);
    let beside = tv_complement(real, samples.holdout.classes.as_ref()?, seed);
    // As figures are judged: of few rows shares differ by chance.
    if own.high >= beside.value - MARGIN || !own.is_known() {
        return None;
    }
    let share = |of: &[u32], class: usize| {
        let rows = of.iter().filter(|&&one| one as usize == class).count();
        rows as f64 / of.len().max(1) as f64
    };
    let shares = names
        .iter()
        .enumerate()
        .map(|(class, name)| (name, share(made, class), share(real, class)));
    let apart = |(_, made, real): &(&String, f64, f64)| (made - real).abs();
    let (name, made, real) = shares.max_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    Some(format!(
        "classes have other shares among the synthetic rows (class {} {made:.2} beside {real:.2}), and columns are compared over all classes, so that \
         fidelity may fail for that alone: make rows with the shares of the real ones to judge each class alike",
        quoted(name)
    ))
}

/// What there is to say of a figure that is of tables alone: a guess of singling out is of values of columns.
pub(super) fn no_singling_out(medium: Medium) -> Option<String> {
    let rows = match medium {
        Medium::Table => return None,
        Medium::Features => "features",
        Medium::Pictures => "pictures",
    };
    Some(format!(
        "singling out is a figure of tables alone, and these rows are {rows}: of privacy it is not measured"
    ))
}

/// What there is to say of a holdout that shares rows with the real ones: beside it copies look harmless.
pub(super) fn holdout_copies(privacy: &QualitySection, rows: usize) -> Option<String> {
    let share = privacy.figure("exact_copies")?.control.value;
    let copies = (share * rows as f64).round();
    (copies >= 1.0).then(|| {
        format!(
            "{copies} of {} are copies of real rows, so that they are no control: leave them out, unless rows are equal by chance",
            counted(rows, "holdout row")
        )
    })
}
