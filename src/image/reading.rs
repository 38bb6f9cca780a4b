//! How a stage reads files.

use super::builder::Image;
use super::codec::decode::{Decoder, Reading};
use super::compose::inside;
use super::error::ImageError;
use super::level::Depth;
use super::operation::Operation;

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

    /// Works on pixels of this depth. Defaults to 8 bits, to which pictures of more are brought as [`Reading::white`] says.
    ///
    /// With [`Depth::F32`] a picture of 16 bits becomes shares of 65535, or of [`white`](Self::white), as torchvision's
    /// `to_dtype(torch.float32, scale=True)` of a `decode_image(mode="UNCHANGED")` has them; a TIFF of `f32` keeps its values, whatever they are;
    /// one of 8 bits becomes shares of 255. They are normalised from there, `(value - mean) / std`: with means of 0 and deviations of 1 they are left as they are.
    ///
    /// Everything that moves pixels works on `f32`, without rounding, and so do changes of values, alone, inside of others and in policies. Of
    /// values in `0..=1` their results are those of torchvision on floating-point pictures: [`Posterize`](crate::image::Posterize) and
    /// [`Equalize`](crate::image::Equalize) leave 256 levels at most, and so do [`Clahe`](crate::image::Clahe) and [`Jpeg`](crate::image::Jpeg), as in
    /// albumentations. Of values beyond, colours and noise are cut to `0..=1` where torchvision cuts them, but for a turn of hue and the rim of what is sharpened.
    /// An operation of your own that does not [support](crate::image::Operation::supports) `f32` is refused.
    ///
    /// ```
    /// # use millstream::image::{Depth, Image};
    /// let scans = Image::new(224).depth(Depth::F32).channels(1).normalize([0.5], [0.5]).rotate(10.0);
    /// assert!(scans.check().is_ok());
    /// let error = scans.as_u8().check().unwrap_err();
    /// assert!(error.to_string().starts_with("as_u8: pixels of depth f32 are no levels of 8 bits"));
    /// ```
    #[must_use]
    pub fn depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        self
    }

    /// Refuses what cannot be had of the stage's depth.
    pub(super) fn check_depth(&self) -> Result<(), ImageError> {
        if self.depth == Depth::U8 {
            return Ok(());
        }
        if self.output.is_levels() {
            return Err(ImageError::Config(
                "as_u8: pixels of depth f32 are no levels of 8 bits: leave one of the two out".to_owned(),
            ));
        }
        let refused = |operation: &dyn Operation| operation.composite().is_none() && !operation.supports(self.depth);
        let mut operations = self.operations.iter();
        match operations.find_map(|step| inside::find(&*step.operation, refused)) {
            None => Ok(()),
            Some(operation) => Err(ImageError::Config(format!(
                "{}: works on pictures of 8 bits alone, but the stage's depth is f32: leave one of the two out",
                operation.name()
            ))),
        }
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
