//! Rows on both sides of a split: planted copies of pictures, of rows of tables and of other rows.

use jpeg_encoder::{ColorType, Encoder};
use millstream::Context;
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::inspect::{Leak, LeakKind, LeakReport, Leaks, Overlap, Turn};
use millstream::rng::Rng;
use std::path::Path;

fn context() -> Context {
    Context::with(2, 1 << 28).unwrap()
}

fn run(leaks: &Leaks) -> LeakReport {
    leaks.run(&context(), &mut |_, _, _| {}).unwrap()
}

/// Blobs of light on a slope, others for each seed: nothing is symmetric, and all is large enough to be seen when it is small.
fn photo(seed: u64, width: u32, height: u32) -> Pixels {
    let mut rng = Rng::new(seed, "photo", 0);
    let mut draw = |least: f64, most: f64| least + (most - least) * (rng.next_u32() as f64 / f64::from(u32::MAX));
    let blobs: Vec<[f64; 5]> = (0..14)
        .map(|_| {
            [
                draw(0.0, 1.0),
                draw(0.0, 1.0),
                draw(0.04, 0.2),
                draw(-110.0, 110.0),
                draw(0.6, 1.4),
            ]
        })
        .collect();
    let slope = [draw(-40.0, 40.0), draw(-40.0, 40.0)];
    let mut pixels = Pixels::new(width, height);
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (
            f64::from(at as u32 % width) / f64::from(width),
            f64::from(at as u32 / width) / f64::from(height),
        );
        let light = blobs.iter().map(|[left, top, size, light, stretch]| {
            let square = ((x - left) * stretch).powi(2) + ((y - top) / stretch).powi(2);
            light * (-square / (2.0 * size * size)).exp()
        });
        let level = 120.0 + slope[0] * x + slope[1] * y + light.sum::<f64>();
        pixel[0] = level.clamp(0.0, 255.0) as u8;
        pixel[1] = (level * 0.9 + 10.0).clamp(0.0, 255.0) as u8;
        pixel[2] = (level * 0.7 + 30.0).clamp(0.0, 255.0) as u8;
    }
    pixels
}

fn jpeg(pixels: &Pixels, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = (pixels.width as u16, pixels.height as u16);
    Encoder::new(&mut file, quality)
        .encode(&pixels.levels, width, height, ColorType::Rgb)
        .unwrap();
    file
}

/// Each pixel from the place that `from` says.
fn moved(pixels: &Pixels, (width, height): (u32, u32), from: impl Fn(u32, u32) -> (u32, u32)) -> Pixels {
    let mut out = Pixels::new(width, height);
    for (at, pixel) in (0..).zip(out.levels.chunks_exact_mut(3)) {
        let (x, y) = from(at % width, at / width);
        pixel.copy_from_slice(&pixels.levels[3 * (y * pixels.width + x) as usize..][..3]);
    }
    out
}

fn brighter(pixels: &Pixels) -> Pixels {
    let mut out = pixels.clone();
    out.levels
        .iter_mut()
        .for_each(|level| *level = (f32::from(*level) * 1.1).min(255.0) as u8);
    out
}

fn write(folder: &Path, split: &str, class: &str, name: &str, file: &[u8]) {
    let folder = folder.join(split).join(class);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), file).unwrap();
}

fn found<'a>(overlap: &'a Overlap, name: &str) -> Option<&'a Leak> {
    overlap.leaks.iter().find(|leak| leak.row.place.contains(name))
}

