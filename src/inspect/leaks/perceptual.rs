//! Hashes of what is seen in a picture, not of its bytes: pHash and dHash of 64 bits, as `imagehash.phash` and `imagehash.dhash` make them, and those of the
//! picture turned and mirrored.

use super::grey::Grey;
use std::sync::LazyLock;

/// Pixels of a side of the picture that pHash looks at.
const SIDE: usize = 32;
/// Frequencies of a side that it keeps, and pixels that dHash compares.
const BITS: usize = 8;
/// Pixels of a side of the thumbnail that is kept.
pub(super) const THUMBNAIL: usize = 16;
/// Deviation of the levels of a thumbnail below which a picture is flat: then its hashes say nothing.
const FLAT: f64 = 2.0;

/// The eight ways to turn and mirror a picture: bit 0 mirrors left and right, bit 1 above and below, and bit 2 then exchanges lines and columns.
pub(super) const SYMMETRIES: usize = 8;

/// What is kept of how a picture looks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    /// pHash of the picture, and of it turned and mirrored.
    pub(super) phash: [u64; SYMMETRIES],
    /// The same of dHash.
    pub(super) dhash: [u64; SYMMETRIES],
    /// The picture in grey, of 16 x 16 pixels.
    pub(super) thumbnail: [u8; THUMBNAIL * THUMBNAIL],
}

impl Look {
    /// How a picture looks; none where it is one flat colour.
    pub(super) fn of(picture: &Grey) -> Option<Self> {
        let small = picture.resized(SIDE, SIDE);
        let thumbnail = thumbnail(&small);
        if deviation(&thumbnail) < FLAT {
            return None;
        }
        let frequencies = frequencies(&small);
        let (wide, tall) = (picture.resized(BITS + 1, BITS), picture.resized(BITS, BITS + 1));
        let every = std::array::from_fn::<usize, SYMMETRIES, _>(|symmetry| symmetry);
        Some(Self {
            phash: every.map(|symmetry| phash(&frequencies, symmetry)),
            dhash: every.map(|symmetry| dhash(&wide, &tall, symmetry)),
            thumbnail,
        })
    }
}

/// The place from which `symmetry` brings a value to line `y` and column `x` of a square of `side`.
fn source(symmetry: usize, (x, y): (usize, usize), (width, height): (usize, usize)) -> (usize, usize) {
    let (x, y) = if symmetry & 4 != 0 { (y, x) } else { (x, y) };
    let x = if symmetry & 1 != 0 { width - 1 - x } else { x };
    let y = if symmetry & 2 != 0 { height - 1 - y } else { y };
    (x, y)
}

/// How alike two thumbnails are, the first one turned and mirrored by `symmetry`: the correlation of their levels, which brightness and contrast do not move.
pub(super) fn correlation(a: &[u8; THUMBNAIL * THUMBNAIL], symmetry: usize, b: &[u8; THUMBNAIL * THUMBNAIL]) -> f64 {
    let (mut sum, mut squares, mut products) = ([0_i64; 2], [0_i64; 2], 0_i64);
    for (at, &b) in b.iter().enumerate() {
        let (x, y) = source(symmetry, (at % THUMBNAIL, at / THUMBNAIL), (THUMBNAIL, THUMBNAIL));
        let pair = [a[y * THUMBNAIL + x], b].map(i64::from);
        for (side, level) in pair.into_iter().enumerate() {
            sum[side] += level;
            squares[side] += level * level;
        }
        products += pair[0] * pair[1];
    }
    let n = b.len() as i64;
    let [own, other] = [0, 1].map(|side| (n * squares[side] - sum[side] * sum[side]) as f64);
    match own > 0.0 && other > 0.0 {
        true => (n * products - sum[0] * sum[1]) as f64 / (own * other).sqrt(),
        false => 0.0,
    }
}

