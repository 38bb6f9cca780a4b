//! A method of the stage for each operation. Over 400 lines: there are many, each of one line and an example.

use super::builder::Image;
use super::motions::{horizontal_flip::HorizontalFlip, rotate::Rotate};
use super::ops::color::autocontrast::Autocontrast;
use super::ops::color::brightness::Brightness;
use super::ops::color::channel_permutation::ChannelPermutation;
use super::ops::color::clahe::Clahe;
use super::ops::color::color_jitter::ColorJitter;
use super::ops::color::contrast::Contrast;
use super::ops::color::equalize::Equalize;
use super::ops::color::gamma::Gamma;
use super::ops::color::grayscale::Grayscale;
use super::ops::color::hue::Hue;
use super::ops::color::invert::Invert;
use super::ops::color::photometric_distort::PhotometricDistort;
use super::ops::color::posterize::Posterize;
use super::ops::color::saturation::Saturation;
use super::ops::color::solarize::Solarize;
use super::ops::filter::box_blur::BoxBlur;
use super::ops::filter::gaussian::GaussianBlur;
use super::ops::filter::motion_blur::MotionBlur;
use super::ops::filter::sharpness::Sharpness;
use super::ops::noise::gaussian::GaussianNoise;
use super::ops::noise::salt_and_pepper::SaltAndPepper;
use super::ops::noise::shot::ShotNoise;
use super::ops::quality::jpeg::Jpeg;
use super::ops::quality::simulate_low_resolution::SimulateLowResolution;
use super::ops::region::coarse_dropout::CoarseDropout;
use super::ops::region::grid_dropout::GridDropout;
use super::ops::region::random_erasing::RandomErasing;
use std::ops::RangeInclusive;

impl Image {
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

    /// Adds normal noise with deviation `sigma`, a share (`0..=1`) of the full range: see [`GaussianNoise`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).gaussian_noise(0.05);
    /// # train.check().unwrap();
    /// ```
    pub fn gaussian_noise(self, sigma: f32) -> Self {
        self.with(GaussianNoise::new(sigma))
    }

    /// Blurs with a deviation drawn from `sigma`, in pixels of the resized image: see [`GaussianBlur`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).gaussian_blur(0.1..=2.0);
    /// # train.check().unwrap();
    /// ```
    pub fn gaussian_blur(self, sigma: RangeInclusive<f32>) -> Self {
        self.with(GaussianBlur::new(sigma))
    }

    /// Blackens, with probability `p` in `0..=1`, a box with a share of the area drawn from `scale` and a height over its
    /// width drawn from `ratio`: see [`RandomErasing`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).random_erasing(0.5, 0.02..=0.33, 0.3..=3.3);
    /// # train.check().unwrap();
    /// ```
    pub fn random_erasing(self, p: f32, scale: RangeInclusive<f32>, ratio: RangeInclusive<f32>) -> Self {
        self.with(RandomErasing::new(p, scale, ratio))
    }

    /// Turns the hue by up to `hue` (`0..=0.5`) of the colour circle either way: see [`Hue`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).hue(0.1);
    /// # train.check().unwrap();
    /// ```
    pub fn hue(self, hue: f32) -> Self {
        self.with(Hue::new(hue))
    }

    /// Raises levels to a power drawn from `gamma`: see [`Gamma`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).gamma(0.8..=1.2);
    /// # train.check().unwrap();
    /// ```
    pub fn gamma(self, gamma: RangeInclusive<f32>) -> Self {
        self.with(Gamma::new(gamma))
    }

    /// Takes the colour out with probability `p` in `0..=1`: see [`Grayscale`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).grayscale(0.1);
    /// # train.check().unwrap();
    /// ```
    pub fn grayscale(self, p: f32) -> Self {
        self.with(Grayscale::new(p))
    }

