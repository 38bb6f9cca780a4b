//! Which format a file has, by its first bytes.

use std::fmt;

use crate::image::error::ImageError;

/// A format of pictures that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG; the first picture of an animation.
    Png,
    /// WebP, lossy and lossless; the first picture of an animation.
    WebP,
    /// GIF; the first picture of an animation.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF and BigTIFF; the first page.
    Tiff,
    /// Windows icon; the largest picture in it.
    Ico,
}

/// Formats that are told from other data so that they can be named: where their signature is, and what.
const REFUSED: &[(usize, &[u8], &str)] = &[
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypheix", "HEIC"),
    (4, b"ftyphevc", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (4, b"ftyp", "MP4 video"),
    (0, b"\0\0\x02\0", "CUR (Windows cursor)"),
    (0, b"8BPS", "PSD"),
    (0, b"%PDF-", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"<svg", "SVG"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"DDS ", "DDS"),
    (0, b"qoif", "QOI"),
    (0, b"farbfeld", "farbfeld"),
    (0, b"icns", "ICNS"),
    (0, b"gimp xcf", "XCF"),
    (0, b"SIMPLE  =", "FITS"),
    (128, b"DICM", "DICOM"),
];

impl Format {
    /// The format of a file.
    ///
    /// # Errors
    ///
    /// [`ImageError::Format`] for a known one that is not read, and [`ImageError::NotAnImage`].
    pub(in crate::image) fn of(file: &[u8]) -> Result<Self, ImageError> {
        match file {
            [0xff, 0xd8, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Ok(Self::Tiff),
            [0, 0, 1, 0, ..] => Ok(Self::Ico),
            [b'B', b'M', ..] => Ok(Self::Bmp),
            _ => Err(refused(file).map_or_else(
                || ImageError::NotAnImage(file[..file.len().min(8)].to_vec()),
                ImageError::Format,
            )),
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Ico => "ICO",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn refused(file: &[u8]) -> Option<&'static str> {
    let starts =
        |&&(at, signature, _): &&(usize, &[u8], &str)| file.get(at..).is_some_and(|f| f.starts_with(signature));
    if let Some((_, _, name)) = REFUSED.iter().find(starts) {
        return Some(name);
    }
    // Portable maps: P1 to P7 and white space. SVG may begin with an XML declaration.
    match file {
        [b'P', b'1'..=b'7', b' ' | b'\n' | b'\r' | b'\t', ..] => Some("PNM"),
        [b'<', b'?', b'x', b'm', b'l', ..] => {
            memchr::memmem::find(&file[..file.len().min(1024)], b"<svg").map(|_| "SVG")
        }
        _ => None,
    }
}
