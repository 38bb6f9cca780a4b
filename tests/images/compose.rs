//! Operations that run others: what share of the rows gets what, what draws from which stream, how it is written, and what is refused.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, ListArray, RecordBatch, StringArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, UInt8Type};
use millstream::image::{
    Boxes, Brightness, ByClass, Classes, Drawn, GaussianBlur, GaussianNoise, HorizontalFlip, Identity, Image, Motion,
    OneOf, Operation, Operations, Pixels, RandomApply, RandomErasing, RandomOrder, Rotate, Saturation, Sequential,
    SomeOf, Subject,
};
use millstream::registry::Registry;
use millstream::rng::Rng;
use millstream::rows::{BoxFormat, ClassEncoded};
use millstream::source::Memory;
use millstream::spec::{Spec, from_toml};
use millstream::{Context, Dataset, DatasetExt, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ROWS: u64 = 20_000;

/// Notes its number in the picture, whose level is the list of all that were noted, four bits each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Digit {
    n: u8,
}

impl Spec for Digit {
    const NAME: &'static str = "digit";
}

impl Operation for Digit {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        let n = self.n;
        Drawn::values(move |pixels| pixels.map(&std::array::from_fn(|level| (level as u8) << 2 | n)))
    }

    fn is_random(&self) -> bool {
        false
    }
}

pub(super) fn digits() -> (Digit, Digit, Digit) {
    (Digit { n: 1 }, Digit { n: 2 }, Digit { n: 3 })
}

/// The digits, in their order, that `operation` notes in row `row`: `21` for the second and then the first.
fn noted(operation: &impl Operation, row: u64) -> u32 {
    let mut pixels = Pixels::new(1, 1);
    operation.apply(&mut pixels, &mut Rng::new(3, operation.name(), row));
    let level = pixels.levels[0];
    [6, 4, 2, 0].into_iter().fold(0, |all, shift| match level >> shift & 3 {
        0 => all,
        digit => all * 10 + u32::from(digit),
    })
}

fn counts(operation: &impl Operation) -> BTreeMap<u32, u64> {
    let mut counts = BTreeMap::new();
    for row in 0..ROWS {
        *counts.entry(noted(operation, row)).or_insert(0) += 1;
    }
    counts
}

