//! The pictures of a row while a stage works on it, of either depth.

use super::builder::Image;
use super::codec::decode as decoding;
use super::codec::floats::decode_floats;
use super::geometry::apply::Resampled;
use super::geometry::area::Area;
use super::geometry::crop::Region;
use super::geometry::warp;
use super::level::Level;
use super::{DecoderScratch, ImageError, KEPT, Pixels};

/// What a thread keeps between rows.
#[derive(Default)]
pub(super) struct Scratch {
    decoder: DecoderScratch,
    pub(super) levels: Drawing<u8>,
    pub(super) floats: Drawing<f32>,
}

/// A picture as it is decoded, and as it is drawn.
#[derive(Default)]
pub(super) struct Drawing<L: Level> {
    pub(super) decoded: Pixels<L>,
    pub(super) drawn: Pixels<L>,
    pub(super) warp: warp::Scratch<L>,
}

/// What a stage can work on.
pub(super) trait Staged: Resampled {
    /// Its pictures.
    fn drawing(scratch: &mut Scratch) -> &mut Drawing<Self>;

    /// As [`decoding::decode_for`], into its pictures.
    fn decode(
        encoded: &[u8],
        image: &Image,
        choose: impl FnOnce(u32, u32) -> Area,
        scratch: &mut Scratch,
    ) -> Result<Region, ImageError>;
}

impl Staged for u8 {
    fn drawing(scratch: &mut Scratch) -> &mut Drawing<u8> {
        &mut scratch.levels
    }

    fn decode(
        encoded: &[u8],
        image: &Image,
        choose: impl FnOnce(u32, u32) -> Area,
        scratch: &mut Scratch,
    ) -> Result<Region, ImageError> {
        let with = (image.decoder, &image.reading, image.channels);
        let Scratch { decoder, levels, .. } = scratch;
        decoding::decode_for(encoded, with, image.interpolation, choose, decoder, &mut levels.decoded)
    }
}

impl Staged for f32 {
    fn drawing(scratch: &mut Scratch) -> &mut Drawing<f32> {
        &mut scratch.floats
    }

    fn decode(
        encoded: &[u8],
        image: &Image,
        choose: impl FnOnce(u32, u32) -> Area,
        scratch: &mut Scratch,
    ) -> Result<Region, ImageError> {
        let with = (image.decoder, &image.reading, image.channels);
        let Scratch {
            decoder,
            levels,
            floats,
        } = scratch;
        let buffers = (decoder, &mut levels.decoded);
        decode_floats(encoded, with, image.interpolation, choose, buffers, &mut floats.decoded)
    }
}

impl Scratch {
    /// Gives back what a single huge picture needed.
    pub(super) fn trim(&mut self) {
        self.decoder.trim(KEPT);
        self.levels.trim();
        self.floats.trim();
    }
}

impl<L: Level> Drawing<L> {
    fn trim(&mut self) {
        self.warp.trim(KEPT);
        if self.decoded.levels.capacity() * size_of::<L>() > KEPT {
            self.decoded.levels = Vec::new();
        }
    }
}
