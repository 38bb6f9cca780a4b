use clap::Args;
use millstream::image;

/// How pictures are read.
#[derive(Args)]
pub(crate) struct Reading {
    #[command(flatten)]
    limit: Limit,
    /// Leave pictures as they are stored, whatever orientation their EXIF gives
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    as_stored: Option<bool>,
    /// The value that is white in pictures of more than 8 bits, 255 or more: 4095 for a camera's 12 bits; by default the largest that their
    /// bits can hold
    #[arg(long, value_name = "VALUE", value_parser = clap::value_parser!(u16).range(255..))]
    white: Option<u16>,
}

/// How large pictures may be.
#[derive(Args)]
pub(crate) struct Limit {
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        help = format!(
            "Pixels, width times height, that a picture may have [default: {}]",
            image::Reading::default().max_pixels
        )
    )]
    max_pixels: Option<u64>,
}

impl Reading {
    /// What was given, and else what `otherwise` says.
    pub(crate) fn or(&self, otherwise: image::Reading) -> image::Reading {
        image::Reading {
            max_pixels: self.limit.max_pixels_or(otherwise.max_pixels),
            upright: self.as_stored.map_or(otherwise.upright, |as_stored| !as_stored),
            white: self.white.or(otherwise.white),
        }
    }
}

impl Limit {
    /// The limit that was given, or `otherwise`.
    pub(crate) fn max_pixels_or(&self, otherwise: u64) -> u64 {
        self.max_pixels.unwrap_or(otherwise)
    }
}
