//! Pictures of which more boxes were found than are kept.

use super::detect::CUT;
use super::predict::Predict;
use crate::error::Result;
use crate::quote::counted;
use arrow::array::{Array, AsArray, RecordBatch};
use std::fmt;

/// Boxes of a class and a picture that COCO's figures count.
const COCO: usize = 100;

/// In how many pictures more boxes were found than are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutBoxes {
    /// These pictures. Those of their boxes that have the lowest scores are left out.
    pub pictures: u64,
    /// All pictures that have a prediction.
    pub of: u64,
    /// How many boxes of a picture are kept: `at_most` of [`Nms`](crate::boxes::Nms).
    pub at_most: usize,
}

impl Predict {
    /// In how many pictures the limit of [`nms`](Self::nms), or that of the model, has left boxes out of `predictions`; none where it has in none, and
    /// where no boxes are predicted.
    ///
    /// # Errors
    ///
    /// As [`model_nms`](Self::model_nms).
    pub fn cut_boxes(&self, predictions: &RecordBatch) -> Result<Option<CutBoxes>> {
        let cut = predictions.column_by_name(CUT);
        let Some(cut) = cut.and_then(|cut| cut.as_boolean_opt()) else {
            return Ok(None);
        };
        let nms = match &self.nms {
            Some(nms) => Some(nms.clone()),
            None => self.model_nms()?,
        };
        let pictures = cut.iter().filter(|cut| *cut == Some(true)).count() as u64;
        let found = nms.filter(|_| pictures > 0);
        Ok(found.map(|nms| CutBoxes {
            pictures,
            of: (cut.len() - cut.null_count()) as u64,
            at_most: nms.at_most,
        }))
    }
}

/// `3 of 20 pictures have more than 100 boxes, as many as COCO's figures count of a class: those of the lowest scores are left out; ..`.
impl fmt::Display for CutBoxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let have = if self.pictures == 1 { "has" } else { "have" };
        let coco = match self.at_most {
            COCO => ", as many as COCO's figures count of a class",
            _ => "",
        };
        write!(
            f,
            "{} of {} {have} more than {}{coco}: those of the lowest scores are left out; at_most of nms keeps more, a higher min_score \
             finds fewer",
            self.pictures,
            counted(self.of, "picture"),
            counted(self.at_most, "box")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_said_in_words() {
        let of = |pictures, at_most| {
            let of = 20;
            CutBoxes { pictures, of, at_most }.to_string()
        };
        let end = "those of the lowest scores are left out; at_most of nms keeps more, a higher min_score finds fewer";
        assert_eq!(
            of(3, 100),
            format!("3 of 20 pictures have more than 100 boxes, as many as COCO's figures count of a class: {end}")
        );
        assert_eq!(of(1, 7), format!("1 of 20 pictures has more than 7 boxes: {end}"));
    }
}
