//! What can be wrong with an image or with a stage.

use std::fmt;

/// The formats that are read.
const READ: &str = "JPEG, PNG, WebP, GIF, BMP, TIFF and ICO";

/// Why an image could not be decoded, or a stage could not run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes are not an image: none of the known signatures. Holds the first bytes, at most eight.
    NotAnImage(Vec<u8>),
    /// An image in a format that is not read. Holds its name.
    Format(&'static str),
    /// A variant that is not read of a format that is. Names both.
    Unsupported(String),
    /// The header promises more pixels than the limit, and nothing was decoded.
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The most pixels that are accepted.
        limit: u64,
    },
    /// The data ends before the image does. Holds the format's name.
    Truncated(&'static str),
    /// The data breaks the rules of its format.
    Corrupt {
        /// The format's name.
        format: &'static str,
        /// What the decoder found.
        reason: String,
    },
    /// A mask has another size than its picture.
    MaskSize {
        /// Width and height of the mask in pixels.
        mask: (u32, u32),
        /// Those of the picture.
        picture: (u32, u32),
    },
    /// A parameter of the stage makes no sense, or the slot has the wrong length.
    Config(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnImage(start) if start.is_empty() => write!(f, "not an image: no bytes"),
            Self::NotAnImage(start) => {
                write!(
                    f,
                    "not an image: starts with {:02x?} (\"{}\")",
                    start,
                    start.escape_ascii()
                )
            }
            Self::Format(name) => write!(f, "{name} is not read; {READ} are"),
            Self::Unsupported(what) => write!(f, "{what} is not read"),
            Self::TooLarge { width, height, limit } => {
                write!(f, "{width} x {height} pixels is over the limit of {limit}")
            }
            Self::Truncated(format) => write!(f, "premature end of {format} data"),
            Self::Corrupt { format, reason } => write!(f, "corrupt {format} data: {reason}"),
            Self::MaskSize { mask, picture } => write!(
                f,
                "the mask has {} x {} pixels, its picture {} x {}",
                mask.0, mask.1, picture.0, picture.1
            ),
            Self::Config(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ImageError {}
