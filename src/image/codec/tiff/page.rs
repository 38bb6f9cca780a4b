//! Strips and tiles of a page, and where their values go.

use super::error::{NAME, corrupt};
use super::layout::Layout;
use crate::image::codec::limit::check;
use crate::image::error::ImageError;

/// Bytes that a strip or tile may take: six samples a pixel of the largest picture, and some room for a tile beyond its edge.
fn most(max_pixels: u64) -> u64 {
    max_pixels.saturating_mul(12).saturating_add(1 << 20)
}

/// The layout of the first page, whose sizes are checked.
pub(super) fn layout(file: &[u8], max_pixels: u64, alpha: bool, floats: bool) -> Result<Layout<'_>, ImageError> {
    let layout = Layout::read(file, alpha, floats)?;
    check(layout.width, layout.height, NAME, max_pixels)?;
    if layout.chunk_bytes() > most(max_pixels) {
        let [width, height] = layout.chunk;
        return Err(corrupt(format!("a strip or tile of {width} x {height} pixels")));
    }
    Ok(layout)
}

/// Puts the values of a strip or tile in their place as levels.
pub(super) fn place<V: Copy, L>(
    layout: &Layout<'_>,
    index: usize,
    values: &[V],
    mut level: impl FnMut(V) -> L,
    page: &mut [L],
) {
    let area = layout.area(index);
    let in_chunk = layout.samples_in_chunk();
    let (from, count) = match area.plane {
        Some(plane) if plane >= layout.used => return,
        Some(plane) => (plane, 1),
        None => (0, layout.used),
    };
    for y in 0..area.height {
        let row = &values[y * layout.chunk[0] as usize * in_chunk..];
        let to = ((area.top + y) * layout.width as usize + area.left) * layout.used;
        let pixels = row.chunks_exact(in_chunk).take(area.width);
        for (pixel, to) in pixels.zip(page[to..].chunks_exact_mut(layout.used)) {
            for (to, &value) in to[from..from + count].iter_mut().zip(pixel) {
                *to = level(value);
            }
        }
    }
}
