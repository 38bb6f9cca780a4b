//! The Multi-Picture Format: several JPEGs one after the other in a file, of which the first says how many there are.

use super::ifd::Directory;
use super::jpeg::segments::Segments;

/// The segments of a JPEG that hold XMP, and the directory of a Multi-Picture file.
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;

/// The tag of that directory that says how many pictures there are.
const NUMBER_OF_IMAGES: u16 = 0xb001;

/// Whether more pictures follow that of a JPEG, as in the Multi-Picture Format of cameras with two lenses. As in Pillow a photo with a
/// gain map, whose second picture only says how bright the first one is, counts as one.
pub(in crate::image) fn has_more_pictures(file: &[u8]) -> bool {
    let mut several = false;
    for segment in Segments::of(file).before_scan() {
        match segment.marker {
            APP1 if memchr::memmem::find(segment.data, b" hdrgm:Version=\"").is_some() => return false,
            APP2 => {
                let pictures = segment.data.strip_prefix(b"MPF\0").and_then(Directory::first);
                let count = pictures.and_then(|pictures| pictures.value(NUMBER_OF_IMAGES));
                several |= count.is_some_and(|count| count > 1);
            }
            _ => {}
        }
    }
    several
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Pixels;
    use jpeg_encoder::{ColorType, Encoder};

    fn jpeg(level: u8, segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 90);
        for (at, data) in segments {
            encoder.add_app_segment(*at, data.to_vec()).expect("it is short");
        }
        let encoded = encoder.encode(&[level; 1600], 40, 40, ColorType::Luma);
        encoded.expect("a picture");
        file
    }

    /// A directory of one entry: the number of pictures, a whole number of 32 bits.
    fn directory(count: u8) -> Vec<u8> {
        let entry = [0x01, 0xb0, 4, 0, 1, 0, 0, 0, count, 0, 0, 0];
        [b"MPF\0II*\0\x08\0\0\0\x01\0", &entry[..], &[0; 4]].concat()
    }

    /// As Pillow's `jpeg_factory` tells `MPO` from `JPEG`.
    #[test]
    fn the_first_picture_says_whether_more_follow() {
        let gain = b"http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version=\"1.0\"/>".as_slice();
        let (one, two) = (directory(1), directory(2));
        let (one, two) = (one.as_slice(), two.as_slice());
        assert!(has_more_pictures(&jpeg(50, &[(2, two)])));
        for single in [&[][..], &[(2, one)], &[(2, two), (1, gain)], &[(1, gain), (2, two)]] {
            assert!(!has_more_pictures(&jpeg(50, single)), "{single:?}");
        }
    }

    #[test]
    fn the_first_picture_is_read() {
        let both = [jpeg(50, &[(2, &directory(2))]), jpeg(200, &[])].concat();
        assert_eq!(Pixels::decode(&both).expect("a picture").levels, [50; 4800]);
    }
}