    /// Inverts colours with probability `p` in `0..=1`: see [`Invert`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).invert(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn invert(self, p: f32) -> Self {
        self.with(Invert::new(p))
    }

    /// Keeps `bits` (`0..=8`) bits of each level with probability `p` in `0..=1`: see [`Posterize`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).posterize(4, 0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn posterize(self, bits: u8, p: f32) -> Self {
        self.with(Posterize::new(bits, p))
    }

    /// Inverts levels from `threshold` (`0..=256`) on with probability `p` in `0..=1`: see [`Solarize`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).solarize(128, 0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn solarize(self, threshold: u16, p: f32) -> Self {
        self.with(Solarize::new(threshold, p))
    }

    /// Stretches each channel over the full range with probability `p` in `0..=1`: see [`Autocontrast`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).autocontrast(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn autocontrast(self, p: f32) -> Self {
        self.with(Autocontrast::new(p))
    }

    /// Makes the levels of each channel equally frequent with probability `p` in `0..=1`: see [`Equalize`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).equalize(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn equalize(self, p: f32) -> Self {
        self.with(Equalize::new(p))
    }

    /// Equalizes tile by tile, with a limit on contrast drawn from `clip_limit` (`1..=256`): see [`Clahe`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).clahe(1.0..=4.0);
    /// # train.check().unwrap();
    /// ```
    pub fn clahe(self, clip_limit: RangeInclusive<f32>) -> Self {
        self.with(Clahe::new(clip_limit))
    }

    /// Puts red, green and blue in a random order: see [`ChannelPermutation`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).channel_permutation();
    /// # train.check().unwrap();
    /// ```
    pub fn channel_permutation(self) -> Self {
        self.with(ChannelPermutation::new())
    }

    /// Changes brightness, contrast, saturation, hue and the order of channels, each with probability `p`: see [`PhotometricDistort`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).photometric_distort(0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn photometric_distort(self, p: f32) -> Self {
        self.with(PhotometricDistort::new(p))
    }

    /// Sharpens (`sharpness_factor` above 1) or blurs (below 1) with probability `p` in `0..=1`: see [`Sharpness`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).sharpness(2.0, 0.5);
    /// # train.check().unwrap();
    /// ```
    pub fn sharpness(self, sharpness_factor: f32, p: f32) -> Self {
        self.with(Sharpness::new(sharpness_factor, p))
    }

    /// Blurs by the mean of a square whose side, odd, is drawn from `size` (pixels of the resized image): see [`BoxBlur`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).box_blur(3..=7);
    /// # train.check().unwrap();
    /// ```
    pub fn box_blur(self, size: RangeInclusive<u32>) -> Self {
        self.with(BoxBlur::new(size))
    }

    /// Blurs along a line whose length, odd, is drawn from `size` (pixels of the resized image): see [`MotionBlur`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).motion_blur(3..=7);
    /// # train.check().unwrap();
    /// ```
    pub fn motion_blur(self, size: RangeInclusive<u32>) -> Self {
        self.with(MotionBlur::new(size))
    }

    /// Adds the noise of counted photons, of which white has one over `scale`: see [`ShotNoise`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).shot_noise(0.01..=0.1);
    /// # train.check().unwrap();
    /// ```
    pub fn shot_noise(self, scale: RangeInclusive<f32>) -> Self {
        self.with(ShotNoise::new(scale))
    }

    /// Makes a share of the pixels, drawn from `amount`, white or black: see [`SaltAndPepper`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).salt_and_pepper(0.01..=0.06);
    /// # train.check().unwrap();
    /// ```
    pub fn salt_and_pepper(self, amount: RangeInclusive<f32>) -> Self {
        self.with(SaltAndPepper::new(amount))
    }

    /// Adds the artefacts of JPEG, of a quality drawn from `quality` (`1..=100`): see [`Jpeg`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).jpeg(50..=100);
    /// # train.check().unwrap();
    /// ```
    pub fn jpeg(self, quality: RangeInclusive<u8>) -> Self {
        self.with(Jpeg::new(quality))
    }

    /// Makes the picture smaller by a factor drawn from `scale`, and large again: see [`SimulateLowResolution`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).simulate_low_resolution(0.5..=1.0);
    /// # train.check().unwrap();
    /// ```
    pub fn simulate_low_resolution(self, scale: RangeInclusive<f32>) -> Self {
        self.with(SimulateLowResolution::new(scale))
    }

    /// Blackens some boxes whose sides are drawn from shares of the picture's: see [`CoarseDropout`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).coarse_dropout(1..=2, 0.1..=0.2, 0.1..=0.2);
    /// # train.check().unwrap();
    /// ```
    pub fn coarse_dropout(
        self,
        holes: RangeInclusive<u32>,
        height: RangeInclusive<f32>,
        width: RangeInclusive<f32>,
    ) -> Self {
        self.with(CoarseDropout::new(holes, height, width))
    }

    /// Blackens the squares of a grid, `ratio` of its unit, which is drawn from shares of the shorter side: see [`GridDropout`].
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).grid_dropout(0.5, 0.1..=0.4);
    /// # train.check().unwrap();
    /// ```
    pub fn grid_dropout(self, ratio: f32, unit: RangeInclusive<f32>) -> Self {
        self.with(GridDropout::new(ratio, unit))
    }
}
