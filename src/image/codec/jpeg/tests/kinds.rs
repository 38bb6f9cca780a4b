//! Every kind of file that is read, whole and in parts, and those that are not.

use super::encoder::{Made, make};
use super::spec::Spec;
use super::*;

/// Sampling factors, all that there are: for the components' factors across, and down.
fn factors() -> impl Iterator<Item = [(usize, usize); 3]> {
    let factor = |at: usize| (at % 4 + 1, at / 4 % 4 + 1);
    (0..16 * 16 * 16).map(move |at| [factor(at), factor(at / 16), factor(at / 256)])
}

/// Ways to order the blocks of three components.
fn ways() -> [(Vec<Vec<usize>>, bool); 6] {
    let (one, each, two) = (
        vec![vec![0, 1, 2]],
        vec![vec![0], vec![1], vec![2]],
        vec![vec![0], vec![1, 2]],
    );
    [
        (one.clone(), false),
        (each.clone(), false),
        (two.clone(), false),
        (one, true),
        (each, true),
        (two, true),
    ]
}

/// Compares the picture with what it should be, and two parts of it with the whole. The result is the largest difference.
fn check(made: &Made, rng: &mut Rng) -> u8 {
    let what = format!("{:?}", made.spec);
    let (all, expected) = (whole(&made.file), made.expected());
    let (most, mean) = apart(&all, &expected);
    assert!(most <= 3 && mean < 0.3, "{what}: {most} {mean}");
    for _ in 0..2 {
        let mut side = |length: usize| {
            let extent = 1.0 + f64::from(rng.unit()) * (length as f64 - 1.0);
            (f64::from(rng.unit()) * (length as f64 - extent), extent)
        };
        let ((left, width), (top, height)) = (side(made.spec.width), side(made.spec.height));
        let asked = Region {
            left,
            top,
            width,
            height,
        };
        let (pixels, region) = part(&made.file, 64, |_, _| asked);
        is_there(&all, asked, &pixels, region, &what);
    }
    most
}

fn refusal(file: &[u8]) -> ImageError {
    let size = |width, height| Ok(Area::whole(width, height));
    decode_part(
        file,
        Interpolation::Bilinear,
        size,
        &mut Scratch::default(),
        &mut Pixels::default(),
    )
    .unwrap_err()
}

#[test]
fn all_sampling_factors_are_read_or_refused() {
    let mut rng = Rng::new(1, "factors", 0);
    let (mut read, mut refused, mut exact) = (0, 0, 0);
    for (seed, factors) in (0..).zip(factors()) {
        for (scans, progressive) in ways() {
            let mut spec = Spec::new(1 + rng.below(70) as usize, 1 + rng.below(40) as usize, factors);
            (spec.scans, spec.progressive) = (scans, progressive);
            spec.interval = rng.below(4) as usize;
            if spec.divides() {
                exact += u32::from(check(&make(&spec, seed), &mut rng) <= 1);
                read += 1;
            } else if !progressive {
                let names: Vec<_> = factors
                    .iter()
                    .map(|(across, down)| format!("{across} x {down}"))
                    .collect();
                let reason = format!("JPEG variant (sampling factors {})", names.join(", "));
                assert_eq!(refusal(&make(&spec, seed).file), ImageError::Unsupported(reason));
                refused += 1;
            }
        }
    }
    // Of three factors in one direction, 34 choices in 64 divide.
    assert_eq!((read, refused), (6 * 34 * 34, 3 * (4096 - 34 * 34)));
    assert!(exact * 10 > read * 9, "{exact} of {read} within one level");
}

#[test]
fn all_widths_are_read() {
    let mut rng = Rng::new(2, "widths", 0);
    let usual = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (3, 1), (4, 2)].map(|first| [first, (1, 1), (1, 1)]);
    let others = [
        [(2, 2), (1, 2), (1, 2)],
        [(2, 2), (2, 2), (2, 2)],
        [(2, 2), (2, 1), (1, 2)],
        [(1, 1), (2, 2), (2, 1)],
        [(4, 4), (2, 2), (1, 1)],
    ];
    for factors in usual.into_iter().chain(others) {
        for width in 1..=70 {
            for (scans, progressive) in ways() {
                let mut spec = Spec::new(width, 1 + rng.below(40) as usize, factors);
                (spec.scans, spec.progressive) = (scans, progressive);
                spec.interval = [0, 1, 5][rng.below(3) as usize];
                check(&make(&spec, width as u64), &mut rng);
            }
        }
    }
}

#[test]
fn grey_is_grey() {
    let mut rng = Rng::new(3, "grey", 0);
    for progressive in [false, true] {
        for factor in [(1, 1), (2, 2), (3, 1)] {
            let mut spec = Spec::new(41, 23, [factor; 3]);
            (spec.factors, spec.ids, spec.scans) = (vec![factor], vec![1], vec![vec![0]]);
            spec.progressive = progressive;
            let made = make(&spec, 0);
            assert!(check(&made, &mut rng) <= 1 && whole(&made.file).is_grey());
        }
    }
}

