//! What becomes of an earlier run.

/// What to do where a folder holds a run already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it, and leave it as it is, unless it had come to nothing yet: no checkpoint, no model, no report.
    #[default]
    Refuse,
    /// Go on with it, if it is the same run on the same data; one that has ended gives its results again.
    Resume,
    /// Replace it. Files that no run wrote stay; where they have names that a run needs, they are refused.
    Overwrite,
}
