//! Which part of a run is looked at.

/// A part of a fine-tuning run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingPhase {
    /// The head trains on what the frozen backbone makes of fixed views of each row; a head on maps, on new pictures in each epoch.
    Head,
    /// The last stages of the backbone train with the head, on new pictures in each epoch or, where a run says so, on fixed views.
    Deep,
}

impl TrainingPhase {
    /// `head` or `deep`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Deep => "deep",
        }
    }
}
