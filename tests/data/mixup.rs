//! MixUp and CutMix: who is mixed with whom, by how much, and what comes of it.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, new_null_array,
};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef};
use common::{context, numbers, pictures, refusal, refused, table, vectors};
use millstream::dataset::{Blocks, Len, Origin, Provenance};
use millstream::error::ErrorKind;
use millstream::image::Image;
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::rows::{CLASS_NAMES, ClassEncoded};
use millstream::source::Memory;
use millstream::synthetic::{CutMix, MixUp, Mixed};
use millstream::{Context, Dataset, DatasetExt, Prepared, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// `rows` rows, each of a class of its own, so that its soft label says whom it was mixed with and by how much.
fn alone(cx: &Context, rows: usize) -> ClassEncoded<Memory> {
    cx.block_on(table(&vec![1; rows]).classes(cx, "label")).unwrap()
}

fn take(cx: &Context, dataset: &impl Dataset, positions: Range<u64>) -> RecordBatch {
    let positions: Vec<u64> = positions.collect();
    cx.block_on(dataset.take(cx, &positions)).unwrap()
}

fn floats(batch: &RecordBatch, column: &str) -> Vec<Vec<f32>> {
    let list = batch[column].as_fixed_size_list();
    let row = |row: usize| list.value(row).as_primitive::<Float32Type>().values().to_vec();
    (0..list.len()).map(row).collect()
}

/// Own share and partner of each position of the epochs in `epochs`, of rows that are each [`alone`] in their class.
fn mixtures(cx: &Context, mixed: &impl Dataset, classes: &[u32], epochs: Range<u64>) -> Vec<(f32, Option<usize>)> {
    let rows = classes.len() as u64;
    let soft = floats(&take(cx, mixed, epochs.start * rows..epochs.end * rows), "label");
    let row_of = |class: usize| classes.iter().position(|&c| c as usize == class).unwrap();
    let mixture = |(at, soft): (usize, &Vec<f32>)| {
        let own = classes[at % classes.len()] as usize;
        let other: Vec<usize> = (0..soft.len()).filter(|&c| c != own && soft[c] > 0.0).collect();
        assert!(other.len() < 2, "{soft:?}");
        assert!((soft.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{soft:?}");
        (soft[own], other.first().map(|&class| row_of(class)))
    };
    soft.iter().enumerate().map(mixture).collect()
}

#[test]
fn a_row_is_blended_exactly_by_the_share_in_its_label() {
    let cx = context().with_seed(5);
    let rows = alone(&cx, 150);
    let below = vectors(&take(&cx, &rows, 0..150));
    let classes = rows.labels().single().unwrap().iter().collect::<Vec<_>>();
    let mixed = rows.mixup("x", "label", MixUp::new(1.0)).unwrap();
    let above = vectors(&take(&cx, &mixed, 0..150));
    let mixtures = mixtures(&cx, &mixed, &classes, 0..1);
    for (row, (share, partner)) in mixtures.into_iter().enumerate() {
        let partner = partner.expect("every row has a partner");
        let blend = |at: usize| share * below[row][at] + (1.0 - share) * below[partner][at];
        assert_eq!(above[row], (0..4).map(blend).collect::<Vec<_>>(), "row {row}");
        let trace = mixed.provenance(&cx, row as u64);
        let dominant = if share < 0.5 { partner } else { row };
        assert_eq!(
            (trace.class, trace.origin, trace.generator.as_deref()),
            (Some(classes[dominant]), Origin::Synthetic, Some("mixup"))
        );
        let places: Vec<u64> = trace.places.iter().map(|place| place.row).collect();
        assert_eq!(places, [row as u64, partner as u64]);
    }
}

#[test]
fn partners_are_a_permutation_of_each_window() {
    let cx = context().with_seed(5);
    let partners = |epoch: u64, window: u64| -> Vec<usize> {
        let rows = alone(&cx, 85);
        let classes = rows.labels().single().unwrap().iter().collect::<Vec<_>>();
        let mixed = rows.mixup("x", "label", MixUp::new(4.0).window(window)).unwrap();
        let mixtures = mixtures(&cx, &mixed, &classes, epoch..epoch + 1)
            .into_iter()
            .enumerate();
        mixtures.map(|(row, (_, partner))| partner.unwrap_or(row)).collect()
    };
    for (window, ends) in [
        (16, [0, 16, 32, 48, 64, 80, 85].as_slice()),
        (64, &[0, 64, 85]),
        (300, &[0, 85]),
    ] {
        let first = partners(0, window);
        for ends in ends.windows(2) {
            let mut mine = first[ends[0]..ends[1]].to_vec();
            assert!((ends[0]..ends[1]).all(|row| first[row] != row), "{mine:?}");
            mine.sort_unstable();
            assert_eq!(mine, (ends[0]..ends[1]).collect::<Vec<_>>());
        }
        assert_ne!(first, partners(1, window));
    }
    // In a window of one row there is nobody to mix with.
    assert_eq!(partners(0, 84)[84], 84);
}

/// Mean, variance and fourth moment of Beta(alpha, alpha) about a half.
#[test]
fn shares_follow_the_beta_distribution() {
    let cx = context().with_seed(1);
    for alpha in [0.2, 1.0, 8.0] {
        let rows = alone(&cx, 64);
        let classes = rows.labels().single().unwrap().iter().collect::<Vec<_>>();
        let mixed = rows.mixup("x", "label", MixUp::new(alpha as f32)).unwrap();
        let shares: Vec<f64> = mixtures(&cx, &mixed, &classes, 0..400)
            .iter()
            .map(|(share, _)| f64::from(*share) - 0.5)
            .collect();
        let count = shares.len() as f64;
        let moment = |power: i32| shares.iter().map(|share| share.powi(power)).sum::<f64>() / count;
        let (second, fourth) = (
            0.25 / (2.0 * alpha + 1.0),
            3.0 / 16.0 / ((2.0 * alpha + 1.0) * (2.0 * alpha + 3.0)),
        );
        let (mean, four_sigma) = (moment(1), 4.0 * (second / count).sqrt());
        assert!(mean.abs() < four_sigma, "alpha {alpha}: mean {mean}");
        let four_sigma = 4.0 * ((fourth - second * second) / count).sqrt();
        assert!(
            (moment(2) - second).abs() < four_sigma,
            "alpha {alpha}: variance {}, not {second}",
            moment(2)
        );
        assert!(
            (moment(4) / fourth - 1.0).abs() < 0.05,
            "alpha {alpha}: {} and {fourth}",
            moment(4)
        );
    }
}

#[test]
fn a_row_is_mixed_with_the_probability_given() {
    let cx = context().with_seed(2);
    let rows = alone(&cx, 64);
    let (classes, below) = (
        rows.labels().single().unwrap().iter().collect::<Vec<_>>(),
        vectors(&take(&cx, &rows, 0..64)),
    );
    let mixed = rows.mixup("x", "label", MixUp::new(1.0).p(0.3)).unwrap();
    let above = vectors(&take(&cx, &mixed, 0..64));
    let mixtures = mixtures(&cx, &mixed, &classes, 0..100);
    let count = mixtures.iter().filter(|(_, partner)| partner.is_some()).count() as f64;
    assert!(
        (count / 6400.0 - 0.3).abs() < 4.0 * (0.21_f64 / 6400.0).sqrt(),
        "{count} of 6400"
    );
    for (row, (share, partner)) in mixtures[..64].iter().enumerate() {
        let trace = mixed.provenance(&cx, row as u64);
        if partner.is_none() {
            assert_eq!((*share, &above[row]), (1.0, &below[row]));
            assert_eq!(
                (trace.origin, trace.places.len(), trace.class),
                (Origin::Real, 1, Some(classes[row]))
            );
        } else {
            assert_eq!((trace.origin, trace.places.len()), (Origin::Synthetic, 2));
            assert_ne!(above[row], below[row]);
        }
    }
}

#[test]
fn a_box_of_the_partner_is_pasted_and_counts_by_its_area() {
    let cx = context().with_seed(3);
    let size = 24;
    let images = pictures(&[40, 30]).image("image", Image::new(size)).unwrap();
    let below = floats(&take(&cx, &images, 0..70), "image");
    let labels = common::ints(&take(&cx, &images, 0..70), "label");
    let mixed = images
        .cutmix("image", "label", CutMix::new(1.0).num_classes(2))
        .unwrap();
    let rows = take(&cx, &mixed, 0..70);
    let (above, soft) = (floats(&rows, "image"), floats(&rows, "label"));
    let (mut shares, pixels) = (Vec::new(), (size * size) as usize);
    for row in 0..70 {
        let trace = mixed.provenance(&cx, row);
        let partner = trace.places.last().unwrap().row as usize;
        let row = row as usize;
        let differs = |pixel: &usize| above[row][*pixel] != below[row][*pixel];
        let pasted: Vec<usize> = (0..pixels).filter(differs).collect();
        let (x, y) = (|p: &usize| p % size as usize, |p: &usize| p / size as usize);
        let span = |of: &dyn Fn(&usize) -> usize| match (pasted.iter().map(of).min(), pasted.iter().map(of).max()) {
            (Some(least), Some(most)) => least..most + 1,
            _ => 0..0,
        };
        let (columns, lines) = (span(&x), span(&y));
        for at in 0..3 * pixels {
            let inside = columns.contains(&x(&(at % pixels))) && lines.contains(&y(&(at % pixels)));
            let from = if inside { partner } else { row };
            assert_eq!(above[row][at], below[from][at], "row {row}, value {at}");
        }
        let share = 1.0 - (columns.len() * lines.len()) as f32 / pixels as f32;
        let mut expected = [0.0, 0.0];
        expected[labels[row] as usize] += share;
        expected[labels[partner] as usize] += 1.0 - share;
        assert!(
            soft[row].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{:?}, {expected:?}",
            soft[row]
        );
        shares.push(share);
    }
    let (least, most) = shares
        .iter()
        .fold((1.0_f32, 0.0_f32), |(a, b), &s| (a.min(s), b.max(s)));
    assert!(least < 0.3 && most > 0.9, "{least} to {most}");
}

#[test]
fn mixed_rows_mix_again() {
    let cx = context().with_seed(4);
    let balanced = cx
        .block_on(pictures(&[40, 30, 9]).balance(&cx, "label", Target::Uniform))
        .unwrap();
    let images = balanced.image("image", Image::new(8)).unwrap();
    let cut = images.cutmix("image", "label", CutMix::new(1.0).p(0.5)).unwrap();
    let mixed = cut.mixup("image", "label", MixUp::new(1.0).p(0.5)).unwrap();
    let loader = mixed.loader(&cx).batch_size(64).epochs(2);
    let mut places = [0; 5];
    for batch in loader.blocking().unwrap() {
        let batch = batch.unwrap();
        for soft in floats(batch.rows(), "label") {
            assert_eq!(soft.len(), 3);
            assert!((soft.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{soft:?}");
        }
        batch
            .provenance()
            .iter()
            .for_each(|trace| places[trace.places.len()] += 1);
    }
    assert!(places[1..].iter().all(|&count| count > 5), "{places:?}");
}

#[cfg(feature = "train")]
#[test]
fn labels_reach_a_tensor() -> Result<()> {
    let cx = context();
    let mixed = alone(&cx, 12).mixup("x", "label", MixUp::new(1.0))?;
    let schema = mixed.schema();
    assert!(
        schema
            .field_with_name("label")
            .unwrap()
            .metadata()
            .contains_key(CLASS_NAMES)
    );
    let batch = mixed.loader(&cx).batch_size(7).blocking()?.next().unwrap()?;
    let device = burn::tensor::Device::flex();
    let soft = millstream::sink::tensor::floats::<2>(batch.rows(), "label", &device)?;
    assert_eq!(soft.dims(), [7, 12]);
    Ok(())
}

/// How many rows each take below was asked for.
#[derive(Debug)]
struct Counted(ClassEncoded<Memory>, Arc<Mutex<Vec<usize>>>);

impl Dataset for Counted {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
    fn len(&self) -> Len {
        self.0.len()
    }
    fn blocks(&self) -> Blocks {
        self.0.blocks()
    }
    fn describe(&self) -> Plan {
        self.0.describe()
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let counts = Arc::clone(&self.1);
        self.0.prepare(cx, positions).and_then(|rows| async move {
            counts.lock().unwrap().push(rows.num_rows());
            Ok(rows)
        })
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

#[test]
fn an_aligned_batch_takes_each_row_once() {
    let cx = context();
    let taken = |batch: u64| {
        let counted = Arc::new(Counted(alone(&cx, 150), Arc::default()));
        let mixed = Arc::clone(&counted).mixup("x", "label", MixUp::new(1.0)).unwrap();
        let batches = mixed
            .loader(&cx)
            .batch_size(batch)
            .depth(1)
            .epochs(1)
            .blocking()
            .unwrap();
        assert_eq!(batches.map(|batch| batch.unwrap().len()).sum::<usize>(), 150);
        counted.1.lock().unwrap().clone()
    };
    assert_eq!(taken(64), [64, 64, 22]);
    assert_eq!(taken(128), [128, 22]);
    let small = taken(32);
    assert!(
        small.iter().all(|&rows| rows <= 64) && small.iter().sum::<usize>() > 200,
        "{small:?}"
    );
}

#[test]
fn the_plan_says_what_decides_the_rows() {
    let cx = context();
    let rows = alone(&cx, 128).mixup("x", "label", MixUp::new(1.0)).unwrap();
    let plan = rows.describe().to_string();
    let settings = "mixup      alpha 1, p 1, window 64, column x, label label\n";
    assert!(plan.starts_with(settings), "{plan}");
    assert_eq!(rows.describe().shared_name(), None);
    // A second one draws under a name of its own.
    let twice = rows.mixup("x", "label", MixUp::new(1.0)).unwrap();
    assert_eq!(twice.describe().shared_name(), None);
    assert_eq!(twice.describe().name(), "mixup#2");
}

fn mixup(rows: impl Dataset, with: MixUp) -> Result<Mixed<impl Dataset>> {
    rows.mixup("x", "label", with)
}

#[test]
fn what_cannot_be_mixed_is_refused() {
    let cx = context();
    let rows = || alone(&cx, 5);
    for (with, said) in [
        (MixUp::new(0.0), "mixup: alpha is 0, but has to be a number above 0"),
        (
            MixUp::new(f32::NAN),
            "mixup: alpha is NaN, but has to be a number above 0",
        ),
        (MixUp::new(1.0).p(1.5), "mixup: p is 1.5, but has to lie in 0..=1"),
        (
            MixUp::new(1.0).window(1),
            "mixup: window is 1, but has to lie in 2..=65536",
        ),
        (
            MixUp::new(1.0).num_classes(4),
            "mixup: num_classes is 4, but column \"label\" has 5 classes",
        ),
    ] {
        refused(mixup(rows(), with), ErrorKind::Config, said);
    }
    let plain = || table(&[2, 2]);
    let said = "mixup: column \"label\" holds Utf8, not class numbers; `classes` makes them";
    refused(mixup(plain(), MixUp::new(1.0)), ErrorKind::Schema, said);
    let said = "mixup: column \"id\" holds Int64, not tensors of f32";
    refused(rows().mixup("id", "label", MixUp::new(1.0)), ErrorKind::Schema, said);
    let said = "mixup: column \"id\" does not say how many classes there are: use `classes` below, or `num_classes`";
    refused(plain().mixup("x", "id", MixUp::new(1.0)), ErrorKind::Config, said);
    let said = "mixup: \"x\" is both the column and its label";
    refused(plain().mixup("x", "x", MixUp::new(1.0)), ErrorKind::Config, said);
    let said = "mixup: no column \"y\"; there are \"id\", \"label\", \"x\"";
    refused(rows().mixup("y", "label", MixUp::new(1.0)), ErrorKind::Schema, said);
    let said = "cutmix: column \"x\" has values of shape [4], not [.., height, width]";
    refused(rows().cutmix("x", "label", CutMix::new(1.0)), ErrorKind::Schema, said);
    let nulls = new_null_array(&DataType::Null, 4);
    let columns = [
        ("label", Arc::new(Int64Array::from(vec![0, 1, 0, 1])) as ArrayRef),
        ("x", nulls),
    ];
    let nothing = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let said = "mixup: column \"x\" holds Null, not tensors of f32";
    refused(mixup(nothing, MixUp::new(1.0)), ErrorKind::Schema, said);
}

/// Four rows with these labels; row 2 is null in column `null`.
fn faulty(null: &str, labels: [i64; 4]) -> Memory {
    let keep = |column: &str| (0..4).map(|row| row != 2 || null != column).collect::<Vec<bool>>();
    let (item, size, values, _) = numbers(4).as_fixed_size_list().clone().into_parts();
    let x = FixedSizeListArray::new(item, size, values, Some(keep("x").into()));
    let label = Int64Array::new(labels.to_vec().into(), Some(keep("label").into()));
    let columns: [(&str, ArrayRef); 2] = [("label", Arc::new(label)), ("x", Arc::new(x))];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// A row that fails is named where it is asked for, and else the row that it is the partner of.
#[test]
fn a_bad_row_is_named_with_whoever_needs_it() {
    let cx = context().with_seed(6);
    for (null, labels, column, said) in [
        (
            "x",
            [0, 1, 2, 0],
            "x",
            "the value is null; `is_null` says so before it is read, and `fill_null` puts another in its place",
        ),
        ("label", [0, 1, 2, 0], "label", "the label is null"),
        ("", [0, 1, 7, 0], "label", "label 7 is outside the 3 classes"),
    ] {
        let mixed = || mixup(faulty(null, labels), MixUp::new(1.0).num_classes(3)).unwrap();
        let take = |positions: &[u64]| cx.block_on(mixed().take(&cx, positions));
        let error = take(&[0, 1, 3, 2]).unwrap_err();
        assert_eq!((error.index(), error.kind()), (Some(3), ErrorKind::Data));
        assert_eq!(error.to_string(), format!("mixup \"{column}\": {said}"));
        let bad = |position: &u64| take(&[*position]).is_err();
        let of: Vec<u64> = [0, 1, 3].into_iter().filter(bad).collect();
        assert_eq!(of.len(), 1, "row 2 is the partner of one other");
        let error = take(&[0, 1, 3]).unwrap_err();
        assert_eq!(error.index(), [0, 1, 3].iter().position(|&position| position == of[0]));
        assert_eq!(
            error.to_string(),
            format!("its partner at position 2: mixup \"{column}\": {said}")
        );
        let error = mixed()
            .loader(&cx)
            .batch_size(4)
            .blocking()
            .unwrap()
            .next()
            .unwrap()
            .unwrap_err();
        let partner = &mixed().provenance(&cx, 2).places[1];
        let said = format!("row 2 in memory and {partner} (position 2): mixup \"{column}\": {said}");
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn a_bad_row_below_is_named_too() {
    let cx = context().with_seed(6);
    let rows = take(&cx, &pictures(&[4, 4]), 0..8);
    let image: BinaryArray = rows["image"]
        .as_binary::<i32>()
        .iter()
        .enumerate()
        .map(|(row, image)| match row {
            3 => Some(b"no image".as_slice()),
            _ => image,
        })
        .collect();
    let rows = RecordBatch::try_from_iter([
        ("image", Arc::new(image) as ArrayRef),
        ("label", Arc::clone(&rows["label"])),
    ]);
    let images = Memory::new(vec![rows.unwrap()])
        .unwrap()
        .image("image", Image::new(8))
        .unwrap();
    let mixed = images.mixup("image", "label", MixUp::new(1.0).num_classes(2)).unwrap();
    let fails = |position: u64| {
        cx.block_on(mixed.take(&cx, &[position]))
            .map_err(|error| error.to_string())
    };
    assert!(fails(3).unwrap_err().starts_with("image \"image\": "));
    let others: Vec<_> = (0..8)
        .filter(|&position| position != 3)
        .filter_map(|position| fails(position).err())
        .collect();
    assert_eq!(others.len(), 1);
    assert!(
        others[0].starts_with("its partner at position 3: image \"image\": "),
        "{others:?}"
    );
}

/// Two columns of vectors `[at]`, labelled by whether `at` is odd, under the field metadata `of`.
fn pairs(rows: usize) -> Memory {
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values((0..rows).map(|at| at as f32)));
    let vector: ArrayRef = Arc::new(FixedSizeListArray::new(item, 1, values, None));
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|at| (at % 2) as i64)));
    let columns = [
        ("a", Arc::clone(&vector)),
        ("la", Arc::clone(&label)),
        ("b", vector),
        ("lb", label),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

#[test]
fn a_second_mixup_draws_partners_and_shares_under_one_name() {
    let cx = context().with_seed(7);
    let twice = |first: f32| {
        let known = cx.block_on(pairs(512).classes(&cx, "lb")).unwrap();
        let first = MixUp::new(1.0).p(first).num_classes(2);
        let rows = known.mixup("a", "la", first).unwrap();
        rows.mixup("b", "lb", MixUp::new(1.0).p(0.5)).unwrap()
    };
    let rows = twice(0.5);
    assert_eq!(rows.describe().name(), "mixup#2");
    let taken = take(&cx, &rows, 0..512);
    for column in ["a", "b"] {
        let values = floats(&taken, column);
        let mixed = (0..512).filter(|&at| values[at][0] != at as f32).count();
        assert!((200..312).contains(&mixed), "{column}: {mixed} of 512");
    }
    // The first alone would change whose class it is.
    let rows = twice(0.0);
    for (at, label) in floats(&take(&cx, &rows, 0..512), "lb").iter().enumerate() {
        let class = rows.provenance(&cx, at as u64).class.unwrap() as usize;
        assert!(
            label[class] >= 0.5,
            "row {at} is said to be of class {class}, and has {label:?}"
        );
    }
}

#[test]
fn a_mixed_column_keeps_the_order_of_its_dimensions() {
    let cx = context();
    let of = |tensor: &str| {
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values((0..12).map(|at| at as f32)));
        let list = FixedSizeListArray::new(item, 6, values, None);
        let metadata = [
            ("ARROW:extension:name".to_owned(), "arrow.fixed_shape_tensor".to_owned()),
            ("ARROW:extension:metadata".to_owned(), tensor.to_owned()),
        ];
        let x = Field::new("x", list.data_type().clone(), false).with_metadata(metadata.into());
        let schema = Schema::new(vec![x, Field::new("label", DataType::Int64, false)]);
        let columns: Vec<ArrayRef> = vec![Arc::new(list), Arc::new(Int64Array::from(vec![0, 1]))];
        Memory::new(vec![RecordBatch::try_new(Arc::new(schema), columns).unwrap()]).unwrap()
    };
    let tensor = r#"{"shape":[2,3],"permutation":[1,0],"dim_names":["W","H"]}"#;
    let mixed = of(tensor).mixup("x", "label", MixUp::new(1.0).num_classes(2)).unwrap();
    let taken = take(&cx, &mixed, 0..2);
    assert_eq!(taken.schema().field(0).metadata()["ARROW:extension:metadata"], tensor);
    let cut = of(tensor).cutmix("x", "label", CutMix::new(1.0).num_classes(2));
    refusal(
        cut,
        ErrorKind::Schema,
        "column \"x\" has its dimensions stored in another order (permutation [1, 0])",
    );
    of(r#"{"shape":[2,3],"permutation":[0,1]}"#)
        .cutmix("x", "label", CutMix::new(1.0).num_classes(2))
        .unwrap();
}
