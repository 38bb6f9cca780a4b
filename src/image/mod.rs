//! Images: decode, crop, resize, augment and normalise in one pass per row.
//!
//! ```text
//! bytes -> decode -> crop + resize (one resample) -> augmentations, in order -> normalise -> f32 [3, size, size]
//! ```
//!
//! [`Image`] is the builder of the stage. Its methods carry torchvision's names and meanings; what differs is said on the
//! method. An augmentation of your own implements [`Augment`] and joins with [`Image::with`].
//!
//! # Randomness
//!
//! A row's generator gives one number, the row's key. The crop and every augmentation draw from a stream of their own
//! under that key, named after them: adding, removing or re-tuning one leaves the draws of the others as they were. No
//! draw depends on the image.
//!
//! # What does not change
//!
//! The same bytes, stage and generator give the same pixels on every machine, up to lossy WebP, of whose decoder the vector
//! and scalar transforms may differ by a level. The resample gives the same bytes with AVX2, SSE4.1 and neither;
//! everything else is whole-number arithmetic, or `f32` in a fixed order. Whole JPEG
//! photos differ from libjpeg-turbo's by 0.1 levels on average and by 3 at most; where the decoder reduces a picture that is
//! over four times as large as the output, the result differs from that of the whole by one level on average.

mod codec;
mod error;
mod geometry;
mod ops;
mod pixels;
mod stage;
mod wide;

use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, Div, RangeInclusive};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fast_image_resize::Resizer;

pub use self::codec::decode::{Decoder, Reading};
pub use self::codec::facts::Facts;
pub use self::codec::format::Format;
pub use self::error::ImageError;
pub use self::geometry::flip::HorizontalFlip;
pub use self::geometry::rotate::Rotate;
pub use self::ops::blur::Blur;
pub use self::ops::brightness::Brightness;
pub use self::ops::color_jitter::ColorJitter;
pub use self::ops::contrast::Contrast;
pub use self::ops::noise::Noise;
pub use self::ops::normalize::{IMAGENET_MEAN, IMAGENET_STD};
pub use self::ops::random_erasing::RandomErasing;
pub use self::ops::saturation::Saturation;
pub use self::pixels::Pixels;

use self::codec::decode as decoding;
use self::geometry::crop::Crop;
use self::ops::normalize::Normalize;
use crate::rng::Rng;

pub(crate) use self::codec::decode::{Scratch as DecoderScratch, decode};
pub(crate) use self::geometry::crop::Region;
pub(crate) use self::geometry::resize::resize;

/// An augmentation: something that may happen to the resized picture of a row.
///
/// ```
/// use millstream::image::{Augment, Image, Pixels};
/// use millstream::rng::Rng;
///
/// /// Inverts all colours with probability `p`.
/// #[derive(Debug)]
/// struct Invert {
///     p: f32,
/// }
///
/// impl Augment for Invert {
///     fn name(&self) -> &'static str {
///         "invert"
///     }
///     fn params(&self) -> Vec<(&'static str, String)> {
///         vec![("p", self.p.to_string())]
///     }
///     fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
///         if rng.chance(self.p) {
///             pixels.map(&std::array::from_fn(|level| 255 - level as u8));
///         }
///     }
/// }
///
/// let stage = Image::new(224).with(Invert { p: 0.1 });
/// assert!(stage.is_random());
/// ```
pub trait Augment: fmt::Debug + Send + Sync + 'static {
    /// The name in plans and fingerprints, which also names the stream of draws.
    fn name(&self) -> &'static str;

    /// Every parameter that can change a pixel, in a stable order.
    fn params(&self) -> Vec<(&'static str, String)>;

    /// Why the parameters make no sense, if they do not. Asked once, when the stage is built.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// False for what does the same to every row, such as a conversion to grey.
    fn is_random(&self) -> bool {
        true
    }

    /// Changes the picture, drawing from `rng` only. The size has to stay.
    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng);
}

/// The image stage: an encoded picture ([`Format`]) to a normalised `f32` tensor of `[3, size, size]` (RGB).
///
/// ```
/// use millstream::image::Image;
///
/// let valid = Image::new(224);
/// let train = Image::new(224)
///     .random_resized_crop(0.35..=1.0, 0.75..=1.3333)
///     .horizontal_flip(0.5)
///     .rotate(10.0)
///     .brightness(0.2)
///     .contrast(0.2)
///     .noise(0.02)
///     .blur(0.1..=1.0);
/// assert!(train.is_random() && !valid.is_random());
/// train.check()?;
/// # Ok::<(), millstream::image::ImageError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Image {
    size: u32,
    decoder: Decoder,
    reading: Reading,
    crop: Crop,
    augments: Vec<Step>,
    normalize: Arc<Normalize>,
    mistake: Option<String>,
}

