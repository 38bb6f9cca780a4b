//! Balance: quotas, passes, fills, and what is refused.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    ArrayRef, AsArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use common::{context, ids, ints, mixed, picture, pictures, refused, table, vectors};
use millstream::dataset::{Origin, Provenance};
use millstream::error::ErrorKind;
use millstream::image::{Image, Pixels};
use millstream::mix::{Balance, BalanceSpec, Schedule, Target};
use millstream::plan::Plan;
use millstream::rows::{CLASS_NAMES, Cached, Labels};
use millstream::source::Memory;
use millstream::synthetic::{Blend, BlendSpec, Elastic, Generator, SampleId, Smote, SmoteSpec};
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const COUNTS: [usize; 4] = [60, 25, 10, 5];

fn balanced(cx: &Context, counts: &[usize], target: Target) -> Balance<Memory> {
    cx.block_on(table(counts).balance(cx, "label", target)).unwrap()
}

fn take(cx: &Context, dataset: &dyn Dataset, positions: std::ops::Range<u64>) -> RecordBatch {
    let positions: Vec<u64> = positions.collect();
    cx.block_on(dataset.take(cx, &positions)).unwrap()
}

fn count(labels: &[i64], classes: usize) -> Vec<usize> {
    let of = |class: usize| labels.iter().filter(|&&label| label == class as i64).count();
    (0..classes).map(of).collect()
}

fn provenance(cx: &Context, dataset: &dyn Dataset, positions: std::ops::Range<u64>) -> Vec<Provenance> {
    positions.map(|position| dataset.provenance(cx, position)).collect()
}

#[test]
fn a_shuffle_that_undoes_the_proportions_says_so() {
    let cx = context();
    let note = "undoes the proportions of the balance below it in each batch: they hold over an epoch alone";
    let counts = [60, 25, 10, 5];
    let explained = |rows: &dyn Dataset| rows.describe().to_string();
    assert!(!explained(&balanced(&cx, &counts, Target::Uniform)).contains("undoes"));
    let shuffled = balanced(&cx, &counts, Target::Uniform).shuffle();
    assert!(explained(&shuffled).contains(note), "{}", explained(&shuffled));
    // It does: of 20 rows five of each class no longer come.
    let classes = |rows: &dyn Dataset| {
        let labels = |at: u64| ints(&take(&cx, rows, at..at + 20), "label");
        (0..5).map(|batch| count(&labels(batch * 20), 4)).collect::<Vec<_>>()
    };
    let exact = cx
        .block_on(table(&counts).balance(&cx, "label", Target::Uniform))
        .unwrap();
    assert_eq!(classes(&exact.block(20)), vec![vec![5; 4]; 5]);
    assert_ne!(classes(&shuffled), vec![vec![5; 4]; 5]);
    assert!(!explained(&table(&counts).shuffle()).contains("undoes"));
}

#[test]
fn a_spec_is_the_balance_that_its_methods_make() {
    let cx = context();
    let rows = || table(&[40, 15, 6]);
    let ramp = Schedule::constant(0.0).ramp(0..640, 1.0);
    let by_methods = cx.block_on(rows().balance(&cx, "label", Target::Sqrt)).unwrap();
    let by_methods = by_methods.rows(100).block(20).toward(Target::Uniform, ramp).unwrap();
    let text = serde_json::to_string(&by_methods.spec()).unwrap();
    let spec: BalanceSpec = serde_json::from_str(&text).unwrap();
    let by_spec = cx.block_on(rows().balance_with(&cx, "label", &spec, None)).unwrap();
    assert_eq!(by_spec.describe().settings(), by_methods.describe().settings());
    let positions: Vec<u64> = (0..300).collect();
    let take = |balance: &Balance<Memory>| cx.block_on(balance.take(&cx, &positions)).unwrap();
    assert_eq!(take(&by_spec), take(&by_methods));
    let share = BalanceSpec {
        synthetic: Some(Schedule::constant(0.5)),
        ..BalanceSpec::default()
    };
    let error = cx
        .block_on(rows().balance_with(&cx, "label", &share, None))
        .unwrap_err()
        .to_string();
    assert!(error.contains("needs a generator"), "{error}");
}

