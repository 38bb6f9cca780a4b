//! The methods of the image stage that add operations which move pixels.

use super::builder::Image;
use super::motions::affine::Affine;
use super::motions::elastic_transform::ElasticTransform;
use super::motions::pad::Pad;
use super::motions::perspective::Perspective;
use super::motions::random_crop::RandomCrop;
use super::motions::resize::Resize;
use super::motions::scale::Scale;
use super::motions::scale_jitter::ScaleJitter;
use super::motions::shear::Shear;
use super::motions::translate::Translate;
use super::motions::transpose::Transpose;
use super::motions::vertical_flip::VerticalFlip;
use super::motions::zoom_out::ZoomOut;
use std::ops::RangeInclusive;

/// Operations that move pixels. Neighbours of them are put together with the crop and the resize, and the picture is resampled once: straight
/// from the photo, so that a rotation after a crop shows the photo beside the crop, and not black corners.
impl Image {
    /// Exchanges top and bottom with probability `p` in `0..=1`: see [`VerticalFlip`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).vertical_flip(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn vertical_flip(self, p: f32) -> Self {
        self.with(VerticalFlip::new(p))
    }

    /// Exchanges rows and columns with probability `p` in `0..=1`: see [`Transpose`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).transpose(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn transpose(self, p: f32) -> Self {
        self.with(Transpose::new(p))
    }

    /// Enlarges about the centre by a factor drawn from `scale`: see [`Scale`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).scale(0.8..=1.25);
    /// # train.check().unwrap();
    /// ```
    pub fn scale(self, scale: RangeInclusive<f32>) -> Self {
        self.with(Scale::new(scale))
    }

    /// Leans vertical lines, and horizontal ones, over by up to so many degrees (`0..=80`): see [`Shear`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).shear([10.0, 0.0]);
    /// # train.check().unwrap();
    /// ```
    pub fn shear(self, degrees: [f32; 2]) -> Self {
        self.with(Shear::new(degrees))
    }

    /// Moves aside by up to these shares (`0..=1`) of width and height: see [`Translate`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).translate([0.1, 0.1]);
    /// # train.check().unwrap();
    /// ```
    pub fn translate(self, translate: [f32; 2]) -> Self {
        self.with(Translate::new(translate))
    }

    /// Turns by up to `degrees` (`0..=180`), moves aside by up to the shares `translate` (`0..=1`), scales by a factor from `scale` and leans over by
    /// up to `shear` degrees (`0..=80`): see [`Affine`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).affine(15.0, [0.1, 0.1], 0.8..=1.25, [10.0, 0.0]);
    /// # train.check().unwrap();
    /// ```
    pub fn affine(self, degrees: f32, translate: [f32; 2], scale: RangeInclusive<f32>, shear: [f32; 2]) -> Self {
        self.with(Affine::new(degrees).translate(translate).scale(scale).shear(shear))
    }

    /// Draws as if seen from aside, with probability `p` in `0..=1`: corners move inwards by up to `distortion_scale` (`0..=0.95`) of half a side:
    /// see [`Perspective`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).perspective(0.5, 0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn perspective(self, distortion_scale: f32, p: f32) -> Self {
        self.with(Perspective::new(distortion_scale, p))
    }

    /// Bends the picture by noise of the strength `alpha`, smoothed over `sigma` pixels: see [`ElasticTransform`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).elastic_transform(50.0, 5.0);
    /// # train.check().unwrap();
    /// ```
    pub fn elastic_transform(self, alpha: f32, sigma: f32) -> Self {
        self.with(ElasticTransform::new(alpha, sigma))
    }

    /// Takes a part of `[width, height]` pixels at a random place: see [`RandomCrop`], which can also add a rim before.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).resize([256, 256]).random_crop([224, 224]);
    /// # train.check().unwrap();
    /// ```
    pub fn random_crop(self, size: [u32; 2]) -> Self {
        self.with(RandomCrop::new().size(size))
    }

    /// Adds a black rim of so many pixels (left, top, right, bottom): see [`Pad`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(32).pad([4; 4]).random_crop([32, 32]);
    /// # train.check().unwrap();
    /// ```
    pub fn pad(self, padding: [u32; 4]) -> Self {
        self.with(Pad::new(padding))
    }

    /// Brings each row's picture to `[width, height]` pixels: see [`Resize`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).resize([256, 256]).random_crop([224, 224]);
    /// # train.check().unwrap();
    /// ```
    pub fn resize(self, size: [u32; 2]) -> Self {
        self.with(Resize::new(size))
    }

    /// Scales by a factor drawn from `scale_range` and puts the picture at a random place: see [`ScaleJitter`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(640).scale_jitter(0.1..=2.0);
    /// # train.check().unwrap();
    /// ```
    pub fn scale_jitter(self, scale_range: RangeInclusive<f32>) -> Self {
        self.with(ScaleJitter::new(scale_range))
    }

    /// Puts the picture, with probability `p` in `0..=1`, on a larger ground, whose sides are longer by a factor from `side_range`: see [`ZoomOut`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(300).zoom_out(1.0..=4.0, 0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn zoom_out(self, side_range: RangeInclusive<f32>, p: f32) -> Self {
        self.with(ZoomOut::new(side_range, p))
    }
}
