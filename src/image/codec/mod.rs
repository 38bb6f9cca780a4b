//! Files of pictures: what they are, what they say of themselves, and their pixels.

mod alpha;
mod bmp;
pub(in crate::image) mod chunks;
pub(in crate::image) mod decode;
mod exif;
pub(in crate::image) mod facts;
pub(in crate::image) mod format;
mod gif;
mod ico;
pub(in crate::image) mod ifd;
pub(in crate::image) mod jpeg;
mod levels;
mod limit;
pub(in crate::image) mod mpf;
mod orientation;
mod png_webp;
mod tiff;