/// Compares what is drawn for 20,000 rows with `shares`, at a level of 0.001.
fn check_shares(operation: &impl Operation, shares: &[(u32, f64)]) {
    let counts = counts(operation);
    let expected: Vec<u32> = shares.iter().map(|(noted, _)| *noted).collect();
    assert!(
        counts.keys().all(|noted| expected.contains(noted)),
        "{operation:?}: {counts:?}"
    );
    assert!((shares.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
    let chi: f64 = shares
        .iter()
        .map(|(noted, share)| {
            let (count, expected) = (counts.get(noted).copied().unwrap_or(0) as f64, share * ROWS as f64);
            (count - expected).powi(2) / expected
        })
        .sum();
    let limit = [0.0, 10.8, 13.8, 16.3, 18.5, 20.5, 22.5, 24.3, 26.1, 27.9][shares.len() - 1];
    assert!(
        chi <= limit,
        "{operation:?}: chi-square {chi} above {limit}: {counts:?}"
    );
}

#[test]
fn rows_get_what_the_arithmetic_says() {
    let three = || Operations::from(digits());
    check_shares(&RandomApply::new(0.3, three()), &[(0, 0.7), (123, 0.3)]);
    check_shares(&Sequential::new(three()), &[(123, 1.0)]);
    let third = 1.0 / 3.0;
    check_shares(&OneOf::new(three()), &[(1, third), (2, third), (3, third)]);
    let weighted = OneOf::new(three()).weights([2.0, 0.0, 6.0]).p(0.8);
    check_shares(&weighted, &[(0, 0.2), (1, 0.2), (3, 0.6)]);
    let two = SomeOf::new(2..=2, three());
    check_shares(&two, &[(12, third), (13, third), (23, third)]);
    let sixth = 1.0 / 6.0;
    let orders = [
        (12, sixth),
        (21, sixth),
        (13, sixth),
        (31, sixth),
        (23, sixth),
        (32, sixth),
    ];
    check_shares(&two.clone().random_order(true), &orders);
    let (once, twice) = (1.0 / 9.0, 2.0 / 9.0);
    let pairs = [
        (11, once),
        (22, once),
        (33, once),
        (12, twice),
        (13, twice),
        (23, twice),
    ];
    check_shares(&two.replace(true), &pairs);
    let some = SomeOf::new(0..=1, three()).p(0.5);
    check_shares(&some, &[(0, 0.75), (1, 0.25 / 3.0), (2, 0.25 / 3.0), (3, 0.25 / 3.0)]);
    let all = [
        (123, sixth),
        (132, sixth),
        (213, sixth),
        (231, sixth),
        (312, sixth),
        (321, sixth),
    ];
    check_shares(&RandomOrder::new(three()), &all);
    let (one, two, _) = digits();
    let nested = OneOf::new((RandomApply::new(0.5, one), two)).p(0.8);
    check_shares(&nested, &[(0, 0.4), (1, 0.2), (2, 0.4)]);
}

#[test]
fn plans_say_on_what_share_of_the_rows_each_is_run() {
    let (one, two, three) = digits();
    let nested = OneOf::new((
        RandomApply::new(0.5, one.clone()),
        SomeOf::new(1..=2, (two, three, one)),
    ))
    .weights([1.0, 3.0])
    .p(0.8);
    let plan = Image::new(8).with(nested).plan().to_string();
    let said = "on shares of the rows: one_of.random_apply 20%, one_of.random_apply.digit 10%, one_of.some_of 60%, \
                one_of.some_of.digit 30%, one_of.some_of.digit#2 30%, one_of.some_of.digit#3 30%";
    assert!(plan.contains(said), "{plan}");
    let replaced = Image::new(8)
        .with(SomeOf::new(2..=2, digits()).replace(true))
        .plan()
        .to_string();
    assert!(replaced.contains("some_of.digit 55.56%"), "{replaced}");
}

/// What each row's operation draws, where it is run.
fn words(operation: &impl Operation, name: &str) -> Vec<Option<String>> {
    let subject = Subject::new([32, 24]);
    let row = |row| {
        let words = operation.in_words(&subject, &mut Rng::new(3, "any", row))?;
        words
            .split(", ")
            .find_map(|one| Some(one.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    };
    (0..400).map(row).collect()
}

#[test]
fn others_leave_the_draws_of_an_operation_as_they_were() {
    let alone = words(&Sequential::new(Rotate::new(10.0)), "rotate");
    assert!(alone.iter().all(Option::is_some));
    let distinct: BTreeSet<_> = alone.iter().collect();
    assert!(distinct.len() > 350, "{}", distinct.len());
    let same = |operation: &dyn Fn() -> Vec<Option<String>>| {
        let (drawn, mut runs) = (operation(), 0);
        for (drawn, alone) in drawn.iter().zip(&alone) {
            runs += u32::from(drawn.is_some());
            assert!(drawn.is_none() || drawn == alone, "{drawn:?} {alone:?}");
        }
        runs
    };
    let rotate = || Rotate::new(10.0);
    let others = (GaussianBlur::new(0.1..=2.0), rotate(), GaussianNoise::new(0.1));
    assert_eq!(
        same(&|| words(&Sequential::new((Brightness::new(0.4), rotate())), "rotate")),
        400
    );
    assert!((100..180).contains(&same(&|| words(&OneOf::new(others.clone()), "rotate"))));
    let weighted = || OneOf::new(others.clone()).weights([1.0, 9.0, 0.0]).p(0.9);
    assert!((290..360).contains(&same(&|| words(&weighted(), "rotate"))));
    assert!((180..320).contains(&same(&|| words(&SomeOf::new(1..=3, others.clone()), "rotate"))));
    assert_eq!(same(&|| words(&RandomOrder::new(others.clone()), "rotate")), 400);
    // Inside of another one it draws from another stream, whatever stands beside it there.
    let inner = |others: bool| match others {
        true => words(
            &Sequential::new((Identity::new(), RandomApply::new(0.5, rotate()))),
            "random_apply: rotate",
        ),
        false => words(
            &Sequential::new(RandomApply::new(0.5, rotate())),
            "random_apply: rotate",
        ),
    };
    assert_eq!(inner(true), inner(false));
}

#[test]
fn what_is_drawn_is_independent_of_what_is_chosen_and_of_each_other() {
    // The sign of an angle against which operation was chosen, and against the sign of a second angle: four cells of a quarter.
    let quarter = |cells: &dyn Fn(u64) -> (bool, bool)| {
        let mut counts = [0_u64; 4];
        for row in 0..ROWS {
            let (a, b) = cells(row);
            counts[usize::from(a) * 2 + usize::from(b)] += 1;
        }
        let expected = ROWS as f64 / 4.0;
        let chi: f64 = counts
            .iter()
            .map(|&count| (count as f64 - expected).powi(2) / expected)
            .sum();
        assert!(chi < 16.3, "{counts:?}");
    };
    let subject = Subject::new([32, 24]);
    let said = |operation: &dyn Operation, row| {
        operation
            .in_words(&subject, &mut Rng::new(5, operation.name(), row))
            .unwrap()
    };
    let is_left = |words: &str| words.contains('-');
    let one = OneOf::new((Rotate::new(10.0), Rotate::new(20.0)));
    quarter(&|row| (said(&one, row).contains("#2"), is_left(&said(&one, row))));
    let two = Sequential::new((Rotate::new(10.0), Rotate::new(20.0)));
    quarter(&|row| {
        let words = said(&two, row);
        let (first, second) = words.split_once(", ").unwrap();
        (is_left(first), is_left(second))
    });
    // One that is chosen twice draws twice.
    let twice = SomeOf::new(2..=2, Rotate::new(10.0)).replace(true);
    quarter(&|row| {
        let words = said(&twice, row);
        let (first, second) = words.split_once(", ").unwrap();
        (is_left(first), is_left(second))
    });
    // Two of one kind in a stage.
    let first = |row| noted(&OneOf::new(digits()), row);
    let alike = (0..ROWS).filter(|&row| {
        let mut pixels = Pixels::new(1, 1);
        OneOf::new(digits()).apply(&mut pixels, &mut Rng::new(3, "one_of", 1 << 40 | row));
        u32::from(pixels.levels[0]) == first(row)
    });
    let share = alike.count() as f64 / ROWS as f64;
    assert!((share - 1.0 / 3.0).abs() < 0.015, "{share}");
}

/// One-pixel pictures of classes 0, 1, 2 in turn.
pub(super) fn rows(count: usize) -> Memory {
    let picture = Pixels::new(1, 1).to_png().unwrap();
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..count).map(|_| &picture)));
    let labels: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..count).map(|row| ["glass", "paper", "trash"][row % 3]),
    ));
    Memory::new(vec![
        RecordBatch::try_from_iter([("image", pictures), ("label", labels)]).unwrap(),
    ])
    .unwrap()
}

