//! The builder of the image stage, and its parameters.

use super::catalog::operations;
use super::codec::decode::{Decoder, Reading};
use super::error::ImageError;
use super::geometry::crop::Crop;
use super::geometry::interpolation::Interpolation;
use super::motions::horizontal_flip::HorizontalFlip;
use super::motions::rotate::Rotate;
use super::operation::Operation;
use super::ops::blur::Blur;
use super::ops::brightness::Brightness;
use super::ops::color_jitter::ColorJitter;
use super::ops::contrast::Contrast;
use super::ops::noise::Noise;
use super::ops::normalize::{IMAGENET_MEAN, IMAGENET_STD};
use super::ops::random_erasing::RandomErasing;
use super::ops::saturation::Saturation;
use super::pixel_output::PixelOutput;
use super::size::Size;
use super::step::Step;
use super::targets::{Boxes, Keypoints};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The image stage: an encoded picture ([`Format`](super::Format)) to a normalised `f32` tensor of `[3, height, width]` (RGB).
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
///
/// Two columns of pictures under two stages draw for themselves. To move both by one draw, as a stereo pair needs it, run
/// [`apply`](Self::apply) on each in one closure, with the row's own generator, which gives the same numbers each time it is asked
/// for. The crop is drawn as a share of the picture, so that pictures of one size have the same part cut out.
///
/// ```
/// use millstream::DatasetExt;
/// use millstream::image::Image;
/// use millstream::rows::{DType, Map, Output, Read};
/// # use millstream::{Dataset, Error, Result};
///
/// # fn stereo(rows: impl Dataset) -> Result<impl Dataset> {
/// let (moved, plain) = (Image::new(64).horizontal_flip(0.5), Image::new(64));
/// let both = ["left", "right"].into_iter().fold(Map::new("stereo").random(), |map, column| {
///     map.reads(Read::bytes(column)).writes(Output::fixed(column, DType::F32, [3, 64, 64]))
/// });
/// rows.map(both, move |row, draws, out| {
///     for side in 0..2 {
///         let (image, mut rng) = match draws.rng() {
///             Some(rng) => (&moved, rng),
///             None => (&plain, millstream::rng::Rng::new(0, "stereo", 0)), // view 0: nothing is drawn
///         };
///         image.apply(row.bytes(side)?, &mut rng, out.fixed::<f32>(side))?;
///     }
///     Ok(())
/// })
/// # }
/// ```
///
/// As JSON (`{ "image": {} }`) what is left out has its default: a `size` of 224, no crop, no operations.
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) size: Size,
    pub(super) decoder: Decoder,
    pub(super) reading: Reading,
    pub(super) crop: Crop,
    pub(super) interpolation: Interpolation,
    pub(super) operations: Vec<Step>,
    /// Columns of masks.
    pub(super) masks: Vec<String>,
    /// Columns of boxes.
    pub(super) boxes: Vec<Boxes>,
    /// Columns of keypoints.
    pub(super) keypoints: Vec<Keypoints>,
    /// By column, pairs of values that change places where left and right do.
    pub(super) mirrored: BTreeMap<String, Vec<[i64; 2]>>,
    pub(super) output: PixelOutput,
    pub(super) mean: [f32; 3],
    pub(super) std: [f32; 3],
    mistake: Option<String>,
}

impl Image {
    /// Decodes, squashes the whole image to `size` x `size` pixels (antialiased bilinear, the aspect ratio is not kept)
    /// and normalises with ImageNet's mean and deviation.
    ///
    /// `size` in `1..=8192`.
    pub fn new(size: u32) -> Self {
        Self::sized(size, size)
    }