#[test]
fn jfif_decides_on_the_colours_before_adobe_and_both_before_the_names() {
    let mut rng = Rng::new(4, "colours", 0);
    for ids in [[1, 2, 3], *b"RGB", [0, 0, 0], [7, 7, 9]] {
        for jfif in [false, true] {
            for adobe in [
                None,
                Some((0, 12)),
                Some((1, 12)),
                Some((9, 12)),
                Some((0, 11)),
                Some((0, 5)),
            ] {
                for factors in [[(1, 1); 3], [(2, 2), (1, 1), (1, 1)]] {
                    let mut spec = Spec::new(35, 18, factors);
                    (spec.ids, spec.jfif, spec.adobe) = (ids.into(), jfif, adobe);
                    check(&make(&spec, 1), &mut rng);
                }
            }
        }
    }
}

#[test]
fn four_inks_are_converted_as_pillow_does() {
    let mut rng = Rng::new(5, "inks", 0);
    for adobe in [None, Some((0, 12)), Some((2, 12)), Some((1, 12))] {
        for progressive in [false, true] {
            for factors in [
                [(1, 1); 4],
                [(2, 2), (1, 1), (1, 1), (2, 2)],
                [(2, 1), (1, 1), (1, 1), (1, 1)],
            ] {
                let mut spec = Spec::new(35, 28, [(1, 1); 3]);
                (spec.factors, spec.ids) = (factors.into(), vec![1, 2, 3, 4]);
                (spec.scans, spec.progressive) = (vec![vec![0, 1, 2, 3]], progressive);
                spec.adobe = adobe;
                check(&make(&spec, 2), &mut rng);
            }
        }
    }
}

#[test]
fn standard_tables_stand_in_and_the_height_may_come_late() {
    let mut rng = Rng::new(6, "late", 0);
    for factors in [[(1, 1); 3], [(2, 2), (1, 1), (1, 1)], [(1, 1), (2, 1), (1, 1)]] {
        for (scans, progressive) in ways() {
            let mut spec = Spec::new(37, 41, factors);
            (spec.scans, spec.progressive) = (scans, progressive);
            (spec.has_tables, spec.has_height) = (progressive, false);
            spec.interval = 3;
            check(&make(&spec, 3), &mut rng);
        }
    }
    let mut spec = Spec::new(20, 20, [(1, 1); 3]);
    (spec.progressive, spec.has_tables) = (true, false);
    assert_eq!(
        refusal(&make(&spec, 3).file).to_string(),
        "corrupt JPEG data: no Huffman table 0"
    );
}

/// The file with another byte in its frame's header.
fn with_frame(made: &Made, at: usize, byte: u8) -> Vec<u8> {
    let mut file = made.file.clone();
    let frame = file
        .windows(4)
        .position(|four| matches!(four, [0xff, 0xc0 | 0xc2, 0, 17]))
        .unwrap();
    file[frame + at] = byte;
    file
}

#[test]
fn what_is_not_read_is_named() {
    let made = make(&Spec::new(20, 20, [(1, 1); 3]), 4);
    for (marker, name) in [
        (0xc3, "lossless"),
        (0xc5, "hierarchical"),
        (0xc6, "hierarchical"),
        (0xc7, "hierarchical"),
        (0xc9, "arithmetic coding"),
        (0xca, "arithmetic coding"),
        (0xcb, "lossless"),
        (0xcd, "hierarchical"),
        (0xde, "hierarchical"),
        (0xf7, "JPEG-LS"),
    ] {
        let expected = ImageError::Unsupported(format!("JPEG variant ({name})"));
        assert_eq!(refusal(&with_frame(&made, 1, marker)), expected, "{marker:x}");
    }
    let deep = ImageError::Unsupported("JPEG variant (12 bits a level)".into());
    assert_eq!(refusal(&with_frame(&made, 4, 12)), deep);
    assert_eq!(
        refusal(&with_frame(&made, 6, 0)).to_string(),
        "corrupt JPEG data: 20 x 0 pixels"
    );
    assert_eq!(
        refusal(&with_frame(&made, 11, 0x50)).to_string(),
        "corrupt JPEG data: sampling factors beyond 1 to 4"
    );
    let mut spec = Spec::new(20, 20, [(1, 1); 3]);
    (spec.factors, spec.ids, spec.scans) = (vec![(1, 1); 2], vec![1, 2], vec![vec![0, 1]]);
    let two = ImageError::Unsupported("JPEG variant (2 components)".into());
    assert_eq!(refusal(&make(&spec, 4).file), two);
}