#[test]
fn every_aligned_block_is_exact_where_the_shares_allow_it() {
    let cx = context().with_seed(3);
    let halves = Target::Weights(vec![4.0, 2.0, 1.0, 1.0]);
    for (target, block, expected) in [
        (Target::Uniform, 64, [16; 4]),
        (Target::Uniform, 4, [1; 4]),
        (halves.clone(), 64, [32, 16, 8, 8]),
        (halves, 8, [4, 2, 1, 1]),
    ] {
        let dataset = balanced(&cx, &COUNTS, target).rows(640).block(block);
        let labels = ints(&take(&cx, &dataset, 0..1280), "label");
        for (i, labels) in labels.chunks(block as usize).enumerate() {
            assert_eq!(count(labels, 4), expected, "block {i} of {block}");
        }
    }
}

#[test]
fn other_shares_are_met_within_a_row_at_every_block_and_exactly_over_the_epoch() {
    let cx = context().with_seed(3);
    for (target, expected) in [
        (Target::Power(1.0), [60, 25, 10, 5]),
        (Target::Power(0.0), [25; 4]),
        (Target::Sqrt, [43, 28, 17, 12]),
        (Target::Weights(vec![1.0, 0.0, 0.0, 2.0]), [33, 0, 0, 67]),
    ] {
        let dataset = balanced(&cx, &COUNTS, target.clone()).block(10);
        let labels = ints(&take(&cx, &dataset, 0..300), "label");
        for epoch in labels.chunks(100) {
            assert_eq!(count(epoch, 4), expected, "{target}");
            for end in (10..=100).step_by(10) {
                for (class, rows) in count(&epoch[..end], 4).into_iter().enumerate() {
                    let exact = (end * expected[class]) as f64 / 100.0;
                    assert!(
                        (rows as f64 - exact).abs() <= 1.0,
                        "{target}: class {class} in the first {end}"
                    );
                }
            }
        }
        let planned: Vec<_> = dataset.quotas().iter().map(|class| class.rows as usize).collect();
        assert_eq!(planned, expected);
    }
}

#[test]
fn every_row_of_a_class_comes_once_in_each_pass() {
    let cx = context().with_seed(3);
    let dataset = balanced(&cx, &COUNTS, Target::Uniform);
    let (rows, traces) = (take(&cx, &dataset, 0..600), provenance(&cx, &dataset, 0..600));
    let classes = mixed(&COUNTS);
    let mut seen: BTreeMap<(i64, u64), BTreeSet<i64>> = BTreeMap::new();
    for ((&id, &label), trace) in ids(&rows).iter().zip(&ints(&rows, "label")).zip(&traces) {
        assert_eq!(classes[id as usize] as i64, label);
        assert_eq!((trace.class, trace.origin), (Some(label as u32), Origin::Real));
        assert_eq!(trace.places[0].row, id as u64);
        assert!(
            seen.entry((label, trace.occurrence)).or_default().insert(id),
            "row {id} twice in a pass"
        );
    }
    // 150 of each class: two and a half passes over 60 rows, six over 25, fifteen over 10, thirty over 5.
    for (class, passes) in [(0, 2), (1, 6), (2, 15), (3, 30)] {
        let full = seen
            .iter()
            .filter(|((label, _), ids)| *label == class && ids.len() == COUNTS[class as usize]);
        assert_eq!(full.count(), passes);
    }
    assert_eq!(seen[&(0, 2)].len(), 30);
}

#[test]
fn views_take_turns_pass_by_pass() {
    let cx = context().with_seed(3);
    let views = pictures(&COUNTS)
        .image("image", Image::new(8).gaussian_noise(0.3))
        .unwrap()
        .views(3)
        .unwrap();
    let dataset = cx.block_on(views.balance(&cx, "label", Target::Uniform)).unwrap();
    for trace in provenance(&cx, &dataset, 0..200) {
        let expected = if trace.occurrence % 3 == 0 {
            Origin::Real
        } else {
            Origin::Augmented
        };
        assert_eq!(trace.origin, expected, "{trace:?}");
    }
}

