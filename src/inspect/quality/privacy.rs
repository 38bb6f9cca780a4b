//! Whether synthetic rows tell who was in the training rows.

use super::report::{Better, ComparedFigure, QualitySection, Rule};
use super::samples::Sample;
use crate::error::Result;
use crate::rng::{Permutation, Rng};
use crate::synthetic::quality::{
    Interval, SinglingOut, exact_copies, membership_inference, near_copies, near_copy_distance, nearer_to_training,
    neighbour_ratio,
};

/// Why nothing is judged where the holdout was split off the real rows.
const NO_HOLDOUT: &str = "the generator may have been fitted on the rows that were split off";

/// The section. Where `is_split` says that the holdout is of the real rows, only copies are judged.
///
/// The control of a figure that compares training with holdout is one half of the holdout in place of synthetic rows and the other half as
/// holdout; that of others is the holdout in place of synthetic rows. Singling out is of tables alone: what a guess says is a value of a column, and a feature of a picture or of
/// a network is nothing that anybody knows of a person; [`notes`](super::notes) say so.
pub(super) fn privacy(
    real: &Sample,
    synthetic: &Sample,
    holdout: &Sample,
    is_split: bool,
    seed: u64,
) -> Result<QualitySection> {
    let (halves, mut rng) = (holdout.len() / 2, Rng::new(seed, "halves of the holdout", 0));
    let order = Permutation::new(holdout.len() as u64, &mut rng);
    let rows: Vec<usize> = (0..holdout.len()).map(|at| order.get(at as u64) as usize).collect();
    let (one, other) = (holdout.select(&rows[..halves]), holdout.select(&rows[halves..]));
    let figure =
        |name, synthetic, control, margin| ComparedFigure::judged(name, synthetic, control, Better::Lower, margin);
    let mut figures = vec![figure(
        "exact_copies",
        exact_copies(&synthetic.rows, &real.rows)?,
        exact_copies(&holdout.rows, &real.rows)?,
        0.01,
    )];
    let distance = near_copy_distance(&real.rows)?;
    figures.push(figure(
        "near_copies",
        near_copies(&synthetic.rows, &real.rows, distance)?,
        near_copies(&holdout.rows, &real.rows, distance)?,
        0.05,
    ));
    figures.push(ComparedFigure::shown(
        "neighbour_ratio",
        neighbour_ratio(&synthetic.rows, &real.rows)?,
        neighbour_ratio(&holdout.rows, &real.rows)?,
    ));
    let mut against = Vec::new();
    if halves > 0 {
        // What rows of the same distribution have is known: a half. Where real rows have more, since the holdout is unlike the training rows or there are few, synthetic ones may, too; less they have
        // by chance.
        let rule = |control: &Interval| Rule {
            better: Better::Lower,
            against: control.value.max(0.5),
            margin: 0.05,
        };
        let own = nearer_to_training(&synthetic.rows, &real.rows, &holdout.rows)?;
        let beside = nearer_to_training(&one.rows, &real.rows, &other.rows)?;
        against.push(ComparedFigure::judged_against(
            "nearer_to_training",
            [own, beside],
            rule(&beside),
        ));
        let own = membership_inference(&synthetic.rows, &real.rows, &holdout.rows)?;
        let beside = membership_inference(&one.rows, &real.rows, &other.rows)?;
        against.push(ComparedFigure::judged_against(
            "membership_auc",
            [own, beside],
            rule(&beside),
        ));
    }
    if let (Some(made), Some(seen), Some(unseen)) = (&synthetic.table, &real.table, &holdout.table) {
        let found = SinglingOut::of(made, seen, unseen, seed)?;
        if found.guesses > 0 {
            against.push(figure("singling_out", found.training, found.holdout, 0.1));
        }
    }
    figures.extend(
        against
            .into_iter()
            .map(|figure| if is_split { figure.not_judged() } else { figure }),
    );
    let mut section = QualitySection::new("privacy", figures, NO_HOLDOUT);
    if is_split {
        section.verdict += &format!(". Only copies are judged, since {NO_HOLDOUT}: name a holdout");
    }
    Ok(section)
}
