//! The orientation that a file gives, as Pillow's `exif_transpose` reads it: from EXIF, or where that has none, from XMP.
//!
//! Only the headers of segments and chunks are walked through. What is broken counts as absent, and a value outside `1..=8` as
//! upright.

use std::borrow::Cow;
use std::io::Read;

use super::chunks::{png_chunks, riff_chunks};
use super::format::Format;
use super::ifd::Directory;
use super::jpeg::segments::Segments;
use super::orientation::Orientation;

/// TIFF's tags.
const ORIENTATION: u16 = 274;
const XMP: u16 = 700;

/// The segment of a JPEG that holds either.
const APP1: u8 = 0xe1;

/// Bytes of compressed metadata that are looked at.
const METADATA: u64 = 1 << 20;

/// What a file carries beside the picture.
#[derive(Debug, Default)]
struct Metadata<'a> {
    exif: Option<Cow<'a, [u8]>>,
    /// EXIF as ImageMagick writes it into a PNG's text: counts where there is no other.
    text: Option<Cow<'a, [u8]>>,
    xmp: Option<Cow<'a, [u8]>>,
}

/// How the picture in `file` is stored.
pub(in crate::image) fn orientation(format: Format, file: &[u8]) -> Orientation {
    let metadata = match format {
        Format::Jpeg => jpeg(file),
        Format::Png => png(file),
        Format::WebP => webp(file),
        Format::Tiff => Metadata {
            exif: Some(file.into()),
            xmp: Directory::first(file).and_then(|tags| tags.bytes(XMP)).map(Cow::from),
            text: None,
        },
        Format::Gif | Format::Bmp | Format::Ico => return Orientation::default(),
    };
    let exif = metadata.exif.or_else(|| metadata.text.as_deref().and_then(from_text));
    let number = exif
        .and_then(|exif| from_exif(&exif))
        .or_else(|| metadata.xmp.and_then(|xmp| from_xmp(&xmp)));
    Orientation::new(number.unwrap_or(1))
}

fn from_exif(exif: &[u8]) -> Option<u64> {
    let mut tiff = exif;
    for _ in 0..2 {
        tiff = tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff);
    }
    Directory::first(tiff)?.value(ORIENTATION)
}

/// The digit of `tiff:Orientation="6"` or `<tiff:Orientation>6<`.
fn from_xmp(xmp: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"tiff:Orientation";
    memchr::memmem::find_iter(xmp, NAME).find_map(|at| match &xmp[at + NAME.len()..] {
        [b'=', b'"', digit @ b'0'..=b'9', ..] | [b'>', digit @ b'0'..=b'9', ..] => Some((digit - b'0').into()),
        _ => None,
    })
}

/// EXIF in hexadecimal digits, after a name and a length on lines of their own.
fn from_text(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let lines = text.split(|&byte| byte == b'\n').skip(3);
    let digits: Vec<u8> = lines.flatten().copied().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let bytes = digits
        .as_chunks()
        .0
        .iter()
        .map(|&[high, low]| value(high) << 4 | value(low));
    Some(bytes.collect::<Vec<_>>().into())
}

/// The segments before the first scan. EXIF may go on in a second one.
fn jpeg(file: &[u8]) -> Metadata<'_> {
    let mut found = Metadata::default();
    let mut segments = Segments::of(file);
    for segment in segments.before_scan().filter(|segment| segment.marker == APP1) {
        if let Some(more) = segment.data.strip_prefix(b"Exif\0\0") {
            match &mut found.exif {
                Some(exif) => exif.to_mut().extend(more),
                exif => *exif = Some(more.into()),
            }
        } else if let Some(xmp) = segment.data.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
            found.xmp = Some(xmp.into());
        }
    }
    found
}

fn png(file: &[u8]) -> Metadata<'_> {
    let mut found = Metadata::default();
    for (name, data) in png_chunks(file) {
        match name {
            b"eXIf" => found.exif = Some(data.into()),
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let Some(end) = memchr::memchr(0, data) else { continue };
                let (keyword, rest) = (&data[..end], &data[end + 1..]);
                let place = match keyword {
                    b"Raw profile type exif" => &mut found.text,
                    b"XML:com.adobe.xmp" => &mut found.xmp,
                    _ => continue,
                };
                *place = text(name, rest).or(place.take());
            }
            _ => {}
        }
    }
    found
}

/// What a PNG's text chunk says after its keyword.
fn text<'a>(chunk: &[u8; 4], data: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let (packed, text) = match (chunk, data) {
        (b"tEXt", text) => (false, text),
        (b"zTXt", [0, text @ ..]) => (true, text),
        (b"iTXt", [packed @ 0..=1, 0, rest @ ..]) => {
            // A language and a translated keyword, each ended by a zero.
            let mut parts = rest.splitn(3, |&byte| byte == 0);
            (*packed == 1, parts.nth(2)?)
        }
        _ => return None,
    };
    if !packed {
        return Some(text.into());
    }
    let mut plain = Vec::new();
    let mut inflated = flate2::read::ZlibDecoder::new(text).take(METADATA);
    inflated.read_to_end(&mut plain).is_ok().then(|| plain.into())
}

/// The chunks EXIF and XMP, which count where the header announces them.
fn webp(file: &[u8]) -> Metadata<'_> {
    let mut found = Metadata::default();
    let mut flags = 0;
    for (name, data) in riff_chunks(file) {
        match name {
            b"VP8X" => flags = data.first().copied().unwrap_or_default(),
            b"EXIF" if flags & 8 != 0 && found.exif.is_none() => found.exif = Some(data.into()),
            b"XMP " if flags & 4 != 0 && found.xmp.is_none() => found.xmp = Some(data.into()),
            _ => {}
        }
    }
    found
}