fn labels(cx: &Context, dataset: &impl Stable) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, dataset, "label")).unwrap())
}

fn smote(cx: &Context, counts: &[usize], largest: u64) -> Result<Smote> {
    let rows: Arc<dyn Stable> = Arc::new(table(counts));
    let labels = labels(cx, &rows);
    cx.block_on(Smote::fit(cx, rows, &labels, SmoteSpec::new("x").largest(largest)))
}

#[test]
fn synthetic_rows_keep_to_their_share() {
    let cx = context().with_seed(3);
    let counts = [60, 25, 10, 1];
    for (share, expected) in [(0.0, [0, 0, 0]), (0.5, [0, 7, 15]), (1.0, [0, 15, 30])] {
        let smote = smote(&cx, &counts, 100).unwrap();
        let dataset = balanced(&cx, &counts, Target::Uniform)
            .rows(160)
            .fill(Arc::new(smote), share)
            .unwrap();
        for epoch in 0..3 {
            let traces = provenance(&cx, &dataset, epoch * 160..(epoch + 1) * 160);
            let made = |class| {
                traces
                    .iter()
                    .filter(|t| t.origin == Origin::Synthetic && t.class == Some(class))
                    .count()
            };
            assert_eq!([made(0), made(1), made(2)], expected, "share {share}");
            assert_eq!(made(3), 0, "one row has no neighbour");
            let of = |class| traces.iter().filter(|trace| trace.class == Some(class)).count();
            assert_eq!([of(0), of(1), of(2), of(3)], [40; 4]);
        }
        let planned: Vec<_> = dataset.quotas().iter().map(|class| class.synthetic as usize).collect();
        assert_eq!(planned, [&expected[..], &[0]].concat());
    }
}

#[test]
fn stored_rows_still_come_in_passes_beside_synthetic_ones() {
    let cx = context().with_seed(3);
    let smote = Arc::new(smote(&cx, &COUNTS, 100).unwrap());
    let dataset = balanced(&cx, &COUNTS, Target::Uniform).fill(smote, 0.7).unwrap();
    let mut seen: BTreeMap<(Option<u32>, u64), BTreeSet<u64>> = BTreeMap::new();
    let mut samples = BTreeSet::new();
    for trace in provenance(&cx, &dataset, 0..1000) {
        if trace.origin == Origin::Synthetic {
            samples.insert(format!("{:?}", trace.places));
            continue;
        }
        let pass = seen.entry((trace.class, trace.occurrence)).or_default();
        assert!(pass.insert(trace.places[0].row), "twice in a pass");
    }
    let last = seen
        .iter()
        .filter(|((class, _), rows)| rows.len() < COUNTS[class.unwrap() as usize]);
    assert!(last.count() <= 4, "only a class's last pass is not through");
    assert!(samples.len() > 60, "{} different pairs", samples.len());
}

