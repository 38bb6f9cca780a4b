//! Pictures made smaller once, in their files, so that they are decoded faster ever after.
//!
//! Long because half of it are its tests.

use super::codec::chunks::{png_chunks, riff_chunks};
use super::codec::decode::{Reading, decode};
use super::codec::facts::Facts;
use super::codec::format::Format;
use super::codec::ifd::Directory;
use super::codec::mpf;
use super::geometry::crop::Region;
use super::mask::Mask;
use super::{DecoderScratch, ImageError, KEPT, Pixels};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use std::cell::RefCell;

thread_local! {
    /// What a thread keeps between pictures: the decoder's buffers, the picture, and the smaller one.
    static SCRATCH: RefCell<(DecoderScratch, Pixels, Pixels)> = RefCell::default();
}

/// Makes large pictures smaller and writes them as files again.
///
/// The shorter side gets a given length and the longer one `floor(length * longer / shorter)`, as torchvision's `Resize(length)`
/// has it. The resample is that of [`Image`](super::Image): antialiased bilinear, of the picture decoded at its full size. No
/// picture is enlarged, and one that is [`Kept`] is not touched.
///
/// JPEG and lossy WebP become JPEG: baseline, libjpeg's quantisation tables for the quality, colours at half the resolution
/// (4:2:0, averaged as libjpeg does it, and as Pillow writes by default), Huffman tables of the picture's own; grey stays grey, and CMYK becomes RGB.
/// PNG, BMP, TIFF and lossless WebP become PNG, grey or RGB of 8 bits. Pictures are turned [upright](Reading::upright) first. What else
/// a file says (EXIF, colour profiles, a gain map) is not kept, since nothing here applies it.
///
/// ```
/// use millstream::image::{Downscale, Downscaled, Facts, Pixels};
///
/// let photo = Pixels::new(640, 480).to_png()?;
/// let downscale = Downscale { shorter: 256, ..Downscale::default() };
/// let Downscaled::Smaller { picture, .. } = downscale.apply(&photo, &[])? else {
///     panic!("480 pixels are more than 256");
/// };
/// let facts = Facts::of(&picture)?;
/// assert_eq!((facts.width, facts.height), (341, 256));
/// # Ok::<(), millstream::image::ImageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downscale {
    /// Pixels of the shorter side, at least 1. Defaults to 256.
    pub shorter: u32,
    /// Quality of JPEG, `1..=100`. Defaults to 95.
    pub quality: u8,
    /// How pictures are read.
    pub reading: Reading,
}

impl Default for Downscale {
    fn default() -> Self {
        Self {
            shorter: 256,
            quality: 95,
            reading: Reading::default(),
        }
    }
}

/// What became of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downscaled {
    /// Its file, and those of its masks, in their order.
    Smaller {
        /// A JPEG or PNG.
        picture: Vec<u8>,
        /// PNG of the kind that each was: grey or palette, with the same bits.
        masks: Vec<Vec<u8>>,
    },
    /// It stays as it is, and so do its masks.
    Kept(Kept),
}

/// Why a picture stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its shorter side is not longer than wanted.
    Small,
    /// It has what a JPEG or a PNG of 8-bit RGB cannot hold: transparency, more than 8 bits a value, or several frames; or it is a GIF or
    /// an icon.
    Special,
}

impl Downscale {
    /// Makes the picture in `file` smaller, and with it `masks`: PNG of its upright size, whose values are numbers of classes. They
    /// take the value of the nearest place.
    ///
    /// # Errors
    ///
    /// What is wrong with a file. A picture that is kept is not decoded, so what is wrong behind its header is not found.
    pub fn apply(&self, file: &[u8], masks: &[&[u8]]) -> Result<Downscaled, ImageError> {
        if self.shorter == 0 || !(1..=100).contains(&self.quality) {
            let (shorter, quality) = (self.shorter, self.quality);
            return Err(ImageError::Config(format!(
                "shorter {shorter}, at least 1; quality {quality}, 1 to 100"
            )));
        }
        let facts = Facts::of(file)?;
        if facts.width.min(facts.height) <= self.shorter {
            return Ok(Downscaled::Kept(Kept::Small));
        }
        if is_special(&facts, file) {
            return Ok(Downscaled::Kept(Kept::Special));
        }
        SCRATCH.with_borrow_mut(|(decoder, whole, small)| {
            let made = self.smaller(&facts, (file, masks), decoder, (whole, small));
            decoder.trim(KEPT);
            if whole.levels.capacity() > KEPT {
                whole.levels = Vec::new();
            }
            made
        })
    }

