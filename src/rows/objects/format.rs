//! What the four numbers of a box mean.

use arrow::datatypes::Field;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Metadata key of a column of boxes: what their four numbers mean, as a [`BoxFormat`] is written (`xyxy`).
///
/// [`objects`](crate::DatasetExt::objects) and the image stage write it, and a stage that moves boxes refuses another format than it
/// says.
pub const BOX_FORMAT: &str = "millstream.boxes";

/// What the four numbers of a box mean. Coordinates count from the top left corner of the picture, x to the right and y downwards.
///
/// ```
/// use millstream::rows::BoxFormat;
///
/// let coco = [16.0, 32.0, 32.0, 128.0]; // x, y, width, height
/// assert_eq!(BoxFormat::Xywh.to_xyxy(coco, (128, 256)), [16.0, 32.0, 48.0, 160.0]);
/// assert_eq!(BoxFormat::CxcywhNormalized.from_xyxy([16.0, 32.0, 48.0, 160.0], (128, 256)), [0.25, 0.375, 0.25, 0.5]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxFormat {
    /// Left, top, right, bottom, in pixels: Pascal VOC's, torchvision's `XYXY`.
    Xyxy,
    /// Left, top, width, height, in pixels: COCO's, torchvision's `XYWH`.
    #[default]
    Xywh,
    /// Centre, width and height, in pixels: torchvision's `CXCYWH`.
    Cxcywh,
    /// Left, top, right, bottom, as shares of the picture's width and height: albumentations'.
    XyxyNormalized,
    /// Left, top, width, height, as shares.
    XywhNormalized,
    /// Centre, width and height, as shares: YOLO's.
    CxcywhNormalized,
}

impl BoxFormat {
    /// All formats there are.
    pub const ALL: [Self; 6] = [
        Self::Xyxy,
        Self::Xywh,
        Self::Cxcywh,
        Self::XyxyNormalized,
        Self::XywhNormalized,
        Self::CxcywhNormalized,
    ];

    /// Whether numbers are shares of the picture's width and height, not pixels.
    pub fn is_normalized(self) -> bool {
        matches!(
            self,
            Self::XyxyNormalized | Self::XywhNormalized | Self::CxcywhNormalized
        )
    }

    /// The same meaning of the numbers in pixels.
    #[must_use]
    pub fn in_pixels(self) -> Self {
        match self {
            Self::XyxyNormalized => Self::Xyxy,
            Self::XywhNormalized => Self::Xywh,
            Self::CxcywhNormalized => Self::Cxcywh,
            pixels => pixels,
        }
    }

    /// Left, top, right and bottom in pixels of a box in a picture of `size`, width and height.
    pub fn to_xyxy(self, values: [f32; 4], size: (u32, u32)) -> [f32; 4] {
        let [a, b, c, d] = self.corners(values);
        match self.is_normalized() {
            true => {
                let (width, height) = (size.0 as f32, size.1 as f32);
                [a * width, b * height, c * width, d * height]
            }
            false => [a, b, c, d],
        }
    }

    /// The numbers of the box with these corners, in pixels, in a picture of `size`, width and height.
    pub fn from_xyxy(self, [left, top, right, bottom]: [f32; 4], size: (u32, u32)) -> [f32; 4] {
        let (width, height) = match self.is_normalized() {
            true => (size.0 as f32, size.1 as f32),
            false => (1.0, 1.0),
        };
        let [left, top, right, bottom] = [left / width, top / height, right / width, bottom / height];
        match self.in_pixels() {
            Self::Xywh => [left, top, right - left, bottom - top],
            Self::Cxcywh => [(left + right) / 2.0, (top + bottom) / 2.0, right - left, bottom - top],
            _ => [left, top, right, bottom],
        }
    }

    /// What the boxes of the column `field` mean, where its metadata says so.
    pub(crate) fn of_field(field: &Field) -> Option<Self> {
        let said = field.metadata().get(BOX_FORMAT)?;
        Self::ALL.into_iter().find(|format| format.to_string() == *said)
    }

    /// Left, top, right and bottom in the unit of the numbers.
    pub(crate) fn corners(self, [a, b, c, d]: [f32; 4]) -> [f32; 4] {
        match self.in_pixels() {
            Self::Xywh => [a, b, a + c, b + d],
            Self::Cxcywh => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
            _ => [a, b, c, d],
        }
    }

    /// Whether the box is none: a number that is not finite, or no area.
    pub(crate) fn is_degenerate(self, values: [f32; 4]) -> bool {
        let [left, top, right, bottom] = self.corners(values);
        let finite = [left, top, right, bottom].iter().all(|value| value.is_finite());
        !finite || right <= left || bottom <= top
    }

    /// Whether the box reaches out of a picture of `size` by more than a pixel.
    pub(crate) fn reaches_out(self, values: [f32; 4], size: (u32, u32)) -> bool {
        let (width, height) = (size.0 as f32, size.1 as f32);
        let [left, top, right, bottom] = self.to_xyxy(values, size);
        let out = left < -1.0 || top < -1.0 || right > width + 1.0 || bottom > height + 1.0;
        out && !self.is_degenerate(values)
    }

    /// Whether the box has an area and lies in a picture of `size`, but for a fiftieth of it. A box of less than two pixels
    /// is none: shares that are taken for pixels would be.
    pub(super) fn fits(self, values: [f32; 4], size: (u32, u32)) -> bool {
        let (width, height) = (size.0 as f32, size.1 as f32);
        let [left, top, right, bottom] = self.to_xyxy(values, size);
        let inside = |from: f32, to: f32, length: f32| {
            let out = (length / 50.0).max(2.0);
            from >= -out && to <= length + out && to - from > 0.0
        };
        let is_share = !self.is_normalized() && right.max(bottom) <= 1.0 && width.max(height) > 1.0;
        !self.is_degenerate(values) && !is_share && inside(left, right, width) && inside(top, bottom, height)
    }
}

impl fmt::Display for BoxFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xyxy => "xyxy",
            Self::Xywh => "xywh",
            Self::Cxcywh => "cxcywh",
            Self::XyxyNormalized => "xyxy_normalized",
            Self::XywhNormalized => "xywh_normalized",
            Self::CxcywhNormalized => "cxcywh_normalized",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_lead_to_one_another() {
        let (corners, size) = ([3.0, 5.0, 11.0, 25.0], (20, 50));
        let numbers = [
            [3.0, 5.0, 11.0, 25.0],
            [3.0, 5.0, 8.0, 20.0],
            [7.0, 15.0, 8.0, 20.0],
            [0.15, 0.1, 0.55, 0.5],
            [0.15, 0.1, 0.4, 0.4],
            [0.35, 0.3, 0.4, 0.4],
        ];
        for (format, expected) in BoxFormat::ALL.into_iter().zip(numbers) {
            let made = format.from_xyxy(corners, size);
            let near = |a: [f32; 4], b: [f32; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(near(made, expected), "{format}: {made:?}");
            assert!(near(format.to_xyxy(expected, size), corners), "{format}");
            assert_eq!(
                serde_json::to_string(&format).unwrap_or_default(),
                format!("\"{format}\"")
            );
        }
    }
}