/// Squared distances, the simple way.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[test]
fn smote_interpolates_between_near_rows_of_one_class() {
    let (cx, counts) = (context().with_seed(3), [60, 25, 10, 4]);
    let (smote, classes) = (smote(&cx, &counts, 30).unwrap(), mixed(&counts));
    let all = vectors(&take(&cx, &table(&counts), 0..99));
    assert_eq!(
        [0, 1, 2, 3, 4].map(|class| smote.supports(class)),
        [false, true, true, true, false]
    );
    for class in 1..4_u32 {
        let pool: Vec<usize> = (0..99).filter(|&row| classes[row] == class as usize).collect();
        let samples: Vec<SampleId> = (0..300).map(|index| SampleId { class, index }).collect();
        let made = cx.block_on(smote.generate(&cx, &samples)).unwrap();
        let mut neighbours: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (row, &sample) in vectors(&made).iter().zip(&samples) {
            let trace = smote.provenance(&cx, sample);
            let [a, b] = [0, 1].map(|parent| trace.places[parent].row as usize);
            assert!(
                a != b && pool.contains(&a) && pool.contains(&b),
                "class {class}: {a} and {b}"
            );
            neighbours.entry(a).or_default().insert(b);
            let on_line = |(value, (a, b)): (&f32, (&f32, &f32))| {
                let slack = 1e-6 * (a.abs() + b.abs());
                *value >= a.min(*b) - slack && *value <= a.max(*b) + slack
            };
            assert!(row.iter().zip(all[a].iter().zip(&all[b])).all(on_line));
            let along = (row[0] - all[a][0]) / (all[b][0] - all[a][0]);
            let same = row.iter().zip(all[a].iter().zip(&all[b]));
            assert!(
                same.into_iter()
                    .all(|(value, (a, b))| (a + (b - a) * along - value).abs() < 1e-3)
            );
        }
        for (a, found) in neighbours {
            let mut nearest: Vec<usize> = pool.iter().copied().filter(|&b| b != a).collect();
            nearest.sort_by(|&b, &c| distance(&all[a], &all[b]).total_cmp(&distance(&all[a], &all[c])));
            nearest.truncate(5.min(pool.len() - 1));
            assert!(
                found.iter().all(|b| nearest.contains(b)),
                "class {class}, row {a}: {found:?} of {nearest:?}"
            );
        }
        assert!(ints(&made, "label").iter().all(|&label| label == i64::from(class)));
    }
}

#[test]
fn parents_are_the_given_rows_alone() {
    let cx = context().with_seed(3);
    let train: Vec<u64> = (0..100).filter(|row| row % 3 != 0).collect();
    let rows: Arc<dyn Stable> = Arc::new(table(&COUNTS).select(train.clone()).unwrap());
    let labels = labels(&cx, &rows);
    let smote = cx
        .block_on(Smote::fit(&cx, Arc::clone(&rows), &labels, SmoteSpec::new("x")))
        .unwrap();
    let dataset = rows.with_labels(&labels).unwrap();
    let dataset = cx.block_on(dataset.balance(&cx, "label", Target::Uniform)).unwrap();
    let dataset = dataset.fill(Arc::new(smote), 1.0).unwrap();
    let traces = provenance(&cx, &dataset, 0..500);
    assert!(traces.iter().any(|trace| trace.origin == Origin::Synthetic));
    assert!(
        traces
            .iter()
            .flat_map(|trace| &trace.places)
            .all(|place| train.contains(&place.row))
    );
}

#[test]
fn blend_makes_pictures_of_two_parents_of_one_class() {
    let cx = context().with_seed(3);
    let counts = [30, 10, 2, 1];
    let rows: Arc<dyn Stable> = Arc::new(pictures(&counts));
    let labels = labels(&cx, &rows);
    let spec = BlendSpec {
        elastic: Elastic::new().alpha(0.0).weight(0.5..=0.5),
        ..BlendSpec::default()
    };
    let blend = Blend::new(Arc::clone(&rows), &labels, spec).unwrap();
    assert_eq!(
        [0, 1, 2, 3, 4].map(|class| blend.supports(class)),
        [true, true, true, false, false]
    );
    let samples: Vec<SampleId> = (0..40)
        .map(|index| SampleId {
            class: 1 + index as u32 % 2,
            index,
        })
        .collect();
    let made = cx.block_on(blend.generate(&cx, &samples)).unwrap();
    assert_eq!(made.schema().field(0).data_type(), rows.schema().field(0).data_type());
    for (row, &sample) in samples.iter().enumerate() {
        let trace = blend.provenance(&cx, sample);
        assert_eq!((trace.origin, trace.class), (Origin::Synthetic, Some(sample.class)));
        assert_eq!(trace.generator.as_deref(), Some("blend"));
        let [a, b] = [0, 1].map(|parent| trace.places[parent].row);
        assert!(a != b && [a, b].iter().all(|&row| labels.class(row) == sample.class));
        // Without deformation and half and half, it is the mean of the two.
        let (a, b, child) = (
            picture(a),
            picture(b),
            decoded(made["image"].as_binary::<i32>().value(row)),
        );
        let mean = a
            .levels
            .iter()
            .zip(&b.levels)
            .map(|(&a, &b)| (i32::from(a) + i32::from(b)) / 2);
        assert!(
            child
                .levels
                .iter()
                .zip(mean)
                .all(|(&level, mean)| (i32::from(level) - mean).abs() <= 1)
        );
    }
    let dataset = cx.block_on(rows.balance(&cx, "label", Target::Uniform)).unwrap();
    let dataset = dataset.fill(Arc::new(blend), 1.0).unwrap();
    let made: BTreeSet<_> = provenance(&cx, &dataset, 0..43)
        .iter()
        .filter(|trace| trace.origin == Origin::Synthetic)
        .map(|trace| trace.class)
        .collect();
    assert_eq!(made, BTreeSet::from([Some(1), Some(2)]));
}

