//! `docs/operations.md`, which is made of the operations' own docs and defaults.

use millstream::image::{Crop, operations};
use millstream::spec::Field;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
const SOURCES: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/image"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/rows/partners"),
];

const HEAD: &str = "\
# Operations on training pictures

The operations that `augment.operations` of a recipe and `--augment` take, with their parameters as they are where none is said. A name alone means
these, but for operations that the table calls \"not by its name alone\": `--augment horizontal_flip`, `operations = [\"horizontal_flip\"]`. Others are named: `--augment '{\"rotate\": {\"degrees\": 5}}'`,
`operations = [{ rotate = { degrees = 5 } }]`. A range is written as a list of its two ends; a parameter without a value is not set. Each operation is described in full
by the docs of the struct of its name. `millstream preview --row N` shows what each does to a row.

`copy_paste`, `mosaic`, `mixup` and `cutmix` take other rows, so one of them comes last, in a run alone. `copy_paste` and `mosaic` are for a detection, whose boxes and
classes they take: a run refuses their `boxes`, `classes_in`, `masks` and `instances`. `mixup` and `cutmix` mix pictures and labels of a classification where stages of the network
train on new pictures (`train.unfreeze`); the head before that trains on pictures that are not mixed.

`aug_mix` mixes what has moved in several ways, and refuses boxes, masks and keypoints. `by_class` goes by the class of a row; where a row has several, as boxes or as a
list, by the rarest of them, the one that the fewest rows have.

Pictures of a recipe and of the command line have three channels of 8 bits: neither has a `depth` or `channels`. In code there are pictures of one and of four
channels (`Image::channels`), of 16 bits and of `f32` (`Image::depth`), too. All operations take 16 bits and `f32`; `equalize`, `posterize`,
`clahe` and `jpeg` leave 256 levels of them at most, as in torchvision and albumentations, also where a policy runs them.

This page is written by a test (`tests/images/page.rs`): change the docs of the struct, and run the test with `WRITE_PAGE=1`.
";

/// The first sentence of the docs of each spec below `folder`, by its name.
fn sentences(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sentences(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("impl Spec for ").skip(1) {
            let name = part.split("const NAME: &'static str = \"").nth(1);
            let name = name.and_then(|rest| rest.split('"').next()).unwrap();
            let of = part.split([' ', '<']).next().unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| {
                let beginnings = [" {", ";", "("].map(|end| format!("pub struct {of}{end}"));
                beginnings.iter().any(|beginning| line.starts_with(beginning))
            });
            let Some(at) = at else { continue };
            let above = lines[..at]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("///") || line.starts_with("#["));
            let mut docs: Vec<&str> = above
                .filter_map(|line| line.strip_prefix("///"))
                .map(str::trim)
                .collect();
            docs.reverse();
            let paragraph: Vec<&str> = docs.into_iter().take_while(|line| !line.is_empty()).collect();
            found.insert(name.to_owned(), first_sentence(&paragraph.join(" ")));
        }
    }
}

/// Without links, which lead nowhere on a page.
fn first_sentence(text: &str) -> String {
    let text = text.replace(" et al.", " and others");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    let mut plain = String::new();
    let mut rest = &text[..end];
    while let Some((before, link)) = rest.split_once('[') {
        plain += before;
        match link.split_once(']') {
            // `[words](place)` and `[words]`.
            Some((words, after)) if words.starts_with('`') || after.starts_with('(') => {
                plain += words;
                rest = match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
                    Some((_, after)) => after,
                    None => after,
                };
            }
            _ => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain + rest
}

fn parameters<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let said = fields.map(|(name, value)| match value {
        Value::Null => format!("`{name}`"),
        value => format!("`{name} = {value}`").replace(",", ", ").replace('|', "\\|"),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// What an operation says that is given by its name alone, where it refuses that.
fn why_not_alone(name: &str) -> Option<String> {
    let error = operations()
        .read_json(&Value::from(name).to_string())
        .err()?
        .to_string();
    let why = error.strip_prefix(&format!("{name}: ")).unwrap_or(&error);
    // The place in the text.
    Some(why.split(" at line ").next().unwrap_or_default().to_owned())
}

fn page() -> String {
    let mut docs = BTreeMap::new();
    SOURCES
        .iter()
        .for_each(|source| sentences(Path::new(source), &mut docs));
    let mut page = format!("{HEAD}\n| operation | what it does | parameters |\n|---|---|---|\n");
    for own in operations().defaults() {
        let what = docs.get(own.name).unwrap_or_else(|| panic!("{} has no docs", own.name));
        let fields = own
            .fields
            .iter()
            .map(|Field { name, value, .. }| (name.as_str(), value));
        let alone = why_not_alone(own.name);
        let alone = alone.map_or_else(String::new, |why| format!("; not by its name alone: {why}"));
        page += &format!(
            "| `{}` | {} | {}{alone} |\n",
            own.name,
            what.replace('|', "\\|"),
            parameters(fields)
        );
    }
    page += "\n## Crops\n\n`augment.crop` and `--crop` say which part of a picture is resized, before all operations. A detection and a segmentation do not squash pictures: there `whole`, and what is taken of a \
         picture without random augmentation where `random_resized_crop` says nothing else, is a letterbox with `fill = [114, 114, 114]`, which the plan shows; a `letterbox` that is asked for has \
         the fill below.\n\n| crop | parameters |\n|---|---|\n";
    for name in [
        "whole",
        "center_crop",
        "letterbox",
        "random_resized_crop",
        "random_iou_crop",
    ] {
        let crop: Crop = serde_json::from_value(Value::from(name)).unwrap();
        let written: Value = serde_json::from_str(&serde_json::to_string(&crop).unwrap()).unwrap();
        let fields = written.get(name).and_then(Value::as_object);
        let fields = fields.into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        // What is not written where it is not set.
        let unset = match name {
            "letterbox" => ", `resize_size`: the pixels of the longer side",
            "random_resized_crop" => ", `plain`: the crop of pictures without random augmentation",
            _ => "",
        };
        page += &format!("| `{name}` | {}{unset} |\n", parameters(fields));
    }
    page + "| `resize_center_crop` | `resize_size`, which has to be given |\n"
}

#[test]
fn the_page_of_operations_is_that_of_their_specs() {
    let page = page();
    if std::env::var_os("WRITE_PAGE").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert!(page.contains("| `rotate` | ") && page.contains("`degrees = "), "{page}");
    assert_eq!(
        page.lines().filter(|line| line.starts_with("| `")).count(),
        operations().names().count() + 6
    );
    let with_more = page.lines().filter(|line| line.contains("; not by its name alone: "));
    let with_more: Vec<&str> = with_more.filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(
        with_more,
        [
            "affine",
            "by_class",
            "color_jitter",
            "one_of",
            "pad",
            "random_apply",
            "random_crop",
            "random_order",
            "sequential",
            "some_of"
        ]
    );
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/operations.md is out of date: run this test with WRITE_PAGE=1"
    );
}