/// The file without its scans from one on.
fn without_scans(file: &[u8], from: usize) -> Vec<u8> {
    let scans = file
        .windows(3)
        .enumerate()
        .filter(|(_, three)| three[..2] == [0xff, 0xda]);
    let (at, _) = scans.map(|(at, three)| (at, three[2])).nth(from).unwrap();
    [&file[..at], &[0xff, 0xd9]].concat()
}

#[test]
fn a_picture_of_which_scans_are_missing_is_refused() {
    for (scans, progressive) in ways() {
        let mut spec = Spec::new(40, 30, [(2, 1), (1, 1), (1, 1)]);
        (spec.scans, spec.progressive) = (scans.clone(), progressive);
        let file = make(&spec, 5).file;
        let count = if progressive { scans.len() * 2 + 12 } else { scans.len() };
        for from in 1..count {
            let expected = match from < scans.len() {
                true => ImageError::Truncated("JPEG"),
                false => ImageError::Unsupported("JPEG variant (progressive, with scans left out)".into()),
            };
            assert_eq!(refusal(&without_scans(&file, from)), expected, "{spec:?} {from}");
        }
    }
    let missing = ImageError::Truncated("JPEG");
    let file = make(&Spec::new(40, 30, [(1, 1); 3]), 5).file;
    assert_eq!(
        refusal(&[&file[..2], &[0xff, 0xd9]].concat()).to_string(),
        "corrupt JPEG data: no picture in it"
    );
    assert_eq!(refusal(&file[..file.len() - 2]), missing);
}

#[test]
fn damage_of_any_kind_of_file_never_panics() {
    let mut rng = Rng::new(8, "damage", 0);
    let mut scratch = Scratch::default();
    for factors in [
        [(2, 2), (1, 1), (1, 1)],
        [(1, 1), (2, 2), (1, 4)],
        [(3, 1), (1, 1), (3, 1)],
    ] {
        for (scans, progressive) in ways() {
            let mut spec = Spec::new(33, 19, factors);
            (spec.scans, spec.progressive, spec.interval) = (scans, progressive, 2);
            let sound = make(&spec, 6).file;
            for round in 0..400 {
                let mut file = sound.clone();
                for _ in 0..=rng.below(3) {
                    let at = rng.below(file.len() as u64) as usize;
                    // In the headers, too: they are a tenth of the file or less.
                    let at = if round % 2 == 0 { at % 600.min(file.len()) } else { at };
                    file[at] ^= 1 << rng.below(8);
                }
                if round % 5 == 0 {
                    file.truncate(rng.below(file.len() as u64) as usize);
                    file.extend([0xff, 0xd9]);
                }
                let size = |width: u32, height: u32| match width * height < 1 << 20 {
                    true => Ok(Area {
                        region: Region::whole(width, height),
                        size: [16; 2],
                        by_eighths: round % 2 == 0,
                    }),
                    false => Err(ImageError::Truncated("a limit")),
                };
                let _ = decode_part(
                    &file,
                    Interpolation::Bilinear,
                    size,
                    &mut scratch,
                    &mut Pixels::default(),
                );
            }
        }
    }
}

/// Writes files of every kind into the folder `MILLSTREAM_JPEGS_OUT`, for `tests/scripts/jpeg_corpus.py`.
#[test]
#[ignore = "writes files"]
fn files_for_the_corpus() {
    let folder = std::path::PathBuf::from(std::env::var_os("MILLSTREAM_JPEGS_OUT").unwrap());
    let mut rng = Rng::new(9, "corpus", 0);
    let write = |name: String, spec: &Spec| {
        let made = make(spec, 7);
        std::fs::write(folder.join(name + ".jpg"), &made.file).unwrap();
        assert!(apart(&whole(&made.file), &made.expected()).0 <= 3);
    };
    for factors in factors() {
        let name = factors.map(|(across, down)| format!("{across}{down}")).join("_");
        for (way, (scans, progressive)) in (0..).zip(ways()) {
            let mut spec = Spec::new(1 + rng.below(70) as usize, 1 + rng.below(40) as usize, factors);
            (spec.scans, spec.progressive) = (scans, progressive);
            spec.interval = rng.below(4) as usize;
            if spec.divides() {
                write(format!("{name}_{way}"), &spec);
            }
        }
    }
    for adobe in [None, Some((0, 12)), Some((1, 12)), Some((2, 12)), Some((0, 11))] {
        for jfif in [false, true] {
            for ids in [*b"\x01\x02\x03\x04", *b"RGBA", *b"\0\0\0\0"] {
                for count in [1, 3, 4] {
                    let mut spec = Spec::new(53, 38, [(2, 2), (1, 1), (1, 1)]);
                    spec.factors = [(2, 2), (1, 1), (1, 1), (2, 2)][..count].into();
                    (spec.ids, spec.scans) = (ids[..count].into(), vec![(0..count).collect()]);
                    (spec.jfif, spec.adobe) = (jfif, adobe);
                    write(format!("colours_{jfif}_{adobe:?}_{}_{count}", ids[0]), &spec);
                }
            }
        }
    }
}
