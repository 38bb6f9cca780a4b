//! Which part of an image fills the square.

use std::ops::RangeInclusive;

pub(crate) use super::frame::Frame;
pub(crate) use super::region::Region;

use super::iou_crop::{ChosenIou, IouCrop};
use super::padding::Padding;
use crate::rng::Rng;
use crate::rows::BoxFormat;
use serde::{Deserialize, Serialize};

/// Attempts of the random resized crop, as in torchvision.
const ATTEMPTS: usize = 10;

/// The part of an image that is resized to the stage's size. As an operation it is written under its name, `{ center_crop = { share = 0.9 } }`, and the name
/// alone means its defaults.
///
/// ```
/// use millstream::image::Crop;
///
/// let read = |text: &str| serde_json::from_str::<Crop>(text);
/// assert_eq!(read(r#""center_crop""#)?, Crop::Center { share: 0.875 });
/// assert_eq!(read(r#"{"random_resized_crop": {"scale": [0.5, 1.0]}}"#)?, read(r#"{"random_resized_crop": {"scale": [0.5, 1.0], "ratio": [0.75, 1.3333334]}}"#)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, remote = "Self")]
pub enum Crop {
    /// All of it, squashed.
    #[default]
    Whole,
    /// The middle box of the output's aspect ratio, with this share of the largest one that fits.
    #[serde(rename = "center_crop")]
    Center {
        /// Above 0 and up to 1. Defaults to 0.875: torchvision's 224 of 256.
        #[serde(default = "center_share")]
        share: f32,
    },
    /// The middle box of the stage's size, of the picture with its shorter side resized to so many pixels.
    #[serde(rename = "resize_center_crop")]
    Resized {
        /// At least the longer side of the stage's size.
        resize_size: u32,
    },
    /// All of it in the middle, with its aspect ratio; the rest has one colour.
    Letterbox {
        /// Red, green and blue. Defaults to black.
        #[serde(default)]
        fill: [u8; 3],
        /// Pixels of the longer side; none for the largest picture that fits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resize_size: Option<u32>,
    },
    /// A random box, as [`Image::random_resized_crop`](crate::image::Image::random_resized_crop) draws it.
    #[serde(rename = "random_resized_crop")]
    Random {
        /// Share of the image's area, above 0 and up to 1. Defaults to 0.08 to 1, as in torchvision.
        #[serde(with = "crate::spec::range", default = "random_scale")]
        scale: RangeInclusive<f32>,
        /// Width over height, above 0. Defaults to 3/4 to 4/3, as in torchvision.
        #[serde(with = "crate::spec::range", default = "random_ratio")]
        ratio: RangeInclusive<f32>,
        /// The crop of views without random augmentation; none for all of the image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plain: Option<Box<Self>>,
    },
    /// A random part that has enough of a box, as [`Image::random_iou_crop`](crate::image::Image::random_iou_crop) draws it; all of the image
    /// in views without random augmentation.
    #[serde(rename = "random_iou_crop")]
    RandomIou(IouCrop),
}

fn center_share() -> f32 {
    0.875
}

fn random_scale() -> RangeInclusive<f32> {
    0.08..=1.0
}

fn random_ratio() -> RangeInclusive<f32> {
    3.0 / 4.0..=4.0 / 3.0
}

/// A crop whose draws are made: the region follows from the image's size alone, so it is known before the decode.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    kind: Kind,
    size: [u32; 2],
}

#[derive(Clone, Debug)]
enum Kind {
    Center(f64),
    Resized(u32),
    Letterbox { fill: [u8; 3], longer: Option<u32> },
    Random(Boxes),
    Iou(ChosenIou),
    Whole,
}

/// Candidates of a random resized crop; the first that fits an image is taken.
#[derive(Clone, Debug)]
pub(crate) struct Boxes {
    /// Share of the area, width over height.
    shapes: [(f64, f64); ATTEMPTS],
    /// Where in the room that is left, from 0 to 1.
    place: (f64, f64),
    ratio: (f64, f64),
}

