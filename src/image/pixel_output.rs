//! What pixels become.

/// What pixels are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PixelOutput {
    /// f32, normalised.
    Normalized,
    /// u8, as they are.
    Levels,
    /// u8, which are normalised where they go.
    #[cfg(feature = "train")]
    LevelsOfInputs,
}

impl PixelOutput {
    pub(super) fn is_levels(self) -> bool {
        self != Self::Normalized
    }
}