fn classes(cx: &Context, count: usize) -> ClassEncoded<Memory> {
    cx.block_on(rows(count).classes(cx, "label")).unwrap()
}

/// The levels of the first pixel, by row.
fn levels(cx: &Context, rows: &impl Dataset, positions: &[u64]) -> Vec<u8> {
    let batch = cx.block_on(rows.take(cx, positions)).unwrap();
    let images = batch.column_by_name("image").unwrap().as_fixed_size_list();
    let levels = images.values().as_primitive::<UInt8Type>().values();
    levels.chunks_exact(3).map(|pixel| pixel[0]).collect()
}

pub(super) fn by_class() -> ByClass {
    let (one, two, _) = digits();
    ByClass::new(["trash", "glass"], one).otherwise(two)
}

#[test]
fn each_class_gets_its_operations() {
    let cx = Context::with(1, 1 << 20).unwrap();
    let stage = Image::new(1).with(by_class()).as_u8();
    let rows = classes(&cx, 9).image("image", stage.clone()).unwrap();
    assert_eq!(levels(&cx, &rows, &[0, 1, 2, 4, 5, 9, 10]), [1, 2, 1, 2, 1, 1, 2]);
    let few = Image::new(1)
        .with(ByClass::fewer_than(5, digits().2))
        .classes(Classes::new(["glass", "paper", "trash"], [9, 4, 5]))
        .as_u8();
    let rows = classes(&cx, 9).image("image", few).unwrap();
    assert_eq!(levels(&cx, &rows, &[0, 1, 2]), [0, 3, 0]);
    // Never in the row without random augmentation: view 0.
    let views = classes(&cx, 9).image("image", stage.clone()).unwrap().views(2).unwrap();
    assert_eq!(levels(&cx, &views, &[0, 1, 2, 9, 10, 11]), [0, 0, 0, 1, 2, 1]);
    assert!(stage.is_random() && !stage.plain().is_random());
    // By hand, where there is no dataset.
    let known = stage.classes(Classes::new(["glass", "paper", "trash"], []));
    let preview = |class| {
        known
            .clone()
            .of_class(class)
            .preview(&Pixels::new(1, 1).to_png().unwrap(), &mut Rng::new(0, "", 0))
    };
    assert_eq!([0, 1, 2].map(|class| preview(class).unwrap().levels[0]), [1, 2, 1]);
    let steps = known
        .of_class(1)
        .steps(&Pixels::new(1, 1).to_png().unwrap(), &mut Rng::new(0, "", 0))
        .unwrap();
    assert_eq!(steps[2].drawn.as_deref(), Some("digit"));
}

