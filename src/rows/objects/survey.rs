//! What a scan of objects counts.

use super::flat::Flat;
use crate::quote::counted;
use serde::Serialize;

/// What the objects of all rows are, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectSurvey {
    /// The column.
    pub column: String,
    /// Rows in all.
    pub rows: u64,
    /// Rows without an object.
    pub without: u64,
    /// Rows that are null in place of objects: they count as without.
    pub nulls: u64,
    /// Objects in all, without those that were left out.
    pub objects: u64,
    /// Objects that were left out: boxes without an area, or with a number that is not finite.
    pub degenerate: u64,
    /// Objects that stand for a crowd, by the field `iscrowd`.
    pub crowds: u64,
    /// Objects that need not be found, by the field `difficult`.
    pub difficult: u64,
    /// Boxes that reach out of their pictures by more than a pixel, where the sizes of these are known.
    pub reaching_out: u64,
    /// Objects of each class.
    pub objects_of_class: Vec<u64>,
    /// Rows with an object of each class.
    pub rows_of_class: Vec<u64>,
    /// The most objects that a row has.
    pub most: u64,
    /// Whether the boxes were checked against the sizes of their pictures.
    pub checked: bool,
}

impl ObjectSurvey {
    pub(super) fn of(column: &str, names: &[String], flat: &Flat) -> Self {
        let mut survey = Self {
            column: column.to_owned(),
            rows: flat.ends.len() as u64,
            nulls: flat.nulls as u64,
            objects: flat.boxes.len() as u64,
            degenerate: flat.degenerate.iter().sum::<usize>() as u64,
            objects_of_class: vec![0; names.len()],
            rows_of_class: vec![0; names.len()],
            ..Self::default()
        };
        for row in 0..flat.ends.len() {
            let classes = &flat.classes[flat.range(row)];
            survey.most = survey.most.max(classes.len() as u64);
            survey.without += u64::from(classes.is_empty());
            let mut met = Vec::new();
            for &class in classes {
                survey.objects_of_class[class as usize] += 1;
                if !met.contains(&class) {
                    met.push(class);
                    survey.rows_of_class[class as usize] += 1;
                }
            }
        }
        survey
    }

    /// Notes how many objects are marked as crowds and as difficult.
    pub(super) fn marks(&mut self, crowds: u64, difficult: u64) {
        (self.crowds, self.difficult) = (crowds, difficult);
    }

    /// What a reader of a report has to know: what was left out, and what reaches out of its picture. None where nothing is.
    pub fn remark(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.degenerate > 0 {
            let all = self.objects + self.degenerate;
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
                counted(self.objects + self.degenerate, "box"),
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
