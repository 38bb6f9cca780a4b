//! Masks: pictures whose values are numbers of classes, not colours.

use super::ImageError;
use super::geometry::crop::Region;
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};
use std::io::Cursor;

/// One value for each pixel, row by row from the top left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) values: Vec<u8>,
}

impl Mask {
    /// The mask in a PNG file of one channel: grey of up to eight bits, or a palette, whose indices are the values.
    pub(crate) fn decode(encoded: &[u8], max_pixels: u64) -> Result<Self, ImageError> {
        let corrupt = |error: png::DecodingError| ImageError::Corrupt {
            format: "PNG",
            reason: error.to_string(),
        };
        let unsupported = |what: &str| {
            Err(ImageError::Unsupported(format!(
                "a mask of {what}, which is no PNG of grey or palette values of up to 8 bits,"
            )))
        };
        if !encoded.starts_with(b"\x89PNG\r\n\x1a\n") {
            return unsupported("another format");
        }
        let mut decoder = Decoder::new(Cursor::new(encoded));
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().map_err(corrupt)?;
        let (width, height, color, depth) = {
            let info = reader.info();
            (info.width, info.height, info.color_type, info.bit_depth)
        };
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(ImageError::TooLarge {
                width,
                height,
                limit: max_pixels,
            });
        }
        if !matches!(color, ColorType::Grayscale | ColorType::Indexed) || depth == BitDepth::Sixteen {
            return unsupported(&format!("{} pixels of {} bits", of_color(color), depth as u8));
        }
        let size = reader.output_buffer_size().unwrap_or(0);
        let mut rows = vec![0; size];
        let frame = reader.next_frame(&mut rows).map_err(corrupt)?;
        let per_byte = 8 / depth as usize;
        let keep = ((1_u16 << depth as u8) - 1) as u8;
        let value = |row: &[u8], x: usize| {
            let shift = 8 - depth as usize * (x % per_byte + 1);
            (row[x / per_byte] >> shift) & keep
        };
        let lines = rows.chunks_exact(frame.line_size).take(height as usize);
        let values = lines.flat_map(|row| (0..width as usize).map(move |x| value(row, x)));
        Ok(Self {
            width,
            height,
            values: values.collect(),
        })
    }

    /// The part `region` of it at `width` x `height`: each place has the value of the nearest one.
    pub(super) fn resampled(&self, region: Region, (width, height): (u32, u32)) -> Self {
        let nearest = |at: u32, size: u32, from: f64, length: f64, end: u32| {
            let place = from + (f64::from(at) + 0.5) * length / f64::from(size);
            (place as u32).min(end - 1) as usize
        };
        let columns: Vec<usize> = (0..width)
            .map(|x| nearest(x, width, region.left, region.width, self.width))
            .collect();
        let mut values = Vec::with_capacity(width as usize * height as usize);
        for y in 0..height {
            let row = nearest(y, height, region.top, region.height, self.height) * self.width as usize;
            values.extend(columns.iter().map(|x| self.values[row + x]));
        }
        Self { width, height, values }
    }

    /// It as a PNG of grey values of eight bits.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let failed = |error: png::EncodingError| ImageError::Config(format!("encode PNG: {error}"));
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.values).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(file)
    }

    /// It as a PNG of the kind that `like` is, a file that was [decoded](Self::decode): grey or palette, with the same bits, colours and
    /// transparency.
    pub(super) fn encode(&self, like: &[u8]) -> Result<Vec<u8>, ImageError> {
        let failed = |error: &dyn std::fmt::Display| ImageError::Config(format!("encode PNG: {error}"));
        let reader = Decoder::new(Cursor::new(like))
            .read_info()
            .map_err(|error| failed(&error))?;
        let info = reader.info();
        let depth = info.bit_depth;
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(info.color_type);
        encoder.set_depth(depth);
        if let Some(palette) = &info.palette {
            encoder.set_palette(palette.to_vec());
        }
        if let Some(transparency) = &info.trns {
            encoder.set_trns(transparency.to_vec());
        }
        let per_byte = 8 / depth as usize;
        let pack = |values: &[u8]| {
            let shifted = values.iter().enumerate();
            shifted.fold(0, |byte, (at, value)| byte | value << (8 - depth as usize * (at + 1)))
        };
        let lines = self.values.chunks_exact((self.width as usize).max(1));
        let packed: Vec<u8> = lines.flat_map(|line| line.chunks(per_byte).map(pack)).collect();
        let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
        writer.write_image_data(&packed).map_err(|error| failed(&error))?;
        writer.finish().map_err(|error| failed(&error))?;
        Ok(file)
    }
}

fn of_color(color: ColorType) -> &'static str {
    match color {
        ColorType::Grayscale => "grey",
        ColorType::Rgb => "RGB",
        ColorType::Indexed => "palette",
        ColorType::GrayscaleAlpha => "grey and alpha",
        ColorType::Rgba => "RGBA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Motion;

    #[test]
    fn a_quarter_turn_moves_every_value() {
        let mut mask = Mask {
            width: 2,
            height: 2,
            values: vec![1, 2, 3, 4],
        };
        Motion::rotation([2, 2], 90.0).apply_to_mask(&mut mask, 0);
        assert_eq!(mask.values, [2, 4, 1, 3]);
    }

    #[test]
    fn a_part_takes_the_nearest_values() {
        let mask = Mask {
            width: 4,
            height: 2,
            values: vec![1, 2, 3, 4, 5, 6, 7, 8],
        };
        let whole = mask.resampled(Region::whole(4, 2), (2, 2));
        assert_eq!(whole.values, [2, 4, 6, 8]);
        let right = Region {
            left: 2.0,
            top: 0.0,
            width: 2.0,
            height: 2.0,
        };
        assert_eq!(mask.resampled(right, (2, 2)).values, [3, 4, 7, 8]);
    }
}
