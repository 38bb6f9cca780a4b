use clap::Args;
use millstream::Error;
use millstream::image;
use millstream::image::ImageError;

/// How pictures are read.
#[derive(Args)]
pub(crate) struct Reading {
    #[command(flatten)]
    limit: Limit,
    /// Leave pictures as they are stored, whatever orientation their EXIF gives
    #[arg(long)]
    as_stored: bool,
    /// The value that is white in pictures of more than 8 bits, 4095 for a camera's 12 bits; by default the largest that their
    /// bits can hold
    #[arg(long, value_name = "VALUE", value_parser = clap::value_parser!(u16).range(1..))]
    white: Option<u16>,
}

/// How large pictures may be.
#[derive(Args)]
pub(crate) struct Limit {
    /// Pixels, width times height, that a picture may have
    #[arg(long, value_name = "N", default_value_t = image::Reading::default().max_pixels, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_pixels: u64,
}

impl From<Reading> for image::Reading {
    fn from(reading: Reading) -> Self {
        Self {
            max_pixels: reading.limit.max_pixels,
            upright: !reading.as_stored,
            white: reading.white,
        }
    }
}

/// The option that mends an error about a picture's size.
pub(crate) fn hint(error: &Error) -> &'static str {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(ImageError::TooLarge { .. }) = error.downcast_ref() {
            return " (--max-pixels)";
        }
        cause = error.source();
    }
    ""
}