/// A file's pixels as they are.
fn decoded(png: &[u8]) -> Pixels {
    let image = image::load_from_memory(png).unwrap().to_rgb8();
    Pixels {
        width: image.width(),
        height: image.height(),
        levels: image.into_raw(),
    }
}

#[test]
fn the_same_draft_is_the_same_row_and_another_seed_another() {
    let cx = context().with_seed(3);
    let smote = smote(&cx, &COUNTS, 100).unwrap();
    let sample = |index| SampleId { class: 2, index };
    let make = |cx: &Context, samples: &[SampleId]| vectors(&cx.block_on(smote.generate(cx, samples)).unwrap());
    let both = make(&cx, &[sample(0), sample(1), sample(0)]);
    assert!(both[0] == both[2] && both[0] != both[1]);
    assert_eq!(make(&cx, &[sample(1)])[0], both[1]);
    assert_ne!(make(&cx.with_seed(4), &[sample(1)])[0], both[1]);
}

/// Rows with these labels, and class names of a Hugging Face kind.
fn named(values: Vec<Option<i64>>, names: &str) -> Memory {
    let field = Field::new("label", DataType::Int64, true);
    let field = field.with_metadata([(CLASS_NAMES.to_owned(), names.to_owned())].into());
    let schema = Arc::new(Schema::new(vec![field]));
    let column: ArrayRef = Arc::new(Int64Array::from(values));
    Memory::new(vec![RecordBatch::try_new(schema, vec![column]).unwrap()]).unwrap()
}

