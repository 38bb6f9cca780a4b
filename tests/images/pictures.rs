//! Pictures of every format against what Pillow makes of them. `scripts/make_pictures.py` made the cases.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use millstream::image::{Facts, Format, Image, ImageError, Pixels, Reading};
use millstream::rng::Rng;
use millstream::spec::Describe;
use millstream::synthetic::Elastic;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/pictures");

fn case(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(CASES).join(name)).unwrap()
}

/// A case's picture by Pillow.
fn expected(name: &str) -> Pixels {
    Pixels::decode(&case(&format!("{name}.expected.png"))).unwrap()
}

/// The pictures of a folder that have an expectation beside them.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let expectation = |path: &PathBuf| {
        let mut name = path.file_name().unwrap_or(OsStr::new("")).to_owned();
        name.push(".expected.png");
        path.with_file_name(name).exists()
    };
    let mut all: Vec<_> = all.filter(expectation).collect();
    all.sort();
    assert!(!all.is_empty(), "{}", folder.display());
    all
}

fn furthest(a: &Pixels, b: &Pixels) -> Result<u8, String> {
    if (a.width, a.height) != (b.width, b.height) {
        return Err(format!(
            "{} x {} in place of {} x {}",
            a.width, a.height, b.width, b.height
        ));
    }
    Ok(a.levels
        .iter()
        .zip(&b.levels)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap_or(0))
}

/// What is wrong with a folder's pictures, a line each.
fn compare(folder: &Path) -> Vec<String> {
    let wrong = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let pillow = Pixels::decode(&std::fs::read(format!("{}.expected.png", path.display())).ok()?).ok()?;
        let found = std::panic::catch_unwind(|| Pixels::decode(&std::fs::read(&path).unwrap()));
        // libjpeg and the others round differently.
        let most = if name.contains("jpeg") || name.contains(".jp") {
            3
        } else {
            0
        };
        match found {
            Err(_) => Some(format!("{name}: panic")),
            Ok(Err(error)) => Some(format!("{name}: {error}")),
            Ok(Ok(pixels)) => match furthest(&pixels, &pillow) {
                Ok(off) if off <= most => None,
                Ok(off) => Some(format!("{name}: {off} levels off")),
                Err(sizes) => Some(format!("{name}: {sizes}")),
            },
        }
    };
    cases(folder).into_iter().filter_map(wrong).collect()
}