/// Twelve photos and one that is white to train on; to test on, copies of them, changed in one way each, and others.
fn planted(root: &Path) {
    for seed in 0..12 {
        write(
            root,
            "train",
            ["cat", "dog"][seed as usize % 2],
            &format!("{seed:02}.jpg"),
            &jpeg(&photo(seed, 160, 120), 92),
        );
    }
    let mut white = Pixels::new(160, 120);
    white.levels.fill(255);
    write(root, "train", "cat", "white.jpg", &jpeg(&white, 92));
    let test = |class: &str, name: &str, file: &[u8]| write(root, "test", class, name, file);
    test("cat", "bytes.jpg", &jpeg(&photo(0, 160, 120), 92));
    test("cat", "bytes_other.jpg", &jpeg(&photo(1, 160, 120), 92));
    test(
        "cat",
        "pixels.png",
        &Pixels::decode(&jpeg(&photo(2, 160, 120), 92))
            .unwrap()
            .to_png()
            .unwrap(),
    );
    test("dog", "quality.jpg", &jpeg(&photo(3, 160, 120), 40));
    test("cat", "resized.jpg", &jpeg(&photo(4, 80, 60), 92));
    test(
        "dog",
        "mirrored.jpg",
        &jpeg(&moved(&photo(5, 160, 120), (160, 120), |x, y| (159 - x, y)), 92),
    );
    test(
        "cat",
        "turned.jpg",
        &jpeg(&moved(&photo(6, 160, 120), (120, 160), |x, y| (y, 119 - x)), 92),
    );
    test("dog", "brighter.jpg", &jpeg(&brighter(&photo(7, 160, 120)), 92));
    test(
        "cat",
        "cropped.jpg",
        &jpeg(&moved(&photo(8, 160, 120), (150, 112), |x, y| (x + 5, y + 4)), 92),
    );
    let mut nearly_white = white.clone();
    nearly_white.levels.fill(250);
    test("cat", "white.jpg", &jpeg(&nearly_white, 80));
    test("dog", "broken.jpg", b"no picture at all");
    for seed in 20..26 {
        test("dog", &format!("own{seed}.jpg"), &jpeg(&photo(seed, 160, 120), 92));
    }
}

#[test]
fn planted_copies_are_found_each_under_its_kind() {
    let root = tempfile::tempdir().unwrap();
    planted(root.path());
    let path = root.path().display().to_string();
    let mut leaks = Leaks::new([path], Vec::<String>::new());
    leaks.features = Some(false);
    let report = run(&leaks);
    let names: Vec<(&str, u64)> = report.sets.iter().map(|set| (set.name.as_str(), set.rows)).collect();
    assert_eq!(names, [("train", 13), ("test", 17)]);
    assert_eq!(report.label.as_deref(), Some("label"));
    let test = &report.sets[1];
    assert_eq!((report.sets[0].flat, test.flat, test.unusable), (1, 1, 1));
    assert!(test.bad[0].place.contains("broken.jpg"), "{:?}", test.bad);
    let across = &report.across[0];
    assert_eq!((across.set.as_str(), across.copied_from.as_str()), ("test", "train"));
    for (name, copied, kind, turn) in [
        ("bytes.jpg", "00.jpg", LeakKind::SameBytes, None),
        ("bytes_other.jpg", "01.jpg", LeakKind::SameBytes, None),
        ("pixels.png", "02.jpg", LeakKind::SamePixels, None),
        ("quality.jpg", "03.jpg", LeakKind::NearHash, None),
        ("resized.jpg", "04.jpg", LeakKind::NearHash, None),
        (
            "mirrored.jpg",
            "05.jpg",
            LeakKind::NearHash,
            Some(Turn::MirroredLeftRight),
        ),
        ("turned.jpg", "06.jpg", LeakKind::NearHash, Some(Turn::QuarterTurnLeft)),
        ("brighter.jpg", "07.jpg", LeakKind::NearHash, None),
    ] {
        let leak = found(across, name).unwrap_or_else(|| panic!("{name} is not found: {across:#?}"));
        assert!(leak.copy_of.place.contains(copied), "{leak:?}");
        assert_eq!((leak.kind, leak.turn), (kind, turn), "{name}");
        assert_eq!(leak.same_label, Some(name != "bytes_other.jpg"), "{name}");
    }
    // A crop of 6 % is beyond the hashes; features find it. Neither what is flat nor other photos are copies.
    assert_eq!((across.rows, across.other_label, across.positions.len()), (8, 1, 8));
    let counts: Vec<(LeakKind, u64, u64)> = across
        .kinds
        .iter()
        .map(|count| (count.kind, count.rows, count.other_label))
        .collect();
    assert_eq!(
        counts,
        [
            (LeakKind::SameBytes, 2, 1),
            (LeakKind::SamePixels, 1, 0),
            (LeakKind::NearHash, 5, 0)
        ]
    );
    let control = across.kind(LeakKind::NearHash).unwrap().control.unwrap();
    assert_eq!((control.rows, control.near), (12, 0));
    assert!(
        report.within.iter().all(|within| within.rows == 0),
        "{:?}",
        report.within
    );
    let rows = report.rows();
    assert_eq!(rows.0["test"].across, across.positions);
    assert_eq!(rows.0["train"].across.len(), 8);
    // The same for other threads.
    let alone = leaks
        .run(&Context::with(1, 1 << 27).unwrap(), &mut |_, _, _| {})
        .unwrap();
    assert_eq!(alone, report);
}