#[test]
fn labels_that_make_no_sense_are_named() {
    let cx = context();
    let balance = |dataset: Memory, target| cx.block_on(dataset.balance(&cx, "label", target));
    let cats = "[\"cat\",\"dog\",\"eel\"]";
    refused(
        balance(
            named(vec![Some(0), Some(1)], cats),
            Target::Weights(vec![1.0, 1.0, 0.5]),
        ),
        ErrorKind::Config,
        "class \"eel\" has no rows, so its weight cannot be 0.5: give it the weight 0",
    );
    balance(
        named(vec![Some(0), Some(1)], cats),
        Target::Weights(vec![1.0, 1.0, 0.0]),
    )
    .unwrap();
    balance(named(vec![Some(0), Some(1)], cats), Target::Sqrt).unwrap();
    refused(
        balance(named(vec![Some(0), Some(3)], cats), Target::Sqrt),
        ErrorKind::Data,
        "row 1 in memory: column \"label\": label 3 is outside the 3 class names (1 of 2 rows)",
    );
    refused(
        balance(named(vec![Some(0), None], cats), Target::Sqrt),
        ErrorKind::Data,
        "row 1 in memory: column \"label\": the label is null (1 of 2 rows)",
    );
    refused(
        balance(named(vec![Some(0)], "cat, dog"), Target::Sqrt),
        ErrorKind::Schema,
        "column \"label\": class names are no JSON array: expected value at line 1 column 1",
    );
    refused(
        cx.block_on(table(&COUNTS).balance(&cx, "lable", Target::Sqrt)),
        ErrorKind::Schema,
        "no column \"lable\"; there are \"id\", \"label\", \"x\"",
    );
    refused(
        cx.block_on(table(&COUNTS).balance(&cx, "x", Target::Sqrt)),
        ErrorKind::Schema,
        "column \"x\" holds FixedSizeList(4 x non-null Float32); a list of labels holds integers or strings; probabilities and \
         multi-hot rows are no lists of classes, but numbers to be read as they are",
    );
    let of = |column: ArrayRef| {
        let rows = Memory::new(vec![RecordBatch::try_from_iter([("label", column)]).unwrap()]).unwrap();
        cx.block_on(rows.balance(&cx, "label", Target::Uniform))
    };
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(0), Some(2)])]);
    refused(
        of(Arc::new(lists)),
        ErrorKind::Schema,
        "column \"label\" holds List(Int32): a row has several classes (multi-label), and a balance needs one: balance by the \
         rarest class of each row with `balance_rarest`, or make a column with one class a row from it with map",
    );
    refused(
        of(Arc::new(Float64Array::from(vec![0.5]))),
        ErrorKind::Schema,
        "column \"label\" holds Float64: a number (regression target) has no class, and a balance needs one: use the column as it \
         is for a regression, or make a column of classes from it with map, by bins for example",
    );
    let one = cx.block_on(Labels::scan(&cx, &table(&[1]), "label")).unwrap();
    let other = cx.block_on(Labels::scan_as(&cx, &table(&[1, 1]), "label", &one));
    let error = other.unwrap_err().to_string();
    assert!(
        error.ends_with("column \"label\": label class 1 is outside the 1 class name (1 of 2 rows)"),
        "{error}"
    );
}

#[test]
fn a_class_without_rows_has_no_share() {
    let cx = context();
    let four = "[\"ant\",\"bee\",\"cat\",\"dog\"]";
    // 8 ants, no bee, 3 cats, 1 dog.
    let values: Vec<Option<i64>> = [0, 0, 2, 0, 0, 3, 0, 2, 0, 0, 2, 0].map(Some).to_vec();
    let balanced = |target| {
        cx.block_on(named(values.clone(), four).balance(&cx, "label", target))
            .unwrap()
    };
    let rows = |balance: &Balance<Memory>| balance.quotas().iter().map(|class| class.rows).collect::<Vec<_>>();
    let beta = Target::EffectiveNumber(0.9);
    assert_eq!(rows(&balanced(Target::Uniform)), [4, 0, 4, 4]);
    assert_eq!(rows(&balanced(Target::Power(0.0))), [4, 0, 4, 4]);
    assert_eq!(rows(&balanced(Target::Power(1.0))), [8, 0, 3, 1]);
    assert_eq!(rows(&balanced(Target::Power(-1.0))), [1, 0, 3, 8]);
    for target in [Target::Sqrt, beta] {
        let given = rows(&balanced(target));
        assert_eq!((given[1], given.iter().sum::<u64>()), (0, 12), "{given:?}");
    }
    let plan = balanced(Target::Uniform).describe().to_string();
    assert!(
        plan.contains("classes without rows have the share 0: \"bee\""),
        "{plan}"
    );
    assert!(!plan.contains("bee  "), "{plan}");

    // Nothing that is set afterwards gives it a row: a cap, a second target, a generator.
    let capped = balanced(Target::Uniform).cap(2).unwrap();
    assert_eq!(rows(&capped), [5, 0, 5, 2]);
    let ramp = millstream::mix::Schedule::constant(0.0).ramp(0..64, 1.0);
    let toward = balanced(Target::Power(1.0))
        .block(4)
        .toward(Target::Uniform, ramp)
        .unwrap();
    for balance in [balanced(Target::Uniform), capped, toward] {
        let classes = (0..600).map(|position| balance.provenance(&cx, position).class.unwrap());
        let mut counts = [0; 4];
        classes.for_each(|class| counts[class as usize] += 1);
        assert_eq!(counts[1], 0, "{counts:?}");
        assert!(
            counts.iter().all(|&count| count > 0 || counts[1] == count),
            "{counts:?}"
        );
    }
    refused(
        cx.block_on(named(vec![None], four).balance(&cx, "label", Target::Uniform)),
        ErrorKind::Data,
        "row 0 in memory: column \"label\": the label is null (1 of 1 row)",
    );
}