    fn smaller(
        &self,
        facts: &Facts,
        (file, masks): (&[u8], &[&[u8]]),
        decoder: &mut DecoderScratch,
        (whole, small): (&mut Pixels, &mut Pixels),
    ) -> Result<Downscaled, ImageError> {
        decode(file, &self.reading, decoder, whole)?;
        let (width, height) = self.size_of(whole.width, whole.height);
        small.resize(width, height);
        whole.resample([0.0, 0.0, f64::from(whole.width), f64::from(whole.height)], small)?;
        let mask = |mask: &&[u8]| {
            let decoded = Mask::decode(mask, self.reading.max_pixels)?;
            let (mask_size, picture) = ((decoded.width, decoded.height), (whole.width, whole.height));
            if mask_size != picture {
                return Err(ImageError::MaskSize {
                    mask: mask_size,
                    picture,
                });
            }
            let region = Region::whole(decoded.width, decoded.height);
            decoded.resampled(region, (width, height)).encode(mask)
        };
        let masks = masks.iter().map(mask).collect::<Result<_, _>>()?;
        let is_grey = facts.channels == 1;
        let picture = match facts.format {
            Format::Jpeg | Format::WebP if !is_lossless(file) => self.jpeg(small, is_grey)?,
            _ => png(small, is_grey)?,
        };
        Ok(Downscaled::Smaller { picture, masks })
    }

    /// Width and height of what becomes of a picture.
    fn size_of(&self, width: u32, height: u32) -> (u32, u32) {
        let longer = |longer: u32, shorter: u32| {
            let length = u64::from(self.shorter) * u64::from(longer) / u64::from(shorter);
            u32::try_from(length).unwrap_or(u32::MAX)
        };
        match width < height {
            true => (self.shorter, longer(height, width)),
            false => (longer(width, height), self.shorter),
        }
    }

    fn jpeg(&self, pixels: &Pixels, is_grey: bool) -> Result<Vec<u8>, ImageError> {
        let failed = |error: &dyn std::fmt::Display| ImageError::Config(format!("encode JPEG: {error}"));
        let side = |pixels: u32| u16::try_from(pixels).map_err(|error| failed(&error));
        let (width, height) = (side(pixels.width)?, side(pixels.height)?);
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.quality);
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.set_optimized_huffman_tables(true);
        let encoded = match is_grey {
            true => encoder.encode(&grey(pixels), width, height, ColorType::Luma),
            false => encoder.encode(&pixels.levels, width, height, ColorType::Rgb),
        };
        encoded.map_err(|error| failed(&error))?;
        Ok(file)
    }
}

fn png(pixels: &Pixels, is_grey: bool) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive);
    let encoded = match is_grey {
        true => encoder.write_image(&grey(pixels), pixels.width, pixels.height, ExtendedColorType::L8),
        false => encoder.write_image(&pixels.levels, pixels.width, pixels.height, ExtendedColorType::Rgb8),
    };
    encoded.map_err(|error| ImageError::Config(format!("encode PNG: {error}")))?;
    Ok(file)
}

/// One level a pixel of a picture that is grey.
fn grey(pixels: &Pixels) -> Vec<u8> {
    pixels.levels.iter().copied().step_by(3).collect()
}

/// Whether 8-bit RGB without transparency cannot hold what is in `file`.
fn is_special(facts: &Facts, file: &[u8]) -> bool {
    let has_alpha = facts.channels == 2 || facts.channels == 4;
    let in_png = |name: &[u8; 4]| png_chunks(file).any(|(own, _)| own == name);
    let in_webp = |name: &[u8; 4]| riff_chunks(file).any(|(own, _)| own == name);
    match facts.format {
        Format::Gif | Format::Ico => true,
        // Four channels are CMYK.
        Format::Jpeg => facts.bits > 8 || mpf::has_more_pictures(file),
        Format::Png => has_alpha || facts.bits > 8 || in_png(b"tRNS") || in_png(b"acTL"),
        Format::WebP => has_alpha || in_webp(b"ANMF"),
        Format::Bmp => has_alpha || facts.bits > 8,
        Format::Tiff => has_alpha || facts.bits > 8 || Directory::first(file).is_some_and(|page| page.has_next()),
    }
}