#[test]
fn each_class_gets_its_operations_beside_masks_and_boxes() {
    let cx = Context::with(1, 1 << 20).unwrap();
    let all = rows(9);
    let batch = cx.block_on(all.take(&cx, &(0..9).collect::<Vec<_>>())).unwrap();
    let mask = Pixels::with_channels(1, 1, 1).to_png().unwrap();
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..9).map(|_| &mask)));
    let item = |data_type: &DataType| Arc::new(Field::new_list_field(data_type.clone(), true));
    let corners = Float32Array::from_iter_values((0..9).flat_map(|_| [0.0, 0.0, 1.0, 1.0]));
    let boxes = FixedSizeListArray::new(item(&DataType::Float32), 4, Arc::new(corners), None);
    let one_each = OffsetBuffer::from_lengths(vec![1; 9]);
    let boxes: ArrayRef = Arc::new(ListArray::new(item(boxes.data_type()), one_each, Arc::new(boxes), None));
    let columns = [
        ("image", Arc::clone(&batch["image"])),
        ("label", Arc::clone(&batch["label"])),
        ("mask", masks),
        ("boxes", boxes),
    ];
    let all = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let stage = || Image::new(1).with(by_class()).as_u8();
    let boxes = || Boxes::new("boxes", BoxFormat::Xyxy);
    for stage in [
        stage().mask("mask"),
        stage().boxes(boxes()),
        stage().mask("mask").boxes(boxes()),
    ] {
        let rows = cx.block_on(all.clone().classes(&cx, "label")).unwrap();
        let rows = rows.image("image", stage.clone()).unwrap();
        assert_eq!(levels(&cx, &rows, &[0, 1, 2, 4]), [1, 2, 1, 2], "{stage:?}");
        let batch = cx.block_on(rows.take(&cx, &[0, 1])).unwrap();
        // Each column has its own values, moved or not.
        let boxes = batch["boxes"].as_list::<i32>().value(1);
        let corners = boxes.as_fixed_size_list().value(0);
        assert_eq!(corners.as_primitive::<Float32Type>().values(), &[0.0, 0.0, 1.0, 1.0]);
    }
}