#[test]
fn targets_that_make_no_sense_are_named() {
    let cx = context();
    let check = |target, text: &str| {
        let balance = cx.block_on(table(&[5, 5]).balance(&cx, "label", target));
        refused(balance, ErrorKind::Config, text);
    };
    check(Target::Weights(vec![1.0]), "1 weights for 2 classes");
    check(
        Target::Weights(vec![1.0, -1.0]),
        "weights[1] is -1, but a weight is a number of at least 0",
    );
    check(Target::Weights(vec![0.0, 0.0]), "weights: those of all classes are 0");
    check(
        Target::EffectiveNumber(1.0),
        "effective_number: beta is 1, but has to be at least 0 and below 1",
    );
    check(
        Target::Power(f64::NAN),
        "power is NaN, but has to be a number in -16 to 16",
    );
    let smote = Arc::new(smote(&cx, &[5, 5], 100).unwrap());
    let fill = balanced(&cx, &[5, 5], Target::Uniform).fill(smote, 1.5);
    refused(
        fill,
        ErrorKind::Config,
        "fill: the synthetic share is 1.5, not in 0 to 1",
    );
}

#[test]
fn a_view_that_makes_no_sense_is_named_when_a_row_is_made_of_it() {
    let cx = context();
    let below: Arc<dyn Stable> = Arc::new(
        pictures(&[3])
            .image("image", Image::new(8).gaussian_noise(0.1))
            .unwrap()
            .views(2)
            .unwrap(),
    );
    let labels = labels(&cx, &below);
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values = Float32Array::from(vec![1.0, 2.0, 3.0, 4.0, f32::INFINITY, 6.0]);
    let x: ArrayRef = Arc::new(FixedSizeListArray::new(item, 1, Arc::new(values), None));
    let label: ArrayRef = Arc::new(Int64Array::from(vec![0; 6]));
    let rows = RecordBatch::try_from_iter([("label", label), ("x", x)]).unwrap();
    let rows: Arc<dyn Stable> = Arc::new(Cached::new(below, rows, Plan::new("numbers")).unwrap());
    let spec = SmoteSpec {
        k: 2,
        ..SmoteSpec::new("x")
    };
    let smote = cx.block_on(Smote::fit(&cx, rows, &labels, spec)).unwrap();
    let made = |index| cx.block_on(smote.generate(&cx, &[SampleId { class: 0, index }]));
    let bad = |index| {
        smote
            .provenance(&cx, SampleId { class: 0, index })
            .places
            .iter()
            .any(|place| place.row == 1)
    };
    let (refused, fine): (Vec<_>, Vec<_>) = (0..40)
        .map(|index| (index, made(index)))
        .partition(|(_, row)| row.is_err());
    assert!(!fine.is_empty() && !refused.is_empty());
    for (index, error) in refused {
        let error = error.unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("row 1 in memory: column \"x\" holds inf: leave the row out"),
            "{error}"
        );
        assert_eq!(
            (error.kind(), error.index(), bad(index)),
            (ErrorKind::Data, Some(0), true)
        );
    }
}