#[test]
fn every_format_is_read_as_pillow_reads_it() {
    let wrong = compare(&Path::new(CASES).join("formats"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `MILLSTREAM_PICTURES=DIR`: every `NAME` in it that has a `NAME.expected.png`.
#[test]
#[ignore = "reads the folder that MILLSTREAM_PICTURES names"]
fn every_picture_of_a_folder_is_pillows() {
    let folder = std::env::var("MILLSTREAM_PICTURES").unwrap();
    let wrong = compare(Path::new(&folder));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// Orientation.

const KINDS: [&str; 4] = ["jpg", "png", "webp", "tif"];

/// Pillow's upright picture of an orientation, of a lossy or of a lossless file.
fn upright(number: u8, kind: &str) -> Pixels {
    let kind = if kind == "jpg" { "jpg" } else { "png" };
    expected(&format!("orientation/{number}.{kind}"))
}

#[test]
fn every_orientation_is_turned_as_pillow_turns_it() {
    for number in 1..=8 {
        for kind in KINDS {
            let file = case(&format!("orientation/{number}.{kind}"));
            let pillow = upright(number, kind);
            let facts = Facts::of(&file).unwrap();
            assert_eq!(
                (facts.width, facts.height, facts.orientation),
                (45, 30, number),
                "{kind}"
            );
            assert_eq!(facts.upright(), (pillow.width, pillow.height), "{number} {kind}");
            let off = furthest(&Pixels::decode(&file).unwrap(), &pillow).unwrap();
            assert!(off <= if kind == "jpg" { 3 } else { 0 }, "{number} {kind}: {off}");
        }
    }
}

#[test]
fn a_picture_may_stay_as_it_is_stored() {
    let stored = Reading {
        upright: false,
        ..Reading::default()
    };
    for number in 1..=8 {
        for kind in KINDS {
            let found = Pixels::decode_with(&case(&format!("orientation/{number}.{kind}")), &stored).unwrap();
            assert_eq!(
                found,
                Pixels::decode(&case(&format!("orientation/1.{kind}"))).unwrap(),
                "{number} {kind}"
            );
        }
    }
    let params = |stage: Image| stage.plan().fingerprint();
    assert_ne!(params(Image::new(8)), params(Image::new(8).upright(false)));
}

/// What is made of two pictures is made of what would be seen of them.
#[test]
fn synthetic_pictures_are_upright_as_well() {
    let file = case("orientation/6.png");
    let elastic = Elastic::new().alpha(0.0).weight(0.0..=0.0);
    let made = |elastic: Elastic| {
        let made = elastic.blend([&file, &file], &mut Rng::new(1, "elastic", 0)).unwrap();
        Pixels::decode(&made).unwrap()
    };
    assert_eq!(made(elastic.clone()), upright(6, "png"));
    let stored = Reading {
        upright: false,
        ..Reading::default()
    };
    assert_ne!(elastic.description(), elastic.clone().reading(stored).description());
    assert_eq!(
        made(elastic.reading(stored)),
        Pixels::decode(&case("orientation/1.png")).unwrap()
    );
}

/// Crops are drawn in the upright picture: they are those of a file that was stored upright.
#[test]
fn crops_of_turned_pictures_are_those_of_upright_ones() {
    let stages = [
        Image::new(20),
        Image::new(9).center_crop(0.6),
        Image::new(16).random_resized_crop(0.1..=0.6, 0.4..=2.5),
        // The decoder reduces.
        Image::new(3).random_resized_crop(0.8..=1.0, 0.9..=1.1),
    ];
    for number in 1..=8 {
        for kind in KINDS {
            let file = case(&format!("orientation/{number}.{kind}"));
            let whole = Pixels::decode(&file).unwrap().to_png().unwrap();
            for (stage, most) in stages.iter().zip([1, 1, 1, 8]) {
                for position in 0..20 {
                    let of = |file: &[u8]| stage.preview(file, &mut Rng::new(3, "crops", position)).unwrap();
                    let off = furthest(&of(&file), &of(&whole)).unwrap();
                    let most = if kind == "jpg" { most } else { 0 };
                    assert!(off <= most, "{number} {kind} {position}: {off}");
                }
            }
        }
    }
}

/// A JPEG without EXIF.
fn plain() -> Vec<u8> {
    let mut file = case("orientation/1.jpg");
    let at = file.windows(6).position(|window| window == b"Exif\0\0").unwrap();
    let length = usize::from(u16::from_be_bytes([file[at - 2], file[at - 1]]));
    file.drain(at - 4..at - 2 + length);
    file
}

/// The picture with `exif` as its EXIF.
fn with_exif(exif: &[u8]) -> Vec<u8> {
    let file = plain();
    let length = (exif.len() + 8) as u16;
    [
        &[0xff, 0xd8, 0xff, 0xe1],
        &length.to_be_bytes()[..],
        b"Exif\0\0",
        exif,
        &file[2..],
    ]
    .concat()
}

/// EXIF with one tag, of a type and a count, in either order of bytes.
fn exif(kind: u16, count: u32, value: u16, little: bool) -> Vec<u8> {
    let two = |value: u16| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let four = |value: u32| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let value = if kind == 3 {
        [two(value), [0; 2]].concat()
    } else {
        four(value.into()).to_vec()
    };
    let head = if little { b"II*\0" } else { b"MM\0*" };
    [
        &head[..],
        &four(8),
        &two(1),
        &two(274),
        &two(kind),
        &four(count),
        &value,
        &four(0),
    ]
    .concat()
}

/// What Pillow 13 makes of each was looked up once.
#[test]
fn broken_exif_is_ignored() {
    let orientation = |exif: &[u8]| Facts::of(&with_exif(exif)).unwrap().orientation;
    for little in [true, false] {
        assert_eq!(orientation(&exif(3, 1, 6, little)), 6);
        assert_eq!(orientation(&exif(4, 1, 6, little)), 6, "LONG");
        assert_eq!(orientation(&exif(3, 2, 6, little)), 6, "the first of two");
        assert_eq!(orientation(&exif(3, 0, 6, little)), 1, "no value");
        assert_eq!(orientation(&exif(3, 3, 6, little)), 1, "values outside of the file");
        assert_eq!(orientation(&exif(5, 1, 6, little)), 1, "a fraction");
        for value in [0, 9, 600] {
            assert_eq!(orientation(&exif(3, 1, value, little)), 1, "{value}");
        }
    }
    let whole = exif(3, 1, 6, true);
    for end in 0..whole.len() {
        let expected = if end >= 22 { 6 } else { 1 };
        assert_eq!(orientation(&whole[..end]), expected, "{end}");
        assert!(Pixels::decode(&with_exif(&whole[..end])).is_ok(), "{end}");
    }
    assert_eq!(orientation(b"XX*\0\x08\0\0\0"), 1);
    assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), 1);
}

#[test]
fn xmp_tells_where_exif_does_not() {
    let xmp = |text: &str| {
        let segment = [b"http://ns.adobe.com/xap/1.0/\0", text.as_bytes()].concat();
        let length = (segment.len() as u16 + 2).to_be_bytes();
        [&[0xff, 0xe1], &length[..], &segment].concat()
    };
    let file = case("orientation/1.jpg");
    let orientation = |file: &[u8], text: &str| {
        let file = [&file[..2], &xmp(text), &file[2..]].concat();
        Facts::of(&file).unwrap().orientation
    };
    assert_eq!(orientation(&plain(), "<x tiff:Orientation=\"8\"/>"), 8);
    assert_eq!(orientation(&plain(), "<tiff:Orientation>5</tiff:Orientation>"), 5);
    assert_eq!(orientation(&plain(), "<tiff:Orientation>x</tiff:Orientation>"), 1);
    assert_eq!(orientation(&file, "<x tiff:Orientation=\"8\"/>"), 1, "EXIF says 1");
}

// Levels of more than eight bits.

#[test]
fn white_is_the_full_range_or_what_is_told() {
    // 12 bits in a file of 16.
    let low = case("formats/grey_16_low.png");
    let reading = |white| Reading {
        white,
        ..Reading::default()
    };
    let levels = |file: &[u8], white| Pixels::decode_with(file, &reading(white)).unwrap();
    assert_eq!(levels(&low, Some(65535)), levels(&low, None));
    // The same picture with all of its 16 bits.
    let full = levels(&case("formats/grey_16.png"), None);
    assert!(full.levels.iter().max() > Some(&200));
    let dark = full.levels.iter().map(|level| level / 16);
    assert!(dark.eq(levels(&low, None).levels), "the upper eight bits");
    assert_eq!(levels(&low, Some(4095)), full);
    assert_eq!(
        levels(&low, Some(255)).levels.iter().min(),
        Some(&255),
        "values above white are white"
    );
    assert_eq!(
        levels(&case("formats/grey_12.tif"), None),
        levels(&case("formats/grey_12.tif"), Some(4095))
    );
    let used = |name: &str| Facts::used_bits(&case(name), &Reading::default()).unwrap();
    assert_eq!(used("formats/grey_16_low.png"), Some(12));
    assert_eq!(used("formats/grey_16.tif"), Some(16));
    assert_eq!(used("formats/grey_12.tif"), Some(12));
    assert_eq!(used("formats/RGB.tif"), None);
    assert_eq!(
        Image::new(8).white(254).check().unwrap_err().to_string(),
        "white is 254, but has to be at least 255"
    );
}

// What headers say.

#[test]
fn facts_are_those_of_the_file() {
    let facts = |name: &str| {
        let facts = Facts::of(&case(name)).unwrap();
        (facts.format, facts.width, facts.height, facts.channels, facts.bits)
    };
    assert_eq!(facts("orientation/6.jpg"), (Format::Jpeg, 45, 30, 3, 8));
    assert_eq!(facts("formats/grey_16.png"), (Format::Png, 21, 17, 1, 16));
    assert_eq!(facts("formats/P_2.png"), (Format::Png, 21, 17, 3, 8));
    assert_eq!(facts("formats/moving.webp"), (Format::WebP, 21, 17, 4, 8));
    assert_eq!(facts("orientation/6.webp"), (Format::WebP, 45, 30, 3, 8));
    assert_eq!(facts("formats/RGBA.webp"), (Format::WebP, 21, 17, 4, 8));
    assert_eq!(facts("formats/P.gif"), (Format::Gif, 21, 17, 3, 8));
    assert_eq!(facts("formats/RGB.bmp"), (Format::Bmp, 21, 17, 3, 8));
    assert_eq!(facts("formats/RGB_top_down.bmp"), (Format::Bmp, 21, 17, 3, 8));
    assert_eq!(facts("formats/P_4_os2.bmp"), (Format::Bmp, 21, 17, 3, 8));
    assert_eq!(facts("formats/palette_4.tif"), (Format::Tiff, 21, 17, 3, 8));
    assert_eq!(facts("formats/grey_12.tif"), (Format::Tiff, 21, 17, 1, 12));
    assert_eq!(facts("formats/CMYK.tif"), (Format::Tiff, 21, 17, 4, 8));
    assert_eq!(facts("formats/RGB_big.tif"), (Format::Tiff, 21, 17, 3, 8));
    assert_eq!(facts("formats/sizes.ico"), (Format::Ico, 32, 32, 4, 8));
    assert_eq!(facts("formats/P_bitmap.ico"), (Format::Ico, 32, 32, 3, 8));
}

/// Facts agree with what is decoded, for every case.
#[test]
fn facts_give_the_size_that_is_decoded() {
    for folder in ["formats", "orientation"] {
        for path in cases(&Path::new(CASES).join(folder)) {
            let file = std::fs::read(&path).unwrap();
            let (facts, pixels) = (Facts::of(&file).unwrap(), Pixels::decode(&file).unwrap());
            // A GIF's picture may leave its screen.
            if !path.to_string_lossy().contains("outside") {
                assert_eq!(facts.upright(), (pixels.width, pixels.height), "{}", path.display());
            }
        }
    }
}

// What is not read.

#[test]
fn formats_that_are_not_read_are_named() {
    let message = |bytes: &[u8]| Pixels::decode(bytes).unwrap_err().to_string();
    const READ: &str = "is not read; JPEG, PNG, WebP, GIF, BMP, TIFF and ICO are";
    for (start, name) in [
        (&b"\0\0\0\x0cjP  \r\n\x87\n"[..], "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0\0", "JPEG 2000"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version=\"1.0\"?>\n<svg>", "SVG"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", "SVG"),
        (b"P6\n2 2\n255\n", "PNM"),
        (b"8BPS\0\x01", "PSD"),
    ] {
        assert_eq!(message(start), format!("{name} {READ}"));
        assert!(matches!(Facts::of(start), Err(ImageError::Format(_))));
    }
    assert_eq!(
        message(b"{\"error\": 404}"),
        "not an image: starts with [7b, 22, 65, 72, 72, 6f, 72, 22] (\"{\\\"error\\\"\")"
    );
    assert!(message(b"<?xml version=\"1.0\"?><rss>").starts_with("not an image: "));
}

/// A case with the value of a TIFF's tag changed.
fn changed(name: &str, tag: u16, value: u16) -> Vec<u8> {
    let mut file = case(name);
    let entry = [&tag.to_le_bytes()[..], &3_u16.to_le_bytes(), &1_u32.to_le_bytes()].concat();
    let at = file.windows(8).position(|window| window == entry).unwrap();
    file[at + 8..at + 10].copy_from_slice(&value.to_le_bytes());
    file
}

#[test]
fn variants_that_are_not_read_are_no_corruption() {
    let message = |bytes: &[u8]| Pixels::decode(bytes).unwrap_err().to_string();
    let of = |tag, value| message(&changed("formats/grey_16.tif", tag, value));
    assert_eq!(of(259, 50000), "TIFF with Zstandard is not read");
    assert_eq!(of(259, 6), "TIFF with JPEG of the old kind is not read");
    assert_eq!(of(259, 777), "TIFF with compression 777 is not read");
    assert_eq!(of(262, 8), "TIFF in L*a*b* is not read");
    assert_eq!(of(258, 32), "TIFF of [32] bits a sample is not read");
    assert_eq!(of(277, 9), "TIFF with 9 samples a pixel is not read");
    let mut apple = case("formats/P_2.png");
    apple[12..16].copy_from_slice(b"CgBI");
    assert_eq!(message(&apple), "PNG of Apple's CgBI variant is not read");
    let mut bitmap = case("formats/RGB.bmp");
    bitmap[30] = 5;
    assert_eq!(message(&bitmap), "BMP with PNG in it is not read");
    bitmap[30] = 0;
    bitmap[28] = 64;
    assert_eq!(message(&bitmap), "BMP with 64 bits a pixel is not read");
    bitmap[14] = 99;
    assert_eq!(message(&bitmap), "BMP with a header of 99 bytes is not read");
}

#[test]
fn what_is_cut_is_said_to_be() {
    for name in ["RGB.bmp", "P_rle8.bmp", "P.gif", "RGB_bitmap.ico"] {
        let file = case(&format!("formats/{name}"));
        let format = Facts::of(&file).unwrap().format;
        let error = Pixels::decode(&file[..file.len() * 2 / 3]).unwrap_err();
        assert_eq!(error, ImageError::Truncated(format.name()), "{name}");
    }
    let message = |bytes: &[u8]| Pixels::decode(bytes).unwrap_err().to_string();
    assert_eq!(message(&changed_size("formats/RGB.tif")), "premature end of TIFF data");
    assert_eq!(
        message(&changed_size("formats/RGB_tiff_lzw.tif")),
        "premature end of TIFF data"
    );
    assert_eq!(
        message(&changed_size("formats/L_tiff_adobe_deflate.tif")),
        "premature end of TIFF data"
    );
    assert_eq!(
        message(&changed_size("formats/P_packbits.tif")),
        "premature end of TIFF data"
    );
    assert_eq!(
        message(&changed_size("formats/1_group4.tif")),
        "premature end of TIFF data"
    );
}

/// A TIFF that promises 2000 rows in one strip.
fn changed_size(name: &str) -> Vec<u8> {
    let mut file = case(name);
    for tag in [257_u16, 278] {
        let at = (0..file.len()).find(|&at| {
            file[at..].starts_with(&tag.to_le_bytes()) && matches!(file[at + 2..at + 8], [3 | 4, 0, 1, 0, 0, 0])
        });
        let at = at.unwrap();
        file[at + 8..at + 10].copy_from_slice(&2000_u16.to_le_bytes());
    }
    file
}

#[test]
fn no_format_takes_more_pixels_than_allowed() {
    let small = Reading {
        max_pixels: 300,
        ..Reading::default()
    };
    for path in cases(&Path::new(CASES).join("formats")) {
        let error = Pixels::decode_with(&std::fs::read(&path).unwrap(), &small).unwrap_err();
        assert!(
            matches!(error, ImageError::TooLarge { limit: 300, .. }),
            "{}: {error}",
            path.display()
        );
    }
    let error = Pixels::decode_with(&case("formats/RGB.tif"), &small).unwrap_err();
    assert_eq!(error.to_string(), "21 x 17 pixels is over the limit of 300");
    // Headers that promise more than there is.
    let mut gif = case("formats/P.gif");
    gif[6..10].fill(0xff);
    assert!(matches!(
        Pixels::decode(&gif),
        Err(ImageError::TooLarge {
            width: 65535,
            height: 65535,
            ..
        })
    ));
    let mut bitmap = case("formats/RGB.bmp");
    bitmap[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    assert!(matches!(Pixels::decode(&bitmap), Err(ImageError::TooLarge { .. })));
    // A tile that is far larger than the picture.
    let mut tiled = case("formats/RGB_tiles.tif");
    for tag in [322_u16, 323] {
        let at = tiled
            .windows(4)
            .position(|w| w == [&tag.to_le_bytes()[..], &[3, 0]].concat())
            .unwrap();
        tiled[at + 8..at + 10].fill(0xff);
    }
    assert_eq!(
        Pixels::decode(&tiled).unwrap_err().to_string(),
        "corrupt TIFF data: a strip or tile of 65535 x 65535 pixels"
    );
}

#[test]
fn damaged_files_never_panic() {
    let reading = Reading {
        max_pixels: 1 << 16,
        ..Reading::default()
    };
    let mut rng = Rng::new(5, "damage", 0);
    for folder in ["formats", "orientation"] {
        for path in cases(&Path::new(CASES).join(folder)) {
            let file = std::fs::read(&path).unwrap();
            for end in 0..file.len().min(700) {
                let _ = (Facts::of(&file[..end]), Pixels::decode_with(&file[..end], &reading));
            }
            for _ in 0..300 {
                let mut file = file.clone();
                for _ in 0..=rng.below(4) {
                    // Most of what can go wrong is in the header.
                    let among = if rng.chance(0.5) {
                        file.len() as u64
                    } else {
                        file.len().min(120) as u64
                    };
                    file[rng.below(among) as usize] = rng.next_u32() as u8;
                }
                let _ = (Facts::of(&file), Pixels::decode_with(&file, &reading));
                let _ = Facts::used_bits(&file, &reading);
            }
        }
    }
}
