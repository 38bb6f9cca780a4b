//! The part of a picture that the stage takes, and how it is resized.

use super::builder::Image;
use super::geometry::crop::Crop;
use super::geometry::interpolation::Interpolation;
use super::geometry::iou_crop::IouCrop;
use std::ops::RangeInclusive;

impl Image {
    /// Takes the middle box with the output's aspect ratio and `share` of the largest such box in place of the whole image. `share` above
    /// 0, up to 1: 1 is the largest box, and the picture is not squashed.
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
        self.crop = Crop::Center { share };
        self
    }

    /// Resizes the shorter side to `resize_size` pixels, with the aspect ratio, and takes the middle box of the stage's size in
    /// place of the whole image: torchvision's `Resize(resize_size)` and `CenterCrop(size)` with their rounding, in one resample.
    /// `resize_size` from the longer side of the stage's size up to 65536.
    ///
    /// ```
    /// # use millstream::image::{Image, Interpolation};
    /// let valid = Image::new(224).resize_center_crop(256).interpolation(Interpolation::Bicubic);
    /// # valid.check().unwrap();
    /// ```
    pub fn resize_center_crop(mut self, resize_size: u32) -> Self {
        let size = self.size().into_iter().max().unwrap_or(1);
        self.expect((size..=65_536).contains(&resize_size), || {
            format!("resize_center_crop: resize_size is {resize_size}, but has to lie in {size}..=65536 pixels")
        });
        self.crop = Crop::Resized { resize_size };
        self
    }

    /// Shows all of the picture, as large as fits and with its aspect ratio, in the middle of `fill` (red, green, blue), in place of
    /// squashing it. albumentations has it as `LetterBox`; its sides have `round(side * scale)` pixels, and an odd pixel of the rim is on the right or
    /// below. What operations move in from beyond is `fill`, too.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let detect = Image::new(640).letterbox([114; 3]);
    /// # detect.check().unwrap();
    /// ```
    pub fn letterbox(mut self, fill: [u8; 3]) -> Self {
        self.crop = Crop::Letterbox {
            fill,
            resize_size: None,
        };
        self
    }

    /// What of a picture it takes.
    #[cfg(feature = "train")]
    pub(crate) fn framing(&self) -> &Crop {
        &self.crop
    }

    /// [Letterboxed](Self::letterbox) where the whole picture would be squashed, with or without random augmentation.
    #[cfg(feature = "train")]
    pub(crate) fn keeping_aspect(mut self, fill: [u8; 3]) -> Self {
        let whole = || Crop::Letterbox {
            fill,
            resize_size: None,
        };
        match &mut self.crop {
            crop @ Crop::Whole => *crop = whole(),
            Crop::Random { plain, .. } if plain.as_deref().is_none_or(|plain| *plain == Crop::Whole) => {
                *plain = Some(Box::new(whole()));
            }
            _ => {}
        }
        self
    }

    /// As [`letterbox`](Self::letterbox), with the longer side resized to `resize_size` pixels: albumentations' `LongestMaxSize` and
    /// `PadIfNeeded`. `resize_size` from 1 to the shorter side of the stage's size.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let rim = Image::new(640).resize_letterbox(600, [114; 3]);
    /// # rim.check().unwrap();
    /// ```
    pub fn resize_letterbox(mut self, resize_size: u32, fill: [u8; 3]) -> Self {
        let size = self.size().into_iter().min().unwrap_or(1);
        self.expect((1..=size).contains(&resize_size), || {
            format!("letterbox: resize_size is {resize_size}, but has to lie in 1..={size} pixels")
        });
        let resize_size = Some(resize_size);
        self.crop = Crop::Letterbox { fill, resize_size };
        self
    }

    /// Resizes by `interpolation`, antialiased, where sides stay sides. What turns, leans over or bends is made smaller by a
    /// triangle and is then bilinear. Defaults to bilinear.
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Takes a random box in place of the whole image: torchvision's `RandomResizedCrop`, at sub-pixel positions.
    ///
    /// `scale` is the box's share of the image's area, drawn evenly (torchvision: `0.08..=1.0`); `ratio` is its width
    /// over its height, drawn evenly on a log scale (torchvision: `3/4..=4/3`). Ten boxes are drawn, the first that fits
    /// inside the image counts; where none does, it is the largest central one of an allowed ratio.
    ///
    /// The crop comes before the augmentations wherever it stands in the chain. A [`center_crop`](Self::center_crop) or
    /// [`resize_center_crop`](Self::resize_center_crop) or [`letterbox`](Self::letterbox) before it is that of the view without random
    /// augmentation.
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
        let plain = self.crop.plain();
        self.crop = Crop::Random { scale, ratio, plain };
        self
    }

    /// Takes a random part that has enough of one of the row's boxes in place of the whole image: torchvision's `RandomIoUCrop`, see
    /// [`IouCrop`]. The stage needs [`boxes`](Self::boxes). A box is left out where its centre is neither in the part nor in the picture that comes out at the end.
    ///
    /// ```
    /// use millstream::image::{Boxes, Image, IouCrop};
    /// use millstream::rows::BoxFormat;
    ///
    /// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).sanitize(1.0, 1.0);
    /// let train = Image::new(320).random_iou_crop(IouCrop::default()).boxes(boxes);
    /// assert!(train.is_random());
    /// # train.check().unwrap();
    /// ```
    pub fn random_iou_crop(mut self, crop: IouCrop) -> Self {
        if let Err(mistake) = crop.check() {
            self.expect(false, || format!("random_iou_crop: {mistake}"));
        }
        self.crop = Crop::RandomIou(crop);
        self
    }

    /// Takes `crop` in place of the whole image.
    pub fn crop(mut self, crop: Crop) -> Self {
        match crop {
            Crop::Whole => {
                self.crop = crop;
                self
            }
            Crop::RandomIou(crop) => self.random_iou_crop(crop),
            Crop::Center { share } => self.center_crop(share),
            Crop::Resized { resize_size } => self.resize_center_crop(resize_size),
            Crop::Letterbox { fill, resize_size } => match resize_size {
                Some(resize_size) => self.resize_letterbox(resize_size, fill),
                None => self.letterbox(fill),
            },
            Crop::Random { scale, ratio, plain } => {
                let is_plain = !matches!(plain.as_deref(), Some(Crop::Random { .. }));
                let mut image = plain.into_iter().fold(self, |image, plain| image.crop(*plain));
                image.expect(is_plain, || "random_resized_crop: plain is random".to_owned());
                image.random_resized_crop(scale, ratio)
            }
        }
    }
}
