//! The builder of the image stage, and its parameters.

use super::catalog::operations;
use super::codec::decode::{Decoder, Reading};
use super::compose::{classes::Classes, inside};
use super::error::ImageError;
use super::geometry::crop::Crop;
use super::geometry::interpolation::Interpolation;
use super::level::Depth;
#[cfg(feature = "train")]
use super::motions::resize::Resize;
use super::operation::Operation;
use super::ops::normalize;
use super::pixel_output::PixelOutput;
use super::size::Size;
use super::step::Step;
use super::targets::{Boxes, Keypoints};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The image stage: an encoded picture ([`Format`](super::Format)) to a normalised `f32` tensor of `[channels, height, width]`, three [`channels`](Self::channels) (RGB) by default.
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
///     .gaussian_noise(0.02)
///     .gaussian_blur(0.1..=1.0);
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
    /// The classes of the rows, where they were told.
    pub(super) classes: Option<Arc<Classes>>,
    /// The class of rows that come without one.
    pub(super) row_class: Option<u32>,
    /// Columns of masks.
    pub(super) masks: Vec<String>,
    /// The value of masks beyond the picture.
    pub(super) fill_mask: u8,
    /// Columns of boxes.
    pub(super) boxes: Vec<Boxes>,
    /// Columns of keypoints.
    pub(super) keypoints: Vec<Keypoints>,
    /// By column, pairs of values that change places where left and right do.
    pub(super) mirrored: BTreeMap<String, Vec<[i64; 2]>>,
    /// A column that says where the picture lies in the output.
    pub(super) frame: Option<String>,
    pub(super) output: PixelOutput,
    pub(super) depth: Depth,
    pub(super) channels: usize,
    /// Mean and deviation of each channel, where they were given.
    pub(super) normalization: Option<(Vec<f32>, Vec<f32>)>,
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
            classes: None,
            row_class: None,
            masks: Vec::new(),
            fill_mask: 0,
            boxes: Vec::new(),
            keypoints: Vec::new(),
            mirrored: BTreeMap::new(),
            frame: None,
            output: PixelOutput::Normalized,
            depth: Depth::U8,
            channels: 3,
            normalization: None,
            mistake,
        }
    }

    /// Adds an operation after those that are there. One of a user's own must not have the name of one of this crate: fingerprints
    /// know operations by their names.
    pub fn with<O: Operation>(mut self, operation: O) -> Self {
        let catalog = operations();
        let other = |inner: &dyn Operation| catalog.has_other(inner.name(), inner.spec_type());
        let other = inside::find(&operation, other).map(|operation| operation.name());
        self.expect(other.is_none(), || {
            let name = other.unwrap_or_default();
            format!("{name}: an operation of this crate is called so, and fingerprints could not tell the two apart: give yours another Spec::NAME")
        });
        self.with_shared(Arc::new(operation))
    }

    /// As [`with`](Self::with), an operation that others hold, too.
    pub(crate) fn with_shared(mut self, operation: Arc<dyn Operation>) -> Self {
        if let Err(mistake) = operation.check() {
            self.expect(false, || format!("{}: {mistake}", operation.name()));
        }
        let partnered = inside::find(&*operation, |inner| inner.with_partners().is_some());
        let partnered = partnered.map(|inner| inner.name());
        self.expect(partnered.is_none(), || {
            let name = partnered.unwrap_or_default();
            format!(
                "{name}: it takes other rows, and an image stage has one row at a time: in a run it comes last among the operations, and else \
                 behind the stage, as `DatasetExt::{name}`"
            )
        });
        let operation = match self
            .classes
            .as_deref()
            .map(|classes| inside::for_classes(&operation, classes))
        {
            None => operation,
            Some(Ok(operation)) => operation,
            Some(Err(mistake)) => {
                self.expect(false, || mistake.to_string());
                operation
            }
        };
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

    /// Leaves pixels as levels, for code that brings them to a device and normalises them there by the mean and the deviation of this
    /// stage. The plan does not say so, because the inputs are the same: a run may go on with another device.
    #[cfg(feature = "train")]
    pub(crate) fn normalized_on_device(mut self) -> Self {
        self.output = PixelOutput::LevelsOfInputs;
        self
    }

    /// Gives pictures 1, 3 or 4 channels: luma, as Pillow's `convert("L")` has it, RGB, or RGB and alpha, which is 255 where a
    /// file has none. Defaults to 3. Operations that change colours leave alpha alone, and those that have nothing to change in
    /// luma, such as a change of hue, do nothing there.
    ///
    /// Without [`normalize`](Self::normalize) luma is normalised by a mean of 0.449 and a deviation of 0.226, the means of ImageNet's
    /// three, and alpha is a share in `0..=1`.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let scans = Image::new(224).channels(1).normalize([0.5], [0.5]);
    /// # scans.check().unwrap();
    /// ```
    pub fn channels(mut self, channels: usize) -> Self {
        self.expect(matches!(channels, 1 | 3 | 4), || {
            format!("channels is {channels}, but has to be 1 (luma), 3 (RGB) or 4 (RGB and alpha)")
        });
        self.channels = channels;
        self
    }

    /// Normalises with `(level / 255 - mean) / std` per channel (red, green, blue) in place of ImageNet's values: as many of each
    /// as there are [`channels`](Self::channels).
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let stage = Image::new(224).normalize([0.5; 3], [0.5; 3]); // levels to -1..=1
    /// # stage.check().unwrap();
    /// ```
    pub fn normalize<const N: usize>(self, mean: [f32; N], std: [f32; N]) -> Self {
        self.with_normalization(mean.to_vec(), std.to_vec())
    }

    pub(super) fn with_normalization(mut self, mean: Vec<f32>, std: Vec<f32>) -> Self {
        self.expect(mean.iter().all(|m| m.is_finite()), || {
            format!("normalize: mean is {mean:?}, but its numbers have to be finite")
        });
        self.expect(std.iter().all(|&s| s > 0.0 && s.is_finite()), || {
            format!("normalize: std is {std:?}, but its numbers have to be finite and above 0")
        });
        self.normalization = Some((mean, std));
        self
    }

    /// Mean and deviation of each channel.
    pub(super) fn normalization(&self) -> (&[f32], &[f32]) {
        match &self.normalization {
            Some((mean, std)) => (mean, std),
            None => normalize::usual(self.channels),
        }
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
        self.check_parts()?;
        match self.other_size() {
            Some(mistake) => Err(ImageError::Config(mistake)),
            None => Ok(()),
        }
    }

    /// As [`check`](Self::check), whatever size the operations leave.
    pub(crate) fn check_parts(&self) -> Result<(), ImageError> {
        if let Some(mistake) = &self.mistake {
            return Err(ImageError::Config(mistake.clone()));
        }
        self.check_depth()?;
        self.check_targets()?;
        self.check_pairs()?;
        let (channels, (mean, std)) = (self.channels, self.normalization());
        if (mean.len(), std.len()) != (channels, channels) {
            return Err(ImageError::Config(format!(
                "normalize: {} means and {} deviations are not those of {channels} channels",
                mean.len(),
                std.len()
            )));
        }
        Ok(())
    }

    /// `[width, height]` of the output in pixels; the output is `[channels, height, width]`.
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
        let steps = plain.operations.into_iter().filter_map(|mut step| {
            step.replace(inside::plain(&step.operation)?);
            Some(step)
        });
        plain.operations = steps.collect();
        if plain.other_size().is_some() {
            let size = plain.size();
            plain
                .operations
                .retain(|step| step.operation.resized(size) == Some(size));
        }
        plain.crop = plain.crop.plain().map_or(Crop::Whole, |crop| *crop);
        plain
    }

    /// The same with the first `count` operations alone.
    #[cfg(feature = "train")]
    pub(crate) fn first_operations(&self, count: usize) -> Self {
        let mut first = self.clone();
        first.operations.truncate(count);
        first
    }

    /// The same, brought to its [size](Self::size) in the end where the operations leave another one; and whether that was so.
    #[cfg(feature = "train")]
    pub(crate) fn brought_to_size(self) -> (Self, bool) {
        match self.other_size() {
            None => (self, false),
            Some(_) => {
                let size = self.size();
                (self.with(Resize::new(size)), true)
            }
        }
    }

    /// All of a picture squashed to `size`, without operations.
    #[cfg(feature = "train")]
    pub(crate) fn squashed(&self, size: [u32; 2]) -> Self {
        Self {
            size: Size(size),
            crop: Crop::Whole,
            operations: Vec::new(),
            ..self.clone()
        }
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