/// Each pixel the mean of four.
fn thumbnail(small: &Grey) -> [u8; THUMBNAIL * THUMBNAIL] {
    std::array::from_fn(|at| {
        let (x, y) = (2 * (at % THUMBNAIL), 2 * (at / THUMBNAIL));
        let level = |x: usize, y: usize| u32::from(small.levels[y * SIDE + x]);
        ((level(x, y) + level(x + 1, y) + level(x, y + 1) + level(x + 1, y + 1) + 2) / 4) as u8
    })
}

fn deviation(levels: &[u8]) -> f64 {
    let n = levels.len() as f64;
    let mean = levels.iter().map(|&level| f64::from(level)).sum::<f64>() / n;
    let squares = levels.iter().map(|&level| (f64::from(level) - mean).powi(2));
    (squares.sum::<f64>() / n).sqrt()
}

/// The lowest frequencies of a picture, by the cosine transform of type 2; the value of line `v` and column `u` at `8 v + u`.
fn frequencies(small: &Grey) -> [f64; BITS * BITS] {
    static COSINES: LazyLock<[[f64; SIDE]; BITS]> = LazyLock::new(|| {
        let angle = |u: usize, x: usize| std::f64::consts::PI * (u * (2 * x + 1)) as f64 / (2 * SIDE) as f64;
        std::array::from_fn(|u| std::array::from_fn(|x| libm::cos(angle(u, x))))
    });
    let mut down = [[0.0; SIDE]; BITS];
    for (v, down) in down.iter_mut().enumerate() {
        for (y, line) in small.levels.chunks_exact(SIDE).enumerate() {
            let cosine = COSINES[v][y];
            down.iter_mut()
                .zip(line)
                .for_each(|(sum, &level)| *sum += cosine * f64::from(level));
        }
    }
    std::array::from_fn(|at| {
        let cosines = &COSINES[at % BITS];
        4.0 * down[at / BITS]
            .iter()
            .zip(cosines)
            .map(|(value, cosine)| value * cosine)
            .sum::<f64>()
    })
}

/// Which frequencies are above the median of all. To mirror a picture changes the sign of every second frequency.
fn phash(frequencies: &[f64; BITS * BITS], symmetry: usize) -> u64 {
    let own: [f64; BITS * BITS] = std::array::from_fn(|at| {
        let (u, v) = (at % BITS, at / BITS);
        let (u, v) = if symmetry & 4 != 0 { (v, u) } else { (u, v) };
        let is_negative = (symmetry & u & 1) ^ (symmetry >> 1 & v & 1) == 1;
        let value = frequencies[v * BITS + u];
        if is_negative { -value } else { value }
    });
    let mut sorted = own;
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[BITS * BITS / 2 - 1], sorted[BITS * BITS / 2]);
    bits(|at| own[at] > median)
}

/// Which pixels are brighter than their left neighbour. `wide` has one column more than lines, `tall` one line more than columns.
fn dhash(wide: &Grey, tall: &Grey, symmetry: usize) -> u64 {
    let from = if symmetry & 4 != 0 { tall } else { wide };
    let level = |x: usize, y: usize| {
        let (x, y) = source(symmetry, (x, y), (from.width, from.height));
        from.levels[y * from.width + x]
    };
    bits(|at| level(at % BITS + 1, at / BITS) > level(at % BITS, at / BITS))
}

