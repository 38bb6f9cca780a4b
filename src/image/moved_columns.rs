//! The columns that a stage moves together with its picture.

use super::builder::Image;
use super::error::ImageError;
use super::targets::{Boxes, Keypoints, wrong_pairs};

impl Image {
    /// Moves the masks in `column` together with the picture: PNG files of grey or palette values ([`u8`] numbers of classes),
    /// of the picture's size. The column becomes a tensor of `[height, width]` u8. Each place has the value of the nearest one;
    /// operations that change colours leave masks alone.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).random_resized_crop(0.5..=1.0, 0.75..=1.3333).horizontal_flip(0.5).mask("mask");
    /// # train.check().unwrap();
    /// ```
    pub fn mask(mut self, column: &str) -> Self {
        self.masks.push(column.to_owned());
        self
    }

    /// Gives masks this value beyond the picture, where that has the colour of its padding, in place of 0: 255, for example, if no pixel there
    /// is to be learnt. albumentations calls it so, too.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(224).letterbox([114; 3]).rotate(10.0).mask("mask").fill_mask(255);
    /// # train.check().unwrap();
    /// ```
    pub fn fill_mask(mut self, value: u8) -> Self {
        self.fill_mask = value;
        self
    }

    /// Moves a column of boxes together with the picture, and leaves out those that leave it: see [`Boxes`].
    ///
    /// ```
    /// use millstream::image::{Boxes, Image};
    /// use millstream::rows::BoxFormat;
    ///
    /// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&["objects.category"]);
    /// let train = Image::new(320).horizontal_flip(0.5).boxes(boxes);
    /// # train.check().unwrap();
    /// ```
    pub fn boxes(mut self, boxes: Boxes) -> Self {
        if let Err(mistake) = boxes.check() {
            self.expect(false, || mistake.to_string());
        }
        self.boxes.push(boxes);
        self
    }

    /// Moves a column of keypoints together with the picture: see [`Keypoints`].
    pub fn keypoints(mut self, keypoints: Keypoints) -> Self {
        self.keypoints.push(keypoints);
        self
    }

    /// Exchanges the values of each pair in `column` in rows whose picture is mirrored: a mask, or a label field of boxes or keypoints. A left
    /// hand is a right hand in a mirror. Each value stands in one pair at most.
    ///
    /// ```
    /// # use millstream::image::Image;
    /// let train = Image::new(256).horizontal_flip(0.5).mask("mask").mirror_labels("mask", &[[4, 5]]); // left and right arm
    /// # train.check().unwrap();
    /// ```
    pub fn mirror_labels(mut self, column: &str, pairs: &[[i64; 2]]) -> Self {
        self.mirrored.entry(column.to_owned()).or_default().extend(pairs);
        self
    }

    /// Refuses pairs of which a mirror would make something else than an exchange.
    pub(super) fn check_pairs(&self) -> Result<(), ImageError> {
        self.keypoints.iter().try_for_each(Keypoints::check_pairs)?;
        let mut all = self.mirrored.iter();
        match all.find_map(|(column, pairs)| Some((column, wrong_pairs(pairs)?))) {
            Some((column, why)) => Err(ImageError::Config(format!("mirror_labels: \"{column}\": {why}"))),
            None => Ok(()),
        }
    }

    /// Writes into `column` where the picture lies in the output, as far as nothing turns it: scale and offset in both directions
    /// (`output = picture * scale + offset`), then width and height of the picture as it is stored and of the output, eight numbers.
    #[cfg(feature = "train")]
    pub(crate) fn frame(mut self, column: &str) -> Self {
        self.frame = Some(column.to_owned());
        self
    }
}