/// Why `stage` cannot stand on `rows`.
pub(super) fn refused_on(rows: impl Dataset, stage: Image) -> String {
    rows.image("image", stage).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_stage_that_lacks_classes_says_what_to_do() {
    let cx = Context::with(1, 1 << 20).unwrap();
    // When it is built, before any row is asked for.
    let bound = |stage: Image, classed: bool| match classed {
        true => refused_on(classes(&cx, 9), stage),
        false => refused_on(rows(9), stage),
    };
    let none = bound(Image::new(1).with(by_class()), false);
    assert!(
        none.contains("by_class: the names of the classes are not known here: stand the stage on `.classes(column)`"),
        "{none}"
    );
    let told = Image::new(1)
        .with(by_class())
        .classes(Classes::new(["glass", "trash"], []));
    let none = bound(told.clone(), false);
    assert!(
        none.contains("by_class: the class of the row is not known: stand the stage on `.classes(column)`"),
        "{none}"
    );
    let other = bound(told, true);
    let said = "the classes of the rows are glass, paper, trash, but the stage was told glass, trash";
    assert!(other.contains(said), "{other}");
    let nested = Image::new(1).with(OneOf::new((Identity::new(), ByClass::new(["glas"], digits().0))));
    let unknown = bound(nested, true);
    let said = "one_of: operations[1]: by_class: classes: there is no class \"glas\": do you mean \"glass\"?";
    assert!(unknown.contains(said), "{unknown}");
    let counted = bound(Image::new(1).with(ByClass::fewer_than(5, digits().0)), true);
    assert!(
        counted.contains("fewer_than: the rows of each class are not known here"),
        "{counted}"
    );
    let (one, two, _) = digits();
    let same = ByClass::new(["glass"], Sequential::new(one)).otherwise(Sequential::new(two));
    let stage = Image::new(1)
        .with(same)
        .classes(Classes::new(["glass", "paper"], [30, 10]));
    let plan = stage.plan().to_string();
    assert!(plan.contains("by_class.classes_found glass"), "{plan}");
    assert!(
        plan.contains("by_class.sequential.digit 75%") && plan.contains("by_class.otherwise.sequential 25%"),
        "{plan}"
    );
}

#[cfg(feature = "testing")]
#[test]
fn rows_with_composed_operations_keep_the_law() {
    use millstream::testing;
    let cx = Context::with(2, 1 << 22).unwrap();
    let stage = || {
        let inner = OneOf::new((
            Rotate::new(20.0),
            GaussianBlur::new(0.1..=1.0),
            SomeOf::new(1..=2, (GaussianNoise::new(0.1), Saturation::new(0.5))),
        ));
        let by_class = ByClass::new(["trash"], HorizontalFlip::new(0.5)).otherwise(Brightness::new(0.5));
        Image::new(6)
            .random_apply(0.7, inner)
            .random_order((Brightness::new(0.4), Rotate::new(5.0)))
            .with(by_class)
    };
    let rows = classes(&cx, 12).image("image", stage()).unwrap();
    cx.block_on(testing::check_law(&cx, &rows, 1)).unwrap();
    let views = rows.views(3).unwrap();
    cx.block_on(testing::check_stable(&cx, &views, 2)).unwrap();
}

fn read(text: &str) -> Result<Image> {
    Registry::new()
        .operation::<Digit>()
        .reading(|| from_toml::<Image>(text))
}

const NESTED: &str = r#"
size = 64

[[operations]]
one_of = { p = 0.5, weights = [2, 1, 1], operations = [
    { rotate = { degrees = 10 } },
    "saturation",
    { sequential = { operations = [{ digit = { n = 1 } }, { random_apply = { p = 0.3, operations = ["random_erasing"] } }] } },
] }

[[operations]]
some_of = { n = [1, 2], replace = true, operations = ["saturation", "random_erasing"] }

[[operations]]
by_class = { classes = ["trash", 7], operations = [{ horizontal_flip = { p = 0.5 } }], otherwise = [{ some_of = { n = 1, operations = ["random_erasing"] } }] }

[[operations]]
one_of.operations = ["identity", "random_erasing"]
"#;

#[test]
fn nested_operations_are_read_as_they_are_written() {
    let image = read(NESTED).unwrap();
    let inner = OneOf::new((
        Rotate::new(10.0),
        Saturation::default(),
        Sequential::new((Digit { n: 1 }, RandomApply::new(0.3, RandomErasing::default()))),
    ));
    let by_code = Image::new(64)
        .with(inner.p(0.5).weights([2.0, 1.0, 1.0]))
        .with(SomeOf::new(1..=2, (Saturation::default(), RandomErasing::default())).replace(true))
        .with(
            ByClass::new(["trash", "7"], HorizontalFlip::default())
                .otherwise(SomeOf::new(1..=1, RandomErasing::default())),
        )
        .one_of((Identity::new(), RandomErasing::default()));
    assert_eq!(image.plan().fingerprint(), by_code.plan().fingerprint());
    assert_eq!(image.plan().to_string(), by_code.plan().to_string());
    let written = serde_json::to_string(&image).unwrap();
    let again: Image = Registry::new()
        .operation::<Digit>()
        .reading(|| serde_json::from_str(&written))
        .unwrap();
    assert_eq!(again.plan().fingerprint(), image.plan().fingerprint());
    assert!(
        written.contains(r#"{"some_of":{"n":[1,2],"#) && written.contains(r#""n":1,"#),
        "{written}"
    );
    let settings = image.plan().settings();
    for key in [
        "image.one_of.p=0.5",
        "image.one_of.operations=rotate, saturation, sequential",
        "image.one_of.rotate.degrees=10",
        "image.one_of.sequential.random_apply.random_erasing.p=0.5",
        "image.by_class.operations=horizontal_flip",
        "image.by_class.otherwise=some_of",
        "image.by_class.otherwise.some_of.random_erasing.p=0.5",
        "image.one_of#2.operations=identity, random_erasing",
    ] {
        assert!(settings.iter().any(|setting| setting == key), "{key}: {settings:#?}");
    }
}

#[test]
fn what_decides_pixels_inside_of_others_is_in_the_fingerprint() {
    let print = |image: Image| image.plan().fingerprint();
    let one = |degrees| Image::new(8).one_of((Rotate::new(degrees), Identity::new()));
    let all = [
        print(one(10.0)),
        print(one(11.0)),
        print(Image::new(8).one_of((Identity::new(), Rotate::new(10.0)))),
        print(Image::new(8).with(OneOf::new((Rotate::new(10.0), Identity::new())).p(0.5))),
        print(Image::new(8).with(OneOf::new((Rotate::new(10.0), Identity::new())).weights([1.0, 2.0]))),
        print(Image::new(8).some_of(1..=1, (Rotate::new(10.0), Identity::new()))),
        print(Image::new(8).one_of(RandomApply::new(0.5, (Rotate::new(10.0), Identity::new())))),
    ];
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(all[0], print(one(10.0)));
}

#[test]
fn mistakes_inside_of_others_have_their_line_and_column() {
    for (wrong, right, said) in [
        (
            "rotate = { degrees = 10 }",
            "rotat = { degrees = 10 }",
            "unknown operation \"rotat\": do you mean \"rotate\"? at line 6 column 7",
        ),
        (
            "\"saturation\"",
            "\"saturatio\"",
            "unknown operation \"saturatio\": do you mean \"saturation\"? at line 7 column 5",
        ),
        (
            "degrees = 10",
            "degres = 10",
            "rotate: unknown field `degres` (do you mean `degrees`?), expected one of `degrees`, `padding`, `padding_mode` at line 6 column 18",
        ),
        (
            "degrees = 10",
            "degrees = 200",
            "operations[0]: one_of: operations[0]: rotate: degrees is 200, but has to lie in 0..=180 at line 6 column 28",
        ),
        (
            "p = 0.3",
            "p = 3",
            "random_apply: p is 3, but a probability lies in 0..=1 at line 8 column 82",
        ),
        (
            "weights = [2, 1, 1]",
            "weights = [2, 1]",
            "one_of: weights: there are 2 for 3 operations at line 5 column 31",
        ),
        (
            "weights = [2, 1, 1]",
            "wheights = [2, 1, 1]",
            "one_of: unknown field `wheights` (do you mean `weights`?), expected one of `operations`, `weights`, `p` at line 5 column 21",
        ),
        (
            "n = [1, 2]",
            "n = \"two\"",
            "some_of: n: invalid type: string \"two\", expected a whole number, or a range of two, [low, high] at line 12 column 17",
        ),
    ] {
        assert!(NESTED.contains(wrong));
        let error = read(&NESTED.replacen(wrong, right, 1)).unwrap_err().to_string();
        assert!(error.ends_with(said), "{error}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_when_built() {
    let refused = |operation: &dyn Operation| operation.check().unwrap_err().to_string();
    let none = Operations::new;
    let deep = |levels: u32| {
        (0..levels).fold(Operations::from(Identity::new()), |inner, _| {
            Sequential::new(inner).into()
        })
    };
    let checks: [(&dyn Operation, &str); 18] = [
        (
            &RandomApply::new(1.5, Identity::new()),
            "p is 1.5, but a probability lies in 0..=1",
        ),
        (
            &RandomApply::new(f32::NAN, Identity::new()),
            "p is NaN, but a probability lies in 0..=1",
        ),
        (
            &OneOf::new(Identity::new()).p(-0.1),
            "p is -0.1, but a probability lies in 0..=1",
        ),
        (
            &SomeOf::new(1..=1, Identity::new()).p(2.0),
            "p is 2, but a probability lies in 0..=1",
        ),
        (
            &OneOf::new(none()),
            "operations is empty, but needs at least one operation",
        ),
        (
            &Sequential::new(none()),
            "operations is empty, but needs at least one operation",
        ),
        (
            &OneOf::new(digits()).weights([0.0; 3]),
            "weights: all of them are 0, so none would ever be chosen",
        ),
        (
            &OneOf::new(digits()).weights([1.0, -1.0, 1.0]),
            "weights: -1 is none: a weight is at least 0",
        ),
        (
            &OneOf::new(digits()).weights([1.0]),
            "weights: there are 1 for 3 operations",
        ),
        (
            &SomeOf::new(2..=4, digits()),
            "n is [2, 4], but there are 3 operations: more can be chosen with replace = true",
        ),
        (&SomeOf::new(0..=0, digits()), "n is 0, so nothing would ever be run"),
        #[allow(clippy::reversed_empty_ranges, reason = "that is the mistake")]
        (
            &SomeOf::new(2..=1, digits()),
            "n is [2, 1], but its first number has to be at most the second",
        ),
        (
            &SomeOf::new(1..=65, digits()).replace(true),
            "n is [1, 65], but has to be at most 64",
        ),
        (
            &RandomOrder::new(Identity::new()),
            "operations has one operation, of which there is one order only: take it alone",
        ),
        (
            &ByClass::new([""; 0], Identity::new()),
            "classes is empty: name the classes that it is for, or give fewer_than, a number of rows",
        ),
        (
            &ByClass::fewer_than(0, Identity::new()),
            "fewer_than is 0, but no class has fewer rows than that",
        ),
        (
            &OneOf::new((Identity::new(), Sequential::new(Rotate::new(200.0)))),
            "operations[1]: sequential: operations[0]: rotate: degrees is 200, but has to lie in 0..=180",
        ),
        (
            &Sequential::new(deep(7)),
            "operations: more than 8 operations stand inside of each other",
        ),
    ];
    for (operation, said) in checks {
        assert_eq!(refused(operation), said);
    }
    assert!(Sequential::new(deep(6)).check().is_ok());
    // A user's operation of a name of this crate's, deep inside.
    let error = Image::new(8)
        .one_of(Sequential::new(Rotated {}))
        .check()
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("rotate: an operation of this crate is called so"),
        "{error}"
    );
}

/// Has the name of another one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Rotated {}

impl Spec for Rotated {
    const NAME: &'static str = "rotate";
}

impl Operation for Rotated {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }
}

#[test]
fn the_row_without_augmentation_has_what_every_row_has() {
    let (one, two, three) = digits();
    let plain = |image: Image| {
        let pixels = image
            .plain()
            .as_u8()
            .preview(&Pixels::new(1, 1).to_png().unwrap(), &mut Rng::new(0, "", 0));
        pixels.unwrap().levels[0]
    };
    let sequence = Sequential::new((
        one.clone(),
        GaussianBlur::new(0.1..=2.0),
        two.clone(),
        OneOf::new(three.clone()),
    ));
    assert_eq!(plain(Image::new(1).with(sequence.clone())), 0b0110);
    assert_eq!(
        plain(Image::new(1).random_apply(1.0, (one.clone(), RandomApply::new(0.5, two.clone())))),
        1
    );
    assert_eq!(plain(Image::new(1).random_apply(0.9, one.clone())), 0);
    assert_eq!(plain(Image::new(1).one_of(one.clone())), 0);
    assert!(!Image::new(1).with(Sequential::new((one.clone(), two))).is_random());
    assert!(!Image::new(1).random_apply(1.0, one.clone()).is_random());
    assert!(Image::new(1).random_apply(0.5, one).is_random());
    assert!(Image::new(1).with(sequence).is_random());
}

#[test]
fn steps_show_which_operation_was_chosen() {
    let stage = Image::new(20)
        .one_of((Rotate::new(10.0), Brightness::new(0.2)))
        .random_apply(0.0, GaussianNoise::new(0.1));
    let photo = Pixels::new(40, 30).to_png().unwrap();
    let mut seen = [false; 2];
    for row in 0..20 {
        let steps = stage.steps(&photo, &mut Rng::new(0, "image", row)).unwrap();
        assert_eq!([&*steps[2].name, &*steps[3].name], ["one_of", "random_apply"]);
        let words = steps[2].drawn.clone().unwrap();
        seen[0] |= words.starts_with("rotate: ") && words.ends_with(" degrees");
        seen[1] |= words.starts_with("brightness: factor ");
        assert_eq!(steps[3].drawn.as_deref(), Some("unchanged"));
        assert_eq!(
            steps[3].pixels,
            stage.preview(&photo, &mut Rng::new(0, "image", row)).unwrap()
        );
    }
    assert_eq!(seen, [true; 2]);
}

/// A turn by so many degrees.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Turn {
    degrees: f64,
}

impl Spec for Turn {
    const NAME: &'static str = "turn";
}

impl Operation for Turn {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(Motion::rotation(subject.size(), self.degrees))
    }
}

