//! What is wrong with a JPEG, or is not read of it.

use std::fmt::Display;

use crate::image::error::ImageError;

/// What is wrong with the compressed data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Broken {
    /// Bits that are no code.
    Code,
    /// A run that leads out of its block.
    Run,
    /// Fewer bits, or restart markers, than the picture needs.
    Ended,
}

impl From<Broken> for ImageError {
    fn from(broken: Broken) -> Self {
        let reason = match broken {
            Broken::Code => "bits that are no Huffman code",
            Broken::Run => "a run of zeros leads out of its block",
            Broken::Ended => return Self::Truncated("JPEG"),
        };
        corrupt(reason)
    }
}

pub(super) fn corrupt(reason: impl Into<String>) -> ImageError {
    ImageError::Corrupt {
        format: "JPEG",
        reason: reason.into(),
    }
}

/// A kind of JPEG that is not read.
pub(super) fn unread(kind: impl Display) -> ImageError {
    ImageError::Unsupported(format!("JPEG variant ({kind})"))
}