/// An augmentation and how many of its name come before it.
#[derive(Clone, Debug)]
struct Step {
    nth: u64,
    augment: Arc<dyn Augment>,
}

/// What a thread keeps between rows.
#[derive(Default)]
struct Scratch {
    decoder: DecoderScratch,
    decoded: Pixels,
    resized: Pixels,
    resizer: Resizer,
}

/// What the parts of the stage took for a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) decode: Duration,
    pub(crate) resize: Duration,
    pub(crate) augment: Duration,
    pub(crate) normalize: Duration,
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            decode: self.decode + other.decode,
            resize: self.resize + other.resize,
            augment: self.augment + other.augment,
            normalize: self.normalize + other.normalize,
        }
    }
}

impl Div<u32> for Spent {
    type Output = Self;

    fn div(self, by: u32) -> Self {
        Self {
            decode: self.decode / by,
            resize: self.resize / by,
            augment: self.augment / by,
            normalize: self.normalize / by,
        }
    }
}

/// Bytes that a thread keeps for decoded images; what a single huge image needed beyond that is given back.
const KEPT: usize = 32 << 20;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Image {
    /// Decodes, squashes the whole image to `size` x `size` pixels (antialiased bilinear, the aspect ratio is not kept)
    /// and normalises with ImageNet's mean and deviation.
    ///
    /// `size` in `1..=8192`.
    pub fn new(size: u32) -> Self {
        let mistake =
            (!(1..=8192).contains(&size)).then(|| format!("size is {size}, but has to lie in 1..=8192 pixels"));
        Self {
            size,
            decoder: Decoder::default(),
            reading: Reading::default(),
            crop: Crop::Whole,
            augments: Vec::new(),
            normalize: Arc::new(Normalize::new(IMAGENET_MEAN, IMAGENET_STD)),
            mistake,
        }
    }

    /// Takes the middle square with `share` of the shorter side in place of the whole image. `share` above 0, up to 1.
    ///
    /// torchvision's `Resize(256)` and `CenterCrop(224)` are a share of 0.875, here in one resample.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let valid = Image::new(224).center_crop(0.875);
    /// assert!(!valid.is_random());
    /// ```
    pub fn center_crop(mut self, share: f32) -> Self {
        self.expect(share > 0.0 && share <= 1.0, || {
            format!("center_crop: share is {share}, but has to lie above 0 and up to 1")
        });
        self.crop = Crop::Center(share);
        self
    }

    /// Takes a random box in place of the whole image: torchvision's `RandomResizedCrop`, at sub-pixel positions.
    ///
    /// `scale` is the box's share of the image's area, drawn evenly (torchvision: `0.08..=1.0`); `ratio` is its width
    /// over its height, drawn evenly on a log scale (torchvision: `3/4..=4/3`). Ten boxes are drawn, the first that fits
    /// inside the image counts; where none does, it is the largest central one of an allowed ratio.
    ///
    /// The crop comes before the augmentations wherever it stands in the chain, and replaces an earlier crop.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).random_resized_crop(0.08..=1.0, 0.75..=1.3333);
    /// assert!(train.is_random());
    /// ```
    pub fn random_resized_crop(mut self, scale: RangeInclusive<f32>, ratio: RangeInclusive<f32>) -> Self {
        if let Err(mistake) = Crop::check(&scale, &ratio) {
            self.expect(false, || format!("random_resized_crop: {mistake}"));
        }
        self.crop = Crop::Random { scale, ratio };
        self
    }

    /// Mirrors left and right with probability `p` in `0..=1`: see [`HorizontalFlip`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).horizontal_flip(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn horizontal_flip(self, p: f32) -> Self {
        self.with(HorizontalFlip::new(p))
    }

    /// Turns by up to `degrees` (`0..=180`) to either side, black outside: see [`Rotate`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).rotate(15.0);
    /// # train.check().unwrap();
    /// ```
    pub fn rotate(self, degrees: f32) -> Self {
        self.with(Rotate::new(degrees))
    }

    /// Scales brightness by up to `factor` (0 or more) either way: see [`Brightness`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).brightness(0.4);
    /// # train.check().unwrap();
    /// ```
    pub fn brightness(self, factor: f32) -> Self {
        self.with(Brightness::new(factor))
    }

    /// Scales contrast by up to `factor` (0 or more) either way: see [`Contrast`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).contrast(0.4);
    /// # train.check().unwrap();
    /// ```
    pub fn contrast(self, factor: f32) -> Self {
        self.with(Contrast::new(factor))
    }

    /// Scales saturation by up to `factor` (0 or more) either way: see [`Saturation`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).saturation(0.4);
    /// # train.check().unwrap();
    /// ```
    pub fn saturation(self, factor: f32) -> Self {
        self.with(Saturation::new(factor))
    }

    /// Scales brightness, contrast and saturation (0 or more each) either way, in a random order: see [`ColorJitter`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).color_jitter(0.4, 0.4, 0.4);
    /// # train.check().unwrap();
    /// ```
    pub fn color_jitter(self, brightness: f32, contrast: f32, saturation: f32) -> Self {
        self.with(ColorJitter::new(brightness, contrast, saturation))
    }

    /// Adds normal noise with deviation `sigma`, a share (`0..=1`) of the full range: see [`Noise`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).noise(0.05);
    /// # train.check().unwrap();
    /// ```
    pub fn noise(self, sigma: f32) -> Self {
        self.with(Noise::new(sigma))
    }

    /// Blurs with a deviation drawn from `sigma`, in pixels of the resized image: see [`Blur`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).blur(0.1..=2.0);
    /// # train.check().unwrap();
    /// ```
    pub fn blur(self, sigma: RangeInclusive<f32>) -> Self {
        self.with(Blur::new(sigma))
    }

    /// Blackens, with probability `p` in `0..=1`, a box with a share of the area drawn from `scale` and a width over its
    /// height drawn from `ratio`: see [`RandomErasing`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).random_erasing(0.5, 0.02..=0.33, 0.3..=3.3);
    /// # train.check().unwrap();
    /// ```
    pub fn random_erasing(self, p: f32, scale: RangeInclusive<f32>, ratio: RangeInclusive<f32>) -> Self {
        self.with(RandomErasing::new(p, scale, ratio))
    }

    /// Adds an augmentation after those that are there.
    pub fn with(mut self, augment: impl Augment) -> Self {
        if let Err(mistake) = augment.check() {
            self.expect(false, || format!("{}: {mistake}", augment.name()));
        }
        let nth = self
            .augments
            .iter()
            .filter(|step| step.augment.name() == augment.name())
            .count() as u64;
        self.augments.push(Step {
            nth,
            augment: Arc::new(augment),
        });
        self
    }

    /// Normalises with `(level / 255 - mean) / std` per channel (red, green, blue) in place of ImageNet's values.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let stage = Image::new(224).normalize([0.5; 3], [0.5; 3]); // levels to -1..=1
    /// # stage.check().unwrap();
    /// ```
    pub fn normalize(mut self, mean: [f32; 3], std: [f32; 3]) -> Self {
        self.expect(
            mean.iter().all(|m| m.is_finite()) && std.iter().all(|&s| s > 0.0 && s.is_finite()),
            || format!("normalize: mean is {mean:?} and std {std:?}, but std has to be above 0"),
        );
        self.normalize = Arc::new(Normalize::new(mean, std));
        self
    }

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

    /// The first mistake among the stage's parameters, if there is one. [`apply`](Self::apply) gives it, too.
    ///
    /// # Errors
    ///
    /// [`ImageError::Config`] names the method, the value and what is allowed.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let error = Image::new(224).horizontal_flip(50.0).check().unwrap_err();
    /// assert_eq!(error.to_string(), "horizontal_flip: p is 50, but a probability lies in 0..=1");
    /// ```
    pub fn check(&self) -> Result<(), ImageError> {
        self.mistake
            .clone()
            .map_or(Ok(()), |mistake| Err(ImageError::Config(mistake)))
    }

    /// Width and height of the output in pixels; the output is `[3, size, size]`.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// True where a row may look different in another epoch.
    pub fn is_random(&self) -> bool {
        matches!(self.crop, Crop::Random { .. }) || self.augments.iter().any(|step| step.augment.is_random())
    }

    /// Everything that can change the output, in a stable order: the decoder, the size, the order of the operations and
    /// the parameters of each, as `("blur.sigma", "0.1..=2.0")`. A second operation of one name is `blur#2`.
    pub fn params(&self) -> Vec<(String, String)> {
        let names: Vec<String> = self.augments.iter().map(Step::name).collect();
        let mut params = vec![("decoder".to_owned(), self.decoder.fingerprint().to_owned())];
        params.extend(self.reading.params().map(|(key, value)| (key.to_owned(), value)));
        params.extend([
            ("size".to_owned(), self.size.to_string()),
            (
                "order".to_owned(),
                [&[self.crop.name().to_owned()], &names[..]].concat().join(", "),
            ),
        ]);
        let mut add = |name: &str, of: Vec<(&str, String)>| {
            params.extend(of.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
        };
        add(self.crop.name(), self.crop.params());
        for (name, step) in names.iter().zip(&self.augments) {
            add(name, step.augment.params());
        }
        add("normalize", self.normalize.params());
        params
    }

    /// The whole stage for one row: `encoded` to `out`, the row's `[3, size, size]` slot.
    ///
    /// `rng` is the row's generator and gives one number of 64 bits.
    ///
    /// # Errors
    ///
    /// What is wrong with the image; [`ImageError::Config`] where the stage fails its [`check`](Self::check) or `out` has
    /// not `3 * size * size` places. `out` is not written then.
    pub fn apply(&self, encoded: &[u8], rng: &mut Rng, out: &mut [f32]) -> Result<(), ImageError> {
        let expected = 3 * self.size as usize * self.size as usize;
        if out.len() != expected {
            return Err(ImageError::Config(format!(
                "the slot has {} places, not {expected}",
                out.len()
            )));
        }
        self.draw(encoded, rng, |pixels| self.normalize.write(pixels, out))
    }

    /// The picture of one row before it is normalised: what [`apply`](Self::apply) would write, to look at.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub fn preview(&self, encoded: &[u8], rng: &mut Rng) -> Result<Pixels, ImageError> {
        self.draw(encoded, rng, |pixels| pixels.clone())
    }

    /// As [`apply`](Self::apply), and how long each part took.
    pub(crate) fn measured(&self, encoded: &[u8], rng: &mut Rng, out: &mut [f32]) -> Result<Spent, ImageError> {
        self.check()?;
        let (key, mut scratch, mut spent) = (rng.next_u64(), SCRATCH.take(), Spent::default());
        self.fill(encoded, key, &mut scratch, &mut spent)?;
        let begun = Instant::now();
        self.normalize.write(&scratch.resized, out);
        spent.normalize = begun.elapsed();
        SCRATCH.replace(scratch);
        Ok(spent)
    }

    fn draw<T>(&self, encoded: &[u8], rng: &mut Rng, finish: impl FnOnce(&Pixels) -> T) -> Result<T, ImageError> {
        self.check()?;
        let key = rng.next_u64();
        // Taken out, not borrowed: an augmentation may run a stage of its own.
        let mut scratch = SCRATCH.take();
        let spent = &mut Spent::default();
        let result = self
            .fill(encoded, key, &mut scratch, spent)
            .map(|()| finish(&scratch.resized));
        scratch.trim();
        SCRATCH.replace(scratch);
        result
    }

    fn fill(&self, encoded: &[u8], key: u64, scratch: &mut Scratch, spent: &mut Spent) -> Result<(), ImageError> {
        let Scratch {
            decoder,
            decoded,
            resized,
            resizer,
        } = scratch;
        let chosen = self.crop.choose(&mut Rng::new(key, self.crop.name(), 0));
        let begun = Instant::now();
        let part = |width, height| chosen.region(width, height);
        let region = decoding::decode_for(
            encoded,
            (self.decoder, &self.reading),
            self.size,
            part,
            decoder,
            decoded,
        )?;
        let done = Instant::now();
        spent.decode = done - begun;
        resized.resize(self.size, self.size);
        resize(resizer, decoded, region, resized)?;
        let begun = Instant::now();
        spent.resize = begun - done;
        for step in &self.augments {
            step.apply(resized, key)?;
        }
        spent.augment = begun.elapsed();
        Ok(())
    }

    fn expect(&mut self, good: bool, mistake: impl FnOnce() -> String) {
        if !good && self.mistake.is_none() {
            self.mistake = Some(mistake());
        }
    }
}

impl Step {
    fn name(&self) -> String {
        match self.nth {
            0 => self.augment.name().to_owned(),
            nth => format!("{}#{}", self.augment.name(), nth + 1),
        }
    }

    fn apply(&self, pixels: &mut Pixels, key: u64) -> Result<(), ImageError> {
        let before = (pixels.width, pixels.height, pixels.rgb.len());
        self.augment
            .apply(pixels, &mut Rng::new(key, self.augment.name(), self.nth));
        if before == (pixels.width, pixels.height, pixels.rgb.len()) {
            return Ok(());
        }
        Err(ImageError::Config(format!(
            "{} changed the picture's size",
            self.name()
        )))
    }
}

impl Scratch {
    fn trim(&mut self) {
        self.decoder.trim(KEPT);
        if self.decoded.rgb.capacity() > KEPT {
            self.decoded.rgb = Vec::new();
        }
    }
}
