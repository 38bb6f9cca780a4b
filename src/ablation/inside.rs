//! What detectors that were trained and tested inside the training pictures say of the ways that were tried.

use super::detection::{DetectionChoice, DetectionWay};
use super::journal::Journal;
use super::spec::Ablation;
use crate::error::{Error, Result};

impl Ablation {
    /// Parts of the training pictures of a detection data set that are held out, one after the other, to choose on.
    pub(super) fn parts(&self) -> u64 {
        if self.quick { 2 } else { 3 }
    }

    /// What the cells of `journal` say of the ways that were tried inside the training pictures of `data`.
    pub(super) fn detection_choice(&self, data: &str, journal: &Journal) -> Result<DetectionChoice> {
        let of = |way: &DetectionWay| {
            let row = way.to_string();
            let cell = |part| {
                let missing = || Error::stage(format!("{data}, {row}, part {part} has not been done"));
                journal.detection(data, &row, part, true).ok_or_else(missing)
            };
            (0..self.parts()).map(cell).collect::<Result<Vec<_>>>()
        };
        let tried = DetectionWay::tried(self.quick).iter().map(|way| Ok((*way, of(way)?)));
        let tried = tried.collect::<Result<_>>()?;
        Ok(DetectionChoice::new(&of(&DetectionWay::REPEAT_FACTORS)?, tried))
    }
}