#[cfg(feature = "weights")]
#[test]
fn features_find_a_crop_and_leave_other_photos_alone() {
    let root = tempfile::tempdir().unwrap();
    planted(root.path());
    let at = |split: &str| root.path().join(split).display().to_string();
    let mut told = Vec::new();
    let report = Leaks::new([at("train")], [at("test")])
        .run(&context(), &mut |stage, done, total| {
            told.push((stage.to_string(), done, total))
        })
        .unwrap();
    let across = &report.across[0];
    let leak = found(across, "cropped.jpg").unwrap_or_else(|| panic!("{report:#?}"));
    assert!(leak.copy_of.place.contains("08.jpg"), "{leak:?}");
    assert_eq!((leak.kind, leak.same_label), (LeakKind::NearFeatures, Some(true)));
    let rule = report.distance_rule.as_ref().unwrap();
    assert!(
        leak.distance.unwrap() <= rule.at_most && rule.at_most < rule.median,
        "{rule:?}"
    );
    assert_eq!((across.rows, rule.rows), (9, 12), "{across:#?}");
    // 7 held-out pictures are left, and 12 training ones.
    assert_eq!(
        told.iter().rev().find(|(stage, ..)| stage == "rows"),
        Some(&("rows".to_owned(), 30, 30))
    );
    assert_eq!(told.last(), Some(&("features".to_owned(), 19, 19)));
}

#[test]
fn rows_that_a_set_has_several_times_are_counted() {
    let root = tempfile::tempdir().unwrap();
    for (name, seed, quality) in [
        ("a", 1, 92),
        ("b", 2, 92),
        ("c", 1, 92),
        ("d", 1, 50),
        ("e", 3, 92),
        ("f", 1, 92),
    ] {
        let class = if name == "f" { "y" } else { "x" };
        write(
            root.path(),
            "all",
            class,
            &format!("{name}.jpg"),
            &jpeg(&photo(seed, 96, 96), quality),
        );
    }
    let report = run(&Leaks::new(
        [root.path().join("all").display().to_string()],
        Vec::<String>::new(),
    ));
    assert!(report.across.is_empty());
    let within = &report.within[0];
    let kinds: Vec<(LeakKind, u64)> = within.kinds.iter().map(|count| (count.kind, count.rows)).collect();
    assert_eq!(
        kinds,
        [
            (LeakKind::SameBytes, 2),
            (LeakKind::SamePixels, 0),
            (LeakKind::NearHash, 1)
        ]
    );
    assert_eq!((within.rows, within.other_label), (3, 1));
    let last = found(within, "f.jpg").unwrap();
    assert_eq!((last.copies, last.same_label), (Some(2), Some(false)));
    assert!(last.copy_of.place.contains("a.jpg"), "{last:?}");
    assert_eq!(report.rows().0["train"].within, within.positions);
}

