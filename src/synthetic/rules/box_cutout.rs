//! What of a picture lies in the ellipse that fits into a box: an object whose outline is not known.

use crate::image::Pixels;

/// Pixels that an object has a side at least.
const LEAST: usize = 4;

/// Left, top, width and height of what lies in the box with the corners left, top, right and bottom, in a picture of `size`, in pixels; none of what has less than 4 a side.
pub(crate) fn part_of_box(corners: [f32; 4], (width, height): (u32, u32)) -> Option<[usize; 4]> {
    let inside = |at: f32, side: u32| at.round().clamp(0.0, side as f32) as usize;
    let [left, right] = [corners[0], corners[2]].map(|at| inside(at, width));
    let [top, bottom] = [corners[1], corners[3]].map(|at| inside(at, height));
    let (wide, high) = (right.saturating_sub(left), bottom.saturating_sub(top));
    (wide >= LEAST && high >= LEAST).then_some([left, top, wide, high])
}

/// What lies in the box with these corners, in pixels, and the mask of the ellipse in it: 1 inside, else 0. None of what has less than 4 pixels a side.
pub(crate) fn cut_box(pixels: &Pixels, corners: [f32; 4]) -> Option<(Pixels, Pixels)> {
    let [left, top, width, height] = part_of_box(corners, (pixels.width, pixels.height))?;
    let mut part = Pixels::new(width as u32, height as u32);
    let mut mask = Pixels::with_channels(width as u32, height as u32, 1);
    let (channels, across) = (pixels.channels(), pixels.width as usize);
    for y in 0..height {
        for x in 0..width {
            let (from, to) = (((top + y) * across + left + x) * channels, y * width + x);
            let source = &pixels.levels[from..from + channels];
            part.levels[3 * to..3 * to + 3].copy_from_slice(&std::array::from_fn::<u8, 3, _>(|c| {
                source[if channels < 3 { 0 } else { c }]
            }));
            mask.levels[to] = u8::from(in_ellipse(x, width) + in_ellipse(y, height) <= 1.0);
        }
    }
    Some((part, mask))
}

/// The square of how far from the middle a pixel lies along an axis, as a share of half of it.
fn in_ellipse(at: usize, side: usize) -> f32 {
    let half = side as f32 / 2.0;
    ((at as f32 + 0.5 - half) / half).powi(2)
}