impl Crop {
    /// Its name among the operations; none for all of the image.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Center { .. } => Some("center_crop"),
            Self::Resized { .. } => Some("resize_center_crop"),
            Self::Letterbox { .. } => Some("letterbox"),
            Self::Random { .. } => Some("random_resized_crop"),
            Self::RandomIou(_) => Some("random_iou_crop"),
        }
    }

    /// The crop where nothing is random; none for all of the image.
    pub(crate) fn plain(&self) -> Option<Box<Self>> {
        match self {
            Self::Whole | Self::RandomIou(_) => None,
            Self::Random { plain, .. } => plain.clone(),
            crop => Some(Box::new(crop.clone())),
        }
    }

    /// A size of pictures that it allows, if it is right for any: its own pixels have to fit the stage's.
    #[cfg(feature = "train")]
    pub(crate) fn allowed_size(&self) -> u32 {
        match self {
            Self::Resized { .. } => 1,
            Self::Random { plain: Some(plain), .. } => plain.allowed_size(),
            _ => 8192,
        }
    }

    /// Why `scale` and `ratio` make no random box, if they do not.
    pub(crate) fn check(scale: &RangeInclusive<f32>, ratio: &RangeInclusive<f32>) -> Result<(), String> {
        if !(*scale.start() > 0.0 && scale.start() <= scale.end() && *scale.end() <= 1.0) {
            return Err(format!("scale is {scale:?}, but has to be a range above 0 and up to 1"));
        }
        if !(*ratio.start() >= 0.01 && ratio.start() <= ratio.end() && *ratio.end() <= 100.0) {
            return Err(format!("ratio is {ratio:?}, but has to be a range within 0.01..=100"));
        }
        Ok(())
    }

    /// The crop of a row, for a stage of `size`.
    pub(crate) fn choose(&self, size: [u32; 2], rng: &mut Rng) -> Chosen {
        let kind = match self {
            Self::Whole => Kind::Whole,
            Self::Center { share } => Kind::Center(f64::from(*share)),
            Self::Resized { resize_size } => Kind::Resized(*resize_size),
            Self::Letterbox { fill, resize_size } => Kind::Letterbox {
                fill: *fill,
                longer: *resize_size,
            },
            Self::Random { scale, ratio, .. } => Kind::Random(Boxes::draw(scale, ratio, rng)),
            Self::RandomIou(crop) => Kind::Iou(ChosenIou::new(crop, rng)),
        };
        Chosen { kind, size }
    }
}

/// The region whose resample to `size` pixels has the pixels of torchvision's `Resize(shorter)` and `CenterCrop(size)`: the longer side is
/// cut to whole pixels, and the offset is rounded to the even one.
fn resized_center(shorter: u32, size: [u32; 2], width: f64, height: f64) -> Region {
    let (shorter, size) = (f64::from(shorter), size.map(f64::from));
    let resized = |side: f64| (shorter * side / width.min(height)).floor();
    let start = |resized: f64, size: f64| ((resized - size) / 2.0).round_ties_even();
    let (across, down) = (resized(width), resized(height));
    Region {
        left: start(across, size[0]) * width / across,
        top: start(down, size[1]) * height / down,
        width: size[0] * width / across,
        height: size[1] * height / down,
    }
}

/// The region around the picture whose resample to `size` pixels has all of the picture in its middle, at whole pixels, with its longer
/// side of `longer` pixels.
fn letterboxed(longer: Option<u32>, size: [u32; 2], width: f64, height: f64) -> Region {
    let size = size.map(f64::from);
    let scale = match longer {
        Some(longer) => f64::from(longer) / width.max(height),
        None => (size[0] / width).min(size[1] / height),
    };
    let side = |length: f64, size: f64| {
        let inner = libm::round(length * scale).clamp(1.0, size);
        let before = ((size - inner) / 2.0).floor();
        (-before * length / inner, size * length / inner)
    };
    let ((left, across), (top, down)) = (side(width, size[0]), side(height, size[1]));
    Region {
        left,
        top,
        width: across,
        height: down,
    }
}

impl Boxes {
    /// Always takes 22 draws of 32 bits.
    fn draw(scale: &RangeInclusive<f32>, ratio: &RangeInclusive<f32>, rng: &mut Rng) -> Self {
        let ratio = (f64::from(*ratio.start()), f64::from(*ratio.end()));
        let scale = (f64::from(*scale.start()), f64::from(*scale.end()));
        let logs = (libm::log(ratio.0), libm::log(ratio.1));
        let shapes = std::array::from_fn(|_| {
            let share = between(scale, rng);
            (share, libm::exp(between(logs, rng)).clamp(ratio.0, ratio.1))
        });
        let place = (between((0.0, 1.0), rng), between((0.0, 1.0), rng));
        Self { shapes, place, ratio }
    }

    fn region(&self, width: f64, height: f64) -> Region {
        let size = |&(share, ratio): &(f64, f64)| {
            let area = share * width * height;
            ((area * ratio).sqrt(), (area / ratio).sqrt())
        };
        let fits = |&(w, h): &(f64, f64)| w <= width && h <= height;
        match self.shapes.iter().map(size).find(fits) {
            Some((w, h)) => Region {
                left: self.place.0 * (width - w),
                top: self.place.1 * (height - h),
                width: w,
                height: h,
            },
            None => self.central(width, height),
        }
    }

    /// Where no attempt fits: the largest central box whose ratio is allowed.
    fn central(&self, width: f64, height: f64) -> Region {
        let ratio = (width / height).clamp(self.ratio.0, self.ratio.1);
        centered(width, height, width.min(height * ratio), height.min(width / ratio))
    }
}