#[test]
fn features_that_make_no_sense_are_named() {
    let cx = context();
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values = [1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0];
    let x = FixedSizeListArray::new(item, 2, Arc::new(Float32Array::from(values.to_vec())), None);
    let label: ArrayRef = Arc::new(StringArray::from(vec!["a"; 3]));
    let rows = RecordBatch::try_from_iter([("label", label), ("x", Arc::new(x) as ArrayRef)]).unwrap();
    let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![rows]).unwrap());
    let labels = labels(&cx, &rows);
    let fit = |column: &'static str| cx.block_on(Smote::fit(&cx, Arc::clone(&rows), &labels, SmoteSpec::new(column)));
    let text = "row 1 in memory: column \"x\" holds NaN: leave the row out";
    refused(fit("x"), ErrorKind::Data, text);
    let text = "column \"label\" is no tensor of f32 without nulls";
    refused(fit("label"), ErrorKind::Schema, text);
    let age: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let label: ArrayRef = Arc::new(StringArray::from(vec!["a"; 3]));
    let ages = RecordBatch::try_from_iter([("label", label), ("age", age)]).unwrap();
    let ages: Arc<dyn Stable> = Arc::new(Memory::new(vec![ages]).unwrap());
    let text = "column \"age\" holds Int64, and `column` names a tensor of f32: name columns of numbers in `columns`";
    let plain = Smote::fit(&cx, Arc::clone(&ages), &labels, SmoteSpec::new("age"));
    refused(cx.block_on(plain), ErrorKind::Schema, text);
    let spec = BlendSpec {
        column: "label".to_owned(),
        ..BlendSpec::default()
    };
    let blend = Blend::new(Arc::clone(&rows), &labels, spec);
    let text = "column \"label\" holds Utf8, not encoded bytes (Binary)";
    refused(blend, ErrorKind::Schema, text);
}

#[test]
fn a_bad_parent_names_both() {
    let cx = context().with_seed(3);
    let image: ArrayRef = Arc::new(arrow::array::BinaryArray::from_iter_values(["no image"; 3]));
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values([0, 1, 1]));
    let rows = RecordBatch::try_from_iter([("image", image), ("label", label)]).unwrap();
    let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![rows]).unwrap());
    let blend = Blend::new(Arc::clone(&rows), &labels(&cx, &rows), BlendSpec::default()).unwrap();
    let dataset = cx
        .block_on(rows.balance(&cx, "label", Target::Weights(vec![0.0, 1.0])))
        .unwrap();
    let dataset = dataset.rows(4).fill(Arc::new(blend), 1.0).unwrap();
    let mut loader = dataset.loader(&cx).batch_size(4).blocking().unwrap();
    let error = loader.next().unwrap().unwrap_err().to_string();
    let (places, rest) = error.split_once(" (position ").unwrap();
    assert!(
        [
            "row 1 in memory and row 2 in memory",
            "row 2 in memory and row 1 in memory"
        ]
        .contains(&places),
        "{error}"
    );
    assert!(
        rest.ends_with("blend \"image\": not an image: starts with [6e, 6f, 20, 69, 6d, 61, 67, 65] (\"no image\")"),
        "{error}"
    );
}

#[test]
fn held_rows_change_nothing() {
    let rows = |memory| {
        let cx = Context::with(2, memory).unwrap().with_seed(3);
        let dataset = cx
            .block_on(common::fashion(&cx).balance(&cx, "label", Target::Uniform))
            .unwrap();
        take(&cx, &dataset, 100..400)
    };
    assert!(rows(1) == rows(1 << 28));
    assert!(rows(100_000) == rows(1 << 28));
}

#[test]
fn explain_tells_what_each_class_is_given() {
    let cx = context();
    let smote = Arc::new(smote(&cx, &COUNTS, 100).unwrap());
    let dataset = balanced(&cx, &COUNTS, Target::Uniform).fill(smote, 0.5).unwrap();
    let text = dataset.describe().to_string();
    assert!(
        text.contains("class 3            5 ->      25, each 3.00 times, 10 synthetic"),
        "{text}"
    );
    assert!(text.contains("smote") && text.contains("k 5"), "{text}");
    assert!(
        text.contains("a pass over class 0: neighbours from one block"),
        "{text}"
    );
}

#[test]
fn unlike_seeds_draw_unlike_orders() {
    let dataset = |cx: &Context| ids(&take(cx, &balanced(cx, &COUNTS, Target::Uniform), 0..64));
    let cx = context();
    assert_ne!(dataset(&cx.with_seed(1)), dataset(&cx.with_seed(2)));
    assert_eq!(dataset(&cx.with_seed(1)), dataset(&cx.with_seed(1)));
}