    /// As [`new`](Self::new), with pictures of `width` x `height` pixels, each in `1..=8192`: the output is `[3, height, width]`. In a recipe
    /// that is `size = [width, height]`.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let detect = Image::sized(320, 240).letterbox([114; 3]);
    /// assert_eq!(detect.size(), [320, 240]);
    /// # detect.check().unwrap();
    /// ```
    pub fn sized(width: u32, height: u32) -> Self {
        let size = Size([width, height]);
        let mistake = size.mistake();
        Self {
            size,
            decoder: Decoder::default(),
            reading: Reading::default(),
            crop: Crop::Whole,
            interpolation: Interpolation::default(),
            operations: Vec::new(),
            masks: Vec::new(),
            boxes: Vec::new(),
            keypoints: Vec::new(),
            mirrored: BTreeMap::new(),
            output: PixelOutput::Normalized,
            mean: IMAGENET_MEAN,
            std: IMAGENET_STD,
            mistake,
        }
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

    /// Turns by up to `degrees` (`0..=180`) to either side: see [`Rotate`].
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

    /// Adds an operation after those that are there. One of a user's own must not have the name of one of this crate: fingerprints
    /// know operations by their names.
    pub fn with<O: Operation>(mut self, operation: O) -> Self {
        let name = operation.name();
        self.expect(!operations().has_other::<O>(name), || {
            format!("{name}: an operation of this crate is called so, and fingerprints could not tell the two apart: give yours another Spec::NAME")
        });
        self.with_shared(Arc::new(operation))
    }

    /// As [`with`](Self::with), an operation that others hold, too.
    pub(crate) fn with_shared(mut self, operation: Arc<dyn Operation>) -> Self {
        if let Err(mistake) = operation.check() {
            self.expect(false, || format!("{}: {mistake}", operation.name()));
        }
        self.operations.push(Step::new(operation, &self.operations));
        self
    }

    /// Leaves pixels as they are, levels of `0..=255` in a u8 tensor, in place of normalised f32 ones: a quarter of the bytes.
    /// The model or the device then normalises.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).as_u8();
    /// # train.check().unwrap();
    /// ```
    pub fn as_u8(mut self) -> Self {
        self.output = PixelOutput::Levels;
        self
    }

    /// Leaves pixels as levels for whoever brings them to a device and normalises them there by the mean and the deviation of this
    /// stage. The plan does not say so, because the inputs are the same: a run may go on with another device.
    #[cfg(feature = "train")]
    pub(crate) fn normalized_on_device(mut self) -> Self {
        self.output = PixelOutput::LevelsOfInputs;
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
        (self.mean, self.std) = (mean, std);
        self
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
        let mistake = self.mistake.clone().or_else(|| self.other_size());
        mistake.map_or(Ok(()), |mistake| Err(ImageError::Config(mistake)))
    }

    /// `[width, height]` of the output in pixels; the output is `[3, height, width]`.
    pub fn size(&self) -> [u32; 2] {
        self.size.0
    }

    /// True where a row may look different in another epoch.
    pub fn is_random(&self) -> bool {
        matches!(self.crop, Crop::Random { .. } | Crop::RandomIou(_))
            || self.operations.iter().any(|step| step.operation.is_random())
    }

    /// The same without random augmentation: what does the same to every row stays, unless it changes the size for a random operation behind
    /// it.
    #[must_use]
    pub fn plain(&self) -> Self {
        let mut plain = self.clone();
        plain.operations.retain(|step| !step.operation.is_random());
        if plain.other_size().is_some() {
            let size = plain.size();
            plain
                .operations
                .retain(|step| step.operation.resized(size) == Some(size));
        }
        plain.crop = plain.crop.plain().map_or(Crop::Whole, |crop| *crop);
        plain
    }

    /// What is wrong with the size that the operations leave.
    fn other_size(&self) -> Option<String> {
        let mut size = self.size();
        for step in &self.operations {
            let Some(next) = step.operation.resized(size) else {
                return Some(format!("{}: leaves pictures of several sizes", step.name()));
            };
            size = next;
        }
        (size != self.size()).then(|| {
            let (left, wanted) = (Size(size).in_words(), self.size.in_words());
            format!("the operations leave pictures of {left} pixels, but size is {wanted}")
        })
    }

    pub(super) fn expect(&mut self, good: bool, mistake: impl FnOnce() -> String) {
        if !good && self.mistake.is_none() {
            self.mistake = Some(mistake());
        }
    }
}