/// Whether a WebP is lossless.
fn is_lossless(file: &[u8]) -> bool {
    Format::of(file) == Ok(Format::WebP) && riff_chunks(file).any(|(name, _)| name == b"VP8L")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A photo with slopes of all colours.
    fn photo(width: u32, height: u32) -> Pixels {
        let mut pixels = Pixels::new(width, height);
        for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
            let (x, y) = (at as u32 % width, at as u32 / width);
            pixel.copy_from_slice(&[
                (x * 255 / width) as u8,
                (y * 255 / height) as u8,
                ((x + y) * 255 / (width + height)) as u8,
            ]);
        }
        pixels
    }

    fn smaller(downscale: Downscale, file: &[u8], masks: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
        match downscale.apply(file, masks).expect("it is a picture") {
            Downscaled::Smaller { picture, masks } => (picture, masks),
            Downscaled::Kept(why) => panic!("it is kept: {why:?}"),
        }
    }

    fn to(shorter: u32) -> Downscale {
        Downscale {
            shorter,
            ..Downscale::default()
        }
    }

    fn most(a: &Pixels, b: &Pixels) -> u8 {
        assert_eq!((a.width, a.height), (b.width, b.height));
        let differences = a.levels.iter().zip(&b.levels).map(|(a, b)| a.abs_diff(*b));
        differences.max().unwrap_or(0)
    }

    #[test]
    fn the_shorter_side_is_as_long_as_wanted_and_nothing_is_enlarged() {
        let downscale = to(256);
        let sizes = [(640, 480), (480, 640), (257, 257), (1000, 257)];
        assert_eq!(
            sizes.map(|(width, height)| downscale.size_of(width, height)),
            [(341, 256), (256, 341), (256, 256), (996, 256)]
        );
        let png = photo(256, 300).to_png().expect("a picture");
        assert_eq!(downscale.apply(&png, &[]), Ok(Downscaled::Kept(Kept::Small)));
        // 20 x 15 is what becomes of 60 x 45.
        let (picture, _) = smaller(to(15), &photo(60, 45).to_png().expect("a picture"), &[]);
        let made = Pixels::decode(&picture).expect("a picture");
        assert_eq!(Facts::of(&picture).map(|facts| facts.format), Ok(Format::Png));
        assert!(most(&made, &photo(20, 15)) <= 8, "a slope stays a slope");
    }

    #[test]
    fn jpeg_stays_jpeg_in_half_as_many_colours_and_upright() {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 95);
        // Orientation 6: the stored picture has to be turned to the right.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        encoder.add_exif_metadata(exif).expect("it is short");
        encoder
            .encode(&photo(64, 48).levels, 64, 48, ColorType::Rgb)
            .expect("a picture");
        let (picture, _) = smaller(to(24), &file, &[]);
        let facts = Facts::of(&picture).expect("a JPEG");
        assert_eq!((facts.format, facts.width, facts.height), (Format::Jpeg, 24, 32));
        assert_eq!((facts.orientation, facts.channels), (1, 3));
        let sof = picture
            .windows(2)
            .position(|two| two == [0xff, 0xc0])
            .expect("baseline");
        assert_eq!(
            &picture[sof + 10..sof + 19],
            [0, 0x22, 0, 1, 0x11, 1, 2, 0x11, 1],
            "4:2:0"
        );
        // libjpeg's table of luminance at 95 begins with 2, 1, 1, 2; 1, 1, 2, 2.
        let dqt = picture.windows(2).position(|two| two == [0xff, 0xdb]).expect("tables");
        assert_eq!(&picture[dqt + 4..dqt + 10], [0, 2, 1, 1, 1, 1]);
        let upright = Pixels::decode(&file).expect("a picture");
        let mut expected = Pixels::new(24, 32);
        upright.resample([0.0, 0.0, 48.0, 64.0], &mut expected).expect("inside");
        assert!(most(&Pixels::decode(&picture).expect("a picture"), &expected) <= 12);
        let stored = Downscale {
            reading: Reading {
                upright: false,
                ..Reading::default()
            },
            ..to(24)
        };
        let facts = Facts::of(&smaller(stored, &file, &[]).0).expect("a JPEG");
        assert_eq!((facts.width, facts.height), (32, 24));
    }

    #[test]
    fn grey_stays_grey_and_four_inks_become_colours() {
        let of = |color: ColorType, levels: &[u8]| {
            let mut file = Vec::new();
            let encoder = Encoder::new(&mut file, 90);
            encoder.encode(levels, 40, 40, color).expect("a picture");
            smaller(to(20), &file, &[]).0
        };
        let grey = of(ColorType::Luma, &[100; 1600]);
        assert_eq!(Facts::of(&grey).map(|facts| facts.channels), Ok(1));
        assert_eq!(Pixels::decode(&grey).expect("a picture").levels, [100; 1200]);
        let inks = of(ColorType::Cmyk, &[0, 0, 0, 128].repeat(1600));
        assert_eq!(Facts::of(&inks).map(|facts| facts.channels), Ok(3));
    }

    #[test]
    fn what_eight_bits_of_rgb_cannot_hold_is_kept() {
        let png = |color: ExtendedColorType, bytes: usize| {
            let mut file = Vec::new();
            let encoder = PngEncoder::new(&mut file);
            let encoded = encoder.write_image(&vec![7; 40 * 40 * bytes], 40, 40, color);
            encoded.expect("a picture");
            to(20).apply(&file, &[])
        };
        for (color, bytes) in [
            (ExtendedColorType::Rgba8, 4),
            (ExtendedColorType::La8, 2),
            (ExtendedColorType::L16, 2),
            (ExtendedColorType::Rgb16, 6),
        ] {
            assert_eq!(png(color, bytes), Ok(Downscaled::Kept(Kept::Special)), "{color:?}");
        }
        assert!(matches!(png(ExtendedColorType::L8, 1), Ok(Downscaled::Smaller { .. })));
        // Two pictures of a camera with two lenses.
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 90);
        let count = b"MPF\0II*\0\x08\0\0\0\x01\0\x01\xb0\x04\0\x01\0\0\0\x02\0\0\0\0\0\0\0";
        encoder.add_app_segment(2, count.to_vec()).expect("it is short");
        encoder.encode(&[7; 1600], 40, 40, ColorType::Luma).expect("a picture");
        assert_eq!(to(20).apply(&file, &[]), Ok(Downscaled::Kept(Kept::Special)));
    }

    #[test]
    fn a_mask_takes_the_nearest_values_and_keeps_its_kind() {
        let picture = photo(40, 20).to_png().expect("a picture");
        let mut mask = Vec::new();
        let mut encoder = png::Encoder::new(&mut mask, 40, 20);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Four);
        encoder.set_palette(vec![0, 0, 0, 255, 0, 0, 0, 255, 0]);
        // The left half is 1, the right half 2.
        let line = [vec![0x11; 10], vec![0x22; 10]].concat();
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&line.repeat(20)).expect("its values");
        writer.finish().expect("an end");
        let (_, masks) = smaller(to(10), &picture, &[&mask]);
        let made = Mask::decode(&masks[0], 1 << 20).expect("a mask");
        assert_eq!((made.width, made.height), (20, 10));
        assert_eq!(made.values, [vec![1; 10], vec![2; 10]].concat().repeat(10));
        let reader = png::Decoder::new(std::io::Cursor::new(&masks[0]))
            .read_info()
            .expect("a PNG");
        assert_eq!(reader.info().bit_depth, png::BitDepth::Four);
        assert_eq!(
            reader.info().palette.as_deref(),
            Some(&[0, 0, 0, 255, 0, 0, 0, 255, 0][..])
        );
        let other = photo(20, 40).to_png().expect("a picture");
        assert!(matches!(
            to(10).apply(&picture, &[&other]),
            Err(ImageError::Unsupported(_))
        ));
        let tall = Pixels::new(20, 40).to_png().expect("a picture");
        assert!(matches!(
            to(10).apply(&picture, &[&tall]),
            Err(ImageError::MaskSize { .. })
        ));
    }

    #[test]
    fn damage_is_an_error() {
        let mut file = photo(40, 20).to_png().expect("a picture");
        file.truncate(file.len() - 40);
        assert!(to(10).apply(&file, &[]).is_err());
        assert!(to(10).apply(b"no picture", &[]).is_err());
        assert!(matches!(to(0).apply(&file, &[]), Err(ImageError::Config(_))));
    }
}