/// Width and height exchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Transposed {}

impl Spec for Transposed {
    const NAME: &'static str = "transposed";
}

impl Operation for Transposed {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(Motion::transpose(subject.size()))
    }

    fn resized(&self, [width, height]: [u32; 2]) -> Option<[u32; 2]> {
        Some([height, width])
    }
}

/// Changes nothing, but what moves before it is drawn first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Still {}

impl Spec for Still {
    const NAME: &'static str = "still";
}

impl Operation for Still {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::values(|_| ())
    }
}

fn stripes() -> Pixels {
    let mut pixels = Pixels::new(48, 32);
    for (at, level) in pixels.levels.iter_mut().enumerate() {
        *level = ((at / 3 % 48 * 97 + at / 144 * 61) % 256) as u8;
    }
    pixels
}

#[test]
fn motions_inside_join_their_neighbours() {
    let photo = stripes().to_png().unwrap();
    let preview = |image: Image| image.preview(&photo, &mut Rng::new(0, "image", 0)).unwrap();
    let turn = |degrees| Turn { degrees };
    let far = |image: Image| {
        let (a, b) = (preview(image), preview(Image::sized(48, 32)));
        let middle = |pixels: &Pixels| pixels.levels[144 * 12..144 * 20].to_vec();
        let far = middle(&a)
            .iter()
            .zip(middle(&b))
            .map(|(a, b)| u32::from(a.abs_diff(b)))
            .max();
        far.unwrap()
    };
    let stage = || Image::sized(48, 32);
    // There and back again is one resample of nothing; with a change of values between, two blurred ones.
    assert!(far(stage().with(turn(10.0)).with(Still {}).with(turn(-10.0))) > 20);
    for inside in [
        stage().with(Sequential::new((turn(10.0), turn(-10.0)))),
        stage().with(turn(10.0)).with(OneOf::new(Sequential::new(turn(-10.0)))),
        stage().random_apply(1.0, RandomOrder::new((turn(10.0), turn(-10.0)))),
    ] {
        assert!(far(inside.clone()) <= 1, "{}", far(inside));
    }
    // On a picture alone, too.
    let mut alone = stripes();
    Sequential::new((turn(10.0), turn(-10.0))).apply(&mut alone, &mut Rng::new(0, "any", 0));
    let middle = 144 * 12..144 * 20;
    let pairs = alone.levels[middle.clone()]
        .iter()
        .zip(&stripes().levels[middle])
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(pairs.unwrap() <= 1);
}

#[test]
fn operations_that_change_the_size_stand_where_all_rows_get_them() {
    let check = |image: Image| image.check().map_err(|error| error.to_string());
    let wide = || Image::sized(32, 24);
    let twice = || Sequential::new((Transposed {}, Rotate::new(10.0), Transposed {}));
    assert_eq!(check(wide().with(twice())), Ok(()));
    let photo = stripes().to_png().unwrap();
    let moved = wide()
        .with(twice())
        .preview(&photo, &mut Rng::new(0, "image", 0))
        .unwrap();
    assert_eq!((moved.width, moved.height), (32, 24));
    let one = OneOf::new((Transposed {}, Sequential::new(Transposed {})));
    assert_eq!(check(wide().with(Transposed {}).with(one.clone())), Ok(()));
    let several = Err("one_of: leaves pictures of several sizes".to_owned());
    assert_eq!(check(wide().with(Transposed {}).with(one.p(0.5))), several);
    assert_eq!(check(wide().one_of((Identity::new(), Transposed {}))), several);
    let some = Err("random_apply: leaves pictures of several sizes".to_owned());
    assert_eq!(check(wide().random_apply(0.5, Transposed {})), some);
}