#[test]
fn rows_of_tables_are_copies_whatever_their_types_and_their_label_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let mut rng = Rng::new(5, "table", 0);
    let mut number = || f64::from(rng.next_u32() % 100_000) / 100.0;
    let rows: Vec<(f64, f64)> = (0..400).map(|_| (number(), number())).collect();
    let line = |id: usize, (a, b): (f64, f64), town: &str, class: &str| format!("{id},{a},{b},{town},{class}\n");
    let head = "id,a,b,town,class\n".to_owned();
    let own = |&at: &usize| line(at, rows[at], ["Ulm", "Bonn"][at % 2], ["poor", "rich"][at % 3 % 2]);
    std::fs::write(
        at("train.csv"),
        head.clone() + &(0..300).collect::<Vec<_>>().iter().map(own).collect::<String>(),
    )
    .unwrap();
    let mut test = head + &(300..400).collect::<Vec<_>>().iter().map(own).collect::<String>();
    test += &line(400, rows[7], "Bonn", "rich");
    test += &line(401, rows[9], "Bonn", "rich");
    test += &line(402, (rows[11].0 + 0.01, rows[11].1), "Bonn", "poor");
    test += &line(403, (rows[12].0, rows[12].1), "Bonn", "poor");
    std::fs::write(at("test.csv"), test).unwrap();
    let mut leaks = Leaks::new([at("train.csv")], [at("test.csv")]);
    leaks.label = Some("class".into());
    let report = run(&leaks);
    let across = &report.across[0];
    assert!(
        report
            .notes
            .iter()
            .any(|note| note == "column \"id\" numbers the rows, and is left out"),
        "{:?}",
        report.notes
    );
    let leak = |position: u64| across.leaks.iter().find(|leak| leak.row.position == position);
    // 7 is rich, 9 is poor.
    let same = leak(100).unwrap();
    assert_eq!(
        (same.kind, same.copy_of.position, same.same_label),
        (LeakKind::SameRow, 7, Some(true))
    );
    let other = leak(101).unwrap();
    assert_eq!(
        (other.kind, other.copy_of.position, other.same_label),
        (LeakKind::SameRow, 9, Some(false))
    );
    assert_eq!(
        (other.row.label.as_deref(), other.copy_of.label.as_deref()),
        (Some("rich"), Some("poor"))
    );
    let near = leak(102).unwrap();
    assert_eq!((near.kind, near.copy_of.position), (LeakKind::NearValues, 11));
    let rule = report.distance_rule.as_ref().unwrap();
    assert!(
        near.distance.unwrap() <= rule.at_most && (rule.at_most - 0.1 * rule.median).abs() < 1e-12,
        "{rule:?}"
    );
    assert_eq!(leak(103), None, "another town is far");
    let counts: Vec<(LeakKind, u64, u64)> = across
        .kinds
        .iter()
        .map(|count| (count.kind, count.rows, count.other_label))
        .collect();
    assert_eq!(counts[0], (LeakKind::SameRow, 2, 1));
    assert_eq!((across.rows - 2, counts[1].1), (counts[1].1, counts[1].1));
    // By chance a row or two of a hundred are as near as a hundredth.
    assert!((1..=4).contains(&counts[1].1), "{across:#?}");
    // With the number of the row they are no copies.
    leaks.ignore = vec!["town".into()];
    assert_eq!(
        run(&leaks).across[0].kind(LeakKind::SameRow).unwrap().rows,
        3,
        "rows 100, 101 and 103"
    );
    leaks.ignore = vec!["nowhere".into()];
    let error = leaks.run(&context(), &mut |_, _, _| {}).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("there is no column \"nowhere\", which is to be left out"),
        "{error}"
    );
}

#[test]
fn texts_are_compared_by_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let line = |text: &str, intent: &str| format!("{{\"text\": \"{text}\", \"intent\": \"{intent}\"}}\n");
    std::fs::write(
        at("a.jsonl"),
        line("how warm is it", "weather") + &line("play a song", "music") + &line("play a song", "music"),
    )
    .unwrap();
    std::fs::write(
        at("b.jsonl"),
        line("play a song", "radio") + &line("play the song", "music"),
    )
    .unwrap();
    let mut leaks = Leaks::new([at("a.jsonl")], [at("b.jsonl")]);
    leaks.label = Some("intent".into());
    let report = run(&leaks);
    let (across, within) = (&report.across[0], &report.within[0]);
    assert_eq!(
        (across.rows, across.other_label, across.positions.as_slice()),
        (1, 1, &[0][..])
    );
    assert_eq!(
        (across.copied_positions.as_slice(), across.leaks[0].copies),
        (&[1, 2][..], Some(2))
    );
    assert_eq!(
        (within.rows, within.other_label, within.positions.as_slice()),
        (1, 0, &[2][..])
    );
}

