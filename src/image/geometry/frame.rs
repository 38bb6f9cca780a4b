//! A part of a picture in the size that it fills.

use super::motion::Motion;
use super::padding::Padding;
use super::region::Region;

/// A region of a picture that fills a size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The picture's own size.
    pub(crate) of: [u32; 2],
    pub(crate) region: Region,
    pub(crate) size: [u32; 2],
    pub(crate) padding: Option<Padding>,
}

impl Frame {
    /// All of a picture as it is.
    pub(crate) fn whole(of: [u32; 2]) -> Self {
        Self {
            of,
            region: Region::whole(of[0], of[1]),
            size: of,
            padding: None,
        }
    }

    /// From the picture to the frame.
    pub(crate) fn motion(&self) -> Motion {
        let Region {
            left,
            top,
            width,
            height,
        } = self.region;
        let [across, down] = [f64::from(self.size[0]) / width, f64::from(self.size[1]) / height];
        let motion = Motion::stretch(self.of, self.size, [across, down], [-left * across, -top * down]);
        match self.padding {
            Some(padding) => motion.padding(padding),
            None => motion,
        }
    }
}