impl Chosen {
    /// The region of an image of `width` x `height` pixels; always inside the image, but for a letterbox, which holds the image.
    pub(crate) fn region(&self, width: u32, height: u32) -> Region {
        let whole = Region::whole(width, height);
        let (width, height) = (whole.width, whole.height);
        match &self.kind {
            Kind::Whole => whole,
            Kind::Center(share) => {
                let ratio = f64::from(self.size[0]) / f64::from(self.size[1]);
                let across = share * width.min(height * ratio);
                centered(width, height, across, across / ratio)
            }
            Kind::Resized(shorter) => resized_center(*shorter, self.size, width, height),
            Kind::Letterbox { longer, .. } => letterboxed(*longer, self.size, width, height),
            Kind::Random(boxes) => boxes.region(width, height),
            Kind::Iou(crop) => crop.region(width as u32, height as u32).unwrap_or(whole),
        }
    }

    /// Tells the crop which boxes the picture has, if it wants to know.
    pub(crate) fn of_boxes(&mut self, format: BoxFormat, boxes: &[[f32; 4]]) {
        if let Kind::Iou(crop) = &mut self.kind {
            crop.of_boxes(format, boxes);
        }
    }

    /// The part in which the centres of boxes lie that stay; none where all do.
    pub(crate) fn centres(&self, [width, height]: [u32; 2]) -> Option<Region> {
        match &self.kind {
            Kind::Iou(crop) => crop.region(width, height),
            _ => None,
        }
    }

    /// Where it puts an image of `width` x `height` pixels.
    pub(crate) fn frame(&self, width: u32, height: u32) -> Frame {
        Frame {
            of: [width, height],
            region: self.region(width, height),
            size: self.size,
            padding: match self.kind {
                Kind::Letterbox { fill, .. } => Some(Padding::Constant(fill)),
                _ => None,
            },
        }
    }
}

fn centered(width: f64, height: f64, w: f64, h: f64) -> Region {
    Region {
        left: (width - w) / 2.0,
        top: (height - h) / 2.0,
        width: w,
        height: h,
    }
}

fn between((low, high): (f64, f64), rng: &mut Rng) -> f64 {
    low + (high - low) * f64::from(rng.unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(scale: RangeInclusive<f32>, ratio: RangeInclusive<f32>, size: (u32, u32)) -> Vec<Region> {
        let crop = Crop::Random {
            scale,
            ratio,
            plain: None,
        };
        (0..5000)
            .map(|p| crop.choose([8; 2], &mut Rng::new(3, "crop", p)).region(size.0, size.1))
            .collect()
    }

    #[test]
    fn random_boxes_lie_inside_and_keep_their_ranges() {
        for (w, h) in [(320, 240), (240, 320), (64, 64), (1, 1), (7, 5)] {
            for r in regions(0.08..=1.0, 0.75..=4.0 / 3.0, (w, h)) {
                let (w, h) = (f64::from(w), f64::from(h));
                assert!(r.left >= 0.0 && r.top >= 0.0 && r.left + r.width <= w + 1e-9 && r.top + r.height <= h + 1e-9);
                let (share, ratio) = (r.width * r.height / (w * h), r.width / r.height);
                assert!((0.08 - 1e-6..=1.0 + 1e-6).contains(&share), "{share}");
                assert!((0.75 - 1e-6..=1.334).contains(&ratio), "{ratio}");
            }
        }
    }

    #[test]
    fn areas_are_uniform_where_every_box_fits() {
        let mean = regions(0.1..=0.3, 1.0..=1.0, (100, 100))
            .iter()
            .map(|r| r.width * r.height)
            .sum::<f64>()
            / 5000.0;
        assert!((mean - 2000.0).abs() < 30.0, "{mean}");
    }

    #[test]
    fn a_resize_and_a_crop_are_those_of_torchvision() {
        let region = |resize_size, size, (width, height)| {
            let crop = Crop::Resized { resize_size };
            crop.choose([size; 2], &mut Rng::new(3, "crop", 0))
                .region(width, height)
        };
        // Resize(73) makes 97 x 73 pixels of it, of which CenterCrop(64) takes those from 16 and 4.
        let found = region(73, 64, (320, 240));
        let expected = [
            16.0 * 320.0 / 97.0,
            4.0 * 240.0 / 73.0,
            64.0 * 320.0 / 97.0,
            64.0 * 240.0 / 73.0,
        ];
        assert_eq!([found.left, found.top, found.width, found.height], expected);
        assert_eq!(region(64, 64, (64, 64)), Region::whole(64, 64));
        for size in [(1, 1), (1, 5000), (333, 7), (640, 481)] {
            let r = region(31, 30, size);
            let (w, h) = (f64::from(size.0), f64::from(size.1));
            assert!(r.left >= 0.0 && r.top >= 0.0 && r.left + r.width <= w + 1e-9 && r.top + r.height <= h + 1e-9);
        }
    }

    #[test]
    fn a_box_that_cannot_fit_falls_back_to_the_middle() {
        let all = regions(1.0..=1.0, 1.0..=1.0, (200, 100));
        assert_eq!(
            all[0],
            Region {
                left: 50.0,
                top: 0.0,
                width: 100.0,
                height: 100.0
            }
        );
    }
}