/// 64 bits, the first one the highest.
fn bits(is_set: impl Fn(usize) -> bool) -> u64 {
    (0..BITS * BITS).fold(0, |bits, at| bits << 1 | u64::from(is_set(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::bytes_of;
    use crate::image::Pixels;
    use arrow::array::AsArray;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use serde_json::Value;
    use std::fs::File;

    const EVERY: [usize; SYMMETRIES] = [0, 1, 2, 3, 4, 5, 6, 7];

    fn look(picture: &[u8]) -> Option<Look> {
        Look::of(&Grey::of(&Pixels::decode(picture).unwrap()))
    }

    #[test]
    fn the_hashes_are_those_of_imagehash() {
        let root = env!("CARGO_MANIFEST_DIR");
        let text = std::fs::read_to_string(format!("{root}/tests/fixtures/perceptual.json")).unwrap();
        let all: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(all.len(), 15);
        for one in all {
            let file = format!("{root}/{}", one["file"].as_str().unwrap());
            let look = match one["row"].as_u64() {
                None => look(&std::fs::read(file).unwrap()),
                Some(row) => {
                    // Without a context: it belongs to the model checker in unit tests.
                    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
                    let mut rows = reader.with_offset(row as usize).with_limit(1).build().unwrap();
                    let row = rows.next().unwrap().unwrap();
                    look(bytes_of(row["image"].as_struct().column(0), 0).unwrap())
                }
            };
            let look = look.unwrap();
            let differing = |name: &str, own: &[u64; SYMMETRIES]| {
                EVERY.map(|symmetry| {
                    let expected = one[name][symmetry].as_str().unwrap();
                    (own[symmetry] ^ u64::from_str_radix(expected, 16).unwrap()).count_ones()
                })
            };
            let (phash, dhash) = (differing("phash", &look.phash), differing("dhash", &look.dhash));
            // Mirrored pictures, too: but where lines and columns change places Pillow resizes in the other order, and rounds otherwise.
            assert_eq!((phash[0], &dhash[..4]), (0, &[0; 4][..]), "{one}");
            assert!(
                phash.iter().all(|&bits| bits <= 2) && dhash.iter().all(|&bits| bits <= 8),
                "{phash:?} {dhash:?}: {one}"
            );
        }
    }

    #[test]
    fn a_turned_picture_has_the_hashes_that_its_original_foretells() {
        let original = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rgb.png")).unwrap();
        let pixels = Pixels::decode(&original).unwrap();
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let foretold = look(&original).unwrap();
        for symmetry in EVERY {
            let (wide, tall) = if symmetry & 4 != 0 {
                (height, width)
            } else {
                (width, height)
            };
            let mut turned = Pixels::new(wide as u32, tall as u32);
            for (at, pixel) in turned.levels.chunks_exact_mut(3).enumerate() {
                let (x, y) = source(symmetry, (at % wide, at / wide), (width, height));
                pixel.copy_from_slice(&pixels.levels[3 * (y * width + x)..][..3]);
            }
            let turned = Look::of(&Grey::of(&turned)).unwrap();
            let bits = |a: u64, b: u64| (a ^ b).count_ones();
            assert!(bits(turned.phash[0], foretold.phash[symmetry]) <= 2, "{symmetry}");
            assert!(bits(turned.dhash[0], foretold.dhash[symmetry]) <= 2, "{symmetry}");
            assert!(
                correlation(&foretold.thumbnail, symmetry, &turned.thumbnail) > 0.999,
                "{symmetry}"
            );
            let others = EVERY.into_iter().filter(|&other| other != symmetry);
            assert!(
                others
                    .into_iter()
                    .all(|other| bits(turned.phash[0], foretold.phash[other]) > 8),
                "{symmetry}"
            );
        }
    }

    #[test]
    fn a_flat_picture_has_no_hashes() {
        let flat = |level: u8, spot: u8| {
            let mut pixels = Pixels::new(64, 48);
            pixels.levels.fill(level);
            pixels.levels[..3].fill(spot);
            Look::of(&Grey::of(&pixels))
        };
        assert_eq!((flat(255, 255), flat(0, 255), flat(128, 130)), (None, None, None));
        let mut half = Pixels::new(64, 48);
        half.levels[..64 * 24 * 3].fill(9);
        assert!(Look::of(&Grey::of(&half)).is_some());
    }

    #[test]
    fn correlation_knows_no_brightness() {
        let dark: [u8; THUMBNAIL * THUMBNAIL] = std::array::from_fn(|at| (at * 37 % 101) as u8);
        assert!((correlation(&dark, 0, &dark.map(|level| 2 * level + 7)) - 1.0).abs() < 1e-12);
        assert!((correlation(&dark, 0, &dark.map(|level| 255 - level)) + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&dark, 0, &[7; THUMBNAIL * THUMBNAIL]), 0.0);
    }
}
