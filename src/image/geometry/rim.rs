//! What lies around a picture that is drawn from: a margin, and the edge within a pixel.

use super::crop::Region;
use super::padding::Padding;
use crate::image::level::Level;
use crate::image::pixels::Pixels;

/// Pixels of margin before a picture, and after it: the last place has a neighbour there, too, and eight bytes of both.
pub(super) const MARGIN: [usize; 2] = [1, 3];

/// The whole pixels of `pixels` that hold `region`.
pub(super) fn around<L: Level>(region: Region, pixels: &Pixels<L>) -> Region {
    let side = |start: f64, length: f64, of: u32| {
        let first = start.floor().clamp(0.0, f64::from(of) - 1.0);
        (first, (start + length).ceil().clamp(first + 1.0, f64::from(of)) - first)
    };
    let (left, width) = side(region.left, region.width, pixels.width);
    let (top, height) = side(region.top, region.height, pixels.height);
    Region {
        left,
        top,
        width,
        height,
    }
}

/// Copies whole pixels of `from`, with a margin of what lies beyond.
pub(super) fn pad<L: Level>(from: &Pixels<L>, region: Region, padding: Padding, into: &mut Pixels<L>) {
    match from.channels() {
        1 => pad_of::<1, _>(from, region, padding, into),
        4 => pad_of::<4, _>(from, region, padding, into),
        _ => pad_of::<3, _>(from, region, padding, into),
    }
}

fn pad_of<const N: usize, L: Level>(from: &Pixels<L>, region: Region, padding: Padding, into: &mut Pixels<L>) {
    let (left, top) = (region.left as usize, region.top as usize);
    let (width, height) = (region.width as usize, region.height as usize);
    let [before, after] = MARGIN;
    into.reshape((before + width + after) as u32, (before + height + after) as u32, N);
    let stride = into.stride();
    let source = from.stride();
    let constant = matches!(padding, Padding::Constant(_));
    for (y, row) in into.levels.chunks_exact_mut(stride).enumerate() {
        let row = row.as_chunks_mut::<N>().0;
        let inside = (before..before + height).contains(&y);
        if constant && !inside {
            row.fill(padding.fill_of());
            continue;
        }
        let line = y.saturating_sub(before).min(height - 1);
        let line = &from.levels[(top + line) * source + N * left..][..N * width];
        let line = line.as_chunks::<N>().0;
        let [first, last] = match constant {
            true => [padding.fill_of(); 2],
            false => [line[0], line[width - 1]],
        };
        row[..before].fill(first);
        row[before..before + width].copy_from_slice(line);
        row[before + width..].fill(last);
    }
}

/// Where what is beyond has a colour, mixes as much of it into the outermost pixels of `cut`, padded, as is not of `region`: a reduced picture may end within a pixel, and
/// what is seen of its edge lies where the edge is. A side inside the picture is faded as well, where nothing is seen of it.
pub(super) fn fade<L: Level>(region: Region, cut: Region, padding: Padding, padded: &mut Pixels<L>) {
    if !matches!(padding, Padding::Constant(_)) {
        return;
    }
    match padded.channels() {
        1 => fade_of::<1, _>(region, cut, padding, padded),
        4 => fade_of::<4, _>(region, cut, padding, padded),
        _ => fade_of::<3, _>(region, cut, padding, padded),
    }
}

fn fade_of<const N: usize, L: Level>(region: Region, cut: Region, padding: Padding, padded: &mut Pixels<L>) {
    // Not a rounding error.
    let outside = |share: f64| (share > 1e-6).then_some(share as f32);
    let side = |start: f64, length: f64, first: f64, count: f64| {
        let ends = [(0, start - first), (count as usize - 1, first + count - start - length)];
        ends.into_iter()
            .filter_map(move |(at, share)| outside(share).map(|share| (at + MARGIN[0], share)))
    };
    let (fill, stride) = (padding.fill_of::<N, L>(), padded.stride());
    let faded = |pixel: &mut [L; N], share: f32| {
        for (level, fill) in pixel.iter_mut().zip(fill) {
            let (own, fill) = (level.number(), fill.number());
            *level = L::of_number(own + (fill - own) * share);
        }
    };
    for (y, share) in side(region.top, region.height, cut.top, cut.height) {
        let row = padded.levels[y * stride..][..stride].as_chunks_mut::<N>().0;
        row.iter_mut().for_each(|pixel| faded(pixel, share));
    }
    for (x, share) in side(region.left, region.width, cut.left, cut.width) {
        let rows = padded.levels.chunks_exact_mut(stride);
        rows.for_each(|row| faded(&mut row.as_chunks_mut::<N>().0[x], share));
    }
}
