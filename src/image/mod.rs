//! Images: decode, crop, resize, augment and normalise in one pass per row.
//!
//! ```text
//! bytes -> decode -> crop + resize + motions (one resample) -> augmentations, in order -> normalise -> f32 [channels, height, width]
//! ```
//!
//! What is written first happens first. Neighbouring operations that move pixels are one [`Motion`], and those behind the crop are
//! drawn together with it: a rotation after a crop shows the photo beside the crop, and not black corners. A change of values (brightness,
//! blur) ends that, and motions behind it are another resample; `explain()` prints which go together.
//!
//! [`Image`] is the builder of the stage. Its methods carry torchvision's names and meanings; what differs is said on the
//! method. An operation of your own implements [`Operation`] and joins with [`Image::with`].
//!
//! # Depth
//!
//! Pixels are levels of 8 bits while a stage works on them. [`Image::depth`] makes them `f32`, for pictures of 16 bits or of `f32`
//! (scans, depth maps, elevations), which then lose nothing.
//!
//! # Randomness
//!
//! A row's generator gives one number, the row's key. The crop and every augmentation draw from a stream of their own
//! under that key, named after them: adding, removing or re-tuning one leaves the draws of the others as they were. No
//! draw depends on the image, but for its size.
//!
//! # Probabilities
//!
//! Operations that run others give each of their `m` operations a share of the rows that they are run on themselves:
//!
//! | operation | runs | share of each |
//! |---|---|---|
//! | [`Sequential`] | all, in order | 1 |
//! | [`RandomApply`] | all with probability `p`, else none | `p` |
//! | [`OneOf`] | one, by weights | `p * weight / sum of the weights` |
//! | [`SomeOf`] | `n`, or a number drawn from a range | `p * n / m`; with replacement, at least once, `p * (1 - (1 - 1 / m)^n)` |
//! | [`RandomOrder`] | all, in a random order | 1 |
//! | [`ByClass`] | one list for some classes, another one for the rest | that of these classes |
//!
//! Inside of each other the shares multiply, and so does an operation's own `p`; all choices are independent of each other and of what
//! the operations draw. `explain()` has the products. In `OneOf::new((RandomApply::new(0.5, blur), rotate)).p(0.8)` 0.4 of the rows are
//! turned, 0.2 blurred, and 0.4 stay as they are.
//!
//! # What does not change
//!
//! The same bytes, stage and generator give the same pixels on every machine, up to lossy WebP, of whose decoder the vector
//! and scalar transforms may differ by a level. The resample gives the same bytes with AVX2, SSE4.1 and neither;
//! everything else is whole-number arithmetic, or `f32` in a fixed order; the resample of [`Depth::F32`] may differ in last bits. Whole JPEG
//! photos differ from libjpeg-turbo's by 0.1 levels on average and by 3 at most; where the decoder reduces a picture that is
//! over four times as large as the output, the result differs from that of the whole by one level on average.

mod auto_augment;
mod builder;
mod catalog;
mod codec;
mod column;
mod compose;
mod downscale;
mod drawing;
mod drawn;
mod error;
mod execute;
mod framing;
mod geometry;
mod level;
mod mask;
mod motions;
mod moved_columns;
mod moving;
mod operation;
mod operations;
mod ops;
mod parameters;
mod partners;
mod picture_size;
mod pixel_output;
mod pixels;
mod plan;
mod reading;
mod segments;
mod size;
mod step;
mod steps;
mod table;
mod targets;
mod wide;
mod written;

