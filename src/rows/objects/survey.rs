//! What a scan of objects counts.

use super::flat::{Flat, Values};
use crate::quote::{counted, quoted};
use serde::Serialize;

/// What the objects of all rows are, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectSurvey {
    /// The column.
    pub column: String,
    /// Rows in all.
    pub rows: u64,
    /// Rows without an object; one with crowds alone has none.
    pub without: u64,
    /// Rows that are null in place of objects: they count as without.
    pub nulls: u64,
    /// Objects in all, without crowds and without those that were left out.
    pub objects: u64,
    /// Objects that were left out: boxes without an area, or with a number that is not finite.
    pub degenerate: u64,
    /// Boxes that stand for a crowd, by the field `iscrowd`: they count as no objects.
    pub crowds: u64,
    /// Objects that need not be found, by the field `difficult`, without crowds.
    pub difficult: u64,
    /// Boxes that reach out of their pictures by more than a pixel, where the sizes of these are known.
    pub reaching_out: u64,
    /// Objects of each class, without crowds.
    pub objects_of_class: Vec<u64>,
    /// Rows with an object of each class, without crowds.
    pub rows_of_class: Vec<u64>,
    /// The most objects that a row has, without crowds.
    pub most: u64,
    /// The first row that has so many.
    pub most_row: u64,
    /// Whether the boxes were checked against the sizes of their pictures.
    pub checked: bool,
}

impl ObjectSurvey {
    /// Counts the objects in `flat`, of which `crowds` and `difficult` hold where they are such.
    pub(super) fn of(column: &str, names: &[String], flat: &Flat, [crowds, difficult]: [Option<&Values>; 2]) -> Self {
        let is = |marks: Option<&Values>, at: usize| marks.is_some_and(|marks| marks.as_f32(at) != 0.0);
        let mut survey = Self {
            column: column.to_owned(),
            rows: flat.ends.len() as u64,
            nulls: flat.nulls as u64,
            degenerate: flat.degenerate.iter().sum::<usize>() as u64,
            objects_of_class: vec![0; names.len()],
            rows_of_class: vec![0; names.len()],
            ..Self::default()
        };
        for row in 0..flat.ends.len() {
            let (mut met, mut many) = (Vec::new(), 0);
            for at in flat.range(row) {
                if is(crowds, at) {
                    survey.crowds += 1;
                    continue;
                }
                many += 1;
                survey.difficult += u64::from(is(difficult, at));
                let class = flat.classes[at];
                survey.objects_of_class[class as usize] += 1;
                if !met.contains(&class) {
                    met.push(class);
                    survey.rows_of_class[class as usize] += 1;
                }
            }
            survey.objects += many;
            survey.without += u64::from(many == 0);
            if many > survey.most {
                (survey.most, survey.most_row) = (many, row as u64);
            }
        }
        survey
    }

    /// Boxes that are kept: of objects and of crowds.
    pub(super) fn boxes(&self) -> u64 {
        self.objects + self.crowds
    }

    /// What becomes of crowds and of difficult objects in training. None where there are neither.
    pub fn marked(&self) -> Option<String> {
        let mut parts = Vec::new();
        let of = |many: u64, [one, several]: [&str; 2]| {
            let verb = if many == 1 { one } else { several };
            format!(
                "{many} of {} in {} {verb}",
                counted(self.boxes(), "box"),
                quoted(&self.column)
            )
        };
        if self.crowds > 0 {
            parts.push(format!(
                "{} for a crowd: left out of training and of all counts, and no error where it is found, as COCO has it",
                of(self.crowds, ["stands", "stand"])
            ));
        }
        if self.difficult > 0 {
            parts.push(format!(
                "{} difficult: left out of the figures, as Pascal VOC has it, but not of training",
                of(self.difficult, ["is", "are"])
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// What a reader of a report has to know: what was left out, and what reaches out of its picture. None where nothing is.
    pub fn remark(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.degenerate > 0 {
            let all = self.boxes() + self.degenerate;
            parts.push(format!(
                "{} of {} in \"{}\" {}",
                self.degenerate,
                counted(all, "box"),
                self.column,
                match self.degenerate {
                    1 => "has no area or is not finite: it is left out",
                    _ => "have no area or are not finite: they are left out",
                }
            ));
        }
        if self.reaching_out > 0 {
            parts.push(format!(
                "{} of {} in \"{}\" {} out of the picture by more than a pixel",
                self.reaching_out,
                counted(self.boxes() + self.degenerate, "box"),
                self.column,
                if self.reaching_out == 1 { "reaches" } else { "reach" }
            ));
        }
        if self.nulls > 0 {
            parts.push(format!(
                "{} of {} {} as without objects",
                self.nulls,
                counted(self.rows, "row"),
                if self.nulls == 1 {
                    "is null and counts"
                } else {
                    "are null and count"
                }
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
