//! What is wrong with a line of `cells.jsonl` that can be read: nobody who trained a network wrote it.

use super::choice::SyntheticChoice;
use super::detection::DetectionCell;
use super::figures::Figures;
use super::line::{Cell, Contents};
use crate::report::Confusion;

/// Figures are quotients of whole numbers: what differs by less was only written by another machine.
const ROUNDING: f64 = 1e-9;

/// Why `cell` is none of a data set with these `contents`, if it is not; `cells` are all that there are.
pub(super) fn of_cell(cell: &Cell, contents: &Contents, cells: &[Cell]) -> Option<String> {
    let (ours, classes) = (cell.confusion.classes(), contents.classes.len());
    if ours != classes || contents.counts.len() != classes {
        return Some(format!("its confusion has {ours} classes, and the data set {classes}"));
    }
    let is_first = !cell.input.is_table() || cell.seed == 0;
    let tested = tested(&cell.confusion);
    let total = tested.iter().fold(0_u64, |sum, &rows| sum.saturating_add(rows));
    let known = contents.tested;
    if is_first && total != known {
        return Some(format!("its confusion has {total} rows, and {known} were tested"));
    }
    // Other splits of a table have the same rows in all, and other ones of them to train on.
    let first = cells
        .iter()
        .find(|other| other.data == cell.data && other.input.is_table() && other.seed == 0);
    let counts = match (is_first, first) {
        (true, _) => contents.counts.clone(),
        (false, Some(first)) => {
            let of_first = self::tested(&first.confusion);
            let all = contents.counts.iter().zip(of_first);
            let left = all
                .zip(&tested)
                .map(|((&count, first), &rows)| count.checked_add(first)?.checked_sub(rows));
            match left.collect::<Option<Vec<u64>>>() {
                Some(counts) => counts,
                None => return Some("its confusion has more rows of a class than the table".to_owned()),
            }
        }
        (false, None) => return Some("there is no cell of the first split of its table".to_owned()),
    };
    let (ours, figures) = (cell.figures.values(), Figures::of(&cell.confusion, &counts).values());
    let mut pairs = Figures::NAMES.iter().zip(ours.into_iter().zip(figures));
    let (name, (ours, figure)) = pairs.find(|(_, (ours, figure))| (ours - figure).abs() > ROUNDING)?;
    Some(format!("its {name} is {ours}, and that of its confusion {figure}"))
}

/// Rows of each class; no sum goes over.
fn tested(of: &Confusion) -> Vec<u64> {
    let classes = 0..of.classes();
    let rows = |truth| {
        classes
            .clone()
            .fold(0_u64, |sum, predicted| sum.saturating_add(of.count(truth, predicted)))
    };
    classes.clone().map(rows).collect()
}

/// Why `cell` is that of no detector, if it is not.
pub(super) fn of_detector(cell: &DetectionCell) -> Option<String> {
    let of = &cell.figures;
    let figures = [("map", of.map), ("map50", of.map50), ("rarest_third", of.rarest_third)];
    let (name, figure) = figures.into_iter().find(|(_, figure)| !(0.0..=1.0).contains(figure))?;
    Some(format!("its {name} is {figure}, and lies in 0 to 1"))
}

/// Why `choice` is none, if it is not.
pub(super) fn of_choice(choice: &SyntheticChoice) -> Option<String> {
    let (chosen, tried) = (choice.chosen, choice.tried.len());
    (chosen >= tried).then(|| format!("number {chosen} was chosen of {tried}, counted from 0"))
}
