//! JPEG beside libjpeg-turbo: pictures of `tests/cases/pictures`, and any folder of them.

#![allow(clippy::print_stdout, reason = "the corpus check lists its worst cases")]

use millstream::image::{Image, ImageError, Pixels};
use millstream::rng::Rng;
use std::path::{Path, PathBuf};

/// Levels of a picture from those of another: the largest difference, and the mean; 255 where sizes differ.
fn apart(a: &Pixels, b: &Pixels) -> (u8, f64) {
    if (a.width, a.height) != (b.width, b.height) {
        return (255, 255.0);
    }
    let all = a.levels.iter().zip(&b.levels).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = all.clone().map(f64::from).sum();
    (all.max().unwrap(), sum / a.levels.len() as f64)
}

/// How far `file` is from `expected`, a PNG: whole, and as four crops, which are resized a little.
fn differences(file: &[u8], expected: &[u8]) -> Result<[(u8, f64); 5], ImageError> {
    let (whole, png) = (Pixels::decode(file)?, Pixels::decode(expected)?);
    let mut all = [apart(&whole, &png); 5];
    // Nothing shrinks so much that the decoder would reduce it.
    let size = (whole.width.min(whole.height) / 2).max(1);
    for (seed, of) in all[1..].iter_mut().enumerate() {
        let crop = Image::new(size).random_resized_crop(0.1..=0.7, 0.6..=1.6);
        let part = |file| crop.preview(file, &mut Rng::new(seed as u64, "crop", 0));
        *of = apart(&part(file)?, &part(expected)?);
    }
    Ok(all)
}

fn case(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/pictures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn rare_kinds_are_libjpegs_pixels() {
    for name in [
        "nonint_65x63_2x2",
        "nonint_65x63_1x1_2x2",
        "base_65x63_1x1_2x1",
        "base_33x47_3x1",
        "base_3x5_2x2",
        "ids_rgb_jfif",
        "ids_rgb_adobe1",
        "no_dht_mjpeg",
    ] {
        let expected = case(&format!("{name}.expected.png"));
        for (most, mean) in differences(&case(&format!("{name}.jpg")), &expected).unwrap() {
            assert!(most <= 3 && mean < 0.6, "{name}: {most} {mean}");
        }
    }
}

#[test]
fn arithmetic_coding_is_named() {
    let error = Pixels::decode(&case("arith_33x47.jpg")).unwrap_err();
    assert_eq!(
        error,
        ImageError::Unsupported("JPEG variant (arithmetic coding)".to_owned())
    );
}

/// Every `NAME.jpg` (or another ending) of the folder `MILLSTREAM_JPEGS` beside `NAME.expected.png`, which
/// `tests/scripts/jpeg_corpus.py` makes and then runs this.
#[test]
#[ignore = "reads the folder MILLSTREAM_JPEGS"]
fn a_corpus_is_libjpegs_pixels() {
    let folder = PathBuf::from(std::env::var_os("MILLSTREAM_JPEGS").expect("MILLSTREAM_JPEGS: a folder of JPEGs"));
    let paths = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end != "png"))
        .collect();
    paths.sort();
    let (mut compared, mut refused, mut alone) = (Vec::new(), Vec::new(), 0);
    for path in paths {
        let file = std::fs::read(&path).unwrap();
        if !file.starts_with(&[0xff, 0xd8]) {
            continue;
        }
        let name = path.file_name().unwrap().display().to_string();
        match std::fs::read(path.with_extension("expected.png")) {
            Ok(expected) => match differences(&file, &expected) {
                Ok(all) => compared.push((all, name)),
                Err(error) => refused.push(format!("{name}: {error}")),
            },
            // Pillow does not read it: no panic is what there is to see.
            Err(_) => alone += usize::from(Pixels::decode(&file).is_ok()),
        }
    }
    compared.sort_by_key(|(all, _)| std::cmp::Reverse(all.map(|(most, _)| most).into_iter().max()));
    for (all, name) in compared.iter().take(10) {
        let [whole, crops @ ..] = all.map(|(most, mean)| format!("{most} ({mean:.2})"));
        println!("{name}: whole {whole}, crops {}", crops.join(", "));
    }
    let worst = |range: std::ops::Range<usize>| {
        compared
            .iter()
            .flat_map(|(all, _)| all[range.clone()].iter().map(|of| of.0))
            .max()
    };
    let mean: f64 = compared.iter().map(|(all, _)| all[0].1).sum::<f64>() / compared.len() as f64;
    println!(
        "{} compared: {:?} levels at most whole, {:?} cropped, {mean:.3} on average; {} refused that Pillow reads; {alone} \
         read that Pillow refuses",
        compared.len(),
        worst(0..1),
        worst(1..5),
        refused.len()
    );
    refused.iter().take(20).for_each(|line| println!("{line}"));
    let off = compared.iter().filter(|(all, _)| all.iter().any(|&(most, _)| most > 3));
    assert_eq!(off.count(), 0, "pictures off by more than 3 levels");
}
