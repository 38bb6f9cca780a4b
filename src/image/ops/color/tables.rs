//! How often levels are there, and tables of what becomes of them.

use crate::image::Pixels;

/// How often each level is there, channel by channel: of a picture of 1 or 3 channels.
fn count_levels(pixels: &Pixels) -> Vec<[u32; 256]> {
    match pixels.channels() {
        1 => count::<1>(&pixels.levels),
        _ => count::<3>(&pixels.levels),
    }
}

fn count<const N: usize>(levels: &[u8]) -> Vec<[u32; 256]> {
    // Of two pixels in turn: a count that is raised twice in a row waits for itself.
    let mut banks = [[[0; 256]; N]; 2];
    let mut pairs = levels.chunks_exact(2 * N);
    for pair in &mut pairs {
        for (bank, pixel) in banks.iter_mut().zip(pair.as_chunks::<N>().0) {
            for (counts, &level) in bank.iter_mut().zip(pixel) {
                counts[usize::from(level)] += 1;
            }
        }
    }
    for (counts, &level) in banks[0].iter_mut().zip(pairs.remainder()) {
        counts[usize::from(level)] += 1;
    }
    let [first, second] = banks;
    let sums = first.into_iter().zip(second);
    sums.map(|(a, b)| std::array::from_fn(|level| a[level] + b[level]))
        .collect()
}

/// Replaces the levels of each channel, but for alpha, by those in the table that `table` makes of how often each is there.
pub(super) fn map_by_counts(pixels: &mut Pixels, table: impl Fn(&[u32; 256]) -> [u8; 256]) {
    pixels.change_colors(|pixels| {
        let tables: Vec<[u8; 256]> = count_levels(pixels).iter().map(table).collect();
        map_channels(pixels, &tables);
    });
}

/// Replaces levels by those in the table of their channel; of one table, all of them.
fn map_channels(pixels: &mut Pixels, tables: &[[u8; 256]]) {
    let same = |table: &[u8; 256]| table.iter().enumerate().all(|(level, &to)| level == usize::from(to));
    match tables {
        tables if tables.iter().all(same) => {}
        [table] => pixels.map(table),
        [first, second, third] => {
            for [red, green, blue] in pixels.levels.as_chunks_mut::<3>().0 {
                *red = first[usize::from(*red)];
                *green = second[usize::from(*green)];
                *blue = third[usize::from(*blue)];
            }
        }
        _ => {}
    }
}