/// A column of texts beside one of numbers has no distance: it is left out, and where no other is there, nothing is near.
#[test]
fn columns_of_two_types_have_no_distance() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let table = |start: usize, k: &dyn Fn(usize) -> String| {
        let x = |row: usize| format!("{}.{:02}", row % 40, row * 37 % 100);
        let rows = (start..start + 40).map(|row| format!("{},{},{}\n", x(row), k(row), ["a", "b"][row % 2]));
        format!("x,k,y\n{}", rows.collect::<String>())
    };
    std::fs::write(at("train.csv"), table(0, &|row| (row % 7).to_string())).unwrap();
    std::fs::write(at("test.csv"), table(100, &|row| format!("t{}", row % 5))).unwrap();
    let mut leaks = Leaks::new([at("train.csv")], [at("test.csv")]);
    leaks.label = Some("y".into());
    let report = run(&leaks);
    let said = "left out of near rows, for want of a distance: \"k\" (";
    let note = report.notes.iter().find(|note| note.starts_with(said));
    let note = note.unwrap_or_else(|| panic!("{:?}", report.notes));
    assert!(note.contains(" in train, ") && note.ends_with(" in test)"), "{note}");
    assert!(report.distance_rule.is_some());
    leaks.ignore = vec!["x".into()];
    let report = run(&leaks);
    let said = "near rows are not looked for: no such column holds numbers, categories or features in both sets";
    assert!(report.notes.iter().any(|note| note == said), "{:?}", report.notes);
    assert!(report.distance_rule.is_none() && report.across[0].leaks.is_empty());
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("a.csv"), "x,y\n1,2\n3,4\n").unwrap();
    std::fs::write(at("b.csv"), "z\n1\n").unwrap();
    let refused = |leaks: &Leaks| leaks.run(&context(), &mut |_, _, _| {}).unwrap_err();
    let error = refused(&Leaks::new([at("a.csv")], [at("a.csv")]));
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("is read as train and as test"), "{error}");
    let error = refused(&Leaks::new([at("a.csv")], [at("b.csv")]));
    assert_eq!(error.kind(), ErrorKind::Schema);
    let mut leaks = Leaks::new([at("a.csv")], Vec::<String>::new());
    leaks.label = Some("w".into());
    assert!(refused(&leaks).to_string().contains("there is no column \"w\""));
    // What is there stays, and what is read is never written into.
    let out = folder.path().join("out");
    leaks.label = None;
    leaks.out = Some(out.clone());
    run(&leaks);
    assert!(out.join("leaks.json").is_file() && out.join("leaked-rows.json").is_file());
    assert!(!out.join("leaks.png").exists());
    assert_eq!(refused(&leaks).kind(), ErrorKind::Exists);
    leaks.overwrite = true;
    run(&leaks);
}

/// An independent computation (numpy and imagehash over all pairs) finds as many: `tests/scripts/make_perceptual.py` has the hashes, and two pairs have a
/// correlation of 0.99 at 16 x 16 pixels.
#[test]
fn fashion_mnist_has_no_copies_and_two_pictures_that_look_the_same() {
    let at = |split: &str| {
        format!(
            "{}/examples/data/fashion-mnist-{split}.parquet",
            env!("CARGO_MANIFEST_DIR")
        )
    };
    let mut leaks = Leaks::new([at("train")], [at("test")]);
    leaks.features = Some(false);
    let report = run(&leaks);
    let counts = |overlap: &Overlap| overlap.kinds.iter().map(|count| count.rows).collect::<Vec<u64>>();
    assert_eq!(counts(&report.across[0]), [0, 0, 2], "{:#?}", report.across[0]);
    assert_eq!(report.across[0].other_label, 0);
}
