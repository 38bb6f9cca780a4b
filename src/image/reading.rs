//! How a stage reads files.

use super::builder::Image;
use super::codec::decode::{Decoder, Reading};

impl Image {
    /// Decodes JPEG as `decoder` says, in place of [`Decoder::Window`].
    ///
    /// ```
    /// # use millstream::image::{Decoder, Image};
    /// let train = Image::new(224).decoder(Decoder::Whole);
    /// # train.check().unwrap();
    /// ```
    pub fn decoder(mut self, decoder: Decoder) -> Self {
        self.decoder = decoder;
        self
    }

    /// Reads files as `reading` says: all of it at once.
    pub fn reading(mut self, reading: Reading) -> Self {
        let white = reading.white.unwrap_or(u16::MAX);
        self.expect(white >= 255, || format!("white is {white}, but has to be at least 255"));
        self.reading = reading;
        self
    }

    /// How files are read.
    #[cfg(feature = "train")]
    pub(crate) fn reading_options(&self) -> Reading {
        self.reading
    }

    /// Accepts images of up to `pixels` pixels (width times height). Defaults to 67108864: see [`Reading::max_pixels`].
    pub fn max_pixels(self, pixels: u64) -> Self {
        let reading = Reading {
            max_pixels: pixels,
            ..self.reading
        };
        self.reading(reading)
    }

    /// Turns images upright as their EXIF tells, or leaves them as they are stored. Defaults to true: see
    /// [`Reading::upright`].
    pub fn upright(self, upright: bool) -> Self {
        let reading = Reading {
            upright,
            ..self.reading
        };
        self.reading(reading)
    }

    /// Takes `value` for white in images of more than eight bits, 4095 for a camera's 12 bits. `value` in `255..=65535`. Defaults
    /// to the largest value that an image's bits can hold: see [`Reading::white`].
    pub fn white(self, value: u16) -> Self {
        let reading = Reading {
            white: Some(value),
            ..self.reading
        };
        self.reading(reading)
    }
}