pub use self::auto_augment::aug_mix::AugMix;
pub use self::auto_augment::auto_augment::{AutoAugment, AutoAugmentPolicy};
pub use self::auto_augment::rand_augment::RandAugment;
pub use self::auto_augment::trivial_augment_wide::TrivialAugmentWide;
pub use self::builder::Image;
pub use self::catalog::operations;
pub use self::codec::decode::{Decoder, Reading};
pub use self::codec::facts::Facts;
pub use self::codec::format::Format;
pub use self::compose::by_class::ByClass;
pub use self::compose::classes::Classes;
pub use self::compose::identity::Identity;
pub use self::compose::one_of::OneOf;
pub use self::compose::operations::Operations;
pub use self::compose::random_apply::RandomApply;
pub use self::compose::random_order::RandomOrder;
pub use self::compose::sequential::Sequential;
pub use self::compose::some_of::SomeOf;
pub use self::downscale::{Downscale, Downscaled, Kept};
pub use self::drawn::Drawn;
pub use self::error::ImageError;
pub use self::geometry::crop::Crop;
pub use self::geometry::field::Field;
pub use self::geometry::interpolation::Interpolation;
pub use self::geometry::iou_crop::IouCrop;
pub use self::geometry::motion::Motion;
pub use self::geometry::padding::Padding;
pub use self::level::{Depth, Level};
pub use self::motions::affine::Affine;
pub use self::motions::elastic_transform::ElasticTransform;
pub use self::motions::horizontal_flip::HorizontalFlip;
pub use self::motions::pad::Pad;
pub use self::motions::perspective::Perspective;
pub use self::motions::random_crop::RandomCrop;
pub use self::motions::resize::Resize;
pub use self::motions::rotate::Rotate;
pub use self::motions::scale::Scale;
pub use self::motions::scale_jitter::ScaleJitter;
pub use self::motions::shear::Shear;
pub use self::motions::translate::Translate;
pub use self::motions::transpose::Transpose;
pub use self::motions::vertical_flip::VerticalFlip;
pub use self::motions::zoom_out::ZoomOut;
pub use self::operation::{Composite, Operation, Subject};
pub use self::ops::color::autocontrast::Autocontrast;
pub use self::ops::color::brightness::Brightness;
pub use self::ops::color::channel_permutation::ChannelPermutation;
pub use self::ops::color::clahe::Clahe;
pub use self::ops::color::color_jitter::ColorJitter;
pub use self::ops::color::contrast::Contrast;
pub use self::ops::color::equalize::Equalize;
pub use self::ops::color::gamma::Gamma;
pub use self::ops::color::grayscale::Grayscale;
pub use self::ops::color::hue::Hue;
pub use self::ops::color::invert::Invert;
pub use self::ops::color::photometric_distort::PhotometricDistort;
pub use self::ops::color::posterize::Posterize;
pub use self::ops::color::saturation::Saturation;
pub use self::ops::color::solarize::Solarize;
pub use self::ops::filter::box_blur::BoxBlur;
pub use self::ops::filter::gaussian::GaussianBlur;
pub use self::ops::filter::motion_blur::MotionBlur;
pub use self::ops::filter::sharpness::Sharpness;
pub use self::ops::noise::gaussian::GaussianNoise;
pub use self::ops::noise::salt_and_pepper::SaltAndPepper;
pub use self::ops::noise::shot::ShotNoise;
pub use self::ops::normalize::{IMAGENET_MEAN, IMAGENET_STD};
pub use self::ops::quality::jpeg::Jpeg;
pub use self::ops::quality::simulate_low_resolution::SimulateLowResolution;
pub use self::ops::region::coarse_dropout::CoarseDropout;
pub use self::ops::region::fill::Fill;
pub use self::ops::region::grid_dropout::GridDropout;
pub use self::ops::region::random_erasing::RandomErasing;
pub use self::partners::{CopyPaste, Mosaic};
pub use self::pixels::Pixels;
pub use self::steps::ImageStep;
pub use self::targets::{Boxes, Keypoints};

pub(crate) use self::codec::decode::{Scratch as DecoderScratch, decode};
pub(crate) use self::geometry::crop::Region;
pub(crate) use self::geometry::resize::resize;

pub(crate) use self::column::ImageColumn;
pub(crate) use self::execute::Spent;
pub(crate) use self::mask::Mask;
pub(crate) use self::parameters::{check_number, check_range};
pub(crate) use self::partners::{Paste, Quarters};
pub(crate) use self::picture_size::{PictureSize, check_stated};

/// Bytes that a thread keeps for decoded images; what a single huge image needed beyond that is given back.
const KEPT: usize = 32 << 20;
