//! Files of pictures: what they are, what they say of themselves, and their pixels.

pub(in crate::image) mod bmp;
pub(in crate::image) mod decode;
pub(in crate::image) mod exif;
pub(in crate::image) mod facts;
pub(in crate::image) mod format;
pub(in crate::image) mod gif;
pub(in crate::image) mod ico;
pub(in crate::image) mod ifd;
pub(in crate::image) mod jpeg;
pub(in crate::image) mod levels;
pub(in crate::image) mod orientation;
pub(in crate::image) mod tiff;
